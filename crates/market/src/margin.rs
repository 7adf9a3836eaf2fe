//! Is an account margined?
//!
//! Equity is what an account's balances count after haircuts, less its debts, plus the value of its positions, less what they
//! were entered at. The requirement is, for every underlying by itself, the largest loss in one of its scenarios (see
//! [`crate::array`]), and a contingency of each position on top; a gain on one underlying offsets no loss on another. Balances
//! and debts in an underlying coin, and entries in it, lose and win with its price. The account meets the level if equity is
//! at least the requirement.
//!
//! Market rules may group underlyings. A group `g` with the offset `c` needs
//!
//! ```text
//! (1 - c) sum over u in g of (largest loss on u) + c (largest over scenarios s of sum over u in g of loss[u][s])
//! ```
//!
//! instead of the sum of its largest losses: never more than that, never less than zero, and sub-additive, since both terms
//! are. (Credits between pairs of underlyings are not: a pure loss can lower their sum.)
//!
//! Equity is rounded down, and so is what a lot wins in a scenario; contingency is rounded up. What there is in a coin is cut
//! down to a tick: of a balance above zero the loss is then too low by less than a tick, the only rounding that does not go
//! against the account.

use fixed::Decimal;
use rayon::prelude::*;

use crate::array::{MOVE_BITS, RiskArrays, column_name};
use crate::book::Account;
use crate::haircut::{AssetRates, value};
use crate::snapshot::{Level, OFFSET_DECIMALS, Snapshot, SnapshotError};
use records::units::{SUBTICKS_PER_TICK, Subticks, Ticks};

/// What an account has in one coin after haircuts, debts and entries, is below this many ticks in magnitude.
pub const MAX_COIN_BALANCE: i128 = 1 << 60;
/// Losses are counted in 2^-40 of a tick, a 2^20th of a subtick.
pub(crate) const LOSSES_PER_SUBTICK: i128 = (1 << MOVE_BITS) / SUBTICKS_PER_TICK;

/// The public numbers that margins at a level follow from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginTables {
    /// The level.
    pub level: Level,
    /// Per asset.
    pub assets: Vec<AssetRates>,
    /// Per asset: the underlying that its price is of, if scenarios move it.
    pub coins: Vec<Option<usize>>,
    /// Whether balances and debts move with their coin, or entries alone.
    pub balances_move: bool,
    /// The largest loss of a unit of a coin, per underlying, for a balance above zero and below: 2^-40, at least 0.
    pub coin_losses: Vec<[i64; 2]>,
    /// The groups with an offset above zero.
    pub groups: Vec<Group>,
    /// Per instrument and underlying.
    pub arrays: RiskArrays,
}

/// A group of underlyings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// In 10^-6, above zero.
    pub offset: u64,
    /// Which.
    pub underlyings: Vec<usize>,
}

impl MarginTables {
    /// The tables of a valid snapshot.
    ///
    /// # Errors
    /// Names what is wrong with the snapshot.
    pub fn new(snapshot: &Snapshot, level: Level) -> Result<Self, SnapshotError> {
        snapshot.validate()?;
        let assets = crate::haircut::rates(&snapshot.assets)?;
        let arrays = RiskArrays::new(snapshot, level)?;
        let underlyings = snapshot.underlyings();
        let coins = snapshot.assets.iter().map(|asset| {
            let number = underlyings.iter().position(|u| *u == asset.symbol);
            number.filter(|_| snapshot.moves(asset))
        });
        let most = |losses: &mut dyn Iterator<Item = i64>| losses.fold(0, i64::max);
        let coin_losses = arrays.moves.iter().map(|[above, below]| {
            [
                most(&mut above.iter().map(|m| -m)),
                most(&mut below.iter().copied()),
            ]
        });
        Ok(Self {
            level,
            assets,
            coins: coins.collect(),
            balances_move: snapshot.parameters.balances_move,
            coin_losses: coin_losses.collect(),
            groups: groups(snapshot),
            arrays,
        })
    }
}

