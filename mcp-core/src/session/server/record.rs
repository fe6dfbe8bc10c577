//! A legacy session as a value: written down by one process, taken up by another.
//!
//! It holds what was agreed and what the client has set since. It holds nothing that is under way:
//! calls that run, what their handlers asked the client, and messages that wait stay where they are.
//! What it says is not believed: who calls, which versions are served and which profiles are
//! permitted is asked again where it is taken up.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Established, Resolution, ServerConfig, ServerSession, ServerState};
use crate::capability::ClientCapabilities;
use crate::negotiate::{Negotiated, NegotiatedParts};
use crate::outbox::Outbox;
use crate::principal::{Principal, Tenant};
use crate::profile::{
    Entitlement, NegotiatedProfiles, ProfileUrl, Rejection, RejectionKind, RequestedProfiles,
    ResolvedPolicy,
};
use crate::types::{Implementation, LoggingLevel};
use crate::version::{Era, ProtocolVersion};

/// An established legacy session, to be taken up elsewhere with [`ServerSession::restore`].
///
/// It serialises, so that a store can write it as it is and need not know what is in it. Text of
/// another format than this version of the library writes is not read.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use mcp_core::profile::Entitlement;
/// use mcp_core::session::server::{ServerConfig, ServerSession, SessionRecord};
/// use mcp_core::types::Implementation;
/// use mcp_core::{Outbox, Principal, Tenant};
///
/// let config = Arc::new(ServerConfig::new(Implementation::new("echo", "1.0")));
/// let (caller, tenant) = (Principal::new("ada"), Tenant::default());
/// let mut session = ServerSession::new(config.clone(), caller.clone(), tenant.clone());
/// assert_eq!(session.record(), None); // nothing is agreed yet
/// # let initialize = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
/// #    "protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
/// let mut outbox = Outbox::default();
/// for message in session.read(initialize, &mut outbox) {
///     session.handle(message, &mut outbox);
/// }
/// let text = serde_json::to_string(&session.record())?;
///
/// // In another process, when a request of the same session comes:
/// let record: SessionRecord = serde_json::from_str(&text)?;
/// let all = Entitlement::all();
/// assert!(ServerSession::restore(config.clone(), caller, tenant.clone(), &record, &all).is_ok());
/// let stranger = Principal::new("eve");
/// assert!(ServerSession::restore(config, stranger, tenant, &record, &all).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRecord {
    format: Format,
    tenant: String,
    owner: Owner,
    protocol_version: ProtocolVersion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_info: Option<Implementation>,
    client_capabilities: ClientCapabilities,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<ProfileUrl>,
    initialized: bool,
    log_level: LoggingLevel,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subscribed: Vec<Box<str>>,
}

impl SessionRecord {
    /// Whether the session is of this caller.
    pub fn belongs_to(&self, principal: &Principal, tenant: &Tenant) -> bool {
        self.tenant == tenant.as_str() && self.owner == Owner::of(principal)
    }

    /// The protocol version that was agreed on.
    pub fn protocol_version(&self) -> &ProtocolVersion {
        &self.protocol_version
    }
}

/// Why a session cannot be taken up. To its client it is over, as one that was never known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Somebody else began it, or it was begun with another tenant.
    #[error("the session belongs to somebody else")]
    NotTheirs,
    /// Its protocol version is not served here.
    #[error("the session uses protocol version {0}, which this server does not serve")]
    Version(ProtocolVersion),
    /// Its profiles are not all permitted any more, or others have become compulsory.
    #[error("the session's profiles can no longer be in force: {0}")]
    Profiles(Box<Rejection>),
}

