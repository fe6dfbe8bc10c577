//! TLS: where it ends in front of the server, and how the story connects by hand.
//!
//! A connection is good for as long as the certificate that it was made with: these live for
//! minutes, and nobody would look at them again otherwise. For the same reason no TLS session is
//! ever resumed.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_auth::secret::ExposeSecret as _;
use mcp_server::auth::ClientCertificate;
use mcp_server::http::{Accept, Accepted, Peer};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::{Map, Value, json};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::audit::Audit;
use super::authority::{Authority, Certificate};
use super::svid_verifier::SvidVerifier;

/// Where TLS ends.
pub struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    audit: Audit,
}

impl TlsListener {
    /// Accepts connections with this certificate, and with X.509-SVIDs of these trust domains or
    /// none on the other side.
    ///
    /// # Errors
    ///
    /// The certificates do not fit together.
    pub fn new<'a>(
        listener: TcpListener,
        own: &Certificate,
        workloads: impl IntoIterator<Item = (&'a str, &'a Authority)>,
        audit: Audit,
    ) -> Result<Self, TlsError> {
        let (chain, key) = read(own)?;
        let verifier = SvidVerifier::new(workloads)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), audit })
    }

    fn note(&self, peer: SocketAddr, mut facts: Map<String, Value>) {
        facts.insert("peer".to_owned(), peer.to_string().into());
        self.audit.note("tls", facts);
    }
}

impl Accept for TlsListener {
    type Stream = (TcpStream, SocketAddr);
    type Io = Mortal<server::TlsStream<TcpStream>>;

    async fn accept(&self) -> io::Result<Self::Stream> {
        Accept::accept(&self.listener).await
    }

    async fn establish(&self, (stream, peer): Self::Stream) -> io::Result<Accepted<Self::Io>> {
        let stream = match self.acceptor.accept(stream).into_fallible().await {
            Ok(stream) => stream,
            Err((error, stream)) => {
                let refused = json!({ "event": "connection refused", "reason": error.to_string() });
                self.note(peer, facts(refused));
                linger(stream).await;
                return Err(error);
            }
        };
        let chain = stream.get_ref().1.peer_certificates();
        let Some(shown) = chain.and_then(|chain| chain.first()) else {
            return Ok(Accepted::new(Mortal { io: stream, end: None }).with(Peer(peer)));
        };
        let certificate = ClientCertificate::from_der(shown.as_ref()).map_err(io::Error::other)?;
        let end = Box::pin(sleep_until(Instant::now() + life_left(shown)));
        let made = json!({
            "event": "connection made",
            "spiffe": certificate.spiffe_id(),
            "certificate": certificate.thumbprint(),
        });
        self.note(peer, facts(made));
        let accepted = Accepted::new(Mortal { io: stream, end: Some(end) });
        Ok(accepted.with(Peer(peer)).with(certificate))
    }
}

impl fmt::Debug for TlsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// A connection that nothing is read from any more once its time is over.
#[derive(Debug)]
pub struct Mortal<I> {
    io: I,
    end: Option<Pin<Box<Sleep>>>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Mortal<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.end.as_mut().map(|end| end.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(Ok(())),
            _ => Pin::new(&mut self.io).poll_read(cx, buf),
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Mortal<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A connection to a port of this machine, made by hand: with this certificate, or with none.
///
/// # Errors
///
/// The connection is not made. With TLS 1.3 a client learns only by reading that its certificate was
/// refused.
pub async fn connect(
    port: u16,
    host: &str,
    trusted: &Authority,
    shown: Option<&Certificate>,
) -> Result<client::TlsStream<TcpStream>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone())?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some(certificate) => {
            let (chain, key) = read(certificate)?;
            config.with_client_auth_cert(chain, key)?
        }
    };
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let name = ServerName::try_from(host.to_owned())?;
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}

/// There is no TLS.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    /// Certificates or versions do not fit.
    #[error("TLS cannot be set up: {0}")]
    Config(#[from] rustls::Error),
    /// The authorities do not fit.
    #[error("client certificates cannot be verified: {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// A certificate cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Pem(#[from] pem::Error),
    /// The host has no name.
    #[error("the host has no name: {0}")]
    Name(#[from] InvalidDnsNameError),
}

fn read(
    certificate: &Certificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.expose_secret().as_bytes())?;
    Ok((chain?, key))
}

/// Lets the client read why it was refused: what it sent meanwhile would tear the connection down.
async fn linger(mut stream: TcpStream) {
    let heard = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LONGEST), &mut tokio::io::sink()).await
    };
    let _ = timeout(Duration::from_secs(1), heard).await;
}

/// How long a certificate is still valid, which was verified a moment ago.
fn life_left(certificate: &CertificateDer<'_>) -> Duration {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Duration::ZERO;
    };
    let end = certificate.validity().not_after.timestamp();
    let end = UNIX_EPOCH + Duration::from_secs(end.try_into().unwrap_or_default());
    end.duration_since(SystemTime::now()).unwrap_or_default()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The members of an object.
fn facts(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

const LONGEST: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_with_the_certificate_that_it_was_made_with() {
        let (mut client, io) = duplex(64);
        let end = Instant::now() + Duration::from_secs(300);
        let mut server = Mortal { io, end: Some(Box::pin(sleep_until(end))) };
        client.write_all(b"a").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'a');
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(Instant::now() >= end);
        client.write_all(b"b").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
