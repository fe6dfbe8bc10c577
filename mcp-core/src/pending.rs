//! Requests in flight: one table for those that we answer, one for those that we await.
//!
//! Ids, cancellation and deadlines of both halves live here and nowhere else.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use crate::jsonrpc::RequestId;

/// Names one call of a session, for the life of the session: never used for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId {
    slot: u32,
    turn: u32,
}

impl CallId {
    /// The id of a number, for tests of what handles ids without a session.
    pub const fn from_number(number: u32) -> Self {
        Self { slot: number, turn: 0 }
    }
}

impl std::fmt::Display for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.slot, self.turn)
    }
}

/// A table whose rows are named by [`CallId`]s that are never reused.
#[derive(Debug)]
struct Rows<T> {
    rows: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: Vec::new() }
    }
}

impl<T> Rows<T> {
    fn insert(&mut self, row: T) -> CallId {
        match self.free.pop() {
            Some(slot) => {
                let (turn, place) = &mut self.rows[slot as usize];
                *turn += 1;
                *place = Some(row);
                CallId { slot, turn: *turn }
            }
            None => {
                let slot = u32::try_from(self.rows.len()).expect("pending requests are limited");
                self.rows.push((0, Some(row)));
                CallId { slot, turn: 0 }
            }
        }
    }

    fn get(&self, call: CallId) -> Option<&T> {
        let (turn, row) = self.rows.get(call.slot as usize)?;
        row.as_ref().filter(|_| *turn == call.turn)
    }

    fn get_mut(&mut self, call: CallId) -> Option<&mut T> {
        let (turn, row) = self.rows.get_mut(call.slot as usize)?;
        row.as_mut().filter(|_| *turn == call.turn)
    }

    fn remove(&mut self, call: CallId) -> Option<T> {
        let (turn, place) = self.rows.get_mut(call.slot as usize)?;
        let row = place.take_if(|_| *turn == call.turn)?;
        // A slot whose turns are used up is retired.
        if *turn < u32::MAX {
            self.free.push(call.slot);
        }
        Some(row)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.iter_mut().filter_map(|(_, row)| row.as_mut())
    }

    fn iter(&self) -> impl Iterator<Item = (CallId, &T)> {
        self.rows.iter().zip(0..).filter_map(|((turn, row), slot)| {
            row.as_ref().map(|row| (CallId { slot, turn: *turn }, row))
        })
    }
}

/// Requests that the peer sent and that we have not answered.
#[derive(Debug)]
pub(crate) struct Incoming<T> {
    rows: Rows<(RequestId, T)>,
    by_id: HashMap<RequestId, CallId>,
}

impl<T> Default for Incoming<T> {
    fn default() -> Self {
        Self { rows: Rows::default(), by_id: HashMap::new() }
    }
}

/// The sender has a request of this id in flight already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IdInUse;

impl<T> Incoming<T> {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Notes a request.
    pub(crate) fn insert(&mut self, id: RequestId, row: T) -> Result<CallId, IdInUse> {
        match self.by_id.entry(id) {
            Entry::Occupied(_) => Err(IdInUse),
            Entry::Vacant(place) => {
                let call = self.rows.insert((place.key().clone(), row));
                place.insert(call);
                Ok(call)
            }
        }
    }

    pub(crate) fn contains_id(&self, id: &RequestId) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn get(&self, call: CallId) -> Option<&(RequestId, T)> {
        self.rows.get(call)
    }

    pub(crate) fn get_mut(&mut self, call: CallId) -> Option<&mut (RequestId, T)> {
        self.rows.get_mut(call)
    }

    /// Takes a request out, to answer it.
    pub(crate) fn remove(&mut self, call: CallId) -> Option<(RequestId, T)> {
        let row = self.rows.remove(call)?;
        self.by_id.remove(&row.0);
        Some(row)
    }

    /// Takes out every request: no answer to them may be given any more.
    pub(crate) fn clear(&mut self) -> Vec<(RequestId, T)> {
        self.by_id.clear();
        let calls: Vec<CallId> = self.rows.iter().map(|(call, _)| call).collect();
        calls.into_iter().filter_map(|call| self.rows.remove(call)).collect()
    }

    /// Takes a request out by its id: it was cancelled.
    pub(crate) fn remove_id(&mut self, id: &RequestId) -> Option<(CallId, T)> {
        let call = self.by_id.remove(id)?;
        let (_, row) = self.rows.remove(call)?;
        Some((call, row))
    }
}

/// Time limits of one request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Longest wait for the response or the next progress notification.
    pub idle: Option<Duration>,
    /// Longest wait altogether, whatever progress is reported.
    pub total: Option<Duration>,
}

/// Which limit a request ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// The handshake: discovery and `initialize` together.
    Handshake,
    /// Neither response nor progress for this long.
    Idle,
    /// No response within the total limit.
    Total,
}

