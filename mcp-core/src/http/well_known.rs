//! Where the declaration of an endpoint lies below `/.well-known/`.
//!
//! Owns the two forms of the path, for whoever asks ([`path_for`]) and whoever answers
//! ([`Place::of`]). What lies there is read with
//! [`Declaration::parse`](crate::profile::Declaration::parse), which holds the bounds and names
//! entries that are malformed. Does not know hosts, tenants or how a path is fetched.
//!
//! Paths are compared as they stand: nothing is decoded or normalised.

use crate::profile::WELL_KNOWN;

/// The path of the root form, which is for the only endpoint of a host.
pub const ROOT: &str = "/.well-known/mcp-supported-profiles";

/// The path of the form that names an endpoint, for an endpoint at `path`.
///
/// The query of `path` is dropped, and one slash at its end. For an endpoint at `/` there is only
/// the [`ROOT`] form, and this returns it.
///
/// # Examples
/// ```
/// use mcp_core::http::well_known::{ROOT, path_for};
/// assert_eq!(path_for("/mcp/?debug=1"), "/.well-known/mcp-supported-profiles/mcp");
/// assert_eq!(path_for("/"), ROOT);
/// ```
#[must_use]
pub fn path_for(path: &str) -> String {
    format!("{ROOT}{}", endpoint(path))
}

/// What a request for a path of this module asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The only endpoint of the host.
    Root,
    /// The endpoint at this path, which begins with a slash and is not just one.
    Endpoint(&'a str),
}

impl<'a> Place<'a> {
    /// Reads the path of a request; `None` when it is for something else.
    ///
    /// # Examples
    /// ```
    /// use mcp_core::http::well_known::Place;
    /// let path = "/.well-known/mcp-supported-profiles/mcp";
    /// assert_eq!(Place::of(path), Some(Place::Endpoint("/mcp")));
    /// assert_eq!(Place::of("/mcp"), None);
    /// ```
    #[must_use]
    pub fn of(path: &'a str) -> Option<Self> {
        match endpoint(path.strip_prefix(ROOT)?) {
            "" => Some(Self::Root),
            // Two slashes, which no endpoint gives.
            "/" => None,
            path if path.starts_with('/') => Some(Self::Endpoint(path)),
            _ => None,
        }
    }
}

/// A path without its query and without one slash at its end.
fn endpoint(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.strip_suffix('/').unwrap_or(path)
}

const _: () = assert!(ROOT.len() == "/.well-known/".len() + WELL_KNOWN.len());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_stands_behind_the_root_form() {
        for (endpoint, behind) in [
            ("/mcp", "/mcp"),
            ("/mcp/", "/mcp"),
            ("/mcp//", "/mcp/"),
            ("/mcp?a=/b/", "/mcp"),
            ("/mcp/?a", "/mcp"),
            ("/a/b%2Fc", "/a/b%2Fc"),
            ("/mcp#x", "/mcp"),
            ("/", ""),
            ("/?a", ""),
            ("", ""),
        ] {
            assert_eq!(path_for(endpoint), format!("{ROOT}{behind}"), "{endpoint}");
        }
        assert_eq!(ROOT, format!("/.well-known/{WELL_KNOWN}"));
    }

    #[test]
    fn request_says_which_endpoint_it_is_about() {
        let of = |behind: &str| Place::of(&format!("{ROOT}{behind}")).map(|p| format!("{p:?}"));
        for (behind, place) in [
            ("", "Root"),
            ("/", "Root"),
            ("?x", "Root"),
            ("/mcp", "Endpoint(\"/mcp\")"),
            ("/mcp/?x", "Endpoint(\"/mcp\")"),
            ("/a/b", "Endpoint(\"/a/b\")"),
            ("//mcp", "Endpoint(\"//mcp\")"),
        ] {
            assert_eq!(of(behind).as_deref(), Some(place), "{behind}");
        }
        assert_eq!(of("-old"), None);
        assert_eq!(of("//"), None);
        assert_eq!(Place::of("/.well-known"), None);
        assert_eq!(Place::of(""), None);
    }

    #[test]
    fn both_sides_agree_on_the_place() {
        for endpoint in ["/mcp", "/a/b/", "/t/mcp?x"] {
            let path = path_for(endpoint);
            let Some(Place::Endpoint(found)) = Place::of(&path) else { panic!("{path}") };
            assert_eq!(path_for(found), path);
        }
    }
}
