//! What a handler's return value means to the client.
//!
//! Owns the conversion of return values into results and the three kinds of failure: one that the
//! model reads and can act on ([`ToolError`]), one that answers the request with an error
//! ([`ErrorObject`]), and one that is nobody's business but ours, which is logged. It does not know
//! how a result is written in which era.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{
    AudioContent, CallToolResult, CompleteResult, ContentBlock, CreateTaskResult, EmbeddedResource,
    GetPromptResult, ImageContent, RawObject, ReadResourceResult, ResourceLink, Schema,
    TextContent,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::{InputRequired, Unanswered};
use crate::schema;

/// The result of a handler that may fail with anything; see [`Failure`].
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The tool ran. It may still have failed: [`CallToolResult::is_error`].
    ///
    /// What else than a tool ends so is answered with an error that says the same.
    Complete(CallToolResult),
    /// The messages of a prompt.
    Prompt(GetPromptResult),
    /// The contents of a resource.
    Resource(ReadResourceResult),
    /// What an argument can be completed to.
    Completion(CompleteResult),
    /// The result of a method that an extension adds.
    Result(RawObject),
    /// Nothing yet: the client is asked first, and then the handler is called again.
    InputRequired(InputRequired),
    /// The call goes on as a task, which its client finds by this. Layers see the handler's own end
    /// instead, when it comes.
    Task(CreateTaskResult),
    /// The request is answered with an error, which many hosts do not show to the model.
    Error(ErrorObject),
}

impl Outcome {
    /// Whether the handler ran and did not fail.
    pub fn is_ok(&self) -> bool {
        match self {
            Self::Complete(result) => !result.is_failure(),
            Self::Error(_) => false,
            _ => true,
        }
    }

    /// Looks at the outcome on its way through.
    #[must_use]
    pub fn inspect(self, look: impl FnOnce(&Self)) -> Self {
        look(&self);
        self
    }
}

impl From<CallToolResult> for Outcome {
    fn from(result: CallToolResult) -> Self {
        Self::Complete(result)
    }
}

impl From<InputRequired> for Outcome {
    fn from(left: InputRequired) -> Self {
        Self::InputRequired(left)
    }
}

impl From<ErrorObject> for Outcome {
    fn from(error: ErrorObject) -> Self {
        Self::Error(error)
    }
}

impl From<ToolError> for Outcome {
    fn from(error: ToolError) -> Self {
        let content = if error.content.is_empty() {
            vec![ContentBlock::text(error.message)]
        } else {
            error.content
        };
        let mut result = CallToolResult::new(content);
        result.is_error = Some(true);
        Self::Complete(result)
    }
}

/// A tool ran and failed, and the model is told why: it can try again with other arguments.
///
/// # Examples
/// ```
/// use mcp_server::ToolError;
/// let error = ToolError::new("`text` is empty: give at least one word");
/// assert_eq!(error.to_string(), "`text` is empty: give at least one word");
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    message: String,
    content: Vec<ContentBlock>,
}

impl ToolError {
    /// A failure that is explained in words, best with what to do instead.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), content: Vec::new() }
    }

    /// Replaces what the model sees by `content`; the message stays for logs.
    #[must_use]
    pub fn with_content(mut self, content: impl IntoIterator<Item = ContentBlock>) -> Self {
        self.content = content.into_iter().collect();
        self
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Why a handler ended early: made from any error by `?`.
///
/// * A [`ToolError`] is shown to the model; what is no tool answers the request with it as an error.
/// * An [`ErrorObject`] answers the request with that error.
/// * [`Unanswered`] leaves the handler until the client has answered, or says why it has not; an
///   [`InputRequired`] asks for what was put together by hand.
/// * Any other [`Error`] is logged in full through `tracing`, with an id; the model sees only
///   "internal error" and that id, since the text of a database's error is not for it.
///
/// `Failure` is no [`Error`] itself: it is where errors end.
///
/// # Examples
/// ```
/// use mcp_server::{Result, ToolError};
/// async fn half(number: String) -> Result<u64> {
///     let number: u64 = number.parse()?; // anything that goes wrong here is logged
///     if number % 2 == 1 {
///         Err(ToolError::new("the number is odd"))?; // this is for the model
///     }
///     Ok(number / 2)
/// }
/// ```
pub struct Failure(Box<Ended>);

struct Ended {
    outcome: Outcome,
    /// Whether the error is nobody's business but ours.
    is_internal: bool,
}

impl Failure {
    /// How the call of a tool ends.
    pub fn into_outcome(self) -> Outcome {
        self.0.outcome
    }

    /// How the call of a tool ends.
    pub fn as_outcome(&self) -> &Outcome {
        &self.0.outcome
    }

    /// How anything else ends than the call of a tool: what would be for the model to read is an
    /// error, since only tools have results that say that they failed.
    pub(crate) fn into_error(self) -> Outcome {
        let Ended { outcome, is_internal } = *self.0;
        let Outcome::Complete(result) = outcome else { return outcome };
        let said: Vec<&str> = result.content.iter().filter_map(ContentBlock::as_text).collect();
        let said = said.join("\n");
        Outcome::Error(match is_internal {
            true => ErrorObject::internal(said),
            false => ErrorObject::invalid_params(said),
        })
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&self.0.outcome).finish()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        // Only the type itself is recognised: an error around a `ToolError` has its own meaning.
        let mut error = Some(error);
        let any: &mut dyn Any = &mut error;
        let outcome = if let Some(error) = any.downcast_mut::<Option<ToolError>>() {
            error.take().map(Outcome::from)
        } else if let Some(error) = any.downcast_mut::<Option<ErrorObject>>() {
            error.take().map(Outcome::from)
        } else if let Some(error) = any.downcast_mut::<Option<Unanswered>>() {
            error.take().map(Outcome::from)
        } else {
            error.as_ref().map(|error| log(error))
        };
        // What was recognised was taken.
        let is_internal = error.is_some();
        let outcome = outcome.expect("the error was put there above and is taken once");
        Self(Box::new(Ended { outcome, is_internal }))
    }
}

