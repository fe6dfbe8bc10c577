//! Secrets: overwritten when they are dropped, and shown in no output.

pub use secrecy::{ExposeSecret, SecretString};
