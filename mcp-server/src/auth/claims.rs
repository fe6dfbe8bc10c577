//! What a checked token says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_auth::scope::Scopes;
use serde_json::{Map, Value};

use super::{Denial, Denied};

/// What a token says, once it is known who says it.
///
/// Members are read leniently where nothing hangs on them, and strictly where they let somebody in.
#[derive(Debug, Clone)]
pub(super) struct Claims(Map<String, Value>);

/// What a token is bound to (`cnf`, RFC 7800): the caller must hold all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Confirmation<'a> {
    /// The thumbprint of a certificate (RFC 8705, 3.1).
    pub(super) certificate: Option<&'a str>,
    /// The thumbprint of a key (RFC 9449, 6.1).
    pub(super) key: Option<&'a str>,
}

impl Claims {
    pub(super) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Text, if the member is there.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, Denied> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed(name)),
        }
    }

    /// A fact for policies: text, a number or a truth value.
    pub(super) fn fact(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whom the token speaks for: text that can stand in a log.
    pub(super) fn subject(&self) -> Result<Option<&str>, Denied> {
        self.name("sub")
    }

    /// The client that got the token.
    pub(super) fn client_id(&self) -> Result<Option<&str>, Denied> {
        Ok(self.name("client_id")?.or(self.name("azp")?))
    }

    /// The scopes, whichever way they are written: `scope` (RFC 9068, 2.2.3) or `scp`, a list in one
    /// text or one text each.
    pub(super) fn scopes(&self) -> Scopes {
        let of = |name: &str| match self.0.get(name) {
            Some(Value::String(list)) => Scopes::parse(list),
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
            _ => Scopes::default(),
        };
        of("scope").union(&of("scp"))
    }

    /// When the token expires.
    ///
    /// # Errors
    /// It does not say, or not in numbers.
    pub(super) fn expires_at(&self) -> Result<SystemTime, Denied> {
        self.time("exp")?.ok_or_else(|| invalid("the token does not say when it expires"))
    }

    /// Checks when the token is valid, and for whom it is.
    ///
    /// # Errors
    /// It is not valid now, or meant for somebody else.
    pub(super) fn check(
        &self,
        audiences: &[Box<str>],
        now: SystemTime,
        leeway: Duration,
    ) -> Result<(), Denied> {
        if self.expires_at()?.checked_add(leeway).is_none_or(|expired| expired <= now) {
            return Err(invalid("the token has expired"));
        }
        for name in ["nbf", "iat"] {
            let begins = self.time(name)?.unwrap_or(UNIX_EPOCH);
            if now.checked_add(leeway).is_some_and(|latest| latest < begins) {
                return Err(invalid("the token is not valid yet"));
            }
        }
        let is_ours = |audience: &str| audiences.iter().any(|ours| **ours == *audience);
        let is_ours = match self.0.get("aud") {
            Some(Value::String(audience)) => is_ours(audience),
            Some(Value::Array(audiences)) => {
                audiences.iter().filter_map(Value::as_str).any(is_ours)
            }
            _ => return Err(invalid("the token does not say for which resource it is")),
        };
        if is_ours { Ok(()) } else { Err(invalid("the token is for another resource")) }
    }

    /// What the token is bound to.
    ///
    /// # Errors
    /// It is bound to something that is not understood here: nobody can show that they hold it.
    pub(super) fn confirmation(&self) -> Result<Confirmation<'_>, Denied> {
        let not_understood =
            || invalid("the token is bound to something that is not understood here");
        let members = match self.0.get("cnf") {
            None => return Ok(Confirmation::default()),
            Some(Value::Object(members)) if !members.is_empty() => members,
            Some(_) => return Err(not_understood()),
        };
        let mut confirmation = Confirmation::default();
        for (name, value) in members {
            let thumbprint = value.as_str().ok_or_else(not_understood)?;
            match &**name {
                "x5t#S256" => confirmation.certificate = Some(thumbprint),
                "jkt" => confirmation.key = Some(thumbprint),
                _ => return Err(not_understood()),
            }
        }
        Ok(confirmation)
    }

    /// The name of somebody, if the member is there: not too long, and without control characters.
    fn name(&self, member: &'static str) -> Result<Option<&str>, Denied> {
        let is_name =
            |name: &&str| (1..=512).contains(&name.len()) && !name.chars().any(char::is_control);
        match self.text(member)? {
            Some(text) => Some(text).filter(is_name).map(Some).ok_or_else(|| malformed(member)),
            None => Ok(None),
        }
    }

    /// Seconds since 1970, with or without fractions (RFC 7519, 2).
    fn time(&self, name: &'static str) -> Result<Option<SystemTime>, Denied> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        value
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since| UNIX_EPOCH.checked_add(since))
            .map(Some)
            .ok_or_else(|| malformed(name))
    }
}

