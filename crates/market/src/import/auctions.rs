//! What an auction is held by: a JSON file with the batch, the venue, and bands and fees by instrument.
//!
//! ```json
//! {"batch": 17, "venue": "example",
//!  "defaults": {"band_percent": "10", "step": "0.5", "fee_bps": "5", "rebate_bps": "2"},
//!  "instruments": [
//!    {"symbol": "BTC-PERP"},
//!    {"symbol": "ETH-PERP", "step": "0.05", "low": "3400", "high": "3800", "reference": "3620"}]}
//! ```
//!
//! What an instrument does not say, `defaults` says. Without `instruments` all have an auction that are settled in the quote currency.
//! Prices are in the quote currency a contract.
//!
//! - The *band* is `low` to `high`, or so many percent (`band_percent`) to both sides of the reference price, cut to whole steps.
//! - `step`: prices are whole multiples of it above `low`; with `band_percent` whole multiples of it. A step is a whole number of ticks a lot.
//! - `reference`: what decides between prices that are equal otherwise; the mark, rounded to a step, if it is left out.
//! - `fee_bps`, `rebate_bps`: hundredths of a percent of what is paid, in steps of a hundredth; none if left out. A quote earns the rebate
//!   instead of paying the fee.

use std::collections::HashMap;
use std::path::Path;

use fixed::{Decimal, Rounding};
use records::files::{At, ImportError, json, read_file};
use serde::{Deserialize, Serialize};

use super::units::Traded;
use crate::auction::{Band, Fees};
use crate::snapshot::{Instrument, Settlement, Snapshot};

/// Instruments of a market that trades are below this many.
pub const MAX_INSTRUMENTS: usize = 1 << 10;
/// Batches are numbered below this: an account has so many one-time secrets.
pub const MAX_BATCH: u64 = 1 << 16;
/// A band's ends are at most this many times off the mark.
const MOST_OFF: i128 = 10;

/// What an auction is held by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auction {
    /// The batch's number, below [`MAX_BATCH`].
    pub batch: u64,
    /// The venue's name.
    pub venue: String,
    /// The instruments that have an auction, by number.
    pub instruments: Vec<Held>,
}

/// How an instrument's auction is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The instrument's number in the market.
    pub instrument: usize,
    /// The candidate prices.
    pub band: Band,
    /// Fee and rebate.
    pub fees: Fees,
}

/// The file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The batch's number.
    pub batch: u64,
    /// The venue's name.
    pub venue: String,
    /// For all instruments.
    #[serde(default)]
    pub defaults: Terms,
    /// Those that have an auction; all that are settled in the quote currency if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruments: Option<Vec<Named>>,
}

/// Terms of an instrument.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The instrument.
    pub symbol: String,
    /// The band's lower end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<Decimal>,
    /// Its upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<Decimal>,
    /// The reference price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Decimal>,
    /// In place of the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band_percent: Option<Decimal>,
    /// In place of the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Decimal>,
    /// In place of the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_bps: Option<Decimal>,
    /// In place of the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebate_bps: Option<Decimal>,
}

/// Terms of all instruments that say nothing else.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// How far the band goes to each side of the reference price, in percent of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band_percent: Option<Decimal>,
    /// Between a price and the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Decimal>,
    /// Hundredths of a percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_bps: Option<Decimal>,
    /// Hundredths of a percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebate_bps: Option<Decimal>,
}

impl Named {
    /// An instrument that says nothing else.
    pub fn only(symbol: &str) -> Self {
        Self {
            symbol: symbol.into(),
            low: None,
            high: None,
            reference: None,
            band_percent: None,
            step: None,
            fee_bps: None,
            rebate_bps: None,
        }
    }
}

/// Reads what an auction is held by.
///
/// # Errors
/// Says what is wrong where.
pub fn read_auction(path: &Path, snapshot: &Snapshot) -> Result<Auction, ImportError> {
    let file = At::file(path);
    let read: File = json(&file, &read_file(path)?)?;
    read.auction(&file, snapshot)
}

/// Writes what an auction is held by.
///
/// # Errors
/// If the file cannot be written.
pub fn write_auction(path: &Path, file: &File) -> std::io::Result<()> {
    std::fs::write(path, serde_json::to_vec_pretty(file)?)
}

