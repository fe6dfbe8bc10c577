//! The profiles that a server declares in its well-known document.
//!
//! Owns the two addresses, redirects, bounds and what is remembered by `ETag`. What it finds is
//! advice: it confirms nothing, and nobody is rejected because of it. It is open to everybody, so
//! none of the caller's own headers are sent for it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mcp_core::http::well_known::{ROOT, path_for};
use mcp_core::profile::{Declaration, InvalidDeclaration};
use reqwest::header::{ACCEPT, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::select;
use tokio::time::timeout;

use super::options::causes;
use super::{Agent, Http, shown};

/// Asks a server which profiles it supports, without connecting to it.
///
/// The answer is the document `/.well-known/mcp-supported-profiles` of the server's origin: first
/// the one for the path of its endpoint, and only where that is not found (404) the one for the
/// whole origin. `None` means that there is neither. It is advice: only connecting shows which
/// profiles are in force, and for whom.
///
/// No header of [`Http::header`] and no token is sent. Redirects are followed within the origin. A
/// document that was read before through the same [`Http`] is asked for with its `ETag`.
///
/// # Errors
///
/// When the document is malformed, with the entry that is wrong; when the server answers with
/// something other than the document and 404; or when it cannot be reached. A client with
/// requirements need not give up on any of these.
///
/// # Cancel safety
///
/// When the future is dropped, the request is given up.
///
/// # Examples
///
/// ```no_run
/// # async fn show() -> Result<(), Box<dyn std::error::Error>> {
/// use mcp_client::{Http, discover_profiles};
///
/// let server = Http::new("https://vidsrus.example/mcp")?;
/// if let Some(declared) = discover_profiles(&server).await? {
///     for profile in &declared {
///         tracing::info!("{} from MCP {}", profile.url(), profile.min_mcp_version());
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub async fn discover_profiles(server: &Http) -> Result<Option<Declaration>, DocumentError> {
    let agent = server.agent().map_err(|error| DocumentError::Unreachable {
        url: shown(server.url()),
        cause: error.to_string(),
    })?;
    declared(&agent, server.url(), LIMIT).await
}

/// Why there is no telling which profiles a server declares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The document is there, and cannot be used.
    #[error("the profiles at {url} cannot be used: {problem}")]
    Malformed {
        /// Where it lies.
        url: String,
        /// What is wrong with it.
        problem: InvalidDeclaration,
    },
    /// The server answered neither with a document nor with 404.
    #[error("the profiles at {url} cannot be read: the server answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server sends elsewhere, where this client does not go.
    #[error("the profiles at {url} cannot be read: {problem}")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Why the redirect is not followed.
        problem: &'static str,
    },
    /// No whole answer came in time.
    #[error("the profiles at {url} cannot be read: no whole answer within {limit:?}")]
    Timeout {
        /// What was asked for.
        url: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The server cannot be reached.
    #[error("the profiles at {url} cannot be read: {cause}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why, in words.
        cause: String,
    },
}

/// Asks for the declaration while something else goes on, for what `wants` it when it is over.
///
/// What is wrong with the document is a warning, and nothing waits for it long.
///
/// # Cancel safety
///
/// When the future is dropped, so is `work`, and the request is given up.
pub(crate) async fn beside<T>(
    server: &Http,
    work: impl Future<Output = T>,
    wants: impl FnOnce(&T) -> bool,
) -> (T, Option<Declaration>) {
    let (mut work, mut advice) = (pin!(work), pin!(advice(server)));
    select! {
        biased;
        done = &mut work => {
            let declared = if wants(&done) { advice.await } else { None };
            (done, declared)
        }
        declared = &mut advice => (work.await, declared),
    }
}

async fn advice(server: &Http) -> Option<Declaration> {
    // The handshake says what is wrong with options.
    let agent = server.agent().ok()?;
    match declared(&agent, server.url(), ADVICE).await {
        Ok(declared) => declared,
        Err(problem) => {
            tracing::warn!(target: "mcp::profiles", "{problem}");
            None
        }
    }
}

