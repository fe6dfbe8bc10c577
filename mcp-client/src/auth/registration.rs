//! Who the client is to an authorization server (MCP 2026-07-28,
//! basic/authorization/client-registration).
//!
//! Registered beforehand, by the address of its metadata, or by registering now, in this order. What
//! one authorization server gave is kept under its issuer, and no other one ever gets it.

use std::time::SystemTime;

use http::HeaderMap;
use mcp_auth::client_authentication::ClientAuthentication;
use mcp_auth::fetch::Fetcher;
use mcp_auth::secret::{ExposeSecret, SecretString};
use mcp_auth::server_metadata::AuthorizationServerMetadata;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::AuthError;
use super::grant::ClientInformation;
use super::store::{self, CredentialKey, CredentialStore, StoredClient};

/// What this program tells authorization servers of itself when it registers (RFC 7591, 2).
///
/// People see it when they are asked for consent.
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct ClientMetadata {
    client_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_version: Option<String>,
}

impl ClientMetadata {
    /// A program of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            client_name: name.into(),
            client_uri: None,
            logo_uri: None,
            software_id: None,
            software_version: None,
        }
    }

    /// Where people read about it.
    pub fn uri(self, uri: Url) -> Self {
        Self { client_uri: Some(uri), ..self }
    }

    /// Its picture.
    pub fn logo(self, uri: Url) -> Self {
        Self { logo_uri: Some(uri), ..self }
    }

    /// Which software it is, wherever it runs, and which version.
    pub fn software(self, id: impl Into<String>, version: impl Into<String>) -> Self {
        Self { software_id: Some(id.into()), software_version: Some(version.into()), ..self }
    }
}

/// What a client shows that the authorization server knows already.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    /// In this way.
    As(ClientAuthentication),
    /// The secret, in whichever way the authorization server takes it.
    Secret(SecretString),
}

impl Credential {
    pub(super) fn for_server(&self, server: &AuthorizationServerMetadata) -> ClientAuthentication {
        match self {
            Self::As(authentication) => authentication.clone(),
            Self::Secret(secret) => {
                let in_header = server.supports_client_authentication(BASIC);
                if in_header || !server.supports_client_authentication(POST) {
                    ClientAuthentication::SecretBasic(secret.clone())
                } else {
                    ClientAuthentication::SecretPost(secret.clone())
                }
            }
        }
    }
}

/// How a client may become known.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// Of a client that was registered beforehand.
    pub(super) client_id: Option<Box<str>>,
    /// The address of the client's metadata.
    pub(super) metadata_url: Option<Url>,
    /// What the client authenticates with that has one of these.
    pub(super) credential: Credential,
    /// For registering now; `None` if that is not wanted.
    pub(super) metadata: Option<ClientMetadata>,
}

/// A client that an authorization server knows.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    pub(super) client: ClientInformation,
    /// Where answers may be sent, as far as it is known here.
    pub(super) redirect_uris: Vec<Box<str>>,
    /// Whether it came from registering with the server.
    pub(super) dynamic: bool,
}

impl Identity {
    /// Who the client is to this server without asking it, if it is known already.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(super) async fn known(
        &self,
        server: &AuthorizationServerMetadata,
        store: &dyn CredentialStore,
    ) -> Result<Option<Registration>, AuthError> {
        if let Some(id) = &self.client_id {
            let authentication = self.credential.for_server(server);
            return Ok(Some(Registration::fixed(id.clone(), authentication)));
        }
        if let Some(url) = &self.metadata_url
            && server.client_id_metadata_document_supported
        {
            if url.scheme() != "https" || url.path() == "/" {
                return Err(AuthError::Policy(format!(
                    "the address of the client's metadata must be https and have a path: {url}"
                )));
            }
            let authentication = self.credential.for_server(server);
            return Ok(Some(Registration::fixed(url.as_str().into(), authentication)));
        }
        if self.metadata.is_none() {
            return Ok(None);
        }
        let stored: Option<StoredClient> = store::load(store, &key(server)).await?;
        let valid = stored.filter(|client| client.is_valid(SystemTime::now()));
        Ok(valid.and_then(Registration::from_stored))
    }

    /// Who the client is to this server when answers come to this address; registers if need be.
    ///
    /// # Errors
    ///
    /// The server does not know the client, and it cannot register or is not let.
    pub(super) async fn for_redirect(
        &self,
        known: Option<Registration>,
        redirect_uri: &str,
        server: &AuthorizationServerMetadata,
        fetcher: &Fetcher,
        store: &dyn CredentialStore,
        bound: bool,
    ) -> Result<Registration, AuthError> {
        if let Some(known) = known
            && (!known.dynamic || known.redirect_uris.iter().any(|uri| &**uri == redirect_uri))
        {
            return Ok(known);
        }
        let (Some(metadata), Some(endpoint)) = (&self.metadata, &server.registration_endpoint)
        else {
            return Err(self.unknown(server));
        };
        let request = Request {
            metadata,
            redirect_uris: [redirect_uri],
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
            token_endpoint_auth_method: method(server),
            application_type: "native",
            dpop_bound_access_tokens: bound,
        };
        let stored = register(fetcher, server, endpoint, &request).await?;
        let registration = Registration::from_stored(stored.clone()).ok_or_else(|| {
            AuthError::Metadata(format!(
                "the authorization server {} registered the client with the authentication \
                 method {}, which was not asked for",
                server.issuer,
                crate::text::one_line(&stored.token_endpoint_auth_method, 64),
            ))
        })?;
        store::save(store, &key(server), &stored).await?;
        Ok(registration)
    }

    /// Forgets what the server gave when the client registered.
    pub(super) async fn forget(
        server: &AuthorizationServerMetadata,
        store: &dyn CredentialStore,
    ) -> Result<(), AuthError> {
        store::remove(store, &key(server)).await
    }

    fn unknown(&self, server: &AuthorizationServerMetadata) -> AuthError {
        let issuer = &server.issuer;
        let mut why = format!(
            "the authorization server {issuer} does not know this client: register it there, and \
             give its identifier with `Authorization::client_id`"
        );
        if server.client_id_metadata_document_supported && self.metadata_url.is_none() {
            why.push_str(
                ", or the address of its metadata with `Authorization::client_metadata_url`",
            );
        }
        AuthError::Policy(why)
    }
}

