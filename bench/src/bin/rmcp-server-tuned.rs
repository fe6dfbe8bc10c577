//! The server of the comparison, as fast as rmcp allows without leaving its public interface:
//! one thread, non-blocking pipes, and a router that is built once.

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::io::stdio_pipes;
use rmcp::{ServerHandler, ServiceExt, schemars, tool, tool_handler, tool_router};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct EchoRequest {
    message: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct AddRequest {
    a: f64,
    b: f64,
}

struct Tools {
    router: ToolRouter<Self>,
}

#[tool_router]
impl Tools {
    #[tool(description = "Gives the message back")]
    async fn echo(&self, Parameters(EchoRequest { message }): Parameters<EchoRequest>) -> String {
        message
    }

    #[tool(description = "Adds two numbers")]
    async fn add(&self, Parameters(AddRequest { a, b }): Parameters<AddRequest>) -> String {
        (a + b).to_string()
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tools = Tools { router: Tools::tool_router() };
    tools.serve(stdio_pipes()).await?.waiting().await?;
    Ok(())
}
