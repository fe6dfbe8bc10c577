//! The limits of profiles: counted for each caller and profile, across all connections.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcp_core::profile::ProfileUrl;
use mcp_core::types::CallToolResult;
use mcp_core::{Negotiated, Principal, Tenant};
use tokio::time::Instant;

use crate::outcome::Outcome;

/// What a profile allows a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CallLimits {
    pub(crate) call_time: Option<Duration>,
    pub(crate) concurrent_calls: Option<usize>,
    pub(crate) bytes_in: Option<usize>,
    pub(crate) bytes_out: Option<usize>,
}

/// The limits of every profile, and who uses how much of them now.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    profiles: Vec<(ProfileUrl, CallLimits)>,
    running: Arc<Mutex<HashMap<Key, usize>>>,
}

/// One caller under one profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: Tenant,
    principal: Principal,
    profile: ProfileUrl,
}

impl Limiter {
    /// Keeps the profiles that limit anything.
    pub(crate) fn new(profiles: impl IntoIterator<Item = (ProfileUrl, CallLimits)>) -> Self {
        let profiles = profiles.into_iter().filter(|(_, limits)| *limits != CallLimits::default());
        Self { profiles: profiles.collect(), running: Arc::default() }
    }

    /// Admits a call, or says which limit is in the way.
    ///
    /// Of several profiles in force the strictest value wins.
    pub(crate) fn admit(
        &self,
        negotiated: &Negotiated,
        bytes_in: usize,
    ) -> Result<Admission, LimitExceeded> {
        let mut admission = Admission::default();
        if self.profiles.is_empty() {
            return Ok(admission);
        }
        for (profile, limits) in &self.profiles {
            if !negotiated.profiles().has(profile.as_str()) {
                continue;
            }
            let exceeded = |limit| LimitExceeded { profile: profile.clone(), limit };
            if let Some(most) = limits.bytes_in.filter(|most| bytes_in > *most) {
                return Err(exceeded(Limit::BytesIn { most, got: bytes_in }));
            }
            tighten(&mut admission.call_time, limits.call_time, profile);
            tighten(&mut admission.bytes_out, limits.bytes_out, profile);
            if let Some(most) = limits.concurrent_calls {
                let key = Key {
                    tenant: negotiated.tenant().clone(),
                    principal: negotiated.principal().clone(),
                    profile: profile.clone(),
                };
                let place = Place::take(&self.running, key, most);
                admission.places.push(place.ok_or_else(|| exceeded(Limit::Concurrent { most }))?);
            }
        }
        Ok(admission)
    }
}

fn tighten<T: Ord + Copy>(
    strictest: &mut Option<(T, ProfileUrl)>,
    limit: Option<T>,
    profile: &ProfileUrl,
) {
    if let Some(limit) = limit
        && strictest.as_ref().is_none_or(|(known, _)| limit < *known)
    {
        *strictest = Some((limit, profile.clone()));
    }
}

/// What holds for an admitted call; its places are given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    call_time: Option<(Duration, ProfileUrl)>,
    bytes_out: Option<(usize, ProfileUrl)>,
    places: Vec<Place>,
    /// How much of the time is over.
    spent: Duration,
}

impl Admission {
    /// Whether the call is limited in any way.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.call_time.is_none() && self.bytes_out.is_none() && self.places.is_empty()
    }

    /// Runs a call within the limits; the places are taken until it is over.
    pub(crate) async fn run(mut self, call: impl Future<Output = Outcome>) -> Outcome {
        match self.run_part(call).await {
            Ok(outcome) => self.finish(outcome),
            Err(exceeded) => exceeded.into(),
        }
    }

    /// Runs a part of a call; the time between two parts does not count.
    pub(crate) async fn run_part(
        &mut self,
        call: impl Future<Output = Outcome>,
    ) -> Result<Outcome, LimitExceeded> {
        let Some((most, profile)) = &self.call_time else { return Ok(call.await) };
        let started = Instant::now();
        match tokio::time::timeout(most.saturating_sub(self.spent), call).await {
            Ok(outcome) => {
                self.spent += started.elapsed();
                Ok(outcome)
            }
            Err(_) => {
                let limit = Limit::CallTime { most: *most };
                Err(LimitExceeded { profile: profile.clone(), limit })
            }
        }
    }

    /// Looks at the outcome of a call before it is sent.
    pub(crate) fn finish(&self, outcome: Outcome) -> Outcome {
        match (&self.bytes_out, outcome) {
            (Some((most, profile)), Outcome::Complete(result)) => {
                let got = size(&result);
                if got > *most {
                    let limit = Limit::BytesOut { most: *most, got };
                    return LimitExceeded { profile: profile.clone(), limit }.into();
                }
                Outcome::Complete(result)
            }
            (_, outcome) => outcome,
        }
    }
}

/// A place among the calls that may run at a time.
#[derive(Debug)]
struct Place {
    running: Arc<Mutex<HashMap<Key, usize>>>,
    key: Key,
}

