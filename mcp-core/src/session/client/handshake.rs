//! The states before agreement.

use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::established::{Agreed, Established};
use super::{ClientConfig, ClientSession, HttpAnswer, Input};
use crate::error::Error;
use crate::jsonrpc::{
    self, ErrorCode, ErrorObject, InvalidMessage, Message, RequestId, Response, shown,
};
use crate::negotiate::{ServerFacts, newest_common};
use crate::outbox::{Outbox, Route};
use crate::pending::TimeoutKind;
use crate::profile::{
    self, Answer, Confirmed, NegotiatedProfiles, Offer, Rejection, RejectionKind, RequestedProfiles,
};
use crate::session::frame::{self, Text};
use crate::types::{
    CacheHints, CacheScope, DiscoverResult, Implementation, InitializeRequestParams,
    InitializeResult, Meta,
};
use crate::version::{Era, ProtocolVersion};
use crate::wire::modern::OwnMeta;
use crate::wire::{Members, Method, modern};

/// `server/discover` is on its way, or the connection has to be made anew.
#[derive(Debug)]
pub struct Start {
    config: Arc<ClientConfig>,
    next_id: i64,
    probe: Option<Probe>,
    /// An answer has shown already that the server is a modern one.
    modern: bool,
    pub(super) noise: Option<InvalidMessage>,
}

#[derive(Debug)]
struct Probe {
    id: i64,
    asked: Asked,
    deadline: Option<Instant>,
}

/// What an answer to `server/discover` was given for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    version: ProtocolVersion,
    profiles: RequestedProfiles,
}

/// The server answered the probe; what to do with it is not decided.
#[derive(Debug)]
pub struct Discovered {
    config: Arc<ClientConfig>,
    next_id: i64,
    asked: Asked,
    result: DiscoverResult,
}

/// `initialize` is on its way.
#[derive(Debug)]
pub struct Initializing {
    config: Arc<ClientConfig>,
    id: i64,
    /// The probe that this connection saw before, and its answer if that came late.
    probe: Option<(i64, Asked)>,
    /// Whether that probe has got no answer yet.
    unanswered: bool,
    late: Option<DiscoverResult>,
    pub(super) noise: Option<InvalidMessage>,
}

/// The first id of a connection.
const FIRST_ID: i64 = 1;

impl Start {
    pub(super) fn begin(
        config: Arc<ClientConfig>,
        now: Instant,
        out: &mut Outbox,
    ) -> ClientSession {
        match config.newest(Era::Modern).cloned() {
            Some(version) => {
                let profiles = config.policy.requested().clone();
                Self::probe(config, FIRST_ID, Asked { version, profiles }, false, now, out)
            }
            None => Initializing::send(config, FIRST_ID, None, out),
        }
    }

    /// Whether the connection must be made anew: give [`Input::Connected`] when it is.
    ///
    /// A server process that exited on the probe is started again and initialized without one. Over
    /// HTTP, a server that refused `initialize` may be one of the older transport, HTTP+SSE: its
    /// event stream is to be opened.
    pub fn awaits_connection(&self) -> bool {
        self.probe.is_none()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.probe.as_ref().and_then(|probe| probe.deadline)
    }

    fn probe(
        config: Arc<ClientConfig>,
        id: i64,
        asked: Asked,
        modern: bool,
        now: Instant,
        out: &mut Outbox,
    ) -> ClientSession {
        let meta = modern_meta(&config, &asked.version, &asked.profiles);
        out.message(Route::Connection, |out| {
            jsonrpc::open_request(out, &id.into(), Method::ServerDiscover.as_str());
            modern::open_params(out, &meta, &OwnMeta::default()).close();
            jsonrpc::close(out);
        });
        let deadline = now.checked_add(config.probe_timeout);
        let probe = Some(Probe { id, asked, deadline });
        ClientSession::Start(Self { config, next_id: id + 1, probe, modern, noise: None })
    }

