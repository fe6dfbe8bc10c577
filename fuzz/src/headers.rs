//! Values of headers, the arguments that they mirror, and the paths below `/.well-known/`.

use mcp_core::http::header::{decode_value, encode_value, plain_value};
use mcp_core::http::mirror::Mirrored;
use mcp_core::http::param::mirrored_params;
use mcp_core::http::well_known::{Place, path_for};
use serde_json::value::RawValue;

/// A value, a schema and arguments, each but the last up to its line feed.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let value = parts.next().unwrap_or_default();
    value_of_header(value);
    if let Ok(text) = str::from_utf8(value) {
        text_in_header(text);
    }
    let mut raw = || {
        let text = str::from_utf8(parts.next()?).ok()?;
        RawValue::from_string(text.to_owned()).ok()
    };
    let (Some(schema), arguments) = (raw(), raw()) else { return };
    mirrored(&schema, arguments.as_deref(), value);
}

fn value_of_header(value: &[u8]) {
    let Ok(decoded) = decode_value(value) else { return };
    let plain = plain_value(value).expect("what is encoded is plain, too");
    assert!(decoded.len() <= plain.len());
    assert_eq!(decode_value(encode_value(&decoded).as_bytes()).as_ref(), Ok(&decoded));
}

fn text_in_header(text: &str) {
    let encoded = encode_value(text);
    assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{encoded:?}");
    assert_eq!(decode_value(encoded.as_bytes()).as_deref(), Ok(text));
    let body = Mirrored { protocol_version: "a", method: "a", name: Some(text) };
    let header = |name: &str| Some(if name == "mcp-name" { encoded.as_bytes() } else { b"a" });
    assert_eq!(body.check(header), Ok(()));
    let path = path_for(text);
    if let Some(Place::Endpoint(endpoint)) = Place::of(&path) {
        assert!(endpoint.starts_with('/'));
    }
}

/// What a client would send passes the check; nothing passes for a different value.
fn mirrored(schema: &RawValue, arguments: Option<&RawValue>, value: &[u8]) {
    let params = match mirrored_params(schema) {
        Ok(params) => params,
        Err(invalid) => return assert!(invalid.to_string().len() < 4096, "{invalid}"),
    };
    for param in params {
        assert!(param.header().bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'));
        let checked = param.check(arguments, |_| Some(value));
        let sent = match param.value(arguments) {
            Ok(sent) => sent,
            Err(_) => return assert!(checked.is_err()),
        };
        let encoded = sent.as_deref().map(encode_value);
        assert_eq!(param.check(arguments, |_| encoded.as_deref().map(str::as_bytes)), Ok(()));
        match &sent {
            Some(sent) => assert!(param.check(arguments, |_| None).is_err(), "{sent:?}"),
            None => assert!(checked.is_err()),
        }
        // Numbers may be written in several ways, text may not.
        if sent.is_some_and(|sent| sent.parse::<f64>().is_err()) && checked.is_ok() {
            assert_eq!(
                Ok(param.value(arguments).ok().flatten().unwrap_or_default()),
                decode_value(value).map(|text| text.into_owned())
            );
        }
    }
}