impl File {
    /// What it says of the instruments of a valid market. `file` is where it stands, for errors.
    ///
    /// # Errors
    /// Says what is wrong where.
    pub fn auction(&self, file: &At, snapshot: &Snapshot) -> Result<Auction, ImportError> {
        if self.batch >= MAX_BATCH {
            let problem = format!(
                "{} is no number of a batch, which are below {MAX_BATCH}",
                self.batch
            );
            return Err(file.error(Some("batch"), problem));
        }
        if !records::names::is_name(&self.venue) {
            let problem = format!(
                "`{}` {}",
                records::text::shown(&self.venue),
                records::names::NO_NAME
            );
            return Err(file.error(Some("venue"), problem));
        }
        if snapshot.instruments.len() > MAX_INSTRUMENTS {
            let problem = format!(
                "the market has more than {MAX_INSTRUMENTS} instruments; remove what does not trade"
            );
            return Err(file.error(Some("instruments"), problem));
        }
        let mut held = match &self.instruments {
            Some(named) => self.listed(file, snapshot, named)?,
            None => self.all(file, snapshot)?,
        };
        if held.is_empty() {
            let problem =
                "no instrument has an auction; name one that is settled in the quote currency";
            return Err(file.error(Some("instruments"), problem));
        }
        held.sort_by_key(|held| held.instrument);
        Ok(Auction {
            batch: self.batch,
            venue: self.venue.clone(),
            instruments: held,
        })
    }

    /// Those that it names.
    fn listed(
        &self,
        file: &At,
        snapshot: &Snapshot,
        all: &[Named],
    ) -> Result<Vec<Held>, ImportError> {
        let mut seen: HashMap<usize, usize> = HashMap::new();
        let one = |(place, named): (usize, &Named)| {
            let at = file.path(format!("instruments[{place}]"));
            let symbol = records::text::shown(&named.symbol);
            let refused = |problem: String| Err(at.error(Some("symbol"), problem));
            let Some(instrument) = snapshot.instrument(&named.symbol) else {
                return refused(format!(
                    "instrument `{symbol}` is not in the market; add it there or correct the name"
                ));
            };
            if let Some(first) = seen.insert(instrument, place) {
                return refused(format!(
                    "`{symbol}` stands twice, first at instruments[{first}]; remove one"
                ));
            }
            self.held(&at, snapshot, instrument, named)
        };
        all.iter().enumerate().map(one).collect()
    }

    /// All that are settled in the quote currency.
    fn all(&self, file: &At, snapshot: &Snapshot) -> Result<Vec<Held>, ImportError> {
        let linear = snapshot.instruments.iter().enumerate();
        let linear = linear.filter(|(_, i)| i.settlement == Settlement::Linear);
        let one = |(number, instrument): (usize, &Instrument)| {
            let at = file.path(format!("defaults, for `{}`", instrument.symbol));
            self.held(&at, snapshot, number, &Named::only(&instrument.symbol))
        };
        linear.map(one).collect()
    }

    fn held(
        &self,
        at: &At,
        snapshot: &Snapshot,
        instrument: usize,
        named: &Named,
    ) -> Result<Held, ImportError> {
        let traded = Traded::new(snapshot, instrument);
        let traded = traded.map_err(|problem| at.error(Some("symbol"), problem))?;
        let mark = snapshot.instruments[instrument].mark;
        Ok(Held {
            instrument,
            band: band(at, &traded, named, &self.defaults, mark)?,
            fees: fees(at, named, &self.defaults)?,
        })
    }
}

/// The candidate prices of an instrument.
fn band(
    at: &At,
    traded: &Traded<'_>,
    named: &Named,
    defaults: &Terms,
    mark: Decimal,
) -> Result<Band, ImportError> {
    let Some(step) = named.step.or(defaults.step) else {
        return Err(at.error(
            Some("step"),
            "is missing; give it here or among the defaults",
        ));
    };
    let ticks = |field: &str, price: &Decimal| {
        let ticks = traded.ticks(price);
        ticks.map_err(|problem| at.error(Some(field), problem))
    };
    let step_ticks = ticks("step", &step)?;
    let (low, high, reference) = match (named.low, named.high) {
        (Some(low), Some(high)) => {
            let reference = named.reference.unwrap_or_else(|| near(&mark, &low, &step));
            (low, high, reference)
        }
        (None, None) => percent_band(at, named, defaults, &step, &mark)?,
        (Some(_), None) => return Err(at.error(Some("high"), "is missing; a band has both ends")),
        (None, Some(_)) => return Err(at.error(Some("low"), "is missing; a band has both ends")),
    };
    let ends = [ticks("low", &low)?, ticks("high", &high)?];
    for (field, price) in [("low", low), ("high", high)] {
        let times = |x: &Decimal| x.checked_mul(&Decimal::from_int(MOST_OFF));
        let off = times(&price).is_ok_and(|p| p < mark) || times(&mark).is_ok_and(|m| m < price);
        if off && !mark.is_zero() && named.low.is_some() {
            let problem = format!(
                "{price} is more than {MOST_OFF} times off the mark {mark}; correct one of them"
            );
            return Err(at.error(Some(field), problem));
        }
    }
    if low > high {
        let problem = format!("{low} is above `high`, which is {high}; exchange them");
        return Err(at.error(Some("low"), problem));
    }
    let reference_ticks = ticks("reference", &reference)?;
    for (field, price, ticks) in [
        ("high", high, ends[1]),
        ("reference", reference, reference_ticks),
    ] {
        let off = ticks.0.abs_diff(ends[0].0) % step_ticks.0;
        if off != 0 {
            let problem = format!(
                "{price} is no whole number of steps of {step} from the band's lower end {low}; round it to a step"
            );
            return Err(at.error(Some(field), problem));
        }
    }
    Band::new(ends, step_ticks, reference_ticks).map_err(|_| {
        let problem = format!("the band from {low} to {high} has more than 2^30 steps, or prices near 2^40 ticks a lot; give a larger step, or a smaller lot");
        at.error(Some("step"), problem)
    })
}

