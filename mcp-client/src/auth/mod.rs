//! Authorization over HTTP: how a client gets the tokens that a server asks for.
//!
//! One file for each step of the specification (2026-07-28, basic/authorization). What servers use,
//! too, is in `mcp-auth`.

mod browser;
mod certificate;
mod error;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod grant;
mod loopback;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod registration;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod resource_metadata;
mod scope;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod server_metadata;
mod store;
mod token;
mod user_agent;

pub use browser::Browser;
pub use certificate::{CertificateResolver, ClientCertificate, ClientCertificateSource, PemFiles};
pub use error::AuthError;
pub use registration::ClientMetadata;
pub use store::{CredentialKey, CredentialStore, InMemory};
pub use token::{AccessToken, Presentation, Refusal, TokenRequest, TokenSource};
pub use user_agent::{AuthorizationRequest, AuthorizationResponse, UserAgent, Visit};
