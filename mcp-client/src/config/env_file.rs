//! Files of environment variables (`envFile`), a `NAME=value` on each line.
//!
//! Comments, `export` and quotes are understood as most tools do. Nothing in a value is expanded.

/// The variables of a file in their order, or the number of the line that is none.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut variables = Vec::new();
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or(at + 1)?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(at + 1);
        }
        variables.push((name.to_owned(), unquoted(value.trim()).ok_or(at + 1)?));
    }
    Ok(variables)
}

/// A value without its quotes and the comment behind it; `None` where a quote is not closed.
fn unquoted(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        return rest.split_once('\'').map(|(value, _)| value.to_owned());
    }
    let Some(rest) = value.strip_prefix('"') else {
        let end = value.find(" #").unwrap_or(value.len());
        return Some(value[..end].trim_end().to_owned());
    };
    let mut unquoted = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(unquoted),
            '\\' => match characters.next()? {
                'n' => unquoted.push('\n'),
                't' => unquoted.push('\t'),
                other => unquoted.push(other),
            },
            other => unquoted.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_variables() {
        let text = "\u{feff}# keys\n\nA=1\nexport B = two words # why\nC='a # $B'\nD=\"x\\n\\\"y\\\"\" # z\r\nE=\n\
                    F=a=b#c\n";
        let variables = parse(text).unwrap();
        let shown: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a # $B"),
            ("D", "x\n\"y\""),
            ("E", ""),
            ("F", "a=b#c"),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_line_that_is_no_variable_is_named() {
        for text in ["A=1\nB", "\n=2", "x\nA B=1", "\nA=\"open", "\nA='open"] {
            assert!(parse(text).is_err_and(|line| line <= 2), "{text}");
        }
    }
}
