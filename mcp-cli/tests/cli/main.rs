//! The real binary against real servers, good and bad.
#![cfg(target_os = "linux")]

mod asking;
mod calls;
mod check;
mod config;
mod ending;
mod hostile;
mod http;
mod items;
mod run;
