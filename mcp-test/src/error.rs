//! Why a test failed, told to the person who reads its output.

use std::error::Error as StdError;
use std::fmt;

use mcp_core::profile::Rejection;

/// Why a test failed.
///
/// A test can return it: every error turns into it with `?`, and what the test runner prints of it
/// is its text for people, over several lines where that helps.
///
/// It is no [`std::error::Error`] itself, so that `?` takes them all; boxed it becomes one.
///
/// # Examples
///
/// ```
/// fn three() -> Result<u32, mcp_test::Error> {
///     Ok("3".parse::<u32>()?)
/// }
/// assert_eq!(three()?, 3);
/// # Ok::<(), mcp_test::Error>(())
/// ```
#[non_exhaustive]
pub enum Error {
    /// The client or the library could not go on.
    Mcp(mcp_core::Error),
    /// The server's task panicked or failed, or one of its handlers panicked.
    Server(String),
    /// Something was still going on when the test was over.
    LeftBehind(String),
    /// Something is not what the test expects: a script, a golden file, an answer to hostile input.
    Mismatch(String),
    /// Anything else that the test ran into.
    Other(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// The error of the library, if it is one.
    pub fn mcp(&self) -> Option<&mcp_core::Error> {
        match self {
            Self::Mcp(error) => Some(error),
            _ => None,
        }
    }

    /// Why there was no agreement on profiles, if that is what happened.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Mcp(mcp_core::Error::Rejected(rejection)) => Some(rejection),
            _ => None,
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let error: Box<dyn StdError + Send + Sync> = Box::new(error);
        match error.downcast::<mcp_core::Error>() {
            Ok(error) => Self::Mcp(*error),
            Err(other) => Self::Other(other),
        }
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        match error {
            Error::Mcp(error) => error.into(),
            Error::Other(error) => error,
            said => said.to_string().into(),
        }
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::<dyn StdError + Send + Sync>::from(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mcp(error) => fmt::Display::fmt(error, f),
            Self::Server(said) => write!(f, "the server failed: {said}"),
            Self::LeftBehind(said) | Self::Mismatch(said) => f.write_str(said),
            Self::Other(error) => fmt::Display::fmt(error, f),
        }
    }
}

/// The text for people, since this is what a test runner prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_library_stays_one() {
        let error = Error::from(mcp_core::Error::Misuse("so".to_owned()));
        assert!(matches!(error.mcp(), Some(mcp_core::Error::Misuse(_))));
        assert!(matches!(Error::from(fmt::Error), Error::Other(_)));
    }

    #[test]
    fn a_test_runner_prints_the_text_for_people() {
        let error = Error::Mismatch("line one\nline two".to_owned());
        assert_eq!(format!("{error:?}"), "line one\nline two");
        let boxed: Box<dyn StdError> = error.into();
        assert_eq!(boxed.to_string(), "line one\nline two");
    }
}
