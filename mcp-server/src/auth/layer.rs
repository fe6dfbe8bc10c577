//! The layer in front of a service: who is let in, and what the others are told.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use http::header::{
    self, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    AUTHORIZATION, VARY,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use mcp_auth::scope::Scopes;
use mcp_core::{Error, Principal};
use tower_layer::Layer;
use tower_service::Service;

use super::body::AuthorizedBody;
use super::place::{DPOP_NONCE, Place};
use super::{Admitted, ClientCertificate, Denial, Denied, Presented, Protected, Protection};
use crate::http::host::{Host, addressed};
use crate::http::origin::is_preflight;
use crate::http::proxy::Proxies;
use crate::http::refusal::Refusal;
use crate::http::{HttpBody, Peer, well_known};
use crate::server::AUTHORIZATION as TARGET;

/// Lets in who has a token, as a [`tower_layer::Layer`] in front of an
/// [`HttpService`](crate::http::HttpService) or any other service of HTTP requests.
///
/// Whoever is let in is the [`Principal`] in the extensions of the request, with
/// [how that is known](Principal::authentication). Everybody else gets a challenge, which says where
/// to get a token and for which scopes (RFC 6750, RFC 9449, RFC 9728). Without a token only these
/// are answered: the metadata of the resource, by the layer; the document of supported profiles, by
/// the service; and the questions of browsers before a request (CORS).
///
/// Each decision is a `tracing` event of the target `mcp::authorization`, without secrets.
///
/// # Examples
/// ```no_run
/// use mcp_server::Server;
/// use mcp_server::auth::{AuthorizationLayer, Protected, TokenValidator};
/// use mcp_server::http::HttpService;
/// use tokio::net::TcpListener;
/// use tower_layer::Layer;
///
/// # async fn example(tokens: impl TokenValidator) -> Result<(), Box<dyn std::error::Error>> {
/// let films = Protected::new("https://films.example/mcp", tokens)
///     .authorization_server("https://login.films.example")
///     .scopes(["films:read"]);
/// let layer = AuthorizationLayer::new(films)?;
///
/// let mcp = HttpService::by_host([("films.example", Server::builder("films", "1.0").build()?)]);
/// let listener = TcpListener::bind("127.0.0.1:8080").await?;
/// mcp.serve_with(listener, |mcp| layer.layer(mcp), std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AuthorizationLayer(Arc<Places>);

impl AuthorizationLayer {
    /// Protects everything behind the layer as one resource.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] names every mistake.
    pub fn new(protected: Protected) -> Result<Self, Error> {
        Self::by_host([("", protected)])
    }

    /// Protects each place for itself: a host (`a.example`), a path of a host (`a.example/path`), or
    /// a path of any host (`/path`), as the [tenants](crate::http::HttpService::tenant) of a service.
    ///
    /// Each has its own metadata, authorization servers and keys: a token for one is worthless at the
    /// others. Of several places of a host the longest path counts. At any other place the layer
    /// answers 404: what nobody has protected is not open.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn by_host<H: Into<String>>(
        places: impl IntoIterator<Item = (H, Protected)>,
    ) -> Result<Self, Error> {
        let places = places.into_iter().map(|(place, protected)| (place.into(), protected));
        Places::new(places).map(|places| Self(Arc::new(places)))
    }

    /// Believes what these proxies say about the host, as
    /// [`HttpService::trusted_proxies`](crate::http::HttpService::trusted_proxies) does.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] names what is neither an address nor a network.
    pub fn trusted_proxies<P: AsRef<str>>(
        self,
        proxies: impl IntoIterator<Item = P>,
    ) -> Result<Self, Error> {
        let proxies = Proxies::parse(proxies).map_err(Error::Misuse)?;
        Ok(Self(Arc::new(Places { proxies, ..Places::clone(&self.0) })))
    }
}

impl<S> Layer<S> for AuthorizationLayer {
    type Service = Authorized<S>;

    fn layer(&self, service: S) -> Authorized<S> {
        Authorized { service, places: Arc::clone(&self.0) }
    }
}

/// A service behind an [`AuthorizationLayer`].
#[derive(Debug, Clone)]
pub struct Authorized<S> {
    service: S,
    places: Arc<Places>,
}

impl<S, B, R> Service<Request<B>> for Authorized<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<AuthorizedBody<R>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that is ready does it.
        let other = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, other);
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let nonce = match places.judge(&mut head).await {
                Judged::Passes { nonce } => nonce,
                Judged::Answered(response) => return Ok(response.map(AuthorizedBody::of_layer)),
            };
            let mut response = service.call(Request::from_parts(head, body)).await?;
            if let Some(nonce) = nonce {
                response.headers_mut().insert(DPOP_NONCE, nonce);
            }
            Ok(response.map(AuthorizedBody::of_service))
        })
    }
}

