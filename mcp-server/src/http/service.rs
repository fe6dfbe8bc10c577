//! The service: from an HTTP request to the server that answers it.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use mcp_core::{Error, Principal, Tenant};
use tokio::net::TcpListener;
use tower_service::Service;

use super::accept::Accept;
use super::host::addressed;
use super::intake::BoxError;
use super::listen;
use super::origin::{self, CrossOrigin};
use super::refusal::Refusal;
use super::site::{Door, LOOPBACK, Place, Plan, Site};
use super::step_up;
use super::store::{EventStore, SessionStore};
use super::well_known;
use super::{HttpBody, negotiation};
use crate::Server;

/// What may be done at an endpoint with sessions.
const METHODS: &str = "POST, GET, DELETE, OPTIONS";

/// Servers over HTTP, as a [`tower_service::Service`] of requests.
///
/// It answers the endpoint of each server, the document with the profiles that each supports, and
/// everything else with 404, so that it mounts as a fallback. Cloning is cheap and gives the same
/// service. The methods that change it belong before its first use: what they return shares nothing
/// with what was there.
///
/// The caller of a request is the [`Principal`] in its extensions, where whatever authenticates puts
/// it; without one it is [`Principal::anonymous`].
///
/// # Examples
/// ```
/// use mcp_server::Server;
/// use mcp_server::http::HttpService;
///
/// let one = Server::builder("one", "1.0").build()?;
/// let other = Server::builder("other", "1.0").build()?;
/// let service = HttpService::by_host([("one.example", one), ("other.example", other)]);
/// service.endpoint("/mcp").check()?;
/// # Ok::<(), mcp_server::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpService {
    plan: Arc<Plan>,
    site: Arc<OnceLock<Arc<Site>>>,
}

impl HttpService {
    /// One server, for clients on this machine: it answers as `localhost`, `127.0.0.1` and `[::1]`,
    /// at any port.
    ///
    /// Other names need [`allow_host`](Self::allow_host): a page of a stranger can make its own host
    /// name point at this machine ("DNS rebinding"), and only the name gives it away.
    pub fn new(server: Server) -> Self {
        Self::of(vec![(String::new(), server)])
    }

    /// A server for each host name; requests for other hosts are answered with 404.
    ///
    /// Each is a tenant: sessions and whatever else is bound to a caller are worthless at the others.
    /// Several names may lead to the same server, and are still several tenants. A path may follow
    /// the host, as for [`tenant`](Self::tenant).
    pub fn by_host<H: Into<String>>(servers: impl IntoIterator<Item = (H, Server)>) -> Self {
        Self::of(servers.into_iter().map(|(host, server)| (host.into(), server)).collect())
    }

    /// Adds a server at a host (`a.example`), at a path of a host (`a.example/path`), or at a path of
    /// the hosts that are [allowed](Self::allow_host) (`/path`).
    ///
    /// Its endpoint is below the path: `https://a.example/path/mcp`.
    #[must_use]
    pub fn tenant(self, place: impl Into<String>, server: Server) -> Self {
        self.change(|plan| plan.tenants.push((place.into(), server)))
    }

    /// The path of each endpoint, below that of its tenant; `/mcp` unless set.
    #[must_use]
    pub fn endpoint(self, path: impl Into<String>) -> Self {
        self.change(|plan| plan.endpoint = path.into())
    }

    /// Answers under another host name as well, where the server was not given one.
    #[must_use]
    pub fn allow_host(self, host: impl Into<String>) -> Self {
        self.change(|plan| plan.hosts.push(host.into()))
    }

    /// Lets pages of another origin call, for instance `https://app.example`.
    ///
    /// Pages of the host that is called may always. The origin `null` never may.
    #[must_use]
    pub fn allow_origin(self, origin: impl Into<String>) -> Self {
        self.change(|plan| plan.origins.push(origin.into()))
    }

