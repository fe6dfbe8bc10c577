//! Finds the programs of other packages that tests run.

use std::path::{Path, PathBuf};

/// A program of this workspace, which lies beside this package's own.
///
/// # Panics
///
/// When it was not built: cargo builds the programs of other packages only when it is told to.
pub fn program(test_server: &str, name: &str) -> PathBuf {
    let path = Path::new(test_server).with_file_name(name);
    assert!(path.exists(), "run `cargo build -p mcp-examples -p mcp-cli` first");
    path
}
