//! Tokens that the authorization server is asked about (RFC 7662).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use mcp_auth::Url;
use mcp_auth::client_authentication::{AssertionRequest, ClientAuthentication};
use mcp_auth::fetch::Fetcher;
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_auth::secret::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::claims::Claims;
use super::issuer::{self, NoIssuer};
use super::kept::{Kept, TokenHash};
use super::requirements::Requirements;
use super::{Admitted, Denial, Denied, Presented, TokenValidator};

/// For how long an answer is used at most.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;
/// How many questions are asked at the same time.
const MOST_QUESTIONS: usize = 32;
/// How long a token waits for others to be asked about.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much the clocks of authorization server and server may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// Asks the authorization server about tokens (RFC 7662), for tokens that only it can read.
///
/// What it says of a token is used again for [a short time](Self::cache_for): so long a token that it
/// revokes is still accepted. Each unknown token is a request to it, of which few are under way at a
/// time; while it cannot be asked, nobody is let in.
///
/// # Examples
///
/// ```no_run
/// use mcp_server::auth::{ClientAuthentication, Fetcher, Introspection, Requirements};
///
/// # fn example(secret: String) -> Result<(), Box<dyn std::error::Error>> {
/// let validator = Introspection::new(
///     Requirements::audience("https://mcp.example/mcp"),
///     "https://id.example",
///     "https://id.example/token/introspection".parse()?,
///     Fetcher::new()?,
/// )?
/// .authenticate("mcp-server", ClientAuthentication::SecretBasic(secret.into()));
/// # drop(validator);
/// # Ok(())
/// # }
/// ```
pub struct Introspection {
    requirements: Requirements,
    issuer: Box<str>,
    endpoint: Url,
    fetcher: Fetcher,
    client_id: Box<str>,
    authentication: ClientAuthentication,
    kept: Duration,
    answers: Kept<Arc<Claims>>,
    questions: Semaphore,
}

impl Introspection {
    /// Asks this endpoint (`introspection_endpoint`) of this issuer about tokens that fulfil these
    /// requirements.
    ///
    /// # Errors
    ///
    /// The issuer is no issuer identifier.
    pub fn new(
        requirements: Requirements,
        issuer: impl Into<Box<str>>,
        endpoint: Url,
        fetcher: Fetcher,
    ) -> Result<Self, NoIssuer> {
        let issuer = issuer.into();
        issuer::parse(&issuer)?;
        Ok(Self {
            requirements,
            issuer,
            endpoint,
            fetcher,
            client_id: "".into(),
            authentication: ClientAuthentication::None,
            kept: Duration::from_secs(30),
            answers: Kept::default(),
            questions: Semaphore::new(MOST_QUESTIONS),
        })
    }

    /// Says who asks: the endpoint answers nobody else (RFC 7662, 2.1).
    ///
    /// With a certificate the fetcher has to have it.
    #[must_use]
    pub fn authenticate(
        self,
        client_id: impl Into<Box<str>>,
        authentication: ClientAuthentication,
    ) -> Self {
        Self { client_id: client_id.into(), authentication, ..self }
    }

    /// For how long an answer is used again: 30 seconds by default, at most a minute, and never
    /// longer than the token is valid. Zero asks for every request.
    #[must_use]
    pub fn cache_for(self, time: Duration) -> Self {
        Self { kept: time.min(LONGEST), ..self }
    }

    async fn check(&self, presented: Presented<'_>) -> Result<Admitted, Denied> {
        let token = TokenHash::of(presented.token);
        let claims = match self.answers.get(token, Instant::now()) {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.ask(&presented).await?);
                let now = Instant::now();
                self.answers.keep(token, Arc::clone(&claims), now, now + self.kept);
                claims
            }
        };
        claims.check(self.requirements.audiences(), presented.now, LEEWAY)?;
        self.requirements.admit(&self.issuer, &claims, &presented).await
    }

    /// What the authorization server says of a token that is active.
    async fn ask(&self, presented: &Presented<'_>) -> Result<Claims, Denied> {
        let unavailable = |reason| Denied::new(Denial::Unavailable, reason);
        let Ok(Ok(_permit)) = timeout(PATIENCE, self.questions.acquire()).await else {
            return Err(unavailable(
                "too many tokens wait for the authorization server".to_owned(),
            ));
        };
        let mut headers = HeaderMap::new();
        let mut form = vec![
            ("token", SecretString::from(presented.token)),
            ("token_type_hint", SecretString::from("access_token")),
        ];
        let request = AssertionRequest::new(&self.client_id, &self.issuer, presented.now);
        let authenticated = self.authentication.apply(request, &mut headers, &mut form).await;
        authenticated.map_err(|error| unavailable(error.to_string()))?;
        let form: Vec<_> =
            form.iter().map(|(name, value)| (*name, value.expose_secret())).collect();
        let answer = self.fetcher.post_form(&self.endpoint, headers, &form).await;
        let answer = answer.map_err(|error| unavailable(error.to_string()))?;
        if answer.status != StatusCode::OK {
            let reason = match answer.status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    "as if this server were not allowed to ask: are its credentials right?"
                }
                _ => "which is no answer about a token",
            };
            let status = answer.status.as_u16();
            return Err(unavailable(format!(
                "introspection is answered with status {status}, {reason}"
            )));
        }
        if answer.body.len() > LONGEST_ANSWER {
            return Err(unavailable(
                "the answer of introspection is longer than 64 KiB".to_owned(),
            ));
        }
        let members: Map<String, Value> =
            answer.json().map_err(|error| unavailable(error.to_string()))?;
        let is_active = members.get("active").and_then(Value::as_bool);
        let is_active = is_active.ok_or_else(|| {
            unavailable(
                "the answer of introspection does not say whether the token is active".to_owned(),
            )
        })?;
        if !is_active {
            let reason = "the authorization server says that the token is not active";
            return Err(Denied::new(Denial::InvalidToken, reason));
        }
        let claims = Claims::new(members);
        if claims.text("iss")?.is_some_and(|issuer| *issuer != *self.issuer) {
            return Err(Denied::new(Denial::InvalidToken, "the token is of another issuer"));
        }
        Ok(claims)
    }
}

impl TokenValidator for Introspection {
    fn validate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Admitted, Denied>> {
        Box::pin(self.check(presented))
    }

    fn describe(&self, metadata: &mut ProtectedResourceMetadata) {
        self.requirements.describe(metadata);
        metadata.authorization_servers.push(self.issuer.as_ref().into());
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("requirements", &self.requirements)
            .field("issuer", &self.issuer)
            .field("endpoint", &self.endpoint.path())
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
