//! What happens at the MCP endpoint of one tenant, once it is known who calls.

use std::fmt;
use std::io;
use std::iter::Map;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{RETRY_AFTER, ValueIter};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use mcp_core::http::header::{
    LAST_EVENT_ID, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, MCP_SESSION_ID, name_member,
};
use mcp_core::http::mirror::Mirrored;
use mcp_core::http::{Posted, version_in_body};
use mcp_core::jsonrpc::{ErrorCode, ErrorObject, Request, shown};
use mcp_core::profile::Entitlement;
use mcp_core::session::Decoded;
use mcp_core::session::server::{RestoreError, ServerMemory};
use mcp_core::version::Era;
use mcp_core::wire::Method;
use mcp_core::{Principal, Tenant};

use super::HttpBody;
use super::answer;
use super::exchange::{exchange, locked};
use super::session::{Kept, Session, entitled, gone, log_failure};
use super::sessions::Sessions;
use super::settings::Settings;
use super::store::{EventId, SessionId, SessionStore};
use crate::Server;
use crate::server::Engine;

/// The MCP endpoint of one tenant.
pub(crate) struct Endpoint {
    server: Server,
    tenant: Tenant,
    settings: Arc<Settings>,
    sessions: Arc<Sessions>,
    /// What the latest exchange has learnt of no caller in particular.
    memory: Mutex<Option<ServerMemory>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(crate) fn new(server: Server, tenant: Tenant, settings: Arc<Settings>) -> Self {
        let (sessions, memory) = Default::default();
        Self { server, tenant, settings, sessions, memory }
    }

    /// Whose endpoint it is.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether there can be sessions: only the legacy era has them.
    pub(crate) fn has_sessions(&self) -> bool {
        let mut versions = self.server.0.config.versions.iter();
        versions.any(|version| version.era() == Some(Era::Legacy))
    }

    /// Answers a POST whose body has been read.
    pub(crate) async fn post(
        self: &Arc<Self>,
        head: &Parts,
        body: Bytes,
        caller: Principal,
    ) -> Response<HttpBody> {
        let decoded = Decoded::new(&body, &self.server.0.config.limits);
        let version = match single(head, &VERSION) {
            Ok(version) => version,
            Err(error) => return answer::error(StatusCode::BAD_REQUEST, None, &error),
        };
        match Posted::of(&decoded, version) {
            Posted::Modern(request) => {
                if let Err(error) = self.agree(head, request) {
                    return answer::error(StatusCode::BAD_REQUEST, Some(&request.id), &error);
                }
                let server = Arc::clone(&self.server.0);
                let memory = locked(&self.memory).take();
                let memory =
                    memory.unwrap_or_else(|| ServerMemory::new(Arc::clone(&server.config)));
                let mut engine = Engine::with_memory(server, memory, caller, self.tenant.clone());
                engine.header_mismatch = self.misquoted(head, request);
                exchange(engine, decoded, &self.settings, &self.memory).await
            }
            Posted::ModernNotification => answer::empty(StatusCode::ACCEPTED),
            Posted::Refused(error) => {
                let id = decoded.invalid().and_then(|invalid| invalid.id.as_ref());
                answer::error(StatusCode::BAD_REQUEST, id, &error)
            }
            Posted::Initialize if session_id(head).is_none() => {
                self.initialize(decoded, caller).await
            }
            Posted::Initialize | Posted::Session => match self.session(head, &caller).await {
                Ok(session) => {
                    let response = session.post(decoded).await;
                    if let Err(error) = self.keep(&session).await {
                        // What was done is answered; the next request tries to save it again.
                        log_failure(&error);
                    }
                    response
                }
                Err(refusal) => refusal,
            },
        }
    }

