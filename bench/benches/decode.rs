//! From the bytes of a line to a message with its parameters.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mcp_core::framing::{Line, LineBuffer, check_text};
use mcp_core::jsonrpc::Message;

const LEGACY_META: &str = r#""_meta":{"progressToken":7}"#;
const MODERN_META: &str = r#""_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

criterion_group!(benches, decode, lines);
criterion_main!(benches);

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (era, meta) in [("legacy", LEGACY_META), ("modern", MODERN_META)] {
        for (size, padding) in [("small", 32), ("10 KiB", 10 * 1024), ("1 MiB", 1024 * 1024)] {
            let line = tools_call(meta, padding);
            group.throughput(Throughput::Bytes(line.len() as u64));
            group.bench_function(BenchmarkId::new(era, size), |bencher| {
                bencher.iter(|| {
                    let text = check_text(black_box(line.as_bytes()), 64).unwrap();
                    assert!(matches!(Message::decode(text), Ok(Message::Request(_))));
                });
            });
        }
    }
    group.finish();
}

fn lines(criterion: &mut Criterion) {
    let stream = format!("{}\n", tools_call(LEGACY_META, 32)).repeat(64);
    let mut group = criterion.benchmark_group("lines");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("64 small messages a read", |bencher| {
        let mut buffer = LineBuffer::with_limit(1024 * 1024);
        bencher.iter(|| {
            buffer.spare(stream.len()).extend_from_slice(black_box(stream.as_bytes()));
            let mut seen = 0;
            while let Some(line) = buffer.next_line() {
                assert!(matches!(line, Line::Complete(_)));
                seen += 1;
            }
            assert_eq!(seen, 64);
        });
    });
    group.finish();
}

/// A call whose one argument is a text of this many bytes.
fn tools_call(meta: &str, argument: usize) -> String {
    let text = "The cat sat on the mat. ".chars().cycle().take(argument).collect::<String>();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{meta},"name":"echo","arguments":{{"text":"{text}"}}}}}}"#
    )
}
