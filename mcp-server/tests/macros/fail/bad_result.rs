use mcp_server::tool;

struct Odd;

#[tool]
async fn odd(a: f64) -> Odd {
    let _ = a;
    Odd
}

fn main() {}
