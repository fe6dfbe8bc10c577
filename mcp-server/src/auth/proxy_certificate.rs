//! Client certificates that a proxy in front of the service has checked.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, Request};
use mcp_core::Error;
use tower_layer::Layer;
use tower_service::Service;

use super::ClientCertificate;
use crate::http::proxy::Proxies;

/// The longest header with a certificate that is read.
const LONGEST: usize = 32 * 1024;

/// Takes the certificate of the client from a header that a trusted proxy has written, as a
/// [`tower_layer::Layer`] in front of an [`AuthorizationLayer`](super::AuthorizationLayer).
///
/// The proxy ends TLS, asks clients for a certificate, and checks its chain: nobody does so again. It
/// also has to remove the header from what clients send. Here it is removed from every request, and
/// believed only where the [`Peer`](crate::http::Peer) in the extensions of the request is one of the
/// named proxies; the others come without a certificate, or with the one of their own connection.
/// Everything that reaches the service through the proxy's address has to come through the proxy.
///
/// A header that cannot be read is no certificate: what needs one is refused then.
///
/// # Examples
/// ```
/// use mcp_server::auth::{CertificateHeader, TrustedProxyCertificate};
///
/// let certificates = TrustedProxyCertificate::new(["10.0.0.0/8"], CertificateHeader::ClientCert)?;
/// # Ok::<(), mcp_server::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrustedProxyCertificate(Arc<Trusted>);

/// Where a proxy writes the certificate of the client, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateHeader {
    /// `Client-Cert: :MIIB…:`, the certificate in DER as a byte sequence (RFC 9440).
    ClientCert,
    /// `X-Forwarded-Client-Cert: …;Cert="…"`, as Envoy writes it: of several entries the last counts,
    /// which the nearest proxy has written, and has to have the certificate.
    Xfcc,
    /// `X-SSL-Client-Cert: -----BEGIN%20CERTIFICATE…`, the certificate in PEM with percent escapes,
    /// as nginx gives it in `$ssl_client_escaped_cert`.
    EscapedPem,
}

impl TrustedProxyCertificate {
    /// Believes these proxies, by addresses or networks such as `10.0.0.0/8`.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] names what is neither, or says that there are none.
    pub fn new<P: AsRef<str>>(
        proxies: impl IntoIterator<Item = P>,
        header: CertificateHeader,
    ) -> Result<Self, Error> {
        let proxies = Proxies::parse(proxies).map_err(Error::Misuse)?;
        if proxies.is_empty() {
            let problem =
                "no proxy is trusted: name the addresses of those that check certificates";
            return Err(Error::Misuse(problem.to_owned()));
        }
        Ok(Self(Arc::new(Trusted { proxies, header })))
    }
}

impl<S> Layer<S> for TrustedProxyCertificate {
    type Service = WithProxyCertificate<S>;

    fn layer(&self, service: S) -> WithProxyCertificate<S> {
        WithProxyCertificate { service, trusted: Arc::clone(&self.0) }
    }
}

/// A service behind a [`TrustedProxyCertificate`].
#[derive(Debug, Clone)]
pub struct WithProxyCertificate<S> {
    service: S,
    trusted: Arc<Trusted>,
}

impl<S, B> Service<Request<B>> for WithProxyCertificate<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let (mut head, body) = request.into_parts();
        self.trusted.take(&mut head);
        self.service.call(Request::from_parts(head, body))
    }
}

/// Whom to believe, and where they write.
#[derive(Debug)]
struct Trusted {
    proxies: Proxies,
    header: CertificateHeader,
}

impl Trusted {
    fn take(&self, head: &mut Parts) {
        if self.proxies.forwarded(head) {
            // The certificate of the connection is the proxy's own.
            head.extensions.remove::<ClientCertificate>();
            match self.header.read(&head.headers) {
                Ok(None) => {}
                Ok(Some(certificate)) => drop(head.extensions.insert(certificate)),
                Err(problem) => {
                    tracing::warn!(target: "mcp::authorization", problem, "a proxy's header is no client certificate");
                }
            }
        }
        // No kind of it gets through, whoever looks for it behind.
        for kind in
            [CertificateHeader::ClientCert, CertificateHeader::Xfcc, CertificateHeader::EscapedPem]
        {
            head.headers.remove(kind.name());
        }
        head.headers.remove("client-cert-chain");
    }
}

