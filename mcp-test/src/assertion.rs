//! Assertions about calls that are meant to fail.

use std::any::Any;
use std::fmt::Debug;

use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::types::CallToolResult;
use mcp_core::{Error, ToolError};

/// What a call came to: the result of [`Client::call`](mcp_client::Client::call) or
/// [`Client::call_tool`](mcp_client::Client::call_tool), or a [`CallToolResult`].
pub trait CallOutcome: Debug {
    /// What the tool says went wrong, all texts together; `None` when it did not fail.
    fn tool_error(&self) -> Option<String>;

    /// The error that the server answered with instead of a result.
    fn refusal(&self) -> Option<&ErrorObject> {
        None
    }
}

impl CallOutcome for CallToolResult {
    fn tool_error(&self) -> Option<String> {
        self.is_failure().then(|| ToolError { result: Box::new(self.clone()) }.to_string())
    }
}

impl<T: Debug + Any> CallOutcome for Result<T, Error> {
    fn tool_error(&self) -> Option<String> {
        match self {
            Err(Error::Tool(error)) => Some(error.to_string()),
            Err(_) => None,
            Ok(value) => (value as &dyn Any).downcast_ref::<CallToolResult>()?.tool_error(),
        }
    }

    fn refusal(&self) -> Option<&ErrorObject> {
        match self {
            Err(Error::Peer(error)) => Some(error),
            _ => None,
        }
    }
}

impl<C: CallOutcome> CallOutcome for &C {
    fn tool_error(&self) -> Option<String> {
        (**self).tool_error()
    }

    fn refusal(&self) -> Option<&ErrorObject> {
        (**self).refusal()
    }
}

/// That a tool ran and failed, and that what the model reads contains each of these texts.
///
/// Takes what [`Client::call`](mcp_client::Client::call) or
/// [`Client::call_tool`](mcp_client::Client::call_tool) came to, and returns what the model reads.
///
/// # Examples
///
/// ```
/// use mcp_server::{Server, Tool};
/// use mcp_test::assert_tool_error;
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_test::Error> {
/// let add = Tool::new("add").params(["a", "b"]).handler(async |a: f64, b: f64| a + b);
/// let client = mcp_test::pair(Server::builder("adder", "1.0").tool(add)).connect().await?;
/// let sum = client.call::<f64>("add", json!({ "a": "one", "b": 2 })).await;
/// assert_tool_error!(sum, "argument `a`", "\"one\"");
/// # client.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! assert_tool_error {
    ($outcome:expr $(, $says:expr)* $(,)?) => {
        $crate::__tool_error(&$outcome, &[$(&$says as &dyn ::std::convert::AsRef<str>),*])
    };
}

/// That the server answered with an error of this code instead of a result, and that its message
/// contains each of these texts.
///
/// The error of an unknown tool or of malformed parameters is of this kind: it is for the client,
/// where [`assert_tool_error!`](crate::assert_tool_error) is about what the model reads. Returns
/// the [`ErrorObject`].
///
/// # Examples
///
/// ```
/// use mcp_server::{ErrorCode, Server};
/// use mcp_test::assert_refused;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_test::Error> {
/// let client = mcp_test::pair(Server::builder("empty", "1.0")).connect().await?;
/// let nothing = client.call_tool("nope", ()).await;
/// assert_refused!(nothing, ErrorCode::INVALID_PARAMS, "unknown tool: nope");
/// # client.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! assert_refused {
    ($outcome:expr, $code:expr $(, $says:expr)* $(,)?) => {
        $crate::__refused(&$outcome, $code, &[$(&$says as &dyn ::std::convert::AsRef<str>),*])
    };
}

#[doc(hidden)]
#[track_caller]
pub fn __tool_error(outcome: &dyn CallOutcome, says: &[&dyn AsRef<str>]) -> String {
    let Some(text) = outcome.tool_error() else {
        panic!("the tool was expected to fail, but the call came to {outcome:?}");
    };
    assert_says("tool error", &text, says);
    text
}

#[doc(hidden)]
#[track_caller]
pub fn __refused(
    outcome: &dyn CallOutcome,
    code: ErrorCode,
    says: &[&dyn AsRef<str>],
) -> ErrorObject {
    let Some(error) = outcome.refusal() else {
        panic!("the server was expected to refuse with {code:?}, but the call came to {outcome:?}");
    };
    assert!(error.code == code, "the server refused with {error:?}, not with {code:?}");
    assert_says("error", &error.message, says);
    error.clone()
}

#[track_caller]
fn assert_says(what: &str, text: &str, says: &[&dyn AsRef<str>]) {
    for says in says.iter().map(|says| says.as_ref()) {
        assert!(text.contains(says), "the {what} does not say {says:?}; it says: {text}");
    }
}
