//! HTTP/2 without TLS, by prior knowledge.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::HOST;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;

/// A client whose streams have a window of this size.
async fn client(world: &World, window: u32) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(world.address).await.unwrap();
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window).initial_connection_window_size(1 << 24);
    let (client, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(async { drop(connection.await) });
    client
}

fn request((head, body): (String, String)) -> Request<Full<Bytes>> {
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let request = Request::post("http://localhost/mcp");
    headers
        .fold(request, |request, (name, value)| request.header(name, value))
        .body(Full::new(body.into()))
        .unwrap()
}

async fn send(
    client: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Response<Incoming> {
    within(client.ready()).await.unwrap();
    within(client.send_request(request)).await.unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = within(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn calls_are_answered_whole_and_by_streams() {
    let world = world(|_| {}).await;
    let mut client = client(&world, 65_535).await;
    let answer = send(&mut client, request(echo(1))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(text(answer).await.contains("echo 1"));
    let long = "x".repeat(500_000);
    let answer = send(&mut client, request(call(2, "echo", &json!({ "text": long })))).await;
    let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let said = text(answer).await;
    assert!(said.len() == length && said.contains(&long));
    let mut stream = send(&mut client, request(call(3, "flood", &json!({})))).await.into_body();
    let mut events = String::new();
    while events.matches("\n\n").count() < 100 {
        let frame = within(stream.frame()).await.unwrap().unwrap();
        events.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    world.runs(1).await;
    drop(stream);
    world.runs(0).await;
}

#[tokio::test]
async fn stream_that_is_not_read_is_reset_alone() {
    let world = world(|settings| settings.write_stall = BLINK).await;
    let mut client = client(&world, 1024).await;
    let long = json!({ "text": "x".repeat(100_000) });
    let whole = send(&mut client, request(call(1, "echo", &long))).await;
    let flood = send(&mut client, request(call(2, "flood", &json!({})))).await;
    let waits = client.send_request(request(call(3, "wait", &json!({}))));
    let waits = tokio::spawn(waits);
    world.runs(2).await;
    // The last of the two that are not read has ended, and nothing else.
    world.runs(1).await;
    assert!(within(flood.into_body().collect()).await.is_err());
    assert!(within(whole.into_body().collect()).await.is_err());
    world.go.notify_one();
    let waited = within(waits).await.unwrap().unwrap();
    assert!(text(waited).await.contains("went"));
    assert!(text(send(&mut client, request(echo(4))).await).await.contains("echo 4"));
}

#[tokio::test]
async fn stream_that_is_read_slowly_goes_on() {
    let world = world(|settings| settings.write_stall = BLINK * 4).await;
    let mut client = client(&world, 1024).await;
    let long = "x".repeat(100_000);
    let answer = send(&mut client, request(call(1, "echo", &json!({ "text": long })))).await;
    assert!(text(answer).await.contains(&long));
}

#[tokio::test]
async fn streams_that_are_reset_at_once_leave_nothing_behind() {
    let mut world = world(|_| {}).await;
    let mut hasty = client(&world, 65_535).await;
    for id in 0..1_000 {
        if hasty.ready().await.is_err() {
            break;
        }
        // Sends it, and drops it.
        let answer = hasty.send_request(request(call(id, "wait", &json!({}))));
        drop(answer.now_or_never());
        tokio::task::yield_now().await;
    }
    drop(hasty);
    world.runs(0).await;
    let mut other = client(&world, 65_535).await;
    assert!(text(send(&mut other, request(echo(1))).await).await.contains("echo 1"));
    drop(other);
    world.stop();
    world.ends().await;
}

#[tokio::test]
async fn authority_and_host_name_the_same() {
    let world = world(|_| {}).await;
    let mut client = client(&world, 65_535).await;
    for (host, status) in [("localhost", 200), ("evil.example", 400)] {
        let mut request = request(echo(1));
        request.headers_mut().insert(HOST, host.parse().unwrap());
        assert_eq!(send(&mut client, request).await.status(), status, "{host}");
    }
    let mut stranger = request(echo(1));
    *stranger.uri_mut() = "http://evil.example/mcp".parse().unwrap();
    assert_eq!(send(&mut client, stranger).await.status(), 421);
}

#[tokio::test]
async fn connection_is_drained_and_then_cut_off() {
    let mut world =
        world_draining(BLINK * 4, |settings| settings.stream_after = Duration::from_secs(60)).await;
    let mut client = client(&world, 65_535).await;
    let mut begin = |id| tokio::spawn(client.send_request(request(call(id, "wait", &json!({})))));
    let calls = [begin(1), begin(2)];
    world.runs(2).await;
    world.stop();
    world.go.notify_one();
    let mut answered = 0;
    for call in calls {
        answered += usize::from(within(call).await.unwrap().is_ok());
    }
    assert_eq!(answered, 1);
    drop(client);
    world.ends().await;
}

#[tokio::test]
async fn idle_connection_is_closed() {
    let world = world(|settings| {
        settings.first_request = BLINK;
        settings.connection_idle = BLINK;
    })
    .await;
    let mut client = client(&world, 65_535).await;
    assert_eq!(send(&mut client, request(echo(1))).await.status(), 200);
    let closed = async {
        while client.ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within(closed).await;
}
