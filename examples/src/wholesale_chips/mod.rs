//! Wholesale Chips: a profile that is enforced, with real parts.
//!
//! | module | owns |
//! | --- | --- |
//! | [`authority`] | certificate authorities, X.509-SVIDs of workloads, certificates of servers |
//! | [`tls`], [`svid_verifier`] | where TLS ends, and which client certificates are accepted there |
//! | [`installation`], [`authorization_server`] | `oidc-provider` in a process of its own |
//! | [`audit`] | what every part decided, as lines of JSON |
//! | [`report`] | what is told |

pub mod audit;
pub mod authority;
pub mod authorization_server;
pub mod installation;
pub mod report;
pub mod svid_verifier;
pub mod tls;
