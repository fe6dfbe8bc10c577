//! Who answers: a trait for each kind of question, which closures implement.

use std::sync::Arc;

use futures_util::FutureExt;
use mcp_core::types::{
    CreateMessageRequestParams, CreateMessageResult, ElicitRequestFormParams,
    ElicitRequestURLParams, ElicitResult, ListRootsResult,
};

use super::Handler;
use super::answer::{BoxError, IntoAnswer};

/// Fills in forms; see [`ClientBuilder::on_form`](crate::ClientBuilder::on_form).
///
/// # Examples
///
/// ```
/// use mcp_client::{BoxError, Client, FormHandler};
/// use mcp_core::types::{ElicitRequestFormParams, ElicitResult};
///
/// struct Polite;
///
/// impl FormHandler for Polite {
///     async fn form(&self, form: ElicitRequestFormParams) -> Result<ElicitResult, BoxError> {
///         tracing::info!("declined: {}", form.message);
///         Ok(ElicitResult::decline())
///     }
/// }
///
/// let builder = Client::builder("viewer", "1.0").form_handler(Polite);
/// # let _ = builder;
/// ```
pub trait FormHandler: Send + Sync + 'static {
    /// Answers one form.
    ///
    /// The future is dropped when nobody waits for the answer any more.
    fn form(
        &self,
        form: ElicitRequestFormParams,
    ) -> impl Future<Output = Result<ElicitResult, BoxError>> + Send;
}

/// Sends the user to addresses; see [`ClientBuilder::on_url`](crate::ClientBuilder::on_url).
pub trait UrlHandler: Send + Sync + 'static {
    /// Answers whether the user agreed to visit one address.
    ///
    /// The future is dropped when nobody waits for the answer any more.
    fn url(
        &self,
        url: ElicitRequestURLParams,
    ) -> impl Future<Output = Result<ElicitResult, BoxError>> + Send;
}

/// Asks a model; see [`ClientBuilder::on_sample`](crate::ClientBuilder::on_sample).
pub trait SampleHandler: Send + Sync + 'static {
    /// Answers with what the model says.
    ///
    /// The future is dropped when nobody waits for the answer any more.
    fn sample(
        &self,
        request: CreateMessageRequestParams,
    ) -> impl Future<Output = Result<CreateMessageResult, BoxError>> + Send;
}

/// Says which folders the client works in; see
/// [`ClientBuilder::on_roots`](crate::ClientBuilder::on_roots).
pub trait RootsHandler: Send + Sync + 'static {
    /// Answers with the folders.
    ///
    /// The future is dropped when nobody waits for the answer any more.
    fn roots(&self) -> impl Future<Output = Result<ListRootsResult, BoxError>> + Send;
}

impl<F, Fut> FormHandler for F
where
    F: Fn(ElicitRequestFormParams) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoAnswer<ElicitResult>> + Send,
{
    async fn form(&self, form: ElicitRequestFormParams) -> Result<ElicitResult, BoxError> {
        self(form).await.into_answer()
    }
}

impl<F, Fut> UrlHandler for F
where
    F: Fn(ElicitRequestURLParams) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoAnswer<ElicitResult>> + Send,
{
    async fn url(&self, url: ElicitRequestURLParams) -> Result<ElicitResult, BoxError> {
        self(url).await.into_answer()
    }
}

impl<F, Fut> SampleHandler for F
where
    F: Fn(CreateMessageRequestParams) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoAnswer<CreateMessageResult>> + Send,
{
    async fn sample(
        &self,
        request: CreateMessageRequestParams,
    ) -> Result<CreateMessageResult, BoxError> {
        self(request).await.into_answer()
    }
}

impl<F, Fut> RootsHandler for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoAnswer<ListRootsResult>> + Send,
{
    async fn roots(&self) -> Result<ListRootsResult, BoxError> {
        self().await.into_answer()
    }
}

pub(crate) fn form(handler: impl FormHandler) -> Handler<ElicitRequestFormParams, ElicitResult> {
    let handler = Arc::new(handler);
    Arc::new(move |form| {
        let handler = Arc::clone(&handler);
        async move { handler.form(form).await }.boxed()
    })
}

pub(crate) fn url(handler: impl UrlHandler) -> Handler<ElicitRequestURLParams, ElicitResult> {
    let handler = Arc::new(handler);
    Arc::new(move |url| {
        let handler = Arc::clone(&handler);
        async move { handler.url(url).await }.boxed()
    })
}

pub(crate) fn sample(
    handler: impl SampleHandler,
) -> Handler<CreateMessageRequestParams, CreateMessageResult> {
    let handler = Arc::new(handler);
    Arc::new(move |request| {
        let handler = Arc::clone(&handler);
        async move { handler.sample(request).await }.boxed()
    })
}

pub(crate) fn roots(handler: impl RootsHandler) -> Handler<(), ListRootsResult> {
    let handler = Arc::new(handler);
    Arc::new(move |()| {
        let handler = Arc::clone(&handler);
        async move { handler.roots().await }.boxed()
    })
}
