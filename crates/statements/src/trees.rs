//! Merkle trees over leaves, whole and in segments.

use gadgets::hash::{DIGEST, Digest, node};
use rayon::prelude::*;
use stark::{F, PrimeCharacteristicRing};

/// Fewest leaf slots of a tree, as a power of two: the smallest table.
pub const MIN_LOG_SLOTS: usize = stark::MIN_LOG_HEIGHT;

/// log2 of the leaf slots of a book of `count` accounts.
pub fn log_slots(count: u64) -> usize {
    // The bits of the last index; any count fits, as a claim may name any.
    let log = u64::BITS - (count.max(1) - 1).leading_zeros();
    (log as usize).max(MIN_LOG_SLOTS)
}

/// The nodes of a Merkle tree in heap order: node 1 is the root, the children of `i` are `2i` and
/// `2i + 1`, the leaves are the last half. Node 0 is zero.
///
/// # Panics
/// If the number of leaves is not a power of two.
pub fn tree(leaves: Vec<Digest>) -> Vec<Digest> {
    let n = leaves.len();
    assert!(n.is_power_of_two(), "a tree has a power of two of leaves");
    let mut nodes = vec![[F::ZERO; DIGEST]; n];
    nodes.extend(leaves);
    let mut level = n / 2;
    while level > 0 {
        let (above, below) = nodes.split_at_mut(2 * level);
        above[level..]
            .par_iter_mut()
            .enumerate()
            .with_min_len(64)
            .for_each(|(i, parent)| {
                *parent = node(&below[2 * i], &below[2 * i + 1]);
            });
        level /= 2;
    }
    nodes
}

/// The root of a subtree of `2^log` unused leaves.
pub fn empty_root(log: usize) -> Digest {
    (0..log).fold([F::ZERO; DIGEST], |below, _| node(&below, &below))
}

/// The root of a book's tree from the roots of its used subtrees of `2^log_segment` leaves; the rest
/// of the `2^log_slots` leaves is unused.
pub fn book_root(segments: &[Digest], log_segment: usize, log_slots: usize) -> Digest {
    let mut leaves = segments.to_vec();
    leaves.resize(1 << (log_slots - log_segment), empty_root(log_segment));
    // A single subtree is the tree.
    tree(leaves)[1]
}

/// The path from leaf `index` to the root: the siblings, leaf level first.
pub fn path(nodes: &[Digest], index: usize) -> Vec<Digest> {
    let mut at = nodes.len() / 2 + index;
    let mut siblings = Vec::new();
    while at > 1 {
        siblings.push(nodes[at ^ 1]);
        at /= 2;
    }
    siblings
}

/// The root that a leaf's digest and path lead to; the index is bound by the order of children.
pub fn root_of(leaf: Digest, index: usize, siblings: &[Digest]) -> Digest {
    siblings
        .iter()
        .enumerate()
        .fold(leaf, |below, (level, sibling)| {
            if (index >> level) & 1 == 0 {
                node(&below, sibling)
            } else {
                node(sibling, &below)
            }
        })
}

/// How the leaves of a tree are split into parts: all but the last have as many slots, the last as few as hold its leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    leaves: u64,
    /// log2 of the slots of a part but the last.
    log: usize,
}

impl Segments {
    /// Parts of at most `2^most` slots.
    pub fn new(leaves: u64, most: usize) -> Self {
        Self {
            leaves,
            log: log_slots(leaves).min(most),
        }
    }

    /// How many leaves there are.
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Slots of a part but the last.
    pub const fn slots(&self) -> usize {
        1 << self.log
    }

    /// How many parts there are.
    pub const fn count(&self) -> u64 {
        self.leaves.div_ceil(1 << self.log)
    }

    /// log2 of the slots of a part.
    pub fn log_part(&self, part: usize) -> usize {
        log_slots(self.leaves - ((part as u64) << self.log)).min(self.log)
    }

    /// How many leaves a part has.
    pub fn used(&self, part: usize) -> usize {
        (self.leaves - ((part as u64) << self.log)).min(1 << self.log) as usize
    }

    /// The parts' trees, over the digests of all leaves.
    pub fn trees(&self, leaves: &[Digest]) -> Vec<Vec<Digest>> {
        let parts = leaves.chunks(self.slots()).enumerate();
        let trees = parts.map(|(part, leaves)| {
            let mut slots = leaves.to_vec();
            slots.resize(1 << self.log_part(part), Digest::default());
            tree(slots)
        });
        trees.collect()
    }

    /// The root of a part's subtree, as if it had all its slots.
    pub fn lifted(&self, part: usize, root: &Digest) -> Digest {
        let unused = self.log_part(part)..self.log;
        unused.fold(*root, |below, log| node(&below, &empty_root(log)))
    }

    /// The whole tree's root from the roots of the parts' subtrees.
    pub fn root(&self, roots: &[Digest]) -> Digest {
        let roots = roots.iter().enumerate();
        let roots: Vec<Digest> = roots.map(|(part, root)| self.lifted(part, root)).collect();
        book_root(&roots, self.log, log_slots(self.leaves))
    }
}
