//! The task behind a connection over HTTP.
//!
//! Owns what the loss of a session means to callers. How requests travel is for
//! [`Exchanges`]; what messages mean, for the session.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use mcp_core::jsonrpc::{ErrorObject, Message, Response};
use mcp_core::profile::Rejection;
use mcp_core::{Error, Outbox};
use serde::Serialize;
use tokio::select;
use tokio::sync::watch;
use tokio::time::timeout;

use super::End;
use super::alarm::Alarm;
use crate::handshake::http::open_anew;
use crate::input::asked::Answering;
use crate::shared::{Aftermath, Shared};
use crate::transport::http::{Event, Exchanges, HttpError};

/// Drives one connection over HTTP.
pub(crate) struct HttpDriver {
    shared: Arc<Shared>,
    /// `None` only while a new session is opened.
    exchanges: Option<Exchanges>,
    out: Outbox,
    alarm: Alarm,
    after: Aftermath,
    /// What the server asked, being answered.
    answering: Answering,
}

/// Why the connection is over.
enum Over {
    /// The server does not go on.
    Lost(String),
    /// Client and server do not agree any more: nothing may be sent. The rejection is told already
    /// where there is none.
    Rejected(Option<Rejection>),
    /// Our side asked for it.
    Closing,
}

impl HttpDriver {
    pub(crate) fn new(shared: Arc<Shared>, exchanges: Exchanges, answering: Answering) -> Self {
        Self {
            shared,
            exchanges: Some(exchanges),
            out: Outbox::default(),
            alarm: Alarm::new(),
            after: Aftermath::default(),
            answering,
        }
    }

    /// Runs until the connection is over and the session ended.
    pub(crate) async fn run(mut self, ended: watch::Sender<End>) {
        let over = self.serve().await;
        self.answering.stop();
        let exchanges = self.exchanges.take();
        match over {
            Over::Lost(why) => {
                tracing::debug!(target: "mcp::client", "connection over: {why}");
                self.shared.fail(&why);
            }
            Over::Rejected(Some(rejection)) => self.shared.reject(rejection),
            Over::Rejected(None) => {}
            Over::Closing => {}
        }
        if let Some(exchanges) = exchanges {
            exchanges.end().await;
        }
        drop(self);
        ended.send_replace(Some(None));
    }

    async fn serve(&mut self) -> Over {
        loop {
            let Some(event) = poll_fn(|cx| self.poll(cx)).await else {
                // What was said before the end was asked for still arrives.
                drop(timeout(LAST_WRITE, self.deliver_rest()).await);
                return Over::Closing;
            };
            match event {
                Event::Message { of, bytes } => {
                    if self.message(of, &bytes) {
                        return Over::Rejected(None);
                    }
                }
                Event::Unanswered { id, error } => {
                    if self.unanswered(id, error) {
                        return Over::Rejected(None);
                    }
                }
                Event::SessionLost => {
                    if let Err(over) = self.renew().await {
                        return over;
                    }
                }
                Event::Over(error) => return Over::Lost(error.to_string()),
            }
        }
    }

