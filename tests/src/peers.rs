//! Installs the TypeScript peers, so that tests can talk to the official SDKs.
//!
//! Owns where the scripts of `tests/peers` are run from and that their packages are there, in
//! the versions that `package-lock.json` names. Knows nothing of what the scripts do.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the scripts and their installed packages.
///
/// The first call of a build copies the scripts below the target folder and runs `npm ci`
/// there; later ones only compare files. Calls from several threads or processes wait for each
/// other. The packages come from npm's cache if it has them, else from the registry. Their
/// install scripts are not run.
///
/// # Errors
///
/// One sentence for the person who runs the tests: Node.js or npm is missing or too old, the
/// folder cannot be written, or what `npm ci` said when it failed.
pub fn peers() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let folder = target_folder().join("peers");
    node_is_recent_enough()?;
    prepare(&source, &folder)
        .map_err(|error| format!("cannot prepare {}: {error}", folder.display()))??;
    Ok(folder)
}

/// Copies and installs under a lock; the outer error is about files, the inner one about npm.
fn prepare(source: &Path, folder: &Path) -> io::Result<Result<(), String>> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(".lock"))?;
    lock.lock()?; // until the file is closed, also when this process dies
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            copy_if_different(&entry.path(), &folder.join(entry.file_name()))?;
        }
    }
    // The stamp is the lock file as installed: it is written last, so that an interrupted
    // installation is repeated.
    let wanted = fs::read(source.join("package-lock.json"))?;
    let stamp = folder.join(".installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Ok(()));
    }
    if let Err(sentence) = install(folder) {
        return Ok(Err(sentence));
    }
    fs::write(&stamp, wanted)?;
    Ok(Ok(()))
}

/// Leaves an equal file alone, because another process may be reading it.
fn copy_if_different(from: &Path, to: &Path) -> io::Result<()> {
    let content = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(to, content)
}

fn install(folder: &Path) -> Result<(), String> {
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"])
        .current_dir(folder)
        .output()
        .map_err(|error| missing("npm", &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let end = lines[lines.len().saturating_sub(10)..].join("\n");
    Err(format!("`npm ci` in {} failed ({}):\n{end}", folder.display(), output.status))
}

fn node_is_recent_enough() -> Result<(), String> {
    const OLDEST: u32 = 20;
    let output =
        Command::new("node").arg("--version").output().map_err(|error| missing("node", &error))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.trim();
    let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    match major {
        Some(major) if OLDEST <= major => Ok(()),
        _ => Err(format!("`node` is {version:?}: the TypeScript peers need {OLDEST} or newer")),
    }
}

fn missing(program: &str, error: &io::Error) -> String {
    format!(
        "`{program}` does not run ({error}): install Node.js 20 or newer for the tests with TypeScript peers"
    )
}

/// The build's own folder: the nearest one above this program that cargo has marked.
fn target_folder() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| {
            let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
            marked.map(Path::to_path_buf)
        })
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_the_one_cargo_marked() {
        assert!(target_folder().join("CACHEDIR.TAG").exists());
    }
}
