//! Telling one kind of content from another.
//!
//! Owns the decoding of a [`ContentBlock`], which copies nothing twice: fields are read straight into
//! the kind's own type once `type` is known, and peers nearly always write it first.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};

use super::{
    AudioContent, ContentBlock, EmbeddedResource, ImageContent, ResourceLink, TextContent,
};

impl<'de> Deserialize<'de> for ContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BlockVisitor)
    }
}

/// Decodes a block in one pass when `type` comes first; what comes before it is held back.
struct BlockVisitor;

impl<'de> de::Visitor<'de> for BlockVisitor {
    type Value = ContentBlock;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a content block: an object with a `type`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContentBlock, A::Error> {
        let mut held = Vec::new();
        let kind = loop {
            match map.next_key::<Key>()? {
                Some(Key::Type) => break map.next_value::<BlockKind>()?,
                Some(Key::Other(key)) => held.push((key, map.next_value()?)),
                None => return Err(de::Error::missing_field("type")),
            }
        };
        if held.is_empty() {
            return kind.decode(map);
        }
        kind.decode(Resumed { held: held.into_iter(), value: None, rest: map })
    }
}

enum Key {
    Type,
    Other(String),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl de::Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
                Ok(if key == "type" { Key::Type } else { Key::Other(key.into()) })
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

enum BlockKind {
    Text,
    Image,
    Audio,
    ResourceLink,
    Resource,
    Other(String),
}

impl BlockKind {
    fn decode<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<ContentBlock, A::Error> {
        let kind = match self {
            Self::Other(kind) => kind,
            known => {
                let fields = MapAccessDeserializer::new(map);
                return match known {
                    Self::Text => TextContent::deserialize(fields).map(ContentBlock::Text),
                    Self::Image => ImageContent::deserialize(fields).map(ContentBlock::Image),
                    Self::Audio => AudioContent::deserialize(fields).map(ContentBlock::Audio),
                    Self::ResourceLink => {
                        ResourceLink::deserialize(fields).map(ContentBlock::ResourceLink)
                    }
                    _ => EmbeddedResource::deserialize(fields).map(ContentBlock::Resource),
                };
            }
        };
        let mut fields = Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            fields.insert(key, value);
        }
        fields.insert("type".into(), kind.into());
        Ok(ContentBlock::Other(fields))
    }
}

impl<'de> Deserialize<'de> for BlockKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KindVisitor;
        impl de::Visitor<'_> for KindVisitor {
            type Value = BlockKind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the `type` of a content block: a string")
            }

            fn visit_str<E: de::Error>(self, kind: &str) -> Result<BlockKind, E> {
                Ok(match kind {
                    "text" => BlockKind::Text,
                    "image" => BlockKind::Image,
                    "audio" => BlockKind::Audio,
                    "resource_link" => BlockKind::ResourceLink,
                    "resource" => BlockKind::Resource,
                    other => BlockKind::Other(other.into()),
                })
            }
        }
        deserializer.deserialize_str(KindVisitor)
    }
}

/// The fields of an object of which some were read before their meaning was known.
struct Resumed<A> {
    held: std::vec::IntoIter<(String, Value)>,
    value: Option<Value>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Resumed<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.held.next() {
            Some((key, value)) => {
                self.value = Some(value);
                seed.deserialize(key.into_deserializer()).map(Some)
            }
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(de::Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<ContentBlock, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn blocks_are_told_by_their_type_wherever_it_stands() {
        let image = ContentBlock::image("AAAA", "image/png");
        for text in [
            r#"{"type":"image","data":"AAAA","mimeType":"image/png"}"#,
            r#"{"data":"AAAA","type":"image","mimeType":"image/png"}"#,
            r#"{"data":"AAAA","mimeType":"image/png","x":[{}],"type":"image"}"#,
        ] {
            assert_eq!(decode(text).unwrap(), image);
        }
        let text = serde_json::to_string(&image).unwrap();
        assert_eq!(text, r#"{"type":"image","data":"AAAA","mimeType":"image/png"}"#);
    }

    #[test]
    fn fields_held_back_keep_what_is_inside_them() {
        let text = r#"{"resource":{"uri":"a:b","blob":"AA==","_meta":{"k":1}},"type":"resource"}"#;
        let block = decode(text).unwrap();
        let ContentBlock::Resource(embedded) = &block else { panic!("{block:?}") };
        assert_eq!(embedded.resource.uri(), "a:b");
        let tree: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&block).unwrap(), tree);
    }

    #[test]
    fn unknown_types_survive_with_all_their_fields() {
        for text in [
            r#"{"type":"hologram","text":7,"nested":{"a":[null]}}"#,
            r#"{"text":7,"type":"hologram","nested":{"a":[null]}}"#,
        ] {
            let block = decode(text).unwrap();
            assert_eq!(block.kind(), "hologram");
            let tree: Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_value(&block).unwrap(), tree);
        }
    }

    #[test]
    fn errors_name_what_is_missing_or_wrong() {
        for (text, expected) in [
            (r#"{"text":"a"}"#, "missing field `type`"),
            (r#"{"type":"text"}"#, "missing field `text`"),
            (r#"{"type":7}"#, "the `type` of a content block: a string"),
            (r#"["text"]"#, "a content block: an object with a `type`"),
            (r#"{"type":"resource","resource":{"uri":"a:b"}}"#, "neither `text` nor `blob`"),
            (r#"{"text":7,"type":"text"}"#, "expected a string"),
        ] {
            let error = decode(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
