//! Lists: that they are there where they are declared, end, and hold items of known form.

use std::collections::HashSet;

use mcp_core::version::Era;
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::rule;
use super::wire::{Answer, Peer, shown};
use super::wire_rules::expect_error;

/// One of a server's lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    pub(crate) method: &'static str,
    /// The member that holds the items.
    key: &'static str,
    /// The capability that declares it.
    capability: &'static str,
    /// The member that tells items apart.
    pub(crate) name: &'static str,
    /// What an item has to have besides.
    required: &'static [&'static str],
    /// Whether a server with the capability may lack the method.
    optional: bool,
}

pub(crate) const TOOLS: List = List {
    method: "tools/list",
    key: "tools",
    capability: "tools",
    name: "name",
    required: &["name"],
    optional: false,
};
pub(crate) const RESOURCES: List = List {
    method: "resources/list",
    key: "resources",
    capability: "resources",
    name: "uri",
    required: &["uri", "name"],
    optional: false,
};
pub(crate) const TEMPLATES: List = List {
    method: "resources/templates/list",
    key: "resourceTemplates",
    capability: "resources",
    name: "uriTemplate",
    required: &["uriTemplate", "name"],
    optional: true,
};
pub(crate) const PROMPTS: List = List {
    method: "prompts/list",
    key: "prompts",
    capability: "prompts",
    name: "name",
    required: &["name"],
    optional: false,
};

/// Gets a list and checks it; its items, if it is declared.
pub(crate) async fn check(peer: &mut Peer<'_>, ledger: &mut Ledger, list: List) -> Vec<Value> {
    let declared = peer.capabilities.get(list.capability).is_some();
    if !declared {
        let answer = peer.probe(list.method, json!({})).await;
        let offered = answer.result().and_then(|result| result.get(list.key)?.as_array());
        ledger.hold(&rule::UNDECLARED, offered.is_none_or(Vec::is_empty), || {
            format!("`{}` has items, and `{}` is not declared", list.method, list.capability)
        });
        return Vec::new();
    }
    let Some(items) = pages(peer, ledger, list).await else { return Vec::new() };
    let mut names = HashSet::new();
    for item in &items {
        for member in list.required {
            let text = item.get(member).and_then(Value::as_str);
            ledger.hold(&rule::ITEM_FORM, text.is_some(), || {
                format!("`{}`: {} has no text `{member}`", list.method, shown(item))
            });
        }
        if let Some(name) = item.get(list.name).and_then(Value::as_str) {
            ledger.hold(&rule::UNIQUE, names.insert(name), || {
                format!("`{}`: {} comes twice", list.method, shown(&json!(name)))
            });
        }
        icons(ledger, item);
    }
    if peer.era != Era::Legacy && items.len() > 1 {
        stable(peer, ledger, list, &items).await;
    }
    items
}

/// All pages; `None` if there is no list.
async fn pages(peer: &mut Peer<'_>, ledger: &mut Ledger, list: List) -> Option<Vec<Value>> {
    let (mut items, mut used) = (Vec::new(), HashSet::new());
    let (mut params, mut scope) = (json!({}), None);
    loop {
        let answer = peer.request(list.method, params.clone()).await;
        let result = match answer {
            Answer::Gone(_) => return None,
            Answer::Result(ref result) => result,
            _ if list.optional && answer.code() == Some(-32601) => return None,
            _ => {
                let detail = format!("`{}`: {}", list.method, answer.describe());
                ledger.fail(&rule::DECLARED_LIST, detail);
                return None;
            }
        };
        let Some(page) = result.get(list.key).and_then(Value::as_array) else {
            let detail = format!("`{}` has no array `{}`", list.method, list.key);
            ledger.fail(&rule::DECLARED_LIST, detail);
            return None;
        };
        ledger.keep(&rule::DECLARED_LIST);
        items.extend(page.iter().cloned());
        if peer.era != Era::Legacy {
            cache_hints(ledger, list.method, result);
            let this = result.get("cacheScope").cloned();
            let first = scope.get_or_insert_with(|| this.clone());
            ledger.hold(&rule::CACHE_SCOPE, *first == this, || {
                format!("`{}` has pages with different `cacheScope`", list.method)
            });
        }
        let cursor = match result.get("nextCursor") {
            None | Some(Value::Null) => break,
            Some(Value::String(cursor)) => cursor.clone(),
            Some(other) => {
                let detail = format!("`{}`: `nextCursor` is {}", list.method, shown(other));
                ledger.fail(&rule::LIST_ENDS, detail);
                return Some(items);
            }
        };
        if !used.insert(cursor.clone()) || used.len() > MOST_PAGES {
            let why = if used.len() > MOST_PAGES {
                "there are too many pages"
            } else {
                "a cursor comes twice"
            };
            ledger.fail(&rule::LIST_ENDS, format!("`{}`: {why}", list.method));
            return Some(items);
        }
        params = json!({ "cursor": cursor });
    }
    ledger.keep(&rule::LIST_ENDS);
    if !used.is_empty() {
        let cursor = json!({ "cursor": "check: no such cursor" });
        let answer = peer.probe(list.method, cursor).await;
        let what = format!("`{}` with an unknown cursor", list.method);
        expect_error(ledger, &rule::INVALID_CURSOR, &what, &answer, &[-32602]);
    }
    Some(items)
}

/// How long and for whom a result may be kept.
pub(crate) fn cache_hints(ledger: &mut Ledger, method: &str, result: &Value) {
    if result.get("resultType").and_then(Value::as_str) == Some("input_required") {
        return;
    }
    let time = result.get("ttlMs").and_then(Value::as_f64);
    let scope = result.get("cacheScope").and_then(Value::as_str);
    let kept = time.is_some_and(|time| time >= 0.0) && matches!(scope, Some("public" | "private"));
    ledger.hold(&rule::CACHE_HINTS, kept, || {
        let of = |name: &str| result.get(name).map_or_else(|| "missing".to_owned(), shown);
        format!("`{method}`: `ttlMs` {}, `cacheScope` {}", of("ttlMs"), of("cacheScope"))
    });
}

/// Asks for the first page again: what was first before is first again.
async fn stable(peer: &mut Peer<'_>, ledger: &mut Ledger, list: List, items: &[Value]) {
    let answer = peer.request(list.method, json!({})).await;
    let Some(again) = answer.result().and_then(|result| result.get(list.key)?.as_array()) else {
        return;
    };
    let same = again.iter().zip(items).all(|(a, b)| a.get(list.name) == b.get(list.name));
    ledger.hold(&rule::STABLE_ORDER, same, || {
        format!("`{}` has another order the second time", list.method)
    });
}

fn icons(ledger: &mut Ledger, item: &Value) {
    let icons = item.get("icons").and_then(Value::as_array).map(Vec::as_slice);
    for icon in icons.unwrap_or_default() {
        let source = icon.get("src").and_then(Value::as_str).unwrap_or_default();
        let kept = source.starts_with("https:") || source.starts_with("data:");
        ledger.hold(&rule::ICONS, kept, || format!("`src` is {}", shown(&json!(source))));
    }
}

/// More pages than any honest list has.
const MOST_PAGES: usize = 1_000;
