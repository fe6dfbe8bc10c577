//! Tokens without a person.

use std::time::Duration;

use mcp_client::auth::{Assertion, AuthError, Authorization, ClientAuthentication};
use serde_json::json;

use crate::world::{World, challenged, text, unauthorized};

fn billing() -> Authorization {
    Authorization::client_credentials("billing", ClientAuthentication::SecretBasic("s".into()))
}

#[tokio::test]
async fn client_gets_tokens_for_itself() {
    let world = World::new().await;
    let client = billing().issuer(world.base());
    let refusal = challenged(401, "scope=\"read\"", None);
    let token = world.refused(&client, &refusal).await.unwrap();
    assert_eq!(text(&token), "access-1");
    let asked = &world.asked("/token")[0];
    assert_eq!(asked.parameters["grant_type"], "client_credentials");
    assert_eq!(asked.parameters["resource"], world.endpoint().as_str());
    assert_eq!(asked.parameters["scope"], "read");
    assert_eq!(asked.authorization.as_deref(), Some("Basic YmlsbGluZzpz"));
    assert!(world.asked("/register").is_empty() && world.asked("/authorize").is_empty());
}

#[tokio::test]
async fn expired_token_is_replaced_without_another_refusal() {
    let world = World::new().await;
    world.rules().token["expires_in"] = json!(0);
    let client = billing();
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(text(&world.token(&client).await.unwrap().unwrap()), "access-2");
}

#[tokio::test]
async fn denial_leads_to_no_other_request_for_a_while() {
    for error in ["invalid_grant", "invalid_scope", "unauthorized_client", "invalid_client"] {
        let world = World::new().await;
        let answers = std::iter::repeat_n((400, json!({ "error": error })), 2);
        world.rules().tokens.extend(answers);
        let client = Authorization::jwt_bearer("workload", Assertion::fixed("a.b.c"));
        for _ in 0..3 {
            let denied = world.refused(&client, &unauthorized(None)).await.unwrap_err();
            assert!(matches!(denied, AuthError::Refused { .. }), "{denied}");
            assert!(world.token(&client).await.is_err());
        }
        assert_eq!(world.asked("/token").len(), 1, "{error}");
        assert_eq!(world.asked("/token")[0].parameters["assertion"], "a.b.c");

        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        world.refused(&client, &unauthorized(None)).await.unwrap_err();
        assert_eq!(world.asked("/token").len(), 2, "{error}");
    }
}

#[tokio::test]
async fn more_scopes_are_asked_for_without_a_person_too() {
    let world = World::new().await;
    let client = billing();
    let token = world.refused(&client, &challenged(401, "scope=\"read\"", None)).await.unwrap();
    let more = challenged(403, "error=\"insufficient_scope\", scope=\"write\"", Some(&token));
    world.rules().tokens.push_back((400, json!({ "error": "invalid_scope" })));
    for _ in 0..2 {
        world.refused(&client, &more).await.unwrap_err();
    }
    assert_eq!(world.asked("/token").len(), 2);
    assert_eq!(world.asked("/token")[1].parameters["scope"], "read write");
    assert!(world.token(&client).await.unwrap().is_some(), "the first one is still good");
}
