//! The client's half of a pair, which answers for the server's.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use futures_util::FutureExt as _;
use mcp_client::Client;
use mcp_core::types::ElicitRequestFormParams;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use crate::answers::Answers;
use crate::error::Error;
use crate::journal::Journal;
use crate::transcript::Transcript;
use crate::wire::Wire;

/// A client that is connected with the server under test; made by
/// [`Pair::connect`](crate::Pair::connect).
///
/// It is a [`Client`]: everything that a client can do is called on it. Besides, it owns the
/// server's task. End a test with [`shutdown`](Self::shutdown), which looks whether anything was
/// left behind. A test that ends otherwise still fails when the server's task did.
pub struct TestClient {
    client: Client,
    /// `None` once the server's end was looked at.
    served: Option<Served>,
    wire: Wire,
    journal: Journal,
    answers: Answers,
    tolerate_panics: bool,
}

type Served = JoinHandle<Result<(), mcp_core::Error>>;

/// What a test knows besides what its client knows.
pub(crate) struct Behind {
    pub(crate) served: Served,
    pub(crate) wire: Wire,
    pub(crate) journal: Journal,
    pub(crate) answers: Answers,
    pub(crate) tolerate_panics: bool,
}

impl TestClient {
    pub(crate) async fn new(
        connected: Result<Client, mcp_core::Error>,
        behind: Behind,
    ) -> Result<Self, Error> {
        let Behind { served, wire, journal, answers, tolerate_panics } = behind;
        match connected {
            Ok(client) => {
                let served = Some(served);
                Ok(Self { client, served, wire, journal, answers, tolerate_panics })
            }
            Err(error) => {
                // A client was refused for a reason of its own, unless the server has failed.
                ended(served).await?;
                Err(error.into())
            }
        }
    }

    /// The forms that the server asked for until now.
    ///
    /// Empty unless the pair was given an [`answer`](crate::Pair::answer).
    pub fn asked(&self) -> Vec<ElicitRequestFormParams> {
        self.answers.asked()
    }

    /// Everything that was said until now.
    ///
    /// Empty unless the pair was told to [`record`](crate::Pair::record).
    pub fn transcript(&self) -> Transcript {
        Transcript::new(self.wire.said())
    }

    /// What the server logged as errors until now: panics of handlers, and errors that the client
    /// sees as "internal error" only, in full.
    ///
    /// Where no `tracing` subscriber is set, they are written to stderr too.
    pub fn logged(&self) -> Vec<String> {
        self.journal.entries()
    }

    /// Ends the connection, waits for the server, and looks whether all is well.
    ///
    /// Returns everything that was said, if the pair was told to [`record`](crate::Pair::record).
    ///
    /// # Errors
    ///
    /// [`Error::LeftBehind`] when a request of either side still waited for its answer, which
    /// a [`Call`](mcp_client::Call) that is awaited or dropped never does, or when the server does
    /// not end. [`Error::Server`] when the server's task failed or panicked, or when a handler
    /// panicked, unless that was [tolerated](crate::Pair::tolerate_panics). [`Error::Mismatch`] when
    /// forms and [answers](crate::Pair::answer) did not fit each other.
    pub async fn shutdown(mut self) -> Result<Transcript, Error> {
        // What the dropped calls have left to say goes out first.
        self.client.shutdown().await;
        let in_flight = self.wire.in_flight();
        if let Some(served) = self.served.take() {
            ended(served).await?;
        }
        let panics = self.journal.panics();
        if !panics.is_empty() && !self.tolerate_panics {
            return Err(Error::Server(panics.join("\n")));
        }
        if !in_flight.is_empty() {
            return Err(Error::LeftBehind(format!(
                "at the end of the test these requests still waited for an answer: {}; await \
                 or drop their calls before `shutdown`",
                in_flight.join(", ")
            )));
        }
        match self.answers.problems() {
            none if none.is_empty() => Ok(self.transcript()),
            problems => Err(Error::Mismatch(problems.join("\n"))),
        }
    }
}

impl Deref for TestClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").field("client", &self.client).finish_non_exhaustive()
    }
}

/// A test that does not shut down must not pass over a server that failed.
impl Drop for TestClient {
    fn drop(&mut self) {
        let Some(mut served) = self.served.take() else { return };
        let outcome = (&mut served).now_or_never();
        served.abort();
        if let Some(Err(error)) = outcome.map(judged)
            && !std::thread::panicking()
        {
            panic!("{error:#}");
        }
    }
}

/// Waits for the server's task.
async fn ended(mut served: Served) -> Result<(), Error> {
    match timeout(PATIENCE, &mut served).await {
        Ok(outcome) => judged(outcome),
        Err(_) => {
            served.abort();
            Err(Error::LeftBehind(format!(
                "the server still ran {PATIENCE:?} after its client had gone"
            )))
        }
    }
}

fn judged(outcome: Result<Result<(), mcp_core::Error>, JoinError>) -> Result<(), Error> {
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Error::Server(format!("{error:#}"))),
        Err(error) if error.is_panic() => {
            Err(Error::Server(format!("it panicked: {}", said(error.into_panic().as_ref()))))
        }
        Err(_) => Err(Error::Server("its task was dropped with the runtime".to_owned())),
    }
}

/// The words of a panic.
pub(crate) fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

/// How long the server may take to end; more than it grants its running calls.
const PATIENCE: Duration = Duration::from_secs(60);
