//! What a resource may return.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::types::{
    BlobResourceContents, ReadResourceResult, ResourceContents, TextResourceContents,
};
use serde::Serialize;

use crate::ask::InputRequired;
use crate::outcome::{Failure, Json, Outcome, Result};

/// What is read: it fills in what the contents do not say.
#[derive(Debug, Clone, Copy)]
pub struct Requested<'a> {
    uri: &'a str,
    mime_type: Option<&'a str>,
}

impl<'a> Requested<'a> {
    pub(crate) fn new(uri: &'a str, mime_type: Option<&'a str>) -> Self {
        Self { uri, mime_type }
    }

    /// The URI that the client asked for.
    pub fn uri(&self) -> &'a str {
        self.uri
    }

    /// The media type of the resource, if it has one.
    pub fn mime_type(&self) -> Option<&'a str> {
        self.mime_type
    }
}

/// What a resource may return.
///
/// Text and bytes get the URI that was asked for and the media type of the resource. Implemented for
/// text, `Vec<u8>`, [`Json`], [`ResourceContents`], lists of these, [`ReadResourceResult`], `Option`s,
/// of which `None` is a resource that does not exist, and [`Result`](crate::Result)s. A
/// [`ToolError`](crate::ToolError) is answered with an error that has its message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a resource",
    label = "not a resource's result",
    note = "return text, `Vec<u8>`, `Json<T>`, `ResourceContents`, `ReadResourceResult`, or an `Option` or `Result` of one of them"
)]
pub trait IntoResourceResult {
    /// The outcome that this value stands for.
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome;
}

impl IntoResourceResult for String {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        let mut contents = TextResourceContents::new(requested.uri, self);
        contents.mime_type = requested.mime_type.map(str::to_owned);
        ResourceContents::from(contents).into_outcome(requested)
    }
}

impl IntoResourceResult for &'static str {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        self.to_owned().into_outcome(requested)
    }
}

impl IntoResourceResult for Vec<u8> {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        let mut contents = BlobResourceContents::new(requested.uri, BASE64.encode(self));
        contents.mime_type = requested.mime_type.map(str::to_owned);
        ResourceContents::from(contents).into_outcome(requested)
    }
}

impl IntoResourceResult for &'static [u8] {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        self.to_vec().into_outcome(requested)
    }
}

/// As text, of the type `application/json` unless the resource has another.
impl<T: Serialize> IntoResourceResult for Json<T> {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        let mime_type = requested.mime_type.or(Some("application/json"));
        match serde_json::to_string(&self.0) {
            Ok(text) => text.into_outcome(&Requested { mime_type, ..*requested }),
            Err(error) => Failure::from(error).into_error(),
        }
    }
}

impl IntoResourceResult for ResourceContents {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        vec![self].into_outcome(requested)
    }
}

impl IntoResourceResult for Vec<ResourceContents> {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        ReadResourceResult::new(self).into_outcome(requested)
    }
}

impl IntoResourceResult for ReadResourceResult {
    fn into_outcome(self, _: &Requested<'_>) -> Outcome {
        Outcome::Resource(self)
    }
}

impl IntoResourceResult for InputRequired {
    fn into_outcome(self, _: &Requested<'_>) -> Outcome {
        Outcome::InputRequired(self)
    }
}

impl IntoResourceResult for Outcome {
    fn into_outcome(self, _: &Requested<'_>) -> Outcome {
        self
    }
}

impl<T: IntoResourceResult> IntoResourceResult for Option<T> {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        match self {
            Some(value) => value.into_outcome(requested),
            None => Outcome::Error(ErrorObject::resource_not_found_at(requested.uri)),
        }
    }
}

impl<T: IntoResourceResult, E: Into<Failure>> IntoResourceResult for Result<T, E> {
    fn into_outcome(self, requested: &Requested<'_>) -> Outcome {
        let error = match self {
            Ok(value) => return value.into_outcome(requested),
            Err(error) => error.into().into_error(),
        };
        match error {
            // Whoever says that there is no such resource need not repeat its URI.
            Outcome::Error(error)
                if error.code == ErrorCode::RESOURCE_NOT_FOUND && error.data.is_none() =>
            {
                let place = ErrorObject::resource_not_found_at(requested.uri);
                Outcome::Error(ErrorObject { data: place.data, ..error })
            }
            other => other,
        }
    }
}
