//! Driving a task to its end: asking how far it is, answering what it asks, calling it off.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::types::{
    CancelTaskRequestParams, CreateTaskResult, GetTaskRequestParams, GetTaskResult, InputRequests,
    TaskDetail, UpdateTaskRequestParams,
};
use mcp_core::{Error, TimeoutKind, Timeouts};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::call::{Call, Decode};
use crate::client::Connected;
use crate::input::answers;
use crate::{decode, params};

/// Waits for the end of a task, and gives its raw result.
///
/// The task is asked in the rhythm that its server wants, and less and less often while nothing
/// changes. What it asks, the handlers of the client answer, each question once (SEP-2663, "Task Update
/// Requests"). `total` is what is left of the time limit; handlers' time does not count.
///
/// # Cancel safety
///
/// When the future is dropped, or fails, the task is called off: then nobody wants it any more.
pub(crate) async fn drive(
    connected: Arc<Connected>,
    created: CreateTaskResult,
    timeouts: Timeouts,
    total: Option<Duration>,
) -> Result<Box<str>, Error> {
    let task = created.task;
    let mut unfinished = Unfinished { connected, id: task.task_id, timeouts, wanted: false };
    let mut deadline = total.and_then(|total| Instant::now().checked_add(total));
    let mut answered = HashSet::new();
    let mut rhythm = Rhythm::new(task.poll_interval_ms);
    let mut last = task.last_updated_at;
    loop {
        let pause = rhythm.pause;
        match deadline {
            Some(deadline) if deadline <= Instant::now() + pause => {
                tokio::time::sleep_until(deadline).await;
                return Err(TimeoutKind::Total.into());
            }
            _ => sleep(pause).await,
        }
        let (task, detail) = unfinished.get().await?.task.into_parts();
        match detail {
            TaskDetail::Completed(result) => {
                unfinished.wanted = true;
                return Ok(result.as_str().into());
            }
            TaskDetail::Failed(error) => {
                unfinished.wanted = true;
                return Err(Error::Peer(error));
            }
            TaskDetail::Cancelled => {
                unfinished.wanted = true;
                let why = task.status_message.as_deref().unwrap_or("it does not say why");
                let got = format!("a task that was called off: {}", why.escape_debug());
                return Err(Error::UnexpectedMessage { expected: "the result of a task", got });
            }
            TaskDetail::InputRequired(requests) => {
                let asked = Instant::now();
                unfinished.answer(requests, &mut answered).await?;
                deadline = deadline.and_then(|deadline| deadline.checked_add(asked.elapsed()));
            }
            TaskDetail::Working => {}
        }
        rhythm.next(task.poll_interval_ms, task.last_updated_at != last);
        last = task.last_updated_at;
    }
}

/// A task whose end its caller waits for: dropped before, it is called off.
struct Unfinished {
    connected: Arc<Connected>,
    id: String,
    timeouts: Timeouts,
    /// Its end has come, and was wanted.
    wanted: bool,
}

impl Unfinished {
    fn get(&self) -> Call<GetTaskResult> {
        let params = GetTaskRequestParams::new(&*self.id);
        request(&self.connected, self.timeouts, "tasks/get", &params, decode::whole)
    }

    /// Answers the questions that were not answered before.
    async fn answer(
        &self,
        requests: InputRequests,
        answered: &mut HashSet<String>,
    ) -> Result<(), Error> {
        let new = requests.into_iter().filter(|(key, _)| !answered.contains(key));
        let new: InputRequests = new.collect();
        if new.is_empty() {
            return Ok(());
        }
        if answered.len() + new.len() > MOST_QUESTIONS {
            return Err(Error::PeerMisbehaved(format!(
                "a task asks for more than {MOST_QUESTIONS} things"
            )));
        }
        answered.extend(new.iter().map(|(key, _)| key.to_owned()));
        let responses = answers(&self.connected.handlers, new).await?;
        let params = UpdateTaskRequestParams::new(&*self.id, responses);
        request(&self.connected, self.timeouts, "tasks/update", &params, decode::nothing).await
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(runtime) = Handle::try_current().ok().filter(|_| !self.wanted) else { return };
        let params = CancelTaskRequestParams::new(&*self.id);
        let timeouts = Timeouts { idle: Some(FAREWELL), total: Some(FAREWELL) };
        let cancel = request(&self.connected, timeouts, "tasks/cancel", &params, decode::nothing);
        // Whether the server does it, nobody waits to hear. The connection lasts so long.
        runtime.spawn(cancel);
    }
}

/// How long to wait between two questions how far a task is.
struct Rhythm {
    pause: Duration,
}

impl Rhythm {
    fn new(wanted: Option<u64>) -> Self {
        Self { pause: interval(wanted) }
    }

    /// As the server wants, or longer, while nothing changes.
    fn next(&mut self, wanted: Option<u64>, changed: bool) {
        let least = interval(wanted);
        self.pause = match changed {
            true => least,
            false => (self.pause * 5 / 4).clamp(least, least * 4),
        };
    }
}

fn interval(wanted: Option<u64>) -> Duration {
    wanted.map_or(INTERVAL, Duration::from_millis).clamp(SHORTEST, LONGEST)
}

fn request<T>(
    connected: &Arc<Connected>,
    timeouts: Timeouts,
    method: &'static str,
    params: &impl Serialize,
    decode: Decode<T>,
) -> Call<T> {
    let call = Call::new(connected, method, params::object(method, params), decode);
    call.further_in().with_timeouts(Timeouts { total: None, ..timeouts })
}

/// How often a task is asked whose server does not say.
const INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(60);

/// How long the server may take to hear that a task is not wanted any more.
const FAREWELL: Duration = Duration::from_secs(5);

/// More questions than any task has.
const MOST_QUESTIONS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rhythm_is_the_servers_and_slows_down_while_nothing_changes() {
        let mut rhythm = Rhythm::new(Some(1000));
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pauses.push(rhythm.pause.as_millis());
            rhythm.next(Some(1000), false);
        }
        assert_eq!(pauses[..3], [1000, 1250, 1562]);
        assert_eq!(rhythm.pause, Duration::from_secs(4));
        rhythm.next(Some(200), true);
        assert_eq!(rhythm.pause, Duration::from_millis(200));
        assert_eq!(Rhythm::new(Some(0)).pause, SHORTEST);
        assert_eq!(Rhythm::new(Some(u64::MAX)).pause, LONGEST);
    }
}
