//! The server of the comparison over HTTP, built on rmcp: `rmcp-http-server stateless|sessions`.
//!
//! `stateless` is as fast as rmcp allows without leaving its public interface: no sessions, JSON
//! answers, no timers. `sessions` is its default. Both have one thread, a router that is built once,
//! and hyper without anything in between. Prints the address at which it listens.

#![expect(clippy::print_stdout, reason = "the address is what whoever starts it waits for")]

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, schemars, tool, tool_handler, tool_router};
use tokio::net::TcpListener;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct EchoRequest {
    message: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct FloodRequest {
    count: u32,
}

#[derive(Clone)]
struct Tools {
    router: Arc<ToolRouter<Self>>,
}

#[tool_router]
impl Tools {
    #[tool(description = "Gives the message back")]
    async fn echo(&self, Parameters(EchoRequest { message }): Parameters<EchoRequest>) -> String {
        message
    }

    #[tool(description = "Reports progress, a KiB at a time")]
    async fn flood(
        &self,
        Parameters(FloodRequest { count }): Parameters<FloodRequest>,
        context: RequestContext<RoleServer>,
    ) -> String {
        if let Some(token) = context.meta.get_progress_token() {
            for n in 1..=count {
                let progress = ProgressNotificationParam::new(token.clone(), f64::from(n))
                    .with_message("0".repeat(1024));
                // Whoever is gone is told nothing.
                let _ = context.peer.notify_progress(progress).await;
            }
        }
        "done".to_owned()
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = match std::env::args().nth(1).as_deref() {
        Some("stateless") => StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_sse_keep_alive(None)
            .with_sse_retry(None),
        Some("sessions") => StreamableHttpServerConfig::default(),
        _ => return Err("usage: rmcp-http-server stateless|sessions".into()),
    };
    let tools = Tools { router: Arc::new(Tools::tool_router()) };
    let manager = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(tools.clone()), manager, config);
    let service = TowerToHyperService::new(service);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(connection);
    }
}
