//! Whether the headers of a modern request say what its body says.
//!
//! Owns the comparison that a server makes before anything runs, so that what routes on headers and
//! what acts on the body see the same request. Does not know where headers are kept: a closure
//! returns the values that a header has. Nor does it know which versions, methods and tools exist;
//! a header without counterpart in the body goes unread, save those of mirrored parameters.
//!
//! Rules: 2026-07-28, basic/transports/streamable-http, "Server Validation".

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::header::{
    InvalidHeaderValue, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, decode_value, plain_value,
};
use super::param::{InvalidArgument, MirroredParam};
use crate::jsonrpc::{ErrorCode, ErrorObject, shown};

/// What the body of a request says that its headers must repeat.
#[derive(Debug, Clone, Copy)]
pub struct Mirrored<'a> {
    /// The version in `_meta`.
    pub protocol_version: &'a str,
    /// The method.
    pub method: &'a str,
    /// What [`name_member`](super::header::name_member) of the method names in `params`, if it is
    /// there. Where it is not, the header is not looked at: the parameters are at fault.
    pub name: Option<&'a str>,
}

impl Mirrored<'_> {
    /// Compares the headers that every request has with the body.
    ///
    /// `values` returns all values of a header, whose name it gets in lower case.
    ///
    /// # Errors
    /// For the first header that is missing, malformed, there with different values, or different
    /// from the body. It is answered with status 400.
    ///
    /// # Examples
    /// ```
    /// use mcp_core::http::mirror::Mirrored;
    ///
    /// let headers = [
    ///     ("mcp-protocol-version", "2026-07-28"),
    ///     ("mcp-method", "tools/call"),
    ///     ("mcp-name", "=?base64?ZWNobw==?="),
    /// ];
    /// let values = |name: &str| {
    ///     let of_name = headers.iter().filter(move |(known, _)| *known == name);
    ///     of_name.map(|(_, value)| value.as_bytes()).collect::<Vec<_>>()
    /// };
    /// let mut body =
    ///     Mirrored { protocol_version: "2026-07-28", method: "tools/call", name: Some("echo") };
    /// body.check(values)?;
    /// body.name = Some("delete_everything");
    /// assert!(body.check(values).is_err());
    /// # Ok::<(), mcp_core::http::mirror::HeaderMismatch>(())
    /// ```
    pub fn check<'h, I>(&self, values: impl Fn(&str) -> I) -> Result<(), HeaderMismatch>
    where
        I: IntoIterator<Item = &'h [u8]>,
    {
        let plain = |value| plain_value(value).map(Cow::Borrowed);
        let compare = |name, expected, read: &dyn Fn(&'h [u8]) -> Read<'h>| {
            let found = only(name, values(name), read)?;
            let found = found.ok_or_else(|| missing(name, expected))?;
            if found == expected { Ok(()) } else { Err(different(name, &found, expected)) }
        };
        compare(MCP_PROTOCOL_VERSION, self.protocol_version, &plain)?;
        compare(MCP_METHOD, self.method, &plain)?;
        self.name.map_or(Ok(()), |expected| compare(MCP_NAME, expected, &decode_value))
    }
}

impl MirroredParam {
    /// Compares the header of a parameter with the arguments of a call.
    ///
    /// Whole numbers are compared as numbers, all else exactly. A header without an argument, or
    /// with one that is `null`, is a mismatch too: something may have been routed by it.
    ///
    /// # Errors
    /// As [`Mirrored::check`]; also when the argument has no form in a header.
    pub fn check<'h, I>(
        &self,
        arguments: Option<&RawValue>,
        values: impl Fn(&str) -> I,
    ) -> Result<(), HeaderMismatch>
    where
        I: IntoIterator<Item = &'h [u8]>,
    {
        let name = self.header();
        let found = only(name, values(name), &decode_value)?;
        match (self.argument(arguments)?, found) {
            (None, None) => Ok(()),
            (Some(argument), Some(text)) if argument.is_said_by(&text) => Ok(()),
            (Some(argument), Some(text)) => Err(different(name, &text, &argument.to_string())),
            (Some(argument), None) => Err(missing(name, &argument.to_string())),
            (None, Some(_)) => {
                let (header, path) = (shown(name).into_owned(), self.to_string());
                Err(HeaderMismatch::Unexpected { header, path })
            }
        }
    }
}

