//! Signatures and the keys for them (RFC 7515, 7517, 7519).
