//! Asking a person: with a form, or by sending them to an address.
//!
//! Spec: 2026-07-28, client/elicitation.

use std::fmt;
use std::marker::PhantomData;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{
    ElicitAction, ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult, ElicitationSchema,
    InputRequest,
};
use mcp_core::version::Era;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::form::Form;
use super::key::Digest;
use super::question::Question;
use super::rounds::Answer;
use super::unanswered::Unanswered;
use crate::call::Call;
use crate::context::CallContext;
use crate::description::Description;
use crate::extract::{Extracted, Param};
use crate::outcome::Failure;

/// Asks a person to fill in a `T`.
///
/// `T` is a struct whose fields are text, numbers, `bool`, enums without data, or lists of such
/// enums; a field that can be left out is an `Option` or has a serde default. Doc comments are what
/// the person reads beside each field, and the names of enum values are their titles or doc
/// comments. `build()` refuses a `T` that a form cannot express, and names the field.
///
/// A client that cannot show forms is refused before the handler starts; a handler that can do
/// without takes `Option<Ask<T>>`. Never ask for a secret in a form: the client sees it. Use
/// [`AskUrl`].
///
/// # Examples
/// ```
/// use mcp_server::{Ask, Result};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Sure {
///     /// Type the title again
///     title: String,
/// }
///
/// async fn remove(title: String, sure: Ask<Sure>) -> Result<String> {
///     let sure = sure.form(format!("Remove {title}?"))?;
///     Ok(if sure.title == title { "removed" } else { "kept" }.into())
/// }
/// ```
pub struct Ask<T> {
    context: CallContext,
    form: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + JsonSchema> Ask<T> {
    /// What the person filled in, or why there is nothing.
    ///
    /// The handler does not wait: until there is an answer this is [`Unanswered::Pending`], and with
    /// `?` the handler leaves. It is called again, from its first line and with the same arguments,
    /// once the client has answered; everything that was asked before it left is asked at the same
    /// time. A question is known by its message and its form: one that says something else is another
    /// question, and what was answered before does not count for it.
    ///
    /// What comes back was checked against the form, and has its defaults.
    ///
    /// # Errors
    ///
    /// [`Unanswered`] says which answer there is instead.
    pub fn form(&self, message: impl Into<String>) -> Result<T, Unanswered> {
        let message = message.into();
        let (schema, text) = schema_of::<T>().map_err(|problems| {
            Unanswered::Impossible(ErrorObject::internal(problems.join("; ")))
        })?;
        let key = Digest::of("form").field(message.as_bytes()).field(text.as_bytes()).name("form");
        let asked = schema.clone();
        let answer = self
            .context
            .questions()
            .put(key, || InputRequest::Elicit(ElicitRequestFormParams::new(message, asked).into()));
        let mut content = accepted(answer)?.content.unwrap_or_default();
        // Some clients write `null` for a field that was left empty.
        content.retain(|name, value| !value.is_null() && schema.property(name).is_some());
        schema.validate(&content).map_err(|problem| Unanswered::Invalid(problem.to_string()))?;
        schema.fill_defaults(&mut content);
        serde_path_to_error::deserialize(Value::Object(content))
            .map_err(|problem| Unanswered::Invalid(problem.to_string()))
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> Param<Extracted> for Ask<T> {
    fn describe(description: &mut Description) {
        describe_form::<T>(description);
        description.asks(Question::Form);
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(Self { context: call.context(), form: PhantomData })
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> Param<Extracted> for Option<Ask<T>> {
    fn describe(description: &mut Description) {
        describe_form::<T>(description);
        description.may_ask();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        if_declared(Question::Form, call)
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("form", &std::any::type_name::<T>()).finish_non_exhaustive()
    }
}

/// Asks a person to go to an address: to sign in elsewhere, to pay, to enter a secret.
///
/// The client shows the address and asks before it opens it; it does not see what happens there. The
/// server has to make sure that whoever opens the address is who called, and must not put secrets or
/// anything about the person into it (2026-07-28, client/elicitation, "Safe URL Handling" and
/// "Phishing").
///
/// A client that cannot open addresses is refused before the handler starts; a handler that can do
/// without takes `Option<AskUrl>`.
///
/// # Examples
/// ```
/// use mcp_server::{AskUrl, CallContext, Result, ToolError};
/// # async fn is_linked(_: &CallContext) -> bool { true }
///
/// async fn import(page: AskUrl, ctx: CallContext) -> Result<String> {
///     if !is_linked(&ctx).await {
///         let url = format!("https://films.example/link?call={}", ctx.call_id());
///         page.open("Link your film account.", url)?;
///         if !is_linked(&ctx).await {
///             Err(ToolError::new("the account is not linked yet: call this again afterwards"))?;
///         }
///     }
///     Ok("imported".into())
/// }
/// ```
#[derive(Debug)]
pub struct AskUrl {
    context: CallContext,
}

impl AskUrl {
    /// That the person agreed to go there. It does not say that they are done there.
    ///
    /// Where the protocol wants an id of the question (2025-11-25), it is one of the library's; see
    /// [`open_as`](Self::open_as).
    ///
    /// # Errors
    ///
    /// [`Unanswered`] says what happened instead.
    pub fn open(
        &self,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<(), Unanswered> {
        self.ask(message.into(), url.into(), None)
    }

    /// As [`open`](Self::open), with an id that ties the question to what happens at the address.
    ///
    /// A client of 2025-11-25 waits for news under this id:
    /// [`CallContext::url_completed`](crate::CallContext::url_completed). Use
    /// [`call_id`](CallContext::call_id) or something else that nobody can guess and that is the
    /// same when the handler runs again. Clients of other revisions do not see it.
    ///
    /// # Errors
    ///
    /// [`Unanswered`] says what happened instead.
    pub fn open_as(
        &self,
        id: impl Into<String>,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<(), Unanswered> {
        self.ask(message.into(), url.into(), Some(id.into()))
    }

    fn ask(&self, message: String, url: String, id: Option<String>) -> Result<(), Unanswered> {
        if !is_absolute(&url) {
            let problem = "the server asks to open something that is no absolute URL";
            return Err(Unanswered::Impossible(ErrorObject::internal(problem)));
        }
        let key = Digest::of("url").field(message.as_bytes()).field(url.as_bytes()).name("url");
        let questions = self.context.questions();
        let answer = questions.put(key.clone(), || {
            let mut params = ElicitRequestURLParams::new(message, url);
            // Only 2025-11-25 knows ids of questions, and requires them.
            if self.context.negotiated().era() == Era::Legacy {
                params.elicitation_id =
                    Some(id.unwrap_or_else(|| format!("{}-{key}", questions.call())));
            }
            InputRequest::Elicit(params.into())
        });
        accepted(answer).map(drop)
    }
}

impl Param<Extracted> for AskUrl {
    fn describe(description: &mut Description) {
        description.asks(Question::Url);
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(Self { context: call.context() })
    }
}

impl Param<Extracted> for Option<AskUrl> {
    fn describe(description: &mut Description) {
        description.may_ask();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        if_declared(Question::Url, call)
    }
}

/// The parameter, if the client declared that it can be asked so.
pub(super) fn if_declared<P: Param<Extracted>>(
    question: Question,
    call: &mut Call<'_>,
) -> Result<Option<P>, Failure> {
    match question.is_declared(call.negotiated().client_capabilities()) {
        true => P::extract(call).map(Some),
        false => Ok(None),
    }
}

/// Decodes the result of a request, whatever was asked.
pub(super) fn decode<T: DeserializeOwned>(answer: Option<&Answer>) -> Result<T, Unanswered> {
    match answer {
        None => Err(Unanswered::Pending),
        Some(Answer::Error(error)) => Err(Unanswered::Failed(error.clone())),
        Some(Answer::Result(raw)) => serde_json::from_str(raw.get())
            .map_err(|problem| Unanswered::Invalid(problem.to_string())),
    }
}

/// The answer of a person who agreed.
fn accepted(answer: Option<&Answer>) -> Result<ElicitResult, Unanswered> {
    let result: ElicitResult = decode(answer)?;
    match result.action {
        ElicitAction::Accept => Ok(result),
        ElicitAction::Decline => Err(Unanswered::Declined),
        ElicitAction::Cancel => Err(Unanswered::Cancelled),
    }
}

/// The schema of the form for a `T`, and its text.
fn schema_of<T: DeserializeOwned + JsonSchema>() -> Result<(ElicitationSchema, String), Vec<String>>
{
    let form = Form::of::<T>()?;
    let read = || -> serde_json::Result<_> {
        let text = serde_json::to_string(&form)?;
        Ok((serde_json::from_str(&text)?, text))
    };
    read().map_err(|problem| vec![format!("the form `{}`: {problem}", std::any::type_name::<T>())])
}

fn describe_form<T: DeserializeOwned + JsonSchema>(description: &mut Description) {
    for problem in schema_of::<T>().err().into_iter().flatten() {
        description.problem(problem);
    }
}

/// Whether a text has the outer form of a URL with a host: the rest is for who opens it.
fn is_absolute(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else { return false };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters)
        && rest.len() > 2
        && url.chars().all(|c| c.is_ascii_graphic())
}