/// A header that does not say what the body says; [`ErrorObject`] has a `From` for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderMismatch {
    /// It is missing.
    #[error("header mismatch: `{header}` is missing, the body says `{expected}`")]
    Missing {
        /// Its name.
        header: String,
        /// What the body says.
        expected: String,
    },
    /// It says something else.
    #[error("header mismatch: `{header}` says `{found}`, the body says `{expected}`")]
    Different {
        /// Its name.
        header: String,
        /// What it says.
        found: String,
        /// What the body says.
        expected: String,
    },
    /// It is there several times and says different things.
    #[error("header mismatch: `{header}` is there with different values, send it once")]
    Repeated {
        /// Its name.
        header: String,
    },
    /// Its value cannot be read.
    #[error("header mismatch: `{header}` cannot be read: {problem}")]
    Malformed {
        /// Its name.
        header: String,
        /// What is wrong with it.
        problem: InvalidHeaderValue,
    },
    /// It is there and the argument that it mirrors is not.
    #[error("header mismatch: `{header}` is there, but there is no argument `{path}` in the body")]
    Unexpected {
        /// Its name.
        header: String,
        /// The path of the argument.
        path: String,
    },
    /// The argument that it mirrors has no form in a header.
    #[error("header mismatch: {0}")]
    Argument(#[from] InvalidArgument),
}

impl From<HeaderMismatch> for ErrorObject {
    fn from(mismatch: HeaderMismatch) -> Self {
        Self::new(ErrorCode::HEADER_MISMATCH, mismatch.to_string())
    }
}

type Read<'h> = Result<Cow<'h, str>, InvalidHeaderValue>;

/// The value of a header, if it has one; all of them must say the same.
fn only<'h>(
    name: &str,
    values: impl IntoIterator<Item = &'h [u8]>,
    read: &dyn Fn(&'h [u8]) -> Read<'h>,
) -> Result<Option<Cow<'h, str>>, HeaderMismatch> {
    let header = || shown(name).into_owned();
    let mut found = None;
    for value in values {
        let value = read(value)
            .map_err(|problem| HeaderMismatch::Malformed { header: header(), problem })?;
        match &found {
            Some(first) if *first != value => {
                return Err(HeaderMismatch::Repeated { header: header() });
            }
            _ => found = Some(value),
        }
    }
    Ok(found)
}

fn missing(header: &str, expected: &str) -> HeaderMismatch {
    let (header, expected) = (shown(header).into_owned(), shown(expected).into_owned());
    HeaderMismatch::Missing { header, expected }
}

