//! Proofs that a key is held (RFC 9449): made by clients, checked by servers, with the nonces that
//! servers hand out in between.
//!
//! Which proofs were seen before is not known here: whoever checks one remembers its
//! [`jti`](CheckedProof::jti) as long as it could come again.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Method};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value, json};
use url::Url;

use crate::jose::{Algorithm, Compact, JwkError, JwtError, KeyError, PublicKey, SigningKey, time};
use crate::secret::{ExposeSecret as _, SecretString};
use crate::thumbprint;

/// The header that a proof is sent in.
pub const DPOP: &str = "dpop";

/// The header in which a server hands out a nonce.
pub const DPOP_NONCE: &str = "dpop-nonce";

/// The key that proofs are made with, and that tokens are bound to.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use http::Method;
/// use mcp_auth::dpop::{CheckedProof, ProofExpectation, ProofKey};
/// use mcp_auth::secret::{ExposeSecret as _, SecretString};
/// use url::Url;
///
/// let key = ProofKey::generate()?;
/// let token = SecretString::from("the access token");
/// let url = Url::parse("https://mcp.example/mcp?session=1")?;
/// let now = SystemTime::now();
///
/// let proof = key.proof(&Method::POST, &url, Some(&token), None, now)?;
///
/// let checked = CheckedProof::check(
///     proof.expose_secret(),
///     &ProofExpectation::new(&Method::POST, &url, now).with_access_token(token.expose_secret()),
/// )?;
/// assert_eq!(&*checked.thumbprint, key.thumbprint());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ProofKey {
    key: SigningKey,
    thumbprint: Box<str>,
}

impl ProofKey {
    /// A new key, on P-256.
    ///
    /// # Errors
    ///
    /// The system gave no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self::new(SigningKey::generate_es256()?))
    }

    /// Makes proofs with a key that exists, for tokens that are bound to it already.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self { thumbprint: key.public_key().thumbprint().into(), key }
    }

    /// The key itself, for a store that keeps it with the tokens that are bound to it.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// What tokens are bound to: `cnf.jkt` (RFC 9449, 6), and `dpop_jkt` in a request for
    /// authorization (RFC 9449, 10).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Makes the proof for one request, never to be sent with another (RFC 9449, 4.2).
    ///
    /// With an access token it is for the resource, without one for the authorization server. The
    /// nonce is the last one that this server handed out, if it ever did.
    ///
    /// # Errors
    ///
    /// The system gave no random numbers.
    pub fn proof(
        &self,
        method: &Method,
        url: &Url,
        access_token: Option<&SecretString>,
        nonce: Option<&str>,
        now: SystemTime,
    ) -> Result<SecretString, KeyError> {
        let mut claims = json!({
            "jti": unique()?,
            "htm": method.as_str(),
            "htu": target(url),
            "iat": now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
        });
        if let Some(token) = access_token {
            claims["ath"] = json!(thumbprint::sha256(token.expose_secret().as_bytes()));
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let header = Map::from_iter([
            ("typ".to_owned(), json!(TYPE)),
            ("jwk".to_owned(), self.key.public_key().to_jwk()),
        ]);
        self.key.sign_with_header(header, &claims)
    }
}

/// What a proof must prove.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ProofExpectation<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// Where the request was sent, as its sender wrote it: before a proxy changed it.
    pub url: &'a Url,
    /// The token that was sent with it, at a resource.
    pub access_token: Option<&'a str>,
    /// What time it is.
    pub now: SystemTime,
    /// How old a proof may be; a minute unless it is changed.
    pub max_age: Duration,
}

impl<'a> ProofExpectation<'a> {
    /// A proof for this request.
    #[must_use]
    pub fn new(method: &'a Method, url: &'a Url, now: SystemTime) -> Self {
        Self { method, url, access_token: None, now, max_age: Duration::from_secs(60) }
    }

    /// A proof for this token.
    #[must_use]
    pub fn with_access_token(self, token: &'a str) -> Self {
        Self { access_token: Some(token), ..self }
    }

    /// A proof that may be this old.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }
}

/// Without the token.
impl fmt::Debug for ProofExpectation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofExpectation")
            .field("method", self.method)
            .field("url", &self.url.as_str())
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// A proof that is right for its request, as long as it was not seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedProof {
    /// Its name, which its key gives to no other.
    pub jti: Box<str>,
    /// The key that it was made with, to be compared with `cnf.jkt` of the token.
    pub thumbprint: Box<str>,
    /// When it was made.
    pub issued_at: SystemTime,
    /// The nonce in it: whoever demands nonces compares it.
    pub nonce: Option<Box<str>>,
}

