use mcp_server::{IntoTool, Tool};

async fn add(a: f64, b: f64) -> f64 {
    a + b
}

fn is_tool<M>(_: impl IntoTool<M>) {}

fn main() {
    is_tool(add);
    is_tool(7);
    let _ = Tool::new("x").handler(async |a: std::rc::Rc<u8>| *a);
}
