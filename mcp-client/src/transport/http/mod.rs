//! A server that is reached over HTTP.
//!
//! [`Http`] says where the server is and how connections to it are made: `options` holds the latter,
//! `well_known` reads what the server declares to everybody.

#[cfg(feature = "auth")]
mod authorized;
mod connections;
mod error;
mod events;
mod exchange;
mod exchanges;
mod held;
mod mirrors;
mod options;
mod outgoing;
mod well_known;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use mcp_core::Error;
pub use reqwest::Url;
use reqwest::header::HeaderName;

use crate::cache::Identity;

pub use error::{HttpError, HttpStatus};
pub(crate) use exchanges::{Event, Exchanges};
pub(crate) use options::Agent;
use options::Options;
pub(crate) use well_known::beside;
pub use well_known::{DocumentError, discover_profiles};

/// A server that runs already and is reached over HTTP.
///
/// Cloning gives another handle to the same pool of connections.
///
/// # Examples
///
/// ```
/// use mcp_client::Http;
///
/// # fn main() -> Result<(), mcp_client::Error> {
/// let server = Http::new("https://vidsrus.example/mcp")?.header("x-studio", "7");
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Http {
    url: Url,
    options: Options,
    /// Made when it is needed first.
    agent: Arc<OnceLock<Agent>>,
}

impl Http {
    /// A server at this address, that of its MCP endpoint.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when it is no absolute `http` or `https` address, or when it holds user
    /// information, which belongs into a header.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        let wrong = |what: &str| Err(Error::Misuse(format!("the address of the server {what}")));
        let mut url = match Url::parse(url.as_ref()) {
            Ok(url) => url,
            Err(error) => return wrong(&format!("cannot be read: {error}")),
        };
        if !matches!(url.scheme(), "http" | "https") {
            return wrong("has to begin with `https://` or `http://`");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(
                "holds a user name or password: leave them out, and set a header with `header` or \
                 `bearer_token`",
            );
        }
        url.set_fragment(None);
        Ok(Self { url, options: Options::default(), agent: Arc::default() })
    }

    /// The address of the server's MCP endpoint.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Begins a request of the caller's own to the endpoint, over the same connections and with the
    /// same headers as those of the protocol.
    ///
    /// It is for what is no message of the protocol: asking whether the server is there, or what
    /// it does with requests that no client makes. Nothing keeps it from leaving before profiles
    /// are agreed on, and it carries no token of `authorization`. The type is that of a crate below
    /// 1.0, see [`http_client`](Self::http_client).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when an option is wrong, [`Error::Transport`] when TLS cannot be set up.
    pub fn request(&self, method: reqwest::Method) -> Result<reqwest::RequestBuilder, Error> {
        Ok(self.agent()?.request(method, self.url.clone())?)
    }

    /// Whether what is sent stays on this machine.
    pub(crate) fn stays_here(&self) -> bool {
        self.options.stays_here(&self.url)
    }

    /// Two of the same identity reach the same server as the same caller.
    pub(crate) fn identity(&self) -> Identity {
        let server = self.options.is_telling().then(|| format!("http {}", self.url));
        Identity { server, caller: self.options.caller() }
    }

    /// What makes requests to the server.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when an option is wrong, [`Error::Transport`] when TLS cannot be set up.
    pub(crate) fn agent(&self) -> Result<Agent, Error> {
        if let Some(agent) = self.agent.get() {
            return Ok(agent.clone());
        }
        let agent = self.options.agent(&self.url)?;
        Ok(self.agent.get_or_init(|| agent).clone())
    }

    /// The same server with other options, and connections of its own.
    fn with(mut self, set: impl FnOnce(&mut Options)) -> Self {
        set(&mut self.options);
        self.agent = Arc::default();
        self
    }
}

/// Shows neither the query, which may hold keys, nor the values of headers.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("url", &format_args!("{}", shown(&self.url)))
            .field("options", &self.options)
            .finish()
    }
}

/// An address without what may be secret in it.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// Whether what is sent there stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match address.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether the transport itself says what stands in this header.
fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [&str; 13] = [
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "last-event-id",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    RESERVED.contains(&name.as_str()) || name.as_str().starts_with("mcp-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str) -> String {
        Http::new(url).expect_err(url).to_string()
    }

    #[test]
    fn address_without_scheme_host_or_with_a_password_is_refused() {
        assert!(problem("vidsrus.example/mcp").contains("cannot be read"));
        assert!(problem("ftp://vidsrus.example").contains("https://"));
        assert!(problem("http://").contains("cannot be read"));
        let problem = problem("https://ada:secret@vidsrus.example/mcp");
        assert!(problem.contains("bearer_token") && !problem.contains("secret"), "{problem}");
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let http = Http::new("https://h.example/mcp?key=secret#x")
            .unwrap()
            .header("x-key", "secret")
            .bearer_token("secret")
            .proxy("http://ada:secret@proxy.example:3128");
        let shown = format!("{http:?} {:?}", http.agent().unwrap());
        assert!(shown.contains("https://h.example/mcp") && shown.contains("x-key"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn loopback_is_told_from_names_that_look_like_it() {
        for (url, loopback) in [
            ("http://localhost:8080/mcp", true),
            ("http://chips.localhost/mcp", true),
            ("http://127.3.2.1/mcp", true),
            ("http://[::1]:80/mcp", true),
            ("http://localhost.example/mcp", false),
            ("http://127.0.0.1.example/mcp", false),
            ("http://10.0.0.1/mcp", false),
            ("http://[::2]/mcp", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }
}
