//! The moment at which calls may have to be ended.

use std::pin::Pin;
use std::task::Context;
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep};

/// An alarm that is set anew whenever an earlier moment matters.
pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// When `sleep` fires.
    armed: Option<Instant>,
}

impl Alarm {
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(sleep(Duration::MAX)), armed: None }
    }

    /// Whether it rings; it rings once.
    pub(super) fn rings(&mut self, cx: &mut Context<'_>) -> bool {
        if self.armed.is_none() || self.sleep.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.armed = None;
        true
    }

    /// Sets the alarm, unless it rings before: it is set anew then.
    pub(super) fn arm(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) {
        if let Some(deadline) = deadline
            && self.armed.is_none_or(|armed| deadline < armed)
        {
            self.sleep.as_mut().reset(deadline.into());
            self.armed = Some(deadline);
            if self.sleep.as_mut().poll(cx).is_ready() {
                // The moment is here: come back at once.
                cx.waker().wake_by_ref();
            }
        }
    }
}
