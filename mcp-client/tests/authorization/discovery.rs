//! Where the client looks for the servers, and what it does not believe.

use mcp_client::auth::AuthError;
use reqwest::Url;
use serde_json::{Value, json};

use crate::world::{Person, World, challenged, text, unauthorized};

#[tokio::test]
async fn nothing_is_asked_before_the_server_wants_a_token() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    assert!(world.token(&client).await.unwrap().is_none());
    assert!(world.paths().is_empty());
}

#[tokio::test]
async fn address_of_the_challenge_goes_before_the_well_known_ones() {
    let (world, person) = (World::new().await, Person::new());
    let document = world.rules().protected.values().next().unwrap().clone();
    world.rules().protected.insert("/elsewhere.json".into(), document);
    let params = format!("resource_metadata=\"{}/elsewhere.json\"", world.base());
    let client = world.client(&person);
    let token = world.refused(&client, &challenged(401, &params, None)).await.unwrap();
    assert_eq!(text(&token), "access-1");
    assert_eq!(token.issuer.as_deref(), Some(world.base()));
    assert_eq!(world.paths()[0], "/elsewhere.json");
    assert!(world.asked("/.well-known/oauth-protected-resource/mcp").is_empty());
}

#[tokio::test]
async fn metadata_is_looked_for_at_the_path_and_at_the_root() {
    let (world, person) = (World::new().await, Person::new());
    let mut document = world.rules().protected.pop_first().unwrap().1;
    document["resource"] = json!(world.base());
    world.rules().protected.insert("/.well-known/oauth-protected-resource".into(), document);
    let client = world.client(&person);
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(
        world.paths()[..2],
        ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]
    );
    assert_eq!(world.asked("/authorize")[0].parameters["resource"], world.base());
}

#[tokio::test]
async fn authorization_server_is_looked_for_in_all_forms() {
    for (at, tries) in [
        ("/.well-known/oauth-authorization-server/tenant1", 1),
        ("/.well-known/openid-configuration/tenant1", 2),
        ("/tenant1/.well-known/openid-configuration", 3),
    ] {
        let (world, person) = (World::new().await, Person::new());
        let issuer = format!("{}/tenant1", world.base());
        world.protected(|own| own["authorization_servers"] = json!([issuer]));
        let document = crate::world::metadata(world.base(), "/tenant1");
        world.rules().servers = [(at.to_owned(), document)].into();
        world.refused(&world.client(&person), &unauthorized(None)).await.unwrap();
        assert_eq!(world.paths()[tries], at);
        assert_eq!(world.asked("/tenant1/token").len(), 1);
    }
}

#[tokio::test]
async fn metadata_of_another_resource_is_not_believed() {
    for resource in ["https://evil.example/mcp", "http://127.0.0.1:1/mcp", "{base}/other", ""] {
        let (world, person) = (World::new().await, Person::new());
        let resource = resource.replace("{base}", world.base());
        world.protected(|own| own["resource"] = json!(resource));
        let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
        assert!(matches!(error, AuthError::Untrusted(_)), "{error}");
        assert_eq!(world.paths().len(), 1, "nobody else is asked");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_used() {
    for issuer in ["https://attacker.example", "{base}/"] {
        let (world, person) = (World::new().await, Person::new());
        let issuer = issuer.replace("{base}", world.base());
        world.server(|own| own["issuer"] = json!(issuer));
        let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
        assert!(matches!(error, AuthError::Untrusted(_)), "{error}");
        assert_eq!(person.visits(), 0);
        assert!(world.asked("/register").is_empty());
    }
}

#[tokio::test]
async fn authorization_server_without_pkce_is_refused() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let (world, person) = (World::new().await, Person::new());
        world.server(|own| own["code_challenge_methods_supported"] = methods);
        let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
        assert!(error.to_string().contains("S256"), "{error}");
        assert_eq!(person.visits(), 0);
    }
}

#[tokio::test]
async fn addresses_inside_are_not_fetched() {
    let (world, person) = (World::new().await, Person::new());
    for address in [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/metadata",
        "http://as.example/metadata",
        "file:///etc/passwd",
    ] {
        let params = format!("resource_metadata=\"{address}\"");
        let client = world.client(&person);
        let error = world.refused(&client, &challenged(401, &params, None)).await.unwrap_err();
        assert!(matches!(error, AuthError::Fetch { .. }), "{address}: {error}");
    }
    // A server elsewhere does not lead to this machine.
    let client = world.client(&person);
    let public = Url::parse("https://mcp.example/mcp").unwrap();
    let params =
        format!("resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"", world.base());
    let refusal = challenged(401, &params, None);
    let request = mcp_client::auth::TokenRequest::new(&public).after(&refusal);
    let error = mcp_client::auth::TokenSource::token(&client, request).await.unwrap_err();
    assert!(matches!(error, AuthError::Fetch { .. }), "{error}");
    assert!(world.paths().is_empty());
}

#[tokio::test]
async fn endpoints_without_tls_are_not_used() {
    let (world, person) = (World::new().await, Person::new());
    world.server(|own| own["authorization_endpoint"] = json!("http://as.example/authorize"));
    let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
    assert!(matches!(error, AuthError::Fetch { .. }), "{error}");
    assert_eq!(person.visits(), 0);
}

#[tokio::test]
async fn only_the_configured_authorization_server_is_asked() {
    let (world, person) = (World::new().await, Person::new());
    world.add_server("/own");
    let own = format!("{}/own", world.base());
    let client = world.client(&person).issuer(own.as_str());
    let error = world.refused(&client, &unauthorized(None)).await.unwrap_err();
    assert!(matches!(error, AuthError::Policy(_)), "{error}");
    assert_eq!(world.paths().len(), 1);

    let both = json!([world.base(), own]);
    world.protected(|document| document["authorization_servers"] = both);
    client.forget_denials();
    let token = world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(token.issuer.as_deref(), Some(&*own));
    assert!(world.asked("/.well-known/oauth-authorization-server").is_empty());
}

#[tokio::test]
async fn old_servers_are_their_own_authorization_servers() {
    let (world, person) = (World::new().await, Person::new());
    world.rules().protected.clear();
    world.server(|own| {
        own["token_endpoint"] = json!(format!("{}/oauth/token", own["issuer"].as_str().unwrap()))
    });
    world.refused(&world.client(&person), &unauthorized(None)).await.unwrap();
    assert_eq!(world.asked("/oauth/token").len(), 1);

    // And without any metadata they have their endpoints where that revision says.
    let world = World::new().await;
    world.rules().protected.clear();
    world.rules().servers.clear();
    world.refused(&world.client(&person), &unauthorized(None)).await.unwrap();
    assert_eq!(world.paths()[4..], ["/register", "/authorize", "/token"]);
    assert_eq!(world.asked("/token")[0].parameters["resource"], world.endpoint().as_str());
}

#[tokio::test]
async fn document_that_is_named_and_is_not_there_is_an_error() {
    let (world, person) = (World::new().await, Person::new());
    let params = format!("resource_metadata=\"{}/nothing\"", world.base());
    let refusal = challenged(401, &params, None);
    let error = world.refused(&world.client(&person), &refusal).await.unwrap_err();
    assert!(error.to_string().contains("/nothing"), "{error}");
    world.rules().servers.clear();
    let error = world.refused(&world.client(&person), &unauthorized(None)).await.unwrap_err();
    assert!(matches!(error, AuthError::Metadata(_)), "{error}");
}
