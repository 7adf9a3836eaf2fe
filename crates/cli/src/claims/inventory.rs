//! A venue's state holds the inventory of its book.

use std::path::PathBuf;

use clap::Args;
use market::{Book, Snapshot};
use serde_json::{Value, json};
use statements::inventory::{self, Inventory};
use venue::import::states::{read_scenarios, read_state};
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;

use super::books::{BookFiles, BookSealing};
use super::{Answer, Make, Output};
use crate::Failure;

/// A venue's state holds what its account book adds up to.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub files: BookFiles,
    /// The scenarios, whose markets the state is over: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    /// The venue's state: .json.
    #[arg(long)]
    pub state: PathBuf,
    #[command(flatten)]
    pub sealed: BookSealing,
}

impl Make for Arguments {
    type Statement = Inventory;
    const PROVING: &[&str] = &["inclusions", "slots", "secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let inputs = self.inputs()?;
        let (set, accounts) = (&inputs.set, inputs.book.accounts());
        let sum = inventory::check(&inputs.snapshot, accounts, set, &inputs.state)?;
        let markets = set.markets.iter().zip(&sum.quantities);
        let quantities: serde_json::Map<String, Value> = markets
            .map(|(m, lots)| (m.symbol.clone(), json!(lots)))
            .collect();
        Ok(Answer {
            json: json!({
                "accounts": accounts.len(), "quantities": quantities,
                "entry": sum.entry.to_quote(), "quote": set.quote,
            }),
            lines: Vec::new(),
            sentence: Ok(format!(
                "the state holds what {} accounts add up to in {} market(s)",
                accounts.len(),
                set.markets.len()
            )),
        })
    }

    fn prepare(&self) -> Result<inventory::Prepared, Failure> {
        let inputs = self.inputs()?;
        let secret = self.sealed.sealing.secret()?;
        let sealed = self.sealed.seal(&inputs.snapshot, &inputs.book, &secret)?;
        Ok(inventory::Prepared::new(
            &sealed,
            &inputs.set,
            &inputs.state,
            &secret,
        )?)
    }

    fn finish(&self, prepared: &inventory::Prepared, _: &Output) -> Result<(), Failure> {
        self.sealed.write_inclusions(prepared.book())
    }

    fn is_repeatable(&self) -> bool {
        self.sealed.sealing.secret.is_some()
    }
}

struct Inputs {
    snapshot: Snapshot,
    book: Book,
    set: ScenarioSet,
    state: VenueState,
}

impl Arguments {
    fn inputs(&self) -> Result<Inputs, Failure> {
        let (snapshot, book) = self.files.read()?;
        let set = read_scenarios(&self.scenarios)?;
        let state = read_state(&self.state, &set)?;
        Ok(Inputs {
            snapshot,
            book,
            set,
            state,
        })
    }
}
