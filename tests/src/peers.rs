//! The TypeScript peers, so that tests can talk to the official SDKs.

use std::path::PathBuf;

use crate::npm;

/// The folder with the scripts of `tests/peers` and their installed packages.
///
/// # Errors
///
/// One sentence for the person who runs the tests: see [`npm::installed`]; or Node.js is too old.
pub fn peers() -> Result<PathBuf, String> {
    let folder = npm::installed("peers")?;
    npm::node(&folder, 20)?;
    Ok(folder)
}
