//! Cutting a byte stream into messages, without doing any I/O.
//!
//! Owns the line rule of the stdio transport and the checks a message passes before anything
//! parses it. Does not know where bytes come from, what JSON-RPC is, or what to answer to a line
//! that is too long: a driver reads into [`LineBuffer`], and the layer above decides.
//!
//! Rule, revision 2025-11-25, `basic/transports`, "stdio": messages are delimited by newlines and
//! must not contain embedded ones, and they are UTF-8.

mod lines;
mod text;

pub use lines::{Line, LineBuffer};
pub use text::{TextError, check_text};
