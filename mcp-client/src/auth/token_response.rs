//! What token endpoints answer (RFC 6749, 5): tokens, or why there are none.
//!
//! Owns reading both. Nothing is taken on trust: what is no token never becomes one, and what is
//! meant for people is made harmless. It does not know what was asked for.

use std::fmt;
use std::time::{Duration, SystemTime};

use mcp_auth::scope::Scopes;
use mcp_auth::secret::{ExposeSecret, SecretString};
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::AuthError;

/// What a token endpoint gave (RFC 6749, 5.1).
#[derive(Debug)]
pub(super) struct TokenResponse {
    pub(super) access_token: SecretString,
    /// As the server writes it, which is compared without regard to case.
    pub(super) token_type: String,
    pub(super) expires_at: Option<SystemTime>,
    /// `None` when they are those that were asked for.
    pub(super) scopes: Option<Scopes>,
    pub(super) refresh_token: Option<SecretString>,
    /// What the token is, if it was exchanged for another one (RFC 8693, 2.2.1).
    pub(super) issued_token_type: Option<String>,
}

impl TokenResponse {
    /// Reads what came with a status of success, for a request that was sent at this time.
    ///
    /// Some servers report errors with such a status: they are read as the errors that they are.
    pub(super) fn read(body: &[u8], issuer: &str, sent: SystemTime) -> Result<Self, AuthError> {
        let untrusted = |what: &str| AuthError::Untrusted(format!("{issuer} gave {what}"));
        // The error of the parser may quote what it stumbled over, and that may be a token.
        let Some(members) = object::<Members>(body) else {
            let refused = refusal(body, issuer);
            return Err(refused.unwrap_or_else(|| untrusted("no JSON object with a token")));
        };
        let Some(Secret(access_token)) = members.access_token else {
            return Err(refusal(body, issuer).unwrap_or_else(|| untrusted("no `access_token`")));
        };
        if !is_token(&access_token) {
            return Err(untrusted("an `access_token` that cannot be sent in a header"));
        }
        let Some(token_type) = members.token_type else {
            return Err(untrusted("no `token_type`, so that nobody knows how to use the token"));
        };
        let refresh_token = members.refresh_token.map(|Secret(token)| token);
        Ok(Self {
            access_token,
            token_type,
            expires_at: members.expires_in.and_then(|lifetime| sent.checked_add(lifetime)),
            scopes: members.scope.as_deref().map(Scopes::parse),
            // An empty one is none, and what is longer than any token is not kept.
            refresh_token: refresh_token.filter(is_token),
            issued_token_type: members.issued_token_type,
        })
    }

    /// Whether the token is of this type.
    pub(super) fn is(&self, token_type: &str) -> bool {
        self.token_type.eq_ignore_ascii_case(token_type)
    }
}

/// The error that an answer reports (RFC 6749, 5.2), if it is one.
pub(super) fn refusal(body: &[u8], issuer: &str) -> Option<AuthError> {
    let reported: Reported = object(body)?;
    let error = reported.error.as_str()?;
    Some(AuthError::refused(issuer, error, reported.error_description.as_str()))
}

/// Reads an object: a list of the same values in order is none.
fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    body.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(body).ok())?
}

/// What is read of a token; unknown members are passed over.
#[derive(Deserialize)]
struct Members {
    access_token: Option<Secret>,
    token_type: Option<String>,
    #[serde(default, deserialize_with = "lifetime")]
    expires_in: Option<Duration>,
    scope: Option<String>,
    refresh_token: Option<Secret>,
    issued_token_type: Option<String>,
}

/// What is read of an error. Members of other types are no reason not to see the others.
#[derive(Deserialize)]
struct Reported {
    error: Value,
    #[serde(default)]
    error_description: Value,
}

/// A string that is copied once, into memory that is overwritten.
struct Secret(SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Copied;

        impl Visitor<'_> for Copied {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a token")
            }

            fn visit_str<E>(self, token: &str) -> Result<Secret, E> {
                Ok(Secret(SecretString::from(token)))
            }
        }

        deserializer.deserialize_str(Copied)
    }
}

/// A lifetime in seconds: a number, or one in quotes as some servers write it.
///
/// What is neither says nothing: the token is used until the server refuses it.
fn lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds =
        match Value::deserialize(deserializer).map_err(|_| D::Error::custom("no lifetime"))? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

