//! Authorization over HTTP: how a client gets the tokens that a server asks for.
//!
//! One file for each step of the specification (2026-07-28, basic/authorization). What servers use,
//! too, is in `mcp-auth`.

mod browser;
mod error;
mod loopback;
mod scope;
mod store;
mod token;
mod user_agent;

pub use browser::Browser;
pub use error::AuthError;
pub use store::{CredentialKey, CredentialStore, InMemory};
pub use token::{AccessToken, Presentation, Refusal, TokenRequest, TokenSource};
pub use user_agent::{AuthorizationRequest, AuthorizationResponse, UserAgent, Visit};
