//! What the server says without being asked for it: progress, log messages, notifications.

use serde::Serialize;

use super::{CallRow, ServerSession, ServerState};
use crate::jsonrpc;
use crate::outbox::{Outbox, Route};
use crate::pending::CallId;
use crate::types::{LoggingLevel, ProgressNotificationParams};

impl ServerSession {
    /// Reports progress of a call to a caller who asked for it.
    ///
    /// Nothing is sent when the value does not grow (2026-07-28, basic/patterns/progress: it MUST
    /// increase), is not finite, or the call is over. Says whether something was sent.
    pub fn progress(
        &mut self,
        call: CallId,
        progress: f64,
        total: Option<f64>,
        message: Option<String>,
        out: &mut Outbox,
    ) -> bool {
        let Some((_, row)) = self.calls.get_mut(call) else { return false };
        let Some(token) = &row.progress else { return false };
        if !progress.is_finite() || progress <= row.last_progress {
            return false;
        }
        row.last_progress = progress;
        let mut params = ProgressNotificationParams::new(token.clone(), progress);
        params.total = total.filter(|total| total.is_finite());
        params.message = message;
        notification(Route::Frame(row.origin.frame), "notifications/progress", &params, out)
    }

    /// Sends a log message about a call to a caller who wants messages of this level.
    ///
    /// A modern caller says so in the request (2026-07-28, server/utilities/logging), a legacy one
    /// with `logging/setLevel`; until then it is told from
    /// [`ServerConfig::log_level`](super::ServerConfig::log_level) on. Nothing is sent when the
    /// call is over or the server does not declare `logging`. Says whether something was sent.
    pub fn log<D: Serialize + ?Sized>(
        &mut self,
        call: CallId,
        level: LoggingLevel,
        logger: Option<&str>,
        data: &D,
        out: &mut Outbox,
    ) -> bool {
        #[derive(Serialize)]
        struct Params<'a, D: ?Sized> {
            level: LoggingLevel,
            #[serde(skip_serializing_if = "Option::is_none")]
            logger: Option<&'a str>,
            data: &'a D,
        }
        let Some((_, row)) = self.calls.get_mut(call) else { return false };
        let modern = row.own_meta.is_some().then_some(row.log_level);
        let route = Route::Frame(row.origin.frame);
        let wanted = modern.unwrap_or_else(|| self.session_log_level());
        if wanted.is_none_or(|wanted| level < wanted) {
            return false;
        }
        let params = Params { level, logger, data };
        notification(route, "notifications/message", &params, out)
    }

    /// Sends a notification about a call that is being handled; none when it is over.
    ///
    /// For methods of extensions, and for `notifications/elicitation/complete` (2025-11-25). Says
    /// whether something was sent.
    pub fn notify<P: Serialize + ?Sized>(
        &mut self,
        call: CallId,
        method: &str,
        params: &P,
        out: &mut Outbox,
    ) -> bool {
        let Some((_, row)) = self.calls.get_mut(call) else { return false };
        notification(Route::Frame(row.origin.frame), method, params, out)
    }

    /// From which level on the caller of a request wants log messages.
    pub(super) fn log_level(&self, row: &CallRow) -> Option<LoggingLevel> {
        match row.own_meta {
            Some(_) => row.log_level.filter(|_| self.config.capabilities.logging.is_some()),
            None => self.session_log_level(),
        }
    }

    fn session_log_level(&self) -> Option<LoggingLevel> {
        let ServerState::Established(session) = &self.state else { return None };
        self.config.capabilities.logging.is_some().then_some(session.log_level)
    }
}

/// Writes a notification; says whether it could be written.
pub(super) fn notification<P: Serialize + ?Sized>(
    route: Route,
    method: &str,
    params: &P,
    out: &mut Outbox,
) -> bool {
    out.message(route, |out| jsonrpc::write_notification(out, method, Some(params))).is_ok()
}
