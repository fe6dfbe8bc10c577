//! Tokens that are kept, refreshed and found again.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use mcp_auth::dpop::ProofKey;
use mcp_auth::secret::SecretString;
use mcp_client::BoxError;
use mcp_client::auth::{AuthError, CredentialKey, CredentialStore, InMemory};
use serde_json::json;

use crate::world::{Person, World, challenged, text, unauthorized};

/// A store that several clients share, as runs of one program do.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<InMemory>);

impl CredentialStore for Disk {
    fn load<'a>(
        &'a self,
        key: &'a CredentialKey,
    ) -> BoxFuture<'a, Result<Option<SecretString>, BoxError>> {
        self.0.load(key)
    }

    fn save<'a>(
        &'a self,
        key: &'a CredentialKey,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        self.0.save(key, secret)
    }

    fn remove<'a>(&'a self, key: &'a CredentialKey) -> BoxFuture<'a, Result<(), BoxError>> {
        self.0.remove(key)
    }
}

#[tokio::test]
async fn token_serves_until_it_expires_and_is_refreshed_then() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    world.refused(&client, &unauthorized(None)).await.unwrap();
    let token = world.token(&client).await.unwrap().unwrap();
    assert_eq!(text(&token), "access-1");
    assert_eq!(world.asked("/token").len(), 1);

    let world = World::new().await;
    world.rules().token["expires_in"] = json!(0);
    let client = world.client(&person);
    world.refused(&client, &challenged(401, "scope=\"read\"", None)).await.unwrap();
    for number in 2..4 {
        let token = world.token(&client).await.unwrap().unwrap();
        assert_eq!(text(&token), format!("access-{number}"));
        assert_eq!(token.scopes.to_string(), "read");
        let asked = &world.asked("/token")[number - 1].parameters;
        assert_eq!(asked["grant_type"], "refresh_token");
        assert_eq!(asked["refresh_token"], format!("refresh-{}", number - 1), "it is replaced");
        assert_eq!(asked["resource"], world.endpoint().as_str());
    }
    assert_eq!(world.asked("/authorize").len(), 1);
}

#[tokio::test]
async fn token_that_was_revoked_is_refreshed() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let token = world.refused(&client, &unauthorized(None)).await.unwrap();
    let new = world
        .refused(&client, &challenged(401, "error=\"invalid_token\"", Some(&token)))
        .await
        .unwrap();
    assert_eq!(text(&new), "access-2");
    assert_eq!(person.visits(), 1);
}

#[tokio::test]
async fn person_is_asked_again_when_the_refresh_token_is_worth_nothing() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let token = world.refused(&client, &unauthorized(None)).await.unwrap();
    world.rules().tokens.push_back((400, json!({ "error": "invalid_grant" })));
    world.refused(&client, &unauthorized(Some(&token))).await.unwrap();
    assert_eq!(person.visits(), 2);
}

#[tokio::test]
async fn refusal_of_a_refresh_for_other_reasons_asks_nobody() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let token = world.refused(&client, &unauthorized(None)).await.unwrap();
    world.rules().tokens.push_back((400, json!({ "error": "unauthorized_client" })));
    world.refused(&client, &unauthorized(Some(&token))).await.unwrap_err();
    world.refused(&client, &unauthorized(Some(&token))).await.unwrap_err();
    assert_eq!(person.visits(), 1);
    assert_eq!(world.asked("/token").len(), 2);
}

#[tokio::test]
async fn server_that_accepts_no_token_is_given_up() {
    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person);
    let mut token = None;
    let mut given = 0;
    let error = loop {
        match world.refused(&client, &unauthorized(token.as_ref())).await {
            Ok(new) => token = Some(new),
            Err(error) => break error,
        }
        given += 1;
        assert!(given < 10);
    };
    assert!(matches!(error, AuthError::NotAccepted(_)), "{error}");
    assert_eq!((given, person.visits()), (3, 2));
}

