//! Thumbprints of keys and certificates (RFC 7638, RFC 8705).
