//! One visit to VidsRUS: connect with a wish, look at everything, leave.
//!
//! Owns what is asked of the server and what is kept of its answers. How that looks is not its
//! business.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mcp_client::{
    CallToolResult, Client, ContentBlock, Ending, EraChoice, Error, Rejection, ToolError,
};
use mcp_core::profile::{Declaration, NegotiatedProfiles, Reason};
use mcp_core::types::ResourceContents;
use serde::Serialize;
use serde_json::json;

use super::console::{Bar, Console, one_line};
use super::picture::Picture;
use super::wire::{Place, Wire, methods};
use crate::server::tools::{Hit, Hits, Quality, Query, Stream};

/// Which profiles a client wants, and in which era.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// All of these, or no connection.
    pub require: Vec<String>,
    /// One of each group, or no connection.
    pub require_one_of: Vec<Vec<String>>,
    /// These if possible.
    pub prefer: Vec<String>,
    /// The eras to try.
    pub era: EraChoice,
}

impl Wish {
    /// Whether no profile is named.
    pub fn is_empty(&self) -> bool {
        self.require.is_empty() && self.require_one_of.is_empty() && self.prefer.is_empty()
    }
}

/// What to look at, and where pictures go.
#[derive(Debug, Clone)]
pub struct Errand {
    /// What to search for.
    pub search: String,
    /// Which second to preview.
    pub second: u32,
    /// The directory for pictures.
    pub out: PathBuf,
}

/// How connecting went.
#[derive(Debug)]
pub enum Visit {
    /// Client and server agreed.
    Agreed(Box<Connected>),
    /// They did not; a server process has been ended.
    Refused(Box<Refused>),
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connected {
    /// To make calls on.
    pub client: Client,
    /// The messages that left the client before there was agreement.
    pub before: Vec<String>,
    wire: Wire,
}

/// A connection that did not come about.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub rejection: Rejection,
    /// All messages that left the client.
    pub sent: Vec<String>,
    /// The processes of the server that are left: none.
    pub left: Vec<u32>,
}

/// What was seen on a visit.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Name and version of the server.
    pub server: String,
    /// The protocol version.
    pub version: String,
    /// Its era.
    pub era: String,
    /// The profiles on offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered: Option<Declaration>,
    /// The profiles in force.
    pub in_force: NegotiatedProfiles,
    /// Why others that were asked for are not.
    pub reasons: Vec<Reason>,
    /// The tools there are, by name.
    pub tools: Vec<String>,
    /// What was found.
    pub films: Vec<Hit>,
    /// The frame that was shown.
    pub preview: Shot,
    /// The qualities that can be played.
    pub renditions: Vec<Quality>,
    /// The storyboard that was made.
    pub storyboard: Shot,
    /// How many pictures are on it.
    pub storyboard_pictures: usize,
    /// How often the server told how far the storyboard was.
    pub progress: usize,
    /// How many subtitles there are; `None` where no tool gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitles: Option<usize>,
}

/// A picture that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shot {
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// How large the file is.
    pub bytes: usize,
    /// Where it was written to.
    pub file: PathBuf,
}

/// Starts the server, if it is a program, and comes to an agreement with it, or not.
///
/// # Errors
///
/// Whatever else goes wrong while connecting; a server process has been ended then too.
pub async fn connect(server: &Place, wish: &Wish, console: &Console) -> Result<Visit, Error> {
    let (wire, io) = Wire::start(server, console.trace.then_some(console.err))?;
    let mut builder = Client::builder("vidsrus-client", env!("CARGO_PKG_VERSION"))
        .era(wish.era)
        .aware_of_profiles();
    for url in &wish.require {
        builder = builder.require(url);
    }
    for group in &wish.require_one_of {
        builder = builder.require_one_of(group);
    }
    for url in &wish.prefer {
        builder = builder.prefer(url);
    }
    match builder.connect(io).await {
        Ok(client) => {
            let before = wire.sent();
            Ok(Visit::Agreed(Box::new(Connected { client, before, wire })))
        }
        Err(Error::Rejected(rejection)) => {
            let sent = wire.sent();
            let (ended, left) = wire.end().await;
            let what = methods(&sent).join(", ");
            let rejection = match ended {
                Some(_) => rejection
                    .with_sent(format!("{what}, nothing else; the server process has been ended")),
                // What the client says of it is complete.
                None => rejection,
            };
            Ok(Visit::Refused(Box::new(Refused { rejection, sent, left })))
        }
        Err(Error::Closed(why)) => {
            let stderr = wire.stderr();
            let (Some(ended), _) = wire.end().await else { return Err(Error::Closed(why)) };
            let mut why = match ended.by {
                Ending::Itself => format!("the server process {} at once", ended.exit),
                _ => why,
            };
            let tail = stderr.map(|stderr| stderr.text()).unwrap_or_default();
            if let Some(last) = tail.trim().lines().last() {
                why = format!("{why}; it said: {}", one_line(last));
            } else if ended.exit.success() && wish.era == EraChoice::Auto {
                why.push_str("; if it speaks only MCP 2025-11-25 or older, choose the legacy era");
            }
            Err(Error::Closed(why))
        }
        Err(error) => {
            wire.end().await;
            Err(error)
        }
    }
}

