//! JSON as editors write it, made plain JSON.
//!
//! Owns which liberties are taken: `//` and `/* */` comments, a comma after the last element, a byte
//! order mark. They are overwritten by blanks of the same length, so that lines and columns of later
//! errors are those of the file. It does not check the rest.

/// The text with everything blanked that JSON does not know.
pub(super) fn plain(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if bytes.starts_with(BYTE_ORDER_MARK) {
        blank(&mut bytes[..BYTE_ORDER_MARK.len()]);
    }
    let mut at = 0;
    // The last byte that is neither blank nor comment, and the one before; a comma and its place.
    let (mut last, mut comma) = (None, None);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = end_of_string(&bytes, at);
                (last, comma) = (Some(b'"'), None);
                continue;
            }
            b'/' => {
                if let Some(end) = end_of_comment(&bytes, at) {
                    blank(&mut bytes[at..end]);
                    at = end;
                    continue;
                }
                (last, comma) = (Some(b'/'), None);
            }
            b',' => {
                // Only a comma after a value can be one too many.
                comma = (!matches!(last, None | Some(b',' | b'[' | b'{' | b':'))).then_some(at);
                last = Some(b',');
            }
            close @ (b'}' | b']') => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
                last = Some(close);
            }
            byte if byte.is_ascii_whitespace() => {}
            byte => (last, comma) = (Some(byte), None),
        }
        at += 1;
    }
    // Whole comments were blanked and single ASCII bytes: what is left is as valid as before.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The first byte behind a string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The first byte behind a comment that begins at `start`, if one does and if it ends.
fn end_of_comment(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start + 2..)?;
    match bytes.get(start + 1)? {
        b'/' => Some(start + 2 + find(rest, b"\n").unwrap_or(rest.len())),
        b'*' => Some(start + 2 + find(rest, b"*/")? + 2),
        _ => None,
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Overwrites everything but line ends.
fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Result<Value, serde_json::Error> {
        let plain = plain(text);
        assert_eq!(plain.len(), text.len());
        assert_eq!(plain.lines().count(), text.lines().count());
        serde_json::from_str(&plain)
    }

    #[test]
    fn comments_and_last_commas_are_passed_over() {
        let text = "\u{feff}// größe\n{ \"a\": [1, 2, /* two */ ], // , }\r\n \"b\": {\"c\": \"x\",},\n}\n//";
        assert_eq!(read(text).unwrap(), json!({ "a": [1, 2], "b": { "c": "x" } }));
    }

    #[test]
    fn strings_are_left_alone() {
        let text = r#"{"a": "http://x/*,]", "b\"//": "c,}\\"}"#;
        assert_eq!(plain(text), text);
    }

    #[test]
    fn other_mistakes_stay_mistakes_where_they_were() {
        for text in ["[,]", "[1,,]", "{,}", "[1 /* open", "{\"a\":,}", "\"open", "/", "\"\\"] {
            assert!(read(text).is_err(), "{text}");
        }
        let error = read("/* one\ntwo */ {\n  x }").unwrap_err();
        assert_eq!((error.line(), error.column()), (3, 3));
    }
}
