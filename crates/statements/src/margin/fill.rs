//! From accounts to filled tables.

use gadgets::limbs::{limb_of, signed};
use gadgets::range::{LIMB_BITS, RangeTable};
use gadgets::totals::{COUNT_LIMBS, SALTS};
use market::margin::{Loss, MarginResult};
use market::settlement::Closing;
use rayon::prelude::*;
use stark::{F, PrimeCharacteristicRing, TableAir, Tally, Trace, fill};

use super::plan::{LOT_LIMBS, MOVE_LIMBS, Plan};
use super::statement::{PartTables, PerTable};
use super::tables::accounts::AccountRow;
use super::tables::coins::CoinRow;
use super::tables::joint::JointRow;
use super::tables::lines::LineRow;
use super::tables::losses::LossRow;
use super::tables::rates::RateRow;
use super::tables::{MOVES, RATES};
use crate::account::{Leaf, position_key};
use crate::book::Member;

/// A position slot: key, lots that count, lots that are closed, and entry, all zero if it is unused.
type Position = (usize, u64, u64, u64);

/// What the rows of one account are filled from.
pub(crate) struct Filled {
    /// Block by block, slot by slot.
    pub lines: Vec<LineRow>,
    /// Its underlyings that it has lines on, and its coins in groups, by their places.
    pub places: Vec<Place>,
    /// Of each group.
    pub joint: Vec<Spread>,
    is_below: bool,
}

/// By how much the largest joint loss on a group is below the sum of the largest losses.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spread {
    pub amount: u128,
    /// The first column with the largest joint loss.
    pub column: usize,
}

/// An underlying of an account.
#[derive(Clone)]
pub(crate) struct Place {
    /// The last slot of its lines, if it has any.
    end: usize,
    /// What all its rows of losses have in common.
    pub row: LossRow,
    /// The first column with the largest loss.
    pub column: usize,
}

impl Place {
    fn new(end: usize, row: LossRow, loss: Option<&Loss>) -> Self {
        Self {
            end,
            row: LossRow {
                balance: loss.filter(|_| row.moves).map_or(0, |l| l.balance.0),
                loss: loss.map_or(0, |l| l.amount.unsigned_abs()),
                ..row
            },
            column: loss.map_or(0, |l| l.column),
        }
    }
}

impl Filled {
    pub fn new(plan: &Plan, account: Option<(&Member, &MarginResult)>) -> Self {
        Self::of_left(plan, account, None)
    }

    /// Of an account and the margin of what is left of it after a close.
    pub fn of_left(
        plan: &Plan,
        account: Option<(&Member, &MarginResult)>,
        closing: Option<Closing>,
    ) -> Self {
        let mut positions = vec![(0, 0, 0, 0); plan.slots];
        let held = account
            .iter()
            .flat_map(|(member, _)| &member.account.positions);
        for (slot, p) in held.enumerate() {
            let closed = closing.filter(|c| c.instrument == p.instrument);
            let closed = closed.map_or(0, |c| c.lots.0);
            positions[slot] = (position_key(p), p.lots.0 - closed, closed, p.entry);
        }
        let losses = account.map_or(&[][..], |(_, result)| &result.losses);
        // Without positions, empty lines stand under a coin that has a place anyway: one of their own may be too many.
        let mut coins = losses.iter().map(|loss| loss.underlying + 1);
        let coin = coins.find(|coin| plan.moves.is_grouped(*coin));
        let lines = lines(plan, &positions, coin.unwrap_or(0));
        let ends = lines
            .iter()
            .take(plan.slots)
            .enumerate()
            .filter(|(_, l)| l.ends);
        let places = ends.map(|(end, line)| {
            let loss = losses.iter().find(|l| l.underlying + 1 == line.underlying);
            let row = LossRow {
                underlying: line.underlying,
                moves: line.moves,
                lines: true,
                ..LossRow::default()
            };
            Place::new(end, row, loss)
        });
        let mut places: Vec<Place> = places.collect();
        for loss in losses {
            let underlying = loss.underlying + 1;
            let placed = places.iter().any(|p| p.row.underlying == underlying);
            if plan.moves.is_grouped(underlying) && !placed {
                let row = LossRow {
                    underlying,
                    moves: true,
                    ..LossRow::default()
                };
                places.push(Place::new(0, row, Some(loss)));
            }
        }
        let mut joint = vec![Spread::default(); plan.offsets.len()];
        for loss in account.iter().flat_map(|(_, result)| &result.joint) {
            joint[loss.group] = Spread {
                amount: (loss.apart - loss.amount).unsigned_abs(),
                column: loss.column,
            };
        }
        Self {
            places,
            joint,
            lines,
            is_below: account.is_some_and(|(_, result)| !result.is_met()),
        }
    }

