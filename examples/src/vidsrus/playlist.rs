//! Playlists for HTTP Live Streaming (RFC 8216), and subtitles for them.
//!
//! A master playlist lists the renditions a tier may have, a media playlist the segments of one of
//! them. Addresses are relative, so the module need not know where the service stands; the
//! segments themselves are not made. [`check`] reads a playlist by the rules of the RFC, for tests
//! and for anybody who changes this file.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use thiserror::Error;

use super::{Film, Tier};

/// One quality in which a film can be streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rendition {
    height: u32,
    frame_rate: u32,
}

impl Rendition {
    /// All qualities of the service, from the least to the best.
    pub const ALL: [Self; 8] = [
        Self { height: 240, frame_rate: 24 },
        Self { height: 360, frame_rate: 24 },
        Self { height: 480, frame_rate: 24 },
        Self { height: 480, frame_rate: 48 },
        Self { height: 720, frame_rate: 24 },
        Self { height: 720, frame_rate: 48 },
        Self { height: 1080, frame_rate: 24 },
        Self { height: 1080, frame_rate: 48 },
    ];

    /// The qualities a tier may have.
    pub fn within(tier: &Tier) -> impl Iterator<Item = Self> {
        let Tier { max_height, max_frame_rate, .. } = *tier;
        Self::ALL
            .into_iter()
            .filter(move |one| one.height <= max_height && one.frame_rate <= max_frame_rate)
    }

    /// The height in lines.
    pub fn height(self) -> u32 {
        self.height
    }

    /// The frames shown in a second.
    pub fn frame_rate(self) -> u32 {
        self.frame_rate
    }

    /// The bits of sound and picture in an average second.
    pub fn average_bandwidth(self, film: &Film) -> u64 {
        let pixels = u64::from(self.height) * u64::from(film.width_at(self.height));
        // Twice the frames need half as much again, because neighbours differ less.
        let rate = 12 + u64::from(self.frame_rate) / 2;
        AUDIO_BITS + pixels * rate / 10
    }

    /// The bits of sound and picture in the busiest second.
    pub fn peak_bandwidth(self, film: &Film) -> u64 {
        self.average_bandwidth(film) * 3 / 2
    }

    /// The codecs as RFC 6381 writes them: H.264 of the least level that fits, and AAC.
    pub fn codecs(self, film: &Film) -> String {
        let blocks = u64::from(self.height.div_ceil(16))
            * u64::from(film.width_at(self.height).div_ceil(16));
        let each_second = blocks * u64::from(self.frame_rate);
        let fits = |level: &&(u64, u64, u8)| blocks <= level.0 && each_second <= level.1;
        let level = LEVELS.iter().find(fits).map_or(HIGHEST_LEVEL, |level| level.2);
        format!("avc1.4d40{level:02x},mp4a.40.2")
    }
}

impl fmt::Display for Rendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}p{}", self.height, self.frame_rate)
    }
}

impl FromStr for Rendition {
    type Err = PlaylistError;

    fn from_str(name: &str) -> Result<Self, PlaylistError> {
        Self::ALL.into_iter().find(|one| one.to_string() == name).ok_or_else(|| {
            PlaylistError::UnknownRendition { name: name.chars().take(40).collect() }
        })
    }
}

/// The master playlist of a film for a tier.
///
/// Its media playlists are addressed as `<title id>/<rendition>.m3u8`.
///
/// # Errors
///
/// [`PlaylistError::NothingAllowed`] if the tier allows less than the least rendition.
pub fn master(film: &Film, tier: &Tier) -> Result<String, PlaylistError> {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let head = text.len();
    for rendition in Rendition::within(tier) {
        let Rendition { height, frame_rate } = rendition;
        let lines = format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},RESOLUTION={}x{height},\
             CODECS=\"{}\",FRAME-RATE={frame_rate}.000\n{}/{rendition}.m3u8\n",
            rendition.peak_bandwidth(film),
            rendition.average_bandwidth(film),
            film.width_at(height),
            rendition.codecs(film),
            film.id,
        );
        text.push_str(&lines);
    }
    if text.len() == head {
        return Err(PlaylistError::NothingAllowed {
            height: tier.max_height,
            frame_rate: tier.max_frame_rate,
        });
    }
    Ok(text)
}