/// The groups of a valid snapshot that have an offset.
fn groups(snapshot: &Snapshot) -> Vec<Group> {
    let names = snapshot.underlyings();
    let groups = snapshot.parameters.offset_groups.iter();
    let groups = groups.map(|group| Group {
        offset: (group.offset.rescale_exact(OFFSET_DECIMALS)).map_or(0, |c| c as u64),
        underlyings: (group.underlyings.iter())
            .filter_map(|name| names.iter().position(|u| u == name))
            .collect(),
    });
    groups.filter(|group| group.offset > 0).collect()
}

/// The largest loss of an account on one underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The underlying.
    pub underlying: usize,
    /// The first column with the largest loss.
    pub column: usize,
    /// The loss, at least 0, in 2^-40 of a tick.
    pub amount: i128,
    /// What the account has in the coin itself, rounded down.
    pub balance: Ticks<i128>,
}

impl Loss {
    /// In the quote currency, rounded up to a tick.
    pub fn to_quote_up(&self) -> Decimal {
        Decimal::new(-(-self.amount >> MOVE_BITS), records::units::TICK_DECIMALS)
    }
}

/// The largest joint loss of an account on a group of underlyings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointLoss {
    /// The place of the group in [`MarginTables::groups`].
    pub group: usize,
    /// The first column with the largest joint loss.
    pub column: usize,
    /// The joint loss, at least 0, in 2^-40 of a tick.
    pub amount: i128,
    /// The sum of the largest losses on the group's underlyings.
    pub apart: i128,
}

/// An account's margin at a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginResult {
    /// Balances after haircuts less debts plus the positions' value less entries.
    pub equity: Subticks,
    /// The contingency of all positions.
    pub contingency: Subticks,
    /// The largest loss on each underlying that the account has positions on or a balance in, in the order of underlyings.
    pub losses: Vec<Loss>,
    /// The largest joint loss on each group that the account has anything of, in the order of groups.
    pub joint: Vec<JointLoss>,
    /// What groups take off the sum of the largest losses, in 2^-40 of a tick, rounded down.
    pub credit: i128,
    /// Equity less the requirement, rounded down. Negative if the account falls short.
    pub excess: Subticks,
}

impl MarginResult {
    /// Whether the account meets the level.
    pub fn is_met(&self) -> bool {
        self.excess.0 >= 0
    }
    /// What groups take off, in the quote currency, rounded down to a tick.
    pub fn credit_to_quote(&self) -> Decimal {
        Decimal::new(self.credit >> MOVE_BITS, records::units::TICK_DECIMALS)
    }
    /// The requirement, rounded up.
    pub fn requirement(&self) -> Subticks {
        self.equity - self.excess
    }
}

/// More in one coin than can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "account `{account}` has a balance, debt or entries in one coin worth more than 1,152,921,504,606 of the quote; split the account"
)]
pub struct TooLarge {
    /// The account.
    pub account: String,
}

/// What an account has in each underlying.
struct Holdings {
    /// In the coin itself: ticks, rounded down.
    coin: Vec<i128>,
    /// Positions by their place in the account.
    positions: Vec<Vec<usize>>,
}

/// Balances in each asset after haircuts less debts and, where they are in coin, entries; other entries; position values.
struct Equity {
    assets: Vec<i128>,
    entries: i128,
    values: i128,
    contingency: i128,
}

impl Equity {
    fn new(tables: &MarginTables, account: &Account) -> Self {
        let balances = account.balances.iter().zip(&tables.assets);
        let assets = balances.map(|(balance, rates)| {
            value(&rates.schedules[1], balance.equity) as i128
                - i128::from(balance.debt) * i128::from(rates.debt)
        });
        let mut equity = Self {
            assets: assets.collect(),
            entries: 0,
            values: 0,
            contingency: 0,
        };
        for p in &account.positions {
            let lot = &tables.arrays.lots[p.instrument];
            let side = p.side.index();
            equity.entries += i128::from(p.entry) * i128::from(lot.entry[side]);
            equity.values +=
                i128::from(p.lots.0) * i128::from(lot.value[side] + lot.contingency[side]);
            equity.contingency += i128::from(p.lots.0) * i128::from(lot.contingency[side]);
        }
        equity
    }

