//! What the user of a test fills in when the server asks.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_client::{ClientBuilder, IntoAnswer};
use mcp_core::types::{ElicitAction, ElicitRequestFormParams, ElicitResult};

/// The answers to forms, in the order in which forms come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Whether there was one from the beginning.
    given: bool,
    left: VecDeque<Result<ElicitResult, String>>,
    asked: Vec<ElicitRequestFormParams>,
    problems: Vec<String>,
}

impl Answers {
    /// Adds an answer to the end.
    pub(crate) fn push(&self, answer: impl IntoAnswer<ElicitResult>) {
        let mut state = self.lock();
        state.given = true;
        state.left.push_back(answer.into_answer().map_err(|problem| problem.to_string()));
    }

    /// Lets a client answer with them, if there is any.
    pub(crate) fn given_to(&self, client: ClientBuilder) -> ClientBuilder {
        if !self.lock().given {
            return client;
        }
        let answers = self.clone();
        client.on_form(move |form| ready(answers.next(form)))
    }

    /// The forms that came until now.
    pub(crate) fn asked(&self) -> Vec<ElicitRequestFormParams> {
        self.lock().asked.clone()
    }

    /// What went wrong, if anything did, at the end of a test.
    pub(crate) fn problems(&self) -> Vec<String> {
        let state = self.lock();
        let mut problems = state.problems.clone();
        if !state.left.is_empty() {
            let left = state.left.len();
            problems.push(format!(
                "the server asked {} times, and answers were left over ({left}): take them away if \
                 that is right",
                state.asked.len()
            ));
        }
        problems
    }

    fn next(&self, form: ElicitRequestFormParams) -> Result<ElicitResult, String> {
        let mut state = self.lock();
        let answer = state.left.pop_front().unwrap_or_else(|| {
            Err("the test has no answer left for it: add one with `.answer(…)`".to_owned())
        });
        let answer = answer.and_then(|answer| fitting(answer, &form));
        if let Err(problem) = &answer {
            state.problems.push(format!("the server asked {:?}: {problem}", form.message));
        }
        state.asked.push(form);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer with the defaults of its form, if it fits the form.
fn fitting(
    mut answer: ElicitResult,
    form: &ElicitRequestFormParams,
) -> Result<ElicitResult, String> {
    if answer.action == ElicitAction::Accept {
        let content = answer.content.get_or_insert_default();
        form.requested_schema.fill_defaults(content);
        form.requested_schema
            .validate(content)
            .map_err(|problem| format!("the answer does not fit the form: {problem}"))?;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use mcp_client::Client;
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Error;
    use crate::pattern::ANY;
    use crate::script::Script;

    const STATE: &str = "sealed";

    /// A server that asks for a title, and wants to get this back.
    fn asking(answer: &Value) -> Script {
        let form = json!({
            "mode": "form",
            "message": "Which title?",
            "requestedSchema": {
                "type": "object",
                "properties": { "title": { "type": "string" } },
                "required": ["title"],
            },
        });
        let ask = json!({ "question": { "method": "elicitation/create", "params": form } });
        Script::modern_server()
            .expect(json!({ "method": "tools/call", "params": { "name": "remove" } }))
            .reply(json!({
                "resultType": "input_required", "inputRequests": ask, "requestState": STATE,
            }))
            .expect(json!({
                "method": "tools/call",
                "params": { "inputResponses": { "question": answer }, "requestState": STATE },
            }))
            .reply(json!({ "resultType": "complete", "content": [] }))
    }

    async fn answered(script: Script, answers: &Answers) -> Result<(), Error> {
        let (server, played) = script.play_server();
        let builder = answers.given_to(Client::builder("kit", "1.0"));
        let client = builder.connect(server).await?;
        client.call_tool("remove", ()).await?;
        played.finish().await
    }

    #[tokio::test]
    async fn a_form_is_filled_in() -> Result<(), Error> {
        let answers = Answers::default();
        answers.push(json!({ "title": "nosferatu" }));
        let content = json!({ "action": "accept", "content": { "title": "nosferatu" } });
        answered(asking(&content), &answers).await?;
        assert_eq!(answers.asked()[0].message, "Which title?");
        assert_eq!(answers.problems(), Vec::<String>::new());
        Ok(())
    }

    #[tokio::test]
    async fn a_form_is_declined() -> Result<(), Error> {
        let answers = Answers::default();
        answers.push(ElicitAction::Decline);
        answered(asking(&json!({ "action": "decline" })), &answers).await?;
        assert_eq!(answers.problems(), Vec::<String>::new());
        Ok(())
    }

    #[tokio::test]
    async fn too_few_and_too_many_answers_are_problems() -> Result<(), Error> {
        let answers = Answers::default();
        answers.push(json!({ "title": 7 }));
        let _ = answered(asking(&json!({ "action": ANY })), &answers).await;
        let [problem] = &answers.problems()[..] else { panic!("{:?}", answers.problems()) };
        assert!(
            problem.contains("\"Which title?\": the answer does not fit the form"),
            "{problem}"
        );

        let _ = answered(asking(&json!({ "action": ANY })), &answers).await;
        assert!(answers.problems()[1].contains("no answer left"), "{:?}", answers.problems());

        let answers = Answers::default();
        answers.push(json!({}));
        assert!(answers.problems()[0].contains("left over (1)"));
        Ok(())
    }
}
