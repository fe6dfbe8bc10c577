//! Pictures on a terminal that can show them.
//!
//! Owns the escape sequences of two protocols: Kitty's, which takes PNG, and that of iTerm2, which
//! takes what the system can show. What is sent is encoded anew from decoded bytes, so that nothing
//! of a server's own text gets into a sequence.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// How pictures can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Graphics {
    /// Not at all.
    None,
    /// By the graphics protocol of Kitty, which Ghostty and Konsole know too.
    Kitty,
    /// By the inline images of iTerm2, which WezTerm and others know too.
    Iterm,
}

impl Graphics {
    /// What the environment says about the terminal.
    pub(crate) fn find() -> Self {
        let is = |name: &str, values: &[&str]| {
            std::env::var(name).is_ok_and(|value| values.contains(&value.as_str()))
        };
        let has = |name: &str| std::env::var_os(name).is_some();
        // A multiplexer would need its own wrapping, and may sit in a terminal of any kind.
        if has("TMUX") || has("STY") {
            return Self::None;
        }
        if has("KITTY_WINDOW_ID")
            || is("TERM", &["xterm-kitty", "xterm-ghostty"])
            || is("TERM_PROGRAM", &["ghostty"])
        {
            return Self::Kitty;
        }
        if is("TERM_PROGRAM", &["iTerm.app", "WezTerm", "mintty", "vscode", "rio"])
            || has("ITERM_SESSION_ID")
        {
            return Self::Iterm;
        }
        Self::None
    }

    /// The sequence that shows a picture; `None` where it cannot be shown.
    pub(crate) fn show(self, bytes: &[u8]) -> Option<String> {
        let kind = Kind::of(bytes)?;
        if bytes.len() > LARGEST {
            return None;
        }
        match self {
            Self::Kitty if kind == Kind::Png => Some(kitty(&BASE64.encode(bytes))),
            Self::Iterm => Some(format!(
                "\x1b]1337;File=inline=1;size={};preserveAspectRatio=1:{}\x07\n",
                bytes.len(),
                BASE64.encode(bytes)
            )),
            _ => None,
        }
    }
}

/// What the first bytes say that it is, whatever the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Other,
}

impl Kind {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [0xFF, 0xD8, 0xFF, ..] | [b'G', b'I', b'F', b'8', ..] => Some(Self::Other),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Other),
            _ => None,
        }
    }
}

fn kitty(encoded: &str) -> String {
    let mut text = String::with_capacity(encoded.len() + encoded.len() / 100 + 64);
    // Base64 is ASCII, so that it can be cut anywhere.
    let mut rest = encoded;
    let mut control = "a=T,f=100,";
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        let more = u8::from(!after.is_empty());
        let _ = write!(text, "\x1b_G{control}m={more};{chunk}\x1b\\");
        if after.is_empty() {
            text.push('\n');
            return text;
        }
        (rest, control) = (after, "");
    }
}

/// What one sequence of Kitty's may carry.
const CHUNK: usize = 4096;
/// What is not sent to a terminal.
const LARGEST: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A];

    #[test]
    fn a_large_picture_is_sent_in_chunks() {
        let picture = [&PNG[..], &[7; 9000]].concat();
        let text = Graphics::Kitty.show(&picture).unwrap();
        assert_eq!(text.matches("\x1b_G").count(), 3);
        assert!(text.starts_with("\x1b_Ga=T,f=100,m=1;iVBORw0KGgo"));
        assert!(text.ends_with("\x1b\\\n"));
        assert_eq!(text.matches("m=0;").count(), 1);
    }

    #[test]
    fn what_is_no_picture_is_not_shown() {
        assert_eq!(Graphics::Iterm.show(b"<svg onload=x>"), None);
        assert_eq!(Graphics::Kitty.show(&[0xFF, 0xD8, 0xFF, 0]), None);
        assert_eq!(Graphics::None.show(&PNG), None);
        assert!(Graphics::Iterm.show(&[0xFF, 0xD8, 0xFF, 0]).is_some());
    }
}
