//! A server in a runtime of its own, and what it holds.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use mcp_server::http::HttpService;
use mcp_server::{CallContext, Progress, Server, Tool};
use mcp_tests::pipe::PATIENCE;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;

/// A server that runs until this is dropped.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    /// How many handlers run.
    handlers: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
    _alone: MutexGuard<'static, ()>,
}

/// What a server holds, and the process in which it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) tasks: usize,
    pub(crate) handlers: usize,
    pub(crate) files: usize,
}

impl Rig {
    /// Begins to serve; `meeting` callers of the tool `meet` wait for each other.
    pub(crate) fn new(meeting: usize, change: impl FnOnce(HttpService) -> HttpService) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = getrlimit(Resource::Nofile);
        let limit = Rlimit { current: limit.maximum, maximum: limit.maximum };
        setrlimit(Resource::Nofile, limit).expect("as many open files as are allowed");

        let handlers = Arc::<AtomicUsize>::default();
        let service = change(HttpService::new(server(meeting, &handlers)));
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { service.serve(listener).await });
        Self { address, handlers, runtime: Some(runtime), _alone: alone }
    }

    pub(crate) fn held(&self) -> Held {
        let runtime = self.runtime.as_ref().expect("it is there until the end");
        Held {
            tasks: runtime.metrics().num_alive_tasks(),
            handlers: self.handlers.load(Ordering::SeqCst),
            files: fs::read_dir("/proc/self/fd").unwrap().count(),
        }
    }

    /// Waits until the server holds what it should.
    pub(crate) fn until(&self, wanted: impl Fn(&Held) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.held()) {
            assert!(Instant::now() < end, "it still holds {:?}", self.held());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

/// How much memory this process has, in KiB.
pub(crate) fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A runtime for clients.
pub(crate) fn clients<T>(work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
    done.expect("it does not take so long")
}

fn server(meeting: usize, handlers: &Arc<AtomicUsize>) -> Server {
    let echo = Tool::new("echo").params(["text"]).handler(async |text: String| text);
    let running = Arc::clone(handlers);
    let endless = Tool::new("endless").handler(move |context: CallContext| {
        let running = Running::new(&running);
        async move {
            let _running = running;
            for step in 1.. {
                context.report(Progress::new(f64::from(step))).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            "never"
        }
    });
    let running = Arc::clone(handlers);
    let flood = Tool::new("flood").handler(move |context: CallContext| {
        let running = Running::new(&running);
        async move {
            let _running = running;
            let text = "x".repeat(32 * 1024);
            for step in 1.. {
                context.report(Progress::new(f64::from(step)).message(text.clone())).await;
                tokio::task::yield_now().await;
            }
            "never"
        }
    });
    let barrier = Arc::new(Barrier::new(meeting));
    let meet = Tool::new("meet").handler(move || {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            "met"
        }
    });
    let server = Server::builder("soak", "1.0").tool(echo).tool(endless).tool(flood).tool(meet);
    server.build().unwrap()
}

/// One handler that runs.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn new(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(all))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
