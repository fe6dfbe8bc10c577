//! The rounds of one call: what it knows from the earlier ones.
//!
//! Owns what is carried from round to round and how the answers of a client get into it. It is pure:
//! in the modern era the result is sealed and travels through the client, in the legacy era it stays
//! in memory, and nothing here knows the difference.

use std::collections::BTreeMap;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::{NegotiatedProfiles, ProfileUrl};
use mcp_core::types::InputResponses;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::input_required::InputRequired;
use super::key::CallKey;

/// How often a call may ask, whatever it asks for.
pub(crate) const MOST_ROUNDS: u8 = 8;

/// What a call knows from its earlier rounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Earlier {
    /// Which call it is.
    pub(crate) call: CallKey,
    /// How many rounds there were.
    round: u8,
    /// The profiles that were in force when it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<String>,
    /// What was asked in the last round.
    asked: Vec<String>,
    /// What was answered, in all rounds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    answers: BTreeMap<String, Answer>,
    /// What was done once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) once: BTreeMap<String, Box<RawValue>>,
    /// What the handler wanted back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<String>,
}

/// What a client said to a question, not yet decoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The result of the request.
    #[serde(rename = "r")]
    Result(Box<RawValue>),
    /// The request failed at the client's side; only legacy clients say so.
    #[serde(rename = "e")]
    Error(ErrorObject),
}

/// A handler never stops asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a handler still asks after {MOST_ROUNDS} rounds of questions")]
pub(crate) struct TooManyRounds;

impl Earlier {
    /// What a call knows that nothing was asked for yet.
    pub(crate) fn new(call: CallKey, profiles: &NegotiatedProfiles) -> Self {
        Self {
            call,
            round: 0,
            profiles: profiles.iter().map(|url| url.as_str().to_owned()).collect(),
            asked: Vec::new(),
            answers: BTreeMap::new(),
            once: BTreeMap::new(),
            own: None,
        }
    }

    /// What the next run of a handler knows once it left with questions, their answers apart.
    pub(crate) fn after(
        before: Option<&Self>,
        left: &InputRequired,
        profiles: &NegotiatedProfiles,
    ) -> Result<Self, TooManyRounds> {
        let mut next = match before {
            Some(before) => before.clone(),
            None => Self::new(left.kept().call.unwrap_or_else(CallKey::random), profiles),
        };
        if next.round >= MOST_ROUNDS {
            return Err(TooManyRounds);
        }
        next.round += 1;
        next.asked = left.requests().iter().map(|(key, _)| key.to_owned()).collect();
        next.once.extend(left.kept().once.iter().map(|(key, raw)| (key.clone(), raw.clone())));
        next.own = left.state().map(str::to_owned);
        Ok(next)
    }

    /// Takes in an answer, unless nobody asked for it in the last round.
    pub(crate) fn answer(&mut self, key: &str, answer: Answer) {
        if self.asked.iter().any(|asked| asked == key) {
            self.answers.insert(key.to_owned(), answer);
        }
    }

    /// Takes in the answers of a modern client: the `inputResponses` of its request.
    ///
    /// What was not asked for is passed over, as the specification wants it. What is missing is
    /// asked for again, because the handler does not find it.
    pub(crate) fn answer_all(&mut self, responses: &RawValue) -> serde_json::Result<()> {
        let responses: InputResponses = serde_json::from_str(responses.get())?;
        for (key, response) in responses.iter() {
            self.answer(key, Answer::Result(response.as_raw().to_owned()));
        }
        Ok(())
    }

    /// Takes in answers of a modern client to questions that it expects: nobody knows yet which of
    /// them will be asked.
    pub(crate) fn answer_unasked(&mut self, responses: &RawValue) -> serde_json::Result<()> {
        let responses: InputResponses = serde_json::from_str(responses.get())?;
        let known = responses
            .iter()
            .map(|(key, response)| (key.to_owned(), Answer::Result(response.as_raw().to_owned())));
        self.answers.extend(known);
        Ok(())
    }

    /// The answer to a question, from whichever round.
    pub(crate) fn find(&self, key: &str) -> Option<&Answer> {
        self.answers.get(key)
    }

    /// What the handler wanted back.
    pub(crate) fn own(&self) -> Option<&str> {
        self.own.as_deref()
    }

