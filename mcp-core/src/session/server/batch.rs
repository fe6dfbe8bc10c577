//! Answers to the batches of 2025-03-26: collected, and sent as one array.
//!
//! Spec: 2025-03-26, basic/index, "Batching", and JSON-RPC 2.0, section 6: one array with the
//! answer of each request, nothing at all when no request was in the batch.

use std::collections::HashMap;

use crate::outbox::{FrameId, Outbox, Route};

/// The batches whose answers are not complete.
#[derive(Debug, Default)]
pub(super) struct Batches {
    open: HashMap<FrameId, Batch>,
}

#[derive(Debug, Default)]
struct Batch {
    /// Requests not yet answered or cancelled, and one while the batch is being read.
    awaited: usize,
    /// The answers so far, a line each.
    answers: Vec<u8>,
}

impl Batches {
    /// Opens a batch; it stays open at least until [`Batches::settle`] is called for the reading.
    pub(super) fn open(&mut self, batch: FrameId) {
        self.open.insert(batch, Batch { awaited: 1, answers: Vec::new() });
    }

    /// Notes that one more answer is to come.
    pub(super) fn expect(&mut self, batch: FrameId) {
        if let Some(batch) = self.open.get_mut(&batch) {
            batch.awaited += 1;
        }
    }

    /// Where an answer is written, one line that ends with a line feed.
    pub(super) fn answers(&mut self, batch: FrameId) -> Option<&mut Vec<u8>> {
        Some(&mut self.open.get_mut(&batch)?.answers)
    }

    /// One awaited thing is over: read, answered or cancelled. The last one sends the array.
    pub(super) fn settle(&mut self, batch: FrameId, out: &mut Outbox) {
        let Some(open) = self.open.get_mut(&batch) else { return };
        open.awaited -= 1;
        if open.awaited > 0 {
            return;
        }
        let answers = self.open.remove(&batch).map(|batch| batch.answers).unwrap_or_default();
        let mut answers = answers.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let Some(first) = answers.next() else { return out.end(batch) };
        let route = Route::Answer { frame: batch, error: None };
        out.message(route, |out| {
            out.push(b'[');
            out.extend_from_slice(first);
            for answer in answers {
                out.push(b',');
                out.extend_from_slice(answer);
            }
            out.extend_from_slice(b"]\n");
        });
    }

    /// Bytes of answers that wait for others.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.open.values().map(|batch| batch.answers.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sent_together_when_the_last_has_come() {
        let (mut batches, mut out) = (Batches::default(), Outbox::default());
        let batch = FrameId::from_number(1);
        batches.open(batch);
        batches.expect(batch);
        batches.expect(batch);
        batches.settle(batch, &mut out);
        for answer in ["1\n", "2\n"] {
            assert!(out.is_empty());
            batches.answers(batch).unwrap().extend_from_slice(answer.as_bytes());
            batches.settle(batch, &mut out);
        }
        assert_eq!(out.bytes(), b"[1,2]\n");
        assert_eq!(batches.waiting_bytes(), 0);
    }

    #[test]
    fn a_batch_of_notifications_is_not_answered() {
        let (mut batches, mut out) = (Batches::default(), Outbox::default());
        let batch = FrameId::from_number(1);
        batches.open(batch);
        batches.settle(batch, &mut out);
        assert!(out.is_empty() && batches.answers(batch).is_none());
    }
}
