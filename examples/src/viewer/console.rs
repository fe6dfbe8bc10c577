//! How something looks on a terminal, and that it stays plain everywhere else.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mcp_client::Progress;

/// What standard output and standard error are.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// Colours for standard output.
    pub out: Paint,
    /// Colours for standard error.
    pub err: Paint,
    /// Whether a bar can be drawn on standard error.
    pub bar: bool,
    /// Whether messages are printed to standard error.
    pub trace: bool,
    /// Whether text for people goes to standard output at all.
    pub quiet: bool,
}

impl Console {
    /// Looks at the streams and the environment; `NO_COLOR` turns colours off (no-color.org).
    pub fn find(trace: bool, quiet: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            out: Paint(out && !plain),
            err: Paint(err && !plain),
            bar: err && !trace,
            trace,
            quiet,
        }
    }

    /// Prints text for people.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.print(text);
        }
    }

    /// Prints to standard output. Whoever closed it does not want to read it.
    pub fn print(&self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// No colours.
    pub const NONE: Self = Self(false);

    /// Whether there are colours.
    pub fn is_on(self) -> bool {
        self.0
    }

    /// What matters most.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters least.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What went well.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What did not.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// Names.
    pub fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Lines whose cells stand below each other.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<(String, Ink)>>,
}

/// How a cell is painted.
#[derive(Debug, Clone, Copy)]
pub enum Ink {
    /// As text.
    Plain,
    /// What matters most.
    Bold,
    /// What matters least.
    Dim,
    /// What went well.
    Good,
    /// What did not.
    Bad,
    /// Names.
    Name,
}

impl Table {
    /// No rows.
    pub fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a row; what comes from a server is made harmless here.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = (T, Ink)>) {
        let cells = cells.into_iter().map(|(text, ink)| (one_line(text.as_ref()), ink));
        self.rows.push(cells.collect());
    }

    /// The lines, each with two blanks before it.
    pub fn render(&self, paint: Paint) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|(text, _)| text.chars().count()).max().unwrap_or_default()
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let last = row.iter().rposition(|(cell, _)| !cell.is_empty()).map_or(0, |at| at + 1);
            for (column, (cell, ink)) in row.iter().take(last).enumerate() {
                text.push_str("  ");
                text.push_str(&ink.paint(paint, cell));
                if column + 1 < last {
                    let gap = widths[column] - cell.chars().count();
                    text.extend(std::iter::repeat_n(' ', gap));
                }
            }
            text.push('\n');
        }
        text
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Ink {
    fn paint(self, paint: Paint, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Bold => paint.bold(text),
            Self::Dim => paint.dim(text),
            Self::Good => paint.green(text),
            Self::Bad => paint.red(text),
            Self::Name => paint.cyan(text),
        }
    }
}

/// How far a job is: a bar on a terminal, a line for each quarter elsewhere.
#[derive(Debug)]
pub struct Bar {
    bar: Option<ProgressBar>,
    name: &'static str,
    quarter: u64,
    quiet: bool,
}

impl Bar {
    /// Nothing is drawn before there is progress.
    pub fn new(console: &Console, name: &'static str) -> Self {
        let bar = console.bar.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("  {prefix} {bar:32.cyan} {pos}/{len} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(name);
            bar
        });
        Self { bar, name, quarter: 0, quiet: console.quiet }
    }

    /// Shows news.
    pub fn show(&mut self, progress: &Progress) {
        let done = progress.done.max(0.0) as u64;
        let total = progress.total.unwrap_or_default().max(0.0) as u64;
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(progress.message.clone().unwrap_or_default());
            }
            None if total > 0 && done * 4 / total > self.quarter && !self.quiet => {
                self.quarter = done * 4 / total;
                eprintln!("  {} {done}/{total}", self.name);
            }
            None => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The text without anything that could move the cursor.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A number of bytes for people.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other_whatever_their_colour() {
        let mut table = Table::new();
        table.row([("×", Ink::Bad), ("one", Ink::Plain), ("", Ink::Plain)]);
        table.row([("long", Ink::Good), ("two\x1b[2J", Ink::Plain), ("three", Ink::Bold)]);
        assert_eq!(table.render(Paint::NONE), "  ×     one\n  long  two\u{fffd}[2J  three\n");
        let coloured = table.render(Paint(true));
        assert!(coloured.starts_with("  \x1b[31m×\x1b[0m     one\n"));
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!([size(9), size(94_798), size(2_000_000)], ["9 bytes", "92 KiB", "1.9 MiB"]);
    }
}
