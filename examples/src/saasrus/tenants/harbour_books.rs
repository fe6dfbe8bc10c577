//! Harbour Books: two tiers, with limits that the library enforces.
//!
//! | | basic | plus |
//! | --- | --- | --- |
//! | documents that a search gives | 2 | 50 |
//! | longest arguments of a call | 1 KiB | 64 KiB |
//! | calls at a time | 2 | 16 |
//! | `remove_document` | – | yes |
//!
//! Basic is for everybody, unasked. Plus is for those whose token says so, and they get it unasked,
//! too.

use std::time::Duration;

use mcp_server::{Builder, Caller, Entitlement, Profile};

use super::{Place, Tenant};
use crate::saasrus::tokens::Plan;
use crate::saasrus::tools::{Reach, remove_document};

/// The tier for everybody.
pub const BASIC: &str = "https://saasrus.example/mcp-profiles/basic";

/// The tier for those who pay for it.
pub const PLUS: &str = "https://saasrus.example/mcp-profiles/plus";

/// Harbour Books.
pub const TENANT: Tenant = Tenant {
    name: "harbourbooks",
    title: "Harbour Books",
    place: Place::Host,
    holders: &[("linus", Plan::Basic), ("margaret", Plan::Plus)],
    documents: &[
        ("Price list", "Books by weight: 9 a kilogram. First editions are not weighed."),
        ("Delivery", "The boat takes books to the islands on Fridays, if there is no fog."),
        ("Books that are missing", "Volume 3 of the tide tables. It was last seen at low tide."),
        ("Damp books", "Books that got wet are dried in the lamp room, page by page."),
    ],
    terms,
};

fn terms(server: Builder) -> Builder {
    let plus = Profile::new(PLUS)
        .min_mcp_version("2025-03-26")
        .settings(Reach::FULL)
        .bytes_in(64 << 10)
        .concurrent_calls(16)
        .call_time(Duration::from_secs(30))
        .tool(remove_document);
    let basic = Profile::new(BASIC)
        .settings(Reach { hits: 2 })
        .bytes_in(1 << 10)
        .concurrent_calls(2)
        .call_time(Duration::from_secs(10))
        .by_default();
    server.exclusive([plus, basic]).entitlement(entitled)
}

async fn entitled(caller: Caller) -> Entitlement {
    match caller.has("plan", Plan::Plus.as_str()) {
        true => Entitlement::all().pick(PLUS),
        false => Entitlement::only([BASIC]),
    }
}

#[cfg(test)]
mod tests {
    use mcp_client::{ErrorCode, ReasonKind};
    use mcp_server::Principal;
    use mcp_test::{ERAS, assert_refused, assert_tool_error, pair};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn tiers_differ_in_what_is_found_added_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let server = TENANT.open(directory.path()).unwrap().server;
        let long = json!({ "title": "Tides", "text": "tide ".repeat(400) });
        for era in ERAS {
            let caller = |name, plan| Principal::new(name).with("plan", plan);
            let linus = pair(server.clone()).era(era).principal(caller("linus", "basic"));
            let linus = linus.connect().await.unwrap();
            let found: Value =
                linus.call("search_documents", json!({ "text": "book" })).await.unwrap();
            assert_eq!(
                (found["documents"].as_array().unwrap().len(), &found["total"]),
                (2, &json!(4))
            );
            assert_tool_error!(linus.call_tool("add_document", &long).await, "bytes_in");
            let removed = linus.call_tool("remove_document", json!({ "id": 1 })).await;
            assert_refused!(removed, ErrorCode::INVALID_PARAMS, "remove_document");
            linus.shutdown().await.unwrap();

            let margaret = pair(server.clone()).era(era).principal(caller("margaret", "plus"));
            let margaret = margaret.require(PLUS).connect().await.unwrap();
            let found: Value =
                margaret.call("search_documents", json!({ "text": "book" })).await.unwrap();
            assert_eq!(found["documents"].as_array().unwrap().len(), 4);
            let added: Value = margaret.call("add_document", &long).await.unwrap();
            assert_eq!(added["author"], "margaret");
            let id = json!({ "id": added["id"] });
            let removed: String = margaret.call("remove_document", &id).await.unwrap();
            assert!(removed.ends_with("Tides"), "{removed}");
            margaret.shutdown().await.unwrap();
        }
    }

    #[tokio::test]
    async fn plus_is_not_for_basic_holders() {
        let directory = tempfile::tempdir().unwrap();
        let server = TENANT.open(directory.path()).unwrap().server;
        let linus = Principal::new("linus").with("plan", "basic");
        let refused = pair(server).principal(linus).require(PLUS).connect().await.unwrap_err();
        let why = refused.rejection().unwrap().reason(PLUS).unwrap().kind();
        assert_eq!(why, &ReasonKind::NotPermitted);
    }
}
