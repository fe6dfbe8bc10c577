//! What a peer wrote, made fit to be shown.

/// At most `most` characters of a text, control characters escaped.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(most) {
        match character {
            '\t' => line.push(' '),
            control if control.is_control() => line.extend(control.escape_default()),
            other => line.push(other),
        }
    }
    if characters.next().is_some() {
        line.push('…');
    }
    line
}

/// The same for bytes that may be no text.
pub(crate) fn excerpt(bytes: &[u8], most: usize) -> String {
    // A character has at most four bytes; one more shows that something was left out.
    let head = &bytes[..bytes.len().min(most * 4 + 4)];
    one_line(&String::from_utf8_lossy(head), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_text_is_cut() {
        assert_eq!(one_line("a\tb\u{1b}[0m\n", 99), "a b\\u{1b}[0m\\n");
        assert_eq!(one_line("abc", 2), "ab…");
        assert_eq!(excerpt(&[b'x', 0xFF, b'y'], 9), "x\u{FFFD}y");
        assert_eq!(excerpt(&[b'x'; 100], 3), "xxx…");
    }
}
