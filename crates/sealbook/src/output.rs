//! The one printer: all that the program writes for people passes
//! `statements::words::printable`, so that nothing that stands in a claim or a
//! file can move a cursor, hide or reorder text. Clippy refuses any other print.

use statements::words::one_line;

/// Writes a line to stdout.
#[allow(clippy::print_stdout)]
pub fn out(text: &str) {
    println!("{text}");
}

/// Writes a line to stderr: one, so that what an error quotes of a file cannot start a line of its own.
#[allow(clippy::print_stderr)]
pub fn err(text: &str) {
    eprintln!("{}", one_line(text));
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
