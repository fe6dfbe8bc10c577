//! Finding the program of a server, and finding out why it does not run.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::error::{SpawnError, Unrunnable};

/// The absolute path of the program to run, for a server that starts in
/// `directory` and gets this `PATH`.
pub(super) fn resolve(
    program: &OsStr,
    path: Option<&OsStr>,
    directory: &Path,
) -> Result<PathBuf, SpawnError> {
    if is_bare_name(program) { look_up(program, path) } else { locate(program, directory) }
}

/// Turns the system's refusal to run a file that exists into a reason.
pub(super) fn diagnose(path: &Path, error: io::Error) -> SpawnError {
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            return SpawnError::NotExecutable { path: path.to_owned() };
        }
        io::ErrorKind::NotFound => missing_part(&beginning(path)),
        _ if is_unknown_format(&error) => Some(unknown_format(&beginning(path))),
        _ => None,
    };
    match reason {
        Some(reason) => SpawnError::NotRunnable { path: path.to_owned(), reason },
        None => SpawnError::Io { path: path.to_owned(), source: error },
    }
}

fn is_bare_name(program: &OsStr) -> bool {
    let mut parts = Path::new(program).components();
    let single = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    // `server/` has one component and is no bare name.
    single && !program.as_encoded_bytes().iter().any(|byte| std::path::is_separator(*byte as char))
}

fn look_up(program: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, SpawnError> {
    let name = || program.to_string_lossy().into_owned();
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        return Err(SpawnError::NoPath { program: name() });
    };
    let (searched, relative): (Vec<PathBuf>, Vec<PathBuf>) =
        std::env::split_paths(path).partition(|directory| directory.is_absolute());
    let files = searched.iter().flat_map(|directory| candidates(&directory.join(program)));
    first_fit(files)?.ok_or_else(|| SpawnError::NotInPath {
        similar: similar(program, &searched),
        program: name(),
        searched,
        skipped: relative.len(),
    })
}

fn locate(program: &OsStr, directory: &Path) -> Result<PathBuf, SpawnError> {
    let path = directory.join(program);
    first_fit(candidates(&path))?.ok_or_else(|| {
        let elsewhere = std::path::absolute(program)
            .ok()
            .filter(|elsewhere| *elsewhere != path && check(elsewhere.clone()).is_ok());
        let parent = path.parent().map(Path::to_owned).into_iter().collect::<Vec<_>>();
        let similar = path.file_name().map(|name| similar(name, &parent)).unwrap_or_default();
        let program = program.to_string_lossy().into_owned();
        SpawnError::NoSuchFile { program, path, elsewhere, similar }
    })
}

/// The first file that can be run; if there are only unfit ones, what is wrong with
/// the first of these.
fn first_fit(files: impl IntoIterator<Item = PathBuf>) -> Result<Option<PathBuf>, SpawnError> {
    let mut refused = None;
    for file in files {
        match check(file) {
            Ok(found) => return Ok(Some(found)),
            Err(Unfit::Missing) => {}
            Err(Unfit::Refused(error)) => {
                refused.get_or_insert(error);
            }
        }
    }
    refused.map_or(Ok(None), Err)
}

/// The files that a path may stand for.
#[cfg(not(windows))]
fn candidates(path: &Path) -> Vec<PathBuf> {
    vec![path.to_owned()]
}

/// The files that a path may stand for: programs may be named without extension,
/// and many are scripts like `npx.cmd`.
#[cfg(windows)]
fn candidates(path: &Path) -> Vec<PathBuf> {
    if path.extension().is_some() {
        return vec![path.to_owned()];
    }
    ["exe", "com", "bat", "cmd"].iter().map(|extension| path.with_extension(extension)).collect()
}

enum Unfit {
    Missing,
    Refused(SpawnError),
}

fn check(path: PathBuf) -> Result<PathBuf, Unfit> {
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unfit::Missing,
                _ => Unfit::Refused(SpawnError::Io { path, source: error }),
            });
        }
    };
    if metadata.is_dir() {
        Err(Unfit::Refused(SpawnError::NotAFile { path, kind: "directory" }))
    } else if !metadata.is_file() {
        Err(Unfit::Refused(SpawnError::NotAFile { path, kind: "device, pipe or socket" }))
    } else if !is_executable(&metadata) {
        Err(Unfit::Refused(SpawnError::NotExecutable { path }))
    } else {
        Ok(path)
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &Metadata) -> bool {
    true
}

/// The first bytes of a file, none if it cannot be read.
fn beginning(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What was read before an error is as good.
        let _ = file.take(BEGINNING).read_to_end(&mut bytes);
    }
    bytes
}

/// What is missing for a file that is there.
fn missing_part(beginning: &[u8]) -> Option<Unrunnable> {
    let Some(rest) = beginning.strip_prefix(b"#!") else {
        return beginning.starts_with(ELF).then_some(Unrunnable::MissingLoader);
    };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
    let interpreter = line.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or(line);
    let interpreter = String::from_utf8_lossy(interpreter).into_owned();
    if line.ends_with(b"\r") && Path::new(&interpreter).exists() {
        return Some(Unrunnable::CarriageReturn);
    }
    Some(Unrunnable::MissingInterpreter(interpreter))
}