    /// Answers a GET: a stream of a session.
    pub(crate) async fn get(
        self: &Arc<Self>,
        head: &Parts,
        caller: Principal,
    ) -> Response<HttpBody> {
        let session = match self.session(head, &caller).await {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        match head.headers.get(LAST_EVENT_ID) {
            None => session.listen(),
            Some(id) => match EventId::parse(id.as_bytes()) {
                Some(id) => session.resume(id).await,
                None => refused(&ErrorObject::invalid_request(
                    "`Last-Event-ID` is none of this server's events",
                )),
            },
        }
    }

    /// Answers a DELETE: the end of a session.
    pub(crate) async fn delete(
        self: &Arc<Self>,
        head: &Parts,
        caller: Principal,
    ) -> Response<HttpBody> {
        match self.session(head, &caller).await {
            Ok(session) => {
                if let Some(store) = &self.settings.session_store
                    && let Err(error) = store.remove(session.id()).await
                {
                    return store_fails(&error);
                }
                self.sessions.end(session.id());
                session.forget_events();
                answer::empty(StatusCode::NO_CONTENT)
            }
            Err(refusal) => refusal,
        }
    }

    /// Ends all sessions, in this process.
    pub(crate) fn stop(&self) {
        self.sessions.end_all();
    }

    /// Begins a session; one that is not agreed on leaves nothing behind.
    async fn initialize(&self, decoded: Decoded<'_>, caller: Principal) -> Response<HttpBody> {
        if !self.sessions.has_room(&self.settings) {
            return too_many();
        }
        let server = Arc::clone(&self.server.0);
        let engine = Engine::new(server, caller.clone(), self.tenant.clone());
        let settings = Arc::clone(&self.settings);
        let session = Arc::new(Session::new(SessionId::random(), caller, engine, settings));
        let mut beginning = Beginning(Some(Arc::clone(&session)));
        let mut response = session.initialize(decoded).await;
        if !session.is_established() {
            if !self.has_sessions() {
                // 2026-07-28, basic/versioning, "Compatibility Matrix".
                *response.status_mut() = StatusCode::BAD_REQUEST;
            }
            return response;
        }
        let id = *session.id();
        // The client may ask another process next.
        if let Err(error) = self.keep(&session).await {
            return store_fails(&error);
        }
        if self.sessions.insert(session, &self.settings).is_err() {
            return too_many();
        }
        beginning.0 = None;
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(MCP_SESSION_ID, id);
        }
        response
    }

    /// The session that a request names, if it is the caller's and goes on.
    async fn session(
        &self,
        head: &Parts,
        caller: &Principal,
    ) -> Result<Arc<Session>, Response<HttpBody>> {
        let version = single(head, &VERSION).map_err(|error| refused(&error))?;
        if let Some(version) = version.filter(|version| !self.serves(version)) {
            return Err(refused(&ErrorObject::invalid_request(format!(
                "`MCP-Protocol-Version: {}` is not served here",
                shown(version)
            ))));
        }
        let mut ids = head.headers.get_all(MCP_SESSION_ID).iter();
        if ids.any(|id| Some(id) != session_id(head)) {
            let error = ErrorObject::invalid_request("`Mcp-Session-Id` is there more than once");
            return Err(refused(&error));
        }
        let id = session_id(head).ok_or_else(|| {
            refused(&ErrorObject::invalid_request(
                "`Mcp-Session-Id` is missing: send `initialize` first, then the id that it was \
                 answered with",
            ))
        })?;
        let id = SessionId::parse(id.as_bytes()).ok_or_else(gone)?;
        let known = self.sessions.find(&id, caller);
        let session = match &self.settings.session_store {
            None => known.ok_or_else(gone)?,
            Some(store) => self.shared(&**store, id, known, caller).await?,
        };
        if !session.is_still_entitled(caller).await {
            // It never shrinks: the client has to agree anew, whichever process it asks.
            self.sessions.end(&id);
            session.remove().await;
            return Err(gone());
        }
        Ok(session)
    }

    /// The session as it is now, whichever process has changed it last.
    async fn shared(
        &self,
        store: &dyn SessionStore,
        id: SessionId,
        known: Option<Arc<Session>>,
        caller: &Principal,
    ) -> Result<Arc<Session>, Response<HttpBody>> {
        if let Some(session) = known {
            return match session.refresh(store).await {
                Ok(true) => Ok(session),
                Ok(false) => {
                    self.sessions.end(&id);
                    session.forget_events();
                    Err(gone())
                }
                Err(error) => Err(store_fails(&error)),
            };
        }
        let stored = store.load(&id).await.map_err(|error| store_fails(&error))?;
        // Nobody else keeps it alive either.
        let stored = stored
            .filter(|stored| stored.record.belongs_to(caller, &self.tenant))
            .ok_or_else(gone)?;
        let touched = store.touch(&id, self.settings.session_idle).await;
        touched.map_err(|error| store_fails(&error))?.ok_or_else(gone)?;
        let server = Arc::clone(&self.server.0);
        let mut engine = Engine::new(server, caller.clone(), self.tenant.clone());
        let entitlement = match engine.entitlement_of(caller) {
            Some(resolving) => entitled(resolving).await,
            None => Entitlement::all(),
        };
        if let Err(error) = engine.restore(&stored.record, &entitlement) {
            tracing::debug!(target: "mcp::server", %error, "a session is not taken up");
            if matches!(error, RestoreError::Profiles(_))
                && let Err(error) = store.remove(&id).await
            {
                log_failure(&error);
            }
            return Err(gone());
        }
        let settings = Arc::clone(&self.settings);
        let session = Arc::new(Session::new(id, caller.clone(), engine, settings));
        session.catch_up(&stored);
        match self.sessions.insert(Arc::clone(&session), &self.settings) {
            Ok(()) => Ok(session),
            Err(_) => self.sessions.find(&id, caller).ok_or_else(too_many),
        }
    }

