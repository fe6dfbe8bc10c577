//! Which programs are compared, and how they are built.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One side of the comparison: a name for the report and a command.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) command: Vec<String>,
}

/// One side of the comparison over HTTP: a server for each era that it serves.
#[derive(Clone, Debug)]
pub(crate) struct HttpContender {
    pub(crate) name: &'static str,
    pub(crate) modern: Option<Vec<String>>,
    /// Sessions of the legacy era.
    pub(crate) sessions: Option<Vec<String>>,
    /// Whether it answers the same to everything.
    pub(crate) is_floor: bool,
}

/// The programs that are there.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) servers: Vec<Contender>,
    pub(crate) clients: Vec<Contender>,
    pub(crate) over_http: Vec<HttpContender>,
}

/// Names of the sides.
pub(crate) const OURS: &str = "ours";
/// The side that ratios are taken to.
pub(crate) const REFERENCE: &str = "rmcp tuned";
/// The least that a server over HTTP can cost.
pub(crate) const FLOOR: &str = "bare hyper";
const AS_IN_EXAMPLES: &str = "rmcp as in examples";

impl Programs {
    /// Finds the programs beside this one; what is missing is named on standard error.
    pub(crate) fn find() -> io::Result<Self> {
        let folder = release_folder()?;
        let command = |file: &str, arguments: &[&str]| {
            let program = folder.join(file);
            if !program.exists() {
                eprintln!("{} is missing and left out", program.display());
                return None;
            }
            let mut command = vec![program.to_string_lossy().into_owned()];
            command.extend(arguments.iter().map(|&argument| argument.to_owned()));
            Some(command)
        };
        let contender = |name, file: &str, arguments: &[&str]| {
            command(file, arguments).map(|command| Contender { name, command })
        };
        let servers = [
            contender(OURS, "test-server", &["stdio"]),
            contender(REFERENCE, "rmcp-server-tuned", &[]),
            contender(AS_IN_EXAMPLES, "rmcp-server", &[]),
        ];
        let clients =
            [contender(OURS, "bench-client", &[]), contender(REFERENCE, "rmcp-client", &[])];
        let over_http = [
            HttpContender {
                name: OURS,
                modern: command("http-server", &[]),
                sessions: command("http-server", &[]),
                is_floor: false,
            },
            HttpContender {
                name: REFERENCE,
                modern: command("rmcp-http-server", &["stateless"]),
                sessions: command("rmcp-http-server", &["sessions"]),
                is_floor: false,
            },
            HttpContender {
                name: FLOOR,
                modern: command("hyper-server", &[]),
                sessions: None,
                is_floor: true,
            },
        ];
        Ok(Self {
            servers: servers.into_iter().flatten().collect(),
            clients: clients.into_iter().flatten().collect(),
            over_http: over_http.into(),
        })
    }
}

/// Builds the programs; cargo's progress goes to standard error.
///
/// Those that talk over pipes are in the package of the tests.
pub(crate) fn build(stdio: bool) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for package in stdio.then_some("mcp-tests").into_iter().chain(["mcp-bench"]) {
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--release", "--package", package, "--bins"])
            .current_dir(&root)
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(io::Error::other(format!("building {package} failed ({status})")));
        }
    }
    Ok(())
}

/// Where cargo puts release builds, also if this program is a debug build.
fn release_folder() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let profiles = program.ancestors().nth(2).ok_or(io::ErrorKind::NotFound)?;
    Ok(profiles.join("release"))
}
