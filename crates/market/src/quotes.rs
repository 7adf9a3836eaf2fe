//! Can these prices be right? What no market can show is refused, wherever a snapshot comes from.
//!
//! An option's mark is compared with what follows from the other numbers that are stated beside it, without interest (as
//! risk arrays are computed): a call is worth no more than the forward and a put no more than the strike, and either is
//! worth what Black-76 gives with the stated volatility. A venue that marks otherwise says why ([`Instrument::mark_reason`]),
//! and claims repeat it.
//!
//! [`Instrument::mark_reason`]: crate::snapshot::Instrument::mark_reason

use std::collections::BTreeMap;

use fixed::{Decimal, DomainError, Interval};
use rayon::prelude::*;

use crate::pricing::{black76_ratio, years_between};
use crate::snapshot::{Instrument, Kind, OptionType, Settlement, Snapshot, SnapshotError};
use records::date::moment;

/// The longest time to an expiry: fifty years of 365.25 days, in milliseconds.
pub const MAX_LIFE_MS: u64 = 50 * 365 * 86_400_000 + 25 * 43_200_000;
/// The highest implied volatility per year: 1000%.
pub const MAX_VOLATILITY: i128 = 10;
/// An inverse instrument's mark or forward and its coin's price are at most this many times each other.
pub const MAX_COIN_RATIO: i128 = 10;

/// A mark may be off its model price by this part of the forward, which is less than the add-ons for contingencies: what
/// venues round, and what prices move while a chain is read (2.4 * 10^-4 on a real one).
fn slack() -> Decimal {
    Decimal::new(5, 4)
}

/// A volatility may be off by this: it is printed in whole percent.
fn rounding() -> Decimal {
    Decimal::new(5, 3)
}

/// Whether an expiry lies behind the moment of its snapshot, and not more than fifty years behind.
fn check_expiry(as_of_ms: u64, expiry_ms: u64) -> Result<(), String> {
    if expiry_ms > as_of_ms && expiry_ms - as_of_ms <= MAX_LIFE_MS {
        return Ok(());
    }
    if let Some(unit) = records::date::unit_of(expiry_ms) {
        return Err(format!(
            "{expiry_ms} looks like {unit}; write milliseconds since 1970"
        ));
    }
    Err(if expiry_ms <= as_of_ms {
        format!(
            "it expired on {}, and prices are of {}; remove what has expired",
            moment(expiry_ms),
            moment(as_of_ms)
        )
    } else {
        format!(
            "{} is more than fifty years after {}; correct it",
            moment(expiry_ms),
            moment(as_of_ms)
        )
    })
}

/// Checks an instrument of a snapshot for numbers that no market shows, without pricing it: its numbers are known to be
/// positive, a settlement coin to have a price.
pub(crate) fn check_terms(
    snapshot: &Snapshot,
    instrument: &Instrument,
) -> Result<(), (&'static str, String)> {
    if let Kind::Future { expiry_ms } | Kind::Option { expiry_ms, .. } = &instrument.kind {
        check_expiry(snapshot.as_of_ms, *expiry_ms).map_err(|e| ("expiry_ms", e))?;
    }
    if let Kind::Option {
        implied_volatility, ..
    } = &instrument.kind
    {
        let most = Decimal::from_int(MAX_VOLATILITY);
        if *implied_volatility <= Decimal::ZERO || *implied_volatility > most {
            let problem = format!(
                "{implied_volatility} must be above 0 and at most {MAX_VOLATILITY} (1000%); write 0.85 for 85%"
            );
            return Err(("implied_volatility", problem));
        }
    }
    if let Some(reason) = &instrument.mark_reason {
        if !records::names::is_name(reason) {
            return Err(("mark_reason", records::names::NO_NAME.into()));
        }
        if !matches!(instrument.kind, Kind::Option { .. }) {
            let problem = "only an option's mark is compared with a model; remove the reason";
            return Err(("mark_reason", problem.into()));
        }
    }
    let Settlement::Inverse(coin) = &instrument.settlement else {
        return Ok(());
    };
    let price = snapshot.asset(coin).map(|i| snapshot.assets[i].price);
    let (field, quoted) = match &instrument.forward {
        Some(forward) => ("forward", forward),
        None => ("mark", &instrument.mark),
    };
    let times = Decimal::from_int(MAX_COIN_RATIO);
    let within = |a: &Decimal, b: &Decimal| a.checked_mul(&times).is_ok_and(|most| *b <= most);
    match price {
        Some(price) if !(within(&price, quoted) && within(quoted, &price)) => {
            let problem = format!(
                "{quoted} is more than {MAX_COIN_RATIO} times off the price of its coin, {price}; correct one of them"
            );
            Err((field, problem))
        }
        _ => Ok(()),
    }
}

/// Checks every option's mark against the bounds and the model: the costly part, after all others. Names the first that is
/// wrong.
pub(crate) fn check_marks(snapshot: &Snapshot) -> Result<(), SnapshotError> {
    let wrong = snapshot.instruments.par_iter().enumerate();
    let wrong = wrong.find_map_first(|(i, instrument)| {
        let problem = match check_mark(snapshot.as_of_ms, instrument) {
            Ok(None) => return None,
            Ok(Some(problem)) => problem,
            Err(e) => format!("its model price is out of range: {e}; correct strike or forward"),
        };
        Some(SnapshotError::new(
            format!("instruments[{i}].mark"),
            problem,
        ))
    });
    wrong.map_or(Ok(()), Err)
}

