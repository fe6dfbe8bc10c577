//! Tools that ask the client: the person, the model, the folders.
//!
//! Each of them is written once and works in both eras.

use mcp_server::types::{
    CreateMessageRequestParams, ElicitRequestURLParams, Root, SamplingMessage,
    URLElicitationRequiredData,
};
use mcp_server::{
    Args, Ask, AskUrl, Builder, CallContext, ErrorCode, ErrorObject, Result, Roots, Sample,
    Unanswered, tool,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) fn offer(server: Builder) -> Builder {
    server
        .tool(trigger_elicitation_request)
        .tool(trigger_url_elicitation)
        .tool(trigger_sampling_request)
        .tool(get_roots_list)
        .tool(test_elicitation)
        .tool(test_elicitation_sep1034_defaults)
        .tool(test_sampling)
        .tool(test_missing_capability)
}

/// A form with a field of every kind.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Everything {
    /// Your name
    name: String,
    /// Do you agree?
    check: Option<bool>,
    /// How a story begins
    #[serde(default = "beginning")]
    first_line: String,
    /// Where you get mail
    #[schemars(extend("format" = "email"))]
    email: Option<String>,
    /// A page about you
    #[schemars(extend("format" = "uri"))]
    homepage: Option<String>,
    /// The day you were born
    #[schemars(extend("format" = "date"))]
    birthdate: Option<String>,
    /// A whole number you like
    #[schemars(range(min = 1, max = 100))]
    #[serde(default = "whole")]
    integer: u32,
    /// A number you like
    #[schemars(range(min = 0.0, max = 1000.0))]
    #[serde(default = "number")]
    number: f64,
    /// One of these
    #[serde(default)]
    untitled_single_select_enum: Friend,
    /// One to three of these
    #[schemars(length(min = 1, max = 3))]
    #[serde(default = "instruments")]
    untitled_multiple_select_enum: Vec<Instrument>,
    /// One of these, which have titles
    #[serde(default)]
    titled_single_select_enum: Hero,
    /// One to three of these, which have titles
    #[schemars(length(min = 1, max = 3))]
    #[serde(default = "fish")]
    titled_multiple_select_enum: Vec<Fish>,
}

fn beginning() -> String {
    "Call me what you like.".to_owned()
}

fn whole() -> u32 {
    42
}

fn number() -> f64 {
    2.5
}

fn instruments() -> Vec<Instrument> {
    vec![Instrument::Guitar]
}

fn fish() -> Vec<Fish> {
    vec![Fish::Tuna]
}

/// Choices whose names say enough.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "a doc comment would become a title")]
pub enum Friend {
    #[default]
    Ada,
    Grace,
    Hedy,
}

/// Choices whose names say enough.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "a doc comment would become a title")]
pub enum Instrument {
    Guitar,
    Piano,
    Violin,
    Drums,
}

/// Choices with titles.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hero {
    /// The count of Monte Cristo
    #[default]
    Count,
    /// The three musketeers
    Musketeers,
    /// Captain Nemo
    Captain,
}

/// Choices with titles.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fish {
    /// A tuna
    Tuna,
    /// A salmon
    Salmon,
    /// A trout
    Trout,
}

/// Asks the person to fill in a form with a field of every kind.
#[tool(name = "trigger-elicitation-request", title = "Form", open_world = false)]
pub async fn trigger_elicitation_request(ask: Ask<Everything>) -> Result<String> {
    let reply = Reply::of(ask.form("Please fill in what you like:"))?;
    Ok(match reply.action {
        "accept" => format!("The user provided: {}", reply.content),
        "decline" => "The user declined to provide anything.".to_owned(),
        _ => "The user closed the form.".to_owned(),
    })
}

/// The arguments of [`trigger_url_elicitation`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    /// The address to open
    url: String,
    /// What to tell the user first
    message: Option<String>,
    /// An id that ties the question to what happens there; made up unless given
    elicitation_id: Option<String>,
    /// Answer the call with error -32042 instead, which wants the address opened first
    #[serde(default)]
    error_path: bool,
}

