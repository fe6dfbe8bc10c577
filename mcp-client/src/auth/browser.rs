//! The browser of the operating system, with a listener on this machine for the answer (RFC 8252).

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Url;

use super::AuthError;
use super::loopback::Loopback;
use super::user_agent::{AuthorizationRequest, AuthorizationResponse, UserAgent, Visit};
use crate::transport::http::is_loopback;

/// Asks for consent in the browser of the person at this machine.
///
/// The answer comes back to a listener on a loopback address, by default `127.0.0.1` and a port that
/// is free; it exists only while an answer is waited for, and takes a single one.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mcp_client::auth::Browser;
///
/// # fn main() -> Result<(), mcp_client::auth::AuthError> {
/// let browser = Browser::new()
///     .redirect_uri("http://localhost:8976/callback")?
///     .time_limit(Duration::from_secs(120));
/// # let _ = browser;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Browser {
    redirect_uri: Option<Url>,
    time_limit: Duration,
    open: Arc<Open>,
}

impl Browser {
    /// The browser that the person has set up.
    pub fn new() -> Self {
        Self {
            redirect_uri: None,
            time_limit: TIME_LIMIT,
            open: Arc::new(|url| open::that_detached(url.as_str())),
        }
    }

    /// Receives answers at this address: `http`, with a loopback address or `localhost` as its host.
    ///
    /// It is needed where an authorization server has it on its list and does not let the port
    /// differ. Without a port, one that is free is taken.
    ///
    /// # Errors
    ///
    /// It is no such address.
    pub fn redirect_uri(self, address: &str) -> Result<Self, AuthError> {
        let refused =
            |why: &str| AuthError::Policy(format!("the redirect address {address}: {why}"));
        let url = Url::parse(address).map_err(|error| refused(&error.to_string()))?;
        if url.scheme() != "http" || !is_loopback(&url) {
            return Err(refused("it must be http and on this machine, such as http://127.0.0.1/"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it must have neither query nor fragment"));
        }
        Ok(Self { redirect_uri: Some(url), ..self })
    }

    /// How long the person may take; five minutes unless this says otherwise.
    pub fn time_limit(self, limit: Duration) -> Self {
        Self { time_limit: limit, ..self }
    }

    /// Opens addresses with this function instead: to show them, for instance, where the program
    /// runs on another machine than the browser.
    ///
    /// It runs on a thread where it may block. What it gets is to be opened once, and to be kept
    /// from everybody but the person.
    pub fn open_with(self, open: impl Fn(&Url) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { open: Arc::new(open), ..self }
    }

    /// Listens where the authorization server expects it, if that is possible, else anywhere.
    async fn listen(&self, registered: &[Box<str>]) -> io::Result<Loopback> {
        let wanted = match &self.redirect_uri {
            Some(url) if url.port().is_some() => return Loopback::bind(url).await,
            Some(url) => url.clone(),
            None => Url::parse(REDIRECT_URI).map_err(io::Error::other)?,
        };
        for known in registered.iter().filter_map(|known| Url::parse(known).ok()) {
            if known.port().is_some()
                && known.host() == wanted.host()
                && known.path() == wanted.path()
                && let Ok(loopback) = Loopback::bind(&known).await
            {
                return Ok(loopback);
            }
        }
        match Loopback::bind(&wanted).await {
            Err(_) if self.redirect_uri.is_none() => {
                Loopback::bind(&Url::parse(REDIRECT_URI_V6).map_err(io::Error::other)?).await
            }
            bound => bound,
        }
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("redirect_uri", &self.redirect_uri.as_ref().map(Url::as_str))
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

impl UserAgent for Browser {
    fn prepare<'a>(
        &'a self,
        registered: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Box<dyn Visit>, AuthError>> {
        async move {
            let loopback = self
                .listen(registered)
                .await
                .map_err(|error| AuthError::source("listening for the answer", error))?;
            Ok(Box::new(BrowserVisit { browser: self.clone(), loopback }) as Box<dyn Visit>)
        }
        .boxed()
    }
}

/// Opens an address.
type Open = dyn Fn(&Url) -> io::Result<()> + Send + Sync;

/// A listener that waits, and the browser that is to be opened.
#[derive(Debug)]
struct BrowserVisit {
    browser: Browser,
    loopback: Loopback,
}

impl Visit for BrowserVisit {
    fn redirect_uri(&self) -> &str {
        self.loopback.redirect_uri()
    }

    fn authorize(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<AuthorizationResponse, AuthError>> {
        let Self { browser, loopback } = *self;
        async move {
            // Anything else could start programs.
            if request.url.scheme() != "https" && !is_loopback(&request.url) {
                return Err(AuthError::Metadata(
                    "the authorization endpoint is not opened: it must be https".to_owned(),
                ));
            }
            let AuthorizationRequest { url, state } = request;
            let open = browser.open;
            let opened = tokio::task::spawn_blocking(move || open(&url));
            let answer = async {
                match opened.await {
                    Ok(Ok(())) => Ok(loopback.answer(&state).await),
                    Ok(Err(error)) => Err(AuthError::source("opening the browser", error)),
                    Err(error) => Err(AuthError::source("opening the browser", error)),
                }
            };
            tokio::time::timeout(browser.time_limit, answer).await.unwrap_or_else(|_| {
                let limit = browser.time_limit;
                Err(AuthError::NoConsent(format!("there was no answer within {limit:?}")))
            })
        }
        .boxed()
    }
}

const REDIRECT_URI: &str = "http://127.0.0.1/callback";
const REDIRECT_URI_V6: &str = "http://[::1]/callback";
const TIME_LIMIT: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn request(url: &str) -> AuthorizationRequest {
        AuthorizationRequest::new(Url::parse(url).unwrap(), "state".into())
    }

    #[tokio::test(start_paused = true)]
    async fn person_who_does_not_answer_is_waited_for_five_minutes() {
        let opened = Arc::new(Mutex::new(Vec::new()));
        let seen = opened.clone();
        let browser = Browser::new().open_with(move |url| {
            seen.lock().unwrap().push(url.to_string());
            Ok(())
        });
        let visit = browser.prepare(&[]).await.unwrap();
        let start = tokio::time::Instant::now();
        let error = visit.authorize(request("https://as.example/authorize?x=1")).await.unwrap_err();
        assert!(matches!(error, AuthError::NoConsent(_)), "{error}");
        assert_eq!(start.elapsed().as_secs(), TIME_LIMIT.as_secs());
        assert_eq!(*opened.lock().unwrap(), ["https://as.example/authorize?x=1"]);
    }

    #[tokio::test]
    async fn only_addresses_of_the_web_are_opened() {
        let browser = Browser::new().open_with(|url| panic!("{url} was opened"));
        for url in ["file:///etc/passwd", "http://as.example/authorize", "vscode://x"] {
            let visit = browser.prepare(&[]).await.unwrap();
            assert!(visit.authorize(request(url)).await.is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn port_that_the_authorization_server_knows_is_taken_again() {
        let browser = Browser::new();
        let first = browser.prepare(&[]).await.unwrap();
        let known: Box<str> = first.redirect_uri().into();
        drop(first);
        let again = browser.prepare(std::slice::from_ref(&known)).await.unwrap();
        assert_eq!(again.redirect_uri(), &*known);
        let other = browser.prepare(std::slice::from_ref(&known)).await.unwrap();
        assert_ne!(other.redirect_uri(), &*known, "that one is taken");
    }

    #[test]
    fn redirect_addresses_elsewhere_are_refused() {
        for address in
            ["https://app.example/callback", "http://app.example/", "x", "http://127.0.0.1/?a"]
        {
            assert!(Browser::new().redirect_uri(address).is_err(), "{address}");
        }
        assert!(Browser::new().redirect_uri("http://localhost:3000/callback").is_ok());
    }
}
