//! JSON that stands for many messages, and what it says about one that came.
//!
//! | in a pattern | fits |
//! | --- | --- |
//! | an object | an object that has at least these members, each fitting |
//! | an array | an array of the same length, item by item |
//! | `"$_"` | anything that is there |
//! | `"$!"`, as a member's value | an object without this member |
//! | `"$name"` | anything the first time; from then on the same value again |
//! | `"$$text"` | the string `$text` |
//! | anything else | itself |

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::canonical;
use crate::diff::cut;

/// In a pattern: anything that is there.
pub const ANY: &str = "$_";
/// In a pattern, as the value of a member: an object without this member.
pub const ABSENT: &str = "$!";

/// What the variables of a script stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bindings(BTreeMap<String, Value>);

/// One place where a message does not fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    path: String,
    expected: String,
    got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "message" } else { &self.path };
        write!(f, "{path}: expected {}, got {}", self.expected, self.got)
    }
}

impl Bindings {
    /// Where a message does not fit a pattern; `exactly` forbids members that the pattern lacks.
    ///
    /// Variables are bound only if it fits.
    pub(crate) fn fit(
        &mut self,
        pattern: &Value,
        message: &Value,
        exactly: bool,
    ) -> Vec<Difference> {
        let mut bound = self.clone();
        let mut differences = Vec::new();
        bound.compare("", pattern, Some(message), exactly, &mut differences);
        if differences.is_empty() {
            *self = bound;
        }
        differences
    }

    /// A message with values in place of variables.
    pub(crate) fn fill(&self, template: &Value) -> Result<Value, String> {
        match template {
            Value::String(text) => match Word::of(text) {
                Word::Text(text) => Ok(text.into()),
                Word::Variable(name) => self.0.get(name).cloned().ok_or_else(|| {
                    format!("`${name}` stands for nothing: no `expect` before this step has it")
                }),
                Word::Any | Word::Absent => {
                    Err(format!("`{text}` has a meaning in `expect` only: write what to send"))
                }
            },
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => {
                let filled =
                    members.iter().map(|(name, value)| Ok((name.clone(), self.fill(value)?)));
                filled.collect::<Result<_, _>>().map(Value::Object)
            }
            other => Ok(other.clone()),
        }
    }

    fn compare(
        &mut self,
        path: &str,
        pattern: &Value,
        got: Option<&Value>,
        exactly: bool,
        differences: &mut Vec<Difference>,
    ) {
        let differs = |expected: String| Difference {
            path: path.to_owned(),
            expected,
            got: got.map_or_else(|| "nothing".to_owned(), short),
        };
        match (pattern, got) {
            (Value::String(text), _) => match (Word::of(text), got) {
                (Word::Absent, None) | (Word::Any, Some(_)) => {}
                (Word::Absent, Some(_)) => differences.push(differs("nothing".to_owned())),
                (Word::Any, None) => differences.push(differs("anything".to_owned())),
                (Word::Text(text), Some(Value::String(got))) if text == got => {}
                (Word::Text(text), _) => differences.push(differs(short(&Value::from(text)))),
                (Word::Variable(name), Some(got)) => match self.0.get(name) {
                    None => {
                        self.0.insert(name.to_owned(), got.clone());
                    }
                    Some(bound) if same(bound, got) => {}
                    Some(bound) => {
                        let expected = format!("{} (`${name}`)", short(bound));
                        differences.push(differs(expected));
                    }
                },
                (Word::Variable(name), None) => {
                    differences.push(differs(format!("anything (`${name}`)")));
                }
            },
            (Value::Object(members), Some(Value::Object(got))) => {
                for (name, pattern) in members {
                    let path = member(path, name);
                    self.compare(&path, pattern, got.get(name), exactly, differences);
                }
                let more = got.iter().filter(|(name, _)| exactly && !members.contains_key(*name));
                differences.extend(more.map(|(name, got)| Difference {
                    path: member(path, name),
                    expected: "nothing".to_owned(),
                    got: short(got),
                }));
            }
            (Value::Array(items), Some(Value::Array(got))) if items.len() == got.len() => {
                for (at, (pattern, got)) in items.iter().zip(got).enumerate() {
                    let path = format!("{path}[{at}]");
                    self.compare(&path, pattern, Some(got), exactly, differences);
                }
            }
            (Value::Array(items), Some(Value::Array(got))) => {
                let mut difference = differs(format!("{} items", items.len()));
                difference.got = format!("{}: {}", got.len(), difference.got);
                differences.push(difference);
            }
            (pattern, Some(got)) if same(pattern, got) => {}
            (pattern, _) => differences.push(differs(short(pattern))),
        }
    }
}