    /// Believes what these proxies say about host and scheme (`Forwarded`, `X-Forwarded-Host`,
    /// `X-Forwarded-Proto`): addresses, or networks like `10.0.0.0/8`.
    ///
    /// From everybody else these headers are ignored. A proxy is known by the [`Peer`](super::Peer)
    /// in the extensions of a request. It has to remove such headers of its clients.
    #[must_use]
    pub fn trusted_proxies<P: Into<String>>(self, proxies: impl IntoIterator<Item = P>) -> Self {
        self.change(|plan| plan.proxies.extend(proxies.into_iter().map(Into::into)))
    }

    /// How long an event stream may be silent before a comment keeps it open; 15 seconds unless set.
    #[must_use]
    pub fn keep_alive(self, interval: Duration) -> Self {
        self.change(|plan| plan.settings.keep_alive = interval)
    }

    /// How long a session may be unused before it is over; 30 minutes unless set.
    #[must_use]
    pub fn session_idle(self, limit: Duration) -> Self {
        self.change(|plan| plan.settings.session_idle = limit)
    }

    /// Most sessions of each tenant at a time; 10,000 unless set.
    #[must_use]
    pub fn sessions(self, limit: usize) -> Self {
        self.change(|plan| plan.settings.sessions = limit)
    }

    /// Keeps what the streams of legacy sessions carry, so that clients can resume them; in memory
    /// and within bounds unless set.
    #[must_use]
    pub fn event_store(self, store: impl EventStore) -> Self {
        self.change(|plan| plan.settings.events = Some(Arc::new(store)))
    }

    /// Keeps nothing of what streams carry: none can be resumed.
    #[must_use]
    pub fn without_event_store(self) -> Self {
        self.change(|plan| plan.settings.events = None)
    }

    /// Keeps legacy sessions where other processes find them; without, each process has its own.
    #[must_use]
    pub fn session_store(self, store: impl SessionStore) -> Self {
        self.change(|plan| plan.settings.session_store = Some(Arc::new(store)))
    }

    /// Longest time for the body of a request; 30 seconds unless set.
    ///
    /// How long a body may be is up to its server ([`Limits::line_bytes`](crate::Limits)).
    #[must_use]
    pub fn body_timeout(self, limit: Duration) -> Self {
        self.change(|plan| plan.settings.body_time = limit)
    }

    /// Most connections at a time where the service listens itself; more wait. 10,000 unless set.
    #[must_use]
    pub fn connections(self, limit: usize) -> Self {
        self.change(|plan| plan.settings.connections = limit)
    }

    /// Says whether the service is put together well.
    ///
    /// [`serve`](Self::serve) asks it first. Mounted elsewhere, a service with mistakes answers
    /// everything with status 500.
    ///
    /// # Errors
    /// [`Error::Misuse`] names every mistake.
    pub fn check(&self) -> Result<(), Error> {
        self.site().check()
    }

