//! From units to lots and from prices to ticks a lot, and back: exactly, or refused with what is nearest.

use fixed::{Decimal, FixedError, Rounding};
use records::units::{Lots, TICK_DECIMALS, Ticks};

use crate::auction::rule::MAX_PRICE;
use crate::book::MAX_LOTS;
use crate::snapshot::{Instrument, Settlement, Snapshot};

/// Most decimals of a price that is no multiple of ten ticks a lot.
const PRICE_DECIMALS: u8 = 18;

/// A quantity in lots.
///
/// # Errors
/// Says why it is none, and what is nearest.
pub(super) fn lots(quantity: &Decimal, lot: &Decimal) -> Result<Lots, String> {
    if *quantity <= Decimal::ZERO {
        return Err(format!(
            "{quantity} must be above zero; the side says whether it is sold"
        ));
    }
    let rounded = |rounding| quantity.div(lot, 0, rounding).map(|n| n.units());
    let (below, above) = rounded(Rounding::Floor)
        .and_then(|below| Ok((below, rounded(Rounding::Ceil)?)))
        .map_err(|e| format!("{quantity}: {e}"))?;
    if below != above {
        let named = |lots: i128| Decimal::from_int(lots).checked_mul(lot);
        return Err(format!(
            "{quantity} is not a whole number of lots of {lot}; {}",
            nearest(named(below), named(above))
        ));
    }
    let lots = Lots(below);
    (lots.narrow().filter(|l| *l < MAX_LOTS)).ok_or_else(|| {
        format!("{quantity} is {lots} lots, which must be below {MAX_LOTS}; use a larger lot")
    })
}

/// The nearest numbers, of which zero is none.
fn nearest(below: Result<Decimal, FixedError>, above: Result<Decimal, FixedError>) -> String {
    let numbers: Vec<String> = [below, above]
        .into_iter()
        .flatten()
        .filter(|n| !n.is_zero())
        .map(|n| n.normalized().to_string())
        .collect();
    match numbers.as_slice() {
        [one] => format!("the nearest is {one}"),
        _ => format!("the nearest are {}", numbers.join(" and ")),
    }
}

/// An instrument that trades: settled in the quote currency.
#[derive(Clone, Copy, Debug)]
pub struct Traded<'a> {
    instrument: &'a Instrument,
    /// What a lot is worth at a price of 1.
    size: Decimal,
}

impl<'a> Traded<'a> {
    /// The instrument of this number in a valid snapshot.
    ///
    /// # Errors
    /// If it is settled in a coin.
    pub fn new(snapshot: &'a Snapshot, instrument: usize) -> Result<Self, String> {
        let instrument = &snapshot.instruments[instrument];
        if instrument.settlement != Settlement::Linear {
            return Err(format!(
                "`{}` is settled in a coin; only instruments settled in the quote currency trade",
                instrument.symbol
            ));
        }
        let size = (instrument.lot.checked_mul(&instrument.contract_size))
            .map_err(|e| format!("a lot of `{}`: {e}", instrument.symbol))?;
        let traded = Self { instrument, size };
        let largest = i128::from(MAX_PRICE);
        let fits = traded.unit_price(largest, Rounding::HalfEven).is_ok()
            && Decimal::from_int(i128::from(MAX_LOTS.0))
                .checked_mul(&instrument.lot)
                .is_ok();
        match fits {
            true => Ok(traded),
            false => Err(format!(
                "a lot of `{}` is too small or too large to be priced; change the lot",
                instrument.symbol
            )),
        }
    }

    /// A quantity in lots.
    ///
    /// # Errors
    /// Says why it is none, and what is nearest.
    pub fn lots(&self, quantity: &Decimal) -> Result<Lots, String> {
        lots(quantity, &self.instrument.lot)
    }

    /// So many lots in contracts.
    pub fn quantity(&self, lots: Lots) -> Decimal {
        let lots = Decimal::from_int(i128::from(lots.0));
        let quantity = lots.checked_mul(&self.instrument.lot);
        quantity.expect("checked for the most lots").normalized()
    }

    /// A price above zero, in ticks a lot.
    ///
    /// # Errors
    /// Says why it is none, and what is nearest.
    pub fn ticks(&self, price: &Decimal) -> Result<Ticks<u64>, String> {
        if *price <= Decimal::ZERO {
            return Err(format!("{price} is no price; it must be above zero"));
        }
        let fail = |e: FixedError| format!("{price}: {e}");
        let value = price.checked_mul(&self.size).map_err(fail)?;
        let [below, above] =
            [Rounding::Floor, Rounding::Ceil].map(|r| value.rescale(TICK_DECIMALS, r));
        let (below, above) = (below.map_err(fail)?, above.map_err(fail)?);
        if below != above {
            return Err(format!(
                "{price} is not a whole number of ticks of 0.000001 for a lot of {}; {}",
                self.instrument.lot,
                nearest(
                    self.unit_price(below, Rounding::Floor),
                    self.unit_price(above, Rounding::Ceil)
                )
            ));
        }
        (Ticks(below)
            .narrow()
            .filter(|t: &Ticks<u64>| t.0 < MAX_PRICE))
        .ok_or_else(|| {
            format!("{price} is 2^40 ticks a lot or more; correct it, or use a smaller lot")
        })
    }

    /// The price of a contract at so many ticks a lot: exact if it was read from one, else with 18 decimals, rounded to the
    /// nearest.
    pub fn price(&self, ticks: Ticks<u64>) -> Decimal {
        let price = self.unit_price(i128::from(ticks.0), Rounding::HalfEven);
        price.expect("checked for the highest price").normalized()
    }

    fn unit_price(&self, ticks: i128, rounding: Rounding) -> Result<Decimal, FixedError> {
        Decimal::new(ticks, TICK_DECIMALS).div(&self.size, PRICE_DECIMALS, rounding)
    }
}
