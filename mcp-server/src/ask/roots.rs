//! Asking a client for the folders that it works in.
//!
//! Spec: 2026-07-28, client/roots; deprecated there, but still in it.

use mcp_core::types::{InputRequest, ListRootsResult, Root};

use super::elicit::{decode, if_declared};
use super::key::Digest;
use super::question::Question;
use super::unanswered::Unanswered;
use crate::call::Call;
use crate::context::CallContext;
use crate::description::Description;
use crate::extract::{Extracted, Param};
use crate::outcome::Failure;

/// Asks for the folders that the client works in.
///
/// They are a hint about where to look, and no permission. A client that did not declare `roots` is
/// refused before the handler starts; a handler that can do without takes `Option<Roots>`.
///
/// # Examples
/// ```
/// use mcp_server::{Result, Roots};
///
/// async fn folders(roots: Option<Roots>) -> Result<String> {
///     let Some(roots) = roots else { return Ok("this client names no folders".into()) };
///     Ok(format!("{} folders", roots.list()?.len()))
/// }
/// ```
#[derive(Debug)]
pub struct Roots {
    context: CallContext,
}

impl Roots {
    /// The folders, or why there is no list. Within one call the client is asked once.
    ///
    /// See [`Ask::form`](crate::Ask::form) for how a handler waits.
    ///
    /// # Errors
    ///
    /// [`Unanswered`] says what there is instead.
    pub fn list(&self) -> Result<Vec<Root>, Unanswered> {
        let key = Digest::of("roots").name("roots");
        let answer = self.context.questions().put(key, || InputRequest::ListRoots);
        decode::<ListRootsResult>(answer).map(|result| result.roots)
    }
}

impl Param<Extracted> for Roots {
    fn describe(description: &mut Description) {
        description.asks(Question::Roots);
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(Self { context: call.context() })
    }
}

impl Param<Extracted> for Option<Roots> {
    fn describe(description: &mut Description) {
        description.may_ask();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        if_declared(Question::Roots, call)
    }
}