impl CertificateHeader {
    fn name(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::ClientCert => "client-cert",
            Self::Xfcc => "x-forwarded-client-cert",
            Self::EscapedPem => "x-ssl-client-cert",
        })
    }

    fn read(self, headers: &HeaderMap) -> Result<Option<ClientCertificate>, &'static str> {
        let mut values = headers.get_all(self.name()).iter();
        let value = match (self, values.next(), values.next_back()) {
            (_, None, _) => return Ok(None),
            (_, Some(value), None) | (Self::Xfcc, Some(_), Some(value)) => value,
            (_, Some(_), Some(_)) => return Err("it is there more than once"),
        };
        let value = value.to_str().map_err(|_| "it is not ascii")?;
        if value.len() > LONGEST {
            return Err("it is too long");
        }
        let der = match self {
            // A proxy may write an empty header for a client without certificate.
            _ if value.trim_ascii().is_empty() => return Ok(None),
            Self::ClientCert => byte_sequence(value),
            Self::Xfcc => match cert_of_last(value)? {
                Some(text) => pem(&unescaped(&text)?),
                None => return Ok(None),
            },
            Self::EscapedPem => pem(&unescaped(value)?),
        };
        let der = der.ok_or("it holds no certificate")?;
        ClientCertificate::from_der(der).map(Some).map_err(|_| "it is no certificate")
    }
}

/// RFC 8941, 3.3.5; RFC 9440, 2.2.
fn byte_sequence(value: &str) -> Option<Vec<u8>> {
    let text = value.trim_ascii().strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(text).ok()
}

/// The first certificate in PEM (RFC 7468); line feeds may have become spaces.
fn pem(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    STANDARD.decode(body).ok()
}

/// The value of `Cert` in the last entry: pairs with semicolons between them, entries with commas,
/// and quotes around what has either.
fn cert_of_last(value: &str) -> Result<Option<String>, &'static str> {
    let (mut found, mut key, mut text) = (None, None::<String>, String::new());
    let mut chars = value.chars();
    let mut quoted = false;
    loop {
        let char = chars.next();
        match char {
            None if quoted => return Err("a quote in it has no end"),
            Some('\\') if quoted => text.extend(chars.next()),
            Some('"') => quoted = !quoted,
            Some('=') if !quoted && key.is_none() => key = Some(std::mem::take(&mut text)),
            None | Some(';' | ',') if !quoted => {
                let text = std::mem::take(&mut text);
                if key.take().is_some_and(|key| key.trim_ascii().eq_ignore_ascii_case("cert"))
                    && found.replace(text).is_some()
                {
                    return Err("an entry has two certificates");
                }
                match char {
                    None => return Ok(found),
                    // Another entry, which a nearer proxy has written.
                    Some(',') => found = None,
                    Some(_) => {}
                }
            }
            Some(char) => text.push(char),
            // The end outside of quotes is above.
            None => return Ok(found),
        }
    }
}

