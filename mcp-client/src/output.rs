//! Checking the results of tools against the output schemas that the server listed.
//!
//! A layer like any other, the innermost: it sees the lists that pass and remembers their schemas,
//! and it sees the results of tools. Spec: 2026-07-28, server/tools, "Output Schema": clients SHOULD
//! validate structured results.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mcp_core::types::Schema;
use mcp_core::wire::Members;
use mcp_core::{Error, OutputError};
use mcp_json_schema::{JsonSchema, Misfit};
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};
use tower_layer::Layer;
use tower_service::Service;

use crate::layer::{Next, OutgoingCall, RawResult};
use crate::notification::ServerNotification;

/// The layer of [`check_output`](crate::ClientBuilder::check_output).
pub(crate) struct CheckOutput;

impl Layer<Next> for CheckOutput {
    type Service = OutputChecked;

    fn layer(&self, next: Next) -> OutputChecked {
        OutputChecked { declared: Arc::default(), next }
    }
}

#[derive(Clone)]
pub(crate) struct OutputChecked {
    declared: Arc<Mutex<Declared>>,
    next: Next,
}

impl Service<OutgoingCall> for OutputChecked {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OutgoingCall) -> Self::Future {
        let (declared, next) = (Arc::clone(&self.declared), self.next.clone());
        match call.method() {
            "tools/list" => Box::pin(async move {
                let is_first = is_first_page(&call);
                let asked = lock(&declared).listens(&call);
                let result = next.run(call).await?;
                lock(&declared).learn(&result, is_first, asked);
                Ok(result)
            }),
            "tools/call" => Box::pin(async move {
                let tool = call.name().map(|name| name.into_owned());
                let result = next.run(call).await?;
                if result.extension_kind().is_none() && !result.is_failure() {
                    let tool = tool.unwrap_or_default();
                    // Compiled under the lock, checked outside of it.
                    let schema = lock(&declared).schema(&tool)?;
                    schema.map_or(Ok(()), |schema| check(tool, &schema, &result))?;
                }
                Ok(result)
            }),
            _ => Box::pin(next.run(call)),
        }
    }
}

fn is_first_page(call: &OutgoingCall) -> bool {
    Members::read(Some(call.params())).is_ok_and(|params| params.raw("cursor").is_none())
}

fn check(tool: String, schema: &JsonSchema, result: &RawResult) -> Result<(), OutputError> {
    let members = serde_json::from_str::<Members<'_>>(result.as_str()).unwrap_or_default();
    let Some(content) = members.raw("structuredContent") else {
        return Err(OutputError::Missing { tool });
    };
    schema.check(content).map_err(|misfit| match misfit {
        Misfit::Value { place, problem } => OutputError::Misfit { tool, place, problem },
        other => OutputError::Unchecked { tool, problem: other.to_string() },
    })
}

/// The output schemas that are known.
#[derive(Default)]
struct Declared {
    tools: HashMap<String, Tool>,
    /// How long the schemas are together.
    bytes: usize,
    /// Tells of other lists of tools.
    changes: Option<Receiver<ServerNotification>>,
    /// How many times what was known turned out to be old.
    changed: u64,
    /// How many schemas were asked for, to know which was not used for longest.
    uses: u64,
}

struct Tool {
    schema: Schema,
    compiled: Option<Result<Arc<JsonSchema>, String>>,
    used: u64,
}

impl Declared {
    /// A list is about to be asked for: from now on it matters whether it changes.
    fn listens(&mut self, call: &OutgoingCall) -> u64 {
        if self.changes.is_none() {
            self.changes = call.0.connected.shared.subscribe();
        }
        self.catch_up();
        self.changed
    }

    /// Forgets everything if the list of tools has changed.
    fn catch_up(&mut self) {
        let Some(changes) = &mut self.changes else { return };
        let mut changed = false;
        loop {
            match changes.try_recv() {
                Ok(told) => changed |= told.method.as_ref() == LIST_CHANGED,
                // It may have been among what was missed.
                Err(TryRecvError::Lagged(_)) => changed = true,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Closed) => {
                    self.changes = None;
                    break;
                }
            }
        }
        if changed {
            self.forget();
            self.changed += 1;
        }
    }

    fn forget(&mut self) {
        self.tools.clear();
        self.bytes = 0;
    }

    /// Remembers the schemas of a page that was asked for at that time.
    fn learn(&mut self, page: &RawResult, is_first: bool, asked: u64) {
        self.catch_up();
        if is_first {
            self.forget();
        }
        if self.changed != asked {
            return;
        }
        // A list that cannot be read fails where it was asked for.
        let Ok(page) = serde_json::from_str::<Page>(page.as_str()) else { return };
        for tool in page.tools {
            if let Some(old) = self.tools.remove(&tool.name) {
                self.bytes -= old.schema.as_str().len();
            }
            let Some(schema) = tool.output_schema else { continue };
            let bytes = schema.as_str().len();
            if self.tools.len() == TOOLS || self.bytes + bytes > BYTES {
                tracing::warn!(
                    target: "mcp::client",
                    tool = %tool.name.escape_debug(),
                    "too many output schemas: results of this tool are not checked"
                );
                continue;
            }
            self.bytes += bytes;
            self.tools.insert(tool.name, Tool { schema, compiled: None, used: 0 });
        }
    }

    /// The output schema of a tool, if it is known.
    fn schema(&mut self, name: &str) -> Result<Option<Arc<JsonSchema>>, OutputError> {
        self.catch_up();
        let Some(tool) = self.tools.get_mut(name) else { return Ok(None) };
        self.uses += 1;
        tool.used = self.uses;
        let compiled = tool.compiled.get_or_insert_with(|| {
            let compiled = JsonSchema::compile(&tool.schema);
            compiled.map(Arc::new).map_err(|problem| problem.to_string())
        });
        let schema = compiled
            .clone()
            .map_err(|problem| OutputError::Schema { tool: name.to_owned(), problem });
        self.make_room();
        schema.map(Some)
    }

    /// Lets go of the compiled schema that was not used for longest, if there are too many.
    fn make_room(&mut self) {
        let compiled = || self.tools.values().filter(|tool| tool.compiled.is_some());
        if compiled().count() <= COMPILED {
            return;
        }
        let oldest = compiled().map(|tool| tool.used).min();
        let oldest = self.tools.values_mut().find(|tool| Some(tool.used) == oldest);
        if let Some(oldest) = oldest {
            oldest.compiled = None;
            oldest.used = 0;
        }
    }
}

/// What matters here of a page of tools.
#[derive(Deserialize)]
struct Page {
    tools: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    output_schema: Option<Schema>,
}

fn lock(declared: &Mutex<Declared>) -> MutexGuard<'_, Declared> {
    // Every change is whole before anything can panic.
    declared.lock().unwrap_or_else(PoisonError::into_inner)
}

const LIST_CHANGED: &str = "notifications/tools/list_changed";
/// How many tools are remembered.
const TOOLS: usize = 10_000;
/// How long their schemas may be together.
const BYTES: usize = 8 * 1024 * 1024;
/// How many schemas are kept compiled.
const COMPILED: usize = 128;