impl CheckedProof {
    /// How far in the future a proof may have been made.
    pub const MAX_AHEAD: Duration = Duration::from_secs(30);

    /// Checks the proof of a request: there must be exactly one (RFC 9449, 4.3).
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), or there is no proof or more than one.
    pub fn of_request(
        headers: &HeaderMap,
        expected: &ProofExpectation<'_>,
    ) -> Result<Self, ProofError> {
        let mut proofs = headers.get_all(DPOP).iter();
        match (proofs.next(), proofs.next()) {
            (Some(proof), None) => {
                let proof = proof.to_str().map_err(|_| ProofError::Number)?;
                Self::check(proof, expected)
            }
            _ => Err(ProofError::Number),
        }
    }

    /// Checks a proof (RFC 9449, 4.3).
    ///
    /// It was then made by whoever has the key of [`thumbprint`](Self::thumbprint), for this
    /// request, and not long ago.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn check(proof: &str, expected: &ProofExpectation<'_>) -> Result<Self, ProofError> {
        if proof.len() > MAX_PROOF {
            return Err(JwtError::TooLong.into());
        }
        let proof = Compact::parse(proof)?;
        if !proof.header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)) {
            return Err(JwtError::Type { found: proof.header.typ }.into());
        }
        let key = match &proof.jwk {
            Some(Value::Object(jwk)) => PublicKey::from_jwk(jwk)?,
            _ => return Err(JwkError::Malformed("jwk").into()),
        };
        if !proof.is_signed_by(&key) {
            return Err(JwtError::Signature.into());
        }
        let claims = proof.claims()?;
        let text = |name: &'static str| match claims.get(name) {
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(ProofError::Claim(name)),
            None => Ok(None),
        };
        let demanded = |name: &'static str| text(name)?.ok_or(ProofError::Claim(name));

        let jti = demanded("jti")?;
        if jti.is_empty() || jti.len() > MAX_JTI {
            return Err(ProofError::Claim("jti"));
        }
        if demanded("htm")? != expected.method.as_str() {
            return Err(ProofError::Method);
        }
        let htu = Url::parse(demanded("htu")?).map_err(|_| ProofError::Target)?;
        if normalized(&htu) != normalized(expected.url) {
            return Err(ProofError::Target);
        }
        let issued_at = time(&claims, "iat")
            .map_err(|_| ProofError::Claim("iat"))?
            .ok_or(ProofError::Claim("iat"))?;
        let fresh = match expected.now.duration_since(issued_at) {
            Ok(age) => age <= expected.max_age,
            Err(ahead) => ahead.duration() <= Self::MAX_AHEAD.min(expected.max_age),
        };
        if !fresh {
            return Err(ProofError::Time);
        }
        if let Some(token) = expected.access_token
            && demanded("ath")? != thumbprint::sha256(token.as_bytes())
        {
            return Err(ProofError::Token);
        }
        Ok(Self {
            jti: jti.into(),
            thumbprint: key.thumbprint().into(),
            issued_at,
            nonce: text("nonce")?.map(Into::into),
        })
    }

    /// The algorithms that proofs may be signed with: `algs` of a challenge (RFC 9449, 7.1).
    #[must_use]
    pub fn algorithms() -> &'static [Algorithm] {
        Algorithm::ALL
    }
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// There is none, or more than one.
    #[error("the request must have exactly one header `DPoP`")]
    Number,
    /// It is not a token that was signed with the key that it names.
    #[error("the proof is not valid: {0}")]
    Jwt(#[from] JwtError),
    /// The key that it names cannot be used.
    #[error("the proof is not valid: {0}")]
    Key(#[from] JwkError),
    /// A claim is missing or not what it should be.
    #[error("the claim `{0}` of the proof is missing or malformed")]
    Claim(&'static str),
    /// It is for another method.
    #[error("the proof is for another method")]
    Method,
    /// It is for another address.
    #[error("the proof is for another address")]
    Target,
    /// It is too old, or from the future.
    #[error("the proof is too old or from the future: are the clocks of client and server right?")]
    Time,
    /// It is for another token.
    #[error("the proof is for another access token")]
    Token,
}

/// The last nonce that each server handed out (RFC 9449, 8 and 9).
///
/// Authorization servers and resources do so independently of each other, even at the same origin:
/// a client has one of these for the ones and one for the others. It holds nonces of a bounded
/// number of origins and forgets the oldest first; a server whose nonce was forgotten asks again.
#[derive(Default)]
pub struct Nonces(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    nonces: HashMap<url::Origin, Arc<str>>,
    /// From the longest to the shortest remembered origin.
    order: VecDeque<url::Origin>,
}

impl Nonces {
    /// How many origins are remembered.
    pub const MAX_ORIGINS: usize = 256;

    /// The nonce for the next proof at the origin of this address.
    #[must_use]
    pub fn get(&self, url: &Url) -> Option<Arc<str>> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.nonces.get(&url.origin()).cloned()
    }

    /// Remembers the nonce of a response from this address, if it has one; says whether it is
    /// another than before.
    ///
    /// Responses of all kinds may have one (RFC 9449, 8.2). More than one, or one that no proof may
    /// have in it, is none.
    pub fn remember(&self, url: &Url, headers: &HeaderMap) -> bool {
        let mut nonces = headers.get_all(DPOP_NONCE).iter();
        let (Some(nonce), None) = (nonces.next(), nonces.next()) else { return false };
        let Some(nonce) = nonce.to_str().ok().filter(|nonce| is_nonce(nonce)) else { return false };
        let origin = url.origin();
        if !origin.is_tuple() {
            return false;
        }
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { nonces, order } = &mut *remembered;
        if let Some(known) = nonces.get_mut(&origin) {
            let differs = **known != *nonce;
            *known = nonce.into();
            return differs;
        }
        if order.len() >= Self::MAX_ORIGINS
            && let Some(oldest) = order.pop_front()
        {
            nonces.remove(&oldest);
        }
        order.push_back(origin.clone());
        nonces.insert(origin, nonce.into());
        true
    }
}

/// Without the nonces.
impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").finish_non_exhaustive()
    }
}