impl ServerSession {
    /// What another process needs to go on with this session; `None` unless it is established.
    ///
    /// It has to be kept anew when [`changes`](Self::changes) has changed. What cannot be recorded
    /// is documented with [`restore`](Self::restore).
    pub fn record(&self) -> Option<SessionRecord> {
        let ServerState::Established(session) = &self.state else { return None };
        let negotiated = &session.negotiated;
        Some(SessionRecord {
            format: Format,
            tenant: self.tenant.as_str().to_owned(),
            owner: Owner::of(&self.principal),
            protocol_version: negotiated.version().clone(),
            client_info: negotiated.client_info().cloned(),
            client_capabilities: negotiated.client_capabilities().clone(),
            profiles: negotiated.profiles().iter().cloned().collect(),
            initialized: session.initialized,
            log_level: session.log_level,
            subscribed: session.subscribed.iter().cloned().collect(),
        })
    }

    /// Counts the changes of what [`record`](Self::record) says, since the session was established
    /// or restored.
    pub fn changes(&self) -> u32 {
        match &self.state {
            ServerState::Established(session) => session.changes,
            _ => 0,
        }
    }

    /// Takes up a session that another process recorded.
    ///
    /// The caller is who sent the request that needs the session, and the entitlement is found out
    /// for that request, not for the one that began the session: it does not count where
    /// [`asks_entitlement`](ServerConfig::asks_entitlement) is not set. The session's profiles come
    /// back as they were or not at all.
    ///
    /// Calls that run elsewhere go on there, can be cancelled only there, and their ids are not known
    /// here; the same holds for what was asked of the client. Streams end with the process that had
    /// them.
    ///
    /// # Errors
    /// [`RestoreError`] says why it is over. Tell the client no more than that.
    pub fn restore(
        config: Arc<ServerConfig>,
        principal: Principal,
        tenant: Tenant,
        record: &SessionRecord,
        entitlement: &Entitlement,
    ) -> Result<Self, RestoreError> {
        if !record.belongs_to(&principal, &tenant) {
            return Err(RestoreError::NotTheirs);
        }
        let version = record.protocol_version.clone();
        if version.era() != Some(Era::Legacy) || !config.versions.contains(&version) {
            return Err(RestoreError::Version(version));
        }
        let mut session = Self::new(config, principal, tenant);
        let policy = match &session.resolution {
            Resolution::Fixed(policy) => policy.clone(),
            _ => session
                .config
                .profiles
                .as_ref()
                .map(|policy| policy.resolve(entitlement).authenticated(&session.principal)),
        };
        let profiles = renew(policy.as_ref(), record)?;
        let negotiated = Negotiated::new(NegotiatedParts {
            version,
            era: Era::Legacy,
            client_info: record.client_info.clone(),
            client_capabilities: record.client_capabilities.clone(),
            profiles,
            principal: session.principal.clone(),
            tenant: session.tenant.clone(),
        });
        session.state = ServerState::Established(Established {
            negotiated,
            policy,
            initialized: record.initialized,
            unsent: Vec::new(),
            log_level: record.log_level,
            subscribed: record.subscribed.iter().cloned().collect(),
            changes: 0,
        });
        Ok(session)
    }

    /// Takes over what another process has changed in a session that this one serves as well:
    /// whether the client is initialized, its log level, its subscriptions.
    ///
    /// What was agreed on stays as it is. A record of another session has no effect.
    pub fn catch_up(&mut self, record: &SessionRecord, out: &mut Outbox) {
        let is_ours = record.belongs_to(&self.principal, &self.tenant);
        let ServerState::Established(session) = &mut self.state else { return };
        if !is_ours || *session.negotiated.version() != record.protocol_version {
            return;
        }
        session.log_level = record.log_level;
        session.subscribed = record.subscribed.iter().cloned().collect();
        let begins = record.initialized && !session.initialized;
        let changes = session.changes;
        if begins {
            self.send_unsent(out);
        }
        if let ServerState::Established(session) = &mut self.state {
            // What comes out of the store need not go there.
            session.changes = changes;
        }
    }
}

