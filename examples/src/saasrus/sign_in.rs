//! Who calls: a layer in front of the service that makes principals out of bearer tokens.
//!
//! A token is looked up in the database of the tenant that the request is for, so that of another
//! tenant is as good as none. Which tenant that is, the service itself says: were it worked out here
//! a second time, the two could disagree, and a request would be let in for one tenant and served by
//! another.
//!
//! What the service then knows of the caller is the [`Principal`] in the extensions of the request.
//! It reaches entitlements, tools and the sessions that are bound to it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use mcp_server::Principal;
use mcp_server::http::HttpService;

use super::tokens::{Holder, Tokens};

/// What is needed to tell who calls.
#[derive(Debug)]
pub struct SignIn {
    /// The service behind this layer.
    pub service: HttpService,
    /// The tokens of each tenant, by the tenant's name in the service.
    pub tokens: HashMap<String, Tokens>,
}

/// Lets a request through once it is known who sent it.
///
/// What is for no tenant's endpoint goes through as it is: the documents that say which profiles a
/// tenant supports are open, and whatever else it may be, the service refuses it.
pub async fn sign_in(State(gate): State<Arc<SignIn>>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    // A browser asks without a token whether it may send one.
    let open = head.method == Method::OPTIONS;
    if let Some(tenant) = gate.service.tenant_of(&head).filter(|_| !open) {
        let caller = match gate.tokens.get(tenant.as_str()) {
            Some(tokens) => caller(tokens, &head.headers).await,
            None => Err(Denied::Unknown),
        };
        match caller {
            Ok(caller) => drop(head.extensions.insert(caller)),
            Err(denied) => return denied.into_response(),
        }
    }
    let caller = head.extensions.get::<Principal>().cloned();
    let mut response = next.run(Request::from_parts(head, body)).await;
    // For the access log, which lies in front of this layer.
    if let Some(caller) = caller {
        response.extensions_mut().insert(caller);
    }
    response
}

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denied {
    /// There is no token.
    Missing,
    /// The token is worth nothing here.
    Unknown,
    /// Whether the token is worth something cannot be found out now.
    Undecided,
}

async fn caller(tokens: &Tokens, headers: &HeaderMap) -> Result<Principal, Denied> {
    let token = bearer_token(headers)?;
    match tokens.holder(token).await {
        Ok(Some(Holder { name, plan })) => Ok(Principal::new(name).with("plan", plan.as_str())),
        Ok(None) => Err(Denied::Unknown),
        Err(error) => {
            tracing::error!(target: "saasrus", %error, "tokens cannot be read");
            Err(Denied::Undecided)
        }
    }
}

/// The token of a request (RFC 6750, 2.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, Denied> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        // With several headers, somebody else might read another one.
        return Err(if headers.contains_key(AUTHORIZATION) {
            Denied::Unknown
        } else {
            Denied::Missing
        });
    };
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(Denied::Unknown)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denied::Missing);
    }
    Ok(token.trim_start_matches(' '))
}

impl Denied {
    /// 401 with the challenge (RFC 6750, 3): nothing is said of a token that was not sent.
    fn into_response(self) -> Response {
        let (challenge, why) = match self {
            Self::Missing => (r#"Bearer realm="saasrus""#, "send a token of this tenant\n"),
            Self::Unknown => (
                r#"Bearer realm="saasrus", error="invalid_token""#,
                "this token is worth nothing here: send one of this tenant\n",
            ),
            Self::Undecided => {
                return (StatusCode::SERVICE_UNAVAILABLE, "try again later\n").into_response();
            }
        };
        let mut response = (StatusCode::UNAUTHORIZED, why).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn one_bearer_token_is_read_and_nothing_else() {
        assert_eq!(bearer_token(&headers(&["Bearer abc"])), Ok("abc"));
        assert_eq!(bearer_token(&headers(&["bearer  abc"])), Ok("abc"));
        assert_eq!(bearer_token(&headers(&[])), Err(Denied::Missing));
        assert_eq!(bearer_token(&headers(&["Basic abc"])), Err(Denied::Missing));
        assert_eq!(bearer_token(&headers(&["Bearer"])), Err(Denied::Unknown));
        assert_eq!(bearer_token(&headers(&["Bearer a", "Bearer b"])), Err(Denied::Unknown));
    }
}
