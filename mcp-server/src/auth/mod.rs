//! Authorization over HTTP: who is let in, and what the others are told to get.
//!
//! A [`TokenValidator`] checks what a caller [presents](Presented) and says who that is, or why it is
//! [denied](Denied). It checks tokens, not requests: what a method needs is known to others, and how
//! a denial looks on the wire, too (2026-07-28, basic/authorization; RFC 6750, RFC 8705, RFC 9449).

mod certificate;
mod denied;
mod presented;
mod validator;

pub use certificate::{ClientCertificate, NotACertificate};
pub use denied::{Denial, Denied};
pub use presented::{Presented, Scheme};
pub use validator::{Admitted, TokenValidator};
