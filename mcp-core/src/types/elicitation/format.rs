//! The forms of text that a form can ask for.
//!
//! Each check says whether a text has the form, and nothing about what it names: an address may be
//! nobody's.

use super::StringFormat;

/// Whether `text` has this form. Of a form that this library does not know, every text has it.
pub(super) fn fits(format: &StringFormat, text: &str) -> bool {
    match format {
        StringFormat::Email => is_email(text),
        StringFormat::Uri => is_uri(text),
        StringFormat::Date => is_date(text),
        StringFormat::DateTime => is_date_time(text),
        StringFormat::Other(_) => true,
    }
}

/// Something before and after the last `@`, without blanks: as strict as can be without refusing
/// addresses that exist.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain =
        |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    plain(local) && plain(domain) && domain.split('.').all(|label| !label.is_empty())
}

/// A scheme, a colon, and only characters that RFC 3986 allows.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme = scheme.as_bytes();
    let scheme_fits = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    scheme_fits && only_uri_characters(rest.as_bytes())
}

fn only_uri_characters(mut rest: &[u8]) -> bool {
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => match rest.split_first_chunk::<2>() {
                Some((digits, after)) if digits.iter().all(u8::is_ascii_hexdigit) => rest = after,
                _ => return false,
            },
            _ if byte.is_ascii_alphanumeric() => {}
            _ if b"-._~:/?#[]@!$&'()*+,;=".contains(&byte) => {}
            _ => return false,
        }
    }
    true
}

/// `YYYY-MM-DD`, a day that exists.
fn is_date(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else { return false };
    let (Some(year), Some(month), Some(day)) =
        (number(&[y1, y2, y3, y4]), number(&[m1, m2]), number(&[d1, d2]))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// A day, `T`, a time with seconds, and an offset.
fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else { return false };
    let Some(rest) = rest.strip_prefix(['T', 't']) else { return false };
    let Some((time, rest)) = rest.split_at_checked(8) else { return false };
    is_date(date) && is_time(time) && is_offset(after_fraction(rest))
}

/// `hh:mm:ss`, where a leap second is 60.
fn is_time(text: &str) -> bool {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *text.as_bytes() else { return false };
    let within = |digits: [u8; 2], most| number(&digits).is_some_and(|n| n <= most);
    within([h1, h2], 23) && within([m1, m2], 59) && within([s1, s2], 60)
}

/// What follows the fraction of a second, if there is one; of a fraction without digits nothing.
fn after_fraction(text: &str) -> &str {
    match text.strip_prefix('.') {
        None => text,
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if rest.len() < fraction.len() { rest } else { "" }
        }
    }
}

/// `Z`, or a sign and `hh:mm`.
fn is_offset(text: &str) -> bool {
    match *text.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            number(&[h1, h2]).is_some_and(|h| h <= 23) && number(&[m1, m2]).is_some_and(|m| m <= 59)
        }
        _ => false,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &StringFormat, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(fits(format, text), "{format}: {text}");
        }
        for text in bad {
            assert!(!fits(format, text), "{format}: {text}");
        }
    }

    #[test]
    fn email_addresses() {
        check(
            &StringFormat::Email,
            &["a@b", "ada+x@mail.example.com", "\"a@b\"@c.d", "ü@ü.example"],
            &["", "a", "@b", "a@", "a b@c", "a@b..c", "a@.b", "a@b\n"],
        );
    }

    #[test]
    fn uris() {
        check(
            &StringFormat::Uri,
            &["https://a.example/b?c=d#e", "mailto:a@b", "urn:isbn:1", "a+b-c.1:", "x:%20"],
            &["", "a", "://a", "1a:b", "a b:c", "https://a b", "x:%2", "x:%zz", "x:ü", "x:<y>"],
        );
    }

    #[test]
    fn dates() {
        check(
            &StringFormat::Date,
            &["2026-07-28", "2024-02-29", "2000-02-29", "0000-01-01"],
            &[
                "",
                "2026-7-28",
                "2026-13-01",
                "2026-00-01",
                "2025-02-29",
                "1900-02-29",
                "2026-04-31",
                "2026-07-00",
                "+026-07-28",
                "2026-07-28Z",
            ],
        );
    }

    #[test]
    fn moments() {
        check(
            &StringFormat::DateTime,
            &[
                "2026-07-28T12:00:00Z",
                "2026-07-28t23:59:60.123456+05:30",
                "2026-07-28T00:00:00-00:00",
            ],
            &[
                "2026-07-28",
                "2026-07-28T12:00:00",
                "2026-07-28 12:00:00Z",
                "2026-07-28T24:00:00Z",
                "2026-07-28T12:00:00.Z",
                "2026-07-28T12:00Z",
                "2026-07-28T12:00:00+5:30",
                "ü026-07-28T12:00:00Z",
                "2026-07-28Tü:00:00Z",
            ],
        );
    }

    #[test]
    fn unknown_forms_are_not_checked() {
        check(&StringFormat::Other("duration".into()), &["", "x"], &[]);
    }
}
