//! The client over HTTP, against servers that say exactly what is written down.

#![cfg(feature = "http")]

#[cfg(feature = "auth")]
mod authorized;
mod declared;
mod eras;
mod groups;
mod modern;
#[cfg(feature = "auth")]
mod required_with;
mod server;
mod sessions;
