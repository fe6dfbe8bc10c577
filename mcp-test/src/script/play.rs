//! Performing a script on a connection.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::FutureExt as _;
use mcp_client::Io;
use mcp_core::Limits;
use mcp_core::framing::{Line, LineBuffer};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::instrument::WithSubscriber as _;

use super::{Placed, Script, Step, shown};
use crate::client::said;
use crate::error::Error;
use crate::journal::Journal;
use crate::pair::{IntoServer, ROOM, serve};
use crate::pattern::{Bindings, Difference};

impl Script {
    /// Plays the script as a server, in a task of this runtime.
    ///
    /// Connect a client with what is returned first, and call [`Playing::finish`] at the end of
    /// the test. When the script does not fit what the client does, the connection is closed, and
    /// the client's calls fail.
    pub fn play_server(self) -> (Io, Playing) {
        let (near, far) = duplex(ROOM);
        let (reader, writer) = split(far);
        let (finish, finished) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut stage = Stage::new(self, reader, writer);
            stage.perform().await?;
            stage.wait_for_the_end(finished).await
        });
        (Io::new(near), Playing { task: Some(task), finish: Some(finish) })
    }

    /// Plays the script as a client of this server.
    ///
    /// After the last step the connection is closed, and nothing more may come. The caller is the
    /// server's [`local_principal`](mcp_server::Builder::local_principal).
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] says at which step the server did something else, and what.
    /// [`Error::Mcp`] when the server cannot be built, [`Error::Server`] when it failed or one of
    /// its handlers panicked.
    pub async fn play_client(self, server: impl IntoServer) -> Result<(), Error> {
        let server = server.into_server()?;
        let journal = Journal::default();
        let (near, far) = duplex(ROOM);
        let (reader, writer) = split(near);
        let serving = async move {
            serve(server, None, None, far)
                .await
                .map_err(|error| Error::Server(format!("{error:#}")))
        };
        let serving = serving.with_subscriber(journal.tap());
        let (played, served) = tokio::join!(self.play(reader, writer), serving);
        served?;
        played?;
        match journal.panics() {
            none if none.is_empty() => Ok(()),
            panics => Err(Error::Server(panics.join("\n"))),
        }
    }

    /// Plays the script on any two streams of bytes, for instance those of a process.
    ///
    /// After the last step the writing half is closed, and nothing more may come until the other
    /// side closes the connection too.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] says at which step the other side did something else, and what.
    pub async fn play(
        self,
        reader: impl AsyncRead + Send + Unpin,
        writer: impl AsyncWrite + Send + Unpin,
    ) -> Result<(), Error> {
        let mut stage = Stage::new(self, reader, writer);
        stage.perform().await?;
        stage.close_and_drain().await
    }
}

/// A script that is being played as a server; see [`Script::play_server`].
///
/// Dropping it without [`finish`](Self::finish) panics if the script did not fit.
#[derive(Debug)]
#[must_use = "call `finish` to know whether the client kept to the script"]
pub struct Playing {
    task: Option<JoinHandle<Result<(), Error>>>,
    finish: Option<oneshot::Sender<()>>,
}

impl Playing {
    /// Waits for the steps that are left, ends the connection, and says whether everything fitted.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] says at which step the client did something else, and what.
    pub async fn finish(mut self) -> Result<(), Error> {
        drop(self.finish.take());
        let Some(task) = self.task.take() else { return Ok(()) };
        task.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => Err(Error::Server(said(panic.as_ref()).to_owned())),
            Err(_) => Err(Error::Server("its task was dropped with the runtime".to_owned())),
        })
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        let Some(mut task) = self.task.take() else { return };
        let outcome = (&mut task).now_or_never();
        task.abort();
        if let Some(Ok(Err(error))) = outcome
            && !std::thread::panicking()
        {
            panic!("{error:#}");
        }
    }
}

/// A script on a connection.
struct Stage<R, W> {
    script: Script,
    reader: R,
    /// `None` when it is closed.
    writer: Option<W>,
    lines: LineBuffer,
    bindings: Bindings,
    /// The id of the request that came last.
    asked: Option<Value>,
    /// How many steps are done.
    done: usize,
}