impl Connected {
    /// Uses every tool there is.
    ///
    /// # Errors
    ///
    /// The first that a call ends with; [`Error::Transport`] when a picture cannot be written.
    pub async fn look(&self, errand: &Errand, console: &Console) -> Result<Seen, Error> {
        let client = &self.client;
        let tools = client.list_all_tools().await?;
        let tools: Vec<String> = tools.into_iter().map(|tool| tool.name).collect();
        let query = Query { text: errand.search.clone(), limit: Some(5) };
        let hits: Hits = client.call("search", &query).await?;
        let Some(film) = hits.films.first() else {
            let hint = hits.did_you_mean.map(|words| format!(": did you mean `{words}`?"));
            let what = format!("no film matches `{}`{}", errand.search, hint.unwrap_or_default());
            let result = Box::new(CallToolResult::error(what));
            return Err(Error::Tool(ToolError { result }));
        };
        let title = film.id.clone();
        let agreed = client.negotiated();
        let name = name_of(agreed.profiles(), agreed.era());

        let arguments = json!({ "title": title, "second": errand.second });
        let shown = succeeded(client.call_tool("preview", arguments).await?)?;
        let preview = keep(&shown, &errand.out, &format!("{name}-preview.png"))?;
        let stream: Stream = client.call("play", json!({ "title": title })).await?;

        let mut bar = Bar::new(console, "transcode");
        let mut progress = 0;
        let mut job = client.call_tool("transcode", json!({ "title": title }));
        while let Some(news) = job.progress().await {
            progress += 1;
            bar.show(&news);
        }
        let made = succeeded(job.await?)?;
        drop(bar);
        let storyboard = keep(&made, &errand.out, &format!("{name}-storyboard.png"))?;
        let storyboard_pictures = made.content.iter().map(cues).sum();

        // A modern list shows what the caller could have (2026-07-28, server/tools, "Listing
        // Tools"); whether it is there under the profiles in force, only a call tells.
        let subtitles = match client.call::<String>("subtitles", json!({ "title": title })).await {
            Ok(text) => Some(text.matches("-->").count()),
            Err(Error::Peer(_)) => None,
            Err(error) => return Err(error),
        };
        let server = match &agreed.server().server_info {
            Some(info) => format!("{} {}", info.name, info.version),
            None => "a server without a name".to_owned(),
        };
        Ok(Seen {
            server: one_line(&server),
            version: agreed.version().to_string(),
            era: agreed.era().to_string(),
            offered: agreed.declaration().cloned(),
            in_force: agreed.profiles().clone(),
            reasons: agreed.reasons().to_vec(),
            tools,
            films: hits.films,
            preview,
            renditions: stream.renditions,
            storyboard,
            storyboard_pictures,
            progress,
            subtitles,
        })
    }

    /// Leaves, and says which processes of the server are left: none.
    pub async fn leave(self) -> Vec<u32> {
        self.client.shutdown().await;
        let (_, left) = self.wire.end().await;
        left
    }
}

/// The last part of a profile's URL.
pub fn short(url: &str) -> &str {
    url.rsplit('/').find(|part| !part.is_empty()).unwrap_or(url)
}

/// A file name for what was seen under these profiles.
fn name_of(profiles: &NegotiatedProfiles, era: mcp_client::Era) -> String {
    let names: Vec<&str> = profiles.iter().map(|url| short(url.as_str())).collect();
    let name = if names.is_empty() { "no-profile".to_owned() } else { names.join("+") };
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-+.".contains(c) { c } else { '-' };
    format!("{era}-{}", name.chars().take(80).map(safe).collect::<String>())
}

fn succeeded(result: CallToolResult) -> Result<CallToolResult, Error> {
    match result.is_failure() {
        true => Err(Error::Tool(ToolError { result: Box::new(result) })),
        false => Ok(result),
    }
}

/// Writes the picture of a result to a file.
fn keep(result: &CallToolResult, out: &Path, name: &str) -> Result<Shot, Error> {
    let mut pictures = result.content.iter().filter_map(|block| match block {
        ContentBlock::Image(image) => Some(&image.data),
        _ => None,
    });
    let misbehaved = |what: &str| Error::PeerMisbehaved(format!("the tool's answer {what}"));
    let data = pictures.next().ok_or_else(|| misbehaved("has no picture"))?;
    let png = BASE64.decode(data).map_err(|_| misbehaved("has a picture that is no base64"))?;
    let Picture { width, height, .. } = Picture::decode(&png)?;
    let file = out.join(name);
    std::fs::write(&file, &png).map_err(|error| {
        let why = format!("cannot write `{}`: {error}", file.display());
        Error::Transport(why.into())
    })?;
    Ok(Shot { width, height, bytes: png.len(), file })
}

/// How many cues a piece of content has, if it is WebVTT.
fn cues(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::Text(text) => text.text.matches("-->").count(),
            ResourceContents::Blob(_) => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_short_by_its_last_part() {
        assert_eq!(short("https://vidsrus/mcp-profiles/premium"), "premium");
        assert_eq!(short("https://vidsrus/x/"), "x");
        assert_eq!(short(""), "");
    }
}
