//! What is let in and what is not, by way of the public API.

mod challenges;
mod introspection;
mod jwt;
mod proof;
mod rig;
