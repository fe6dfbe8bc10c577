//! How a client authenticates at an authorization server.
//!
//! The methods of `token_endpoint_auth_method` (RFC 7591, 2; RFC 8705, 2) put what they need into a
//! request's headers and form. Where the request goes, over which connection, and which method a
//! server accepts is not known here.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::jose::SigningKey;
use crate::secret::{ExposeSecret as _, SecretString};

/// How a client shows an authorization server that it is this client.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `none`: a public client only says its name.
    None,
    /// `client_secret_basic`: the secret in the header `Authorization` (RFC 6749, 2.3.1).
    SecretBasic(SecretString),
    /// `client_secret_post`: the secret in the form.
    SecretPost(SecretString),
    /// `private_key_jwt`: an assertion signed with the client's key (RFC 7523, 2.2).
    PrivateKeyJwt(Arc<dyn AssertionSource>),
    /// `tls_client_auth`: the certificate of the connection, issued by an authority that the server
    /// trusts (RFC 8705, 2.1). The connection must be made with it.
    Tls,
    /// `self_signed_tls_client_auth`: as `Tls`, with a certificate that was registered itself
    /// (RFC 8705, 2.2).
    SelfSignedTls,
}

impl ClientAuthentication {
    /// Its name in metadata and registrations (`token_endpoint_auth_method`).
    #[must_use]
    pub fn method_name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::Tls => "tls_client_auth",
            Self::SelfSignedTls => "self_signed_tls_client_auth",
        }
    }

    /// Whether the connection must be made with a client certificate.
    #[must_use]
    pub fn needs_certificate(&self) -> bool {
        matches!(self, Self::Tls | Self::SelfSignedTls)
    }

    /// Puts what the server needs to see into the headers and the form of a request.
    ///
    /// # Errors
    ///
    /// There is no assertion, or nothing could be sent that says the secret.
    ///
    /// # Cancel safety
    ///
    /// Nothing was changed when the future is dropped before it ends.
    pub async fn apply(
        &self,
        request: AssertionRequest<'_>,
        headers: &mut HeaderMap,
        form: &mut Vec<(&'static str, SecretString)>,
    ) -> Result<(), ClientAuthenticationError> {
        let id = || ("client_id", SecretString::from(request.client_id));
        match self {
            Self::None | Self::Tls | Self::SelfSignedTls => form.push(id()),
            Self::SecretBasic(secret) => {
                headers.insert(header::AUTHORIZATION, basic(request.client_id, secret)?);
            }
            Self::SecretPost(secret) => form.extend([id(), ("client_secret", secret.clone())]),
            Self::PrivateKeyJwt(source) => {
                let assertion = source
                    .assertion(request)
                    .await
                    .map_err(ClientAuthenticationError::Assertion)?;
                let kind = SecretString::from(source.assertion_type());
                form.extend([
                    id(),
                    ("client_assertion_type", kind),
                    ("client_assertion", assertion),
                ]);
            }
        }
        Ok(())
    }
}

/// Where assertions come from: tokens by which a client says who it is (RFC 7521, RFC 7523).
///
/// A [`SigningKey`] makes them itself. Implement this for keys that are held elsewhere, as in a key
/// management service, and for assertions that somebody else issues, as SPIFFE does for workloads.
/// The same assertions authenticate a client ([`ClientAuthentication::PrivateKeyJwt`]) and are
/// exchanged for tokens (workload identity federation).
pub trait AssertionSource: std::fmt::Debug + Send + Sync + 'static {
    /// An assertion for one request; it is asked for each.
    ///
    /// # Errors
    ///
    /// There is none. The request is not sent, and nothing else is tried.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    fn assertion<'a>(
        &'a self,
        request: AssertionRequest<'a>,
    ) -> BoxFuture<'a, Result<SecretString, Box<dyn Error + Send + Sync>>>;

    /// What `client_assertion_type` says of it when it authenticates a client.
    fn assertion_type(&self) -> &str {
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    }
}

