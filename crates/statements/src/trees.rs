//! Merkle trees over leaves, whole and in segments.

use gadgets::hash::{DIGEST, Digest, node};
use rayon::prelude::*;
use stark::{F, PrimeCharacteristicRing};

/// Fewest leaf slots of a tree, as a power of two: the smallest table.
pub const MIN_LOG_SLOTS: usize = stark::MIN_LOG_HEIGHT;
/// log2 of the most leaves in a part.
pub const MAX_LOG_SEGMENT: usize = 14;

/// log2 of the leaf slots of a book of `count` accounts.
pub fn log_slots(count: u64) -> usize {
    (count.max(1).next_power_of_two().ilog2() as usize).max(MIN_LOG_SLOTS)
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

/// The root of a subtree of `2^high` leaves from that of its first `2^low`; the rest is unused.
pub fn lift(root: Digest, low: usize, high: usize) -> Digest {
    (low..high).fold(root, |below, log| node(&below, &empty_root(log)))
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

/// log2 of a part's slots for a book of so many leaves.
pub fn log_segment(leaves: u64) -> usize {
    log_slots(leaves).min(MAX_LOG_SEGMENT)
}

/// log2 of the slots of a part: the last one is as small as its leaves allow.
pub fn log_part(leaves: u64, part: usize) -> usize {
    let log = log_segment(leaves);
    log_slots(leaves - ((part as u64) << log)).min(log)
}

/// The book's root from the roots of its parts' subtrees.
pub fn segments_root(roots: &[Digest], leaves: u64) -> Digest {
    let log = log_segment(leaves);
    let segments: Vec<Digest> = roots
        .iter()
        .enumerate()
        .map(|(part, root)| lift(*root, log_part(leaves, part), log))
        .collect();
    book_root(&segments, log, log_slots(leaves))
}