    /// The profiles that were in force when the call began.
    pub(crate) fn profiles(&self) -> NegotiatedProfiles {
        self.profiles.iter().filter_map(|url| ProfileUrl::parse(url).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_core::types::InputRequest;

    const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

    fn asking(keys: &[&str]) -> InputRequired {
        keys.iter().fold(InputRequired::new(), |left, key| {
            left.with_request(*key, InputRequest::ListRoots)
        })
    }

    fn profiles() -> NegotiatedProfiles {
        [ProfileUrl::parse(PREMIUM).unwrap()].into_iter().collect()
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn text(earlier: &Earlier, key: &str) -> Option<String> {
        match earlier.find(key)? {
            Answer::Result(raw) => Some(raw.get().to_owned()),
            Answer::Error(error) => Some(error.to_string()),
        }
    }

    #[test]
    fn answers_of_all_rounds_are_kept_and_others_passed_over() {
        let mut first = Earlier::after(None, &asking(&["a", "b"]), &profiles()).unwrap();
        first.answer_all(&raw(r#"{"a":{"n":1},"x":{"n":2}}"#)).unwrap();
        assert_eq!(text(&first, "a").as_deref(), Some(r#"{"n":1}"#));
        assert_eq!((text(&first, "b"), text(&first, "x")), (None, None));
        let mut second = Earlier::after(Some(&first), &asking(&["b"]), &profiles()).unwrap();
        second.answer_all(&raw(r#"{"a":{"n":9},"b":{"n":3}}"#)).unwrap();
        assert_eq!(text(&second, "a").as_deref(), Some(r#"{"n":1}"#));
        assert_eq!(text(&second, "b").as_deref(), Some(r#"{"n":3}"#));
        assert_eq!(second.call, first.call);
        second.answer("b", Answer::Error(ErrorObject::internal("no")));
        second.answer("a", Answer::Error(ErrorObject::internal("no")));
        assert_eq!(text(&second, "b").as_deref(), Some("no (code -32603)"));
        assert_eq!(text(&second, "a").as_deref(), Some(r#"{"n":1}"#));
    }

    #[test]
    fn answers_before_any_question_are_all_kept_and_the_rounds_begin_after_them() {
        let mut first = Earlier::new(CallKey::random(), &profiles());
        first.answer_unasked(&raw(r#"{"a":{"n":1},"x":{"n":2}}"#)).unwrap();
        assert_eq!(text(&first, "a").as_deref(), Some(r#"{"n":1}"#));
        assert!(first.answer_unasked(&raw("null")).is_err());
        let mut second = Earlier::after(Some(&first), &asking(&["b"]), &profiles()).unwrap();
        second.answer_all(&raw(r#"{"a":{"n":9},"b":{"n":3}}"#)).unwrap();
        assert_eq!(text(&second, "a").as_deref(), Some(r#"{"n":1}"#));
        assert_eq!(text(&second, "b").as_deref(), Some(r#"{"n":3}"#));
        assert_eq!((second.call, second.round), (first.call, 1));
    }

    #[test]
    fn everything_survives_being_written() {
        let left = asking(&["a", "b"]).with_state("page 2");
        let mut earlier = Earlier::after(None, &left, &profiles()).unwrap();
        earlier.once.insert("reserve".to_owned(), raw("17"));
        earlier.answer_all(&raw(r#"{"a":{"n":1.000000000000000000001}}"#)).unwrap();
        earlier.answer("b", Answer::Error(ErrorObject::internal("no")));
        let text_of = serde_json::to_vec(&earlier).unwrap();
        let back: Earlier = serde_json::from_slice(&text_of).unwrap();
        assert_eq!(serde_json::to_vec(&back).unwrap(), text_of);
        assert_eq!(text(&back, "a").as_deref(), Some(r#"{"n":1.000000000000000000001}"#));
        assert_eq!((back.own(), back.call), (Some("page 2"), earlier.call));
        assert!(back.profiles().has(PREMIUM));
    }

    #[test]
    fn responses_that_are_no_object_or_repeat_are_an_error() {
        let mut earlier = Earlier::after(None, &asking(&["a"]), &profiles()).unwrap();
        assert!(earlier.answer_all(&raw("[]")).is_err());
        assert!(earlier.answer_all(&raw("7")).is_err());
        assert!(earlier.answer_all(&raw(r#"{"a":7}"#)).is_err());
        assert!(earlier.answer_all(&raw(r#"{"a":{},"a":{}}"#)).is_err());
        assert!(earlier.find("a").is_none());
    }

    #[test]
    fn a_call_ends_after_eight_rounds() {
        let mut earlier = None;
        for _ in 0..MOST_ROUNDS {
            earlier = Some(Earlier::after(earlier.as_ref(), &asking(&["a"]), &profiles()).unwrap());
        }
        let error = Earlier::after(earlier.as_ref(), &asking(&["a"]), &profiles()).unwrap_err();
        assert_eq!(error.to_string(), "a handler still asks after 8 rounds of questions");
    }
}
