//! Tools: what a server lists and a client calls.
//!
//! Specification: 2026-07-28, server, "Tools". It does not check arguments against a schema and does
//! not know who may call what.

mod call;

use serde::{Deserialize, Serialize, de};
use serde_json::value::RawValue;

pub use self::call::{CallToolRequestParams, CallToolRequestParamsRef, CallToolResult};
use super::{CacheHints, Cursor, Icon, Meta, RawObject, RawObjectError, open::open_enum};

/// The longest tool name that the specification recommends, in characters.
const LONGEST_NAME: usize = 128;

/// A tool that a client can call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tool {
    /// The name by which it is called, unique on its server.
    pub name: String,
    /// The name for people; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    pub input_schema: Schema,
    /// The JSON Schema of its structured result; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Schema>,
    /// Hints on what calling it does; since 2025-03-26.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<ToolAnnotations>,
    /// How it can be run; 2025-11-25 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ToolExecution>,
    /// Pictures to show beside the name; since 2025-11-25.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// The tool's own `_meta`; since 2025-06-18.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl Tool {
    /// Describes a tool by its name and the schema of its arguments.
    ///
    /// The name is not checked here, because received names are not either: see
    /// [`is_valid_tool_name`].
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_core::types::{Schema, Tool, ToolAnnotations};
    ///
    /// let tool = Tool::new("now", Schema::no_arguments())
    ///     .with_description("Tells the time.")
    ///     .with_annotations(ToolAnnotations::new().with_read_only(true));
    /// assert_eq!(tool.display_name(), "now");
    /// ```
    pub fn new(name: impl Into<String>, input_schema: Schema) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            input_schema,
            output_schema: None,
            annotations: None,
            execution: None,
            icons: Vec::new(),
            meta: None,
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what the tool does.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the schema of the structured result.
    #[must_use]
    pub fn with_output_schema(mut self, schema: Schema) -> Self {
        self.output_schema = Some(schema);
        self
    }

    /// Sets the hints on what calling it does.
    #[must_use]
    pub fn with_annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.annotations = Some(annotations);
        self
    }

    /// Says how it can be run.
    #[must_use]
    pub fn with_execution(mut self, execution: ToolExecution) -> Self {
        self.execution = Some(execution);
        self
    }

    /// Adds a picture.
    #[must_use]
    pub fn with_icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Sets the tool's own `_meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The name to show to people: the title, the title among the annotations, or else the name.
    pub fn display_name(&self) -> &str {
        let annotated = || self.annotations.as_ref().and_then(|a| a.title.as_deref());
        self.title.as_deref().or_else(annotated).unwrap_or(&self.name)
    }
}

/// Whether `name` follows the rules that the specification recommends for tool names.
///
/// They are 1 to 128 ASCII letters, digits, underscores, hyphens and dots (2025-11-25 and later,
/// server, "Tools"). Servers SHOULD keep to them; clients have to live with names that do not.
pub const fn is_valid_tool_name(name: &str) -> bool {
    let name = name.as_bytes();
    let mut at = 0;
    while at < name.len() {
        if !name[at].is_ascii_alphanumeric() && !matches!(name[at], b'_' | b'-' | b'.') {
            return false;
        }
        at += 1;
    }
    !name.is_empty() && name.len() <= LONGEST_NAME
}

/// A JSON Schema, kept as text.
///
/// It is an object. Cloning shares the text, and writing a list of tools copies it. Two are equal
/// when their texts are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema(RawObject);

