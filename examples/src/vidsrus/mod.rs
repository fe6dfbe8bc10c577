//! VidsRUS, an example video service: a catalogue of old films that can be searched, shown frame
//! by frame, offered as HLS playlists and worked through by a long job.
//!
//! The service owns the catalogue, the pictures and the playlists. It knows no MCP, no network,
//! no clock and no runtime: every answer is computed from the catalogue and the arguments, so the
//! same question has the same answer. What a caller is allowed to see is a [`Tier`], which the
//! caller of this module chooses; nothing in here decides who gets which.
//!
//! No film is stored. A frame is drawn from the film's palette and setting, which makes it real
//! work with a real picture as its result, and keeps the example free of anybody's footage.
//!
//! ```
//! use mcp_examples::vidsrus::{Catalogue, Tier, frame, playlist};
//!
//! let catalogue = Catalogue::bundled();
//! let film = catalogue.search("murnau horror", 10).films[0];
//! let height = Tier::STANDARD.height(Some(360))?;
//! let frame = frame::render(film, 93, height)?;
//! assert_eq!((frame.width, frame.height), (480, 360));
//! assert!(playlist::master(film, &Tier::STANDARD)?.starts_with("#EXTM3U\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod catalogue;
pub mod film;
pub mod frame;
pub mod playlist;
pub mod tier;
pub mod transcode;

mod canvas;
mod font;
mod scene;
mod search;

pub use catalogue::Catalogue;
pub use film::{Film, TitleId};
pub use frame::Frame;
pub use tier::Tier;
pub use transcode::{Job, Progress, Storyboard};
