//! The lines in which two texts differ.

/// The difference of two texts for people: `-` stands before what was expected, `+` before what
/// came, and unchanged lines are shown only near changes. Empty when there is none.
pub(crate) fn lines(expected: &str, got: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let longest = old.len().min(new.len()) - start;
    let pairs = old[start..].iter().rev().zip(new[start..].iter().rev()).take(longest);
    let end = pairs.take_while(|(old, new)| old == new).count();
    let (old_middle, new_middle) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    if old_middle.is_empty() && new_middle.is_empty() {
        return String::new();
    }
    let same = |lines: &[&'_ str]| -> Vec<(char, String)> {
        lines.iter().map(|line| (' ', (*line).to_owned())).collect()
    };
    let mut all = same(&old[..start]);
    all.extend(changes(old_middle, new_middle));
    all.extend(same(&old[old.len() - end..]));
    shown(&all)
}

/// What leads from one middle to the other.
fn changes(old: &[&str], new: &[&str]) -> Vec<(char, String)> {
    let mut out = Vec::new();
    // Texts that are too long for a table are exchanged as a whole.
    let (mut i, mut j) = (0, 0);
    if old.len().saturating_mul(new.len()) <= TABLE {
        let longest = common(old, new);
        while i < old.len() && j < new.len() {
            if old[i] == new[j] {
                out.push((' ', old[i].to_owned()));
                (i, j) = (i + 1, j + 1);
            } else if longest[i + 1][j] >= longest[i][j + 1] {
                out.push(('-', old[i].to_owned()));
                i += 1;
            } else {
                out.push(('+', new[j].to_owned()));
                j += 1;
            }
        }
    }
    out.extend(old[i..].iter().map(|line| ('-', (*line).to_owned())));
    out.extend(new[j..].iter().map(|line| ('+', (*line).to_owned())));
    out
}

/// How many lines two texts have in common in the same order, from each pair of places on.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut longest = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i][j] = match old[i] == new[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    longest
}

fn shown(lines: &[(char, String)]) -> String {
    let near = |at: usize| {
        let around = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(lines.len());
        lines[around].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut out = String::new();
    let mut skipped = false;
    for (at, (mark, line)) in lines.iter().enumerate() {
        if near(at) {
            out.push_str(&format!("{mark} {}\n", cut(line)));
            skipped = false;
        } else if !skipped {
            out.push_str("  …\n");
            skipped = true;
        }
    }
    out
}

/// A line that a terminal can show.
pub(crate) fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &line[..end], line.len()),
    }
}

/// How many unchanged lines are shown before and after a change.
const CONTEXT: usize = 2;
/// How many characters of a line are shown.
const WIDTH: usize = 1_000;
/// How large a table may become.
const TABLE: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_do_not_differ() {
        assert_eq!(lines("a\nb\n", "a\nb"), "");
        assert_eq!(lines("", ""), "");
    }

    #[test]
    fn changes_are_shown_with_what_is_around_them() {
        let expected = "1\n2\n3\n4\nold\n5\n6\n7\n8";
        let got = "1\n2\n3\n4\nnew\n5\n6\n7\n8\n9";
        let shown = "  …\n  3\n  4\n- old\n+ new\n  5\n  6\n  7\n  8\n+ 9\n";
        assert_eq!(lines(expected, got), shown);
    }

    #[test]
    fn a_line_more_or_less_is_one_change() {
        assert_eq!(lines("a\nb\nc", "a\nc"), "  a\n- b\n  c\n");
        assert_eq!(lines("a\nc", "a\nb\nc"), "  a\n+ b\n  c\n");
        assert_eq!(lines("a\na", "a"), "  a\n- a\n");
        assert_eq!(lines("", "a"), "+ a\n");
    }
}
