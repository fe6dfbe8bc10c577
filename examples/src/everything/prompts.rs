//! Prompts: with and without arguments, with completion, with content of every kind, and with a question.

use mcp_server::types::{
    ContentBlock, ElicitRequestFormParams, ElicitResult, ElicitationSchema, InputRequest,
    PromptMessage, StringSchema, TextResourceContents,
};
use mcp_server::{
    Answers, Builder, Image, InputRequired, Prompt, Result, ToolError, Typed, prompt,
};
use serde_json::Value;

use super::dynamic::{self, Kind};
use super::{resources, samples};

pub(super) fn offer(server: Builder) -> Builder {
    server
        .prompt(simple_prompt)
        .prompt(args_prompt)
        .prompt(completable_prompt)
        .prompt(resource_prompt())
        .prompt(test_simple_prompt)
        .prompt(test_prompt_with_arguments)
        .prompt(test_prompt_with_embedded_resource())
        .prompt(test_prompt_with_image)
        .prompt(test_input_required_result_prompt)
}

/// A prompt without arguments.
#[prompt(name = "simple-prompt", title = "Simple")]
pub async fn simple_prompt() -> &'static str {
    "This is a simple prompt without arguments."
}

/// A prompt with an argument that is required and one that is not.
#[prompt(name = "args-prompt", title = "Arguments")]
pub async fn args_prompt(
    /// The name of a city
    city: String,
    /// The state that it is in
    state: Option<String>,
) -> String {
    match state {
        Some(state) => format!("What's weather in {city}, {state}?"),
        None => format!("What's weather in {city}?"),
    }
}

/// A prompt whose second argument is completed knowing the first.
#[prompt(name = "completable-prompt", title = "Team management")]
pub async fn completable_prompt(
    /// The department
    #[complete("Engineering", "Sales", "Marketing", "Support")]
    department: String,
    /// Who shall lead it
    #[complete(people)]
    name: String,
) -> String {
    format!("Please promote {name} to the head of the {department} team.")
}

/// The people of the department that is filled in already.
pub async fn people(typed: Typed) -> Vec<&'static str> {
    let department = typed.context().get("department").map(String::as_str);
    let people: &[&str] = match department {
        Some("Engineering") => &["Alice", "Bob", "Charlie"],
        Some("Sales") => &["David", "Eve", "Frank"],
        Some("Marketing") => &["Grace", "Henry", "Iris"],
        Some("Support") => &["John", "Kim", "Lee"],
        _ => &[],
    };
    people.iter().copied().filter(|name| name.starts_with(typed.text())).collect()
}

/// A prompt that embeds one of the resources that are made on the fly. Made by hand, for the names of its
/// arguments.
pub fn resource_prompt() -> Prompt {
    Prompt::new("resource-prompt")
        .title("Resource")
        .description("A prompt that embeds a resource.")
        .param("resourceType", "Text or bytes")
        .param("resourceId", "A number from 1 on")
        .complete_values("resourceType", Kind::ALL)
        .complete("resourceId", resources::numbers)
        .handler(async |kind: Kind, id: u32| -> Result<_, ToolError> {
            let contents = dynamic::contents(kind, id)
                .ok_or_else(|| ToolError::new("`resourceId` is a number of at least 1"))?;
            let text = format!("Please look at resource {id}, which is {kind}:");
            Ok([PromptMessage::user(text), PromptMessage::user(ContentBlock::resource(contents))])
        })
}

/// A simple prompt.
#[prompt]
pub async fn test_simple_prompt() -> &'static str {
    "This is a simple prompt for testing."
}

/// A prompt with two arguments.
#[prompt]
pub async fn test_prompt_with_arguments(
    /// The first
    #[complete("paris", "park", "party")]
    arg1: String,
    /// The second
    arg2: String,
) -> String {
    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
}

/// A prompt that embeds a resource under the URI that it is given.
pub fn test_prompt_with_embedded_resource() -> Prompt {
    Prompt::new("test_prompt_with_embedded_resource")
        .description("A prompt that embeds a resource.")
        .param("resourceUri", "The URI of the resource")
        .handler(async |uri: String| {
            let text = "Embedded resource content for testing.";
            let contents = TextResourceContents::new(uri, text).with_mime_type("text/plain");
            [
                PromptMessage::user(ContentBlock::resource(contents)),
                PromptMessage::user("Please process the embedded resource above."),
            ]
        })
}

/// A prompt with a picture.
#[prompt]
pub async fn test_prompt_with_image() -> [PromptMessage; 2] {
    [
        PromptMessage::user(Image::png(samples::picture())),
        PromptMessage::user("Please analyze the image above."),
    ]
}

/// A prompt that asks the person before it is written.
#[prompt]
pub async fn test_input_required_result_prompt(answers: Answers) -> Result<String> {
    const KEY: &str = "user_context";
    let Some(result) = answers.get::<ElicitResult>(KEY)? else {
        let schema = ElicitationSchema::new().with_required("context", StringSchema::new());
        let message = "What context should the prompt use?";
        let form = InputRequest::Elicit(ElicitRequestFormParams::new(message, schema).into());
        return Err(InputRequired::new().with_request(KEY, form).into());
    };
    let content = result.content.unwrap_or_default();
    let context = content.get("context").and_then(Value::as_str).unwrap_or("none");
    Ok(format!("Use this context: {context}"))
}
