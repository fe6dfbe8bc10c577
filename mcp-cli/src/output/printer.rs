//! The one way to standard output and standard error.
//!
//! A thread writes, so that a pipe that nobody reads holds up neither the connection nor Ctrl-C.
//! Whoever closed a pipe does not want to read it: that is no error.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use tokio::sync::oneshot;

/// A handle to the thread that writes; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    pieces: Sender<Piece>,
    /// How many bytes of the trace wait.
    waiting: Arc<AtomicUsize>,
    /// How many messages were left out because too much waited.
    left_out: Arc<AtomicUsize>,
}

#[derive(Debug)]
enum Piece {
    Out(Vec<u8>),
    Err(String),
    Trace(String),
    Flush(oneshot::Sender<()>),
}

impl Printer {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (pieces, queue) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left_out = Arc::new(AtomicUsize::new(0));
        let printer = Self { pieces, waiting: Arc::clone(&waiting), left_out };
        let left_out = Arc::clone(&printer.left_out);
        let write = move || write(&queue, &waiting, &left_out);
        thread::Builder::new().name("printer".into()).spawn(write)?;
        Ok(printer)
    }

    /// Writes to standard output.
    pub(crate) fn out(&self, text: impl Into<Vec<u8>>) {
        self.send(Piece::Out(text.into()));
    }

    /// Writes to standard error.
    pub(crate) fn err(&self, text: impl Into<String>) {
        self.send(Piece::Err(text.into()));
    }

    /// Writes to standard error what may be left out if nobody reads it.
    pub(crate) fn trace(&self, text: String) {
        let waiting = self.waiting.fetch_add(text.len(), Ordering::Relaxed);
        if waiting > MOST_WAITING {
            self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.send(Piece::Trace(text));
    }

    /// Waits until all is written.
    pub(crate) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        self.send(Piece::Flush(done));
        // Without the thread nothing is left to wait for.
        let _ = wait.await;
    }

    fn send(&self, piece: Piece) {
        // The thread ends only when nobody has a handle.
        let _ = self.pieces.send(piece);
    }
}

fn write(queue: &Receiver<Piece>, waiting: &AtomicUsize, left_out: &AtomicUsize) {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    while let Ok(piece) = queue.recv() {
        let written = match piece {
            Piece::Out(bytes) => out.write_all(&bytes).and_then(|()| out.flush()),
            Piece::Err(text) => err.write_all(text.as_bytes()),
            Piece::Trace(text) => {
                let written = err.write_all(text.as_bytes());
                waiting.fetch_sub(text.len(), Ordering::Relaxed);
                match left_out.swap(0, Ordering::Relaxed) {
                    0 => written,
                    count => writeln!(err, "… {count} messages were not shown"),
                }
            }
            Piece::Flush(done) => {
                let _ = done.send(());
                Ok(())
            }
        };
        drop(written);
    }
}

/// How much of the trace may wait to be written.
const MOST_WAITING: usize = 16 << 20;
