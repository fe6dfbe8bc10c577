//! What the parameters of a handler say about themselves before any call.
//!
//! Owns the input schema in the making, the states and settings that a handler needs, and the
//! problems found on the way. It does not know what a server has.

use std::any::TypeId;
use std::borrow::Cow;

use mcp_core::types::Schema;
use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::argument::{MAX_ARGUMENTS, is_optional};
use crate::ask::{Asks, Question};
use crate::fields;
use crate::item::CallKind;
use crate::schema::{self, Properties};

/// Collects what a handler's [parameters](crate::Param) say about themselves.
///
/// An extractor adds what it needs: then `build()` refuses a server that lacks it, and no call can
/// fail for it.
#[derive(Debug)]
pub struct Description {
    kind: CallKind,
    names: Names,
    position: usize,
    generator: SchemaGenerator,
    arguments: Vec<Argument>,
    all: Option<All>,
    sees_uri: bool,
    needs: Vec<Need>,
    asks: Asks,
    problems: Vec<String>,
}

/// All arguments as one value.
#[derive(Debug)]
struct All {
    root: Map<String, Value>,
    /// The fields as they are declared, if it is a struct.
    order: &'static [&'static str],
}

/// How the arguments of a handler get their names.
#[derive(Debug, Clone)]
pub(crate) enum Names {
    /// One name for each parameter of the function, extractors included.
    ByParameter(Vec<Named>),
    /// One name for each argument; extractors have none.
    ByArgument(Vec<Named>),
}

impl Names {
    /// Names for the arguments, without descriptions.
    pub(crate) fn by_argument<N: Into<Cow<'static, str>>>(
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let named = |name: N| Named { name: name.into(), description: Cow::Borrowed("") };
        Self::ByArgument(names.into_iter().map(named).collect())
    }

    /// Names and descriptions for the parameters; `""` is no name.
    pub(crate) fn by_parameter(
        parameters: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Self {
        let named = |(name, description)| Named {
            name: Cow::Borrowed(name),
            description: Cow::Borrowed(description),
        };
        Self::ByParameter(parameters.into_iter().map(named).collect())
    }

    /// Changes the description of a name that is there, or adds the name behind the others.
    pub(crate) fn describe(&mut self, new: Named) {
        let (Self::ByArgument(names) | Self::ByParameter(names)) = self;
        match names.iter_mut().find(|known| known.name == new.name) {
            Some(known) => known.description = new.description,
            None => names.push(new),
        }
    }
}

/// A name and what it stands for, in words for the model.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: Cow<'static, str>,
    pub(crate) description: Cow<'static, str>,
}

/// Something that the server has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A state of this type.
    State(TypeId, &'static str),
    /// Settings of this type.
    Settings(TypeId, &'static str),
    /// Tasks.
    Tasks,
}

/// The outcome of a description.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) input_schema: Schema,
    /// The arguments in the order in which they are taken; all that are known when they are taken
    /// as one value.
    pub(crate) arguments: Vec<Cow<'static, str>>,
    /// What people are told about the arguments.
    pub(crate) listed: Vec<Listed>,
    /// Whether all arguments are taken as one value.
    pub(crate) takes_all: bool,
    /// Whether the URI of a resource is taken as a whole.
    pub(crate) sees_uri: bool,
    pub(crate) needs: Vec<Need>,
    /// What the handler asks its callers for.
    pub(crate) asks: Asks,
    pub(crate) problems: Vec<String>,
}

/// An argument as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) required: bool,
}

#[derive(Debug)]
struct Argument {
    name: Cow<'static, str>,
    schema: Value,
    required: bool,
}

impl Description {
    pub(crate) fn new(names: Names) -> Self {
        Self::of(CallKind::Tool, names)
    }

    /// The description of a handler that answers calls of this kind.
    pub(crate) fn of(kind: CallKind, names: Names) -> Self {
        Self {
            kind,
            names,
            position: 0,
            generator: schema::for_arguments(),
            arguments: Vec::new(),
            all: None,
            sees_uri: false,
            needs: Vec::new(),
            asks: Asks::default(),
            problems: Vec::new(),
        }
    }

