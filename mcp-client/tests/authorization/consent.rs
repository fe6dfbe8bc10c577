//! Asking a person, and judging the answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth::dpop::ProofKey;
use mcp_client::auth::{AuthError, Presentation, TokenRequest, TokenSource};
use serde_json::json;

use crate::world::{Person, World, challenged, text, unauthorized};

#[tokio::test]
async fn code_is_asked_for_and_exchanged_as_the_specification_says() {
    let (world, person) = (World::new().await, Person::new());
    let refusal = challenged(401, "scope=\"read\"", None);
    let token = world.refused(&world.client(&person), &refusal).await.unwrap();
    assert_eq!(text(&token), "access-1");
    assert_eq!(token.scopes.to_string(), "read");

    let asked = &world.asked("/authorize")[0].parameters;
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], "client-of-");
    assert_eq!(asked["redirect_uri"], "http://127.0.0.1:9/callback");
    assert_eq!(asked["resource"], world.endpoint().as_str());
    assert_eq!(asked["scope"], "read");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["state"].len() >= 43);

    let exchanged = &world.asked("/token")[0].parameters;
    assert_eq!(exchanged["grant_type"], "authorization_code");
    assert_eq!(exchanged["redirect_uri"], asked["redirect_uri"]);
    assert_eq!(exchanged["resource"], asked["resource"]);
    assert_eq!(exchanged["client_id"], "client-of-");
    let challenge =
        ring::digest::digest(&ring::digest::SHA256, exchanged["code_verifier"].as_bytes());
    assert_eq!(asked["code_challenge"], URL_SAFE_NO_PAD.encode(challenge));
    assert_eq!(exchanged["code"], format!("code-of-{}", asked["code_challenge"]));
}

#[tokio::test]
async fn answer_must_be_from_the_issuer_that_was_asked() {
    let wrong = "https://attacker.example";
    for (promised, iss, trusted) in [
        (true, Some("{base}"), true),
        (true, None, false),
        (true, Some(wrong), false),
        (true, Some("{base}/"), false),
        (false, Some("{base}"), true),
        (false, Some(wrong), false),
        (false, Some("{base}/"), false),
        (false, None, true),
    ] {
        let (world, person) = (World::new().await, Person::new());
        world.server(|own| own["authorization_response_iss_parameter_supported"] = json!(promised));
        let iss = iss.map(|iss| ("iss", iss.replace("{base}", world.base())));
        world.rules().response.extend(iss.clone());
        let outcome = world.refused(&world.client(&person), &unauthorized(None)).await;
        assert_eq!(outcome.is_ok(), trusted, "{promised} {iss:?}");
        assert_eq!(person.visits(), 1);
        assert_eq!(world.asked("/token").len(), usize::from(trusted), "no code is sent");
    }
}

#[tokio::test]
async fn errors_of_somebody_else_are_not_shown() {
    let (world, person) = (World::new().await, Person::new());
    world.rules().response = vec![
        ("iss", "https://attacker.example".into()),
        ("error", "gotcha".into()),
        ("error_description", "call this number".into()),
    ];
    let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
    assert!(matches!(error, AuthError::Untrusted(_)), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("gotcha") && !shown.contains("number"), "{shown}");
}

#[tokio::test]
async fn answer_with_another_state_is_not_believed() {
    let (world, person) = (World::new().await, Person::new());
    world.rules().state = false;
    let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
    assert!(matches!(error, AuthError::Untrusted(_)), "{error}");
    assert!(world.asked("/token").is_empty());
}

#[tokio::test]
async fn person_who_declined_is_not_asked_again() {
    let (world, person) = (World::new().await, Person::new());
    world.rules().response = vec![("error", "access_denied".into())];
    let client = world.client(&person);
    for _ in 0..3 {
        let error = world.refused(&client, &unauthorized(None)).await.unwrap_err();
        assert!(error.to_string().contains("access_denied"), "{error}");
        assert!(world.token(&client).await.is_err(), "no request is sent either");
    }
    assert_eq!(person.visits(), 1);

    world.rules().response.clear();
    client.forget_denials();
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(person.visits(), 2);
}