    /// Tells the other processes how the session is now.
    async fn keep(&self, session: &Session) -> io::Result<()> {
        let Some(store) = &self.settings.session_store else { return Ok(()) };
        let Some((record, changes)) = session.unkept() else { return Ok(()) };
        let revision = store.save(session.id(), &record, self.settings.session_idle).await?;
        session.keep(Kept { revision, changes });
        Ok(())
    }

    /// Whether the headers that every request has say what the body says.
    fn agree(&self, head: &Parts, request: &Request<'_>) -> Result<(), ErrorObject> {
        let version = version_in_body(request)?;
        let params = request.params.as_ref();
        let member = |name| params.and_then(|params| params.string(name).ok().flatten());
        let name = name_member(&request.method).and_then(member);
        let (method, name) = (&*request.method, name.as_deref());
        Ok(Mirrored { protocol_version: &version, method, name }.check(values(head))?)
    }

    /// What is wrong with the headers that repeat arguments of a tool, if the tool exists for the
    /// caller, which is not known yet.
    fn misquoted(&self, head: &Parts, request: &Request<'_>) -> Option<Box<ErrorObject>> {
        if request.method != Method::ToolsCall.as_str() {
            return None;
        }
        let params = request.params.as_ref()?;
        let name = params.string("name").ok().flatten()?;
        let catalogue = self.server.0.catalogue();
        let tool = catalogue.tools.get(&name)?;
        let arguments = params.raw("arguments");
        let mut checks = tool.mirrored.iter().map(|param| param.check(arguments, values(head)));
        let mismatch = checks.find_map(Result::err)?;
        Some(Box::new(mismatch.into()))
    }

    fn serves(&self, version: &str) -> bool {
        self.server.0.config.versions.iter().any(|served| served.as_str() == version)
    }
}

/// A session that ends unless it is taken in; its client may go before that.
struct Beginning(Option<Arc<Session>>);

impl Drop for Beginning {
    fn drop(&mut self) {
        if let Some(session) = &self.0 {
            session.end();
        }
    }
}

fn session_id(head: &Parts) -> Option<&HeaderValue> {
    head.headers.get(MCP_SESSION_ID)
}

fn refused(error: &ErrorObject) -> Response<HttpBody> {
    answer::error(StatusCode::BAD_REQUEST, None, error)
}

fn store_fails(error: &io::Error) -> Response<HttpBody> {
    log_failure(error);
    let error = ErrorObject::internal("sessions cannot be looked up now: try again later");
    let mut response = answer::error(StatusCode::SERVICE_UNAVAILABLE, None, &error);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn too_many() -> Response<HttpBody> {
    let error = ErrorObject::internal("too many sessions are open: try again later");
    let mut response = answer::error(StatusCode::SERVICE_UNAVAILABLE, None, &error);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
    response
}

/// The values of a header.
fn values<'h>(head: &'h Parts) -> impl Fn(&str) -> Values<'h> {
    |name| {
        let values = match name {
            // Names that every request has need not be read as such each time.
            MCP_PROTOCOL_VERSION => head.headers.get_all(&VERSION),
            MCP_METHOD => head.headers.get_all(&METHOD),
            MCP_NAME => head.headers.get_all(&NAME),
            name => head.headers.get_all(name),
        };
        values.into_iter().map(HeaderValue::as_bytes)
    }
}

const VERSION: HeaderName = HeaderName::from_static(MCP_PROTOCOL_VERSION);
const METHOD: HeaderName = HeaderName::from_static(MCP_METHOD);
const NAME: HeaderName = HeaderName::from_static(MCP_NAME);

type Values<'h> = Map<ValueIter<'h, HeaderValue>, fn(&'h HeaderValue) -> &'h [u8]>;

fn mismatch(problem: String) -> ErrorObject {
    ErrorObject::new(ErrorCode::HEADER_MISMATCH, problem)
}

/// The value of a header that may be there once.
fn single<'h>(head: &'h Parts, name: &HeaderName) -> Result<Option<&'h str>, ErrorObject> {
    let mut values = head.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(mismatch(format!("`{name}` is there more than once")));
    }
    let text = value.to_str().map(str::trim);
    text.map(Some).map_err(|_| mismatch(format!("`{name}` holds characters that it may not")))
}