    /// In subticks.
    fn total(&self) -> i128 {
        self.assets.iter().sum::<i128>() + self.entries + self.values * SUBTICKS_PER_TICK
    }
}

/// What the account has in a coin that moves: in subticks.
fn coin_balance(tables: &MarginTables, account: &Account, asset: usize, own: i128) -> i128 {
    let on = account.positions.iter().filter(|p| {
        let lot = &tables.arrays.lots[p.instrument];
        lot.in_coin && Some(lot.underlying) == tables.coins[asset]
    });
    let entries: i128 = on
        .map(|p| {
            let rate = tables.arrays.lots[p.instrument].entry[p.side.index()];
            i128::from(p.entry) * i128::from(rate)
        })
        .sum();
    entries + if tables.balances_move { own } else { 0 }
}

impl Holdings {
    fn new(tables: &MarginTables, account: &Account, equity: &Equity) -> Result<Self, TooLarge> {
        let count = tables.arrays.moves.len();
        let mut holdings = Self {
            coin: vec![0; count],
            positions: vec![Vec::new(); count],
        };
        for (asset, own) in equity.assets.iter().enumerate() {
            if let Some(underlying) = tables.coins[asset] {
                let subticks = coin_balance(tables, account, asset, *own);
                let ticks = subticks.div_euclid(SUBTICKS_PER_TICK);
                if !(-MAX_COIN_BALANCE..MAX_COIN_BALANCE).contains(&ticks) {
                    return Err(TooLarge {
                        account: account.id.clone(),
                    });
                }
                holdings.coin[underlying] = ticks;
            }
        }
        for (place, p) in account.positions.iter().enumerate() {
            holdings.positions[tables.arrays.lots[p.instrument].underlying].push(place);
        }
        Ok(holdings)
    }

    /// The losses on an underlying in each of its columns, in 2^-40 of a tick.
    fn losses(&self, tables: &MarginTables, account: &Account, underlying: usize) -> Vec<i128> {
        let coin = self.coin[underlying];
        let moves = &tables.arrays.moves[underlying][usize::from(coin < 0)];
        let mut losses: Vec<i128> = moves.iter().map(|m| -coin * i128::from(*m)).collect();
        for &place in &self.positions[underlying] {
            let p = &account.positions[place];
            let changes = &tables.arrays.lots[p.instrument].changes[p.side.index()];
            for (loss, change) in losses.iter_mut().zip(changes) {
                *loss -= (i128::from(p.lots.0) * i128::from(*change)) << MOVE_BITS;
            }
        }
        losses
    }
}

/// The losses of an account on every underlying in each of its columns, in 2^-40 of a tick; exactly the arithmetic of the proof.
///
/// # Errors
/// As [`evaluate`].
pub fn losses(tables: &MarginTables, account: &Account) -> Result<Vec<Vec<i128>>, TooLarge> {
    let equity = Equity::new(tables, account);
    let holdings = Holdings::new(tables, account, &equity)?;
    let all = 0..tables.arrays.moves.len();
    Ok(all.map(|u| holdings.losses(tables, account, u)).collect())
}

/// The margin of an account; exactly the arithmetic of the proof.
///
/// # Errors
/// If it has more than 2^60 ticks in one coin.
pub fn evaluate(tables: &MarginTables, account: &Account) -> Result<MarginResult, TooLarge> {
    let equity = Equity::new(tables, account);
    let holdings = Holdings::new(tables, account, &equity)?;
    let (mut losses, mut columns) = (Vec::new(), Vec::new());
    for underlying in 0..tables.arrays.moves.len() {
        if holdings.coin[underlying] == 0 && holdings.positions[underlying].is_empty() {
            continue;
        }
        let all = holdings.losses(tables, account, underlying);
        let (column, amount) = largest(&all);
        losses.push(Loss {
            underlying,
            column,
            amount,
            balance: Ticks(holdings.coin[underlying]),
        });
        columns.push(all);
    }
    let joint = joint_losses(tables, &losses, &columns);
    let credit = credit(tables, &joint);
    let lost = losses.iter().map(|l| l.amount).sum::<i128>() - credit;
    let contingency = Subticks(equity.contingency * SUBTICKS_PER_TICK);
    let total = Subticks(equity.total());
    Ok(MarginResult {
        equity: total,
        contingency,
        losses,
        joint,
        credit,
        excess: total - contingency - Subticks(-(-lost).div_euclid(LOSSES_PER_SUBTICK)),
    })
}

