//! What concerns the session as a whole: log messages, folders, and whether anybody is there.

use mcp_core::Error;
use mcp_core::types::{LoggingLevel, SetLevelRequestParams};
use mcp_core::version::Era;

use super::Client;
use crate::call::Call;

impl Client {
    /// Asks the server whether it is there.
    ///
    /// # Errors
    ///
    /// In the modern era [`Error::Misuse`]: 2026-07-28 has no `ping`.
    pub fn ping(&self) -> Call<()> {
        self.legacy("ping", &(), "make any other call to see whether the server answers")
    }

    /// Asks a legacy server for log messages of this level and graver ones; they are among the
    /// [`notifications`](Self::notifications).
    ///
    /// # Errors
    ///
    /// In the modern era [`Error::Misuse`]: see [`Call::log_level`].
    pub fn set_logging_level(&self, level: LoggingLevel) -> Call<()> {
        let params = SetLevelRequestParams::new(level);
        self.legacy("logging/setLevel", &params, "use `log_level` of a call")
    }

    /// Tells a legacy server that the client works in other folders, so that it asks for them
    /// again.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] in the modern era, where a server asks whenever it wants to know;
    /// [`Error::Closed`] when the connection is over.
    pub fn notify_roots_changed(&self) -> Result<(), Error> {
        let method = "notifications/roots/list_changed";
        match self.connected.era {
            Era::Legacy => self.connected.shared.notify::<()>(method, None),
            _ => Err(self.not_in_this_era(method, "servers ask whenever they want to know")),
        }
    }
}
