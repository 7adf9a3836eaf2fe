//! Merkle trees over leaf digests: natively, as a path inside a row, and as a whole tree whose
//! rows are those of the table that holds the leaves.
//!
//! A tree has `2^k` leaves. Nodes are numbered in heap order: the root is node 1, the children of
//! node `i` are `2i` and `2i + 1`, and leaf `j` is node `2^k + j`. So a leaf's number fixes which side
//! it stands on at every level, and a path proves a leaf at one place only.

use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, When};

use crate::hash::{DIGEST, Digest, Domain, hash_row, node, node_row};

/// The tallest tree: node numbers stay below `2^30 < p`.
pub const MAX_HEIGHT: usize = 29;

/// Why a tree cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Taller than [`MAX_HEIGHT`].
    #[error("a tree of height {0} is taller than {MAX_HEIGHT}")]
    Height(usize),
    /// More leaves than places.
    #[error("{leaves} leaves do not fit a tree of height {height}")]
    Leaves {
        /// How many leaves there are.
        leaves: usize,
        /// The height of the tree.
        height: usize,
    },
}

/// A tree, all nodes in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    height: usize,
    nodes: Vec<Digest>,
}

impl Tree {
    /// A tree of `2^height` leaves: the given ones, then `empty` ones.
    ///
    /// # Errors
    /// If the leaves do not fit or the tree is too tall.
    pub fn new(leaves: &[Digest], height: usize, empty: Digest) -> Result<Self, TreeError> {
        if height > MAX_HEIGHT {
            return Err(TreeError::Height(height));
        }
        if leaves.len() > 1 << height {
            return Err(TreeError::Leaves {
                leaves: leaves.len(),
                height,
            });
        }
        // Node 0 does not exist; it stays zero.
        let mut nodes = vec![[F::ZERO; DIGEST]; 2 << height];
        let mut used = leaves.len();
        let mut padding = empty;
        for level in (0..=height).rev() {
            let start = 1 << level;
            if level == height {
                nodes[start..start + used].copy_from_slice(leaves);
            } else {
                used = used.div_ceil(2);
                padding = node(&padding, &padding);
                for i in start..start + used {
                    nodes[i] = node(&nodes[2 * i], &nodes[2 * i + 1]);
                }
            }
            // A subtree without a given leaf is the same everywhere on its level.
            nodes[start + used..2 * start].fill(padding);
        }
        Ok(Self { height, nodes })
    }

    /// log2 of the number of leaves.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The root.
    pub fn root(&self) -> Digest {
        self.nodes[1]
    }

    /// Leaf `index`, or `None` beyond the last.
    pub fn leaf(&self, index: usize) -> Option<Digest> {
        self.nodes[1 << self.height..].get(index).copied()
    }

    /// The children of node `index` in heap order; zeros for an index that is no inner node, such
    /// as 0. This is the hint [`tree_row`] needs.
    pub fn children(&self, index: usize) -> [Digest; 2] {
        if (1..1 << self.height).contains(&index) {
            [self.nodes[2 * index], self.nodes[2 * index + 1]]
        } else {
            [[F::ZERO; DIGEST]; 2]
        }
    }

    /// The path of leaf `index`, or `None` beyond the last.
    pub fn path(&self, index: usize) -> Option<Path> {
        (index < 1 << self.height).then(|| Path {
            index,
            siblings: (0..self.height)
                .map(|level| self.nodes[(((1 << self.height) + index) >> level) ^ 1])
                .collect(),
        })
    }
}

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
    b.boolean("MERKLE-1", bit);
    let sibling: [B::E; DIGEST] = std::array::from_fn(|i| b.cell(|w| sibling(w)[i]));
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

/// The number of the row and whether it has a node: what [`tree_row`] needs.
/// Constraints TREE-1 and TREE-2: `GADGETS.md`.
pub fn tree_index<W, B: RowBuilder<W>>(b: &mut B, row: impl Fn(&W) -> usize) -> [B::E; 2] {
    let one = b.one();
    let (index, next_index) = b.state(|w| F::from_usize(row(w)));
    let (is_node, next_is_node) = b.state(|w| F::from_bool(row(w) != 0));
    b.assert_zero("TREE-1", When::First, index.clone());
    let step = next_index - index.clone() - one.clone();
    b.assert_zero("TREE-1", When::Transition, step);
    b.assert_zero("TREE-2", When::First, is_node.clone());
    b.assert_zero("TREE-2", When::Transition, next_is_node - one);
    [index, is_node]
}

/// One row of a whole tree over a table of `2^height` rows: row `i` holds leaf `i` and node `i`.
///
/// On `bus`, messages are `[node number, digest (8)]`. Every row sends its leaf as node
/// `2^height + i`. Every row but the first receives its two children and sends their parent. Each
/// number is sent once and received once, so the digests are those of one tree. The root is sent
/// as node 1: the caller receives it by [`receive_root`], in one table, once.
///
/// `index` is the row's number and `is_node` is 0 on the first row and 1 on all others, both of degree
/// 1 and pinned by the caller, best by [`tree_index`]. `leaf` may hold expressions of degree 1 or more.
/// `children` are those of node `i` by [`Tree::children`]; on the first row they are any two digests,
/// since nothing receives or sends them. The result is the parent's digest, meaningless on the first row.
///
/// Its only constraints are those of the hash, POSEIDON2; the bus pins the children. Adds 215 cells
/// and 4 messages.
///
/// # Panics
/// If the tree is taller than [`MAX_HEIGHT`].
pub fn tree_row<W, B: RowBuilder<W>>(
    b: &mut B,
    bus: Bus,
    height: usize,
    [index, is_node]: [&B::E; 2],
    leaf: &[B::E; DIGEST],
    children: impl Fn(&W) -> [Digest; 2],
) -> [B::E; DIGEST] {
    assert!(height <= MAX_HEIGHT, "node numbers stay below p");
    let cells: Vec<B::E> = (0..2 * DIGEST)
        .map(|i| b.cell(|w| children(w).as_flattened()[i]))
        .collect();
    let parent = hash_row(b, Domain::Node, &cells);
    let number = |n: B::E, digest: &[B::E]| -> Vec<B::E> {
        std::iter::once(n).chain(digest.iter().cloned()).collect()
    };
    let one = b.one();
    let first_leaf = F::from_u64(1 << height);
    b.send(bus, one.clone(), &number(index.clone() + first_leaf, leaf));
    let left = index.clone() + index.clone();
    b.receive(
        bus,
        is_node.clone(),
        &number(left.clone(), &cells[..DIGEST]),
    );
    b.receive(bus, is_node.clone(), &number(left + one, &cells[DIGEST..]));
    b.send(bus, is_node.clone(), &number(index.clone(), &parent));
    parent
}

/// Receives the root of a [`tree_row`] tree, `count` times; in all of the proof it must be once.
pub fn receive_root<W, B: RowBuilder<W>>(b: &mut B, bus: Bus, count: B::E, root: &[B::E; DIGEST]) {
    let message: Vec<B::E> = std::iter::once(b.one())
        .chain(root.iter().cloned())
        .collect();
    b.receive(bus, count, &message);
}
