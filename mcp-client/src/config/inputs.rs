//! What a configuration asks the user for, as VS Code's `inputs` do.

use serde_json::{Map, Value};

/// Something that a configuration wants to be asked of the user: `${input:id}` stands for it.
///
/// Ask for it, and load the configuration with
/// [`ConfigLoader::input`](crate::config::ConfigLoader::input).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Input {
    /// Its name within the configuration.
    pub id: String,
    /// What to show to the user.
    pub description: Option<String>,
    /// What it is unless the user says otherwise.
    pub default: Option<String>,
    /// Whether it is a secret, which must not be shown while it is typed.
    pub password: bool,
    /// What to choose from; empty for free text.
    pub options: Vec<String>,
}

impl Input {
    /// Reads the list. What has no `id` cannot be referred to, so it is passed over.
    pub(super) fn read_list(list: &Value) -> Vec<Self> {
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| Self::read(item.as_object()?)).collect()
    }

    fn read(item: &Map<String, Value>) -> Option<Self> {
        let text = |key| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let option = |option: &Value| {
            let labelled = option.as_object().and_then(|option| option.get("value")?.as_str());
            option.as_str().or(labelled).map(str::to_owned)
        };
        let options = item.get("options").and_then(Value::as_array);
        Some(Self {
            id: text("id")?,
            description: text("description"),
            default: text("default"),
            password: item.get("password").and_then(Value::as_bool).unwrap_or_default(),
            options: options.into_iter().flatten().filter_map(option).collect(),
        })
    }
}