    /// Adds the next argument, of type `T`.
    ///
    /// Its name and description come from the function (`#[tool]`) or from
    /// [`Tool::params`](crate::Tool::params).
    pub fn argument<T: DeserializeOwned + JsonSchema>(&mut self) {
        let named = match &self.names {
            Names::ByParameter(names) => names.get(self.position),
            Names::ByArgument(names) => names.get(self.arguments.len()),
        };
        let Some(named) = named.filter(|named| !named.name.is_empty()).cloned() else {
            let number = self.arguments.len() + 1;
            let type_name = std::any::type_name::<T>();
            self.problem(match self.kind {
                CallKind::Completion => format!(
                    "it takes an argument of type `{type_name}`, and a completion has none: take `Typed`"
                ),
                _ => format!(
                    "argument {number}, of type `{type_name}`, has no name: give all names with `.params([…])`"
                ),
            });
            return;
        };
        let required = !is_optional::<T>();
        let mut schema = self.generator.subschema_for::<T>();
        if !named.description.is_empty() {
            schema.insert("description".to_owned(), named.description.into());
        }
        let schema = schema.to_value();
        self.arguments.push(Argument { name: named.name, schema, required });
    }

    /// Takes all arguments as one value of type `T`, which has to be an object.
    pub fn all_arguments<T: DeserializeOwned + JsonSchema>(&mut self) {
        if self.all.is_some() {
            self.problem("all arguments are taken twice: keep one `Args<…>`");
        }
        match schema::of_all_arguments::<T>() {
            Ok(root) => self.all = Some(All { root, order: fields::of::<T>() }),
            Err(problem) => self.problem(problem),
        }
    }

    /// The handler sees the URI of a resource as a whole.
    pub(crate) fn sees_uri(&mut self) {
        self.sees_uri = true;
    }

    /// What kind of calls the handler answers.
    pub(crate) fn kind(&self) -> CallKind {
        self.kind
    }

    /// Needs a state of type `T`.
    pub fn needs_state<T: 'static>(&mut self) {
        self.need(Need::State(TypeId::of::<T>(), std::any::type_name::<T>()));
    }

    /// Needs settings of type `T`, of a profile or by default.
    pub fn needs_settings<T: 'static>(&mut self) {
        self.need(Need::Settings(TypeId::of::<T>(), std::any::type_name::<T>()));
    }

    /// Asks the client for this: callers that did not declare it are refused before the handler
    /// starts.
    pub fn asks(&mut self, question: Question) {
        self.asks.need(question);
    }

    /// May ask the client for something, but can do without.
    ///
    /// A handler none of whose parameters says this, or [`asks`](Self::asks), must not end with
    /// [`InputRequired`](crate::InputRequired).
    pub fn may_ask(&mut self) {
        self.asks.anything = true;
    }

    /// Reports a mistake that makes `build()` fail.
    pub fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// The parameter with this number is described next.
    pub(crate) fn at_parameter(&mut self, position: usize) {
        self.position = position;
    }

    /// Finishes the description of something that must not ask its caller (2026-07-28,
    /// basic/patterns/mrtr, "Supported Requests").
    pub(crate) fn finish_without_questions(mut self) -> Described {
        if self.asks.anything {
            self.problem("it asks the client, which only tools, prompts and resources can");
        }
        self.finish()
    }

    pub(crate) fn finish(mut self) -> Described {
        self.check_names();
        let Self {
            kind, mut generator, arguments, all, sees_uri, needs, asks, mut problems, ..
        } = self;
        let takes_all = all.is_some();
        let (input_schema, listed, arguments) = match all {
            Some(All { root, order }) => {
                let schema = schema::in_order(&root, order);
                let mut listed = listed_properties(&root);
                listed.sort_by_key(|listed| schema::place(order, &listed.name));
                if has_strings(kind) {
                    let definitions = root.get("$defs").and_then(Value::as_object);
                    let properties = root.get("properties").and_then(Value::as_object);
                    for (name, schema) in properties.into_iter().flatten() {
                        problems.extend(unreadable(name, schema, definitions));
                    }
                }
                (schema, listed, known_properties(&root))
            }
            None => {
                let definitions = generator.take_definitions(true);
                if has_strings(kind) {
                    for Argument { name, schema, .. } in &arguments {
                        problems.extend(unreadable(name, schema, Some(&definitions)));
                    }
                }
                let required: Vec<&str> =
                    arguments.iter().filter(|a| a.required).map(|a| &*a.name).collect();
                let properties: Vec<(&str, Value)> =
                    arguments.iter().map(|a| (&*a.name, a.schema.clone())).collect();
                let schema = Properties {
                    properties: &properties,
                    required: &required,
                    definitions: &definitions,
                };
                let schema = schema.to_schema();
                let listed =
                    arguments.iter().map(|a| listed(&a.name, &a.schema, a.required)).collect();
                (schema, listed, arguments.into_iter().map(|argument| argument.name).collect())
            }
        };
        Described { input_schema, arguments, listed, takes_all, sees_uri, needs, asks, problems }
    }

    fn need(&mut self, need: Need) {
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    fn check_names(&mut self) {
        let count = self.arguments.len();
        if self.all.is_some() && count > 0 {
            self.problem(
                "takes both `Args<…>` and arguments of its own: move these into the struct",
            );
        }
        if count > MAX_ARGUMENTS {
            self.problem(format!(
                "takes {count} arguments one by one, and {MAX_ARGUMENTS} are possible: take `Args<…>`"
            ));
        }
        for (at, argument) in self.arguments.iter().enumerate() {
            if self.arguments[..at].iter().any(|before| before.name == argument.name) {
                self.problems.push(format!("two arguments have the name `{}`", argument.name));
            }
        }
        // A resource says so in words of its own: its names are variables.
        if let Names::ByArgument(names) = &self.names
            && self.kind != CallKind::Resource
        {
            for unused in names.iter().skip(count) {
                let problem = format!("there is no argument for the name `{}`", unused.name);
                self.problems.push(problem);
            }
        }
    }
}

