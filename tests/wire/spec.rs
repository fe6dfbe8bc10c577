//! Where the published schemas and examples are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

/// All revisions, oldest first.
pub(crate) const REVISIONS: [&str; 5] =
    ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// The revision for which examples are published.
const LATEST: &str = REVISIONS[4];

/// The folder with all revisions, or `None` after saying that `test` passes over.
pub(crate) fn find(test: &str) -> Option<Spec> {
    if let Some(named) = env::var_os("MCP_SPEC_DIR") {
        let dir = PathBuf::from(named);
        assert!(is_spec(&dir), "MCP_SPEC_DIR has no {LATEST}/schema.json: {}", dir.display());
        return Some(Spec(dir));
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member has a parent");
    let mut candidates = workspace
        .ancestors()
        .skip(1)
        .flat_map(|above| [above.join("shared/spec"), above.join("spec")]);
    match candidates.find(|dir| is_spec(dir)) {
        Some(dir) => Some(Spec(dir)),
        None => {
            assert!(env::var_os("CI").is_none(), "no schemas found: set MCP_SPEC_DIR");
            eprintln!("{test}: passed over, no schemas found: set MCP_SPEC_DIR to their folder");
            None
        }
    }
}

pub(crate) struct Spec(PathBuf);

impl Spec {
    /// The definitions of a revision's schema.
    pub(crate) fn definitions(&self, revision: &str) -> Map<String, Value> {
        let mut schema = read(&self.0.join(revision).join("schema.json"));
        let key = if schema.get("$defs").is_some() { "$defs" } else { "definitions" };
        match schema[key].take() {
            Value::Object(definitions) => definitions,
            other => panic!("{revision}: `{key}` is {other}"),
        }
    }

    /// All published examples: definition, file name, message.
    pub(crate) fn examples(&self) -> Vec<(String, String, Value)> {
        let mut examples = Vec::new();
        for folder in sorted(&self.0.join(LATEST).join("examples")) {
            for file in sorted(&folder) {
                examples.push((name(&folder), name(&file), read(&file)));
            }
        }
        examples
    }
}

fn is_spec(dir: &Path) -> bool {
    dir.join(LATEST).join("schema.json").is_file()
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn sorted(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
