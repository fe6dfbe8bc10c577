//! Tools that ask by hand: under keys of their own, with forms that no Rust type derives.
//!
//! They change nothing, and say so: that lets clients that keep no state send answers along with
//! their first call. Most handlers take [`Ask`], [`Sample`] or [`Roots`](mcp_server::Roots) instead.

use mcp_server::types::{
    BooleanSchema, CreateMessageRequestParams, CreateMessageResult, ElicitAction,
    ElicitRequestFormParams, ElicitRequestParams, ElicitResult, ElicitationSchema, InputRequest,
    ListRootsResult, SamplingMessage, StringSchema,
};
use mcp_server::{
    Answers, Ask, Builder, ErrorObject, Failure, InputRequired, Result, Sample, Unanswered, tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(super) fn offer(server: Builder) -> Builder {
    server
        .tool(test_elicitation_sep1330_enums)
        .tool(test_input_required_result_elicitation)
        .tool(test_input_required_result_sampling)
        .tool(test_input_required_result_list_roots)
        .tool(test_input_required_result_request_state)
        .tool(test_input_required_result_multiple_inputs)
        .tool(test_input_required_result_multi_round)
        .tool(test_input_required_result_tampered_state)
        .tool(test_input_required_result_capabilities)
}

/// Asks the person with all five kinds of choices, the deprecated one among them.
#[tool(read_only)]
pub async fn test_elicitation_sep1330_enums(answers: Answers) -> Result<String> {
    let options = ["option1", "option2", "option3"];
    let titled = |noun: &str| {
        json!([
            { "const": "value1", "title": format!("First {noun}") },
            { "const": "value2", "title": format!("Second {noun}") },
            { "const": "value3", "title": format!("Third {noun}") },
        ])
    };
    let schema: ElicitationSchema = serde_json::from_value(json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": options },
            "titledSingle": { "type": "string", "oneOf": titled("Option") },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
            "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
        },
    }))?;
    let form = Question::form("choices", "Please choose", schema);
    let result: ElicitResult = form.answer(&answers)?;
    let content = Value::Object(result.content.unwrap_or_default());
    Ok(format!("Elicitation completed: action={}, content={content}", result.action.as_str()))
}

/// Asks for a name.
#[tool(read_only)]
pub async fn test_input_required_result_elicitation(answers: Answers) -> Result<String> {
    let name = Question::text("user_name", "What is your name?", "name").filled_in(&answers)?;
    Ok(format!("Hello, {name}!"))
}

/// Asks the client's model.
#[tool(read_only)]
pub async fn test_input_required_result_sampling(answers: Answers) -> Result<String> {
    let question = Question::model("capital_question", "What is the capital of France?", 100);
    let said: CreateMessageResult = question.answer(&answers)?;
    Ok(said.content.as_text().unwrap_or("no text").to_owned())
}

/// Asks for the client's folders.
#[tool(read_only)]
pub async fn test_input_required_result_list_roots(answers: Answers) -> Result<String> {
    let folders: ListRootsResult = Question::folders("client_roots").answer(&answers)?;
    let uris: Vec<String> = folders.roots.into_iter().map(|root| root.uri).collect();
    Ok(format!("The client works in {}", uris.join(", ")))
}

/// Asks, and wants something back that it said itself.
#[tool(read_only)]
pub async fn test_input_required_result_request_state(answers: Answers) -> Result<String> {
    confirmed(&answers, "state-ok")
}

/// Asks three things at once.
#[tool(read_only)]
pub async fn test_input_required_result_multiple_inputs(answers: Answers) -> Result<String> {
    let questions = [
        Question::text("user_name", "What is your name?", "name"),
        Question::model("greeting", "Generate a greeting", 50),
        Question::folders("client_roots"),
    ];
    let keys = questions.each_ref().map(|question| question.key);
    let missing = |key: &&str| matches!(answers.get::<Value>(key), Ok(None));
    if keys.iter().any(missing) {
        return Err(questions.into_iter().fold(InputRequired::new(), Question::add).into());
    }
    let [name, greeting, folders] = questions;
    let name = name.filled_in(&answers)?;
    let greeting: CreateMessageResult = greeting.answer(&answers)?;
    let folders: ListRootsResult = folders.answer(&answers)?;
    let greeting = greeting.content.as_text().unwrap_or("no text").to_owned();
    Ok(format!("{name}: {greeting} ({} folders)", folders.roots.len()))
}

