//! The ways to reach a server.
//!
//! A transport moves bytes and knows when the other side is gone. It does not
//! know what the bytes mean: messages, versions and profiles belong to the
//! layers above.

pub mod child_process;
mod io;
mod link;

pub use child_process::{ChildProcess, SpawnError, Stderr};
pub use io::Io;
pub(crate) use io::{Reader, Writer};
pub(crate) use link::{LastWords, Link, Process};

/// What [`ClientBuilder::connect`](crate::ClientBuilder::connect) takes: a way to reach a server.
///
/// [`ChildProcess`] starts the server and can start it again; [`Io`] is any pair of byte streams.
pub trait IntoTransport {
    /// Makes the transport; nothing is started or sent.
    fn into_transport(self) -> Transport;
}

/// A way to reach a server, made by [`IntoTransport`].
#[derive(Debug)]
pub struct Transport(Kind);

#[derive(Debug)]
enum Kind {
    Child(Box<ChildProcess>),
    Io(Io),
}

impl IntoTransport for Transport {
    fn into_transport(self) -> Transport {
        self
    }
}

impl IntoTransport for ChildProcess {
    fn into_transport(self) -> Transport {
        Transport(Kind::Child(Box::new(self)))
    }
}

impl IntoTransport for Io {
    fn into_transport(self) -> Transport {
        Transport(Kind::Io(self))
    }
}