    pub(super) fn handle(
        mut self,
        now: Instant,
        input: Input<'_>,
        out: &mut Outbox,
    ) -> ClientSession {
        let Some(probe) = &self.probe else {
            return match input {
                Input::Connected => Initializing::send(self.config, FIRST_ID, None, out),
                Input::EndOfInput | Input::Deadline | Input::Frame(_) | Input::HttpAnswer(_) => {
                    ClientSession::Start(self)
                }
            };
        };
        match input {
            Input::Frame(bytes) => match read(bytes, &self.config, out) {
                Ok(Some(response)) if response.is_for(probe.id) => {
                    self.answered(now, response, out)
                }
                Ok(_) => ClientSession::Start(self),
                Err(noise) => {
                    self.noise = Some(noise);
                    ClientSession::Start(self)
                }
            },
            Input::Deadline if probe.deadline.is_some_and(|deadline| deadline <= now) => {
                self.fall_back(true, out, || TimeoutKind::Handshake.into())
            }
            Input::EndOfInput if self.config.newest(Era::Legacy).is_some() && !self.modern => {
                self.probe = None;
                ClientSession::Start(self)
            }
            Input::EndOfInput => ended().into(),
            Input::HttpAnswer(answer) if answer.id == probe.id => self.refused(now, &answer, out),
            Input::Deadline | Input::Connected | Input::HttpAnswer(_) => ClientSession::Start(self),
        }
    }

    /// HTTP itself answered the probe (2026-07-28, basic/transports/streamable-http, "Backward
    /// Compatibility").
    fn refused(self, now: Instant, answer: &HttpAnswer<'_>, out: &mut Outbox) -> ClientSession {
        let error = answer.error(&self.config.limits);
        match error {
            Some(error) if self.is_of_a_modern_server(&error) => {
                self.answered(now, Response { id: None, outcome: Err(error) }, out)
            }
            error if answer.may_be_of_a_legacy_server() => {
                self.fall_back(false, out, || error.map_or_else(|| answer.no_server(), Error::Peer))
            }
            _ => answer.refused().into(),
        }
    }

    fn is_of_a_modern_server(&self, error: &ErrorObject) -> bool {
        error.code.is_modern()
            || error.code == ErrorCode::PROFILES_NOT_AGREED && self.config.policy.is_aware()
    }

    fn answered(self, now: Instant, response: Response<'_>, out: &mut Outbox) -> ClientSession {
        let error = match response.outcome {
            Ok(result) => match discover_result(result) {
                Ok(result) => {
                    let Self { config, next_id, probe, .. } = self;
                    let asked = probe.expect("an answer belongs to a probe").asked;
                    let discovered = Discovered { config, next_id, asked, result };
                    return ClientSession::Discovered(Box::new(discovered));
                }
                Err(problem) => {
                    return self.fall_back(false, out, || Error::PeerMisbehaved(problem));
                }
            },
            Err(error) => error,
        };
        match error.code {
            ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => self.other_version(now, &error, out),
            ErrorCode::PROFILES_NOT_AGREED if self.config.policy.is_aware() => {
                refused(&self.config, &error, None, "server/discover").into()
            }
            code if code.is_modern() => Error::Peer(error).into(),
            _ => self.fall_back(false, out, || Error::Peer(error)),
        }
    }

    /// The server speaks other versions: the newest that we speak too, or none.
    ///
    /// One that lists the very version that it refused is asked once more, and then believed.
    fn other_version(self, now: Instant, error: &ErrorObject, out: &mut Outbox) -> ClientSession {
        let supported = supported_versions(error);
        let Self { config, next_id, probe, modern: again, .. } = self;
        let tried = probe.map(|probe| probe.asked.version);
        if let Some(version) = newest_common(Era::Modern, &config.versions, &supported)
            && config.newest(Era::Modern).is_some()
            && tried.is_none_or(|tried| {
                version.as_str() < tried.as_str() || (version == tried && !again)
            })
        {
            let profiles = config.policy.requested().clone();
            return Self::probe(config, next_id, Asked { version, profiles }, true, now, out);
        }
        if config.newest(Era::Legacy).is_some()
            && newest_common(Era::Legacy, &config.versions, &supported).is_some()
        {
            return Initializing::send(config, next_id, None, out);
        }
        no_common_version(&config, &supported).into()
    }

