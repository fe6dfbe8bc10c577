//! Checking an answer against the schema of its form.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{
    ElicitationSchema, MultiSelectEnumSchema, NumberKind, NumberSchema, PrimitiveSchemaDefinition,
    SingleSelectEnumSchema, StringFormat, StringSchema, format,
};

impl ElicitationSchema {
    /// Checks what was filled in.
    ///
    /// Every property that is required is there, and every property that is there fits its schema.
    /// What the form did not ask for is passed over. Of a number's size more than 53 bits are not
    /// told apart.
    ///
    /// # Errors
    ///
    /// All that is wrong, in the order of the form.
    pub fn validate(&self, content: &Map<String, Value>) -> Result<(), InvalidContent> {
        let mut problems = Vec::new();
        for (name, schema) in self.properties() {
            let problem = match content.get(name) {
                Some(value) => schema.check(value).err(),
                None => self.is_required(name).then_some(ContentProblem::Missing),
            };
            problems.extend(problem.map(|problem| (name.to_owned(), problem)));
        }
        // A server may require what it does not describe.
        for name in self.required.iter().filter(|name| self.property(name).is_none()) {
            if !content.contains_key(name) {
                problems.push((name.clone(), ContentProblem::Missing));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(InvalidContent { problems }) }
    }
}

impl PrimitiveSchemaDefinition {
    /// Checks what was filled in at this property.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn check(&self, value: &Value) -> Result<(), ContentProblem> {
        match self {
            Self::String(schema) => check_string(schema, value),
            Self::Number(schema) => check_number(schema, value),
            Self::Boolean(_) => match value {
                Value::Bool(_) => Ok(()),
                other => Err(wrong_type(other, "a boolean")),
            },
            Self::SingleSelect(schema) => check_single(schema, value),
            Self::MultiSelect(schema) => check_multi(schema, value),
        }
    }
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidContent {
    problems: Vec<(String, ContentProblem)>,
}

impl InvalidContent {
    /// What is wrong with which property.
    pub fn problems(&self) -> impl ExactSizeIterator<Item = (&str, &ContentProblem)> {
        self.problems.iter().map(|(name, problem)| (name.as_str(), problem))
    }
}

impl fmt::Display for InvalidContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, problem)) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "`{name}` {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidContent {}

/// What is wrong with one property; it reads on from the property's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentProblem {
    /// It is required and not there.
    #[error("is missing")]
    Missing,
    /// It is a value of another type; both are named with their articles.
    #[error("is {found}, expected {expected}")]
    WrongType {
        /// What it is.
        found: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// The text is too short.
    #[error("has {found} characters, expected at least {least}")]
    TooShort {
        /// How many characters it has.
        found: u64,
        /// How many it needs.
        least: u64,
    },
    /// The text is too long.
    #[error("has {found} characters, expected at most {most}")]
    TooLong {
        /// How many characters it has.
        found: u64,
        /// How many it can have.
        most: u64,
    },
    /// The text does not have the form that is asked for.
    #[error("does not have the form `{0}`")]
    WrongFormat(StringFormat),
    /// The number is too small.
    #[error("is {found}, expected at least {least}")]
    TooSmall {
        /// The number.
        found: Number,
        /// The least that it can be.
        least: f64,
    },
    /// The number is too great.
    #[error("is {found}, expected at most {most}")]
    TooGreat {
        /// The number.
        found: Number,
        /// The most that it can be.
        most: f64,
    },
    /// The number has a fraction.
    #[error("is {0}, expected a whole number")]
    NotWhole(Number),
    /// It is not among the choices.
    #[error("is {0:?}, which is not among the choices")]
    NotAChoice(String),
    /// Too few choices were made.
    #[error("has {found} choices, expected at least {least}")]
    TooFew {
        /// How many there are.
        found: u64,
        /// How many are needed.
        least: u64,
    },
    /// Too many choices were made.
    #[error("has {found} choices, expected at most {most}")]
    TooMany {
        /// How many there are.
        found: u64,
        /// How many there can be.
        most: u64,
    },
}

fn check_string(schema: &StringSchema, value: &Value) -> Result<(), ContentProblem> {
    let Value::String(text) = value else { return Err(wrong_type(value, "a string")) };
    let found = text.chars().count() as u64;
    if let Some(least) = schema.min_length.filter(|least| found < *least) {
        return Err(ContentProblem::TooShort { found, least });
    }
    if let Some(most) = schema.max_length.filter(|most| found > *most) {
        return Err(ContentProblem::TooLong { found, most });
    }
    match &schema.format {
        Some(wanted) if !format::fits(wanted, text) => {
            Err(ContentProblem::WrongFormat(wanted.clone()))
        }
        _ => Ok(()),
    }
}

fn check_number(schema: &NumberSchema, value: &Value) -> Result<(), ContentProblem> {
    let Value::Number(found) = value else { return Err(wrong_type(value, "a number")) };
    // Every JSON number that was read fits: what is greater than any `f64` is refused before.
    let number = found.as_f64().unwrap_or(f64::INFINITY);
    if schema.kind == NumberKind::Integer && number.fract() != 0.0 {
        return Err(ContentProblem::NotWhole(found.clone()));
    }
    if let Some(least) = schema.minimum.filter(|least| number < *least) {
        return Err(ContentProblem::TooSmall { found: found.clone(), least });
    }
    if let Some(most) = schema.maximum.filter(|most| number > *most) {
        return Err(ContentProblem::TooGreat { found: found.clone(), most });
    }
    Ok(())
}

