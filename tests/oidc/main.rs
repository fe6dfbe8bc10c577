//! Our client, our server, and between them an authorization server that others wrote:
//! `oidc-provider`, which is certified for OpenID Connect and speaks RFC 8705, 8707 and 9449.
//!
//! Each test has a process of its own, set up by `provider.mjs`. The packages and, on Linux x86-64,
//! the Node.js that they need come from the npm registry once, in the versions of
//! `package-lock.json`; elsewhere `node` has to be version 22 or newer.

mod certificates;
mod machines;
mod people;
mod person;
mod proofs;
mod provider;
mod site;
