//! Reading one response as a stream of events, and where to take it up again.

use std::fmt;
use std::time::Duration;

use bytes::{Buf, Bytes};
use mcp_core::http::sse::Parser;
use reqwest::Response;
use reqwest::header::HeaderValue;

use super::error::HttpError;
use super::held::Held;

/// A response that is a stream of events.
pub(super) struct EventStream {
    response: Response,
    /// What was read and not parsed yet.
    chunk: Bytes,
    from: Resume,
    limit: usize,
    held: Held,
}

/// Where a stream that ended can be taken up again, and when.
#[derive(Default)]
pub(super) struct Resume {
    parser: Option<Parser>,
    /// How many times in a row nothing came of it: attempts that failed, and streams without an
    /// event.
    vain: u32,
    failures: u32,
}

impl EventStream {
    /// Events of at most `limit` bytes; `from` is where the stream is taken up.
    pub(super) fn new(response: Response, limit: usize, held: Held, mut from: Resume) -> Self {
        match &mut from.parser {
            Some(parser) => parser.restart(),
            none => *none = Some(Parser::with_limit(limit.saturating_add(FIELDS))),
        }
        from.failures = 0;
        from.vain = from.vain.saturating_add(1);
        Self { response, chunk: Bytes::new(), from, limit, held }
    }

    /// The next message; `None` at the end of the stream.
    ///
    /// Events of other types are passed over, and those without data, which only tell where the
    /// stream can be taken up.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn next_message(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.next_of("message").await
    }

    /// The data of the next event of a type; `None` at the end of the stream.
    pub(super) async fn next_of(&mut self, wanted: &str) -> Result<Option<Bytes>, HttpError> {
        loop {
            while let Some((is_wanted, data)) = self.parse(wanted)? {
                self.from.vain = 0;
                if is_wanted && !data.is_empty() {
                    return Ok(Some(data));
                }
            }
            self.held.set(self.from.parser.as_ref().map_or(0, Parser::held))?;
            match self.response.chunk().await.map_err(HttpError::unreachable)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(None),
            }
        }
    }

    /// Where the stream can be taken up from here.
    pub(super) fn into_resume(self) -> Resume {
        self.from
    }

    /// The next event in what was read: whether it is of the type, and its data.
    fn parse(&mut self, wanted: &str) -> Result<Option<(bool, Bytes)>, HttpError> {
        let Self { chunk, from, limit, .. } = self;
        let Some(parser) = &mut from.parser else { return Ok(None) };
        let before = chunk.len();
        let mut rest = &chunk[..];
        let event =
            parser.next_event(&mut rest).map_err(|_| HttpError::TooLong { limit: *limit })?;
        let event = event.map(|event| {
            let is_wanted = event.event == wanted;
            (is_wanted, if is_wanted { Bytes::copy_from_slice(event.data) } else { Bytes::new() })
        });
        let taken = before - rest.len();
        chunk.advance(taken);
        Ok(event)
    }
}

impl Resume {
    /// From which event on; `None` where the server does not say.
    pub(super) fn last_event_id(&self) -> Option<HeaderValue> {
        let id = self.parser.as_ref()?.last_event_id()?;
        HeaderValue::from_bytes(id.as_bytes()).ok()
    }

    /// How long to wait: as long as the server wants, and longer the more often it was in vain.
    pub(super) fn delay(&self) -> Duration {
        let wanted = self.parser.as_ref().and_then(Parser::retry);
        let first = wanted.unwrap_or(RETRY);
        let more = first.max(SHORTEST).saturating_mul(1 << self.vain.saturating_sub(1).min(10));
        first.max(more.min(LONGEST)).min(FOR_EVER)
    }

    /// Whether to try once more after a failure; counts it.
    pub(super) fn may_try_again(&mut self, error: &HttpError) -> bool {
        let passing = match error {
            HttpError::Unreachable(_) => true,
            HttpError::Status(status) => matches!(status.status(), 408 | 425 | 429 | 500..=599),
            _ => false,
        };
        self.failures += 1;
        self.vain = self.vain.saturating_add(1);
        passing && self.failures < FAILURES
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("vain", &self.vain).finish_non_exhaustive()
    }
}

/// How long to wait where the server does not say.
const RETRY: Duration = Duration::from_secs(1);
/// The least that is waited when it was in vain before, whatever the server says.
const SHORTEST: Duration = Duration::from_millis(100);
/// The most that is waited, unless the server wants more.
const LONGEST: Duration = Duration::from_secs(30);
/// More than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);
/// How often in a row an attempt may fail.
const FAILURES: u32 = 6;
/// How long the fields of an event besides its data may be.
const FIELDS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn resume(text: &str, vain: u32) -> Resume {
        let mut parser = Parser::with_limit(1024);
        let mut bytes = text.as_bytes();
        while parser.next_event(&mut bytes).unwrap().is_some() {}
        Resume { parser: Some(parser), vain, failures: 0 }
    }

    #[test]
    fn servers_wish_is_kept_to_and_waits_grow_in_vain() {
        let millis = |text, vain| resume(text, vain).delay().as_millis();
        assert_eq!(millis("retry: 500\n\n", 0), 500);
        assert_eq!(millis("retry: 500\n\n", 1), 500);
        assert_eq!(millis("retry: 500\n\n", 3), 2_000);
        assert_eq!(millis("retry: 0\n\n", 0), 100);
        assert_eq!(millis("retry: 60000\n\n", 9), 60_000);
        assert_eq!(millis("retry: 99999999999999\n\n", 9), FOR_EVER.as_millis());
        assert_eq!((millis("", 0), millis("", 40)), (1_000, 30_000));
    }

    #[test]
    fn only_what_may_pass_is_tried_again_and_not_for_ever() {
        let mut from = Resume::default();
        assert!(!from.may_try_again(&HttpError::status_for_test(405, "")));
        let mut from = Resume::default();
        let tries = (0..100).filter(|_| from.may_try_again(&HttpError::StreamEnded)).count();
        assert_eq!(tries, 0);
        let mut from = Resume::default();
        let broken = HttpError::Unreachable(String::new());
        assert_eq!((0..100).filter(|_| from.may_try_again(&broken)).count(), 5);
    }

    #[test]
    fn id_that_fits_into_no_header_cannot_be_resumed() {
        assert!(resume("id: 7\n\n", 0).last_event_id().is_some());
        assert!(resume("id: a\u{7f}\n\n", 0).last_event_id().is_none());
    }
}
