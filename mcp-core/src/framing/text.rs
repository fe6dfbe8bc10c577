//! The checks on a whole message before it is parsed: valid UTF-8 and bounded nesting.
//!
//! Knows just enough JSON to tell a bracket from the same byte inside a string. Whether the text
//! is JSON at all is the parser's business.

use memchr::memchr2;

/// Why a message is refused before it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The bytes are not UTF-8, which every MCP message has to be.
    #[error("message is not valid UTF-8 at byte {offset}; send JSON encoded as UTF-8")]
    NotUtf8 {
        /// Where the first byte stands that cannot continue the text.
        offset: usize,
    },
    /// Objects and arrays are nested more deeply than the reader allows.
    #[error("message nests deeper than {limit} levels at byte {offset}; send a flatter value")]
    TooDeep {
        /// Where the bracket stands that opens the first level too many.
        offset: usize,
        /// How many levels are allowed.
        limit: usize,
    },
}

/// Returns `message` as text if it is UTF-8 and nests at most `max_depth` objects and arrays.
///
/// A scalar has depth 0 and `[]` has depth 1. Text that is not JSON passes as long as its brackets
/// stay within the limit, because parsing it fails later without recursing further than that.
///
/// # Errors
///
/// [`TextError`] with the byte offset of the first offence.
///
/// # Examples
///
/// ```
/// use mcp_core::framing::{TextError, check_text};
///
/// assert_eq!(check_text(br#"{"a":[1]}"#, 2), Ok(r#"{"a":[1]}"#));
/// assert_eq!(check_text(b"[[[]]]", 2), Err(TextError::TooDeep { offset: 2, limit: 2 }));
/// ```
pub fn check_text(message: &[u8], max_depth: usize) -> Result<&str, TextError> {
    let text = str::from_utf8(message)
        .map_err(|error| TextError::NotUtf8 { offset: error.valid_up_to() })?;
    // Most messages have fewer opening brackets than the limit, and counting them is a few vector
    // instructions; only the others are worth a look at where their strings are.
    if message.len() > max_depth && opening_brackets(message) > max_depth {
        check_depth(message, max_depth)?;
    }
    Ok(text)
}

/// Counts `[` and `{`, inside strings too: an upper bound of the depth.
fn opening_brackets(message: &[u8]) -> usize {
    // Setting bit 5 turns `[` into `{` and no other byte into `{`. Blocks of 255 let the sum stay
    // in a byte, so that the compiler adds a whole vector register at a time.
    let blocks = message.chunks(255);
    let sums = blocks.map(|block| block.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum());
    sums.map(|sum: u8| usize::from(sum)).sum()
}

fn check_depth(message: &[u8], limit: usize) -> Result<(), TextError> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = message.get(at) {
        match byte {
            b'{' | b'[' if depth == limit => {
                return Err(TextError::TooDeep { offset: at, limit });
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at = string_end(message, at + 1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Returns where the string ends whose first byte is at `at`: its closing quote, or past the end.
fn string_end(message: &[u8], mut at: usize) -> usize {
    loop {
        // Most strings are names, too short to be worth the call of a vectorised search.
        let near = message.iter().skip(at).take(16).position(|byte| matches!(byte, b'"' | b'\\'));
        let far = || message.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest));
        let Some(distance) = near.or_else(far) else { return message.len() };
        at += distance;
        if message[at] == b'"' {
            return at;
        }
        // The byte after a backslash is part of the escape, whatever it is.
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn message_within_the_limit_comes_back_as_text() {
        let message = r#"{"a":[{"b":"ü"}]}"#;
        assert_eq!(check_text(message.as_bytes(), 3), Ok(message));
    }

    #[test]
    fn invalid_utf8_is_reported_with_its_offset() {
        assert_eq!(check_text(b"\"ab\xff\"", 8), Err(TextError::NotUtf8 { offset: 3 }));
        assert_eq!(check_text(b"\"ab\xc3", 8), Err(TextError::NotUtf8 { offset: 3 }));
    }

    #[test]
    fn one_level_too_many_is_reported_at_its_bracket() {
        assert_eq!(check_text(b"[{}]", 1), Err(TextError::TooDeep { offset: 1, limit: 1 }));
        assert_eq!(check_text(b"[]", 0), Err(TextError::TooDeep { offset: 0, limit: 0 }));
        assert_eq!(check_text(b"1", 0), Ok("1"));
    }

    #[test]
    fn siblings_do_not_add_up() {
        let message = format!("[{}]", vec!["{}"; 1000].join(","));
        assert_eq!(check_text(message.as_bytes(), 2), Ok(&*message));
    }

    #[test]
    fn brackets_inside_strings_do_not_count() {
        for message in [r#"["[[[[", "\"[[[[", "\\", []]"#, r#"["\u007b[[[\\\"[["]"#, r#""[[[["#] {
            assert_eq!(check_text(message.as_bytes(), 2), Ok(message));
        }
        let after_an_escaped_backslash = br#"["\\",[[]]]"#;
        assert_eq!(
            check_text(after_an_escaped_backslash, 2),
            Err(TextError::TooDeep { offset: 7, limit: 2 })
        );
    }

    #[test]
    fn a_string_cut_off_after_a_backslash_ends_the_scan() {
        assert_eq!(check_text(br#"[[["\"#, 3), Ok(r#"[[["\"#));
        assert_eq!(check_text(br#"[[["[\"#, 3), Ok(r#"[[["[\"#));
    }

    #[test]
    fn unbalanced_closing_brackets_are_left_to_the_parser() {
        assert_eq!(check_text(b"]]]][[", 2), Ok("]]]][["));
    }

    proptest! {
        #[test]
        fn depth_agrees_with_a_parser(value in json_value()) {
            let (message, depth) = (value.to_string(), depth_of(&value));
            prop_assert!(check_text(message.as_bytes(), depth).is_ok());
            if depth > 0 {
                prop_assert!(check_text(message.as_bytes(), depth - 1).is_err());
            }
        }

        #[test]
        fn no_bytes_panic(message: Vec<u8>, limit in 0..4_usize) {
            let _ = check_text(&message, limit);
        }

        #[test]
        fn bracket_count_is_exact(message in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let expected = message.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
            prop_assert_eq!(opening_brackets(&message), expected);
        }
    }

    fn json_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            r#"[a\[\]{}"\\]{0,8}"#.prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                proptest::collection::btree_map(r#"[a\[{"\\]{0,4}"#, inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    fn depth_of(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
            serde_json::Value::Object(members) => {
                1 + members.values().map(depth_of).max().unwrap_or(0)
            }
            _ => 0,
        }
    }
}
