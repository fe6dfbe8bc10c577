//! VidsRUS over HTTP: the same server, with customers who sign in with every request.
//!
//! A layer in front of the service makes principals out of bearer tokens. A request without token is
//! a passer-by's, a wrong token is refused: whoever sends one would be surprised to be served as
//! somebody else.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use mcp_server::Principal;
use mcp_server::http::HttpService;

use super::Accounts;

/// The service behind the sign-in, to be served with axum.
pub fn router(service: HttpService, accounts: Accounts) -> Router {
    let gate = Gate { service: service.clone(), accounts };
    Router::new().fallback_service(service).layer(from_fn_with_state(gate, sign_in))
}

/// What is needed to tell who calls.
#[derive(Debug, Clone)]
struct Gate {
    service: HttpService,
    accounts: Accounts,
}

async fn sign_in(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    // Everything else, such as the declaration of the profiles, is open.
    if gate.service.tenant_of(&head).is_some() && head.headers.contains_key(AUTHORIZATION) {
        let token = bearer_token(&head.headers);
        let Some(account) = token.and_then(|token| gate.accounts.holder(token)) else {
            let challenge =
                [(WWW_AUTHENTICATE, r#"Bearer realm="vidsrus", error="invalid_token""#)];
            let why = "nobody holds this token: send another, or none to be a passer-by\n";
            return (StatusCode::UNAUTHORIZED, challenge, why).into_response();
        };
        head.extensions.insert(Principal::new(account.name.clone()));
    }
    next.run(Request::from_parts(head, body)).await
}

/// The token of a request that has one and no other credentials (RFC 6750, 2.1).
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
