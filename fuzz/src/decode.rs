//! Bytes of one frame → text → message or batch → members.

use mcp_core::framing::{TextError, check_text};
use mcp_core::jsonrpc::Message;
use mcp_core::wire::{Members, legacy};
use serde_json::value::RawValue;

/// The first byte is the nesting limit, the rest is the frame.
pub fn run(data: &[u8]) {
    let Some((limit, frame)) = data.split_first() else { return };
    let limit = usize::from(*limit % 80);
    let checked = check_text(frame, limit);
    match (str::from_utf8(frame), checked) {
        (Err(error), checked) => {
            assert_eq!(checked, Err(TextError::NotUtf8 { offset: error.valid_up_to() }));
        }
        (Ok(text), checked) => assert_eq!(checked.is_ok(), depth(text) <= limit, "{text:?}"),
    }
    let Ok(text) = checked else { return };
    if legacy::is_batch(text) {
        if let Ok(batch) = legacy::unpack_batch(text, 64) {
            assert!((1..=64).contains(&batch.len()));
            for (message, part) in batch {
                assert!(text.contains(part));
                if let Ok(message) = message {
                    inspect(&message);
                }
            }
        }
    } else {
        match Message::decode(text) {
            Ok(message) => {
                // Not into a tree: numbers that no tree holds are for whoever reads them.
                assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "{text:?}");
                inspect(&message);
            }
            Err(invalid) => {
                assert!(invalid.error.message.len() < 4096, "an error repeats too much");
                assert!(invalid.id.is_none() || text.contains("id"));
            }
        }
    }
}

/// Reads what a message holds two levels deep, as the sessions do.
fn inspect(message: &Message<'_>) {
    let read;
    let members = match message {
        Message::Request(request) => request.params.as_ref(),
        Message::Notification(notification) => notification.params.as_ref(),
        Message::Response(response) => {
            read = response.outcome.as_ref().ok().and_then(|raw| Members::read(Some(raw)).ok());
            read.as_ref()
        }
    };
    let Some(members) = members else { return };
    for (name, value) in members.iter() {
        assert!(members.raw(name).is_some_and(|raw| std::ptr::eq(raw, value)));
        agrees(members, name, value);
        if value.get().starts_with('{') {
            // It was read as JSON already, so only what the reader limits can fail.
            if let Err(problem) = Members::read(Some(value)) {
                let problem = problem.to_string();
                assert!(problem.contains("twice") || problem.contains("members"), "{problem}");
            }
        }
    }
}

/// A string member is what the JSON parser makes of it.
fn agrees(members: &Members<'_>, name: &str, value: &RawValue) {
    let parsed = serde_json::from_str::<serde_json::Value>(value.get());
    let expected = parsed.ok().and_then(|value| value.as_str().map(str::to_owned));
    match members.string(name) {
        Ok(found) => assert_eq!(found.as_deref(), expected.as_deref()),
        Err(_) => assert_eq!(expected, None),
    }
}

/// The depth of brackets outside strings, byte by byte.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
