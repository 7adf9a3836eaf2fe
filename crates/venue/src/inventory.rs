//! A venue's inventory from its account book: what all accounts together are net long, and what they paid.

use fixed::FixedError;

use crate::certificate::MAX_GAIN;
use crate::scenarios::{Market, ScenarioSet};
use crate::state::{VenueState, quantity_fits};
use market::book::{Account, Side};
use market::snapshot::{Instrument, Kind, Settlement, Snapshot};
use records::date::moment;
use records::units::{Lots, Ticks};

/// What all accounts together hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Net long lots per market, in the order of the markets.
    pub quantities: Vec<Lots<i64>>,
    /// The signed sum of entry notionals.
    pub entry: Ticks,
}

/// Why a book has no inventory in these markets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Every instrument must be a market, or a position would be left out.
    #[error(
        "instrument `{0}` is not a market of the scenarios; the inventory must hold every position"
    )]
    NotAMarket(String),
    /// Every market must be an instrument.
    #[error("market `{0}` is not an instrument of the book")]
    NotAnInstrument(String),
    /// An instrument that a market cannot stand for.
    #[error(
        "instrument `{0}` is not a linear perpetual or future; only those have a net quantity and a net entry"
    )]
    NotLinear(String),
    /// Two instruments or markets of one name.
    #[error("there are two instruments or markets `{0}`")]
    Duplicate(String),
    /// Lots differ.
    #[error(
        "a lot of `{symbol}` is {instrument} of the underlying in the book and {market} in the scenarios"
    )]
    Lot {
        /// The market.
        symbol: String,
        /// Contracts a lot times contract size.
        instrument: String,
        /// Of the scenario set.
        market: String,
    },
    /// Book and scenarios are in other currencies.
    #[error("the book is in `{}` and the scenarios are in `{}`", .book.escape_debug(), .scenarios.escape_debug())]
    Currency {
        /// Of the book.
        book: String,
        /// Of the scenario set.
        scenarios: String,
    },
    /// The state is of another moment.
    #[error(
        "the state is as of {} and the book as of {}; a book is the inventory of its own moment",
        moment(*.state_ms),
        moment(*.book_ms)
    )]
    Moment {
        /// Of the state.
        state_ms: u64,
        /// Of the book.
        book_ms: u64,
    },
    /// The state holds something else.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The net quantity or the net entry is too large.
    #[error("the inventory does not fit: a net quantity of 2^38 lots or a net entry of 2^58 ticks")]
    TooLarge,
}

impl InventoryError {
    /// Whether all is well-formed, and the state holds something else than the book.
    pub fn is_false(&self) -> bool {
        matches!(self, Self::Mismatch(_))
    }
}

/// How a state differs from the book's inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// In a market.
    #[error("in {market} the accounts are net long {accounts} lots, the state says {state}")]
    Quantity {
        /// The market.
        market: String,
        /// In the book.
        accounts: Lots<i64>,
        /// In the state.
        state: Lots<i64>,
    },
    /// In the sum of entry notionals.
    #[error("the accounts' entry notionals add up to {accounts} ticks, the state says {state}")]
    Entry {
        /// In the book.
        accounts: Ticks,
        /// In the state.
        state: Ticks,
    },
}

