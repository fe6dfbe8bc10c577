//! The one place where a token is checked against keys.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::key_set::MAX_KEY_ID;
use super::provider::install_ring;
use super::{Algorithm, KeySet, PublicKey};

/// What a token must be like to be believed (RFC 7519, 7.2; RFC 8725).
///
/// Issuer and audience are always checked, and a token must say when it expires. By default its type
/// is `at+jwt` (RFC 9068, 2.1), every [`Algorithm`] is good, and clocks may differ by 30 seconds.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use mcp_auth::jose::{JwtError, SigningKey, Verifier};
/// use mcp_auth::secret::ExposeSecret as _;
/// use serde_json::{Map, Value, json};
///
/// let key = SigningKey::generate_es256()?;
/// let token = key.sign(
///     "at+jwt",
///     &json!({
///         "iss": "https://id.example",
///         "aud": "https://mcp.example/mcp",
///         "exp": 4_000_000_000_u64,
///         "scope": "files:read",
///     }),
/// )?;
///
/// let verifier = Verifier::new("https://id.example", ["https://mcp.example/mcp"]);
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let verified =
///     verifier.verify::<Map<String, Value>>(token.expose_secret(), &key.public_key_set(), now)?;
/// assert_eq!(verified.claims["scope"], "files:read");
///
/// let other = Verifier::new("https://id.example", ["https://other.example/mcp"]);
/// let refused = other.verify::<Value>(token.expose_secret(), &key.public_key_set(), now);
/// assert_eq!(refused.unwrap_err(), JwtError::WrongAudience);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Verifier {
    issuer: Box<str>,
    audiences: Vec<Box<str>>,
    types: Vec<Box<str>>,
    untyped: bool,
    algorithms: Vec<Algorithm>,
    leeway: Duration,
}

impl Verifier {
    /// The longest token that is read.
    pub const MAX_BYTES: usize = 16 * 1024;
    /// The most that clocks may differ.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

    /// Tokens of this issuer for any of these audiences; both are compared octet by octet.
    pub fn new<A: Into<Box<str>>>(
        issuer: impl Into<Box<str>>,
        audiences: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: audiences.into_iter().map(Into::into).collect(),
            types: vec!["at+jwt".into()],
            untyped: false,
            algorithms: Algorithm::ALL.to_vec(),
            leeway: Duration::from_secs(30),
        }
    }

    /// Tokens of these types (`typ`) and no others; case and a prefix `application/` do not count.
    #[must_use]
    pub fn types<T: Into<Box<str>>>(self, types: impl IntoIterator<Item = T>) -> Self {
        Self { types: types.into_iter().map(Into::into).collect(), ..self }
    }

    /// Also tokens that do not say what type they are, as those of older servers.
    ///
    /// A token that was made for something else, such as an ID token, is then only told apart by its
    /// audience.
    #[must_use]
    pub fn or_untyped(self) -> Self {
        Self { untyped: true, ..self }
    }

    /// Only these algorithms.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self { algorithms: algorithms.into_iter().collect(), ..self }
    }

    /// How much the clocks of both sides may differ: at most [`Self::MAX_LEEWAY`].
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway: leeway.min(Self::MAX_LEEWAY), ..self }
    }

    /// Checks a token and reads its claims.
    ///
    /// Its claims are looked at after its signature: what they say about a token that is not the
    /// issuer's, no caller learns.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it. [`JwtError::UnknownKey`] may mean that the issuer has
    /// new keys.
    pub fn verify<T: DeserializeOwned>(
        &self,
        token: &str,
        keys: &KeySet,
        now: SystemTime,
    ) -> Result<Verified<T>, JwtError> {
        let token = Compact::parse(token)?;
        self.check_header(&token.header)?;
        token.check_signature(keys)?;
        let claims = token.claims()?;
        let registered = RegisteredClaims::read(&claims)?;
        self.check_claims(&registered, now)?;
        let claims = T::deserialize(Value::Object(claims)).map_err(|_| JwtError::Claims)?;
        Ok(Verified { header: token.header, registered, claims })
    }

    fn check_header(&self, header: &TokenHeader) -> Result<(), JwtError> {
        let fits = match header.typ.as_deref() {
            Some(found) => self.types.iter().any(|typ| same_type(typ, found)),
            None => self.untyped,
        };
        if !fits {
            return Err(JwtError::Type { found: header.typ.clone() });
        }
        if !self.algorithms.contains(&header.algorithm) {
            return Err(JwtError::Algorithm { found: header.algorithm.name().into() });
        }
        Ok(())
    }

    fn check_claims(&self, claims: &RegisteredClaims, now: SystemTime) -> Result<(), JwtError> {
        if claims.issuer != self.issuer {
            return Err(JwtError::WrongIssuer { found: claims.issuer.clone() });
        }
        if !self.audiences.iter().any(|audience| claims.audiences.contains(audience)) {
            return Err(JwtError::WrongAudience);
        }
        // What cannot be added lies beyond all time.
        if claims.expires_at.checked_add(self.leeway).is_some_and(|end| end <= now) {
            return Err(JwtError::Expired);
        }
        let soon = now.checked_add(self.leeway).unwrap_or(now);
        if [claims.not_before, claims.issued_at].into_iter().flatten().any(|begin| begin > soon) {
            return Err(JwtError::NotYetValid);
        }
        Ok(())
    }
}

