//! Fetching what strangers name, without harm.
//!
//! Owns the one HTTP client for everything around authorization that is not MCP itself: metadata,
//! registration, tokens, keys, introspection. The addresses come from servers, so all of them are
//! guarded: which schemes, which networks, how much, how long (2026-07-28,
//! basic/authorization/security-considerations). What is in the answers is for others to judge.

mod address;
mod builder;
mod error;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

pub use self::address::AddressKind;
use self::address::Rules;
pub use self::builder::FetcherBuilder;
pub use self::error::{FetchError, Refused};

/// How much is read of metadata.
pub const METADATA_LIMIT: usize = 64 * 1024;
/// How much is read of any other answer.
pub const ANSWER_LIMIT: usize = 1024 * 1024;

/// Fetches documents and sends forms; cloning gives another handle to the same connections.
///
/// Unless said otherwise, it connects to public addresses over `https` only, uses no proxy, and
/// gives up after ten seconds. It keeps no cookies, unpacks nothing, and follows redirects of
/// documents within one origin only.
///
/// # Examples
///
/// ```no_run
/// use mcp_auth::fetch::{Fetcher, METADATA_LIMIT};
/// use mcp_auth::resource_metadata::ProtectedResourceMetadata;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let fetcher = Fetcher::new()?;
/// let url = "https://vidsrus.example/.well-known/oauth-protected-resource/mcp".parse()?;
/// let document = fetcher.get_json::<ProtectedResourceMetadata>(&url, METADATA_LIMIT).await?;
/// println!("{:?}", document.value.authorization_servers);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Fetcher {
    client: reqwest::Client,
    rules: Arc<Rules>,
    limit: Duration,
}

impl Fetcher {
    /// A fetcher with nothing allowed that is not said above.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up on this system.
    pub fn new() -> Result<Self, FetchError> {
        Self::builder().build()
    }

    /// A fetcher of which more is to be said.
    pub fn builder() -> FetcherBuilder {
        FetcherBuilder::default()
    }

    /// Whether it would try to fetch this: the scheme, and the address if the URL holds one.
    ///
    /// # Errors
    ///
    /// [`FetchError::Forbidden`].
    pub fn check(&self, url: &Url) -> Result<(), FetchError> {
        self.rules.check(url).map_err(|reason| FetchError::Forbidden { url: shown(url), reason })
    }

    /// Reads a JSON document of at most this many bytes.
    ///
    /// Up to three redirects are followed, if they stay within the origin.
    ///
    /// # Errors
    ///
    /// There is no such document; [`FetchError::Status`] if the server says so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection or gives it back; nothing remains.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        url: &Url,
        limit: usize,
    ) -> Result<Document<T>, FetchError> {
        self.in_time(url, async {
            let response = self.get(url).await?;
            if !response.status().is_success() {
                return Err(FetchError::Status { url: shown(url), status: response.status() });
            }
            if !is_json(response.headers()) {
                return Err(not_json(url, "its content type is another one"));
            }
            let max_age = max_age(response.headers());
            let body = read(url, response, limit).await?;
            let mut json = serde_json::Deserializer::from_slice(&body);
            let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
                let problem = error.to_string();
                not_json(url, &problem.chars().take(MAX_PROBLEM).collect::<String>())
            })?;
            json.end().map_err(|_| not_json(url, "there is more behind its end"))?;
            Ok(Document { value, max_age })
        })
        .await
    }

    /// Sends a form (`application/x-www-form-urlencoded`) and gives what is answered, whatever its
    /// status.
    ///
    /// Redirects are not followed. The form is overwritten once it was sent, as far as it is in the
    /// hands of this crate, and headers are treated as secrets.
    ///
    /// # Errors
    ///
    /// There is no answer, or too much of it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection; the server may have got the form nevertheless.
    pub async fn post_form(
        &self,
        url: &Url,
        headers: HeaderMap,
        form: &[(&str, &str)],
    ) -> Result<Answer, FetchError> {
        // Large enough for everything to be escaped, so that no copy is left behind by growing.
        let size = form.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
        let mut text = Zeroizing::new(String::with_capacity(size));
        form_urlencoded::Serializer::new(&mut *text).extend_pairs(form).finish();
        self.post(url, headers, "application/x-www-form-urlencoded", text).await
    }

    /// Sends JSON and gives what is answered, as [`post_form`](Self::post_form) does.
    ///
    /// # Errors
    ///
    /// There is no answer, or too much of it, or the value has no form in JSON.
    ///
    /// # Cancel safety
    ///
    /// As with [`post_form`](Self::post_form).
    pub async fn post_json<T: Serialize + ?Sized>(
        &self,
        url: &Url,
        headers: HeaderMap,
        value: &T,
    ) -> Result<Answer, FetchError> {
        let text = serde_json::to_string(value)
            .map_err(|_| not_json(url, "what is to be sent has no form in JSON"))?;
        self.post(url, headers, "application/json", Zeroizing::new(text)).await
    }

    async fn post(
        &self,
        url: &Url,
        mut headers: HeaderMap,
        content_type: &'static str,
        body: Zeroizing<String>,
    ) -> Result<Answer, FetchError> {
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ACCEPT, JSON);
        self.check(url)?;
        self.in_time(url, async {
            let request = self.client.post(url.clone()).headers(headers);
            let sent = request.body(Bytes::from_owner(Owned(body))).send().await;
            let response = sent.map_err(|error| failed(url, error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = read(url, response, ANSWER_LIMIT).await?;
            Ok(Answer { status, headers, body, url: shown(url) })
        })
        .await
    }

    async fn get(&self, first: &Url) -> Result<Response, FetchError> {
        let mut url = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let sent = self.client.get(url.clone()).header(ACCEPT, JSON).send().await;
            let response = sent.map_err(|error| failed(&url, error))?;
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            let target = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let target = target.and_then(|to| url.join(to).ok());
            match target.filter(|to| to.origin() == first.origin()) {
                Some(target) => url = target,
                None => break,
            }
        }
        Err(FetchError::Forbidden { url: shown(first), reason: Refused::Redirect })
    }

    async fn in_time<T>(
        &self,
        url: &Url,
        work: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        match timeout(self.limit, work).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::TimedOut { url: shown(url), limit: self.limit }),
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("loopback", &self.rules.loopback)
            .field("private_networks", &self.rules.private)
            .field("proxy", &self.rules.proxy.is_some())
            .field("time_limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// A document that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document<T> {
    /// What it says.
    pub value: T,
    /// How long it may be kept (`Cache-Control`), if the server says so; zero if not at all.
    pub max_age: Option<Duration>,
}