/// What was read before, by the address asked for: at most the two of a server.
#[derive(Debug, Default)]
pub(super) struct Documents(Mutex<BTreeMap<String, (HeaderValue, Declaration)>>);

impl Documents {
    fn find(&self, url: &Url) -> Option<(HeaderValue, Declaration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(url.as_str()).cloned()
    }

    /// Remembers what can be asked for by its `ETag`, and forgets what cannot.
    fn keep(&self, url: &Url, etag: Option<&HeaderValue>, declaration: Option<&Declaration>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (etag, declaration) {
            (Some(etag), Some(declaration)) if etag.len() <= LONGEST_ETAG => {
                kept.insert(url.as_str().to_owned(), (etag.clone(), declaration.clone()));
            }
            _ => {
                kept.remove(url.as_str());
            }
        }
    }
}

/// The declaration of the server with this endpoint; `None` if it has none.
pub(crate) async fn declared(
    agent: &Agent,
    endpoint: &Url,
    limit: Duration,
) -> Result<Option<Declaration>, DocumentError> {
    let [path_form, root_form] = addresses(endpoint);
    let found = async {
        match document(agent, &path_form).await? {
            None if path_form != root_form => document(agent, &root_form).await,
            found => Ok(found),
        }
    };
    match timeout(limit, found).await {
        Ok(found) => found,
        Err(_) => Err(DocumentError::Timeout { url: shown(&path_form), limit }),
    }
}

/// The document's addresses: for the path of the endpoint, and for the whole origin.
fn addresses(endpoint: &Url) -> [Url; 2] {
    let mut root = endpoint.clone();
    root.set_query(None);
    root.set_fragment(None);
    root.set_path(ROOT);
    let mut own = root.clone();
    own.set_path(&path_for(endpoint.path()));
    [own, root]
}

/// One of the documents; `None` where there is none.
async fn document(agent: &Agent, url: &Url) -> Result<Option<Declaration>, DocumentError> {
    let known = agent.documents().find(url);
    let response = follow(agent, url, known.as_ref().map(|(etag, _)| etag)).await?;
    match (response.status(), known) {
        (StatusCode::OK, _) => {}
        (StatusCode::NOT_MODIFIED, Some((_, declaration))) => return Ok(Some(declaration)),
        (StatusCode::NOT_FOUND, _) => {
            agent.documents().keep(url, None, None);
            return Ok(None);
        }
        (status, _) => {
            return Err(DocumentError::Status { url: shown(url), status: status.as_u16() });
        }
    }
    let etag = response.headers().get(ETAG).cloned();
    let malformed = |problem| DocumentError::Malformed { url: shown(url), problem };
    let body = body(response, url).await?;
    let read = Declaration::parse(&body);
    agent.documents().keep(url, etag.as_ref(), read.as_ref().ok());
    read.map(Some).map_err(malformed)
}

/// Asks for a document, over as many addresses of the same origin as are allowed.
async fn follow(
    agent: &Agent,
    start: &Url,
    etag: Option<&HeaderValue>,
) -> Result<Response, DocumentError> {
    let refused = |problem| DocumentError::Redirect { url: shown(start), problem };
    let mut url = start.clone();
    for _ in 0..=REDIRECTS {
        let request = agent.bare(Method::GET, url.clone()).map_err(|error| {
            DocumentError::Unreachable { url: shown(start), cause: error.to_string() }
        })?;
        let mut request = request.header(ACCEPT, "application/json");
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = request.send().await.map_err(|error| unreachable(start, &error))?;
        // A client that was given may follow by itself.
        if response.url().origin() != start.origin() {
            return Err(refused("the server redirects to another origin"));
        }
        if !is_redirect(response.status()) {
            return Ok(response);
        }
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| url.join(to).ok());
        url = to.ok_or_else(|| refused("the server redirects without a usable `Location`"))?;
        if url.origin() != start.origin() {
            return Err(refused("the server redirects to another origin"));
        }
    }
    Err(refused("the server redirects again and again"))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The whole body, up to the bound.
