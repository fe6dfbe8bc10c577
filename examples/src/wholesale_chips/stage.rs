//! Everything that runs: the authorities, the authorization server, SaaSRUS, and two servers that a
//! careful client has to be kept from.
//!
//! | who | where | what |
//! | --- | --- | --- |
//! | the authorization server | `login.saasrus.localhost` | an issuer for Wholesale Chips, one for Acme |
//! | SaaSRUS | `wholesalechips.saasrus.localhost` | enforces the profile for its tenant |
//! | SaaSRUS, an older release | `older.saasrus.localhost` | checks tokens, but has never heard of profiles |
//! | an impostor | `impostor.localhost` | claims the profile and checks nothing |
//!
//! Each is served with TLS on a port of its own.

use std::error::Error;
use std::io::{self, Write};
use std::net::Ipv4Addr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use mcp_auth::fetch::Fetcher;
use mcp_server::auth::{AuthorizationLayer, Issuer, JwtValidator, Protected, Requirements};
use mcp_server::http::HttpService;
use mcp_server::{Builder, Profile, Server};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::audit::Audit;
use super::authority::Authority;
use super::authorization_server::{AuthorizationServer, Description, Realm, Registered};
use super::installation::Installation;
use super::tls::TlsListener;
use crate::saasrus::access_log::{self, AccessLog};
use crate::saasrus::tenants::wholesale_chips::{self, REQUIRE_CLIENT_CREDENTIALS, TRUST_DOMAIN};

/// Everything that runs, and what is needed to talk to it.
#[derive(Debug)]
pub struct Stage {
    /// Vouches for servers.
    pub servers: Authority,
    /// Vouches for the workloads of Wholesale Chips.
    pub chips: Authority,
    /// Vouches for the workloads of Acme.
    pub acme: Authority,
    /// The authorization server.
    pub login: AuthorizationServer,
    /// SaaSRUS, which enforces the profile for Wholesale Chips.
    pub saasrus: Serving,
    /// An older release of it, which knows no profiles.
    pub older: Serving,
    /// What claims the profile and checks nothing.
    pub impostor: Serving,
    _data: TempDir,
}

/// An MCP server with TLS.
#[derive(Debug)]
pub struct Serving {
    /// The host.
    pub host: &'static str,
    /// The port on this machine.
    pub port: u16,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), mcp_server::Error>>,
}

type Failed = Box<dyn Error>;

impl Stage {
    /// Starts all of it.
    ///
    /// # Errors
    ///
    /// One of the parts cannot be started, and why.
    pub async fn start(installation: &Installation, audit: &Audit) -> Result<Self, Failed> {
        let data = tempfile::Builder::new().prefix("wholesale-chips-").tempdir()?;
        let servers = Authority::of_servers()?;
        let chips = Authority::of_trust_domain(TRUST_DOMAIN)?;
        let acme = Authority::of_trust_domain(ACME)?;
        // Who serves at which port has to be known before tokens can be issued for it.
        let [saasrus, older, impostor] =
            [Site::bind(SAASRUS).await?, Site::bind(OLDER).await?, Site::bind(IMPOSTOR).await?];
        let login = AuthorizationServer::start(
            installation,
            Description {
                host: LOGIN,
                certificate: &servers.server(&[LOGIN])?,
                trust_domains: vec![(TRUST_DOMAIN, &chips), (ACME, &acme)],
                realms: realms(&[saasrus.url(), older.url()]),
            },
            audit.clone(),
        )
        .await?;
        let issuer = login.issuer(CHIPS_REALM);
        let fetcher =
            Fetcher::builder().root_certificate_pem(servers.pem()).allow_loopback().build()?;

        let tenant = &wholesale_chips::TENANT;
        let enforcing = |server| wholesale_chips::terms(server, &issuer);
        let enforcing = tenant.open_on(data.path(), enforcing)?.server;
        std::fs::create_dir(data.path().join("older"))?;
        let unaware = tenant.open_on(&data.path().join("older"), |server| server)?.server;
        std::fs::create_dir(data.path().join("impostor"))?;
        let claiming = tenant.open_on(&data.path().join("impostor"), claims)?.server;

        let start = |site: Site, server, gate| {
            let own = servers.server(&[site.host])?;
            let workloads = [(TRUST_DOMAIN, &chips), (ACME, &acme)];
            let listener = TlsListener::new(site.listener, &own, workloads, audit.clone())?;
            serve(Served { host: site.host, port: site.port, server, gate, audit }, listener)
        };
        let gate = |site: &Site| gate(&site.url(), &issuer, fetcher.clone());
        let gates = (gate(&saasrus)?, gate(&older)?);
        let saasrus = start(saasrus, enforcing, Some(gates.0))?;
        let older = start(older, unaware, Some(gates.1))?;
        let impostor = start(impostor, claiming, None)?;
        Ok(Self { servers, chips, acme, login, saasrus, older, impostor, _data: data })
    }

    /// Who is who, for people.
    pub fn introduction(&self) -> String {
        let issuer = self.login.issuer(CHIPS_REALM);
        format!(
            "Wholesale Chips has robots, SaaSRUS keeps its documents, and a profile says how the robots \
             sign in:\n{REQUIRE_CLIENT_CREDENTIALS}\n\n\
             \x20 authorization server   {issuer}\n\
             \x20 SaaSRUS                {}\n\
             \x20 an older release       {}\n\
             \x20 an impostor            {}\n\
             \x20 the robot              {} ({})\n",
            self.saasrus.url(),
            self.older.url(),
            self.impostor.url(),
            ORDERS.0,
            ORDERS.1,
        )
    }

