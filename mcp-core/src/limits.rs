//! Bounds on what a peer can make us hold.

/// Bounds on what a peer can make one session hold or do, with defaults that suit most.
///
/// A message beyond a limit is answered with an error that names the limit; the connection goes
/// on.
///
/// # Examples
/// ```
/// let limits = mcp_core::Limits { line_bytes: 1024 * 1024, ..Default::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest message, in bytes. Default: 16 MiB.
    pub line_bytes: usize,
    /// Deepest nesting of objects and arrays in a message. Default: 64.
    pub nesting: usize,
    /// Most requests of the peer in flight, waiting ones included. Default: 1,024.
    pub pending_requests: usize,
    /// Most bytes of messages that wait: for a decision, or for the peer to read. Default: 64 MiB.
    pub pending_bytes: usize,
    /// Most resources and streams that the peer can be subscribed to at a time; their addresses
    /// together are no longer than `pending_bytes`. Default: 1,024.
    pub subscriptions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 16 * 1024 * 1024,
            nesting: 64,
            pending_requests: 1024,
            pending_bytes: 64 * 1024 * 1024,
            subscriptions: 1024,
        }
    }
}
