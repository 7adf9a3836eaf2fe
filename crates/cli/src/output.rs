//! The one printer: all that the program writes for people passes
//! `statements::words::printable`, so that nothing that stands in a claim or a
//! file can move a cursor, hide or reorder text. Clippy refuses any other print.

use std::io::{Error, ErrorKind, Write, stderr, stdout};
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};
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

/// Bytes in a readable unit.
pub fn size(bytes: usize) -> String {
    if bytes < 10_000_000 {
        format!("{} KB", bytes.div_ceil(1000))
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}

/// A time in a readable unit.
pub fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// Prints JSON for machines, in ASCII where a character could reorder or hide text.
pub fn print_json(value: &serde_json::Value) {
    out(&statements::words::json(value));
}

/// A progress bar on stderr, if that is a terminal and there is more than one part.
pub fn progress() -> impl FnMut(usize, usize) {
    let mut bar: Option<ProgressBar> = None;
    move |done, parts| {
        if parts < 2 {
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let style =
                ProgressStyle::with_template("{bar:40} part {pos} of {len}, {elapsed}, {eta} left");
            ProgressBar::new(parts as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done as u64);
        if done == parts {
            bar.finish_and_clear();
        }
    }
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
