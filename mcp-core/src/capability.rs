//! What clients and servers can do.
//!
//! Owns the capability objects of all revisions. A capability is there or not; most carry settings.
//! What this module does not know: which revision has which capability, and what the settings of an
//! extension mean. Specification: 2026-07-28, schema, `ClientCapabilities` and `ServerCapabilities`.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess},
};
use serde_json::{Map, Value, value::RawValue};

use crate::types::RawObject;

/// What a client can do.
///
/// Capabilities that this library does not know are kept in [`other`](Self::other).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClientCapabilities {
    /// Capabilities outside the specification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experimental: Option<Extensions>,
    /// It can say which folders it works in; deprecated by 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roots: Option<RootsCapability>,
    /// It can ask a model; deprecated by 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<SamplingCapability>,
    /// It can ask the user; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation: Option<ElicitationCapability>,
    /// It can run requests as tasks; 2025-11-25 only, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<RawObject>,
    /// Extensions and their settings; since 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Extensions>,
    /// All other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ClientCapabilities {
    /// A client that can do nothing beyond the basics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares that the client can say which folders it works in.
    #[must_use]
    pub fn with_roots(mut self, roots: RootsCapability) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Declares that the client can ask a model.
    #[must_use]
    pub fn with_sampling(mut self, sampling: SamplingCapability) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// Declares that the client can ask the user.
    #[must_use]
    pub fn with_elicitation(mut self, elicitation: ElicitationCapability) -> Self {
        self.elicitation = Some(elicitation);
        self
    }

    /// Declares an extension with its settings, [`RawObject::empty`] for none.
    #[must_use]
    pub fn with_extension(mut self, id: impl Into<String>, settings: RawObject) -> Self {
        self.extensions.get_or_insert_default().insert(id, settings);
        self
    }

    /// The settings of the extension `id`, if it is declared.
    pub fn extension(&self, id: &str) -> Option<&RawObject> {
        self.extensions.as_ref()?.get(id)
    }
}

/// What a server can do.
///
/// Capabilities that this library does not know are kept in [`other`](Self::other).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerCapabilities {
    /// Capabilities outside the specification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experimental: Option<Extensions>,
    /// It can send log messages; deprecated by 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<RawObject>,
    /// It can complete arguments; since 2025-03-26.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completions: Option<RawObject>,
    /// It has prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<PromptsCapability>,
    /// It has resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourcesCapability>,
    /// It has tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<ToolsCapability>,
    /// It can run requests as tasks; 2025-11-25 only, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<RawObject>,
    /// Extensions and their settings; since 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Extensions>,
    /// All other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ServerCapabilities {
    /// A server that offers nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares that the server can send log messages.
    #[must_use]
    pub fn with_logging(mut self) -> Self {
        self.logging = Some(RawObject::empty());
        self
    }

    /// Declares that the server can complete arguments.
    #[must_use]
    pub fn with_completions(mut self) -> Self {
        self.completions = Some(RawObject::empty());
        self
    }

    /// Declares that the server has prompts.
    #[must_use]
    pub fn with_prompts(mut self, prompts: PromptsCapability) -> Self {
        self.prompts = Some(prompts);
        self
    }

    /// Declares that the server has resources.
    #[must_use]
    pub fn with_resources(mut self, resources: ResourcesCapability) -> Self {
        self.resources = Some(resources);
        self
    }

    /// Declares that the server has tools.
    #[must_use]
    pub fn with_tools(mut self, tools: ToolsCapability) -> Self {
        self.tools = Some(tools);
        self
    }

    /// Declares an extension with its settings, [`RawObject::empty`] for none.
    #[must_use]
    pub fn with_extension(mut self, id: impl Into<String>, settings: RawObject) -> Self {
        self.extensions.get_or_insert_default().insert(id, settings);
        self
    }

    /// The settings of the extension `id`, if it is declared.
    pub fn extension(&self, id: &str) -> Option<&RawObject> {
        self.extensions.as_ref()?.get(id)
    }
}

/// Extensions by their identifiers, each with its settings.
///
/// Settings are an object; anything else is an error that names the extension. Identifiers are not
/// checked when they are received: see
/// [`is_valid_extension_id`](crate::types::is_valid_extension_id).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Extensions(BTreeMap<String, RawObject>);

impl Extensions {
    /// No extensions.
    pub fn new() -> Self {
        Self::default()
    }

    /// The settings of the extension `id`, if it is declared.
    pub fn get(&self, id: &str) -> Option<&RawObject> {
        self.0.get(id)
    }

    /// Declares an extension and returns the settings that it had.
    pub fn insert(&mut self, id: impl Into<String>, settings: RawObject) -> Option<RawObject> {
        self.0.insert(id.into(), settings)
    }

    /// Takes back an extension.
    pub fn remove(&mut self, id: &str) -> Option<RawObject> {
        self.0.remove(id)
    }

    /// Identifiers and settings, in the order of the identifiers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawObject)> {
        self.0.iter().map(|(id, settings)| (id.as_str(), settings))
    }

    /// The number of extensions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<Id: Into<String>> FromIterator<(Id, RawObject)> for Extensions {
    fn from_iter<I: IntoIterator<Item = (Id, RawObject)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(id, settings)| (id.into(), settings)).collect())
    }
}

impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExtensionsVisitor<'de>(PhantomData<&'de ()>);
        impl<'de> de::Visitor<'de> for ExtensionsVisitor<'de> {
            type Value = Extensions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the settings of each extension")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extensions, A::Error> {
                let mut extensions = Extensions::new();
                while let Some((id, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                    let settings = RawObject::from_raw(raw).map_err(|error| {
                        de::Error::custom(format_args!("settings of `{id}`: {error}"))
                    })?;
                    extensions.insert(id, settings);
                }
                Ok(extensions)
            }
        }
        deserializer.deserialize_map(ExtensionsVisitor(PhantomData))
    }
}

/// Whether a client reports changes of its folders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RootsCapability {
    /// It reports changes of the list; up to 2025-11-25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

/// What a client allows when a server asks its model; the fields exist since 2025-11-25.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SamplingCapability {
    /// The server may ask for context from other servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<RawObject>,
    /// The server may offer tools to the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<RawObject>,
}

/// The ways in which a client can ask the user; the fields exist since 2025-11-25.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitationCapability {
    /// With a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<RawObject>,
    /// By sending the user to an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<RawObject>,
}

impl ElicitationCapability {
    /// Whether forms can be shown: so it is also when no way is named.
    pub fn allows_form(&self) -> bool {
        self.form.is_some() || self.url.is_none()
    }

    /// Whether the user can be sent to an address.
    pub fn allows_url(&self) -> bool {
        self.url.is_some()
    }
}

/// Whether a server reports changes of its prompts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PromptsCapability {
    /// It reports changes of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

/// Whether a server reports changes of its resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourcesCapability {
    /// It reports changes of single resources to those who ask for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<bool>,
    /// It reports changes of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

impl ResourcesCapability {
    /// Sets whether changes of single resources are reported.
    #[must_use]
    pub fn with_subscribe(mut self, subscribe: bool) -> Self {
        self.subscribe = Some(subscribe);
        self
    }
}

/// Whether a server reports changes of its tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolsCapability {
    /// It reports changes of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

/// Writes the setter that these types share.
macro_rules! list_changed {
    ($($name:ident)+) => {$(
        impl $name {
            /// Declares the capability without details.
            pub fn new() -> Self {
                Self::default()
            }

            /// Sets whether changes of the list are reported.
            #[must_use]
            pub fn with_list_changed(mut self, list_changed: bool) -> Self {
                self.list_changed = Some(list_changed);
                self
            }
        }
    )+};
}

list_changed!(RootsCapability PromptsCapability ResourcesCapability ToolsCapability);

impl SamplingCapability {
    /// Declares the capability without details.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows the server to offer tools to the model.
    #[must_use]
    pub fn with_tools(mut self) -> Self {
        self.tools = Some(RawObject::empty());
        self
    }

    /// Allows the server to ask for context from other servers.
    #[must_use]
    pub fn with_context(mut self) -> Self {
        self.context = Some(RawObject::empty());
        self
    }
}

impl ElicitationCapability {
    /// Declares the capability without details, which means forms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names forms.
    #[must_use]
    pub fn with_form(mut self) -> Self {
        self.form = Some(RawObject::empty());
        self
    }

    /// Names addresses.
    #[must_use]
    pub fn with_url(mut self) -> Self {
        self.url = Some(RawObject::empty());
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_capabilities_survive() {
        let tree = json!({
            "roots": {"listChanged": true},
            "telepathy": {"range": [1, {"far": null}]},
            "tasks": {"list": {}, "requests": {"sampling": {"createMessage": {}}}},
            "extensions": {"com.example/x": {"n": 1}},
        });
        let capabilities: ClientCapabilities = serde_json::from_str(&tree.to_string()).unwrap();
        assert!(capabilities.other.contains_key("telepathy"));
        assert_eq!(capabilities.other.len(), 1);
        assert_eq!(serde_json::to_value(&capabilities).unwrap(), tree);
        assert_eq!(serde_json::from_value::<ClientCapabilities>(tree).unwrap(), capabilities);
    }

    #[test]
    fn settings_that_are_no_object_are_named() {
        for text in
            [r#"{"extensions":{"com.example/x":[]}}"#, r#"{"experimental":{"com.example/x":[]}}"#]
        {
            let error = serde_json::from_str::<ServerCapabilities>(text).unwrap_err().to_string();
            assert!(
                error.starts_with("settings of `com.example/x`: an array, expected an object"),
                "{error}"
            );
        }
    }

    #[test]
    fn nothing_declared_is_an_empty_object() {
        assert_eq!(serde_json::to_string(&ClientCapabilities::new()).unwrap(), "{}");
        assert_eq!(serde_json::to_string(&ServerCapabilities::new()).unwrap(), "{}");
    }

    #[test]
    fn extensions_are_declared_and_found() {
        let server = ServerCapabilities::new()
            .with_tools(ToolsCapability::new().with_list_changed(true))
            .with_extension("com.example/x", RawObject::empty());
        assert!(server.extension("com.example/x").unwrap().is_empty());
        assert!(server.extension("com.example/y").is_none());
        assert_eq!(
            serde_json::to_string(&server).unwrap(),
            r#"{"tools":{"listChanged":true},"extensions":{"com.example/x":{}}}"#
        );
    }

    #[test]
    fn elicitation_without_details_means_forms() {
        assert!(ElicitationCapability::new().allows_form());
        assert!(!ElicitationCapability::new().allows_url());
        assert!(!ElicitationCapability::new().with_url().allows_form());
        assert!(ElicitationCapability::new().with_url().with_form().allows_form());
    }
}
