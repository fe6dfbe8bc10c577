//! What clients can do wrong in HTTP/1.

use super::*;

/// The status of the answer to these bytes.
async fn status(world: &World, bytes: impl AsRef<[u8]>) -> u16 {
    let mut raw = world.connect().await;
    raw.try_send(bytes).await;
    raw.head().await.status
}

/// The POST of `echo` with other lines instead of `Host: localhost`.
fn with_host(lines: &str) -> String {
    post(echo(1)).replace("Host: localhost\r\n", lines)
}

#[tokio::test]
async fn head_may_come_byte_by_byte() {
    let world = world(|_| {}).await;
    let mut raw = world.connect().await;
    for byte in post(echo(1)).bytes() {
        raw.send([byte]).await;
    }
    let answer = raw.answer().await;
    assert!(answer.status == 200 && answer.body.contains("echo 1"), "{answer:?}");
}

#[tokio::test]
async fn head_that_is_never_finished_ends_the_connection() {
    let world = world(|settings| settings.first_request = BLINK).await;
    let mut raw = world.connect().await;
    raw.send("POST /mcp HTTP/1.1\r\nHost: loc").await;
    assert_eq!(raw.closed().await, "");
    // Nor does it help to go on with it.
    let mut raw = world.connect().await;
    raw.send("POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ").await;
    let trickle = async {
        let mut byte = [0];
        loop {
            raw.try_send("x").await;
            let read = tokio::time::timeout(BLINK / 10, raw.stream.read(&mut byte)).await;
            if let Ok(Ok(0) | Err(_)) = read {
                return;
            }
        }
    };
    within(trickle).await;
}

#[tokio::test]
async fn heads_are_bounded() {
    let world = world(|_| {}).await;
    let long = with_host(&format!("Host: localhost\r\nX: {}\r\n", "x".repeat(200_000)));
    assert_eq!(status(&world, long).await, 431);
    let many = with_host(&format!("Host: localhost\r\n{}", "X: y\r\n".repeat(200)));
    assert_eq!(status(&world, many).await, 431);
    let target = post(echo(1)).replace("/mcp", &format!("/{}", "x".repeat(70_000)));
    let refused = status(&world, target).await;
    assert!(matches!(refused, 414 | 431), "{refused}");
}

#[tokio::test]
async fn requests_name_one_host() {
    let world = world(|_| {}).await;
    for lines in [
        "",
        "Host: \r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost\r\nhost: evil.example\r\n",
        "Host: localhost, evil.example\r\n",
        "Host: localhost@evil.example\r\n",
    ] {
        assert_eq!(status(&world, with_host(lines)).await, 400, "{lines}");
    }
    assert_eq!(status(&world, with_host("Host: evil.example\r\n")).await, 421);
    let absolute = |host| post(echo(1)).replace("/mcp", &format!("http://{host}/mcp"));
    assert_eq!(status(&world, absolute("localhost")).await, 200);
    assert_eq!(status(&world, absolute("evil.example")).await, 400);
    assert_eq!(status(&world, absolute("localhost@evil.example")).await, 400);
}

#[tokio::test]
async fn targets_that_are_no_path_lead_nowhere() {
    let world = world(|_| {}).await;
    let host = "Host: localhost\r\n\r\n";
    assert_eq!(status(&world, format!("OPTIONS * HTTP/1.1\r\n{host}")).await, 404);
    let connect = status(&world, format!("CONNECT localhost HTTP/1.1\r\n{host}")).await;
    assert!(connect >= 400, "{connect}");
    assert_eq!(status(&world, format!("GET mcp HTTP/1.1\r\n{host}")).await, 400);
    assert_eq!(status(&world, format!("BREW /mcp HTTP/1.1\r\n{host}")).await, 405);
    assert_eq!(status(&world, "\u{16}\u{3}\u{1} hello\r\n\r\n").await, 400);
}

#[tokio::test]
async fn body_that_comes_too_slowly_is_refused() {
    let world = world(|settings| settings.body_time = BLINK).await;
    let mut raw = world.connect().await;
    let request = post(echo(1));
    raw.send(&request[..request.len() - 1]).await;
    assert_eq!(raw.answer().await.status, 408);
    // What is left of the body would be taken for a request.
    assert_eq!(raw.closed().await, "");
}

