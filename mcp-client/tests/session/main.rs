//! The client against scripted servers: what it says, when, and what becomes of calls.

mod answers;
mod cache;
mod calls;
mod features;
mod handshake;
mod layers;
mod lists;
#[cfg(feature = "json-schema")]
mod output;
mod peer;
#[cfg(target_os = "linux")]
mod process;
mod profiles;
mod rounds;
mod subscriptions;
mod timing;
