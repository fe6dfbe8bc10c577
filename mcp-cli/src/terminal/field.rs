//! One field of a form: how it is described, and what a line means for it.

use mcp_core::types::{
    EnumOption, NumberKind, NumberSchema, PrimitiveSchemaDefinition, StringSchema,
};
use serde_json::{Number, Value};

use crate::output::paint::{Ink, Paint};
use crate::output::plain;

/// What a line means.
#[derive(Debug, PartialEq)]
pub(super) enum Entered {
    Value(Value),
    /// The field is left out.
    Nothing,
    Decline,
    Cancel,
    /// It does not fit.
    Wrong(String),
}

/// The lines before the question.
pub(super) fn describe(
    name: &str,
    field: &PrimitiveSchemaDefinition,
    required: bool,
    paint: Paint,
) -> String {
    let title = plain::one_line(field.title().unwrap_or(name));
    let mut text = format!("  {}", paint.paint(Ink::Name, &title));
    text.push_str(if required { "" } else { " (optional)" });
    let bounds = bounds(field);
    if !bounds.is_empty() {
        text.push_str(&format!(", {bounds}"));
    }
    if let Some(description) = field.description() {
        text.push_str(&format!(": {}", plain::one_line(description)));
    }
    text.push('\n');
    for (index, option) in options(field).iter().enumerate() {
        let shown = plain::one_line(option.display_name());
        text.push_str(&format!("    {}) {shown}\n", index + 1));
    }
    text
}

/// The question itself, with what an empty line stands for.
pub(super) fn question(field: &PrimitiveSchemaDefinition) -> String {
    let default = match field.default_value() {
        Some(Value::String(text)) => Some(text),
        Some(Value::Bool(yes)) => Some(if yes { "yes" } else { "no" }.to_owned()),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let default = default.map(|text| format!("[{}] ", plain::one_line(&text)));
    let kind = match field {
        PrimitiveSchemaDefinition::Boolean(_) => "y or n",
        PrimitiveSchemaDefinition::SingleSelect(_) => "number or name",
        PrimitiveSchemaDefinition::MultiSelect(_) => "numbers or names, with commas",
        _ => "",
    };
    let kind = if kind.is_empty() { String::new() } else { format!("({kind}) ") };
    format!("    {kind}{}> ", default.unwrap_or_default())
}

/// Reads a line.
pub(super) fn read(line: &str, field: &PrimitiveSchemaDefinition, required: bool) -> Entered {
    let line = line.trim_end_matches(['\r', '\n']);
    let text = match line.trim() {
        "!decline" => return Entered::Decline,
        "!cancel" => return Entered::Cancel,
        "" => return empty(field, required),
        _ => line.strip_prefix('!').filter(|rest| rest.starts_with('!')).unwrap_or(line),
    };
    let value = match field {
        PrimitiveSchemaDefinition::String(_) => Ok(Value::from(text)),
        PrimitiveSchemaDefinition::Number(schema) => number(text.trim(), schema),
        PrimitiveSchemaDefinition::Boolean(_) => match text.trim().to_lowercase().as_str() {
            "y" | "yes" | "true" => Ok(Value::from(true)),
            "n" | "no" | "false" => Ok(Value::from(false)),
            _ => Err("say y or n".to_owned()),
        },
        PrimitiveSchemaDefinition::SingleSelect(schema) => {
            choice(text, &schema.options).map(Value::from)
        }
        PrimitiveSchemaDefinition::MultiSelect(schema) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let mut chosen: Vec<Value> = Vec::new();
            let all = parts.map(|part| choice(part, &schema.options)).try_for_each(|one| {
                let one = Value::from(one?);
                if !chosen.contains(&one) {
                    chosen.push(one);
                }
                Ok(())
            });
            all.map(|()| Value::from(chosen))
        }
        _ => Err("this kind of field is not known here: decline".to_owned()),
    };
    match value {
        Err(problem) => Entered::Wrong(problem),
        Ok(value) => match field.check(&value) {
            Ok(()) => Entered::Value(value),
            Err(problem) => Entered::Wrong(format!("this {problem}")),
        },
    }
}

