use mcp_server::tool;

#[tool(name = 7)]
async fn a() {}

#[tool(title)]
async fn b() {}

#[tool(read_only = true)]
async fn c() {}

#[tool(title = "x", title = "y")]
async fn d() {}

fn main() {}
