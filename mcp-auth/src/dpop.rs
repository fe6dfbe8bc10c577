//! Proofs that a key is held (RFC 9449).

/// The key that proofs are made with.
#[derive(Debug)]
pub struct ProofKey(());