impl From<InputRequired> for Failure {
    fn from(left: InputRequired) -> Self {
        Self(Box::new(Ended { outcome: left.into(), is_internal: false }))
    }
}

/// What a tool may return.
///
/// Implemented for text, numbers, `bool`, `()`, content, [`Json`], [`Image`], [`Audio`], whole
/// results, and [`Result`]s of these whose error converts into [`Failure`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a tool",
    label = "not a tool's result",
    note = "return text, a number, `Json<T>`, `Image`, `ContentBlock`, `CallToolResult`, or a `Result` of one of them",
    note = "a type of your own is returned as `Json<T>`; it needs `serde::Serialize` and `schemars::JsonSchema`"
)]
pub trait IntoToolResult {
    /// The outcome that this value stands for.
    fn into_outcome(self) -> Outcome;

    /// The schema of the structured content, if there is any.
    fn output_schema() -> Option<Schema> {
        None
    }
}

/// A structured result: `structuredContent`, the same as text, and an output schema.
///
/// Up to 2025-11-25 structured content has to be an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn into_outcome(self) -> Outcome {
        // Written once; the text is a copy of the same bytes.
        match serde_json::value::to_raw_value(&self.0) {
            Ok(raw) => {
                let mut result = CallToolResult::text(raw.get());
                result.structured_content = Some(raw);
                Outcome::Complete(result)
            }
            Err(error) => Failure::from(error).into_outcome(),
        }
    }

    fn output_schema() -> Option<Schema> {
        Some(schema::of_output::<T>())
    }
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Image(ImageContent);

impl Image {
    /// A picture in the format that `mime_type` names.
    pub fn new(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        Self(ImageContent::new(BASE64.encode(bytes), mime_type))
    }

    /// A picture in PNG format.
    pub fn png(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, "image/png")
    }

    /// A picture in JPEG format.
    pub fn jpeg(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, "image/jpeg")
    }
}

impl From<Image> for ContentBlock {
    fn from(image: Image) -> Self {
        Self::Image(image.0)
    }
}

/// A piece of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio(AudioContent);

impl Audio {
    /// Sound in the format that `mime_type` names.
    pub fn new(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        Self(AudioContent::new(BASE64.encode(bytes), mime_type))
    }

    /// Sound in WAV format.
    pub fn wav(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, "audio/wav")
    }

    /// Sound in MP3 format.
    pub fn mp3(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, "audio/mpeg")
    }
}

impl From<Audio> for ContentBlock {
    fn from(audio: Audio) -> Self {
        Self::Audio(audio.0)
    }
}

impl IntoToolResult for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Complete(CallToolResult::default())
    }
}

impl IntoToolResult for Cow<'static, str> {
    fn into_outcome(self) -> Outcome {
        Outcome::Complete(CallToolResult::text(self))
    }
}

impl IntoToolResult for Vec<ContentBlock> {
    fn into_outcome(self) -> Outcome {
        Outcome::Complete(CallToolResult::new(self))
    }
}

impl IntoToolResult for CallToolResult {
    fn into_outcome(self) -> Outcome {
        Outcome::Complete(self)
    }
}

impl IntoToolResult for InputRequired {
    fn into_outcome(self) -> Outcome {
        Outcome::InputRequired(self)
    }
}

impl IntoToolResult for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<T: IntoToolResult, E: Into<Failure>> IntoToolResult for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => error.into().into_outcome(),
        }
    }

    fn output_schema() -> Option<Schema> {
        T::output_schema()
    }
}

