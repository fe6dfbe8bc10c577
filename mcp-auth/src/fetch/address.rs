//! Which addresses may be connected to.
//!
//! A URL that a stranger names must not make this machine ask its own network: every address is
//! judged after names were looked up, so a name cannot stand for something else a moment later.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::Refused;

/// What is allowed beyond public addresses.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) loopback: bool,
    pub(super) private: bool,
    /// Hosts whose addresses were given: nobody else can say where they are.
    pub(super) given: HashMap<Box<str>, Vec<IpAddr>>,
    /// The proxy, whose name is looked up like others and whose address was chosen by the caller.
    pub(super) proxy: Option<Box<str>>,
}

impl Rules {
    /// Judges everything about a URL that can be judged before names are looked up.
    pub(super) fn check(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host().ok_or(Refused::Scheme)?;
        let stays_here = match host {
            Host::Domain(name) => is_localhost(name),
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if stays_here => {}
            _ => return Err(Refused::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        match host {
            Host::Domain(name) if is_localhost(name) => self.check_address(LOOPBACK[0]),
            Host::Domain(_) => Ok(()),
            Host::Ipv4(ip) => self.check_address(ip.into()),
            Host::Ipv6(ip) => self.check_address(ip.into()),
        }
    }

    fn check_address(&self, address: IpAddr) -> Result<(), Refused> {
        let refused = |kind| Err(Refused::Address { address, kind });
        match judge(address) {
            AddressKind::Public => Ok(()),
            AddressKind::Loopback if self.loopback => Ok(()),
            AddressKind::Private if self.private => Ok(()),
            kind => refused(kind),
        }
    }

    /// Those of the addresses that may be connected to; the first refusal if there is none.
    fn keep(&self, addresses: impl Iterator<Item = IpAddr>) -> Result<Vec<SocketAddr>, Refused> {
        let mut kept = Vec::new();
        let mut refused = None;
        for address in addresses {
            match self.check_address(address) {
                Ok(()) => kept.push((address, 0).into()),
                Err(why) => {
                    refused.get_or_insert(why);
                }
            }
        }
        match refused {
            Some(why) if kept.is_empty() => Err(why),
            _ => Ok(kept),
        }
    }
}

/// Looks names up and gives only the addresses that the rules let through.
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Arc<Rules>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let name = name.as_str().trim_end_matches('.').to_ascii_lowercase();
            let addresses = if let Some(given) = rules.given.get(&*name) {
                given.iter().map(|&address| (address, 0).into()).collect()
            } else if is_localhost(&name) {
                rules.keep(LOOPBACK.into_iter())?
            } else {
                let found = tokio::net::lookup_host((&*name, 0)).await?;
                match rules.proxy.as_deref() == Some(&*name) {
                    true => found.collect(),
                    false => rules.keep(found.map(|address| address.ip()))?,
                }
            };
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// RFC 6761, 6.3: such names are this machine, whether the resolver knows it or not.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// What kind of address something is (RFC 6890 and the registries of IANA that follow it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressKind {
    /// Anybody can reach it.
    Public,
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// The local link, where most clouds keep the credentials of their machines.
    LinkLocal,
    /// Another address where a cloud keeps them.
    CloudMetadata,
    /// Many receivers.
    Multicast,
    /// Not in use, or not for this.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "is public",
            Self::Loopback => "is this machine, which has to be allowed",
            Self::Private => "is in a private network, which has to be allowed",
            Self::LinkLocal => "is of the local link, where clouds keep credentials",
            Self::CloudMetadata => "is where a cloud keeps credentials",
            Self::Multicast => "is for many receivers",
            Self::Reserved => "is reserved",
        })
    }
}

fn judge(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => judge_v4(address),
        IpAddr::V6(address) => judge_v6(address),
    }
}

fn judge_v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        [100, 100, 100, 200] => AddressKind::CloudMetadata,
        [127, ..] => AddressKind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => {
            AddressKind::Private
        }
        [169, 254, ..] => AddressKind::LinkLocal,
        [224..=239, ..] => AddressKind::Multicast,
        // "This network", protocol assignments, documentation, the old 6to4 relays, benchmarks,
        // and what is left at the end.
        [0, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [240..=255, ..] => AddressKind::Reserved,
        _ => AddressKind::Public,
    }
}

