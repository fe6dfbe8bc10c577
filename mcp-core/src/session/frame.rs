//! From the bytes of one frame to its messages.

use std::vec;

use crate::framing::check_text;
use crate::jsonrpc::{ErrorCode, ErrorObject, InvalidMessage, Message};
use crate::limits::Limits;
use crate::wire::legacy;

/// The messages of one frame: one, or those of a batch.
#[derive(Debug)]
pub struct Frame<'m>(Inner<'m>);

#[derive(Debug)]
enum Inner<'m> {
    One(Option<FrameMessage<'m>>),
    Batch(vec::IntoIter<(Message<'m>, &'m str)>, u32),
}

/// One message, to be handed to the session that read it.
#[derive(Debug)]
pub struct FrameMessage<'m> {
    pub(crate) message: Message<'m>,
    /// Its text, to be held if it must wait.
    pub(crate) text: &'m str,
    /// The batch that it belongs to.
    pub(crate) batch: Option<u32>,
}

impl<'m> Frame<'m> {
    pub(crate) fn one(message: Option<FrameMessage<'m>>) -> Self {
        Self(Inner::One(message))
    }

    pub(crate) fn batch(messages: Vec<(Message<'m>, &'m str)>, batch: u32) -> Self {
        Self(Inner::Batch(messages.into_iter(), batch))
    }
}

impl<'m> Iterator for Frame<'m> {
    type Item = FrameMessage<'m>;

    fn next(&mut self) -> Option<FrameMessage<'m>> {
        match &mut self.0 {
            Inner::One(message) => message.take(),
            Inner::Batch(messages, batch) => {
                let batch = Some(*batch);
                messages.next().map(|(message, text)| FrameMessage { message, text, batch })
            }
        }
    }
}

/// What the bytes of a frame hold.
pub(crate) enum Text<'m> {
    Message(Message<'m>, &'m str),
    Batch(legacy::Batch<'m>),
}

/// Decodes a frame within the limits.
pub(crate) fn decode<'m>(bytes: &'m [u8], limits: &Limits) -> Result<Text<'m>, InvalidMessage> {
    if bytes.len() > limits.line_bytes {
        return Err(too_long(limits));
    }
    let text = check_text(bytes, limits.nesting).map_err(|error| {
        let error = ErrorObject::new(ErrorCode::PARSE_ERROR, format!("parse error: {error}"));
        InvalidMessage::unreadable(error)
    })?;
    if legacy::is_batch(text) {
        return legacy::unpack_batch(text, limits.pending_requests).map(Text::Batch);
    }
    Message::decode(text).map(|message| Text::Message(message, text))
}

/// A message beyond [`Limits::line_bytes`].
pub(crate) fn too_long(limits: &Limits) -> InvalidMessage {
    InvalidMessage::unreadable(ErrorObject::invalid_request(format!(
        "the message is longer than {} bytes",
        limits.line_bytes
    )))
}
