//! JSON for people: as much in a line as fits, numbers as they were written.

use serde_json::value::RawValue;

use super::plain;

/// The document in one line if it fits, else its parts below each other.
///
/// It works on the text, so that numbers keep their digits and members their order, and without
/// recursion, so that depth costs nothing.
pub(crate) fn pretty(json: &RawValue, width: usize) -> String {
    let text = json.get();
    let mut lengths = lengths(text).into_iter();
    let mut out = String::with_capacity(text.len() * 2);
    // Whether each open container is spread over lines.
    let mut open: Vec<bool> = Vec::new();
    let mut tokens = Tokens(text).peekable();
    while let Some(token) = tokens.next() {
        match token {
            "{" | "[" => {
                let room = width.saturating_sub(2 * open.len());
                let length = lengths.next().unwrap_or(usize::MAX);
                let inside = open.last().is_some_and(|spread| !spread);
                let empty = matches!(tokens.peek(), Some(&("}" | "]")));
                let spread = !inside && !empty && length > room;
                open.push(spread);
                out.push_str(token);
                match spread {
                    true => new_line(&mut out, open.len()),
                    false if token == "{" && !empty => out.push(' '),
                    false => {}
                }
            }
            "}" | "]" => {
                let empty = out.ends_with(['{', '[']);
                match open.pop() {
                    Some(true) => new_line(&mut out, open.len()),
                    Some(false) if token == "}" && !empty => out.push(' '),
                    _ => {}
                }
                out.push_str(token);
            }
            "," => {
                out.push(',');
                match open.last() {
                    Some(true) => new_line(&mut out, open.len()),
                    _ => out.push(' '),
                }
            }
            ":" => out.push_str(": "),
            other => out.push_str(other),
        }
    }
    plain::json(&out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    // Nobody can read what is indented further, and it must not grow with the square of the depth.
    out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
}

/// For each container in the order of their beginnings: how long it is in one line.
fn lengths(text: &str) -> Vec<usize> {
    let (mut lengths, mut open, mut at) = (Vec::new(), Vec::new(), 0);
    for token in Tokens(text) {
        at += match token {
            "{" | "[" => {
                open.push((lengths.len(), at));
                lengths.push(0);
                2
            }
            "}" | "]" => {
                if let Some((index, start)) = open.pop() {
                    lengths[index] = at + 2 - start;
                }
                2
            }
            "," | ":" => 2,
            other => other.chars().count(),
        };
    }
    lengths
}

/// The tokens of valid JSON, without white space.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start_matches([' ', '\t', '\r', '\n']);
        let bytes = text.as_bytes();
        let end = match bytes.first()? {
            b'"' => {
                let mut at = 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at + 1
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => text
                .find(['{', '}', '[', ']', ',', ':', ' ', '\t', '\r', '\n'])
                .map_or(text.len(), |end| end.max(1)),
        };
        let (token, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        self.0 = rest;
        Some(token)
    }
}

const DEEPEST: usize = 40;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn shown(text: &str, width: usize) -> String {
        pretty(&RawValue::from_string(text.to_owned()).unwrap(), width)
    }

    #[test]
    fn what_fits_stands_in_one_line() {
        let text = r#"{"playlist":"nosferatu/480p.m3u8","seconds":94.50,"empty":{},"none":[]}"#;
        let expected =
            r#"{ "playlist": "nosferatu/480p.m3u8", "seconds": 94.50, "empty": {}, "none": [] }"#;
        assert_eq!(shown(text, 100), expected);
        assert_eq!(shown("[1,2,\"a,b\"]", 100), "[1, 2, \"a,b\"]");
        assert_eq!(shown("7", 100), "7");
        assert_eq!(shown("\"a\\\"b\"", 1), "\"a\\\"b\"");
    }

    #[test]
    fn what_does_not_fit_is_spread() {
        let text = r#"{"films":[{"id":"nosferatu","year":1922},{"id":"metropolis","year":1927}]}"#;
        let expected = "\
{
  \"films\": [
    { \"id\": \"nosferatu\", \"year\": 1922 },
    { \"id\": \"metropolis\", \"year\": 1927 }
  ]
}";
        assert_eq!(shown(text, 50), expected);
    }

    #[test]
    fn depth_costs_no_more_than_length() {
        let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
        assert!(shown(&deep, 80).len() < 100 * deep.len());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_stays_the_same_document(value in value(), width in 0..120_usize) {
            let text = shown(&value.to_string(), width);
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
