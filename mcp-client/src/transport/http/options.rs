//! What can be set on [`Http`]: headers, proxies, TLS, time limits.
//!
//! Owns how connections are made and which headers of the caller's own go out. It knows nothing of
//! MCP: what is asked, and how answers are read, is for its siblings.

use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mcp_core::Error;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Identity, Method, Proxy, RequestBuilder, Url, redirect, tls::Version};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::connections::{Connection, Connections};
use super::error::HttpError;
use super::well_known::Documents;
use super::{Http, is_loopback, is_reserved};
#[cfg(feature = "spiffe")]
use crate::auth::X509Svids;
#[cfg(feature = "auth")]
use {
    super::authorized::Authorized,
    super::connections::Renewed,
    crate::auth::{ClientCertificate, ClientCertificateSource, ProfileCredentials, TokenSource},
    mcp_auth::tls,
};

/// What makes requests; cloning gives another handle to the same pool of connections.
#[derive(Clone)]
pub(crate) struct Agent {
    connections: Connections,
    headers: HeaderMap,
    documents: Arc<Documents>,
    #[cfg(feature = "auth")]
    pub(super) authorized: Option<Authorized>,
}

impl Agent {
    /// A request with none of the caller's own headers.
    pub(super) fn bare(&self, method: Method, url: Url) -> Result<RequestBuilder, HttpError> {
        Ok(self.connection()?.client().request(method, url))
    }

    /// The well-known documents that were read.
    pub(super) fn documents(&self) -> &Documents {
        &self.documents
    }

    /// A request with the caller's own headers.
    pub(super) fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, HttpError> {
        Ok(self.request_over(&self.connection()?, method, url))
    }

    /// The same over these connections.
    pub(super) fn request_over(
        &self,
        connection: &Connection,
        method: Method,
        url: Url,
    ) -> RequestBuilder {
        connection.client().request(method, url).headers(self.headers.clone())
    }

    /// The connections for a request that is made now.
    pub(super) fn connection(&self) -> Result<Connection, HttpError> {
        self.connections.current()
    }

    /// The caller's own headers.
    #[cfg(test)]
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Agent").field("headers", &names).finish_non_exhaustive()
    }
}

