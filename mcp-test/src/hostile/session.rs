//! One connection for one hostile case.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use mcp_core::jsonrpc::ErrorCode;
use mcp_core::version::{Era, ProtocolVersion};
use mcp_core::{Principal, Tenant};
use mcp_server::Server;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, duplex,
    split,
};
use tokio::time::timeout;
use tracing::instrument::WithSubscriber as _;

use super::{Case, Expected};
use crate::client::said;
use crate::diff::cut;
use crate::error::Error;
use crate::journal::Journal;
use crate::message;
use crate::pair::{ROOM, serve};

/// Whom to attack, and as whom.
pub(super) struct Target {
    pub(super) server: Server,
    pub(super) principal: Option<Principal>,
    pub(super) tenant: Option<Tenant>,
    pub(super) profiles: Vec<String>,
}

impl Target {
    /// The tools as this caller sees them; `None` when the server does not speak this era, or not
    /// without a profile.
    pub(super) async fn tools(&self, era: Era) -> Result<Option<Vec<Value>>, Error> {
        let listed = self.connect(async |wire: &mut Wire| {
            if !wire.open(self, era).await? {
                return Ok(None);
            }
            let list = message::request(PROBE, "tools/list", json!({}));
            wire.send(&self.described(list, era)).await?;
            let answer = wire.answer(PROBE).await?;
            let code = answer.pointer("/error/code").and_then(Value::as_i64);
            if code.is_some_and(|code| NOT_AGREED.contains(&code)) {
                return Ok(None);
            }
            let tools = answer.pointer("/result/tools").and_then(Value::as_array);
            Ok(Some(tools.cloned().unwrap_or_default()))
        });
        listed.await.map_err(Error::Mismatch)
    }

    /// Sends one case and says what went wrong, if anything did.
    pub(super) async fn suffer(&self, era: Era, case: &Case) -> Option<String> {
        let suffered = self.connect(async |wire: &mut Wire| {
            wire.open(self, era).await?;
            wire.write(&self.asking(&case.bytes)).await?;
            let probe = match era {
                Era::Legacy => message::request(PROBE, "ping", json!({})),
                Era::Modern => {
                    self.described(message::request(PROBE, "server/discover", json!({})), era)
                }
            };
            wire.send(&probe).await?;
            let answer = wire.answer(PROBE).await?;
            if answer.get("result").is_none() {
                return Err(format!("afterwards it refused to go on: {}", short(&answer)));
            }
            // A call takes its time; what is answered at once has been answered by now.
            while wire.answers.is_empty() && wants_answer(&case.expected) {
                wire.read().await?;
            }
            judge(&case.expected, &wire.answers)
        });
        suffered.await.err()
    }

    /// Makes a modern request describe itself.
    fn described(&self, request: Value, era: Era) -> Value {
        if era == Era::Legacy {
            return request;
        }
        let mut request = message::modern(request);
        self.ask(&mut request);
        request
    }

    /// A case that asks for the profiles, if it is a modern request.
    fn asking<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.profiles.is_empty()
            && let Ok(mut message) = serde_json::from_slice(bytes)
            && self.ask(&mut message)
        {
            return Cow::Owned(format!("{message}\n").into_bytes());
        }
        Cow::Borrowed(bytes)
    }

    /// Asks for the profiles where a request declares no capabilities; says whether it did.
    fn ask(&self, request: &mut Value) -> bool {
        let declared = request.pointer_mut(CAPABILITIES).and_then(Value::as_object_mut);
        let Some(declared) = declared.filter(|declared| declared.is_empty()) else { return false };
        if !self.profiles.is_empty() {
            let requested = json!({ "requested": self.profiles });
            let extensions = json!({ mcp_core::profile::EXTENSION: requested });
            declared.insert("extensions".to_owned(), extensions);
        }
        true
    }

    /// Serves a connection for as long as something is done on it, and says what went wrong on
    /// either side.
    async fn connect<T>(
        &self,
        act: impl AsyncFnOnce(&mut Wire) -> Result<T, String>,
    ) -> Result<T, String> {
        let (near, far) = duplex(ROOM);
        let (reader, writer) = split(near);
        let journal = Journal::default();
        let served = serve(self.server.clone(), self.principal.clone(), self.tenant.clone(), far);
        let served = AssertUnwindSafe(served).catch_unwind().with_subscriber(journal.tap());
        let served = async {
            match timeout(PATIENCE, served).await {
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(error))) => Err(format!("the server failed: {error}")),
                Ok(Err(panic)) => Err(format!("the server panicked: {}", said(panic.as_ref()))),
                Err(_) => Err(format!("the server still ran after {PATIENCE:?}")),
            }
        };
        let acted = async move {
            let mut wire =
                Wire { lines: BufReader::new(reader).lines(), writer, answers: Vec::new() };
            timeout(PATIENCE, act(&mut wire))
                .await
                .unwrap_or_else(|_| Err(format!("no answer came within {PATIENCE:?}")))
        };
        let (acted, served) = tokio::join!(acted, served);
        served?;
        match journal.panics() {
            none if none.is_empty() => acted,
            panics => Err(panics.join("; ")),
        }
    }
}

