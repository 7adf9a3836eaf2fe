//! Paths of Merkle trees: natively and in a row.

mod common;

use common::{Fixture, LOG_HEIGHT};
use gadgets::hash::{DIGEST, Digest, Domain, hash, node};
use gadgets::merkle::{Path, path_row};
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table};

fn leaf(i: usize) -> Digest {
    hash(Domain::Account, &[F::from_usize(i)])
}

const EMPTY: Digest = [F::ZERO; DIGEST];

/// A tree over eight leaves in heap order; node 0 does not exist.
fn tree(leaves: [Digest; 8]) -> [Digest; 16] {
    let mut nodes = [EMPTY; 16];
    nodes[8..].copy_from_slice(&leaves);
    for i in (1..8).rev() {
        nodes[i] = node(&nodes[2 * i], &nodes[2 * i + 1]);
    }
    nodes
}

fn path(nodes: &[Digest; 16], index: usize) -> Path {
    let siblings = (0..HEIGHT_3).map(|level| nodes[((8 + index) >> level) ^ 1]);
    Path {
        index,
        siblings: siblings.collect(),
    }
}

/// A path of height 3 to a public root. Columns: index 0, bits 1-3, leaf 4-11, then for every level
/// sibling (8), left (8), hash (199). Public: the root.
#[derive(Clone)]
struct Paths {
    root: Digest,
}

const HEIGHT_3: usize = 3;
const SIBLING: usize = 1 + HEIGHT_3 + DIGEST;
const LEFT: usize = SIBLING + DIGEST;

impl Table for Paths {
    type Row = (Digest, Path);
    fn name(&self) -> &'static str {
        "paths"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn public(&self) -> Vec<F> {
        self.root.to_vec()
    }
    fn row<B: RowBuilder<Self::Row>>(&self, b: &mut B) {
        let index = b.cell(|w: &Self::Row| F::from_usize(w.1.index));
        let bits: [B::E; HEIGHT_3] =
            std::array::from_fn(|i| b.cell(|w| F::from_usize(w.1.index >> i & 1)));
        let mut sum = b.constant(F::ZERO);
        for (i, bit) in bits.iter().enumerate() {
            sum += bit.clone() * F::from_u64(1 << i);
        }
        b.equal("INDEX", index, sum);
        let leaf: [B::E; DIGEST] = std::array::from_fn(|i| b.cell(|w| w.0[i]));
        let root = path_row(b, &bits, &leaf, |w: &Self::Row, level| w.1.siblings[level]);
        for (i, element) in root.into_iter().enumerate() {
            let public = b.public(i);
            b.equal("ROOT", element, public);
        }
    }
}

fn fixture(nodes: [Digest; 16]) -> Fixture {
    Fixture::new(&Paths { root: nodes[1] }, move |row| {
        (nodes[8 + row % 8], path(&nodes, row % 8))
    })
}

// POSITIVE

#[test]
fn every_path_leads_to_the_root() {
    let nodes = tree(std::array::from_fn(leaf));
    for i in 0..8 {
        assert!(path(&nodes, i).verify(&nodes[1], HEIGHT_3, &leaf(i)));
    }
    let single = Path {
        index: 0,
        siblings: Vec::new(),
    };
    assert!(single.verify(&leaf(0), 0, &leaf(0)));
}

#[test]
fn paths_in_rows_are_sound() {
    let t = fixture(tree(std::array::from_fn(leaf)));
    assert_eq!(t.width(), 1 + HEIGHT_3 + DIGEST + HEIGHT_3 * 215);
    t.assert_sound(&[3, 7], 1 + HEIGHT_3 + DIGEST);
}

// NEGATIVE

#[test]
fn a_path_holds_at_one_place_only() {
    let nodes = tree(std::array::from_fn(leaf));
    let root = nodes[1];
    for i in 0..8 {
        let path = path(&nodes, i);
        for j in (0..8).chain([8, 8 + i, usize::MAX]) {
            let moved = Path {
                index: j,
                ..path.clone()
            };
            assert_eq!(moved.verify(&root, 3, &leaf(i)), i == j, "{i} at {j}");
        }
        assert!(!path.verify(&root, 3, &leaf(i + 1)));
        // An inner node is not a leaf of a lower tree, nor is a long path a path.
        let above = Path {
            index: i >> 1,
            siblings: path.siblings[1..].to_vec(),
        };
        let inner = nodes[(8 + i) >> 1];
        assert_eq!(above.root(&inner), Some(root));
        assert!(!above.verify(&root, 3, &inner));
        let long = Path {
            index: i,
            siblings: vec![EMPTY; 70],
        };
        assert_eq!(long.root(&leaf(i)), None);
    }
}

#[test]
fn merkle_1_a_side_is_left_or_right() {
    // All siblings equal their neighbours, so any bit mixes the same children.
    let t = fixture(tree([leaf(1); 8]));
    t.expect(&["MERKLE-1"], |t| {
        t.set(0, 1, F::from_u64(9));
        t.set(0, 0, F::from_u64(9));
    });
}

#[test]
fn merkle_2_children_stand_where_the_bit_says() {
    let t = fixture(tree(std::array::from_fn(leaf)));
    // Row 2 is a left child at the lowest level. Swapping the bit alone moves the leaf to place 3.
    t.expect(&["MERKLE-2"], |t| {
        t.set(2, 1, F::ONE);
        t.set(2, 0, F::from_u64(3));
    });
    // Swapping leaf and sibling with it is the honest witness of place 3.
    t.expect(&[], |t| {
        t.set(2, 1, F::ONE);
        t.set(2, 0, F::from_u64(3));
        for i in 0..DIGEST {
            let (leaf, sibling) = (t.get(2, 1 + HEIGHT_3 + i), t.get(2, SIBLING + i));
            t.set(2, 1 + HEIGHT_3 + i, sibling);
            t.set(2, SIBLING + i, leaf);
        }
    });
    t.expect(&["MERKLE-2", "POSEIDON2"], |t| {
        let moved = t.get(2, LEFT) + F::ONE;
        t.set(2, LEFT, moved);
    });
}

#[test]
fn another_leaf_or_path_does_not_lead_to_the_root() {
    let nodes = tree(std::array::from_fn(leaf));
    let forge = |change: fn(&mut (Digest, Path))| {
        let t = Fixture::new(&Paths { root: nodes[1] }, move |row| {
            let mut w = (leaf(row % 8), path(&nodes, row % 8));
            if row == 5 {
                change(&mut w);
            }
            w
        });
        t.wrong()
    };
    assert!(forge(|_| ()).is_empty());
    assert_eq!(forge(|w| w.0[7] += F::ONE), ["ROOT"]);
    assert_eq!(forge(|w| w.1.index = 4), ["ROOT"]);
    assert_eq!(forge(|w| w.1.siblings[2][0] += F::ONE), ["ROOT"]);
    assert_eq!(forge(|w| w.1.siblings.swap(0, 1)), ["ROOT"]);
}
