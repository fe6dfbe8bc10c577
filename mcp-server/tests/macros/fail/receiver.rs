use mcp_server::tool;

struct Notes;

impl Notes {
    #[tool]
    async fn take(self) {}

    #[tool]
    async fn change(&mut self) {}
}

fn main() {}
