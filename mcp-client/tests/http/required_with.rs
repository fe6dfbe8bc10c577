//! Profiles that are required with credentials: a server is shown who calls only once it has asked.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use mcp_client::auth::{AccessToken, AuthError, ProfileCredentials, TokenRequest, TokenSource};
use mcp_client::{ChildProcess, Client, EraChoice, Error, Http};
use serde_json::json;

use crate::server::{Request, Server, discovered, initialized, json_at, status};

const PROFILE: &str = "https://films.example/profiles/members-only";
const EXT: &str = "dev.behaviour-profiles/profiles";

/// Has the same token for everybody, from the beginning.
#[derive(Debug)]
struct Eager(Arc<AccessToken>);

impl TokenSource for Eager {
    fn token<'a>(
        &'a self,
        _: TokenRequest<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>> {
        Box::pin(async { Ok(Some(Arc::clone(&self.0))) })
    }
}

fn credentials() -> ProfileCredentials {
    let mut token = AccessToken::bearer("t0ken");
    token.issuer = Some("https://id.example".into());
    ProfileCredentials::new(Eager(Arc::new(token)))
}

/// A server that claims the profile in both eras; it may ask for the token, or not.
async fn claiming(asks: bool) -> Server {
    Server::start(move |request: Request| async move {
        if request.path.starts_with("/.well-known/") {
            return json_at(200, &json!([{ "profileURL": PROFILE }]));
        }
        if asks && request.header("authorization") != "Bearer t0ken" {
            return status(401);
        }
        let supported = json!({ "supported": [{ "profileURL": PROFILE }] });
        match request.method() {
            "server/discover" => {
                let mut result = discovered();
                result["capabilities"]["extensions"] = json!({ EXT: supported });
                result["_meta"] = json!({ EXT: { "profiles": [PROFILE], "reasons": [] } });
                request.result(result)
            }
            "initialize" => {
                let mut result = initialized();
                result["capabilities"]["extensions"] = json!({ EXT: supported });
                result["profiles"] = json!([PROFILE]);
                request.result(result)
            }
            _ => status(202),
        }
    })
    .await
}

fn client(credentials: ProfileCredentials, era: EraChoice) -> mcp_client::ClientBuilder {
    Client::builder("tester", "1").era(era).require_with(PROFILE, credentials)
}

#[tokio::test]
async fn server_that_asks_is_shown_the_token_and_one_that_does_not_is_left() {
    for (era, first) in [(EraChoice::Modern, "server/discover"), (EraChoice::Legacy, "initialize")]
    {
        let server = claiming(true).await;
        let connected = client(credentials(), era).connect(server.http()).await.unwrap();
        assert!(connected.negotiated().profiles().has(PROFILE));
        let seen = server.seen();
        let begun: Vec<_> = seen.iter().filter(|request| request.method() == first).collect();
        let shown: Vec<_> = begun.iter().map(|request| request.header("authorization")).collect();
        assert_eq!(shown, ["", "Bearer t0ken"], "{first}");

        let server = claiming(false).await;
        let error = client(credentials(), era).connect(server.http()).await.unwrap_err();
        assert!(matches!(AuthError::of(&error), Some(AuthError::Policy(_))), "{error:?}");
        for request in server.seen() {
            assert_eq!(request.header("authorization"), "", "{request:?}");
            assert!(request.path.starts_with("/.well-known/") || request.method() == first);
        }
    }
}

#[tokio::test]
async fn token_that_is_not_what_the_profile_demands_is_not_sent() {
    let server = claiming(true).await;
    let wrong = credentials().issuer("https://other.example");
    let error = client(wrong, EraChoice::Modern).connect(server.http()).await.unwrap_err();
    assert!(matches!(AuthError::of(&error), Some(AuthError::Policy(_))), "{error:?}");
    assert!(server.seen().iter().all(|request| request.header("authorization").is_empty()));
}

#[tokio::test]
async fn other_credentials_and_other_transports_are_refused_before_anything_is_sent() {
    let films = || Http::new("https://films.example/mcp").unwrap();
    let required = |server: Http| client(credentials(), EraChoice::Modern).connect(server);
    for server in [films().bearer_token("x"), films().header("authorization", "x")] {
        assert!(matches!(required(server).await.unwrap_err(), Error::Misuse(_)));
    }
    let child = client(credentials(), EraChoice::Modern).connect(ChildProcess::new("true")).await;
    assert!(matches!(child.unwrap_err(), Error::Misuse(_)));
    let two = client(credentials(), EraChoice::Modern).require_with("https://h/p", credentials());
    assert!(matches!(two.connect(films()).await.unwrap_err(), Error::Misuse(_)));
    let alone = credentials().trust_domain("films.example");
    let error = client(alone, EraChoice::Modern).connect(films()).await.unwrap_err();
    assert!(error.to_string().contains("client_certificate"), "{error}");
}