fn check_single(schema: &SingleSelectEnumSchema, value: &Value) -> Result<(), ContentProblem> {
    let Value::String(text) = value else { return Err(wrong_type(value, "a string")) };
    match schema.options.iter().any(|option| option.value == *text) {
        true => Ok(()),
        false => Err(ContentProblem::NotAChoice(text.clone())),
    }
}

fn check_multi(schema: &MultiSelectEnumSchema, value: &Value) -> Result<(), ContentProblem> {
    let Value::Array(chosen) = value else { return Err(wrong_type(value, "an array")) };
    let found = chosen.len() as u64;
    if let Some(least) = schema.min_items.filter(|least| found < *least) {
        return Err(ContentProblem::TooFew { found, least });
    }
    if let Some(most) = schema.max_items.filter(|most| found > *most) {
        return Err(ContentProblem::TooMany { found, most });
    }
    for value in chosen {
        let Value::String(text) = value else {
            return Err(wrong_type(value, "an array of strings"));
        };
        if !schema.options.iter().any(|option| option.value == *text) {
            return Err(ContentProblem::NotAChoice(text.clone()));
        }
    }
    Ok(())
}

fn wrong_type(found: &Value, expected: &'static str) -> ContentProblem {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ContentProblem::WrongType { found, expected }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::BooleanSchema, *};

    fn problems(schema: &ElicitationSchema, content: &Value) -> String {
        match schema.validate(content.as_object().unwrap()) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    fn one(schema: impl Into<PrimitiveSchemaDefinition>, value: Value) -> String {
        let content = Value::Object(Map::from_iter([("a".to_owned(), value)]));
        problems(&ElicitationSchema::new().with_required("a", schema), &content)
    }

    #[test]
    fn all_problems_are_told_in_the_order_of_the_form() {
        let schema = ElicitationSchema::new()
            .with_required("name", StringSchema::new())
            .with_optional("sure", BooleanSchema::new())
            .with_required("age", NumberSchema::integer().with_minimum(18.0));
        assert_eq!(
            problems(&schema, &json!({"age": 17, "sure": "yes", "extra": [{}]})),
            "`name` is missing; `sure` is a string, expected a boolean; `age` is 17, expected at \
             least 18"
        );
        assert_eq!(problems(&schema, &json!({"age": 18, "name": ""})), "");
    }

    #[test]
    fn what_is_required_but_not_described_has_to_be_there() {
        let mut schema = ElicitationSchema::new();
        schema.required.push("ghost".to_owned());
        assert_eq!(problems(&schema, &json!({})), "`ghost` is missing");
        assert_eq!(problems(&schema, &json!({"ghost": null})), "");
    }

    #[test]
    fn texts_are_measured_in_characters() {
        let schema = || StringSchema::new().with_min_length(2).with_max_length(3);
        assert_eq!(one(schema(), json!("üöä")), "");
        assert_eq!(one(schema(), json!("ü")), "`a` has 1 characters, expected at least 2");
        assert_eq!(one(schema(), json!("abcd")), "`a` has 4 characters, expected at most 3");
        assert_eq!(one(schema(), json!(null)), "`a` is null, expected a string");
    }

    #[test]
    fn texts_have_the_form_that_is_asked_for() {
        let email = || StringSchema::new().with_format(StringFormat::Email);
        assert_eq!(one(email(), json!("a@b.example")), "");
        assert_eq!(one(email(), json!("a")), "`a` does not have the form `email`");
    }

    #[test]
    fn numbers_keep_within_their_bounds() {
        let whole = || NumberSchema::integer().with_minimum(0.0).with_maximum(10.0);
        for good in [json!(0), json!(10), json!(7.0)] {
            assert_eq!(one(whole(), good), "");
        }
        assert_eq!(one(whole(), json!(-1)), "`a` is -1, expected at least 0");
        assert_eq!(one(whole(), json!(11)), "`a` is 11, expected at most 10");
        assert_eq!(one(whole(), json!(1.5)), "`a` is 1.5, expected a whole number");
        assert_eq!(one(whole(), json!("1")), "`a` is a string, expected a number");
        assert_eq!(one(NumberSchema::number(), json!(1.5)), "");
        assert_eq!(one(NumberSchema::integer(), json!(u64::MAX)), "");
    }

    #[test]
    fn one_choice_is_among_the_choices() {
        let select = || SingleSelectEnumSchema::new([("#f00", "Red"), ("#0f0", "Green")]);
        assert_eq!(one(select(), json!("#f00")), "");
        assert_eq!(one(select(), json!("Red")), "`a` is \"Red\", which is not among the choices");
        assert_eq!(one(select(), json!(["#f00"])), "`a` is an array, expected a string");
    }

    #[test]
    fn several_choices_are_counted() {
        let select =
            || MultiSelectEnumSchema::new(["a", "b", "c"]).with_min_items(1).with_max_items(2);
        assert_eq!(one(select(), json!(["c", "a"])), "");
        assert_eq!(one(select(), json!([])), "`a` has 0 choices, expected at least 1");
        assert_eq!(one(select(), json!(["a", "b", "c"])), "`a` has 3 choices, expected at most 2");
        assert_eq!(one(select(), json!(["d"])), "`a` is \"d\", which is not among the choices");
        assert_eq!(one(select(), json!([1])), "`a` is a number, expected an array of strings");
        assert_eq!(one(select(), json!("a")), "`a` is a string, expected an array");
    }
}
