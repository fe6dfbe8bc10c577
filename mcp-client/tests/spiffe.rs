//! The Workload API of SPIFFE, played by a server of our own: what it gives is shown to servers, and
//! follows its rotation.

#![cfg(all(feature = "spiffe", unix))]

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mcp_auth::client_authentication::{AssertionRequest, AssertionSource};
use mcp_auth::secret::ExposeSecret;
use mcp_client::auth::{ClientCertificateSource, JwtSvids, X509Svids};
use mcp_client::{Http, discover_profiles};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

const CLIENT: &str = "spiffe://chips.example/client";
const SERVER: &str = "spiffe://chips.example/server";

/// The authority of a trust domain.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// An X.509-SVID and its key.
struct Svid {
    id: &'static str,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "chips.example");
        params.subject_alt_names = vec![uri("spiffe://chips.example")];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, id: &'static str) -> Svid {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.subject_alt_names = vec![uri(id)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Svid { id, certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }
}

fn uri(id: &str) -> SanType {
    SanType::URI(id.try_into().unwrap())
}

/// A member of a message of protocol buffers that has a length.
fn member(number: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(value);
    bytes
}

impl Svid {
    /// As in the answer to `FetchX509SVID`.
    fn answer(&self, authority: &Authority) -> Vec<u8> {
        let svid = [
            member(1, self.id.as_bytes()),
            member(2, self.certificate.der()),
            member(3, &self.key.serialize_der()),
            member(4, authority.0.der()),
        ];
        member(1, &svid.concat())
    }
}

type Body = StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// Answers with what `svids` has now and later, and with a token for everybody.
async fn answer(
    request: Request<Incoming>,
    svids: watch::Receiver<Vec<u8>>,
) -> Result<Response<Body>, Infallible> {
    let messages = match request.uri().path() {
        "/SpiffeWorkloadAPI/FetchX509SVID" => stream::unfold(svids, async |mut svids| {
            svids.changed().await.ok()?;
            let message = svids.borrow_and_update().clone();
            Some((message, svids))
        })
        .boxed(),
        "/SpiffeWorkloadAPI/FetchJWTSVID" => {
            let svid = [member(1, CLIENT.as_bytes()), member(2, b"a.jwt.svid")].concat();
            stream::iter([member(1, &svid)]).boxed()
        }
        _ => stream::empty().boxed(),
    };
    let frames = messages.map(|message| {
        let mut frame = BytesMut::new();
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.len()).unwrap());
        frame.put_slice(&message);
        Ok(Frame::data(frame.freeze()))
    });
    let end = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
    let frames = frames.chain(stream::iter([Ok(Frame::trailers(end))]));
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response.body(StreamBody::new(frames.boxed())).unwrap())
}

/// The Workload API; it ends when it is dropped.
struct Agent {
    svids: watch::Sender<Vec<u8>>,
    _tasks: JoinSet<()>,
}

impl Agent {
    fn start(socket: &Path, first: &Svid, authority: &Authority) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let svids = watch::Sender::new(Vec::new());
        svids.send_replace(first.answer(authority));
        let (mut tasks, offered) = (JoinSet::new(), svids.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let offered = offered.clone();
                let service = service_fn(move |request| {
                    let mut svids = offered.subscribe();
                    // What is there already is new to whoever asks.
                    svids.mark_changed();
                    answer(request, svids)
                });
                connections.spawn(async move {
                    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { svids, _tasks: tasks }
    }
}

/// A server with an X.509-SVID that says which certificate was shown for each request.
async fn serve(svid: &Svid, authority: &Authority) -> (Http, mpsc::UnboundedReceiver<Vec<u8>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let key = PrivateKeyDer::try_from(svid.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![svid.certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that trusts somebody else hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            tell.send(shown).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
            stream.write_all(answer).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    let http = Http::new(format!("https://films.example:{port}/mcp")).unwrap();
    (http.resolve("films.example", Ipv4Addr::LOCALHOST.into()), told)
}

#[tokio::test]
async fn svid_is_shown_and_followed_and_the_server_is_known_by_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let authority = Authority::new();
    let (first, second) = (authority.sign(CLIENT), authority.sign(CLIENT));
    let agent = Agent::start(&socket, &first, &authority);
    let svids = X509Svids::from_endpoint(format!("unix://{}", socket.display())).await.unwrap();
    assert_eq!(svids.spiffe_id().unwrap(), CLIENT);

    let (http, mut shown) = serve(&authority.sign(SERVER), &authority).await;
    let http = http.client_certificate(svids.clone());
    let ours = http.clone().server_spiffe_id(&svids, SERVER).unwrap();
    discover_profiles(&ours).await.unwrap();
    assert_eq!(shown.recv().await.unwrap(), **first.certificate.der());

    let before = svids.current().unwrap();
    assert!(Arc::ptr_eq(&before, &svids.current().unwrap()));
    agent.svids.send_replace(second.answer(&authority));
    let replaced = async {
        while svids.current().unwrap().thumbprint() == before.thumbprint() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), replaced).await.unwrap();
    discover_profiles(&ours).await.unwrap();
    assert_eq!(shown.recv().await.unwrap(), **second.certificate.der());

    // The whole trust domain, another workload of it, another trust domain, and host names.
    let trusting = |id: &str| http.clone().server_spiffe_id(&svids, id).unwrap();
    discover_profiles(&trusting("spiffe://chips.example")).await.unwrap();
    for id in [CLIENT, "spiffe://chips.example/server/x", "spiffe://saasrus.example"] {
        let problem = discover_profiles(&trusting(id)).await.unwrap_err().to_string();
        assert!(problem.contains(SERVER) && problem.contains(id), "{problem}");
    }
    discover_profiles(&http).await.unwrap_err();
}

#[tokio::test]
async fn server_of_another_authority_is_not_trusted_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let (authority, impostor) = (Authority::new(), Authority::new());
    let _agent = Agent::start(&socket, &authority.sign(CLIENT), &authority);
    let svids = X509Svids::from_endpoint(format!("unix://{}", socket.display())).await.unwrap();
    let (http, _shown) = serve(&impostor.sign(SERVER), &authority).await;
    let http = http.client_certificate(svids.clone()).server_spiffe_id(&svids, SERVER).unwrap();
    discover_profiles(&http).await.unwrap_err();
    for wrong in ["https://chips.example", "spiffe://", "spiffe://chips.example/", "chips"] {
        assert!(http.clone().server_spiffe_id(&svids, wrong).is_err(), "{wrong}");
    }
    let plain = Http::new("http://127.0.0.1/mcp").unwrap();
    let plain = plain.server_spiffe_id(&svids, SERVER).unwrap();
    assert!(discover_profiles(&plain).await.unwrap_err().to_string().contains("https"));
}

#[tokio::test]
async fn jwt_svid_is_an_assertion() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let authority = Authority::new();
    let agent = Agent::start(&socket, &authority.sign(CLIENT), &authority);
    let svids = JwtSvids::from_endpoint(format!("unix://{}", socket.display())).await.unwrap();
    assert!(svids.assertion_type().ends_with("jwt-spiffe"));
    let request = AssertionRequest::new("client", "https://id.example", SystemTime::now());
    let assertion = svids.assertion(request).await.unwrap();
    assert_eq!(assertion.expose_secret(), "a.jwt.svid");
    drop(agent);
    std::fs::remove_file(&socket).unwrap();
    svids.assertion(request).await.unwrap_err();
}
