//! Messages as they travel, for `--verbose`.

use mcp_client::{Direction, Traced};

use super::paint::{Ink, Paint};
use super::plain;
use super::printer::Printer;

/// Prints a message in one line.
pub(crate) fn show(message: Traced<'_>, paint: Paint, printer: &Printer) {
    let arrow = match message.direction {
        Direction::Sent => paint.paint(Ink::Name, "→"),
        Direction::Received => paint.paint(Ink::Good, "←"),
    };
    let head = &message.bytes[..message.bytes.len().min(LONGEST)];
    let mut line = format!("{arrow} {}", plain::one_line(&String::from_utf8_lossy(head)));
    if message.length > head.len() {
        let rest = format!(" … {} bytes", message.length);
        line.push_str(&paint.paint(Ink::Dim, &rest));
    }
    line.push('\n');
    printer.trace(line);
}

/// How much of a message is shown: pictures are long.
const LONGEST: usize = 4096;