    /// The first row of the account, but for its number and the count, if this is its leaf.
    pub fn account(&self, plan: &Plan, leaf: Option<&Leaf>) -> AccountRow {
        let [entry_at, coin_at, value_at] = plan.account_sums();
        let last = &self.lines[plan.slots - 1].sums;
        let coins = plan.assets.iter().filter_map(|asset| asset.coin.as_ref());
        let coins = coins.map(|coin| {
            let lines = self.place(coin.underlying);
            CoinRow {
                entry: lines.map_or(Vec::new(), |place| {
                    self.lines[place.end].sums[coin_at.clone()].to_vec()
                }),
                lines: lines.is_some(),
                joined: self.joined(coin.underlying),
            }
        });
        AccountRow {
            leaf: leaf.cloned(),
            entry: last[entry_at].to_vec(),
            value: last[value_at].to_vec(),
            coins: coins.collect(),
            losses: self.places.iter().map(|place| place.row.loss).collect(),
            spreads: self.joint.iter().map(|spread| spread.amount).collect(),
            ..AccountRow::default()
        }
    }

    /// The place of an underlying that the account has lines on.
    fn place(&self, underlying: usize) -> Option<&Place> {
        let mut places = self.places.iter();
        places.find(|p| p.row.lines && p.row.underlying == underlying)
    }

    /// How many places ask for the balance in an underlying.
    fn joined(&self, underlying: usize) -> usize {
        let places = self.places.iter();
        places
            .filter(|p| p.row.moves && p.row.underlying == underlying)
            .count()
    }
}

/// The lines of an account. Those before its first position stand under this coin, or under none.
fn lines(plan: &Plan, positions: &[Position], coin: usize) -> Vec<LineRow> {
    let rates = &plan.rates;
    let mut lines = Vec::with_capacity(plan.blocks * plan.slots);
    let [entry_at, coin_at, value_at] = plan.account_sums();
    let changes = plan.block_columns() * plan.pnl_len();
    for block in 0..plan.blocks {
        let mut sums = vec![0i64; value_at.end];
        let (mut underlying, mut moves) = (coin, coin != 0);
        for (slot, &(key, lots, closed, entry)) in positions.iter().enumerate() {
            if key != 0 {
                (underlying, moves) = (rates.underlying(key), rates.moves(key));
            }
            for (column, sum) in sums[..changes].chunks_mut(plan.pnl_len()).enumerate() {
                let change = rates.change(key, block * plan.block_columns() + column);
                add_product(sum, lots, LOT_LIMBS, change);
            }
            let entry = if block == 0 { entry } else { 0 };
            add_product(
                &mut sums[entry_at.clone()],
                entry,
                2 * LOT_LIMBS,
                rates.entry(key),
            );
            let coin = &mut sums[coin_at.clone()];
            add_product(coin, entry, 2 * LOT_LIMBS, rates.coin_entry(key));
            add_product(
                &mut sums[value_at.clone()],
                lots,
                LOT_LIMBS,
                rates.value(key),
            );

            let next = positions.get(slot + 1);
            let next = next.map(|(key, ..)| match key {
                0 => underlying,
                key => rates.underlying(*key),
            });
            let ends = next != Some(underlying);
            lines.push(LineRow {
                row: 0,
                key,
                lots,
                closed,
                entry,
                underlying,
                moves,
                ends,
                step: next.map_or(0, |next| next.saturating_sub(underlying + 1)),
                sums: sums.iter().map(|&v| F::from_i64(v)).collect(),
            });
            if ends {
                sums[..changes].fill(0);
                sums[coin_at.clone()].fill(0);
            }
        }
    }
    lines
}

