//! Which scopes are asked for, and how often.

use std::sync::Arc;

use mcp_client::auth::{AccessToken, AuthError};
use serde_json::json;

use crate::world::{Person, World, challenged, text, unauthorized};

#[tokio::test]
async fn server_lists_the_scopes_that_the_challenge_does_not_have() {
    let (world, person) = (World::new().await, Person::new());
    world.protected(|own| own["scopes_supported"] = json!(["read", "write"]));
    world.refused(&world.client(&person), &unauthorized(None)).await.unwrap();
    assert_eq!(world.asked("/authorize")[0].parameters["scope"], "read write");

    let world = World::new().await;
    world.refused(&world.client(&person), &unauthorized(None)).await.unwrap();
    assert!(!world.asked("/authorize")[0].parameters.contains_key("scope"));

    let client = world.client(&person).scopes(["extra"]);
    world.refused(&client, &challenged(401, "scope=\"read\"", None)).await.unwrap();
    assert_eq!(world.asked("/authorize")[1].parameters["scope"], "extra read");
}

#[tokio::test]
async fn refresh_tokens_are_asked_for_where_there_are_any() {
    let (world, person) = (World::new().await, Person::new());
    world.server(|own| own["scopes_supported"] = json!(["read", "offline_access"]));
    let refusal = challenged(401, "scope=\"read\"", None);
    world.refused(&world.client(&person), &refusal).await.unwrap();
    let asked = &world.asked("/authorize")[0].parameters;
    assert_eq!(asked["scope"], "offline_access read");
    assert_eq!(asked["prompt"], "consent");

    let client = world.client(&person).offline_access(false);
    world.refused(&client, &refusal).await.unwrap();
    let asked = &world.asked("/authorize")[1].parameters;
    assert_eq!(asked["scope"], "read");
    assert!(!asked.contains_key("prompt"));
}

#[tokio::test]
async fn more_scopes_are_asked_for_and_the_old_ones_kept() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let first = world.refused(&client, &challenged(401, "scope=\"read\"", None)).await.unwrap();
    let more = challenged(403, "error=\"insufficient_scope\", scope=\"write\"", Some(&first));
    let second = world.refused(&client, &more).await.unwrap();
    assert_eq!(text(&second), "access-2");
    assert_eq!(world.asked("/authorize")[1].parameters["scope"], "read write");
    // Whoever was refused with the first one takes the second.
    assert!(Arc::ptr_eq(&world.refused(&client, &more).await.unwrap(), &second));
    assert_eq!(person.visits(), 2);
}

#[tokio::test]
async fn scopes_that_never_suffice_are_asked_for_three_times() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let mut token =
        world.refused(&client, &challenged(401, "scope=\"admin\"", None)).await.unwrap();
    let refusal = |token: &Arc<AccessToken>| {
        challenged(403, "error=\"insufficient_scope\", scope=\"admin\"", Some(token))
    };
    for _ in 0..2 {
        let more = refusal(&token);
        token = world.refused(&client, &more).await.unwrap();
    }
    for _ in 0..3 {
        let error = world.refused(&client, &refusal(&token)).await.unwrap_err();
        assert!(matches!(error, AuthError::NotAccepted(_)), "{error}");
    }
    assert_eq!(person.visits(), 3);
    let kept = world.token(&client).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&kept, &token), "other requests go on with the token");
}

#[tokio::test]
async fn scopes_that_the_person_declined_are_not_asked_for_again() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let token = world.refused(&client, &challenged(401, "scope=\"read\"", None)).await.unwrap();
    world.rules().response = vec![("error", "access_denied".into())];
    let more = challenged(403, "error=\"insufficient_scope\", scope=\"write\"", Some(&token));
    for _ in 0..3 {
        world.refused(&client, &more).await.unwrap_err();
    }
    assert_eq!(person.visits(), 2);
    assert!(world.token(&client).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_simply_forbidden_leads_to_no_flow() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let token = world.refused(&client, &unauthorized(None)).await.unwrap();
    for params in ["", "error=\"invalid_request\"", "error=\"insufficient_scope\""] {
        let refusal = challenged(403, params, Some(&token));
        let error = world.refused(&client, &refusal).await.unwrap_err();
        assert!(matches!(error, AuthError::NotAccepted(_)), "{error}");
    }
    assert_eq!(person.visits(), 1);
    assert!(world.token(&client).await.unwrap().is_some());
}
