//! What a command has to say when it is done.

use std::path::Path;

use mcp_core::types::Meta;
use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::failure::Failure;
use crate::output::content::Saved;
use crate::output::{Console, json};

/// What goes to standard output and standard error, and the exit status.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// For standard output.
    pub(crate) out: String,
    /// For standard error.
    pub(crate) err: String,
    /// The exit status.
    pub(crate) status: u8,
}

impl Report {
    /// Text for people.
    pub(crate) fn text(out: String) -> Self {
        Self { out, ..Self::default() }
    }

    /// A document for programs.
    pub(crate) fn json(document: &impl Serialize) -> Result<Self, Failure> {
        let raw = to_raw_value(document).map_err(|error| {
            Failure::Missing(format!("the result cannot be written as JSON: {error}"))
        })?;
        Ok(Self::text(format!("{}\n", json::pretty(&raw, JSON_WIDTH))))
    }

    /// A result for programs, with its `_meta`, which the types of results do not write.
    pub(crate) fn result(result: &impl Serialize, meta: Option<&Meta>) -> Result<Self, Failure> {
        #[derive(Serialize)]
        struct WithMeta<'a, T> {
            #[serde(flatten)]
            result: &'a T,
            #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
            meta: Option<&'a Meta>,
        }
        Self::json(&WithMeta { result, meta })
    }

    /// A failure, in the form that is wanted.
    pub(crate) fn failure(failure: &Failure, console: &Console) -> Self {
        let status = failure.status();
        match console.json {
            true => Self { status, ..Self::json(&failure.json()).unwrap_or_default() },
            false => Self { err: failure.human(console.err), status, ..Self::default() },
        }
    }
}

/// Saves files under a name, the second and later ones with a number.
pub(crate) fn save(files: &[Saved], name: &Path) -> Result<String, Failure> {
    let mut lines = String::new();
    for (index, file) in files.iter().enumerate() {
        let numbered = match (index, name.file_stem(), name.extension()) {
            (0, ..) | (_, None, _) => name.to_owned(),
            (_, Some(stem), extension) => {
                let mut new = stem.to_owned();
                new.push(format!("-{}", index + 1));
                if let Some(extension) = extension {
                    new.push(".");
                    new.push(extension);
                }
                name.with_file_name(new)
            }
        };
        lines.push_str(&file.write(&numbered)?);
    }
    match files.is_empty() {
        true => Err(Failure::Missing(
            "there is no image, sound or other file in the result that could be saved".to_owned(),
        )),
        false => Ok(lines),
    }
}

const JSON_WIDTH: usize = 100;