    /// The server is no modern one: `initialize`, where that may be tried.
    fn fall_back(
        self,
        unanswered: bool,
        out: &mut Outbox,
        error: impl FnOnce() -> Error,
    ) -> ClientSession {
        if self.config.newest(Era::Legacy).is_none() || self.modern {
            return error().into();
        }
        let probe = self.probe.map(|probe| (probe.id, probe.asked));
        let mut session = Initializing::send(self.config, self.next_id, probe, out);
        if let ClientSession::Initializing(initializing) = &mut session {
            initializing.unanswered = unanswered;
        }
        session
    }
}

impl Discovered {
    /// What the server said of itself.
    pub fn result(&self) -> &DiscoverResult {
        &self.result
    }

    /// Decides: establish a modern session, initialize a legacy one, or end without agreement.
    #[must_use]
    pub fn choose(self, now: Instant, out: &mut Outbox) -> ClientSession {
        let Self { config, next_id, asked, result } = self;
        let supported = &result.supported_versions;
        let common = newest_common(Era::Modern, &config.versions, supported);
        let Some(version) = common.filter(|_| config.newest(Era::Modern).is_some()) else {
            let legacy = newest_common(Era::Legacy, &config.versions, supported);
            if legacy.is_some() && config.newest(Era::Legacy).is_some() {
                return Initializing::send(config, next_id, None, out);
            }
            return no_common_version(&config, supported).into();
        };
        if version.as_str() < asked.version.as_str() {
            // What would be in force was said for another version.
            let asked = Asked { version, ..asked };
            return Start::probe(config, next_id, asked, true, now, out);
        }
        let meta = result.meta.as_ref();
        let offer = match config.policy.is_aware() {
            true => {
                Offer::read(result.capabilities.extension(profile::EXTENSION).map(|s| s.as_raw()))
            }
            false => Offer::default(),
        };
        let answer = raw_meta(meta, profile::EXTENSION);
        let answer = match config.policy.is_aware() {
            true => Answer::from_meta(answer.as_deref()),
            false => Answer::default(),
        };
        let server_info = server_info(meta);
        let public = result.cache.is_some_and(|cache| cache.cache_scope == CacheScope::Public);
        let confirmed = if public && !answer.is_absent() {
            let kind = RejectionKind::PublicAnswer;
            Err(config.policy.rejection(kind, config.policy.requested(), &answer, &offer))
        } else {
            choose(&config, &asked, &answer, &offer)
        };
        let confirmed = match confirmed {
            Ok(confirmed) if confirmed.request.is_empty() && !asked.profiles.is_empty() => {
                // Nothing that is merely preferred can be had. What is in force for a client that
                // asks for nothing was not said yet.
                let asked = Asked { version, profiles: RequestedProfiles::default() };
                return Start::probe(config, next_id, asked, true, now, out);
            }
            Ok(confirmed) => confirmed,
            Err(rejection) => {
                return described(rejection, server_info.as_ref(), Some(version))
                    .with_sent("server/discover")
                    .into();
            }
        };
        let agreed = Agreed {
            version,
            era: Era::Modern,
            server: ServerFacts {
                server_info,
                capabilities: result.capabilities,
                instructions: result.instructions,
            },
            profiles: confirmed.profiles,
            offer,
            reasons: answer.reasons().to_vec(),
        };
        let encoded_meta = modern_meta(&config, &agreed.version, &confirmed.request);
        let established =
            Established::new(config, next_id, agreed, confirmed.request, encoded_meta);
        ClientSession::Established(Box::new(established))
    }
}

