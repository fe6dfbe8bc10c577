//! Authorization as clients see it, against servers that behave as each test says.

#![cfg(feature = "auth")]

mod consent;
mod discovery;
mod keeping;
mod machines;
mod registering;
mod scopes;
mod world;
