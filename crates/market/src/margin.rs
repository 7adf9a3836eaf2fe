//! Is an account margined?

use fixed::Decimal;

use crate::array::{RiskArrays, column_name};
use crate::book::{Account, Side};
use crate::haircut::{AssetRates, value};
use crate::snapshot::{Level, Snapshot, SnapshotError};
use records::units::{PHI_PER_TICK, phi_to_quote};

/// The public numbers that margins at a level follow from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginTables {
    /// The level.
    pub level: Level,
    /// Per asset.
    pub assets: Vec<AssetRates>,
    /// Per instrument.
    pub arrays: RiskArrays,
}

impl MarginTables {
    /// The tables of a valid snapshot.
    ///
    /// # Errors
    /// Names what is wrong with the snapshot.
    pub fn new(snapshot: &Snapshot, level: Level) -> Result<Self, SnapshotError> {
        snapshot.validate()?;
        let assets = snapshot
            .assets
            .iter()
            .map(AssetRates::new)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            level,
            assets,
            arrays: RiskArrays::new(snapshot, level)?,
        })
    }
}

/// An account's margin at a level. Amounts are in PHI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginResult {
    /// Equity after haircuts (of the margin schedule) less debts.
    pub collateral: i128,
    /// Collateral and unrealized profit at the mark.
    pub equity: i128,
    /// The margin in each column: what is left after the requirement.
    pub margins: Vec<i128>,
    /// The column with the least margin.
    pub worst: usize,
}

impl MarginResult {
    /// The least margin; negative if the account falls short.
    pub fn least(&self) -> i128 {
        self.margins[self.worst]
    }
    /// Whether the account meets the level.
    pub fn is_met(&self) -> bool {
        self.least() >= 0
    }
    /// The requirement: equity less the least margin.
    pub fn requirement(&self) -> i128 {
        self.equity - self.least()
    }
}

/// The margin of an account; exactly the arithmetic of the proof.
pub fn evaluate(snapshot: &Snapshot, tables: &MarginTables, account: &Account) -> MarginResult {
    let mut collateral = 0i128;
    for (balance, rates) in account.balances.iter().zip(&tables.assets) {
        collateral += value(&rates.schedules[1], balance.equity) as i128;
        collateral -= i128::from(balance.debt) * i128::from(rates.debt);
    }
    let mut entries = 0i128;
    let mut margins = vec![0i128; tables.arrays.columns];
    let mut marked = 0i128;
    for position in &account.positions {
        let side = usize::from(position.side == Side::Short);
        let rate = tables.arrays.entry_rates[position.instrument][side];
        entries += i128::from(position.entry) * i128::from(rate);
        let lots = i128::from(position.lots);
        for (margin, v) in margins
            .iter_mut()
            .zip(&tables.arrays.values[position.instrument][side])
        {
            *margin += lots * i128::from(*v);
        }
        marked += lots * i128::from(mark_ticks(snapshot, tables, position.instrument, side));
    }
    let before = collateral + entries;
    for margin in &mut margins {
        *margin = before + *margin * PHI_PER_TICK;
    }
    let worst = (0..margins.len()).min_by_key(|&s| margins[s]).unwrap_or(0);
    if margins.is_empty() {
        margins.push(before);
    }
    MarginResult {
        collateral,
        equity: before + marked * PHI_PER_TICK,
        margins,
        worst,
    }
}

/// The mark value of a lot for display: the no-move scenario plus the contingency that it holds.
fn mark_ticks(snapshot: &Snapshot, tables: &MarginTables, instrument: usize, side: usize) -> i64 {
    // Long and short values without a move are mark - contingency and -mark - contingency.
    let zero = snapshot
        .grid
        .scenarios()
        .iter()
        .position(|s| s.price_move.is_zero() && s.volatility_shift.is_zero())
        .unwrap_or(0);
    let [long, short] = &tables.arrays.values[instrument];
    let twice = long[zero] - short[zero];
    let mark = twice.div_euclid(2);
    if side == 0 { mark } else { -(twice - mark) }
}

/// Why an account does not meet a level, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "account `{account}` is below {level} margin: in its worst scenario ({scenario}) equity {equity} {quote} \
     is short of the requirement {requirement} {quote} by {shortfall} {quote}"
)]
pub struct Undermargined {
    /// The account.
    pub account: String,
    /// The level.
    pub level: Level,
    /// The worst scenario.
    pub scenario: String,
    /// Collateral after haircuts plus unrealized profit.
    pub equity: Decimal,
    /// What the level requires.
    pub requirement: Decimal,
    /// What is missing.
    pub shortfall: Decimal,
    /// The currency.
    pub quote: String,
}

/// Explains a result that does not meet its level.
pub fn explain(
    snapshot: &Snapshot,
    tables: &MarginTables,
    account: &Account,
    result: &MarginResult,
) -> Undermargined {
    Undermargined {
        account: account.id.clone(),
        level: tables.level,
        scenario: column_name(snapshot, result.worst),
        equity: phi_to_quote(result.equity),
        requirement: phi_to_quote(result.requirement()),
        shortfall: phi_to_quote(-result.least()),
        quote: snapshot.quote.clone(),
    }
}