/// The media playlist of a film in one rendition.
///
/// Its segments are addressed as `<rendition>/<number>.ts`, which is relative to the address that
/// [`master`] gives the playlist.
///
/// # Errors
///
/// [`PlaylistError::NotInTier`] if the tier does not allow the rendition.
pub fn media(film: &Film, rendition: Rendition, tier: &Tier) -> Result<String, PlaylistError> {
    if !Rendition::within(tier).any(|allowed| allowed == rendition) {
        return Err(PlaylistError::NotInTier {
            rendition,
            height: tier.max_height,
            frame_rate: tier.max_frame_rate,
        });
    }
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}\n\
         #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    );
    let seconds = film.seconds.get();
    for (number, start) in (0..seconds).step_by(SEGMENT_SECONDS as usize).enumerate() {
        let length = SEGMENT_SECONDS.min(seconds - start);
        text.push_str(&format!("#EXTINF:{length}.000,\n{rendition}/{number:05}.ts\n"));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    Ok(text)
}

/// The intertitles of a film as WebVTT subtitles.
pub fn subtitles(film: &Film) -> String {
    let mut text = String::from("WEBVTT\n");
    for line in &film.intertitles {
        let (from, to) = (super::frame::timecode(line.at), super::frame::timecode(line.until()));
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let said = words.join(" ").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let cue = format!("\n{from}.000 --> {to}.000\n{said}\n");
        text.push_str(&cue);
    }
    text
}

/// A playlist could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlaylistError {
    /// The tier allows no rendition at all.
    #[error(
        "no rendition has at most {height} lines and {frame_rate} frames a second: the least has \
         240 and 24"
    )]
    NothingAllowed {
        /// The height the tier allows.
        height: u32,
        /// The frame rate the tier allows.
        frame_rate: u32,
    },
    /// The tier does not allow this rendition.
    #[error(
        "rendition {rendition} is more than this tier allows: choose one with at most {height} \
         lines and {frame_rate} frames a second"
    )]
    NotInTier {
        /// The rendition asked for.
        rendition: Rendition,
        /// The height the tier allows.
        height: u32,
        /// The frame rate the tier allows.
        frame_rate: u32,
    },
    /// There is no rendition of this name.
    #[error("no rendition is called `{}`: {}", .name.escape_debug(), names())]
    UnknownRendition {
        /// The name asked for, shortened if it was very long.
        name: String,
    },
}

/// What a playlist turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Playlist {
    /// A list of variant streams.
    Master {
        /// How many.
        variants: usize,
    },
    /// A list of segments.
    Media {
        /// How many.
        segments: usize,
        /// How long they are together.
        seconds: f64,
        /// Whether the list is complete.
        ended: bool,
    },
}

/// Reads a playlist by the rules of RFC 8216 and says what it is.
///
/// Checked are the tags this module writes; tags it does not know are passed over, as section 6.3.1
/// demands of a client.
///
/// # Errors
///
/// The first line that breaks a rule, and which rule.
pub fn check(text: &str) -> Result<Playlist, Invalid> {
    let mut reading = Reading::default();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    if lines.next() != Some((1, "#EXTM3U")) {
        return Err(Invalid { line: 1, problem: "expected #EXTM3U (section 4.3.1.1)".into() });
    }
    let mut last = 1;
    for (number, line) in lines {
        last = number;
        reading.line(line).map_err(|problem| Invalid { line: number, problem })?;
    }
    reading.end().map_err(|problem| Invalid { line: last, problem })
}

/// A playlist breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct Invalid {
    line: usize,
    problem: String,
}

