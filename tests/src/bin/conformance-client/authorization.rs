//! How the client gets its tokens in the scenarios `auth/*`.
//!
//! What differs between them is who the client is: everything else it has to find out.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mcp_auth::Url;
use mcp_auth::dpop::ProofKey;
use mcp_auth::jose::{Algorithm, SigningKey};
use mcp_client::auth::{
    Assertion, AuthError, Authorization, Browser, ClientAuthentication, ClientMetadata,
    IdentityProvider,
};

use crate::Outcome;

/// What a scenario tells the client of who it is.
type Context = HashMap<String, String>;

/// The authorization for a scenario, whose name comes without `auth/`.
///
/// # Errors
///
/// There is no such scenario, or it does not say what is needed.
pub(crate) fn for_scenario(scenario: &str, context: Option<&str>) -> Outcome<Authorization> {
    let context: Context = context.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let told = |name: &str| {
        let value = context.get(name).cloned();
        value.ok_or_else(|| format!("the scenario does not say `{name}`"))
    };
    Ok(match scenario {
        "metadata-default"
        | "metadata-var1"
        | "metadata-var2"
        | "metadata-var3"
        | "scope-from-www-authenticate"
        | "scope-from-scopes-supported"
        | "scope-omitted-when-undefined"
        | "scope-step-up"
        | "scope-retry-limit"
        | "token-endpoint-auth-basic"
        | "token-endpoint-auth-post"
        | "token-endpoint-auth-none"
        | "resource-mismatch"
        | "offline-access-scope"
        | "offline-access-not-supported"
        | "authorization-server-migration"
        | "iss-supported"
        | "iss-not-advertised"
        | "iss-supported-missing"
        | "iss-wrong-issuer"
        | "iss-unexpected"
        | "iss-normalized"
        | "metadata-issuer-mismatch"
        | "2025-03-26-oauth-metadata-backcompat"
        | "2025-03-26-oauth-endpoint-fallback" => with_a_person(),
        "basic-cimd" => with_a_person().client_metadata_url(Url::parse(CLIENT_METADATA)?),
        "pre-registration" => {
            with_a_person().client_id(told("client_id")?).client_secret(told("client_secret")?)
        }
        "dpop" | "dpop-nonce" => with_a_person().dpop(ProofKey::generate()?),
        "client-credentials-basic" => {
            let secret = ClientAuthentication::SecretBasic(told("client_secret")?.into());
            Authorization::client_credentials(told("client_id")?, secret)
        }
        "client-credentials-jwt" => {
            let algorithm = told("signing_algorithm")?;
            let algorithm = Algorithm::from_name(&algorithm)
                .ok_or_else(|| format!("there is no algorithm {algorithm} here"))?;
            let key = SigningKey::from_pem(told("private_key_pem")?.as_bytes())?;
            let key = ClientAuthentication::PrivateKeyJwt(Arc::new(key.with_algorithm(algorithm)?));
            Authorization::client_credentials(told("client_id")?, key)
        }
        "wif-jwt-bearer" => {
            Authorization::jwt_bearer(told("client_id")?, Assertion::fixed(told("valid_jwt")?))
        }
        "enterprise-managed-authorization" => {
            let id_token = Assertion::fixed(told("idp_id_token")?);
            let provider =
                IdentityProvider::new(told("idp_issuer")?, told("idp_client_id")?, id_token)
                    .token_endpoint(Url::parse(&told("idp_token_endpoint")?)?);
            let secret = ClientAuthentication::SecretBasic(told("client_secret")?.into());
            Authorization::enterprise_managed(told("client_id")?, provider)
                .client_authentication(secret)
        }
        other => return Err(format!("there is no scenario auth/{other} here").into()),
    })
}

/// Whether a scenario is to end with this reason; `None` if it is to end well.
pub(crate) fn denial(scenario: &str) -> Option<fn(&AuthError) -> bool> {
    match scenario {
        "resource-mismatch"
        | "iss-supported-missing"
        | "iss-wrong-issuer"
        | "iss-unexpected"
        | "iss-normalized"
        | "metadata-issuer-mismatch" => Some(|reason| matches!(reason, AuthError::Untrusted(_))),
        "scope-retry-limit" => Some(|reason| matches!(reason, AuthError::NotAccepted(_))),
        _ => None,
    }
}

/// Somebody who agrees to everything, at a browser without a window.
fn with_a_person() -> Authorization {
    let browser = Browser::new().time_limit(Duration::from_secs(20)).open_with(agree);
    Authorization::with_user_agent(browser)
        .client_metadata(ClientMetadata::new("conformance-client"))
}

/// Opens the page of an authorization server, which sends everybody back at once.
fn agree(page: &Url) -> io::Result<()> {
    let answer = get(page)?;
    let sent_back = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim())
    });
    let unexpected = || io::Error::new(ErrorKind::InvalidData, "it sends nobody back");
    let back = Url::parse(sent_back.ok_or_else(unexpected)?).map_err(io::Error::other)?;
    // Who listens there is waiting for this to end.
    thread::spawn(move || get(&back));
    Ok(())
}

/// What a server on this machine answers.
fn get(url: &Url) -> io::Result<String> {
    let mut stream = TcpStream::connect(&*url.socket_addrs(|| None)?)?;
    let (host, path, query) = (url.authority(), url.path(), url.query().unwrap_or_default());
    let head = format!("GET {path}?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The address that the suite takes for the client's.
const CLIENT_METADATA: &str = "https://conformance-test.local/client-metadata.json";