/// Asks twice, the second time knowing the first answer.
#[tool(read_only)]
pub async fn test_input_required_result_multi_round(answers: Answers) -> Result<String> {
    let name = Question::text("step1", "Step 1: What is your name?", "name").filled_in(&answers)?;
    let color = Question::text("step2", "Step 2: What is your favorite color?", "color")
        .filled_in(&answers)?;
    Ok(format!("{name} likes {color}"))
}

/// Asks, and has what comes back checked. The library seals every state, so there is nothing to do.
#[tool(read_only)]
pub async fn test_input_required_result_tampered_state(answers: Answers) -> Result<String> {
    confirmed(&answers, "integrity-ok")
}

/// Anything in one line.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Line {
    /// What you like
    value: String,
}

/// Asks only what the client said that it can be asked.
#[tool(read_only)]
pub async fn test_input_required_result_capabilities(
    ask: Option<Ask<Line>>,
    model: Option<Sample>,
) -> Result<String> {
    // Both are asked before either is waited for, so both go out in one round.
    let line = ask.map(|ask| ask.form("Say something"));
    let question = CreateMessageRequestParams::new([SamplingMessage::user("Say something")], 50);
    let said = model.map(|model| model.message(question));
    let line = line.transpose()?.map_or_else(|| "no form".to_owned(), |line| line.value);
    let said = said.transpose()?;
    let said = said.as_ref().and_then(|said| said.content.as_text()).unwrap_or("no model");
    Ok(format!("{line}, {said}"))
}

/// Asks whether to go on, with a state that has to come back.
fn confirmed(answers: &Answers, word: &str) -> Result<String> {
    let schema = ElicitationSchema::new().with_required("ok", BooleanSchema::new());
    let confirm = Question::form("confirm", "Please confirm", schema);
    match answers.get::<ElicitResult>(confirm.key)? {
        None => Err(Question::add(InputRequired::new(), confirm).with_state(word).into()),
        Some(_) if answers.state() != Some(word) => {
            Err(ErrorObject::invalid_params("the state is another one").into())
        }
        Some(result) => Ok(format!("{word}: {}", result.action.as_str())),
    }
}

/// Something to ask, and the key that finds the answer.
struct Question {
    key: &'static str,
    request: InputRequest,
}

impl Question {
    fn form(key: &'static str, message: &str, schema: ElicitationSchema) -> Self {
        Self {
            key,
            request: InputRequest::Elicit(ElicitRequestFormParams::new(message, schema).into()),
        }
    }

    /// A form with one field for text.
    fn text(key: &'static str, message: &str, field: &str) -> Self {
        Self::form(key, message, ElicitationSchema::new().with_required(field, StringSchema::new()))
    }

    fn model(key: &'static str, prompt: &str, max_tokens: u64) -> Self {
        let params = CreateMessageRequestParams::new([SamplingMessage::user(prompt)], max_tokens);
        Self { key, request: params.into() }
    }

    fn folders(key: &'static str) -> Self {
        Self { key, request: InputRequest::ListRoots }
    }

    fn add(asked: InputRequired, question: Self) -> InputRequired {
        asked.with_request(question.key, question.request)
    }

    /// The answer; to leave the handler with when there is none yet.
    fn answer<T: DeserializeOwned>(self, answers: &Answers) -> Result<T> {
        match answers.get(self.key)? {
            Some(answer) => Ok(answer),
            None => Err(Failure::from(Self::add(InputRequired::new(), self))),
        }
    }

    /// The text of a form with one field.
    fn filled_in(self, answers: &Answers) -> Result<String> {
        let InputRequest::Elicit(ElicitRequestParams::Form(form)) = &self.request else {
            return Err(ErrorObject::internal("this is no form").into());
        };
        let schema = form.requested_schema.clone();
        let result: ElicitResult = self.answer(answers)?;
        let content = match result.action {
            ElicitAction::Accept => result.content.unwrap_or_default(),
            ElicitAction::Decline => Err(Unanswered::Declined)?,
            ElicitAction::Cancel => Err(Unanswered::Cancelled)?,
        };
        schema.validate(&content).map_err(|problem| Unanswered::Invalid(problem.to_string()))?;
        let text = |(_, value): (String, Value)| value.as_str().map(str::to_owned);
        Ok(content.into_iter().find_map(text).unwrap_or_default())
    }
}
