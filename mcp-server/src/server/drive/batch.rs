//! Batches of messages, which only 2025-03-26 has.

use std::task::Context;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::session::Frame;
use mcp_core::session::server::{ClientRequest, ServerCall, ServerEvent};

use super::engine::Engine;
use crate::item::CallKind;
use crate::requires::Scopes;
use crate::server::catalogue::KeptOut;

impl Engine {
    /// Handles a batch: where one call needs scopes that its caller does not have, none runs.
    ///
    /// The client gets them and sends the batch again, and what had run would run twice.
    pub(super) fn handle_batch(&mut self, cx: &mut Context<'_>, frame: Frame<'_>) {
        let messages = frame.filter_map(|message| self.session.handle(message, &mut self.outbox));
        let events: Vec<ServerEvent<'_>> = messages.collect();
        let calls = events.iter().filter_map(|event| match event {
            ServerEvent::Call(call) => self.lacks(call),
            _ => None,
        });
        let needed = calls.reduce(|one, other| one.union(&other));
        for event in events {
            match (event, &needed) {
                (ServerEvent::Call(call), Some(needed)) => {
                    self.keep_out(&call, KeptOut::Needs(needed.clone()));
                }
                (event, _) => self.act(cx, event),
            }
        }
    }

    /// The scopes that a call needs, if its caller does not have them all.
    fn lacks(&self, call: &ServerCall<'_>) -> Option<Scopes> {
        let catalogue = self.server.catalogue();
        let named = |name: &str| {
            let name = name.to_owned();
            move || ErrorObject::method_not_found(&name)
        };
        let kept_out = match &call.request {
            ClientRequest::CallTool(params) => {
                let (name, tools) = (&*params.name, &catalogue.tools);
                self.admitted(tools, call, CallKind::Tool, name, named(name)).err()
            }
            ClientRequest::GetPrompt(params) => {
                let (name, prompts) = (&*params.name, &catalogue.prompts);
                self.admitted(prompts, call, CallKind::Prompt, name, named(name)).err()
            }
            ClientRequest::ReadResource(params) => {
                self.resource(&catalogue, call, &params.uri).err()
            }
            ClientRequest::Subscribe { uri } => self.resource(&catalogue, call, uri).err(),
            ClientRequest::Complete(params) => self.completer(&catalogue, call, params).err(),
            ClientRequest::Extension { method, .. } => {
                self.method(&self.server.extensions, call, method).err()
            }
            _ => None,
        };
        match kept_out {
            Some(KeptOut::Needs(scopes)) => Some(scopes),
            _ => None,
        }
    }
}
