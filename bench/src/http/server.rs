//! A server as a child process, with a processor of its own.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::process::Apart;

/// A running server; it ends with this value.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts a server and waits until it says where it listens.
    pub(super) fn start(command: &[String], apart: &Apart) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = apart.spawn(&mut command)?;
        let output = child.stdout.take().expect("the output was asked for as a pipe");
        let mut line = String::new();
        let said = BufReader::new(output).read_line(&mut line);
        let address = said.and_then(|_| {
            let problem = |_| io::Error::other(format!("{program} does not say where it listens"));
            line.trim().parse().map_err(problem)
        });
        match address {
            Ok(address) => Ok(Self { child, address }),
            Err(error) => {
                // It is of no use; if it has ended already, so much the better.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then both fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
