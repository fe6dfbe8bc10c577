//! Our client requires a profile of servers that know none, over HTTP, and a tap hears what they get.

use mcp_client::{Client, EraChoice, Error, Http};
use mcp_core::types::Root;
use mcp_server::http::HttpService;
use mcp_server::{Server, Tool};
use mcp_tests::tap::Tap;
use tokio::net::TcpListener;

use crate::over_http::Running;
use crate::reference_servers::reference_script;

const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

#[tokio::test]
async fn reference_server_hears_initialize_alone() {
    let Some(script) = reference_script("server-everything") else { return };
    let server = Running::at_port(&script, "streamableHttp", "/mcp");
    let heard = reject(&server.url, EraChoice::Auto).await;
    assert!(heard.contains(&"POST /mcp initialize".to_owned()), "{heard:?}");
    assert!(heard.contains(&"DELETE /mcp".to_owned()), "{heard:?}");
}

#[tokio::test]
async fn reference_server_with_sse_hears_initialize_alone() {
    let Some(script) = reference_script("server-everything") else { return };
    let server = Running::at_port(&script, "sse", "/sse");
    let heard = reject(&server.url, EraChoice::Auto).await;
    assert!(heard.iter().any(|request| request.starts_with("POST /message")), "{heard:?}");
}

#[tokio::test]
async fn version_two_server_hears_discovery_alone() {
    for (era, last) in [(EraChoice::Modern, "server/discover"), (EraChoice::Legacy, "initialize")] {
        let Some(server) = Running::peer("server-v2.mjs", &["--http"]) else { return };
        let heard = reject(&server.url, era).await;
        assert!(heard.iter().any(|request| request.ends_with(last)), "{heard:?}");
    }
}

#[tokio::test]
async fn server_without_profiles_hears_discovery_alone_in_both_eras() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let server = Server::builder("plain", "1.0").tool(Tool::new("render").handler(async || "film"));
    let service = HttpService::new(server.build().unwrap());
    let serving = tokio::spawn(async move { service.serve(listener).await });
    for (era, last) in [
        (EraChoice::Auto, "server/discover"),
        (EraChoice::Modern, "server/discover"),
        (EraChoice::Legacy, "initialize"),
    ] {
        let heard = reject(&url, era).await;
        assert!(heard.iter().any(|request| request.ends_with(last)), "{heard:?}");
    }
    serving.abort();
}

/// What a server hears of a client that does not get the profile that it requires.
async fn reject(url: &str, era: EraChoice) -> Vec<String> {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let tap = Tap::before(address.parse().unwrap()).await.unwrap();
    let server = Http::new(format!("http://{}/{path}", tap.address())).unwrap();
    let client = Client::builder("interop", "1.0")
        .require(PREMIUM)
        .roots([Root::new("file:///secret/film").with_name("secret film")])
        .era(era)
        .connect(server)
        .await;
    let Err(Error::Rejected(rejection)) = client else { panic!("{client:?}") };
    assert_eq!(rejection.missing().len(), 1);
    let requests = tap.requests();
    for request in &requests {
        let words: Vec<&str> = request.split(' ').collect();
        let allowed = match words[..] {
            ["GET", path] => path.starts_with("/.well-known/") || path == "/sse",
            ["POST", _, method] => matches!(method, "server/discover" | "initialize"),
            ["DELETE", _] => true,
            _ => false,
        };
        assert!(allowed, "{requests:?}");
    }
    let heard = tap.heard();
    for secret in ["secret", "tools/", "resources/", "prompts/", "render"] {
        assert!(!heard.contains(secret), "{heard}");
    }
    requests
}
