//! The one printer: all that the program writes for people passes [`printable`], so that nothing that stands in a claim or a
//! file can move a cursor, hide or reorder text. Clippy refuses any other print.

use statements::words::printable;

/// Writes a line to stdout.
#[allow(clippy::print_stdout)]
pub fn out(text: &str) {
    println!("{text}");
}

/// Writes a line to stderr.
#[allow(clippy::print_stderr)]
pub fn err(text: &str) {
    eprintln!("{}", printable(text));
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