fn different(header: &str, found: &str, expected: &str) -> HeaderMismatch {
    HeaderMismatch::Different {
        header: shown(header).into_owned(),
        found: shown(found).into_owned(),
        expected: shown(expected).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::param::mirrored_params;
    use super::*;

    type Headers = Vec<(&'static str, &'static str)>;

    fn values<'h>(headers: &'h [(&'static str, &'static str)]) -> impl Fn(&str) -> Vec<&'h [u8]> {
        |name| {
            let of_name = headers.iter().filter(|(known, _)| *known == name);
            of_name.map(|(_, value)| value.as_bytes()).collect()
        }
    }

    const CALL: Mirrored<'static> =
        Mirrored { protocol_version: "2026-07-28", method: "tools/call", name: Some("écho") };

    const NAME: &str = "=?base64?w6ljaG8=?=";

    fn of_call(name: &'static str) -> Headers {
        vec![(MCP_PROTOCOL_VERSION, "2026-07-28"), (MCP_METHOD, "tools/call"), (MCP_NAME, name)]
    }

    fn problem(body: Mirrored<'_>, headers: &Headers) -> String {
        body.check(values(headers)).unwrap_err().to_string()
    }

    fn checked(headers: &[(&'static str, &'static str)], arguments: &str) -> Result<(), String> {
        let schema = r#"{"properties":{"a":{"type":"integer","x-mcp-header":"A"}}}"#;
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let param = mirrored_params(&raw(schema)).unwrap().remove(0);
        let checked = param.check(Some(&raw(arguments)), values(headers));
        checked.map_err(|mismatch| mismatch.to_string())
    }

    #[test]
    fn headers_that_repeat_the_body_pass() {
        assert_eq!(CALL.check(values(&of_call(NAME))), Ok(()));
        let list = Mirrored { method: "tools/list", name: None, ..CALL };
        let headers = vec![
            (MCP_PROTOCOL_VERSION, " 2026-07-28"),
            (MCP_METHOD, "tools/list\t"),
            (MCP_METHOD, "tools/list"),
            (MCP_NAME, "of no request"),
        ];
        assert_eq!(list.check(values(&headers)), Ok(()));
    }

    #[test]
    fn missing_headers_are_named_in_order() {
        let mut headers = of_call(NAME);
        headers.pop();
        assert_eq!(
            problem(CALL, &headers),
            "header mismatch: `mcp-name` is missing, the body says `écho`"
        );
        headers.pop();
        assert!(problem(CALL, &headers).contains("`mcp-method` is missing"));
        headers.pop();
        assert!(problem(CALL, &headers).contains("`mcp-protocol-version` is missing"));
    }

    #[test]
    fn differences_are_told_with_both_values() {
        assert_eq!(
            problem(CALL, &of_call("=?base64?RWNobw==?=")),
            "header mismatch: `mcp-name` says `Echo`, the body says `écho`"
        );
        let call = Mirrored { method: "TOOLS/CALL", ..CALL };
        assert!(problem(call, &of_call(NAME)).contains("says `tools/call`, the body says `TOOLS"));
        let call = Mirrored { protocol_version: "2025-11-25", ..CALL };
        assert!(problem(call, &of_call(NAME)).contains("`mcp-protocol-version` says `2026-07-28`"));
    }

    #[test]
    fn malformed_and_contradictory_headers_are_mismatches() {
        assert!(problem(CALL, &of_call("=?base64?w6ljaG8?=")).contains("Base64"));
        assert!(problem(CALL, &of_call("écho")).contains("byte 0xc3 at 0"));
        let mut headers = of_call(NAME);
        headers.push((MCP_NAME, "other"));
        assert_eq!(
            problem(CALL, &headers),
            "header mismatch: `mcp-name` is there with different values, send it once"
        );
        // Only names and arguments are ever encoded.
        let headers =
            vec![(MCP_PROTOCOL_VERSION, "2026-07-28"), (MCP_METHOD, "=?base64?cGluZw==?=")];
        assert!(problem(Mirrored { method: "ping", ..CALL }, &headers).contains("says `=?base64?"));
    }

    #[test]
    fn error_has_the_code_of_the_specification_and_stays_short() {
        let long = "x".repeat(100_000);
        let call = Mirrored { name: Some(&long), ..CALL };
        let error = ErrorObject::from(call.check(values(&of_call(NAME))).unwrap_err());
        assert_eq!(error.code, ErrorCode(-32020));
        assert!(error.message.len() < 300);
    }

    #[test]
    fn arguments_are_compared_with_their_headers() {
        let header = |value| [("mcp-param-a", value)];
        assert_eq!(checked(&header("42.0"), r#"{"a":42}"#), Ok(()));
        assert_eq!(checked(&header("=?base64?NDI=?="), r#"{"a":42}"#), Ok(()));
        assert_eq!(checked(&header("abc"), r#"{"a":"abc"}"#), Ok(()), "not ours to refuse");
        assert_eq!(checked(&[], r#"{"a":null}"#), Ok(()));
        assert_eq!(checked(&[], "{}"), Ok(()));
        assert_eq!(checked(&[("mcp-param-b", "1")], "{}"), Ok(()), "no header of this tool");
        for (headers, arguments, says) in [
            (&[][..], r#"{"a":42}"#, "`mcp-param-a` is missing, the body says `42`"),
            (&header("43"), r#"{"a":42}"#, "`mcp-param-a` says `43`, the body says `42`"),
            (&header("42"), "{}", "`mcp-param-a` is there, but there is no argument `a`"),
            (&header("42"), r#"{"a":null}"#, "there is no argument `a`"),
            (&header("\u{e9}"), r#"{"a":42}"#, "`mcp-param-a` cannot be read"),
            (&header("42"), r#"{"a":[42]}"#, "argument `a` cannot be mirrored"),
        ] {
            let problem = checked(headers, arguments).unwrap_err();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
