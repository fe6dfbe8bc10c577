//! Wholesale Chips: a profile that is enforced, with real parts.
//!
//! | module | owns |
//! | --- | --- |
//! | [`authority`] | certificate authorities, X.509-SVIDs of workloads, certificates of servers |
//! | [`tls`], [`svid_verifier`] | where TLS ends, and which client certificates are accepted there |
//! | [`installation`], [`authorization_server`] | `oidc-provider` in a process of its own |
//! | [`stage`] | everything that runs: SaaSRUS with its gate, an older release, an impostor |
//! | [`client`] | the robot that insists on the profile |
//! | [`thief`] | what a well-behaved client never does |
//! | [`story`], [`failures`] | what goes well, and what must not |
//! | [`audit`] | what every part decided, as lines of JSON |
//! | [`report`], [`command`] | what is told, and the command line |
//!
//! To be copied are `stage` and `client`: how a tenant is put behind its authorization server, with
//! the profile and the listener for mutual TLS; and how a client is made that requires the profile,
//! and signs in in this way and no other.

pub mod audit;
pub mod authority;
pub mod authorization_server;
pub mod client;
pub mod command;
pub mod failures;
pub mod installation;
pub mod report;
pub mod stage;
pub mod story;
pub mod svid_verifier;
pub mod thief;
pub mod tls;