/// The price nearest to a mark that is a whole number of steps from another one, and above zero.
fn near(mark: &Decimal, from: &Decimal, step: &Decimal) -> Decimal {
    let steps = |x: &Decimal| x.div(step, 0, Rounding::HalfEven);
    let moved = mark.checked_sub(from).and_then(|d| steps(&d));
    let price = moved
        .and_then(|n| n.checked_mul(step))
        .and_then(|d| d.checked_add(from));
    price.ok().filter(|p| *p > Decimal::ZERO).unwrap_or(*from)
}

/// So many percent to both sides of the reference price: low, high, reference.
fn percent_band(
    at: &At,
    named: &Named,
    defaults: &Terms,
    step: &Decimal,
    mark: &Decimal,
) -> Result<(Decimal, Decimal, Decimal), ImportError> {
    let Some(percent) = named.band_percent.or(defaults.band_percent) else {
        let problem = "is missing; give it here or among the defaults, or give `low` and `high`";
        return Err(at.error(Some("band_percent"), problem));
    };
    let hundred = Decimal::from_int(100);
    if percent <= Decimal::ZERO || percent > hundred {
        let problem = format!("{percent} is not above 0 and at most 100");
        return Err(at.error(Some("band_percent"), problem));
    }
    let reference = named.reference.unwrap_or_else(|| near(mark, step, step));
    let fail = |e: fixed::FixedError| at.error(Some("reference"), format!("{reference}: {e}"));
    let cut = |price: Decimal, rounding| price.div(step, 0, rounding)?.checked_mul(step);
    let width = percent
        .checked_mul(&Decimal::new(1, 2))
        .and_then(|part| part.checked_mul(&reference))
        .map_err(fail)?;
    let low = (reference.checked_sub(&width)).and_then(|p| cut(p, Rounding::Ceil));
    let high = (reference.checked_add(&width)).and_then(|p| cut(p, Rounding::Floor));
    let (low, high) = (low.map_err(fail)?.max(*step), high.map_err(fail)?);
    if low > high {
        let problem = format!(
            "{percent}% around {reference} holds no multiple of the step {step}; give a smaller step or a wider band"
        );
        return Err(at.error(Some("band_percent"), problem));
    }
    Ok((low, high, reference))
}

/// Fee and rebate, in millionths of what is paid.
fn fees(at: &At, named: &Named, defaults: &Terms) -> Result<Fees, ImportError> {
    let rate = |field: &str, own: Option<Decimal>, default: Option<Decimal>| {
        let bps = own.or(default).unwrap_or(Decimal::ZERO);
        let refused = |problem: String| Err(at.error(Some(field), problem));
        if bps.is_negative() {
            return refused(format!(
                "{bps} is negative; what is paid to quotes is `rebate_bps`"
            ));
        }
        if bps > Decimal::from_int(i128::from(Fees::MOST) / 100) {
            return refused(format!(
                "{bps} is above 1000, which is 10%; a hundredth of a percent is 1"
            ));
        }
        match bps.rescale_exact(2) {
            Ok(millionths) => Ok(millionths as u32),
            Err(_) => refused(format!("{bps} has more than 2 decimals; round it")),
        }
    };
    let fee = rate("fee_bps", named.fee_bps, defaults.fee_bps)?;
    let rebate = rate("rebate_bps", named.rebate_bps, defaults.rebate_bps)?;
    if rebate > fee {
        let problem =
            "is above the fee, so that who trades with themselves is paid for it; lower it";
        return Err(at.error(Some("rebate_bps"), problem));
    }
    Fees::new(fee, rebate).map_err(|e| at.error(Some("fee_bps"), e.to_string()))
}
