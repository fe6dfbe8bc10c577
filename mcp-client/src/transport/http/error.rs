//! Why something that was sent over HTTP got no message for an answer.

use std::fmt;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE};

use super::options::causes;
use crate::text::one_line;

/// Why a request over HTTP was not answered with a message.
///
/// It is the source of an [`Error::Transport`](crate::Error::Transport), and is found there with
/// `downcast_ref`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The server answered with a status that says that something is wrong.
    #[error(transparent)]
    Status(HttpStatus),
    /// There is no token for the server, or none that it accepts; or no certificate to show.
    #[cfg(feature = "auth")]
    #[error("the client is not authorized: {0}")]
    Unauthorized(#[from] crate::auth::AuthError),
    /// The server cannot be reached, or the connection to it broke.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is neither JSON nor an event stream.
    #[error(
        "the server answered with {0} where JSON or an event stream is due: look whether the address is that of an MCP endpoint"
    )]
    ContentType(String),
    /// The answer is compressed, which this client never asks for.
    #[error("the server answered with content encoding {0}, which was not asked for")]
    Encoded(String),
    /// The answer, or one event of it, is longer than allowed.
    #[error("the answer of the server is longer than {limit} bytes: raise `Limits::line_bytes`")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Unfinished answers together are longer than allowed.
    #[error(
        "the unfinished answers of the server hold more than {limit} bytes: raise `Limits::pending_bytes`, or call less at once"
    )]
    TooMuch {
        /// The limit.
        limit: usize,
    },
    /// The server accepted a request without answering it.
    #[error("the server accepted the request with status {0} and did not answer it")]
    NotAnswered(u16),
    /// The stream that the answer was due on is over.
    #[error("the response stream ended before the answer")]
    StreamEnded,
    /// A stream that broke could not be taken up again.
    #[error("the response stream broke and could not be taken up again: {0}")]
    NotResumed(Box<Self>),
    /// The server did not take a message in time.
    #[error("the server did not accept the message within {0:?}")]
    NotAccepted(Duration),
    /// The id of the session is none.
    #[error(
        "the server broke the protocol: its session id is empty, too long, or holds other characters than visible ASCII"
    )]
    SessionId,
    /// The one stream of a server of HTTP+SSE is over, and with it the connection.
    #[error("the server ended its stream of events")]
    Ended,
    /// A server of HTTP+SSE does not say where messages go.
    #[error("{0}")]
    Endpoint(String),
    /// The server takes no messages over Streamable HTTP, nor over the older HTTP+SSE.
    #[error("{post}; and it is no server of HTTP+SSE either: {get}")]
    Neither {
        /// How it answered `initialize`.
        post: Box<Self>,
        /// How it answered the request for a stream of events.
        get: Box<Self>,
    },
    /// What is to be sent does not fit into a header.
    #[error("the request cannot be sent over HTTP: {0}")]
    Unsendable(String),
}

impl HttpError {
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        // The address may hold keys.
        Self::Unreachable(causes(&error.without_url()))
    }

    /// The status and body, where the server answered at all.
    pub(crate) fn answer(&self) -> Option<(u16, &[u8])> {
        match self {
            Self::Status(status) => Some((status.status, &status.body)),
            Self::NotAnswered(status) => Some((*status, &[])),
            Self::ContentType(_) | Self::StreamEnded => Some((200, &[])),
            _ => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn status_for_test(status: u16, body: &str) -> Self {
        Self::Status(HttpStatus {
            status,
            location: None,
            challenges: Vec::new(),
            is_text: true,
            body: body.into(),
        })
    }

    pub(crate) fn is_status(&self, wanted: u16) -> bool {
        matches!(self, Self::Status(status) if status.status == wanted)
    }
}

impl From<HttpError> for mcp_core::Error {
    fn from(error: HttpError) -> Self {
        Self::Transport(Box::new(error))
    }
}

/// A status of HTTP that is no success, with what the server says about it.
#[derive(Debug, Clone)]
pub struct HttpStatus {
    status: u16,
    location: Option<String>,
    challenges: Vec<String>,
    is_text: bool,
    body: Vec<u8>,
}

impl HttpStatus {
    /// Reads the beginning of the body; what goes wrong there makes it empty.
    pub(super) async fn read(mut response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers();
        let location = text(headers, LOCATION.as_str());
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges = challenges.filter_map(|value| Some(value.to_str().ok()?.to_owned()));
        let challenges = challenges.collect();
        let is_text =
            text(headers, CONTENT_TYPE.as_str()).is_none_or(|kind| !kind.contains("html"));
        let mut body = Vec::new();
        let reading = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                let room = BODY - body.len();
                body.extend_from_slice(&chunk[..room.min(chunk.len())]);
                if body.len() == BODY {
                    break;
                }
            }
        };
        // What an error says is no reason to wait for long.
        let _ = tokio::time::timeout(BODY_TIME, reading).await;
        Self { status, location, challenges, is_text, body }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body, or the first 64 KiB of it. It may be anything.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The values of `WWW-Authenticate`: how the server wants callers to show who they are.
    pub fn challenges(&self) -> &[String] {
        &self.challenges
    }
}

impl fmt::Display for HttpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = reqwest::StatusCode::from_u16(self.status).ok();
        let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
        write!(f, "the server answered with HTTP status {} {reason}", self.status)?;
        match (self.status, &self.location) {
            (300..=399, Some(location)) => {
                let location = one_line(location, SHOWN);
                write!(f, ": redirects are not followed; if {location} is right, use it instead")?;
            }
            (401, _) => {
                f.write_str(": the server wants to know who calls; set a token or header")?
            }
            _ => {}
        }
        let said = String::from_utf8_lossy(&self.body);
        match one_line(said.trim(), SHOWN) {
            said if self.is_text && !said.is_empty() => write!(f, ": {said}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for HttpStatus {}

/// The value of a header, if it is there once and is text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// How much of the body of an error is read.
const BODY: usize = 64 * 1024;
/// How long that may take.
const BODY_TIME: Duration = Duration::from_secs(5);
/// How many characters of what a server says are shown.
const SHOWN: usize = 300;
