//! Servers that the client starts itself and talks to over their standard
//! streams (MCP 2026-07-28, basic/transports/stdio, and its predecessors).
//!
//! The module owns the life of the process: finding the program, what it
//! inherits, its three streams, noticing its end, and ending it. It does not
//! know what travels over the streams.
//!
//! ```text
//! ChildProcess ──spawn──▶ RunningChild ──shutdown──▶ Ended
//!  (a recipe,               │      └─────drop──────▶ the same, detached
//!   reusable)               ├─ ServerInput    stdin; can be closed from outside
//!                           ├─ ServerOutput   stdout; ends with the server
//!                           └─ StderrTail     the last of stderr, always drained
//! ```
//!
//! # Nothing is left behind
//!
//! On Unix a server leads its own process group from before its first
//! instruction, and every signal goes to that group, so a server that is really
//! a wrapper (`npx`, a shell script) takes its own children along. The leader
//! is collected last, after the group was killed: until then the kernel does not
//! give its number to anyone else, so a late signal cannot hit a stranger.
//!
//! What escapes: a process that left the group by itself (`setsid`), and
//! everything when the client itself is killed, apart from the end of input
//! that a well-behaved server obeys. On systems other than Unix only the server
//! process is ended, not its descendants.

mod environment;
mod error;
mod exit;
#[cfg_attr(not(unix), path = "group_other.rs")]
mod group;
mod pipes;
mod program;
mod running;
mod stderr;
mod supervise;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cache::Identity;
use environment::Environment;
pub use environment::INHERITED;
pub use error::{SpawnError, Unrunnable};
pub use exit::Exit;
use group::{Group, Guard};
pub use pipes::{ServerInput, ServerOutput};
pub use running::{Ended, Ending, RunningChild};
pub use stderr::{STDERR_TARGET, Stderr, StderrTail};

/// A server program and how to start it.
///
/// This is a recipe: nothing runs before [`spawn`](Self::spawn), and the same
/// value can be started again, for instance for a server that ends on a request
/// it does not know.
///
/// # Which program runs
///
/// - A bare name is looked up in the directories of `PATH`, in the value the
///   server will get. Entries that are empty or relative are skipped: they would
///   make the choice of program depend on the directory.
/// - A relative name with a separator (`bin/server`, `./server`) is taken from
///   [`current_dir`](Self::current_dir) if that is set, else from the client's
///   own directory. A relative `current_dir` starts at the client's directory.
///
/// No shell is involved; arguments arrive as given.
///
/// # Examples
///
/// ```
/// use mcp_client::transport::{ChildProcess, Stderr};
///
/// let server = ChildProcess::new("vidsrus-server")
///     .args(["--catalogue", "films.json"])
///     .current_dir("/srv/films")
///     .env("VIDSRUS_PLAN", "paid")
///     .stderr(Stderr::Tracing);
/// # let _ = server;
/// ```
#[derive(Clone)]
pub struct ChildProcess {
    program: OsString,
    args: Vec<OsString>,
    current_dir: Option<PathBuf>,
    environment: Environment,
    stderr: Stderr,
    stderr_limit: usize,
    patience: Patience,
}

