//! A stand-in for a server in unit tests: it calls one tool at a time.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use mcp_core::capability::ClientCapabilities;
use mcp_core::profile::{NegotiatedProfiles, ProfileUrl};
use mcp_core::types::Implementation;
use mcp_core::version::{Era, ProtocolVersion};
use mcp_core::{CallId, Negotiated, NegotiatedParts, Principal, Tenant};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::{CallParts, Provided};
use crate::connection::{Connection, FromHandler};
use crate::{CallKind, IntoTool, Outcome};

/// Everything that a call borrows from.
pub(crate) struct Rig {
    pub(crate) provided: Provided,
    pub(crate) negotiated: Negotiated,
    pub(crate) connection: Arc<Connection>,
    pub(crate) wants_progress: bool,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self {
            provided: Provided::default(),
            negotiated: negotiated(&[]),
            connection: Arc::default(),
            wants_progress: true,
        }
    }

    pub(crate) fn with_state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.provided.states.insert(Arc::new(state));
        self
    }

    pub(crate) fn with_profiles(mut self, profiles: &[&str]) -> Self {
        self.negotiated = negotiated(profiles);
        self
    }

    pub(crate) fn parts<'a>(&'a self, arguments: Option<&'a RawValue>) -> CallParts<'a> {
        CallParts {
            id: CallId::from_number(1),
            kind: CallKind::Tool,
            arguments,
            negotiated: &self.negotiated,
            meta: None,
            wants_progress: self.wants_progress,
            log_level: None,
            connection: &self.connection,
            server: None,
            in_force: None,
            earlier: None,
        }
    }

    /// Starts a call.
    pub(crate) fn start<M>(
        &self,
        tool: impl IntoTool<M>,
        arguments: &str,
    ) -> BoxFuture<'static, Outcome> {
        let tool = tool.into_tool().build();
        assert_eq!(tool.problems, [""; 0]);
        let arguments = RawValue::from_string(arguments.to_owned()).unwrap();
        tool.into_item(&Arc::new(self.provided.clone())).call(self.parts(Some(&arguments)))
    }

    /// Makes a call and returns its text, or the error as JSON.
    pub(crate) async fn text<M>(&self, tool: impl IntoTool<M>, arguments: &str) -> String {
        match self.start(tool, arguments).await {
            Outcome::Complete(result) => result.content[0].as_text().unwrap().to_owned(),
            Outcome::Error(error) => serde_json::to_string(&error).unwrap(),
            other => panic!("no outcome of a tool: {other:?}"),
        }
    }

    /// The progress that waits to be sent: how far, and the total.
    pub(crate) fn progress(&self) -> Vec<(f64, Option<f64>)> {
        let mut out = Vec::new();
        self.connection.drain(&mut out);
        let pair = |said| match said {
            FromHandler::Progress { progress, total, .. } => Some((progress, total)),
            _ => None,
        };
        out.into_iter().filter_map(pair).collect()
    }
}

pub(crate) fn negotiated(profiles: &[&str]) -> Negotiated {
    negotiated_with(Era::Modern, ClientCapabilities::new(), profiles)
}

pub(crate) fn negotiated_by(principal: Principal, profiles: &[&str]) -> Negotiated {
    negotiated_parts(principal, Era::Modern, ClientCapabilities::new(), profiles)
}

pub(crate) fn negotiated_with(
    era: Era,
    client_capabilities: ClientCapabilities,
    profiles: &[&str],
) -> Negotiated {
    let ada = Principal::new("ada").with("plan", "paid");
    negotiated_parts(ada, era, client_capabilities, profiles)
}

fn negotiated_parts(
    principal: Principal,
    era: Era,
    client_capabilities: ClientCapabilities,
    profiles: &[&str],
) -> Negotiated {
    let profiles: NegotiatedProfiles =
        profiles.iter().map(|url| ProfileUrl::parse(url).unwrap()).collect();
    Negotiated::new(NegotiatedParts {
        version: match era {
            Era::Modern => ProtocolVersion::LATEST,
            Era::Legacy => ProtocolVersion::V2025_11_25,
        },
        era,
        client_info: Some(Implementation::new("viewer", "1.0")),
        client_capabilities,
        profiles,
        principal,
        tenant: Tenant::new("vidsrus.example"),
    })
}

/// A tool's input schema.
pub(crate) fn input<M>(tool: impl IntoTool<M>) -> Value {
    tool.into_tool().definition().input_schema.parse().unwrap()
}
