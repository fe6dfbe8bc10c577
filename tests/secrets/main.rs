//! No secret in logs: every flow of authorization runs here, over TLS and HTTP/2, while everything
//! that anybody logs is kept at the finest level, and so is every secret that passes. No secret may
//! be found in what was logged, nor in what values and errors show of themselves.

mod authority;
mod flows;
mod secrets;
mod trace;
mod world;