const TYPE: &str = "dpop+jwt";
const MAX_PROOF: usize = 8 * 1024;
const MAX_JTI: usize = 256;
const MAX_NONCE: usize = 1024;

/// The `NQCHAR`s of RFC 6749, appendix A.
fn is_nonce(nonce: &str) -> bool {
    (1..=MAX_NONCE).contains(&nonce.len())
        && nonce.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

/// 128 random bits.
pub(crate) fn unique() -> Result<String, KeyError> {
    let mut octets = [0; 16];
    SystemRandom::new().fill(&mut octets).map_err(|_| KeyError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(octets))
}

/// What `htu` says of an address: neither its query nor its fragment, nor who asks.
fn target(url: &Url) -> String {
    let mut target = url.clone();
    target.set_query(None);
    target.set_fragment(None);
    // Neither can fail where there is a host, and there is nothing to remove where there is none.
    let _ = target.set_username("");
    let _ = target.set_password(None);
    target.into()
}

/// An address in the form in which equal ones are equal (RFC 3986, 6.2.2 and 6.2.3): [`Url`] sees to
/// case, default ports and dots; here, what is escaped without need no longer is.
fn normalized(url: &Url) -> String {
    let target = target(url);
    let mut normal = String::with_capacity(target.len());
    let mut rest = target.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        rest = after;
        let digits =
            after.get(..2).filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let octet = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match octet {
            Some(octet) => {
                if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                    normal.push(char::from(octet));
                } else {
                    normal.push_str(&format!("%{octet:02X}"));
                }
                rest = &after[2..];
            }
            None => normal.push('%'),
        }
    }
    normal.push_str(rest);
    normal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    const NOW: u64 = 1_800_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn url(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    fn signed(header: &Value, claims: &Value) -> String {
        let key = SigningKey::generate_es256().unwrap();
        let mut header = header.as_object().unwrap().clone();
        if header.get("jwk").is_none() {
            header.insert("jwk".to_owned(), key.public_key().to_jwk());
        }
        key.sign_with_header(header, claims).unwrap().expose_secret().to_owned()
    }

    fn check(proof: &str) -> Result<CheckedProof, ProofError> {
        let resource = url("https://mcp.example/mcp");
        let expected = ProofExpectation::new(&Method::POST, &resource, at(NOW));
        CheckedProof::check(proof, &expected.with_access_token(TOKEN))
    }

    fn good() -> Value {
        json!({
            "jti": "1", "htm": "POST", "htu": "https://mcp.example/mcp", "iat": NOW,
            "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        })
    }

    fn with(name: &str, value: Value) -> Result<CheckedProof, ProofError> {
        let mut claims = good();
        claims[name] = value;
        check(&signed(&json!({ "typ": TYPE }), &claims))
    }

    // RFC 9449, 4.1 (figure 2) and 7.1 (figure 12).
    #[test]
    fn proofs_of_the_standard_are_right() {
        let header = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
        let token_request = format!(
            "{header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
        );
        let endpoint = url("https://server.example.com/token");
        let expected = ProofExpectation::new(&Method::POST, &endpoint, at(1_562_262_616));
        let checked = CheckedProof::check(&token_request, &expected).unwrap();
        assert_eq!(&*checked.thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(&*checked.jti, "-BwC3ESc6acc2lTc");

        let resource_request = format!(
            "{header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
        );
        let resource = url("https://resource.example.org/protectedresource");
        let expected = ProofExpectation::new(&Method::GET, &resource, at(1_562_262_618));
        CheckedProof::check(&resource_request, &expected.with_access_token(TOKEN)).unwrap();
    }

    #[test]
    fn every_proof_is_another() {
        let key = ProofKey::generate().unwrap();
        let target = url("https://user:word@mcp.example:443/mcp?session=1#x");
        let proofs: Vec<_> = (0..3)
            .map(|_| {
                key.proof(&Method::POST, &target, Some(&TOKEN.into()), Some("n1"), at(NOW)).unwrap()
            })
            .collect();
        let checked: Vec<_> =
            proofs.iter().map(|proof| check(proof.expose_secret()).unwrap()).collect();
        assert!(checked[0].jti != checked[1].jti && checked[1].jti != checked[2].jti);
        assert_eq!(checked[0].nonce.as_deref(), Some("n1"));
        assert_eq!(&*checked[0].thumbprint, key.thumbprint());
        assert_eq!(checked[0].issued_at, at(NOW));
    }

    #[test]
    fn the_proof_of_another_request_is_refused() {
        assert!(check(&signed(&json!({ "typ": TYPE }), &good())).is_ok());
        assert_eq!(with("htm", json!("GET")).unwrap_err(), ProofError::Method);
        assert_eq!(with("htm", json!("post")).unwrap_err(), ProofError::Method);
        for other in [
            "https://mcp.example/mcp/",
            "https://mcp.example/MCP",
            "http://mcp.example/mcp",
            "https://mcp.example:444/mcp",
            "https://mcp.example.evil.example/mcp",
            "/mcp",
            "",
        ] {
            assert_eq!(with("htu", json!(other)).unwrap_err(), ProofError::Target, "{other}");
        }
        for same in [
            "HTTPS://MCP.Example/mcp",
            "https://mcp.example:443/mcp",
            "https://mcp.example/%6dcp",
            "https://mcp.example/x/../mcp",
            "https://mcp.example/mcp?query#fragment",
        ] {
            assert!(with("htu", json!(same)).is_ok(), "{same}");
        }
        assert_eq!(with("ath", json!("AAAA")).unwrap_err(), ProofError::Token);
        assert_eq!(with("ath", json!(null)).unwrap_err(), ProofError::Claim("ath"));
    }

    #[test]
    fn escapes_that_mean_something_stay() {
        let normal = |text: &str| normalized(&url(text));
        assert_eq!(normal("https://a/%7ex%2fy"), normal("https://a/~x%2Fy"));
        assert_ne!(normal("https://a/x%2fy"), normal("https://a/x/y"));
        assert_eq!(normal("https://a/%"), "https://a/%");
        assert_eq!(normal("https://a/%+1%e4"), "https://a/%+1%E4");
    }

    #[test]
    fn proofs_are_good_for_a_short_time() {
        for good in [NOW - 60, NOW, NOW + 30] {
            assert!(with("iat", json!(good)).is_ok());
        }
        for bad in [NOW - 61, NOW + 31, 0] {
            assert_eq!(with("iat", json!(bad)).unwrap_err(), ProofError::Time);
        }
        assert_eq!(with("iat", json!("now")).unwrap_err(), ProofError::Claim("iat"));
    }

    #[test]
    fn names_of_proofs_are_short() {
        assert!(with("jti", json!("x".repeat(256))).is_ok());
        for bad in [json!("x".repeat(257)), json!(""), json!(1), json!(null)] {
            assert_eq!(with("jti", bad).unwrap_err(), ProofError::Claim("jti"));
        }
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let refused = |header: Value| check(&signed(&header, &good())).unwrap_err();
        for typ in [json!({ "typ": "JWT" }), json!({})] {
            assert!(matches!(refused(typ), ProofError::Jwt(JwtError::Type { .. })));
        }
        let other = SigningKey::generate_es256().unwrap().public_key().to_jwk();
        assert_eq!(
            refused(json!({ "typ": TYPE, "jwk": other })),
            ProofError::Jwt(JwtError::Signature)
        );
        let mut private = other;
        private["d"] = json!("AAAA");
        assert_eq!(
            refused(json!({ "typ": TYPE, "jwk": private })),
            ProofError::Key(JwkError::Private)
        );
        for jwk in [json!(null), json!("x"), json!({ "kty": "oct" })] {
            assert!(matches!(refused(json!({ "typ": TYPE, "jwk": jwk })), ProofError::Key(_)));
        }
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"typ":"dpop+jwt","alg":"none"}"#);
        assert!(matches!(
            check(&format!("{unsigned}.e30.")),
            Err(ProofError::Jwt(JwtError::Algorithm { .. }))
        ));
        assert_eq!(
            check(&"x".repeat(MAX_PROOF + 1)).unwrap_err(),
            ProofError::Jwt(JwtError::TooLong)
        );
    }

    #[test]
    fn a_request_has_one_proof() {
        let resource = url("https://mcp.example/mcp");
        let expected =
            ProofExpectation::new(&Method::POST, &resource, at(NOW)).with_access_token(TOKEN);
        let mut headers = HeaderMap::new();
        assert_eq!(CheckedProof::of_request(&headers, &expected), Err(ProofError::Number));
        let proof = signed(&json!({ "typ": TYPE }), &good());
        headers.append(DPOP, proof.parse().unwrap());
        assert!(CheckedProof::of_request(&headers, &expected).is_ok());
        headers.append(DPOP, proof.parse().unwrap());
        assert_eq!(CheckedProof::of_request(&headers, &expected), Err(ProofError::Number));
    }

    #[test]
    fn nonces_are_remembered_for_their_origin() {
        let nonces = Nonces::default();
        let given = |nonce: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DPOP_NONCE, nonce.parse().unwrap());
            headers
        };
        assert!(nonces.remember(&url("https://a.example/token"), &given("one")));
        assert!(!nonces.remember(&url("https://a.example/other"), &given("one")));
        assert_eq!(nonces.get(&url("https://a.example:443/x")).as_deref(), Some("one"));
        assert_eq!(nonces.get(&url("https://a.example:444/x")), None);
        assert!(nonces.remember(&url("https://a.example/"), &given("two")));
        assert_eq!(nonces.get(&url("https://a.example/")).as_deref(), Some("two"));
        for bad in ["", "a b", "a\"b", &"x".repeat(1025)] {
            assert!(!nonces.remember(&url("https://a.example/"), &given(bad)));
        }
        let mut two = given("three");
        two.append(DPOP_NONCE, "four".parse().unwrap());
        assert!(!nonces.remember(&url("https://a.example/"), &two));
        assert!(!nonces.remember(&url("data:text/plain,x"), &given("five")));
        for index in 0..Nonces::MAX_ORIGINS {
            nonces.remember(&url(&format!("https://h{index}.example/")), &given("x"));
        }
        assert_eq!(nonces.get(&url("https://a.example/")), None, "the oldest is forgotten");
        assert!(!format!("{nonces:?}").contains("five"));
    }

    proptest! {
        #[test]
        fn any_proof_is_refused_without_panic(proof in "\\PC{0,80}") {
            prop_assert!(check(&proof).is_err());
        }

        #[test]
        fn any_address_has_a_form(path in "\\PC{0,60}") {
            if let Ok(url) = Url::parse(&format!("https://a.example/{path}")) {
                let form = normalized(&url);
                prop_assert_eq!(&form, &normalized(&Url::parse(&form).unwrap()));
            }
        }
    }
}
