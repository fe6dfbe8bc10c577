//! The schema of a form: a flat object of texts, numbers, yes or no, and choices.
//!
//! It is a small part of JSON Schema. What lies outside of it is refused when a schema is read, and
//! the error names the property, so a client never shows half a form.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use super::super::{number, open::open_enum, ordered};

/// What a form asks for, in the order in which it is asked.
///
/// A schema with more than 256 properties, or with one that stands twice, is refused.
///
/// # Examples
///
/// ```
/// use mcp_core::types::{ElicitationSchema, NumberSchema, SingleSelectEnumSchema, StringFormat, StringSchema};
///
/// let schema = ElicitationSchema::new()
///     .with_required("email", StringSchema::new().with_format(StringFormat::Email))
///     .with_optional("age", NumberSchema::integer().with_minimum(18.0))
///     .with_optional("plan", SingleSelectEnumSchema::new(["free", "paid"]).with_default("free"));
///
/// let mut answer = serde_json::Map::new();
/// answer.insert("email".into(), "ada@example.com".into());
/// schema.validate(&answer).unwrap();
/// schema.fill_defaults(&mut answer);
/// assert_eq!(answer["plan"], "free");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitationSchema {
    /// The JSON Schema dialect; since 2025-11-25.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    #[serde(rename = "type")]
    kind: ObjectType,
    #[serde(with = "ordered")]
    properties: Vec<(String, PrimitiveSchemaDefinition)>,
    /// The properties that have to be filled in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
}

impl ElicitationSchema {
    /// Asks for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a property that has to be filled in. One of the same name is replaced.
    #[must_use]
    pub fn with_required(
        mut self,
        name: impl Into<String>,
        schema: impl Into<PrimitiveSchemaDefinition>,
    ) -> Self {
        let name = name.into();
        if !self.is_required(&name) {
            self.required.push(name.clone());
        }
        ordered::insert(&mut self.properties, name, schema.into());
        self
    }

    /// Adds a property that can be left out. One of the same name is replaced.
    #[must_use]
    pub fn with_optional(
        mut self,
        name: impl Into<String>,
        schema: impl Into<PrimitiveSchemaDefinition>,
    ) -> Self {
        let name = name.into();
        self.required.retain(|required| *required != name);
        ordered::insert(&mut self.properties, name, schema.into());
        self
    }

    /// The properties, in their order.
    pub fn properties(&self) -> impl ExactSizeIterator<Item = (&str, &PrimitiveSchemaDefinition)> {
        self.properties.iter().map(|(name, schema)| (name.as_str(), schema))
    }

    /// The property `name`.
    pub fn property(&self, name: &str) -> Option<&PrimitiveSchemaDefinition> {
        ordered::get(&self.properties, name)
    }

    /// Whether the property `name` has to be filled in.
    pub fn is_required(&self, name: &str) -> bool {
        self.required.iter().any(|required| required == name)
    }

    /// Sets every property that `content` lacks and that has a default.
    pub fn fill_defaults(&self, content: &mut Map<String, Value>) {
        for (name, schema) in self.properties() {
            if !content.contains_key(name)
                && let Some(default) = schema.default_value()
            {
                content.insert(name.to_owned(), default);
            }
        }
    }

    /// Writes the titles of choices as `enumNames`, which is how 2025-06-18 knows them.
    #[must_use]
    pub fn with_enum_names(mut self) -> Self {
        for (_, schema) in &mut self.properties {
            if let PrimitiveSchemaDefinition::SingleSelect(select) = schema {
                select.names = select.options.iter().any(|option| option.title.is_some());
            }
        }
        self
    }
}

/// The only `type` that the schema of a form has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ObjectType {
    #[default]
    Object,
}

/// What one property of a form can be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum PrimitiveSchemaDefinition {
    /// A text.
    String(StringSchema),
    /// A number.
    Number(NumberSchema),
    /// Yes or no.
    Boolean(BooleanSchema),
    /// One of several texts.
    SingleSelect(SingleSelectEnumSchema),
    /// Some of several texts; since 2025-11-25.
    MultiSelect(MultiSelectEnumSchema),
}

impl PrimitiveSchemaDefinition {
    /// The name for people.
    pub fn title(&self) -> Option<&str> {
        match self {
            Self::String(schema) => schema.title.as_deref(),
            Self::Number(schema) => schema.title.as_deref(),
            Self::Boolean(schema) => schema.title.as_deref(),
            Self::SingleSelect(schema) => schema.title.as_deref(),
            Self::MultiSelect(schema) => schema.title.as_deref(),
        }
    }

