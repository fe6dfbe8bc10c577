//! Our fields are those of the schemas.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    inventory::{Account, account},
    models::{MODELS, Model, model},
    spec,
};

#[test]
fn samples_survive_whole() {
    for model in MODELS.iter() {
        let again = model.reencode(&model.sample).unwrap_or_else(|e| panic!("{}: {e}", model.name));
        assert_eq!(again, model.sample, "{}", model.name);
    }
}

#[test]
fn fields_are_those_of_the_schemas() {
    let Some(spec) = spec::find("fields_are_those_of_the_schemas") else { return };
    let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for revision in spec::REVISIONS {
        for (name, definition) in spec.definitions(revision) {
            let Some((model, schema, whole)) = modelled(&name, &definition) else { continue };
            let place = format!("{revision} {name}");
            for field in compare(&place, schema, &model.sample, model.codec) {
                if whole {
                    known.entry(model.name).or_default().insert(field);
                }
            }
        }
    }
    for model in MODELS.iter() {
        let (Some(known), Some(sample)) = (known.get(model.name), model.sample.as_object()) else {
            continue;
        };
        for field in sample.keys() {
            let ours = model.ours.contains(&field.as_str());
            assert!(
                known.contains(field) != ours,
                "{}: no schema has `{field}`, or it is wrongly called ours",
                model.name
            );
        }
        let written: Vec<_> =
            model.codec.iter().filter(|field| sample.contains_key(**field)).collect();
        assert!(written.is_empty(), "{}: the codec's {written:?} are written here", model.name);
    }
}

#[test]
fn required_fields_are_those_of_the_schemas() {
    let Some(spec) = spec::find("required_fields_are_those_of_the_schemas") else { return };
    for revision in spec::REVISIONS {
        for (name, definition) in spec.definitions(revision) {
            let Some((model, schema, true)) = modelled(&name, &definition) else { continue };
            let (Some(sample), Some(properties)) =
                (model.sample.as_object(), schema.get("properties").and_then(Value::as_object))
            else {
                continue;
            };
            let required = required(schema);
            let least: Map<String, Value> = sample
                .iter()
                .filter(|(field, _)| required.contains(field.as_str()))
                .map(|(field, value)| (field.clone(), value.clone()))
                .collect();
            let least_value = Value::Object(least.clone());
            let again = model
                .reencode(&least_value)
                .unwrap_or_else(|e| panic!("{revision} {name}: {least_value} is refused: {e}"));
            assert_eq!(again, least_value, "{revision} {name}: more is written than was there");
            for field in required.iter().filter(|field| sample.contains_key(**field)) {
                // The tag is checked where one kind is told from another, as in `ContentBlock`.
                let tag = properties.get(*field).is_some_and(|p| p.get("const").is_some());
                if tag || model.lenient.contains(field) {
                    continue;
                }
                let mut without = least.clone();
                without.remove(*field);
                let error = model.reencode(&Value::Object(without)).expect_err(field);
                assert!(error.to_string().contains(field), "{revision} {name}: {error}");
            }
        }
    }
}

#[test]
fn every_enumerated_value_survives() {
    let Some(spec) = spec::find("every_enumerated_value_survives") else { return };
    for revision in spec::REVISIONS {
        for (name, definition) in spec.definitions(revision) {
            let Some((model, schema, _)) = modelled(&name, &definition) else { continue };
            for value in values(schema) {
                assert_eq!(&model.reencode(value).unwrap(), value, "{revision} {name}");
            }
            let properties = schema.get("properties").and_then(Value::as_object);
            for (field, property) in properties.into_iter().flatten() {
                for value in values(property) {
                    let mut sample = model.sample.clone();
                    if model.codec.contains(&field.as_str()) {
                        continue;
                    }
                    sample[field] = value.clone();
                    assert_eq!(
                        model.reencode(&sample).unwrap(),
                        sample,
                        "{revision} {name}.{field}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_member_of_a_union_has_its_type() {
    let Some(spec) = spec::find("every_member_of_a_union_has_its_type") else { return };
    for union in ["ContentBlock", "SamplingMessageContentBlock", "PrimitiveSchemaDefinition"] {
        let block = model(union);
        for revision in spec::REVISIONS {
            let definitions = spec.definitions(revision);
            for name in kinds(&definitions, union) {
                let Some(Account::Done(ours)) = account(name) else {
                    panic!("{revision} {name} has no type");
                };
                let sample = &model(ours).sample;
                assert_eq!(&block.reencode(sample).unwrap(), sample, "{revision} {name}");
            }
        }
    }
}

/// Our type for a definition, the schema that it has to fit, and whether it is the whole of it.
fn modelled<'a>(name: &str, definition: &'a Value) -> Option<(&'static Model, &'a Value, bool)> {
    match account(name)? {
        Account::Done(name) => Some((model(name), definition, true)),
        Account::Base(name) => Some((model(name), definition, false)),
        Account::Request(name) => {
            let params = definition.get("properties")?.get("params")?;
            // Later revisions refer to a definition, which is compared in its own place.
            params.get("properties").map(|_| (model(name), params, true))
        }
        Account::Response(_) | Account::Codec | Account::OutOfScope => None,
    }
}

/// Asserts that the sample has every property of the schema, into nested ones; returns their names.
fn compare(place: &str, schema: &Value, sample: &Value, codec: &[&str]) -> Vec<String> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    for (field, property) in properties {
        if codec.contains(&field.as_str()) {
            continue;
        }
        let Some(value) = sample.get(field) else { panic!("{place}: we have no `{field}`") };
        if let Some(tag) = property.get("const") {
            assert_eq!(value, tag, "{place}.{field}");
        }
        // Inside the schemas of a tool everything is kept as text.
        if !matches!(field.as_str(), "inputSchema" | "outputSchema") {
            compare(&format!("{place}.{field}"), property, value, &[]);
        }
    }
    properties.keys().cloned().collect()
}

/// The definitions that a union has as its members, also those in unions within it.
fn kinds<'a>(definitions: &'a Map<String, Value>, union: &str) -> Vec<&'a str> {
    let members = definitions.get(union).and_then(|definition| definition["anyOf"].as_array());
    let names = members.into_iter().flatten().filter_map(|member| member["$ref"].as_str());
    names
        .map(|path| path.rsplit('/').next().expect("a split has a last part"))
        .flat_map(|name| match kinds(definitions, name) {
            within if within.is_empty() => vec![name],
            within => within,
        })
        .collect()
}

fn required(schema: &Value) -> BTreeSet<&str> {
    let fields = schema.get("required").and_then(Value::as_array);
    fields.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn values(schema: &Value) -> impl Iterator<Item = &Value> {
    schema.get("enum").and_then(Value::as_array).into_iter().flatten()
}