fn judge_v6(address: Ipv6Addr) -> AddressKind {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        judge_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressKind::Reserved,
        // Addresses of IPv4 in other clothes: compatible, mapped, translated, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // NAT64 of a network's own (RFC 8215).
        [0x64, 0xff9b, 1, ..] => AddressKind::Private,
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => AddressKind::CloudMetadata,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressKind::Private,
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        // Teredo and other protocols, documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            AddressKind::Reserved
        }
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(address: &str) -> AddressKind {
        judge(address.parse().unwrap())
    }

    #[test]
    fn every_special_range_is_known() {
        for (address, expected) in [
            ("93.184.215.14", AddressKind::Public),
            ("2606:4700::1111", AddressKind::Public),
            ("127.0.0.1", AddressKind::Loopback),
            ("127.255.0.3", AddressKind::Loopback),
            ("::1", AddressKind::Loopback),
            ("::ffff:127.0.0.1", AddressKind::Loopback),
            ("10.1.2.3", AddressKind::Private),
            ("172.16.0.1", AddressKind::Private),
            ("172.31.255.255", AddressKind::Private),
            ("172.32.0.1", AddressKind::Public),
            ("192.168.1.1", AddressKind::Private),
            ("100.64.0.1", AddressKind::Private),
            ("100.100.100.200", AddressKind::CloudMetadata),
            ("100.128.0.1", AddressKind::Public),
            ("::ffff:10.0.0.1", AddressKind::Private),
            ("::10.0.0.1", AddressKind::Private),
            ("64:ff9b::10.0.0.1", AddressKind::Private),
            ("64:ff9b::93.184.215.14", AddressKind::Public),
            ("64:ff9b:1::1", AddressKind::Private),
            ("2002:a00:1::1", AddressKind::Private),
            ("fc00::1", AddressKind::Private),
            ("fd12:3456::1", AddressKind::Private),
            ("fec0::1", AddressKind::Private),
            ("fd00:ec2::254", AddressKind::CloudMetadata),
            ("169.254.169.254", AddressKind::LinkLocal),
            ("::ffff:169.254.169.254", AddressKind::LinkLocal),
            ("64:ff9b::a9fe:a9fe", AddressKind::LinkLocal),
            ("2002:a9fe:a9fe::", AddressKind::LinkLocal),
            ("fe80::1", AddressKind::LinkLocal),
            ("224.0.0.1", AddressKind::Multicast),
            ("ff02::1", AddressKind::Multicast),
            ("0.0.0.0", AddressKind::Reserved),
            ("0.1.2.3", AddressKind::Reserved),
            ("::", AddressKind::Reserved),
            ("192.0.2.1", AddressKind::Reserved),
            ("198.51.100.1", AddressKind::Reserved),
            ("203.0.113.1", AddressKind::Reserved),
            ("198.19.0.1", AddressKind::Reserved),
            ("255.255.255.255", AddressKind::Reserved),
            ("2001::1", AddressKind::Reserved),
            ("2001:db8::1", AddressKind::Reserved),
            ("3fff::1", AddressKind::Reserved),
            ("100::1", AddressKind::Reserved),
            ("4000::1", AddressKind::Reserved),
        ] {
            assert_eq!(kind(address), expected, "{address}");
        }
    }

    fn check(rules: &Rules, url: &str) -> Result<(), Refused> {
        rules.check(&Url::parse(url).unwrap())
    }

    #[test]
    fn only_https_is_fetched_unless_it_stays_here() {
        let strict = Rules::default();
        assert_eq!(check(&strict, "https://login.example/"), Ok(()));
        for url in ["http://login.example/", "ftp://login.example/", "file:///etc/passwd"] {
            assert_eq!(check(&strict, url), Err(Refused::Scheme), "{url}");
        }
        assert_eq!(check(&strict, "https://a:b@login.example/"), Err(Refused::UserInfo));
        let lenient = Rules { loopback: true, ..Rules::default() };
        for url in [
            "http://127.0.0.1:1/",
            "http://[::1]:1/",
            "http://localhost:1/",
            "http://a.LOCALHOST./",
            "https://localhost/",
            // Other ways to write the same address.
            "http://2130706433/",
            "http://0x7f.1/",
        ] {
            assert!(matches!(check(&strict, url), Err(Refused::Address { .. })), "{url}");
            assert_eq!(check(&lenient, url), Ok(()), "{url}");
        }
        assert_eq!(check(&lenient, "http://10.0.0.1/"), Err(Refused::Scheme));
    }

    #[test]
    fn private_networks_have_to_be_allowed_and_links_cannot_be() {
        let strict = Rules { loopback: true, ..Rules::default() };
        let lenient = Rules { private: true, ..strict.clone() };
        for url in ["https://10.0.0.1/", "https://[fd12::1]/", "https://[::ffff:192.168.0.1]/"] {
            assert!(check(&strict, url).is_err(), "{url}");
            assert_eq!(check(&lenient, url), Ok(()), "{url}");
        }
        for url in ["https://169.254.169.254/", "https://[fd00:ec2::254]/", "https://0.0.0.0/"] {
            assert!(check(&lenient, url).is_err(), "{url}");
        }
    }

    #[test]
    fn addresses_that_are_refused_are_left_out() {
        let rules = Rules::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mixed = [address("10.0.0.1"), address("93.184.215.14")];
        let kept = rules.keep(mixed.into_iter()).unwrap();
        assert_eq!(kept, [SocketAddr::from((mixed[1], 0))]);
        let refused = rules.keep(mixed[..1].iter().copied()).unwrap_err();
        assert!(refused.to_string().contains("10.0.0.1 is in a private network"), "{refused}");
    }

    #[tokio::test]
    async fn names_are_judged_by_their_addresses() {
        let resolve = async |rules: Rules, name: &str| {
            let found = Resolver(Arc::new(rules)).resolve(name.parse().unwrap()).await;
            found.map(Iterator::collect::<Vec<_>>)
        };
        let refused = resolve(Rules::default(), "login.localhost").await.unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(Refused::Address { .. })));
        let here = resolve(Rules { loopback: true, ..Rules::default() }, "localhost").await;
        assert_eq!(here.unwrap().len(), 2);
        let inside = IpAddr::from([10, 0, 0, 1]);
        let given = HashMap::from([("login.example".into(), vec![inside])]);
        let rules = Rules { given, ..Rules::default() };
        assert_eq!(resolve(rules, "Login.Example").await.unwrap()[0].ip(), inside);
    }
}