impl Place {
    fn take(running: &Arc<Mutex<HashMap<Key, usize>>>, key: Key, most: usize) -> Option<Self> {
        let mut counts = running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Self { running: Arc::clone(running), key })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// A limit of a profile in force that a call ran into: for the model to read.
#[derive(Debug, Clone)]
pub(crate) struct LimitExceeded {
    profile: ProfileUrl,
    limit: Limit,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    CallTime { most: Duration },
    Concurrent { most: usize },
    BytesIn { most: usize, got: usize },
    BytesOut { most: usize, got: usize },
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::CallTime { most } => {
                write!(f, "limit `call_time` reached: a call may run {most:?}")?
            }
            Limit::Concurrent { most } => write!(
                f,
                "limit `concurrent_calls` reached: {most} at a time; try again when another call has ended"
            )?,
            Limit::BytesIn { most, got } => {
                write!(
                    f,
                    "limit `bytes_in` reached: the arguments have {got} bytes, {most} are allowed"
                )?;
            }
            Limit::BytesOut { most, got } => {
                write!(
                    f,
                    "limit `bytes_out` reached: the result has {got} bytes, {most} are allowed"
                )?;
            }
        }
        write!(f, " (profile {})", self.profile)
    }
}

impl From<LimitExceeded> for Outcome {
    fn from(exceeded: LimitExceeded) -> Self {
        Self::Complete(CallToolResult::error(exceeded.to_string()))
    }
}

/// The size of a result as JSON, without writing it.
fn size(result: &CallToolResult) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, result) {
        Ok(()) => count.0,
        // It will not be sent anyway.
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{negotiated, negotiated_by};

    const A: &str = "https://h/a";
    const B: &str = "https://h/b";

    fn url(text: &str) -> ProfileUrl {
        ProfileUrl::parse(text).unwrap()
    }

    fn limiter() -> Limiter {
        let second = Duration::from_secs(1);
        Limiter::new([
            (url(A), CallLimits { call_time: Some(second * 5), ..CallLimits::default() }),
            (
                url(B),
                CallLimits {
                    call_time: Some(second),
                    concurrent_calls: Some(1),
                    bytes_in: Some(10),
                    bytes_out: Some(60),
                },
            ),
        ])
    }

    fn text(outcome: &Outcome) -> &str {
        let Outcome::Complete(result) = outcome else { panic!("{outcome:?}") };
        assert!(result.is_failure());
        result.content[0].as_text().unwrap()
    }

    #[test]
    fn places_are_counted_for_each_caller_and_given_back() {
        let limiter = limiter();
        let first = limiter.admit(&negotiated(&[B]), 0).unwrap();
        let said = limiter.admit(&negotiated(&[B]), 0).unwrap_err().to_string();
        assert!(said.contains("`concurrent_calls`") && said.contains(B), "{said}");
        assert!(limiter.admit(&negotiated(&[A]), 0).is_ok());
        drop(first);
        assert!(limiter.admit(&negotiated(&[B]), 0).is_ok());
        assert!(limiter.running.lock().unwrap().is_empty());
    }

    #[test]
    fn arguments_beyond_the_limit_are_refused() {
        let said = limiter().admit(&negotiated(&[B]), 11).unwrap_err().to_string();
        assert!(said.contains("11 bytes, 10 are allowed"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_strictest_time_of_several_profiles_wins() {
        let admission = limiter().admit(&negotiated(&[A, B]), 0).unwrap();
        let started = Instant::now();
        let outcome = admission.run(std::future::pending()).await;
        assert_eq!(started.elapsed(), Duration::from_secs(1));
        assert!(text(&outcome).contains("`call_time`"));
    }

    #[tokio::test(start_paused = true)]
    async fn time_between_the_parts_of_a_call_does_not_count() {
        let mut admission = limiter().admit(&negotiated(&[A, B]), 0).unwrap();
        let part = async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            Outcome::Complete(CallToolResult::text("done"))
        };
        assert!(admission.run_part(part).await.unwrap().is_ok());
        tokio::time::advance(Duration::from_secs(3600)).await;
        let started = Instant::now();
        let exceeded = admission.run_part(std::future::pending()).await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::from_millis(400));
        assert!(exceeded.to_string().contains("`call_time`"));
    }

    #[tokio::test]
    async fn a_result_beyond_the_limit_is_replaced() {
        let admission = limiter().admit(&negotiated(&[B]), 0).unwrap();
        let long = Outcome::Complete(CallToolResult::text("x".repeat(100)));
        let outcome = admission.run(std::future::ready(long)).await;
        assert!(text(&outcome).contains("60 are allowed"));
    }

    #[test]
    fn local_and_anonymous_callers_share_no_places() {
        let limiter = limiter();
        let callers = [Principal::local(), Principal::anonymous(), Principal::new("")];
        let admitted = callers.clone().map(|caller| limiter.admit(&negotiated_by(caller, &[B]), 0));
        assert!(admitted.iter().all(Result::is_ok));
        for caller in callers {
            assert!(limiter.admit(&negotiated_by(caller.with("a", "b"), &[B]), 0).is_err());
        }
    }

    #[test]
    fn without_limits_nothing_is_counted() {
        let limiter = Limiter::new([(url(A), CallLimits::default())]);
        assert!(limiter.admit(&negotiated(&[A]), 1 << 30).unwrap().is_unlimited());
    }
}
