//! A venue's state holds the inventory of its book.

use std::path::PathBuf;

use clap::Args;
use market::import::layout;
use market::{Book, Snapshot};
use serde_json::{Value, json};
use statements::inventory::{self, Inventory};
use venue::import::states::{read_scenarios, read_state};
use venue::scenarios::ScenarioSet;
use venue::state::{VenueState, ticks};

use super::books::{seal, write_inclusions};
use super::{Answer, Make, Output, Sealing};
use crate::Failure;
use crate::inputs::{Origin, read_market};

/// A venue's state holds what its account book adds up to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The book: .json, .csv or .parquet.
    #[arg(long)]
    pub book: PathBuf,
    /// The market: .json.
    #[arg(long)]
    pub market: PathBuf,
    #[command(flatten)]
    pub origin: Origin,
    /// The scenarios, whose markets the state is over: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    /// The venue's state: .json.
    #[arg(long)]
    pub state: PathBuf,
    /// Write each account's inclusion file into this folder. They hold balances and positions.
    #[arg(long)]
    pub inclusions: Option<PathBuf>,
    /// Position slots of an account in the commitment; the least that fit if not given.
    #[arg(long)]
    pub slots: Option<usize>,
    #[command(flatten)]
    pub sealing: Sealing,
    #[command(flatten)]
    pub output: Output,
}

impl Make for Arguments {
    type Statement = Inventory;

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
                "entry": ticks(sum.entry.into()), "quote": set.quote,
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
        let secret = self.sealing.secret()?;
        let sealed = seal(&inputs.snapshot, &inputs.book, self.slots, &secret)?;
        Ok(inventory::Prepared::new(
            &sealed,
            &inputs.set,
            &inputs.state,
            &secret,
        )?)
    }

    fn finish(&self, prepared: &inventory::Prepared) -> Result<(), Failure> {
        write_inclusions(prepared.book(), self.inclusions.as_deref())
    }

    fn output(&self) -> &Output {
        &self.output
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
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
        let snapshot = read_market(&self.market, &self.origin)?;
        let book = layout::read_book(&self.book, &snapshot)?;
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
