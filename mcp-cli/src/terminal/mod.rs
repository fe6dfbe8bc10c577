//! Asking the person at the terminal, or answering for them.
//!
//! What a server asks is shown in full, made harmless, and answered only by a person or by what
//! `--answer` says. Where there is neither, the answer is no.

mod dialog;
mod field;
mod form;

use std::sync::Arc;

use mcp_core::types::{
    ElicitAction, ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult,
};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::failure::Failure;
use crate::output::paint::{Ink, Paint};
use crate::output::plain;
use crate::output::printer::Printer;
use crate::output::progress::Screen;
use dialog::{Dialog, Terminal};

/// Who answers what a server asks.
#[derive(Debug)]
pub(crate) struct Asker {
    answers: Answers,
    printer: Printer,
    paint: Paint,
    screen: Screen,
}

#[derive(Debug)]
enum Answers {
    /// The person at the terminal, one question at a time.
    Person(Mutex<Terminal>),
    /// What the command line says.
    Given(Given),
    /// Nobody.
    Nobody,
}

/// What `--answer` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    /// These fields of any form.
    Fields(Map<String, Value>),
    /// No.
    Decline,
    /// Nothing: the question is taken away.
    Cancel,
}

impl Given {
    /// Reads `--answer`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        match text.trim() {
            "decline" => return Ok(Self::Decline),
            "cancel" => return Ok(Self::Cancel),
            _ => {}
        }
        let fields = serde_json::from_str(text).map_err(|error| {
            Failure::Usage(format!(
                "--answer is neither a JSON object nor `decline` nor `cancel`: {error}"
            ))
        })?;
        Ok(Self::Fields(fields))
    }
}

impl Asker {
    /// Chooses who answers: what was given, else the person, if there is one.
    pub(crate) fn new(
        given: Option<Given>,
        asks: bool,
        printer: &Printer,
        paint: Paint,
        screen: &Screen,
    ) -> Arc<Self> {
        let answers = match given {
            Some(given) => Answers::Given(given),
            None if asks => Answers::Person(Mutex::new(Terminal::new(printer.clone()))),
            None => Answers::Nobody,
        };
        let (printer, screen) = (printer.clone(), screen.clone());
        Arc::new(Self { answers, printer, paint, screen })
    }

    /// Fills in a form.
    pub(crate) async fn form(self: Arc<Self>, form: ElicitRequestFormParams) -> ElicitResult {
        match &self.answers {
            Answers::Person(terminal) => {
                let mut terminal = terminal.lock().await;
                let hidden = self.screen.hide();
                let result = form::fill(&mut *terminal, &form, self.paint).await;
                drop(hidden);
                result
            }
            Answers::Given(Given::Fields(fields)) => self.given(fields, &form),
            Answers::Given(Given::Decline) => ElicitResult::decline(),
            Answers::Given(Given::Cancel) => ElicitResult::cancel(),
            Answers::Nobody => {
                self.say_declined(&form.message);
                ElicitResult::decline()
            }
        }
    }

    /// Shows an address, and asks whether to go there.
    pub(crate) async fn url(self: Arc<Self>, url: ElicitRequestURLParams) -> ElicitAction {
        match &self.answers {
            Answers::Person(terminal) => {
                let mut terminal = terminal.lock().await;
                let hidden = self.screen.hide();
                let action = visit(&mut *terminal, &url, self.paint).await;
                drop(hidden);
                action
            }
            Answers::Given(Given::Cancel) => ElicitAction::Cancel,
            Answers::Given(_) | Answers::Nobody => {
                self.say_declined(&format!("{} ({})", url.message, url.url));
                ElicitAction::Decline
            }
        }
    }

    /// Of what was given, the part that the form asks for, with its defaults.
    fn given(&self, fields: &Map<String, Value>, form: &ElicitRequestFormParams) -> ElicitResult {
        let schema = &form.requested_schema;
        let asked = fields.iter().filter(|(name, _)| schema.property(name).is_some());
        let mut content: Map<String, Value> =
            asked.map(|(name, value)| (name.clone(), value.clone())).collect();
        schema.fill_defaults(&mut content);
        match schema.validate(&content) {
            Ok(()) => ElicitResult::accept(content),
            Err(problem) => {
                let warning = self.paint.paint(Ink::Warning, "warning:");
                let problem = plain::one_line(&problem.to_string());
                self.printer.err(format!("{warning} --answer does not fit the form: {problem}\n"));
                ElicitResult::cancel()
            }
        }
    }

    fn say_declined(&self, message: &str) {
        let message = plain::one_line(message);
        self.printer.err(format!(
            "the server asked: {message}\ndeclined, because nobody can be asked here; forms can be \
             answered with --answer\n"
        ));
    }
}

/// Shows an address in full and asks whether the person has gone, or will go, there.
async fn visit(
    dialog: &mut impl Dialog,
    url: &ElicitRequestURLParams,
    paint: Paint,
) -> ElicitAction {
    let message = plain::lines(&url.message);
    let address = plain::one_line(&url.url);
    let web = ["https://", "http://"].iter().any(|scheme| url.url.starts_with(scheme));
    dialog.say(&format!("{}\n", paint.paint(Ink::Bold, &message)));
    dialog.say(&format!("  {}\n", paint.paint(Ink::Name, &address)));
    if !web {
        dialog.say("  this is no web address: look twice\n");
    }
    loop {
        let question = "Open it in your browser if you trust it. Did you? [y, n to decline] ";
        let Some(line) = dialog.ask(question).await else { return ElicitAction::Cancel };
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return ElicitAction::Accept,
            "" | "n" | "no" | "!decline" => return ElicitAction::Decline,
            "!cancel" => return ElicitAction::Cancel,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::dialog::Script;
    use super::*;

    #[test]
    fn answers_are_an_object_or_a_word() {
        assert_eq!(Given::parse("decline").unwrap(), Given::Decline);
        assert_eq!(Given::parse(" cancel ").unwrap(), Given::Cancel);
        assert!(matches!(Given::parse("{\"a\":1}").unwrap(), Given::Fields(_)));
        assert!(Given::parse("[1]").is_err() && Given::parse("yes").is_err());
    }

    #[tokio::test]
    async fn an_address_is_shown_in_full_and_only_a_yes_is_a_yes() {
        let url = ElicitRequestURLParams::new("Sign in\u{1b}[2J", "https://example.com/a?b=c");
        for (line, action) in [
            (Some("y"), ElicitAction::Accept),
            (Some("n"), ElicitAction::Decline),
            (Some(""), ElicitAction::Decline),
            (None, ElicitAction::Cancel),
        ] {
            let mut script = Script::new(line);
            assert_eq!(visit(&mut script, &url, Paint::NONE).await, action);
            assert!(script.shown.contains("https://example.com/a?b=c"));
            assert!(!script.shown.contains('\u{1b}'));
        }
        let file = ElicitRequestURLParams::new("Look", "file:///etc/passwd");
        let mut script = Script::new(["maybe", "n"]);
        assert_eq!(visit(&mut script, &file, Paint::NONE).await, ElicitAction::Decline);
        assert!(script.shown.contains("no web address"));
    }
}
