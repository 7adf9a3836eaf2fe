//! From accounts to filled tables.

use gadgets::limbs::limb_of;
use gadgets::totals::{COUNT_LIMBS, SALTS};
use market::margin::MarginResult;
use rayon::prelude::*;
use records::units::SUBTICKS_PER_TICK;
use stark::{F, PrimeCharacteristicRing, TableAir, Tally, Trace, fill};

use super::plan::{LOT_LIMBS, Plan};
use super::statement::{PartTables, PerTable};
use super::tables::RATES;
use super::tables::accounts::AccountRow;
use super::tables::lines::{LineRow, Slot};
use super::tables::outcomes::OutcomeRow;
use super::tables::rates::RateRow;
use crate::account::position_key;
use crate::book::Member;

/// A position slot: key, lots and entry, all zero if it is unused.
type Position = (usize, u64, u64);

/// What the rows of one account are filled from.
struct Filled {
    /// By slot.
    positions: Vec<Position>,
    /// The running sums of each line, as [`LineRow`] has them.
    lines: Vec<Vec<F>>,
    /// Equity in ticks, without the value of positions.
    ticks: i128,
    /// Which columns are negative.
    negative: Vec<bool>,
}

impl Filled {
    fn new(plan: &Plan, account: Option<(&Member, &MarginResult)>) -> Self {
        let mut positions = vec![(0, 0, 0); plan.slots];
        for (slot, p) in account
            .iter()
            .flat_map(|(member, _)| &member.account.positions)
            .enumerate()
        {
            positions[slot] = (position_key(p), p.lots, p.entry);
        }
        let mut negative = vec![false; plan.rates.columns];
        let mut ticks = 0;
        if let Some((_, result)) = account {
            ticks = result.entered.div_euclid(SUBTICKS_PER_TICK);
            for &column in &result.negative {
                negative[column] = true;
            }
            let last = negative[plan.rates.scenarios - 1];
            negative[plan.rates.scenarios..].fill(last);
        }
        Self {
            lines: lines(plan, &positions),
            positions,
            ticks,
            negative,
        }
    }

    fn is_below(&self) -> bool {
        self.negative.contains(&true)
    }
}

/// The running sums of an account's lines.
fn lines(plan: &Plan, positions: &[Position]) -> Vec<Vec<F>> {
    let (rates, pnl, columns) = (&plan.rates, plan.pnl_len(), plan.block_columns());
    let mut lines = Vec::with_capacity(plan.blocks * plan.block_lines());
    for block in 0..plan.blocks {
        let mut sums = vec![0i64; plan.entry_sums().end];
        for slots in positions.chunks(plan.per_line) {
            for &(key, lots, entry) in slots {
                let (of_columns, of_entry) = sums.split_at_mut(plan.entry_sums().start);
                for (column, sum) in of_columns.chunks_mut(pnl).enumerate() {
                    let value = rates.value(key, block * columns + column);
                    add_product(sum, lots, LOT_LIMBS, value);
                }
                if block == 0 {
                    add_product(of_entry, entry, 2 * LOT_LIMBS, rates.entry(key));
                }
            }
            lines.push(sums.iter().map(|&v| F::from_i64(v)).collect());
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

/// Equity as it travels: limbs, pairs of limbs, sign.
fn equity_message(plan: &Plan, ticks: i128) -> Vec<F> {
    let mut at = 0;
    let mut message: Vec<F> = plan
        .equity_widths()
        .into_iter()
        .map(|width| {
            let limb = (ticks >> (10 * at).min(127)) & ((1 << (10 * width)) - 1);
            at += width;
            F::from_u64(limb as u64)
        })
        .collect();
    message.push(F::from_bool(ticks < 0));
    message
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
    let airs = tables.airs();
    let filled: Vec<Filled> = (0..plan.accounts)
        .into_par_iter()
        .map(|a| Filled::new(plan, members.get(a).zip(margins.get(a))))
        .collect();
    let rate_rows = plan.rates.keys * plan.blocks;
    let tally = Tally::new(&[(RATES, rate_rows), tables.limbs.tallied()]);

    let per_block = plan.block_lines();
    let per_account = plan.blocks * per_block;
    let lines = fill(&tables.lines, &airs.lines, &tally, |row| {
        let (account, line) = (&filled[row / per_account], row % per_account);
        let slot = line % per_block * plan.per_line;
        let slots = account.positions[slot..slot + plan.per_line]
            .iter()
            .map(|&(key, lots, entry)| Slot {
                key,
                lots,
                entry: if line < per_block { entry } else { 0 },
            })
            .collect();
        let sums = account.lines[line].clone();
        LineRow { row, slots, sums }
    });
    let accounts = fill(&tables.accounts, &airs.accounts, &tally, |row| AccountRow {
        row,
        leaf: members.get(row).map(|m| m.leaf.clone()),
        entry: members.get(row).map_or(Vec::new(), |_| {
            filled[row].lines[per_block - 1][plan.entry_sums()].to_vec()
        }),
    });
    let outcomes = fill_outcomes(tables, &airs.outcomes, &tally, plan, &filled);

    let opened = members.iter().map(|m| (&m.account, &m.leaf));
    let mut quads = plan.opening().quads(opened, 2 * (SALTS + 1));
    let totals = tables.totals.as_ref().zip(airs.totals.as_ref());
    let totals = totals.map(|(table, air)| {
        let mut counts = [[0; COUNT_LIMBS]; SALTS + 1];
        counts[SALTS][0] = filled.iter().filter(|f| f.is_below()).count() as i64;
        let [before, after] = ends;
        table.trace(air, &tally, before, after, &counts, &mut quads)
    });
    let sponge = tables.sponge.trace(&airs.sponge, &mut quads);
    let rates = fill(&tables.rates, &airs.rates, &Tally::default(), |row| {
        let known = row < plan.rates.keys;
        let looked_up = (0..plan.blocks).map(|block| match known {
            true => tally.count(RATES, row * plan.blocks + block),
            false => 0,
        });
        RateRow {
            multiplicities: looked_up.collect(),
        }
    });
    PerTable {
        lines,
        accounts,
        outcomes,
        rates,
        sponge,
        limbs: tables.limbs.trace(&airs.limbs, &tally),
        totals,
    }
}

fn fill_outcomes(
    tables: &PartTables,
    air: &TableAir,
    tally: &Tally,
    plan: &Plan,
    filled: &[Filled],
) -> Trace {
    let per_account = plan.outcomes();
    let mut counts = vec![0u64];
    for account in filled {
        counts.push(counts[counts.len() - 1] + u64::from(account.is_below()));
    }
    fill(&tables.outcomes, air, tally, |row| {
        let (account, outcome) = (row / per_account, row % per_account);
        let Some(f) = filled.get(account) else {
            return OutcomeRow {
                row,
                count: counts[counts.len() - 1],
                ..OutcomeRow::default()
            };
        };
        let (block, group) = (outcome / plan.groups, outcome % plan.groups);
        let last = (block + 1) * plan.block_lines() - 1;
        let above = &f.negative[..outcome * plan.width];
        OutcomeRow {
            row,
            equity: equity_message(plan, f.ticks),
            pnl: f.lines[last][plan.pnl_sums(group)].to_vec(),
            above: above.iter().filter(|n| **n).count() as u64,
            count: counts[account],
        }
    })
}
