//! Proxies in front of the service, and what they say about the request that reached them.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::request::Parts;

use super::refusal::Refusal;

/// The address of whoever opened the connection, as an extension of a request.
///
/// [`HttpService::serve`](super::HttpService::serve) sets it. Where something else serves the
/// connections, a layer has to, or no proxy is trusted; with axum:
///
/// ```ignore
/// async fn peer(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request, next: Next) -> Response {
///     request.extensions_mut().insert(Peer(address));
///     next.run(request).await
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer(pub SocketAddr);

/// The proxies whose forwarding headers count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<Network>);

#[derive(Debug, Clone, Copy)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Proxies {
    /// Reads addresses (`10.1.2.3`, `::1`) and networks (`10.0.0.0/8`).
    ///
    /// # Errors
    /// Names the entry that is neither.
    pub(crate) fn parse<T: AsRef<str>>(
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, String> {
        let network = |entry: T| {
            let entry = entry.as_ref();
            Network::parse(entry).ok_or_else(|| {
                format!("trusted proxy `{entry}` is neither an IP address nor a network like `10.0.0.0/8`")
            })
        };
        entries.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request came over one of them.
    pub(crate) fn forwarded(&self, head: &Parts) -> bool {
        !self.0.is_empty()
            && head.extensions.get::<Peer>().is_some_and(|peer| {
                let address = peer.0.ip().to_canonical();
                self.0.iter().any(|network| network.contains(address))
            })
    }
}

impl Network {
    fn parse(entry: &str) -> Option<Self> {
        let (address, bits) = match entry.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (entry, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most)?,
            None => most,
        };
        Some(Self { address, bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            // A shift by the whole width would overflow: a network of no bits has everyone.
            let shift = width - u32::from(self.bits);
            one.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same(u32::from(one).into(), u32::from(other).into(), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.into(), other.into(), 128),
            _ => false,
        }
    }
}

/// What a proxy says about the request that reached it.
///
/// Of a list the last entry counts: it is what the nearest proxy has seen, while the first may be
/// the client's own invention.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) https: Option<bool>,
}

impl<'a> Forwarded<'a> {
    /// Reads `Forwarded` (RFC 7239) and `X-Forwarded-Host`, `X-Forwarded-Proto`.
    ///
    /// # Errors
    /// 400 when they contradict each other: one of them was not written by the proxy.
    pub(crate) fn read(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let standard = last(headers, "forwarded", true)?.unwrap_or_default();
        let host = one(parameter(standard, "host"), last(headers, "x-forwarded-host", false)?)?;
        let scheme = one(parameter(standard, "proto"), last(headers, "x-forwarded-proto", false)?)?;
        let https = scheme.map(|scheme| scheme.eq_ignore_ascii_case("https"));
        Ok(Self { host, https })
    }
}

/// The last entry of a header that is a list.
fn last<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
    quotes: bool,
) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = headers.get_all(name).iter().next_back() else { return Ok(None) };
    let Ok(value) = value.to_str() else {
        return Err(Refusal::bad_request(format!("the header {name} cannot be read")));
    };
    let mut quoted = false;
    let from = value.char_indices().fold(0, |from, (at, char)| {
        quoted ^= quotes && char == '"';
        if char == ',' && !quoted { at + 1 } else { from }
    });
    Ok(Some(value[from..].trim_ascii()).filter(|entry| !entry.is_empty()))
}

fn parameter<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = entry.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim_ascii().eq_ignore_ascii_case(name))?;
    let value = value.trim_ascii();
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

fn one<'a>(one: Option<&'a str>, other: Option<&'a str>) -> Result<Option<&'a str>, Refusal> {
    match (one, other) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => Err(Refusal::bad_request(
            "the forwarding headers contradict each other: have the proxy write one kind and remove the others",
        )),
        (one, other) => Ok(one.or(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusts(entries: &[&str], address: &str) -> bool {
        let mut head = http::Request::new(()).into_parts().0;
        head.extensions.insert(Peer((address.parse::<IpAddr>().unwrap(), 1).into()));
        Proxies::parse(entries).unwrap().forwarded(&head)
    }

    #[test]
    fn networks_hold_their_addresses_only() {
        assert!(trusts(&["10.0.0.0/8"], "10.255.0.1"));
        assert!(trusts(&["10.0.0.0/8"], "::ffff:10.0.0.1"));
        assert!(!trusts(&["10.0.0.0/8"], "11.0.0.1"));
        assert!(trusts(&["192.0.2.7"], "192.0.2.7") && !trusts(&["192.0.2.7"], "192.0.2.6"));
        assert!(trusts(&["::1", "0.0.0.0/0"], "198.51.100.1"));
        assert!(trusts(&["::/0"], "2001:db8::1") && !trusts(&["::/0"], "198.51.100.1"));
        assert!(trusts(&["2001:db8::/33"], "2001:db8:7fff::1"));
        assert!(!trusts(&["2001:db8::/33"], "2001:db8:8000::1"));
        assert!(!trusts(&[], "127.0.0.1"));
        for wrong in ["", "proxy.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::1/129"] {
            assert!(Proxies::parse([wrong]).unwrap_err().contains(wrong));
        }
    }

    fn read(headers: &[(&'static str, &'static str)]) -> Option<(Option<String>, Option<bool>)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let forwarded = Forwarded::read(&map).ok()?;
        Some((forwarded.host.map(str::to_owned), forwarded.https))
    }

    #[test]
    fn last_entry_of_forwarding_headers_counts() {
        let host = |host: &str, https| Some((Some(host.to_owned()), https));
        assert_eq!(read(&[]), Some((None, None)));
        assert_eq!(
            read(&[("x-forwarded-host", "evil.example, a.example")]),
            host("a.example", None)
        );
        assert_eq!(
            read(&[("x-forwarded-host", "evil.example"), ("x-forwarded-host", "a.example")]),
            host("a.example", None)
        );
        assert_eq!(
            read(&[(
                "forwarded",
                r#"for="[::1],x";host=evil, for=1;Host="a.example:8";PROTO=HTTPS"#
            )]),
            host("a.example:8", Some(true))
        );
        assert_eq!(
            read(&[("forwarded", "host=a.example;proto=http"), ("x-forwarded-host", "A.example")]),
            host("a.example", Some(false))
        );
        assert_eq!(
            read(&[("forwarded", "host=a.example"), ("x-forwarded-host", "b.example")]),
            None
        );
    }
}
