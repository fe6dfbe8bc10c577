//! Receives the answer of an authorization server on this machine (RFC 8252, 7.3).
//!
//! It listens on a loopback address until the answer with the right `state` has come, tells the
//! person that the page can be closed, and is gone. It spawns nothing: all of it ends with the future
//! that is dropped.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, pending, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mcp_auth::secret::{ExposeSecret, SecretString};
use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};

use super::user_agent::AuthorizationResponse;

/// Listens for one answer.
pub(super) struct Loopback {
    listeners: Vec<TcpListener>,
    redirect_uri: Box<str>,
    path: Box<str>,
}

impl Loopback {
    /// Listens at a redirect address; without a port, at one that is free.
    pub(super) async fn bind(redirect_uri: &Url) -> io::Result<Self> {
        let addresses: &[IpAddr] = match redirect_uri.host() {
            Some(url::Host::Ipv4(address)) if address.is_loopback() => &[IpAddr::V4(address)],
            Some(url::Host::Ipv6(address)) if address.is_loopback() => &[IpAddr::V6(address)],
            Some(url::Host::Domain("localhost")) => {
                &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            }
            _ => return Err(invalid("its host is not a loopback address")),
        };
        if redirect_uri.scheme() != "http" {
            return Err(invalid("its scheme is not http"));
        }
        let mut port = redirect_uri.port().unwrap_or_default();
        let mut listeners = Vec::with_capacity(addresses.len());
        let mut failure = None;
        for address in addresses {
            match TcpListener::bind(SocketAddr::new(*address, port)).await {
                Ok(listener) => {
                    port = listener.local_addr()?.port();
                    listeners.push(listener);
                }
                Err(error) => failure = Some(error),
            }
        }
        // One of two is enough: many machines have no IPv6.
        if let (true, Some(error)) = (listeners.is_empty(), failure) {
            return Err(error);
        }
        let mut url = redirect_uri.clone();
        url.set_port(Some(port)).map_err(|()| invalid("it cannot have a port"))?;
        Ok(Self { listeners, redirect_uri: url.as_str().into(), path: url.path().into() })
    }

    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The answer with this `state`; all others are turned away.
    pub(super) async fn answer(self, state: &SecretString) -> AuthorizationResponse {
        let desk = Desk { path: &self.path, state, answer: Mutex::new(None) };
        let mut connections = FuturesUnordered::new();
        loop {
            let accepted = {
                let full = connections.len() >= MAX_CONNECTIONS;
                let next =
                    async { if full { pending().await } else { accept(&self.listeners).await } };
                let served = async {
                    if connections.next().await.is_none() {
                        pending::<()>().await;
                    }
                };
                match select(std::pin::pin!(next), std::pin::pin!(served)).await {
                    Either::Left((stream, _)) => Some(stream),
                    Either::Right(((), _)) => None,
                }
            };
            // The connection of the answer has ended, and so its page has been sent.
            if accepted.is_none()
                && let Some(answer) = desk.taken()
            {
                return answer;
            }
            if let Some(stream) = accepted {
                connections.push(serve(stream, &desk));
            }
        }
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// Looks at requests, and keeps the one answer.
struct Desk<'a> {
    path: &'a str,
    state: &'a SecretString,
    answer: Mutex<Option<AuthorizationResponse>>,
}

impl Desk<'_> {
    fn taken(&self) -> Option<AuthorizationResponse> {
        self.answer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    fn page(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() != self.path {
            return page(StatusCode::NOT_FOUND, "Nothing is here.");
        }
        if request.method() != Method::GET {
            return page(StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered here.");
        }
        let response = AuthorizationResponse::from_query(request.uri().query().unwrap_or_default());
        let Some(response) = response.ok().filter(|response| self.is_awaited(response)) else {
            tracing::warn!(target: "mcp::auth", "a redirect with another state was turned away");
            return page(StatusCode::BAD_REQUEST, "This is not the answer that is waited for.");
        };
        let mut answer = self.answer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if answer.is_some() {
            return page(StatusCode::GONE, "The answer has already been received.");
        }
        *answer = Some(response);
        page(StatusCode::OK, "The answer was received. You can close this page and go back.")
    }

    fn is_awaited(&self, response: &AuthorizationResponse) -> bool {
        response.state.as_ref().is_some_and(|state| same(state, self.state))
    }
}

/// Compares in constant time.
pub(super) fn same(one: &SecretString, other: &SecretString) -> bool {
    let (one, other) = (one.expose_secret().as_bytes(), other.expose_secret().as_bytes());
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |found, (one, other)| found | (one ^ other)) == 0
}

async fn accept(listeners: &[TcpListener]) -> TcpStream {
    loop {
        let next = futures_util::future::select_all(
            listeners.iter().map(|listener| Box::pin(listener.accept())),
        );
        match next.await.0 {
            Ok((stream, _)) => return stream,
            // Too many open files, for instance: they may be closed again soon.
            Err(error) => {
                tracing::debug!(target: "mcp::auth", %error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one request.
async fn serve(stream: TcpStream, desk: &Desk<'_>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let page = desk.page(&request);
        async move { Ok::<_, Infallible>(page) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIME)
        .max_buf_size(MAX_REQUEST)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = tokio::time::timeout(CONNECTION_TIME, connection).await;
}

/// A page without anything of the request in it, and without scripts.
fn page(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let title = if status.is_success() { "Thank you" } else { "Not here" };
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:1.2rem system-ui,sans-serif;max-width:32rem;margin:20vh auto;\
         padding:0 1rem;color-scheme:light dark}}</style><h1>{title}</h1><p>{text}</p></html>"
    );
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}

/// Browsers open some in advance and say nothing on them.
const MAX_CONNECTIONS: usize = 32;
const MAX_REQUEST: usize = 16 * 1024;
const REQUEST_TIME: Duration = Duration::from_secs(10);
const CONNECTION_TIME: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn listening() -> (Loopback, SocketAddr) {
        let url = Url::parse("http://127.0.0.1/callback").unwrap();
        let loopback = Loopback::bind(&url).await.unwrap();
        let address = loopback.listeners[0].local_addr().unwrap();
        (loopback, address)
    }

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn get(target: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    }

    #[tokio::test]
    async fn only_the_answer_with_the_right_state_is_taken() {
        let (loopback, address) = listening().await;
        assert_eq!(loopback.redirect_uri(), format!("http://{address}/callback"));
        let state = SecretString::from("right");
        let person = async {
            // A browser opens connections in advance and leaves them alone.
            let idle = TcpStream::connect(address).await.unwrap();
            for (target, status) in [
                ("/favicon.ico", "404"),
                ("/callback?code=evil&state=wrong", "400"),
                ("/callback?code=evil&code=c&state=right", "400"),
                ("/callback?error=access_denied&state=wrong", "400"),
                ("/callback", "400"),
            ] {
                let answer = ask(address, &get(target)).await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
                assert!(!answer.contains("evil"), "{answer}");
            }
            let post = "POST /callback?code=c&state=right HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
            assert!(ask(address, post).await.starts_with("HTTP/1.1 405"));
            let answer = ask(address, &get("/callback?code=good&state=right")).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(answer.contains("content-security-policy") && !answer.contains("good"));
            drop(idle);
        };
        let (response, ()) = tokio::join!(loopback.answer(&state), person);
        assert_eq!(response.code.unwrap().expose_secret(), "good");
        assert!(TcpStream::connect(address).await.is_err(), "the listener is gone");
    }

    #[tokio::test]
    async fn bytes_that_are_no_http_end_their_connection_alone() {
        let (loopback, address) = listening().await;
        let state = SecretString::from("s");
        let person = async {
            assert!(!ask(address, "\0\u{1}garbage\r\n\r\n").await.contains("200"));
            let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(2 * MAX_REQUEST));
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(long.as_bytes()).await;
            ask(address, &get("/callback?code=c&state=s")).await;
        };
        let (response, ()) = tokio::join!(loopback.answer(&state), person);
        assert!(response.code.is_some());
    }

    #[tokio::test]
    async fn addresses_of_other_machines_are_not_listened_at() {
        for url in
            ["http://192.0.2.1/callback", "https://127.0.0.1/callback", "http://example.com/"]
        {
            assert!(Loopback::bind(&Url::parse(url).unwrap()).await.is_err(), "{url}");
        }
    }

    #[test]
    fn states_are_compared_whole() {
        let same = |one: &str, other: &str| same(&one.into(), &other.into());
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }
}
