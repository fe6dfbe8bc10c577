//! The client over HTTP, against servers that say exactly what is written down.

#![cfg(feature = "http")]

mod eras;
mod server;
