//! Who the client is to authorization servers.

use mcp_client::auth::{AuthError, ClientMetadata};
use reqwest::Url;
use serde_json::json;

use crate::world::{Person, World, unauthorized};

#[tokio::test]
async fn client_registers_as_a_program_on_a_machine() {
    let (world, person) = (World::new().await, Person::new());
    let metadata = ClientMetadata::new("VidsRUS player").software("vidsrus-player", "1.2");
    let client = world.client(&person).client_metadata(metadata);
    world.refused(&client, &unauthorized(None)).await.unwrap();
    let sent = &world.asked("/register")[0].json;
    assert_eq!(
        *sent,
        json!({
            "client_name": "VidsRUS player",
            "software_id": "vidsrus-player",
            "software_version": "1.2",
            "redirect_uris": ["http://127.0.0.1:9/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        })
    );
}

#[tokio::test]
async fn client_authenticates_as_it_was_registered() {
    for (supported, registered, header, body) in [
        (json!(["none"]), json!({ "client_secret": "s" }), false, false),
        (json!(["client_secret_basic"]), json!({ "client_secret": "s" }), true, false),
        (json!(["client_secret_post"]), json!({ "client_secret": "s" }), false, true),
        (
            json!(["client_secret_basic", "client_secret_post"]),
            json!({ "client_secret": "s", "token_endpoint_auth_method": "client_secret_post" }),
            false,
            true,
        ),
        (json!(["client_secret_basic"]), json!({}), false, false),
    ] {
        let (world, person) = (World::new().await, Person::new());
        world.server(|own| own["token_endpoint_auth_methods_supported"] = supported.clone());
        world.rules().registered = registered.clone();
        world.refused(&world.client(&person), &unauthorized(None)).await.unwrap();
        let asked = &world.asked("/token")[0];
        assert_eq!(asked.authorization.is_some(), header, "{supported} {registered}");
        assert_eq!(asked.parameters.contains_key("client_secret"), body, "{supported}");
    }
}

#[tokio::test]
async fn refusal_to_register_is_told() {
    let (world, person) = (World::new().await, Person::new());
    world.rules().registered =
        json!({ "error": "invalid_redirect_uri", "error_description": "https only" });
    let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains("invalid_redirect_uri") && shown.contains("https only"), "{shown}");
    assert_eq!(person.visits(), 0);
}

#[tokio::test]
async fn address_of_metadata_is_the_identifier_where_that_is_known() {
    let (world, person) = (World::new().await, Person::new());
    let url = "https://vidsrus.example/client.json";
    let client = world.client(&person).client_metadata_url(Url::parse(url).unwrap());
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(world.asked("/register").len(), 1);

    let world = World::new().await;
    world.server(|own| own["client_id_metadata_document_supported"] = json!(true));
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert!(world.asked("/register").is_empty());
    assert_eq!(world.asked("/authorize")[0].parameters["client_id"], url);
    assert_eq!(world.asked("/token")[0].parameters["client_id"], url);
}

#[tokio::test]
async fn client_that_is_registered_does_not_register() {
    let (world, person) = (World::new().await, Person::new());
    world.server(|own| {
        own["client_id_metadata_document_supported"] = json!(true);
        own["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
    });
    let client = world.client(&person).client_id("known").client_secret("s");
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert!(world.asked("/register").is_empty());
    assert_eq!(world.asked("/authorize")[0].parameters["client_id"], "known");
    let basic = world.asked("/token")[0].authorization.clone().unwrap();
    assert_eq!(basic, "Basic a25vd246cw==");
}

#[tokio::test]
async fn client_that_nobody_knows_is_told_what_to_do() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person).without_dynamic_registration();
    let error = world.refused(&client, &unauthorized(None)).await.unwrap_err();
    assert!(error.to_string().contains("Authorization::client_id"), "{error}");
    world.server(|own| own["registration_endpoint"] = json!(null));
    let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
    assert!(matches!(error, AuthError::Policy(_)), "{error}");
    assert_eq!(person.visits(), 0);
}

#[tokio::test]
async fn new_authorization_server_gets_nothing_of_the_old_one() {
    let (world, person) = (World::new().await, Person::new());
    world.add_server("/new");
    let client = world.client(&person);
    let old = world.refused(&client, &unauthorized(None)).await.unwrap();

    let issuer = format!("{}/new", world.base());
    world.protected(|own| own["authorization_servers"] = json!([issuer]));
    let new = world.refused(&client, &unauthorized(Some(&old))).await.unwrap();
    assert_eq!(new.issuer.as_deref(), Some(&*issuer));
    assert_eq!(world.asked("/new/register").len(), 1);
    for path in ["/new/authorize", "/new/token"] {
        for asked in world.asked(path) {
            assert_eq!(asked.parameters["client_id"], "client-of-/new");
            assert!(!asked.parameters.contains_key("refresh_token"), "{asked:?}");
        }
    }
    assert_eq!(world.asked("/token").len(), 1, "the old one is not asked again");
}

#[tokio::test]
async fn client_that_was_registered_with_one_is_not_shown_to_another() {
    let (world, person) = (World::new().await, Person::new());
    world.add_server("/new");
    let client = world.client(&person).client_id("known").client_secret("s");
    let old = world.refused(&client, &unauthorized(None)).await.unwrap();
    let issuer = format!("{}/new", world.base());
    world.protected(|own| own["authorization_servers"] = json!([issuer]));
    let error = world.refused(&client, &unauthorized(Some(&old))).await.unwrap_err();
    assert!(matches!(error, AuthError::Policy(_)), "{error}");
    assert!(world.paths().iter().all(|path| !path.starts_with("/new")));
}

#[tokio::test]
async fn client_whose_person_never_answered_registers_again_next_time() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    person.leave();
    world.refused(&client, &unauthorized(None)).await.unwrap_err();
    client.forget_denials();
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(world.asked("/register").len(), 2, "perhaps it saw a page that says why");
}

#[tokio::test]
async fn client_that_was_forgotten_registers_again_next_time() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    world.rules().tokens.push_back((401, json!({ "error": "invalid_client" })));
    world.refused(&client, &unauthorized(None)).await.unwrap_err();
    client.forget_denials();
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(world.asked("/register").len(), 2);
}