/// What came.
enum Came {
    Message(Value),
    /// A line that is no JSON.
    Text(String),
    End,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stage<R, W> {
    fn new(script: Script, reader: R, writer: W) -> Self {
        let lines = LineBuffer::with_limit(Limits::default().line_bytes);
        let (writer, bindings) = (Some(writer), Bindings::default());
        Self { script, reader, writer, lines, bindings, asked: None, done: 0 }
    }

    /// Performs the steps, one after the other.
    async fn perform(&mut self) -> Result<(), Error> {
        while let Some(Placed { step, .. }) = self.script.steps.get(self.done).cloned() {
            let patience = self.script.patience;
            match step {
                Step::Expect { pattern, exactly } => {
                    let waited = timeout(patience, self.expect(&pattern, exactly)).await;
                    waited.unwrap_or_else(|_| {
                        Err(self.misfit(&format!("no message came within {patience:?}")))
                    })?;
                }
                Step::ExpectClose => {
                    let waited = timeout(patience, self.expect_end()).await;
                    waited.unwrap_or_else(|_| {
                        Err(self.misfit(&format!("the connection was open after {patience:?}")))
                    })?;
                }
                Step::ExpectNothing(duration) => {
                    if let Ok(came) = timeout(duration, self.unruled()).await {
                        return Err(self.came_instead(&came?));
                    }
                }
                Step::Send(message) => self.send(&message).await?,
                Step::Respond(mut members) => {
                    let id = self.asked.clone().ok_or_else(|| {
                        self.misfit("no request came before: there is nothing to answer")
                    })?;
                    // An id is a value, not a name for one.
                    members = self.filled(&members)?;
                    members["jsonrpc"] = "2.0".into();
                    members["id"] = id;
                    self.write(format!("{members}\n").as_bytes()).await?;
                }
                Step::Raw(bytes) => self.write(&bytes).await?,
                Step::Wait(duration) => sleep(duration).await,
                Step::Close => {
                    self.close().await;
                    self.done = self.script.steps.len();
                    return Ok(());
                }
            }
            self.done += 1;
        }
        Ok(())
    }

    async fn expect(&mut self, pattern: &Value, exactly: bool) -> Result<(), Error> {
        loop {
            let message = match self.next().await? {
                Came::Message(message) => message,
                other => return Err(self.came_instead(&other)),
            };
            let differences = self.bindings.fit(pattern, &message, exactly);
            if differences.is_empty() {
                self.note(&message);
                return Ok(());
            }
            if !self.ruled(&message).await? {
                return Err(self.differs(&message, &differences));
            }
        }
    }

    async fn expect_end(&mut self) -> Result<(), Error> {
        match self.unruled().await? {
            Came::End => Ok(()),
            other => Err(self.came_instead(&other)),
        }
    }

    /// Whatever comes next that no rule takes care of.
    async fn unruled(&mut self) -> Result<Came, Error> {
        loop {
            match self.next().await? {
                Came::Message(message) if self.ruled(&message).await? => {}
                came => return Ok(came),
            }
        }
    }

    /// Whether a rule takes care of a message, which is done then.
    async fn ruled(&mut self, message: &Value) -> Result<bool, Error> {
        let rules = std::mem::take(&mut self.script.rules);
        let mut answer = None;
        let mut found = false;
        for (pattern, says) in &rules {
            // What a rule binds holds for its answer only.
            let mut bindings = self.bindings.clone();
            if bindings.fit(pattern, message, false).is_empty() {
                answer = says.as_ref().map(|says| bindings.fill(says));
                found = true;
                break;
            }
        }
        self.script.rules = rules;
        if let Some(answer) = answer {
            let answer = answer.map_err(|problem| self.misfit(&problem))?;
            self.write(format!("{answer}\n").as_bytes()).await?;
        }
        Ok(found)
    }

    fn note(&mut self, message: &Value) {
        if message.get("method").is_some()
            && let Some(id) = message.get("id")
        {
            self.asked = Some(id.clone());
        }
    }

    /// The next line. Nothing is lost when the future is dropped.
    async fn next(&mut self) -> Result<Came, Error> {
        loop {
            match self.lines.next_line() {
                Some(Line::Complete(line)) => {
                    return Ok(match serde_json::from_slice(line) {
                        Ok(message) => Came::Message(message),
                        Err(_) => Came::Text(String::from_utf8_lossy(line).into_owned()),
                    });
                }
                Some(Line::TooLong { length_so_far }) => {
                    return Ok(Came::Text(format!("a line of {length_so_far} bytes or more")));
                }
                None => {}
            }
            // A connection that breaks has ended.
            if self.reader.read_buf(self.lines.spare(READ)).await.unwrap_or(0) == 0 {
                return Ok(Came::End);
            }
        }
    }

    fn filled(&self, message: &Value) -> Result<Value, Error> {
        self.bindings.fill(message).map_err(|problem| self.misfit(&problem))
    }

    async fn send(&mut self, message: &Value) -> Result<(), Error> {
        let message = self.filled(message)?;
        self.write(format!("{message}\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = async {
            let Some(writer) = &mut self.writer else { return Ok(()) };
            writer.write_all(bytes).await?;
            writer.flush().await
        };
        match timeout(self.script.patience, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.misfit(&format!("it cannot be sent: {error}"))),
            Err(_) => Err(self.misfit("it cannot be sent: the other side does not read")),
        }
    }

    async fn close(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            // The other side may have closed first.
            let _ = timeout(self.script.patience, writer.shutdown()).await;
        }
    }

