//! What a caller shows.

use std::fmt;
use std::time::SystemTime;

use http::header::{AUTHORIZATION, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method};
use mcp_auth::Url;

use super::{ClientCertificate, Denial, Denied};

/// The longest token that is looked at.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What a caller shows with one request.
///
/// Its `Debug` output has no token and no proof.
#[derive(Clone)]
#[non_exhaustive]
pub struct Presented<'a> {
    /// The access token.
    pub token: &'a str,
    /// The scheme that it is shown under.
    pub scheme: Scheme,
    /// The values of the header `DPoP`.
    pub proofs: Vec<&'a HeaderValue>,
    /// The method of the request.
    pub method: &'a Method,
    /// The URL of the request, as the caller called it: what proxies did to it is undone.
    pub url: &'a Url,
    /// The certificate that the caller made its connection with.
    pub certificate: Option<&'a ClientCertificate>,
    /// What time it is.
    pub now: SystemTime,
}

impl<'a> Presented<'a> {
    /// A bearer token that came with this request.
    pub fn bearer(token: &'a str, method: &'a Method, url: &'a Url, now: SystemTime) -> Self {
        Self {
            token,
            scheme: Scheme::Bearer,
            proofs: Vec::new(),
            method,
            url,
            certificate: None,
            now,
        }
    }

    /// Reads the head of a request: its headers, and the certificate among its extensions.
    ///
    /// Gives `None` when there is no header `Authorization`. Tokens in the query or the body are never
    /// read (2026-07-28, basic/authorization, "Token Requirements").
    ///
    /// # Errors
    ///
    /// The header comes twice, or holds no token of a scheme that is understood.
    pub fn read(head: &'a Parts, url: &'a Url, now: SystemTime) -> Result<Option<Self>, Denied> {
        let Some((scheme, token)) = credentials(&head.headers)? else { return Ok(None) };
        Ok(Some(Self {
            token,
            scheme,
            proofs: head.headers.get_all("dpop").iter().take(2).collect(),
            method: &head.method,
            url,
            certificate: head.extensions.get::<ClientCertificate>(),
            now,
        }))
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("scheme", &self.scheme)
            .field("proofs", &self.proofs.len())
            .field("method", &self.method)
            .field("url", &self.url.path())
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// The scheme that a token is shown under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    DPoP,
}

impl Scheme {
    /// Its name in the headers `Authorization` and `WWW-Authenticate`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::DPoP => "DPoP",
        }
    }
}

/// The one `Authorization` header, taken apart.
fn credentials(headers: &HeaderMap) -> Result<Option<(Scheme, &str)>, Denied> {
    let invalid = |reason| Err(Denied::new(Denial::InvalidRequest, reason));
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return invalid("the request has more than one authorization header");
    }
    let Ok(value) = value.to_str() else {
        return invalid("the authorization header is not ascii");
    };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let scheme = [Scheme::Bearer, Scheme::DPoP]
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known.name()));
    let Some(scheme) = scheme else {
        let reason = "the authorization header is of a scheme other than bearer and dpop";
        return Err(Denied::new(Denial::Unauthenticated, reason));
    };
    let token = token.trim_start_matches(' ');
    if token.len() > LONGEST_TOKEN {
        return invalid("the token is longer than 16 KiB");
    }
    if !is_token68(token) {
        return invalid("the authorization header has no token, or more than a token");
    }
    Ok(Some((scheme, token)))
}

/// RFC 9110, 11.2; the `b64token` of RFC 6750 is the same.
fn is_token68(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<(Scheme, String)>, Denial> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        credentials(&headers)
            .map(|found| found.map(|(scheme, token)| (scheme, token.to_owned())))
            .map_err(|denied| denied.denial)
    }

    #[test]
    fn token_is_read_under_its_scheme_whatever_the_case() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Bearer a.b-c_~+/=="]), Ok(Some((Scheme::Bearer, "a.b-c_~+/==".into()))));
        assert_eq!(read(&["bEARER  t"]), Ok(Some((Scheme::Bearer, "t".into()))));
        assert_eq!(read(&["dpop t"]), Ok(Some((Scheme::DPoP, "t".into()))));
    }

    #[test]
    fn malformed_header_is_an_invalid_request() {
        let long = format!("Bearer {}", "a".repeat(LONGEST_TOKEN + 1));
        for value in
            ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer =", "Bearer a=b", &long]
        {
            assert_eq!(read(&[value]), Err(Denial::InvalidRequest), "{value:.40}");
        }
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(Denial::InvalidRequest));
        assert_eq!(read(&["Bearer \u{e4}"]), Err(Denial::InvalidRequest));
    }

    #[test]
    fn unknown_scheme_is_no_authentication() {
        assert_eq!(read(&["Basic YTpi"]), Err(Denial::Unauthenticated));
        assert_eq!(read(&[""]), Err(Denial::Unauthenticated));
    }

    #[test]
    fn debug_output_has_no_token() {
        let url = Url::parse("https://mcp.example/mcp?secret-query").unwrap();
        let presented =
            Presented::bearer("secret-token", &Method::POST, &url, SystemTime::UNIX_EPOCH);
        assert!(!format!("{presented:?}").contains("secret"), "{presented:?}");
    }
}