    /// What is to be filled in.
    pub fn description(&self) -> Option<&str> {
        match self {
            Self::String(schema) => schema.description.as_deref(),
            Self::Number(schema) => schema.description.as_deref(),
            Self::Boolean(schema) => schema.description.as_deref(),
            Self::SingleSelect(schema) => schema.description.as_deref(),
            Self::MultiSelect(schema) => schema.description.as_deref(),
        }
    }

    /// What is filled in when the person changes nothing.
    pub fn default_value(&self) -> Option<Value> {
        match self {
            Self::String(schema) => schema.default.as_deref().map(Value::from),
            Self::Number(schema) => schema.default.map(number::to_value),
            Self::Boolean(schema) => schema.default.map(Value::from),
            Self::SingleSelect(schema) => schema.default.as_deref().map(Value::from),
            Self::MultiSelect(schema) => schema.default.clone().map(Value::from),
        }
    }
}

impl<'de> Deserialize<'de> for PrimitiveSchemaDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::<String, Value>::deserialize(deserializer)?;
        let kind = fields.get("type").ok_or_else(|| de::Error::missing_field("type"))?;
        let kind = kind.as_str().ok_or_else(|| {
            de::Error::custom(format_args!(
                "`type` is {kind}, expected one type that a form can have"
            ))
        })?;
        let is_choice = fields.contains_key("enum") || fields.contains_key("oneOf");
        let read: fn(Value) -> serde_json::Result<Self> = match kind {
            "string" if is_choice => {
                |fields| serde_json::from_value(fields).map(Self::SingleSelect)
            }
            "string" => |fields| serde_json::from_value(fields).map(Self::String),
            "number" | "integer" => |fields| serde_json::from_value(fields).map(Self::Number),
            "boolean" => |fields| serde_json::from_value(fields).map(Self::Boolean),
            "array" => |fields| serde_json::from_value(fields).map(Self::MultiSelect),
            other => {
                return Err(de::Error::custom(format_args!(
                    "a form cannot have the type `{other}`, use string, number, integer, boolean or \
                     an array of choices"
                )));
            }
        };
        read(Value::Object(fields)).map_err(de::Error::custom)
    }
}

/// Writes conversions into a property.
macro_rules! into_definition {
    ($($schema:ident => $variant:ident,)+) => {$(
        impl From<$schema> for PrimitiveSchemaDefinition {
            fn from(schema: $schema) -> Self {
                Self::$variant(schema)
            }
        }

        impl $schema {
            /// Sets the name for people.
            #[must_use]
            pub fn with_title(mut self, title: impl Into<String>) -> Self {
                self.title = Some(title.into());
                self
            }

            /// Says what is to be filled in.
            #[must_use]
            pub fn with_description(mut self, description: impl Into<String>) -> Self {
                self.description = Some(description.into());
                self
            }
        }
    )+};
}

into_definition! {
    StringSchema => String,
    NumberSchema => Number,
    BooleanSchema => Boolean,
    SingleSelectEnumSchema => SingleSelect,
    MultiSelectEnumSchema => MultiSelect,
}

/// A text to fill in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "string", rename_all = "camelCase")]
#[non_exhaustive]
pub struct StringSchema {
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The least number of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// The greatest number of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// What form the text has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<StringFormat>,
    /// What is filled in when the person changes nothing; since 2025-11-25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

impl StringSchema {
    /// Takes any text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the least number of characters.
    #[must_use]
    pub fn with_min_length(mut self, characters: u64) -> Self {
        self.min_length = Some(characters);
        self
    }

    /// Sets the greatest number of characters.
    #[must_use]
    pub fn with_max_length(mut self, characters: u64) -> Self {
        self.max_length = Some(characters);
        self
    }

