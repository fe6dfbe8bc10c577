//! Connections: accepting them, HTTP over them, and their end.
//!
//! One task serves a connection (HTTP/2 has one more for each request). Whatever a peer can hold is
//! bounded: connections, headers, requests of one connection, and time.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower_service::Service;

use super::pace::{Paced, Streams};
use super::settings::Settings;
use super::socket::{self, Socket};
use super::{HttpFuture, HttpService, Peer};

/// Accepts connections until `shutdown` completes, and lets those that are there come to an end.
pub(crate) async fn serve(
    listener: TcpListener,
    service: &HttpService,
    shutdown: impl Future<Output = ()>,
) {
    match listener.local_addr() {
        Ok(address) => tracing::info!(target: "mcp::server", %address, "listening"),
        Err(error) => tracing::warn!(target: "mcp::server", %error, "listening"),
    }
    let site = service.site();
    let places = Arc::new(Semaphore::new(site.settings.connections.min(Semaphore::MAX_PERMITS)));
    let (stop, stopped) = watch::channel(());
    let builder = Arc::new(builder(&site.settings));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let place = match select(shutdown.as_mut(), pin!(Arc::clone(&places).acquire_owned())).await
        {
            Either::Right((Ok(place), _)) => place,
            // Nobody closes the semaphore.
            Either::Left(_) | Either::Right((Err(_), _)) => break,
        };
        let (stream, peer) = match select(shutdown.as_mut(), pin!(accept(&listener))).await {
            Either::Left(_) => break,
            Either::Right((accepted, _)) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let connection = Connection {
            service: service.clone(),
            peer,
            shows_peer: !site.proxies.is_empty(),
            activity: Arc::default(),
        };
        let (builder, settings) = (Arc::clone(&builder), Arc::clone(&site.settings));
        let stopped = stopped.clone();
        connections.spawn(async move {
            connection.serve(&builder, stream, &settings, stopped).await;
            drop(place);
        });
    }
    drop((listener, stop, stopped));
    site.settings.closing.close();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(site.drain_timeout, drained).await.is_err() {
        let left = connections.len();
        tracing::warn!(target: "mcp::server", left, "connections are cut off: the drain timeout is over");
        connections.shutdown().await;
    }
}

/// The next connection; a failure concerns one connection, or passes.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                // No descriptors or no memory are left: others have to be given back first.
                tracing::error!(target: "mcp::server", %error, "no connection can be accepted now");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn builder(settings: &Settings) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(Streams { stall: settings.write_stall });
    builder
        .http1()
        .timer(TokioTimer::new())
        // `Activity` bounds this time, without a timer for each request.
        .header_read_timeout(None)
        .max_headers(100)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_pending_accept_reset_streams(32)
        .max_local_error_reset_streams(128)
        .max_header_list_size(32 * 1024)
        .max_send_buf_size(64 * 1024)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// One connection as hyper sees it: a service of its requests.
struct Connection {
    service: HttpService,
    peer: SocketAddr,
    shows_peer: bool,
    activity: Arc<Activity>,
}

impl Connection {
    async fn serve(
        self,
        builder: &auto::Builder<Streams>,
        stream: TcpStream,
        settings: &Settings,
        mut stopped: watch::Receiver<()>,
    ) {
        socket::set_up(&stream, settings.write_stall);
        let activity = Arc::clone(&self.activity);
        let peer = self.peer;
        let io = TokioIo::new(Socket::new(stream, settings.write_stall));
        let mut connection = pin!(builder.serve_connection(io, self));
        // The sender is dropped to stop.
        let mut stop = pin!(async move { while stopped.changed().await.is_ok() {} }.fuse());
        let mut timer = pin!(tokio::time::sleep(settings.first_request));
        let mut ended = 0;
        let mut is_closing = false;
        let result = poll_fn(|cx| {
            if stop.as_mut().poll(cx).is_ready() {
                connection.as_mut().graceful_shutdown();
            }
            while timer.as_mut().poll(cx).is_ready() {
                match activity.is_idle(&mut ended) {
                    true if is_closing => return Poll::Ready(Ok(())),
                    true => {
                        // It may still say that it goes, which HTTP/2 does.
                        is_closing = true;
                        connection.as_mut().graceful_shutdown();
                        timer.as_mut().reset(Instant::now() + Duration::from_secs(1));
                    }
                    false => timer.as_mut().reset(Instant::now() + settings.connection_idle),
                }
            }
            connection.as_mut().poll(cx)
        });
        if let Err(error) = result.await {
            tracing::debug!(target: "mcp::server", %peer, error, "a connection failed");
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for Connection {
    type Response = Response<Tracked>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if self.shows_peer {
            request.extensions_mut().insert(Peer(self.peer));
        }
        let guard = Activity::begin(&self.activity);
        Answering { answer: self.service.clone().call(request), guard: Some(guard) }
    }
}

/// What goes on in a connection.
#[derive(Debug, Default)]
struct Activity {
    running: AtomicUsize,
    ended: AtomicUsize,
}

impl Activity {
    fn begin(this: &Arc<Self>) -> Guard {
        this.running.fetch_add(1, Ordering::Relaxed);
        Guard(Arc::clone(this))
    }

    /// Whether nothing went on since the last time somebody asked.
    fn is_idle(&self, seen: &mut usize) -> bool {
        let ended = self.ended.load(Ordering::Relaxed);
        let is_idle = self.running.load(Ordering::Relaxed) == 0 && ended == *seen;
        *seen = ended;
        is_idle
    }
}

/// One request, from its head to the end of its answer.
#[derive(Debug)]
struct Guard(Arc<Activity>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer to come.
struct Answering {
    answer: HttpFuture,
    guard: Option<Guard>,
}

impl Future for Answering {
    type Output = Result<Response<Tracked>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = std::task::ready!(Pin::new(&mut self.answer).poll(cx));
        let guard = self.guard.take();
        Poll::Ready(
            answer.map(|response| {
                response.map(|body| Tracked { body: Paced::new(body), _guard: guard })
            }),
        )
    }
}

/// The body of an answer; the request goes on for as long as it is there.
struct Tracked {
    body: Paced,
    _guard: Option<Guard>,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
