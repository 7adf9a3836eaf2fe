//! One module per command.

mod attest;
mod bench;
mod board;
mod demo;
mod demo_pool;
mod demo_venue;
mod inspect;
mod order;
mod price;
mod report;
mod sample;
mod scenarios;
mod tickets;
pub mod verify;

use clap::CommandFactory;
use records::files::ImportError;

use crate::Failure;
use crate::arguments::{Arguments, Command};
use crate::output;

/// Runs a command.
pub fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Check(claim) => claim.run(),
        Command::Prove(claim) => claim.run(),
        Command::Order(command) => order::run(&command),
        Command::Board(command) => board::run(&command),
        Command::Attest(command) => attest::run(&command),
        Command::Price(arguments) => price::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Scenarios(command) => scenarios::run(&command),
        Command::Demo => demo::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "sealbook", &mut script);
            output::out(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Input(error.to_string())
    }
}
