//! Groups of real server processes.
#![cfg(target_os = "linux")]

mod keeping;
mod reconciling;
mod script;
mod together;
