//! Public market data at a moment.

mod checks;
mod parameters;

use std::collections::{BTreeMap, HashSet};

use fixed::Decimal;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256};

pub use checks::check_assets;
pub use parameters::{Extreme, Level, MarginParameters, OffsetGroup, Scenario, ScenarioGrid};

/// The most decimals of an asset.
pub const MAX_DECIMALS: u8 = 18;
/// The most scenarios of a grid: the proofs have room for 256 columns, one of which is the
/// short-option minimum.
pub const MAX_SCENARIOS: usize = 255;
/// The most instruments of a snapshot.
pub const MAX_INSTRUMENTS: usize = 1 << 14;
/// The most instruments times scenarios (the short-option minimum counts as one): a snapshot may come from a stranger, and
/// each of these is a price.
pub const MAX_PRICES: usize = 1 << 20;
/// The most offset groups, and the most underlyings of one.
pub const MAX_GROUPS: usize = 16;
/// Offsets of groups are in steps of 10^-6.
pub const OFFSET_DECIMALS: u8 = 6;
/// The most assets of a snapshot.
pub const MAX_ASSETS: usize = 1 << 12;

/// The source of prices that no one names.
pub const UNSTATED: &str = "unstated";

/// [`UNSTATED`].
pub fn unstated() -> String {
    UNSTATED.to_string()
}

/// Public market data: all that a margin or solvency claim depends on besides the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// When, in milliseconds since 1970.
    pub as_of_ms: u64,
    /// Where prices come from, such as `venue-x-mark`; [`UNSTATED`] where no one says.
    #[serde(default = "unstated")]
    pub source: String,
    /// The currency prices are in.
    pub quote: String,
    /// Assets that balances are held in.
    pub assets: Vec<Asset>,
    /// Instruments that positions are held in.
    #[serde(default)]
    pub instruments: Vec<Instrument>,
    /// Stress scenarios of every underlying that has none of its own.
    #[serde(default)]
    pub grid: ScenarioGrid,
    /// Stress scenarios of single underlyings, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grids: BTreeMap<String, ScenarioGrid>,
    /// Add-ons and levels.
    #[serde(default)]
    pub parameters: MarginParameters,
}

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Its name, such as `BTC`.
    pub symbol: String,
    /// Price of one whole asset in the quote currency, at least 0.
    pub price: Decimal,
    /// Balances are whole numbers of `10^-decimals`.
    pub decimals: u8,
    /// What collateral in this asset is worth.
    #[serde(default)]
    pub haircuts: Haircuts,
}

/// Haircut schedules by use. Empty: such collateral is worth nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Haircuts {
    /// For loans.
    #[serde(default)]
    pub loan: Vec<Tier>,
    /// For margin; also what an account's equity is worth in the margin statement.
    #[serde(default)]
    pub margin: Vec<Tier>,
    /// For portfolio margin.
    #[serde(default)]
    pub portfolio: Vec<Tier>,
}

impl Haircuts {
    /// The schedules in the order loan, margin, portfolio.
    pub fn all(&self) -> [&[Tier]; 3] {
        [&self.loan, &self.margin, &self.portfolio]
    }
}

/// A tier: the part of a holding's value up to `up_to` (and above the tier before) counts at
/// `percent` percent. What exceeds the last tier counts nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Upper end in the quote currency.
    pub up_to: Decimal,
    /// 0 to 100, not above the tier before.
    pub percent: Decimal,
}

/// An instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Its name, such as `BTC-PERP`.
    pub symbol: String,
    /// What it is.
    pub kind: Kind,
    /// What it is on, such as `BTC`: instruments on one underlying offset each other, others do not. If an asset has this
    /// name, balances in it move as the underlying does. Files must give it: where it is missing, [`Snapshot::validate`] says so.
    #[serde(default)]
    pub underlying: String,
    /// Paid in the quote currency, or in coin.
    pub settlement: Settlement,
    /// Mark price: in the quote currency; of an inverse option in coin.
    pub mark: Decimal,
    /// Forward price of the underlying to expiry, in the quote currency. Options need it.
    #[serde(default)]
    pub forward: Option<Decimal>,
    /// Quantities are whole numbers of lots of this many contracts.
    pub lot: Decimal,
    /// Underlying per contract; of inverse perpetuals and futures the contract's value in quote.
    pub contract_size: Decimal,
    /// Why an option's mark is far from its model price, where it is, such as `illiquid`. Claims repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_reason: Option<String>,
}

/// The kind of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Kind {
    /// A perpetual swap.
    Perpetual,
    /// A dated future.
    Future {
        /// Expiry in milliseconds since 1970.
        expiry_ms: u64,
    },
    /// A European option.
    Option {
        /// Call or put.
        option_type: OptionType,
        /// Strike in the quote currency.
        strike: Decimal,
        /// Expiry in milliseconds since 1970.
        expiry_ms: u64,
        /// Implied volatility per year, 0.85 for 85%.
        implied_volatility: Decimal,
    },
}

/// Call or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionType {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

/// What an instrument pays in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Settlement {
    /// In the quote currency.
    Linear,
    /// In this asset, the underlying, valued at its snapshot price.
    Inverse(String),
}

