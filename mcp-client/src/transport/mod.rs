//! The ways to reach a server.
//!
//! A transport moves bytes and knows when the other side is gone. It does not
//! know what the bytes mean: messages, versions and profiles belong to the
//! layers above.

pub mod child_process;
#[cfg(feature = "http")]
pub mod http;
mod io;
mod link;
pub(crate) mod trace;

pub use child_process::{ChildProcess, SpawnError, Stderr};
#[cfg(feature = "http")]
pub use http::Http;
pub use io::Io;
pub(crate) use io::{Reader, Writer};
pub(crate) use link::{LastWords, Link, Process};
use trace::Watcher;
pub use trace::{Direction, Traced};

use std::fmt;

#[cfg(feature = "auth")]
use mcp_core::Error;

#[cfg(feature = "auth")]
use crate::auth::ProfileCredentials;
use crate::cache::Identity;

/// What [`ClientBuilder::connect`](crate::ClientBuilder::connect) takes: a way to reach a server.
///
/// [`ChildProcess`] starts the server and can start it again; [`Io`] is any pair of byte streams;
/// with the feature `http`, `Http` is a server that is reached over HTTP.
pub trait IntoTransport {
    /// Makes the transport; nothing is started or sent.
    fn into_transport(self) -> Transport;

    /// Shows every message that leaves or arrives to `watch`, in the order of the wire.
    ///
    /// It is called while the connection is served and has to return at once: what takes time, such
    /// as printing, belongs behind a channel. It sees also what is no message, and everything of
    /// the handshake; a server that is started again is watched as before.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_client::transport::{ChildProcess, Direction, IntoTransport};
    ///
    /// let server = ChildProcess::new("vidsrus-server").traced(|message| {
    ///     let way = if message.direction == Direction::Sent { "->" } else { "<-" };
    ///     tracing::debug!("{way} {}", String::from_utf8_lossy(message.bytes).escape_debug());
    /// });
    /// # let _ = server;
    /// ```
    fn traced(self, watch: impl Fn(Traced<'_>) + Send + Sync + 'static) -> Transport
    where
        Self: Sized,
    {
        let Transport { kind, watcher } = self.into_transport();
        let watch = Watcher::new(watch);
        let watcher = match watcher {
            Some(first) => first.and(watch),
            None => watch,
        };
        Transport { kind, watcher: Some(watcher) }
    }
}

/// Which transport a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// One message in a line, over the streams of a process or any others.
    Stdio,
    /// Streamable HTTP, of 2025-03-26 and later.
    StreamableHttp,
    /// HTTP with SSE, of 2024-11-05, which older servers speak.
    HttpSse,
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdio => "stdio",
            Self::StreamableHttp => "Streamable HTTP",
            Self::HttpSse => "HTTP+SSE",
        })
    }
}

/// A way to reach a server, made by [`IntoTransport`].
#[derive(Debug)]
pub struct Transport {
    kind: Kind,
    watcher: Option<Watcher>,
}

impl Transport {
    /// Which server it leads to, as far as that can be told from here.
    pub(crate) fn identity(&self) -> Identity {
        match &self.kind {
            Kind::Child(child) => child.identity(),
            Kind::Io(_) => Identity::default(),
            #[cfg(feature = "http")]
            Kind::Http(server) => server.identity(),
        }
    }

    /// The same, with these credentials for a profile and no others.
    #[cfg(feature = "auth")]
    pub(crate) fn with_credentials(
        self,
        profile: &str,
        credentials: &ProfileCredentials,
    ) -> Result<Self, Error> {
        let kind = match self.kind {
            Kind::Http(server) => {
                Kind::Http(Box::new(server.with_credentials(profile, credentials)?))
            }
            Kind::Child(_) | Kind::Io(_) => {
                return Err(Error::Misuse(format!(
                    "the profile {profile} is required with credentials, which only servers over \
                     HTTP can ask for"
                )));
            }
        };
        Ok(Self { kind, ..self })
    }

    /// What it is made of: where the server is, and who watches.
    pub(crate) fn into_parts(self) -> (Kind, Option<Watcher>) {
        (self.kind, self.watcher)
    }
}

/// The kinds of ways to reach a server.
#[derive(Debug)]
pub(crate) enum Kind {
    Child(Box<ChildProcess>),
    Io(Io),
    #[cfg(feature = "http")]
    Http(Box<Http>),
}

impl IntoTransport for Transport {
    fn into_transport(self) -> Transport {
        self
    }
}

impl IntoTransport for ChildProcess {
    fn into_transport(self) -> Transport {
        Transport { kind: Kind::Child(Box::new(self)), watcher: None }
    }
}

#[cfg(feature = "http")]
impl IntoTransport for Http {
    fn into_transport(self) -> Transport {
        Transport { kind: Kind::Http(Box::new(self)), watcher: None }
    }
}

impl IntoTransport for Io {
    fn into_transport(self) -> Transport {
        Transport { kind: Kind::Io(self), watcher: None }
    }
}