/// A token that passed all checks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verified<T> {
    /// Its header.
    pub header: TokenHeader,
    /// The claims of RFC 7519, 4.1.
    pub registered: RegisteredClaims,
    /// All its claims, in the form that the caller has for them.
    pub claims: T,
}

/// What the header of a token says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenHeader {
    /// The algorithm of its signature (`alg`).
    pub algorithm: Algorithm,
    /// What kind of token it is (`typ`).
    pub typ: Option<Box<str>>,
    /// Which key signed it (`kid`).
    pub key_id: Option<Box<str>>,
}

/// The claims of RFC 7519, 4.1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredClaims {
    /// Who issued it (`iss`).
    pub issuer: Box<str>,
    /// Whom it speaks of (`sub`).
    pub subject: Option<Box<str>>,
    /// Whom it is for (`aud`).
    pub audiences: Vec<Box<str>>,
    /// When it ceases to be valid (`exp`).
    pub expires_at: SystemTime,
    /// When it begins to be valid (`nbf`).
    pub not_before: Option<SystemTime>,
    /// When it was issued (`iat`).
    pub issued_at: Option<SystemTime>,
    /// Its name among the tokens of the issuer (`jti`).
    pub id: Option<Box<str>>,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// It is longer than [`Verifier::MAX_BYTES`].
    #[error("the token is longer than 16 KiB")]
    TooLong,
    /// It is not a signed token in compact form, or a claim is not of its type.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Its algorithm is `none`, one with shared secrets, unknown, or not allowed here.
    #[error("the token's algorithm is not accepted: {found:?}")]
    Algorithm {
        /// What it says.
        found: Box<str>,
    },
    /// It says that more must be understood than is (`crit`).
    #[error("the token demands extensions that are not understood (`crit`)")]
    Critical,
    /// It is a token for something else.
    #[error("the token is not of the expected type: {found:?}")]
    Type {
        /// What it says.
        found: Option<Box<str>>,
    },
    /// The issuer has no key of this name and algorithm, as far as its keys are known.
    #[error("no known key of the issuer can have signed the token: {id:?}")]
    UnknownKey {
        /// The name of the key.
        id: Option<Box<str>>,
    },
    /// The signature is not one of the issuer.
    #[error("the token's signature is wrong")]
    Signature,
    /// It does not say what it must.
    #[error("the token does not have the claim `{0}`")]
    MissingClaim(&'static str),
    /// It is past its time.
    #[error("the token has expired")]
    Expired,
    /// It is before its time, or issued in the future.
    #[error("the token is not valid yet: are the clocks of issuer and server right?")]
    NotYetValid,
    /// Somebody else issued it.
    #[error("the token is of another issuer: {found:?}")]
    WrongIssuer {
        /// Who.
        found: Box<str>,
    },
    /// It is for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// Its claims are not what the caller reads.
    #[error("the token's claims are not of the expected form")]
    Claims,
}

/// The header of a token that nobody has checked.
///
/// # Errors
///
/// The token is malformed, or its algorithm is none of [`Algorithm`].
pub fn unverified_header(token: &str) -> Result<TokenHeader, JwtError> {
    Ok(Compact::parse(token)?.header)
}

/// The issuer that a token claims to be of, before anybody has checked it: good for choosing the
/// [`Verifier`] and the keys, and for nothing else.
///
/// # Errors
///
/// The token is malformed or names no issuer.
pub fn unverified_issuer(token: &str) -> Result<Box<str>, JwtError> {
    let claims = Compact::parse(token)?.claims()?;
    text(&claims, "iss")?.ok_or(JwtError::MissingClaim("iss"))
}