/// A snapshot that contradicts itself or exceeds a bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SnapshotError {
    /// Where, such as `assets[2].price`.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl SnapshotError {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl Snapshot {
    /// The index of an asset.
    pub fn asset(&self, symbol: &str) -> Option<usize> {
        self.assets.iter().position(|a| a.symbol == symbol)
    }

    /// SHA3-256, in hex, of what a solvency claim takes from a market: currency, moment, source, and of each asset its name,
    /// price and haircuts. Numbers are written without trailing zeros; decimals are left out, since they follow from a book.
    /// Whoever knows prices but no book can sign it.
    pub fn prices_digest(&self) -> String {
        let tiers = |schedule: &[Tier]| -> Vec<[Decimal; 2]> {
            let each = schedule.iter();
            each.map(|t| [t.up_to.normalized(), t.percent.normalized()])
                .collect()
        };
        let assets: Vec<_> = (self.assets.iter())
            .map(|a| (&a.symbol, a.price.normalized(), a.haircuts.all().map(tiers)))
            .collect();
        let text =
            serde_json::to_vec(&("prices 1", &self.quote, self.as_of_ms, &self.source, assets));
        let digest = Sha3_256::digest(text.expect("plain data"));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What prices move: first the underlyings of instruments, in the order in which they first stand there, then all other
    /// assets but the quote currency, those without a price and the stable ones.
    pub fn underlyings(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        let mut seen = HashSet::new();
        let on = self.instruments.iter().map(|i| i.underlying.as_str());
        let held = self.assets.iter().filter(|a| self.moves(a));
        for name in on.chain(held.map(|a| a.symbol.as_str())) {
            if seen.insert(name) {
                all.push(name);
            }
        }
        all
    }

    /// Whether balances in an asset move with scenarios.
    pub fn moves(&self, asset: &Asset) -> bool {
        let stable = &self.parameters.stable_assets;
        asset.symbol != self.quote && !asset.price.is_zero() && !stable.contains(&asset.symbol)
    }

    /// The scenarios of an underlying.
    pub fn grid_of(&self, underlying: &str) -> &ScenarioGrid {
        self.grids.get(underlying).unwrap_or(&self.grid)
    }

    /// The index of an instrument.
    pub fn instrument(&self, symbol: &str) -> Option<usize> {
        self.instruments.iter().position(|i| i.symbol == symbol)
    }

    /// Checks everything that can be wrong with a snapshot by itself: first how much there is, then each number, and last what
    /// options are marked at, which takes a price each.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn validate(&self) -> Result<(), SnapshotError> {
        self.check_size()?;
        records::date::check_moment(self.as_of_ms)
            .map_err(|problem| SnapshotError::new("as_of_ms", problem))?;
        check_assets(&self.assets)?;
        for (field, name) in [("quote", &self.quote), ("source", &self.source)] {
            if !records::names::is_name(name) {
                return Err(SnapshotError::new(field, records::names::NO_NAME));
            }
        }
        let own = self.assets.iter().position(|a| a.symbol == self.quote);
        if let Some(i) = own.filter(|i| self.assets[*i].price != Decimal::from_int(1)) {
            return Err(SnapshotError::new(
                format!("assets[{i}].price"),
                format!("prices are in `{}`, of which one is worth 1", self.quote),
            ));
        }
        let (mut symbols, mut underlyings) = (HashSet::new(), HashSet::new());
        for (i, instrument) in self.instruments.iter().enumerate() {
            let at = |field: &str| format!("instruments[{i}].{field}");
            if !records::names::is_name(&instrument.symbol) {
                return Err(SnapshotError::new(at("symbol"), records::names::NO_NAME));
            }
            if !symbols.insert(&instrument.symbol) {
                return Err(SnapshotError::new(
                    at("symbol"),
                    format!("`{}` stands twice; remove one", instrument.symbol),
                ));
            }
            self.check_instrument(instrument, &at)?;
            let above = i.checked_sub(1).map(|i| &self.instruments[i].underlying);
            if above != Some(&instrument.underlying) && !underlyings.insert(&instrument.underlying)
            {
                return Err(SnapshotError::new(
                    at("underlying"),
                    format!(
                        "instruments on `{}` stand apart; sort the instruments by underlying",
                        instrument.underlying
                    ),
                ));
            }
            crate::quotes::check_terms(self, instrument)
                .map_err(|(field, problem)| SnapshotError::new(at(field), problem))?;
        }
        self.check_grids()?;
        self.check_parameters()?;
        crate::quotes::check_marks(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_name_or_unstated() {
        let mut snapshot = crate::sample::snapshot();
        assert_eq!(snapshot.source, "sample");
        let mut json = serde_json::to_value(&snapshot).unwrap();
        json.as_object_mut().unwrap().remove("source");
        let read: Snapshot = serde_json::from_value(json).unwrap();
        assert_eq!(read.source, UNSTATED);
        assert_eq!(read.validate(), Ok(()));
        for wrong in ["", "our own\nsource", "venue; and attested", "\u{202e}x"] {
            snapshot.source = wrong.into();
            assert_eq!(snapshot.validate().unwrap_err().field, "source", "{wrong}");
        }
    }
}
