//! The command `mcp` against the reference servers and `everything-server`.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::reference_servers::reference_script;
use crate::{folder, server_program};

#[test]
fn every_server_is_discovered_and_listed() {
    let Some(servers) = Server::all() else { return };
    for server in servers {
        let desk = Desk::new();
        let known = desk.run(&server, &["discover", "--json"]);
        assert!(known["server"]["name"].is_string() || known.is_object(), "{known}");
        let tools = desk.run(&server, &["tools", "--json"]);
        let tools = tools.as_array().or_else(|| tools["tools"].as_array()).expect("a list");
        assert!(tools.len() >= 9, "{}: {tools:?}", server.name);
    }
}

#[test]
fn both_servers_with_everything_do_the_same() {
    let Some(servers) = Server::with_everything() else { return };
    for server in servers {
        let says = |words: &[&str], wanted: &str| {
            let done = Desk::new().output(&server, words);
            let said = String::from_utf8_lossy(&done.stdout);
            let complaint = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{words:?}: {said}\n{complaint}");
            assert!(said.contains(wanted), "{words:?}: {said}\n{complaint}");
        };
        says(&["call", "echo", "message=hello"], "Echo: hello");
        says(&["call", "get-sum", "a:=1", "b:=2"], "The sum of 1 and 2 is 3.");
        says(&["call", "get-structured-content", "location=Chicago"], "humidity");
        says(&["call", "get-tiny-image"], "image/png");
        says(&["call", "trigger-elicitation-request", "--answer", r#"{"name":"Ada"}"#], "Ada");
        says(&["resources"], "demo://resource/static/document/");
        says(&["templates"], "demo://resource/dynamic/text/{resourceId}");
        says(&["read", "demo://resource/dynamic/text/3"], "Resource 3");
        says(&["prompts"], "completable-prompt");
        says(&["prompt", "args-prompt", "city=Paris"], "What's weather in Paris?");
        says(&["complete", "completable-prompt", "name", "E", "--with", "department=Sales"], "Eve");
    }
}

#[test]
fn nothing_is_found_wrong_with_everything_server() {
    let server = Server::ours();
    let found = Desk::new().run(&server, &["check", "--json"]);
    assert_eq!(found["findings"], serde_json::json!([]), "{found}");
}

#[test]
fn progress_is_shown() {
    let Some(servers) = Server::with_everything() else { return };
    for server in servers {
        let call = ["call", "trigger-long-running-operation", "duration:=0.4", "steps:=4", "-v"];
        let done = Desk::new().output(&server, &call);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{}: {said}", server.name);
        let steps = said.lines().filter(|line| line.contains("notifications/progress")).count();
        assert_eq!(steps, 4, "{}: {said}", server.name);
    }
}

#[test]
fn files_are_written_and_read() {
    let Some(server) = Server::reference("server-filesystem") else { return };
    let desk = Desk::new();
    let server = server.with(desk.path());
    let file = desk.path().canonicalize().unwrap().join("notes.txt");
    let path = format!("path={}", file.display());
    let done = desk.output(&server, &["call", "write_file", &path, "content=hello"]);
    assert!(done.status.success(), "{done:?}");
    let done = desk.output(&server, &["call", "read_text_file", &path]);
    assert!(String::from_utf8_lossy(&done.stdout).contains("hello"), "{done:?}");
}

#[test]
fn ctrl_c_cancels_the_call_and_ends_the_whole_tree_within_two_seconds() {
    let Some(servers) = Server::with_everything() else { return };
    let Some(wrapped) = Server::through_npx("mcp-server-everything") else { return };
    for server in servers.into_iter().chain([wrapped]) {
        let desk = Desk::new();
        let call = ["call", "trigger-long-running-operation", "duration:=60", "steps:=600", "-v"];
        let mut mcp = desk.start(&server, &call);
        let mut lines = BufReader::new(mcp.stderr.take().unwrap()).lines();
        let progress = |line: &String| line.contains("notifications/progress");
        lines.find(|line| progress(line.as_ref().unwrap())).expect("progress is shown").unwrap();
        interrupt(&mcp);
        let start = Instant::now();
        let code = mcp.wait().unwrap().code();
        assert!(start.elapsed() < Duration::from_secs(2), "{}: {:?}", server.name, start.elapsed());
        assert_eq!(code, Some(130), "{}", server.name);
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        let cancelled = rest.iter().filter(|line| line.contains("notifications/cancelled")).count();
        assert_eq!(cancelled, 1, "{}: {rest:#?}", server.name);
        desk.is_left_empty();
    }
}

/// A server that `mcp` starts.
struct Server {
    name: String,
    command: Vec<OsString>,
}

impl Server {
    fn all() -> Option<Vec<Self>> {
        let mut servers = Self::with_everything()?;
        servers.push(Self::reference("server-memory")?);
        servers.push(Self::reference("server-filesystem")?.with(std::env::temp_dir().as_path()));
        Some(servers)
    }

    /// The reference server and ours, whose items have the same names.
    fn with_everything() -> Option<Vec<Self>> {
        Some(vec![Self::reference("server-everything")?, Self::ours()])
    }

    fn ours() -> Self {
        let program = server_program("everything-server").into_os_string();
        Self { name: "everything-server".to_owned(), command: vec![program] }
    }

    fn reference(name: &str) -> Option<Self> {
        let script = reference_script(name)?.into_os_string();
        Some(Self { name: name.to_owned(), command: vec!["node".into(), script] })
    }

    /// A reference server as configurations mostly have it: npx starts a shell, which starts Node.js.
    fn through_npx(program: &str) -> Option<Self> {
        let command = [
            "npx".into(),
            "--no-install".into(),
            "--prefix".into(),
            folder()?.into(),
            program.into(),
        ];
        Some(Self { name: format!("npx {program}"), command: command.into() })
    }

    fn with(mut self, argument: &Path) -> Self {
        self.command.push(argument.into());
        self
    }
}

/// A folder of its own for each run: the server inherits it, so that its processes can be found.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, server: &Server, words: &[&str]) -> Command {
        let mut command = Command::new(server_program("mcp"));
        command.current_dir(self.path()).args(words).arg("--").args(&server.command);
        command.env_remove("MCP_CONFIG").stdin(Stdio::null());
        command
    }

    fn start(&self, server: &Server, words: &[&str]) -> Child {
        let mut command = self.command(server, words);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn output(&self, server: &Server, words: &[&str]) -> Output {
        let output = self.command(server, words).output().unwrap();
        self.is_left_empty();
        output
    }

    /// Runs a command that ends well and prints JSON.
    fn run(&self, server: &Server, words: &[&str]) -> Value {
        let done = self.output(server, words);
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{} {words:?}: {complaint}", server.name);
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// Checks that nothing of the server is left; what was killed may take a moment to vanish.
    fn is_left_empty(&self) {
        let deadline = Instant::now() + Duration::from_millis(300);
        while !self.processes().is_empty() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(self.processes(), Vec::<PathBuf>::new());
    }

    /// The programs that still run in the folder.
    fn processes(&self) -> Vec<PathBuf> {
        let here = self.path().canonicalize().unwrap();
        let processes = Path::new("/proc").read_dir().unwrap().filter_map(Result::ok);
        let of_ours =
            |process: &PathBuf| process.join("cwd").read_link().is_ok_and(|cwd| cwd == here);
        let mine = processes.map(|entry| entry.path()).filter(of_ours);
        mine.filter_map(|process| process.join("exe").read_link().ok()).collect()
    }
}

fn interrupt(mcp: &Child) {
    let pid = Pid::from_raw(i32::try_from(mcp.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}
