//! Questions to the compiler that `#[tool]` asks where a type stands, so that the answer points there.

use crate::extract::{Extractor, Param};
use crate::outcome::IntoToolResult;

/// The type can be a parameter.
pub const fn param<T: Param<M>, M>() {}

/// The type can be a parameter without a name.
pub const fn extractor<T: Extractor>() {}

/// The type can be a result.
pub const fn result<T: IntoToolResult>() {}