/// How a server is reached.
impl Http {
    /// Sends this header with every request; a second value for a name replaces the first.
    ///
    /// Values are taken for secrets: they are in no `Debug` output, trace or error. Headers that
    /// the protocol itself needs (`Content-Type`, `Accept`, `Host`, all that begin with `Mcp-` …)
    /// cannot be set; connecting fails then.
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let header = header(name, value);
        self.with(|options| match header {
            Ok((name, value)) => {
                options.bearer &= name != AUTHORIZATION;
                options.headers.insert(name, value);
            }
            Err(problem) => options.wrong(problem),
        })
    }

    /// Sends this token as `Authorization: Bearer …` with every request.
    ///
    /// It is a secret: it is in no `Debug` output, trace or error. Without TLS it goes to this
    /// machine only; for any other plain `http` address connecting fails. Where that is wanted
    /// nevertheless, [`header`](Self::header) sets the same.
    pub fn bearer_token(self, token: impl AsRef<str>) -> Self {
        let token = token.as_ref();
        let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        self.with(|options| match value {
            Ok(mut value) if fits => {
                value.set_sensitive(true);
                options.headers.insert(AUTHORIZATION, value);
                options.bearer = true;
            }
            _ => options.wrong(
                "the bearer token is empty or holds something other than visible ASCII \
                 characters: look for a line end at its end"
                    .to_owned(),
            ),
        })
    }

    /// Sends everything through this proxy, `http://` or `https://`, instead of the one that the
    /// environment names.
    ///
    /// User information in the address is sent to the proxy alone. Unless this or
    /// [`no_proxy`](Self::no_proxy) is called, the variables `HTTPS_PROXY`, `HTTP_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY` count; for servers on this machine they do not.
    pub fn proxy(self, url: impl AsRef<str>) -> Self {
        let proxy = proxy(url.as_ref());
        self.with(|options| match proxy {
            Ok(proxy) => options.proxy = Proxying::Through(Box::new(proxy)),
            Err(problem) => options.wrong(problem),
        })
    }

    /// Uses no proxy, whatever the environment says.
    pub fn no_proxy(self) -> Self {
        self.with(|options| options.proxy = Proxying::Never)
    }

    /// Trusts these authorities, too: one or more certificates in PEM form.
    ///
    /// They come to those that the system trusts, for servers with a certificate of a company's own
    /// authority.
    pub fn root_certificate_pem(self, certificates: impl AsRef<[u8]>) -> Self {
        let read: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(certificates.as_ref()).collect();
        self.with(|options| match read {
            Ok(certificates) if !certificates.is_empty() => {
                options.roots.extend(certificates);
                options.tls = true;
            }
            Ok(_) => options.wrong("the root certificate is no PEM certificate".to_owned()),
            Err(error) => {
                options.wrong(format!("the root certificate cannot be read: {}", causes(&error)));
            }
        })
    }

    /// Shows this certificate to servers that ask for one (mutual TLS): the certificate, then those
    /// between it and its authority, and its key, both in PEM form.
    pub fn client_certificate_pem(self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let mut pem = Vec::new();
        for part in [chain.as_ref(), key.as_ref()] {
            pem.extend_from_slice(part);
            pem.push(b'\n');
        }
        let read = Identity::from_pem(&pem);
        self.with(|options| match read {
            Ok(identity) => {
                options.identity = Some(identity);
                options.tls = true;
            }
            Err(error) => options.wrong(format!(
                "the client certificate and its key cannot be read: {}",
                causes(&error)
            )),
        })
    }

    /// Shows the certificates of this source to servers that ask for one (mutual TLS).
    ///
    /// When the source has a new one, later requests go over new connections. It takes the place of
    /// [`client_certificate_pem`](Self::client_certificate_pem). Tokens that are bound to the
    /// certificate (RFC 8705) need the same source where they are got:
    /// [`TokenRequest::certificate`](crate::auth::TokenRequest::certificate) says which one is shown.
    #[cfg(feature = "auth")]
    pub fn client_certificate(self, source: impl ClientCertificateSource) -> Self {
        let source = Arc::new(source);
        self.with(|options| {
            options.certificates = Some(source);
            options.tls = true;
        })
    }

    /// Trusts the server for its SPIFFE ID, such as `spiffe://saasrus.example/mcp`, and not for its
    /// host name: its certificate has to be an X.509-SVID by an authority of that trust domain.
    ///
    /// Without a path, all workloads of the trust domain are trusted. The authorities are those that
    /// the Workload API knows at the time; those of the system count for nothing then.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when this is no SPIFFE ID.
    #[cfg(feature = "spiffe")]
    pub fn server_spiffe_id(self, svids: &X509Svids, id: impl AsRef<str>) -> Result<Self, Error> {
        let verifier = svids.verifier(id.as_ref());
        let verifier = verifier.map_err(|error| Error::Misuse(error.to_string()))?;
        Ok(self.with(|options| {
            options.verifier = Some(verifier);
            options.tls = true;
        }))
    }

    /// Gets a token from this source for each request, and shows it to the server.
    ///
    /// Tokens go to the origin of the endpoint and nowhere else: not where the server redirects to,
    /// and not with the well-known document of profiles. Without TLS they go to this machine only;
    /// for any other plain `http` address connecting fails. It takes the place of
    /// [`bearer_token`](Self::bearer_token) and of a header `Authorization`: connecting with both
    /// fails.
    ///
    /// A request that the server does not let in (401, or 403 with a challenge) is sent again when
    /// the source has another token, five times at most. While the source is at work, which may
    /// need a person, neither the handshake's limit nor those of calls run.
    #[cfg(feature = "auth")]
    pub fn authorization(self, source: impl TokenSource) -> Self {
        let source = Arc::new(source);
        self.with(|options| options.authorization = Some(source))
    }

    /// The same server with these credentials for a profile and no others.
    #[cfg(feature = "auth")]
    pub(crate) fn with_credentials(
        self,
        profile: &str,
        credentials: &ProfileCredentials,
    ) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Error::Misuse(format!("the profile {profile} is required with credentials: {what}"))
        };
        if self.options.has_credentials() {
            return Err(wrong(
                "they are the only ones, so leave out `authorization`, `bearer_token`, the header \
                 `Authorization`, and client certificates",
            ));
        }
        if self.options.client.is_some() {
            return Err(wrong(
                "nobody knows what a client given to `http_client` shows to servers",
            ));
        }
        if let Some(contradiction) = credentials.contradiction() {
            return Err(wrong(contradiction));
        }
        let source = Arc::new(credentials.demanding(profile));
        let certificates = credentials.certificates();
        Ok(self.with(|options| {
            options.authorization = Some(source);
            options.tls |= certificates.is_some();
            options.certificates = certificates;
        }))
    }

    /// How long a connection, TLS included, may take to come about: ten seconds unless set.
    pub fn connect_timeout(self, limit: Duration) -> Self {
        self.with(|options| options.connect_timeout = Some(limit))
    }

    /// Looks this host name up nowhere and connects to the address instead; the port is that of the
    /// server's URL.
    ///
    /// The name still counts for TLS and is what the server is told as `Host`.
    pub fn resolve(self, host: impl AsRef<str>, address: IpAddr) -> Self {
        let host = host.as_ref().to_owned();
        self.with(|options| options.resolved.push((host, address)))
    }

    /// Makes requests with this client, for everything that cannot be set here.
    ///
    /// It must follow no redirects and unpack no answers; proxies, TLS and time limits are its
    /// own, so that setting them here, too, makes connecting fail. Headers and the bearer token are
    /// sent as without it.
    ///
    /// The type is that of a crate below 1.0: a new minor version of it is a breaking change of this
    /// method alone.
    pub fn http_client(self, client: reqwest::Client) -> Self {
        self.with(|options| options.client = Some(client))
    }
}

