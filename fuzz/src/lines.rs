//! Any cutting of a stream into reads gives the same lines.

use mcp_core::framing::{Line, LineBuffer};

/// One byte of limit, eight chunk sizes taken in turn, and the stream.
pub fn run(data: &[u8]) {
    let Some((head, stream)) = data.split_at_checked(9) else { return };
    let limit = usize::from(head[0]);
    let expected = split(stream, limit);
    let mut buffer = LineBuffer::with_limit(limit);
    let mut seen = Vec::new();
    let mut rest = stream;
    for size in head[1..].iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, later) = rest.split_at(rest.len().min(usize::from(*size) + 1));
        rest = later;
        buffer.spare(chunk.len()).extend_from_slice(chunk);
        while let Some(line) = buffer.next_line() {
            seen.push(owned(line, limit));
        }
    }
    while let Some(line) = buffer.finish() {
        seen.push(owned(line, limit));
    }
    assert_eq!(seen, expected);
    assert!(buffer.finish().is_none());
}

/// A line, or `None` for one that is too long.
fn owned(line: Line<'_>, limit: usize) -> Option<Vec<u8>> {
    match line {
        Line::Complete(line) => {
            assert!(line.len() <= limit);
            Some(line.to_vec())
        }
        Line::TooLong { length_so_far } => {
            assert!(length_so_far > limit);
            None
        }
    }
}

/// The lines of the whole stream at once.
fn split(stream: &[u8], limit: usize) -> Vec<Option<Vec<u8>>> {
    let lines = stream.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines
        .filter(|line| {
            line.len() > limit || line.iter().any(|byte| !matches!(byte, b' ' | b'\t' | b'\r'))
        })
        .map(|line| (line.len() <= limit).then(|| line.to_vec()))
        .collect()
}
