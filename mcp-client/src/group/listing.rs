//! Reading what one server offers, and hearing that it has changed.

use std::future::pending;
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use mcp_core::Error;
use mcp_core::jsonrpc::ErrorCode;
use mcp_core::types::{Prompt, Resource, ResourceTemplate, Schema, SubscriptionFilter, Tool};
use mcp_core::version::Era;
use tokio::time::timeout;
use tokio::{join, select};

use super::catalogue::Offer;
use crate::client::Client;
use crate::notification::{NotificationKind, Notifications};
use crate::subscription::Subscription;

/// What came of reading the lists of a server.
pub(super) struct Read {
    tools: Result<Vec<Tool>, Error>,
    prompts: Result<Vec<Prompt>, Error>,
    resources: Result<Vec<Resource>, Error>,
    templates: Result<Vec<ResourceTemplate>, Error>,
}

/// Reads all lists that a server says it has.
pub(super) async fn read(client: &Client) -> Read {
    let agreed = client.negotiated();
    let has = &agreed.server().capabilities;
    let (tools, prompts, resources, templates) = join!(
        all(has.tools.is_some(), client.tools(), |tool: &Tool| {
            let schemas = [Some(&tool.input_schema), tool.output_schema.as_ref()];
            let schemas = schemas.into_iter().flatten().map(Schema::as_str);
            bytes([&*tool.name].into_iter().chain(tool.description.as_deref()).chain(schemas))
        }),
        all(has.prompts.is_some(), client.prompts(), |prompt: &Prompt| {
            let arguments = prompt.arguments.iter();
            let arguments = arguments.flat_map(|a| [Some(&*a.name), a.description.as_deref()]);
            bytes(
                [Some(&*prompt.name), prompt.description.as_deref()]
                    .into_iter()
                    .chain(arguments)
                    .flatten(),
            )
        }),
        all(has.resources.is_some(), client.resources(), |resource: &Resource| {
            let texts =
                [Some(&*resource.uri), Some(&*resource.name), resource.description.as_deref()];
            bytes(texts.into_iter().flatten())
        }),
        all(has.resources.is_some(), client.resource_templates(), |template: &ResourceTemplate| {
            let description = template.description.as_deref();
            let texts = [Some(&*template.uri_template), Some(&*template.name), description];
            bytes(texts.into_iter().flatten())
        }),
    );
    // Servers with resources and without templates need not know the method.
    let templates = match templates {
        Err(Error::Peer(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => Ok(Vec::new()),
        templates => templates,
    };
    Read { tools, prompts, resources, templates }
}

impl Read {
    /// Renews what could be read of an offer; returns why something could not.
    pub(super) fn renew(self, offer: &mut Offer) -> Option<Error> {
        fn take<T>(read: Result<Vec<T>, Error>, kept: &mut Vec<T>) -> Option<Error> {
            read.map(|items| *kept = items).err()
        }
        let problems = [
            take(self.tools, &mut offer.tools),
            take(self.prompts, &mut offer.prompts),
            take(self.resources, &mut offer.resources),
            take(self.templates, &mut offer.templates),
        ];
        problems.into_iter().flatten().next()
    }
}

/// Says when a server's lists change.
pub(super) struct News {
    client: Client,
    notifications: Notifications,
    missed: u64,
    /// What a modern server has to be asked for; a legacy one tells unasked.
    subscription: Option<Subscription>,
    acknowledged: bool,
    reopened: u32,
}

impl News {
    /// From now on.
    pub(super) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            notifications: client.notifications(),
            missed: 0,
            subscription: subscribe(client),
            acknowledged: false,
            reopened: 0,
        }
    }

    /// Passes over what was told until now, because the lists are about to be read.
    ///
    /// Asks for news first, if that has not happened, so that no change falls between.
    pub(super) async fn begin(&mut self) {
        if let (Some(subscription), false) = (&mut self.subscription, self.acknowledged) {
            match timeout(ACKNOWLEDGED, subscription.acknowledged()).await {
                Ok(Ok(_)) => self.acknowledged = true,
                Ok(Err(error)) => self.give_up(&error),
                // The lists are not to wait for that.
                Err(_) => {}
            }
        }
        // A server that talks faster than this is asked again later.
        for _ in 0..MOST_WAITING {
            if self.notifications.next().now_or_never().flatten().is_none() {
                break;
            }
        }
        self.missed = self.notifications.missed();
    }

    /// Waits for the next change; false when the connection is over.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn changed(&mut self) -> bool {
        loop {
            select! {
                notification = self.notifications.next() => {
                    let Some(notification) = notification else { return false };
                    // What was dropped may have been a change.
                    let missed = std::mem::replace(&mut self.missed, self.notifications.missed());
                    if missed != self.missed || is_change(&notification.kind()) {
                        return true;
                    }
                }
                turn = subscribed(&mut self.subscription, self.acknowledged) => match turn {
                    Turn::Acknowledged => {
                        self.acknowledged = true;
                        return true;
                    }
                    // The same was told to `notifications`.
                    Turn::Told => {}
                    Turn::Closed if self.reopened < MOST_REOPENED => {
                        self.reopened += 1;
                        self.acknowledged = false;
                        self.subscription = subscribe(&self.client);
                        return true;
                    }
                    Turn::Closed => self.subscription = None,
                    Turn::Failed(error) => self.give_up(&error),
                },
            }
        }
    }

    fn give_up(&mut self, error: &Error) {
        tracing::debug!(target: "mcp::group", %error, "the server does not tell of changes");
        self.subscription = None;
    }
}

