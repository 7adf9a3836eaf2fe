//! What the rows of slots are filled from.

use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, LIMB_MAX, limb_of};
use market::Balance;
use rayon::prelude::*;
use stark::{F, PrimeCharacteristicRing, felt};

use super::list::List;
use super::slots::{Holding, SlotRow, SlotsTable, limb_of_signed};
use super::tables::register;
use super::witness::{Filled, Lacking, cover_of};
use crate::account::{slot_digest, slots};
use crate::book::Member;

/// The rows of a part's accounts.
pub(super) fn slot_rows(
    table: &SlotsTable,
    members: &[Member],
    start_key: u64,
    nodes: &[Digest],
) -> Vec<SlotRow> {
    let height = 1usize << table.forest.log_rows;
    let accounts = members.par_iter().map(|m| account_rows(&table.list, m));
    let accounts: Vec<Vec<SlotRow>> = accounts.collect();
    let (mut previous_key, mut uncovered) = (start_key, 0);
    let mut rows = Vec::with_capacity(height);
    for (above, account) in accounts.into_iter().enumerate() {
        let lacking = account
            .last()
            .is_some_and(|row| after(&table.list, row)[0] < 0);
        for mut row in account {
            row.above = above;
            row.previous_key = previous_key;
            row.uncovered = uncovered;
            previous_key = row.key;
            rows.push(row);
        }
        uncovered += u64::from(lacking);
    }
    let unused = SlotRow {
        row: 0,
        active: false,
        goes_on: false,
        more: false,
        above: members.len(),
        key: 0,
        previous_key,
        seal: [F::ZERO; DIGEST],
        before: [F::ZERO; DIGEST],
        last_code: 0,
        holdings: [Holding::EMPTY; crate::account::HOLDINGS],
        excess: [0; 2],
        uncovered,
        children: [[F::ZERO; DIGEST]; 2],
    };
    rows.resize(height, unused);
    for (number, row) in rows.iter_mut().enumerate() {
        row.row = number;
        if table.forest.is_node(number) {
            row.children = [nodes[2 * number], nodes[2 * number + 1]];
        }
    }
    rows
}

/// The rows of an account; where they stand is filled in later.
fn account_rows(list: &List, member: &Member) -> Vec<SlotRow> {
    let leaf = &member.leaf;
    let slots = slots(&leaf.balances);
    let (mut before, mut last_code, mut excess) = ([F::ZERO; DIGEST], 0, [0; 2]);
    let mut rows = Vec::with_capacity(slots.len());
    for (number, slot) in slots.iter().enumerate() {
        let more = number + 1 < slots.len();
        let row = SlotRow {
            row: 0,
            active: true,
            goes_on: number > 0,
            more,
            above: 0,
            key: leaf.identity.key(),
            previous_key: 0,
            seal: if more { [F::ZERO; DIGEST] } else { leaf.seal() },
            before,
            last_code,
            holdings: std::array::from_fn(|i| {
                slot.get(i)
                    .map_or(Holding::EMPTY, |(asset, b)| holding(list, *asset, b))
            }),
            excess,
            uncovered: 0,
            children: [[F::ZERO; DIGEST]; 2],
        };
        before = slot_digest(slot, &before);
        last_code = slot.last().map_or(0, |(asset, _)| asset + 1);
        excess = after(list, &row);
        rows.push(row);
    }
    rows
}

/// A holding of an asset.
pub(super) fn holding(list: &List, asset: usize, balance: &Balance) -> Holding {
    let pledges = balance.pledges();
    Holding {
        code: asset + 1,
        amounts: balance.amounts(),
        pieces: std::array::from_fn(|s| list.piece(asset + 1, s, pledges[s])),
    }
}

/// What collateral and equity exceed debts by, with this row's holdings.
pub(super) fn after(list: &List, row: &SlotRow) -> [i128; 2] {
    let mut sums = row.excess;
    for holding in &row.holdings {
        let Some(rates) = list.rates(holding.code) else {
            continue;
        };
        let [equity, debt, loan, margin, portfolio] = holding.amounts;
        let balance = Balance {
            equity,
            debt,
            loan,
            margin,
            portfolio,
        };
        let (collateral, debts, equity) = cover_of(rates, &balance);
        sums[0] += collateral as i128 - debts as i128;
        sums[1] += equity as i128 - debts as i128;
    }
    sums
}

/// What the rows lead to in other tables.
pub(super) fn filled(table: &SlotsTable, rows: &[SlotRow]) -> Filled {
    let list = &table.list;
    let mut totals = vec![[[0; AMOUNT_LIMBS]; register::PER_ASSET]; list.assets()];
    for holding in rows.iter().flat_map(|row| &row.holdings) {
        let Some(asset) = holding.code.checked_sub(1) else {
            continue;
        };
        let [equity, debt, ..] = holding.amounts;
        for i in 0..AMOUNT_LIMBS {
            let [e, d] = [equity, debt].map(|amount| limb_of(amount.into(), i) as i64);
            let [equities, debts, liabilities] = &mut totals[asset];
            equities[i] += e;
            debts[i] += d;
            if equity >= debt {
                liabilities[i] += e - d;
            }
        }
    }
    let ends = rows.iter().filter(|row| row.active && !row.more);
    let uncovered = ends.filter_map(|row| {
        let [excess, equity] = after(list, row);
        (table.allow_uncovered && excess < 0).then(|| Lacking {
            row: row.row,
            coefficients: coefficients(equity, list.sum_limbs()),
            missing: equity.min(0).unsigned_abs(),
        })
    });
    Filled {
        totals,
        uncovered: uncovered.collect(),
    }
}

/// A number in limbs, of which the highest has the sign.
fn coefficients(value: i128, limbs: usize) -> Vec<F> {
    let mut coefficients: Vec<F> = (0..limbs).map(|i| felt(limb_of_signed(value, i))).collect();
    if value < 0 {
        coefficients[limbs - 1] -= F::from_u64(LIMB_MAX + 1);
    }
    coefficients
}
