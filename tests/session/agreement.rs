//! The table of errors of the profile contract, row by row, and what an agreement looks like.

use serde_json::json;

use crate::harness::client::Saw;
use crate::harness::pair::{Pair, established, legacy};
use crate::harness::server::ServerRig;
use crate::harness::world::{BASIC, ELSEWHERE, EXT, FUTURE, MODERN, PREMIUM, Wants, World};
use crate::server_rules::{answer, call, code, initialize, modern};

fn asks(profiles: &[&str]) -> Option<serde_json::Value> {
    Some(json!({"requested": profiles}))
}

#[test]
fn a_legacy_session_in_which_nothing_requested_is_available_is_rejected() {
    for profile in [ELSEWHERE, FUTURE, MODERN] {
        let mut rig = ServerRig::new(World::declaring(&[BASIC, MODERN, FUTURE]));
        let answer = answer(&mut rig, &initialize("2025-11-25", &[profile]));
        assert_eq!(code(&answer), 1004, "{profile}");
        assert!(rig.session.is_over());
    }
}

#[test]
fn a_legacy_session_agrees_in_part_and_says_why() {
    let mut rig =
        ServerRig::new(World::declaring(&[BASIC, PREMIUM, FUTURE]).asking(&[BASIC, FUTURE]));
    let frame = initialize("2025-11-25", &[FUTURE, PREMIUM, BASIC, ELSEWHERE]).replace(
        r#""capabilities":{}"#,
        &format!(r#""capabilities":{{"extensions":{{"{EXT}":{{}}}}}}"#),
    );
    let answer = answer(&mut rig, &frame);
    assert_eq!(answer["result"]["profiles"], json!([BASIC]));
    let settings = &answer["result"]["capabilities"]["extensions"][EXT];
    let reasons = settings["reasons"].as_array().unwrap();
    let kinds: Vec<_> = reasons.iter().map(|reason| reason["reason"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["mcpVersionTooLow", "notPermitted", "unknown"]);
    assert_eq!(settings["supported"].as_array().unwrap().len(), 3);
}

#[test]
fn a_compulsory_profile_outside_the_result_rejects_a_legacy_session() {
    for asked in [&[][..], &[BASIC]] {
        let mut rig = ServerRig::new(World::declaring(&[BASIC, PREMIUM]).compulsory(PREMIUM));
        assert_eq!(code(&answer(&mut rig, &initialize("2025-11-25", asked))), 1004, "{asked:?}");
    }
}

#[test]
fn a_client_that_did_not_declare_the_extension_is_told_only_what_is_supported() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC]));
    let answer = answer(&mut rig, &initialize("2025-11-25", &[PREMIUM]));
    let data = answer["error"]["data"].as_object().unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["supported"]);
}

#[test]
fn a_modern_request_is_all_or_nothing() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC, PREMIUM]).asking(&[BASIC]));
    let frame = modern("1", "tools/call", asks(&[BASIC, PREMIUM]), json!({"name": "open"}));
    let refused = answer(&mut rig, &frame);
    assert_eq!(code(&refused), 1004);
    let data = refused["error"]["data"].as_object().unwrap();
    assert_eq!(data["requested"], json!([BASIC, PREMIUM]));
    assert_eq!(data["reasons"], json!([{"profileURL": PREMIUM, "reason": "notPermitted"}]));
    assert_eq!(data["supported"].as_array().unwrap().len(), 2);
    assert!(rig.calls().next().is_none());
    let frame = modern("1", "tools/call", asks(&[BASIC]), json!({"name": "open"}));
    assert_eq!(answer(&mut rig, &frame)["result"]["_meta"][EXT], json!({"profiles": [BASIC]}));
}

#[test]
fn a_modern_caller_who_could_have_the_compulsory_profile_is_told_to_ask_for_it() {
    let world = World::declaring(&[BASIC, PREMIUM]).compulsory(PREMIUM);
    let mut rig = ServerRig::new(world.clone());
    let refused = answer(&mut rig, &modern("1", "tools/list", asks(&[BASIC]), json!({})));
    assert_eq!(code(&refused), -32021);
    let required = &refused["error"]["data"]["requiredCapabilities"]["extensions"][EXT];
    assert_eq!(required, &json!({"requested": [PREMIUM]}));
    let mut rig = ServerRig::new(world.asking(&[BASIC]));
    let refused = answer(&mut rig, &modern("1", "tools/list", asks(&[BASIC]), json!({})));
    assert_eq!(code(&refused), 1004, "one who could not have it is not told to ask");
}

