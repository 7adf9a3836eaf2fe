//! From the leaves of touched accounts to the roots of the book.

use gadgets::hash::{DIGEST, Digest, node, node_row};
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table};

use super::{CHANGES, first};
use crate::settle::plan::Plan;

/// An inner node of the book's tree a row, with its children before and after. Rows stand in any order; unused ones hold zeros.
///
/// - CHANGES-1: a row is used or not; an unused one holds zeros.
/// - CHANGES-2: a child that is closed is the same before and after. One that is not is a message of its own.
/// - CHANGES-3: the first row of the table receives the roots.
///
/// A message has the node's level and number in it, and is received once. The leaves' messages are of the lowest level, the roots'
/// of level 0, and a row's children are one level below it. So from each leaf one chain of nodes leads to the root, and its bits are
/// the leaf's number. Two rows of one node would need two rows of its parent, and so two roots.
#[derive(Clone, Debug)]
pub(crate) struct ChangesTable {
    pub plan: Plan,
    /// The roots before and after.
    pub roots: [Digest; 2],
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangeRow {
    pub row: usize,
    pub used: bool,
    pub level: usize,
    pub index: usize,
    /// Of each child whether it may have changed, and its digest before and after.
    pub children: [(bool, [Digest; 2]); 2],
}

impl Table for ChangesTable {
    type Row = ChangeRow;

    fn name(&self) -> &'static str {
        "changes"
    }

    fn log_height(&self) -> usize {
        let rows = self.plan.change_rows().next_power_of_two();
        (rows.ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn public(&self) -> Vec<F> {
        self.roots.as_flattened().to_vec()
    }

    fn row<B: RowBuilder<ChangeRow>>(&self, b: &mut B) {
        let first = first(b, "CHANGES-3", |w: &ChangeRow| w.row);
        let used = b.bit("CHANGES-1", |w| w.used);
        let unused = b.one() - used.clone();
        let level = b.cell(|w| F::from_usize(w.level));
        let index = b.cell(|w| F::from_usize(w.index));
        b.zero("CHANGES-1", unused.clone() * level.clone());
        b.zero("CHANGES-1", unused.clone() * index.clone());
        let mut nodes: [Vec<[B::E; DIGEST]>; 2] = [Vec::new(), Vec::new()];
        for child in 0..2 {
            let changed = b.bit("CHANGES-2", |w| w.children[child].0);
            b.zero("CHANGES-1", unused.clone() * changed.clone());
            let [before, after]: [[B::E; DIGEST]; 2] = std::array::from_fn(|when| {
                std::array::from_fn(|i| b.cell(|w| w.children[child].1[when][i]))
            });
            for (before, after) in before.iter().zip(&after) {
                b.zero("CHANGES-1", unused.clone() * before.clone());
                b.zero("CHANGES-1", unused.clone() * after.clone());
                let closed = b.one() - changed.clone();
                b.zero("CHANGES-2", closed * (after.clone() - before.clone()));
            }
            let number = index.clone() + index.clone() + F::from_usize(child);
            let mut message = vec![level.clone() + b.one(), number];
            message.extend(before.iter().chain(&after).cloned());
            b.receive(CHANGES, changed, &message);
            nodes[0].push(before);
            nodes[1].push(after);
        }
        let mut message = vec![level, index];
        for [left, right] in nodes.iter().map(|n| [&n[0], &n[1]]) {
            message.extend(node_row(b, left, right));
        }
        b.send(CHANGES, used, &message);
        let zero = b.constant(F::ZERO);
        let mut message = vec![zero.clone(), zero];
        message.extend((0..2 * DIGEST).map(|i| b.public(i)));
        b.receive(CHANGES, first, &message);
    }
}

/// The rows of a part: the ancestors of these leaves, from the root on. The leaves become these digests, and so does the tree.
pub(crate) fn change_rows(
    plan: &Plan,
    touched: &[usize],
    leaves: &[Digest],
    nodes: &mut [Digest],
) -> Vec<ChangeRow> {
    let mut rows: Vec<ChangeRow> = Vec::new();
    let mut old = Vec::new();
    for level in 0..plan.log_slots {
        let above = plan.log_slots - level;
        // Leaves rise, and so do their ancestors; the root is there in any case.
        let mut ancestors: Vec<usize> = touched.iter().map(|leaf| leaf >> above).collect();
        ancestors.dedup();
        if ancestors.is_empty() && level == 0 {
            ancestors.push(0);
        }
        for index in ancestors {
            let changed = [0, 1].map(|child| {
                let number = 2 * index + child;
                touched
                    .binary_search_by(|leaf| (leaf >> (above - 1)).cmp(&number))
                    .is_ok()
            });
            old.push([0, 1].map(|child| nodes[(2 << level) + 2 * index + child]));
            rows.push(ChangeRow {
                row: rows.len(),
                used: true,
                level,
                index,
                children: changed.map(|changed| (changed, [Digest::default(); 2])),
            });
        }
    }
    for (leaf, digest) in touched.iter().zip(leaves) {
        nodes[(1 << plan.log_slots) + leaf] = *digest;
    }
    for (row, old) in rows.iter_mut().zip(old).rev() {
        let at = (1 << row.level) + row.index;
        for (child, old) in old.into_iter().enumerate() {
            row.children[child].1 = [old, nodes[2 * at + child]];
        }
        nodes[at] = node(&nodes[2 * at], &nodes[2 * at + 1]);
    }
    rows
}
