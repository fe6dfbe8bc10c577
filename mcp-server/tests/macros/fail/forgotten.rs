#![deny(dead_code)]

use mcp_server::tool;

struct Notes;

impl Notes {
    #[tool]
    async fn neglected(&self) {}
}

#[tool]
async fn forgotten(number: u32) -> u32 {
    number
}

fn main() {
    let _ = Notes;
}
