//! One request over HTTP and what comes back on it: a message, a stream of them, or neither.
//!
//! Owns reading responses within bounds. It does not know which messages are answers: whether a
//! stream that ended has done its work is for [`Exchanges`](super::exchanges::Exchanges) to say.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mcp_core::http::header::{LAST_EVENT_ID, MCP_SESSION_ID};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

#[cfg(feature = "auth")]
use super::authorized::Attempts;
use super::connections::Connection;
use super::error::{HttpError, HttpStatus, text};
use super::events::{EventStream, Resume};
use super::held::Budget;
use super::options::Agent;
use crate::clock::Clock;
use crate::transport::trace::{Direction, Watcher};

/// What a request has for the connection, in the order in which it came.
pub(super) enum Arrival {
    /// The server opened a session.
    Session(HeaderValue),
    /// A message, and the request on whose stream it came.
    Message { of: Option<i64>, bytes: Bytes },
    /// Nothing more comes on the stream of a request.
    Over { id: i64, how: How },
    /// The stream that belongs to no request is open.
    Listening,
    /// Nothing more comes on the stream that belongs to no request.
    Silence(HttpError),
}

/// How the response to a request was over.
pub(super) enum How {
    /// It was read to its end; a stream can be taken up again from there.
    Ended(Resume),
    /// It broke off.
    Broken(Resume, HttpError),
    /// There was none that could be read.
    Failed(HttpError),
    /// The server took the request and answers elsewhere.
    Accepted,
}

/// What all requests of a connection share.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) agent: Agent,
    /// Where messages go.
    pub(super) url: Url,
    /// The longest message.
    pub(super) limit: usize,
    /// What all unfinished messages may hold.
    pub(super) budget: Budget,
    pub(super) mail: mpsc::Sender<Arrival>,
    pub(super) clock: Clock,
    pub(super) watcher: Option<Watcher>,
}

/// Sends a request and passes on what comes back on its own response.
pub(super) async fn call(
    wire: Wire,
    id: i64,
    headers: HeaderMap,
    body: Bytes,
    opens_session: bool,
) {
    let how = match wire.post(headers, body).await {
        Ok(response) => wire.answer(id, response, opens_session).await,
        Err(error) => How::Failed(error),
    };
    wire.tell(Arrival::Over { id, how }).await;
}

/// Sends a request whose answer comes on another stream (HTTP+SSE).
pub(super) async fn call_elsewhere(wire: Wire, id: i64, headers: HeaderMap, body: Bytes) {
    let how = match wire.post(headers, body).await {
        Ok(_) => How::Accepted,
        Err(error) => How::Failed(error),
    };
    wire.tell(Arrival::Over { id, how }).await;
}

/// Sends a message that has no answer.
pub(super) async fn deliver(wire: Wire, headers: HeaderMap, body: Bytes) -> Result<(), HttpError> {
    match wire.clock.within(DELIVERY, wire.post(headers, body)).await {
        Some(outcome) => outcome.map(drop),
        None => Err(HttpError::NotAccepted(DELIVERY)),
    }
}

/// Takes up the stream of a request that broke off (2025-11-25, basic/transports, "Resumability
/// and Redelivery").
pub(super) async fn resume(wire: Wire, id: i64, headers: HeaderMap, mut from: Resume) {
    let how = loop {
        sleep(from.delay()).await;
        match wire.open_stream(headers.clone(), from.last_event_id()).await {
            Ok(response) => {
                let stream = wire.events(response, from);
                break wire.pass_on(Some(id), stream).await;
            }
            Err(error) if from.may_try_again(&error) => {}
            Err(error) if error.is_status(404) => break How::Failed(error),
            Err(error) => break How::Failed(HttpError::NotResumed(Box::new(error))),
        }
    };
    wire.tell(Arrival::Over { id, how }).await;
}

