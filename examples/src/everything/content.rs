//! Tools that return every kind of content, with arguments of every kind.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mcp_server::types::{
    Annotations, ContentBlock, ImageContent, ResourceLink, Role, TextContent, TextResourceContents,
};
use mcp_server::{Args, Audio, Builder, Image, Json, Result, ToolError, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dynamic::{self, Kind};
use super::samples;

pub(super) fn offer(server: Builder) -> Builder {
    server
        .tool(echo)
        .tool(get_sum)
        .tool(get_env)
        .tool(get_tiny_image)
        .tool(get_annotated_message)
        .tool(get_structured_content)
        .tool(get_resource_links)
        .tool(get_resource_reference)
        .tool(test_simple_text)
        .tool(test_image_content)
        .tool(test_audio_content)
        .tool(test_embedded_resource)
        .tool(test_multiple_content_types)
        .tool(test_error_handling)
}

/// Says a message again.
#[tool(title = "Echo", read_only, idempotent, open_world = false)]
pub async fn echo(
    /// What to say
    message: String,
) -> String {
    format!("Echo: {message}")
}

/// Adds two numbers.
#[tool(name = "get-sum", title = "Sum", read_only, idempotent, open_world = false)]
pub async fn get_sum(
    /// The first number
    a: f64,
    /// The second number
    b: f64,
) -> String {
    format!("The sum of {a} and {b} is {}.", a + b)
}

/// The variables that tell how the server was started, and no secret.
const HARMLESS: [&str; 8] = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TZ", "USER"];

/// Shows the environment of the server, as far as it is harmless.
#[tool(name = "get-env", title = "Environment", read_only, idempotent, open_world = false)]
pub async fn get_env() -> Result<String> {
    let known = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    let variables: BTreeMap<String, String> = HARMLESS.iter().filter_map(known).collect();
    Ok(serde_json::to_string_pretty(&variables)?)
}

/// Shows a tiny picture between two lines of text.
#[tool(name = "get-tiny-image", title = "Tiny image", read_only, idempotent, open_world = false)]
pub async fn get_tiny_image() -> Vec<ContentBlock> {
    vec![
        "Here is the picture that you asked for:".into(),
        Image::png(samples::picture()).into(),
        "Above is a square that fades from red to blue.".into(),
    ]
}

/// What a message is about.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    /// Something went wrong
    Error,
    /// Something worked
    Success,
    /// Something for whoever looks for mistakes
    Debug,
}

/// The arguments of [`get_annotated_message`].
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// What the message is about
    message_type: MessageType,
    /// Whether a picture comes with it
    #[serde(default)]
    include_image: bool,
}

/// Gives a message that says whom it is for and how much it matters.
#[tool(
    name = "get-annotated-message",
    title = "Annotated message",
    read_only,
    idempotent,
    open_world = false
)]
pub async fn get_annotated_message(Args(wanted): Args<Message>) -> Vec<ContentBlock> {
    let (text, priority, audience) = match wanted.message_type {
        MessageType::Error => {
            ("Error: the operation failed", 1.0, [Role::User, Role::Assistant].as_slice())
        }
        MessageType::Success => ("The operation succeeded", 0.7, [Role::User].as_slice()),
        MessageType::Debug => {
            ("Debug: 19 of 20 were found in the cache", 0.3, [Role::Assistant].as_slice())
        }
    };
    let hints = Annotations::new().with_priority(priority).with_audience(audience.iter().copied());
    let mut content = vec![TextContent::new(text).with_annotations(hints).into()];
    if wanted.include_image {
        let hints = Annotations::new().with_priority(0.5).with_audience([Role::User]);
        let picture = ImageContent::new(BASE64.encode(samples::picture()), "image/png");
        content.push(picture.with_annotations(hints).into());
    }
    content
}

/// A city whose weather is known.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub enum City {
    /// New York
    #[serde(rename = "New York")]
    NewYork,
    /// Chicago
    Chicago,
    /// Los Angeles
    #[serde(rename = "Los Angeles")]
    LosAngeles,
}