    /// Whose endpoint a request is for; `None` when it is for none, so that it will be refused, or
    /// answered with what is open to everybody.
    ///
    /// It is for whatever authenticates in front of the service, where each tenant has callers of its
    /// own. Hosts, paths and proxies are judged as they are when the request is served, so it has to
    /// be given the request as the service gets it.
    ///
    /// # Examples
    /// ```
    /// use mcp_server::http::HttpService;
    /// use mcp_server::{Server, Tenant};
    ///
    /// let shop = Server::builder("shop", "1.0").build()?;
    /// let service = HttpService::by_host([("shops.example/corner", shop)]);
    /// let request = http::Request::post("/corner/mcp").header("host", "Shops.example:8443");
    /// let (head, ()) = request.body(())?.into_parts();
    /// assert_eq!(service.tenant_of(&head), Some(Tenant::new("shops.example/corner")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tenant_of(&self, head: &Parts) -> Option<Tenant> {
        let site = self.site();
        let host = addressed(head, &site.proxies).ok()?.host;
        match site.find(&host.name, head.uri.path()) {
            Some(Some(Place::Endpoint(door))) => Some(door.endpoint.tenant().clone()),
            _ => None,
        }
    }

    /// Accepts connections and answers what comes over them, in HTTP/1 and HTTP/2, until it fails.
    ///
    /// What stands in front of the service, such as TLS or authentication, goes into
    /// [`serve_with`](Self::serve_with).
    ///
    /// # Errors
    /// As [`check`](Self::check); failing connections are logged.
    ///
    /// # Cancel safety
    /// Dropping the future closes every connection.
    pub async fn serve(&self, listener: TcpListener) -> Result<(), Error> {
        self.serve_until(listener, std::future::pending()).await
    }

    /// As [`serve`](Self::serve), until `shutdown` completes: then no more connections are
    /// accepted, and what was accepted is answered for at most the
    /// [`drain_timeout`](crate::Builder::drain_timeout) of the servers. What runs in legacy sessions
    /// after that is dropped with them; other processes that share them can go on with them.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    /// As [`serve`](Self::serve).
    pub async fn serve_until(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        self.check()?;
        match listener.local_addr() {
            Ok(address) => tracing::info!(target: "mcp::server", %address, "listening"),
            Err(error) => tracing::warn!(target: "mcp::server", %error, "listening"),
        }
        let wants_extensions = !self.site().proxies.is_empty();
        self.listen(listener, self.clone(), wants_extensions, shutdown).await;
        Ok(())
    }

    /// As [`serve_until`](Self::serve_until), behind whatever `front` puts before the service (layers,
    /// a router), and over connections of any kind, such as TLS.
    ///
    /// Connections, times and the end are as they are without: what a client can hold is bounded,
    /// and a handshake counts.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    /// As [`serve`](Self::serve).
    ///
    /// # Examples
    /// ```no_run
    /// use axum::Router;
    /// use axum::routing::get;
    /// use mcp_server::Server;
    /// use mcp_server::http::HttpService;
    /// use tokio::net::TcpListener;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let mcp = HttpService::new(Server::builder("films", "1.0").build()?);
    /// let listener = TcpListener::bind("127.0.0.1:8080").await?;
    /// let front = |mcp| Router::new().route("/health", get(async || "ok")).fallback_service(mcp);
    /// mcp.serve_with(listener, front, std::future::pending()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve_with<L, S, B>(
        &self,
        listener: L,
        front: impl FnOnce(Self) -> S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error>
    where
        L: Accept,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.check()?;
        self.listen(listener, front(self.clone()), true, shutdown).await;
        Ok(())
    }

    /// One server at the address of a listener.
    pub(crate) fn at(server: Server, address: IpAddr) -> Self {
        let service = Self::new(server);
        // A name that points here can be a stranger's, an address cannot.
        match address {
            address if address.is_unspecified() => service,
            IpAddr::V4(address) => service.allow_host(address.to_string()),
            IpAddr::V6(address) => service.allow_host(format!("[{address}]")),
        }
    }

    pub(crate) fn site(&self) -> &Arc<Site> {
        self.site.get_or_init(|| {
            let site = Site::new(&self.plan);
            if let Some(problem) = &site.problem {
                tracing::error!(target: "mcp::server", "{problem}");
            }
            Arc::new(site)
        })
    }

    async fn listen<L, S, B>(
        &self,
        listener: L,
        service: S,
        wants_extensions: bool,
        shutdown: impl Future<Output = ()>,
    ) where
        L: Accept,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let site = self.site();
        let settings = Arc::clone(&site.settings);
        let drain_timeout = site.drain_timeout;
        let serving = listen::Serving { service, wants_extensions, settings, drain_timeout };
        listen::serve(listener, serving, shutdown).await;
        site.stop();
    }

    fn of(tenants: Vec<(String, Server)>) -> Self {
        let plan = Plan {
            tenants,
            endpoint: "/mcp".to_owned(),
            hosts: LOOPBACK.map(str::to_owned).to_vec(),
            origins: Vec::new(),
            proxies: Vec::new(),
            settings: Default::default(),
        };
        Self { plan: Arc::new(plan), site: Arc::default() }
    }

    pub(super) fn change(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        change(Arc::make_mut(&mut self.plan));
        self.site = Arc::default();
        self
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for HttpService
where
    B: Body + Send + 'static,
    B::Data: Buf + Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<HttpBody>;
    type Error = Infallible;
    type Future = HttpFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> HttpFuture {
        let site = Arc::clone(self.site());
        HttpFuture(Box::pin(async move { site.answer(request).await }))
    }
}