/// Undoes percent escapes (RFC 3986, 2.1); a plus stays one.
fn unescaped(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let escaped = rest.split_at_checked(2).and_then(|(digits, after)| {
            let [high, low] = digits else { return None };
            Some((digit(high)? * 16 + digit(low)?, after))
        });
        let (byte, after) = escaped.ok_or("an escape in it is broken")?;
        bytes.extend(u8::try_from(byte));
        rest = after;
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| "an escape in it is broken")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::net::SocketAddr;
    use std::sync::LazyLock;

    use super::*;
    use crate::http::Peer;

    /// A certificate of the client with that id.
    static DER: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut params = rcgen::CertificateParams::default();
        let id = "spiffe://chips.example/client".try_into().unwrap();
        params.subject_alt_names.push(rcgen::SanType::URI(id));
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    });

    /// Gives the thumbprint of the certificate, and how many headers there are.
    #[derive(Clone)]
    struct Behind;

    impl Service<Request<()>> for Behind {
        type Response = (Option<String>, usize);
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<()>) -> Self::Future {
            let shown = request.extensions().get::<ClientCertificate>();
            let id = shown.map(|shown| shown.spiffe_id().unwrap_or("none").to_owned());
            ready(Ok((id, request.headers().len())))
        }
    }

    const ID: Option<&str> = Some("spiffe://chips.example/client");

    async fn through(
        header: CertificateHeader,
        peer: Option<&str>,
        values: &[(&'static str, &str)],
    ) -> Option<String> {
        let mut request = Request::new(());
        for (name, value) in values {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(Peer(peer));
        }
        let layer = TrustedProxyCertificate::new(["10.0.0.0/8"], header).unwrap();
        let (id, headers) = layer.layer(Behind).call(request).await.unwrap();
        assert_eq!(headers, 0, "a header got through");
        id
    }

    const PROXY: Option<&str> = Some("10.1.2.3:4");

    fn escaped() -> String {
        let text = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(&*DER)
        );
        let escape = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(escape).collect()
    }

    #[tokio::test]
    async fn certificate_is_read_in_each_form() {
        let sequence = format!(":{}:", STANDARD.encode(&*DER));
        let header = [("client-cert", &*sequence)];
        assert_eq!(through(CertificateHeader::ClientCert, PROXY, &header).await.as_deref(), ID);
        let pem = escaped();
        let header = [("x-ssl-client-cert", &*pem)];
        assert_eq!(through(CertificateHeader::EscapedPem, PROXY, &header).await.as_deref(), ID);
        let xfcc = format!(
            r#"By=spiffe://x;Cert="stale",Hash=ab;Subject="CN=a\",b;c";Cert="{pem}";URI=x"#
        );
        let header = [("x-forwarded-client-cert", &*xfcc)];
        assert_eq!(through(CertificateHeader::Xfcc, PROXY, &header).await.as_deref(), ID);
    }

    #[tokio::test]
    async fn nobody_but_the_proxy_is_believed() {
        let sequence = format!(":{}:", STANDARD.encode(&*DER));
        let header = [("client-cert", &*sequence)];
        for peer in [None, Some("192.0.2.1:4"), Some("[::1]:4")] {
            assert_eq!(through(CertificateHeader::ClientCert, peer, &header).await, None);
        }
        // Nor in another form.
        assert_eq!(through(CertificateHeader::Xfcc, PROXY, &header).await, None);
        assert_eq!(
            through(CertificateHeader::ClientCert, PROXY, &[header[0], header[0]]).await,
            None
        );
        assert!(TrustedProxyCertificate::new([""; 0], CertificateHeader::Xfcc).is_err());
        assert!(TrustedProxyCertificate::new(["proxy"], CertificateHeader::Xfcc).is_err());
    }

    #[tokio::test]
    async fn nearest_proxy_counts_and_what_is_broken_is_no_certificate() {
        let pem = escaped();
        let far = format!(r#"Cert="{pem}",Hash=near"#);
        let near = format!(r#"Hash=far,Cert="{pem}""#);
        for (values, expected) in [
            (vec![far.as_str()], None),
            (vec![near.as_str()], ID),
            (vec![near.as_str(), "Hash=nearer"], None),
            (vec!["Hash=far", near.as_str()], ID),
        ] {
            let values: Vec<_> =
                values.into_iter().map(|it| ("x-forwarded-client-cert", it)).collect();
            assert_eq!(through(CertificateHeader::Xfcc, PROXY, &values).await.as_deref(), expected);
        }
        let twice = format!(r#"Cert="{pem}";Cert="{pem}""#);
        for broken in [
            &*twice,
            "Cert=\"",
            "Cert",
            "Cert=%",
            "Cert=%4",
            "Cert=%ZZ",
            "Cert=%FF",
            "=",
            ";;,,",
            "Cert=\"\\",
        ] {
            let header = [("x-forwarded-client-cert", broken)];
            assert_eq!(
                through(CertificateHeader::Xfcc, PROXY, &header).await,
                None,
                "{broken:.30}"
            );
        }
        let junk = format!(":{}:", STANDARD.encode("junk"));
        for broken in ["", ":", "::", ":!:", "MIIB", &junk] {
            let header = [("client-cert", broken)];
            assert_eq!(
                through(CertificateHeader::ClientCert, PROXY, &header).await,
                None,
                "{broken}"
            );
        }
    }
}