/// What has been read of a playlist so far.
#[derive(Default)]
struct Reading {
    version: Option<u32>,
    target: Option<u32>,
    ended: bool,
    variants: usize,
    segments: usize,
    seconds: f64,
    fractions: bool,
    /// The tag whose address has to follow.
    open: Option<&'static str>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() {
            return Ok(());
        }
        let Some(tag) = line.strip_prefix("#EXT") else {
            return if line.starts_with('#') { Ok(()) } else { self.address() };
        };
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        match name {
            "M3U" => Err("#EXTM3U appears twice".into()),
            "-X-VERSION" => once(&mut self.version, integer(value)?, "#EXT-X-VERSION"),
            "-X-TARGETDURATION" => once(&mut self.target, integer(value)?, "#EXT-X-TARGETDURATION"),
            "-X-STREAM-INF" => {
                self.variants += 1;
                stream(value)?;
                self.expect_address("#EXT-X-STREAM-INF")
            }
            "INF" => {
                let (length, _) = value.split_once(',').ok_or("#EXTINF lacks its comma")?;
                self.fractions |= length.contains('.');
                self.segments += 1;
                let length = decimal(length)?;
                self.seconds += length;
                let target = self.target.ok_or("#EXT-X-TARGETDURATION has to come first")?;
                if length.round() > f64::from(target) {
                    return Err(format!("{length} s is more than the target of {target} s"));
                }
                self.expect_address("#EXTINF")
            }
            "-X-ENDLIST" => {
                self.ended = true;
                Ok(())
            }
            "-X-MEDIA-SEQUENCE" => integer(value).map(|_| ()),
            "-X-PLAYLIST-TYPE" if !matches!(value, "VOD" | "EVENT") => {
                Err(format!("#EXT-X-PLAYLIST-TYPE is `{value}`, expected VOD or EVENT"))
            }
            _ => Ok(()),
        }
    }

    fn expect_address(&mut self, tag: &'static str) -> Result<(), String> {
        match self.open.replace(tag) {
            Some(open) => Err(format!("{open} has no address after it")),
            None => Ok(()),
        }
    }

    fn address(&mut self) -> Result<(), String> {
        self.open.take().map(|_| ()).ok_or_else(|| "an address without a tag before it".into())
    }

    fn end(self) -> Result<Playlist, String> {
        if let Some(open) = self.open {
            return Err(format!("{open} has no address after it"));
        }
        let media = self.segments > 0 || self.target.is_some() || self.ended;
        if self.variants > 0 && media {
            return Err("tags of a master and of a media playlist together (section 4.1)".into());
        }
        if self.variants > 0 {
            return Ok(Playlist::Master { variants: self.variants });
        }
        if self.target.is_none() {
            return Err("#EXT-X-TARGETDURATION is missing (section 4.3.3.1)".into());
        }
        if self.fractions && self.version.unwrap_or(1) < 3 {
            return Err("fractions of a second need version 3 (section 7)".into());
        }
        let Self { segments, seconds, ended, .. } = self;
        Ok(Playlist::Media { segments, seconds, ended })
    }
}

/// Checks the attributes of one variant stream (section 4.3.4.2).
fn stream(value: &str) -> Result<(), String> {
    let attributes = attributes(value)?;
    let find = |name| attributes.iter().find(|(found, _)| *found == name).map(|(_, value)| *value);
    let peak: u32 = integer(find("BANDWIDTH").ok_or("BANDWIDTH is missing")?)?;
    if let Some(average) = find("AVERAGE-BANDWIDTH") {
        let average: u32 = integer(average)?;
        if average > peak {
            return Err(format!("AVERAGE-BANDWIDTH {average} is above BANDWIDTH {peak}"));
        }
    }
    if let Some(size) = find("RESOLUTION") {
        let (width, height) =
            size.split_once('x').ok_or_else(|| format!("RESOLUTION `{size}` has no x"))?;
        integer(width)?;
        integer(height)?;
    }
    if let Some(rate) = find("FRAME-RATE") {
        decimal(rate)?;
    }
    match find("CODECS") {
        Some(codecs) if !codecs.starts_with('"') => Err("CODECS has no quotation marks".into()),
        _ => Ok(()),
    }
}

/// Takes an attribute list apart (section 4.2); quotation marks stay.
fn attributes(mut rest: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    loop {
        let (name, after) =
            rest.split_once('=').ok_or_else(|| format!("the attribute `{rest}` has no value"))?;
        let letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(letter) {
            return Err(format!("`{name}` is no attribute name"));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(format!("{name} appears twice"));
        }
        let end = match after.strip_prefix('"') {
            Some(quoted) => quoted.find('"').ok_or("a quotation mark is not closed")? + 2,
            None => after.find(',').unwrap_or(after.len()),
        };
        let (value, tail) = after.split_at(end);
        if value.is_empty() {
            return Err(format!("{name} has no value"));
        }
        found.push((name, value));
        match tail.strip_prefix(',') {
            Some(more) => rest = more,
            None if tail.is_empty() => return Ok(found),
            None => return Err(format!("expected a comma after {name}")),
        }
    }
}

fn once(slot: &mut Option<u32>, value: u32, tag: &str) -> Result<(), String> {
    match slot.replace(value) {
        Some(_) => Err(format!("{tag} appears twice")),
        None => Ok(()),
    }
}

fn integer(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| format!("`{text}` is no decimal integer"))
}

fn decimal(text: &str) -> Result<f64, String> {
    let digits = text.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| format!("`{text}` is no decimal number"))
}

fn names() -> String {
    let mut text = String::from("choose one of");
    for (index, rendition) in Rendition::ALL.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma} {rendition}");
    }
    text
}

