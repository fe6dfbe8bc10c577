//! From a raw result to what a caller asked for.

use std::any::type_name;
use std::borrow::Cow;

use mcp_core::types::{
    CacheHints, CallToolResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, Prompt, ReadResourceResult, Resource, ResourceTemplate,
    Tool,
};
use mcp_core::version::Era;
use mcp_core::{Error, ToolError};
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::value::RawValue;

use crate::pages::Page;

/// A result as it stands.
pub(crate) fn whole<T: DeserializeOwned>(result: &str, _: Era) -> Result<T, Error> {
    serde_json::from_str(result).map_err(|problem| misfit::<T>(&problem))
}

/// A result that says nothing but that all went well.
pub(crate) fn nothing(_: &str, _: Era) -> Result<(), Error> {
    Ok(())
}

/// A result that may be kept, with for how long.
pub(crate) fn page<T: Cacheable>(result: &str, era: Era) -> Result<T, Error> {
    let mut page: T = whole(result, era)?;
    if era == Era::Modern {
        // Hints that cannot be read are as good as none: the page is stale at once.
        *page.cache() = serde_json::from_str(result).ok();
    }
    Ok(page)
}

/// The items of a page.
pub(crate) fn items<L: Listing>(result: &str, era: Era) -> Result<Page<L::Item>, Error> {
    whole::<L>(result, era).map(Listing::into_page)
}

/// A result that says for how long it may be kept.
pub(crate) trait Cacheable: DeserializeOwned {
    fn cache(&mut self) -> &mut Option<CacheHints>;
}

/// A result that is a page of a list.
pub(crate) trait Listing: DeserializeOwned {
    type Item;
    fn into_page(self) -> Page<Self::Item>;
}

macro_rules! listings {
    ($($name:ident, $field:ident: $item:ty;)+) => {$(
        impl Cacheable for $name {
            fn cache(&mut self) -> &mut Option<CacheHints> {
                &mut self.cache
            }
        }

        impl Listing for $name {
            type Item = $item;

            fn into_page(self) -> Page<$item> {
                Page { items: self.$field, next: self.next_cursor }
            }
        }
    )+};
}

listings! {
    ListToolsResult, tools: Tool;
    ListResourcesResult, resources: Resource;
    ListResourceTemplatesResult, resource_templates: ResourceTemplate;
    ListPromptsResult, prompts: Prompt;
}

impl Cacheable for ReadResourceResult {
    fn cache(&mut self) -> &mut Option<CacheHints> {
        &mut self.cache
    }
}

/// What a tool answered: its structured content, else its text.
pub(crate) fn answer<T: DeserializeOwned>(result: &str, era: Era) -> Result<T, Error> {
    let outline: Outline<'_> =
        serde_json::from_str(result).map_err(|problem| misfit::<CallToolResult>(&problem))?;
    if outline.is_error == Some(true) {
        let result = Box::new(whole(result, era)?);
        return Err(Error::Tool(ToolError { result }));
    }
    if let Some(structured) = outline.structured_content {
        return serde_json::from_str(structured.get()).map_err(|problem| misfit::<T>(&problem));
    }
    let blocks: Vec<Block<'_>> = match outline.content {
        Some(content) => serde_json::from_str(content.get())
            .map_err(|problem| misfit::<CallToolResult>(&problem))?,
        None => Vec::new(),
    };
    let mut texts = blocks.into_iter().filter(|block| block.kind == "text").map(|b| b.text);
    let text = match (texts.next(), texts.next()) {
        // Only a `T` that can be made of nothing fits.
        (None, _) => return serde_json::from_str("null").map_err(|_| without_text::<T>()),
        (Some(text), None) => text,
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(texts);
            Cow::Owned(all.collect::<Vec<_>>().join("\n"))
        }
    };
    T::deserialize(Text(&text)).map_err(|problem| misfit::<T>(&problem))
}

fn misfit<T>(problem: &serde_json::Error) -> Error {
    let got = format!("a result that does not fit: {problem}");
    Error::UnexpectedMessage { expected: type_name::<T>(), got }
}

fn without_text<T>() -> Error {
    let got = "a result with neither structured content nor text; `call_tool` returns it as it is";
    Error::UnexpectedMessage { expected: type_name::<T>(), got: got.to_owned() }
}

/// The parts of a `CallToolResult`, not yet read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    /// Present even when it is null.
    #[serde(borrow, default, deserialize_with = "present")]
    structured_content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What matters here of a content block.