impl Initializing {
    pub(super) fn send(
        config: Arc<ClientConfig>,
        id: i64,
        probe: Option<(i64, Asked)>,
        out: &mut Outbox,
    ) -> ClientSession {
        let Some(version) = config.newest(Era::Legacy) else {
            return Error::Misuse("the client speaks no protocol version that may be tried".into())
                .into();
        };
        let requested = config.policy.requested();
        let mut params = InitializeRequestParams::new(
            version.as_str(),
            config.capabilities_with(&RequestedProfiles::default()),
            config.client_info.clone(),
        );
        if !requested.is_empty() {
            params.requested_profiles = serde_json::value::to_raw_value(requested).ok();
        }
        let written = out.message(Route::Connection, |out| {
            jsonrpc::write_request(out, &id.into(), Method::Initialize.as_str(), Some(&params))
        });
        written.expect("initialize parameters are an object of JSON");
        let initializing = Self { config, id, probe, unanswered: false, late: None, noise: None };
        ClientSession::Initializing(Box::new(initializing))
    }

    pub(super) fn handle(
        mut self: Box<Self>,
        now: Instant,
        input: Input<'_>,
        out: &mut Outbox,
    ) -> ClientSession {
        match input {
            Input::Frame(bytes) => match read(bytes, &self.config, out) {
                // An error without id belongs to the older request, as long as that one waits.
                Ok(Some(response)) if response.id.is_none() && self.unanswered => {
                    self.unanswered = false;
                    ClientSession::Initializing(self)
                }
                Ok(Some(response)) if response.is_for(self.id) => self.answered(now, response, out),
                Ok(Some(response)) => {
                    // A slow modern server: its answer counts if it refuses `initialize`.
                    if let Some((probe, _)) = &self.probe
                        && response.id == Some(RequestId::Integer(*probe))
                    {
                        self.unanswered = false;
                        self.late = response.outcome.ok().and_then(|r| discover_result(r).ok());
                    }
                    ClientSession::Initializing(self)
                }
                Ok(None) => ClientSession::Initializing(self),
                Err(noise) => {
                    self.noise = Some(noise);
                    ClientSession::Initializing(self)
                }
            },
            // It exited on the probe, only later than others.
            Input::EndOfInput if self.probe.is_some() => {
                let Self { config, .. } = *self;
                let start =
                    Start { config, next_id: FIRST_ID, probe: None, modern: false, noise: None };
                ClientSession::Start(start)
            }
            Input::EndOfInput => ended().into(),
            Input::HttpAnswer(answer) if answer.id == self.id => self.refused(now, &answer, out),
            Input::HttpAnswer(_) => {
                self.unanswered = false;
                ClientSession::Initializing(self)
            }
            Input::Deadline | Input::Connected => ClientSession::Initializing(self),
        }
    }

    /// HTTP itself answered `initialize`: there may be a server of HTTP+SSE (2025-11-25,
    /// basic/transports, "Backwards Compatibility").
    fn refused(
        self: Box<Self>,
        now: Instant,
        answer: &HttpAnswer<'_>,
        out: &mut Outbox,
    ) -> ClientSession {
        let error = answer.error(&self.config.limits);
        let speaks = error.as_ref().is_some_and(|error| {
            error.code.is_modern()
                || [ErrorCode::METHOD_NOT_FOUND, ErrorCode::PROFILES_NOT_AGREED]
                    .contains(&error.code)
        });
        match error {
            _ if answer.may_be_of_http_sse() && !speaks && self.late.is_none() => {
                let Self { config, .. } = *self;
                let start =
                    Start { config, next_id: FIRST_ID, probe: None, modern: false, noise: None };
                ClientSession::Start(start)
            }
            Some(error) => self.answered(now, Response { id: None, outcome: Err(error) }, out),
            None => answer.refused().into(),
        }
    }

