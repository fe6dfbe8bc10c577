//! Authorization over HTTP: how a client gets the tokens that a server asks for.
//!
//! One file for each step of the specification (2026-07-28, basic/authorization). What servers use,
//! too, is in `mcp-auth`.

mod error;
mod token;

pub use error::AuthError;
pub use token::{AccessToken, Presentation, Refusal, TokenRequest, TokenSource};