#[tokio::test]
async fn next_run_of_the_program_finds_what_the_last_one_kept() {
    let (world, person, disk) = (World::new().await, Person::new(), Disk::default());
    let run = || world.client(&person).store(disk.clone());
    world.refused(&run(), &unauthorized(None)).await.unwrap();
    let found = world.refused(&run(), &unauthorized(None)).await.unwrap();
    assert_eq!(text(&found), "access-1");
    assert_eq!((person.visits(), world.asked("/register").len()), (1, 1));

    // More scopes than they have are asked for anew.
    world.refused(&run(), &challenged(401, "scope=\"read\"", None)).await.unwrap();
    assert_eq!((person.visits(), world.asked("/register").len()), (2, 1));

    // Not with a key that they are not bound to.
    let bound = run().dpop(ProofKey::generate().unwrap());
    world.refused(&bound, &unauthorized(None)).await.unwrap();
    assert_eq!(person.visits(), 3);
}

#[tokio::test]
async fn refresh_token_is_kept_before_the_access_token_is_used() {
    let (world, person, disk) = (World::new().await, Person::new(), Disk::default());
    world.rules().token["expires_in"] = json!(0);
    let run = || world.client(&person).store(disk.clone());
    let client = run();
    world.refused(&client, &unauthorized(None)).await.unwrap();
    world.token(&client).await.unwrap();
    drop(client);
    world.refused(&run(), &unauthorized(None)).await.unwrap();
    let used: Vec<_> = world
        .asked("/token")
        .iter()
        .filter_map(|asked| asked.parameters.get("refresh_token").cloned())
        .collect();
    assert_eq!(used, ["refresh-1", "refresh-2"]);
    assert_eq!(person.visits(), 1);
}

#[tokio::test]
async fn other_redirect_address_is_registered_anew() {
    let (world, disk) = (World::new().await, Disk::default());
    let person = Person::new();
    let client = world.client(&person).store(disk.clone());
    world.refused(&client, &unauthorized(None)).await.unwrap();
    client.sign_out().await.unwrap();
    assert!(world.token(&client).await.unwrap().is_none());

    let elsewhere = Person::at("http://127.0.0.1:10/callback", 1);
    let client = world.client(&elsewhere).store(disk.clone());
    world.refused(&client, &unauthorized(None)).await.unwrap();
    assert_eq!(elsewhere.visits(), 1);
    assert_eq!(world.asked("/register").len(), 2);
}

#[tokio::test]
async fn tokens_that_arrive_after_somebody_signed_out_are_not_kept() {
    let (world, person, disk) = (World::new().await, Person::slow(), Disk::default());
    let client = world.client(&person).store(disk.clone());
    let refusal = unauthorized(None);
    let mut waiting = Box::pin(world.refused(&client, &refusal));
    let visiting = async {
        while person.visits() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut waiting => panic!("the person has not answered"),
        () = visiting => {}
    }
    client.sign_out().await.unwrap();
    person.hurry();
    let error = waiting.await.unwrap_err();
    assert!(matches!(error, AuthError::NoConsent(_)), "{error}");
    assert!(world.token(&client).await.unwrap().is_none());
    person.hurry();
    let again = world.client(&person).store(disk);
    world.refused(&again, &refusal).await.unwrap();
    assert_eq!(person.visits(), 2, "nothing was stored");
}

#[tokio::test]
async fn store_that_fails_is_named() {
    #[derive(Debug)]
    struct Locked;

    impl CredentialStore for Locked {
        fn load<'a>(
            &'a self,
            _: &'a CredentialKey,
        ) -> BoxFuture<'a, Result<Option<SecretString>, BoxError>> {
            Box::pin(async { Err("the keyring is locked".into()) })
        }

        fn save<'a>(
            &'a self,
            _: &'a CredentialKey,
            _: SecretString,
        ) -> BoxFuture<'a, Result<(), BoxError>> {
            Box::pin(async { Ok(()) })
        }

        fn remove<'a>(&'a self, _: &'a CredentialKey) -> BoxFuture<'a, Result<(), BoxError>> {
            Box::pin(async { Ok(()) })
        }
    }

    let (world, person) = (World::new().await, Person::new());
    let client = world.client(&person).store(Locked);
    let error = world.refused(&client, &unauthorized(None)).await.unwrap_err();
    assert!(error.to_string().contains("the keyring is locked"), "{error}");
}
