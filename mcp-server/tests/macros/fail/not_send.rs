use mcp_server::tool;

#[tool]
async fn shared(number: u32) -> u32 {
    let number = std::rc::Rc::new(number);
    std::future::ready(()).await;
    *number
}

fn main() {}
