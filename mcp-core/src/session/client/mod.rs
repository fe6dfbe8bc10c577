//! The client's half: from nothing to a session in which calls can be made.
//!
//! ```text
//! Start ──discover──▶ Discovered ──modern, agreed──────────────▶ Established ──▶ Closed
//!   │                     └──initialize(requested)──▶ Initializing ──agreed──▲  │
//!   ├──skip discovery, or anything but a modern answer──▲   │                   │ required lost
//!   └──no agreement──▶ Rejected ◀───────────────────────────┴───────────────────┘
//! ```
//!
//! "Fail closed" is a type here: requests can be made on [`Established`] only, and there is no
//! `Established` before the required profiles are confirmed. Until then nothing but discovery,
//! `initialize` and answers to pings is written.
//!
//! Era detection follows 2026-07-28, basic/transports/stdio and basic/transports/streamable-http,
//! "Backward Compatibility".

mod asked;
mod config;
mod established;
mod event;
mod handshake;
mod http;
mod subscription;

use std::sync::Arc;
use std::time::Instant;

pub use asked::{InputKind, ServerRequest};
pub use config::{ClientConfig, EraChoice};
pub use established::{Agreed, Established, RequestOptions};
pub use event::ClientEvent;
pub use handshake::{Discovered, Initializing, Start};
pub use http::HttpAnswer;

use crate::error::Error;
use crate::jsonrpc::InvalidMessage;
use crate::outbox::Outbox;
use crate::profile::Rejection;

/// The client's half of one connection, by state.
///
/// # Examples
/// The whole handshake, driven over messages that have been read already:
/// ```
/// use std::{sync::Arc, time::Instant};
/// use mcp_core::session::client::{ClientConfig, ClientSession, Input};
/// use mcp_core::types::Implementation;
/// use mcp_core::Outbox;
///
/// let config = Arc::new(ClientConfig::new(Implementation::new("viewer", "1.0")));
/// let (now, mut outbox) = (Instant::now(), Outbox::default());
/// let mut session = ClientSession::start(config, now, &mut outbox);
/// assert!(std::str::from_utf8(outbox.bytes())?.contains("server/discover"));
///
/// let answer = br#"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}}"#;
/// session = session.handle(now, Input::Frame(answer), &mut outbox);
/// if let ClientSession::Discovered(discovered) = session {
///     session = discovered.choose(now, &mut outbox);
/// }
/// assert!(matches!(session, ClientSession::Established(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum ClientSession {
    /// `server/discover` is on its way, or the connection has to be made anew.
    Start(Start),
    /// The server is known; what to do with it is not yet.
    Discovered(Box<Discovered>),
    /// `initialize` is on its way.
    Initializing(Box<Initializing>),
    /// Calls can be made.
    Established(Box<Established>),
    /// Client and server did not agree.
    Rejected(Rejected),
    /// The connection is over for another reason.
    Closed(Closed),
}

/// Something that happened to a connection during the handshake.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The bytes of one frame.
    Frame(&'a [u8]),
    /// The moment of [`ClientSession::deadline`] has come.
    Deadline,
    /// The peer will send nothing more.
    EndOfInput,
    /// A new connection to the same server was made, as [`Start::awaits_connection`] asked.
    Connected,
    /// HTTP answered a request of ours, and not with a message that counts for itself.
    HttpAnswer(HttpAnswer<'a>),
}

impl ClientSession {
    /// Begins: writes `server/discover`, or `initialize` where only the legacy era is tried.
    pub fn start(config: Arc<ClientConfig>, now: Instant, out: &mut Outbox) -> Self {
        Start::begin(config, now, out)
    }

    /// Takes an input; established, over and discovered sessions stay as they are.
    #[must_use]
    pub fn handle(self, now: Instant, input: Input<'_>, out: &mut Outbox) -> Self {
        match self {
            Self::Start(start) => start.handle(now, input, out),
            Self::Initializing(initializing) => initializing.handle(now, input, out),
            other => other,
        }
    }

    /// When [`Input::Deadline`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Start(start) => start.deadline(),
            Self::Established(established) => established.deadline(),
            _ => None,
        }
    }

    /// What was received that is no message, since this was last asked.
    pub fn take_noise(&mut self) -> Option<InvalidMessage> {
        match self {
            Self::Start(start) => start.noise.take(),
            Self::Initializing(initializing) => initializing.noise.take(),
            _ => None,
        }
    }
}

/// Client and server did not agree on profiles; nothing more is sent.
#[derive(Debug)]
pub struct Rejected {
    rejection: Rejection,
}

impl Rejected {
    /// What was asked, what was offered and why there is no agreement.
    pub fn into_rejection(self) -> Rejection {
        self.rejection
    }
}

/// The connection is over.
#[derive(Debug)]
pub struct Closed {
    error: Error,
}

impl Closed {
    /// Why it is over.
    pub fn into_error(self) -> Error {
        self.error
    }
}

impl From<Rejection> for ClientSession {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(Rejected { rejection })
    }
}

impl From<Error> for ClientSession {
    fn from(error: Error) -> Self {
        Self::Closed(Closed { error })
    }
}
