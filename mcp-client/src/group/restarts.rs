//! When a server that ended is started again.
//!
//! Pure: what went wrong how often goes in, the pause comes out. The clock and the dice are the
//! caller's.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use mcp_core::Error;

use crate::transport::SpawnError;

/// How often and after which pauses a server is started again that ended or did not start.
///
/// The pause doubles from one attempt to the next, and is shortened by up to half at random, so that
/// servers that failed together do not come back together. What trying again cannot mend is not
/// tried again: profiles that were not agreed on, no common protocol version, a program that does
/// not exist or cannot be run, a server over HTTP that wants to know who calls (401) or lets this
/// caller do nothing (403), a token that is refused.
///
/// # Examples
///
/// ```
/// use mcp_client::group::Restarts;
///
/// let patient = Restarts { attempts: 20, ..Restarts::default() };
/// assert_eq!(Restarts::NEVER.attempts, 0);
/// # let _ = patient;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restarts {
    /// How many times in a row. Default: 5.
    pub attempts: u32,
    /// The pause before the first of them. Default: half a second.
    pub first_pause: Duration,
    /// The longest pause. Default: 30 seconds.
    pub longest_pause: Duration,
    /// How long a connection has to last for earlier failures to be forgotten. Default: a minute.
    pub healthy_after: Duration,
}

impl Restarts {
    /// A server that ended stays ended.
    pub const NEVER: Self = Self {
        attempts: 0,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        healthy_after: Duration::MAX,
    };

    /// The pause after this many failures in a row, at least one; `None` to give up.
    pub(super) fn pause(&self, failures: u32, error: &Error, chance: Chance) -> Option<Duration> {
        if failures > self.attempts || is_hopeless(error) {
            return None;
        }
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let longest = self.first_pause.saturating_mul(doubled).min(self.longest_pause);
        Some(longest - longest.mul_f64(chance.0 / 2.0))
    }
}

impl Default for Restarts {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            healthy_after: Duration::from_secs(60),
        }
    }
}

/// A number from 0 up to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(f64);

impl Chance {
    /// Throws the dice: new hash keys are as random as jitter has to be.
    pub(super) fn take() -> Self {
        let bits = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default();
        Self(f64::from(bits) / f64::from(u32::MAX))
    }
}

/// Whether the same attempt would fail in the same way.
fn is_hopeless(error: &Error) -> bool {
    match error {
        Error::Rejected(_) | Error::Misuse(_) | Error::PeerIncompatible(_) => true,
        Error::Transport(error) => {
            let spawning = error.downcast_ref::<SpawnError>();
            spawning.is_some_and(|error| !matches!(error, SpawnError::Io { .. }))
                || is_refused(&**error)
        }
        _ => false,
    }
}

/// Whether a server over HTTP lets this caller in under no circumstances.
#[cfg(feature = "http")]
fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    use crate::transport::http::HttpError;

    match error.downcast_ref() {
        Some(HttpError::Status(status)) => matches!(status.status(), 401 | 403),
        #[cfg(feature = "auth")]
        Some(HttpError::Unauthorized(error)) => {
            use crate::auth::AuthError;
            // What could not be read or asked today may be there tomorrow.
            !matches!(error, AuthError::Fetch { .. } | AuthError::Source { .. })
        }
        _ => false,
    }
}

#[cfg(not(feature = "http"))]
fn is_refused(_: &(dyn std::error::Error + 'static)) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(restarts: Restarts, chance: f64) -> Vec<f64> {
        let lost = Error::Closed("x".to_owned());
        let pause = |failures| restarts.pause(failures, &lost, Chance(chance));
        (1..).map_while(pause).map(|pause| pause.as_secs_f64()).collect()
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let seconds = Duration::from_secs;
        let restarts = Restarts {
            attempts: 6,
            first_pause: seconds(1),
            longest_pause: seconds(10),
            ..Restarts::default()
        };
        assert_eq!(pauses(restarts, 0.0), [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(pauses(restarts, 1.0), [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]);
        assert!(pauses(Restarts::NEVER, 0.5).is_empty());
    }

    #[test]
    fn extreme_settings_do_not_overflow() {
        let restarts = Restarts {
            attempts: u32::MAX,
            first_pause: Duration::MAX,
            longest_pause: Duration::MAX,
            ..Restarts::default()
        };
        let lost = Error::Closed("x".to_owned());
        assert_eq!(restarts.pause(u32::MAX, &lost, Chance(0.0)), Some(Duration::MAX));
        assert!(restarts.pause(u32::MAX, &lost, Chance(1.0)).is_some());
    }

    #[test]
    fn what_cannot_be_mended_is_not_tried_again() {
        for error in [
            Error::Misuse("x".to_owned()),
            Error::PeerIncompatible("x".to_owned()),
            Error::Transport(Box::new(SpawnError::NoPath { program: "x".to_owned() })),
        ] {
            assert_eq!(Restarts::default().pause(1, &error, Chance(0.0)), None, "{error}");
        }
    }

    #[test]
    fn dice_stay_within_bounds() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&Chance::take().0));
        }
    }
}