/// The profiles of a record, if they can all be in force for this caller now.
fn renew(
    policy: Option<&ResolvedPolicy>,
    record: &SessionRecord,
) -> Result<NegotiatedProfiles, RestoreError> {
    let earlier: NegotiatedProfiles = record.profiles.iter().cloned().collect();
    match policy {
        Some(policy) => policy
            .renew(&earlier, &record.protocol_version)
            .map_err(|refusal| RestoreError::Profiles(Box::new(refusal.into_rejection()))),
        None if earlier.is_empty() => Ok(earlier),
        // This server declares none, so none can be in force.
        None => {
            let none = RequestedProfiles::default();
            let rejection = Rejection::new(RejectionKind::NoLongerInForce, none);
            Err(RestoreError::Profiles(Box::new(rejection)))
        }
    }
}

/// Who began a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Owner {
    Local,
    /// Somebody who was not identified.
    Anonymous,
    Id(String),
}

impl Owner {
    fn of(principal: &Principal) -> Self {
        match principal.id() {
            Some(id) => Self::Id(id.to_owned()),
            None if principal.is_local() => Self::Local,
            None => Self::Anonymous,
        }
    }
}

/// The format of a record: a number that grows when an older library would read it wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format;

const FORMAT: u32 = 1;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => Err(de::Error::custom(format_args!(
                "a session record of format {other}: this version of the library reads format {FORMAT}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::capability::{ResourcesCapability, ServerCapabilities, ToolsCapability};
    use crate::profile::{Declaration, ProfilePolicy, ProfilePolicyBuilder};
    use crate::session::server::{Change, ClientRequest, ServerEvent};
    use crate::types::CallToolResult;

    const A: &str = "https://h/a";
    const B: &str = "https://h/b";

    /// A session, and a handler that says what it was told.
    struct Rig {
        session: ServerSession,
        out: Outbox,
    }

    fn config() -> ServerConfig {
        let mut config = ServerConfig::new(Implementation::new("echo", "1.0"));
        let mut resources = ResourcesCapability::new().with_list_changed(true);
        resources.subscribe = Some(true);
        config.capabilities = ServerCapabilities::new()
            .with_tools(ToolsCapability::new().with_list_changed(true))
            .with_resources(resources)
            .with_logging();
        config
    }

    fn declaring(urls: &[&str]) -> ProfilePolicyBuilder {
        let entries: Vec<Value> = urls.iter().map(|url| json!({ "profileURL": url })).collect();
        let declaration = Declaration::parse(json!(entries).to_string().as_bytes()).unwrap();
        ProfilePolicy::builder(declaration)
    }

    fn with_policy(policy: ProfilePolicyBuilder) -> ServerConfig {
        ServerConfig { profiles: Some(policy.build().unwrap()), ..config() }
    }

    fn ada() -> Principal {
        Principal::new("ada")
    }

    fn tenant() -> Tenant {
        Tenant::new("vidsrus.example")
    }

    impl Rig {
        fn new(config: ServerConfig) -> Self {
            let session = ServerSession::new(Arc::new(config), ada(), tenant());
            Self { session, out: Outbox::default() }
        }

        /// A session of a client that asks for these profiles.
        fn established(config: ServerConfig, version: &str, requested: &[&str]) -> Self {
            let mut rig = Self::new(config);
            let params = json!({
                "protocolVersion": version,
                "capabilities": {"roots": {}, "telepathy": {"range": [1, null]}},
                "clientInfo": {"name": "viewer", "version": "2"},
                "requestedProfiles": requested,
            });
            rig.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}));
            assert!(rig.session.negotiated().is_some());
            rig
        }

        fn send(&mut self, message: &Value) -> Vec<String> {
            let text = message.to_string();
            let messages: Vec<_> = self.session.read(text.as_bytes(), &mut self.out).collect();
            for message in messages {
                match self.session.handle(message, &mut self.out) {
                    Some(ServerEvent::Call(call)) => {
                        let (id, out) = (call.id, &mut self.out);
                        match call.request {
                            ClientRequest::Subscribe { uri } => {
                                self.session.subscribe(id, &uri, out);
                            }
                            ClientRequest::Unsubscribe { uri } => {
                                self.session.unsubscribe(id, &uri, out);
                            }
                            _ => {
                                let told = format!("{:?} {:?}", call.negotiated, call.log_level);
                                let result = CallToolResult::text(told);
                                self.session.respond(id, &result, None, None, out).unwrap();
                            }
                        }
                    }
                    Some(ServerEvent::ResolvePolicy) => panic!("nobody gives a policy here"),
                    _ => {}
                }
            }
            self.sent()
        }

        fn notify(&mut self, method: &str) -> Vec<String> {
            self.send(&json!({"jsonrpc": "2.0", "method": method}))
        }

        fn request(&mut self, method: &str, params: &Value) -> Vec<String> {
            self.send(&json!({"jsonrpc": "2.0", "id": "q", "method": method, "params": params}))
        }

        fn sent(&mut self) -> Vec<String> {
            let mut sent = Vec::new();
            self.out.drain(|m| sent.push(String::from_utf8(m.message.to_vec()).unwrap()));
            sent
        }

        fn restored(&self, config: ServerConfig) -> Result<Self, RestoreError> {
            let written = serde_json::to_string(&self.session.record().unwrap()).unwrap();
            let record: SessionRecord = serde_json::from_str(&written).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), written);
            restore(config, &record, &Entitlement::all())
        }
    }

    fn restore(
        config: ServerConfig,
        record: &SessionRecord,
        entitlement: &Entitlement,
    ) -> Result<Rig, RestoreError> {
        ServerSession::restore(Arc::new(config), ada(), tenant(), record, entitlement)
            .map(|session| Rig { session, out: Outbox::default() })
    }

    fn refused(outcome: Result<Rig, RestoreError>) -> RestoreError {
        match outcome {
            Ok(_) => panic!("the session came back"),
            Err(error) => error,
        }
    }

    #[test]
    fn a_restored_session_behaves_as_the_original() {
        let config = with_policy(declaring(&[A, B]));
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            for steps in 0..5 {
                let mut original = Rig::established(config.clone(), version, &[B, A]);
                let history: [&dyn Fn(&mut Rig); 4] = [
                    &|rig| drop(rig.notify("notifications/initialized")),
                    &|rig| drop(rig.request("logging/setLevel", &json!({"level": "error"}))),
                    &|rig| drop(rig.request("resources/subscribe", &json!({"uri": "v://1"}))),
                    &|rig| drop(rig.request("resources/subscribe", &json!({"uri": "v://2"}))),
                ];
                history.iter().take(steps).for_each(|step| step(&mut original));
                let mut restored = original.restored(config.clone()).unwrap();
                for rig in [&mut original, &mut restored] {
                    rig.session.changed(Change::Tools, &mut rig.out);
                    rig.session.changed(Change::Resource("v://1"), &mut rig.out);
                    rig.session.changed(Change::Resource("v://3"), &mut rig.out);
                }
                assert_eq!(original.sent(), restored.sent(), "{version}, {steps}");
                for (method, params) in [
                    ("ping", json!({})),
                    ("tools/call", json!({"name": "x", "arguments": {"n": 1}})),
                    ("tools/list", json!({})),
                    ("initialize", json!({})),
                    ("resources/unsubscribe", json!({"uri": "v://1"})),
                    ("logging/setLevel", json!({"level": "debug"})),
                    ("tools/call", json!({"name": 7})),
                    ("nothing/known", json!({})),
                ] {
                    let same = original.request(method, &params);
                    assert_eq!(same, restored.request(method, &params), "{version}, {method}");
                    assert_eq!(same.len(), 1);
                }
                assert_eq!(original.session.record(), restored.session.record());
                assert_eq!(original.session.may_ask_client(), restored.session.may_ask_client());
            }
        }
    }

    #[test]
    fn only_an_established_session_is_recorded() {
        let mut rig = Rig::new(config());
        assert_eq!(rig.session.record(), None);
        assert_eq!(rig.session.changes(), 0);
        rig.session.close();
        assert_eq!(rig.session.record(), None);
        let asks = ServerConfig { asks_entitlement: true, ..with_policy(declaring(&[A])) };
        let mut rig = Rig::established(with_policy(declaring(&[A])), "2025-11-25", &[]);
        rig.session.close();
        assert_eq!(rig.session.record(), None);
        let mut session = ServerSession::new(Arc::new(asks), ada(), tenant());
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"}}});
        let (text, mut out) = (text.to_string(), Outbox::default());
        for message in session.read(text.as_bytes(), &mut out) {
            session.handle(message, &mut out);
        }
        assert_eq!(session.record(), None);
    }

    #[test]
    fn changes_are_counted_when_the_record_changes() {
        let mut rig = Rig::established(config(), "2025-11-25", &[]);
        let mut seen = (rig.session.changes(), rig.session.record());
        for (method, params, changes) in [
            ("notifications/initialized", json!({}), true),
            ("notifications/initialized", json!({}), false),
            ("tools/list", json!({}), false),
            ("logging/setLevel", json!({"level": "error"}), true),
            ("logging/setLevel", json!({"level": "error"}), false),
            ("logging/setLevel", json!({"level": "loud"}), false),
            ("resources/subscribe", json!({"uri": "v://1"}), true),
            ("resources/subscribe", json!({"uri": "v://1"}), false),
            ("resources/unsubscribe", json!({"uri": "v://2"}), false),
            ("resources/unsubscribe", json!({"uri": "v://1"}), true),
        ] {
            match method.starts_with("notifications/") {
                true => drop(rig.notify(method)),
                false => drop(rig.request(method, &params)),
            }
            let now = (rig.session.changes(), rig.session.record());
            assert_eq!((now.0 != seen.0, now.1 != seen.1), (changes, changes), "{method}");
            seen = now;
        }
    }

    #[test]
    fn a_session_is_nobody_elses() {
        let record = Rig::established(config(), "2025-11-25", &[]).session.record().unwrap();
        let elsewhere = Tenant::new("chips.example");
        for (principal, tenant) in [
            (Principal::new("eve"), tenant()),
            (Principal::new("local"), tenant()),
            (Principal::local(), tenant()),
            (ada(), elsewhere),
            (ada(), Tenant::default()),
        ] {
            let config = Arc::new(config());
            let all = Entitlement::all();
            let outcome = ServerSession::restore(config, principal, tenant, &record, &all);
            assert!(matches!(outcome, Err(RestoreError::NotTheirs)));
        }
        // What is known about a caller may change; who it is may not.
        assert!(record.belongs_to(&ada().with("plan", "paid"), &tenant()));
    }

    #[test]
    fn a_version_that_is_not_served_does_not_come_back() {
        let rig = Rig::established(config(), "2025-06-18", &[]);
        let narrow = ServerConfig { versions: vec![ProtocolVersion::V2025_11_25], ..config() };
        let error = refused(rig.restored(narrow));
        let said = "the session uses protocol version 2025-06-18, which this server does not serve";
        assert_eq!(error.to_string(), said);
        for version in ["2026-07-28", "2031-01-01", ""] {
            let mut text = serde_json::to_value(rig.session.record()).unwrap();
            text["protocolVersion"] = json!(version);
            let record = serde_json::from_value(text).unwrap();
            let error = refused(restore(config(), &record, &Entitlement::all()));
            assert!(matches!(error, RestoreError::Version(_)), "{error}");
        }
    }

    #[test]
    fn profiles_come_back_as_they_were_or_not_at_all() {
        let rig = Rig::established(with_policy(declaring(&[A, B])), "2025-11-25", &[A, B]);
        let same = rig.restored(with_policy(declaring(&[B, A]))).unwrap();
        let (was, is) = (rig.session.negotiated().unwrap(), same.session.negotiated().unwrap());
        assert!(was.profiles().same_set(is.profiles()));
        let policies = [
            declaring(&[A]),
            declaring(&[A, B]).exclusive([A, B]),
            declaring(&[A, B]).checked(B),
            declaring(&[A, B, "https://h/c"]).compulsory("https://h/c"),
        ];
        for policy in policies {
            let error = refused(rig.restored(with_policy(policy)));
            assert!(matches!(error, RestoreError::Profiles(_)), "{error}");
        }
        assert!(matches!(refused(rig.restored(config())), RestoreError::Profiles(_)));
        let newer = json!([{"profileURL": A}, {"profileURL": B, "minMcpVersion": "2026-07-28"}]);
        let newer = Declaration::parse(newer.to_string().as_bytes()).unwrap();
        let error = refused(rig.restored(with_policy(ProfilePolicy::builder(newer))));
        assert!(matches!(error, RestoreError::Profiles(_)), "{error}");
    }

    #[test]
    fn a_session_without_profiles_gets_none_by_moving() {
        let rig = Rig::established(config(), "2025-11-25", &[]);
        let restored = rig.restored(with_policy(declaring(&[A]).default_profile(A))).unwrap();
        assert!(restored.session.negotiated().unwrap().profiles().is_empty());
        let error = refused(rig.restored(with_policy(declaring(&[A]).compulsory(A))));
        assert!(matches!(error, RestoreError::Profiles(_)), "{error}");
    }

    #[test]
    fn the_entitlement_of_now_counts() {
        let config = with_policy(declaring(&[A, B]));
        let record = Rig::established(config.clone(), "2025-11-25", &[A]).session.record().unwrap();
        let asks = ServerConfig { asks_entitlement: true, ..config.clone() };
        assert!(restore(asks.clone(), &record, &Entitlement::only([A])).is_ok());
        for entitlement in [Entitlement::only([B]), Entitlement::none()] {
            let error = refused(restore(asks.clone(), &record, &entitlement));
            assert!(matches!(error, RestoreError::Profiles(_)), "{error}");
        }
        assert!(restore(config, &record, &Entitlement::none()).is_ok());
    }

    #[test]
    fn what_another_process_changed_is_caught_up_with() {
        let mut here = Rig::established(config(), "2025-11-25", &[]);
        let mut there = here.restored(config()).unwrap();
        there.notify("notifications/initialized");
        there.request("logging/setLevel", &json!({"level": "error"}));
        there.request("resources/subscribe", &json!({"uri": "v://1"}));
        let record = there.session.record().unwrap();
        here.session.catch_up(&record, &mut here.out);
        assert_eq!(here.session.record().unwrap(), record);
        assert_eq!(here.session.changes(), 0);
        here.session.changed(Change::Resource("v://1"), &mut here.out);
        assert_eq!(here.sent().len(), 1);
        there.request("resources/unsubscribe", &json!({"uri": "v://1"}));
        here.session.catch_up(&there.session.record().unwrap(), &mut here.out);
        here.session.changed(Change::Resource("v://1"), &mut here.out);
        assert!(here.sent().is_empty());
    }

    #[test]
    fn records_of_another_session_or_format_are_not_taken() {
        let mut here = Rig::established(config(), "2025-11-25", &[]);
        let mut text = serde_json::to_value(here.session.record()).unwrap();
        text["owner"] = json!({"id": "eve"});
        text["logLevel"] = json!("emergency");
        let before = here.session.record();
        let other: SessionRecord = serde_json::from_value(text.clone()).unwrap();
        here.session.catch_up(&other, &mut here.out);
        assert_eq!(here.session.record(), before);
        text["format"] = json!(2);
        let error = serde_json::from_value::<SessionRecord>(text).unwrap_err().to_string();
        assert_eq!(
            error,
            "a session record of format 2: this version of the library reads format 1"
        );
    }
}
