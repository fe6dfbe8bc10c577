//! What a well-behaved client never does: tokens asked for by hand, and sent by whoever has them.

use std::error::Error;

use mcp_auth::Url;
use mcp_auth::fetch::Fetcher;
use mcp_auth::secret::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::authority::{Authority, Certificate};
use super::stage::{READ, Serving};
use super::tls;
use crate::saasrus::demo::messages;
use crate::saasrus::demo::plain::{Answer, Request};
use crate::saasrus::tenants::wholesale_chips::REQUIRE_CLIENT_CREDENTIALS;

/// A token, as an issuer gives it to a client for this resource.
///
/// # Errors
///
/// It gives none.
pub async fn token(
    fetcher: &Fetcher,
    issuer: &str,
    client_id: &str,
    resource: &str,
) -> Result<SecretString, Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("scope", READ),
        ("resource", resource),
    ];
    let url = Url::parse(&format!("{issuer}/token"))?;
    let answer = fetcher.post_form(&url, http::HeaderMap::new(), &form).await?;
    if answer.status != http::StatusCode::OK {
        let refused: Value = answer.json()?;
        return Err(format!("{} {}", answer.status, refused["error"]).into());
    }
    Ok(answer.json::<Granted>()?.access_token.into())
}

/// What a token says, without its signature.
pub fn claims(token: &SecretString) -> Option<Value> {
    use base64::Engine as _;
    let payload = token.expose_secret().split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Sends a request to a server by hand, over a connection of its own with this certificate or none.
///
/// # Errors
///
/// There is no answer.
pub async fn send(
    serving: &Serving,
    trusted: &Authority,
    shown: Option<&Certificate>,
    request: Request,
) -> Result<Answer, Box<dyn Error>> {
    let host = format!("{}:{}", serving.host, serving.port);
    let stream = tls::connect(serving.port, serving.host, trusted, shown).await?;
    Ok(request.header("Host", host).send_over(stream).await?)
}

/// A call of a tool that requests the profile, with this token or none.
pub fn call(token: Option<&SecretString>) -> Request {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "read_document", "arguments": { "id": 1 } },
    });
    let request = messages::modern_requesting("/mcp", &message, &[REQUIRE_CLIENT_CREDENTIALS]);
    let request = request.header("Mcp-Name", "read_document");
    match token {
        None => request,
        Some(token) => request.header("Authorization", format!("Bearer {}", token.expose_secret())),
    }
}