    /// Says what form the text has.
    #[must_use]
    pub fn with_format(mut self, format: StringFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets what is filled in when the person changes nothing.
    #[must_use]
    pub fn with_default(mut self, text: impl Into<String>) -> Self {
        self.default = Some(text.into());
        self
    }
}

open_enum! {
    /// What form a text has.
    pub enum StringFormat {
        /// An e-mail address.
        Email = "email",
        /// A URI after RFC 3986.
        Uri = "uri",
        /// A day, such as `2026-07-28`.
        Date = "date",
        /// A moment after RFC 3339, such as `2026-07-28T12:00:00Z`.
        DateTime = "date-time",
    }
}

/// A number to fill in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NumberSchema {
    /// Whether it has to be whole.
    #[serde(rename = "type")]
    pub kind: NumberKind,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The least value.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub minimum: Option<f64>,
    /// The greatest value.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub maximum: Option<f64>,
    /// What is filled in when the person changes nothing; since 2025-11-25.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub default: Option<f64>,
}

/// Whether a number has to be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberKind {
    /// Any number.
    Number,
    /// A whole number.
    Integer,
}

impl NumberSchema {
    /// Takes any number.
    pub fn number() -> Self {
        Self::new(NumberKind::Number)
    }

    /// Takes any whole number.
    pub fn integer() -> Self {
        Self::new(NumberKind::Integer)
    }

    fn new(kind: NumberKind) -> Self {
        Self { kind, title: None, description: None, minimum: None, maximum: None, default: None }
    }

    /// Sets the least value.
    #[must_use]
    pub fn with_minimum(mut self, minimum: f64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    /// Sets the greatest value.
    #[must_use]
    pub fn with_maximum(mut self, maximum: f64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    /// Sets what is filled in when the person changes nothing.
    #[must_use]
    pub fn with_default(mut self, number: f64) -> Self {
        self.default = Some(number);
        self
    }
}

/// Yes or no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "boolean")]
#[non_exhaustive]
pub struct BooleanSchema {
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is filled in when the person changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
}

impl BooleanSchema {
    /// Takes yes or no.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is filled in when the person changes nothing.
    #[must_use]
    pub fn with_default(mut self, yes: bool) -> Self {
        self.default = Some(yes);
        self
    }
}

/// A text that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnumOption {
    /// The text that is sent.
    pub value: String,
    /// What is shown instead.
    pub title: Option<String>,
}

impl EnumOption {
    /// A text that is shown as it is.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), title: None }
    }

    /// A text that is shown under another name.
    pub fn titled(value: impl Into<String>, title: impl Into<String>) -> Self {
        Self { value: value.into(), title: Some(title.into()) }
    }

    /// What to show: the title, or else the value.
    pub fn display_name(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.value)
    }
}

impl From<&str> for EnumOption {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for EnumOption {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl<V: Into<String>, T: Into<String>> From<(V, T)> for EnumOption {
    fn from((value, title): (V, T)) -> Self {
        Self::titled(value, title)
    }
}

/// One of several texts.
///
/// In a message the choices are `oneOf` where any of them has a title (since 2025-11-25), else `enum`.
/// The older `enumNames` beside `enum` is read, and written again where it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "SingleSelect", try_from = "SingleSelect")]
#[non_exhaustive]
pub struct SingleSelectEnumSchema {
    /// The name for people.
    pub title: Option<String>,
    /// What is to be chosen.
    pub description: Option<String>,
    /// What can be chosen.
    pub options: Vec<EnumOption>,
    /// What is chosen when the person changes nothing; since 2025-11-25.
    pub default: Option<String>,
    /// Whether titles are written as `enumNames`.
    names: bool,
}

impl SingleSelectEnumSchema {
    /// Lets one of these be chosen: texts, or pairs of a text and its title.
    pub fn new(options: impl IntoIterator<Item = impl Into<EnumOption>>) -> Self {
        Self {
            title: None,
            description: None,
            options: options.into_iter().map(Into::into).collect(),
            default: None,
            names: false,
        }
    }

    /// Sets what is chosen when the person changes nothing.
    #[must_use]
    pub fn with_default(mut self, value: impl Into<String>) -> Self {
        self.default = Some(value.into());
        self
    }
}

/// Some of several texts.
///
/// In a message the choices are `items.anyOf` where any of them has a title, else `items.enum`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "MultiSelect", try_from = "MultiSelect")]
#[non_exhaustive]
pub struct MultiSelectEnumSchema {
    /// The name for people.
    pub title: Option<String>,
    /// What is to be chosen.
    pub description: Option<String>,
    /// How many have to be chosen at least.
    pub min_items: Option<u64>,
    /// How many can be chosen at most.
    pub max_items: Option<u64>,
    /// What can be chosen.
    pub options: Vec<EnumOption>,
    /// What is chosen when the person changes nothing.
    pub default: Option<Vec<String>>,
}

impl MultiSelectEnumSchema {
    /// Lets some of these be chosen: texts, or pairs of a text and its title.
    pub fn new(options: impl IntoIterator<Item = impl Into<EnumOption>>) -> Self {
        Self {
            title: None,
            description: None,
            min_items: None,
            max_items: None,
            options: options.into_iter().map(Into::into).collect(),
            default: None,
        }
    }