struct Block<'a> {
    kind: Cow<'a, str>,
    text: Cow<'a, str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Block<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
            #[serde(borrow, default)]
            text: Cow<'a, str>,
        }
        struct BlockVisitor;
        impl<'de> Visitor<'de> for BlockVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a content block (an object)")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fields<'de>, A::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map))
            }
        }
        let Fields { kind, text } = deserializer.deserialize_map(BlockVisitor)?;
        Ok(Self { kind, text })
    }
}

/// Text of a tool: itself where a string is wanted, JSON where anything else is.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn json(self) -> Option<serde_json::Deserializer<serde_json::de::StrRead<'a>>> {
        let is_json = serde_json::from_str::<&RawValue>(self.0).is_ok();
        is_json.then(|| serde_json::Deserializer::from_str(self.0))
    }
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.json() {
            Some(mut json) => json.deserialize_any(visitor),
            None => visitor.visit_borrowed_str(self.0),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            "null" => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// Who wants nothing may be told anything.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.json() {
            // `RawValue` is known to `serde_json` by such a name.
            Some(mut json) if name.starts_with('$') => {
                json.deserialize_newtype_struct(name, visitor)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.json() {
            Some(mut json) => json.deserialize_enum(name, variants, visitor),
            None => BorrowedStrDeserializer::new(self.0).deserialize_enum(name, variants, visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn text(text: &str) -> String {
        json!({ "content": [{ "type": "text", "text": text }] }).to_string()
    }

    fn decoded<T: DeserializeOwned>(result: &str) -> Result<T, String> {
        answer(result, Era::Modern).map_err(|error| error.to_string())
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Title(String);

    #[test]
    fn structured_content_goes_before_text() {
        let result = r#"{"content":[{"type":"text","text":"7"}],"structuredContent":{"n":8}}"#;
        assert_eq!(decoded::<BTreeMap<String, u32>>(result).unwrap()["n"], 8);
        let null = r#"{"content":[{"type":"text","text":"7"}],"structuredContent":null}"#;
        assert_eq!(decoded::<Option<u32>>(null), Ok(None));
    }

    #[test]
    fn text_is_json_unless_a_string_is_wanted() {
        assert_eq!(decoded::<u32>(&text("7")), Ok(7));
        assert_eq!(decoded::<String>(&text("7")), Ok("7".to_owned()));
        assert_eq!(decoded::<String>(&text("\"a\\n\"")), Ok("\"a\\n\"".to_owned()));
        assert_eq!(decoded::<Title>(&text("7")), Ok(Title("7".to_owned())));
        assert_eq!(decoded::<Option<String>>(&text("x")), Ok(Some("x".to_owned())));
        assert_eq!(decoded::<Vec<u32>>(&text("[1, 2]")), Ok(vec![1, 2]));
        assert_eq!(decoded::<Value>(&text("{\"a\":1}")), Ok(json!({ "a": 1 })));
        assert_eq!(decoded::<Value>(&text("plain")), Ok(json!("plain")));
        assert_eq!(decoded::<Colour>(&text("red")), Ok(Colour::Red));
        assert_eq!(decoded::<Colour>(&text("\"red\"")), Ok(Colour::Red));
        assert_eq!(decoded::<()>(&text("done")), Ok(()));
        assert_eq!(decoded::<Box<RawValue>>(&text("[1]")).unwrap().get(), "[1]");
    }

    #[test]
    fn several_texts_are_joined_and_other_content_is_left_out() {
        let result = r#"{"content":[{"type":"text","text":"a"},{"type":"image","data":"","mimeType":"image/png"},
            {"type":"text","text":"b"}]}"#;
        assert_eq!(decoded::<String>(result), Ok("a\nb".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_explained() {
        let said = decoded::<u32>(&text("seven")).unwrap_err();
        assert!(said.contains("expected u32") && said.contains("\"seven\""), "{said}");
        let said = decoded::<u32>(r#"{"content":[]}"#).unwrap_err();
        assert!(said.contains("neither structured content nor text"), "{said}");
        assert_eq!(decoded::<Option<u32>>("{}"), Ok(None));
    }

    #[test]
    fn failure_of_a_tool_is_its_own_error() {
        let result = r#"{"content":[{"type":"text","text":"no such title"}],"isError":true}"#;
        let Err(Error::Tool(error)) = answer::<u32>(result, Era::Legacy) else { panic!() };
        assert_eq!(error.to_string(), "no such title");
    }

    #[test]
    fn pages_keep_their_cache_hints_in_the_modern_era() {
        let text = r#"{"tools":[],"ttlMs":5,"cacheScope":"public"}"#;
        let tools_page = page::<ListToolsResult>;
        assert_eq!(tools_page(text, Era::Modern).unwrap().cache.unwrap().ttl_ms, 5);
        assert!(tools_page(text, Era::Legacy).unwrap().cache.is_none());
    }
}
