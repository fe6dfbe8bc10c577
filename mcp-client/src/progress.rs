//! How far a call is.

/// How far a call is, in the server's own unit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// How far the work has come; a well-behaved server lets it grow.
    pub done: f64,
    /// Where the work ends, if that is known.
    pub total: Option<f64>,
    /// What is being done, for people; control characters are escaped, and what is long is cut.
    pub message: Option<String>,
}