/// The answer of an [`HttpService`], to come.
///
/// # Cancel safety
/// Dropping it is what a client does that goes away.
#[must_use = "futures do nothing unless polled"]
pub struct HttpFuture(Pin<Box<dyn Future<Output = Response<HttpBody>> + Send>>);

impl Future for HttpFuture {
    type Output = Result<Response<HttpBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for HttpFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpFuture")
    }
}

impl Site {
    async fn answer<B>(&self, request: Request<B>) -> Response<HttpBody>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        let (place, page) = match self.admit(&head) {
            Ok(admitted) => admitted,
            Err(refusal) => return refusal.into_response(),
        };
        let mut response = match (place, &page) {
            (Place::Document(_), Some(page)) if origin::is_preflight(&head) => {
                page.preflight(&head, well_known::METHODS)
            }
            (Place::Endpoint(door), Some(page)) if origin::is_preflight(&head) => {
                page.preflight(&head, door.methods())
            }
            (Place::Document(document), _) => document.answer(&head),
            (Place::Endpoint(door), _) => {
                let answer = self.enter(door, &head, body).await;
                answer.unwrap_or_else(Refusal::into_response)
            }
        };
        if let Some(page) = page {
            page.share(&mut response);
        }
        if !self.origins.is_empty() {
            origin::vary(&mut response);
        }
        response
    }

    /// Finds what a request is for, if whoever sent it may ask.
    fn admit(&self, head: &Parts) -> Result<(&Place, Option<CrossOrigin>), Refusal> {
        if self.problem.is_some() {
            return Err(Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the service is not put together well: its log says what is wrong",
            ));
        }
        let addressed = addressed(head, &self.proxies)?;
        let place = match self.find(&addressed.host.name, head.uri.path()) {
            Some(place) => place,
            None if self.by_host => return Err(Refusal::not_found()),
            None => {
                return Err(Refusal::new(
                    StatusCode::MISDIRECTED_REQUEST,
                    "nothing is served under this host name: its operator can allow it",
                ));
            }
        };
        let page = self.origins.check(head, &addressed)?;
        Ok((place.ok_or_else(Refusal::not_found)?, page))
    }

    /// Takes a request to an endpoint.
    async fn enter<B>(
        &self,
        door: &Door,
        head: &Parts,
        body: B,
    ) -> Result<Response<HttpBody>, Refusal>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let caller = || head.extensions.get().cloned().unwrap_or_else(Principal::anonymous);
        match head.method {
            Method::POST => {
                negotiation::check_post(&head.headers)?;
                let body = self.intake.read(body, door.limit).await?;
                Ok(step_up::ask(head, door.endpoint.post(head, body, caller()).await))
            }
            Method::GET if door.endpoint.has_sessions() => {
                negotiation::check_get(&head.headers)?;
                Ok(door.endpoint.get(head, caller()).await)
            }
            Method::DELETE if door.endpoint.has_sessions() => {
                Ok(door.endpoint.delete(head, caller()).await)
            }
            Method::OPTIONS => {
                let mut response = Response::new(HttpBody::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                let methods = HeaderValue::from_static(door.methods());
                response.headers_mut().insert(ALLOW, methods);
                Ok(response)
            }
            _ => {
                let message = "this method means nothing here: send messages with POST";
                let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message);
                Err(refusal.with(ALLOW, door.methods()))
            }
        }
    }
}

impl Door {
    /// What may be done at the endpoint; without sessions GET and DELETE mean nothing (2026-07-28,
    /// basic/transports/streamable-http, "Earlier Streamable HTTP Revisions").
    fn methods(&self) -> &'static str {
        if self.endpoint.has_sessions() { METHODS } else { "POST, OPTIONS" }
    }
}
