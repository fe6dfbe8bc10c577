//! What the README shows of HTTP is code that compiles: of the examples, or of this file.

use mcp_client::{Client, Error, Http};
use mcp_server::http::HttpService;
use mcp_server::{Server, tool};

const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

/// Adds two numbers.
#[tool]
async fn add(a: f64, b: f64) -> f64 {
    a + b
}

#[expect(dead_code, reason = "it is read, and has to compile")]
async fn serve() -> Result<(), Error> {
    Server::builder("adder", "1.0").tool(add).serve_http("127.0.0.1:8080").await
}

#[expect(dead_code, reason = "it is read, and has to compile")]
async fn connect(token: String) -> Result<Client, Error> {
    let server = Http::new("https://vidsrus.example/mcp")?.bearer_token(token);
    let client = Client::builder("viewer", "1.0").require(PREMIUM).connect(server).await?;
    Ok(client)
}

#[expect(dead_code, reason = "it is read, and has to compile")]
fn tenants(chips: Server, corner_shop: Server) -> HttpService {
    let mcp = HttpService::by_host([
        ("wholesalechips.saasrus.example", chips),
        ("saasrus.example/tenants/cornershop", corner_shop),
    ]);
    mcp.trusted_proxies(["10.0.0.0/8"])
}

#[test]
fn the_readme_shows_code_that_compiles() {
    let sources = [include_str!("readme.rs"), include_str!("../src/bin/mounted.rs")];
    let known: Vec<&str> =
        sources.iter().flat_map(|source| source.lines().map(str::trim)).collect();
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## Over HTTP\n").expect("README.md has such a section");
    let (section, _) = section.split_once("\n## ").expect("it is not the last one");
    let blocks =
        section.split("```").skip(1).step_by(2).filter_map(|code| code.strip_prefix("rust\n"));
    let lines: Vec<&str> = blocks.flat_map(str::lines).map(str::trim).collect();
    assert!(lines.len() > 10, "{lines:?}");
    for line in lines {
        assert!(known.contains(&line), "`{line}` is nowhere compiled");
    }
}
