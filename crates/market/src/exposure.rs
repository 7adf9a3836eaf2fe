//! What all accounts of a book together are net long of an underlying.

use fixed::{Decimal, Rounding};
use records::units::Lots;

use crate::book::{Account, Side};
use crate::snapshot::{Instrument, Kind, Settlement, Snapshot};

/// Why instruments have no net exposure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExposureError {
    /// None is named.
    #[error("name at least one instrument")]
    None,
    /// A name that the snapshot lacks, or one that is named twice.
    #[error("the market has no instrument `{0}`, or it is named twice")]
    Unknown(String),
    /// An instrument whose exposure is not proportional to its lots.
    #[error(
        "`{0}` is not a linear perpetual or future; only their exposure is lots times what a lot is of the underlying"
    )]
    NotLinear(String),
    /// Instruments on different underlyings.
    #[error("`{0}` is on another underlying than the first instrument named")]
    Underlying(String),
    /// Lots of different sizes.
    #[error(
        "a lot of `{0}` is not as much of the underlying as one of the first instrument named; name those of one size together"
    )]
    Lot(String),
}

/// An exposure outside its interval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the net exposure is {net}, not between {low} and {high}")]
pub struct OutOfInterval {
    /// Net long, in the underlying.
    pub net: Decimal,
    /// The least that is claimed.
    pub low: Decimal,
    /// The most that is claimed.
    pub high: Decimal,
}

/// An interval that no exposure can be shown to lie in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no whole number of lots, below 2^64, from {low} to {high}")]
pub struct EmptyInterval {
    /// The least that is claimed.
    pub low: Decimal,
    /// The most that is claimed.
    pub high: Decimal,
}

/// Bounds are below so many lots.
const MOST_LOTS: Lots<i128> = Lots(1 << 64);

/// Linear perpetuals and futures of which a lot is equally much of the underlying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Their numbers in the snapshot.
    pub instruments: Vec<usize>,
    /// What a lot is, in the underlying.
    pub lot: Decimal,
    /// The underlying.
    pub underlying: String,
}

impl Exposed {
    /// Instruments of a snapshot, by their symbols.
    ///
    /// # Errors
    /// Names the first one that does not fit.
    pub fn new(snapshot: &Snapshot, symbols: &[String]) -> Result<Self, ExposureError> {
        let all = &snapshot.instruments;
        let mut instruments = Vec::new();
        for symbol in symbols {
            let found = all.iter().position(|i| i.symbol == *symbol);
            let index = found.filter(|index| !instruments.contains(index));
            instruments.push(index.ok_or_else(|| ExposureError::Unknown(symbol.clone()))?);
        }
        let first = *instruments.first().ok_or(ExposureError::None)?;
        let lot = size(&all[first])?;
        for &index in &instruments {
            if all[index].underlying != all[first].underlying {
                return Err(ExposureError::Underlying(all[index].symbol.clone()));
            }
            if size(&all[index])? != lot {
                return Err(ExposureError::Lot(all[index].symbol.clone()));
            }
        }
        Ok(Self {
            underlying: all[first].underlying.clone(),
            instruments,
            lot,
        })
    }

    /// What accounts are net long: below 2^94 lots, if they fit a book.
    pub fn lots<'a>(&self, accounts: impl IntoIterator<Item = &'a Account>) -> Lots<i128> {
        let positions = accounts.into_iter().flat_map(|a| &a.positions);
        let counted = positions.filter(|p| self.instruments.contains(&p.instrument));
        let signed = counted.map(|p| match p.side {
            Side::Long => p.lots.widen(),
            Side::Short => -p.lots.widen::<i128>(),
        });
        signed.sum()
    }

    /// The lots whose amounts lie between two amounts of the underlying.
    ///
    /// # Errors
    /// If an amount is too large, or no number of lots lies between them.
    pub fn interval(
        &self,
        low: &Decimal,
        high: &Decimal,
    ) -> Result<[Lots<i128>; 2], EmptyInterval> {
        let lots = |amount: &Decimal, rounding| {
            let lots = amount.div(&self.lot, 0, rounding).ok();
            lots.map(|lots| Lots(lots.units()))
                .filter(|lots| (-MOST_LOTS < *lots) && (*lots < MOST_LOTS))
        };
        let empty = || EmptyInterval {
            low: *low,
            high: *high,
        };
        let ends = (lots(low, Rounding::Ceil), lots(high, Rounding::Floor));
        match ends {
            (Some(low), Some(high)) if low <= high => Ok([low, high]),
            _ => Err(empty()),
        }
    }

    /// Lots as an amount of the underlying; `None` if it does not fit.
    pub fn amount(&self, lots: Lots<i128>) -> Option<Decimal> {
        let units = lots.0.checked_mul(self.lot.units())?;
        Some(Decimal::new(units, self.lot.scale()))
    }

    /// Whether lots lie in an interval of lots.
    ///
    /// # Errors
    /// Says what they are.
    pub fn check(
        &self,
        lots: Lots<i128>,
        [low, high]: [Lots<i128>; 2],
    ) -> Result<(), OutOfInterval> {
        if (low..=high).contains(&lots) {
            return Ok(());
        }
        let amount = |lots| self.amount(lots).unwrap_or(Decimal::ZERO);
        Err(OutOfInterval {
            net: amount(lots),
            low: amount(low),
            high: amount(high),
        })
    }
}

/// What a lot of a linear perpetual or future is, in the underlying.
fn size(instrument: &Instrument) -> Result<Decimal, ExposureError> {
    let dated = matches!(instrument.kind, Kind::Perpetual | Kind::Future { .. });
    let not_linear = || ExposureError::NotLinear(instrument.symbol.clone());
    if !dated || instrument.settlement != Settlement::Linear {
        return Err(not_linear());
    }
    let lot = instrument.lot.checked_mul(&instrument.contract_size);
    Ok(lot.map_err(|_| not_linear())?.normalized())
}