/// The first of the largest numbers, and its place. The scenario without a move keeps losses from being negative.
fn largest(all: &[i128]) -> (usize, i128) {
    let place = (0..all.len()).rev().max_by_key(|&c| all[c]).unwrap_or(0);
    (place, all.get(place).copied().unwrap_or(0))
}

/// The largest joint loss on each group, from the largest losses and all losses on underlyings, column by column.
fn joint_losses(tables: &MarginTables, losses: &[Loss], columns: &[Vec<i128>]) -> Vec<JointLoss> {
    let mut joint = Vec::new();
    for (number, group) in tables.groups.iter().enumerate() {
        let held = losses.iter().zip(columns);
        let held: Vec<_> = held
            .filter(|(loss, _)| group.underlyings.contains(&loss.underlying))
            .collect();
        if held.is_empty() {
            continue;
        }
        let sums: Vec<i128> = (0..tables.arrays.columns)
            .map(|c| held.iter().map(|(_, all)| all[c]).sum())
            .collect();
        let (column, amount) = largest(&sums);
        joint.push(JointLoss {
            group: number,
            column,
            amount,
            apart: held.iter().map(|(loss, _)| loss.amount).sum(),
        });
    }
    joint
}

/// What groups take off the sum of the largest losses, rounded down.
fn credit(tables: &MarginTables, joint: &[JointLoss]) -> i128 {
    const ONE: i128 = 10i128.pow(OFFSET_DECIMALS as u32);
    // A product by the whole difference may exceed 128 bits.
    let (mut whole, mut millionths) = (0, 0);
    for loss in joint {
        let offset = i128::from(tables.groups[loss.group].offset);
        let difference = loss.apart - loss.amount;
        whole += offset * difference.div_euclid(ONE);
        millionths += offset * difference.rem_euclid(ONE);
    }
    whole + millionths.div_euclid(ONE)
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
            .map(|account| evaluate(&tables, account))
            .collect::<Result<_, _>>()
            .map_err(|e| SnapshotError::new("accounts", e.to_string()))?;
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

/// Why an account does not meet a level, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "account `{account}` is below {level} margin: equity {equity} {quote} is short of the requirement {requirement} {quote} \
     by {shortfall} {quote}; its largest losses are {losses}{credit}"
)]
pub struct Undermargined {
    /// The account.
    pub account: String,
    /// The level.
    pub level: Level,
    /// The scenario with the largest loss on each underlying, and the loss.
    pub losses: String,
    /// What offsets take off their sum, if there are any.
    pub credit: String,
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
        losses: described(snapshot, &result.losses),
        credit: match result.credit {
            0 => String::new(),
            _ => format!(
                "; offsets between them take off {} {}",
                result.credit_to_quote(),
                snapshot.quote
            ),
        },
        equity: result.equity.to_quote(),
        requirement: result.requirement().to_quote_up(),
        shortfall: (-result.excess).to_quote_up(),
        quote: snapshot.quote.clone(),
    }
}

/// Losses in words: underlying, scenario, amount.
pub fn described(snapshot: &Snapshot, losses: &[Loss]) -> String {
    let names = snapshot.underlyings();
    let each = losses.iter().filter(|l| l.amount > 0).map(|l| {
        let name = names[l.underlying];
        format!(
            "{} {} on {name} ({})",
            l.to_quote_up(),
            snapshot.quote,
            column_name(snapshot, name, l.column)
        )
    });
    let all: Vec<String> = each.collect();
    if all.is_empty() {
        return "none".into();
    }
    all.join(", ")
}
