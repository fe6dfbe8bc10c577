//! Asking a caller for scopes that something needs: the status and the challenge of the answer.
//!
//! Which scopes are missing is found out where the call is dispatched; how to get them is known by
//! whatever authenticates in front of the service.

use http::request::Parts;
use http::{Response, StatusCode};

use super::HttpBody;
use crate::requires::Scopes;

/// The scopes for want of which a request was refused, as an extension of its answer.
#[derive(Debug, Clone)]
struct Lacking(Scopes);

/// Notes in an answer for want of what it refuses.
pub(super) fn note(
    mut response: Response<HttpBody>,
    lacking: Option<Scopes>,
) -> Response<HttpBody> {
    if let Some(scopes) = lacking {
        response.extensions_mut().insert(Lacking(scopes));
    }
    response
}

/// Makes of an answer in which that is noted one that asks for it (2026-07-28, basic/authorization,
/// "Scope Challenge Handling"); without something that knows where to get it, just 403.
pub(super) fn ask(head: &Parts, mut response: Response<HttpBody>) -> Response<HttpBody> {
    let Some(Lacking(scopes)) = response.extensions_mut().remove() else { return response };
    #[cfg(feature = "auth")]
    if let Some(protection) = head.extensions.get::<crate::auth::Protection>() {
        let (asked, _) = protection.needs(scopes.iter()).into_parts();
        *response.status_mut() = asked.status;
        response.headers_mut().extend(asked.headers);
        return response;
    }
    let _ = (head, scopes);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
