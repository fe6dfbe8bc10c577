//! An MCP server that lets in whom the authorization server sends, and the two of them together.

use std::future::pending;
use std::time::Duration;

use mcp_auth::fetch::Fetcher;
use mcp_client::auth::{AuthError, Authorization};
use mcp_client::{Client, Error, Http, HttpError};
use mcp_core::authentication::Binding;
use mcp_server::auth::{AuthorizationLayer, Issuer, JwtValidator, Protected, Requirements};
use mcp_server::http::{Accept, HttpService};
use mcp_server::{Caller, Server, Tool};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_layer::Layer;

use crate::provider::Provider;

/// A protected MCP server and the authorization server that it trusts.
pub(crate) struct Site {
    /// The address of the MCP endpoint, and the resource of its tokens.
    pub(crate) endpoint: String,
    pub(crate) issuer: String,
    _provider: Provider,
    serving: JoinHandle<()>,
}

/// What is wanted of a [`Site`].
pub(crate) struct Plan {
    /// The clients that the authorization server knows, as in a registration.
    pub(crate) clients: Value,
    /// How long access tokens live.
    pub(crate) lifetime: u64,
    /// Whether the authorization server demands nonces in proofs.
    pub(crate) nonces: bool,
    /// For another resource than the MCP server is.
    pub(crate) resource: Option<&'static str>,
}

impl Plan {
    pub(crate) fn with_clients(clients: Value) -> Self {
        Self { clients, lifetime: 600, nonces: false, resource: None }
    }

    /// Starts both, over HTTP on this machine.
    pub(crate) async fn start(self) -> Site {
        self.start_with(|requirements| requirements).await
    }

    /// The same, with more that the MCP server requires of tokens.
    pub(crate) async fn start_with(
        self,
        require: impl FnOnce(Requirements) -> Requirements,
    ) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/mcp", listener.local_addr().unwrap());
        let fetcher = Fetcher::builder().allow_loopback().build().unwrap();
        self.start_at(endpoint, listener, None, fetcher, require).await
    }

    /// Starts both where a listener listens; `tls` is what the authorization server needs for it.
    pub(crate) async fn start_at(
        self,
        endpoint: String,
        listener: impl Accept,
        tls: Option<Value>,
        fetcher: Fetcher,
        require: impl FnOnce(Requirements) -> Requirements,
    ) -> Site {
        let provider = Provider::start(json!({
            "resource": self.resource.unwrap_or(&endpoint),
            "scopes": ["orders:read", "orders:write"],
            "clients": self.clients,
            "nonces": self.nonces,
            "access_token_seconds": self.lifetime,
            "tls": tls,
        }))
        .await;
        let issuer = provider.issuer.clone();
        let requirements = require(Requirements::audience(&*endpoint));
        let validator =
            JwtValidator::new(requirements).issuer(Issuer::discovered(&*issuer, fetcher).unwrap());
        let protected = Protected::new(&endpoint, validator).scopes(["orders:read"]);
        let layer = AuthorizationLayer::new(protected).unwrap();
        let server = Server::builder("orders", "1.0")
            .tool(Tool::new("who").handler(who))
            .tool(Tool::new("order").scopes(["orders:write"]).handler(who))
            .build()
            .unwrap();
        let service = HttpService::new(server);
        let serving = tokio::spawn(async move {
            service.serve_with(listener, |mcp| layer.layer(mcp), pending()).await.unwrap();
        });
        Site { endpoint, issuer, _provider: provider, serving }
    }
}

impl Site {
    /// A client that is connected.
    pub(crate) async fn connect(&self, authorization: Authorization) -> Result<Client, Error> {
        let server = Http::new(&self.endpoint).unwrap().authorization(authorization);
        connect(server).await
    }

    /// What the server is told of a client with this authorization.
    pub(crate) async fn who(&self, authorization: Authorization) -> Value {
        asked(&self.connect(authorization).await.unwrap()).await
    }

    /// Why there is no token.
    pub(crate) async fn refused(&self, authorization: Authorization) -> AuthError {
        why(&self.connect(authorization).await.expect_err("there is no token"))
    }
}

/// Why there is no token for a connection.
pub(crate) fn why(error: &Error) -> AuthError {
    let Error::Transport(source) = error else { panic!("{error}") };
    match source.downcast_ref::<HttpError>() {
        Some(HttpError::Unauthorized(why)) => why.clone(),
        _ => panic!("{error}"),
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Connects, in a time that is long enough for machines that do much else.
pub(crate) async fn connect(server: Http) -> Result<Client, Error> {
    timeout(LONG, Client::builder("tests", "1.0").connect(server)).await.expect("in time")
}

/// Asks the server who calls.
pub(crate) async fn asked(client: &Client) -> Value {
    called(client, "who").await
}

/// Calls a tool, each of which says who calls; `order` needs the scope `orders:write`.
pub(crate) async fn called(client: &Client, tool: &str) -> Value {
    let said: String = timeout(LONG, client.call(tool, json!({}))).await.expect("in time").unwrap();
    serde_json::from_str(&said).unwrap()
}

/// Who calls, as the token says it.
async fn who(caller: Caller) -> String {
    let known = caller.authentication().expect("nobody is let in without a token");
    let (kind, thumbprint) = match &known.binding {
        Binding::Certificate { thumbprint } => ("certificate", Some(thumbprint)),
        Binding::DPoP { thumbprint } => ("key", Some(thumbprint)),
        _ => ("nothing", None),
    };
    json!({
        "issuer": known.issuer,
        "subject": known.subject,
        "client": known.client_id,
        "scopes": known.scopes,
        "bound_to": kind,
        "thumbprint": thumbprint,
    })
    .to_string()
}

const LONG: Duration = Duration::from_secs(60);
