//! An authorization server, an MCP server that trusts it, and a client, over TLS on this machine.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::pending;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response, header};
use hyper::body::Incoming;
use mcp_auth::dpop::{DPOP, DPOP_NONCE};
use mcp_auth::fetch::Fetcher;
use mcp_auth::secret::ExposeSecret as _;
use mcp_client::auth::{
    AuthError, Authorization, ClientAuthentication, ClientCertificate, ClientCertificateSource,
    TokenRequest, TokenSource as _,
};
use mcp_client::{Client, Error, Http};
use mcp_examples::wholesale_chips::audit::Audit;
use mcp_examples::wholesale_chips::authority::{Authority, Life};
use mcp_examples::wholesale_chips::tls::TlsListener;
use mcp_server::auth::{
    AuthorizationLayer, Introspection, Issuer, JwtValidator, NonceKey, ProofRules, Protected,
    Requirements,
};
use mcp_server::http::HttpService;
use mcp_server::{Server, Tool};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_layer::Layer;
use tower_service::Service;

use crate::authority::{AuthorizationServer, Fault};
use crate::secrets::Secrets;
use crate::trace;

/// What a [`World`] is like.
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// Whether tokens must be bound to keys, with nonces in their proofs.
    pub(crate) proofs: bool,
    /// Whether the MCP server asks the authorization server about tokens.
    pub(crate) introspection: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { fault: Fault::Nothing, proofs: false, introspection: false }
    }
}

pub(crate) struct World {
    pub(crate) secrets: Secrets,
    pub(crate) authority: AuthorizationServer,
    pub(crate) issuer: String,
    pub(crate) endpoint: String,
    servers: Authority,
    workloads: Authority,
    serving: [JoinHandle<()>; 2],
    _folder: TempDir,
}

impl Plan {
    pub(crate) async fn start(self) -> World {
        trace::begin();
        let secrets = Secrets::default();
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::create(&folder.path().join("audit")).unwrap();
        let workloads = Authority::of_trust_domain(DOMAIN).unwrap();
        let servers = Authority::of_servers().unwrap();
        let own = servers.server(&["localhost"]).unwrap();
        secrets.keep("key of a server", own.key_pem.expose_secret());
        let listen = async || {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
            let trusted = [(DOMAIN, &workloads)];
            (origin, TlsListener::new(listener, &own, trusted, audit.clone()).unwrap())
        };
        let (issuer, at_issuer) = listen().await;
        let (origin, at_resource) = listen().await;
        let endpoint = format!("{origin}/mcp");
        let Self { fault, proofs, introspection } = self;
        let authority =
            AuthorizationServer::new(issuer.clone(), endpoint.clone(), &secrets, fault, proofs);

        let fetcher = Fetcher::builder()
            .allow_loopback()
            .root_certificate_pem(servers.pem())
            .build()
            .unwrap();
        let mut requirements = Requirements::audience(&*endpoint);
        if proofs {
            let rules = ProofRules::default().nonces(NonceKey::random().unwrap());
            requirements = requirements.dpop(rules).dpop_bound();
        }
        let protected = if introspection {
            let asked = format!("{issuer}/introspect").parse().unwrap();
            let secret = ClientAuthentication::SecretBasic(secrets.make("client secret").into());
            let validator = Introspection::new(requirements, &*issuer, asked, fetcher)
                .unwrap()
                .authenticate("mcp-server", secret);
            trace::show(format_args!("{validator:?}"));
            Protected::new(&endpoint, validator)
        } else {
            let issuer = Issuer::discovered(&*issuer, fetcher).unwrap();
            let validator = JwtValidator::new(requirements).issuer(issuer);
            trace::show(format_args!("{validator:?}"));
            Protected::new(&endpoint, validator)
        };
        let layer = AuthorizationLayer::new(protected.scopes(["orders:read"])).unwrap();
        let server = Server::builder("orders", "1.0")
            .tool(Tool::new("read").handler(async || "done".to_owned()))
            .tool(Tool::new("write").scopes(["orders:write"]).handler(async || "done".to_owned()))
            .build()
            .unwrap();
        let service = HttpService::new(server);
        let (kept, other) = (secrets.clone(), authority.clone());
        let at = service.clone();
        let serving = [
            tokio::spawn(async move {
                let front = |mcp| Watched { service: layer.layer(mcp), secrets: kept };
                service.serve_with(at_resource, front, pending()).await.unwrap();
            }),
            tokio::spawn(async move {
                at.serve_with(at_issuer, |_| other, pending()).await.unwrap();
            }),
        ];
        World { secrets, authority, issuer, endpoint, servers, workloads, serving, _folder: folder }
    }
}

