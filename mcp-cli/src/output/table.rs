//! Lines whose cells stand below each other.

use console::measure_text_width;

use super::paint::{Ink, Paint};
use super::plain;

/// Lines whose cells stand below each other.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<(String, Ink)>>,
    indent: usize,
    gap: usize,
}

impl Table {
    /// No rows yet; columns are two blanks apart.
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), indent: 0, gap: 2 }
    }

    /// Puts blanks before each line.
    pub(crate) fn indented(mut self, blanks: usize) -> Self {
        self.indent = blanks;
        self
    }

    /// Sets how many blanks are between columns.
    pub(crate) fn apart(mut self, blanks: usize) -> Self {
        self.gap = blanks;
        self
    }

    /// Adds a row; what comes from a server is made harmless here.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = (T, Ink)>) {
        let cells = cells.into_iter().map(|(text, ink)| (plain::one_line(text.as_ref()), ink));
        self.rows.push(cells.collect());
    }

    /// The lines. The last cell of a line is cut where `width` ends, unless that leaves too little.
    pub(crate) fn render(&self, paint: Paint, width: Option<usize>) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|(text, _)| measure_text_width(text)).max().unwrap_or_default()
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let last = row.iter().rposition(|(cell, _)| !cell.is_empty());
            let mut at = self.indent;
            text.extend(std::iter::repeat_n(' ', self.indent));
            for (column, (cell, ink)) in row.iter().enumerate() {
                match last {
                    Some(last) if column < last => {
                        text.push_str(&paint.paint(*ink, cell));
                        let blanks = widths[column] - measure_text_width(cell) + self.gap;
                        text.extend(std::iter::repeat_n(' ', blanks));
                        at += widths[column] + self.gap;
                    }
                    Some(last) if column == last => {
                        let room =
                            width.map_or(usize::MAX, |width| width.saturating_sub(at).max(LEAST));
                        text.push_str(&paint.paint(*ink, &cut(cell, room)));
                    }
                    _ => {}
                }
            }
            text.push('\n');
        }
        text
    }
}

/// At most so many columns of a text.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if measure_text_width(text) <= columns {
        return text.to_owned();
    }
    console::truncate_str(text, columns, "…").into_owned()
}

/// What is shown of the last cell even if the line is broken by the terminal then.
const LEAST: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other_whatever_their_colour_and_script() {
        let mut table = Table::new().indented(2);
        table.row([("×", Ink::Bad), ("one", Ink::Plain), ("", Ink::Plain)]);
        table.row([("日本", Ink::Good), ("two\x1b[2J", Ink::Plain), ("three", Ink::Bold)]);
        let expected = "  ×     one\n  日本  two\\u{1b}[2J  three\n";
        assert_eq!(table.render(Paint::NONE, None), expected);
    }

    #[test]
    fn the_last_cell_ends_where_the_terminal_ends() {
        let mut table = Table::new();
        table.row([("name", Ink::Name), ("a description that goes on and on", Ink::Plain)]);
        let text = table.render(Paint::NONE, Some(32));
        assert_eq!(text, "name  a description that goes o…\n");
    }
}
