//! Connections: accepting them, HTTP over them, and their end.
//!
//! One task serves a connection (HTTP/2 has one more for each request). Whatever a peer can hold is
//! bounded: connections, headers, requests of one connection, and time.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::{Extensions, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower_service::Service;

use super::pace::{Paced, Streams};
use super::settings::Settings;
use super::socket::Socket;
use super::{Accept, Accepted, BoxError, Peer};

/// What is served over the connections.
pub(crate) struct Serving<S> {
    pub(crate) service: S,
    /// Whether it wants to know about its connections.
    pub(crate) wants_extensions: bool,
    pub(crate) settings: Arc<Settings>,
    pub(crate) drain_timeout: Duration,
}

/// Accepts connections until `shutdown` completes, and lets those that are there come to an end.
pub(crate) async fn serve<L, S, B>(
    listener: L,
    serving: Serving<S>,
    shutdown: impl Future<Output = ()>,
) where
    L: Accept,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Serving { service, wants_extensions, settings, drain_timeout } = serving;
    let listener = Arc::new(listener);
    let places = Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)));
    let (stop, stopped) = watch::channel(());
    let builder = Arc::new(builder(&settings));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let place = match select(shutdown.as_mut(), pin!(Arc::clone(&places).acquire_owned())).await
        {
            Either::Right((Ok(place), _)) => place,
            // Nobody closes the semaphore.
            Either::Left(_) | Either::Right((Err(_), _)) => break,
        };
        let stream = match select(shutdown.as_mut(), pin!(accept(&*listener))).await {
            Either::Left(_) => break,
            Either::Right((accepted, _)) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let (builder, settings) = (Arc::clone(&builder), Arc::clone(&settings));
        let (listener, service) = (Arc::clone(&listener), service.clone());
        let stopped = stopped.clone();
        connections.spawn(async move {
            let Some(accepted) = establish(&*listener, stream, &settings, &stopped).await else {
                return drop(place);
            };
            drop(listener);
            let Accepted { io, extensions } = accepted;
            let extensions = if wants_extensions { extensions } else { Extensions::new() };
            let connection = Connection { service, extensions, activity: Arc::default() };
            connection.serve(&builder, io, &settings, stopped).await;
            drop(place);
        });
    }
    drop((listener, stop, stopped));
    settings.closing.close();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain_timeout, drained).await.is_err() {
        let left = connections.len();
        tracing::warn!(target: "mcp::server", left, "connections are cut off: the drain timeout is over");
        connections.shutdown().await;
    }
}

/// The next connection; a failure concerns one connection, or passes.
async fn accept<L: Accept>(listener: &L) -> L::Stream {
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

/// Lets a handshake happen, for as long as a first request may take to come, unless the service
/// stops.
async fn establish<L: Accept>(
    listener: &L,
    stream: L::Stream,
    settings: &Settings,
    stopped: &watch::Receiver<()>,
) -> Option<Accepted<L::Io>> {
    let established = tokio::time::timeout(settings.first_request, listener.establish(stream));
    let mut stopped = stopped.clone();
    // The sender is dropped to stop.
    let stop = async move { while stopped.changed().await.is_ok() {} };
    let error = match select(pin!(established), pin!(stop)).await {
        Either::Left((Ok(Ok(accepted)), _)) => return Some(accepted),
        Either::Left((Ok(Err(error)), _)) => error,
        Either::Left((Err(_), _)) => io::ErrorKind::TimedOut.into(),
        Either::Right(_) => return None,
    };
    tracing::debug!(target: "mcp::server", %error, "a connection could not be established");
    None
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
struct Connection<S> {
    service: S,
    /// What is known about the connection.
    extensions: Extensions,
    activity: Arc<Activity>,
}

impl<S, B> Connection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    async fn serve<I>(
        self,
        builder: &auto::Builder<Streams>,
        io: I,
        settings: &Settings,
        mut stopped: watch::Receiver<()>,
    ) where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::clone(&self.activity);
        let peer = self.extensions.get::<Peer>().map(|peer| peer.0);
        let io = TokioIo::new(Socket::new(io, settings.write_stall));
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
            tracing::debug!(target: "mcp::server", ?peer, error, "a connection failed");
        }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Connection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<Tracked<B>>;
    type Error = Infallible;
    type Future = Answering<S, S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if !self.extensions.is_empty() {
            request.extensions_mut().extend(self.extensions.clone());
        }
        let guard = Some(Activity::begin(&self.activity));
        Answering { service: self.service.clone(), request: Some(request), answer: None, guard }
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

pin_project! {
    /// An answer to come.
    struct Answering<S, F> {
        service: S,
        // The request, until the service is ready for it.
        request: Option<Request<Incoming>>,
        #[pin]
        answer: Option<F>,
        guard: Option<Guard>,
    }
}

impl<S, B> Future for Answering<S, S::Future>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
{
    type Output = Result<Response<Tracked<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.request.is_some() {
            let Ok(()) = ready!(this.service.poll_ready(cx));
            if let Some(request) = this.request.take() {
                this.answer.set(Some(this.service.call(request)));
            }
        }
        let Some(answer) = this.answer.as_pin_mut() else { return Poll::Pending };
        let Ok(response) = ready!(answer.poll(cx));
        let guard = this.guard.take();
        Poll::Ready(Ok(response.map(|body| Tracked { body: Paced::new(body), _guard: guard })))
    }
}

pin_project! {
    /// The body of an answer; the request goes on for as long as it is there.
    struct Tracked<B> {
        #[pin]
        body: Paced<B>,
        _guard: Option<Guard>,
    }
}

impl<B: Body<Data = Bytes>> Body for Tracked<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
