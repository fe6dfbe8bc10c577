//! Which host a request is for: the one name on which tenants and the defence against DNS
//! rebinding rest.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::header::HOST;
use http::request::Parts;

use super::proxy::{Forwarded, Proxies};
use super::refusal::Refusal;

/// A host as it is compared: lower case, without trailing dot; the port beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads `host` or `host:port`; `None` when it is neither.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = match rest {
                "" => None,
                rest => port(rest.strip_prefix(':')?)?,
            };
            return Some(Self { name: Cow::Owned(format!("[{address}]")), port });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, digits)) => (name, port(digits)?),
            None => (text, None),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if name.is_empty() || name.len() > 253 || !name.bytes().all(is_name) {
            return None;
        }
        let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
        Some(Self { name, port })
    }

    /// Whether both name the same host and port; a missing port is that of the scheme.
    fn agrees(&self, other: &Self) -> bool {
        self.name == other.name
            && match (self.port, other.port) {
                (Some(one), Some(other)) => one == other,
                (Some(port), None) | (None, Some(port)) => matches!(port, 80 | 443),
                (None, None) => true,
            }
    }
}

/// The host that a request is for, and how it was reached as far as that is known.
#[derive(Debug)]
pub(crate) struct Addressed<'a> {
    pub(crate) host: Host<'a>,
    /// Whether the client used `https`; known only from a trusted proxy.
    pub(crate) https: Option<bool>,
}

/// Finds out which host a request is for.
///
/// # Errors
/// 400 when it names none, or several (RFC 9112, 3.2).
pub(crate) fn addressed<'a>(head: &'a Parts, proxies: &Proxies) -> Result<Addressed<'a>, Refusal> {
    let mut values = head.headers.get_all(HOST).iter();
    let header = match (values.next(), values.next()) {
        (_, Some(_)) => {
            return Err(Refusal::bad_request("there are several Host headers: send one"));
        }
        (Some(value), None) => Some(value.to_str().ok().and_then(Host::parse).ok_or_else(invalid)?),
        (None, None) => None,
    };
    let target = match head.uri.authority() {
        Some(authority) => Some(Host::parse(authority.as_str()).ok_or_else(invalid)?),
        None => None,
    };
    let host = match (target, header) {
        (Some(target), Some(header)) if !target.agrees(&header) => {
            return Err(Refusal::bad_request(
                "the Host header and the request target name different hosts: send the same",
            ));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => {
            return Err(Refusal::bad_request("the Host header is missing: send one"));
        }
    };
    if !proxies.forwarded(head) {
        return Ok(Addressed { host, https: None });
    }
    let forwarded = Forwarded::read(&head.headers)?;
    let host = match forwarded.host {
        Some(host) => Host::parse(host).ok_or_else(invalid)?,
        None => host,
    };
    Ok(Addressed { host, https: forwarded.https })
}

/// A port; `host:` without one is allowed (RFC 3986, 3.2.3).
#[expect(clippy::option_option, reason = "no port is not the same as a wrong one")]
fn port(digits: &str) -> Option<Option<u16>> {
    match digits {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    }
}

fn invalid() -> Refusal {
    Refusal::bad_request("the request names no valid host: send the host of the URL as Host header")
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::{Request, StatusCode, Version};

    use super::super::Peer;
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<u16>)> {
        Host::parse(text).map(|host| (host.name.into_owned(), host.port))
    }

    #[test]
    fn host_is_lower_case_without_port_and_trailing_dot() {
        for (text, name, port) in [
            ("VidsRUS.Example", "vidsrus.example", None),
            ("vidsrus.example.", "vidsrus.example", None),
            ("vidsrus.example.:8443", "vidsrus.example", Some(8443)),
            ("localhost:", "localhost", None),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]:8080", "[::1]", Some(8080)),
            ("[0:0:0:0:0:0:0:1]", "[::1]", None),
            ("[FE80::A]", "[fe80::a]", None),
        ] {
            assert_eq!(parsed(text), Some((name.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = "a".repeat(254);
        for text in [
            "",
            ".",
            ":80",
            "a b",
            "a/b",
            "user@host",
            "host:port",
            "host:65536",
            "host:+80",
            "a:1:2",
            "[::1",
            "[::1]x",
            "[::1]80",
            "[]",
            "::1",
            "a\u{e9}",
            "host,other",
            "a%2eb",
            &long,
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    fn head(target: &str, hosts: &[&str]) -> Parts {
        let mut request = Request::builder().uri(target).version(Version::HTTP_11);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn of(head: &Parts) -> Result<String, StatusCode> {
        addressed(head, &Proxies::default())
            .map(|addressed| addressed.host.name.into_owned())
            .map_err(|refusal| refusal.status())
    }

    #[test]
    fn request_names_exactly_one_host() {
        assert_eq!(of(&head("/mcp", &["A.example:80"])).unwrap(), "a.example");
        assert_eq!(of(&head("http://a.example/mcp", &[])).unwrap(), "a.example");
        assert_eq!(of(&head("http://a.example/mcp", &["a.example:80"])).unwrap(), "a.example");
        for (target, hosts) in [
            ("/mcp", &[] as &[&str]),
            ("/mcp", &["a.example", "b.example"]),
            ("/mcp", &["a.example", "a.example"]),
            ("/mcp", &["a.example, b.example"]),
            ("http://a.example/mcp", &["b.example"]),
            ("http://a.example:81/mcp", &["a.example"]),
            ("http://a.example:81/mcp", &["a.example:82"]),
            ("http://user@a.example/mcp", &["a.example"]),
        ] {
            assert_eq!(
                of(&head(target, hosts)),
                Err(StatusCode::BAD_REQUEST),
                "{target} {hosts:?}"
            );
        }
    }

    #[test]
    fn forwarded_host_counts_only_from_a_trusted_proxy() {
        let proxies = Proxies::parse(["10.0.0.0/8"]).unwrap();
        let mut head = head("/mcp", &["inside.example"]);
        head.headers.insert("x-forwarded-host", "Public.example".parse().unwrap());
        head.headers.insert("x-forwarded-proto", "https".parse().unwrap());
        let name = |head: &Parts| {
            let addressed = addressed(head, &proxies).unwrap();
            (addressed.host.name.into_owned(), addressed.https)
        };
        assert_eq!(name(&head), ("inside.example".to_owned(), None));
        for (address, expected) in [
            ("10.1.2.3", ("public.example".to_owned(), Some(true))),
            ("192.0.2.1", ("inside.example".to_owned(), None)),
        ] {
            let address: IpAddr = address.parse().unwrap();
            head.extensions.insert(Peer((address, 1).into()));
            assert_eq!(name(&head), expected);
        }
    }
}
