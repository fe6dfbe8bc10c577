//! Time that passes when the test says so.
//!
//! Client and server read tokio's clock and nothing else. A test under
//! `#[tokio::test(start_paused = true)]` stops it: it stands still while anything can be done, and
//! jumps to the next deadline when everything waits. An hour of sleeping takes no time at all, and
//! time limits fire in the same order on every machine.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Lets time pass, with everything that becomes due on the way, in its order.
///
/// Unlike `tokio::time::advance`, which jumps, it stops at each deadline on the way and lets
/// whoever waited for it run. What is due at the end has run when this returns.
///
/// # Panics
///
/// When the clock is not stopped: write `#[tokio::test(start_paused = true)]`.
///
/// # Cancel safety
///
/// When the future is dropped, the time that has passed has passed.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// let hour = Duration::from_secs(3600);
/// let slept = tokio::spawn(tokio::time::sleep(hour));
/// mcp_test::clock::advance(hour).await;
/// assert!(slept.is_finished());
/// # }
/// ```
pub async fn advance(duration: Duration) {
    // Panics where the clock runs by itself, which would mean to sleep in earnest.
    tokio::time::advance(Duration::ZERO).await;
    let until = Instant::now() + duration;
    sleep(duration).await;
    settle().await;
    debug_assert!(Instant::now() >= until);
}

/// Lets everything run that can run now, without letting time pass.
///
/// For tests on one thread, such as those of `#[tokio::test]`. Everything is what a few hundred
/// turns of the runtime are enough for.
pub async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// More turns than a message needs from one end through both drivers to the other, and back.
const TURNS: usize = 256;