/// The client's end of a connection.
struct Wire {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    /// What came besides answers to the client's own requests.
    answers: Vec<Value>,
}

impl Wire {
    /// Does what comes first in this era; false when the server does not speak it.
    async fn open(&mut self, target: &Target, era: Era) -> Result<bool, String> {
        let begin = match era {
            Era::Legacy => {
                let mut begin = message::initialize(PROBE, &ProtocolVersion::LATEST_LEGACY);
                if !target.profiles.is_empty() {
                    begin["params"]["requestedProfiles"] = json!(target.profiles);
                }
                begin
            }
            Era::Modern => {
                target.described(message::request(PROBE, "server/discover", json!({})), era)
            }
        };
        self.send(&begin).await?;
        let answer = self.answer(PROBE).await?;
        if answer.get("result").is_none() {
            return Ok(false);
        }
        if era == Era::Legacy {
            self.send(&message::notification("notifications/initialized", json!({}))).await?;
        }
        Ok(true)
    }

    async fn send(&mut self, message: &Value) -> Result<(), String> {
        self.write(format!("{message}\n").as_bytes()).await
    }

    /// Writes, and reads meanwhile: a server may answer before it reads on.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Self { lines, writer, answers } = self;
        let written = async {
            writer.write_all(bytes).await?;
            writer.flush().await
        };
        let mut written = std::pin::pin!(written);
        loop {
            let line = std::pin::pin!(lines.next_line());
            match futures_util::future::select(written.as_mut(), line).await {
                futures_util::future::Either::Left((written, _)) => {
                    return written.map_err(|_| GONE.to_owned());
                }
                futures_util::future::Either::Right((line, _)) => answers.push(parsed(line)?),
            }
        }
    }

    /// Reads one line.
    async fn read(&mut self) -> Result<(), String> {
        let message = parsed(self.lines.next_line().await)?;
        self.answers.push(message);
        Ok(())
    }

    /// Reads on to the answer with this id, which is taken out.
    async fn answer(&mut self, id: &str) -> Result<Value, String> {
        loop {
            let found = self.answers.iter().position(|answer| answer["id"] == id);
            if let Some(at) = found {
                return Ok(self.answers.remove(at));
            }
            self.read().await?;
        }
    }
}

fn parsed(line: std::io::Result<Option<String>>) -> Result<Value, String> {
    match line {
        Ok(Some(line)) => serde_json::from_str(&line)
            .map_err(|_| format!("it wrote what is no JSON: {}", cut(&line))),
        Ok(None) => Err(GONE.to_owned()),
        Err(error) => Err(format!("it wrote what is no text: {error}")),
    }
}

fn wants_answer(expected: &Expected) -> bool {
    !matches!(expected, Expected::Ignored | Expected::Survived)
}

/// Whether what came is what is due.
fn judge(expected: &Expected, came: &[Value]) -> Result<(), String> {
    let all = came.iter().flat_map(|line| match line {
        Value::Array(batch) => batch.iter().collect::<Vec<_>>(),
        message => vec![message],
    });
    // What the server has to say by itself is no answer.
    let answers: Vec<&Value> = all.filter(|message| message.get("method").is_none()).collect();
    let code = |answer: &Value| answer.pointer("/error/code").and_then(Value::as_i64);
    if let Some(internal) = answers.iter().find(|answer| code(answer) == Some(INTERNAL_ERROR)) {
        return Err(format!("it was at a loss: {}", short(internal)));
    }
    let fits = match (expected, &answers[..]) {
        (Expected::Survived, _) | (Expected::Ignored, []) | (Expected::Answered, [_]) => true,
        (Expected::Refused(codes), [answer]) => {
            code(answer).is_some_and(|code| codes.contains(&code))
        }
        (Expected::Failed, [answer]) => {
            code(answer).is_some() || answer.pointer("/result/isError") == Some(&Value::Bool(true))
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let came: Vec<String> = answers.iter().take(4).map(|answer| short(answer)).collect();
    let came = if came.is_empty() { "nothing".to_owned() } else { came.join(" and ") };
    Err(format!("expected {expected}, got {came}"))
}

fn short(message: &Value) -> String {
    cut(&crate::canonical::line(message)).chars().take(300).collect()
}

/// Where a modern request declares capabilities.
const CAPABILITIES: &str = "/params/_meta/io.modelcontextprotocol~1clientCapabilities";
/// The id of the client's own requests.
const PROBE: &str = "mcp-test";
/// What a server says that demands a profile: it was not asked for, or cannot be had.
const NOT_AGREED: [i64; 2] =
    [ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY.0, ErrorCode::PROFILES_NOT_AGREED.0];
const INTERNAL_ERROR: i64 = ErrorCode::INTERNAL_ERROR.0;
const GONE: &str = "it closed the connection";
/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(60);