/// Listens to what a server says about no request in particular, for as long as it offers that
/// (2025-11-25, basic/transports, "Listening for Messages from the Server").
pub(super) async fn listen(wire: Wire, headers: HeaderMap) {
    let mut from = Resume::default();
    loop {
        match wire.open_stream(headers.clone(), from.last_event_id()).await {
            Ok(response) => {
                wire.tell(Arrival::Listening).await;
                let stream = wire.events(response, from);
                from = match wire.pass_on(None, stream).await {
                    How::Ended(from) | How::Broken(from, _) => from,
                    How::Failed(error) => return wire.tell(Arrival::Silence(error)).await,
                    How::Accepted => return,
                };
            }
            Err(error) if from.may_try_again(&error) => {}
            Err(error) => return wire.tell(Arrival::Silence(error)).await,
        }
        sleep(from.delay()).await;
    }
}

/// Passes on what comes on the one stream of a server of HTTP+SSE.
pub(super) async fn listen_for_all(wire: Wire, stream: EventStream) {
    let error = match wire.pass_on(None, stream).await {
        How::Broken(_, error) | How::Failed(error) => error,
        How::Ended(_) | How::Accepted => HttpError::Ended,
    };
    wire.tell(Arrival::Silence(error)).await;
}

impl Wire {
    async fn tell(&self, arrival: Arrival) {
        // Whoever does not listen any more drops this too.
        let _ = self.mail.send(arrival).await;
    }

    async fn message(&self, of: Option<i64>, bytes: Bytes) {
        if let Some(watcher) = &self.watcher {
            watcher.message(Direction::Received, &bytes);
        }
        self.tell(Arrival::Message { of, bytes }).await;
    }

    /// Posts a message; anything but success is an error.
    async fn post(&self, mut headers: HeaderMap, body: Bytes) -> Result<Response, HttpError> {
        if let Some(watcher) = &self.watcher {
            watcher.message(Direction::Sent, &body);
        }
        let kind = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, kind);
        let accepted = HeaderValue::from_static("application/json, text/event-stream");
        headers.insert(ACCEPT, accepted);
        let response = successful(self.send(Method::POST, headers, Some(body)).await?).await;
        if let (Some(watcher), Err(HttpError::Status(status))) = (&self.watcher, &response)
            && !status.body().is_empty()
        {
            watcher.message(Direction::Received, status.body());
        }
        response
    }

    /// Ends the session; whatever the server says is fine, for it need not let clients do that.
    pub(super) async fn end_session(&self, headers: HeaderMap) {
        // It is no reason to ask anybody for consent.
        drop(timeout(DELETE, self.send(Method::DELETE, headers, None)).await);
    }

    /// Sends a request, authorized if that is wanted, with the caller's own headers.
    async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Response, HttpError> {
        let Self { agent, url, .. } = self;
        let make = |connection: &Connection| {
            let request = agent.request_over(connection, method.clone(), url.clone());
            let request = request.headers(headers.clone());
            match &body {
                Some(body) => request.body(body.clone()),
                None => request,
            }
        };
        #[cfg(feature = "auth")]
        if let Some(authorized) = &agent.authorized {
            let (clock, quietly) = (&self.clock, method == Method::DELETE);
            let attempts = Attempts { agent, clock, method: &method, url, quietly };
            return authorized.send(attempts, make).await;
        }
        make(&agent.connection()?).send().await.map_err(HttpError::unreachable)
    }

    /// Reads a response as events.
    pub(super) fn events(&self, response: Response, from: Resume) -> EventStream {
        EventStream::new(response, self.limit, self.budget.hold(), from)
    }

    /// Asks for a stream of events.
    pub(super) async fn open_stream(
        &self,
        mut headers: HeaderMap,
        last_event_id: Option<HeaderValue>,
    ) -> Result<Response, HttpError> {
        if let Some(id) = last_event_id {
            headers.insert(HeaderName::from_static(LAST_EVENT_ID), id);
        }
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let response = successful(self.send(Method::GET, headers, None).await?).await?;
        match content(&response) {
            Content::Events => Ok(response),
            Content::Json => Err(HttpError::ContentType("application/json".to_owned())),
            Content::Nothing => Err(HttpError::NotAnswered(response.status().as_u16())),
            Content::Other(kind) => Err(HttpError::ContentType(kind)),
        }
    }

    async fn answer(&self, id: i64, response: Response, opens_session: bool) -> How {
        if opens_session && let Some(session) = response.headers().get(MCP_SESSION_ID) {
            if !is_session_id(session) {
                return How::Failed(HttpError::SessionId);
            }
            let mut session = session.clone();
            session.set_sensitive(true);
            self.tell(Arrival::Session(session)).await;
        }
        match content(&response) {
            Content::Json => match self.whole(response).await {
                Ok(bytes) => {
                    self.message(Some(id), bytes).await;
                    How::Ended(Resume::default())
                }
                Err(error) => How::Failed(error),
            },
            Content::Events => {
                let stream = self.events(response, Resume::default());
                self.pass_on(Some(id), stream).await
            }
            Content::Nothing => How::Failed(HttpError::NotAnswered(response.status().as_u16())),
            Content::Other(kind) => How::Failed(HttpError::ContentType(kind)),
        }
    }

    /// Passes on the messages of a stream until it ends.
    async fn pass_on(&self, of: Option<i64>, mut stream: EventStream) -> How {
        loop {
            match stream.next_message().await {
                Ok(Some(bytes)) => self.message(of, bytes).await,
                Ok(None) => return How::Ended(stream.into_resume()),
                Err(error @ HttpError::Unreachable(_)) => {
                    return How::Broken(stream.into_resume(), error);
                }
                Err(error) => return How::Failed(error),
            }
        }
    }

    /// Reads a body to its end.
    async fn whole(&self, mut response: Response) -> Result<Bytes, HttpError> {
        let too_long = || HttpError::TooLong { limit: self.limit };
        let length = response.content_length().unwrap_or(0);
        if length > self.limit as u64 {
            return Err(too_long());
        }
        let Some(first) = response.chunk().await.map_err(HttpError::unreachable)? else {
            return Ok(Bytes::new());
        };
        let mut held = self.budget.hold();
        // Most answers come in one piece, which need not be copied.
        let mut body = None::<BytesMut>;
        while let Some(chunk) = response.chunk().await.map_err(HttpError::unreachable)? {
            let body = body.get_or_insert_with(|| BytesMut::from(&*first));
            if body.len() + chunk.len() > self.limit {
                return Err(too_long());
            }
            held.set(body.len() + chunk.len())?;
            body.extend_from_slice(&chunk);
        }
        let whole = body.map_or(first, BytesMut::freeze);
        if whole.len() > self.limit { Err(too_long()) } else { Ok(whole) }
    }
}