/// Requests that we sent and that the peer has not answered.
///
/// Ids are integers that we count up, so an answer finds its row by the number alone.
#[derive(Debug)]
pub(crate) struct Outgoing<T> {
    rows: Rows<Awaited<T>>,
    by_id: HashMap<i64, CallId>,
    next_id: i64,
    /// No deadline lies before this; exact only after [`Outgoing::expire`].
    earliest: Option<Instant>,
    /// Since when no limit counts.
    paused: Option<Instant>,
}

#[derive(Debug)]
struct Awaited<T> {
    id: i64,
    timeouts: Timeouts,
    sent: Instant,
    heard: Instant,
    row: T,
}

impl<T> Awaited<T> {
    fn deadline(&self) -> Option<(Instant, TimeoutKind)> {
        let idle = self.timeouts.idle.and_then(|d| self.heard.checked_add(d));
        let total = self.timeouts.total.and_then(|d| self.sent.checked_add(d));
        match (idle, total) {
            (Some(idle), Some(total)) if idle < total => Some((idle, TimeoutKind::Idle)),
            (_, Some(total)) => Some((total, TimeoutKind::Total)),
            (Some(idle), None) => Some((idle, TimeoutKind::Idle)),
            (None, None) => None,
        }
    }
}

impl<T> Outgoing<T> {
    pub(crate) fn starting_at(next_id: i64) -> Self {
        Self { rows: Rows::default(), by_id: HashMap::new(), next_id, earliest: None, paused: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The id that the next request will have.
    pub(crate) fn next_id(&self) -> i64 {
        self.next_id
    }

    /// Counts on from there, unless it has come further already.
    pub(crate) fn go_on_at(&mut self, next_id: i64) {
        self.next_id = self.next_id.max(next_id);
    }

    /// Whether the request of an id waits.
    pub(crate) fn contains_id(&self, id: i64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Notes a request under [`Outgoing::next_id`].
    pub(crate) fn insert(&mut self, now: Instant, timeouts: Timeouts, row: T) -> CallId {
        let id = self.next_id;
        self.next_id += 1;
        let awaited = Awaited { id, timeouts, sent: now, heard: now, row };
        self.see(awaited.deadline());
        let call = self.rows.insert(awaited);
        self.by_id.insert(id, call);
        call
    }

    /// The request of an id.
    pub(crate) fn of_id(&mut self, id: &RequestId) -> Option<(CallId, &mut T)> {
        let RequestId::Integer(id) = id else { return None };
        let call = *self.by_id.get(id)?;
        Some((call, &mut self.rows.get_mut(call)?.row))
    }

    /// Whether a request still waits for its answer.
    pub(crate) fn contains(&self, call: CallId) -> bool {
        self.rows.get(call).is_some()
    }

    /// The requests whose row is as wanted.
    pub(crate) fn find_all(&self, wanted: impl Fn(&T) -> bool) -> Vec<CallId> {
        self.rows.iter().filter(|(_, awaited)| wanted(&awaited.row)).map(|(call, _)| call).collect()
    }

    /// Takes out the request that an answer belongs to.
    pub(crate) fn answered(&mut self, id: &RequestId) -> Option<(CallId, T)> {
        let RequestId::Integer(id) = id else { return None };
        let call = self.by_id.remove(id)?;
        let awaited = self.rows.remove(call)?;
        Some((call, awaited.row))
    }

    /// Takes a request out because nobody waits for it any more; gives its id and row.
    pub(crate) fn abandon(&mut self, call: CallId) -> Option<(i64, T)> {
        let awaited = self.rows.remove(call)?;
        self.by_id.remove(&awaited.id);
        Some((awaited.id, awaited.row))
    }

    /// The request that a progress token names; hearing of it extends its idle limit.
    pub(crate) fn heard_of(&mut self, id: i64, now: Instant) -> Option<(CallId, &mut T)> {
        let call = *self.by_id.get(&id)?;
        let awaited = self.rows.get_mut(call)?;
        awaited.heard = now;
        Some((call, &mut awaited.row))
    }

    /// Takes the limits off a request: from now on it may be silent for as long as it likes.
    pub(crate) fn without_limits(&mut self, call: CallId) {
        if let Some(awaited) = self.rows.get_mut(call) {
            awaited.timeouts = Timeouts { idle: None, total: None };
        }
    }

    /// Stops the clock of every request: the peer waits for us.
    pub(crate) fn pause(&mut self, now: Instant) {
        self.paused.get_or_insert(now);
    }

    /// Lets the clock go on; the time since [`Outgoing::pause`] counts for no limit.
    pub(crate) fn resume(&mut self, now: Instant) {
        let Some(since) = self.paused.take() else { return };
        let later = |then: Instant| {
            then.checked_add(now.saturating_duration_since(then.max(since))).unwrap_or(now)
        };
        for awaited in self.rows.iter_mut() {
            awaited.sent = later(awaited.sent);
            awaited.heard = later(awaited.heard);
        }
        self.earliest = self.first_deadline();
    }

    /// The next moment at which [`Outgoing::expire`] may have something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.earliest.filter(|_| self.paused.is_none())
    }

    /// Takes out one request whose time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<(CallId, i64, TimeoutKind, T)> {
        if self.deadline().is_none_or(|earliest| earliest > now) {
            return None;
        }
        let due = self.rows.iter().find_map(|(call, awaited)| {
            awaited.deadline().filter(|(at, _)| *at <= now).map(|(_, kind)| (call, kind))
        });
        if let Some((call, kind)) = due {
            let (id, row) = self.abandon(call).expect("the row was just found");
            return Some((call, id, kind, row));
        }
        self.earliest = self.first_deadline();
        None
    }

    fn first_deadline(&self) -> Option<Instant> {
        self.rows.iter().filter_map(|(_, awaited)| awaited.deadline()).map(|(at, _)| at).min()
    }

    /// Takes out every request: the connection is gone.
    pub(crate) fn clear(&mut self) -> Vec<(CallId, T)> {
        let calls: Vec<CallId> = self.rows.iter().map(|(call, _)| call).collect();
        let gone = calls.into_iter().filter_map(|call| Some((call, self.abandon(call)?.1)));
        gone.collect()
    }

    fn see(&mut self, deadline: Option<(Instant, TimeoutKind)>) {
        if let Some((at, _)) = deadline {
            self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits(idle: u32, total: u32) -> Timeouts {
        Timeouts { idle: Some(SECOND * idle), total: Some(SECOND * total) }
    }

    #[test]
    fn a_call_id_is_never_reused() {
        let mut incoming = Incoming::default();
        let first = incoming.insert(1.into(), ()).unwrap();
        assert_eq!(incoming.insert(1.into(), ()), Err(IdInUse));
        incoming.remove(first).unwrap();
        let second = incoming.insert(1.into(), ()).unwrap();
        assert_ne!(first, second);
        assert!(incoming.remove(first).is_none() && incoming.len() == 1);
        assert!(incoming.remove_id(&1.into()).is_some());
    }

    #[test]
    fn progress_extends_the_idle_limit_and_not_the_total() {
        let start = Instant::now();
        let mut outgoing = Outgoing::starting_at(1);
        let call = outgoing.insert(start, limits(2, 5), ());
        assert_eq!(outgoing.deadline(), Some(start + SECOND * 2));
        for second in 1..5 {
            assert!(outgoing.heard_of(1, start + SECOND * second).is_some());
            assert!(outgoing.expire(start + SECOND * second).is_none());
        }
        let (expired, id, kind, ()) = outgoing.expire(start + SECOND * 5).unwrap();
        assert_eq!((expired, id, kind), (call, 1, TimeoutKind::Total));
        assert!(outgoing.expire(start + SECOND * 5).is_none() && outgoing.deadline().is_none());
    }

    #[test]
    fn silence_runs_into_the_idle_limit() {
        let start = Instant::now();
        let mut outgoing = Outgoing::starting_at(1);
        outgoing.insert(start, limits(2, 5), ());
        assert!(matches!(outgoing.expire(start + SECOND * 2), Some((_, 1, TimeoutKind::Idle, ()))));
        assert!(outgoing.answered(&1.into()).is_none());
    }

    #[test]
    fn time_in_a_pause_counts_for_no_limit() {
        let start = Instant::now();
        let mut outgoing = Outgoing::starting_at(1);
        outgoing.insert(start, limits(2, 5), ());
        outgoing.pause(start + SECOND);
        let later = outgoing.insert(start + SECOND * 50, limits(2, 5), ());
        assert!(outgoing.deadline().is_none() && outgoing.expire(start + SECOND * 90).is_none());
        outgoing.resume(start + SECOND * 101);
        assert_eq!(outgoing.deadline(), Some(start + SECOND * 102));
        assert!(outgoing.expire(start + SECOND * 102).is_some());
        let (call, ..) = outgoing.expire(start + SECOND * 103).unwrap();
        assert_eq!(call, later);
    }

    #[test]
    fn a_request_without_limits_never_expires() {
        let start = Instant::now();
        let mut outgoing = Outgoing::starting_at(1);
        let call = outgoing.insert(start, limits(2, 5), ());
        outgoing.without_limits(call);
        assert!(outgoing.expire(start + SECOND * 100).is_none() && outgoing.deadline().is_none());
    }

    #[test]
    fn a_lost_connection_empties_the_table() {
        let start = Instant::now();
        let mut outgoing = Outgoing::starting_at(1);
        let calls = [0, 1, 2].map(|n| outgoing.insert(start, limits(1, 1), n));
        outgoing.answered(&2.into()).unwrap();
        assert_eq!(outgoing.clear(), [(calls[0], 0), (calls[2], 2)]);
        assert_eq!(outgoing.len(), 0);
    }
}
