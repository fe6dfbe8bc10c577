//! Streamable HTTP: the endpoint of a server, in both eras.

#![allow(dead_code)] // until the edge is there

mod body;
mod endpoint;
mod settings;

pub use body::HttpBody;
