//! The same over HTTP, where each message is a request of its own and the server may be of either
//! era, or one of the older transport HTTP+SSE.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::http::well_known::ROOT;
use mcp_core::profile::Rejection;
use mcp_core::session::client::{ClientConfig, ClientSession, Established, HttpAnswer, Input};
use mcp_core::{Error, Outbox, TimeoutKind};
use tokio::select;

use super::{Connection, Wire};
use crate::audit;
use crate::clock::Clock;
use crate::noise::Noise;
use crate::transport::http::{Event, Exchanges, Http, HttpError, beside};
use crate::transport::trace::Watcher;

/// Comes to an agreement with a server over HTTP.
///
/// # Cancel safety
///
/// When the future is dropped, every request is closed.
pub(super) async fn connect(
    config: Arc<ClientConfig>,
    server: Http,
    watcher: Option<Watcher>,
    limit: Duration,
) -> Result<Connection, Error> {
    if config.policy.has_requirements() && server.url().scheme() == "http" && !server.stays_here() {
        return Err(Error::Misuse(
            "profiles are required of a server that is reached over plain `http`, where nobody can \
             confirm them: use `https`"
                .to_owned(),
        ));
    }
    let exchanges = Exchanges::new(server.clone(), &config.limits, watcher)?;
    let clock = exchanges.clock().clone();
    let mut negotiation = Negotiation::new(&config, exchanges);
    let session = ClientSession::start(Arc::clone(&config), clock.now(), &mut negotiation.out);
    let agreeing = async {
        let agreed = clock.within(limit, negotiation.agree(session)).await;
        agreed.unwrap_or_else(|| Err(TimeoutKind::Handshake.into()))
    };
    // What a server declares to everybody is advice: it shows in messages and decides nothing.
    let (outcome, declared) = match config.policy.is_aware() {
        true => {
            let wants =
                |outcome: &Result<_, Error>| matches!(outcome, Ok(_) | Err(Error::Rejected(_)));
            beside(&server, agreeing, wants).await
        }
        false => (agreeing.await, None),
    };
    let Negotiation { mut exchanges, out, noise, sent, .. } = negotiation;
    match outcome {
        Ok(session) => {
            audit::agreed(&config, session.agreed());
            exchanges.agreed(session.agreed().era(), session.agreed().version());
            Ok(Connection { session, wire: Wire::Http(Box::new(exchanges)), out, noise })
        }
        Err(error) => {
            exchanges.end().await;
            Err(match error {
                Error::Rejected(rejection) => {
                    let rejection = closed(rejection, &sent);
                    let rejection = match (rejection.supported(), declared) {
                        (None, Some(declared)) => rejection.with_supported(declared),
                        _ => rejection,
                    };
                    audit::rejected(&config, &rejection);
                    rejection.into()
                }
                error => error,
            })
        }
    }
}

/// Opens a new session after one was lost, with the same policy; gives what it wants sent next too.
///
/// # Cancel safety
///
/// When the future is dropped, requests go on until `exchanges` is dropped.
pub(crate) async fn open_anew(
    config: &ClientConfig,
    exchanges: Exchanges,
    begin: impl FnOnce(&mut Outbox) -> ClientSession,
) -> (Exchanges, Result<(Box<Established>, Outbox), Error>) {
    let clock = exchanges.clock().clone();
    let mut negotiation = Negotiation::new(config, exchanges);
    negotiation.is_first = false;
    let session = begin(&mut negotiation.out);
    let agreed = clock.within(RENEWAL, negotiation.agree(session)).await;
    let outcome = agreed.unwrap_or_else(|| Err(TimeoutKind::Handshake.into()));
    let Negotiation { mut exchanges, out, .. } = negotiation;
    if let Ok(session) = &outcome {
        exchanges.agreed(session.agreed().era(), session.agreed().version());
    }
    (exchanges, outcome.map(|session| (session, out)))
}

struct Negotiation<'a> {
    config: &'a ClientConfig,
    /// It stands still while authorization is obtained.
    clock: Clock,
    exchanges: Exchanges,
    out: Outbox,
    noise: Noise,
    /// The requests that were sent, for people.
    sent: Vec<&'static str>,
    /// How HTTP answered last.
    answer: Option<HttpError>,
    /// No session was open before: the server may turn out to be of the older transport.
    is_first: bool,
}

