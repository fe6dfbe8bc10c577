//! Reading JSON of a peer piece by piece: a bounded list keeps its elements undecoded, so that an
//! error can name the element, and an object is told from an array before it is decoded.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Why a JSON text is no list within its bound.
#[derive(Debug)]
pub(super) enum ListProblem {
    NotAList,
    TooMany,
    Syntax(String),
}

/// The elements of a JSON array of at most `most`; further ones are counted, never kept.
pub(super) fn elements(json: &str, most: usize) -> Result<Vec<&RawValue>, ListProblem> {
    struct Bounded<'a>(Vec<&'a RawValue>, bool);

    struct Elements(usize);
    impl<'de> Visitor<'de> for Elements {
        type Value = Bounded<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bounded<'de>, A::Error> {
            let mut kept = Vec::new();
            while kept.len() < self.0 {
                match seq.next_element()? {
                    Some(element) => kept.push(element),
                    None => return Ok(Bounded(kept, false)),
                }
            }
            let mut more = false;
            while seq.next_element::<IgnoredAny>()?.is_some() {
                more = true;
            }
            Ok(Bounded(kept, more))
        }
    }

    if !begins_with(json, b'[') {
        return Err(ListProblem::NotAList);
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = (&mut deserializer).deserialize_seq(Elements(most)).and_then(|list| {
        deserializer.end()?;
        Ok(list)
    });
    match read {
        Ok(Bounded(_, true)) => Err(ListProblem::TooMany),
        Ok(Bounded(kept, false)) => Ok(kept),
        Err(error) => Err(ListProblem::Syntax(brief(&error.to_string()))),
    }
}

/// Decodes a JSON object; a derived decoder alone would take an array of its fields as well.
pub(super) fn object<'de, T: Deserialize<'de>>(raw: &'de RawValue) -> Result<T, String> {
    if !begins_with(raw.get(), b'{') {
        return Err("expected an object".into());
    }
    serde_json::from_str(raw.get()).map_err(|error| brief(&error.to_string()))
}

/// A peer's text for people: no control characters, and no longer than a line.
pub(super) fn brief(text: &str) -> String {
    const MOST: usize = 160;
    let mut brief: String =
        text.chars().take(MOST).map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        brief.push('…');
    }
    brief
}

/// Control characters, and those that reorder or hide the text around them.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Keeps `null` apart from an absent member, so that it is refused and not taken for one.
pub(super) fn present<'de: 'a, 'a, D>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error>
where
    D: Deserializer<'de>,
{
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn begins_with(json: &str, first: u8) -> bool {
    json.trim_start_matches([' ', '\t', '\n', '\r']).as_bytes().first() == Some(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_within_its_bound_keeps_every_element() {
        let kept = elements(r#" [1, "a", {"b": [2]}] "#, 3).unwrap();
        let texts: Vec<_> = kept.iter().map(|raw| raw.get()).collect();
        assert_eq!(texts, ["1", r#""a""#, r#"{"b": [2]}"#]);
        assert!(elements("[]", 0).unwrap().is_empty());
    }

    #[test]
    fn longer_list_and_other_json_are_told_apart() {
        assert!(matches!(elements("[1,2,3]", 2), Err(ListProblem::TooMany)));
        assert!(matches!(elements("{}", 2), Err(ListProblem::NotAList)));
        assert!(matches!(elements("", 2), Err(ListProblem::NotAList)));
        for broken in ["[1,]", "[1", "[1] 2", "[1,2,3", "[nul]"] {
            assert!(matches!(elements(broken, 2), Err(ListProblem::Syntax(_))), "{broken}");
        }
    }

    #[test]
    fn texts_of_a_peer_cannot_drive_a_terminal() {
        assert_eq!(brief("a\u{1b}[2Jb\n\u{202e}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
        assert_eq!(brief(&"x".repeat(1000)).chars().count(), 161);
    }
}
