//! Profiles that demand something of how their callers were authenticated.

use mcp_core::authentication::{Authentication, Binding};
use mcp_core::profile::RequiredAuthentication;

use super::*;

const BOUND: &str = "https://films.example/bound";
const ISSUER: &str = "https://id.example";

/// A server of which everybody needs a profile that is for tokens bound to a certificate; its tool
/// says which scopes it sees.
fn bound_world() -> World {
    let mut world = world(|_| {});
    let required = RequiredAuthentication::new().issuer(ISSUER).certificate_bound();
    let profile = Profile::new(BOUND).compulsory().authentication(required);
    let tool = Tool::new("scopes").handler(async |caller: Caller| {
        let token = caller.authentication().expect("nobody else comes here");
        token.scopes.iter().map(|scope| &**scope).collect::<Vec<_>>().join(" ")
    });
    let server = Server::builder("films", "1.0").tool(tool).profile(profile).build().unwrap();
    let tenant = Tenant::new("films.example");
    let endpoint = Endpoint::new(server.clone(), tenant, Arc::new(Settings::default()));
    (world.server, world.endpoint) = (server, Arc::new(endpoint));
    world
}

fn caller(issuer: &str, binding: Binding, scopes: &[&str]) -> Principal {
    let mut token = Authentication::new(issuer);
    token.binding = binding;
    token.scopes = scopes.iter().map(|scope| (*scope).into()).collect();
    ada().authenticated(token)
}

fn bound() -> Binding {
    Binding::Certificate { thumbprint: "thumbprint".into() }
}

async fn modern_call(world: &World, caller: Principal) -> Value {
    let extension = json!({ "dev.behaviour-profiles/profiles": { "requested": [BOUND] } });
    let (head, body) = call("scopes", &json!({}));
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    body["params"]["_meta"][CAPABILITIES] = json!({ "extensions": extension });
    let response = world.endpoint.post(&head, body.to_string().into(), caller).await;
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test(start_paused = true)]
async fn profile_is_for_those_who_were_authenticated_as_it_demands() {
    let world = bound_world();
    let answer = modern_call(&world, caller(ISSUER, bound(), &["films"])).await;
    assert_eq!(answer["result"]["content"][0]["text"], "films");
    let strangers = [
        Principal::anonymous(),
        ada(),
        caller("https://other.example", bound(), &["films"]),
        caller(ISSUER, Binding::None, &["films"]),
        caller(ISSUER, Binding::DPoP { thumbprint: "thumbprint".into() }, &["films"]),
    ];
    for stranger in strangers {
        let answer = modern_call(&world, stranger.clone()).await;
        assert_eq!(answer["error"]["code"], 1004, "{stranger:?}");
        let reason = &answer["error"]["data"]["reasons"][0];
        assert_eq!(reason["reason"], "notPermitted", "{stranger:?}");
        // What others have is nobody's business.
        assert!(!answer.to_string().contains(ISSUER), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn session_ends_when_a_later_request_is_not_authenticated_as_its_profile_demands() {
    let world = bound_world();
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "requestedProfiles": [BOUND],
        "clientInfo": { "name": "c", "version": "1" } } });
    let post = async |session: Option<&str>, body: &Value, caller: Principal| {
        let headers: Vec<_> = session.map(|id| ("mcp-session-id", id)).into_iter().collect();
        world.endpoint.post(&head(&headers), body.to_string().into(), caller).await
    };
    let refused = post(None, &initialize, caller(ISSUER, Binding::None, &[])).await;
    assert!(refused.headers().get("mcp-session-id").is_none());

    let begun = post(None, &initialize, caller(ISSUER, bound(), &["a"])).await;
    let id = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "scopes" } });
    // A new token may grant more, and handlers see that.
    for scopes in [&["a"][..], &["a", "b"], &["c"]] {
        let answer = post(Some(&id), &call, caller(ISSUER, bound(), scopes)).await;
        let answer: Value = serde_json::from_str(&text(answer).await).unwrap();
        assert_eq!(answer["result"]["content"][0]["text"], scopes.join(" "));
    }
    let stolen = post(Some(&id), &call, caller(ISSUER, Binding::None, &["a"])).await;
    assert_eq!(stolen.status(), StatusCode::NOT_FOUND);
    let over = post(Some(&id), &call, caller(ISSUER, bound(), &["a"])).await;
    assert_eq!(over.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn stream_of_changes_ends_when_the_token_that_opened_it_has_expired() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let until = |expiry: u64| {
        let mut token = Authentication::new(ISSUER);
        token.expires_at = Some(expiry);
        ada().authenticated(token)
    };
    let get = async |caller: Principal| {
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let head = head(&[("mcp-session-id", &session)]);
        // The latest request says what is known of the caller.
        world.endpoint.post(&head, initialized.to_string().into(), caller.clone()).await;
        text(world.endpoint.get(&head, caller).await).await
    };
    let a_day = Duration::from_secs(24 * 3600);
    let open = tokio::time::timeout(a_day, get(until(u64::MAX))).await;
    assert!(open.is_err(), "the session ended with its stream");
    assert!(!get(until(1)).await.contains("jsonrpc"));
    let goes_on = world.endpoint.get(&head(&[("mcp-session-id", &session)]), until(u64::MAX)).await;
    assert_eq!(goes_on.status(), StatusCode::OK);
}