impl Schema {
    /// Writes `value` as a schema.
    ///
    /// # Errors
    ///
    /// When `value` cannot be written as JSON, or is written as something else than an object.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, RawObjectError> {
        RawObject::new(value).map(Self)
    }

    /// Takes the schema's JSON text.
    ///
    /// # Errors
    ///
    /// When `text` is not JSON, or something else than an object.
    pub fn from_text(text: impl Into<String>) -> Result<Self, RawObjectError> {
        RawObject::from_text(text).map(Self)
    }

    /// The input schema of a tool without arguments.
    pub fn no_arguments() -> Self {
        Self::from_text(r#"{"type":"object","additionalProperties":false}"#)
            .expect("the literal is an object")
    }

    /// The schema's JSON text, in one line.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The schema as a raw value.
    pub fn as_raw(&self) -> &RawValue {
        self.0.as_raw()
    }

    /// Decodes the schema, for instance into a [`serde_json::Value`].
    ///
    /// # Errors
    ///
    /// When the schema does not fit `T`.
    pub fn parse<T: de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.0.parse()
    }
}

impl From<RawObject> for Schema {
    fn from(object: RawObject) -> Self {
        Self(object)
    }
}

/// Hints on what calling a tool does.
///
/// A server may be wrong about them or lie. Decide nothing by them unless you trust the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolAnnotations {
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It changes nothing; absent means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// It may destroy something rather than only add; absent means true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// A second call with the same arguments changes nothing more; absent means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// It deals with the outside world; absent means true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

impl ToolAnnotations {
    /// Says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says whether it changes nothing.
    #[must_use]
    pub fn with_read_only(mut self, hint: bool) -> Self {
        self.read_only_hint = Some(hint);
        self
    }

    /// Says whether it may destroy something.
    #[must_use]
    pub fn with_destructive(mut self, hint: bool) -> Self {
        self.destructive_hint = Some(hint);
        self
    }

    /// Says whether a second call changes nothing more.
    #[must_use]
    pub fn with_idempotent(mut self, hint: bool) -> Self {
        self.idempotent_hint = Some(hint);
        self
    }

    /// Says whether it deals with the outside world.
    #[must_use]
    pub fn with_open_world(mut self, hint: bool) -> Self {
        self.open_world_hint = Some(hint);
        self
    }
}

/// How a tool can be run; 2025-11-25 only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolExecution {
    /// Whether it can be run as a task; absent means that it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_support: Option<TaskSupport>,
}

impl ToolExecution {
    /// Says whether it can be run as a task.
    pub fn new(task_support: TaskSupport) -> Self {
        Self { task_support: Some(task_support) }
    }
}

open_enum! {
    /// Whether a tool can be run as a task.
    pub enum TaskSupport {
        /// It cannot.
        Forbidden = "forbidden",
        /// It can.
        Optional = "optional",
        /// It can only be run so.
        Required = "required",
    }
}

/// One page of a server's tools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListToolsResult {
    /// The tools of this page.
    pub tools: Vec<Tool>,
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

impl ListToolsResult {
    /// Lists these tools, in one page.
    pub fn new(tools: impl IntoIterator<Item = Tool>) -> Self {
        Self { tools: tools.into_iter().collect(), ..Self::default() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_share_their_text() {
        let schema = Schema::from_text("{\n \"type\": \"object\"\n}").unwrap();
        let tools = [Tool::new("a", schema.clone()), Tool::new("b", schema)];
        assert!(std::ptr::eq(tools[0].input_schema.as_raw(), tools[1].input_schema.as_raw()));
        assert_eq!(
            serde_json::to_string(&tools[0]).unwrap(),
            r#"{"name":"a","inputSchema":{ "type": "object"}}"#
        );
    }

    #[test]
    fn a_schema_has_to_be_an_object() {
        let error = serde_json::from_str::<Tool>(r#"{"name":"a","inputSchema":true}"#).unwrap_err();
        assert!(error.to_string().contains("a boolean, expected an object"));
    }

    #[test]
    fn tool_names_follow_the_specification() {
        for name in ["getUser", "DATA_EXPORT_v2", "admin.tools.list", "a-b", &"a".repeat(128)] {
            assert!(is_valid_tool_name(name), "{name}");
        }
        for name in ["", "a b", "a,b", "a/b", "ä", &"a".repeat(129)] {
            assert!(!is_valid_tool_name(name), "{name}");
        }
    }
}
