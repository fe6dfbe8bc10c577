//! `${…}` in a configuration, replaced by what it stands for.
//!
//! Owns the forms and what an unknown or unset one means: an error of that server, never an empty
//! or a literal value, which could be sent as a key. What is put in is not looked at again, and no
//! shell is ever asked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, ConfigErrorKind};
use super::inputs::Input;

/// What `${…}` can stand for.
pub(super) struct Variables<'a> {
    pub(super) environment: &'a Environment,
    pub(super) workspace: &'a Path,
    pub(super) inputs: &'a [Input],
    pub(super) given: &'a BTreeMap<String, String>,
}

/// Looks a variable of the environment up.
pub(super) struct Environment(pub(super) Box<LookUp>);

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Default for Environment {
    fn default() -> Self {
        Self(Box::new(|name| std::env::var(name).ok()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl Variables<'_> {
    /// A text with everything replaced.
    pub(super) fn expand(&self, text: &str) -> Result<String, ConfigError> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                // `$${` is how `${` itself is written.
                expanded.push_str(before);
                expanded.push_str("${");
                rest = &from[2..];
                continue;
            }
            let Some(end) = from.find('}') else {
                let problem = "has a `${` without its `}`: close it, or write `$${` for `${`";
                return Err(ConfigError::new(ConfigErrorKind::Variable, problem));
            };
            expanded.push_str(before);
            expanded.push_str(&self.value(&from[2..end])?);
            rest = &from[end + 1..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// The same for a path, where `~` at the beginning is the user's own folder.
    pub(super) fn expand_path(&self, text: &str) -> Result<PathBuf, ConfigError> {
        let expanded = self.expand(text)?;
        // Only a `~` of the file counts, not one that a variable brought in.
        let Some(rest) = text.strip_prefix('~').and_then(|_| expanded.strip_prefix('~')) else {
            return Ok(PathBuf::from(expanded));
        };
        match rest.strip_prefix(std::path::is_separator) {
            None if !rest.is_empty() => Ok(PathBuf::from(expanded)),
            rest => Ok(Path::new(&self.home()?).join(rest.unwrap_or_default())),
        }
    }

    /// What stands between the braces.
    fn value(&self, inside: &str) -> Result<String, ConfigError> {
        if let Some(id) = inside.strip_prefix("input:") {
            return self.input(id);
        }
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if default.is_none() {
            match name {
                "workspaceFolder" => return Ok(self.workspace.display().to_string()),
                "workspaceFolderBasename" => {
                    let name = self.workspace.file_name().unwrap_or_default();
                    return Ok(name.to_string_lossy().into_owned());
                }
                "userHome" => return self.home(),
                "pathSeparator" | "/" => return Ok(std::path::MAIN_SEPARATOR.to_string()),
                _ => {}
            }
        }
        let name = name.strip_prefix("env:").unwrap_or(name);
        let nested = default.is_some_and(|default| default.contains("${"));
        if name.is_empty() || name.contains([':', '=', '\0', '{', '$']) || nested {
            let problem = format!(
                "has `${{{}}}`, which is not known: write `${{NAME}}`, `${{NAME:-default}}`, \
                 `${{workspaceFolder}}`, `${{userHome}}`, `${{input:id}}`, or `$${{` for `${{`",
                inside.escape_debug()
            );
            return Err(ConfigError::new(ConfigErrorKind::Variable, problem));
        }
        let value =
            (self.environment.0)(name).filter(|value| !value.is_empty() || default.is_none());
        value.or_else(|| default.map(str::to_owned)).ok_or_else(|| {
            let problem = format!(
                "needs the environment variable `{name}`, which is not set: set it, or give a \
                 default as `${{{name}:-…}}`"
            );
            ConfigError::new(ConfigErrorKind::Variable, problem)
        })
    }

    fn input(&self, id: &str) -> Result<String, ConfigError> {
        let declared = self.inputs.iter().find(|input| input.id == id);
        let default = || declared.and_then(|input| input.default.clone());
        self.given.get(id).cloned().or_else(default).ok_or_else(|| {
            let about = declared.and_then(|input| input.description.as_deref());
            let about = about.map(|about| format!(" ({})", about.escape_debug()));
            let problem = format!(
                "needs the input `{}`{}: ask the user for it and load the configuration with it",
                id.escape_debug(),
                about.unwrap_or_default()
            );
            ConfigError::new(ConfigErrorKind::Input, problem)
        })
    }

    fn home(&self) -> Result<String, ConfigError> {
        let home = ["HOME", "USERPROFILE"].into_iter().find_map(|name| (self.environment.0)(name));
        home.filter(|home| !home.is_empty()).ok_or_else(|| {
            let problem = "needs the user's folder, and the environment variable `HOME` is not set";
            ConfigError::new(ConfigErrorKind::Variable, problem)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(use_it: impl FnOnce(&Variables<'_>) -> T) -> T {
        let environment = Environment(Box::new(|name| match name {
            "HOME" => Some("/home/ann".to_owned()),
            "TOKEN" => Some("s3cret-${HOME}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }));
        let inputs = Input::read_list(&serde_json::json!([
            { "id": "region", "default": "eu" },
            { "id": "key", "description": "the key" },
            { "type": "promptString" },
        ]));
        let given = BTreeMap::from([("name".to_owned(), "ann".to_owned())]);
        use_it(&Variables {
            environment: &environment,
            workspace: Path::new("/srv/films"),
            inputs: &inputs,
            given: &given,
        })
    }

    fn expanded(text: &str) -> Result<String, String> {
        with(|variables| variables.expand(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn known_forms_are_replaced() {
        for (text, expected) in [
            ("plain $HOME ~ {x} $", "plain $HOME ~ {x} $"),
            ("${HOME}/a", "/home/ann/a"),
            ("${env:HOME}${HOME}", "/home/ann/home/ann"),
            ("${NONE:-d}-${EMPTY:-e}-${env:NONE:-f}-${NONE:-}", "d-e-f-"),
            ("${HOME:-x}", "/home/ann"),
            ("[${EMPTY}]", "[]"),
            ("${workspaceFolder}|${workspaceFolderBasename}", "/srv/films|films"),
            ("${userHome}${/}${pathSeparator}", "/home/ann//"),
            ("${input:name} in ${input:region}", "ann in eu"),
            ("${NONE:-http://x:1}", "http://x:1"),
            ("${TOKEN}", "s3cret-${HOME}"),
            ("$${HOME} $$${HOME}", "${HOME} $${HOME}"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_unset_or_unknown_is_an_error_that_says_what_to_do() {
        for (text, expected) in [
            ("${NONE}", "`NONE`, which is not set: set it, or give a default as `${NONE:-…}`"),
            ("${command:x.y}", "has `${command:x.y}`, which is not known"),
            ("${}", "has `${}`, which is not known"),
            ("${NONE:-${HOME}}", "has `${NONE:-${HOME}`, which is not known"),
            ("a ${HOME", "has a `${` without its `}`"),
            ("${input:key}", "needs the input `key` (the key): ask the user"),
        ] {
            let error = expanded(text);
            assert!(error.as_ref().is_err_and(|error| error.contains(expected)), "{error:?}");
        }
    }

    #[test]
    fn a_tilde_at_the_beginning_of_a_path_is_the_users_folder() {
        let path = |text| with(|variables| variables.expand_path(text)).unwrap();
        assert_eq!(path("~"), Path::new("/home/ann"));
        assert_eq!(path("~/bin/x"), Path::new("/home/ann/bin/x"));
        for text in ["~bob/x", "a/~", "./~/x"] {
            assert_eq!(path(text), Path::new(text));
        }
    }
}
