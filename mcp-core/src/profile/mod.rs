//! Profiles: what each side says about them, and both sides' decisions, as pure functions.
//!
//! A *profile* is a set of behaviours written down in a specification, whose URL is its only
//! identifier. A server declares the profiles it supports ([`Declaration`]), a client asks for some
//! ([`ClientPolicy`] gives the [`RequestedProfiles`]), the server decides which are in force
//! ([`ResolvedPolicy::decide`]), and the client accepts that or rejects
//! ([`ClientPolicy::check_answer`]).
//!
//! ```text
//! server   ProfilePolicy ──resolve(entitlement)──▶ ResolvedPolicy ──decide / discover──▶ Decision
//!          (declaration, exclusions, …)            (this caller)   ──gate / visible────▶ Gate
//! client   ClientPolicy ──requested()──▶ …the wire… ──Offer, Answer──▶ check_answer ──▶ profiles in
//!                                                                                      force, or Rejection
//! ```
//!
//! Everything here takes values and gives values. The module knows neither sessions nor transports,
//! who the caller is, nor where a value stands in a message: it is handed the part that concerns it.
//! What comes from a peer is read with bounds, and reading it never panics.

mod answer;
mod authentication;
mod client;
mod decide;
mod declaration;
mod policy;
mod raw_list;
mod reason;
mod rejection;
mod request;
mod url;

pub use answer::{Answer, AnswerMeta, InvalidAnswer, Offer, OfferMeta};
pub use authentication::{RequiredAuthentication, Unmet};
pub use client::{ClientPolicy, ClientPolicyBuilder, Confirmed, InvalidClientPolicy};
pub use decide::{Agreement, Decision, Gate, Refusal, RefusalData, Terms};
pub use declaration::{
    Declaration, DeclaredProfile, InvalidDeclaration, InvalidEntry, MinMcpVersion,
};
pub use policy::{
    Entitlement, InvalidPolicy, NamedAs, ProfilePolicy, ProfilePolicyBuilder, ResolvedPolicy,
};
pub use reason::{Reason, ReasonKind};
pub use rejection::{Rejection, RejectionKind};
pub use request::{InvalidRequest, NegotiatedProfiles, RequestExtension, RequestedProfiles};
pub use url::{InvalidProfileUrl, ProfileUrl};

/// The identifier of the profiles extension, in `capabilities.extensions` and in `_meta`.
///
/// Extension identifiers: MCP 2026-07-28, basic/versioning, "Extension negotiation".
pub const EXTENSION: &str = "dev.behaviour-profiles/profiles";

/// The name that the declaration has below `/.well-known/`.
pub const WELL_KNOWN: &str = "mcp-supported-profiles";

/// The error code of "Profiles not agreed", which lies outside the range that JSON-RPC reserves.
pub const NOT_AGREED: i32 = 1004;

/// The error code of `MissingRequiredClientCapability`.
///
/// MCP 2026-07-28, basic, "Error Codes".
pub const MISSING_REQUIRED_CLIENT_CAPABILITY: i32 = -32021;
