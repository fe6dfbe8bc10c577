//! Lines to and from a person.

use std::io::BufRead;
use std::thread;

use tokio::sync::oneshot;

use crate::output::printer::Printer;

/// Someone who can be asked.
pub(crate) trait Dialog {
    /// Shows text, which has to be harmless.
    fn say(&mut self, text: &str);

    /// Asks for a line; `None` when there will be none.
    async fn ask(&mut self, question: &str) -> Option<String>;
}

/// The person at the terminal: asked on standard error, heard on standard input.
#[derive(Debug)]
pub(crate) struct Terminal {
    printer: Printer,
    /// A line that is being read: reading cannot be stopped, so the next question gets it.
    reading: Option<oneshot::Receiver<Option<String>>>,
}

impl Terminal {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer, reading: None }
    }
}

impl Dialog for Terminal {
    fn say(&mut self, text: &str) {
        self.printer.err(text);
    }

    async fn ask(&mut self, question: &str) -> Option<String> {
        self.printer.err(question);
        self.printer.flush().await;
        let reading = self.reading.get_or_insert_with(read_line);
        let line = reading.await.ok().flatten();
        self.reading = None;
        line
    }
}

/// Reads a line on a thread of its own, which nobody has to wait for.
fn read_line() -> oneshot::Receiver<Option<String>> {
    let (tell, line) = oneshot::channel();
    let read = move || {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_line(&mut text);
        let _ = tell.send(read.ok().filter(|length| *length > 0).map(|_| text));
    };
    // Without a thread the sender is dropped, and there is no line.
    drop(thread::Builder::new().name("stdin".into()).spawn(read));
    line
}

/// Somebody whose lines are known beforehand.
#[cfg(test)]
pub(crate) struct Script {
    lines: std::collections::VecDeque<String>,
    /// Everything that was shown.
    pub(crate) shown: String,
}

#[cfg(test)]
impl Script {
    pub(crate) fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let lines = lines.into_iter().map(str::to_owned).collect();
        Self { lines, shown: String::new() }
    }
}

#[cfg(test)]
impl Dialog for Script {
    fn say(&mut self, text: &str) {
        self.shown.push_str(text);
    }

    async fn ask(&mut self, question: &str) -> Option<String> {
        self.shown.push_str(question);
        self.lines.pop_front()
    }
}
