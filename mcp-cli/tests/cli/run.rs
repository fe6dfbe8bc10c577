//! Running the command, and looking at what it leaves behind.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A directory of its own for each run: the server inherits it, so that its processes can be found.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let file = self.path().join(name);
        std::fs::write(&file, content).unwrap();
        file
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcp"));
        command.current_dir(self.path()).args(arguments).stdin(Stdio::null());
        for variable in [
            "MCP_CONFIG",
            "MCP_BEARER_TOKEN",
            "MCP_CLIENT_ID",
            "MCP_CLIENT_SECRET",
            "KITTY_WINDOW_ID",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        let output = self.command(arguments).output().unwrap();
        self.is_left_empty();
        Done(output)
    }

    /// Runs it against the fixture.
    pub(crate) fn fixture(&self, arguments: &[&str]) -> Done {
        self.run(&[arguments, &["--", fixture()]].concat())
    }

    /// Runs it against a Python server that is given as text.
    pub(crate) fn python(&self, arguments: &[&str], script: &str) -> Done {
        self.file("server.py", script);
        self.run(&[arguments, &["--", "python3", "-u", "server.py"]].concat())
    }

    /// Starts it with pipes.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Checks that nothing of the server is left; what was killed may take a moment to vanish.
    pub(crate) fn is_left_empty(&self) {
        let deadline = Instant::now() + Duration::from_millis(300);
        while !self.processes_left().is_empty() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(self.processes_left(), Vec::<String>::new());
    }

    /// The processes that still run in the directory, apart from those that wait to be collected.
    fn processes_left(&self) -> Vec<String> {
        let here = self.path().canonicalize().unwrap();
        let processes = Path::new("/proc").read_dir().unwrap();
        let pids = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let running = pids.filter(|pid| {
            std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == here)
        });
        running
            .map(|pid| {
                let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
                let status = read("status").unwrap_or_default();
                let state = status.lines().find(|line| line.starts_with("State:"));
                format!("{} {}", read("cmdline").unwrap_or_default(), state.unwrap_or_default())
            })
            .collect()
    }
}

/// A command that came to its end.
pub(crate) struct Done(pub(crate) Output);

impl Done {
    pub(crate) fn status(&self) -> i32 {
        self.0.status.code().expect("the command was killed")
    }

    pub(crate) fn out(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).unwrap()
    }

    pub(crate) fn err(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.out()).unwrap_or_else(|error| {
            panic!("{error} in {}, {}", self.out(), self.err());
        })
    }

    /// Checks the status and shows everything if it is another one.
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status(), status, "{}\n{}", self.out(), self.err());
        self
    }
}

/// The well-behaved server.
pub(crate) fn fixture() -> &'static str {
    static FIXTURE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let path = Path::new(env!("CARGO_BIN_EXE_mcp")).with_file_name("examples/cli-fixture");
        assert!(path.exists(), "run `cargo build -p mcp-cli --examples` first");
        path.into_os_string().into_string().unwrap()
    });
    &FIXTURE
}

/// What could drive a terminal, apart from the ends of lines.
pub(crate) fn assert_harmless(text: &str) {
    let harmful = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(harmful), None, "{text:?}");
}

/// Fails when it takes longer.
pub(crate) fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = work();
    assert!(start.elapsed() < limit, "it took {:?}", start.elapsed());
    value
}
