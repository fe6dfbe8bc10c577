//! The access log: a line of JSON for each request, with what it asked of MCP.
//!
//! It is the outermost layer, so what others refuse is in it too. Methods are read from the body as
//! it passes, because headers tell them in the modern era only. What a request says besides
//! (arguments, tokens) stays out of the log.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;
use mcp_server::Principal;
use serde::{Deserialize, Serialize};

/// Where the lines go; cloning gives another handle to it.
#[derive(Clone)]
pub struct AccessLog(Arc<Mutex<Box<dyn Write + Send>>>);

/// A request and how it was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When it came, in milliseconds since 1970.
    pub time: u64,
    /// The host that it named; the first, if it named several.
    pub host: String,
    /// The HTTP method and the path.
    pub request: String,
    /// The MCP methods that it asked for: one, or those of a batch.
    pub methods: Vec<String>,
    /// Who sent it, if that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// How long it took until the answer began, in milliseconds.
    pub milliseconds: u64,
}

impl AccessLog {
    /// A log that is written there.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(writer))))
    }

    /// A log at the end of this file.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn append(path: &Path) -> io::Result<Self> {
        Ok(Self::new(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Writes a line at once. It is short, and there is nobody to tell if that fails.
    fn write(&self, line: &Line) {
        let Ok(mut json) = serde_json::to_vec(line) else { return };
        json.push(b'\n');
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.write_all(&json).and_then(|()| writer.flush());
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessLog").finish_non_exhaustive()
    }
}

/// Writes a line about a request when its answer begins.
pub async fn log(State(log): State<AccessLog>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    // HTTP/2 names it in the target.
    let target = request.uri().authority().map(|host| host.as_str().as_bytes());
    let host = request.headers().get(HOST).map(|host| host.as_bytes()).or(target);
    let host = String::from_utf8_lossy(host.unwrap_or_default());
    let host = host.chars().take(LONGEST_NAME).collect();
    let path: String = request.uri().path().chars().take(LONGEST_NAME).collect();
    let line = format!("{} {path}", request.method());
    let heard = Heard::default();
    let listening = heard.clone();
    let request = request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                listening.hear(data);
            }
            frame
        }))
    });
    let response = next.run(request).await;
    log.write(&Line {
        time: u64::try_from(time).unwrap_or(u64::MAX),
        host,
        request: line,
        methods: heard.methods(),
        caller: response.extensions().get::<Principal>().map(ToString::to_string),
        status: response.status().as_u16(),
        milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    response
}

/// The beginning of a body, as long as it may still be read.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    fn hear(&self, data: &Bytes) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = (LONGEST_BODY + 1).saturating_sub(heard.len());
        heard.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// The methods in it; none if it is too long or says nothing like that.
    fn methods(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Message {
            method: Option<String>,
        }
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let messages: Vec<Message> = match heard.first() {
            Some(_) if heard.len() > LONGEST_BODY => return vec!["(long)".to_owned()],
            Some(b'[') => serde_json::from_slice(&heard).unwrap_or_default(),
            Some(_) => serde_json::from_slice(&heard).map(|one| vec![one]).unwrap_or_default(),
            None => Vec::new(),
        };
        let methods = messages.into_iter().filter_map(|message| message.method);
        methods.map(|method| method.chars().take(LONGEST_NAME).collect()).collect()
    }
}

const LONGEST_BODY: usize = 64 << 10;
const LONGEST_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(portions: &[&[u8]]) -> Vec<String> {
        let heard = Heard::default();
        portions.iter().for_each(|portion| heard.hear(&Bytes::copy_from_slice(portion)));
        heard.methods()
    }

    #[test]
    fn methods_are_read_from_whatever_passed() {
        assert_eq!(methods(&[br#"{"id":1,"meth"#, br#"od":"ping"}"#]), ["ping"]);
        assert_eq!(
            methods(&[br#"[{"method":"a"},{"id":2,"result":{}},{"method":"b"}]"#]),
            ["a", "b"]
        );
        assert!(methods(&[]).is_empty());
        assert!(methods(&[b"{\"method\":"]).is_empty());
        assert_eq!(methods(&[&vec![b'x'; LONGEST_BODY], b"yy"]), ["(long)"]);
    }
}
