//! The flows.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use mcp_auth::Url;
use mcp_auth::dpop::ProofKey;
use mcp_client::auth::{
    Assertion, Authorization, Browser, ClientAuthentication, ClientMetadata, IdentityProvider,
};

use crate::authority::Fault;
use crate::trace;
use crate::world::{Plan, call, show_error};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_consents_registers_refreshes_and_steps_up() {
    let world = Plan::default().start().await;
    let authorization = world.person().client_metadata(ClientMetadata::new("Tests"));
    let client = world.works(authorization.clone()).await;
    call(&client, "read").await.unwrap();
    call(&client, "write").await.unwrap();
    authorization.sign_out().await.unwrap();
    world.secrets.are_hidden(&[
        "client secret",
        "client in a header",
        "state",
        "code",
        "code verifier",
        "access token",
        "bearer token",
        "refresh token",
        "used refresh token",
        "key of a server",
    ]);
    // All of these were heard.
    let logged = trace::logged();
    for target in ["mcp::auth", "mcp::authorization", "h2::", "rustls::", "hyper_util::"] {
        assert!(logged.contains(target), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_leads_a_person_back() {
    let world = Plan::default().start().await;
    let authority = world.authority.clone();
    let browser = Browser::new().open_with(move |url| {
        let back = authority.consent(url);
        std::thread::spawn(move || visit(&back));
        Ok(())
    });
    trace::show(format_args!("{browser:?}"));
    world.works(world.trusting(Authorization::with_user_agent(browser))).await;
    world.secrets.are_hidden(&["state", "code", "code verifier", "bearer token"]);
}

/// By hand, so that no other client logs what it visits.
fn visit(back: &Url) {
    let address = back.socket_addrs(|| None).unwrap();
    let mut stream = TcpStream::connect(&*address).unwrap();
    let path = back.query().map(|query| format!("{}?{query}", back.path())).unwrap();
    let host = back.host_str().unwrap();
    let port = back.port().unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    trace::show(page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_a_secret_or_signs() {
    let world = Plan::default().start().await;
    // With what has to be encoded.
    let secret = format!("{} +&=%\"", world.secrets.make("client secret"));
    world.secrets.keep("client secret", &secret);
    for authentication in [
        ClientAuthentication::SecretBasic(secret.as_str().into()),
        ClientAuthentication::SecretPost(secret.as_str().into()),
        ClientAuthentication::PrivateKeyJwt(Arc::new(world.secrets.make_key())),
    ] {
        world.works(world.machine(authentication)).await;
    }
    world.secrets.are_hidden(&[
        "client in a header",
        "client secret",
        "private key",
        "client assertion",
        "bearer token",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_a_certificate() {
    let world = Plan::default().start().await;
    let certificate = world.certificate();
    trace::show(format_args!("{certificate:?}"));
    let authorization =
        world.machine(ClientAuthentication::Tls).client_certificate(certificate.clone());
    let server = world.server(authorization.clone()).client_certificate(certificate);
    trace::show(format_args!("{authorization:?} {server:?}"));
    let client = mcp_client::Client::builder("tests", "1.0").connect(server).await.unwrap();
    call(&client, "read").await.unwrap();
    world.secrets.are_hidden(&["key of a client", "access token", "bearer token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_shows_what_others_say_of_it() {
    let world = Plan::default().start().await;
    let identity = Assertion::fixed(world.authority.identity("identity of a workload"));
    trace::show(format_args!("{identity:?}"));
    let authorization = Authorization::jwt_bearer("client", identity).issuer(&*world.issuer);
    world.works(world.trusting(authorization)).await;
    world.secrets.are_hidden(&["identity of a workload", "assertion", "bearer token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_decides() {
    let world = Plan::default().start().await;
    let token = Assertion::fixed(world.authority.identity("ID token"));
    let secret = world.secrets.make("client secret");
    let provider = IdentityProvider::new(&*world.issuer, "client", token)
        .client_authentication(ClientAuthentication::SecretPost(secret.into()));
    trace::show(format_args!("{provider:?}"));
    let authorization =
        Authorization::enterprise_managed("client", provider).issuer(&*world.issuer);
    world.works(world.trusting(authorization)).await;
    world.secrets.are_hidden(&[
        "ID token",
        "subject token",
        "client secret",
        "identity assertion grant",
        "assertion",
        "bearer token",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_bound_to_a_key() {
    let world = Plan { proofs: true, ..Plan::default() }.start().await;
    let key = ProofKey::new(world.secrets.make_key());
    trace::show(format_args!("{key:?}"));
    let secret = world.secrets.make("client secret");
    let machine = world.machine(ClientAuthentication::SecretPost(secret.into()));
    world.works(machine.dpop(key.clone())).await;
    world.works(world.person().dpop(key)).await;
    world.secrets.are_hidden(&[
        "private key",
        "proof",
        "proof for a token",
        "nonce",
        "nonce of a resource",
        "bound token",
        "used refresh token",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_asks_about_tokens() {
    let world = Plan { introspection: true, ..Plan::default() }.start().await;
    let secret = world.secrets.make("client secret");
    world.works(world.machine(ClientAuthentication::SecretPost(secret.into()))).await;
    world.secrets.are_hidden(&["introspected token", "client in a header", "bearer token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_without_secrets() {
    for (fault, kinds) in [
        (Fault::Refuses, &["client secret", "code", "code verifier"][..]),
        (Fault::Babbles, &["client secret", "access token", "refresh token"]),
        (Fault::WrongAudience, &["client secret", "access token", "bearer token"]),
        (Fault::WrongIssuer, &["client secret", "state"]),
    ] {
        let world = Plan { fault, ..Plan::default() }.start().await;
        world.fails(world.server(world.person())).await;
        let secret = world.secrets.make("client secret");
        if fault != Fault::WrongIssuer {
            let secret = ClientAuthentication::SecretPost(secret.as_str().into());
            world.fails(world.server(world.machine(secret))).await;
        }
        let stolen = world.authority.identity("stolen token");
        world.fails(world.plain().bearer_token(stolen.as_str())).await;
        assert!(world.secrets.have("stolen token"));
        let misplaced = mcp_client::Http::new("http://plain.example/mcp").unwrap();
        let error = mcp_client::Client::builder("tests", "1.0")
            .connect(misplaced.bearer_token(stolen.as_str()))
            .await
            .expect_err("no token goes there");
        show_error(&error);
        world.secrets.are_hidden(kinds);
    }
}
