//! Resources: what a server lists and a client reads.
//!
//! Specification: 2026-07-28, server, "Resources". Contents are defined with the other content. It
//! does not expand URI templates and does not know who may read what.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::{
    Annotations, CacheHints, Cursor, Icon, Meta, ResourceContents, ResourceLink,
    params::{Text, check_objects, from_object},
};

/// A resource that a client can read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// The address by which it is read, unique on its server.
    pub uri: String,
    /// The name for programs.
    pub name: String,
    /// The name for people; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The media type, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The number of bytes before any encoding, if it is known; since 2025-03-26.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Pictures to show beside the name; since 2025-11-25.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// For whom and how important it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// The resource's own `_meta`; since 2025-06-18.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl Resource {
    /// Describes a resource by its address and name.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_core::types::Resource;
    ///
    /// let notes = Resource::new("file:///notes.md", "notes").with_mime_type("text/markdown");
    /// assert_eq!(notes.display_name(), "notes");
    /// ```
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            icons: Vec::new(),
            annotations: None,
            meta: None,
        }
    }

    /// Sets the number of bytes.
    #[must_use]
    pub fn with_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }
}

impl From<Resource> for ResourceLink {
    fn from(resource: Resource) -> Self {
        let mut link = Self::new(resource.uri, resource.name);
        link.title = resource.title;
        link.description = resource.description;
        link.mime_type = resource.mime_type;
        link.size = resource.size;
        link.icons = resource.icons;
        link.annotations = resource.annotations;
        link.meta = resource.meta;
        link
    }
}

/// A family of resources whose addresses follow a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceTemplate {
    /// The pattern of the addresses: a URI template after RFC 6570.
    pub uri_template: String,
    /// The name for programs.
    pub name: String,
    /// The name for people; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What these resources are, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The media type, where all of these resources have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Pictures to show beside the name; since 2025-11-25.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// For whom and how important they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// The template's own `_meta`; since 2025-06-18.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ResourceTemplate {
    /// Describes resources by the pattern of their addresses and a name.
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri_template: uri_template.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            icons: Vec::new(),
            annotations: None,
            meta: None,
        }
    }
}

/// Writes the setters that both share.
macro_rules! described {
    ($($name:ident)+) => {$(
        impl $name {
            /// Sets the name for people.
            #[must_use]
            pub fn with_title(mut self, title: impl Into<String>) -> Self {
                self.title = Some(title.into());
                self
            }

            /// Says what it is.
            #[must_use]
            pub fn with_description(mut self, description: impl Into<String>) -> Self {
                self.description = Some(description.into());
                self
            }

            /// Sets the media type.
            #[must_use]
            pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
                self.mime_type = Some(mime_type.into());
                self
            }

            /// Adds a picture.
            #[must_use]
            pub fn with_icon(mut self, icon: Icon) -> Self {
                self.icons.push(icon);
                self
            }

            /// Says for whom and how important it is.
            #[must_use]
            pub fn with_annotations(mut self, annotations: Annotations) -> Self {
                self.annotations = Some(annotations);
                self
            }

            /// Sets its own `_meta`.
            #[must_use]
            pub fn with_meta(mut self, meta: Meta) -> Self {
                self.meta = Some(meta);
                self
            }

            /// The name to show to people: the title, or else the name.
            pub fn display_name(&self) -> &str {
                self.title.as_deref().unwrap_or(&self.name)
            }
        }
    )+};
}

described!(Resource ResourceTemplate);

/// One page of a server's resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListResourcesResult {
    /// The resources of this page.
    pub resources: Vec<Resource>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Cursor>,
    /// How long and for whom the page may be kept. Reading and writing it is the codec's work.
    #[serde(skip)]
    pub cache: Option<CacheHints>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl ListResourcesResult {
    /// Lists these resources, in one page.
    pub fn new(resources: impl IntoIterator<Item = Resource>) -> Self {
        Self { resources: resources.into_iter().collect(), ..Self::default() }
    }

    /// Says where the next page begins.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<Cursor>) -> Self {
        self.next_cursor = Some(cursor.into());
        self
    }

    /// Says how long and for whom the page may be kept.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheHints) -> Self {
        self.cache = Some(cache);
        self
    }
}

/// One page of a server's resource templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListResourceTemplatesResult {
    /// The templates of this page.
    pub resource_templates: Vec<ResourceTemplate>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Cursor>,
    /// How long and for whom the page may be kept. Reading and writing it is the codec's work.
    #[serde(skip)]
    pub cache: Option<CacheHints>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl ListResourceTemplatesResult {
    /// Lists these templates, in one page.
    pub fn new(templates: impl IntoIterator<Item = ResourceTemplate>) -> Self {
        Self { resource_templates: templates.into_iter().collect(), ..Self::default() }
    }

    /// Says where the next page begins.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<Cursor>) -> Self {
        self.next_cursor = Some(cursor.into());
        self
    }

    /// Says how long and for whom the page may be kept.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheHints) -> Self {
        self.cache = Some(cache);
        self
    }
}

