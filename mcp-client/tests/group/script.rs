//! Servers that are shell scripts, and what the tests know of their processes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mcp_client::group::{ClientGroupBuilder, GroupChanges, Restarts, Status};
use mcp_client::{ClientGroup, Config};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Answers requests until its input ends. `$TOOLS` are the names of its tools; `$TOOL` was called.
///
/// Of the methods `on_call` is left to each script; the default answers with the name of the tool.
const SERVER: &str = r#"
echo $$ >> pids
tell() { printf '%s\n' "$1"; }
result() { tell "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":$1}"; }
text() { result "{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]}"; }
changed() { tell "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"$1}"; }
on_call() { text "$TOOL"; }
on_list() { :; }
list() {
    ALL=
    for TOOL in $TOOLS; do
        ALL="$ALL${ALL:+,}{\"name\":\"$TOOL\",\"inputSchema\":{\"type\":\"object\"}}"
    done
    result "{\"tools\":[$ALL]}"
}
CAPABILITIES='{"tools":{"listChanged":true},"prompts":{},"resources":{}}'
serve() {
    while read -r LINE; do
        ID=${LINE#*\"id\":}; ID=${ID%%[,\}]*}
        case $LINE in
        *'"server/discover"'*)
            result "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":$CAPABILITIES,\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"$NAME\",\"version\":\"1\"}}}";;
        *'"initialize"'*)
            result "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":$CAPABILITIES,\"serverInfo\":{\"name\":\"$NAME\",\"version\":\"1\"}}";;
        *'"subscriptions/listen"'*)
            META="\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":$ID}"
            tell "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{$META,\"notifications\":{\"toolsListChanged\":true}}}";;
        *'"tools/list"'*) list; on_list;;
        *'"tools/call"'*) TOOL=${LINE##*\"name\":\"}; TOOL=${TOOL%%\"*}; on_call;;
        *'"prompts/list"'*) result '{"prompts":[{"name":"recap"}]}';;
        *'"prompts/get"'*) result '{"messages":[{"role":"user","content":{"type":"text","text":"so far"}}]}';;
        *'"resources/list"'*) result '{"resources":[{"uri":"film://a","name":"a"}]}';;
        *'"resources/read"'*) result '{"contents":[{"uri":"film://a","text":"words"}]}';;
        *'"id":'*) tell "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":{\"code\":-32601,\"message\":\"unknown\"}}";;
        esac
    done
}
"#;

/// A folder with a configuration, and one for each server in it.
pub(crate) struct Scripts {
    folder: TempDir,
    servers: Value,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), servers: json!({}) }
    }

    /// Adds a server that serves; `before` may define its functions anew.
    pub(crate) fn serving(self, name: &str, tools: &str, before: &str) -> Self {
        let script = format!("{SERVER}\nNAME={name}\nTOOLS='{tools}'\n{before}\nserve");
        self.entry(name, json!({ "command": "/bin/sh", "args": ["-c", escaped(&script)] }))
    }

    /// Adds a server that is any script.
    pub(crate) fn script(self, name: &str, script: &str) -> Self {
        let script = format!("echo $$ >> pids\n{script}");
        self.entry(name, json!({ "command": "/bin/sh", "args": ["-c", escaped(&script)] }))
    }

    /// Adds an entry as it is, with a folder of its own to start in.
    pub(crate) fn entry(mut self, name: &str, mut entry: Value) -> Self {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        if entry.get("command").is_some() {
            entry["cwd"] = json!(folder);
        }
        self.servers[name] = entry;
        self
    }

    /// Sets one key of an entry.
    pub(crate) fn with(mut self, name: &str, key: &str, value: Value) -> Self {
        self.servers[name][key] = value;
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.servers.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn config(&self) -> Config {
        Config::from_file(self.file()).unwrap()
    }

    pub(crate) fn file(&self) -> PathBuf {
        let path = self.folder.path().join("mcp.json");
        std::fs::write(&path, json!({ "mcpServers": self.servers }).to_string()).unwrap();
        path
    }

    pub(crate) fn builder(&self) -> ClientGroupBuilder {
        ClientGroup::builder("viewer", "1.0").config(self.config()).restarts(AT_ONCE).wait(LONG)
    }

    pub(crate) async fn connect(&self) -> ClientGroup {
        within(self.builder().connect()).await.unwrap()
    }

    /// The processes that were started for a server, oldest first.
    pub(crate) fn pids(&self, name: &str) -> Vec<u32> {
        let text = std::fs::read_to_string(self.folder.path().join(name).join("pids"));
        text.unwrap_or_default().lines().map(|pid| pid.parse().unwrap()).collect()
    }

    /// Whether all processes of a server have ended.
    pub(crate) fn all_gone(&self, name: &str) -> bool {
        let pids = self.pids(name);
        !pids.is_empty() && !pids.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists())
    }
}

/// Restarts without delay.
pub(crate) const AT_ONCE: Restarts = Restarts {
    attempts: 3,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(1),
    healthy_after: Duration::from_secs(60),
};
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Waits for a status.
pub(crate) async fn until(
    changes: &mut GroupChanges,
    server: &str,
    is: impl Fn(&Status) -> bool,
) -> Status {
    let found = async {
        loop {
            let mut all = changes.next().await.expect("the group is over");
            if let Some(status) = all.remove(server).filter(&is) {
                return status;
            }
        }
    };
    within(found).await
}

pub(crate) fn tools(group: &ClientGroup) -> Vec<String> {
    group.tools().iter().map(|tool| tool.name.clone()).collect()
}

pub(crate) async fn called(group: &ClientGroup, tool: &str) -> Result<String, String> {
    let result = within(group.call_tool(tool, ())).await.map_err(|error| error.to_string())?;
    Ok(result.content[0].as_text().unwrap().to_owned())
}

/// Tests of processes run in real time; this is only so that a failure ends.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

/// Waits for an event that nobody announces: the system forgets a process.
pub(crate) async fn eventually(mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(wait).await;
}

/// A script as a configuration writes it.
fn escaped(script: &str) -> String {
    script.replace("${", "$${")
}
