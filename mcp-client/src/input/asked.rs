//! Requests of a legacy server, answered within the task that drives the connection.
//!
//! Nothing is spawned: what still runs ends with the driver.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use mcp_core::CallId;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::session::client::ServerRequest;
use mcp_core::types::{InputRequest, RawObject};
use serde_json::value::to_raw_value;

use super::{Handlers, Unanswerable};

/// What became of the server's requests.
pub(crate) enum Ask {
    /// It wants this.
    Begin(CallId, InputRequest),
    /// It wants it no longer.
    Withdraw(CallId),
}

/// Reads what a server asks for.
pub(crate) fn read(request: &ServerRequest<'_>) -> Result<InputRequest, ErrorObject> {
    let params = to_raw_value(&request.params);
    let read = params.and_then(|params| InputRequest::read(request.kind.method(), Some(&params)));
    read.map_err(|problem| ErrorObject::invalid_params(format!("`params`: {problem}")))
}

/// The requests that are being answered.
pub(crate) struct Answering {
    handlers: Arc<Handlers>,
    running: FuturesUnordered<Abortable<BoxFuture<'static, Answered>>>,
    handles: HashMap<CallId, AbortHandle>,
}

/// A request with its answer.
pub(crate) type Answered = (CallId, Result<RawObject, ErrorObject>);

impl Answering {
    pub(crate) fn new(handlers: Arc<Handlers>) -> Self {
        Self { handlers, running: FuturesUnordered::new(), handles: HashMap::new() }
    }

    pub(crate) fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Begin(asked, request) => {
                let method = request.method().to_owned();
                let answer = self.handlers.answer(request);
                let answer = async move {
                    let answer = match answer {
                        Ok(answer) => answer.await,
                        Err(nobody) => Err(Unanswerable {
                            error: ErrorObject::method_not_found(&method),
                            reason: nobody.to_string(),
                        }),
                    };
                    let answer = answer.map_err(|Unanswerable { error, reason }| {
                        tracing::warn!(target: "mcp::client", method, reason, "a server gets no answer");
                        error
                    });
                    (asked, answer)
                };
                let (handle, registration) = AbortHandle::new_pair();
                self.handles.insert(asked, handle);
                self.running.push(Abortable::new(answer.boxed(), registration));
            }
            Ask::Withdraw(asked) => {
                if let Some(handle) = self.handles.remove(&asked) {
                    handle.abort();
                }
            }
        }
    }

    /// The next answer; pending also where nothing runs.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        loop {
            match self.running.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(answered))) => {
                    self.handles.remove(&answered.0);
                    return Poll::Ready(answered);
                }
                // It was withdrawn, and is dropped with this.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Lets go of everything: nobody waits for an answer any more.
    pub(crate) fn stop(&mut self) {
        self.handles.clear();
        self.running = FuturesUnordered::new();
    }
}
