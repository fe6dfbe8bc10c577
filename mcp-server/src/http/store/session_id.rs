//! What names a legacy session, and lets its holder in.

use std::fmt;

use crate::ask::random;

/// Names a legacy session: 32 hexadecimal digits made of 128 random bits, too many to be guessed.
///
/// It is the session's secret as well: [`as_str`](Self::as_str) is for the header `Mcp-Session-Id`
/// and for stores, and `Debug` shows the beginning only. The specification asks for an id that is
/// globally unique, cryptographically secure and of visible ASCII characters (2025-11-25,
/// basic/transports, "Session Management").
///
/// # Examples
/// ```
/// use mcp_server::http::SessionId;
///
/// let id = SessionId::random();
/// assert_eq!(SessionId::parse(id.as_str().as_bytes()), Some(id));
/// assert_eq!(SessionId::parse(b"guessed"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; Self::LEN]);

impl SessionId {
    /// How many characters an id has.
    pub const LEN: usize = 32;

    /// A new id, from the operating system's random bytes.
    ///
    /// # Panics
    /// When there are none: then std's hash maps, which every server has, panic as well.
    pub fn random() -> Self {
        let mut text = [0; Self::LEN];
        for (digits, byte) in text.chunks_exact_mut(2).zip(random::<{ Self::LEN / 2 }>()) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 0xf)];
        }
        Self(text)
    }

    /// Reads what a peer sent; nothing but the text of an id is one.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: [u8; Self::LEN] = text.try_into().ok()?;
        text.iter().all(|byte| DIGITS.contains(byte)).then_some(Self(text))
    }

    /// The id as it stands in the header; whoever has it has the session.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id consists of hexadecimal digits")
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl fmt::Debug for SessionId {
    /// Enough to tell the sessions of a log apart, too little to use one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({}…)", &self.as_str()[..6])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_all_different_and_survive_a_round_trip() {
        let ids: HashSet<SessionId> = (0..1000).map(|_| SessionId::random()).collect();
        assert_eq!(ids.len(), 1000);
        for id in &ids {
            assert_eq!(SessionId::parse(id.as_str().as_bytes()), Some(*id));
            assert!(id.as_str().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        }
    }

    #[test]
    fn nothing_but_the_text_of_an_id_is_one() {
        let id = SessionId::random();
        let text = id.as_str();
        let upper = "ABCDEF0123456789ABCDEF0123456789";
        let wide = "é".repeat(SessionId::LEN / 2);
        let long = text.repeat(1000);
        let (short, blank) = (&text[1..], format!("{} ", &text[1..]));
        for wrong in ["", short, &blank, upper, &wide, &long, &format!("{text}0")] {
            assert_eq!(SessionId::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(SessionId::parse(&[0xff; SessionId::LEN]), None);
        assert_eq!(SessionId::parse(&[0; SessionId::LEN]), None);
    }

    #[test]
    fn an_id_is_not_shown_in_full() {
        let id = SessionId::random();
        let shown = format!("{id:?}");
        assert!(shown.contains(&id.as_str()[..6]) && !shown.contains(&id.as_str()[..7]), "{shown}");
    }
}
