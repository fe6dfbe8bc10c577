//! What a required profile demands of how this client shows who it is.
//!
//! Owns the checks of tokens against that, and what a server gives away by answering without one.
//! Where tokens come from is the business of the source that it was given.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mcp_auth::spiffe;

use super::{
    AccessToken, AuthError, ClientCertificate, ClientCertificateSource, Presentation, TokenRequest,
    TokenSource,
};

/// How this client shows who it is to a server from which it requires a profile: in this way, and in
/// no other.
///
/// A profile is a label until somebody enforces it. The server does its part with
/// `Profile::authentication`; this is the client's: given to
/// [`require_with`](crate::ClientBuilder::require_with), the connection is made with this source of
/// tokens and this certificate and nothing else, and it fails
///
/// - when a token is not what is demanded here, before it is sent anywhere;
/// - when the server names another authorization server than the one that the source is for;
/// - when the server answers a request that carries no token, although it claims the profile: whoever
///   serves anybody does not enforce it.
///
/// # Examples
///
/// ```
/// use mcp_client::Client;
/// use mcp_client::auth::{AccessToken, PemFiles, ProfileCredentials, TokenSource};
///
/// # fn show(tokens: impl TokenSource, certificate: PemFiles) {
/// let credentials = ProfileCredentials::new(tokens)
///     .issuer("https://login.wholesalechips.co")
///     .client_certificate(certificate)
///     .trust_domain("wholesalechips.co");
/// let client = Client::builder("chips", "1.0").require_with(
///     "https://wholesalechips.co/mcp-profiles/require-client-credentials",
///     credentials,
/// );
/// # let _ = client;
/// # }
/// ```
#[derive(Clone)]
#[must_use = "credentials are used once a client has them"]
pub struct ProfileCredentials {
    source: Arc<dyn TokenSource>,
    issuers: Vec<Box<str>>,
    certificate: Option<Arc<dyn ClientCertificateSource>>,
    dpop: bool,
    trust_domain: Option<Box<str>>,
}

impl ProfileCredentials {
    /// Tokens of this source, such as an [`Authorization`](super::Authorization) with the one grant
    /// that the profile allows.
    pub fn new(source: impl TokenSource) -> Self {
        Self {
            source: Arc::new(source),
            issuers: Vec::new(),
            certificate: None,
            dpop: false,
            trust_domain: None,
        }
    }

    /// Only tokens of this authorization server, or of one of several if this is called again.
    ///
    /// A token of which the source does not say who issued it is none of theirs.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Connections are made with certificates of this source, and only tokens that were asked for
    /// with the same certificate are sent over them (RFC 8705, 3).
    pub fn client_certificate(mut self, source: impl ClientCertificateSource) -> Self {
        self.certificate = Some(Arc::new(source));
        self
    }

    /// Only tokens that are bound to a key, with a proof of it in every request (RFC 9449).
    pub fn dpop_bound(mut self) -> Self {
        self.dpop = true;
        self
    }

    /// Only certificates that are X.509-SVIDs of this SPIFFE trust domain, such as
    /// `wholesalechips.co`.
    pub fn trust_domain(mut self, name: impl Into<Box<str>>) -> Self {
        self.trust_domain = Some(name.into());
        self
    }

    /// The source of tokens with everything that is demanded of them.
    pub(crate) fn demanding(&self, profile: &str) -> Demanding {
        let (profile, credentials) = (profile.into(), self.clone());
        Demanding { profile, credentials, was_asked: AtomicBool::new(false) }
    }

    /// The source of certificates with what is demanded of them.
    pub(crate) fn certificates(&self) -> Option<Arc<dyn ClientCertificateSource>> {
        let source = Arc::clone(self.certificate.as_ref()?);
        Some(match &self.trust_domain {
            None => source,
            Some(domain) => Arc::new(OfTrustDomain { source, domain: domain.clone() }),
        })
    }

    /// What is asked of tokens can never be met, and why.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        (self.trust_domain.is_some() && self.certificate.is_none()).then_some(
            "a trust domain is demanded, but there is no client certificate: give a source with \
             `client_certificate`",
        )
    }
}

impl fmt::Debug for ProfileCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileCredentials")
            .field("source", &self.source)
            .field("issuers", &self.issuers)
            .field("client_certificate", &self.certificate)
            .field("dpop", &self.dpop)
            .field("trust_domain", &self.trust_domain)
            .finish()
    }
}

/// A source of tokens whose tokens are looked at.
#[derive(Debug)]
pub(crate) struct Demanding {
    profile: Box<str>,
    credentials: ProfileCredentials,
    /// The server has refused a request: it asks who calls.
    was_asked: AtomicBool,
}

impl Demanding {
    fn check(&self, token: &AccessToken, certificate: Option<&str>) -> Result<(), AuthError> {
        let ProfileCredentials { issuers, dpop, certificate: source, .. } = &self.credentials;
        let is_issuer = |issuer: &str| issuers.iter().any(|wanted| **wanted == *issuer);
        if !issuers.is_empty() && !token.issuer.as_deref().is_some_and(is_issuer) {
            let found = token.issuer.as_deref().unwrap_or("nobody knows whom");
            return Err(self.refused(&format!("wants no token of {}", found.escape_debug())));
        }
        if *dpop && !matches!(token.presentation, Presentation::DPoP(_)) {
            return Err(self.refused("wants a token that is bound to a key (DPoP)"));
        }
        if source.is_some()
            && (certificate.is_none() || token.certificate.as_deref() != certificate)
        {
            return Err(self.refused("wants a token that is bound to the client certificate"));
        }
        Ok(())
    }

