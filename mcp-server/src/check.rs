//! Questions to the compiler that the attributes ask where a type stands, so that the answer points there.

use crate::extract::{Argument, Extracted, Extractor, Param};
use crate::outcome::IntoToolResult;
use crate::prompt::IntoPromptResult;
use crate::resource::IntoResourceResult;

/// The type can be a parameter.
pub const fn param<T: Param<M>, M>() {}

/// The type can be a parameter without a name.
pub const fn extractor<T: Extractor>() {}

/// The type can be the parameter for a variable of a URI template.
pub const fn variable<T: Variable>() {}

/// The type can be a parameter for which a URI template has no variable.
pub const fn no_variable<T: NoVariable>() {}

/// The type can be a tool's result.
pub const fn result<T: IntoToolResult>() {}

/// The type can be a prompt's result.
pub const fn prompt_result<T: IntoPromptResult>() {}

/// The type can be a resource's result.
pub const fn resource_result<T: IntoResourceResult>() {}

/// A parameter that is parsed from a string.
#[diagnostic::on_unimplemented(
    message = "a variable of a URI template cannot be a `{Self}`",
    label = "not parsed from a string",
    note = "variables need `serde::Deserialize` (without borrowing) and `schemars::JsonSchema`"
)]
pub trait Variable: Param<Argument> {}

impl<T: Param<Argument>> Variable for T {}

/// A parameter that is an extractor.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no extractor, and the URI template has no variable of this name",
    label = "nothing to take this parameter from",
    note = "add `{{name}}` to the template, or take an extractor such as `State<T>`"
)]
pub trait NoVariable: Param<Extracted> {}

impl<T: Param<Extracted>> NoVariable for T {}
