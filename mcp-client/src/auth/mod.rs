//! Authorization over HTTP: how a client gets the tokens that a server asks for.
//!
//! One file for each step of the specification (2026-07-28, basic/authorization). What servers use,
//! too, is in `mcp-auth`.

mod assertion;
mod browser;
mod certificate;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod client_credentials;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod enterprise_managed;
mod error;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod grant;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod jwt_bearer;
mod loopback;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod refresh;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod registration;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod resource_metadata;
mod scope;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod server_metadata;
mod store;
mod token;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod token_endpoint;
#[allow(dead_code, reason = "the engine that uses it comes next")]
mod token_response;
#[cfg(test)]
mod token_server;
mod user_agent;

pub use assertion::Assertion;
pub use browser::Browser;
pub use certificate::{CertificateResolver, ClientCertificate, ClientCertificateSource, PemFiles};
pub use enterprise_managed::IdentityProvider;
pub use error::AuthError;
pub use mcp_auth::client_authentication::{
    AssertionRequest, AssertionSource, ClientAuthentication,
};
pub use registration::ClientMetadata;
pub use store::{CredentialKey, CredentialStore, InMemory};
pub use token::{AccessToken, Presentation, Refusal, TokenRequest, TokenSource};
pub use user_agent::{AuthorizationRequest, AuthorizationResponse, UserAgent, Visit};
