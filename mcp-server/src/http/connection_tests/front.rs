//! What stands in front of the service: handshakes, routers, layers.

use std::io;

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;

use super::*;
use crate::http::{Accept, Accepted, Peer};

/// A listener whose clients say a word before they speak HTTP.
struct Words(TcpListener);

#[derive(Debug, Clone)]
struct Word(char);

impl Accept for Words {
    type Stream = (TcpStream, SocketAddr);
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        Accept::accept(&self.0).await
    }

    async fn establish(&self, (mut stream, peer): Self::Stream) -> io::Result<Accepted<TcpStream>> {
        let word = char::from(stream.read_u8().await?);
        if !word.is_ascii_alphabetic() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Accepted::new(stream).with(Peer(peer)).with(Word(word)))
    }
}

async fn front(change: impl FnOnce(&mut Settings)) -> World {
    let tasks = alive();
    let (_, running) = watch::channel(0);
    let echo = Tool::new("echo").params(["text"]).handler(async |text: String| text);
    let server = Server::builder("films", "1.0").tool(echo).build().unwrap();
    let service = HttpService::new(server).change(|plan| change(&mut plan.settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        let front = |mcp| Router::new().route("/word", get(word)).fallback_service(mcp);
        service.serve_with(Words(listener), front, stopped).await
    });
    World { address, running, go: Arc::default(), stop: Some(stop), serving, tasks }
}

async fn word(Extension(word): Extension<Word>, Extension(peer): Extension<Peer>) -> String {
    format!("{} {}", word.0, peer.0.ip())
}

const WORD: &str = "GET /word HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn router_stands_in_front_and_learns_what_the_handshake_found() {
    let mut world = front(|_| ()).await;
    let mut raw = world.connect().await;
    raw.send(format!("a{WORD}")).await;
    assert_eq!(raw.answer().await.body, "a 127.0.0.1");
    raw.send(post(echo(1))).await;
    assert!(raw.answer().await.body.contains("echo 1"));
    drop(raw);
    world.stop();
    world.ends().await;
}

#[tokio::test]
async fn slow_handshake_holds_up_nobody_and_is_cut_off() {
    let world = front(|settings| settings.first_request = BLINK).await;
    let slow = world.connect().await;
    let mut other = world.connect().await;
    other.send(format!("b{WORD}")).await;
    assert_eq!(other.answer().await.status, 200);
    assert_eq!(slow.closed().await, "");
}

#[tokio::test]
async fn handshake_counts_as_a_connection_and_a_failed_one_ends() {
    let world = front(|settings| settings.connections = 1).await;
    let mut first = world.connect().await;
    // The first is accepted before the second, which waits for it.
    let mut second = world.connect().await;
    second.send(format!("c{WORD}")).await;
    assert!(tokio::time::timeout(BLINK, second.stream.readable()).await.is_err());
    first.send("!").await;
    assert_eq!(first.closed().await, "");
    assert_eq!(second.answer().await.body, "c 127.0.0.1");
}

#[tokio::test]
async fn stop_does_not_wait_for_handshakes() {
    let mut world = front(|_| ()).await;
    let raw = world.connect().await;
    // Something after the handshake: both were accepted.
    let mut other = world.connect().await;
    other.send(format!("d{WORD}")).await;
    assert_eq!(other.answer().await.status, 200);
    drop(other);
    world.stop();
    world.ends().await;
    assert_eq!(raw.closed().await, "");
}
