#![deny(warnings)]

use mcp_server::tool;

#[tool]
async fn careless(number: u32, mut other: u32) -> u32 {
    let unused = other;
    1
}

fn main() {
    #[tool]
    async fn wasted() {}
    wasted();
    careless(1, 2);
}
