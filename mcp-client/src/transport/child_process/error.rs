//! Why a server could not be started.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a server could not be started.
///
/// The message says what was tried and what to do about it, in one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// No directory of `PATH` has a program of this name.
    #[error("{}", NotInPath { program, searched, skipped: *skipped, similar })]
    NotInPath {
        /// The name looked for.
        program: String,
        /// The directories looked into.
        searched: Vec<PathBuf>,
        /// How many entries of `PATH` were not searched, being empty or relative.
        skipped: usize,
        /// Programs of similar name that do exist.
        similar: Vec<String>,
    },

    /// The server would get no `PATH`, so a bare name cannot be looked up.
    #[error(
        "`{program}` cannot be looked up because PATH is not set: give the full path of the \
         program, or set PATH with `env`"
    )]
    NoPath {
        /// The name looked for.
        program: String,
    },

    /// The program was named by its path and there is nothing.
    #[error("{}", NoSuchFile { program, path, elsewhere: elsewhere.as_ref(), similar })]
    NoSuchFile {
        /// The program as it was named.
        program: String,
        /// Where it was looked for.
        path: PathBuf,
        /// Where it is instead: relative to the client's directory.
        elsewhere: Option<PathBuf>,
        /// Programs of similar name in the same directory.
        similar: Vec<String>,
    },

    /// The path leads to something that is not a file.
    #[error("`{}` is not a file but a {kind}: name the program in it", path.display())]
    NotAFile {
        /// The path tried.
        path: PathBuf,
        /// What it is: a directory, or another kind of thing.
        kind: &'static str,
    },

    /// The file may not be executed.
    #[error(
        "`{path}` may not be executed: run `chmod +x {path}` if it is a program, and check who \
         owns it and that its file system allows programs",
        path = path.display()
    )]
    NotExecutable {
        /// The file found.
        path: PathBuf,
    },

    /// The file may be executed, but the system does not know how.
    #[error("`{path}` cannot be run: {reason}", path = path.display())]
    NotRunnable {
        /// The file found.
        path: PathBuf,
        /// What is wrong with it.
        reason: Unrunnable,
    },

    /// The directory to start in cannot be used.
    #[error(
        "the server cannot start in the directory `{}`: {source}; check `current_dir`",
        path.display()
    )]
    CurrentDir {
        /// The directory as it was given.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },

    /// A name, argument or variable cannot be passed to a program.
    #[error("{what}, which cannot be passed to a program: remove it")]
    Invalid {
        /// What is wrong.
        what: String,
    },

    /// There is no Tokio runtime to work in.
    #[error("no Tokio runtime is running: start the server from within one")]
    NoRuntime,

    /// The operating system refused for another reason.
    #[error("`{}` could not be started: {source}", path.display())]
    Io {
        /// The program found.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Why an executable file cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unrunnable {
    /// A text file that does not say what runs it.
    NoShebang,
    /// The first line names an interpreter that does not exist.
    MissingInterpreter(String),
    /// The first line ends in a carriage return, which counts as part of the name.
    CarriageReturn,
    /// A program whose loader does not exist, usually built for another system.
    MissingLoader,
    /// A format that this system does not run, usually for another processor.
    ForeignFormat,
}

impl fmt::Display for Unrunnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoShebang => f.write_str(
                "it is a text file whose first line does not say what runs it: begin it with a \
                 line like `#!/bin/sh`, or name the interpreter as the program and the file as its \
                 argument",
            ),
            Self::MissingInterpreter(interpreter) => write!(
                f,
                "its first line asks for `{interpreter}`, which does not exist: install that or \
                 correct the line"
            ),
            Self::CarriageReturn => f.write_str(
                "its first line ends in a carriage return, so its interpreter is not found: save \
                 the file with Unix line ends",
            ),
            Self::MissingLoader => f.write_str(
                "the loader it needs does not exist: it was probably built for another system or C \
                 library, install one built for this system",
            ),
            Self::ForeignFormat => f.write_str(
                "its format is not known here: it was probably built for another processor or \
                 system, or is damaged",
            ),
        }
    }
}

struct NotInPath<'a> {
    program: &'a str,
    searched: &'a [PathBuf],
    skipped: usize,
    similar: &'a [String],
}

impl fmt::Display for NotInPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no program `{}` in PATH (", self.program)?;
        for (index, directory) in self.searched.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}", directory.display())?;
        }
        match self.searched.len() {
            0 => f.write_str("no directory to search")?,
            count if count > SHOWN => write!(f, " and {} more", count - SHOWN)?,
            _ => {}
        }
        match self.skipped {
            0 => {}
            1 => f.write_str("; one relative entry skipped")?,
            count => write!(f, "; {count} relative entries skipped")?,
        }
        f.write_str("): ")?;
        suggest(f, self.similar)?;
        f.write_str("install it, give its full path, or set PATH with `env`")
    }
}

struct NoSuchFile<'a> {
    program: &'a str,
    path: &'a PathBuf,
    elsewhere: Option<&'a PathBuf>,
    similar: &'a [String],
}

impl fmt::Display for NoSuchFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no program `{}`", self.path.display())?;
        if self.path.as_os_str() != self.program {
            write!(f, " (from `{}`)", self.program)?;
        }
        f.write_str(": ")?;
        match self.elsewhere {
            Some(elsewhere) => write!(
                f,
                "a relative path starts at the server's directory, there is one at `{}`: give that \
                 full path",
                elsewhere.display()
            ),
            None => {
                suggest(f, self.similar)?;
                f.write_str("check the path, or give the full one")
            }
        }
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, similar: &[String]) -> fmt::Result {
    for (index, name) in similar.iter().enumerate() {
        let separator = if index == 0 { "did you mean " } else { " or " };
        write!(f, "{separator}`{name}`")?;
    }
    if similar.is_empty() { Ok(()) } else { f.write_str("? else ") }
}

/// How many directories a message lists.
const SHOWN: usize = 12;