/// Macroblocks in a frame, macroblocks in a second, and the number of the H.264 level that allows
/// them (ITU-T H.264, table A-1).
const LEVELS: [(u64, u64, u8); 9] = [
    (396, 11_880, 20),
    (792, 19_800, 21),
    (1_620, 20_250, 22),
    (1_620, 40_500, 30),
    (3_600, 108_000, 31),
    (5_120, 216_000, 32),
    (8_192, 245_760, 40),
    (8_704, 522_240, 42),
    (22_080, 589_824, 50),
];
const HIGHEST_LEVEL: u8 = 51;
const AUDIO_BITS: u64 = 128_000;
const SEGMENT_SECONDS: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidsrus::Catalogue;

    fn problem(text: &str) -> String {
        check(text).unwrap_err().to_string()
    }

    #[test]
    fn every_playlist_of_every_film_obeys_the_rfc() {
        for film in Catalogue::bundled().films() {
            for (tier, variants) in [(Tier::STANDARD, 3), (Tier::PREMIUM, 8)] {
                let text = master(film, &tier).unwrap();
                assert_eq!(check(&text), Ok(Playlist::Master { variants }), "{text}");
                for rendition in Rendition::within(&tier) {
                    let text = media(film, rendition, &tier).unwrap();
                    let seconds = f64::from(film.seconds.get());
                    let segments = film.seconds.get().div_ceil(6) as usize;
                    let expected = Playlist::Media { segments, seconds, ended: true };
                    assert_eq!(check(&text), Ok(expected), "{}", film.id);
                }
            }
        }
    }

    #[test]
    fn a_master_playlist_reads_like_this() {
        let catalogue = Catalogue::bundled();
        let tier = Tier { max_height: 360, ..Tier::STANDARD };
        assert_eq!(
            master(catalogue.film("nosferatu").unwrap(), &tier).unwrap(),
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-STREAM-INF:BANDWIDTH=468480,AVERAGE-BANDWIDTH=312320,RESOLUTION=320x240,\
             CODECS=\"avc1.4d4014,mp4a.40.2\",FRAME-RATE=24.000\nnosferatu/240p24.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=814080,AVERAGE-BANDWIDTH=542720,RESOLUTION=480x360,\
             CODECS=\"avc1.4d4015,mp4a.40.2\",FRAME-RATE=24.000\nnosferatu/360p24.m3u8\n"
        );
    }

    #[test]
    fn codec_levels_follow_size_and_frame_rate() {
        let catalogue = Catalogue::bundled();
        let charade = catalogue.film("charade").unwrap();
        let level = |name: &str| name.parse::<Rendition>().unwrap().codecs(charade);
        assert_eq!(level("720p24"), "avc1.4d401f,mp4a.40.2");
        assert_eq!(level("1080p24"), "avc1.4d4028,mp4a.40.2");
        assert_eq!(level("1080p48"), "avc1.4d402a,mp4a.40.2");
    }

    #[test]
    fn a_tier_gets_no_rendition_above_it() {
        let catalogue = Catalogue::bundled();
        let film = catalogue.film("the-general").unwrap();
        let best = "1080p24".parse().unwrap();
        assert_eq!(
            media(film, best, &Tier::STANDARD).unwrap_err().to_string(),
            "rendition 1080p24 is more than this tier allows: choose one with at most 480 lines \
             and 30 frames a second"
        );
        let none = Tier { max_height: 100, ..Tier::STANDARD };
        assert!(master(film, &none).unwrap_err().to_string().starts_with("no rendition has"));
        assert_eq!(
            "8k".parse::<Rendition>().unwrap_err().to_string(),
            "no rendition is called `8k`: choose one of 240p24, 360p24, 480p24, 480p48, 720p24, \
             720p48, 1080p24, 1080p48"
        );
    }

    #[test]
    fn the_check_finds_broken_playlists() {
        assert_eq!(problem(""), "line 1: expected #EXTM3U (section 4.3.1.1)");
        assert_eq!(
            problem("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6.6,\na.ts\n"),
            "line 3: 6.6 s is more than the target of 6 s"
        );
        assert_eq!(
            problem("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n#EXTINF:6,\na.ts\n"),
            "line 4: #EXTINF has no address after it"
        );
        assert_eq!(
            problem("#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXTINF:6.6,\na.ts\n"),
            "line 4: fractions of a second need version 3 (section 7)"
        );
        assert_eq!(
            problem("#EXTM3U\n#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=1\na.m3u8\n"),
            "line 2: BANDWIDTH is missing"
        );
        assert_eq!(
            problem("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a\na.m3u8\n"),
            "line 2: a quotation mark is not closed"
        );
        assert_eq!(problem("#EXTM3U\na.ts\n"), "line 2: an address without a tag before it");
    }

    #[test]
    fn subtitles_have_one_cue_for_each_intertitle() {
        let catalogue = Catalogue::bundled();
        let film = catalogue.film("nosferatu").unwrap();
        let text = subtitles(film);
        assert!(text.starts_with("WEBVTT\n\n00:10:10.000 --> 00:10:15.000\nYou may travel"));
        assert_eq!(text.matches(" --> ").count(), film.intertitles.len());
    }
}
