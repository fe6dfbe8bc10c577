//! Lengths of time as people write them.

use std::time::Duration;

/// Reads `30s`, `500ms`, `1m30s`, `2h`, or plain seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: write for instance 30s, 500ms or 1m30s");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit {
            "ms" => number / 1000.0,
            "" if rest.len() == text.trim().len() && after.is_empty() => number,
            "s" => number,
            "m" | "min" => number * 60.0,
            "h" => number * 3600.0,
            _ => return Err(wrong()),
        };
        let part = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    match total.is_zero() {
        true => Err(format!("`{text}` is no time to wait: give more")),
        false => Ok(total),
    }
}

/// A length of time in a few characters.
pub(crate) fn brief(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_millis() {
        0..1000 => format!("{} ms", time.as_millis()),
        1000..100_000 => format!("{seconds:.1} s"),
        _ => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, milliseconds) in [
            ("30", 30_000),
            ("0.5", 500),
            ("30s", 30_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1m 30s", 90_000),
            ("1.5h", 5_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1s", "1x", "1m30", "0", "0ms", "1e400s", "9999999999999999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_shown_briefly() {
        let shown = [18, 6_100, 150_000].map(|ms| brief(Duration::from_millis(ms)));
        assert_eq!(shown, ["18 ms", "6.1 s", "2 min 30 s"]);
    }
}
