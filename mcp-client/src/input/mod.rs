//! Answering what a server asks: forms, addresses, models, folders.
//!
//! A [`Handlers`] holds what the builder was given and runs it: a bounded number at once, a panic
//! caught, an answer checked before it is sent. Who waits for the answers is somebody else's
//! matter: in the legacy era the driver (`asked.rs`), in the modern the call itself (`round.rs`).

mod answer;
pub(crate) mod asked;
pub(crate) mod handler;
mod round;
mod visit;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp_core::InputError;
use mcp_core::capability::{
    ClientCapabilities, ElicitationCapability, RootsCapability, SamplingCapability,
};
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::types::{
    CreateMessageRequestParams, CreateMessageResult, ElicitAction, ElicitRequestFormParams,
    ElicitRequestParams, ElicitRequestURLParams, ElicitResult, InputRequest, ListRootsResult,
    RawObject,
};
use tokio::sync::Semaphore;

pub use answer::{BoxError, IntoAnswer};
pub use handler::{FormHandler, RootsHandler, SampleHandler, UrlHandler};
pub(crate) use round::{Answers, again, answers, round};
pub(crate) use visit::visit;

/// A handler, whatever it is made of.
pub(crate) type Handler<Q, A> =
    Arc<dyn Fn(Q) -> BoxFuture<'static, Result<A, BoxError>> + Send + Sync>;

/// What answers a server, as the builder was told.
#[derive(Clone)]
pub(crate) struct Handlers {
    pub(crate) form: Option<Handler<ElicitRequestFormParams, ElicitResult>>,
    pub(crate) url: Option<Handler<ElicitRequestURLParams, ElicitResult>>,
    pub(crate) sample: Option<Handler<CreateMessageRequestParams, CreateMessageResult>>,
    pub(crate) roots: Option<Handler<(), ListRootsResult>>,
    /// How many may run at once.
    pub(crate) at_once: usize,
    permits: Arc<Semaphore>,
    /// Whether the model may be offered tools.
    tools: bool,
}

/// How many handlers run at once, unless the builder is told otherwise.
pub(crate) const AT_ONCE: usize = 16;

impl Default for Handlers {
    fn default() -> Self {
        Self {
            form: None,
            url: None,
            sample: None,
            roots: None,
            at_once: AT_ONCE,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            tools: false,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Unanswerable {
    /// What the server is told, where it is told anything.
    pub(crate) error: ErrorObject,
    /// What the caller is told.
    pub(crate) reason: String,
}

impl Handlers {
    /// Prepares to serve one connection, and declares what can be answered.
    ///
    /// What the caller declared stays as it is.
    pub(crate) fn declare(&mut self, capabilities: &mut ClientCapabilities) {
        self.permits = Arc::new(Semaphore::new(self.at_once.clamp(1, Semaphore::MAX_PERMITS)));
        if self.form.is_some() || self.url.is_some() {
            let elicitation =
                capabilities.elicitation.get_or_insert_with(ElicitationCapability::new);
            if self.form.is_some() {
                elicitation.form.get_or_insert_with(RawObject::empty);
            }
            if self.url.is_some() {
                elicitation.url.get_or_insert_with(RawObject::empty);
            }
        }
        if self.sample.is_some() {
            capabilities.sampling.get_or_insert_with(SamplingCapability::new);
        }
        if self.roots.is_some() {
            let roots = || RootsCapability::new().with_list_changed(true);
            capabilities.roots.get_or_insert_with(roots);
        }
        self.tools =
            capabilities.sampling.as_ref().is_some_and(|sampling| sampling.tools.is_some());
    }

    /// The answer to one question, once it is awaited.
    ///
    /// # Errors
    /// Nothing answers questions of this kind.
    pub(crate) fn answer(
        &self,
        request: InputRequest,
    ) -> Result<BoxFuture<'static, Result<RawObject, Unanswerable>>, InputError> {
        let permits = Arc::clone(&self.permits);
        Ok(match request {
            InputRequest::Elicit(ElicitRequestParams::Form(form)) => {
                let handler = handler(&self.form, "elicitation/create (form)", "on_form")?;
                run(permits, async move {
                    let schema = form.requested_schema.clone();
                    written(&answer::checked(handler(form).await?, &schema)?)
                })
            }
            InputRequest::Elicit(ElicitRequestParams::Url(url)) => {
                let handler = handler(&self.url, "elicitation/create (url)", "on_url")?;
                run(permits, async move { written(&visited(&handler(url).await?)) })
            }
            InputRequest::CreateMessage(request) => {
                let handler = handler(&self.sample, "sampling/createMessage", "on_sample")?;
                let tools = self.tools;
                run(permits, async move {
                    if request.needs_tools() && !tools {
                        let problem = "the client did not declare `sampling.tools`";
                        return Err(ErrorObject::invalid_params(problem).into());
                    }
                    if let Err(problem) = request.check_tool_turns() {
                        return Err(ErrorObject::invalid_params(problem.to_string()).into());
                    }
                    written(&handler(*request).await?)
                })
            }
            InputRequest::ListRoots => {
                let handler = handler(&self.roots, "roots/list", "roots` or `.on_roots")?;
                run(permits, async move { written(&handler(()).await?) })
            }
            other => {
                let method = other.method().to_owned();
                return Err(InputError::Unknown { method });
            }
        })
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("form", &self.form.is_some())
            .field("url", &self.url.is_some())
            .field("sample", &self.sample.is_some())
            .field("roots", &self.roots.is_some())
            .field("at_once", &self.at_once)
            .finish()
    }
}

fn handler<Q, A>(
    handler: &Option<Handler<Q, A>>,
    method: &'static str,
    add: &'static str,
) -> Result<Handler<Q, A>, InputError> {
    handler.clone().ok_or(InputError::NoHandler { method, add })
}

/// Runs a handler when there is room for it; a panic is a failure.
fn run(
    permits: Arc<Semaphore>,
    work: impl Future<Output = Result<RawObject, BoxError>> + Send + 'static,
) -> BoxFuture<'static, Result<RawObject, Unanswerable>> {
    async move {
        let permit = permits.acquire_owned().await;
        // Boxed and dropped here at the latest: what it holds is let go before the answer is sent.
        let outcome = AssertUnwindSafe(work).catch_unwind().await;
        drop(permit);
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Unanswerable::from(error)),
            Err(_) => Err(Unanswerable {
                error: ErrorObject::internal(INTERNAL),
                reason: "the handler panicked".to_owned(),
            }),
        }
    }
    .boxed()
}

fn written<T: serde::Serialize>(answer: &T) -> Result<RawObject, BoxError> {
    Ok(RawObject::new(answer)?)
}

/// The answer to an address says what the user decided, and nothing else.
fn visited(result: &ElicitResult) -> ElicitResult {
    match result.action {
        ElicitAction::Accept => ElicitResult::accept_url(),
        ElicitAction::Decline => ElicitResult::decline(),
        _ => ElicitResult::cancel(),
    }
}

impl From<BoxError> for Unanswerable {
    fn from(error: BoxError) -> Self {
        match error.downcast::<ErrorObject>() {
            Ok(error) => Self { reason: error.to_string(), error: *error },
            // What went wrong here is not the server's business.
            Err(error) => Self {
                error: ErrorObject::new(ErrorCode::INTERNAL_ERROR, INTERNAL),
                reason: error.to_string(),
            },
        }
    }
}

const INTERNAL: &str = "the client could not answer";