/// All that a layer protects.
#[derive(Debug, Clone)]
struct Places {
    /// The empty host is any.
    hosts: HashMap<Box<str>, Paths>,
    proxies: Proxies,
}

/// What is protected at the paths of a host, the longest path first.
type Paths = Vec<(Box<str>, Arc<Place>)>;

/// What becomes of a request.
enum Judged {
    Passes { nonce: Option<HeaderValue> },
    Answered(Response<HttpBody>),
}

impl Places {
    fn new(places: impl Iterator<Item = (String, Protected)>) -> Result<Self, Error> {
        let mut hosts: HashMap<Box<str>, Paths> = HashMap::new();
        let mut problems = Vec::new();
        for (at, protected) in places {
            let (host, path) = at.split_at(at.find('/').unwrap_or(at.len()));
            let name = Host::parse(host).filter(|host| host.port.is_none());
            let host: Box<str> = match name {
                Some(host) => host.name.into(),
                None if host.is_empty() => host.into(),
                None => {
                    problems.push(format!("place `{at}` has no host name: write it without port"));
                    continue;
                }
            };
            let path = path.strip_suffix('/').unwrap_or(path);
            let mut found = Vec::new();
            let place = Place::new(&protected, &mut found);
            problems.extend(found.into_iter().map(|problem| match &*at {
                "" => problem,
                at => format!("place `{at}`: {problem}"),
            }));
            let known = hosts.entry(host).or_default();
            if known.iter().any(|(other, _)| **other == *path) {
                problems.push(format!("place `{at}` is there twice: give each its own"));
            }
            known.extend(place.map(|place| (path.into(), Arc::new(place))));
        }
        if hosts.is_empty() && problems.is_empty() {
            problems.push("nothing is protected: give at least one place".to_owned());
        }
        if !problems.is_empty() {
            return Err(Error::Misuse(format!(
                "the authorization layer is not put together well:\n- {}",
                problems.join("\n- ")
            )));
        }
        for places in hosts.values_mut() {
            places.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        }
        Ok(Self { hosts, proxies: Proxies::default() })
    }

