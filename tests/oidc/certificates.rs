//! Clients that authenticate with a certificate (RFC 8705), and tokens that are bound to it.

use std::sync::Arc;

use mcp_auth::fetch::Fetcher;
use mcp_auth::secret::ExposeSecret as _;
use mcp_client::Http;
use mcp_client::auth::{
    Authorization, CertificateResolver, ClientAuthentication, ClientCertificate, TokenRequest,
    TokenSource as _,
};
use mcp_examples::wholesale_chips::audit::Audit;
use mcp_examples::wholesale_chips::authority::{Authority, Life};
use mcp_examples::wholesale_chips::tls::TlsListener;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::machines::{is_refused, machine};
use crate::site::{Plan, Site, asked, connect, why};

#[tokio::test]
async fn a_client_authenticates_with_its_certificate_and_its_token_is_bound_to_it() {
    let place = Place::start().await;
    let certificate = place.certificate();
    let client = connect(place.server(&certificate)).await.unwrap();
    let who = asked(&client).await;
    assert_eq!(who["client"], "billing");
    assert_eq!(who["bound_to"], "certificate");
    assert_eq!(who["thumbprint"], certificate.thumbprint());
}

#[tokio::test]
async fn a_stolen_token_is_worthless_with_another_certificate_or_none() {
    let place = Place::start().await;
    let certificate = place.certificate();
    let endpoint = place.site.endpoint.parse().unwrap();
    let request = TokenRequest::new(&endpoint).with_certificate(Some(certificate.thumbprint()));
    let source = place.billing(&certificate).in_advance();
    let token = source.token(request).await.unwrap().unwrap();
    assert_eq!(token.certificate.as_deref(), Some(certificate.thumbprint()));

    let thief = || place.plain().bearer_token(token.value.expose_secret());
    connect(thief().client_certificate(Arc::clone(&certificate))).await.expect("it is no thief");
    for thief in [thief(), thief().client_certificate(place.certificate())] {
        let error = connect(thief).await.expect_err("it is bound to a certificate");
        assert!(error.to_string().contains("401"), "{error}");
    }
}

#[tokio::test]
async fn the_authorization_server_knows_a_client_by_the_name_in_its_certificate() {
    let place = Place::start().await;
    let other = place.workloads.svid("spiffe://wholesalechips.example/other", Life::minutes(10));
    let other = other.unwrap();
    let other = ClientCertificate::from_pem(&other.chain_pem, other.key_pem.expose_secret());
    let error = connect(place.server(&Arc::new(other.unwrap()))).await.expect_err("not its name");
    is_refused(&why(&error), &place.site, "invalid_client");
}

/// Two servers that end TLS, and what vouches for their clients.
struct Place {
    site: Site,
    workloads: Authority,
    servers: Authority,
    _folder: TempDir,
}

impl Place {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workloads = Authority::of_trust_domain(DOMAIN).unwrap();
        let servers = Authority::of_servers().unwrap();
        let own = servers.server(&["localhost"]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("https://localhost:{}/mcp", listener.local_addr().unwrap().port());
        let audit = Audit::create(&folder.path().join("audit")).unwrap();
        let listener = TlsListener::new(listener, &own, [(DOMAIN, &workloads)], audit).unwrap();
        let tls = json!({
            "key": own.key_pem.expose_secret(),
            "certificate": own.chain_pem,
            "authority": workloads.pem(),
        });
        let mut client = machine("tls_client_auth");
        client["tls_client_auth_san_uri"] = json!(BILLING);
        client["tls_client_certificate_bound_access_tokens"] = json!(true);
        let fetcher =
            Fetcher::builder().allow_loopback().root_certificate_pem(servers.pem()).build();
        let plan = Plan::with_clients(json!([client]));
        let site = plan
            .start_at(endpoint, listener, Some(tls), fetcher.unwrap(), |requirements| {
                requirements.certificate_bound().trust_domain(DOMAIN)
            })
            .await;
        Self { site, workloads, servers, _folder: folder }
    }

    /// A new certificate of the client.
    fn certificate(&self) -> Arc<ClientCertificate> {
        let svid = self.workloads.svid(BILLING, Life::minutes(10)).unwrap();
        let read = ClientCertificate::from_pem(&svid.chain_pem, svid.key_pem.expose_secret());
        Arc::new(read.unwrap())
    }

    /// The way to the server, with nothing to show.
    fn plain(&self) -> Http {
        Http::new(&self.site.endpoint).unwrap().root_certificate_pem(self.servers.pem())
    }

    fn server(&self, certificate: &Arc<ClientCertificate>) -> Http {
        let server = self.plain().client_certificate(Arc::clone(certificate));
        server.authorization(self.billing(certificate))
    }

    fn billing(&self, certificate: &Arc<ClientCertificate>) -> Authorization {
        let resolver = CertificateResolver::new(Arc::clone(certificate));
        let fetcher = Fetcher::builder()
            .allow_loopback()
            .root_certificate_pem(self.servers.pem())
            .client_cert_resolver(Arc::new(resolver))
            .build();
        Authorization::client_credentials("billing", ClientAuthentication::Tls)
            .issuer(&*self.site.issuer)
            .fetcher(fetcher.unwrap())
    }
}

const DOMAIN: &str = "wholesalechips.example";
const BILLING: &str = "spiffe://wholesalechips.example/billing";
