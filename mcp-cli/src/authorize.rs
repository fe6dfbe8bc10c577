//! How the command gets tokens for a server that asks for them.

use std::env::{self, VarError};
use std::io::{self, Write};
use std::sync::Arc;

use mcp_client::Http;
use mcp_client::auth::{Authorization, Browser, ClientAuthentication, ClientCertificate};

use crate::cli::{Options, Way};
use crate::failure::Failure;

/// The server with tokens of the kind that the command line asks for, if it asks for any.
pub(crate) fn authorized(
    http: Http,
    options: &Options,
    roots: Option<&[u8]>,
    certificate: Option<&Arc<ClientCertificate>>,
) -> Result<Http, Failure> {
    let Some(way) = options.authorize else { return Ok(http) };
    let (id, secret) = (variable(CLIENT_ID)?, variable(CLIENT_SECRET)?);
    let mut authorization = match way {
        Way::Browser => Authorization::in_browser(),
        Way::Link => Authorization::with_user_agent(Browser::new().open_with(|address| {
            writeln!(io::stderr(), "Open this address to give consent, and come back:\n  {address}")
        })),
        Way::Client => {
            let Some(id) = &id else {
                return Err(Failure::Usage(format!(
                    "--authorize client: set {CLIENT_ID}, and {CLIENT_SECRET} unless the client \
                     is known by its certificate"
                )));
            };
            let credential = match &secret {
                Some(secret) => ClientAuthentication::SecretBasic(secret.as_str().into()),
                None if certificate.is_some() => ClientAuthentication::Tls,
                None => {
                    return Err(Failure::Usage(format!(
                        "--authorize client: set {CLIENT_SECRET}, or give --client-certificate"
                    )));
                }
            };
            Authorization::client_credentials(id.as_str(), credential)
        }
    };
    if let (Way::Browser | Way::Link, Some(id)) = (way, &id) {
        authorization = authorization.client_id(id.as_str());
        if let Some(secret) = &secret {
            authorization = authorization.client_secret(secret.as_str());
        }
    }
    if let Some(issuer) = &options.issuer {
        authorization = authorization.issuer(issuer.as_str());
    }
    if let Some(roots) = roots {
        authorization = authorization.root_certificate_pem(roots);
    }
    if let Some(certificate) = certificate {
        authorization = authorization.client_certificate(Arc::clone(certificate));
    }
    Ok(http.authorization(authorization.scopes(&options.scope)))
}

/// What an environment variable says; one that is empty says nothing.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::Usage(format!("{name} is no text"))),
    }
}

const CLIENT_ID: &str = "MCP_CLIENT_ID";
const CLIENT_SECRET: &str = "MCP_CLIENT_SECRET";