/// Whether two thumbprints are equal, in a time that depends on their lengths only.
pub(super) fn same(one: &str, other: &str) -> bool {
    let differences =
        one.bytes().zip(other.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

fn invalid(reason: &'static str) -> Denied {
    Denied::new(Denial::InvalidToken, reason)
}

fn malformed(name: &'static str) -> Denied {
    Denied::new(Denial::InvalidToken, format!("`{name}` of the token is malformed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        let Value::Object(members) = value else { panic!("claims are an object") };
        Claims::new(members)
    }

    fn check(value: Value) -> Result<(), String> {
        let audiences = [Box::from("https://mcp.example/mcp")];
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        claims(value)
            .check(&audiences, now, Duration::from_secs(10))
            .map_err(|denied| denied.to_string())
    }

    #[test]
    fn token_is_valid_between_its_times_with_little_leeway() {
        let aud = "https://mcp.example/mcp";
        assert_eq!(check(json!({ "aud": aud, "exp": 1_001 })), Ok(()));
        assert_eq!(
            check(json!({ "aud": [7, "x", aud], "exp": 991.5, "nbf": 1_010, "iat": 1_010 })),
            Ok(())
        );
        for (exp, nbf, iat) in [(990, 0, 0), (2_000, 1_011, 0), (2_000, 0, 1_011)] {
            let refused = check(json!({ "aud": aud, "exp": exp, "nbf": nbf, "iat": iat }));
            assert!(refused.unwrap_err().starts_with("invalid_token: "));
        }
    }

    #[test]
    fn expiry_and_audience_are_demanded() {
        let aud = "https://mcp.example/mcp";
        assert_eq!(
            check(json!({ "aud": aud })),
            Err("invalid_token: the token does not say when it expires".into())
        );
        for exp in [json!("2000"), json!(null), json!(-1), json!(1e300), json!({})] {
            assert!(check(json!({ "aud": aud, "exp": exp })).is_err(), "{exp}");
        }
        for aud in [
            json!(null),
            json!([]),
            json!({}),
            json!("https://mcp.example/mcp/x"),
            json!(["https://mcp.example"]),
        ] {
            assert!(check(json!({ "aud": aud, "exp": 2_000 })).is_err(), "{aud}");
        }
    }

    #[test]
    fn scopes_are_read_in_every_form() {
        for value in [
            json!({ "scope": "a b" }),
            json!({ "scope": ["a", "b", 7] }),
            json!({ "scp": ["b"], "scope": "a" }),
            json!({ "scp": "b a" }),
        ] {
            assert_eq!(claims(value).scopes().to_string(), "a b");
        }
        assert!(claims(json!({ "scope": 7 })).scopes().is_empty());
    }

    #[test]
    fn binding_that_is_not_understood_is_refused() {
        let both = claims(json!({ "cnf": { "jkt": "k", "x5t#S256": "c" } }));
        let expected = Confirmation { certificate: Some("c"), key: Some("k") };
        assert_eq!(both.confirmation(), Ok(expected));
        assert_eq!(claims(json!({})).confirmation(), Ok(Confirmation::default()));
        for cnf in [
            json!(null),
            json!({}),
            json!("c"),
            json!([]),
            json!({ "jwk": {} }),
            json!({ "kid": "k" }),
            json!({ "jkt": "k", "kid": "x" }),
            json!({ "jkt": 7 }),
            json!({ "x5t#S256": null }),
        ] {
            assert!(claims(json!({ "cnf": cnf })).confirmation().is_err(), "{cnf}");
        }
    }

    #[test]
    fn thumbprints_are_the_same_only_as_a_whole() {
        assert!(same("abc", "abc") && same("", ""));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }

    #[test]
    fn names_are_readable() {
        assert_eq!(claims(json!({ "sub": "ada" })).subject(), Ok(Some("ada")));
        assert_eq!(claims(json!({ "sub": null })).subject(), Ok(None));
        for sub in [json!(""), json!(7), json!("a\nb"), json!("a".repeat(513))] {
            assert!(claims(json!({ "sub": sub })).subject().is_err());
        }
        let client = claims(json!({ "azp": "b", "client_id": "a" }));
        assert_eq!(client.client_id(), Ok(Some("a")));
        assert_eq!(claims(json!({ "azp": "b" })).client_id(), Ok(Some("b")));
    }
}