/// Whether a token can be sent in a header, and is no larger than what servers take there.
fn is_token(token: &SecretString) -> bool {
    let bytes = token.expose_secret().as_bytes();
    (1..=LONGEST_TOKEN).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

/// In bytes. Servers that take headers of more than this are rare.
const LONGEST_TOKEN: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<TokenResponse, AuthError> {
        TokenResponse::read(body.to_string().as_bytes(), ISSUER, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_token_is_read_and_what_is_unknown_passed_over() {
        let body = json!({
            "access_token": "secret-1", "token_type": "bearer", "expires_in": 60,
            "scope": "b a", "refresh_token": "secret-2", "example_parameter": ["x"]
        });
        let read = read(&body).unwrap();
        assert_eq!(read.access_token.expose_secret(), "secret-1");
        assert!(read.is("Bearer") && !read.is("DPoP"));
        assert_eq!(read.expires_at, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60)));
        assert_eq!(read.scopes.as_ref().unwrap().to_string(), "a b");
        assert_eq!(read.refresh_token.as_ref().unwrap().expose_secret(), "secret-2");
        assert!(!format!("{read:?}").contains("secret-"));
    }

    #[test]
    fn what_may_be_absent_or_null_may_be() {
        let read = read(&json!({
            "access_token": "a", "token_type": "Bearer", "scope": null, "refresh_token": null,
            "expires_in": null
        }))
        .unwrap();
        assert_eq!(read.expires_at, None);
        assert!(read.scopes.is_none() && read.refresh_token.is_none());
    }

    #[test]
    fn lifetimes_are_numbers_even_in_quotes_and_nonsense_is_none() {
        let expires = |lifetime: Value| {
            let body =
                json!({ "access_token": "a", "token_type": "Bearer", "expires_in": lifetime });
            read(&body).unwrap().expires_at
        };
        let minute = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60));
        assert_eq!(expires(json!("60")), minute);
        assert_eq!(expires(json!(60.0)), minute);
        for nonsense in
            [json!(-1), json!("soon"), json!("NaN"), json!(1e300), json!([60]), json!({})]
        {
            assert_eq!(expires(nonsense.clone()), None, "{nonsense}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_none_and_is_not_quoted() {
        for body in [
            json!({ "token_type": "Bearer" }),
            json!({ "access_token": "secret" }),
            json!({ "access_token": "", "token_type": "Bearer" }),
            json!({ "access_token": "secret\r\nx: y", "token_type": "Bearer" }),
            json!({ "access_token": "s\u{e9}cret", "token_type": "Bearer" }),
            json!({ "access_token": "s".repeat(LONGEST_TOKEN + 1), "token_type": "Bearer" }),
            json!({ "access_token": ["secret"], "token_type": "Bearer" }),
            json!({ "access_token": "secret", "token_type": "Bearer", "scope": ["secret"] }),
            json!(["secret"]),
            json!(["secret", "Bearer", 60, "a", "b", "c"]),
            json!("secret"),
        ] {
            let error = read(&body).unwrap_err();
            assert!(matches!(error, AuthError::Untrusted(_)), "{body}: {error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
        let twice = br#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#;
        assert!(TokenResponse::read(twice, ISSUER, SystemTime::UNIX_EPOCH).is_err());
    }

    #[test]
    fn errors_are_read_whatever_the_status_and_are_harmless() {
        let body =
            json!({ "error": "invalid_grant", "error_description": "no\n\u{1b}[31m\u{202e}!" });
        let AuthError::Refused { issuer, error, description } = read(&body).unwrap_err() else {
            panic!("{body}");
        };
        assert_eq!((&*issuer, &*error), (ISSUER, "invalid_grant"));
        let description = description.unwrap();
        assert!(!description.contains(['\n', '\u{1b}', '\u{202e}']), "{description:?}");

        assert!(refusal(br#"{"error":{"code":4}}"#, ISSUER).is_none());
        assert!(refusal(b"<html>", ISSUER).is_none());
        assert!(refusal(br#"{"error":"x","error_description":7}"#, ISSUER).is_some());
    }

    const ISSUER: &str = "https://as.example";
}