    async fn judge(&self, head: &mut Parts) -> Judged {
        for name in [&AUTHORIZATION, &DPOP] {
            if let header::Entry::Occupied(mut values) = head.headers.entry(name) {
                values.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        match self.admit(head).await {
            Ok(Entry::Open) => Judged::Passes { nonce: None },
            Ok(Entry::Anonymous(place)) => {
                let protection = Protection { place, shown: None };
                head.extensions.insert(protection);
                Judged::Passes { nonce: None }
            }
            Ok(Entry::Admitted(admitted, protection)) => {
                let Admitted { principal, nonce, .. } = admitted;
                head.extensions.insert(principal);
                head.extensions.insert(protection);
                Judged::Passes { nonce: nonce.as_deref().and_then(header_value) }
            }
            Err(response) => Judged::Answered(*response),
        }
    }

    async fn admit(&self, head: &Parts) -> Result<Entry, Box<Response<HttpBody>>> {
        let path = head.uri.path();
        if is_document(path) {
            let document = self.document(head);
            return Err(Box::new(document.unwrap_or_else(Refusal::into_response)));
        }
        if is_preflight(head) || is_open(&head.method, path) {
            return Ok(Entry::Open);
        }
        let place = self.place_of(head).map_err(|refusal| Box::new(refusal.into_response()))?;
        let url = place.url_of(head);
        let refuse = |denied: &Denied, shown| {
            log_denied(head, &place, denied);
            let mut response = place.refuse(denied.denial, shown, &denied.scopes);
            if let Some(nonce) = denied.nonce.as_deref().and_then(header_value) {
                response.headers_mut().insert(DPOP_NONCE, nonce);
            }
            Box::new(response)
        };
        let presented = Presented::read(head, &url, SystemTime::now());
        let Some(presented) = presented.map_err(|denied| refuse(&denied, None))? else {
            if place.optional {
                return Ok(Entry::Anonymous(place));
            }
            let denied = Denied::new(Denial::Unauthenticated, "the request has no token");
            return Err(refuse(&denied, None));
        };
        let shown = Some(presented.scheme);
        let admitted = place.validator.validate(presented).await;
        let mut admitted = admitted.map_err(|denied| refuse(&denied, shown))?;
        admitted.principal = place.known(admitted.principal, admitted.expires_at);
        let granted = granted(&admitted.principal);
        if !place.scopes.is_subset(&granted) {
            let mut denied = Denied::scopes(place.scopes.clone());
            denied.nonce = admitted.nonce;
            return Err(refuse(&denied, shown));
        }
        log_admitted(head, &place, &admitted.principal);
        let protection = Protection { place: Arc::clone(&place), shown };
        Ok(Entry::Admitted(admitted, protection))
    }

    /// What protects the place that a request is for.
    ///
    /// # Errors
    /// The request names no host, or none that is known.
    fn place_of(&self, head: &Parts) -> Result<Arc<Place>, Refusal> {
        let path = head.uri.path();
        let place = self.places_at(head)?.iter().find(|(above, _)| {
            path.strip_prefix(&**above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        place.map(|(_, place)| Arc::clone(place)).ok_or_else(Refusal::not_found)
    }

    /// The metadata of a resource, and what browsers ask before they get it.
    fn document(&self, head: &Parts) -> Result<Response<HttpBody>, Refusal> {
        let places = self.places_at(head)?;
        let path = head.uri.path();
        let path = path.strip_suffix('/').unwrap_or(path);
        let place = match &places[..] {
            // Where a host has several resources, the root form would tell one for another.
            [(_, place)] if path == WELL_KNOWN => Some(place),
            places => {
                places.iter().map(|(_, place)| place).find(|place| place.document_path == path)
            }
        };
        let place = place.ok_or_else(Refusal::not_found)?;
        let mut response = match is_preflight(head) {
            true => preflight(head),
            false => place.document.answer(head),
        };
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag"));
        Ok(response)
    }

    fn places_at(&self, head: &Parts) -> Result<&Paths, Refusal> {
        let anywhere = self.hosts.get("");
        if let Some(anywhere) = anywhere.filter(|_| self.hosts.len() == 1) {
            // No host tells them apart; the service behind looks at it.
            return Ok(anywhere);
        }
        let host = addressed(head, &self.proxies)?.host;
        let places = self.hosts.get(&*host.name).or(anywhere);
        places.ok_or_else(Refusal::not_found)
    }
}

/// Who may pass.
enum Entry {
    /// Anybody.
    Open,
    /// Somebody without a token, where that is allowed.
    Anonymous(Arc<Place>),
    Admitted(Admitted, Protection),
}

const DPOP: http::HeaderName = http::HeaderName::from_static("dpop");

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Whether this is where metadata of resources is.
fn is_document(path: &str) -> bool {
    path.strip_prefix(WELL_KNOWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether this reads the document of supported profiles, which is open to everybody.
///
/// A path with dots or escapes in it may mean another one to the service behind.
fn is_open(method: &Method, path: &str) -> bool {
    let rest = path.strip_prefix(well_known::PATH);
    let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_plain = |segment: &str| !matches!(segment, "." | "..") && !segment.contains(['%', '\\']);
    matches!(*method, Method::GET | Method::HEAD)
        && rest.is_some_and(|rest| rest.split('/').all(is_plain))
}

fn preflight(head: &Parts) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static(well_known::METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(wanted) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        headers.insert(VARY, HeaderValue::from(ACCESS_CONTROL_REQUEST_HEADERS));
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn granted(principal: &Principal) -> Scopes {
    principal.authentication().map(|known| known.scopes.iter().collect()).unwrap_or_default()
}

fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

fn log_denied(head: &Parts, place: &Place, denied: &Denied) {
    tracing::info!(
        target: TARGET,
        decision = "denied",
        denial = %denied.denial,
        reason = &*denied.reason,
        resource = place.resource.as_str(),
        method = head.method.as_str(),
        peer = peer(head),
        certificate = certificate(head),
    );
}

fn log_admitted(head: &Parts, place: &Place, principal: &Principal) {
    let known = principal.authentication();
    tracing::info!(
        target: TARGET,
        decision = "admitted",
        %principal,
        issuer = known.map(|known| &*known.issuer),
        client = known.and_then(|known| known.client_id.as_deref()),
        spiffe = known.and_then(|known| known.spiffe_id.as_deref()),
        scopes = %granted(principal),
        resource = place.resource.as_str(),
        method = head.method.as_str(),
        peer = peer(head),
        certificate = certificate(head),
    );
}

fn peer(head: &Parts) -> Option<String> {
    head.extensions.get::<Peer>().map(|peer| peer.0.to_string())
}

fn certificate(head: &Parts) -> Option<&str> {
    head.extensions.get::<ClientCertificate>().map(ClientCertificate::thumbprint)
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
