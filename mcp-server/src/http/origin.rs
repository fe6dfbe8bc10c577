//! Whose pages may call: the check of `Origin`, and what browsers are told about it (CORS).
//!
//! Browsers say in `Origin` which page sends a request, and pages cannot change it. Whatever is no
//! browser sends none.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};

use super::HttpBody;
use super::host::{Addressed, Host};
use super::refusal::Refusal;

/// What a page of another origin may read of an answer besides the body.
const EXPOSED: &str = "mcp-session-id, mcp-protocol-version, www-authenticate, retry-after, etag";

/// The origins whose pages may call besides the server's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(Vec<Box<str>>);

/// A page of another origin that may call.
#[derive(Debug)]
pub(crate) struct CrossOrigin(HeaderValue);

impl Origins {
    /// Reads origins as browsers send them: scheme, host, and the port where it is not the
    /// scheme's own.
    ///
    /// # Errors
    /// Names the entry that is none.
    pub(crate) fn parse<T: AsRef<str>>(
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, String> {
        let origin = |entry: T| {
            let entry = entry.as_ref();
            serialized(entry).ok_or_else(|| {
                format!("allowed origin `{entry}` is none: write it like `https://app.example`")
            })
        };
        entries.into_iter().map(origin).collect::<Result<_, _>>().map(Self)
    }

    /// Lets a request pass that no page has sent, or one that may.
    ///
    /// # Errors
    /// 403 (2026-07-28, basic/transports/streamable-http, "Security & Endpoint").
    pub(crate) fn check(
        &self,
        head: &Parts,
        addressed: &Addressed<'_>,
    ) -> Result<Option<CrossOrigin>, Refusal> {
        let mut values = head.headers.get_all(ORIGIN).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let (Ok(origin), None) = (value.to_str(), values.next()) else {
            return Err(forbidden());
        };
        if is_own(origin, addressed) {
            return Ok(None);
        }
        let allowed = serialized(origin).is_some_and(|origin| self.0.contains(&origin));
        if allowed { Ok(Some(CrossOrigin(value.clone()))) } else { Err(forbidden()) }
    }

    /// Whether answers differ by origin.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl CrossOrigin {
    /// Lets the page read the answer.
    pub(crate) fn share(&self, response: &mut Response<HttpBody>) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }

    /// Answers the question of a browser whether the page may send a request.
    pub(crate) fn preflight(&self, head: &Parts, methods: &'static str) -> Response<HttpBody> {
        let mut response = Response::new(HttpBody::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        // The names of `Mcp-Param-*` are the tools' business, and the page is trusted already.
        if let Some(wanted) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        response
    }
}

/// Whether this is the question of a browser before a request.
pub(crate) fn is_preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Tells caches that answers differ by origin.
pub(crate) fn vary(response: &mut Response<HttpBody>) {
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
}

/// Whether a page of this origin comes from the host that it calls.
fn is_own(origin: &str, addressed: &Addressed<'_>) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    let https = match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => true,
        _ if scheme.eq_ignore_ascii_case("http") => false,
        _ => return false,
    };
    let Some(host) = Host::parse(host) else { return false };
    let default = if https { 443 } else { 80 };
    host.name == addressed.host.name
        && host.port.unwrap_or(default) == addressed.host.port.unwrap_or(default)
        && addressed.https.is_none_or(|known| known == https)
}

/// An origin as browsers write it.
fn serialized(text: &str) -> Option<Box<str>> {
    let (scheme, host) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
        return None;
    }
    let host = Host::parse(host)?;
    let port = match (&*scheme, host.port) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    Some(format!("{scheme}://{}{port}", host.name).into())
}

fn forbidden() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "pages of this origin may not call the server: its operator can allow the origin",
    )
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(
        allowed: &[&str],
        host: &str,
        https: Option<bool>,
        origin: &str,
    ) -> Result<bool, StatusCode> {
        let head = Request::builder().header(ORIGIN, origin).body(()).unwrap().into_parts().0;
        let addressed = Addressed { host: Host::parse(host).unwrap(), https };
        let passed = Origins::parse(allowed).unwrap().check(&head, &addressed);
        passed.map(|cross| cross.is_some()).map_err(|refusal| refusal.status())
    }

    #[test]
    fn own_pages_may_call() {
        for (host, origin) in [
            ("localhost:8080", "http://localhost:8080"),
            ("localhost:8080", "HTTP://LocalHost:8080"),
            ("a.example", "https://a.example"),
            ("a.example", "http://a.example:80"),
            ("a.example:443", "https://a.example"),
            ("[::1]:1", "http://[::1]:1"),
        ] {
            assert_eq!(check(&[], host, None, origin), Ok(false), "{origin}");
        }
        assert_eq!(check(&[], "a.example", Some(true), "https://a.example"), Ok(false));
    }

    #[test]
    fn pages_of_others_may_not() {
        let allowed = ["https://app.example", "http://localhost:6274", "vscode-webview://x"];
        for (host, origin) in [
            ("localhost:8080", "null"),
            ("localhost:8080", ""),
            ("localhost:8080", "http://localhost:8081"),
            ("localhost:8080", "http://localhost"),
            ("localhost:8080", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://localhost:8080/"),
            ("localhost:8080", "http://localhost:8080 http://localhost:8080"),
            ("localhost:8080", "http://user@localhost:8080"),
            ("localhost:8080", "file://localhost:8080"),
            ("localhost:8080", "https://app.example.evil"),
            ("localhost:8080", "http://app.example"),
            ("localhost:8080", "https://app.example:8443"),
            ("a.example:443", "http://a.example"),
        ] {
            assert_eq!(check(&allowed, host, None, origin), Err(StatusCode::FORBIDDEN), "{origin}");
        }
        let known = check(&[], "a.example", Some(true), "http://a.example");
        assert_eq!(known, Err(StatusCode::FORBIDDEN));
    }

    #[test]
    fn allowed_pages_may_call_from_elsewhere() {
        let allowed = ["HTTPS://App.example:443", "http://localhost:6274", "vscode-webview://x"];
        for origin in ["https://app.example", "http://localhost:6274", "vscode-webview://x"] {
            assert_eq!(check(&allowed, "localhost:8080", None, origin), Ok(true), "{origin}");
        }
        for wrong in ["", "*", "null", "app.example", "https://app.example/", "https://"] {
            assert!(Origins::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