async fn body(mut response: Response, url: &Url) -> Result<Vec<u8>, DocumentError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let bytes = body.len() + chunk.len();
                if bytes > Declaration::MAX_BYTES {
                    let problem = InvalidDeclaration::TooLarge { bytes };
                    return Err(DocumentError::Malformed { url: shown(url), problem });
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return Ok(body),
            Err(error) => return Err(unreachable(url, &error)),
        }
    }
}

fn unreachable(url: &Url, error: &reqwest::Error) -> DocumentError {
    DocumentError::Unreachable { url: shown(url), cause: causes(error) }
}

/// How many redirects are followed.
const REDIRECTS: usize = 3;
/// How long the whole of it may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The same for a handshake that goes on beside it.
const ADVICE: Duration = Duration::from_secs(1);
/// The longest `ETag` that is remembered, in bytes.
const LONGEST_ETAG: usize = 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    const PROFILE: &str = r#"[{"profileURL":"https://vidsrus/p/a","minMcpVersion":"2025-08-13"}]"#;

    /// A server whose answers are written by hand, and what it was asked.
    async fn server(
        answer: impl Fn(&str) -> String + Send + 'static,
    ) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if stream.read_line(&mut head).await.unwrap() == 0 {
                        break;
                    }
                }
                let answer = answer(&head);
                log.lock().unwrap().push(head);
                // Whoever has seen enough hangs up.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (origin, asked)
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        )
    }

    fn paths(asked: &Mutex<Vec<String>>) -> Vec<String> {
        let asked = asked.lock().unwrap();
        asked.iter().map(|head| head.split(' ').nth(1).unwrap_or_default().to_owned()).collect()
    }

    async fn discover(origin: &str) -> Result<Option<Declaration>, DocumentError> {
        discover_profiles(&Http::new(format!("{origin}/mcp/?a=b")).unwrap()).await
    }

    #[test]
    fn addresses_drop_one_slash_and_the_query() {
        for (endpoint, own) in [
            ("https://h/mcp", "https://h/.well-known/mcp-supported-profiles/mcp"),
            ("https://h/mcp/?a=b#c", "https://h/.well-known/mcp-supported-profiles/mcp"),
            ("https://h/a//", "https://h/.well-known/mcp-supported-profiles/a/"),
            ("https://h:8/%41", "https://h:8/.well-known/mcp-supported-profiles/%41"),
            ("https://h", "https://h/.well-known/mcp-supported-profiles"),
        ] {
            let [found, root] = addresses(&Url::parse(endpoint).unwrap());
            assert_eq!(found.as_str(), own, "{endpoint}");
            assert_eq!(root.path(), ROOT);
        }
    }

    #[tokio::test]
    async fn root_form_is_asked_for_only_after_404() {
        let (origin, asked) = server(|head| match head.contains("profiles/mcp ") {
            true => answer("404 Not Found", "", ""),
            false => answer("200 OK", "", PROFILE),
        })
        .await;
        let found = discover(&origin).await.unwrap().unwrap();
        assert!(found.find("https://vidsrus/p/a").is_some());
        assert_eq!(paths(&asked), [format!("{ROOT}/mcp"), ROOT.to_owned()]);

        let (origin, asked) = server(|_| answer("503 Service Unavailable", "", "")).await;
        let error = discover(&origin).await.unwrap_err();
        assert!(matches!(error, DocumentError::Status { status: 503, .. }), "{error}");
        assert_eq!(paths(&asked).len(), 1);
    }

    #[tokio::test]
    async fn nothing_is_declared_where_both_forms_are_missing() {
        let (origin, asked) = server(|_| answer("404 Not Found", "", "")).await;
        assert_eq!(discover(&origin).await, Ok(None));
        assert_eq!(paths(&asked).len(), 2);
    }

    #[tokio::test]
    async fn headers_of_the_caller_stay_away() {
        let (origin, asked) = server(|_| answer("200 OK", "", "[]")).await;
        let http = Http::new(&origin).unwrap().bearer_token("abc").header("x-key", "abc");
        assert!(discover_profiles(&http).await.unwrap().unwrap().is_empty());
        assert!(!asked.lock().unwrap()[0].contains("abc"));
    }

    #[tokio::test]
    async fn malformed_entry_is_named() {
        let body = r#"[{"profileURL":"https://h/a"},{"profileURL":"http://h/b"}]"#;
        let (origin, _) = server(move |_| answer("200 OK", "", body)).await;
        let error = discover(&origin).await.unwrap_err().to_string();
        assert!(error.contains("entry 1") && error.contains(&origin), "{error}");
    }

    #[tokio::test]
    async fn body_beyond_the_bound_is_not_read() {
        let (origin, _) = server(|_| {
            let length = "content-length: 99999999999";
            format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n{}", "[".repeat(Declaration::MAX_BYTES + 1))
        })
        .await;
        let error = discover(&origin).await.unwrap_err();
        let too_large = InvalidDeclaration::TooLarge { bytes: 0 };
        assert!(
            matches!(&error, DocumentError::Malformed { problem, .. }
                if std::mem::discriminant(problem) == std::mem::discriminant(&too_large)),
            "{error}"
        );
    }

    #[tokio::test]
    async fn redirects_are_followed_within_the_origin_and_only_so_often() {
        let (origin, asked) = server(|head| match head.contains("/moved ") {
            true => answer("200 OK", "", PROFILE),
            false => answer("308 Permanent Redirect", "location: /moved\r\n", ""),
        })
        .await;
        assert!(discover(&origin).await.unwrap().is_some());
        assert_eq!(paths(&asked)[1], "/moved");

        let (other, unasked) = server(|_| answer("200 OK", "", PROFILE)).await;
        let (origin, _) =
            server(move |_| answer("302 Found", &format!("location: {other}/\r\n"), "")).await;
        let error = discover(&origin).await.unwrap_err().to_string();
        assert!(error.contains("another origin"), "{error}");
        assert!(paths(&unasked).is_empty());

        let (origin, asked) = server(|_| answer("302 Found", "location: ?\r\n", "")).await;
        let error = discover(&origin).await.unwrap_err().to_string();
        assert!(error.contains("again and again"), "{error}");
        assert_eq!(paths(&asked).len(), REDIRECTS + 1);
    }

    #[tokio::test]
    async fn document_that_has_not_changed_is_not_sent_again() {
        let (origin, asked) = server(|head| match head.contains("if-none-match: \"1\"") {
            true => answer("304 Not Modified", "etag: \"1\"\r\n", ""),
            false => answer("200 OK", "etag: \"1\"\r\n", PROFILE),
        })
        .await;
        let http = Http::new(&origin).unwrap();
        let first = discover_profiles(&http).await.unwrap();
        assert_eq!(discover_profiles(&http.clone()).await.unwrap(), first);
        assert!(asked.lock().unwrap()[1].contains("if-none-match"));
        assert!(first.is_some());
    }

    #[tokio::test]
    async fn advice_comes_beside_the_handshake_to_those_who_want_it() {
        let (origin, asked) = server(|_| answer("200 OK", "", PROFILE)).await;
        let http = Http::new(&origin).unwrap();
        let (done, found) = beside(&http, async { 7 }, |_| false).await;
        assert_eq!((done, found), (7, None));
        let (_, found) = beside(&http, async {}, |()| true).await;
        assert_eq!(found.unwrap().len(), 1);
        assert_eq!(paths(&asked).len(), 1);
        let (other, _) = server(|_| answer("200 OK", "", "nonsense")).await;
        let (_, found) = beside(&Http::new(other).unwrap(), async {}, |()| true).await;
        assert_eq!(found, None);
    }

    #[tokio::test(start_paused = true)]
    async fn silent_server_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = Http::new(format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let error = discover_profiles(&http).await.unwrap_err();
        // The stopped clock may be ahead of the connection, too.
        assert!(
            matches!(error, DocumentError::Timeout { .. } | DocumentError::Unreachable { .. }),
            "{error}"
        );
    }
}
