//! Servers inside others: names, states, layers, gates and changes.

use std::sync::{Arc, Mutex};

use mcp_server::{
    Next, Outcome, Profile, Prompt, Resource, Server, State, Tool, ToolCall, from_fn,
};
use serde_json::json;

use crate::conversation::{call, modern, request, text};
use crate::gating::modern_asking;
use crate::stream::Stream;

const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";

struct Shelf {
    name: &'static str,
}

type Log = Arc<Mutex<Vec<String>>>;

fn noting(
    log: &Log,
    name: &'static str,
) -> impl Fn(ToolCall, Next) -> Answer + Clone + Send + Sync + use<> {
    let log = Arc::clone(log);
    move |call, next| {
        log.lock().unwrap().push(format!("{name}: {}", call.name()));
        Box::pin(next.run(call))
    }
}

type Answer = futures_util::future::BoxFuture<'static, Outcome>;

fn which() -> Tool {
    Tool::new("which").handler(async |shelf: State<Shelf>| shelf.name)
}

/// A server with one item of each kind.
fn films(shelf: &'static str) -> mcp_server::Builder {
    let greet = Prompt::new("greet").handler(async || "hello");
    let poster = Resource::new("film://poster").handler(async |shelf: State<Shelf>| shelf.name);
    let still = Resource::new("film://still/{n}").handler(async |n: u32| format!("still {n}"));
    Server::builder("films", "1")
        .state(Shelf { name: shelf })
        .tool(which())
        .prompt(greet)
        .resource(poster)
        .resource(still)
}

#[tokio::test(start_paused = true)]
async fn mounted_items_have_the_prefix_and_their_own_states() {
    let inner = films("inner").build().unwrap();
    let server = Server::builder("t", "1")
        .state(Shelf { name: "outer" })
        .tool(which())
        .mount("films", &inner)
        .build()
        .unwrap();
    let mut stream = Stream::legacy(&server).await;
    assert_eq!(text(&stream.ask(call(1, "which", json!({}))).await), "outer");
    assert_eq!(text(&stream.ask(call(1, "films__which", json!({}))).await), "inner");
    let prompt = stream.ask(request(1, "prompts/get", json!({ "name": "films__greet" }))).await;
    assert_eq!(prompt["result"]["messages"][0]["content"]["text"], "hello");
    for (uri, content) in [("film://poster", "inner"), ("film://still/7", "still 7")] {
        let read = stream.ask(request(1, "resources/read", json!({ "uri": uri }))).await;
        assert_eq!(read["result"]["contents"][0]["text"], content);
    }
}

#[tokio::test(start_paused = true)]
async fn layers_come_from_the_outermost_server_inwards() {
    let log = Log::default();
    let tool = which().layer(from_fn(noting(&log, "tool")));
    let deep = Server::builder("deep", "1").state(Shelf { name: "deep" }).tool(tool);
    let deep = deep.layer(from_fn(noting(&log, "deep"))).build().unwrap();
    let middle = Server::builder("middle", "1").mount("deep", &deep);
    let middle = middle.layer(from_fn(noting(&log, "middle"))).build().unwrap();
    let server = Server::builder("t", "1").mount("middle", &middle);
    let server = server.layer(from_fn(noting(&log, "outer"))).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    assert_eq!(text(&stream.ask(call(1, "middle__deep__which", json!({}))).await), "deep");
    let seen =
        ["outer", "middle", "deep", "tool"].map(|name| format!("{name}: middle__deep__which"));
    assert_eq!(*log.lock().unwrap(), seen);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_lost_or_clash_is_refused() {
    let mount = |inner: mcp_server::Builder| {
        let inner = inner.build().unwrap();
        films("outer").mount("films", &inner).build().unwrap_err().to_string()
    };
    let plain = || Server::builder("inner", "1");
    let said = mount(plain().visible(|_, _, _| true));
    assert!(said.contains("mounted as `films`: it has `visible`"), "{said}");
    let gated = plain().state(Shelf { name: "" }).tool(which().requires(PREMIUM));
    let said = mount(gated.profile(Profile::new(PREMIUM)));
    assert!(said.contains("has to offer that profile too"), "{said}");
    let said = mount(films("inner"));
    assert!(said.contains("resource `film://poster`: there is another"), "{said}");
    let inner = plain().build().unwrap();
    let said = plain().mount("a b", &inner).build().unwrap_err().to_string();
    assert!(said.contains("the prefix"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn gates_of_mounted_items_hold() {
    let gated =
        Server::builder("inner", "1").state(Shelf { name: "paid" }).tool(which().requires(PREMIUM));
    let inner = gated.profile(Profile::new(PREMIUM)).build().unwrap();
    let server = Server::builder("t", "1").mount("in", &inner).profile(Profile::new(PREMIUM));
    let server = server.build().unwrap();
    let mut stream = Stream::silent(&server);
    let refused = stream.ask(modern(call(1, "in__which", json!({})))).await;
    assert_eq!(refused["error"]["code"], -32021);
    let asked = modern_asking(call(1, "in__which", json!({})), &[PREMIUM]);
    assert_eq!(text(&stream.ask(asked).await), "paid");
}

#[tokio::test(start_paused = true)]
async fn changes_of_a_mounted_resource_reach_clients_of_the_server_around_it() {
    let inner = films("inner").build().unwrap();
    let server = Server::builder("t", "1").mount("films", &inner).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    stream.ask(request(1, "resources/subscribe", json!({ "uri": "film://poster" }))).await;
    inner.resource_updated("film://poster");
    let told = stream.message().await;
    assert_eq!(told["method"], "notifications/resources/updated");
    assert_eq!(told["params"]["uri"], "film://poster");
}