/// Sends the person to an address.
#[tool(name = "trigger-url-elicitation", title = "Address", open_world = true)]
pub async fn trigger_url_elicitation(
    Args(visit): Args<Visit>,
    page: AskUrl,
    ctx: CallContext,
) -> Result<String> {
    let Visit { url, message, elicitation_id, error_path } = visit;
    let message = message.unwrap_or_else(|| "Please open this address.".to_owned());
    let id = elicitation_id.unwrap_or_else(|| ctx.call_id().to_string());
    if error_path {
        let first = ElicitRequestURLParams::new(message, url).with_elicitation_id(id);
        let error = ErrorObject::new(ErrorCode::URL_ELICITATION_REQUIRED, "open the address first");
        return Err(error.with_data(&URLElicitationRequiredData::new([first])).into());
    }
    match page.open_as(&id, message, &url) {
        Err(Unanswered::Declined) => Ok(format!("The user declined to open {url}.")),
        Err(Unanswered::Cancelled) => Ok(format!("The user closed the question about {url}.")),
        answer => {
            answer?;
            ctx.url_completed(id);
            Ok(format!("The user agreed to open {url}."))
        }
    }
}

/// The arguments of [`trigger_sampling_request`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// What to ask
    prompt: String,
    /// The most tokens of the answer, 100 unless given
    max_tokens: Option<u64>,
}

/// Asks the client's model.
#[tool(name = "trigger-sampling-request", title = "Model", open_world = true)]
pub async fn trigger_sampling_request(Args(wanted): Args<Prompt>, model: Sample) -> Result<String> {
    let question = SamplingMessage::user(wanted.prompt);
    let params = CreateMessageRequestParams::new([question], wanted.max_tokens.unwrap_or(100))
        .with_system_prompt("You help to test a server.")
        .with_temperature(0.7);
    let said = model.message(params)?;
    Ok(format!("LLM sampling result:\n{}", serde_json::to_string_pretty(&said)?))
}

/// Lists the folders that the client works in.
#[tool(name = "get-roots-list", title = "Folders", read_only, open_world = false)]
pub async fn get_roots_list(roots: Option<Roots>) -> Result<String> {
    let Some(roots) = roots else {
        return Ok("This client names no folders: it has not declared roots.".to_owned());
    };
    let roots = roots.list()?;
    let line =
        |root: &Root| format!("\n- {} {}", root.uri, root.name.as_deref().unwrap_or_default());
    let lines: String = roots.iter().map(line).collect();
    Ok(format!("{} folders:{lines}", roots.len()))
}

/// Who the user is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// User's response
    username: String,
    /// User's email address
    email: String,
}

/// Asks the person who they are.
#[tool]
pub async fn test_elicitation(
    /// What to tell them
    message: String,
    ask: Ask<User>,
) -> Result<String> {
    let Reply { action, content } = Reply::of(ask.form(message))?;
    Ok(format!("User response: action={action}, content={content}"))
}

/// A form whose fields are all filled in already.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Filled {
    /// A text
    name: String,
    /// A whole number
    age: i64,
    /// A number
    score: f64,
    /// A choice
    status: Status,
    /// Yes or no
    verified: bool,
}

/// How it is with somebody.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "a doc comment would become a title")]
pub enum Status {
    Active,
    Inactive,
    Pending,
}

impl Default for Filled {
    fn default() -> Self {
        let name = "John Doe".to_owned();
        Self { name, age: 30, score: 95.5, status: Status::Active, verified: true }
    }
}

/// Asks the person with a form that has a default for every kind of field.
#[tool]
pub async fn test_elicitation_sep1034_defaults(ask: Ask<Filled>) -> Result<String> {
    completed(ask.form("Please review and update the form fields with defaults"))
}

/// Asks the client's model and returns what it says.
#[tool]
pub async fn test_sampling(
    /// What to ask
    prompt: String,
    model: Sample,
) -> Result<String> {
    let said =
        model.message(CreateMessageRequestParams::new([SamplingMessage::user(prompt)], 100))?;
    Ok(format!("LLM response: {}", said.content.as_text().unwrap_or("no text")))
}

/// Needs a client that can be asked for what its model says, and asks nothing.
#[tool]
pub async fn test_missing_capability(_model: Sample) -> &'static str {
    "The client declared sampling"
}

/// How a person answered, in words of the protocol.
struct Reply {
    action: &'static str,
    content: Value,
}

impl Reply {
    /// What became of a form; an error when there is no reply yet, or never.
    fn of<T: Serialize>(answer: Result<T, Unanswered>) -> Result<Self> {
        Ok(match answer {
            Ok(filled) => Self { action: "accept", content: serde_json::to_value(filled)? },
            Err(Unanswered::Declined) => Self { action: "decline", content: json!({}) },
            Err(Unanswered::Cancelled) => Self { action: "cancel", content: json!({}) },
            Err(other) => Err(other)?,
        })
    }
}

/// How a form was left, as the conformance suite wants to read it.
pub(super) fn completed<T: Serialize>(answer: Result<T, Unanswered>) -> Result<String> {
    let Reply { action, content } = Reply::of(answer)?;
    Ok(format!("Elicitation completed: action={action}, content={content}"))
}
