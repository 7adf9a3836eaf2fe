//! The `sealbook` program.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod board_arguments;
mod boards;
mod claims;
mod commands;
mod files;
mod inputs;
mod output;
mod plot;
mod report;
mod svg;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser;

// Proving allocates and frees large buffers again and again; this allocator keeps their pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a command did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The claim is false or the proof was rejected: exit 1.
    #[error("{0}")]
    False(String),
    /// Bad input or usage, or output that cannot be written: exit 2.
    #[error("{0}")]
    Input(String),
    /// An error of this program: exit 3.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::False(_) => 1,
            Self::Input(_) => 2,
            Self::Internal(_) => 3,
        }
    }
}

fn main() -> ExitCode {
    keep_memory();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("SEALBOOK_LOG"))
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_writer(std::io::stderr)
        .init();
    // A panic is an error of this program; its message may hold private values, so it stays short.
    std::panic::set_hook(Box::new(|info| {
        if let Some(place) = info.location() {
            output::err(&format!(
                "internal error at {}:{}",
                place.file(),
                place.line()
            ));
        }
    }));
    let arguments = arguments::Arguments::parse();
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        commands::run(arguments.command)?;
        output::failed().map_or(Ok(()), |e| {
            Err(Failure::Input(format!(
                "cannot write to standard output: {e}"
            )))
        })
    }));
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            output::err(&format!("error: {failure}"));
            ExitCode::from(failure.code())
        }
        Err(_) => ExitCode::from(3),
    }
}

/// Tells the allocator to keep freed memory: parts are proven one after another and need the same
/// gigabyte again (docs/architecture.md, "Freed memory is kept").
#[allow(unsafe_code)]
fn keep_memory() {
    // `mi_option_purge_delay` in `mimalloc.h`, which the bindings do not name.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: the call writes one number of a table of options, and -1 is documented as "never".
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}
