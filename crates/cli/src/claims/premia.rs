//! A venue's risk and the premia of its trades.

use std::path::PathBuf;

use clap::Args;
use records::date::moment_of;
use records::units::Ticks;
use serde_json::json;
use statements::premia::{self, Premia, Shows, Terms};
use statements::words::quoted;
use venue::fact::{Fact, Losses};
use venue::import::states;
use venue::scenarios::ScenarioSet;
use venue::state::{Change, VenueState, ticks};

use super::{Answer, Make, Output, Sealing};
use crate::Failure;
use crate::files::{make_folder, write_private_json};
use crate::inputs::{VenueArguments, read_venue};
use crate::output::note;

/// A venue's risk, and the premia of its trades.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub venue: VenueArguments,
    /// The trades, in order: a table (.csv, .parquet or .json) with columns market, lots, price; with columns transfer, amount also money that comes
    /// in or goes out, and windows that roll.
    #[arg(long)]
    pub trades: Option<PathBuf>,
    /// Claim only that the venue is funded in every state, without stating EVaR: EVaR of what it may owe beyond all capital is at
    /// most what it collected.
    #[arg(long)]
    pub funded: bool,
    /// Claim only that the venue is adequate in every state, without stating EVaR: EVaR of what it may owe its traders is at most
    /// its capital, its providers' capital and what it collected.
    #[arg(long, conflicts_with = "funded")]
    pub adequate: bool,
    /// Leave providers' capital out of that.
    #[arg(long, requires = "adequate")]
    pub without_providers: bool,
    /// Publish the trades' sizes.
    #[arg(long, conflicts_with_all = ["funded", "adequate"])]
    pub show_lots: bool,
    /// Keep sizes, single premia and the EVaR in between private: state EVaR at both ends, the total of premia and funding
    /// rates, all rounded. Without it, --funded and --adequate, sizes can be computed from what is stated.
    #[arg(long, conflicts_with_all = ["funded", "adequate", "show_lots"])]
    pub totals: bool,
    /// What EVaR and the total of premia are rounded to, in the quote currency: more than any change moves EVaR by. Chosen from
    /// the state if not given.
    #[arg(long, requires = "totals")]
    pub grid: Option<fixed::Decimal>,
    /// How far a premium may be off what the change moves EVaR by, in the quote currency; a tenth of the grid if not given. Within
    /// it the EVaR that premia are taken from is drawn above the true one: the smaller, the more receipts tell their holders.
    #[arg(long, requires = "totals")]
    pub tolerance: Option<fixed::Decimal>,
    /// Write what opens each change's premium into this folder, a file for each trader.
    #[arg(long, requires = "totals")]
    pub receipts: Option<PathBuf>,
    /// As of when the state after the last change is, in UTC, such as 2026-11-26T18:48:06Z; the scenarios' date if not given, or the
    /// first state's if that is later.
    #[arg(long)]
    pub until: Option<String>,
    /// State the funding rates after the last trade.
    #[arg(long, conflicts_with_all = ["funded", "adequate"])]
    pub funding: bool,
    /// Write the state after the last trade into this file.
    #[arg(long)]
    pub after: Option<PathBuf>,
    #[command(flatten)]
    pub sealing: Sealing,
}

impl Make for Arguments {
    type Statement = Premia;
    const PROVING: &[&str] = &["receipts", "after", "secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let inputs = self.inputs()?;
        let (set, changes) = (&inputs.set, &inputs.changes);
        let day = premia::check(set, &inputs.state, changes, &inputs.terms)?;
        let quote = &set.quote;
        if let Shows::Fact(fact) = inputs.terms.shows {
            return Ok(Answer {
                json: json!({ "fact": fact, "holds": true, "changes": changes.len(), "quote": quote }),
                lines: Vec::new(),
                sentence: Ok(format!(
                    "the venue is {fact} before and after each of {} change(s)",
                    changes.len()
                )),
            });
        }
        let ends = [("before", &day.states[0]), ("after", day.last())];
        let mut facts = serde_json::Map::new();
        for (end, evaluated) in ends {
            let place = format!("{end} the day");
            facts.insert(end.into(), inputs.facts(&evaluated.state, &place));
        }
        let evar = ends.map(|(_, evaluated)| evaluated.evar().to_quote());
        let premia: Vec<Ticks<u64>> = day.states[1..].iter().map(|state| state.premium).collect();
        let total: Ticks<u128> = premia.iter().map(|p| p.widen()).sum();
        Ok(Answer {
            json: json!({
                "evar_before": evar[0], "evar_after": evar[1], "facts": facts,
                "premia": premia.iter().map(|p| p.to_quote()).collect::<Vec<_>>(), "quote": quote,
            }),
            lines: Vec::new(),
            sentence: Ok(format!(
                "EVaR of {} {quote} before and {} {quote} after {} change(s); premia add up to {} {quote}",
                evar[0],
                evar[1],
                changes.len(),
                ticks(total.0 as i128)
            )),
        })
    }