/// What a subscription brings.
enum Turn {
    Acknowledged,
    Told,
    Closed,
    Failed(Error),
}

async fn subscribed(subscription: &mut Option<Subscription>, acknowledged: bool) -> Turn {
    let Some(subscription) = subscription else { return pending().await };
    if !acknowledged {
        return match subscription.acknowledged().await {
            Ok(_) => Turn::Acknowledged,
            Err(error) => Turn::Failed(error),
        };
    }
    match subscription.next().await {
        Some(Ok(_)) => Turn::Told,
        Some(Err(error)) => Turn::Failed(error),
        None => Turn::Closed,
    }
}

/// Asks for changes of the lists that a modern server says it tells of.
fn subscribe(client: &Client) -> Option<Subscription> {
    let agreed = client.negotiated();
    if agreed.era() != Era::Modern {
        return None;
    }
    let has = &agreed.server().capabilities;
    let mut filter = SubscriptionFilter::new();
    filter.tools_list_changed = has.tools.as_ref().and_then(|it| it.list_changed).filter(|it| *it);
    filter.prompts_list_changed =
        has.prompts.as_ref().and_then(|it| it.list_changed).filter(|it| *it);
    filter.resources_list_changed =
        has.resources.as_ref().and_then(|it| it.list_changed).filter(|it| *it);
    (!filter.is_empty()).then(|| client.listen(filter))
}

fn is_change(kind: &NotificationKind) -> bool {
    matches!(
        kind,
        NotificationKind::ToolsListChanged
            | NotificationKind::PromptsListChanged
            | NotificationKind::ResourcesListChanged
    )
}

/// A whole list, within bounds; nothing if the server has none.
async fn all<T>(
    has: bool,
    items: impl Stream<Item = Result<T, Error>>,
    bytes_of: fn(&T) -> usize,
) -> Result<Vec<T>, Error> {
    let (mut list, mut bytes) = (Vec::new(), 0_usize);
    if !has {
        return Ok(list);
    }
    let mut items = std::pin::pin!(items);
    while let Some(item) = items.next().await {
        let item = item?;
        bytes = bytes.saturating_add(bytes_of(&item));
        if list.len() == MOST_ITEMS || bytes > MOST_BYTES {
            return Err(Error::PeerMisbehaved(format!(
                "one of its lists has more than {MOST_ITEMS} items, or {MOST_BYTES} bytes of them"
            )));
        }
        list.push(item);
    }
    Ok(list)
}

fn bytes<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(str::len).sum()
}

/// The most items of a list that a group keeps of one server.
const MOST_ITEMS: usize = 10_000;
/// The most bytes of names, descriptions and schemas of a list.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// More than a client keeps of notifications that wait.
const MOST_WAITING: usize = 256;
/// How often a server may close a subscription and be asked again.
const MOST_REOPENED: u32 = 10;
/// How long the first reading waits for a subscription to be acknowledged.
const ACKNOWLEDGED: Duration = Duration::from_secs(1);