macro_rules! as_text {
    ($($type:ty),*) => { $(
        impl IntoToolResult for $type {
            fn into_outcome(self) -> Outcome {
                Outcome::Complete(CallToolResult::text(self.to_string()))
            }
        }
    )* };
}

as_text!(bool, char, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64);

macro_rules! as_content {
    ($($type:ty),*) => { $(
        impl IntoToolResult for $type {
            fn into_outcome(self) -> Outcome {
                Outcome::Complete(CallToolResult::new([ContentBlock::from(self)]))
            }
        }
    )* };
}

as_content!(
    String,
    &'static str,
    ContentBlock,
    TextContent,
    ImageContent,
    AudioContent,
    ResourceLink,
    EmbeddedResource,
    Image,
    Audio
);

/// Logs an error with everything that led to it, and says no more than its id.
fn log(error: &dyn Error) -> Outcome {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let id = format!("{:04x}", NEXT.fetch_add(1, Ordering::Relaxed));
    tracing::error!(target: "mcp::server", error_id = %id, error = %Chain(error), "a handler failed");
    ToolError::new(format!("internal error {id}")).into()
}

struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(value: impl IntoToolResult) -> Value {
        match value.into_outcome() {
            Outcome::Complete(result) => serde_json::to_value(result).unwrap(),
            Outcome::Error(error) => serde_json::to_value(error).unwrap(),
            other => panic!("no outcome of a tool: {other:?}"),
        }
    }

    fn text(text: &str) -> Value {
        json!({ "content": [{ "type": "text", "text": text }] })
    }

    #[derive(Serialize, JsonSchema)]
    struct Hits {
        total: u32,
    }

    #[test]
    fn plain_values_are_text_without_a_schema() {
        assert_eq!(written("a"), text("a"));
        assert_eq!(written("a".to_owned()), text("a"));
        assert_eq!(written(Cow::Borrowed("a")), text("a"));
        assert_eq!(written(3.0), text("3"));
        assert_eq!(written(-7_i64), text("-7"));
        assert_eq!(written(true), text("true"));
        assert_eq!(written('x'), text("x"));
        assert_eq!(written(()), json!({ "content": [] }));
        assert_eq!(f64::output_schema(), None);
    }

    #[test]
    fn json_is_structured_and_mirrored_as_text() {
        assert_eq!(
            written(Json(Hits { total: 2 })),
            json!({
                "content": [{ "type": "text", "text": "{\"total\":2}" }],
                "structuredContent": { "total": 2 },
            })
        );
        let schema: Value = <Result<Json<Hits>>>::output_schema().unwrap().parse().unwrap();
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "properties": { "total": { "type": "integer", "format": "uint32", "minimum": 0 } },
                "required": ["total"],
            })
        );
    }

    #[test]
    fn pictures_and_sound_are_base64() {
        assert_eq!(
            written(Image::png([0xfb, 0xff])),
            json!({ "content": [{ "type": "image", "data": "+/8=", "mimeType": "image/png" }] })
        );
        assert_eq!(
            written(vec![Audio::wav([0]).into(), ContentBlock::text("a")]),
            json!({ "content": [
                { "type": "audio", "data": "AA==", "mimeType": "audio/wav" },
                { "type": "text", "text": "a" },
            ] })
        );
    }

    #[test]
    fn errors_are_told_apart_by_their_type() {
        fn with(error: impl Into<Failure>) -> Result<()> {
            Err(error.into())
        }
        let failed =
            |text| json!({ "content": [{ "type": "text", "text": text }], "isError": true });
        assert_eq!(written(with(ToolError::new("odd"))), failed("odd"));
        assert_eq!(written(Err::<(), _>(ToolError::new("odd"))), failed("odd"));
        assert_eq!(
            written(with(ErrorObject::internal("closed"))),
            json!({ "code": -32603, "message": "closed" })
        );
        let hidden = written(with("x".parse::<u8>().unwrap_err()));
        let message = hidden["content"][0]["text"].as_str().unwrap();
        let id = message.strip_prefix("internal error ").unwrap();
        assert!(id.len() >= 4 && u32::from_str_radix(id, 16).is_ok(), "{message}");
        assert_eq!(hidden["isError"], true);
    }

    #[test]
    fn a_tool_error_can_have_content_of_its_own() {
        let error = ToolError::new("blurred").with_content([Image::png([0]).into()]);
        assert_eq!(error.to_string(), "blurred");
        assert_eq!(
            written(Err::<(), _>(error)),
            json!({
                "content": [{ "type": "image", "data": "AA==", "mimeType": "image/png" }],
                "isError": true,
            })
        );
    }

    #[test]
    fn what_led_to_an_error_is_logged_with_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("shelf is broken")]
        struct Shelf(#[source] std::num::ParseIntError);
        let error = Shelf("x".parse::<u8>().unwrap_err());
        assert_eq!(Chain(&error).to_string(), "shelf is broken: invalid digit found in string");
    }
}