/// A token in compact form (RFC 7515, 7.1), of which only the header was read.
pub(crate) struct Compact<'a> {
    pub(crate) header: TokenHeader,
    pub(crate) jwk: Option<Value>,
    message: &'a [u8],
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > Verifier::MAX_BYTES {
            return Err(JwtError::TooLong);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwtError::Malformed("it does not have three parts"));
        };
        let message = &token.as_bytes()[..header.len() + 1 + payload.len()];
        let mut header = object(header, "its header is no JSON object in base64url")?;
        if header.contains_key("crit") {
            return Err(JwtError::Critical);
        }
        let name = text(&header, "alg")?.ok_or(JwtError::Malformed("it has no `alg`"))?;
        let Some(algorithm) = Algorithm::from_name(&name) else {
            return Err(JwtError::Algorithm { found: name.chars().take(32).collect() });
        };
        let key_id = text(&header, "kid")?;
        if key_id.as_ref().is_some_and(|id| id.len() > MAX_KEY_ID) {
            return Err(JwtError::Malformed("its `kid` is longer than 256 bytes"));
        }
        let typ = text(&header, "typ")?.map(|typ| typ.chars().take(64).collect());
        let jwk = header.remove("jwk");
        let header = TokenHeader { algorithm, typ, key_id };
        Ok(Self { header, jwk, message, payload, signature })
    }

    fn check_signature(&self, keys: &KeySet) -> Result<(), JwtError> {
        let TokenHeader { algorithm, key_id, .. } = &self.header;
        let mut candidates = keys.candidates(key_id.as_deref(), *algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(JwtError::UnknownKey { id: key_id.clone() });
        }
        if candidates.any(|key| self.is_signed_by(key)) { Ok(()) } else { Err(JwtError::Signature) }
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let algorithm = self.header.algorithm;
        install_ring();
        key.fits(algorithm)
            && jsonwebtoken::crypto::verify(
                self.signature,
                self.message,
                &key.decoding_key(),
                algorithm.in_jsonwebtoken(),
            )
            .unwrap_or(false)
    }

    /// What it says, whoever signed it.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, JwtError> {
        object(self.payload, "its claims are no JSON object in base64url")
    }
}

impl RegisteredClaims {
    fn read(claims: &Map<String, Value>) -> Result<Self, JwtError> {
        let audiences = match claims.get("aud") {
            Some(Value::String(audience)) => vec![audience.as_str().into()],
            Some(Value::Array(audiences)) => audiences
                .iter()
                .map(|audience| audience.as_str().map(Into::into))
                .collect::<Option<_>>()
                .ok_or(JwtError::Malformed("`aud` has something else than strings"))?,
            Some(_) => return Err(JwtError::Malformed("`aud` is not a string or a list of them")),
            None => return Err(JwtError::MissingClaim("aud")),
        };
        Ok(Self {
            issuer: text(claims, "iss")?.ok_or(JwtError::MissingClaim("iss"))?,
            subject: text(claims, "sub")?,
            audiences,
            expires_at: time(claims, "exp")?.ok_or(JwtError::MissingClaim("exp"))?,
            not_before: time(claims, "nbf")?,
            issued_at: time(claims, "iat")?,
            id: text(claims, "jti")?,
        })
    }
}

fn object(part: &str, otherwise: &'static str) -> Result<Map<String, Value>, JwtError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed(otherwise))?;
    serde_json::from_slice(&json).map_err(|_| JwtError::Malformed(otherwise))
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<Box<str>>, JwtError> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(Some(text.as_str().into())),
        Some(_) => Err(JwtError::Malformed("what should be a string is none")),
        None => Ok(None),
    }
}

/// A `NumericDate` (RFC 7519, 2).
pub(crate) fn time(
    members: &Map<String, Value>,
    name: &str,
) -> Result<Option<SystemTime>, JwtError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    value
        .as_f64()
        .filter(|seconds| *seconds <= LAST_SECOND)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
        .map(Some)
        .ok_or(JwtError::Malformed("what should be a time is none"))
}

/// In the year 9999; RFC 3339 has no later one.
const LAST_SECOND: f64 = 253_402_300_799.0;

fn same_type(expected: &str, found: &str) -> bool {
    let bare = |typ: &str| match typ.split_once('/') {
        Some((application, rest)) if application.eq_ignore_ascii_case("application") => {
            rest.to_ascii_lowercase()
        }
        _ => typ.to_ascii_lowercase(),
    };
    bare(expected) == bare(found)
}