/// The properties of a schema that knows all of them, else none.
fn known_properties(root: &Map<String, Value>) -> Vec<Cow<'static, str>> {
    const OPEN: &[&str] = &["additionalProperties", "patternProperties", "oneOf", "anyOf", "allOf"];
    if OPEN.iter().any(|key| root.get(*key).is_some_and(|value| value != false)) {
        return Vec::new();
    }
    let properties = root.get("properties").and_then(Value::as_object);
    properties.map(|all| all.keys().cloned().map(Cow::Owned).collect()).unwrap_or_default()
}

/// What a schema says about each of its properties.
fn listed_properties(root: &Map<String, Value>) -> Vec<Listed> {
    let required = root.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let properties = root.get("properties").and_then(Value::as_object);
    let properties = properties.into_iter().flatten();
    properties.map(|(name, schema)| listed(name, schema, is_required(name))).collect()
}

fn listed(name: &str, schema: &Value, required: bool) -> Listed {
    let text = |key| schema.get(key).and_then(Value::as_str).map(str::to_owned);
    Listed {
        name: name.to_owned(),
        title: text("title"),
        description: text("description"),
        required,
    }
}

/// Whether the arguments of such calls are strings on the wire.
fn has_strings(kind: CallKind) -> bool {
    matches!(kind, CallKind::Prompt | CallKind::Resource)
}

/// That no string can be read as what a schema describes, if so.
fn unreadable(
    name: &str,
    schema: &Value,
    definitions: Option<&Map<String, Value>>,
) -> Option<String> {
    let kind = unreadable_kind(schema, definitions)?;
    Some(format!(
        "argument `{name}` is a string on the wire, which cannot be read as {kind}: take a string, \
         a number, a `bool`, or an enum without fields"
    ))
}

fn unreadable_kind(
    schema: &Value,
    definitions: Option<&Map<String, Value>>,
) -> Option<&'static str> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let definition = definitions?.get(name.strip_prefix("#/$defs/")?)?;
        // A definition that leads to another one is left to the first call.
        return definition.get("$ref").is_none().then(|| unreadable_kind(definition, None))?;
    }
    let kinds: Vec<&str> = match schema.get("type")? {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let mut kinds = kinds.into_iter().filter(|kind| *kind != "null");
    match kinds.next() {
        Some("object") if kinds.next().is_none() => Some("an object"),
        _ => None,
    }
}