/// What an empty line stands for.
fn empty(field: &PrimitiveSchemaDefinition, required: bool) -> Entered {
    if let Some(default) = field.default_value() {
        return Entered::Value(default);
    }
    let none = match field {
        PrimitiveSchemaDefinition::MultiSelect(_) => Some(Value::Array(Vec::new())),
        PrimitiveSchemaDefinition::String(_) => Some(Value::from("")),
        _ => None,
    };
    match none.filter(|none| required && field.check(none).is_ok()) {
        // Only nothing at all is chosen by an empty line; an empty text is more likely an oversight.
        Some(none) if none.is_array() => Entered::Value(none),
        _ if required => Entered::Wrong("this has to be filled in".to_owned()),
        _ => Entered::Nothing,
    }
}

fn number(text: &str, schema: &NumberSchema) -> Result<Value, String> {
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(Value::from(whole));
    }
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map(Value::Number).ok_or_else(|| match schema.kind {
        NumberKind::Integer => "this is no whole number".to_owned(),
        _ => "this is no number".to_owned(),
    })
}

/// A choice by its number, its value or its name.
fn choice(text: &str, options: &[EnumOption]) -> Result<String, String> {
    let text = text.trim();
    let named = |option: &&EnumOption| option.value == text || option.display_name() == text;
    let numbered = || text.parse::<usize>().ok().and_then(|at| options.get(at.checked_sub(1)?));
    match options.iter().find(named).or_else(numbered) {
        Some(option) => Ok(option.value.clone()),
        None => Err(format!("`{text}` is none of the choices, say 1 to {}", options.len())),
    }
}

fn options(field: &PrimitiveSchemaDefinition) -> &[EnumOption] {
    match field {
        PrimitiveSchemaDefinition::SingleSelect(schema) => &schema.options,
        PrimitiveSchemaDefinition::MultiSelect(schema) => &schema.options,
        _ => &[],
    }
}

/// What is asked of a value, in words.
fn bounds(field: &PrimitiveSchemaDefinition) -> String {
    match field {
        PrimitiveSchemaDefinition::String(StringSchema {
            format, min_length, max_length, ..
        }) => {
            let format = format.as_ref().map(|format| plain::one_line(format.as_str()));
            let length = range(min_length.as_ref(), max_length.as_ref(), "characters");
            [format.unwrap_or_default(), length].join(" ").trim().to_owned()
        }
        PrimitiveSchemaDefinition::Number(NumberSchema { kind, minimum, maximum, .. }) => {
            let what = if *kind == NumberKind::Integer { "a whole number" } else { "a number" };
            let range = range(minimum.as_ref(), maximum.as_ref(), "");
            format!("{what} {range}").trim().to_owned()
        }
        PrimitiveSchemaDefinition::MultiSelect(schema) => {
            range(schema.min_items.as_ref(), schema.max_items.as_ref(), "of these")
        }
        _ => String::new(),
    }
}

fn range<N: std::fmt::Display>(least: Option<&N>, most: Option<&N>, unit: &str) -> String {
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most} {unit}"),
        (Some(least), None) => format!("at least {least} {unit}"),
        (None, Some(most)) => format!("at most {most} {unit}"),
        (None, None) => String::new(),
    };
    range.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use mcp_core::types::{SingleSelectEnumSchema, StringFormat};

    use super::*;

    #[test]
    fn a_field_says_what_it_wants() {
        let schema = StringSchema::new().with_format(StringFormat::Email);
        let field = PrimitiveSchemaDefinition::from(schema);
        assert_eq!(
            describe("mail\u{7}", &field, false, Paint::NONE),
            "  mail\\u{7} (optional), email\n"
        );
        let field: PrimitiveSchemaDefinition =
            SingleSelectEnumSchema::new(["free", "paid"]).with_default("free").into();
        assert_eq!(
            describe("plan", &field, true, Paint::NONE),
            "  plan\n    1) free\n    2) paid\n"
        );
        assert_eq!(question(&field), "    (number or name) [free] > ");
    }

    #[test]
    fn a_text_may_begin_with_an_exclamation_mark() {
        let field = PrimitiveSchemaDefinition::from(StringSchema::new());
        assert_eq!(read("!!decline\n", &field, true), Entered::Value("!decline".into()));
        assert_eq!(read("!x\n", &field, true), Entered::Value("!x".into()));
        assert_eq!(read(" !decline \n", &field, true), Entered::Decline);
    }
}
