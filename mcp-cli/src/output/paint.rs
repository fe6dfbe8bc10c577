//! Colours, or none.

use std::io::IsTerminal;

use crate::cli::ColorChoice;

/// Colours for one stream, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

/// How a piece of text is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
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
    /// What may not have.
    Warning,
    /// Names.
    Name,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(false);

    /// Colours for a stream as chosen; `NO_COLOR` turns them off (no-color.org).
    pub(crate) fn choose(choice: ColorChoice, stream: &impl IsTerminal) -> Self {
        Self(match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
                stream.is_terminal()
                    && set("NO_COLOR").is_none()
                    && set("TERM").is_none_or(|term| term != "dumb")
            }
        })
    }

    /// The text in a colour. It has to be harmless already.
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "32",
            Ink::Bad => "31",
            Ink::Warning => "33",
            Ink::Name => "36",
        };
        match self.0 && !text.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_used_only_where_they_are_wanted() {
        let nowhere = tempfile::tempfile().unwrap();
        let auto = Paint::choose(ColorChoice::Auto, &nowhere);
        assert_eq!(auto.paint(Ink::Bad, "x"), "x");
        let always = Paint::choose(ColorChoice::Always, &nowhere);
        assert_eq!(always.paint(Ink::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(always.paint(Ink::Plain, "x"), "x");
    }
}
