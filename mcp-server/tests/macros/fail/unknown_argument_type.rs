use mcp_server::tool;

struct Odd;

#[tool]
async fn odd(a: f64, b: Odd) -> f64 {
    let _ = b;
    a
}

fn main() {}