#[tokio::test]
async fn trouble_of_the_moment_does_not_last() {
    let (world, person) = (World::new().await, Person::new());
    world.rules().tokens.push_back((503, json!({ "error": "temporarily_unavailable" })));
    let client = world.client(&person);
    world.refused(&client, &unauthorized(None)).await.unwrap_err();
    world.refused(&client, &unauthorized(None)).await.unwrap();
}

#[tokio::test]
async fn requests_that_wait_share_one_visit_and_outlive_each_other() {
    let (world, person) = (World::new().await, Person::slow());
    let client = world.client(&person);
    let refusal = unauthorized(None);
    let mut first = Box::pin(world.refused(&client, &refusal));
    // The first one drives the others until it is given up.
    let visiting = async {
        while person.visits() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut first => panic!("the person has not answered"),
        () = visiting => {}
    }
    let (second, third) = (world.refused(&client, &refusal), world.refused(&client, &refusal));
    let others = async { tokio::join!(second, third) };
    let mut others = Box::pin(others);
    assert!(futures_util::FutureExt::now_or_never(&mut others).is_none());
    drop(first);
    person.hurry();
    let (second, third) = others.await;
    assert!(std::sync::Arc::ptr_eq(&second.unwrap(), &third.unwrap()));
    assert_eq!(person.visits(), 1);
}

#[tokio::test]
async fn visit_that_nobody_waits_for_ends_and_another_begins() {
    let (world, person) = (World::new().await, Person::slow());
    let client = world.client(&person);
    let refusal = unauthorized(None);
    let visiting = async {
        while person.visits() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = world.refused(&client, &refusal) => panic!("the person has not answered"),
        () = visiting => {}
    }
    person.hurry();
    world.refused(&client, &refusal).await.unwrap();
    assert_eq!(person.visits(), 2);
}

#[tokio::test]
async fn requests_that_are_not_worth_it_ask_nobody() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let (endpoint, refusal) = (world.endpoint(), unauthorized(None));
    let quiet = TokenRequest::new(&endpoint).after(&refusal).quietly();
    assert!(client.token(quiet.clone()).await.unwrap().is_none());
    assert_eq!(person.visits(), 0);

    // What is there is used, and refreshed.
    world.rules().token["expires_in"] = json!(0);
    let token = world.refused(&client, &refusal).await.unwrap();
    let quiet = TokenRequest::new(&endpoint).quietly();
    let fresh = client.token(quiet).await.unwrap().unwrap();
    assert_ne!(text(&token), text(&fresh));
    assert_eq!(person.visits(), 1);
}

#[tokio::test]
async fn token_is_there_in_advance_where_it_is_wanted() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person).in_advance();
    let token = world.token(&client).await.unwrap().unwrap();
    assert_eq!(text(&token), "access-1");
}

#[tokio::test]
async fn tokens_are_bound_to_a_key_where_it_is_wanted() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person).dpop(ProofKey::generate().unwrap());
    let token = world.refused(&client, &unauthorized(None)).await.unwrap();
    assert!(matches!(token.presentation, Presentation::DPoP(_)));
    assert!(world.asked("/token")[0].proof);
    assert_eq!(world.asked("/register")[0].json["dpop_bound_access_tokens"], true);

    world.rules().token["token_type"] = json!("Bearer");
    let client = world.client(&person).dpop(ProofKey::generate().unwrap());
    world.refused(&client, &unauthorized(None)).await.expect_err("it is not bound");

    world.protected(|own| own["dpop_bound_access_tokens_required"] = json!(true));
    let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
    assert!(error.to_string().contains("Authorization::dpop"), "{error}");
}
