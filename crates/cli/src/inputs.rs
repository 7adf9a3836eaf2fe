//! What claims are made from: the options that name files, and how these are read.

use std::path::{Path, PathBuf};

use clap::Args;
use credit::deal::Deal;
use credit::import::deal::{read_deal, read_indices};
use credit::import::tape::{read_layout, read_tape, read_template};
use credit::pool::Tape;
use credit::pool::notices::notices;
use credit::waterfall::{DealState, Index};
use market::Snapshot;
use market::import::{layout, optionchain};
use records::date::moment;
use venue::evar::Confidence;
use venue::import::states as import_venue;
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;

use crate::Failure;
use crate::files::read_json;
use crate::output::note;

/// When and where prices were taken, for files that do not say so.
#[derive(Debug, Args)]
pub struct Origin {
    /// With --assets: when balances and prices were taken, in UTC, such as 2026-11-26T18:48:06Z or 2026-11-26.
    #[arg(long)]
    pub as_of: Option<String>,
    /// With --assets, or an option chain: where prices come from, such as venue-x-mark. Other markets say so themselves.
    #[arg(long)]
    pub source: Option<String>,
}

impl Origin {
    /// Reads a market, which says itself when its prices were taken.
    pub fn read_market(&self, path: &Path) -> Result<Snapshot, Failure> {
        if self.as_of.is_some() {
            return Err(Failure::Input(format!(
                "--as-of: {} says itself when its prices were taken; leave the option away, or correct the file",
                path.display()
            )));
        }
        read_market(path, self.source.as_deref())
    }
}

/// A loan tape.
#[derive(Debug, Args)]
pub struct TapeArguments {
    /// The loans: a table, .csv, .parquet or .json.
    #[arg(long)]
    pub tape: PathBuf,
    /// What fields loans have: mortgage, mortgage-eu, auto, receivable, consumer, carbon, or a .json file.
    #[arg(long, default_value = "mortgage")]
    pub template: String,
    /// Where the fields stand, if not in columns of their own names: mortgage-dataset, freddie-mac-origination,
    /// freddie-mac-performance, fannie-mae-performance, abs-ee-auto, esma-annex-2, or a .json file.
    #[arg(long)]
    pub layout: Option<String>,
    /// The day the tape is of, such as 2026-10-31.
    #[arg(long)]
    pub cut_off: String,
}

/// A deal.
#[derive(Debug, Args)]
pub struct DealArguments {
    /// The deal: .json, ours, or one of AbsBox in .py or .json.
    #[arg(long)]
    pub deal: PathBuf,
    /// The currency of a deal of AbsBox, which does not state one, such as USD.
    #[arg(long)]
    pub currency: Option<String>,
}

impl DealArguments {
    /// The deal, and its state if its file says that it is under way.
    pub fn read(&self) -> Result<(Deal, Option<DealState>), Failure> {
        let read = read_deal(&self.deal, self.currency.as_deref())?;
        Ok((read.deal, read.state))
    }

    /// The deal, and its state: that of a file, or else the one that the deal's file says.
    pub fn read_with(&self, state: Option<&Path>) -> Result<(Deal, Option<DealState>), Failure> {
        let (deal, under_way) = self.read()?;
        match state {
            Some(path) => Ok((deal, Some(read_json(path)?))),
            None => Ok((deal, under_way)),
        }
    }

    /// A deal at its closing.
    pub fn read_at_closing(&self) -> Result<Deal, Failure> {
        match self.read()? {
            (deal, None) => Ok(deal),
            (_, Some(_)) => Err(Failure::Input(format!(
                "{}: is of a deal under way, and an issuance is of a deal that closes; give it as it closed",
                self.deal.display()
            ))),
        }
    }
}

/// A venue and how sure it is to be.
#[derive(Debug, Args)]
pub struct VenueArguments {
    /// The scenarios: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    /// The venue's state: .json.
    #[arg(long)]
    pub state: PathBuf,
    /// How sure: 0.95 means that the worst 5% count.
    #[arg(long, default_value = "0.95")]
    pub confidence: fixed::Decimal,
}

