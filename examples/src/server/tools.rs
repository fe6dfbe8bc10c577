//! What a model can call.
//!
//! Each tool is a function of its arguments, the films, and the tier that was negotiated. What the
//! model can put right is a `ToolError`; anything else is logged and hidden from it.

use mcp_core::types::{ContentBlock, TextResourceContents};
use mcp_server::{
    Args, CallContext, Failure, Image, Json, Result, Settings, State, ToolError, tool,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::{spawn_blocking, yield_now};

use crate::vidsrus::frame::{self, FrameError, timecode};
use crate::vidsrus::playlist::{self, Rendition};
use crate::vidsrus::{Catalogue, Film, Job, Tier};

/// What to look for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Words from title, director, genre, country, year or plot; a part of a word is enough
    pub text: String,
    /// At most this many films, 10 unless given
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hits {
    /// The films, best match first
    pub films: Vec<Hit>,
    /// How many films match, including those beyond the limit
    pub total: usize,
    /// A query that finds something, if this one did not
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
}

/// A film that was found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// What the other tools take as `title`
    pub id: String,
    /// The title as people write it
    pub title: String,
    /// When it was first shown
    pub year: u16,
    /// Who directed it
    pub director: String,
    /// How long it runs
    pub seconds: u32,
    /// What happens
    pub synopsis: String,
}

/// Searches the catalogue.
#[tool(title = "Search", read_only)]
pub async fn search(Args(query): Args<Query>, films: State<Catalogue>) -> Result<Json<Hits>> {
    if query.text.trim().is_empty() {
        Err(ToolError::new("`text` is empty: give at least one word"))?;
    }
    let limit = usize::try_from(query.limit.unwrap_or(10).min(100))?;
    let found = films.search(&query.text, limit);
    let hits = found.films.iter().map(|film| Hit {
        id: film.id.to_string(),
        title: film.title.clone(),
        year: film.year,
        director: film.director.clone(),
        seconds: film.seconds.get(),
        synopsis: film.synopsis.clone(),
    });
    Ok(Json(Hits { films: hits.collect(), total: found.total, did_you_mean: found.did_you_mean }))
}

/// Shows one frame of a film as a picture.
#[tool(title = "Preview", read_only)]
pub async fn preview(
    /// The id of the film, as `search` gives it
    title: String,
    /// Which second of the film
    second: u32,
    /// How many lines the picture has; the most that the tier allows unless given
    height: Option<u32>,
    tier: Settings<Tier>,
    films: State<Catalogue>,
) -> Result<Vec<ContentBlock>> {
    let film = film(&films, &title)?;
    let height = tier.height(height).map_err(told)?;
    let caption = format!("{} ({}) at {}", film.title, film.year, timecode(second));
    let frame = spawn_blocking(move || frame::render(&film, second, height)).await?;
    let frame = frame.map_err(drawn)?;
    let text = format!("{caption}, {} by {} pixels", frame.width, frame.height);
    Ok(vec![ContentBlock::text(text), Image::png(frame.png).into()])
}

/// A playlist and the qualities that the caller may watch.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    /// An HLS playlist (RFC 8216): of the whole film, or of one rendition if that was asked for
    pub playlist: String,
    /// The renditions that the tier allows, least first
    pub renditions: Vec<Quality>,
}

/// One rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quality {
    /// The name to give as `rendition`
    pub name: String,
    /// Lines of the picture
    pub height: u32,
    /// Frames a second
    pub frame_rate: u32,
    /// Bits in an average second
    pub bandwidth: u64,
}

/// Gives an HLS playlist with the renditions that the tier allows.
#[tool(title = "Play", read_only)]
pub async fn play(
    /// The id of the film, as `search` gives it
    title: String,
    /// Give the segments of this rendition instead, for instance `480p24`
    rendition: Option<String>,
    tier: Settings<Tier>,
    films: State<Catalogue>,
) -> Result<Json<Stream>> {
    let film = film(&films, &title)?;
    let playlist = match rendition {
        None => playlist::master(&film, &tier),
        Some(name) => name.parse().and_then(|one| playlist::media(&film, one, &tier)),
    };
    let renditions = Rendition::within(&tier).map(|one| Quality {
        name: one.to_string(),
        height: one.height(),
        frame_rate: one.frame_rate(),
        bandwidth: one.average_bandwidth(&film),
    });
    Ok(Json(Stream { playlist: playlist.map_err(told)?, renditions: renditions.collect() }))
}

/// Makes the storyboard of a film, one sheet of many small pictures, and its index as WebVTT.
///
/// Takes a while, tells how far it is, and can be cancelled.
#[tool(title = "Transcode", read_only)]
pub async fn transcode(
    /// The id of the film, as `search` gives it
    title: String,
    /// For a stream of this many lines; the most that the tier allows unless given
    height: Option<u32>,
    /// How many small pictures; the most that the tier allows unless given
    frames: Option<u32>,
    tier: Settings<Tier>,
    films: State<Catalogue>,
    ctx: CallContext,
) -> Result<Vec<ContentBlock>> {
    let film = film(&films, &title)?;
    let height = tier.height(height).map_err(told)?;
    let frames = tier.storyboard_frames(frames).map_err(told)?;
    let mut job = Job::new(&film, height, frames).map_err(told)?;
    while !job.progress().is_complete() {
        let progress = job.step();
        ctx.progress_message(progress.done, progress.total, "drawing the storyboard");
        // Other messages get their turn here, and a cancelled call ends here.
        yield_now().await;
    }
    let board = spawn_blocking(move || job.finish()).await?.map_err(drawn)?;
    let address = format!("vidsrus://titles/{}/storyboard.vtt", film.id);
    let index = board.index("storyboard.png");
    let text = format!(
        "storyboard of {} ({}): {} pictures in {} rows, {} by {} pixels",
        film.title,
        film.year,
        board.seconds.len(),
        board.rows,
        board.width,
        board.height
    );
    let index = TextResourceContents::new(address, index).with_mime_type("text/vtt");
    Ok(vec![ContentBlock::text(text), Image::png(board.png).into(), ContentBlock::resource(index)])
}

/// Gives the intertitles of a film as subtitles in WebVTT. Premium only.
#[tool(title = "Subtitles", read_only)]
pub async fn subtitles(
    /// The id of the film, as `search` gives it
    title: String,
    films: State<Catalogue>,
) -> Result<String> {
    Ok(playlist::subtitles(&film(&films, &title)?))
}

fn film(films: &Catalogue, title: &str) -> Result<Film, ToolError> {
    films.film(title).cloned().map_err(told)
}

/// An error that the model can act on, in its own words.
fn told(error: impl std::error::Error) -> ToolError {
    ToolError::new(error.to_string())
}

/// A picture that was not drawn: the model's mistake, unless writing it failed.
fn drawn(error: FrameError) -> Failure {
    match error {
        FrameError::Png(error) => error.into(),
        mistaken => told(mistaken).into(),
    }
}
