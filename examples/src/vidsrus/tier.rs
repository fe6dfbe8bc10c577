//! What a customer of the service may have: the typed settings of its two offers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How good a picture, and how much work, one customer gets.
///
/// The two offers of the service are [`Tier::STANDARD`] and [`Tier::PREMIUM`]; any other value is
/// just as valid, for instance one read from a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tier {
    /// The tallest picture, in lines.
    pub max_height: u32,
    /// The fastest rendition, in frames a second.
    pub max_frame_rate: u32,
    /// The most thumbnails one storyboard may have.
    pub max_storyboard_frames: u32,
}

impl Tier {
    /// The offer for everybody: 480 lines, 30 frames a second.
    pub const STANDARD: Self =
        Self { max_height: 480, max_frame_rate: 30, max_storyboard_frames: 24 };

    /// The offer for those who pay: 1080 lines, 60 frames a second.
    pub const PREMIUM: Self =
        Self { max_height: 1080, max_frame_rate: 60, max_storyboard_frames: 96 };

    /// The height to use for a caller who asked for `asked`, or for nothing in particular.
    ///
    /// Without a wish the caller gets the most the tier allows, and a wish is never lowered
    /// silently.
    ///
    /// # Errors
    ///
    /// [`AboveTier`] if `asked` is more than the tier allows.
    pub fn height(&self, asked: Option<u32>) -> Result<u32, AboveTier> {
        within("height", asked, self.max_height)
    }

    /// The number of storyboard frames to use for a caller who asked for `asked`, or for nothing
    /// in particular.
    ///
    /// # Errors
    ///
    /// [`AboveTier`] if `asked` is more than the tier allows.
    pub fn storyboard_frames(&self, asked: Option<u32>) -> Result<u32, AboveTier> {
        within("number of frames", asked, self.max_storyboard_frames)
    }
}

/// A caller asked for more than the tier allows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} {asked} is more than this tier allows: ask for {most} or less")]
pub struct AboveTier {
    what: &'static str,
    asked: u32,
    most: u32,
}

fn within(what: &'static str, asked: Option<u32>, most: u32) -> Result<u32, AboveTier> {
    match asked {
        Some(asked) if asked > most => Err(AboveTier { what, asked, most }),
        Some(asked) => Ok(asked),
        None => Ok(most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_wish_the_tier_gives_its_most() {
        assert_eq!(Tier::STANDARD.height(None), Ok(480));
        assert_eq!(Tier::PREMIUM.height(None), Ok(1080));
    }

    #[test]
    fn a_wish_above_the_tier_is_refused_and_told_the_limit() {
        let error = Tier::STANDARD.height(Some(1080)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "height 1080 is more than this tier allows: ask for 480 or less"
        );
        assert_eq!(Tier::PREMIUM.height(Some(1080)), Ok(1080));
    }

    #[test]
    fn a_tier_reads_from_json_by_its_camel_case_names() {
        let json = r#"{"maxHeight":720,"maxFrameRate":25,"maxStoryboardFrames":5}"#;
        let tier: Tier = serde_json::from_str(json).unwrap();
        assert_eq!(tier, Tier { max_height: 720, max_frame_rate: 25, max_storyboard_frames: 5 });
    }
}
