//! What the headers of a request say about media types: `Content-Type`, `Content-Encoding`, `Accept`.

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use super::refusal::Refusal;

/// Checks the headers of a POST: what it brings, and what it takes in return.
///
/// # Errors
/// 415 for a body that is no plain JSON, 406 for a client that does not take both JSON and event
/// streams (2026-07-28, basic/transports/streamable-http, "Sending Messages").
pub(crate) fn check_post(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (types.next(), types.next()) {
        (Some(value), None) => value.to_str().is_ok_and(|value| {
            let essence = value.split(';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case("application/json")
        }),
        _ => false,
    };
    if !is_json {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be JSON: send `Content-Type: application/json`",
        ));
    }
    let encoded = headers.get_all(CONTENT_ENCODING).iter().any(|value| {
        let plain = |name: &str| name.trim_ascii().eq_ignore_ascii_case("identity");
        !value.to_str().is_ok_and(|value| value.split(',').all(plain))
    });
    if encoded {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "compressed bodies are not taken: send the body without Content-Encoding",
        ));
    }
    let takes_both =
        || accepts(headers, "application", "json") && accepts(headers, "text", "event-stream");
    if !accepts_as_usual(headers) && !takes_both() {
        return Err(Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            "an answer is JSON or an event stream: send `Accept: application/json, text/event-stream`",
        ));
    }
    Ok(())
}

/// Checks the headers of a GET, which is answered with an event stream.
///
/// # Errors
/// 406 for a client that takes none (2025-11-25, basic/transports, "Listening for Messages from
/// the Server").
pub(crate) fn check_get(headers: &HeaderMap) -> Result<(), Refusal> {
    if accepts(headers, "text", "event-stream") {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::NOT_ACCEPTABLE,
        "the answer is an event stream: send `Accept: text/event-stream`",
    ))
}

/// Whether `Accept` is what the specification gives as an example and nearly every client sends.
fn accepts_as_usual(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(ACCEPT).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value == "application/json, text/event-stream",
        _ => false,
    }
}

/// Whether `Accept` takes a media type: the most precise range that has it decides (RFC 9110,
/// 12.5.1). Without the header everything is taken.
fn accepts(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    let mut best = None;
    let mut any = false;
    for value in headers.get_all(ACCEPT) {
        any = true;
        let Ok(value) = value.to_str() else { continue };
        for range in value.split(',') {
            let mut parts = range.split(';');
            let Some((main, sub)) = parts.next().and_then(|range| range.split_once('/')) else {
                continue;
            };
            let (main, sub) = (main.trim_ascii(), sub.trim_ascii());
            let precision = match (main, sub) {
                ("*", "*") => 0,
                (main, "*") if main.eq_ignore_ascii_case(kind) => 1,
                (main, sub)
                    if main.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) =>
                {
                    2
                }
                _ => continue,
            };
            let taken = !parts.any(is_zero_quality);
            if best.is_none_or(|(known, _)| known <= precision) {
                best = Some((precision, taken));
            }
        }
    }
    best.map_or(!any, |(_, taken)| taken)
}

/// Whether a parameter is `q=0`, with up to three decimals.
fn is_zero_quality(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let value = value.trim_ascii();
        name.trim_ascii().eq_ignore_ascii_case("q")
            && value.starts_with('0')
            && value.bytes().all(|byte| matches!(byte, b'0' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn post(accept: &'static str) -> Result<(), StatusCode> {
        let headers = headers(&[("content-type", "application/json"), ("accept", accept)]);
        check_post(&headers).map_err(|refusal| refusal.status())
    }

    #[test]
    fn post_must_take_both_kinds_of_answer() {
        for accept in [
            "application/json, text/event-stream",
            "text/event-stream,application/json",
            "Application/JSON;q=0.9 , TEXT/Event-Stream;charset=utf-8",
            "*/*",
            "application/*, text/*;q=0.1",
            "text/html, */*;q=0.8",
            "*/*;q=0, application/json, text/event-stream;q=0.001",
        ] {
            assert_eq!(post(accept), Ok(()), "{accept}");
        }
        for accept in [
            "",
            "application/json",
            "text/event-stream",
            "text/html",
            "application/json, text/event-stream;q=0",
            "application/json, text/event-stream; Q=0.000",
            "*/*, text/event-stream;q=0",
            "*/*;q=0",
            "application/jsonp, text/event-stream",
            "json, stream",
        ] {
            assert_eq!(post(accept), Err(StatusCode::NOT_ACCEPTABLE), "{accept}");
        }
        let both = headers(&[
            ("content-type", "application/json"),
            ("accept", "application/json"),
            ("accept", "text/event-stream"),
        ]);
        assert!(check_post(&both).is_ok());
        assert!(check_post(&headers(&[("content-type", "application/json")])).is_ok());
    }

    #[test]
    fn body_must_be_plain_json() {
        for content in ["application/json", "Application/JSON ; charset=utf-8"] {
            assert!(check_post(&headers(&[("content-type", content)])).is_ok(), "{content}");
        }
        for pairs in [
            &[] as &[_],
            &[("content-type", "text/plain")],
            &[("content-type", "application/jsonp")],
            &[("content-type", "application/json, text/plain")],
            &[("content-type", "application/json"), ("content-type", "application/json")],
            &[("content-type", "application/json"), ("content-encoding", "gzip")],
            &[("content-type", "application/json"), ("content-encoding", "identity, br")],
        ] {
            let refused = check_post(&headers(pairs)).unwrap_err();
            assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{pairs:?}");
        }
        let plain = [("content-type", "application/json"), ("content-encoding", "Identity")];
        assert!(check_post(&headers(&plain)).is_ok());
    }

    #[test]
    fn get_must_take_event_streams() {
        assert!(check_get(&headers(&[("accept", "text/event-stream")])).is_ok());
        assert!(check_get(&headers(&[("accept", "application/json")])).is_err());
    }
}