impl World {
    /// A person's authorization.
    pub(crate) fn person(&self) -> Authorization {
        self.trusting(Authorization::with_user_agent(self.authority.person()))
    }

    /// A client's own authorization.
    pub(crate) fn machine(&self, authentication: ClientAuthentication) -> Authorization {
        trace::show(format_args!("{authentication:?}"));
        self.trusting(Authorization::client_credentials("client", authentication))
            .issuer(&*self.issuer)
    }

    /// Trusts the certificates here.
    pub(crate) fn trusting(&self, authorization: Authorization) -> Authorization {
        authorization.root_certificate_pem(self.servers.pem())
    }

    /// The MCP server, with this to show.
    pub(crate) fn server(&self, authorization: Authorization) -> Http {
        self.plain().authorization(authorization)
    }

    pub(crate) fn plain(&self) -> Http {
        Http::new(&self.endpoint).unwrap().root_certificate_pem(self.servers.pem())
    }

    /// A client certificate, whose key is kept as a secret.
    pub(crate) fn certificate(&self) -> impl ClientCertificateSource + Clone + use<> {
        let svid = self.workloads.svid(WORKLOAD, Life::minutes(10)).unwrap();
        self.secrets.keep("key of a client", svid.key_pem.expose_secret());
        let read = ClientCertificate::from_pem(&svid.chain_pem, svid.key_pem.expose_secret());
        std::sync::Arc::new(read.unwrap())
    }

    /// Uses the server, and shows whatever is known then.
    pub(crate) async fn works(&self, authorization: Authorization) -> Client {
        let server = self.server(authorization.clone());
        trace::show(format_args!("{authorization:?} {server:?}"));
        let client = connect(server).await.unwrap_or_else(|error| panic!("{error}"));
        call(&client, "read").await.unwrap();
        let endpoint = self.endpoint.parse().unwrap();
        let token = authorization.token(TokenRequest::new(&endpoint)).await;
        trace::show(format_args!("{client:?} {token:?} {authorization:?}"));
        client
    }

    /// Does not get in, and shows why.
    pub(crate) async fn fails(&self, server: Http) {
        trace::show(format_args!("{server:?}"));
        let error = connect(server).await.expect_err("it is refused");
        show_error(&error);
        if let Some(why) = AuthError::of(&error) {
            show_error(why);
        }
    }
}

/// Shows an error in all ways, with its causes.
pub(crate) fn show_error(error: &dyn std::error::Error) {
    trace::show(format_args!("{error} {error:?} {error:#?}"));
    if let Some(cause) = error.source() {
        show_error(cause);
    }
}

/// Calls a tool.
pub(crate) async fn call(client: &Client, tool: &str) -> Result<String, Error> {
    timeout(LONG, client.call(tool, json!({}))).await.expect("in time")
}

async fn connect(server: Http) -> Result<Client, Error> {
    timeout(LONG, Client::builder("tests", "1.0").connect(server)).await.expect("in time")
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

/// Keeps the secrets that pass a server.
#[derive(Debug, Clone)]
struct Watched<S> {
    service: S,
    secrets: Secrets,
}

impl Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl<S, B> Service<Request<Incoming>> for Watched<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<B>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let secrets = self.secrets.clone();
        if let Some(shown) = request.headers().get(header::AUTHORIZATION) {
            let (scheme, token) = shown.to_str().unwrap().split_once(' ').unwrap();
            secrets.keep(if scheme == "DPoP" { "bound token" } else { "bearer token" }, token);
        }
        if let Some(proof) = request.headers().get(DPOP) {
            secrets.keep("proof for a token", proof.to_str().unwrap());
        }
        self.service
            .call(request)
            .inspect(move |response| {
                let Ok(response) = response else { return };
                if let Some(nonce) = response.headers().get(DPOP_NONCE) {
                    secrets.keep("nonce of a resource", nonce.to_str().unwrap());
                }
            })
            .boxed()
    }
}

const DOMAIN: &str = "wholesalechips.example";
const WORKLOAD: &str = "spiffe://wholesalechips.example/billing";
const LONG: Duration = Duration::from_secs(60);
