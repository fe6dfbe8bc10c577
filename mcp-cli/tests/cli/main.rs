//! The real binary against real servers, good and bad.
#![cfg(target_os = "linux")]

mod calls;
mod ending;
mod hostile;
mod items;
mod run;
