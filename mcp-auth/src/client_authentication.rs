//! How a client authenticates at an authorization server.
