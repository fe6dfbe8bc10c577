//! From an open connection to an established session.
//!
//! Owns the order of reading, writing and restarting while the core's `ClientSession` decides what
//! is said. Nothing but discovery, `initialize` and answers to pings can leave here, because
//! nothing else can be written before there is an `Established`.
//!
//! This is the handshake over byte streams; that over HTTP is [`http`].

#[cfg(feature = "http")]
pub(crate) mod http;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use mcp_core::framing::{Line, LineBuffer};
use mcp_core::profile::Rejection;
use mcp_core::session::client::{ClientConfig, ClientSession, Established, Input};
use mcp_core::{Error, Outbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep_until;

use crate::audit;
use crate::noise::Noise;
#[cfg(feature = "http")]
use crate::transport::http::Exchanges;
use crate::transport::{Kind, Link, Transport, Writer};

/// An established session on an open connection.
pub(crate) struct Connection {
    pub(crate) session: Box<Established>,
    pub(crate) wire: Wire,
    /// What has to be written still.
    pub(crate) out: Outbox,
    pub(crate) noise: Noise,
}

/// What messages travel over.
pub(crate) enum Wire {
    /// Byte streams, and what was read from them and not handled yet.
    Streams(Box<Link>, LineBuffer),
    #[cfg(feature = "http")]
    Http(Box<Exchanges>),
}

/// Opens the connection and comes to an agreement.
///
/// # Cancel safety
///
/// When the future is dropped, the connection is closed and the server process ended.
pub(crate) async fn connect(
    config: Arc<ClientConfig>,
    transport: Transport,
    limit: std::time::Duration,
) -> Result<Connection, Error> {
    let (kind, watcher) = transport.into_parts();
    let link = match kind {
        Kind::Child(child) => Link::start(child, watcher)?,
        Kind::Io(io) => Link::over(io, watcher),
        #[cfg(feature = "http")]
        Kind::Http(server) => return http::connect(config, *server, watcher, limit).await,
    };
    let mut handshake = Handshake::open(Arc::clone(&config), link);
    let outcome = match tokio::time::timeout(limit, handshake.run()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(mcp_core::TimeoutKind::Handshake.into()),
    };
    match outcome {
        Ok(session) => {
            let Handshake { link, lines, out, noise, .. } = handshake;
            audit::agreed(&config, session.agreed());
            let link = link.ok_or_else(|| Error::Closed("the connection was lost".to_owned()))?;
            Ok(Connection { session, wire: Wire::Streams(Box::new(link), lines), out, noise })
        }
        Err(Error::Rejected(rejection)) => {
            let rejection = handshake.give_up(rejection).await;
            audit::rejected(&config, &rejection);
            Err(rejection.into())
        }
        Err(error) => Err(handshake.explain(error)),
    }
}

struct Handshake {
    config: Arc<ClientConfig>,
    /// `None` only while the connection is made anew.
    link: Option<Link>,
    lines: LineBuffer,
    out: Outbox,
    /// Something was written that may lie in a buffer of the stream.
    unflushed: bool,
    /// The requests that were written, for people.
    sent: Vec<&'static str>,
    noise: Noise,
}

/// What happened on the connection.
enum Step {
    Read(io::Result<usize>),
    Written(io::Result<()>),
    Deadline,
}

impl Handshake {
    fn open(config: Arc<ClientConfig>, link: Link) -> Self {
        let link = Some(link);
        let lines = LineBuffer::with_limit(config.limits.line_bytes);
        let (out, noise) = (Outbox::default(), Noise::default());
        Self { config, link, lines, out, unflushed: false, sent: Vec::new(), noise }
    }

    async fn run(&mut self) -> Result<Box<Established>, Error> {
        let mut session = ClientSession::start(Arc::clone(&self.config), now(), &mut self.out);
        loop {
            self.note_sent(&session);
            session = match session {
                ClientSession::Established(established) => return Ok(established),
                ClientSession::Rejected(rejected) => {
                    return Err(rejected.into_rejection().into());
                }
                ClientSession::Closed(closed) => return Err(self.why(closed.into_error()).await),
                ClientSession::Discovered(discovered) => discovered.choose(now(), &mut self.out),
                ClientSession::Start(start) if start.awaits_connection() => {
                    self.reconnect().await?;
                    ClientSession::Start(start).handle(now(), Input::Connected, &mut self.out)
                }
                waiting => self.wait(waiting).await?,
            };
        }
    }

    /// Handles what has been read, or waits for more.
    async fn wait(&mut self, mut session: ClientSession) -> Result<ClientSession, Error> {
        if let Some(line) = self.lines.next_line() {
            return Ok(handle(session, line, &mut self.out, &mut self.noise));
        }
        match self.step(session.deadline()).await? {
            Step::Read(Ok(0) | Err(_)) => {
                // The last line may lack its end.
                while let Some(line) = self.lines.finish() {
                    session = handle(session, line, &mut self.out, &mut self.noise);
                }
                let waits =
                    matches!(session, ClientSession::Start(_) | ClientSession::Initializing(_));
                Ok(match waits {
                    true => session.handle(now(), Input::EndOfInput, &mut self.out),
                    false => session,
                })
            }
            Step::Read(Ok(_)) | Step::Written(Ok(())) => Ok(session),
            Step::Written(Err(error)) => {
                // Whoever does not read may still have answered: the end of input decides.
                tracing::debug!(target: "mcp::client", %error, "the server does not read");
                self.link()?.writer = None;
                self.out = Outbox::default();
                self.unflushed = false;
                Ok(session)
            }
            Step::Deadline => Ok(session.handle(now(), Input::Deadline, &mut self.out)),
        }
    }

    async fn step(&mut self, deadline: Option<Instant>) -> Result<Step, Error> {
        let Self { config, link, lines, out, unflushed, .. } = self;
        let Some(link) = link else { return Err(lost()) };
        // A server that asks and never reads does not make us hold more and more answers.
        let reads = out.len() <= config.limits.pending_bytes;
        let writes = *unflushed || !out.is_empty();
        let Link { reader, writer, .. } = link;
        Ok(tokio::select! {
            read = reader.read_buf(lines.spare(READ)), if reads => Step::Read(read),
            written = write(writer.as_mut(), out, unflushed), if writes => Step::Written(written),
            () = until(deadline) => Step::Deadline,
        })
    }

    async fn reconnect(&mut self) -> Result<(), Error> {
        tracing::debug!(target: "mcp::client", "the server ended on the probe and is started anew");
        let link = self.link.take().ok_or_else(lost)?;
        self.lines = LineBuffer::with_limit(self.config.limits.line_bytes);
        self.out = Outbox::default();
        self.unflushed = false;
        self.link = Some(link.reopen().await?);
        Ok(())
    }

    fn link(&mut self) -> Result<&mut Link, Error> {
        self.link.as_mut().ok_or_else(lost)
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

    /// Replaces the core's words for an end of input by what is known about the process.
    async fn why(&mut self, error: Error) -> Error {
        let process = self.link.as_ref().map(Link::process).filter(|process| process.exists());
        match (process, error) {
            (Some(process), Error::Closed(_)) => {
                let why = process.why_ended().await;
                Error::Closed(format!("{why} (before the handshake was over)"))
            }
            (_, error) => error,
        }
    }

    fn explain(&self, error: Error) -> Error {
        match &self.link {
            Some(link) => link.process().explain(error),
            None => error,
        }
    }

    /// Ends the connection after a rejection, and says so in it.
    async fn give_up(self, rejection: Rejection) -> Rejection {
        let Some(link) = self.link else { return rejection };
        let process = link.close();
        let ended = match process.end().await {
            Some(_) => "the server process has been ended",
            None => "the connection has been closed",
        };
        rejection.with_sent(format!("{}, nothing else; {ended}", self.sent.join(", ")))
    }
}

fn handle(
    session: ClientSession,
    line: Line<'_>,
    out: &mut Outbox,
    noise: &mut Noise,
) -> ClientSession {
    match line {
        Line::Complete(bytes) => {
            let mut session = session.handle(now(), Input::Frame(bytes), out);
            if let Some(problem) = session.take_noise() {
                noise.heard(&problem, bytes).report();
            }
            session
        }
        Line::TooLong { length_so_far } => {
            noise.too_long(length_so_far).report();
            session
        }
    }
}

/// Writes some of what waits, then flushes.
///
/// # Cancel safety
///
/// What was written is consumed; a write that is dropped has written nothing.
async fn write(
    writer: Option<&mut Writer>,
    out: &mut Outbox,
    unflushed: &mut bool,
) -> io::Result<()> {
    let Some(writer) = writer else { return std::future::pending().await };
    if out.is_empty() {
        writer.flush().await?;
        *unflushed = false;
        return Ok(());
    }
    match writer.write(out.bytes()).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => {
            out.consume(written);
            *unflushed = true;
            Ok(())
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// The time that the runtime's clock shows, which tests can stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn lost() -> Error {
    Error::Closed("the connection was lost".to_owned())
}

/// How much is read at once at least.
pub(crate) const READ: usize = 8 * 1024;
