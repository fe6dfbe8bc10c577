//! The rule that every use of a tool is followed by its result.

use std::collections::BTreeSet;

use super::{
    super::Role,
    SamplingMessage,
    SamplingMessageContentBlock::{ToolResult, ToolUse},
};

/// How a conversation breaks the rules for tools; `message` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolTurnError {
    /// A message with tool results has other content too.
    #[error(
        "message {message} mixes tool results with other content, which has to stand in its own"
    )]
    Mixed {
        /// Which message.
        message: usize,
    },
    /// A tool is used by the person, or a result comes from the model.
    #[error("message {message} has tool content that its role cannot have")]
    WrongRole {
        /// Which message.
        message: usize,
    },
    /// A tool was used, and the next message does not have the result.
    #[error("message {message} has to have the result of tool use `{tool_use_id}`")]
    MissingResult {
        /// Which message.
        message: usize,
        /// Which use of a tool.
        tool_use_id: String,
    },
    /// A result answers no use in the message before.
    #[error(
        "message {message} has a result of tool use `{tool_use_id}`, which the message before does not have"
    )]
    UnknownUse {
        /// Which message.
        message: usize,
        /// The id that the result gives.
        tool_use_id: String,
    },
}

pub(super) fn check(messages: &[SamplingMessage]) -> Result<(), ToolTurnError> {
    let mut awaited: BTreeSet<&str> = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        let blocks = message.content.blocks();
        let results = blocks.iter().filter(|block| matches!(block, ToolResult(_))).count();
        if results > 0 && results < blocks.len() {
            return Err(ToolTurnError::Mixed { message: at });
        }
        for block in blocks {
            let role = match block {
                ToolUse(_) => Role::Assistant,
                ToolResult(_) => Role::User,
                _ => continue,
            };
            if message.role != role {
                return Err(ToolTurnError::WrongRole { message: at });
            }
        }
        for block in blocks {
            let ToolResult(result) = block else { continue };
            if !awaited.remove(result.tool_use_id.as_str()) {
                let tool_use_id = result.tool_use_id.clone();
                return Err(ToolTurnError::UnknownUse { message: at, tool_use_id });
            }
        }
        if let Some(id) = awaited.pop_first() {
            return Err(ToolTurnError::MissingResult { message: at, tool_use_id: id.to_owned() });
        }
        awaited.extend(message.content.tool_uses().map(|tool_use| tool_use.id.as_str()));
    }
    match awaited.pop_first() {
        Some(id) => Err(ToolTurnError::MissingResult {
            message: messages.len(),
            tool_use_id: id.to_owned(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{
        RawObject, SamplingContent, SamplingMessageContentBlock, ToolResultContent, ToolUseContent,
    };

    fn uses(ids: &[&str]) -> SamplingMessage {
        let content: SamplingContent =
            ids.iter().map(|id| ToolUseContent::new(*id, "t", RawObject::empty()).into()).collect();
        SamplingMessage::assistant(content)
    }

    fn results(ids: &[&str]) -> SamplingMessage {
        let content: SamplingContent =
            ids.iter().map(|id| ToolResultContent::new(*id, []).into()).collect();
        SamplingMessage::user(content)
    }

    #[test]
    fn every_use_is_answered_in_the_next_message() {
        let ask = SamplingMessage::user("a");
        assert_eq!(check(&[ask.clone(), uses(&["1", "2"]), results(&["2", "1"])]), Ok(()));
        for (messages, message) in [
            (vec![ask.clone(), uses(&["1", "2"]), results(&["1"])], 2),
            (vec![ask.clone(), uses(&["1"]), ask.clone()], 2),
            (vec![ask.clone(), uses(&["1"])], 2),
        ] {
            let error = check(&messages).unwrap_err();
            assert!(
                matches!(error, ToolTurnError::MissingResult { message: at, .. } if at == message),
                "{error}"
            );
        }
        let error = check(&[ask, results(&["1"])]).unwrap_err();
        assert_eq!(error, ToolTurnError::UnknownUse { message: 1, tool_use_id: "1".into() });
    }

    #[test]
    fn results_stand_alone_and_come_from_the_person() {
        let mixed = SamplingMessage::user(SamplingContent::from(vec![
            SamplingMessageContentBlock::text("here"),
            ToolResultContent::new("1", []).into(),
        ]));
        let error = check(&[uses(&["1"]), mixed]).unwrap_err();
        assert_eq!(error, ToolTurnError::Mixed { message: 1 });
        let mut forged = uses(&["1"]);
        forged.role = Role::User;
        assert_eq!(check(&[forged]).unwrap_err(), ToolTurnError::WrongRole { message: 0 });
    }
}