fn unknown_format(beginning: &[u8]) -> Unrunnable {
    if beginning.contains(&0) { Unrunnable::ForeignFormat } else { Unrunnable::NoShebang }
}

#[cfg(unix)]
fn is_unknown_format(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error())
}

#[cfg(windows)]
fn is_unknown_format(error: &io::Error) -> bool {
    const ERROR_BAD_EXE_FORMAT: i32 = 193;
    error.raw_os_error() == Some(ERROR_BAD_EXE_FORMAT)
}

/// Programs in these directories whose name is nearly the one looked for, the
/// nearest first.
fn similar(name: &OsStr, directories: &[PathBuf]) -> Vec<String> {
    let wanted = name.to_string_lossy().to_lowercase();
    let tolerance = match wanted.chars().count() {
        0..3 | 64.. => return Vec::new(),
        3..6 => 1,
        _ => 2,
    };
    let mut found: Vec<(usize, String)> = directories
        .iter()
        .filter_map(|directory| std::fs::read_dir(directory).ok())
        .flatten()
        .take(LOOKED_AT)
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let distance = distance(&wanted, &name.to_lowercase());
            (distance <= tolerance && check(entry.path()).is_ok()).then_some((distance, name))
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(SUGGESTED).map(|(_, name)| name).collect()
}

/// How many characters must be inserted, removed, replaced or swapped with their
/// neighbour to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return one.len().max(other.len());
    }
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let replaced = last[j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                let before: &Vec<usize> = &before_last;
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

const ELF: &[u8] = b"\x7fELF";
/// The kernel reads no more of the first line.
const BEGINNING: u64 = 256;
/// How many directory entries are compared with a name that was not found.
const LOOKED_AT: usize = 20_000;
const SUGGESTED: usize = 3;

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn bare_name_is_found_in_the_first_directory_that_can_run_it() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a"), folder.path().join("b"));
        write(&first.join("server"), 0o644);
        write(&second.join("server"), 0o755);
        let path = std::env::join_paths([Path::new("relative"), &first, &second]).unwrap();
        let found = resolve(OsStr::new("server"), Some(&path), Path::new("/")).unwrap();
        assert_eq!(found, second.join("server"));
    }

    #[test]
    fn unknown_name_lists_directories_and_similar_programs() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("vidsrus-server"), 0o755);
        write(&folder.path().join("vidsrus-serve"), 0o644);
        let path = std::env::join_paths([folder.path(), Path::new("bin")]).unwrap();
        let error = resolve(OsStr::new("vidsrus-sevrer"), Some(&path), Path::new("/")).unwrap_err();
        let expected = format!(
            "no program `vidsrus-sevrer` in PATH ({}; one relative entry skipped): did you mean \
             `vidsrus-server`? else install it, give its full path, or set PATH with `env`",
            folder.path().display()
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn bare_name_without_path_is_an_error_of_its_own() {
        for path in [None, Some(OsStr::new(""))] {
            let error = resolve(OsStr::new("server"), path, Path::new("/")).unwrap_err();
            assert!(matches!(error, SpawnError::NoPath { .. }), "{error}");
        }
    }

    #[test]
    fn relative_path_starts_at_the_servers_directory() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("bin/server"), 0o755);
        let found = resolve(OsStr::new("bin/server"), None, folder.path()).unwrap();
        assert_eq!(found, folder.path().join("bin/server"));
        let error = resolve(OsStr::new("./bin/sever"), None, folder.path()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("(from `./bin/sever`)") && text.contains("did you mean `server`?"),
            "{text}"
        );
    }

    #[test]
    fn relative_path_that_fits_the_clients_directory_only_is_pointed_out() {
        let here = std::env::current_dir().unwrap();
        let folder = tempfile::tempdir_in(&here).unwrap();
        write(&folder.path().join("server"), 0o755);
        let relative = folder.path().strip_prefix(&here).unwrap().join("server");
        let error = resolve(relative.as_os_str(), None, Path::new("/")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("there is one at `{}`", here.join(&relative).display())),
            "{text}"
        );
    }

    #[test]
    fn directory_and_file_without_permission_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = resolve(folder.path().as_os_str(), None, Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("is not a file but a directory"), "{error}");
        let file = folder.path().join("server");
        write(&file, 0o644);
        let error = resolve(file.as_os_str(), None, Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("chmod +x"), "{error}");
    }

    #[test]
    fn reasons_are_read_from_the_first_line() {
        let missing = Unrunnable::MissingInterpreter("/no/such".into());
        assert_eq!(missing_part(b"#! /no/such -u\nprint()"), Some(missing));
        assert_eq!(missing_part(b"#!/bin/sh\r\nexit\r\n"), Some(Unrunnable::CarriageReturn));
        assert_eq!(missing_part(b"\x7fELF\x02\x01"), Some(Unrunnable::MissingLoader));
        assert_eq!(missing_part(b""), None);
        assert_eq!(unknown_format(b"echo hello\n"), Unrunnable::NoShebang);
        assert_eq!(unknown_format(b"MZ\0\0"), Unrunnable::ForeignFormat);
    }

    #[test]
    fn distance_counts_edits() {
        for (one, other, expected) in
            [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("abcd", "xbcy", 2)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    fn write(path: &Path, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}
