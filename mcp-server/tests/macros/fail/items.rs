use mcp_server::{Prompt, Resource, Typed, prompt, resource, tool};

#[prompt(read_only)]
async fn key() -> String {
    String::new()
}

#[resource("a:b", mime)]
async fn value() -> String {
    String::new()
}

#[prompt]
fn not_async() -> String {
    String::new()
}

struct Odd;

#[prompt]
async fn bad_result() -> u8 {
    1
}

#[resource("a:b")]
async fn bad_contents() -> Odd {
    Odd
}

#[prompt]
async fn odd(odd: Odd) -> String {
    let _ = odd;
    String::new()
}

#[prompt]
async fn by_nothing(#[complete] a: String) -> String {
    a
}

#[prompt]
async fn by_number(#[complete(1)] a: String) -> String {
    a
}

#[prompt]
async fn twice(#[complete("a")] #[complete("b")] a: String) -> String {
    a
}

#[prompt]
async fn unnamed(#[complete("a")] _: String) -> String {
    String::new()
}

async fn no_completer(typed: Typed) -> u8 {
    typed.text().len() as u8
}

#[prompt]
async fn completes(#[complete(no_completer)] a: String) -> String {
    a
}

#[tool]
async fn not_completed(#[complete("a")] a: String) -> String {
    a
}

#[tool]
async fn other() {}

#[prompt]
async fn spoken() -> &'static str {
    "spoken"
}

fn main() {
    let server = mcp_server::Server::builder("a", "1");
    let server = server.prompt(other);
    let server = server.resource(spoken);
    server.prompt(Prompt::new("a")).resource(Resource::new("a:b"));
}