    fn refused(&self, what: &str) -> AuthError {
        AuthError::Policy(format!("the profile {} {what}", self.profile))
    }
}

impl TokenSource for Demanding {
    fn token<'a>(
        &'a self,
        request: TokenRequest<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>> {
        if request.refusal.is_some() {
            self.was_asked.store(true, Ordering::Relaxed);
        } else if !self.was_asked.load(Ordering::Relaxed) {
            // Also where there is a token from before: the server has to show that it asks.
            return std::future::ready(Ok(None)).boxed();
        }
        let certificate = request.certificate;
        let token = self.credentials.source.token(request);
        async move {
            let token = token.await?;
            if let Some(token) = &token {
                self.check(token, certificate)?;
            }
            Ok(token)
        }
        .boxed()
    }

    fn answered_without_token(&self) -> Result<(), AuthError> {
        Err(self.refused(
            "demands authentication, but the server answers requests that carry no token: it does \
             not enforce what it claims",
        ))
    }
}

/// Certificates that are SVIDs of a trust domain.
#[derive(Debug)]
struct OfTrustDomain {
    source: Arc<dyn ClientCertificateSource>,
    domain: Box<str>,
}

impl ClientCertificateSource for OfTrustDomain {
    fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
        let certificate = self.source.current()?;
        let id = spiffe::of_certificate(certificate.der());
        if id.as_deref().and_then(spiffe::trust_domain) == Some(&self.domain) {
            return Ok(certificate);
        }
        Err(AuthError::Policy(format!(
            "the client certificate is no X.509-SVID of the trust domain {}: it names {}",
            self.domain,
            id.as_deref().unwrap_or("no workload")
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use reqwest::{StatusCode, Url};

    use super::*;
    use crate::auth::Refusal;

    /// Gives the one token that it has.
    #[derive(Debug)]
    struct One(Mutex<Option<AccessToken>>);

    fn token(issuer: Option<&str>, certificate: Option<&str>) -> AccessToken {
        let mut token = AccessToken::bearer("secret");
        token.issuer = issuer.map(Into::into);
        token.certificate = certificate.map(Into::into);
        token
    }

    fn asked(
        credentials: impl FnOnce(ProfileCredentials) -> ProfileCredentials,
        token: AccessToken,
        certificate: Option<&str>,
    ) -> Result<(), String> {
        let one = One(Mutex::new(Some(token)));
        let demanding = credentials(ProfileCredentials::new(one)).demanding("https://h/p");
        let resource = Url::parse("https://h/mcp").unwrap();
        let unasked = demanding.token(TokenRequest::new(&resource)).now_or_never().unwrap();
        assert!(unasked.unwrap().is_none(), "nothing is shown to who does not ask");
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, Vec::new(), None);
        let request = TokenRequest::new(&resource).with_certificate(certificate).after(&refusal);
        let outcome = demanding.token(request).now_or_never().expect("nothing is waited for");
        outcome.map(drop).map_err(|error| error.to_string())
    }

    impl TokenSource for One {
        fn token<'a>(
            &'a self,
            _: TokenRequest<'a>,
        ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>> {
            let token = self.0.lock().unwrap().take().map(Arc::new);
            async move { Ok(token) }.boxed()
        }
    }

    /// A source that is never asked.
    #[derive(Debug)]
    struct Certificates;

    impl ClientCertificateSource for Certificates {
        fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
            Err(AuthError::Policy("there is none".to_owned()))
        }
    }

    #[test]
    fn only_tokens_of_the_issuer_are_used() {
        let of = |issuer| asked(|c| c.issuer("https://id.example"), token(issuer, None), None);
        assert_eq!(of(Some("https://id.example")), Ok(()));
        for issuer in [None, Some("https://id.example/"), Some("https://other.example")] {
            assert!(of(issuer).unwrap_err().contains("https://h/p"), "{issuer:?}");
        }
    }

    #[test]
    fn only_tokens_of_the_certificate_are_used() {
        let with =
            |own, current| asked(|c| c.client_certificate(Certificates), token(None, own), current);
        assert_eq!(with(Some("a"), Some("a")), Ok(()));
        for (own, current) in
            [(None, Some("a")), (Some("b"), Some("a")), (Some("a"), None), (None, None)]
        {
            assert!(with(own, current).is_err(), "{own:?} {current:?}");
        }
    }

    #[test]
    fn bearer_token_is_no_proof_of_a_key() {
        assert!(asked(ProfileCredentials::dpop_bound, token(None, None), None).is_err());
    }

    #[test]
    fn server_that_answers_anybody_does_not_enforce_the_profile() {
        let credentials = ProfileCredentials::new(One(Mutex::new(None)));
        let error = credentials.demanding("https://h/p").answered_without_token().unwrap_err();
        assert!(error.to_string().contains("does not enforce"), "{error}");
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}
