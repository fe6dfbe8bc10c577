//! Everything that was said over one connection, in a form that can be kept in a file.

use std::fmt;
use std::path::Path;

use mcp_client::Direction;
use serde_json::{Map, Value};

use crate::canonical;
use crate::error::Error;
use crate::golden::golden;
use crate::wire::{Said, arrow};

/// Everything that was said over one connection.
///
/// Made by [`TestClient::shutdown`](crate::TestClient::shutdown) or
/// [`transcript`](crate::TestClient::transcript) of a pair that [records](crate::Pair::record). Each
/// message stands on a line of its own, behind `→` (to the server) or `←` (to the client):
///
/// ```text
/// → {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{…}}
/// ← {"jsonrpc":"2.0","id":2,"result":{…}}
/// ```
///
/// What differs from run to run is masked, so that the rest can be compared to the letter:
/// `requestState`, `ttlMs`, and every string that is a time of day on a date (RFC 3339). Ids stay: in a
/// test they are the same each time. [`mask`](Self::mask) adds to that.
///
/// # Examples
///
/// ```no_run
/// # async fn test(server: mcp_server::Server) -> Result<(), mcp_test::Error> {
/// let client = mcp_test::pair(server).record().connect().await?;
/// client.list_all_tools().await?;
/// client.shutdown().await?.mask("token").check("tests/transcripts/list.jsonl")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Transcript {
    said: Vec<Said>,
    masked: Vec<String>,
}

impl Transcript {
    pub(crate) fn new(said: Vec<Said>) -> Self {
        Self { said, masked: MASKED.map(str::to_owned).into() }
    }

    /// Masks the values of all members of this name, wherever they stand.
    #[must_use]
    pub fn mask(mut self, member: impl Into<String>) -> Self {
        self.masked.push(member.into());
        self
    }

    /// Masks nothing by itself: neither `requestState` and `ttlMs` nor times.
    #[must_use]
    pub fn unmasked(mut self) -> Self {
        self.masked.clear();
        self
    }

    /// The messages in their order, as they were said; lines that are no JSON are left out.
    pub fn messages(&self) -> impl Iterator<Item = (Direction, &Value)> {
        self.said.iter().filter_map(|said| Some((said.direction, said.message.as_ref().ok()?)))
    }

    /// Compares with a file, or writes it where `MCP_TEST_UPDATE=1` is set; see
    /// [`golden`](crate::golden).
    ///
    /// # Errors
    ///
    /// As [`golden`](crate::golden).
    pub fn check(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        golden(path, &self.to_string())
    }

    fn masks(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let masked = members.iter().map(|(name, value)| {
                    let value = match self.masked.contains(name) {
                        true => Value::String(format!("‹{name}›")),
                        false => self.masks(value),
                    };
                    (name.clone(), value)
                });
                Value::Object(masked.collect::<Map<_, _>>())
            }
            Value::Array(items) => items.iter().map(|item| self.masks(item)).collect(),
            Value::String(text) if !self.masked.is_empty() && is_time(text) => {
                Value::String("‹time›".to_owned())
            }
            other => other.clone(),
        }
    }
}

/// As it stands in a file.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said.iter().try_for_each(|said| {
            let line = match &said.message {
                Ok(message) => canonical::line(&self.masks(message)),
                Err(text) => text.escape_debug().to_string(),
            };
            writeln!(f, "{} {line}", arrow(said.direction))
        })
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a text is a date and a time of day, as RFC 3339 writes them.
fn is_time(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    let bytes = text.as_bytes();
    bytes.len() <= 40
        && bytes.len() >= shape.len()
        && shape.iter().zip(bytes).all(|(shape, byte)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            mark => mark == byte,
        })
        && bytes[shape.len()..].iter().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'+' | b'-' | b'Z' | b'z')
        })
}

/// What no two runs have in common.
const MASKED: [&str; 2] = ["requestState", "ttlMs"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_from_run_to_run_is_masked() {
        let result = json!({
            "ttlMs": 5, "requestState": "x", "at": "2026-07-28T10:00:00.5Z", "day": "2026-07-28",
            "deep": [{ "secret": [1] }],
        });
        let message = Ok(json!({ "id": 1, "result": result }));
        let said = Said { direction: Direction::Received, message };
        let transcript = Transcript::new(vec![said]);
        assert_eq!(
            transcript.clone().mask("secret").to_string(),
            "← {\"id\":1,\"result\":{\"at\":\"‹time›\",\"day\":\"2026-07-28\",\"deep\":[{\"secret\":\"‹secret›\"}],\
             \"requestState\":\"‹requestState›\",\"ttlMs\":\"‹ttlMs›\"}}\n"
        );
        assert!(transcript.unmasked().to_string().contains("10:00:00.5Z"));
    }

    #[test]
    fn a_line_that_is_no_json_is_kept_as_text() {
        let said = Said { direction: Direction::Sent, message: Err("a\u{7}b".to_owned()) };
        assert_eq!(Transcript::new(vec![said]).to_string(), "→ a\\u{7}b\n");
    }
}
