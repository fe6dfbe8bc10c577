//! A tap between a client and a server: it passes everything on, and keeps what the client says.
//!
//! Knows neither HTTP nor MCP, but for the words that tests look for.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A tap in front of a server; it ends with the value, and so do the connections through it.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    _tasks: JoinSet<()>,
}

impl Tap {
    /// Listens at a free port, and connects to `server` for whoever comes.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub async fn before(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let heard = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let mut tasks = JoinSet::new();
        let all = Arc::clone(&heard);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else { continue };
                connections.spawn(pass_on(client, server, Arc::clone(&all)));
            }
        });
        Ok(Self { address, heard, _tasks: tasks })
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every byte that clients have sent so far, connection by connection.
    pub fn heard(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect::<Vec<_>>().join("\n")
    }

    /// What was asked for, in a few words each: method and path, and the method of MCP if there is one.
    pub fn requests(&self) -> Vec<String> {
        let heard = self.heard();
        let mut requests = Vec::new();
        let mut ends = heard.match_indices(" HTTP/1.1\r\n").map(|(at, _)| at).peekable();
        while let Some(end) = ends.next() {
            let begin = heard[..end].rfind(['\n', '}']).map_or(0, |at| at + 1);
            let rest = &heard[end..ends.peek().map_or(heard.len(), |next| *next)];
            let asked = rest.split_once("\"method\":\"").and_then(|(_, rest)| rest.split_once('"'));
            let asked = asked.map(|(method, _)| format!(" {method}")).unwrap_or_default();
            requests.push(format!("{}{asked}", &heard[begin..end]));
        }
        requests
    }
}

/// Copies both ways until one of them ends.
async fn pass_on(client: TcpStream, server: TcpStream, heard: Arc<Mutex<Vec<Vec<u8>>>>) {
    let (client_reads, mut client_writes) = client.into_split();
    let (mut server_reads, server_writes) = server.into_split();
    let place = {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Vec::new());
        heard.len() - 1
    };
    let keep = |bytes: &[u8]| {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard[place].extend_from_slice(bytes);
    };
    tokio::select! {
        _ = copy(&mut server_reads, &mut client_writes) => {}
        _ = listen_in(client_reads, server_writes, keep) => {}
    }
}

async fn listen_in(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    keep: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        // Before it is passed on: what was answered has been heard.
        keep(&chunk[..read]);
        to.write_all(&chunk[..read]).await?;
    }
}