    fn answered(
        self: Box<Self>,
        now: Instant,
        response: Response<'_>,
        out: &mut Outbox,
    ) -> ClientSession {
        let Self { config, id, probe, late, .. } = *self;
        let result = match response.outcome {
            Ok(result) => result,
            Err(error)
                if error.code == ErrorCode::PROFILES_NOT_AGREED && config.policy.is_aware() =>
            {
                let sent =
                    if probe.is_some() { "server/discover, initialize" } else { "initialize" };
                return refused(&config, &error, None, sent).into();
            }
            Err(error) => {
                if let (Some((_, asked)), Some(result)) = (probe, late) {
                    let discovered = Discovered { config, next_id: id + 1, asked, result };
                    return discovered.choose(now, out);
                }
                let supported = supported_versions(&error);
                return match supported.is_empty() {
                    true => Error::Peer(error).into(),
                    false => no_common_version(&config, &supported).into(),
                };
            }
        };
        let result: InitializeResult = match serde_json::from_str(result.get()) {
            Ok(result) => result,
            Err(problem) => {
                let problem = format!("the answer to `initialize` is malformed: {problem}");
                return Error::PeerMisbehaved(problem).into();
            }
        };
        let version = ProtocolVersion::from(result.protocol_version.as_str());
        if version.era() != Some(Era::Legacy) || !config.versions.contains(&version) {
            return no_common_version(&config, &[result.protocol_version]).into();
        }
        let requested = config.policy.requested();
        let offer = match config.policy.is_aware() {
            true => {
                Offer::read(result.capabilities.extension(profile::EXTENSION).map(|s| s.as_raw()))
            }
            false => Offer::default(),
        };
        let answer = Answer::from_initialize(result.profiles.as_deref(), result.profile.as_deref());
        let profiles = match config.policy.check_answer(requested, &answer, &offer) {
            Ok(profiles) => profiles,
            // Without a policy, what a server says of profiles binds nobody.
            Err(_) if !config.policy.is_aware() => NegotiatedProfiles::default(),
            Err(rejection) => {
                let sent =
                    if probe.is_some() { "server/discover, initialize" } else { "initialize" };
                return described(rejection, Some(&result.server_info), Some(version))
                    .with_sent(sent)
                    .into();
            }
        };
        let written = out.message(Route::Connection, |out| {
            jsonrpc::write_notification::<()>(out, "notifications/initialized", None)
        });
        written.expect("a notification without parameters is JSON");
        let agreed = Agreed {
            version,
            era: Era::Legacy,
            server: ServerFacts {
                server_info: Some(result.server_info),
                capabilities: result.capabilities,
                instructions: result.instructions,
            },
            profiles,
            reasons: offer.reasons().to_vec(),
            offer,
        };
        let requested = requested.clone();
        let established = Established::new(config, id + 1, agreed, requested, Box::default());
        ClientSession::Established(Box::new(established))
    }
}

impl Response<'_> {
    /// Whether this answers our one request in flight; an error without id does.
    fn is_for(&self, id: i64) -> bool {
        match &self.id {
            Some(given) => *given == RequestId::Integer(id),
            None => self.outcome.is_err(),
        }
    }
}

/// Members of every modern request's `_meta`, encoded.
///
/// Up to 2025-11-25 a client says whether it reports changes of its folders; now it does not.
fn modern_meta(
    config: &ClientConfig,
    version: &ProtocolVersion,
    requested: &RequestedProfiles,
) -> Box<[u8]> {
    let mut capabilities = config.capabilities_with(requested);
    if let Some(roots) = &mut capabilities.roots {
        roots.list_changed = None;
    }
    crate::wire::encode_members([
        (modern::PROTOCOL_VERSION, version as _),
        (modern::CLIENT_INFO, &config.client_info as _),
        (modern::CLIENT_CAPABILITIES, &capabilities as _),
    ])
}

/// Reads a frame during the handshake: a response is of interest, a ping is answered, everything
/// else is left alone.
fn read<'m>(
    bytes: &'m [u8],
    config: &ClientConfig,
    out: &mut Outbox,
) -> Result<Option<Response<'m>>, InvalidMessage> {
    match frame::decode(bytes, &config.limits)? {
        Text::Message(Message::Response(response), _) => Ok(Some(response)),
        Text::Message(Message::Request(request), _) if request.method == Method::Ping.as_str() => {
            out.message(Route::Connection, |out| jsonrpc::write_empty(out, &request.id));
            Ok(None)
        }
        Text::Message(..) | Text::Batch(_) => Ok(None),
    }
}

