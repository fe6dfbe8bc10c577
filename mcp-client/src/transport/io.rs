//! A server at the other end of any byte stream.

use std::fmt;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection that exists already: a socket, a pipe, one end of an in-memory duplex.
///
/// Messages are lines, as on standard input and output. Unlike a
/// [`ChildProcess`](super::ChildProcess) it cannot be opened a second time, which matters for
/// servers that hang up on `server/discover`: see [`EraChoice::Legacy`](crate::EraChoice::Legacy).
///
/// # Examples
///
/// ```no_run
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// use mcp_client::{Client, Io};
/// let socket = tokio::net::TcpStream::connect("127.0.0.1:9000").await?;
/// let client = Client::builder("viewer", "1.0").connect(Io::new(socket)).await?;
/// # Ok(())
/// # }
/// ```
pub struct Io {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

pub(crate) type Reader = Pin<Box<dyn AsyncRead + Send>>;
pub(crate) type Writer = Pin<Box<dyn AsyncWrite + Send>>;

impl Io {
    /// Uses one stream for both directions.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self::pair(reader, writer)
    }

    /// Reads from the one and writes to the other.
    pub fn pair(
        reader: impl AsyncRead + Send + 'static,
        writer: impl AsyncWrite + Send + 'static,
    ) -> Self {
        Self { reader: Box::pin(reader), writer: Box::pin(writer) }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").finish_non_exhaustive()
    }
}
