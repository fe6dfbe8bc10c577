//! What an HTTP status says about a server, and going on in a new session when one was lost.
//!
//! Owns the table of which answers are signs of a legacy server, of the older transport, or of
//! neither. It does not know how messages travel.

use super::handshake::{Initializing, described};
use super::{ClientSession, Established};
use crate::error::Error;
use crate::jsonrpc::{ErrorObject, Message, Response};
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::pending::CallId;
use crate::profile::{Rejection, RejectionKind};
use crate::session::frame::{self, Text};

/// How HTTP answered a request of ours, where there is no message that counts for itself: the
/// status is no success, or the body is none that a request may be answered with.
#[derive(Debug, Clone, Copy)]
pub struct HttpAnswer<'a> {
    /// The id of the request.
    pub id: i64,
    /// The status.
    pub status: u16,
    /// The body, or its beginning.
    pub body: &'a [u8],
}

impl HttpAnswer<'_> {
    /// The error of JSON-RPC in the body. Whoever is not let in is told nothing of the server.
    pub(super) fn error(&self, limits: &Limits) -> Option<ErrorObject> {
        if matches!(self.status, 401 | 403) {
            return None;
        }
        match frame::decode(self.body, limits) {
            Ok(Text::Message(Message::Response(Response { outcome: Err(error), .. }), _)) => {
                Some(error)
            }
            _ => None,
        }
    }

    /// Whether this is how a legacy server may answer a modern request, if the body holds no error
    /// of a modern one (2026-07-28, basic/versioning, "Compatibility Matrix").
    pub(super) fn may_be_of_a_legacy_server(&self) -> bool {
        match self.status {
            // Neither who asks, nor when, nor through what, says anything about the era.
            401 | 403 | 407 | 408 | 425 | 429 => false,
            status => matches!(status, 200..=299 | 400..=499),
        }
    }

    /// Whether this is how a server of HTTP+SSE may answer `initialize`.
    pub(super) fn may_be_of_http_sse(&self) -> bool {
        matches!(self.status, 400 | 404 | 405)
    }

    pub(super) fn refused(&self) -> Error {
        Error::Closed(format!("the server answered with HTTP status {}", self.status))
    }

    pub(super) fn no_server(&self) -> Error {
        Error::PeerIncompatible(format!(
            "the server answered `server/discover` with HTTP status {}: it is no server of MCP \
             2026-07-28 or later, and this client tries no older version",
            self.status
        ))
    }
}

impl Established {
    /// Whether the request of this id waits for its answer.
    pub fn awaits(&self, id: i64) -> bool {
        self.calls.contains_id(id)
    }

    /// Takes out the request of this id: whoever carried it says that there will be no answer.
    /// Nothing is written.
    pub fn unanswered(&mut self, id: i64) -> Option<CallId> {
        self.calls.answered(&id.into()).map(|(call, _)| call)
    }

    /// Begins anew with the same policy, because the server ended the session (2025-11-25,
    /// basic/transports, "Session Management"): writes `initialize`.
    ///
    /// Give what comes of it to [`Established::renew`].
    pub fn begin_anew(&self, out: &mut Outbox) -> ClientSession {
        Initializing::send(self.config.clone(), self.calls.next_id(), None, out)
    }

    /// Goes on in a new session. The calls of the old one have to be taken out before.
    ///
    /// # Errors
    /// Other profiles are in force than before: nothing more may be sent.
    pub fn renew(&mut self, new: Self) -> Result<(), Rejection> {
        if !new.agreed.profiles.same_set(&self.agreed.profiles) {
            self.rejected = true;
            let rejection = Rejection::new(RejectionKind::Changed, self.requested().clone());
            let rejection = match new.agreed.offer.supported() {
                Some(supported) => rejection.with_supported(supported.clone()),
                None => rejection,
            };
            let server = new.agreed.server.server_info.as_ref();
            return Err(described(rejection, server, Some(new.agreed.version)));
        }
        self.calls.go_on_at(new.calls.next_id());
        self.agreed = new.agreed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpAnswer<'_> {
        HttpAnswer { id: 1, status, body: body.as_bytes() }
    }

    #[test]
    fn only_what_a_legacy_server_would_say_is_a_sign_of_one() {
        let signs: Vec<u16> =
            (100..600).filter(|status| answer(*status, "").may_be_of_a_legacy_server()).collect();
        for legacy in [200, 202, 400, 404, 405, 406, 415, 422] {
            assert!(signs.contains(&legacy), "{legacy}");
        }
        for other in [301, 401, 403, 407, 408, 429, 500, 502, 503] {
            assert!(!signs.contains(&other), "{other}");
        }
    }

    #[test]
    fn error_is_read_from_the_body_unless_the_caller_is_not_let_in() {
        let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"no"}}"#;
        let code =
            |status| answer(status, body).error(&Limits::default()).map(|error| error.code.0);
        assert_eq!(code(400), Some(-32022));
        assert_eq!((code(401), code(403)), (None, None));
        for body in ["", "no", "{}", "[]", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "\u{0}"] {
            assert!(answer(400, body).error(&Limits::default()).is_none(), "{body}");
        }
    }
}