/// A response that is a success and can be read as it comes.
async fn successful(response: Response) -> Result<Response, HttpError> {
    if !response.status().is_success() {
        return Err(HttpError::Status(HttpStatus::read(response).await));
    }
    match text(response.headers(), CONTENT_ENCODING.as_str()) {
        Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => {
            Err(HttpError::Encoded(format!("{encoding:?}")))
        }
        _ => Ok(response),
    }
}

/// What a body is said to be.
enum Content {
    Json,
    Events,
    Nothing,
    Other(String),
}

fn content(response: &Response) -> Content {
    let kind = text(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match &*essence {
        "application/json" => Content::Json,
        "text/event-stream" => Content::Events,
        "" if response.content_length() == Some(0) => Content::Nothing,
        _ if matches!(response.status(), StatusCode::ACCEPTED | StatusCode::NO_CONTENT) => {
            Content::Nothing
        }
        "" => Content::Other("no content type".to_owned()),
        other => Content::Other(format!("{other:?}")),
    }
}

/// Whether a session may be named like this (2025-11-25, basic/transports, "Session Management").
fn is_session_id(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    !bytes.is_empty() && bytes.len() <= SESSION_ID && bytes.iter().all(u8::is_ascii_graphic)
}

/// How long a server may take to accept a message that needs no answer.
const DELIVERY: Duration = Duration::from_secs(30);
/// How long the id of a session may be.
const SESSION_ID: usize = 4096;
/// How long ending a session may take.
const DELETE: Duration = Duration::from_secs(2);