fn add_product(sums: &mut [i64], number: u64, limbs: usize, digits: &[i64]) {
    for i in 0..limbs {
        let limb = limb_of(u128::from(number), i) as i64;
        if limb != 0 {
            for (j, d) in digits.iter().enumerate() {
                sums[i + j] += limb * d;
            }
        }
    }
}

/// Fills the tables of a part over `members`, whose number the tables agree with, and their margins. `ends` are the states
/// before and after the part, if it has any.
pub(crate) fn fill_part(
    tables: &PartTables,
    plan: &Plan,
    members: &[Member],
    margins: &[MarginResult],
    ends: [&[u128]; 2],
) -> PerTable<Trace> {
    let filled: Vec<Filled> = (0..plan.accounts)
        .into_par_iter()
        .map(|a| Filled::new(plan, members.get(a).zip(margins.get(a))))
        .collect();
    fill_from(tables, plan, members, &filled, ends)
}

/// As [`fill_part`], from what the rows of each account are filled from.
pub(super) fn fill_from(
    tables: &PartTables,
    plan: &Plan,
    members: &[Member],
    filled: &[Filled],
    ends: [&[u128]; 2],
) -> PerTable<Trace> {
    let airs = tables.airs();
    let rates = (RATES, plan.rates.keys * plan.blocks);
    let moves = (MOVES, plan.moves.rows() * plan.loss_rows());
    let ranges = [Some(&tables.limbs), tables.carries.as_ref()];
    let ranges = ranges.into_iter().flatten().map(RangeTable::tallied);
    let tally = Tally::new(&[rates, moves].into_iter().chain(ranges).collect::<Vec<_>>());

    let per_account = plan.blocks * plan.slots;
    let lines = fill(&tables.lines, &airs.lines, &tally, |row| LineRow {
        row,
        ..filled[row / per_account].lines[row % per_account].clone()
    });
    let accounts = fill_accounts(tables, &airs.accounts, &tally, members, filled);
    let losses = fill(&tables.losses, &airs.losses, &tally, |row| {
        loss_row(plan, filled, row)
    });

    let opened = members.iter().map(|m| (&m.account, &m.leaf));
    let joint = tables.joint.as_ref().zip(airs.joint.as_ref());
    let joint =
        joint.map(|(table, air)| fill(table, air, &tally, |row| joint_row(plan, filled, row)));

    let mut quads = plan.opening().quads(opened, 2 * (SALTS + 1));
    let totals = tables.totals.as_ref().zip(airs.totals.as_ref());
    let totals = totals.map(|(table, air)| {
        let mut counts = [[0; COUNT_LIMBS]; SALTS + 1];
        counts[SALTS][0] = filled.iter().filter(|f| f.is_below).count() as i64;
        let [before, after] = ends;
        table.trace(air, &tally, before, after, &counts, &mut quads)
    });
    let sponge = tables.sponge.trace(&airs.sponge, &mut quads);
    let answered = |bus, known: usize, messages: usize| {
        let tally = &tally;
        move |row: usize| RateRow {
            multiplicities: (0..messages)
                .map(|i| match row < known {
                    true => tally.count(bus, row * messages + i),
                    false => 0,
                })
                .collect(),
        }
    };
    let none = Tally::default();
    let rates = answered(RATES, plan.rates.keys, plan.blocks);
    let moves = answered(MOVES, plan.moves.rows(), plan.loss_rows());
    let carries = tables.carries.as_ref().zip(airs.carries.as_ref());
    PerTable {
        lines,
        accounts,
        losses,
        joint,
        rates: fill(&tables.rates, &airs.rates, &none, rates),
        moves: fill(&tables.moves, &airs.moves, &none, moves),
        sponge,
        limbs: tables.limbs.trace(&airs.limbs, &tally),
        totals,
        carries: carries.map(|(table, air)| table.trace(air, &tally)),
    }
}