fn discover_result(result: &RawValue) -> Result<DiscoverResult, String> {
    let members = Members::read(Some(result)).map_err(|e| e.to_string())?;
    match members.string("resultType").map_err(|e| e.to_string())? {
        None => {}
        Some(kind) if kind == modern::COMPLETE => {}
        Some(kind) => return Err(format!("unknown `resultType` {:?}", shown(&kind))),
    }
    let read: Result<DiscoverResult, _> = serde_json::from_str(result.get());
    let mut read =
        read.map_err(|e| format!("the answer to `server/discover` is malformed: {e}"))?;
    read.cache = members.raw("cacheScope").and_then(|_| serde_json::from_str(result.get()).ok());
    if matches!(members.string("cacheScope"), Ok(Some(scope)) if scope == "public") {
        // Also where the hints beside it cannot be read.
        read.cache.get_or_insert_with(|| CacheHints::public(0));
    }
    Ok(read)
}

/// Who a modern server says it is; what cannot be read is for display only and left out.
fn server_info(meta: Option<&Meta>) -> Option<Implementation> {
    meta?.get(modern::SERVER_INFO).and_then(|info| Implementation::deserialize(info).ok())
}

/// Checks what a discovery says would be in force, given what it was asked for.
fn choose(
    config: &ClientConfig,
    asked: &Asked,
    answer: &Answer,
    offer: &Offer,
) -> Result<Confirmed, Rejection> {
    if !asked.profiles.is_empty() {
        return config.policy.choose_from_discovery(answer, offer);
    }
    let profiles = config.policy.check_answer(&asked.profiles, answer, offer)?;
    Ok(Confirmed { request: RequestedProfiles::default(), profiles })
}

fn raw_meta(meta: Option<&Meta>, key: &str) -> Option<Box<RawValue>> {
    meta.and_then(|meta| meta.get(key)).and_then(|v| serde_json::value::to_raw_value(v).ok())
}

/// The versions that an error lists, at most this many.
const LISTED: usize = 64;

fn supported_versions(error: &ErrorObject) -> Vec<String> {
    #[derive(Deserialize)]
    struct Data {
        supported: Vec<String>,
    }
    let data = error.data.as_ref().and_then(|data| serde_json::from_str::<Data>(data.get()).ok());
    let mut supported = data.map(|data| data.supported).unwrap_or_default();
    supported.truncate(LISTED);
    supported
}

fn no_common_version(config: &ClientConfig, theirs: &[String]) -> Error {
    let allowed =
        |version: &&ProtocolVersion| version.era().is_some_and(|era| config.newest(era).is_some());
    let ours: Vec<&str> =
        config.versions.iter().filter(allowed).map(ProtocolVersion::as_str).collect();
    let theirs: Vec<_> = theirs.iter().take(LISTED).map(|version| shown(version)).collect();
    Error::PeerIncompatible(format!(
        "no protocol version in common: the server speaks {}, this client {}",
        if theirs.is_empty() { "none that it names".to_owned() } else { theirs.join(", ") },
        ours.join(", "),
    ))
}

fn refused(
    config: &ClientConfig,
    error: &ErrorObject,
    version: Option<ProtocolVersion>,
    sent: &str,
) -> Rejection {
    let rejection = config.policy.refused(config.policy.requested(), error.data.as_deref());
    described(rejection, None, version).with_sent(sent)
}

pub(super) fn described(
    rejection: Rejection,
    server: Option<&Implementation>,
    version: Option<ProtocolVersion>,
) -> Rejection {
    let rejection = match server {
        Some(server) => rejection.with_server(&format!("{} {}", server.name, server.version)),
        None => rejection,
    };
    match version {
        Some(version) => rejection.with_version(version),
        None => rejection,
    }
}

fn ended() -> Error {
    Error::Closed("the server ended the connection before the handshake was over".to_owned())
}