impl Registration {
    fn fixed(id: Box<str>, authentication: ClientAuthentication) -> Self {
        let client = ClientInformation { id, authentication };
        Self { client, redirect_uris: Vec::new(), dynamic: false }
    }

    fn from_stored(stored: StoredClient) -> Option<Self> {
        let authentication = match (&*stored.token_endpoint_auth_method, stored.client_secret) {
            (NONE, _) => ClientAuthentication::None,
            (BASIC, Some(secret)) => ClientAuthentication::SecretBasic(secret),
            (POST, Some(secret)) => ClientAuthentication::SecretPost(secret),
            _ => return None,
        };
        let client = ClientInformation { id: stored.client_id, authentication };
        Some(Self { client, redirect_uris: stored.redirect_uris, dynamic: true })
    }
}

fn key(server: &AuthorizationServerMetadata) -> CredentialKey {
    CredentialKey::Client { issuer: server.issuer.as_str().into() }
}

/// How the client is to authenticate: a program on somebody's machine keeps no secret from them, so
/// without one where that is possible (RFC 8252, 8.4).
fn method(server: &AuthorizationServerMetadata) -> &'static str {
    let preferred = [NONE, BASIC, POST];
    let supported = |method: &&str| server.supports_client_authentication(method);
    preferred.into_iter().find(supported).unwrap_or(NONE)
}

/// What is sent (RFC 7591, 3.1; the type of application is of OpenID Connect).
#[derive(Debug, Serialize)]
struct Request<'a> {
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
    redirect_uris: [&'a str; 1],
    grant_types: [&'a str; 2],
    response_types: [&'a str; 1],
    token_endpoint_auth_method: &'a str,
    application_type: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dpop_bound_access_tokens: bool,
}

/// What is read of the answer (RFC 7591, 3.2).
#[derive(Deserialize)]
struct Registered {
    client_id: Box<str>,
    client_secret: Option<Box<str>>,
    client_secret_expires_at: Option<f64>,
    token_endpoint_auth_method: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

async fn register(
    fetcher: &Fetcher,
    server: &AuthorizationServerMetadata,
    endpoint: &Url,
    request: &Request<'_>,
) -> Result<StoredClient, AuthError> {
    const WHAT: &str = "the registration of the client";
    let answer = fetcher.post_json(endpoint, HeaderMap::new(), request).await;
    let answer = answer.map_err(|error| AuthError::fetch(WHAT, error))?;
    if !answer.status.is_success() {
        return Err(match answer.json::<Refusal>() {
            Ok(Refusal { error, error_description }) => {
                AuthError::refused(&server.issuer, &error, error_description.as_deref())
            }
            Err(_) => AuthError::Metadata(format!(
                "the authorization server {} did not register the client: status {}",
                server.issuer, answer.status
            )),
        });
    }
    let registered: Registered = answer.json().map_err(|error| AuthError::fetch(WHAT, error))?;
    if registered.client_id.is_empty() {
        return Err(AuthError::Metadata(format!(
            "the authorization server {} gave the client an empty identifier",
            server.issuer
        )));
    }
    let secret = registered.client_secret.map(SecretString::from);
    let secret = secret.filter(|secret| !secret.expose_secret().is_empty());
    // What it says counts; else what it was asked for, as far as there is a secret for it.
    let method = match (registered.token_endpoint_auth_method, &secret) {
        (Some(method), _) => method,
        (None, None) => NONE.into(),
        (None, Some(_)) => request.token_endpoint_auth_method.into(),
    };
    // Zero says that it does not expire.
    let expiry = registered.client_secret_expires_at.filter(|expiry| *expiry > 0.0);
    Ok(StoredClient {
        client_id: registered.client_id,
        client_secret: secret.filter(|_| &*method != NONE),
        token_endpoint_auth_method: method,
        redirect_uris: request.redirect_uris.map(Into::into).to_vec(),
        client_secret_expires_at: expiry.map(|expiry| expiry as u64),
    })
}

const NONE: &str = "none";
const BASIC: &str = "client_secret_basic";
const POST: &str = "client_secret_post";
