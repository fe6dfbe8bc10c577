//! Any portions of an event stream give the same events, and what is read can be written again.

use mcp_core::http::sse::{Event, EventTooLong, Parser, write_event};

/// One byte of limit, eight sizes of portions taken in turn, and the stream.
pub fn run(data: &[u8]) {
    let Some((head, stream)) = data.split_at_checked(9) else { return };
    let limit = usize::from(head[0]) * 8;
    let mut rest = stream;
    let portions = head[1..].iter().cycle().map_while(|size| {
        let (portion, later) = rest.split_at(rest.len().min(usize::from(*size) + 1));
        rest = later;
        (!portion.is_empty()).then_some(portion)
    });
    let mut parser = Parser::with_limit(limit);
    let (events, failure) = read(&mut parser, portions);
    let mut at_once = Parser::with_limit(limit);
    assert_eq!((&events, &failure), (&read(&mut at_once, [stream]).0, &failure));
    assert_eq!(parser.last_event_id(), at_once.last_event_id());
    assert_eq!(parser.retry(), at_once.retry());
    if failure.is_some() {
        assert_eq!(parser.next_event(&mut &b"data: a\n\n"[..]), Err(EventTooLong { limit }));
    }
    parser.restart();
    assert_eq!(parser.last_event_id(), at_once.last_event_id());

    let mut written = Vec::new();
    for event in &events {
        assert!(event.data.len() <= limit);
        write_event(&mut written, &event.borrowed());
    }
    let (again, failure) = read(&mut Parser::with_limit(usize::MAX), [&written[..]]);
    assert_eq!((again, failure), (events, None));
}

/// An event with everything owned.
#[derive(Debug, PartialEq)]
struct Owned {
    id: Option<String>,
    event: String,
    retry: Option<std::time::Duration>,
    data: Vec<u8>,
}

impl Owned {
    fn borrowed(&self) -> Event<'_> {
        Event { id: self.id.as_deref(), event: &self.event, retry: self.retry, data: &self.data }
    }
}

fn read<'a>(
    parser: &mut Parser,
    portions: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Owned>, Option<EventTooLong>) {
    let mut events = Vec::new();
    for mut portion in portions {
        loop {
            match parser.next_event(&mut portion) {
                Ok(Some(Event { id, event, retry, data })) => events.push(Owned {
                    id: id.map(str::to_owned),
                    event: event.to_owned(),
                    retry,
                    data: data.to_vec(),
                }),
                Ok(None) => break assert!(portion.is_empty()),
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}