impl<'a> Negotiation<'a> {
    fn new(config: &'a ClientConfig, exchanges: Exchanges) -> Self {
        Self {
            config,
            clock: exchanges.clock().clone(),
            exchanges,
            out: Outbox::default(),
            noise: Noise::default(),
            sent: Vec::new(),
            answer: None,
            is_first: true,
        }
    }

    async fn agree(&mut self, mut session: ClientSession) -> Result<Box<Established>, Error> {
        loop {
            self.note_sent(&session);
            session = match session {
                ClientSession::Established(established) => return Ok(established),
                ClientSession::Rejected(rejected) => {
                    return Err(rejected.into_rejection().into());
                }
                ClientSession::Closed(closed) => return Err(self.why(closed.into_error())),
                ClientSession::Discovered(discovered) => {
                    discovered.choose(self.clock.now(), &mut self.out)
                }
                ClientSession::Start(start) if start.awaits_connection() => {
                    self.open_older_transport().await?;
                    let now = self.clock.now();
                    ClientSession::Start(start).handle(now, Input::Connected, &mut self.out)
                }
                waiting => self.wait(waiting).await?,
            };
        }
    }

    async fn wait(&mut self, session: ClientSession) -> Result<ClientSession, Error> {
        let Self { exchanges, out, config, clock, .. } = self;
        exchanges.accept(out);
        let reads = exchanges.owed() <= config.limits.pending_bytes;
        let event = select! {
            event = poll_fn(|cx| exchanges.poll_next(cx, reads)) => event,
            () = clock.until(session.deadline()) => {
                return Ok(session.handle(clock.now(), Input::Deadline, out));
            }
        };
        match event {
            Event::Message { bytes, .. } => {
                let mut session = session.handle(clock.now(), Input::Frame(&bytes), out);
                if let Some(problem) = session.take_noise() {
                    self.noise.heard(&problem, &bytes).report();
                }
                Ok(session)
            }
            Event::Unanswered { id, error } => {
                let Some((status, body)) = error.answer() else { return Err(error.into()) };
                let answer = HttpAnswer { id, status, body };
                let session = session.handle(clock.now(), Input::HttpAnswer(answer), out);
                self.answer = Some(error);
                Ok(session)
            }
            Event::SessionLost => Err(Error::SessionLost),
            Event::Over(error) => {
                self.answer = Some(error);
                Ok(session.handle(clock.now(), Input::EndOfInput, out))
            }
        }
    }

    async fn open_older_transport(&mut self) -> Result<(), Error> {
        let refusal = self.answer.take();
        if !self.is_first {
            return Err(refusal.map_or(Error::SessionLost, Into::into));
        }
        tracing::debug!(target: "mcp::client", "`initialize` was refused; trying HTTP+SSE");
        let opened = self.exchanges.open_older_transport().await;
        opened.map_err(|stream| match refusal {
            Some(refusal) => {
                HttpError::Neither { post: Box::new(refusal), get: Box::new(stream) }.into()
            }
            None => stream.into(),
        })
    }

    fn note_sent(&mut self, session: &ClientSession) {
        let request = match session {
            ClientSession::Start(start) if !start.awaits_connection() => "server/discover",
            ClientSession::Initializing(_) => "initialize",
            _ => return,
        };
        if !self.sent.contains(&request) {
            self.sent.push(request);
        }
    }

    /// Replaces the core's words for a refusal by all that is known about it.
    fn why(&mut self, error: Error) -> Error {
        match (error, self.answer.take()) {
            (Error::Closed(_), Some(answer)) => answer.into(),
            (error, _) => error,
        }
    }
}

/// A rejection after which the connection was closed.
fn closed(rejection: Rejection, sent: &[&str]) -> Rejection {
    rejection.with_sent(format!(
        "{}, GET {ROOT}, nothing else; the connection has been closed",
        sent.join(", ")
    ))
}

/// How long opening a new session may take.
const RENEWAL: Duration = Duration::from_secs(30);
