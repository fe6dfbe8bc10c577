//! A protected resource as it is served: checked, and everything that it says written once.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_TYPE,
    HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use mcp_auth::Url;
use mcp_auth::challenge::Challenge;
use mcp_auth::resource_metadata::{self, ProtectedResourceMetadata};
use mcp_auth::scope::Scopes;
use mcp_core::Principal;
use serde::Serialize;

use super::protected::read_scopes;
use super::{Denial, Protected, Scheme, TokenValidator};
use crate::http::HttpBody;
use crate::http::well_known::Document;

/// Where the nonce for the next proof is (RFC 9449, 8.2).
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What a page of another origin may read of a refusal.
const EXPOSED: &str = "www-authenticate, dpop-nonce, retry-after";

pub(super) struct Place {
    pub(super) validator: Arc<dyn TokenValidator>,
    pub(super) resource: Url,
    pub(super) document: Document,
    /// The path of the document.
    pub(super) document_path: String,
    /// What every request needs.
    pub(super) scopes: Scopes,
    pub(super) optional: bool,
    document_url: Url,
    implied: HashMap<Box<str>, BTreeSet<Box<str>>>,
    /// Whether tokens are taken under the scheme `Bearer`.
    bearer: bool,
    /// The algorithms for proofs, where these are understood.
    algorithms: Option<String>,
}

impl Place {
    /// Reads what was put together; mistakes become problems.
    pub(super) fn new(protected: &Protected, problems: &mut Vec<String>) -> Option<Self> {
        let before = problems.len();
        let Protected { validator, metadata, scopes, scopes_supported, implied, optional } =
            protected;
        let resource = match read_resource(&metadata.resource) {
            Ok(resource) => resource,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let mut metadata = metadata.clone();
        if metadata.authorization_servers.is_empty() {
            problems.push("there is no authorization server: name at least one".to_owned());
        }
        let wrong =
            metadata.authorization_servers.iter().filter(|issuer| Url::parse(issuer).is_err());
        problems.extend(wrong.map(|issuer| {
            format!("authorization server `{issuer}` is no URL: give its issuer identifier")
        }));
        let scopes = read_scopes(scopes, problems);
        let supported = read_scopes(scopes_supported, problems).union(&scopes);
        if metadata.scopes_supported.is_none() && !supported.is_empty() {
            metadata.scopes_supported = Some(supported);
        }
        let implied = close(implied, problems);
        let algorithms = metadata.dpop_signing_alg_values_supported.as_deref();
        let algorithms = algorithms.filter(|all| !all.is_empty()).map(|all| all.join(" "));
        let bearer = !metadata.dpop_bound_access_tokens_required;
        if !bearer && algorithms.is_none() {
            problems.push(
                "proofs are demanded, but no algorithm for them is known: name some".to_owned(),
            );
        }
        let document_path = resource_metadata::well_known_path(&resource);
        let mut document_url = resource.clone();
        document_url.set_path(&document_path);
        let place = Self {
            validator: Arc::clone(validator),
            document: document(&metadata),
            resource,
            document_path,
            document_url,
            scopes,
            optional: *optional,
            implied,
            bearer,
            algorithms,
        };
        // What is written into challenges has to be writable.
        for scheme in [Scheme::Bearer, Scheme::DPoP] {
            if place.challenge(scheme, None, &place.scopes).is_none() {
                problems.push(format!(
                    "the resource `{}` cannot be written into a header: use visible ASCII",
                    place.resource
                ));
            }
        }
        (problems.len() == before).then_some(place)
    }

    /// The URL of a request, as its caller called it: the origin is the resource's, whatever proxies
    /// have made of it.
    pub(super) fn url_of(&self, head: &Parts) -> Url {
        let mut url = self.resource.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        url
    }

    /// The caller with the scopes that those of its token imply, and the expiry of the token.
    pub(super) fn known(&self, principal: Principal, expires_at: Option<SystemTime>) -> Principal {
        let Some(known) = principal.authentication() else { return principal };
        let implied = known.scopes.iter().filter_map(|scope| self.implied.get(scope));
        let implied: BTreeSet<Box<str>> = implied.flatten().cloned().collect();
        let expires_at = known.expires_at.or_else(|| {
            expires_at.map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
        });
        if implied.is_subset(&known.scopes) && expires_at == known.expires_at {
            return principal;
        }
        let mut known = known.clone();
        known.scopes.extend(implied);
        known.expires_at = expires_at;
        principal.authenticated(known)
    }

    /// The answer to somebody who is not let in.
    pub(super) fn refuse(
        &self,
        denial: Denial,
        shown: Option<Scheme>,
        needed: &Scopes,
    ) -> Response<HttpBody> {
        let said = Said { error: denial.code(), error_description: description(denial) };
        // Two texts can always be written.
        let json = serde_json::to_vec(&said).unwrap_or_default();
        let mut response = Response::new(HttpBody::full(json));
        *response.status_mut() = denial.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // It says nothing that the document does not say to everybody.
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        if denial.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            return response;
        }
        let needed = needed.union(&self.scopes);
        let concerned = self.concerned(denial, shown);
        for scheme in self.schemes() {
            let denial = (scheme == concerned).then_some(denial);
            // Whether it can be written was found out at the beginning.
            if let Some(challenge) = self.challenge(scheme, denial, &needed) {
                headers.append(WWW_AUTHENTICATE, challenge.to_header_value());
            }
        }
        response
    }