    fn prepare(&self) -> Result<premia::Prepared, Failure> {
        let Inputs {
            set,
            state,
            changes,
            terms,
        } = self.inputs()?;
        let secret = self.sealing.secret()?;
        Ok(premia::Prepared::new(
            &set, &state, &changes, &terms, &secret,
        )?)
    }

    fn finish(&self, prepared: &premia::Prepared, _: &Output) -> Result<(), Failure> {
        if let Some(after) = &self.after {
            states::write_state(after, prepared.after(), &prepared.claim().scenarios).map_err(
                |e| Failure::Input(format!("{}: cannot be written: {e}", after.display())),
            )?;
        }
        let Some(folder) = &self.receipts else {
            return Ok(());
        };
        make_folder(folder)?;
        for receipt in prepared.receipts() {
            let name = format!("receipt-{:04}.json", receipt.number);
            write_private_json(&folder.join(name), &receipt)?;
        }
        Ok(())
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
    }
}

struct Inputs {
    set: ScenarioSet,
    state: VenueState,
    changes: Vec<Change>,
    terms: Terms,
}

impl Inputs {
    /// Which facts hold of a state. Whoever asks is told of those that do not. None is claimed here, so a state whose losses are
    /// too large for one has its prices all the same.
    fn facts(&self, state: &VenueState, place: &str) -> serde_json::Value {
        let mut held = serde_json::Map::new();
        for fact in Fact::ALL {
            let losses = Losses::new(fact, state, &self.set, self.terms.confidence);
            let value = match losses.map(|l| l.check(fact, state, place.into(), &self.set.quote)) {
                Ok(Ok(())) => true.into(),
                Ok(Err(unmet)) => {
                    note!("note: {unmet}");
                    false.into()
                }
                Err(e) => {
                    note!("note: {place} it can't be said whether the venue is {fact}: {e}");
                    serde_json::Value::Null
                }
            };
            held.insert(fact.key().into(), value);
        }
        held.into()
    }
}

impl Arguments {
    fn inputs(&self) -> Result<Inputs, Failure> {
        let (set, state, confidence) = read_venue(&self.venue)?;
        let changes = match &self.trades {
            Some(path) => states::read_changes(path, &set)?,
            None => Vec::new(),
        };
        let shows = if self.funded {
            Shows::Fact(Fact::Funded)
        } else if self.adequate {
            Shows::Fact(match self.without_providers {
                false => Fact::Adequate,
                true => Fact::AdequateWithoutProviders,
            })
        } else if self.totals {
            Shows::Totals {
                grid: self.grid,
                tolerance: self.tolerance,
            }
        } else {
            Shows::Prices {
                lots: self.show_lots,
            }
        };
        let terms = Terms {
            confidence,
            shows,
            funding: self.funding,
            until_ms: self.until.as_deref().map(until).transpose()?,
        };
        Ok(Inputs {
            set,
            state,
            changes,
            terms,
        })
    }
}

/// The milliseconds to a moment that `--until` names.
fn until(text: &str) -> Result<u64, Failure> {
    moment_of(text).ok_or_else(|| {
        Failure::Input(format!(
            "--until: {} is no moment in UTC; write 2026-11-26T18:48:06Z, or 2026-11-26 for its start",
            quoted(text)
        ))
    })
}