    /// The next event; `None` when our side wants to end the connection.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.alarm.rings(cx) {
            let now = self.shared.clock().now();
            self.shared.lock().expire(now, &mut self.after);
            self.shared.settle(&mut self.after);
        }
        while let Poll::Ready(answer) = self.answering.poll(cx) {
            self.shared.respond(answer);
        }
        let Some(reads) = self.take_out(cx) else { return Poll::Ready(None) };
        match &mut self.exchanges {
            Some(exchanges) => exchanges.poll_next(cx, reads).map(Some),
            None => Poll::Ready(None),
        }
    }

    /// Takes what waits and leaves the waker; says whether more may be read, `None` when our side
    /// wants to end the connection.
    fn take_out(&mut self, cx: &mut Context<'_>) -> Option<bool> {
        let Self { shared, exchanges, out, alarm, .. } = self;
        let exchanges = exchanges.as_mut()?;
        let mut state = shared.lock();
        if state.closing {
            return None;
        }
        state.take_out(out);
        exchanges.accept(out);
        state.note_unsent(exchanges.waiting(), exchanges.owed());
        let reads = state.owed() <= shared.most_bytes();
        let deadline = state.session.deadline();
        let room = state.has_room_again(shared.most_bytes());
        state.leave_waker(cx);
        drop(state);
        if room {
            shared.tell_room();
        }
        alarm.arm(deadline.map(|deadline| shared.clock().rings_at(deadline)), cx);
        Some(reads)
    }

    /// Handles a message; true when a required profile was lost.
    fn message(&mut self, of: Option<i64>, bytes: &[u8]) -> bool {
        let mut state = self.shared.lock();
        let was_over = state.is_over();
        state.handle(self.shared.clock().now(), bytes, &mut self.after);
        let lost = !was_over && state.is_over();
        let answered = of.filter(|id| !state.session.awaits(*id));
        drop(state);
        self.shared.settle(&mut self.after);
        let Self { after, answering, exchanges, .. } = self;
        after.asks.drain(..).for_each(|ask| answering.take(ask));
        if let (Some(id), Some(exchanges)) = (answered, exchanges) {
            exchanges.answered(id);
        }
        lost
    }

    /// Handles a request that was answered by HTTP only; true when a required profile was lost.
    fn unanswered(&mut self, id: i64, error: HttpError) -> bool {
        if let Some(message) = error_message(id, &error) {
            return self.message(Some(id), &message);
        }
        self.shared.lock().unanswered(id, error.into(), &mut self.after);
        self.shared.settle(&mut self.after);
        false
    }

    /// Fails the calls of a session that was lost, and opens one new session (2025-11-25,
    /// basic/transports, "Session Management").
    async fn renew(&mut self) -> Result<(), Over> {
        let Some(mut exchanges) = self.exchanges.take() else { return Err(Over::Closing) };
        self.answering.stop();
        self.shared.lock().lose_session(&mut self.after);
        self.shared.settle(&mut self.after);
        self.after.asks.clear();
        if !exchanges.is_proven() {
            self.exchanges = Some(exchanges);
            return Err(Over::Lost("the server loses each session at once".to_owned()));
        }
        tracing::debug!(target: "mcp::client", "the session was lost; opening a new one");
        exchanges.abandon();
        let shared = Arc::clone(&self.shared);
        let opening =
            open_anew(shared.config(), exchanges, |out| shared.lock().session.begin_anew(out));
        let (exchanges, opened) = select! {
            opened = opening => opened,
            () = poll_fn(|cx| shared.lock().poll_closing(cx)) => return Err(Over::Closing),
        };
        let exchanges = self.exchanges.insert(exchanges);
        let (session, mut out) = opened.map_err(|error| match error {
            Error::Rejected(rejection) => Over::Rejected(Some(rejection)),
            error => Over::Lost(format!("the session was lost, and no new one opened: {error}")),
        })?;
        let renewed = self.shared.lock().renew(*session);
        renewed.map_err(|rejection| {
            let sent = "initialize, nothing else; the connection has been closed";
            Over::Rejected(Some(rejection.with_sent(sent)))
        })?;
        exchanges.accept(&mut out);
        self.shared.tell_room();
        Ok(())
    }

    /// Sends what was said without an answer being due.
    async fn deliver_rest(&mut self) {
        let mut rest = self.shared.lock().take_rest();
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.accept(&mut rest);
            exchanges.deliver_rest().await;
        }
    }
}

/// Nobody waits for ever when the task is dropped with its runtime.
impl Drop for HttpDriver {
    fn drop(&mut self) {
        self.shared.fail("the runtime that served the connection is gone");
    }
}

/// The error of JSON-RPC that came with a status, as the answer to the request that it came for: it
/// need not name it, if the server could not read that far.
///
/// Whoever is not let in (401, 403) hears it from HTTP.
fn error_message(id: i64, error: &HttpError) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct Answer {
        jsonrpc: &'static str,
        id: i64,
        error: ErrorObject,
    }
    let (status, body) = error.answer()?;
    if matches!(status, 401 | 403) {
        return None;
    }
    match Message::decode(str::from_utf8(body).ok()?) {
        Ok(Message::Response(Response { outcome: Err(error), .. })) => {
            serde_json::to_vec(&Answer { jsonrpc: "2.0", id, error }).ok()
        }
        _ => None,
    }
}

/// How long the last messages may take to be delivered when our side ends the connection.
const LAST_WRITE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_without_an_id_belongs_to_the_request_that_it_came_for() {
        let error = HttpError::status_for_test(
            400,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"no"}}"#,
        );
        let message = error_message(7, &error).unwrap();
        assert_eq!(
            String::from_utf8(message).unwrap(),
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32020,"message":"no"}}"#
        );
        let closed = HttpError::status_for_test(
            403,
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"no"}}"#,
        );
        assert!(error_message(7, &closed).is_none());
        assert!(error_message(7, &HttpError::StreamEnded).is_none());
    }
}
