//! Assertions that others issue: from files, from memory, from functions.
//!
//! Owns getting hold of them; what they say is not looked at.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp_auth::client_authentication::{AssertionRequest, AssertionSource};
use mcp_auth::secret::SecretString;
use zeroize::Zeroizing;

use crate::BoxError;

/// An assertion that somebody else issued, such as the identity of a workload or an ID token.
///
/// It is asked for each time that it is needed, so that it is never an old one.
#[derive(Clone)]
pub struct Assertion(Source);

#[derive(Clone)]
enum Source {
    Fixed(SecretString),
    File(Arc<Path>),
    Function(Arc<Function>),
}

type Function = dyn Fn(&str) -> BoxFuture<'static, Result<SecretString, BoxError>> + Send + Sync;

impl Assertion {
    /// Always the same one.
    pub fn fixed(assertion: impl Into<SecretString>) -> Self {
        Self(Source::Fixed(assertion.into()))
    }

    /// What stands in a file, which is read each time: such as the token that Kubernetes projects
    /// into a container and replaces before it expires. White space around it is left out.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(Arc::from(path.into())))
    }

    /// What a function gives that is told for whom: the issuer that the assertion is presented to.
    pub fn from_fn<F, Fut>(function: F) -> Self
    where
        F: Fn(&str) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<SecretString, BoxError>> + Send + 'static,
    {
        Self(Source::Function(Arc::new(move |audience| function(audience).boxed())))
    }
}

impl AssertionSource for Assertion {
    fn assertion<'a>(
        &'a self,
        request: AssertionRequest<'a>,
    ) -> BoxFuture<'a, Result<SecretString, BoxError>> {
        async move {
            match &self.0 {
                Source::Fixed(assertion) => Ok(assertion.clone()),
                Source::File(path) => {
                    let path = Arc::clone(path);
                    // Files may be slow, and this may be the thread of everybody.
                    tokio::task::spawn_blocking(move || {
                        read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
                    })
                    .await?
                }
                Source::Function(function) => function(request.audience).await,
            }
        }
        .boxed()
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(_) => f.write_str("Assertion::fixed(..)"),
            Source::File(path) => f.debug_tuple("Assertion::file").field(path).finish(),
            Source::Function(_) => f.write_str("Assertion::from_fn(..)"),
        }
    }
}

/// The text of a file, without white space around it.
fn read(path: &Path) -> Result<SecretString, BoxError> {
    let file = File::open(path)?;
    // As large as it can become from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST_FILE + 1));
    file.take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LARGEST_FILE {
        return Err("it is larger than any assertion".into());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is no text")?.trim();
    if text.is_empty() {
        return Err("it is empty".into());
    }
    Ok(text.into())
}

/// In bytes.
const LARGEST_FILE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use mcp_auth::secret::ExposeSecret;

    use super::*;

    async fn given(assertion: &Assertion) -> Result<String, BoxError> {
        let request = AssertionRequest::new("client", "https://as.example", SystemTime::now());
        Ok(assertion.assertion(request).await?.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn files_are_read_each_time_without_the_space_around() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let assertion = Assertion::file(&path);
        assert!(given(&assertion).await.unwrap_err().to_string().contains("token"));
        std::fs::write(&path, "first\n").unwrap();
        assert_eq!(given(&assertion).await.unwrap(), "first");
        std::fs::write(&path, " second ").unwrap();
        assert_eq!(given(&assertion).await.unwrap(), "second");
        for nothing in [&b" \n"[..], b"\xff", &[b'x'; LARGEST_FILE + 1]] {
            std::fs::write(&path, nothing).unwrap();
            given(&assertion).await.unwrap_err();
        }
    }

    #[tokio::test]
    async fn functions_are_told_who_it_is_for() {
        let assertion = Assertion::from_fn(|audience| {
            let audience = audience.to_owned();
            async move { Ok(SecretString::from(audience)) }
        });
        assert_eq!(given(&assertion).await.unwrap(), "https://as.example");
    }

    #[test]
    fn debug_output_shows_no_assertion() {
        assert!(!format!("{:?}", Assertion::fixed("secret")).contains("secret"));
    }
}
