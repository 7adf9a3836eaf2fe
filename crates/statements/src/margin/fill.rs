//! From accounts to filled tables.

use gadgets::limbs::limb_of;
use gadgets::totals::{COUNT_LIMBS, SALTS};
use market::Snapshot;
use market::margin::{MarginTables, evaluate};
use rayon::prelude::*;
use records::units::PHI_PER_TICK;
use stark::{F, PrimeCharacteristicRing, TableAir, Tally, Trace, fill};

use super::plan::{LOT_LIMBS, Plan};
use super::statement::PartTables;
use super::tables::RATES;
use super::tables::accounts::AccountRow;
use super::tables::lines::{LineRow, Slot};
use super::tables::outcomes::OutcomeRow;
use super::tables::rates::RateRow;
use crate::account::position_key;
use crate::book::Member;

/// What the rows of one account are filled from.
struct Filled {
    /// Keys, lots and entries by slot.
    positions: Vec<(usize, u64, u64)>,
    /// Running sums: for each line of the account, those of its columns and of its entry.
    sums: Vec<F>,
    /// Equity in ticks, without the value of positions.
    ticks: i128,
    /// Which columns are negative.
    negative: Vec<bool>,
}

impl Filled {
    fn new(
        plan: &Plan,
        snapshot: &Snapshot,
        tables: &MarginTables,
        member: Option<&Member>,
    ) -> Self {
        let rates = &plan.rates;
        let mut positions = vec![(0, 0, 0); plan.slots];
        for (slot, p) in member.iter().flat_map(|m| &m.account.positions).enumerate() {
            positions[slot] = (position_key(p), p.lots, p.entry);
        }
        let (pnl_len, columns) = (plan.pnl_len(), plan.block_columns());
        let per_line = columns * pnl_len + plan.entry_len();
        let mut sums = Vec::with_capacity(plan.blocks * plan.block_lines() * per_line);
        for block in 0..plan.blocks {
            let mut line = vec![0i64; per_line];
            for slots in positions.chunks(plan.per_line) {
                for &(key, lots, entry) in slots {
                    let entry = if block == 0 { entry } else { 0 };
                    for column in 0..columns {
                        let value = rates.value(key, block * columns + column);
                        add_product(&mut line[column * pnl_len..], lots, LOT_LIMBS, value);
                    }
                    let sum = &mut line[columns * pnl_len..];
                    add_product(sum, entry, 2 * LOT_LIMBS, rates.entry(key));
                }
                sums.extend(line.iter().map(|&v| F::from_i64(v)));
            }
        }
        let Some(member) = member else {
            let negative = vec![false; rates.columns];
            return Self {
                positions,
                sums,
                ticks: 0,
                negative,
            };
        };
        let result = evaluate(snapshot, tables, &member.account);
        let entries: i128 = member
            .account
            .positions
            .iter()
            .map(|p| {
                let side = usize::from(p.side == market::Side::Short);
                i128::from(p.entry) * i128::from(tables.arrays.entry_rates[p.instrument][side])
            })
            .sum();
        let last = tables.arrays.columns - 1;
        Self {
            positions,
            sums,
            ticks: (result.collateral + entries).div_euclid(PHI_PER_TICK),
            negative: (0..rates.columns)
                .map(|s| result.margins[s.min(last)] < 0)
                .collect(),
        }
    }
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

/// The running state before and after a part, and what the part adds.
pub(crate) type Totals = (
    [u128; SALTS + 1],
    [u128; SALTS + 1],
    [[i64; COUNT_LIMBS]; SALTS + 1],
);

/// Fills the tables of a part over `members`, whose number the tables agree with.
pub(crate) fn fill_part(
    tables: &PartTables,
    plan: &Plan,
    snapshot: &Snapshot,
    public: &MarginTables,
    members: &[Member],
    totals: impl FnOnce(u64) -> Totals,
) -> Vec<Trace> {
    let airs = tables.airs();
    let filled: Vec<Filled> = (0..plan.accounts)
        .into_par_iter()
        .map(|a| Filled::new(plan, snapshot, public, members.get(a)))
        .collect();
    let rate_rows = plan.rates.keys * plan.blocks;
    let tally = Tally::new(&[(RATES, rate_rows), tables.limbs.tallied()]);

    let (per_block, per_line) = (
        plan.block_lines(),
        plan.block_columns() * plan.pnl_len() + plan.entry_len(),
    );
    let per_account = plan.blocks * per_block;
    let lines = fill(&tables.lines, &airs[0], &tally, |row| {
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
        let sums = account.sums[line * per_line..(line + 1) * per_line].to_vec();
        LineRow { row, slots, sums }
    });
    let entry_at = plan.block_columns() * plan.pnl_len();
    let accounts = fill(&tables.accounts, &airs[1], &tally, |row| AccountRow {
        row,
        leaf: members.get(row).map(|m| m.leaf.clone()),
        entry: members.get(row).map_or(Vec::new(), |_| {
            let line = per_block - 1;
            filled[row].sums[line * per_line + entry_at..(line + 1) * per_line].to_vec()
        }),
    });
    let (outcomes, counted) = fill_outcomes(tables, &airs[2], &tally, plan, &filled);

    let opened = members.iter().map(|m| (&m.account, &m.leaf));
    let mut quads = plan.opening().quads(opened, 2 * (SALTS + 1));
    let totals = tables.totals.as_ref().map(|table| {
        let (before, after, counts) = totals(counted);
        table.trace(&airs[6], &tally, &before, &after, &counts, &mut quads)
    });
    let sponge = tables.sponge.trace(&airs[4], &mut quads);
    let rates = fill(&tables.rates, &airs[3], &Tally::default(), |row| RateRow {
        multiplicities: (0..plan.blocks)
            .map(|block| {
                let known = row < plan.rates.keys;
                if known {
                    tally.count(RATES, row * plan.blocks + block)
                } else {
                    0
                }
            })
            .collect(),
    });
    let limbs = tables.limbs.trace(&airs[5], &tally);
    let mut traces = vec![lines, accounts, outcomes, rates, sponge, limbs];
    traces.extend(totals);
    traces
}

fn fill_outcomes(
    tables: &PartTables,
    air: &TableAir,
    tally: &Tally,
    plan: &Plan,
    filled: &[Filled],
) -> (Trace, u64) {
    let per_account = plan.outcomes();
    let per_line = plan.block_columns() * plan.pnl_len() + plan.entry_len();
    let mut counts = vec![0u64];
    for account in filled {
        let below = account.negative.iter().any(|n| *n);
        counts.push(counts[counts.len() - 1] + u64::from(below));
    }
    let trace = fill(&tables.outcomes, air, tally, |row| {
        let (account, outcome) = (row / per_account, row % per_account);
        let Some(f) = filled.get(account) else {
            return OutcomeRow {
                row,
                count: counts[counts.len() - 1],
                ..OutcomeRow::default()
            };
        };
        let (block, group) = (outcome / plan.groups, outcome % plan.groups);
        let line = block * plan.block_lines() + plan.block_lines() - 1;
        let start = line * per_line + group * plan.width * plan.pnl_len();
        OutcomeRow {
            row,
            equity: equity_message(plan, f.ticks),
            pnl: f.sums[start..start + plan.width * plan.pnl_len()].to_vec(),
            above: f.negative[..outcome * plan.width]
                .iter()
                .filter(|n| **n)
                .count() as u64,
            count: counts[account],
        }
    });
    (trace, counts[counts.len() - 1])
}