#[test]
fn where_both_errors_fit_1004_comes_first() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC, PREMIUM]).compulsory(PREMIUM));
    let refused = answer(&mut rig, &modern("1", "tools/list", asks(&[ELSEWHERE]), json!({})));
    assert_eq!(code(&refused), 1004);
}

#[test]
fn a_gated_tool_needs_its_profile_in_the_modern_era_if_the_caller_could_have_it() {
    let world = World::declaring(&[BASIC, PREMIUM]);
    let mut rig = ServerRig::new(world.clone());
    let frame = modern("1", "tools/call", asks(&[BASIC]), json!({"name": "gated"}));
    let refused = answer(&mut rig, &frame);
    assert_eq!(code(&refused), -32021);
    let required = &refused["error"]["data"]["requiredCapabilities"]["extensions"][EXT];
    assert_eq!(required, &json!({"requested": [PREMIUM]}));
    let mut rig = ServerRig::new(world.asking(&[BASIC]));
    let refused = answer(&mut rig, &frame);
    let unknown = answer(&mut rig, &frame.replace("gated", "other"));
    assert_eq!(refused.to_string(), unknown.to_string().replace("other", "gated"));
}

#[test]
fn a_gated_tool_is_unknown_in_a_legacy_session_without_its_profile() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC, PREMIUM]));
    answer(&mut rig, &initialize("2025-11-25", &[BASIC]));
    let refused = answer(&mut rig, &call("1", "gated"));
    let unknown = answer(&mut rig, &call("1", "other"));
    assert_eq!(refused.to_string(), unknown.to_string().replace("other", "gated"));
    let list = answer(&mut rig, r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#);
    assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn discovery_never_fails_for_profiles() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC, PREMIUM]).compulsory(PREMIUM));
    for asked in [None, asks(&[]), asks(&[ELSEWHERE]), asks(&[BASIC])] {
        let said = answer(&mut rig, &modern("1", "server/discover", asked.clone(), json!({})));
        let meta = said["result"]["_meta"].get(EXT);
        assert_eq!(meta.is_some(), asked.is_some(), "{said}");
        assert!(meta.is_none_or(|meta| meta["profiles"] == json!([])), "{said}");
        let scope = if asked.is_some() { "private" } else { "public" };
        assert_eq!(said["result"]["cacheScope"], scope);
    }
}

#[test]
fn a_page_that_says_what_is_in_force_is_private_whatever_its_handler_says() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC]));
    let listed = answer(&mut rig, &modern("1", "tools/list", asks(&[BASIC]), json!({})));
    assert_eq!(listed["result"]["cacheScope"], "private");
    let listed = answer(&mut rig, &modern("1", "tools/list", None, json!({})));
    assert_eq!(listed["result"]["cacheScope"], "public");
}

#[test]
fn a_requirement_that_is_met_is_in_force_on_both_sides_in_both_eras() {
    let world = World::declaring(&[BASIC, PREMIUM]);
    let wants = Wants { preferred: vec![ELSEWHERE], ..Wants::requiring(&[PREMIUM]) };
    for mut pair in [established(world.clone(), &wants), legacy(world, &wants)] {
        pair.call("gated");
        pair.drive();
        assert!(
            matches!(pair.client.outcome(), Some(Saw::Response(Ok(_)))),
            "{:#?}",
            pair.transcript()
        );
        assert_eq!(pair.server.calls().last().unwrap().profiles, [PREMIUM]);
    }
}

#[test]
fn a_requirement_that_is_not_met_ends_the_connection_in_both_eras() {
    use mcp_core::session::client::EraChoice::{Legacy, Modern};
    for world in [World::plain(), World::declaring(&[]), World::declaring(&[BASIC])] {
        for era in [Legacy, Modern] {
            let mut pair = Pair::new(world.clone(), &Wants::requiring(&[PREMIUM]).era(era));
            pair.drive();
            assert!(
                matches!(pair.client.outcome(), Some(Saw::Rejected { .. })),
                "{:#?}",
                pair.transcript()
            );
            assert_eq!(pair.server.calls().count(), 0);
        }
    }
}
