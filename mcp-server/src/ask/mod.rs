//! Asking the client: its user, its model, the folders that it works in.
//!
//! A handler takes [`Ask`], [`AskUrl`], [`Sample`] or [`Roots`] and puts its question. Until there is
//! an answer it leaves, and it is called again from its first line once the client has answered. So
//! it is in both eras, and a handler cannot tell them apart:
//!
//! ```text
//! modern   call ─▶ handler leaves ─▶ input_required { questions, sealed state }
//!          call with answers and state ─▶ handler ─▶ result
//! legacy   call ─▶ handler leaves ─▶ elicitation/create … ◀─ answers ─▶ handler ─▶ result
//! ```
//!
//! `questions` collects what one run asks, `rounds` is what a call knows from the runs before,
//! `seal` carries that through a modern client, `run` drives both eras. What a client can be asked
//! is in `question`; `form` makes forms out of types. Nothing here knows a transport.

mod answers;
mod elicit;
mod form;
mod input_required;
mod key;
mod question;
mod questions;
mod roots;
mod rounds;
mod run;
mod sample;
mod seal;
mod unanswered;
mod used;

pub use answers::Answers;
pub use elicit::{Ask, AskUrl};
pub use input_required::InputRequired;
pub use key::CallKey;
pub use question::Question;
pub use roots::Roots;
pub use sample::Sample;
pub use seal::{StateId, StateKeys};
pub use unanswered::Unanswered;
pub use used::{UsedInMemory, UsedStates};

pub(crate) use key::{digest_of_request, random};
pub(crate) use question::Asks;
pub(crate) use questions::Questions;
pub(crate) use rounds::{Answer, Earlier};
pub(crate) use run::{Asking, Continued, Sealer};
