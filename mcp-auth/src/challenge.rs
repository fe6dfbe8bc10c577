//! What a server says when it does not let a request in (`WWW-Authenticate`).

/// One challenge (RFC 9110, 11.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}
