//! Messages as they travel, for `--verbose`.

use mcp_client::Direction;

use super::paint::{Ink, Paint};
use super::plain;
use super::printer::Printer;

/// Prints a message, of which `bytes` are the beginning, in one line.
pub(crate) fn show(
    direction: Direction,
    bytes: &[u8],
    length: usize,
    paint: Paint,
    printer: &Printer,
) {
    let arrow = match direction {
        Direction::Sent => paint.paint(Ink::Name, "→"),
        Direction::Received => paint.paint(Ink::Good, "←"),
    };
    let head = &bytes[..bytes.len().min(LONGEST)];
    let mut line = format!("{arrow} {}", plain::one_line(&String::from_utf8_lossy(head)));
    if length > head.len() {
        line.push_str(&paint.paint(Ink::Dim, &format!(" … {length} bytes")));
    }
    line.push('\n');
    printer.trace(line);
}

/// How much of a message is shown: pictures are long.
const LONGEST: usize = 4096;