#[tokio::test]
async fn bytes_behind_a_body_are_another_request() {
    let world = world(|_| {}).await;
    let mut raw = world.connect().await;
    raw.send(post(echo(1)) + "garbage\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
    assert_eq!(raw.answer().await.status, 400);
    assert_eq!(raw.closed().await, "");
}

#[tokio::test]
async fn bodies_may_be_chunked_and_must_be_so_correctly() {
    let world = world(|_| {}).await;
    let (head, body) = echo(1);
    let head = format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}");
    let (first, second) = body.split_at(10);
    let chunks = format!("a\r\n{first}\r\n{:x};ext=1\r\n{second}\r\n0\r\n\r\n", second.len());
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}");
    assert_eq!(status(&world, &chunked).await, 200);
    for bad in [
        chunked.replace("a\r\n{", "zz\r\n{"),
        chunked.replace("a\r\n{", "ffffffffffffffffff\r\n{"),
        chunked.replace("Encoding: chunked", "Encoding: gzip"),
        chunked.replace("Encoding: chunked", "Encoding: chunked, identity"),
        chunked.replace("Transfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6"),
        chunked.replace("Transfer-Encoding: chunked", "Content-Length: -5"),
        chunked.replace("Transfer-Encoding: chunked", "Content-Length: +5"),
    ] {
        assert_eq!(status(&world, &bad).await, 400, "{bad}");
    }
    // A body of two lengths is one for a proxy and another one here.
    let mut raw = world.connect().await;
    let both = chunked.replace("Transfer-Encoding", "Content-Length: 4\r\nTransfer-Encoding");
    raw.try_send(both + &post(echo(2))).await;
    let said = raw.closed().await;
    assert!(!said.contains("echo 2"), "{said}");
}

#[tokio::test]
async fn long_bodies_are_refused_before_they_come() {
    let world = world(|_| {}).await;
    let (head, _) = echo(1);
    let head = format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}");
    let long = format!("{head}Content-Length: 10000000000\r\n\r\n");
    assert_eq!(status(&world, &long).await, 413);
    assert_eq!(status(&world, format!("{head}Content-Length: 1{:0>40}\r\n\r\n", 0)).await, 400);
}

#[tokio::test]
async fn requests_may_follow_without_waiting_for_answers() {
    let world = world(|_| {}).await;
    let mut raw = world.connect().await;
    let requests = (1..=50).map(|id| post(echo(id))).collect::<String>();
    raw.send(requests).await;
    for id in 1..=50 {
        let answer = raw.answer().await;
        assert!(answer.body.contains(&format!("echo {id}\"")), "{answer:?}");
    }
}

#[tokio::test]
async fn http_1_0_is_answered_once() {
    let world = world(|_| {}).await;
    let old = |request: String| request.replace("HTTP/1.1", "HTTP/1.0");
    let mut raw = world.connect().await;
    raw.send(old(post(echo(1)))).await;
    assert_eq!(raw.answer().await.status, 200);
    assert_eq!(raw.closed().await, "");
    assert_eq!(status(&world, old(with_host(""))).await, 400);
    assert!(status(&world, post(echo(1)).replace("HTTP/1.1", "HTTP/7.1")).await >= 400);
}

#[tokio::test]
async fn client_that_leaves_within_a_request_leaves_nothing_behind() {
    let mut world = world(|_| {}).await;
    let request = post(echo(1));
    for length in [1, 20, request.len() / 2, request.len() - 1] {
        let mut raw = world.connect().await;
        raw.send(&request[..length]).await;
        drop(raw);
        let mut half = world.connect().await;
        half.send(&request[..length]).await;
        half.stream.shutdown().await.unwrap();
        let said = half.closed().await;
        assert!(!said.contains("echo 1"), "{said}");
    }
    assert_eq!(status(&world, &request).await, 200);
    world.stop();
    world.ends().await;
}

#[tokio::test]
async fn body_is_asked_for_only_where_it_is_wanted() {
    let world = world(|_| {}).await;
    let (head, body) = echo(1);
    let head = |content: &str| {
        let head = head.replace("application/json\r\nAccept", &format!("{content}\r\nAccept"));
        let length = body.len();
        format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}Expect: 100-continue\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let mut raw = world.connect().await;
    raw.send(head("application/json")).await;
    assert_eq!(raw.head().await.status, 100);
    raw.send(&body).await;
    assert_eq!(raw.answer().await.status, 200);
    let mut raw = world.connect().await;
    raw.send(head("text/plain")).await;
    assert_eq!(raw.answer().await.status, 415);
}
