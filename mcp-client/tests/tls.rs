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

#[cfg(feature = "auth")]
mod certificates {
    use std::fs;
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use futures_util::future::BoxFuture;
    use mcp_client::Client;
    use mcp_client::auth::{
        AccessToken, AuthError, ClientCertificate, ClientCertificateSource, PemFiles, TokenRequest,
        TokenSource,
    };

    use super::*;

    /// A source whose certificate a test replaces.
    #[derive(Debug, Clone)]
    struct Replaced(Arc<Mutex<Arc<ClientCertificate>>>);

    impl ClientCertificateSource for Replaced {
        fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
            Ok(Arc::clone(&self.0.lock().unwrap()))
        }
    }

    fn certificate(signed: &Signed) -> Arc<ClientCertificate> {
        let read =
            ClientCertificate::from_pem(signed.certificate.pem(), signed.key.serialize_pem());
        Arc::new(read.unwrap())
    }

    /// Serves connections that stay open, and says of each request which certificate was shown on
    /// its connection, and which token.
    fn serve_on(server: &Signed, clients: &Authority) -> (Http, Receiver<(Vec<u8>, String)>) {
        let config = Arc::new(config(server, Some(clients)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(connection, stream));
                let tell = tell.clone();
                thread::spawn(move || {
                    let mut line = String::new();
                    let mut token = String::new();
                    while matches!(stream.read_line(&mut line), Ok(1..)) {
                        if let Some(value) = line.strip_prefix("authorization: ") {
                            token = value.trim_end().to_owned();
                        }
                        if line == "\r\n" {
                            let shown = stream.get_ref().conn.peer_certificates().unwrap();
                            let _ = tell.send((shown[0].to_vec(), std::mem::take(&mut token)));
                            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";
                            stream.get_mut().write_all(answer).unwrap();
                        }
                        line.clear();
                    }
                });
            }
        });
        let http = Http::new(format!("https://films.example:{port}/mcp")).unwrap();
        (http.resolve("films.example", Ipv4Addr::LOCALHOST.into()), told)
    }

    #[tokio::test]
    async fn certificate_that_was_replaced_is_not_shown_again() {
        let (authority, clients) = (Authority::new(), Authority::new());
        let (http, shown) = serve_on(&authority.sign("films.example"), &clients);
        let (first, second) = (clients.sign("ada.example"), clients.sign("ada.example"));
        let source = Replaced(Arc::new(Mutex::new(certificate(&first))));
        let http = http.root_certificate_pem(authority.0.pem()).client_certificate(source.clone());
        let ask = async || {
            discover_profiles(&http).await.unwrap();
            shown.recv().unwrap().0
        };
        assert_eq!(ask().await, **first.certificate.der());
        assert_eq!(ask().await, **first.certificate.der());
        *source.0.lock().unwrap() = certificate(&second);
        assert_eq!(ask().await, **second.certificate.der());
    }

    /// Tokens that are bound to the certificate that was shown when they were asked for; the first
    /// one is slow to come.
    #[derive(Debug)]
    struct Bound(Replaced, Mutex<Option<Arc<ClientCertificate>>>);

    impl TokenSource for Bound {
        fn token<'a>(
            &'a self,
            request: TokenRequest<'a>,
        ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>> {
            if let Some(new) = self.1.lock().unwrap().take() {
                // It is replaced while the token is on its way.
                *self.0.0.lock().unwrap() = new;
            }
            let current = self.0.current().unwrap();
            let is_new = request.certificate == Some(current.thumbprint());
            let mut token = AccessToken::bearer(if is_new { "second" } else { "first" });
            token.certificate = Some(current.thumbprint().into());
            Box::pin(async { Ok(Some(Arc::new(token))) })
        }
    }

    #[tokio::test]
    async fn bound_token_goes_over_connections_with_its_certificate_alone() {
        let (authority, clients) = (Authority::new(), Authority::new());
        let (http, shown) = serve_on(&authority.sign("films.example"), &clients);
        let (first, second) = (clients.sign("ada.example"), clients.sign("ada.example"));
        let source = Replaced(Arc::new(Mutex::new(certificate(&first))));
        let tokens = Bound(source.clone(), Mutex::new(Some(certificate(&second))));
        let http = http
            .root_certificate_pem(authority.0.pem())
            .client_certificate(source)
            .authorization(tokens);
        // This server speaks no MCP.
        Client::builder("tester", "1").connect(http).await.unwrap_err();
        let (certificate, token) = shown.recv().unwrap();
        assert_eq!((certificate, &*token), (second.certificate.der().to_vec(), "Bearer second"));
    }

    #[test]
    fn files_are_read_again_when_they_fit_together() {
        let clients = Authority::new();
        let (first, second) = (clients.sign("ada.example"), clients.sign("ada.example"));
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        fs::write(&chain, first.certificate.pem()).unwrap();
        assert!(PemFiles::new(&chain, &key).unwrap_err().to_string().contains("tls.key"));
        fs::write(&key, first.key.serialize_pem()).unwrap();
        let files = PemFiles::new(&chain, &key).unwrap().look_every(Duration::ZERO);
        let read = files.current().unwrap();
        assert!(Arc::ptr_eq(&read, &files.current().unwrap()));
        // One of them is new, and for a moment the other is not.
        fs::write(&chain, format!("\n{}", second.certificate.pem())).unwrap();
        assert_eq!(files.current().unwrap().thumbprint(), read.thumbprint());
        fs::write(&key, format!("\n{}", second.key.serialize_pem())).unwrap();
        let other = certificate(&second);
        assert_eq!(files.current().unwrap().thumbprint(), other.thumbprint());
        assert!(!format!("{files:?}").contains("PRIVATE"));
    }

    #[test]
    fn key_of_another_certificate_is_refused_and_shows_nowhere() {
        let authority = Authority::new();
        let (ada, bob) = (authority.sign("ada.example"), authority.sign("bob.example"));
        for (chain, key) in [
            (ada.certificate.pem(), bob.key.serialize_pem()),
            (String::new(), ada.key.serialize_pem()),
            (ada.certificate.pem(), String::new()),
            (ada.key.serialize_pem(), ada.key.serialize_pem()),
        ] {
            let error = ClientCertificate::from_pem(chain, &key).unwrap_err();
            assert!(matches!(error, AuthError::Source { .. }), "{error:?}");
        }
    }
}
