//! A client of VidsRUS that shows what profiles do.
//!
//! | module | owns |
//! | --- | --- |
//! | [`wire`] | the server, with a record of every message |
//! | [`visit`] | one connection: what was agreed, what every tool answered |
//! | [`report`] | a visit as text |
//! | [`demo`] | the whole story, checked as it is told |
//! | [`command`] | the command line of `vidsrus-client` |
//! | [`console`], [`picture`] | colours, tables, the progress bar, and pictures on a terminal |

pub mod command;
pub mod console;
pub mod demo;
pub mod picture;
pub mod report;
pub mod visit;
pub mod wire;