fn fill_accounts(
    tables: &PartTables,
    air: &TableAir,
    tally: &Tally,
    members: &[Member],
    filled: &[Filled],
) -> Trace {
    let plan = &tables.accounts.plan;
    let mut counts = vec![0u64];
    for account in filled {
        counts.push(counts[counts.len() - 1] + u64::from(account.is_below));
    }
    fill(&tables.accounts, air, tally, |row| {
        let count = counts[row.min(filled.len())];
        let Some(member) = members.get(row) else {
            return AccountRow {
                row,
                count,
                ..AccountRow::default()
            };
        };
        AccountRow {
            row,
            count,
            ..filled[row].account(plan, Some(&member.leaf))
        }
    })
}

pub(crate) fn loss_row(plan: &Plan, filled: &[Filled], row: usize) -> LossRow {
    let (per_account, per_place) = (plan.account_losses(), plan.loss_rows());
    let Some(account) = filled.get(row / per_account) else {
        // As on the rows of an unused place that has no end.
        return LossRow {
            row,
            found: row > filled.len() * per_account,
            ..LossRow::default()
        };
    };
    let (place, piece) = (row % per_account / per_place, row % per_place);
    let Some(place) = account.places.get(place) else {
        // An unused place: nothing is lost in its first column.
        return LossRow {
            row,
            found: piece > 0,
            ..LossRow::default()
        };
    };
    let first = piece % plan.groups * plan.width;
    let pnl = plan.change_sums(first).start..plan.change_sums(first + plan.width - 1).end;
    let won = match place.row.lines {
        true => &account.lines[piece / plan.groups * plan.slots + place.end].sums[pnl],
        false => &[],
    };
    LossRow {
        row,
        pnl: won.to_vec(),
        found: place.column < piece * plan.width,
        ..place.row.clone()
    }
}

fn joint_row(plan: &Plan, filled: &[Filled], row: usize) -> JointRow {
    let (per_group, places) = (plan.loss_rows(), plan.underlyings);
    let per_account = plan.offsets.len() * per_group;
    let Some(account) = filled.get(row / per_account) else {
        // As on the rows of a group that has no end.
        return JointRow {
            row,
            found: row > filled.len() * per_account,
            ..JointRow::default()
        };
    };
    let (group, piece) = (row % per_account / per_group, row % per_group);
    let first = row / per_account * plan.account_losses() + piece;
    let below = plan.offsets[group].underlyings.iter().map(|underlying| {
        let place = account.places.iter().take(places);
        let place = place
            .enumerate()
            .find(|(_, p)| p.row.underlying == *underlying);
        place.map(|(place, _)| below(plan, &loss_row(plan, filled, first + place * per_group)))
    });
    let spread = account.joint[group];
    JointRow {
        row,
        below: below.collect(),
        spread: spread.amount,
        found: spread.column < piece * plan.width,
    }
}

/// By how much the losses in a row's columns are below the largest.
fn below(plan: &Plan, row: &LossRow) -> Vec<u128> {
    let key = 2 * row.underlying + usize::from(row.balance < 0);
    let number = |digits: &mut dyn Iterator<Item = i64>| {
        digits.enumerate().fold(0i128, |sum, (i, digit)| {
            sum + (i128::from(digit) << (LIMB_BITS * i))
        })
    };
    let columns = (0..plan.width).map(|column| {
        let at = row.row % plan.loss_rows() * plan.width + column;
        let moves = number(&mut plan.moves.of(key, at).iter().copied());
        let pnl = row.pnl.iter().skip(column * plan.pnl_len());
        let pnl = number(&mut pnl.take(plan.pnl_len()).map(|c| signed(*c)));
        let won = (pnl << (LIMB_BITS * MOVE_LIMBS)) + row.balance * moves;
        (row.loss as i128 + won).unsigned_abs()
    });
    columns.collect()
}
