//! SaaSRUS as its demo shows it, and as an operator starts it.

use std::process::{Command, Output};

use mcp_examples::saasrus::demo::messages::{discover, modern};
use mcp_examples::saasrus::server::{Saasrus, Settings};
use tokio::net::TcpListener;

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).env_remove("SAASRUS_DATA").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn everything_goes_as_the_demo_announces() {
    let told = run(env!("CARGO_BIN_EXE_saasrus-demo"), &[]);
    let (out, err) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success(), "{out}{err}");
    assert!(out.contains("Everything went as announced"), "{out}");
    // What the client did not say, the server has not heard.
    assert!(
        out.contains("access log: ") && !out.contains("access log: acme.saasrus.localhost  tools/")
    );
}

#[test]
fn a_token_can_be_made_for_every_tenant_and_for_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data");
    let saasrus = |arguments: &[&str]| {
        let common = ["--data", data.to_str().unwrap()];
        run(env!("CARGO_BIN_EXE_saasrus"), &[arguments, &common].concat())
    };
    for tenant in ["wholesalechips", "acme", "harbourbooks", "cornershop"] {
        let made = saasrus(&["token", tenant, "bob", "--plan", "plus"]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        assert!(text(&made.stdout).starts_with("saasrus_"));
    }
    let unknown = saasrus(&["token", "nobody", "bob"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("there is no tenant `nobody`"));
}

#[tokio::test]
async fn forwarding_headers_count_from_proxies_that_are_named() {
    for (proxies, status) in [(vec!["127.0.0.0/8".to_owned()], 200), (Vec::new(), 404)] {
        let data = tempfile::tempdir().unwrap();
        let saasrus = Saasrus::open(Settings {
            data: data.path().to_owned(),
            domain: "saasrus.example".to_owned(),
            trusted_proxies: proxies,
            access_log: None,
        });
        let saasrus = saasrus.unwrap();
        let acme = saasrus.tenants.iter().find(|open| open.tenant.name == "acme").unwrap();
        let token = format!("Bearer {}", acme.issued[0].1.as_str());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(saasrus.serve(listener, std::future::pending()));
        let request = modern("/mcp", &discover())
            .header("Host", "inside.example")
            .header("X-Forwarded-Host", "acme.saasrus.example")
            .header("Authorization", token);
        let answer = request.send(port).await.unwrap();
        assert_eq!(answer.status, status);
        let by_acme = answer.message().to_string().contains(r#""name":"acme""#);
        assert_eq!(by_acme, status == 200);
        serving.abort();
    }
}
