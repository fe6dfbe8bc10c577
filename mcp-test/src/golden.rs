//! Files that hold what is expected.

use std::path::Path;
use std::{env, fs, io};

use crate::diff;
use crate::error::Error;

/// Compares a text with a file, or writes the file.
///
/// The path counts from the folder of the package, where `cargo test` runs. With `MCP_TEST_UPDATE=1`
/// in the environment the file is written instead, with the folders that it needs; look at the
/// change before it is committed. Line ends of either kind are the same.
///
/// # Errors
///
/// [`Error::Mismatch`] with the lines that differ, or when there is no file yet.
pub fn golden(path: impl AsRef<Path>, text: &str) -> Result<(), Error> {
    compare(
        path.as_ref(),
        text,
        env::var_os(UPDATE).is_some_and(|set| !set.is_empty() && set != "0"),
    )
}

fn compare(path: &Path, text: &str, update: bool) -> Result<(), Error> {
    if update {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        return Ok(fs::write(path, text)?);
    }
    let expected = match fs::read_to_string(path) {
        Ok(expected) => expected,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Mismatch(format!(
                "there is no `{}` yet: run the test with {UPDATE}=1 to write it, and look at it",
                path.display()
            )));
        }
        Err(error) => {
            return Err(Error::Mismatch(format!("`{}` cannot be read: {error}", path.display())));
        }
    };
    match diff::lines(&expected, text) {
        none if none.is_empty() => Ok(()),
        changes => Err(Error::Mismatch(format!(
            "`{}` differs (- expected, + got); if the change is wanted, run the test with \
             {UPDATE}=1\n{changes}",
            path.display()
        ))),
    }
}

const UPDATE: &str = "MCP_TEST_UPDATE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_when_asked_and_then_compared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/x.jsonl");
        let missing = compare(&path, "a\nb\n", false).unwrap_err();
        assert!(missing.to_string().contains("MCP_TEST_UPDATE=1"), "{missing}");
        compare(&path, "a\nb\n", true).unwrap();
        compare(&path, "a\nb\n", false).unwrap();
        compare(&path, "a\r\nb\r\n", false).unwrap();
        let differs = compare(&path, "a\nc\n", false).unwrap_err().to_string();
        assert!(differs.ends_with("  a\n- b\n+ c\n"), "{differs}");
    }
}
