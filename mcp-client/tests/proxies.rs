//! Proxies: what they are asked, and that nothing meant for the server alone reaches them.

#![cfg(feature = "http")]

use mcp_client::{Http, discover_profiles};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// Answers one request; its address and, once it has come, the head of the request.
async fn proxy(answer: &'static str) -> (String, impl Future<Output = String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let head = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        head.to_lowercase()
    });
    (address, async { head.await.unwrap() })
}

#[tokio::test]
async fn proxy_is_asked_for_everything_with_its_own_credentials() {
    let (address, head) = proxy("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await;
    let http = Http::new("http://films.example/mcp").unwrap();
    let http = http.proxy(format!("http://ada:secret@{address}"));
    assert!(discover_profiles(&http).await.unwrap().unwrap().is_empty());
    let head = head.await;
    let line = "get http://films.example/.well-known/mcp-supported-profiles/mcp http/1.1";
    assert!(head.starts_with(line) && head.contains("proxy-authorization: basic"), "{head}");
}

#[tokio::test]
async fn proxy_sees_nothing_but_the_name_of_a_server_behind_tls() {
    let (address, head) = proxy("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let http = Http::new("https://films.example/mcp?key=secret").unwrap();
    let http = http.proxy(format!("http://{address}")).bearer_token("secret");
    let problem = http.request(reqwest::Method::POST).unwrap().body("secret").send().await;
    assert!(problem.is_err());
    let head = head.await;
    assert!(head.starts_with("connect films.example:443 ") && !head.contains("secret"), "{head}");
}

#[tokio::test]
async fn proxy_that_is_not_there_is_an_error_and_no_way_around_it() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Http::new(format!("http://{}/mcp", server.local_addr().unwrap())).unwrap();
    discover_profiles(&http.proxy(format!("http://{closed}"))).await.unwrap_err();
}
