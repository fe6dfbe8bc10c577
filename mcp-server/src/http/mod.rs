//! Streamable HTTP: servers behind URLs, in both eras.
//!
//! One line serves a server to clients on the same machine, at `http://localhost:8080/mcp`:
//!
//! ```no_run
//! # async fn example() -> Result<(), mcp_server::Error> {
//! use mcp_server::Server;
//!
//! Server::builder("adder", "1.0").serve_http("127.0.0.1:8080").await
//! # }
//! ```
//!
//! In an application [`HttpService`] is a fallback beside its routes, behind its layers. Whatever
//! authenticates puts a [`Principal`](crate::Principal) into the extensions of the request:
//!
//! ```no_run
//! use axum::Router;
//! use axum::extract::Request;
//! use axum::middleware::{Next, from_fn};
//! use axum::response::Response;
//! use axum::routing::get;
//! use mcp_server::http::HttpService;
//! use mcp_server::{Error, Principal, Server};
//!
//! async fn sign_in(mut request: Request, next: Next) -> Response {
//!     if let Some(caller) = request.headers().get("authorization").and_then(|token| known(token.as_bytes())) {
//!         request.extensions_mut().insert(caller);
//!     }
//!     next.run(request).await
//! }
//!
//! fn known(token: &[u8]) -> Option<Principal> {
//!     (token == b"Bearer of-ada").then(|| Principal::new("ada").with("plan", "paid"))
//! }
//!
//! # async fn example() -> Result<(), Error> {
//! # let (vidsrus, chips) = (Server::builder("a", "1"), Server::builder("b", "1"));
//! let mcp = HttpService::by_host([("vidsrus.example", vidsrus.build()?), ("chips.example", chips.build()?)]);
//! mcp.check()?;
//! let app: Router = Router::new().route("/health", get(async || "ok")).fallback_service(mcp);
//! let app = app.layer(from_fn(sign_in));
//! # drop(app);
//! # Ok(())
//! # }
//! ```
//!
//! Where the fallback is taken, `route_service` does the same for each path that the service answers.
//! `nest_service` does not: it takes its prefix off the path, by which the service knows its tenants
//! and its documents. The prefix belongs into the place of a [tenant](HttpService::tenant).
//!
//! ```no_run
//! # use axum::Router;
//! # use mcp_server::Server;
//! # use mcp_server::http::HttpService;
//! # fn example(server: Server) -> Router {
//! let mcp = HttpService::by_host([("a.example/films", server)]);
//! let app: Router = Router::new()
//!     .route_service("/films/mcp", mcp.clone())
//!     .route_service("/.well-known/mcp-supported-profiles/{*endpoint}", mcp);
//! # app
//! # }
//! ```
//!
//! Beside the endpoint of each server it answers the document that says which profiles the server
//! supports, at `/.well-known/mcp-supported-profiles/mcp`, and also without `/mcp` where the host has
//! one server. It is meant to be open: let it through without authentication.
//!
//! This module owns what HTTP itself asks for: hosts, origins, media types, bodies, connections. What
//! the messages mean is up to the endpoint of a server.

mod accept;
mod answer;
mod body;
#[cfg(test)]
mod connection_tests;
mod endpoint;
#[cfg(test)]
mod endpoint_tests;
mod exchange;
pub(crate) mod host;
mod intake;
mod listen;
mod negotiation;
pub(crate) mod origin;
mod outlet;
mod pace;
pub(crate) mod proxy;
pub(crate) mod refusal;
mod service;
mod session;
mod sessions;
mod settings;
mod site;
mod socket;
mod step_up;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod well_known;

pub use accept::{Accept, Accepted};
pub use body::HttpBody;
pub use intake::BoxError;
pub use proxy::Peer;
pub use service::{HttpFuture, HttpService};
pub use store::{
    EventId, EventStore, EventsInMemory, Replay, Revision, SessionId, SessionRecord, SessionStore,
    SessionsInMemory, StoredEvent, StoredSession, StreamId,
};
