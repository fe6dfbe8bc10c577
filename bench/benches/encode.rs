//! From a result to the line that answers a call.
//!
//! A call has to be read before it can be answered; that part is small, the same for every
//! result, and shown by the bench `dispatch`.

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mcp_core::capability::{ServerCapabilities, ToolsCapability};
use mcp_core::session::server::{ServerConfig, ServerEvent, ServerSession};
use mcp_core::types::{CacheHints, CallToolResult, Implementation, ListToolsResult, Schema, Tool};
use mcp_core::{CallId, Outbox, Principal, Tenant};

criterion_group!(benches, encode);
criterion_main!(benches);

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for (name, size) in [("text of 32 B", 32), ("text of 1 MiB", 1024 * 1024)] {
        let text = "The cat \"sat\" on the mat. ".chars().cycle().take(size).collect::<String>();
        let result = CallToolResult::text(text);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(name, |bencher| {
            let mut server = Server::new();
            bencher.iter(|| {
                server.answer(|session, call, out| session.respond_call_tool(call, &result, out))
            });
        });
    }
    let list = ListToolsResult::new((0..100).map(tool));
    group.throughput(Throughput::Elements(100));
    group.bench_function("tools/list of 100", |bencher| {
        let mut server = Server::new();
        let cache = Some(CacheHints::public(1000));
        bencher.iter(|| {
            server.answer(|session, call, out| session.respond(call, &list, None, cache, out))
        });
    });
    group.finish();
}

struct Server {
    session: ServerSession,
    out: Outbox,
}

impl Server {
    fn new() -> Self {
        let mut config = ServerConfig::new(Implementation::new("bench", "1"));
        config.capabilities = ServerCapabilities::new().with_tools(ToolsCapability::new());
        let session = ServerSession::new(Arc::new(config), Principal::local(), Tenant::default());
        Self { session, out: Outbox::default() }
    }

    fn answer<E: std::fmt::Debug>(
        &mut self,
        respond: impl Fn(&mut ServerSession, CallId, &mut Outbox) -> Result<(), E>,
    ) {
        let Self { session, out } = self;
        for message in session.read(CALL.as_bytes(), out) {
            match session.handle(message, out) {
                Some(ServerEvent::Call(call)) => respond(session, call.id, out).unwrap(),
                other => panic!("no call but {other:?}"),
            }
        }
        out.consume(out.len());
    }
}

fn tool(number: usize) -> Tool {
    let schema = r#"{"type":"object","properties":{"title":{"type":"string","description":"Which title"},"limit":{"type":"integer"}},"required":["title"]}"#;
    Tool::new(format!("tool_{number}"), Schema::from_text(schema).unwrap())
        .with_description("Does one of a hundred things, and says so at some length.")
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"name":"t"}}"#;
