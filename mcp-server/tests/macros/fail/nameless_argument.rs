use mcp_server::tool;

#[tool]
async fn add((a, b): (f64, f64)) -> f64 {
    a + b
}

fn main() {}
