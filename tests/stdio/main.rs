//! The test server over real pipes, and servers in this process over byte streams.
//!
//! What a client may do wrong has one test a rule: the precise error, and that the connection goes
//! on where the rules allow it. Where time matters it is virtual, over an in-process stream.

#![expect(clippy::needless_pass_by_value, reason = "a message is written where it is sent")]

mod asking;
mod backlog;
mod batches;
mod completion;
mod conversation;
mod ending;
mod envelope;
mod eras;
mod extensions;
mod framing;
mod gating;
mod group;
mod items;
mod layers;
mod lifecycle;
mod limits;
mod listing;
mod load;
mod modern;
mod mounting;
mod notifications;
mod ping;
mod prompts;
mod resources;
mod stream;
mod tasks;
mod tasks_driven;
