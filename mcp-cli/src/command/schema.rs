//! The parameters that a schema of arguments describes, in the order in which it does.

use std::fmt;

use mcp_core::types::Schema;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// The names of the parameters, those that may be left out in brackets.
pub(crate) fn signature(schema: &Schema) -> String {
    let Ok(Shape { properties, required }) = schema.parse() else { return "?".to_owned() };
    let names = properties.0.into_iter().map(|name| match required.contains(&name) {
        true => name,
        false => format!("[{name}]"),
    });
    names.collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    properties: Names,
    #[serde(default)]
    required: Vec<String>,
}

/// The names of an object's members, in their order.
#[derive(Default)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;
        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(NamesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_in_their_order() {
        let text =
            r#"{"type":"object","properties":{"text":{},"limit":{},"a":true},"required":["text"]}"#;
        assert_eq!(signature(&Schema::from_text(text).unwrap()), "text, [limit], [a]");
        assert_eq!(signature(&Schema::no_arguments()), "");
        assert_eq!(signature(&Schema::from_text(r#"{"properties":7}"#).unwrap()), "?");
    }
}
