//! TLS against a server with certificates of its own: whom the client trusts, and what it shows.

#![cfg(feature = "http")]

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use mcp_client::{Http, discover_profiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// An authority of our own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Signed { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// Starts a server that declares nothing; returns how to reach it under the name.
fn start(name: &str, server: &Signed, clients: Option<&Authority>) -> Http {
    serve(name, config(server, clients), |_| {})
}

fn config(server: &Signed, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(authority) => {
            let roots = Arc::new(authority.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let chain: Vec<CertificateDer<'static>> = vec![server.certificate.der().clone()];
    let key = PrivateKeyDer::try_from(server.key.serialize_der()).unwrap();
    builder.with_single_cert(chain, key).unwrap()
}

/// Serves each connection in turn, and shows it when its request has come.
fn serve(
    name: &str,
    config: ServerConfig,
    look: impl Fn(&ServerConnection) + Send + 'static,
) -> Http {
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream));
            let mut line = String::from("-");
            while !line.trim_end().is_empty() {
                line.clear();
                if !matches!(stream.read_line(&mut line), Ok(1..)) {
                    break;
                }
            }
            look(&stream.get_ref().conn);
            // A handshake that failed leaves nobody to answer.
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
            let _ = stream.get_mut().write_all(answer.as_bytes());
            stream.get_mut().conn.send_close_notify();
            let _ = stream.get_mut().flush();
        }
    });
    let http = Http::new(format!("https://{name}:{port}/mcp")).unwrap();
    http.resolve(name, Ipv4Addr::LOCALHOST.into())
}

async fn failure(http: &Http) -> String {
    discover_profiles(http).await.expect_err("TLS should have failed").to_string()
}

#[tokio::test]
async fn server_of_an_unknown_authority_is_not_trusted_unless_told() {
    let authority = Authority::new();
    let http = start("films.example", &authority.sign("films.example"), None);
    let problem = failure(&http).await;
    assert!(problem.contains("certificate"), "{problem}");
    let trusting = http.root_certificate_pem(authority.0.pem());
    assert!(discover_profiles(&trusting).await.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let http = start("films.example", &authority.sign("chips.example"), None);
    let problem = failure(&http.root_certificate_pem(authority.0.pem())).await;
    assert!(problem.contains("films.example") || problem.contains("name"), "{problem}");
}

#[tokio::test]
async fn client_shows_its_certificate_to_servers_that_ask() {
    let authority = Authority::new();
    let (clients, strangers) = (Authority::new(), Authority::new());
    let http = start("films.example", &authority.sign("films.example"), Some(&clients));
    let http = http.root_certificate_pem(authority.0.pem());
    failure(&http).await;
    let with = |signed: Signed| {
        http.clone().client_certificate_pem(signed.certificate.pem(), signed.key.serialize_pem())
    };
    failure(&with(strangers.sign("ada.example"))).await;
    let known = with(clients.sign("ada.example"));
    assert!(discover_profiles(&known).await.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn key_of_another_certificate_is_refused_before_anything_is_sent() {
    let authority = Authority::new();
    let (ada, bob) = (authority.sign("ada.example"), authority.sign("bob.example"));
    let http = Http::new("https://films.example/mcp")
        .unwrap()
        .client_certificate_pem(ada.certificate.pem(), bob.key.serialize_pem());
    let problem = failure(&http).await;
    assert!(problem.contains("TLS cannot be set up"), "{problem}");
}

#[tokio::test]
async fn http_2_is_spoken_where_the_server_offers_it() {
    let authority = Authority::new();
    let mut config = config(&authority.sign("films.example"), None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (tell, chosen) = std::sync::mpsc::channel();
    let http = serve("films.example", config, move |connection| {
        let _ = tell.send(connection.alpn_protocol().map(<[u8]>::to_vec));
    });
    // This server only says that it could.
    failure(&http.root_certificate_pem(authority.0.pem())).await;
    assert_eq!(chosen.recv().unwrap().as_deref(), Some(&b"h2"[..]));
}
