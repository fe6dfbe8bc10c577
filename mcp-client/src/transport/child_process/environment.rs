//! What a server learns of the client's environment.
//!
//! Environments carry keys and tokens, and a server is often a program of
//! somebody else, so only names on a short list are passed on.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;

use super::SpawnError;

/// The variables that a server inherits without being asked for: who and where
/// the user is, how to find programs, the language and the place for temporary
/// files. On Unix, names that begin with `LC_` are inherited as well.
///
/// A value that begins with `()` is never inherited: some shells would run it.
#[cfg(not(windows))]
pub const INHERITED: &[&str] =
    &["HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"];

/// The variables that a server inherits without being asked for: who and where
/// the user is, how to find programs, and where the system keeps its files.
#[cfg(windows)]
pub const INHERITED: &[&str] = &[
    "APPDATA",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// Which variables to pass on, and which to set.
#[derive(Clone, Default)]
pub(super) struct Environment {
    all: bool,
    inherited: BTreeSet<OsString>,
    /// `None` withholds the variable.
    explicit: BTreeMap<OsString, Option<OsString>>,
}

impl Environment {
    pub(super) fn set(&mut self, name: &OsStr, value: &OsStr) {
        self.explicit.insert(canonical(name), Some(value.to_owned()));
    }

    pub(super) fn remove(&mut self, name: &OsStr) {
        self.explicit.insert(canonical(name), None);
    }

    pub(super) fn inherit(&mut self, name: &OsStr) {
        self.inherited.insert(canonical(name));
    }

    pub(super) fn inherit_all(&mut self) {
        self.all = true;
    }

    /// The server's environment, given the client's.
    pub(super) fn resolve(
        &self,
        parent: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Variables {
        let mut variables: BTreeMap<OsString, OsString> = parent
            .into_iter()
            .map(|(name, value)| (canonical(&name), value))
            .filter(|(name, value)| self.passes(name, value))
            .collect();
        for (name, value) in &self.explicit {
            match value {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        Variables(variables)
    }

    pub(super) fn refuse_impossible_values(&self) -> Result<(), SpawnError> {
        for (name, value) in &self.explicit {
            let (bytes, shown) = (name.as_encoded_bytes(), name.to_string_lossy());
            let what = if bytes.is_empty() {
                "the name of an environment variable is empty".to_owned()
            } else if bytes.contains(&b'=') || bytes.contains(&0) {
                format!("the environment variable name {shown:?} contains `=` or a NUL")
            } else if value.as_ref().is_some_and(|v| v.as_encoded_bytes().contains(&0)) {
                format!("the value of the environment variable {shown:?} contains a NUL")
            } else {
                continue;
            };
            return Err(SpawnError::Invalid { what });
        }
        Ok(())
    }

    fn passes(&self, name: &OsStr, value: &OsStr) -> bool {
        if self.all || self.inherited.contains(name) {
            return true;
        }
        let bytes = name.as_encoded_bytes();
        let listed = INHERITED.iter().any(|allowed| allowed.as_bytes() == bytes)
            || (cfg!(not(windows)) && bytes.starts_with(b"LC_"));
        listed && !value.as_encoded_bytes().starts_with(b"()")
    }
}

/// Shows the names only.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<_> =
            self.explicit.iter().filter(|(_, v)| v.is_some()).map(|(n, _)| n).collect();
        f.debug_struct("Environment")
            .field("inherits_all", &self.all)
            .field("inherits", &self.inherited)
            .field("sets", &set)
            .finish()
    }
}

/// The complete environment of one server.
pub(super) struct Variables(BTreeMap<OsString, OsString>);

impl Variables {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Where programs are looked for.
    pub(super) fn path(&self) -> Option<&OsStr> {
        self.0.get(OsStr::new("PATH")).map(OsString::as_os_str)
    }
}

/// Names are compared without regard to case where the system does so.
fn canonical(name: &OsStr) -> OsString {
    if cfg!(windows) { name.to_ascii_uppercase() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_listed_variables_are_inherited() {
        let environment = Environment::default();
        assert_eq!(
            resolved(
                &environment,
                &[("HOME", "/h"), ("API_KEY", "k"), ("LC_ALL", "C"), ("LCX", "x")]
            ),
            ["HOME=/h", "LC_ALL=C"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn shell_functions_are_not_inherited_unasked() {
        let mut environment = Environment::default();
        assert!(resolved(&environment, &[("TERM", "() { :; }")]).is_empty());
        environment.inherit(OsStr::new("TERM"));
        assert_eq!(resolved(&environment, &[("TERM", "() { :; }")]), ["TERM=() { :; }"]);
    }

    #[test]
    fn set_and_removed_variables_win_over_inherited_ones() {
        let mut environment = Environment::default();
        environment.set(OsStr::new("HOME"), OsStr::new("/mine"));
        environment.remove(OsStr::new("SHELL"));
        environment.inherit_all();
        let seen = resolved(&environment, &[("HOME", "/h"), ("SHELL", "sh"), ("API_KEY", "k")]);
        assert_eq!(seen, ["API_KEY=k", "HOME=/mine"]);
    }

    #[test]
    fn names_that_cannot_be_passed_are_refused() {
        for name in ["", "A=B", "A\0"] {
            let mut environment = Environment::default();
            environment.set(OsStr::new(name), OsStr::new("1"));
            assert!(environment.refuse_impossible_values().is_err(), "{name:?}");
        }
    }

    #[test]
    fn debug_output_hides_values() {
        let mut environment = Environment::default();
        environment.set(OsStr::new("TOKEN"), OsStr::new("hunter2"));
        let shown = format!("{environment:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }

    fn resolved(environment: &Environment, parent: &[(&str, &str)]) -> Vec<String> {
        let parent = parent.iter().map(|(name, value)| (name.into(), value.into()));
        let shown = |(name, value): (&OsStr, &OsStr)| {
            format!("{}={}", name.to_string_lossy(), value.to_string_lossy())
        };
        environment.resolve(parent).iter().map(shown).collect()
    }
}