/// What a string in a pattern means.
enum Word<'a> {
    Any,
    Absent,
    Variable(&'a str),
    Text(&'a str),
}

impl<'a> Word<'a> {
    fn of(text: &'a str) -> Self {
        match text.strip_prefix('$') {
            Some("_") => Self::Any,
            Some("!") => Self::Absent,
            Some(rest) if rest.starts_with('$') => Self::Text(rest),
            Some(name) if is_name(name) => Self::Variable(name),
            _ => Self::Text(text),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Equal as values: 1 and 1.0 are.
fn same(one: &Value, other: &Value) -> bool {
    one == other
        || match (one, other) {
            (Value::Number(one), Value::Number(other)) => {
                (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
            }
            _ => false,
        }
}

fn short(value: &Value) -> String {
    cut(&canonical::sorted(value).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "both are written where they are compared")]
    fn fit(pattern: Value, message: Value) -> Vec<String> {
        let differences = Bindings::default().fit(&pattern, &message, false);
        differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_object_may_have_more_members_than_its_pattern() {
        let message = json!({ "id": 1, "params": { "name": "x", "arguments": {} } });
        assert!(fit(json!({ "params": { "name": "x" } }), message.clone()).is_empty());
        assert!(fit(json!({ "id": ANY, "error": ABSENT }), message.clone()).is_empty());
        assert_eq!(
            fit(json!({ "params": { "name": "y" }, "id": ABSENT, "result": ANY }), message),
            [
                "id: expected nothing, got 1",
                "params.name: expected \"y\", got \"x\"",
                "result: expected anything, got nothing"
            ]
        );
    }

    #[test]
    fn arrays_fit_item_by_item() {
        assert!(fit(json!([1, ANY]), json!([1.0, 2])).is_empty());
        assert_eq!(fit(json!([1]), json!([1, 2])), ["message: expected 1 items, got 2: [1,2]"]);
        assert_eq!(fit(json!([[1]]), json!([[2]])), ["[0][0]: expected 1, got 2"]);
    }

    #[test]
    fn exactly_means_without_more() {
        let (pattern, message) = (json!({ "a": { "b": ANY } }), json!({ "a": { "b": 1, "c": 2 } }));
        let differences = Bindings::default().fit(&pattern, &message, true);
        assert_eq!(differences[0].to_string(), "a.c: expected nothing, got 2");
        assert_eq!(differences.len(), 1);
    }

    #[test]
    fn a_variable_stands_for_one_value() {
        let mut bindings = Bindings::default();
        assert!(bindings.fit(&json!({ "id": "$call" }), &json!({ "id": 7 }), false).is_empty());
        assert_eq!(bindings.fill(&json!([{ "id": "$call" }])), Ok(json!([{ "id": 7 }])));
        let other = bindings.fit(&json!({ "id": "$call" }), &json!({ "id": 8 }), false);
        assert_eq!(other[0].to_string(), "id: expected 7 (`$call`), got 8");
        assert!(bindings.fill(&json!("$other")).unwrap_err().contains("`$other`"));
        assert!(bindings.fill(&json!(ANY)).is_err());
    }

    #[test]
    fn what_does_not_fit_binds_nothing() {
        let mut bindings = Bindings::default();
        let (pattern, message) = (json!({ "a": "$x", "b": 1 }), json!({ "a": 1, "b": 2 }));
        assert!(!bindings.fit(&pattern, &message, false).is_empty());
        assert!(bindings.fill(&json!("$x")).is_err());
    }

    #[test]
    fn a_dollar_can_be_meant() {
        assert!(fit(json!("$$call"), json!("$call")).is_empty());
        assert!(fit(json!("$5"), json!("$5")).is_empty());
        assert_eq!(Bindings::default().fill(&json!("$$call")), Ok(json!("$call")));
    }
}
