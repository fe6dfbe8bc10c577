//! How numbers are written that the schema calls `number`.
//!
//! A whole number is written without a fraction, as the peers' languages do. What JSON cannot
//! express (infinite, not a number) is an error and never becomes `null`.

use serde::{Serializer, ser::Error};
use serde_json::Value;

/// The bound below which every whole `f64` has an exact integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if !value.is_finite() {
        return Err(S::Error::custom(format_args!(
            "{value} has no form in JSON, use a finite number"
        )));
    }
    if value.fract() == 0.0 && value.abs() < EXACT {
        // The cast is exact: the value is whole and within the bound.
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

pub(super) fn serialize_option<S: Serializer>(
    value: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serialize(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// The number as a JSON value; what JSON cannot express becomes `null`.
pub(super) fn to_value(value: f64) -> Value {
    serialize(&value, serde_json::value::Serializer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::serialize;

    fn text(value: f64) -> Result<String, serde_json::Error> {
        let mut out = Vec::new();
        serialize(&value, &mut serde_json::Serializer::new(&mut out))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn whole_numbers_are_written_without_a_fraction() {
        assert_eq!(text(50.0).unwrap(), "50");
        assert_eq!(text(-3.0).unwrap(), "-3");
        assert_eq!(text(0.7).unwrap(), "0.7");
        assert_eq!(text(1e300).unwrap(), "1e+300");
    }

    #[test]
    fn what_json_cannot_express_is_an_error() {
        assert!(text(f64::NAN).unwrap_err().to_string().contains("finite"));
        assert!(text(f64::INFINITY).is_err());
    }
}
