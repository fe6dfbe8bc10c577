//! A whole turn of the server's core: read a line, hand the call out, take the answer back.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mcp_core::capability::{ServerCapabilities, ToolsCapability};
use mcp_core::profile::{
    Declaration, DeclaredProfile, Entitlement, MinMcpVersion, ProfilePolicy, ProfileUrl,
};
use mcp_core::session::server::{ServerConfig, ServerEvent, ServerSession};
use mcp_core::types::{CallToolResult, Implementation};
use mcp_core::{Outbox, Principal, Tenant};

const STANDARD: &str = "https://example.com/profiles/standard";
const PREMIUM: &str = "https://example.com/profiles/premium";

/// What a server knows of profiles.
#[derive(Clone, Copy)]
enum Profiles {
    /// Nothing.
    None,
    /// Two of them, the same for every caller.
    Fixed,
    /// Two of them, and who may have them is asked for every request.
    Asked,
}

criterion_group!(benches, turn);
criterion_main!(benches);

fn turn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("turn");
    for (name, profiles) in
        [("plain", Profiles::None), ("profiles", Profiles::Fixed), ("entitlement", Profiles::Asked)]
    {
        group.bench_function(BenchmarkId::new("legacy", name), |bencher| {
            let mut server = Server::new(profiles);
            server.initialize();
            bencher.iter(|| server.answer(black_box(LEGACY_CALL.as_bytes())));
        });
        group.bench_function(BenchmarkId::new("modern", name), |bencher| {
            let mut server = Server::new(profiles);
            let line = match profiles {
                Profiles::None => modern_call("{}"),
                Profiles::Fixed | Profiles::Asked => modern_call(&format!(
                    r#"{{"extensions":{{"{}":{{"requested":["{PREMIUM}"]}}}}}}"#,
                    mcp_core::profile::EXTENSION
                )),
            };
            bencher.iter(|| server.answer(black_box(line.as_bytes())));
        });
    }
    group.finish();
}

struct Server {
    session: ServerSession,
    out: Outbox,
    result: CallToolResult,
}

impl Server {
    fn new(profiles: Profiles) -> Self {
        let mut config = ServerConfig::new(Implementation::new("bench", "1"));
        config.capabilities = ServerCapabilities::new().with_tools(ToolsCapability::new());
        config.asks_entitlement = matches!(profiles, Profiles::Asked);
        config.profiles = match profiles {
            Profiles::None => None,
            Profiles::Fixed | Profiles::Asked => Some(policy()),
        };
        let session = ServerSession::new(Arc::new(config), Principal::local(), Tenant::default());
        Self { session, out: Outbox::default(), result: CallToolResult::text("hello") }
    }

    fn initialize(&mut self) {
        for message in self.session.read(INITIALIZE.as_bytes(), &mut self.out) {
            if let Some(ServerEvent::ResolvePolicy) = self.session.handle(message, &mut self.out) {
                let _ = self.session.policy_resolved(&Entitlement::all(), &mut self.out);
                assert!(self.session.next_held().is_none());
            }
        }
        assert!(self.session.negotiated().is_some());
        self.out.consume(self.out.len());
    }

    fn answer(&mut self, line: &[u8]) {
        let Self { session, out, result } = self;
        for message in session.read(line, out) {
            match session.handle(message, out) {
                Some(ServerEvent::Call(call)) => {
                    session.respond_call_tool(call.id, result, out).unwrap();
                }
                Some(ServerEvent::ResolvePolicy) => {
                    assert!(session.policy_resolved(&Entitlement::all(), out).is_none());
                    while let Some(held) = session.next_held() {
                        if let Some(ServerEvent::Call(call)) = session.handle(held.message(), out) {
                            session.respond_call_tool(call.id, result, out).unwrap();
                        }
                    }
                }
                other => panic!("no call but {other:?}"),
            }
        }
        assert!(out.len() > 64);
        out.consume(out.len());
    }
}

fn policy() -> ProfilePolicy {
    let declared = [PREMIUM, STANDARD]
        .map(|url| DeclaredProfile::new(ProfileUrl::parse(url).unwrap(), MinMcpVersion::ANY));
    let declaration = Declaration::new(declared).unwrap();
    let policy = ProfilePolicy::builder(declaration).exclusive([PREMIUM, STANDARD]);
    policy.default_profile(STANDARD).build().unwrap()
}

fn modern_call(capabilities: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"bench","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{capabilities}}},"name":"echo","arguments":{{"text":"hello"}}}}}}"#
    )
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"},"requestedProfiles":["https://example.com/profiles/premium"]}}"#;
const LEGACY_CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}"#;
