//! What is kept of each subscription until somebody looks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use mcp_core::types::{SubscriptionFilter, SubscriptionsAcknowledgedNotificationParams};
use mcp_core::wire::Members;
use mcp_core::{CallId, Error};

use super::{Aftermath, Shared};
use crate::notification::ServerNotification;

impl Shared {
    /// What a subscription will tell of, once that is known; an error, or nothing, if it ended.
    pub(crate) fn poll_acknowledged(
        &self,
        call: CallId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<SubscriptionFilter>, Option<Error>>> {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(inbox) = state.subscriptions.get_mut(&call) else {
            return Poll::Ready(Err(None));
        };
        if let Some(filter) = &inbox.acknowledged {
            return Poll::Ready(Ok(Arc::clone(filter)));
        }
        let ended = match (inbox.ended.take(), &state.fault) {
            (Some(Ended::InGoodOrder), _) => None,
            (Some(Ended::Failed(error)), _) => Some(error),
            (None, Some(fault)) => Some(fault.error()),
            (None, None) => {
                inbox.listen(cx);
                return Poll::Pending;
            }
        };
        state.subscriptions.remove(&call);
        Poll::Ready(Err(ended))
    }

    /// The next notification of a subscription, or how it ended.
    pub(crate) fn poll_notification(
        &self,
        call: CallId,
        missed: &mut u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ServerNotification, Error>>> {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(inbox) = state.subscriptions.get_mut(&call) else { return Poll::Ready(None) };
        if let Some(notification) = inbox.pop(missed) {
            return Poll::Ready(Some(Ok(notification)));
        }
        let ended = match (inbox.ended.take(), &state.fault) {
            (Some(Ended::InGoodOrder), _) => None,
            (Some(Ended::Failed(error)), _) => Some(Err(error)),
            (None, Some(fault)) => Some(Err(fault.error())),
            (None, None) => {
                inbox.listen(cx);
                return Poll::Pending;
            }
        };
        state.subscriptions.remove(&call);
        Poll::Ready(ended)
    }
}

/// How a subscription ended.
pub(crate) enum Ended {
    InGoodOrder,
    Failed(Error),
}

/// What is kept of a subscription until somebody looks.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) waker: Option<Waker>,
    pub(crate) acknowledged: Option<Arc<SubscriptionFilter>>,
    pub(crate) ended: Option<Ended>,
    notifications: VecDeque<ServerNotification>,
    bytes: usize,
    missed: u64,
}

impl Inbox {
    pub(crate) fn waking(waker: &Waker) -> Self {
        Self { waker: Some(waker.clone()), ..Self::default() }
    }

    pub(crate) fn push(&mut self, notification: ServerNotification) {
        let mut waiting = self.notifications.iter();
        if notification.is_change() && waiting.any(|known| known.says_the_same(&notification)) {
            return;
        }
        self.bytes += notification.bytes();
        self.notifications.push_back(notification);
        while self.notifications.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.notifications.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.missed += 1;
        }
    }

    pub(crate) fn pop(&mut self, missed: &mut u64) -> Option<ServerNotification> {
        *missed = self.missed;
        let oldest = self.notifications.pop_front()?;
        self.bytes -= oldest.bytes();
        Some(oldest)
    }

    pub(crate) fn listen(&mut self, cx: &Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

pub(super) fn end(
    subscriptions: &mut HashMap<CallId, Inbox>,
    call: CallId,
    ended: Ended,
    after: &mut Aftermath,
) {
    if let Some(inbox) = subscriptions.get_mut(&call) {
        inbox.ended = Some(ended);
        after.wakers.extend(inbox.waker.take());
    }
}

/// What a server agrees to tell; what cannot be read is nothing.
pub(super) fn acknowledged(params: &Members<'_>) -> SubscriptionFilter {
    let params = params.decode_all::<SubscriptionsAcknowledgedNotificationParams>();
    params.map(|params| params.notifications).unwrap_or_default()
}

/// How many notifications of a subscription are kept for somebody who does not look.
const KEPT: usize = 1024;
/// And how many bytes of them.
const KEPT_BYTES: usize = 4 * 1024 * 1024;