/// What is wrong with an option's mark, if anything.
fn check_mark(as_of_ms: u64, instrument: &Instrument) -> Result<Option<String>, DomainError> {
    let Some(quote) = Quote::new(as_of_ms, instrument)? else {
        return Ok(None);
    };
    let written = quote.written();
    if let Some(bound) = quote.exceeded() {
        return Ok(Some(format!("{written}: {bound}; correct one of them")));
    }
    let middle = quote.model(&quote.volatility)?;
    if quote.is_near(&middle, &middle)? || quote.is_near_rounded()? {
        return Ok(None);
    }
    // A reason may stand for interest, or for a market that nobody quotes; not for giving an option away.
    let intrinsic = quote.model(&Decimal::ZERO)?;
    let least = intrinsic
        .times(3)?
        .div_int(4)?
        .sub(&Interval::from_decimal(&slack())?)?;
    if quote.given.hi() < least.lo() {
        return Ok(Some(format!(
            "{written} is far below what exercising it would bring ({}); correct it",
            quote.shown(&intrinsic)?
        )));
    }
    if instrument.mark_reason.is_some() {
        return Ok(None);
    }
    Ok(Some(format!(
        "{written} is far from {}, which follows from its forward {}, strike {}, volatility \
         {} and {} days to expiry; correct one of them, or say why in `mark_reason` (such as illiquid)",
        quote.shown(&middle)?,
        quote.forward,
        quote.strike,
        quote.volatility,
        (quote.expiry_ms - as_of_ms) / 86_400_000
    )))
}

/// An option's mark beside the numbers that it has to agree with. Prices that are compared are parts of the forward, as
/// the mark of an inverse option is.
struct Quote<'a> {
    option_type: OptionType,
    mark: &'a Decimal,
    strike: &'a Decimal,
    forward: &'a Decimal,
    expiry_ms: u64,
    volatility: Decimal,
    inverse: bool,
    /// The mark.
    given: Interval,
    /// The strike.
    strike_ratio: Interval,
    /// The forward itself, in the quote currency.
    unit: Interval,
    /// The square root of the years to expiry.
    root: Interval,
}

impl<'a> Quote<'a> {
    /// Nothing of what is not an option, or has no forward.
    fn new(as_of_ms: u64, instrument: &'a Instrument) -> Result<Option<Self>, DomainError> {
        let Kind::Option {
            option_type,
            strike,
            expiry_ms,
            implied_volatility,
        } = &instrument.kind
        else {
            return Ok(None);
        };
        let Some(forward) = &instrument.forward else {
            return Ok(None);
        };
        let mark = &instrument.mark;
        let (written, unit) = (
            Interval::from_decimal(mark)?,
            Interval::from_decimal(forward)?,
        );
        let strike_ratio = Interval::from_decimal(strike)?.div(&unit)?;
        let inverse = instrument.settlement != Settlement::Linear;
        let given = if inverse {
            written
        } else {
            written.div(&unit)?
        };
        Ok(Some(Self {
            option_type: *option_type,
            mark,
            strike,
            forward,
            expiry_ms: *expiry_ms,
            volatility: *implied_volatility,
            inverse,
            given,
            strike_ratio,
            unit,
            root: years_between(as_of_ms, *expiry_ms)?.sqrt()?,
        }))
    }

    /// The mark with its unit.
    fn written(&self) -> String {
        let unit = if self.inverse { " coin" } else { "" };
        format!("{}{unit}", self.mark)
    }

    /// What the option is worth at most, where its mark is above it.
    fn exceeded(&self) -> Option<String> {
        let (most, what) = match self.option_type {
            OptionType::Call => (
                Interval::ONE,
                format!("a call is worth at most the forward, {}", self.forward),
            ),
            OptionType::Put => (
                self.strike_ratio,
                format!("a put is worth at most the strike, {}", self.strike),
            ),
        };
        (self.given.lo() > most.hi()).then_some(what)
    }

    /// The price at a volatility per year.
    fn model(&self, volatility: &Decimal) -> Result<Interval, DomainError> {
        let log = self.strike_ratio.ln()?.neg();
        let deviation = Interval::from_decimal(volatility)?.mul(&self.root)?;
        black76_ratio(self.option_type, &log, &self.strike_ratio, &deviation)
    }

    /// Whether the mark lies between two prices, or not far outside.
    fn is_near(&self, low: &Interval, high: &Interval) -> Result<bool, DomainError> {
        let slack = Interval::from_decimal(&slack())?;
        let (low, high) = (low.sub(&slack)?, high.add(&slack)?);
        Ok(self.given.hi() >= low.lo() && self.given.lo() <= high.hi())
    }

    /// Whether the mark is near for a volatility that is rounded to the stated one.
    fn is_near_rounded(&self) -> Result<bool, DomainError> {
        let less = self.volatility.checked_sub(&rounding())?;
        let more = self.volatility.checked_add(&rounding())?;
        let low = self.model(&less.max(Decimal::ZERO))?;
        self.is_near(&low, &self.model(&more)?)
    }

    /// A price as the mark would be written.
    fn shown(&self, price: &Interval) -> Result<String, DomainError> {
        Ok(if self.inverse {
            format!("{} coin", crate::pricing::shown(price, 8)?)
        } else {
            crate::pricing::shown(&price.mul(&self.unit)?, 6)?.to_string()
        })
    }
}

/// The reasons that marks far from their model price are given, with how many options state each.
pub fn mark_reasons(snapshot: &Snapshot) -> BTreeMap<&str, usize> {
    let mut reasons = BTreeMap::new();
    for reason in snapshot
        .instruments
        .iter()
        .filter_map(|i| i.mark_reason.as_deref())
    {
        *reasons.entry(reason).or_insert(0) += 1;
    }
    reasons
}