/// What was set.
#[derive(Clone, Default)]
pub(super) struct Options {
    headers: HeaderMap,
    /// The `Authorization` header came by `bearer_token`.
    bearer: bool,
    #[cfg(feature = "auth")]
    authorization: Option<Arc<dyn TokenSource>>,
    proxy: Proxying,
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Identity>,
    #[cfg(feature = "auth")]
    certificates: Option<Arc<dyn ClientCertificateSource>>,
    #[cfg(feature = "spiffe")]
    verifier: Option<Arc<dyn rustls::client::danger::ServerCertVerifier>>,
    /// Something about TLS was set.
    tls: bool,
    connect_timeout: Option<Duration>,
    resolved: Vec<(String, IpAddr)>,
    client: Option<reqwest::Client>,
    /// The first thing that cannot be used.
    problem: Option<String>,
}

#[derive(Clone, Default)]
enum Proxying {
    #[default]
    Environment,
    Never,
    Through(Box<Proxy>),
}

impl Options {
    fn wrong(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// Whether what is sent to this address stays on this machine.
    pub(super) fn stays_here(&self, url: &Url) -> bool {
        let is_elsewhere = |(host, address): &(String, IpAddr)| {
            !address.is_loopback()
                && url.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host))
        };
        is_loopback(url)
            && !matches!(self.proxy, Proxying::Through(_))
            && !self.resolved.iter().any(is_elsewhere)
    }

    /// Whether address and headers are all that says which server it is and who calls.
    pub(super) fn is_telling(&self) -> bool {
        #[cfg(feature = "auth")]
        if self.authorization.is_some() || self.certificates.is_some() {
            return false;
        }
        #[cfg(feature = "spiffe")]
        if self.verifier.is_some() {
            return false;
        }
        self.client.is_none() && self.identity.is_none() && self.resolved.is_empty()
    }

    /// Whom a server takes the caller for, as far as that can be told from here. It holds secrets.
    pub(super) fn caller(&self) -> String {
        let mut caller = String::new();
        for (name, value) in &self.headers {
            caller.push_str(&format!("{name}: {:?}; ", value.as_bytes()));
        }
        caller
    }

    /// Sets up connections to a server.
    pub(super) fn agent(&self, url: &Url) -> Result<Agent, Error> {
        if let Some(problem) = &self.problem {
            return Err(Error::Misuse(problem.clone()));
        }
        if self.bearer && url.scheme() == "http" && !self.stays_here(url) {
            return Err(Error::Misuse(
                "a bearer token would go over plain `http` to another machine: use `https`"
                    .to_owned(),
            ));
        }
        #[cfg(feature = "auth")]
        self.check_authorization(url)?;
        let connections = match &self.client {
            Some(client) if !self.conflicts() => Connections::Fixed(client.clone()),
            Some(_) => {
                return Err(Error::Misuse(
                    "proxy, TLS, time limits and addresses are those of the client given to \
                     `http_client`: set them there"
                        .to_owned(),
                ));
            }
            None => self.connections(url)?,
        };
        Ok(Agent {
            connections,
            headers: self.headers.clone(),
            documents: Arc::default(),
            #[cfg(feature = "auth")]
            authorized: self
                .authorization
                .as_ref()
                .map(|source| Authorized::new(Arc::clone(source), url.clone())),
        })
    }

    /// Whether tokens can be sent to this address, and nothing else is in their place.
    #[cfg(feature = "auth")]
    fn check_authorization(&self, url: &Url) -> Result<(), Error> {
        if self.authorization.is_none() {
            return Ok(());
        }
        if self.headers.contains_key(AUTHORIZATION) || self.headers.contains_key(DPOP) {
            return Err(Error::Misuse(
                "`authorization` gets the tokens: leave out `bearer_token`, and the headers \
                 `Authorization` and `DPoP`"
                    .to_owned(),
            ));
        }
        if url.scheme() == "http" && !self.stays_here(url) {
            return Err(Error::Misuse(
                "tokens would go over plain `http` to another machine: use `https`".to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether anything shows servers who calls.
    #[cfg(feature = "auth")]
    fn has_credentials(&self) -> bool {
        self.authorization.is_some()
            || self.certificates.is_some()
            || self.identity.is_some()
            || self.headers.contains_key(AUTHORIZATION)
            || self.headers.contains_key(DPOP)
    }

    fn conflicts(&self) -> bool {
        self.tls
            || self.connect_timeout.is_some()
            || !self.resolved.is_empty()
            || !matches!(self.proxy, Proxying::Environment)
    }

    fn connections(&self, url: &Url) -> Result<Connections, Error> {
        ensure_crypto_provider();
        let plain = url.scheme() == "http";
        #[cfg(feature = "spiffe")]
        if self.verifier.is_some() && (plain || self.identity.is_some()) {
            return Err(Error::Misuse(
                "the SPIFFE ID of the server is looked at with `https` alone, and beside \
                 `client_certificate` instead of `client_certificate_pem`"
                    .to_owned(),
            ));
        }
        #[cfg(feature = "auth")]
        if let Some(source) = &self.certificates
            && !plain
        {
            let renewed = Renewed::new(Arc::clone(source), self.clone(), url.clone())?;
            return Ok(Connections::Renewed(Arc::new(renewed)));
        }
        #[cfg(feature = "spiffe")]
        if self.verifier.is_some() {
            return Ok(Connections::Fixed(self.client_with(url, None)?));
        }
        if !(plain && self.stays_here(url)) {
            match self.builder(url).tls_certs_merge(self.roots()?).build() {
                Ok(client) => return Ok(Connections::Fixed(client)),
                // A system without any authority can still do without TLS.
                Err(_) if plain => {}
                Err(error) => return Err(no_tls(&error)),
            }
        }
        let without_system = self.builder(url).tls_certs_only(self.roots()?);
        without_system.build().map(Connections::Fixed).map_err(|error| no_tls(&error))
    }

    /// Connections with TLS that is set up here, for what `reqwest` cannot do.
    #[cfg(feature = "auth")]
    pub(super) fn client_with(
        &self,
        url: &Url,
        certificate: Option<&ClientCertificate>,
    ) -> Result<reqwest::Client, Error> {
        let tls = tls::client_config(&self.roots, certificate.map(ClientCertificate::resolver));
        let mut tls = tls.map_err(|error| Error::Transport(Box::new(error)))?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        #[cfg(feature = "spiffe")]
        if let Some(verifier) = &self.verifier {
            tls.dangerous().set_certificate_verifier(Arc::clone(verifier));
        }
        let builder = self.builder(url).tls_backend_preconfigured(tls);
        builder.build().map_err(|error| no_tls(&error))
    }

    fn roots(&self) -> Result<Vec<Certificate>, Error> {
        let roots = self.roots.iter().map(|root| Certificate::from_der(root));
        roots.collect::<Result<_, _>>().map_err(|error| no_tls(&error))
    }

    /// Everything but whom to trust.
    fn builder(&self, url: &Url) -> reqwest::ClientBuilder {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mcp-client/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .tls_version_min(Version::TLS_1_2)
            .connect_timeout(self.connect_timeout.unwrap_or(CONNECT))
            // A peer that vanished without a word is noticed also while a stream is silent.
            .tcp_keepalive(KEEP_ALIVE)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE);
        builder = match &self.proxy {
            Proxying::Environment if !is_loopback(url) => builder,
            Proxying::Environment | Proxying::Never => builder.no_proxy(),
            Proxying::Through(proxy) => builder.no_proxy().proxy(Proxy::clone(proxy)),
        };
        if let Some(identity) = &self.identity {
            builder = builder.identity(identity.clone());
        }
        let is_local = |host: &&str| *host == "localhost" || host.ends_with(".localhost");
        if let Some(host) = url.host_str().filter(is_local) {
            // RFC 6761, 6.3: such names are this machine, whether the resolver knows it or not.
            let here: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            builder = builder.resolve_to_addrs(host, &here.map(|address| (address, 0).into()));
        }
        for (host, address) in &self.resolved {
            builder = builder.resolve(host, SocketAddr::from((*address, 0)));
        }
        builder
    }
}

/// Shows which headers there are, and no value of any.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = match self.proxy {
            Proxying::Environment => "environment",
            Proxying::Never => "none",
            Proxying::Through(_) => "set",
        };
        let mut shown = f.debug_struct("Options");
        #[cfg(feature = "auth")]
        shown
            .field("authorization", &self.authorization)
            .field("client_certificates", &self.certificates);
        shown
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("proxy", &proxy)
            .field("root_certificates", &self.roots.len())
            .field("client_certificate", &self.identity.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("resolved", &self.resolved)
            .field("http_client", &self.client.is_some())
            .field("problem", &self.problem)
            .finish()
    }
}