impl ChildProcess {
    /// Names the program of a server, as a bare name or as a path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            current_dir: None,
            environment: Environment::default(),
            stderr: Stderr::default(),
            stderr_limit: STDERR_LIMIT,
            patience: Patience { graceful: GRACEFUL, term: TERM },
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Starts the server in this directory instead of the client's own.
    ///
    /// A program named by a relative path is looked for in it, too.
    #[must_use]
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.current_dir = Some(directory.as_ref().to_owned());
        self
    }

    /// Sets a variable in the server's environment.
    ///
    /// It wins over an inherited one, whatever the order of the calls.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.set(name.as_ref(), value.as_ref());
        self
    }

    /// Sets several variables in the server's environment.
    #[must_use]
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in variables {
            self.environment.set(name.as_ref(), value.as_ref());
        }
        self
    }

    /// Withholds a variable that would otherwise be inherited or was set before.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.remove(name.as_ref());
        self
    }

    /// Passes these variables of the client on, besides the short list
    /// [`INHERITED`].
    ///
    /// Those that the client does not have are left out. They are read when the
    /// server is started.
    #[must_use]
    pub fn inherit_env<N: AsRef<OsStr>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for name in names {
            self.environment.inherit(name.as_ref());
        }
        self
    }

    /// Passes the client's whole environment on.
    ///
    /// Keys and tokens are usually in there: prefer
    /// [`inherit_env`](Self::inherit_env) for servers of other people.
    #[must_use]
    pub fn inherit_all_env(mut self) -> Self {
        self.environment.inherit_all();
        self
    }

    /// Chooses what happens to what the server writes to stderr.
    #[must_use]
    pub fn stderr(mut self, stderr: Stderr) -> Self {
        self.stderr = stderr;
        self
    }

    /// Keeps at most this many bytes of the end of stderr, 64 KiB unless given.
    #[must_use]
    pub fn stderr_limit(mut self, bytes: usize) -> Self {
        self.stderr_limit = bytes;
        self
    }

    /// Sets how long a server may take to end when it is dropped: after its
    /// input was closed, and again after SIGTERM. Two seconds each unless given.
    #[must_use]
    pub fn end_within(mut self, graceful: Duration, term: Duration) -> Self {
        self.patience = Patience { graceful, term };
        self
    }

    /// The program as it was named.
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Starts the server.
    ///
    /// Returns when the operating system has started the program; whether it
    /// speaks MCP is still unknown then. The server is ended when the
    /// [`RunningChild`] is dropped, at any time. Call this inside a Tokio runtime
    /// with I/O and time enabled; it looks at the file system and blocks for as
    /// long as that takes.
    ///
    /// # Errors
    ///
    /// See [`SpawnError`]: each variant says what was looked for and what to do.
    pub fn spawn(&self) -> Result<RunningChild, SpawnError> {
        let runtime = Handle::try_current().map_err(|_| SpawnError::NoRuntime)?;
        self.refuse_impossible_values()?;
        let directory = self.directory()?;
        let variables = self.environment.resolve(std::env::vars_os());
        let program = program::resolve(&self.program, variables.path(), &directory)?;

        let mut command = Command::new(&program);
        command.args(&self.args).env_clear().envs(variables.iter());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(self.stderr.stdio());
        if self.current_dir.is_some() {
            command.current_dir(&directory);
        }
        group::lead_own_group(&mut command);
        let mut child = command.spawn().map_err(|error| program::diagnose(&program, error))?;

        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on every way out ends the process.
        let guard = Guard::new(Group::new(child));
        let failed = |source| SpawnError::Io { path: program.clone(), source };
        let (Some(stdin), Some(stdout), stderr) = streams else {
            return Err(failed(std::io::Error::other("the streams were not piped")));
        };
        let name = self.display_name();
        let tail = StderrTail::new(self.stderr_limit);
        let drain = stderr
            .map(|stderr| stderr::Drain::new(stderr, self.stderr, tail.clone(), &name, guard.id()))
            .transpose()
            .map_err(failed)?;
        let watch = guard.watch().map_err(failed)?;
        let (supervisor, exited) = supervise::start(&runtime, watch, drain);
        let input = ServerInput::new(stdin).map_err(failed)?;
        let output = ServerOutput::new(stdout, exited).map_err(failed)?;
        Ok(RunningChild::new(
            program,
            guard,
            supervisor,
            input,
            output,
            tail,
            runtime,
            self.patience,
        ))
    }

    /// The absolute directory the server starts in.
    /// Two commands with the same identity start the same server for the same caller.
    pub(crate) fn identity(&self) -> Identity {
        let Self { program, args, current_dir, environment, .. } = self;
        let variables = environment.resolve(std::env::vars_os());
        let variables: Vec<_> = variables.iter().collect();
        let server = format!("command {program:?} {args:?} {current_dir:?} {variables:?}");
        Identity { server: Some(server), caller: String::new() }
    }

    fn directory(&self) -> Result<PathBuf, SpawnError> {
        let Some(given) = &self.current_dir else {
            return std::env::current_dir()
                .map_err(|source| SpawnError::CurrentDir { path: PathBuf::from("."), source });
        };
        let failed = |source| SpawnError::CurrentDir { path: given.clone(), source };
        let directory = std::path::absolute(given).map_err(failed)?;
        match std::fs::metadata(&directory).map_err(failed)?.is_dir() {
            true => Ok(directory),
            false => Err(failed(std::io::ErrorKind::NotADirectory.into())),
        }
    }

    /// Refuses what no operating system can pass to a program.
    fn refuse_impossible_values(&self) -> Result<(), SpawnError> {
        let nul = |value: &OsStr| value.as_encoded_bytes().contains(&0);
        if self.program.is_empty() {
            return Err(SpawnError::Invalid { what: "the program name is empty".into() });
        }
        if nul(&self.program) {
            return Err(SpawnError::Invalid { what: "the program name contains a NUL".into() });
        }
        if let Some(index) = self.args.iter().position(|arg| nul(arg)) {
            let what = format!("argument {} contains a NUL", index + 1);
            return Err(SpawnError::Invalid { what });
        }
        self.environment.refuse_impossible_values()
    }

    /// The last part of the program's name, for log lines.
    fn display_name(&self) -> String {
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        name.to_string_lossy().into_owned()
    }
}

/// Shows names but no values of variables, which are often secret.
impl fmt::Debug for ChildProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildProcess")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("current_dir", &self.current_dir)
            .field("environment", &self.environment)
            .field("stderr", &self.stderr)
            .finish_non_exhaustive()
    }
}

/// How long each step of ending a server may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// From the end of input to SIGTERM.
    graceful: Duration,
    /// From SIGTERM to SIGKILL.
    term: Duration,
}

const STDERR_LIMIT: usize = 64 * 1024;
const GRACEFUL: Duration = Duration::from_secs(2);
const TERM: Duration = Duration::from_secs(2);
