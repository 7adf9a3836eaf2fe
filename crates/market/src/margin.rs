//! Is an account margined?

use fixed::Decimal;
use rayon::prelude::*;

use crate::array::{RiskArrays, column_name};
use crate::book::{Account, Side};
use crate::haircut::{AssetRates, value};
use crate::snapshot::{Level, Snapshot, SnapshotError};
use records::units::{SUBTICKS_PER_TICK, Subticks};

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

/// An account's margin at a level. Amounts are in subticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginResult {
    /// Equity after haircuts (of the margin schedule) less debts.
    pub collateral: i128,
    /// Collateral less what the positions were entered at: equity but for the positions' value.
    pub entered: i128,
    /// Collateral and unrealized profit at the mark.
    pub equity: i128,
    /// The column with the least margin.
    pub worst: usize,
    /// The least margin: what is left after the requirement. Negative if the account falls short.
    pub least: i128,
    /// The columns in which the margin is negative.
    pub negative: Vec<usize>,
}

impl MarginResult {
    /// Whether the account meets the level.
    pub fn is_met(&self) -> bool {
        self.negative.is_empty()
    }
    /// The requirement: equity less the least margin.
    pub fn requirement(&self) -> i128 {
        self.equity - self.least
    }
}

/// Collateral after haircuts less debts, and what the positions were entered at, in subticks.
fn collateral_and_entries(tables: &MarginTables, account: &Account) -> (i128, i128) {
    let mut collateral = 0i128;
    for (balance, rates) in account.balances.iter().zip(&tables.assets) {
        collateral += value(&rates.schedules[1], balance.equity) as i128;
        collateral -= i128::from(balance.debt) * i128::from(rates.debt);
    }
    let entries = account.positions.iter().map(|p| {
        let rate = tables.arrays.entry_rates[p.instrument][p.side.index()];
        i128::from(p.entry) * i128::from(rate)
    });
    (collateral, entries.sum())
}

/// The margin of an account in each column, in subticks; exactly the arithmetic of the proof.
pub fn margins(tables: &MarginTables, account: &Account) -> Vec<i128> {
    let (collateral, entries) = collateral_and_entries(tables, account);
    margins_from(tables, account, collateral + entries)
}

fn margins_from(tables: &MarginTables, account: &Account, entered: i128) -> Vec<i128> {
    // Without positions the margin is the same in all columns, of which there is at least one.
    let mut margins = vec![0i128; tables.arrays.columns.max(1)];
    for position in &account.positions {
        let values = &tables.arrays.values[position.instrument][position.side.index()];
        for (margin, value) in margins.iter_mut().zip(values) {
            *margin += i128::from(position.lots) * i128::from(*value);
        }
    }
    for margin in &mut margins {
        *margin = entered + *margin * SUBTICKS_PER_TICK;
    }
    margins
}

/// The margin of an account; exactly the arithmetic of the proof.
pub fn evaluate(snapshot: &Snapshot, tables: &MarginTables, account: &Account) -> MarginResult {
    let (collateral, entries) = collateral_and_entries(tables, account);
    let entered = collateral + entries;
    let margins = margins_from(tables, account, entered);
    let marked = account.positions.iter().map(|p| {
        let mark = mark_ticks(snapshot, tables, p.instrument, p.side);
        i128::from(p.lots) * i128::from(mark)
    });
    let worst = (0..margins.len()).min_by_key(|&s| margins[s]).unwrap_or(0);
    MarginResult {
        collateral,
        entered,
        equity: entered + marked.sum::<i128>() * SUBTICKS_PER_TICK,
        worst,
        least: margins[worst],
        negative: (0..margins.len()).filter(|&s| margins[s] < 0).collect(),
    }
}

/// The margins of accounts at a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Margins {
    /// The public numbers that they follow from.
    pub tables: MarginTables,
    /// Per account, in the given order.
    pub results: Vec<MarginResult>,
    /// Why accounts do not meet the level, in the given order: one for each that does not.
    pub below: Vec<Undermargined>,
}

impl Margins {
    /// The margins of accounts that fit a snapshot (see [`Account::validate`]).
    ///
    /// # Errors
    /// Names what is wrong with the snapshot.
    pub fn new(
        snapshot: &Snapshot,
        accounts: &[&Account],
        level: Level,
    ) -> Result<Self, SnapshotError> {
        let tables = MarginTables::new(snapshot, level)?;
        let results: Vec<MarginResult> = accounts
            .par_iter()
            .map(|account| evaluate(snapshot, &tables, account))
            .collect();
        let below = accounts.iter().zip(&results).filter(|(_, r)| !r.is_met());
        let below = below.map(|(account, r)| explain(snapshot, &tables, account, r));
        let below = below.collect();
        Ok(Self {
            tables,
            results,
            below,
        })
    }

    /// Whether all accounts meet the level.
    ///
    /// # Errors
    /// Explains the first that does not.
    pub fn check(&self) -> Result<(), Box<Undermargined>> {
        self.below
            .first()
            .map_or(Ok(()), |first| Err(Box::new(first.clone())))
    }
}

/// The mark value of a lot for display: the no-move scenario plus the contingency that it holds.
fn mark_ticks(snapshot: &Snapshot, tables: &MarginTables, instrument: usize, side: Side) -> i64 {
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
    match side {
        Side::Long => mark,
        Side::Short => -(twice - mark),
    }
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
fn explain(
    snapshot: &Snapshot,
    tables: &MarginTables,
    account: &Account,
    result: &MarginResult,
) -> Undermargined {
    Undermargined {
        account: account.id.clone(),
        level: tables.level,
        scenario: column_name(snapshot, result.worst),
        equity: Subticks(result.equity).to_quote(),
        requirement: Subticks(result.requirement()).to_quote(),
        shortfall: Subticks(-result.least).to_quote(),
        quote: snapshot.quote.clone(),
    }
}