    /// Closes the writing half and sees that nothing more comes.
    async fn close_and_drain(mut self) -> Result<(), Error> {
        let closed_by_script =
            matches!(self.script.steps.last(), Some(Placed { step: Step::Close, .. }));
        self.close().await;
        if closed_by_script {
            // Whoever closes both directions does not care for what is said still.
            return Ok(());
        }
        match timeout(DRAIN, self.unruled()).await {
            Ok(Ok(Came::End)) => Ok(()),
            Ok(Ok(other)) => Err(self.came_instead(&other)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.misfit(&format!(
                "the other side still had its end of the connection open after {DRAIN:?}"
            ))),
        }
    }

    /// Sees that nothing more comes until the test or the client is over.
    async fn wait_for_the_end(&mut self, mut finished: oneshot::Receiver<()>) -> Result<(), Error> {
        if self.writer.is_none() {
            return Ok(());
        }
        let came = {
            let next = std::pin::pin!(self.unruled());
            match futures_util::future::select(next, &mut finished).await {
                futures_util::future::Either::Left((came, _)) => Some(came),
                // What has arrived by the end of the test counts.
                futures_util::future::Either::Right((_, next)) => next.now_or_never(),
            }
        };
        match came {
            None | Some(Ok(Came::End)) => Ok(()),
            Some(Ok(other)) => Err(self.came_instead(&other)),
            Some(Err(error)) => Err(error),
        }
    }

    fn came_instead(&self, came: &Came) -> Error {
        match came {
            Came::End => self.misfit("the other side closed the connection"),
            Came::Text(text) => {
                self.misfit(&format!("a line came that is no JSON: {}", text.escape_debug()))
            }
            Came::Message(message) => self.misfit(&format!(
                "a message came that was not expected:\n  got       {}",
                shown(message)
            )),
        }
    }

    fn differs(&self, message: &Value, differences: &[Difference]) -> Error {
        let mut text = format!("another message came:\n  got       {}", shown(message));
        for difference in differences {
            let _ = write!(text, "\n  {difference}");
        }
        self.misfit(&text)
    }

    /// What is wrong, and where in the script.
    fn misfit(&self, problem: &str) -> Error {
        let steps = &self.script.steps;
        let at = match steps.get(self.done) {
            None => format!("after the last of {} steps", steps.len()),
            Some(Placed { at, .. }) => {
                format!(
                    "at step {} of {} ({}:{})",
                    self.done + 1,
                    steps.len(),
                    at.file(),
                    at.line()
                )
            }
        };
        let mut text = format!("the script does not fit {at}: {problem}\nthe script:");
        let from = self.done.saturating_sub(BEFORE);
        for (number, Placed { step, .. }) in steps.iter().enumerate().skip(from).take(BEFORE + 1) {
            let mark = if number < self.done { '✓' } else { '✗' };
            let _ = write!(text, "\n  {mark} {:>2}  {step}", number + 1);
        }
        Error::Mismatch(text)
    }
}

/// How much is read at once at least.
const READ: usize = 8 * 1024;
/// How many steps are shown before the one that did not fit.
const BEFORE: usize = 5;
/// How long the other side may take to end; more than a server grants its running calls.
const DRAIN: Duration = Duration::from_secs(60);