/// An error with everything that led to it, in one line.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their source in their own words.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn no_tls(error: &(dyn StdError + 'static)) -> Error {
    Error::Transport(format!("TLS cannot be set up: {}", causes(error)).into())
}

/// Installs ring as the process's provider of cryptography, if no other one is.
///
/// Whoever wants another one installs it before the first connection.
fn ensure_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if somebody else has just installed one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// A header that the caller may set; the error does not hold the value.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name: HeaderName =
        name.parse().map_err(|_| format!("`{}` is no name of a header", name.escape_debug()))?;
    if is_reserved(&name) {
        return Err(format!("the header `{name}` is set by the protocol: leave it out"));
    }
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        format!(
            "the value of the header `{name}` holds a control character: it is one line of text"
        )
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn proxy(url: &str) -> Result<Proxy, String> {
    // The address may hold a password, so no error shows it.
    match Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            Proxy::all(url).map_err(|_| "the address of the proxy cannot be used".to_owned())
        }
        Ok(url) => Err(format!(
            "proxies are spoken to over `http` or `https`, not over `{}`",
            url.scheme().escape_debug()
        )),
        Err(error) => Err(format!("the address of the proxy cannot be read: {error}")),
    }
}

#[cfg(feature = "auth")]
const DPOP: HeaderName = HeaderName::from_static("dpop");
/// How long a connection may take to come about, unless said otherwise.
const CONNECT: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it is there still, and how long it may take to
/// say so.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn http() -> Http {
        Http::new("https://vidsrus.example/mcp").unwrap()
    }

    fn problem(http: &Http) -> String {
        http.agent().expect_err("an option is wrong").to_string()
    }

    #[test]
    fn headers_are_sensitive_and_replace_each_other() {
        let http = http().header("X-Studio", "6").header("x-studio", "7").bearer_token("abc");
        let agent = http.agent().unwrap();
        assert_eq!(agent.headers().len(), 2);
        assert_eq!(agent.headers()["x-studio"], "7");
        assert_eq!(agent.headers()[AUTHORIZATION], "Bearer abc");
        assert!(agent.headers().values().all(HeaderValue::is_sensitive));
    }

    #[test]
    fn headers_of_the_protocol_cannot_be_set() {
        for name in ["Mcp-Session-Id", "content-type", "ACCEPT", "Host", "mcp-param-x"] {
            assert!(problem(&http().header(name, "x")).contains("set by the protocol"), "{name}");
        }
        assert!(problem(&http().header("a b", "x")).contains("`a b` is no name"));
    }

    #[test]
    fn wrong_values_are_refused_without_being_shown() {
        for http in [
            http().header("x-key", "secret\r\nx-other: 1"),
            http().bearer_token("secret\n"),
            http().bearer_token("se cret"),
            http().proxy("socks5://ada:secret@proxy"),
            http().proxy("secret"),
            http().root_certificate_pem("secret"),
            http().client_certificate_pem("secret", "secret"),
        ] {
            let problem = problem(&http);
            assert!(!problem.contains("cret\n") && !problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn bearer_token_goes_nowhere_unencrypted_but_to_this_machine() {
        let to = |url| Http::new(url).unwrap().bearer_token("abc");
        assert!(problem(&to("http://vidsrus.example/mcp")).contains("https"));
        assert!(to("http://127.0.0.1:1/mcp").agent().is_ok());
        let around = to("http://127.0.0.1:1/mcp").proxy("http://proxy.example");
        assert!(problem(&around).contains("https"));
        let local =
            |address: [u8; 4]| to("http://localhost/mcp").resolve("Localhost", address.into());
        assert!(problem(&local([10, 0, 0, 1])).contains("https"));
        assert!(local([127, 0, 0, 2]).agent().is_ok());
        let by_hand = Http::new("http://vidsrus.example/mcp").unwrap();
        assert!(by_hand.header("authorization", "Bearer abc").agent().is_ok());
    }

    #[test]
    fn client_that_was_given_takes_no_other_options() {
        let client = || {
            ensure_crypto_provider();
            reqwest::Client::new()
        };
        assert!(http().http_client(client()).header("x-a", "b").agent().is_ok());
        assert!(problem(&http().http_client(client()).no_proxy()).contains("set them there"));
    }
}
