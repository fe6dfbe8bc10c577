//! Authorization over HTTP: how a client gets the tokens that a server asks for.
//!
//! One file for each step of the specification (2026-07-28, basic/authorization). What servers use,
//! too, is in `mcp-auth`.

mod assertion;
mod authorization;
mod authorization_code;
mod browser;
mod certificate;
mod client_credentials;
mod engine;
mod enterprise_managed;
mod error;
mod grant;
mod jwt_bearer;
#[cfg(feature = "keyring")]
mod keyring;
mod loopback;
mod profile_credentials;
mod refresh;
mod registration;
mod resource_metadata;
mod scope;
mod server_metadata;
#[cfg(feature = "spiffe")]
mod spiffe;
mod store;
mod token;
mod token_endpoint;
mod token_response;
#[cfg(test)]
mod token_server;
mod user_agent;

pub use assertion::Assertion;
pub use authorization::Authorization;
pub use browser::Browser;
pub use certificate::{CertificateResolver, ClientCertificate, ClientCertificateSource, PemFiles};
pub use enterprise_managed::IdentityProvider;
pub use error::AuthError;
#[cfg(feature = "keyring")]
pub use keyring::{Keyring, KeyringError};
pub use mcp_auth::challenge::Challenge;
pub use mcp_auth::client_authentication::{
    AssertionRequest, AssertionSource, ClientAuthentication,
};
pub use mcp_auth::dpop::ProofKey;
pub use mcp_auth::fetch::Fetcher;
pub use mcp_auth::jose::SigningKey;
pub use mcp_auth::scope::Scopes;
pub use mcp_auth::secret::{ExposeSecret, SecretString};
pub use profile_credentials::ProfileCredentials;
pub use registration::ClientMetadata;
#[cfg(feature = "spiffe")]
pub use spiffe::{JwtSvids, X509Svids};
pub use store::{CredentialKey, CredentialStore, InMemory};
pub use token::{AccessToken, Presentation, Refusal, TokenRequest, TokenSource};
pub use user_agent::{AuthorizationRequest, AuthorizationResponse, UserAgent, Visit};