/// What `resources/read` carries, in a form that owns it.
///
/// A server that only looks at a request decodes [`ReadResourceRequestParamsRef`] and copies nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadResourceRequestParams {
    /// The address of the resource.
    pub uri: String,
}

impl ReadResourceRequestParams {
    /// Asks for the resource at `uri`.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }
}

/// What `resources/read` carries, borrowed from the message.
///
/// It can be decoded from JSON text or bytes, not from a [`serde_json::Value`]. The fields that answer
/// questions exist since 2026-07-28; whether they count is for the codec to say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadResourceRequestParamsRef<'a> {
    /// The address of the resource.
    pub uri: Cow<'a, str>,
    /// The answers to what the server asked in an earlier round: a JSON object.
    pub input_responses: Option<&'a RawValue>,
    /// What the server wants back from an earlier round.
    pub request_state: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for ReadResourceRequestParamsRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            #[serde(borrow)]
            uri: Cow<'a, str>,
            #[serde(borrow, default)]
            input_responses: Option<&'a RawValue>,
            #[serde(borrow, default)]
            request_state: Option<Text<'a>>,
        }

        let fields: Fields<'de> =
            from_object(deserializer, "the params of resources/read: an object")?;
        check_objects([("inputResponses", fields.input_responses)]).map_err(de::Error::custom)?;
        Ok(Self {
            uri: fields.uri,
            input_responses: fields.input_responses,
            request_state: fields.request_state.map(|text| text.0),
        })
    }
}

impl From<&ReadResourceRequestParamsRef<'_>> for ReadResourceRequestParams {
    fn from(params: &ReadResourceRequestParamsRef<'_>) -> Self {
        Self::new(params.uri.clone())
    }
}

/// What reading a resource gives.
///
/// One address can give several contents, for instance the files of a folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadResourceResult {
    /// The contents, each with its address.
    pub contents: Vec<ResourceContents>,
    /// How long and for whom the result may be kept. Reading and writing it is the codec's work.
    #[serde(skip)]
    pub cache: Option<CacheHints>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl ReadResourceResult {
    /// Gives these contents.
    pub fn new<C: Into<ResourceContents>>(contents: impl IntoIterator<Item = C>) -> Self {
        Self { contents: contents.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Says how long and for whom the result may be kept.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheHints) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Sets the result's `_meta`, for a codec to write.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }
}

/// What `resources/subscribe` carries; up to 2025-11-25.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscribeRequestParams {
    /// The address of the resource whose changes are to be reported.
    pub uri: String,
}

impl SubscribeRequestParams {
    /// Asks for reports on the resource at `uri`.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }
}

/// What `resources/unsubscribe` carries; up to 2025-11-25.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnsubscribeRequestParams {
    /// The address of the resource whose changes are no longer to be reported.
    pub uri: String,
}

impl UnsubscribeRequestParams {
    /// Asks for no more reports on the resource at `uri`.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }
}

/// What `notifications/resources/updated` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResourceUpdatedNotificationParams {
    /// The address of what has changed. It may lie below the address that was subscribed to.
    pub uri: String,
}

impl ResourceUpdatedNotificationParams {
    /// Reports that the resource at `uri` has changed.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ContentBlock, TextResourceContents};

    #[test]
    fn a_read_is_decoded_without_copying() {
        let text = r#"{"_meta":{},"uri":"file:///a","requestState":"s","inputResponses":{}}"#;
        let params: ReadResourceRequestParamsRef<'_> = serde_json::from_str(text).unwrap();
        assert!(matches!(params.uri, Cow::Borrowed("file:///a")));
        assert!(matches!(params.request_state, Some(Cow::Borrowed("s"))));
        assert_eq!(params.input_responses.unwrap().get(), "{}");
        assert_eq!(
            ReadResourceRequestParams::from(&params),
            ReadResourceRequestParams::new("file:///a")
        );
    }

    #[test]
    fn a_read_without_an_address_is_refused() {
        for (text, expected) in [
            ("{}", "missing field `uri`"),
            (r#"["a:b"]"#, "the params of resources/read: an object"),
            (r#"{"uri":"a:b","inputResponses":7}"#, "`inputResponses` is a number"),
        ] {
            let error = serde_json::from_str::<ReadResourceRequestParamsRef<'_>>(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_resource_becomes_a_link_with_all_that_is_known_of_it() {
        let resource = Resource::new("a:b", "b").with_title("B").with_size(3);
        let link = ContentBlock::from(ResourceLink::from(resource.clone()));
        let mut tree = serde_json::to_value(&link).unwrap();
        assert_eq!(tree.as_object_mut().unwrap().remove("type").unwrap(), "resource_link");
        assert_eq!(tree, serde_json::to_value(&resource).unwrap());
    }

    #[test]
    fn neither_cache_nor_meta_is_written_by_the_type() {
        let result = ReadResourceResult::new([TextResourceContents::new("a:b", "text")])
            .with_cache(CacheHints::public(1))
            .with_meta(Meta::new().with("k", 1));
        assert_eq!(
            serde_json::to_string(&result).unwrap(),
            r#"{"contents":[{"uri":"a:b","text":"text"}]}"#
        );
    }
}
