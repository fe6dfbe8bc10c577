//! Every published example message of a type that we have comes back as it was.

use serde_json::Value;

use crate::{
    inventory::{Account, account},
    models::{Model, model},
    spec,
};

#[test]
fn published_examples_round_trip() {
    let Some(spec) = spec::find("published_examples_round_trip") else { return };
    let mut count = 0;
    for (definition, file, message) in spec.examples() {
        let (model, part) = match account(&definition) {
            Some(Account::Done(name) | Account::Base(name)) => (model(name), Some(&message)),
            Some(Account::Request(name)) => (model(name), message.get("params")),
            Some(Account::Response(name)) => (model(name), message.get("result")),
            Some(Account::Codec | Account::OutOfScope) => continue,
            None => panic!("{definition}/{file} belongs to no definition in the table"),
        };
        let Some(part) = part else { continue };
        let again = model.reencode(part).unwrap_or_else(|e| panic!("{definition}/{file}: {e}"));
        assert_eq!(again, without_codec_fields(model, part), "{definition}/{file}");
        count += 1;
    }
    assert!(count >= 90, "only {count} examples were found");
}

#[test]
fn cache_hints_of_published_examples_round_trip() {
    let Some(spec) = spec::find("cache_hints_of_published_examples_round_trip") else { return };
    let hints = model("CacheHints");
    let mut count = 0;
    for (definition, file, message) in spec.examples() {
        let part = message.get("result").unwrap_or(&message);
        if part.get("ttlMs").is_none() {
            continue;
        }
        let again = hints.reencode(part).unwrap_or_else(|e| panic!("{definition}/{file}: {e}"));
        for field in ["ttlMs", "cacheScope"] {
            assert_eq!(again.get(field), part.get(field), "{definition}/{file}");
        }
        count += 1;
    }
    assert!(count > 0, "no example has cache hints");
}

fn without_codec_fields(model: &Model, part: &Value) -> Value {
    let mut part = part.clone();
    if let Some(fields) = part.as_object_mut() {
        fields.retain(|field, _| !model.codec.contains(&field.as_str()));
    }
    part
}
