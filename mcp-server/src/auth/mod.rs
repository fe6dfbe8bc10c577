//! Authorization over HTTP: who is let in, and what the others are told to get.
//!
//! A [`TokenValidator`] checks what a caller [presents](Presented) and says who that is, or why it is
//! [denied](Denied). It checks tokens, not requests: what a method needs is known to others, and how
//! a denial looks on the wire, too (2026-07-28, basic/authorization; RFC 6750, RFC 8705, RFC 9449).

mod body;
mod certificate;
mod claims;
mod denied;
mod introspection;
mod issuer;
mod jwt;
mod kept;
mod keys;
mod layer;
mod nonce;
mod place;
mod presented;
mod proofs;
mod protected;
mod protection;
mod proxy_certificate;
mod replay;
mod requirements;
#[cfg(test)]
mod tests;
mod validator;

pub use body::AuthorizedBody;
pub use certificate::{ClientCertificate, NotACertificate};
pub use denied::{Denial, Denied};
pub use introspection::Introspection;
pub use issuer::{Issuer, NoIssuer};
pub use jwt::JwtValidator;
pub use layer::{AuthorizationLayer, Authorized};
pub use mcp_auth::Url;
pub use mcp_auth::client_authentication::ClientAuthentication;
pub use mcp_auth::fetch::{FetchError, Fetcher, FetcherBuilder};
pub use mcp_auth::jose::{Algorithm, KeySet, KeySetError};
pub use mcp_auth::resource_metadata::ProtectedResourceMetadata;
pub use mcp_auth::scope::Scopes;
pub use mcp_auth::secret::SecretString;
pub use nonce::NonceKey;
pub use presented::{Presented, Scheme};
pub use proofs::ProofRules;
pub use protected::Protected;
pub use protection::Protection;
pub use proxy_certificate::{CertificateHeader, TrustedProxyCertificate, WithProxyCertificate};
pub use replay::{ProofsInMemory, ReplayStore, UsedProof};
pub use requirements::Requirements;
pub use validator::{Admitted, TokenValidator};
