use mcp_server::{State, resource};

struct Catalogue;

#[resource("vidsrus://titles/{id}/subtitles/{lang}")]
async fn without_parameter(id: u32, films: State<Catalogue>) -> String {
    let _ = films;
    id.to_string()
}

#[resource("vidsrus://titles/{id}")]
async fn without_variable(id: u32, lang: String) -> String {
    format!("{id} {lang}")
}

#[resource("vidsrus://titles/{id")]
async fn open(id: u32) -> String {
    id.to_string()
}

#[resource("vidsrus://titles/{}")]
async fn nameless() -> String {
    String::new()
}

#[resource]
async fn nowhere() -> String {
    String::new()
}

#[resource(mime = "text/plain")]
async fn keys_first() -> String {
    String::new()
}

fn main() {}