/// The weather in a city.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Weather {
    /// Degrees Celsius
    temperature: f64,
    /// In words
    conditions: &'static str,
    /// Percent
    humidity: f64,
}

/// Tells the weather as data, with a schema that says what to expect.
#[tool(
    name = "get-structured-content",
    title = "Structured content",
    read_only,
    idempotent,
    open_world = false
)]
pub async fn get_structured_content(
    /// Where
    location: City,
) -> Json<Weather> {
    Json(match location {
        City::NewYork => Weather { temperature: 21.5, conditions: "Cloudy", humidity: 64.0 },
        City::Chicago => Weather { temperature: 9.0, conditions: "Windy", humidity: 71.0 },
        City::LosAngeles => Weather { temperature: 27.0, conditions: "Sunny", humidity: 38.0 },
    })
}

/// Lists some of the resources that are made on the fly, as links.
#[tool(
    name = "get-resource-links",
    title = "Resource links",
    read_only,
    idempotent,
    open_world = false
)]
pub async fn get_resource_links(
    /// How many, 1 to 10; 3 unless given
    count: Option<u32>,
) -> Result<Vec<ContentBlock>, ToolError> {
    let count = count.unwrap_or(3);
    if !(1..=10).contains(&count) {
        return Err(ToolError::new("`count` is 1 to 10"));
    }
    let introduction = format!("Here are {count} links to resources of this server:");
    let links = (1..=count).map(|id| {
        let kind = if id % 2 == 0 { Kind::Text } else { Kind::Blob };
        let link = ResourceLink::new(kind.uri(id), format!("{kind} resource {id}"));
        link.with_mime_type(kind.mime()).with_description("Made when it is read").into()
    });
    Ok([introduction.into()].into_iter().chain(links).collect())
}

/// The arguments of [`get_resource_reference`].
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// Text or bytes; text unless given
    #[serde(default)]
    resource_type: Kind,
    /// The number of the resource; 1 unless given
    #[serde(default = "first")]
    resource_id: u32,
}

fn first() -> u32 {
    1
}

/// Embeds one of the resources that are made on the fly.
#[tool(
    name = "get-resource-reference",
    title = "Resource reference",
    read_only,
    idempotent,
    open_world = false
)]
pub async fn get_resource_reference(
    Args(wanted): Args<Reference>,
) -> Result<Vec<ContentBlock>, ToolError> {
    let Reference { resource_type: kind, resource_id: id } = wanted;
    let contents = dynamic::contents(kind, id)
        .ok_or_else(|| ToolError::new("`resourceId` is a number of at least 1"))?;
    Ok(vec![
        format!("This is resource {id}:").into(),
        ContentBlock::resource(contents),
        format!("It can be read again under {}.", kind.uri(id)).into(),
    ])
}

/// Returns simple text.
#[tool(read_only)]
pub async fn test_simple_text() -> &'static str {
    "This is a simple text response for testing."
}

/// Returns a picture.
#[tool(read_only)]
pub async fn test_image_content() -> Image {
    Image::png(samples::picture())
}

/// Returns a sound.
#[tool(read_only)]
pub async fn test_audio_content() -> Audio {
    Audio::wav(samples::sound())
}

/// Returns a resource that stands in the result itself.
#[tool(read_only)]
pub async fn test_embedded_resource() -> ContentBlock {
    let text = "This is an embedded resource content.";
    let contents = TextResourceContents::new("test://embedded-resource", text);
    ContentBlock::resource(contents.with_mime_type("text/plain"))
}

/// Returns text, a picture and a resource at once.
#[tool(read_only)]
pub async fn test_multiple_content_types() -> Vec<ContentBlock> {
    let json = r#"{"test":"data","value":123}"#;
    let contents = TextResourceContents::new("test://mixed-content-resource", json);
    vec![
        "Multiple content types test:".into(),
        Image::png(samples::picture()).into(),
        ContentBlock::resource(contents.with_mime_type("application/json")),
    ]
}

/// Fails always, in a way that the model sees.
#[tool(read_only)]
pub async fn test_error_handling() -> Result<(), ToolError> {
    Err(ToolError::new("This tool intentionally returns an error for testing"))
}
