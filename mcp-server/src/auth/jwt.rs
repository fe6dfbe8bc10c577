//! Tokens that the server checks itself (RFC 9068).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use mcp_auth::jose::{Algorithm, JwtError, KeySet, Verifier, unverified_issuer};
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::claims::Claims;
use super::issuer::Issuer;
use super::kept::{Kept, TokenHash};
use super::requirements::Requirements;
use super::{Admitted, Denial, Denied, Presented, TokenValidator};

/// For how long a token is believed whose signature was good, if the keys of its issuer stay the same.
const BELIEVED: Duration = Duration::from_secs(5 * 60);
/// The longest token that is believed without looking at its signature again.
const LONGEST_BELIEVED: usize = 4 * 1024;

/// Checks signed tokens with the keys of their issuers (RFC 9068, 4).
///
/// A token must be of an issuer that is [trusted](Self::issuer), signed with one of its keys and an
/// asymmetric algorithm, of type `at+jwt`, and must fulfil the [`Requirements`]. Without an issuer
/// no token is accepted.
///
/// # Examples
///
/// ```
/// use mcp_server::auth::{Fetcher, Issuer, JwtValidator, Requirements};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let fetcher = Fetcher::new()?;
/// let validator = JwtValidator::new(Requirements::audience("https://mcp.example/mcp"))
///     .issuer(Issuer::discovered("https://id.example", fetcher)?);
/// # drop(validator);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct JwtValidator {
    requirements: Requirements,
    issuers: Vec<(Issuer, Verifier)>,
    rules: Rules,
    believed: Kept<Believed>,
}

/// A token whose signature was good: most come again, and checking one takes longer than the rest of
/// a request.
#[derive(Debug, Clone)]
struct Believed {
    /// Which of the issuers.
    issuer: usize,
    /// All its keys at that time: with others the signature is checked again.
    keys: Arc<KeySet>,
    claims: Arc<Claims>,
}

/// What is demanded of the form of tokens, whichever issuer they come from.
#[derive(Debug, Clone)]
struct Rules {
    algorithms: Vec<Algorithm>,
    types: Vec<Box<str>>,
    untyped: bool,
    leeway: Duration,
}

impl JwtValidator {
    /// Checks tokens that fulfil these requirements.
    pub fn new(requirements: Requirements) -> Self {
        let rules = Rules {
            algorithms: Algorithm::ALL.to_vec(),
            types: vec!["at+jwt".into()],
            untyped: false,
            leeway: Duration::from_secs(30),
        };
        Self { requirements, issuers: Vec::new(), rules, believed: Kept::default() }
    }

    /// Trusts an issuer, besides others.
    #[must_use]
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        let verifier = self.verifier(&issuer);
        self.issuers.push((issuer, verifier));
        self
    }

    /// Accepts only these algorithms.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.rules.algorithms = algorithms.into_iter().collect();
        self.renewed()
    }

    /// Also accepts tokens of type `JWT` and tokens that do not say what type they are.
    ///
    /// Many authorization servers issue such tokens. The price is that other tokens of the same issuer,
    /// such as ID tokens, are told apart by their audience alone.
    #[must_use]
    pub fn plain_jwt(mut self) -> Self {
        self.rules.types.push("JWT".into());
        self.rules.untyped = true;
        self.renewed()
    }

    /// How much the clocks of issuer and server may differ: 30 seconds by default, a minute at most.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self.renewed()
    }

    fn verifier(&self, issuer: &Issuer) -> Verifier {
        let Rules { algorithms, types, untyped, leeway } = &self.rules;
        let verifier = Verifier::new(issuer.identifier(), self.requirements.audiences().to_vec())
            .types(types.clone())
            .algorithms(algorithms.iter().copied())
            .leeway(*leeway);
        if *untyped { verifier.or_untyped() } else { verifier }
    }

    /// With verifiers that know the present rules, and nothing believed under others.
    fn renewed(mut self) -> Self {
        self.believed = Kept::default();
        let issuers = std::mem::take(&mut self.issuers);
        issuers.into_iter().fold(self, |this, (issuer, _)| this.issuer(issuer))
    }

    async fn check(&self, presented: Presented<'_>) -> Result<Admitted, Denied> {
        let token = TokenHash::of(presented.token);
        let believed = match self.believed.get(token, Instant::now()) {
            Some(believed) if self.is_current(&believed).await => {
                let leeway = self.rules.leeway.min(Verifier::MAX_LEEWAY);
                believed.claims.check(self.requirements.audiences(), presented.now, leeway)?;
                believed
            }
            _ => {
                let believed = self.verify(&presented).await?;
                if presented.token.len() <= LONGEST_BELIEVED {
                    let now = Instant::now();
                    self.believed.keep(token, believed.clone(), now, now + BELIEVED);
                }
                believed
            }
        };
        let (issuer, _) = &self.issuers[believed.issuer];
        self.requirements.admit(issuer.identifier(), &believed.claims, &presented).await
    }

    /// Whether the keys of the issuer are still those that the token was checked with.
    async fn is_current(&self, believed: &Believed) -> bool {
        let (issuer, _) = &self.issuers[believed.issuer];
        issuer.keys().await.is_ok_and(|keys| Arc::ptr_eq(&keys, &believed.keys))
    }

    async fn verify(&self, presented: &Presented<'_>) -> Result<Believed, Denied> {
        let claimed = unverified_issuer(presented.token).map_err(|error| denied(&error))?;
        let mut trusted = self.issuers.iter().enumerate();
        let Some((index, (issuer, verifier))) =
            trusted.find(|(_, (issuer, _))| issuer.identifier() == &*claimed)
        else {
            return Err(denied(&JwtError::WrongIssuer { found: claimed }));
        };
        let unavailable = |reason| Denied::new(Denial::Unavailable, reason);
        let mut keys = issuer.keys().await.map_err(unavailable)?;
        let verify = |keys: &KeySet| {
            verifier.verify::<Map<String, Value>>(presented.token, keys, presented.now)
        };
        let mut verified = verify(&keys);
        // Without the name of a key, one that is not known yet looks like a wrong signature.
        if let Err(JwtError::UnknownKey { .. } | JwtError::Signature) = verified
            && let Some(newer) = issuer.keys_newer_than(&keys).await
        {
            keys = newer;
            verified = verify(&keys);
        }
        let claims = verified.map_err(|error| denied(&error))?.claims;
        Ok(Believed { issuer: index, keys, claims: Arc::new(Claims::new(claims)) })
    }
}

impl TokenValidator for JwtValidator {
    fn validate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Admitted, Denied>> {
        Box::pin(self.check(presented))
    }

    fn describe(&self, metadata: &mut ProtectedResourceMetadata) {
        self.requirements.describe(metadata);
        for (issuer, _) in &self.issuers {
            metadata.authorization_servers.push(issuer.identifier().into());
        }
    }
}

/// What the token itself says in it is quoted, and not at any length.
fn denied(error: &JwtError) -> Denied {
    Denied::new(Denial::InvalidToken, error.to_string().chars().take(300).collect::<String>())
}
