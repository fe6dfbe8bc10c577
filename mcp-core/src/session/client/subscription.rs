//! Subscriptions of the modern era: what arrives for a `subscriptions/listen` that is in flight.
//!
//! Spec: 2026-07-28, basic/patterns/subscriptions. Nothing of a subscription is delivered before
//! its acknowledgement, and that not before its answer about profiles has been checked.

use super::Established;
use super::established::{Checked, Purpose};
use super::event::{ClientEvent, noise};
use crate::jsonrpc::{RequestId, shown};
use crate::version::Era;
use crate::wire::{Members, modern};

impl Established {
    /// A notification that is neither about progress nor a cancellation.
    pub(super) fn notification<'m>(
        &mut self,
        method: &'m str,
        params: Option<Members<'m>>,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        let params = params.unwrap_or_default();
        let tag = match self.agreed.era() {
            Era::Modern => match tag(&params) {
                Ok(tag) => tag,
                Err(problem) => return events(noise(problem)),
            },
            _ => None,
        };
        let is_acknowledgement = method == ACKNOWLEDGED && self.agreed.era() == Era::Modern;
        let Some(id) = tag else {
            return match is_acknowledgement {
                true => events(noise("an acknowledgement that names no subscription")),
                false => events(ClientEvent::Notification { method, params }),
            };
        };
        // What is told of a subscription that is over comes too late to matter.
        let Some((call, purpose)) = self.calls.of_id(&id) else { return };
        let Purpose::Listen { acknowledged } = purpose else {
            return events(noise(format!("request {id} opened no subscription")));
        };
        match (*acknowledged, is_acknowledgement) {
            (true, false) => events(ClientEvent::Subscribed { call, method, params }),
            (false, true) => {
                match self.check_profiles(&params, events) {
                    Checked::Rejected(rejection) => return self.reject(rejection, events),
                    Checked::Invalid(problem) => {
                        return events(noise(format!("malformed acknowledgement: {problem}")));
                    }
                    _ => {}
                }
                if let Some((_, Purpose::Listen { acknowledged })) = self.calls.of_id(&id) {
                    *acknowledged = true;
                }
                self.calls.without_limits(call);
                events(ClientEvent::Acknowledged { call, params });
            }
            (true, true) => events(noise(format!("subscription {id} is acknowledged twice"))),
            (false, false) => events(noise(format!(
                "{} comes before the acknowledgement of subscription {id}",
                shown(method)
            ))),
        }
    }

    /// The server called off a request of ours, which it may do with subscriptions only.
    pub(super) fn subscription_called_off<'m>(
        &mut self,
        id: &RequestId,
        reason: Option<String>,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        if let Some((call, Purpose::Listen { .. })) = self.calls.of_id(id) {
            self.calls.abandon(call);
            events(ClientEvent::SubscriptionEnded { call, reason });
        }
    }
}

/// The subscription that a notification belongs to.
fn tag(params: &Members<'_>) -> Result<Option<RequestId>, String> {
    let Some(meta) = params.raw("_meta") else { return Ok(None) };
    let meta = Members::read(Some(meta)).map_err(|problem| format!("`_meta`: {problem}"))?;
    meta.decode(modern::SUBSCRIPTION_ID).map_err(|problem| format!("`_meta`: {problem}"))
}

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
