//! A path of a Merkle tree inside a row: for orders, whose one-time secrets stand below a root in the account's leaf (issue 15).
//!
//! A tree has `2^k` leaves. Nodes are numbered in heap order: the root is node 1, the children of node `i` are `2i` and `2i + 1`,
//! and leaf `j` is node `2^k + j`. So a leaf's number fixes which side it stands on at every level, and a path proves a leaf at
//! one place only.

use stark::RowBuilder;

use crate::hash::{DIGEST, Digest, node, node_row};

/// The tallest tree: node numbers stay below `2^30 < p`.
pub const MAX_HEIGHT: usize = 29;

/// A leaf's place and its siblings on the way to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The leaf's number. Its bits, lowest first, say where the path is a right child.
    pub index: usize,
    /// The siblings, leaf level first.
    pub siblings: Vec<Digest>,
}

impl Path {
    /// The root this path leads to from `leaf`, or `None` if the index lies outside a tree of this
    /// height.
    pub fn root(&self, leaf: &Digest) -> Option<Digest> {
        let height = self.siblings.len();
        if height > MAX_HEIGHT || self.index >= 1 << height {
            return None;
        }
        let step = |(below, place): (Digest, usize), sibling: &Digest| {
            let above = if place & 1 == 0 {
                node(&below, sibling)
            } else {
                node(sibling, &below)
            };
            (above, place >> 1)
        };
        Some(self.siblings.iter().fold((*leaf, self.index), step).0)
    }

    /// Whether `leaf` stands at this place of a tree of `2^height` leaves with this root.
    #[must_use]
    pub fn verify(&self, root: &Digest, height: usize, leaf: &Digest) -> bool {
        self.siblings.len() == height && self.root(leaf).as_ref() == Some(root)
    }
}

/// One level of a path inside a row: the parent of `below`, which is the right child if `bit` is 1.
///
/// Constraints MERKLE-1 and MERKLE-2: `GADGETS.md`. The sibling is whatever leads to the root that the caller compares with. Degree 3. Adds 215 cells.
pub fn step_row<W, B: RowBuilder<W>>(
    b: &mut B,
    bit: &B::E,
    below: &[B::E; DIGEST],
    sibling: impl Fn(&W) -> Digest,
) -> [B::E; DIGEST] {
    let sibling: [B::E; DIGEST] = std::array::from_fn(|i| b.cell(|w| sibling(w)[i]));
    step_with(b, bit, below, &sibling)
}

/// The same with a sibling that the caller read.
pub fn step_with<W, B: RowBuilder<W>>(
    b: &mut B,
    bit: &B::E,
    below: &[B::E; DIGEST],
    sibling: &[B::E; DIGEST],
) -> [B::E; DIGEST] {
    b.boolean("MERKLE-1", bit);
    let left: [B::E; DIGEST] = std::array::from_fn(|i| {
        let choice = below[i].clone() + bit.clone() * (sibling[i].clone() - below[i].clone());
        // A cell of its own: the hash cubes it.
        let left = b.derive([&choice], |[v]| v);
        b.equal("MERKLE-2", left.clone(), choice);
        left
    });
    let right: [B::E; DIGEST] =
        std::array::from_fn(|i| below[i].clone() + sibling[i].clone() - left[i].clone());
    node_row(b, &left, &right)
}

/// A whole path inside a row: the root that `leaf` leads to. `bits`, lowest first, are the leaf's
/// number: `index = sum bits[i] * 2^i`, and the caller binds them to it. Constraints as in
/// [`step_row`], one level each.
pub fn path_row<W, B: RowBuilder<W>>(
    b: &mut B,
    bits: &[B::E],
    leaf: &[B::E; DIGEST],
    siblings: impl Fn(&W, usize) -> Digest,
) -> [B::E; DIGEST] {
    let mut below = leaf.clone();
    for (level, bit) in bits.iter().enumerate() {
        below = step_row(b, bit, &below, |w| siblings(w, level));
    }
    below
}
