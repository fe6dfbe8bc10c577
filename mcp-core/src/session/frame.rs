//! From the bytes of one frame to its messages.

use std::vec;

use crate::framing::check_text;
use crate::jsonrpc::{ErrorCode, ErrorObject, InvalidMessage, Message};
use crate::limits::Limits;
use crate::outbox::FrameId;
use crate::wire::legacy;

/// The content of one frame, before a session has seen it.
///
/// A transport that has to know what came before it knows for which session it is looks here.
#[derive(Debug)]
pub struct Decoded<'m>(pub(crate) Result<Text<'m>, InvalidMessage>);

impl<'m> Decoded<'m> {
    /// Decodes the bytes of a frame within the limits.
    pub fn new(bytes: &'m [u8], limits: &Limits) -> Self {
        Self(decode(bytes, limits))
    }

    /// The message, if it is one alone.
    pub fn message(&self) -> Option<&Message<'m>> {
        match &self.0 {
            Ok(Text::Message(message, _)) => Some(message),
            _ => None,
        }
    }

    /// Whether it is a batch of messages.
    pub fn is_batch(&self) -> bool {
        matches!(self.0, Ok(Text::Batch(_)))
    }

    /// Whether it holds a request, which is answered.
    pub fn has_requests(&self) -> bool {
        match &self.0 {
            Ok(Text::Message(message, _)) => matches!(message, Message::Request(_)),
            Ok(Text::Batch(messages)) => {
                messages.iter().any(|(message, _)| matches!(message, Ok(Message::Request(_))))
            }
            Err(_) => false,
        }
    }

    /// What is wrong with it, if it is no message.
    pub fn invalid(&self) -> Option<&InvalidMessage> {
        self.0.as_ref().err()
    }
}

/// The messages of one frame: one, or those of a batch.
#[derive(Debug)]
pub struct Frame<'m> {
    id: FrameId,
    messages: Messages<'m>,
}

#[derive(Debug)]
enum Messages<'m> {
    One(Option<(Message<'m>, &'m str)>),
    Batch(vec::IntoIter<(Message<'m>, &'m str)>),
}

/// One message, to be handed to the session that read it.
#[derive(Debug)]
pub struct FrameMessage<'m> {
    pub(crate) message: Message<'m>,
    /// Its text, to be held if it must wait.
    pub(crate) text: &'m str,
    pub(crate) origin: Origin,
}

/// In which frame a message came, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) frame: FrameId,
    /// It came with others: what it is answered with waits for their answers.
    pub(crate) in_batch: bool,
}

impl<'m> Frame<'m> {
    pub(crate) fn one(id: FrameId, message: Option<(Message<'m>, &'m str)>) -> Self {
        Self { id, messages: Messages::One(message) }
    }

    pub(crate) fn batch(id: FrameId, messages: Vec<(Message<'m>, &'m str)>) -> Self {
        Self { id, messages: Messages::Batch(messages.into_iter()) }
    }

    /// Whether it is a batch of messages.
    pub fn is_batch(&self) -> bool {
        matches!(self.messages, Messages::Batch(_))
    }

    /// The name of the frame: what it is answered with is sent under it.
    pub fn id(&self) -> FrameId {
        self.id
    }
}

impl<'m> Iterator for Frame<'m> {
    type Item = FrameMessage<'m>;

    fn next(&mut self) -> Option<FrameMessage<'m>> {
        let (message, in_batch) = match &mut self.messages {
            Messages::One(message) => (message.take(), false),
            Messages::Batch(messages) => (messages.next(), true),
        };
        let origin = Origin { frame: self.id, in_batch };
        message.map(|(message, text)| FrameMessage { message, text, origin })
    }
}

/// What the bytes of a frame hold.
#[derive(Debug)]
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