/// What an assertion is needed for.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AssertionRequest<'a> {
    /// The client.
    pub client_id: &'a str,
    /// Whom the assertion is for: the issuer identifier of the authorization server.
    pub audience: &'a str,
    /// How long it has to be valid.
    pub lifetime: Duration,
    /// What time it is.
    pub now: SystemTime,
}

impl<'a> AssertionRequest<'a> {
    /// An assertion of a client for an authorization server, valid for a minute.
    #[must_use]
    pub fn new(client_id: &'a str, audience: &'a str, now: SystemTime) -> Self {
        Self { client_id, audience, lifetime: Duration::from_secs(60), now }
    }

    /// An assertion that is valid for this long.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }
}

/// Signs assertions in which the client speaks for itself (RFC 7523, 3): it is both `iss` and `sub`.
///
/// They are valid for five minutes at most.
impl AssertionSource for SigningKey {
    fn assertion<'a>(
        &'a self,
        request: AssertionRequest<'a>,
    ) -> BoxFuture<'a, Result<SecretString, Box<dyn Error + Send + Sync>>> {
        let AssertionRequest { client_id, audience, lifetime, now } = request;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let signed = crate::dpop::unique().and_then(|id| {
            let claims = json!({
                "iss": client_id,
                "sub": client_id,
                "aud": audience,
                "iat": now,
                "exp": now.saturating_add(lifetime.min(MAX_LIFETIME).as_secs().max(1)),
                "jti": id,
            });
            self.sign("JWT", &claims)
        });
        Box::pin(std::future::ready(signed.map_err(Into::into)))
    }
}

/// Why a client cannot authenticate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientAuthenticationError {
    /// There is no assertion.
    #[error("there is no assertion to authenticate the client with: {0}")]
    Assertion(#[source] Box<dyn Error + Send + Sync>),
    /// The name of the client and its secret make no header.
    #[error("the client's name and secret cannot be sent in a header: are they much too long?")]
    Header,
}

