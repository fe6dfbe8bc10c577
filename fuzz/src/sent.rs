//! What a session wrote, read back and held against what it was asked.

use std::collections::HashMap;

use mcp_core::Outbox;
use mcp_core::jsonrpc::{Message, RequestId};
use mcp_core::wire::legacy;

/// How many answers may still be sent under each id.
#[derive(Default)]
pub struct Credit(HashMap<RequestId, usize>);

impl Credit {
    /// Notes every request of a frame, also one that is refused under its id.
    pub fn received(&mut self, frame: &[u8]) {
        let Ok(text) = str::from_utf8(frame) else { return };
        if legacy::is_batch(text) {
            for (message, _) in legacy::unpack_batch(text, usize::MAX).unwrap_or_default() {
                self.note(message);
            }
        } else {
            self.note(Message::decode(text));
        }
    }

    /// Takes one answer; panics when none is due under its id.
    pub fn answered(&mut self, id: &RequestId) {
        let left = self.0.get_mut(id).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("nothing was asked under the id {id}")) -= 1;
    }

    fn note(&mut self, message: Result<Message<'_>, mcp_core::jsonrpc::InvalidMessage>) {
        let id = match message {
            Ok(Message::Request(request)) => Some(request.id),
            Ok(_) => None,
            Err(invalid) => invalid.id.filter(|_| invalid.answerable),
        };
        if let Some(id) = id {
            *self.0.entry(id).or_default() += 1;
        }
    }
}

/// Takes everything out of an outbox; each line must be one message or one array of responses.
pub fn each(outbox: &mut Outbox, mut seen: impl FnMut(Message<'_>)) {
    let bytes = outbox.bytes().to_vec();
    let mut routed = Vec::new();
    outbox.drain(|transmit| {
        // Empty is a frame that is not answered after all: only its route says something.
        if transmit.message.is_empty() {
            return;
        }
        routed.extend_from_slice(transmit.message);
        routed.push(b'\n');
    });
    assert_eq!(bytes, routed, "both ways out of an outbox give the same");
    let text = str::from_utf8(&bytes).expect("what is sent is UTF-8");
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("what is sent is JSON");
        if legacy::is_batch(line) {
            let batch = legacy::unpack_batch(line, usize::MAX).expect("a batch is not empty");
            for (message, _) in batch {
                let message = message.expect("what is sent is a message");
                assert!(matches!(message, Message::Response(_)), "only answers are batched");
                seen(message);
            }
        } else {
            seen(Message::decode(line).expect("what is sent is a message"));
        }
    }
}
