//! What servers read of a caller in the head of a request.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::{Context, Poll};
use std::time::SystemTime;

use http::Request;
use http::header::{HeaderName, HeaderValue};
use mcp_auth::Url;
use mcp_server::auth::{CertificateHeader, ClientCertificate, Presented, TrustedProxyCertificate};
use mcp_server::http::Peer;
use tower_layer::Layer as _;
use tower_service::Service;

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Each line is a header, which a trusted proxy and a stranger send.
pub(crate) fn run(data: &[u8]) {
    if let Ok(shown) = ClientCertificate::from_der(data) {
        assert!(shown.spiffe_id().is_none_or(|id| id.starts_with("spiffe://")));
    }
    for header in
        [CertificateHeader::ClientCert, CertificateHeader::Xfcc, CertificateHeader::EscapedPem]
    {
        let trusted = TrustedProxyCertificate::new([PROXY.to_string()], header)
            .expect("it is the address of a proxy");
        for (address, believed) in [(PROXY, true), (IpAddr::V4(Ipv4Addr::BROADCAST), false)] {
            let mut request = Request::new(());
            for line in data.split(|byte| *byte == b'\n') {
                let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
                let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
                if let (Ok(name), Ok(value)) =
                    (HeaderName::try_from(name), HeaderValue::from_bytes(value))
                {
                    request.headers_mut().append(name, value);
                }
            }
            request.extensions_mut().insert(Peer(SocketAddr::new(address, 1)));
            let served = trusted.layer(Endpoint { believed }).call(request).into_inner();
            assert!(served.is_ok());
        }
    }
}

struct Endpoint {
    believed: bool,
}

impl Service<Request<()>> for Endpoint {
    type Response = ();
    type Error = Infallible;
    type Future = Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let (head, ()) = request.into_parts();
        let certificate = head.extensions.get::<ClientCertificate>();
        assert!(self.believed || certificate.is_none());
        for name in ["client-cert", "x-forwarded-client-cert", "x-ssl-client-cert"] {
            assert!(!head.headers.contains_key(name));
        }
        let url = Url::parse("https://mcp.example/mcp").expect("it is a URL");
        if let Ok(Some(presented)) = Presented::read(&head, &url, SystemTime::UNIX_EPOCH) {
            assert!(!presented.token.is_empty() && !presented.token.contains([' ', ',']));
            assert_eq!(presented.certificate.is_some(), certificate.is_some());
        }
        ready(Ok(()))
    }
}
