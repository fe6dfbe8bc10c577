//! Requests that this crate has no function for.

use std::borrow::Cow;

use mcp_core::{Error, ExtensionId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use crate::call::Call;
use crate::{decode, params};

impl Client {
    /// Makes a request of an extension.
    ///
    /// `params` have to be written as a JSON object; `()` stands for an empty one. `T` is decoded
    /// from the whole result, whatever its `resultType`.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when this client did not declare the extension, and
    /// [`Error::PeerIncompatible`] when the server did not; nothing is sent then.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn add(server: mcp_client::ChildProcess) -> Result<(), mcp_client::Error> {
    /// use mcp_client::{Client, ExtensionId};
    /// use serde_json::{Value, json};
    ///
    /// const WATCHLIST: ExtensionId = ExtensionId::new("com.example/watchlist");
    ///
    /// let client = Client::builder("viewer", "1.0").extension(WATCHLIST).connect(server).await?;
    /// let item = json!({ "title": "nosferatu" });
    /// let added: Value = client.request(WATCHLIST, "watchlist/add", &item).await?;
    /// # let _ = added;
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a constant is named as it is declared")]
    pub fn request<T: DeserializeOwned>(
        &self,
        extension: ExtensionId,
        method: impl Into<Cow<'static, str>>,
        params: impl Serialize,
    ) -> Call<T> {
        let method = method.into();
        let declared = self.declares(&extension, &method);
        let params = declared.and_then(|()| params::object(&method, &params));
        self.send(method, params, decode::whole::<T>).taking_any_result()
    }

    /// That both sides declared an extension, which a method belongs to.
    pub(crate) fn declares(&self, extension: &ExtensionId, method: &str) -> Result<(), Error> {
        let id = extension.as_str();
        if self.connected.shared.config().capabilities.extension(id).is_none() {
            return Err(Error::Misuse(format!(
                "`{method}` belongs to `{id}`, which this client did not declare: add `.extension(…)` when it is built"
            )));
        }
        if self.negotiated().server().capabilities.extension(id).is_none() {
            return Err(Error::PeerIncompatible(format!(
                "`{method}` belongs to `{id}`, which the server did not declare"
            )));
        }
        Ok(())
    }

    /// Makes a request that this crate has no function for, and that belongs to no extension.
    ///
    /// `params` have to be written as a JSON object; `()` stands for an empty one. The library adds
    /// `_meta`. `T` is decoded from the whole result.
    pub fn raw_request<T: DeserializeOwned>(
        &self,
        method: impl Into<Cow<'static, str>>,
        params: impl Serialize,
    ) -> Call<T> {
        let method = method.into();
        let params = match &*method {
            "initialize" => {
                Err(Error::Misuse("`initialize` was sent by `connect` already".to_owned()))
            }
            "subscriptions/listen" => {
                Err(Error::Misuse("a subscription is a stream: use `listen`".to_owned()))
            }
            _ => params::object(&method, &params),
        };
        self.send(method, params, decode::whole::<T>).taking_any_result()
    }
}