/// What was answered to a form; its body may hold secrets, shows in no output, and is overwritten
/// when it is dropped.
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// Where it came from, without query.
    pub url: Box<str>,
}

impl Answer {
    /// Reads the body as JSON, whatever its content type is.
    ///
    /// # Errors
    ///
    /// It is no JSON, or something else was expected; the error says where, but not what is there.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, FetchError> {
        let wrong = |problem| FetchError::NotJson { url: self.url.clone(), problem };
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let path: String = path.escape_debug().take(MAX_PROBLEM).collect();
            wrong(match error.inner().classify() {
                serde_json::error::Category::Data => format!("unexpected at `{path}`"),
                _ => "the syntax is wrong".to_owned(),
            })
        })?;
        json.end().map_err(|_| wrong("there is more behind its end".to_owned()))?;
        Ok(value)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A body whose bytes are overwritten when the last handle to them is dropped.
struct Owned(Zeroizing<String>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Reads a body up to its limit, whatever its headers say.
async fn read(
    url: &Url,
    mut response: Response,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    let too_large = || FetchError::TooLarge { url: shown(url), limit };
    let announced = response.content_length().unwrap_or(0);
    let announced = usize::try_from(announced).map_err(|_| too_large())?;
    if announced > limit {
        return Err(too_large());
    }
    // Chunks are joined at the end, so that no copy is left behind by growing.
    let (mut chunks, mut size) = (Vec::new(), 0);
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(url, error))? {
        size += chunk.len();
        if size > limit {
            return Err(too_large());
        }
        chunks.push(chunk);
    }
    Ok(Zeroizing::new(chunks.concat()))
}

/// What went wrong below HTTP, or that an address was refused there.
fn failed(url: &Url, error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(reason) = current.downcast_ref::<Refused>() {
            return FetchError::Forbidden { url: shown(url), reason: reason.clone() };
        }
        cause = current.source();
    }
    FetchError::Unreachable { url: shown(url), problem: causes(&error) }
}

/// An error with everything that led to it, in one line.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn not_json(url: &Url, problem: &str) -> FetchError {
    FetchError::NotJson { url: shown(url), problem: problem.escape_debug().to_string() }
}

/// A URL as errors show it: without what may be secret.
fn shown(url: &Url) -> Box<str> {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only for URLs without a host, which have none of the two.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    String::from(url).into()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let kind = value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// How long something may be kept (RFC 9111, 5.2.2).
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives = values.flat_map(|value| value.split(',')).map(str::trim);
    let mut found = None;
    for directive in directives {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match &*name.trim().to_ascii_lowercase() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                let seconds: Option<u64> = value.trim().trim_matches('"').parse().ok();
                found = found.or_else(|| seconds.map(Duration::from_secs));
            }
            _ => {}
        }
    }
    found
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const MAX_REDIRECTS: usize = 3;
/// How much an error says of what is wrong with a document.
const MAX_PROBLEM: usize = 200;

#[cfg(test)]
mod tests;
