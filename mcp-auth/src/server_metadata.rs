//! Metadata of authorization servers (RFC 8414, OpenID Connect Discovery).
