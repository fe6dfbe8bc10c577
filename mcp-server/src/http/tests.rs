//! Requests through the whole service.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, ETAG};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower_service::Service;

use super::{HttpBody, HttpService};
use crate::{Profile, Server};

const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";

fn server() -> Server {
    Server::builder("plain", "1.0").build().unwrap()
}

fn tiered() -> Server {
    Server::builder("tiered", "1.0").profile(Profile::new(STANDARD).by_default()).build().unwrap()
}

fn request(method: Method, url: &str) -> http::request::Builder {
    let (host, path) = url.split_once('/').unwrap();
    Request::builder().method(method).uri(format!("/{path}")).header("host", host)
}

fn post(url: &str) -> http::request::Builder {
    request(Method::POST, url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

async fn send(service: &HttpService, request: http::request::Builder) -> Response<HttpBody> {
    let body = Full::new(Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/x"}"#));
    service.clone().call(request.body(body).unwrap()).await.unwrap()
}

async fn status(service: &HttpService, request: http::request::Builder) -> u16 {
    send(service, request).await.status().as_u16()
}

async fn text(response: Response<HttpBody>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Whether a request reaches an endpoint, whatever that says.
async fn reaches(service: &HttpService, url: &str) -> bool {
    !matches!(status(service, post(url)).await, 403 | 404 | 421)
}

#[tokio::test]
async fn single_server_answers_to_names_of_this_machine_only() {
    let service = HttpService::new(server());
    for host in ["localhost", "LOCALHOST.:8080", "127.0.0.1:1", "[::1]:8080"] {
        assert!(reaches(&service, &format!("{host}/mcp")).await, "{host}");
    }
    for host in ["evil.example", "127.0.0.2", "[::2]", "localhost.evil.example"] {
        assert_eq!(status(&service, post(&format!("{host}/mcp"))).await, 421, "{host}");
    }
    let service = service.allow_host("mcp.example");
    assert!(reaches(&service, "mcp.example/mcp").await);
    assert!(reaches(&service, "localhost/mcp").await);
    for address in ["127.0.0.1", "127.0.0.2", "::1"] {
        let service = HttpService::at(server(), address.parse().unwrap());
        service.check().unwrap();
        assert!(reaches(&service, "localhost:8080/mcp").await, "{address}");
    }
}

#[test]
fn tenant_of_a_request_is_that_of_the_endpoint_which_will_get_it() {
    let service = HttpService::by_host([("a.example", server()), ("b.example/one", server())]);
    let tenant = |request: http::request::Builder| {
        let (head, ()) = request.body(()).unwrap().into_parts();
        service.tenant_of(&head).map(|tenant| tenant.as_str().to_owned())
    };
    assert_eq!(tenant(post("A.example.:80/mcp/?x=1")).unwrap(), "a.example");
    assert_eq!(tenant(post("b.example/one/mcp")).unwrap(), "b.example/one");
    let forwarded = post("a.example/mcp").header("x-forwarded-host", "b.example");
    assert_eq!(tenant(forwarded).unwrap(), "a.example");
    for url in
        ["b.example/mcp", "c.example/mcp", "a.example/.well-known/mcp-supported-profiles/mcp"]
    {
        assert_eq!(tenant(post(url)), None, "{url}");
    }
    assert_eq!(tenant(post("a.example/mcp").header("host", "b.example")), None);
    assert_eq!(
        HttpService::by_host([("no host", server())]).tenant_of(&Request::new(()).into_parts().0),
        None
    );
}

#[tokio::test]
async fn unknown_host_and_unknown_path_are_not_found() {
    let service = HttpService::by_host([("a.example", server()), ("B.example.", tiered())]);
    for url in ["a.example/mcp", "a.example:444/mcp", "b.example/mcp/", "b.example/mcp?x=1"] {
        assert!(reaches(&service, url).await, "{url}");
    }
    for url in ["c.example/mcp", "localhost/mcp", "a.example/", "a.example/MCP", "a.example/mcp/x"]
    {
        assert_eq!(status(&service, post(url)).await, 404, "{url}");
    }
}

#[tokio::test]
async fn tenants_can_share_a_host() {
    let service = HttpService::by_host([("a.example", server()), ("a.example/one", server())])
        .tenant("a.example/two/", tiered())
        .endpoint("rpc");
    assert!(service.check().unwrap_err().to_string().contains("endpoint `rpc`"));
    let service = service.endpoint("/rpc");
    service.check().unwrap();
    for url in ["a.example/rpc", "a.example/one/rpc", "a.example/two/rpc"] {
        assert!(reaches(&service, url).await, "{url}");
    }
    let shared = HttpService::new(server()).tenant("/two", tiered()).allow_host("b.example");
    for url in ["localhost/mcp", "localhost/two/mcp", "b.example/two/mcp"] {
        assert!(reaches(&shared, url).await, "{url}");
    }
}

#[tokio::test]
async fn every_mistake_is_named_and_nothing_is_served() {
    let service = HttpService::by_host([("a.example", server()), ("a.example", server())])
        .tenant("a.example:80", server())
        .tenant("a b", server())
        .tenant("b.example/x?y", server())
        .allow_host("host:80")
        .allow_origin("*")
        .trusted_proxies(["proxy"]);
    let problem = service.check().unwrap_err().to_string();
    for part in ["`a.example/mcp`", "`a.example:80`", "`a b`", "x?y", "`host:80`", "`*`", "`proxy`"]
    {
        assert!(problem.contains(part), "{part}: {problem}");
    }
    assert_eq!(status(&service, post("a.example/mcp")).await, 500);
    let nobody = HttpService::by_host::<String>([]);
    assert!(nobody.check().unwrap_err().to_string().contains("no server"));
    let hidden = HttpService::new(server()).endpoint("/.well-known/mcp-supported-profiles/x");
    assert!(hidden.check().is_err());
}

#[tokio::test]
async fn refusals_are_errors_without_id_that_say_what_to_do() {
    let service = HttpService::new(server());
    let response = send(&service, request(Method::POST, "localhost/mcp")).await;
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(response.headers()["content-type"], "application/json");
    let json: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!((&json["jsonrpc"], &json["error"]["code"]), (&"2.0".into(), &(-32600).into()));
    assert!(json.get("id").is_none());
    let message = json["error"]["message"].as_str().unwrap();
    assert!(message.contains("Content-Type: application/json"), "{message}");
}

#[tokio::test]
async fn methods_without_meaning_are_refused() {
    let service = HttpService::new(server());
    for method in [Method::PUT, Method::PATCH, Method::HEAD, Method::TRACE] {
        let response = send(&service, request(method, "localhost/mcp")).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "POST, GET, DELETE, OPTIONS");
    }
    let get = request(Method::GET, "localhost/mcp").header("accept", "text/html");
    assert_eq!(status(&service, get).await, 406);
    assert_eq!(status(&service, request(Method::OPTIONS, "localhost/mcp")).await, 204);
}

#[tokio::test]
async fn server_without_sessions_takes_posts_only() {
    let modern = Server::builder("modern", "1")
        .versions([mcp_core::version::ProtocolVersion::V2026_07_28])
        .build()
        .unwrap();
    let service = HttpService::new(modern);
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let asked = request(method, "localhost/mcp").header("accept", "text/event-stream");
        let response = send(&service, asked).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "POST, OPTIONS");
    }
    let response = send(&service, request(Method::OPTIONS, "localhost/mcp")).await;
    assert_eq!(response.headers()[ALLOW], "POST, OPTIONS");
}

#[tokio::test]
async fn message_longer_than_the_limit_of_the_server_is_refused() {
    let limits = crate::Limits { line_bytes: 10, ..Default::default() };
    let service = HttpService::new(Server::builder("s", "1").limits(limits).build().unwrap());
    assert_eq!(status(&service, post("localhost/mcp")).await, 413);
}

#[tokio::test]
async fn foreign_page_is_refused_and_an_allowed_one_can_read_the_answer() {
    let service = HttpService::new(tiered()).allow_origin("https://app.example");
    let from = |origin: &str| post("localhost:8080/mcp").header("origin", origin);
    assert_eq!(status(&service, from("http://evil.example")).await, 403);
    assert_eq!(status(&service, from("null")).await, 403);
    assert_ne!(status(&service, from("http://localhost:8080")).await, 403);
    let answer = send(&service, from("https://app.example")).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example");
    assert!(
        answer.headers()["access-control-expose-headers"]
            .to_str()
            .unwrap()
            .contains("mcp-session-id")
    );
    assert_eq!(answer.headers()["vary"], "origin");
    let asked = request(Method::OPTIONS, "localhost:8080/mcp")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,mcp-method,mcp-param-region");
    let preflight = send(&service, asked).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        preflight.headers()["access-control-allow-headers"],
        "content-type,mcp-method,mcp-param-region"
    );
    assert!(
        preflight.headers()["access-control-allow-methods"].to_str().unwrap().contains("DELETE")
    );
    let foreign = request(Method::OPTIONS, "localhost:8080/mcp")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    let refused = send(&service, foreign).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn document_says_what_a_tenant_supports() {
    let service = HttpService::by_host([("a.example", tiered()), ("b.example", server())]);
    let path = "/.well-known/mcp-supported-profiles";
    let declared =
        format!(r#"[{{"profileURL":"{STANDARD}","minMcpVersion":"2024-11-05","default":true}}]"#);
    for (host, expected) in [("a.example", &*declared), ("b.example", "[]")] {
        for form in ["", "/", "/mcp", "/mcp/", "?x=1", "/mcp?x"] {
            let answer = send(&service, request(Method::GET, &format!("{host}{path}{form}"))).await;
            assert_eq!(answer.status(), StatusCode::OK, "{host}{form}");
            assert_eq!(answer.headers()["content-type"], "application/json");
            assert!(answer.headers().contains_key(CACHE_CONTROL));
            assert_eq!(text(answer).await, expected);
        }
        assert_eq!(
            status(&service, request(Method::GET, &format!("{host}{path}/other"))).await,
            404
        );
        assert_eq!(status(&service, post(&format!("{host}{path}"))).await, 405);
    }
    assert_eq!(status(&service, request(Method::GET, &format!("c.example{path}"))).await, 404);
}

#[tokio::test]
async fn root_form_of_the_document_needs_a_host_of_one_tenant() {
    let one = HttpService::by_host([("a.example/one", tiered())]);
    let two = one.clone().tenant("a.example/two", server());
    let three =
        HttpService::by_host([("a.example", tiered()), ("a.example/two", server())]).endpoint("/");
    let path = "/.well-known/mcp-supported-profiles";
    for (service, form, expected) in [
        (&one, "", 200),
        (&one, "/one/mcp", 200),
        (&two, "", 404),
        (&two, "/one/mcp", 200),
        (&two, "/two/mcp", 200),
        (&two, "/three/mcp", 404),
        (&three, "", 404),
        (&three, "/two", 200),
    ] {
        let found = status(service, request(Method::GET, &format!("a.example{path}{form}"))).await;
        assert_eq!(found, expected, "{form}");
    }
}

#[tokio::test]
async fn document_is_sent_only_to_those_who_do_not_have_it() {
    let service = HttpService::new(tiered());
    let url = "localhost/.well-known/mcp-supported-profiles";
    let whole = send(&service, request(Method::GET, url)).await;
    let tag = whole.headers()[ETAG].to_str().unwrap().to_owned();
    let length = text(whole).await.len();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let head = send(&service, request(Method::HEAD, url)).await;
    assert_eq!(head.headers()[ETAG], *tag);
    assert_eq!(head.headers()[CONTENT_LENGTH], *length.to_string());
    assert_eq!(text(head).await, "");
    for known in [tag.clone(), format!("\"x\" , W/{tag}"), "*".to_owned()] {
        let answer =
            send(&service, request(Method::GET, url).header("if-none-match", &known)).await;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer.headers()[ETAG], *tag);
        assert_eq!(text(answer).await, "");
    }
    let other = request(Method::GET, url).header("if-none-match", "\"x\"");
    assert_eq!(status(&service, other).await, 200);
    assert_ne!(
        send(&HttpService::new(server()), request(Method::GET, url)).await.headers()[ETAG],
        *tag
    );
}

#[tokio::test]
async fn routes_of_an_application_lead_here_and_a_nested_service_does_not_know_its_path() {
    let service = HttpService::by_host([("a.example/films", server())]);
    let routed = axum::Router::new()
        .route_service("/films/mcp", service.clone())
        .route_service("/.well-known/mcp-supported-profiles/{*endpoint}", service.clone());
    let nested = axum::Router::new().nest_service("/films", service);
    let status = async |mut router: axum::Router, request: http::request::Builder| {
        let body = axum::body::Body::from(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#);
        router.call(request.body(body).unwrap()).await.unwrap().status().as_u16()
    };
    let document = "a.example/.well-known/mcp-supported-profiles/films/mcp";
    assert_eq!(status(routed.clone(), request(Method::GET, document)).await, 200);
    assert_eq!(status(routed, post("a.example/films/mcp")).await, 400);
    assert_eq!(status(nested, post("a.example/films/mcp")).await, 404);
}
