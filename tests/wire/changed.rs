//! What peers send instead of what they should: every part of every sample, replaced or left out.

use serde_json::{Value, json};

use crate::models::{MODELS, Model};

#[test]
fn what_is_accepted_is_written_in_a_form_that_stays() {
    for model in MODELS.iter() {
        changes(&model.sample, &mut |changed| stays(model, changed));
    }
}

/// Refused or accepted, but never a panic, and never written in a form that we read otherwise.
fn stays(model: &Model, changed: &Value) {
    let Ok(once) = model.reencode(changed) else { return };
    let twice = model.reencode(&once).unwrap_or_else(|e| {
        panic!("{}: {changed} is accepted, {once} is written and refused: {e}", model.name)
    });
    assert_eq!(once, twice, "{}: {changed}", model.name);
}

/// Visits `whole` with each of its parts changed, one at a time.
fn changes(whole: &Value, visit: &mut impl FnMut(&Value)) {
    let replacements = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(18446744073709551615_u64),
        json!(""),
        json!("\u{0}\u{2028}\"\\"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"": {}}),
        json!({"type": "text", "text": "a"}),
    ];
    for path in paths(whole) {
        for replacement in &replacements {
            let mut changed = whole.clone();
            if let Some(part) = changed.pointer_mut(&path) {
                *part = replacement.clone();
            }
            visit(&changed);
        }
        let Some((parent, key)) = path.rsplit_once('/') else { continue };
        let mut changed = whole.clone();
        match changed.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(&key.replace("~1", "/"))),
            Some(Value::Array(items)) => drop(items.pop()),
            _ => {}
        }
        visit(&changed);
    }
}

/// The JSON pointers of all parts, the whole included.
fn paths(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut within = |key: String, part: &Value| {
        found.extend(paths(part).into_iter().map(|rest| format!("/{key}{rest}")));
    };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, part)| within(key.replace('/', "~1"), part));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, part)| within(at.to_string(), part));
        }
        _ => {}
    }
    found
}