    /// The schemes under which tokens are taken.
    fn schemes(&self) -> impl Iterator<Item = Scheme> {
        let dpop = self.algorithms.is_some().then_some(Scheme::DPoP);
        self.bearer.then_some(Scheme::Bearer).into_iter().chain(dpop)
    }

    /// The scheme whose challenge says what was wrong.
    fn concerned(&self, denial: Denial, shown: Option<Scheme>) -> Scheme {
        let wanted = match denial {
            Denial::UseDpopNonce | Denial::InvalidDpopProof => Some(Scheme::DPoP),
            _ => shown,
        };
        let offered = wanted.filter(|wanted| self.schemes().any(|scheme| scheme == *wanted));
        offered.or_else(|| self.schemes().next()).unwrap_or(Scheme::Bearer)
    }

    fn challenge(
        &self,
        scheme: Scheme,
        denial: Option<Denial>,
        needed: &Scopes,
    ) -> Option<Challenge> {
        let mut challenge = match scheme {
            Scheme::Bearer => Challenge::bearer(),
            Scheme::DPoP => Challenge::dpop(),
        };
        if let Some(denial) = denial
            && let Some(code) = denial.code()
        {
            challenge = challenge.with("error", code).ok()?;
            challenge = challenge.with("error_description", description(denial)).ok()?;
        }
        challenge = challenge.with("resource_metadata", self.document_url.as_str()).ok()?;
        if !needed.is_empty() {
            challenge = challenge.with("scope", &needed.to_string()).ok()?;
        }
        match &self.algorithms {
            Some(algorithms) if scheme == Scheme::DPoP => challenge.with("algs", algorithms).ok(),
            _ => Some(challenge),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("resource", &self.resource.as_str())
            .field("validator", &self.validator)
            .finish_non_exhaustive()
    }
}

/// What a refusal says besides its headers.
#[derive(Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    error_description: &'static str,
}

/// What a caller is told: the reason is for the operator, whose log has it.
fn description(denial: Denial) -> &'static str {
    match denial {
        Denial::Unauthenticated => {
            "a token is needed: the metadata of the resource says where to get one"
        }
        Denial::InvalidRequest => {
            "the request shows its token in a way that cannot be read: send one Authorization header"
        }
        Denial::InvalidToken => "the token is not valid here: get another one",
        Denial::InsufficientScope => {
            "the token grants too little: get one with the scopes that are named"
        }
        Denial::UseDpopNonce => "the proof needs the nonce that is in the header DPoP-Nonce",
        Denial::InvalidDpopProof => {
            "the proof does not fit the request or was used before: make another one"
        }
        Denial::Unavailable => "tokens cannot be checked now: try again later",
    }
}

fn document(metadata: &ProtectedResourceMetadata) -> Document {
    // Texts, lists of texts and URLs can always be written.
    Document::of_json(Bytes::from(serde_json::to_vec(metadata).unwrap_or_default()))
}

/// RFC 9728, 1.2 and 3; RFC 8707, 2.
fn read_resource(text: &str) -> Result<Url, String> {
    let is_good = |url: &Url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.fragment().is_none()
            && url.query().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    Url::parse(text).ok().filter(is_good).ok_or_else(|| {
        format!("resource `{text}` is no URL of an endpoint: write it like `https://a.example/mcp`")
    })
}

/// What each scope implies, directly or not.
fn close(
    implied: &[(String, Vec<String>)],
    problems: &mut Vec<String>,
) -> HashMap<Box<str>, BTreeSet<Box<str>>> {
    let mut direct: HashMap<Box<str>, BTreeSet<Box<str>>> = HashMap::new();
    for (scope, narrow) in implied {
        read_scopes(std::slice::from_ref(scope), problems);
        let narrow = read_scopes(narrow, problems);
        direct.entry((&**scope).into()).or_default().extend(narrow.iter().map(Box::from));
    }
    let all = |scope: &str| {
        let mut found = BTreeSet::new();
        let mut open = vec![Box::<str>::from(scope)];
        while let Some(scope) = open.pop() {
            let narrow = direct.get(&scope).into_iter().flatten();
            open.extend(narrow.filter(|narrow| found.insert(Box::clone(narrow))).cloned());
        }
        found
    };
    direct.keys().map(|scope| (scope.clone(), all(scope))).collect()
}
