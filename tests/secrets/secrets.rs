//! Secrets that passed, and what they would look like in a log.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use mcp_auth::Url;
use mcp_auth::jose::SigningKey;
use mcp_auth::secret::ExposeSecret as _;

use crate::trace;

/// Secrets of one flow.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<BTreeSet<(&'static str, String)>>>);

impl Secrets {
    pub(crate) fn keep(&self, kind: &'static str, secret: &str) {
        assert!(secret.len() >= 8, "{kind}: what is that short is found everywhere");
        self.0.lock().unwrap().insert((kind, secret.to_owned()));
    }

    /// A secret that nobody else has.
    pub(crate) fn make(&self, kind: &'static str) -> String {
        let random = SigningKey::generate_es256().unwrap().public_key().thumbprint();
        self.keep(kind, &random);
        random
    }

    /// A key that nobody else has.
    pub(crate) fn make_key(&self) -> SigningKey {
        let key = SigningKey::generate_es256().unwrap();
        self.keep("private key", key.to_pem().expose_secret());
        key
    }

    /// Secrets of all these kinds have passed, and none of any kind shows.
    pub(crate) fn are_hidden(&self, kinds: &[&'static str]) {
        let logged = trace::logged();
        let kept = self.0.lock().unwrap();
        let passed: BTreeSet<_> = kept.iter().map(|(kind, _)| *kind).collect();
        for kind in kinds {
            assert!(passed.contains(kind), "there was no {kind}; there were {passed:?}");
        }
        for (kind, secret) in kept.iter() {
            for form in forms(secret) {
                if let Some(at) = logged.find(&form) {
                    let line = logged[..at].rfind('\n').map_or(0, |end| end + 1);
                    panic!("the {kind} is logged: {}", &logged[line..at + form.len()]);
                }
            }
        }
    }

    /// Whether a secret of this kind has passed.
    pub(crate) fn have(&self, kind: &str) -> bool {
        self.0.lock().unwrap().iter().any(|(kept, _)| *kept == kind)
    }
}

/// Text that gives a secret away.
fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for part in parts(secret) {
        let bytes = &part.as_bytes()[..part.len().min(16)];
        let listed = format!("{bytes:?}");
        forms.insert(listed.trim_matches(['[', ']']).to_owned());
        forms.insert(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        forms.insert(in_form(part));
        forms.insert(part.escape_debug().to_string());
        forms.insert(part.to_owned());
    }
    forms
}

/// The lines of keys, the claims and the signature of tokens, and the whole of all others.
fn parts(secret: &str) -> Vec<&str> {
    match secret.split('.').collect::<Vec<_>>()[..] {
        [_, claims, signature] => vec![claims, signature],
        _ => secret.lines().filter(|line| !line.starts_with('-') && line.len() >= 8).collect(),
    }
}

fn in_form(text: &str) -> String {
    let mut url = Url::parse("form:").unwrap();
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}

#[test]
fn what_shows_is_found() {
    let secrets = Secrets::default();
    let secret = secrets.make("canary");
    secrets.are_hidden(&["canary"]);
    trace::show("nothing");
    for logged in
        [secret.clone(), format!("{:?}", secret.as_bytes()), format!("{:?}", Some(&secret))]
    {
        let secrets = Secrets::default();
        secrets.keep("canary", &secret);
        trace::show(logged);
        let found = std::panic::catch_unwind(|| secrets.are_hidden(&[]));
        assert!(found.is_err());
    }
}