/// Which instrument each market is. Every instrument is a market and every market an instrument, by name; all are linear
/// perpetuals or futures, of which a lot is as much of the underlying as the market's.
///
/// # Errors
/// Names the first one that is not so.
pub fn instruments_of(
    instruments: &[Instrument],
    markets: &[Market],
) -> Result<Vec<usize>, InventoryError> {
    for (i, instrument) in instruments.iter().enumerate() {
        let symbol = || instrument.symbol.clone();
        if instruments[..i]
            .iter()
            .any(|other| other.symbol == instrument.symbol)
        {
            return Err(InventoryError::Duplicate(symbol()));
        }
        if !markets.iter().any(|m| m.symbol == instrument.symbol) {
            return Err(InventoryError::NotAMarket(symbol()));
        }
        let dated = matches!(instrument.kind, Kind::Perpetual | Kind::Future { .. });
        if !dated || instrument.settlement != Settlement::Linear {
            return Err(InventoryError::NotLinear(symbol()));
        }
    }
    let twice = |i: &usize| markets[..*i].iter().any(|m| m.symbol == markets[*i].symbol);
    if let Some(i) = (0..markets.len()).find(twice) {
        return Err(InventoryError::Duplicate(markets[i].symbol.clone()));
    }
    let find = |market: &Market| {
        let found = instruments.iter().position(|i| i.symbol == market.symbol);
        let index = found.ok_or_else(|| InventoryError::NotAnInstrument(market.symbol.clone()))?;
        let size = instruments[index]
            .lot
            .checked_mul(&instruments[index].contract_size);
        let same = |size: &fixed::Decimal| size.normalized() == market.lot.normalized();
        if size.as_ref().is_ok_and(same) {
            return Ok(index);
        }
        Err(InventoryError::Lot {
            symbol: market.symbol.clone(),
            instrument: size.map_or_else(|e: FixedError| e.to_string(), |s| s.to_string()),
            market: market.lot.to_string(),
        })
    };
    markets.iter().map(find).collect()
}

/// What accounts together hold.
///
/// # Errors
/// If instruments and markets do not correspond, or a sum is too large.
pub fn inventory<'a>(
    accounts: impl IntoIterator<Item = &'a Account>,
    instruments: &[Instrument],
    markets: &[Market],
) -> Result<Inventory, InventoryError> {
    let of = instruments_of(instruments, markets)?;
    let mut quantities = vec![Lots(0i128); instruments.len()];
    let mut entry = Ticks(0i128);
    for position in accounts.into_iter().flat_map(|a| &a.positions) {
        let sign = match position.side {
            Side::Long => 1,
            Side::Short => -1,
        };
        quantities[position.instrument] += position.lots.widen() * sign;
        entry += Ticks(i128::from(position.entry)) * sign;
    }
    let quantity = |&i: &usize| quantities[i].narrow().filter(|q| quantity_fits(*q));
    let entry = entry
        .narrow()
        .filter(|e: &Ticks| e.0.unsigned_abs() < MAX_GAIN);
    Ok(Inventory {
        quantities: of
            .iter()
            .map(quantity)
            .collect::<Option<_>>()
            .ok_or(InventoryError::TooLarge)?,
        entry: entry.ok_or(InventoryError::TooLarge)?,
    })
}

/// Checks that a state is of the moment of its book.
///
/// # Errors
/// If it is not.
pub fn check_moment(book_ms: u64, state_ms: u64) -> Result<(), InventoryError> {
    if book_ms == state_ms {
        Ok(())
    } else {
        Err(InventoryError::Moment { state_ms, book_ms })
    }
}

/// What accounts together hold, if a state holds just that.
///
/// # Errors
/// If it holds something else, book and scenarios do not correspond, the state is of another moment, or a sum is too large.
pub fn check<'a>(
    snapshot: &Snapshot,
    accounts: impl IntoIterator<Item = &'a Account>,
    set: &ScenarioSet,
    state: &VenueState,
) -> Result<Inventory, InventoryError> {
    if snapshot.quote != set.quote {
        return Err(InventoryError::Currency {
            book: snapshot.quote.clone(),
            scenarios: set.quote.clone(),
        });
    }
    // Other markets say more than another moment.
    let inventory = inventory(accounts, &snapshot.instruments, &set.markets)?;
    check_moment(snapshot.as_of_ms, state.as_of_ms)?;
    inventory.check(state, &set.markets)?;
    Ok(inventory)
}

impl Inventory {
    /// Whether a state holds just this inventory.
    ///
    /// # Errors
    /// Says what differs first.
    pub fn check(&self, state: &VenueState, markets: &[Market]) -> Result<(), Mismatch> {
        let pairs = self.quantities.iter().zip(&state.quantities).zip(markets);
        for ((&accounts, &state), market) in pairs {
            if accounts != state {
                return Err(Mismatch::Quantity {
                    market: market.symbol.clone(),
                    accounts,
                    state,
                });
            }
        }
        if self.entry != state.entry {
            return Err(Mismatch::Entry {
                accounts: self.entry,
                state: state.entry,
            });
        }
        Ok(())
    }
}
