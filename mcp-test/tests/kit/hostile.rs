//! Servers under attack.

use mcp_server::{Era, Profile, ProtocolVersion, Server, tool};
use mcp_test::Error;
use mcp_test::hostile::{Attack, Expected, check, lines};
use serde_json::json;

use crate::server::{PREMIUM, STANDARD, broken, sound, tiers};

#[tokio::test]
async fn a_sound_server_survives_everything() -> Result<(), Error> {
    let report = check(sound()).await?;
    assert!(report.cases() > 200, "{report}");
    check(tiers()).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_of_one_era_is_attacked_in_that_one() -> Result<(), Error> {
    for era in [Era::Legacy, Era::Modern] {
        let versions = ProtocolVersion::KNOWN.iter().filter(|v| v.era() == Some(era)).cloned();
        check(sound().versions(versions)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_demands_a_profile_is_attacked_with_it() -> Result<(), Error> {
    let server = || {
        let profiles = [Profile::new(PREMIUM), Profile::new(STANDARD).compulsory()];
        profiles.into_iter().fold(sound(), mcp_server::Builder::profile)
    };
    let unasked = check(server()).await.unwrap_err();
    assert!(unasked.to_string().contains("Attack::request"), "{unasked}");
    Attack::on(server()).request(STANDARD).run().await?;
    Ok(())
}

#[tokio::test]
async fn nasty_arguments_reach_the_tools_that_are_named() -> Result<(), Error> {
    let report = Attack::on(sound())
        .call("echo", json!({ "text": "so" }))
        .call("divide", json!({ "a": 1, "by": 2 }))
        .run()
        .await?;
    assert!(report.cases() > check(sound()).await?.cases() + 60);
    Ok(())
}

#[tokio::test]
async fn a_tool_that_panics_is_found() {
    let found = Attack::on(broken()).call("boom", json!({ "text": "x" })).run().await;
    let found = found.unwrap_err().to_string();
    assert!(found.contains("`boom` with a way out of the folder at `/text`"), "{found}");
    assert!(found.contains("panicked"), "{found}");
    assert!(found.contains("boom: Some(\"../"), "{found}");
}

/// Takes the first half of a text.
#[tool]
async fn half(text: String) -> String {
    // Wrong: the middle may lie inside a character.
    text[..text.len() / 2].to_owned()
}

#[tokio::test]
async fn a_tool_that_cuts_characters_is_found() {
    let server = Server::builder("half", "1.0").tool(half);
    let found = Attack::on(server).call("half", json!({ "text": "x" })).run().await.unwrap_err();
    assert!(found.to_string().contains("is not a char boundary"), "{found}");
}

#[tokio::test]
async fn what_a_test_adds_is_sent_too() {
    let wrong =
        Attack::on(sound()).also("a ping", "{\"jsonrpc\":\"2.0\",\"id\":1}\n", Expected::Ignored);
    let found = wrong.run().await.unwrap_err().to_string();
    assert!(found.contains("- a ping (legacy era): expected no answer, got {"), "{found}");
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let lines = lines();
    let mut names: Vec<_> = lines.iter().map(|case| (&case.name, case.era)).collect();
    names.sort_by_key(|(name, era)| ((*name).clone(), era.map(|era| era.to_string())));
    names.dedup();
    assert_eq!(names.len(), lines.len());
    assert!(lines.iter().all(|case| case.bytes.ends_with(b"\n")));
}