const MAX_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// `Authorization: Basic` with both parts encoded as in forms first (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &SecretString) -> Result<HeaderValue, ClientAuthenticationError> {
    let secret = secret.expose_secret();
    // In one piece: what grew would leave copies behind.
    let mut pair = Zeroizing::new(String::with_capacity(3 * (id.len() + secret.len()) + 1));
    pair.extend(form_urlencoded::byte_serialize(id.as_bytes()));
    pair.push(':');
    pair.extend(form_urlencoded::byte_serialize(secret.as_bytes()));
    let mut value = Zeroizing::new(String::with_capacity(6 + pair.len().div_ceil(3) * 4));
    value.push_str("Basic ");
    STANDARD.encode_string(pair.as_bytes(), &mut value);
    let mut value = HeaderValue::from_str(&value).map_err(|_| ClientAuthenticationError::Header)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use serde_json::Value;

    use super::*;
    use crate::jose::Verifier;

    const ISSUER: &str = "https://id.example";

    fn request(client_id: &str) -> AssertionRequest<'_> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        AssertionRequest::new(client_id, ISSUER, now)
    }

    fn applied(
        authentication: &ClientAuthentication,
        client_id: &str,
    ) -> (HeaderMap, Vec<(&'static str, String)>) {
        let (mut headers, mut form) = (HeaderMap::new(), Vec::new());
        authentication
            .apply(request(client_id), &mut headers, &mut form)
            .now_or_never()
            .unwrap()
            .unwrap();
        let form =
            form.iter().map(|(name, value)| (*name, value.expose_secret().to_owned())).collect();
        (headers, form)
    }

    // RFC 6749, 2.3.1.
    #[test]
    fn the_secret_goes_into_a_header_or_the_form() {
        let basic = ClientAuthentication::SecretBasic("7Fjfp0ZBr1KtDRbnfVdmIw".into());
        let (headers, form) = applied(&basic, "s6BhdRkqt3");
        assert_eq!(
            headers[header::AUTHORIZATION],
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
        );
        assert!(headers[header::AUTHORIZATION].is_sensitive() && form.is_empty());

        let (headers, form) = applied(&ClientAuthentication::SecretPost("word".into()), "me");
        assert!(headers.is_empty());
        assert_eq!(form, [("client_id", "me".to_owned()), ("client_secret", "word".to_owned())]);
    }

    #[test]
    fn name_and_secret_are_encoded_for_the_header() {
        let (headers, _) = applied(
            &ClientAuthentication::SecretBasic("p:w %\u{e4}".into()),
            "https://c.example/m",
        );
        let value = headers[header::AUTHORIZATION].to_str().unwrap();
        let pair = STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(pair).unwrap(), "https%3A%2F%2Fc.example%2Fm:p%3Aw+%25%C3%A4");
    }

    #[test]
    fn those_without_a_secret_only_say_their_name() {
        for authentication in [
            ClientAuthentication::None,
            ClientAuthentication::Tls,
            ClientAuthentication::SelfSignedTls,
        ] {
            let (headers, form) = applied(&authentication, "me");
            assert!(headers.is_empty());
            assert_eq!(form, [("client_id", "me".to_owned())]);
        }
    }

    // RFC 7523, 3.
    #[test]
    fn the_client_signs_for_itself() {
        let key = SigningKey::generate_es256().unwrap().with_key_id("k1");
        let keys = key.public_key_set();
        let (_, form) = applied(&ClientAuthentication::PrivateKeyJwt(Arc::new(key)), "me");
        let [id, kind, (name, assertion)] = &form[..] else { panic!("{form:?}") };
        assert_eq!(*id, ("client_id", "me".to_owned()));
        assert_eq!(kind.1, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!(*name, "client_assertion");
        let verifier = Verifier::new("me", [ISSUER]).types(["JWT"]);
        let verified = verifier.verify::<Value>(assertion, &keys, request("me").now).unwrap();
        assert_eq!(verified.registered.subject.as_deref(), Some("me"));
        assert!(verified.registered.id.is_some());
        let until = verified.registered.expires_at;
        assert_eq!(until, request("me").now + Duration::from_secs(60));
    }

    #[test]
    fn assertions_are_valid_for_five_minutes_at_most() {
        let key = SigningKey::generate_es256().unwrap();
        let day = request("me").with_lifetime(Duration::from_secs(86_400));
        let assertion = key.assertion(day).now_or_never().unwrap().unwrap();
        let verifier = Verifier::new("me", [ISSUER]).types(["JWT"]);
        let verified = verifier
            .verify::<Value>(assertion.expose_secret(), &key.public_key_set(), day.now)
            .unwrap();
        assert_eq!(verified.registered.expires_at, day.now + MAX_LIFETIME);
    }

    #[test]
    fn secrets_show_in_no_output() {
        let key = SigningKey::generate_es256().unwrap();
        for authentication in [
            ClientAuthentication::SecretBasic("word".into()),
            ClientAuthentication::SecretPost("word".into()),
            ClientAuthentication::PrivateKeyJwt(Arc::new(key)),
        ] {
            assert!(!format!("{authentication:?}").contains("word"));
        }
    }

    #[derive(Debug)]
    struct Broken;

    impl AssertionSource for Broken {
        fn assertion<'a>(
            &'a self,
            _: AssertionRequest<'a>,
        ) -> BoxFuture<'a, Result<SecretString, Box<dyn Error + Send + Sync>>> {
            Box::pin(std::future::ready(Err("the key is locked away".into())))
        }
    }

    #[test]
    fn without_an_assertion_nothing_is_sent() {
        let (mut headers, mut form) = (HeaderMap::new(), Vec::new());
        let failed = ClientAuthentication::PrivateKeyJwt(Arc::new(Broken))
            .apply(request("me"), &mut headers, &mut form)
            .now_or_never()
            .unwrap()
            .unwrap_err();
        assert!(failed.to_string().ends_with("the key is locked away"));
        assert!(headers.is_empty() && form.is_empty());
    }
}
