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
    let (given, forward_interval) = (
        Interval::from_decimal(mark)?,
        Interval::from_decimal(forward)?,
    );
    let strike_ratio = Interval::from_decimal(strike)?.div(&forward_interval)?;
    // In parts of the forward, as the mark of an inverse option is.
    let inverse = instrument.settlement != Settlement::Linear;
    let given = if inverse {
        given
    } else {
        given.div(&forward_interval)?
    };
    let (most, what) = match option_type {
        OptionType::Call => (
            Interval::ONE,
            format!("a call is worth at most the forward, {forward}"),
        ),
        OptionType::Put => (
            strike_ratio,
            format!("a put is worth at most the strike, {strike}"),
        ),
    };
    let unit = if inverse { " coin" } else { "" };
    if given.lo() > most.hi() {
        return Ok(Some(format!("{mark}{unit}: {what}; correct one of them")));
    }
    let root = years_between(as_of_ms, *expiry_ms)?.sqrt()?;
    let log = strike_ratio.ln()?.neg();
    let model = |volatility: &Decimal| {
        let deviation = Interval::from_decimal(volatility)?.mul(&root)?;
        black76_ratio(*option_type, &log, &strike_ratio, &deviation)
    };
    let slack = Interval::from_decimal(&slack())?;
    let near = |low: &Interval, high: &Interval| {
        let (low, high) = (low.sub(&slack)?, high.add(&slack)?);
        Ok::<_, DomainError>(given.hi() >= low.lo() && given.lo() <= high.hi())
    };
    let middle = model(implied_volatility)?;
    if near(&middle, &middle)? {
        return Ok(None);
    }
    let less = implied_volatility
        .checked_sub(&rounding())?
        .max(Decimal::ZERO);
    if near(
        &model(&less)?,
        &model(&implied_volatility.checked_add(&rounding())?)?,
    )? {
        return Ok(None);
    }
    // A reason may stand for interest, or for a market that nobody quotes; not for giving an option away.
    let intrinsic = model(&Decimal::ZERO)?;
    let least = intrinsic.times(3)?.div_int(4)?.sub(&slack)?;
    if given.hi() < least.lo() {
        return Ok(Some(format!(
            "{mark}{unit} is far below what exercising it would bring ({}); correct it",
            shown(&intrinsic, inverse, &forward_interval)?
        )));
    }
    if instrument.mark_reason.is_some() {
        return Ok(None);
    }
    Ok(Some(format!(
        "{mark}{unit} is far from {}, which follows from its forward {forward}, strike {strike}, volatility \
         {implied_volatility} and {} days to expiry; correct one of them, or say why in `mark_reason` (such as illiquid)",
        shown(&middle, inverse, &forward_interval)?,
        (expiry_ms - as_of_ms) / 86_400_000
    )))
}

/// A price in parts of the forward as the mark would be written.
fn shown(ratio: &Interval, inverse: bool, forward: &Interval) -> Result<String, DomainError> {
    Ok(if inverse {
        format!("{} coin", crate::pricing::shown(ratio, 8)?)
    } else {
        crate::pricing::shown(&ratio.mul(forward)?, 6)?.to_string()
    })
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
