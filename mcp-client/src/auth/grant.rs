//! What every way to a token has in common: what it is given, and what it makes of it.
//!
//! A grant knows neither where the authorization server was found nor when a token is needed; that is
//! the engine's (`authorization.rs`).

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use mcp_auth::client_authentication::ClientAuthentication;
use mcp_auth::dpop::{Nonces, ProofKey};
use mcp_auth::fetch::Fetcher;
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_auth::scope::Scopes;
use mcp_auth::secret::SecretString;
use mcp_auth::server_metadata::AuthorizationServerMetadata;

use super::{AccessToken, AuthError};

/// A way to a token without a person.
///
/// It asks once: whatever is refused is an error, and no other way is tried.
pub(super) trait Grant: fmt::Debug + Send + Sync + 'static {
    /// Its `grant_type`, as in the metadata of authorization servers.
    fn name(&self) -> &'static str;

    /// Gets tokens.
    fn obtain<'a>(&'a self, at: Situation<'a>) -> BoxFuture<'a, Result<Tokens, AuthError>>;
}

/// What is known when tokens are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    /// The `resource` parameter (RFC 8707), in every request to the authorization server.
    pub(super) resource: &'a str,
    /// The scopes to ask for; none at all means to leave the parameter out.
    pub(super) scopes: &'a Scopes,
    /// The authorization server; its issuer has been checked.
    pub(super) server: &'a AuthorizationServerMetadata,
    /// What the MCP server says of itself; servers of 2025-03-26 say nothing.
    pub(super) protected: Option<&'a ProtectedResourceMetadata>,
    /// Who asks.
    pub(super) client: &'a ClientInformation,
    /// What every request is sent with.
    pub(super) fetcher: &'a Fetcher,
    /// The key that tokens are to be bound to.
    pub(super) proof_key: Option<&'a Arc<ProofKey>>,
    /// Nonces of authorization servers, for proofs made with that key.
    pub(super) nonces: &'a Nonces,
    /// The thumbprint of the client certificate of this moment: it goes into the token.
    pub(super) certificate: Option<&'a str>,
}

/// Who asks for tokens: a client as one authorization server knows it.
#[derive(Debug, Clone)]
pub(super) struct ClientInformation {
    /// The `client_id`.
    pub(super) id: Box<str>,
    /// How it shows that it is this client.
    pub(super) authentication: ClientAuthentication,
}

/// What an authorization server issued.
#[derive(Debug)]
pub(super) struct Tokens {
    /// The token for the MCP server.
    pub(super) access: AccessToken,
    /// The token for the next one of these.
    pub(super) refresh: Option<SecretString>,
}
