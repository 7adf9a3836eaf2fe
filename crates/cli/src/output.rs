//! The one printer: all that the program writes for people passes
//! `statements::words::printable`, so that nothing that stands in a claim or a
//! file can move a cursor, hide or reorder text. Clippy refuses any other print.

use std::io::{Error, ErrorKind, Write, stderr, stdout};
use std::sync::OnceLock;

use statements::words::one_line;

/// Why a line could not be written to stdout, if that happened. From then on nothing is written there.
static FAILED: OnceLock<Error> = OnceLock::new();

/// Writes a line to stdout. If it cannot be written, the command goes on, so that its files and its exit code stay right.
pub fn out(text: &str) {
    if FAILED.get().is_some() {
        return;
    }
    let mut stdout = stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    if let Err(error) = written {
        let _ = FAILED.set(error);
    }
}

/// Why stdout does not hold all that was said. A reader such as `head` that has seen enough is no error.
pub fn failed() -> Option<&'static Error> {
    FAILED
        .get()
        .filter(|error| error.kind() != ErrorKind::BrokenPipe)
}

/// Writes a line to stderr: one, so that what an error quotes of a file cannot start a line of its own.
pub fn err(text: &str) {
    // There is no other place to tell that this failed.
    let _ = writeln!(stderr(), "{}", one_line(text));
}

/// Says a result to people, on stdout.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::out(&statements::words::printable(&format!($($text)*)))
    };
}

/// Says something on the way, on stderr.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::output::err(&format!($($text)*))
    };
}

pub(crate) use {note, say};
