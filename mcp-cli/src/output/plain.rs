//! Making text harmless that comes from elsewhere.
//!
//! Whatever a server says, in results, errors, its log or its name, passes through here before it
//! reaches a terminal. What could move the cursor, change colours, set titles, reverse the reading
//! direction or hide text is shown as an escape, so that it can be seen that it was there.

use std::fmt::Write as _;

/// The text in one line.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text, false)
}

/// The text with its lines; a carriage return before the end of a line goes.
pub(crate) fn lines(text: &str) -> String {
    harmless(text, true)
}

/// JSON text as it is, but with escapes for what [`is_harmful`].
///
/// Outside of strings, valid JSON has nothing that is harmful but white space.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push('\n'),
            '\t' | '\r' => out.push(' '),
            other if is_harmful(other) => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            other => out.push(other),
        }
    }
    out
}

/// Whether a character could do more than take its place in the line.
pub(crate) fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Direction marks, embeddings, overrides and isolates.
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
            // Separators of lines and paragraphs.
            | '\u{2028}' | '\u{2029}'
            // Old format controls, and what is never seen: zero width space, tags, byte order mark.
            | '\u{206A}'..='\u{206F}' | '\u{200B}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

fn harmless(text: &str, keep_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' if keep_lines => out.push('\n'),
            '\r' if keep_lines && characters.peek() == Some(&'\n') => {}
            '\t' => out.push_str("    "),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other if is_harmful(other) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_drives_a_terminal_is_shown_instead() {
        assert_eq!(one_line("a\u{1b}[31mb\u{7}\r\n"), "a\\u{1b}[31mb\\u{7}\\r\\n");
        assert_eq!(lines("a\r\nb\rc\u{9b}2J"), "a\nb\\rc\\u{9b}2J");
        assert_eq!(one_line("\u{202e}txt.exe"), "\\u{202e}txt.exe");
        assert_eq!(lines("größer 😀 日本"), "größer 😀 日本");
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({ "a\u{202e}": "x\u{9b}\u{7f}\u{e0041}\n\u{1b}" });
        let text = json(&value.to_string());
        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text in any::<String>()) {
            prop_assert!(!one_line(&text).chars().any(is_harmful));
            prop_assert!(!lines(&text).chars().any(|c| is_harmful(c) && c != '\n'));
            prop_assert!(!json(&text).chars().any(|c| is_harmful(c) && c != '\n'));
        }

        #[test]
        fn the_harmful_is_found_among_the_rest(
            text in proptest::collection::vec(prop_oneof![
                Just('\u{1b}'), Just('\u{9b}'), Just('\u{202e}'), Just('\r'), Just('\n'),
                Just('\t'), Just('\u{2028}'), Just('\0'), any::<char>(),
            ], 0..64),
        ) {
            let text: String = text.into_iter().collect();
            prop_assert!(!one_line(&text).chars().any(is_harmful));
            prop_assert!(!lines(&text).chars().any(|c| is_harmful(c) && c != '\n'));
        }

        #[test]
        fn json_is_kept(value in any::<String>()) {
            let text = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&json(&text)).unwrap(), value);
        }
    }
}
