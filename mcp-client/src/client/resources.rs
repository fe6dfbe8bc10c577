//! Resources: listing, reading and watching them.

use mcp_core::Error;
use mcp_core::types::{
    Cursor, ListResourceTemplatesResult, ListResourcesResult, ReadResourceRequestParams,
    ReadResourceResult, Resource, ResourceTemplate, SubscribeRequestParams, SubscriptionFilter,
    SubscriptionsListenRequestParams, UnsubscribeRequestParams,
};
use mcp_core::version::Era;

use super::Client;
use crate::call::Call;
use crate::pages::{Items, List, ResourceTemplates, Resources};
use crate::subscription::Subscription;
use crate::{decode, params};

impl Client {
    /// Asks for one page of the list of resources: the first, or the one that begins at `cursor`.
    pub fn list_resources(&self, cursor: Option<Cursor>) -> Call<ListResourcesResult> {
        self.list(LIST, cursor, decode::page)
    }

    /// All resources of the server, page by page, as they are asked for.
    pub fn resources(&self) -> Resources {
        let ask =
            |client: &Self, cursor| client.list(LIST, cursor, decode::items::<ListResourcesResult>);
        Items::new(self.clone(), List { of: "resources", ask })
    }

    /// All resources of the server.
    ///
    /// # Errors
    ///
    /// As [`resources`](Self::resources).
    pub async fn list_all_resources(&self) -> Result<Vec<Resource>, Error> {
        self.resources().collect_all().await
    }

    /// Asks for one page of the list of resource templates: the first, or the one that begins at
    /// `cursor`.
    pub fn list_resource_templates(
        &self,
        cursor: Option<Cursor>,
    ) -> Call<ListResourceTemplatesResult> {
        self.list(LIST_TEMPLATES, cursor, decode::page)
    }

    /// All resource templates of the server, page by page, as they are asked for.
    pub fn resource_templates(&self) -> ResourceTemplates {
        let ask = |client: &Self, cursor| {
            client.list(LIST_TEMPLATES, cursor, decode::items::<ListResourceTemplatesResult>)
        };
        Items::new(self.clone(), List { of: "resource templates", ask })
    }

    /// All resource templates of the server.
    ///
    /// # Errors
    ///
    /// As [`resource_templates`](Self::resource_templates).
    pub async fn list_all_resource_templates(&self) -> Result<Vec<ResourceTemplate>, Error> {
        self.resource_templates().collect_all().await
    }

    /// Reads a resource.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn show(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// let subtitles = client.read_resource("vidsrus://titles/7/subtitles/en").await?;
    /// for contents in subtitles.contents {
    ///     tracing::info!("{contents:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_resource(&self, uri: impl Into<String>) -> Call<ReadResourceResult> {
        let params = ReadResourceRequestParams::new(uri);
        self.send("resources/read", params::object("resources/read", &params), decode::page).kept()
    }

    /// Asks a legacy server to tell when a resource changes; it does so among the
    /// [`notifications`](Self::notifications).
    ///
    /// # Errors
    ///
    /// In the modern era [`Error::Misuse`]: see [`listen`](Self::listen).
    pub fn subscribe(&self, uri: impl Into<String>) -> Call<()> {
        let params = SubscribeRequestParams::new(uri);
        self.legacy("resources/subscribe", &params, "use `listen`")
    }

    /// Takes back what [`subscribe`](Self::subscribe) asked for.
    ///
    /// # Errors
    ///
    /// In the modern era [`Error::Misuse`]: drop the [`Subscription`].
    pub fn unsubscribe(&self, uri: impl Into<String>) -> Call<()> {
        let params = UnsubscribeRequestParams::new(uri);
        self.legacy("resources/unsubscribe", &params, "drop the subscription of `listen`")
    }

    /// Asks a modern server to tell of changes (2026-07-28, basic/patterns/subscriptions).
    ///
    /// # Errors
    ///
    /// In the legacy era the stream brings an [`Error::Misuse`]: changes of lists are told unasked
    /// there, and those of a resource after [`subscribe`](Self::subscribe).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn watch(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use mcp_client::{NotificationKind, types::SubscriptionFilter};
    ///
    /// let filter = SubscriptionFilter::new().with_tools_list_changed().with_resource("vidsrus://news");
    /// let mut changes = client.listen(filter);
    /// while let Some(change) = changes.next().await {
    ///     match change?.kind() {
    ///         NotificationKind::ToolsListChanged => tracing::info!("there are other tools"),
    ///         NotificationKind::ResourceUpdated { uri } => tracing::info!("{uri} has changed"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen(&self, filter: SubscriptionFilter) -> Subscription {
        let params = match self.connected.era {
            Era::Modern => {
                let params = SubscriptionsListenRequestParams::new(filter);
                params::object("subscriptions/listen", &params)
            }
            _ => Err(self.not_in_this_era("subscriptions/listen", "use `subscribe`")),
        };
        Subscription::new(&self.connected, params)
    }
}

const LIST: &str = "resources/list";
const LIST_TEMPLATES: &str = "resources/templates/list";