/// A market: a snapshot in JSON, which says itself when and where prices were taken, or an option chain, a table in lots of a tenth
/// of a coin, which says when.
pub fn read_market(path: &Path, source: Option<&str>) -> Result<Snapshot, Failure> {
    if optionchain::is_chain(path)? {
        let mut snapshot = optionchain::read(path, fixed::Decimal::new(1, 1))?;
        if let Some(source) = source {
            snapshot.source = source_of(source)?;
        }
        return Ok(snapshot);
    }
    if source.is_some() {
        return Err(Failure::Input(format!(
            "--source: {} says itself where its prices come from; write it into its `source`",
            path.display()
        )));
    }
    Ok(layout::read_market(path)?)
}

fn source_of(source: &str) -> Result<String, Failure> {
    if records::names::is_name(source) {
        Ok(source.to_string())
    } else {
        let source = statements::words::quoted(source);
        Err(Failure::Input(format!(
            "--source: {source} {}",
            records::names::NO_NAME
        )))
    }
}

/// When and where the prices of an exchange's asset file were taken: it does not say so, and a proof without is worth
/// nothing tomorrow.
pub fn origin_of_assets(origin: &Origin) -> Result<(u64, String), Failure> {
    let missing = |option: &str, what: &str| {
        Failure::Input(format!(
            "--assets: the file does not say {what}; give {option}"
        ))
    };
    let as_of = origin.as_of.as_deref().ok_or_else(|| {
        let what = "when balances and prices were taken";
        missing("--as-of, such as --as-of 2026-11-26T18:48:06Z", what)
    })?;
    let source = origin.source.as_deref().ok_or_else(|| {
        let what = "where prices come from";
        missing("--source, such as --source venue-x-mark", what)
    })?;
    let wrong = |problem: &str| {
        let as_of = statements::words::quoted(as_of);
        Failure::Input(format!("--as-of: {as_of} {problem}"))
    };
    let as_of_ms = records::date::moment_of(as_of).ok_or_else(|| {
        wrong("is no moment in UTC; write 2026-11-26T18:48:06Z, or 2026-11-26 for its start")
    })?;
    records::date::check_moment(as_of_ms).map_err(|_| wrong("is not between 2000 and 2100"))?;
    Ok((as_of_ms, source_of(source)?))
}

/// How sure, of an option.
pub fn confidence(confidence: fixed::Decimal) -> Result<Confidence, Failure> {
    Confidence::try_from(confidence)
        .map_err(|e| Failure::Input(format!("--confidence {confidence}: {e}")))
}

/// The scenarios and the state of a venue.
pub fn read_venue(
    venue: &VenueArguments,
) -> Result<(ScenarioSet, VenueState, Confidence), Failure> {
    let confidence = confidence(venue.confidence)?;
    let set = import_venue::read_scenarios(&venue.scenarios)?;
    let state = import_venue::read_state(&venue.state, &set)?;
    if !fits(&set, &state) {
        note!(
            "warning: the state is of {}, the scenarios of {}, more than their horizon of {} day(s) apart",
            moment(state.as_of_ms),
            moment(set.as_of_ms),
            set.horizon_days
        );
    }
    Ok((set, state, confidence))
}

/// Whether a state and scenarios are of days that go together: no further apart than the scenarios look ahead, so that the state
/// that a day ended with fits the scenarios of the next one.
fn fits(set: &ScenarioSet, state: &VenueState) -> bool {
    let apart = fixed::Decimal::from_int(state.as_of_ms.abs_diff(set.as_of_ms).into());
    let day = fixed::Decimal::from_int(86_400_000);
    let horizon = set.horizon_days.checked_mul(&day);
    horizon.is_ok_and(|horizon| apart <= horizon)
}

/// A loan tape.
pub fn tape(arguments: &TapeArguments) -> Result<Tape, Failure> {
    let template = read_template(&arguments.template)?;
    let layout = arguments.layout.as_deref().map(read_layout).transpose()?;
    let cut_off = arguments
        .cut_off
        .clone()
        .try_into()
        .map_err(|e| Failure::Input(format!("--cut-off: {e}")))?;
    let tape = read_tape(&arguments.tape, &template, layout.as_ref(), cut_off)?;
    for notice in notices(&tape) {
        note!("warning: {}: {notice}", arguments.tape.display());
    }
    Ok(tape)
}

/// The fixings of a deal's indices; none, if no file is given.
pub fn indices(path: Option<&Path>) -> Result<Vec<Index>, Failure> {
    Ok(path.map_or(Ok(Vec::new()), read_indices)?)
}