    /// Ends all of it, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// Something did not end as it should.
    pub async fn stop(self) -> Result<(), Failed> {
        for serving in [self.saasrus, self.older, self.impostor] {
            let _ = serving.stop.send(());
            serving.task.await??;
        }
        Ok(self.login.stop().await?)
    }
}

impl Serving {
    /// The MCP endpoint.
    pub fn url(&self) -> String {
        url(self.host, self.port)
    }
}

/// What is going to be served.
struct Served<'a> {
    host: &'static str,
    port: u16,
    server: Server,
    gate: Option<AuthorizationLayer>,
    audit: &'a Audit,
}

/// A place where nobody answers yet.
struct Site {
    host: &'static str,
    port: u16,
    listener: TcpListener,
}

impl Site {
    async fn bind(host: &'static str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { host, port: listener.local_addr()?.port(), listener })
    }

    fn url(&self) -> String {
        url(self.host, self.port)
    }
}

fn url(host: &str, port: u16) -> String {
    format!("https://{host}:{port}/mcp")
}

/// Serves what is behind the gate, and notes every request, those that the gate refuses included.
fn serve(served: Served<'_>, listener: TlsListener) -> Result<Serving, Failed> {
    let Served { host, port, server, gate, audit } = served;
    let service = HttpService::by_host([(host, server)]);
    service.check()?;
    let log = AccessLog::new(Lines(audit.clone()));
    let front = move |service: HttpService| {
        let router = Router::new().fallback_service(service);
        let router = match gate {
            Some(gate) => router.layer(gate),
            None => router,
        };
        router.layer(from_fn(read_first)).layer(from_fn_with_state(log, access_log::log))
    };
    let (stop, stopped) = oneshot::channel();
    let stopped = async move { drop(stopped.await) };
    let task = tokio::spawn(async move { service.serve_with(listener, front, stopped).await });
    Ok(Serving { host, port, stop, task })
}

/// Reads the body before anything else, so that the access log also says what was asked for in
/// requests that are refused. Whoever serves strangers leaves this out.
async fn read_first(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match to_bytes(body, LONGEST_BODY).await {
        Ok(body) => next.run(Request::from_parts(head, Body::from(body))).await,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

/// What checks tokens for an endpoint of Wholesale Chips. The rest is the profile's.
fn gate(resource: &str, issuer: &str, fetcher: Fetcher) -> Result<AuthorizationLayer, Failed> {
    let validator = JwtValidator::new(Requirements::audience(resource))
        .issuer(Issuer::discovered(issuer, fetcher)?);
    let protected = Protected::new(resource, validator)
        .authorization_server(issuer)
        .scopes([READ])
        .metadata(|metadata| {
            metadata.resource_name = Some("Wholesale Chips at SaaSRUS".to_owned());
            metadata.tls_client_certificate_bound_access_tokens = true;
        });
    Ok(AuthorizationLayer::new(protected)?)
}

/// Declares the profile, and demands nothing for it.
fn claims(server: Builder) -> Builder {
    server.profile(Profile::new(REQUIRE_CLIENT_CREDENTIALS).by_default())
}

/// Who gives tokens to whom, and for what.
fn realms(resources: &[String]) -> Vec<Realm> {
    let audiences: Map<String, Value> =
        resources.iter().map(|resource| (resource.clone(), SCOPES.into())).collect();
    let client = |id, spiffe_id| Registered { id, spiffe_id, scope: SCOPES, bound: true };
    let chips = Realm {
        name: CHIPS_REALM,
        audiences: audiences.clone(),
        lifetime: 300,
        clients: vec![
            client(ORDERS.0, ORDERS.1),
            client(STOCK.0, STOCK.1),
            // Registered long ago, before tokens were bound to certificates.
            Registered { bound: false, ..client(REPORTS.0, REPORTS.1) },
            // Of a partner, for whom somebody made an exception.
            client(DELIVERY.0, DELIVERY.1),
        ],
    };
    // Whoever runs it can have it issue tokens for whatever they like.
    let acme = Realm {
        name: ACME_REALM,
        audiences,
        lifetime: 300,
        clients: vec![client(ORDERS.0, ORDERS.1)],
    };
    vec![chips, acme]
}

/// The access log as part of the audit trail.
struct Lines(Audit);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut facts: Map<String, Value> = serde_json::from_slice(line)?;
        facts.remove("time");
        self.0.note("access", facts);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client at the authorization server: its name there, and the name in its certificate.
pub type Workload = (&'static str, &'static str);

/// Reads and writes documents.
pub const ORDERS: Workload = ("ordering-robot", "spiffe://wholesalechips.co/ordering-robot");
/// Another workload of Wholesale Chips.
pub const STOCK: Workload = ("stock-robot", "spiffe://wholesalechips.co/stock-robot");
/// One whose tokens are not bound to its certificate.
pub const REPORTS: Workload = ("report-robot", "spiffe://wholesalechips.co/report-robot");
/// A workload of Acme that gets tokens of Wholesale Chips.
pub const DELIVERY: Workload = ("delivery-robot", "spiffe://acme.example/delivery-robot");

/// The issuer for Wholesale Chips.
pub const CHIPS_REALM: &str = "wholesalechips";
/// The issuer for Acme.
pub const ACME_REALM: &str = "acme";
/// The scope that every request needs.
pub const READ: &str = "documents:read";

const LONGEST_BODY: usize = 1 << 20;
const SCOPES: &str = "documents:read documents:write";
const ACME: &str = "acme.example";
const LOGIN: &str = "login.saasrus.localhost";
const SAASRUS: &str = "wholesalechips.saasrus.localhost";
const OLDER: &str = "older.saasrus.localhost";
const IMPOSTOR: &str = "impostor.localhost";
