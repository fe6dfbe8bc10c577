//! What clients and servers of the Model Context Protocol share of authorization.
//!
//! Documents ([`resource_metadata`], [`server_metadata`]), challenges ([`challenge`]), scopes
//! ([`scope`]), names of workloads ([`spiffe`]), signatures and the keys for them ([`jose`], [`dpop`], [`thumbprint`]), how a client
//! authenticates at an authorization server ([`client_authentication`]), and fetching what strangers
//! name without harm ([`fetch`], [`tls`]). Which steps lead to a token is for the client, and whom a token
//! lets in is for the server: this crate knows neither.

pub mod challenge;
pub mod client_authentication;
pub mod dpop;
pub mod fetch;
pub mod jose;
pub mod resource_metadata;
pub mod scope;
pub mod secret;
pub mod server_metadata;
pub mod spiffe;
pub mod thumbprint;
pub mod tls;

pub use url::Url;
