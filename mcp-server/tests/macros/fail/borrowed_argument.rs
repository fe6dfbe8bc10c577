use mcp_server::tool;

#[tool]
async fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
