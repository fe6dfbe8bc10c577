//! The two profiles of the service: what each gives, and since when it is available.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use mcp_core::profile::{Declaration, InvalidDeclaration};
use mcp_server::Profile;
use thiserror::Error;

use super::tools;
use crate::vidsrus::Tier;

/// The profile for everybody.
pub const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";

/// The profile for those who pay.
pub const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

/// Which profiles are on offer, and from which protocol version on.
///
/// [`Offer::default`] is both, from 2025-08-13 on.
#[derive(Debug, Clone)]
pub struct Offer(Declaration);

impl Offer {
    /// Reads a declaration as MCP servers publish it: a JSON array of
    /// `{"profileURL": "https://…", "minMcpVersion": "2026-08-13"}`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is larger than 64 KiB, and as [`Offer::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, OfferError> {
        let path = path.as_ref();
        let unreadable = |source| OfferError::Unreadable { path: path.into(), source };
        let mut json = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(LARGEST_FILE + 1).read_to_end(&mut json).map_err(unreadable)?;
        if json.len() as u64 > LARGEST_FILE {
            return Err(OfferError::TooLarge { path: path.into() });
        }
        Self::parse(&json)
    }

    /// Reads the same from text.
    ///
    /// # Errors
    ///
    /// If the text is no declaration, or declares a profile that nobody has programmed here.
    pub fn parse(json: &[u8]) -> Result<Self, OfferError> {
        let declaration = Declaration::parse(json)?;
        let unknown = declaration.iter().find(|entry| tier(entry.url().as_str()).is_none());
        match unknown {
            Some(entry) => Err(OfferError::NotImplemented { url: entry.url().to_string() }),
            None => Ok(Self(declaration)),
        }
    }

    /// The profiles with their settings, limits and tools.
    pub(super) fn into_profiles(self) -> Vec<Profile> {
        let entries = self.0.iter().filter_map(|entry| {
            let url = entry.url().as_str();
            let mut profile = tier(url)?;
            if let Some(date) = entry.min_mcp_version().date() {
                profile = profile.min_mcp_version(date.to_string());
            }
            let default = entry.is_default() || url == STANDARD;
            Some(if default { profile.by_default() } else { profile })
        });
        entries.collect()
    }
}

impl Default for Offer {
    fn default() -> Self {
        Self::parse(BOTH.as_bytes()).expect("the text is below, and a test of this module reads it")
    }
}

/// The profile of this URL, if it is one of ours.
fn tier(url: &str) -> Option<Profile> {
    match url {
        STANDARD => Some(
            Profile::new(STANDARD)
                .settings(Tier::STANDARD)
                .call_time(Duration::from_secs(30))
                .concurrent_calls(2),
        ),
        PREMIUM => Some(
            Profile::new(PREMIUM)
                .settings(Tier::PREMIUM)
                .call_time(Duration::from_secs(120))
                .concurrent_calls(8)
                .tool(tools::subtitles),
        ),
        _ => None,
    }
}

/// A declaration could not be offered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OfferError {
    /// The file could not be read.
    #[error("cannot read the declaration `{path}`: {source}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is too large to be a declaration.
    #[error("the declaration `{path}` is larger than 64 KiB", path = path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// The text is no declaration.
    #[error("the declaration is wrong: {0}")]
    Invalid(#[from] InvalidDeclaration),
    /// It declares what this server cannot do.
    #[error(
        "the declaration offers {url}, which this server does not implement: it has {STANDARD} and \
         {PREMIUM}"
    )]
    NotImplemented {
        /// The profile.
        url: String,
    },
}

const BOTH: &str = r#"[
    {"profileURL": "https://vidsrus/mcp-profiles/premium", "minMcpVersion": "2025-08-13"},
    {"profileURL": "https://vidsrus/mcp-profiles/standard", "minMcpVersion": "2025-08-13"}
]"#;

const LARGEST_FILE: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_profiles_are_on_offer_premium_first() {
        let offer = Offer::default();
        let urls: Vec<_> = offer.0.iter().map(|entry| entry.url().as_str()).collect();
        assert_eq!(urls, [PREMIUM, STANDARD]);
    }

    #[test]
    fn a_profile_that_nobody_programmed_is_refused_by_name() {
        let json = br#"[{"profileURL": "https://vidsrus/gold", "minMcpVersion": "2026-08-13"}]"#;
        assert_eq!(
            Offer::parse(json).unwrap_err().to_string(),
            "the declaration offers https://vidsrus/gold, which this server does not implement: it \
             has https://vidsrus/mcp-profiles/standard and https://vidsrus/mcp-profiles/premium"
        );
    }

    #[test]
    fn a_declaration_may_leave_profiles_out() {
        assert!(Offer::parse(b"[]").unwrap().into_profiles().is_empty());
        let one = format!(r#"[{{"profileURL": "{PREMIUM}"}}]"#);
        assert_eq!(Offer::parse(one.as_bytes()).unwrap().into_profiles().len(), 1);
    }
}
