//! One round of a modern call: what the server asks, answered all at once, and the request anew.
//!
//! Spec: 2026-07-28, basic/patterns/mrtr.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use mcp_core::types::{ElicitResult, InputRequest, InputRequests, InputResponses, RawObject};
use mcp_core::wire::Members;
use mcp_core::{Error, InputError};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::Handlers;

/// What is sent with the request, when it is made anew.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    responses: Option<InputResponses>,
    /// As it came: it is the server's and means nothing here.
    state: Option<Box<RawValue>>,
}

/// Answers everything that an `InputRequiredResult` asks for; `before` rounds came before it.
pub(crate) async fn round(
    handlers: Arc<Handlers>,
    result: Box<str>,
    before: u32,
) -> Result<Answers, Error> {
    let Asked { requests, state } = read(&result)?;
    let Some(requests) = requests else {
        // The server has its hands full: it gets some time, and more each time.
        if before > 0 {
            tokio::time::sleep(PAUSE * 2_u32.saturating_pow(before.min(6))).await;
        }
        return Ok(Answers { responses: None, state });
    };
    let responses = answers(&handlers, requests).await?;
    Ok(Answers { responses: Some(responses), state })
}

/// Answers all of these questions.
pub(crate) async fn answers(
    handlers: &Handlers,
    requests: InputRequests,
) -> Result<InputResponses, Error> {
    // Nobody is bothered with the first question if there is no answer to the second.
    let mut answers = Vec::with_capacity(requests.len());
    for (key, request) in requests {
        answers.push(answer(key, request, handlers)?);
    }
    Ok(try_join_all(answers).await?.into_iter().collect())
}

/// The parameters of a request that is made anew.
pub(crate) fn again(original: &RawValue, answers: &Answers) -> Result<Box<RawValue>, Error> {
    struct Again<'a>(Members<'a>, &'a Answers);
    impl Serialize for Again<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            let own = |name: &str| matches!(name, "inputResponses" | "requestState");
            for (name, value) in self.0.iter().filter(|(name, _)| !own(name)) {
                map.serialize_entry(name, value)?;
            }
            if let Some(responses) = &self.1.responses {
                map.serialize_entry("inputResponses", responses)?;
            }
            if let Some(state) = &self.1.state {
                map.serialize_entry("requestState", state)?;
            }
            map.end()
        }
    }
    let members = Members::read(Some(original));
    members
        .and_then(|members| to_raw_value(&Again(members, answers)))
        .map_err(|problem| Error::Misuse(format!("the request cannot be made anew: {problem}")))
}

struct Asked {
    requests: Option<InputRequests>,
    state: Option<Box<RawValue>>,
}

fn read(result: &str) -> Result<Asked, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        input_requests: Option<InputRequests>,
        request_state: Option<Box<RawValue>>,
    }
    let malformed = |problem: String| {
        Error::PeerMisbehaved(format!("malformed `input_required` result: {problem}"))
    };
    let Fields { input_requests: requests, request_state: state } =
        serde_json::from_str(result).map_err(|problem| malformed(problem.to_string()))?;
    match &state {
        Some(state) if !state.get().starts_with('"') => {
            Err(malformed("`requestState` is no string".to_owned()))
        }
        None if requests.as_ref().is_none_or(InputRequests::is_empty) => {
            Err(malformed("neither `inputRequests` nor `requestState`".to_owned()))
        }
        _ => Ok(Asked { requests: requests.filter(|requests| !requests.is_empty()), state }),
    }
}

/// The answer to one question, under its key.
fn answer(
    key: String,
    request: InputRequest,
    handlers: &Handlers,
) -> Result<impl Future<Output = Result<(String, RawObject), Error>> + use<>, Error> {
    let method = request.method().to_owned();
    let elicits = matches!(request, InputRequest::Elicit(_));
    let answer = handlers.answer(request).map_err(Error::Input)?;
    Ok(async move {
        match answer.await {
            Ok(answer) => Ok((key, answer)),
            Err(failed) if elicits => {
                let reason = failed.reason;
                tracing::warn!(target: "mcp::client", method, reason, "a question is cancelled");
                let cancelled = RawObject::new(&ElicitResult::cancel());
                Ok((key, cancelled.map_err(|problem| Error::Misuse(problem.to_string()))?))
            }
            Err(failed) => Err(Error::Input(InputError::Failed { method, reason: failed.reason })),
        }
    })
}

/// How long the first server that asks for nothing waits, doubled each time.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn state_goes_back_as_it_came() {
        let Asked { requests, state } = read(r#"{"requestState":"a\u0062\/"}"#).unwrap();
        assert!(requests.is_none());
        let answers = Answers { responses: None, state };
        let sent = again(&raw(r#"{"name":"t","requestState":"old"}"#), &answers).unwrap();
        assert_eq!(sent.get(), r#"{"name":"t","requestState":"a\u0062\/"}"#);
    }

    #[test]
    fn a_request_without_state_is_made_anew_without_state() {
        let responses = [("k".to_owned(), RawObject::empty())].into_iter().collect();
        let answers = Answers { responses: Some(responses), state: None };
        assert_eq!(again(&raw("{}"), &answers).unwrap().get(), r#"{"inputResponses":{"k":{}}}"#);
    }

    #[test]
    fn a_question_asks_for_something() {
        for result in ["{}", r#"{"inputRequests":{}}"#, r#"{"requestState":7}"#, "[]"] {
            assert!(matches!(read(result), Err(Error::PeerMisbehaved(_))), "{result}");
        }
    }
}
