//! Where connections come from, and what is done before HTTP is spoken over them.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use http::Extensions;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::Peer;
use super::socket;

/// Where connections come from: a [`TcpListener`], or one that ends TLS.
///
/// [`HttpService::serve_with`](super::HttpService::serve_with) takes one. What it knows about a
/// connection goes along with every request as an extension: the [`Peer`], and the certificate of
/// the client (`ClientCertificate`, with the feature `auth`) once its chain was checked.
///
/// # Examples
///
/// TLS is the business of whoever serves; with `tokio-rustls`:
///
/// ```ignore
/// struct Tls {
///     listener: TcpListener,
///     acceptor: tokio_rustls::TlsAcceptor,
/// }
///
/// impl Accept for Tls {
///     type Stream = (TcpStream, SocketAddr);
///     type Io = tokio_rustls::server::TlsStream<TcpStream>;
///
///     async fn accept(&self) -> io::Result<Self::Stream> {
///         Accept::accept(&self.listener).await
///     }
///
///     async fn establish(&self, (stream, peer): Self::Stream) -> io::Result<Accepted<Self::Io>> {
///         let stream = self.acceptor.accept(stream).await?;
///         let chain = stream.get_ref().1.peer_certificates();
///         let shown = chain.and_then(|chain| ClientCertificate::from_der(chain.first()?.as_ref()).ok());
///         let accepted = Accepted::new(stream).with(Peer(peer));
///         Ok(match shown {
///             Some(certificate) => accepted.with(certificate),
///             None => accepted,
///         })
///     }
/// }
/// ```
pub trait Accept: Send + Sync + 'static {
    /// A connection as it was accepted, before any handshake.
    type Stream: Send + 'static;

    /// A connection that HTTP is spoken over.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection; no peer may make it wait for anything else.
    ///
    /// # Errors
    ///
    /// No connection can be accepted now; it is asked again.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time, and no connection may get lost by that.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Makes a connection ready for HTTP.
    ///
    /// It runs beside others and in bounded time: a client that is not done with the handshake
    /// within ten seconds is cut off.
    ///
    /// # Errors
    ///
    /// The connection is dropped; this is logged and concerns nobody else.
    fn establish(
        &self,
        stream: Self::Stream,
    ) -> impl Future<Output = io::Result<Accepted<Self::Io>>> + Send;
}

/// A connection that is ready for HTTP, and what is known about it.
pub struct Accepted<I> {
    pub(crate) io: I,
    pub(crate) extensions: Extensions,
}

impl<I> Accepted<I> {
    /// A connection of which nothing is known.
    pub fn new(io: I) -> Self {
        Self { io, extensions: Extensions::new() }
    }

    /// Adds an extension to each request that comes over it.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, known: T) -> Self {
        self.extensions.insert(known);
        self
    }
}

impl<I> fmt::Debug for Accepted<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("extensions", &self.extensions).finish_non_exhaustive()
    }
}

impl Accept for TcpListener {
    type Stream = (TcpStream, SocketAddr);
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        let (stream, peer) = Self::accept(self).await?;
        socket::set_up(&stream);
        Ok((stream, peer))
    }

    async fn establish(&self, (stream, peer): Self::Stream) -> io::Result<Accepted<TcpStream>> {
        Ok(Accepted::new(stream).with(Peer(peer)))
    }
}
