//! What can be said of a fetcher before it is made.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Proxy, redirect};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::CertificateDer;
use url::Url;

use super::address::{Resolver, Rules};
use super::{FetchError, Fetcher, causes};
use crate::tls;

/// What can be said of a [`Fetcher`].
#[derive(Clone, Default)]
#[must_use = "nothing is fetched before `build`"]
pub struct FetcherBuilder {
    roots: Vec<CertificateDer<'static>>,
    certificate: Option<Arc<dyn ResolvesClientCert>>,
    rules: Rules,
    proxy: Option<Proxy>,
    limit: Option<Duration>,
    /// The first thing that cannot be used.
    problem: Option<String>,
}

impl FetcherBuilder {
    /// Trusts these authorities, too: one or more certificates in PEM form.
    pub fn root_certificate_pem(mut self, certificates: impl AsRef<[u8]>) -> Self {
        match tls::certificates_from_pem(certificates.as_ref()) {
            Ok(read) => self.roots.extend(read),
            Err(error) => self.wrong(error.to_string()),
        }
        self
    }

    /// Shows the certificate of this source to servers that ask for one (mutual TLS).
    ///
    /// It is asked for every connection, and connections are not kept: a certificate that was
    /// replaced is not shown again.
    pub fn client_cert_resolver(mut self, source: Arc<dyn ResolvesClientCert>) -> Self {
        self.certificate = Some(source);
        self
    }

    /// Connects to this machine, too, and without TLS if the URL says so.
    pub fn allow_loopback(mut self) -> Self {
        self.rules.loopback = true;
        self
    }

    /// Connects to private networks, too (RFC 1918, RFC 6598, RFC 4193).
    ///
    /// Addresses of the local link and those where clouds keep credentials stay refused.
    pub fn allow_private_networks(mut self) -> Self {
        self.rules.private = true;
        self
    }

    /// Looks this host name up nowhere and connects to the address instead, whichever it is.
    ///
    /// A second address for the same name is tried, too. The name still counts for TLS.
    pub fn resolve(mut self, host: impl AsRef<str>, address: IpAddr) -> Self {
        let host = host.as_ref().to_ascii_lowercase().into();
        self.rules.given.entry(host).or_default().push(address);
        self
    }

    /// Sends everything through this proxy, `http://` or `https://`.
    ///
    /// The proxy looks names up and has to judge their addresses itself: only addresses that are
    /// in URLs are judged here.
    pub fn proxy(mut self, url: impl AsRef<str>) -> Self {
        // The address may hold a password, so no error shows it.
        let url = Url::parse(url.as_ref()).ok();
        match url.filter(|url| matches!(url.scheme(), "http" | "https")) {
            Some(url) => {
                self.rules.proxy = url.host_str().map(Into::into);
                match Proxy::all(url) {
                    Ok(proxy) => self.proxy = Some(proxy),
                    Err(_) => self.wrong("the address of the proxy cannot be used"),
                }
            }
            None => self.wrong("the address of a proxy begins with `http://` or `https://`"),
        }
        self
    }

    /// How long one call may take, connecting and redirects included: ten seconds unless set.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    fn wrong(&mut self, problem: impl Into<String>) {
        self.problem.get_or_insert_with(|| problem.into());
    }

    /// Makes the fetcher.
    ///
    /// # Errors
    ///
    /// Something that was set cannot be used, or TLS cannot be set up on this system.
    pub fn build(self) -> Result<Fetcher, FetchError> {
        if let Some(problem) = self.problem {
            return Err(FetchError::Setup(problem));
        }
        let has_certificate = self.certificate.is_some();
        let tls = tls::client_config(&self.roots, self.certificate)
            .map_err(|error| FetchError::Setup(error.to_string()))?;
        let rules = Arc::new(self.rules);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mcp-auth/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver(Arc::clone(&rules)))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd();
        if has_certificate {
            builder = builder.pool_max_idle_per_host(0);
        }
        if let Some(proxy) = self.proxy {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| FetchError::Setup(causes(&error)))?;
        Ok(Fetcher { client, rules, limit: self.limit.unwrap_or(TIME_LIMIT) })
    }
}

impl fmt::Debug for FetcherBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetcherBuilder")
            .field("root_certificates", &self.roots.len())
            .field("client_certificate", &self.certificate.is_some())
            .field("loopback", &self.rules.loopback)
            .field("private_networks", &self.rules.private)
            .field("proxy", &self.proxy.is_some())
            .field("time_limit", &self.limit)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

const TIME_LIMIT: Duration = Duration::from_secs(10);
