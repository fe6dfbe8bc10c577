//! What happens at the MCP endpoint of one tenant, once it is known who calls.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode, request::Parts};
use mcp_core::{Principal, Tenant};

use super::HttpBody;
use super::settings::Settings;
use crate::Server;

/// The MCP endpoint of one tenant.
#[derive(Debug)]
pub(crate) struct Endpoint {
    server: Server,
    tenant: Tenant,
    settings: Arc<Settings>,
}

impl Endpoint {
    pub(crate) fn new(server: Server, tenant: Tenant, settings: Arc<Settings>) -> Self {
        Self { server, tenant, settings }
    }

    /// Answers a POST whose body has been read.
    pub(crate) async fn post(
        self: &Arc<Self>,
        head: &Parts,
        body: Bytes,
        caller: Principal,
    ) -> Response<HttpBody> {
        drop((head, body, caller, &self.server, &self.tenant, &self.settings));
        status(StatusCode::NOT_IMPLEMENTED)
    }

    /// Answers a GET: a stream of a session.
    pub(crate) async fn get(
        self: &Arc<Self>,
        head: &Parts,
        caller: Principal,
    ) -> Response<HttpBody> {
        drop((head, caller));
        status(StatusCode::NOT_IMPLEMENTED)
    }

    /// Answers a DELETE: the end of a session.
    pub(crate) async fn delete(
        self: &Arc<Self>,
        head: &Parts,
        caller: Principal,
    ) -> Response<HttpBody> {
        drop((head, caller));
        status(StatusCode::NOT_IMPLEMENTED)
    }
}

fn status(status: StatusCode) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = status;
    response
}