    /// Sets how many have to be chosen at least.
    #[must_use]
    pub fn with_min_items(mut self, count: u64) -> Self {
        self.min_items = Some(count);
        self
    }

    /// Sets how many can be chosen at most.
    #[must_use]
    pub fn with_max_items(mut self, count: u64) -> Self {
        self.max_items = Some(count);
        self
    }

    /// Sets what is chosen when the person changes nothing.
    #[must_use]
    pub fn with_default(mut self, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.default = Some(values.into_iter().map(Into::into).collect());
        self
    }
}

/// A choice of one as it is written.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename = "string", rename_all = "camelCase")]
struct SingleSelect {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enum_names: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    one_of: Option<Vec<TitledOption>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
}

/// A choice of some as it is written.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename = "array", rename_all = "camelCase")]
struct MultiSelect {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_items: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_items: Option<u64>,
    items: Items,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Items {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    any_of: Option<Vec<TitledOption>>,
}

#[derive(Serialize, Deserialize)]
struct TitledOption {
    #[serde(rename = "const")]
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

/// How choices are written: under `enum`, or under the keyword for those with titles.
type Choices = (Option<Vec<String>>, Option<Vec<TitledOption>>);

fn write_options(options: Vec<EnumOption>) -> Choices {
    if options.iter().all(|option| option.title.is_none()) {
        return (Some(options.into_iter().map(|option| option.value).collect()), None);
    }
    let titled = options.into_iter().map(|option| {
        // A title is required where any choice has one.
        let title = option.title.or_else(|| Some(option.value.clone()));
        TitledOption { value: option.value, title }
    });
    (None, Some(titled.collect()))
}

fn read_options(choices: Choices, keywords: &'static str) -> Result<Vec<EnumOption>, NoChoices> {
    match choices {
        (None, Some(titled)) => Ok(titled
            .into_iter()
            .map(|option| EnumOption { value: option.value, title: option.title })
            .collect()),
        (Some(values), None) => Ok(values.into_iter().map(EnumOption::new).collect()),
        (None, None) | (Some(_), Some(_)) => Err(NoChoices(keywords)),
    }
}

/// Choices stand in none of the places where they can, or in two.
#[derive(Debug, thiserror::Error)]
#[error("choices have to stand in one of {0}")]
struct NoChoices(&'static str);

impl From<SingleSelectEnumSchema> for SingleSelect {
    fn from(schema: SingleSelectEnumSchema) -> Self {
        let SingleSelectEnumSchema { title, description, options, default, names } = schema;
        let titled = options.iter().any(|option| option.title.is_some());
        let (values, enum_names, one_of) = if names && titled {
            let names = options.iter().map(|option| option.display_name().to_owned()).collect();
            let values = options.into_iter().map(|option| option.value).collect();
            (Some(values), Some(names), None)
        } else {
            let (values, one_of) = write_options(options);
            (values, None, one_of)
        };
        Self { title, description, values, enum_names, one_of, default }
    }
}

impl TryFrom<SingleSelect> for SingleSelectEnumSchema {
    type Error = NoChoices;

    fn try_from(schema: SingleSelect) -> Result<Self, NoChoices> {
        let SingleSelect { title, description, values, enum_names, one_of, default } = schema;
        let mut options = read_options((values, one_of), "`enum` and `oneOf`")?;
        let names = enum_names.is_some();
        for (option, name) in options.iter_mut().zip(enum_names.into_iter().flatten()) {
            option.title = Some(name);
        }
        Ok(Self { title, description, options, default, names })
    }
}

impl From<MultiSelectEnumSchema> for MultiSelect {
    fn from(schema: MultiSelectEnumSchema) -> Self {
        let (values, any_of) = write_options(schema.options);
        let kind = values.is_some().then(|| "string".to_owned());
        Self {
            title: schema.title,
            description: schema.description,
            min_items: schema.min_items,
            max_items: schema.max_items,
            items: Items { kind, values, any_of },
            default: schema.default,
        }
    }
}

impl TryFrom<MultiSelect> for MultiSelectEnumSchema {
    type Error = NoChoices;

    fn try_from(schema: MultiSelect) -> Result<Self, NoChoices> {
        let choices = (schema.items.values, schema.items.any_of);
        Ok(Self {
            title: schema.title,
            description: schema.description,
            min_items: schema.min_items,
            max_items: schema.max_items,
            options: read_options(choices, "`items.enum` and `items.anyOf`")?,
            default: schema.default,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(property: &Value) -> Result<PrimitiveSchemaDefinition, String> {
        serde_json::from_str(&property.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_of_property_comes_back_as_it_was() {
        for property in [
            json!({"type": "string", "minLength": 1, "maxLength": 9, "format": "email", "default": "a@b"}),
            json!({"type": "string", "format": "duration"}),
            json!({"type": "integer", "minimum": 0, "maximum": 100, "default": 50}),
            json!({"type": "number", "minimum": 0.5}),
            json!({"type": "boolean", "title": "A", "description": "b", "default": false}),
            json!({"type": "string", "enum": ["a", "b"], "default": "a"}),
            json!({"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"]}),
            json!({"type": "string", "oneOf": [{"const": "a", "title": "A"}]}),
            json!({"type": "array", "items": {"type": "string", "enum": ["a"]}, "default": ["a"]}),
            json!({"type": "array", "minItems": 1, "maxItems": 2,
                   "items": {"anyOf": [{"const": "a", "title": "A"}]}}),
        ] {
            let schema = read(&property).unwrap();
            assert_eq!(serde_json::to_value(&schema).unwrap(), property);
        }
    }

    #[test]
    fn properties_keep_their_order() {
        let text = r#"{"$schema":"s","type":"object","properties":{"b":{"type":"boolean"},"a":{"type":"string"}},"required":["a"]}"#;
        let schema: ElicitationSchema = serde_json::from_str(text).unwrap();
        assert_eq!(schema.properties().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(serde_json::to_string(&schema).unwrap(), text);
    }

    #[test]
    fn what_a_form_cannot_have_is_named() {
        for (property, expected) in [
            (json!({"type": "object"}), "a form cannot have the type `object`"),
            (json!({"type": ["string", "null"]}), r#"`type` is ["string","null"]"#),
            (json!({"title": "a"}), "missing field `type`"),
            (json!({"type": "array"}), "missing field `items`"),
            (
                json!({"type": "array", "items": {"type": "object"}}),
                "`items.enum` and `items.anyOf`",
            ),
            (json!({"type": "string", "enum": ["a"], "oneOf": []}), "one of `enum` and `oneOf`"),
            (json!({"type": "integer", "minimum": "0"}), "invalid type"),
            (json!(true), "invalid type"),
        ] {
            let schema = json!({"type": "object", "properties": {"address": property}});
            let error = serde_json::from_str::<ElicitationSchema>(&schema.to_string()).unwrap_err();
            let error = error.to_string();
            assert!(error.contains("`address`: ") && error.contains(expected), "{error}");
        }
        let error =
            serde_json::from_str::<ElicitationSchema>(r#"{"type":"array","properties":{}}"#);
        assert!(error.unwrap_err().to_string().contains("unknown variant `array`"));
    }

    #[test]
    fn titles_are_written_for_all_choices_or_for_none() {
        let select = SingleSelectEnumSchema::new([EnumOption::new("a"), ("b", "B").into()]);
        assert_eq!(
            serde_json::to_value(&select).unwrap(),
            json!({"type": "string", "oneOf": [{"const": "a", "title": "a"}, {"const": "b", "title": "B"}]})
        );
        let schema = ElicitationSchema::new().with_required("c", select).with_enum_names();
        assert_eq!(
            serde_json::to_value(schema.property("c")).unwrap(),
            json!({"type": "string", "enum": ["a", "b"], "enumNames": ["a", "B"]})
        );
    }

    #[test]
    fn defaults_fill_only_what_is_absent() {
        let schema = ElicitationSchema::new()
            .with_required("a", StringSchema::new().with_default("x"))
            .with_optional("b", NumberSchema::integer().with_default(7.0))
            .with_optional("c", BooleanSchema::new())
            .with_optional("d", MultiSelectEnumSchema::new(["p", "q"]).with_default(["q"]));
        let Value::Object(mut content) = json!({"a": "mine"}) else { unreachable!() };
        schema.fill_defaults(&mut content);
        assert_eq!(Value::Object(content), json!({"a": "mine", "b": 7, "d": ["q"]}));
    }
}
