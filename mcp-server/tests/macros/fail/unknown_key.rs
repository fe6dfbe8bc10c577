use mcp_server::tool;

#[tool(readonly)]
async fn now() {}

fn main() {}
