//! Merkle trees: natively, as a path in a row, as a whole tree over a table.

mod common;

use common::{Fixture, HEIGHT, LOG_HEIGHT};
use gadgets::hash::{DIGEST, Digest, Domain, hash, node};
use gadgets::merkle::{
    MAX_HEIGHT, Path, Tree, TreeError, path_row, receive_root, tree_index, tree_row,
};
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, Table, When};

fn leaf(i: usize) -> Digest {
    hash(Domain::Account, &[F::from_usize(i)])
}

fn leaves(n: usize) -> Vec<Digest> {
    (0..n).map(leaf).collect()
}

const EMPTY: Digest = [F::ZERO; DIGEST];

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

fn paths() -> (Tree, Fixture) {
    let tree = Tree::new(&leaves(7), HEIGHT_3, EMPTY).unwrap();
    let table = Paths { root: tree.root() };
    let of = tree.clone();
    let t = Fixture::new(&table, move |row| {
        let i = row % 8;
        (of.leaf(i).unwrap(), of.path(i).unwrap())
    });
    (tree, t)
}

/// A whole tree over a table. Columns: number 0, node flag 1, leaf 2-9, children 10-25, hash 199 whose
/// last eight are the parent, root 225-232 (the same on every row).
#[derive(Clone)]
struct Whole;

const TREE: Bus = Bus::new("tree");
const CHILDREN: usize = 10;
const PARENT: usize = CHILDREN + 2 * DIGEST + 191;
const ROOT: usize = PARENT + DIGEST;

struct WholeRow {
    row: usize,
    leaf: Digest,
    children: [Digest; 2],
    root: Digest,
}

impl Table for Whole {
    type Row = WholeRow;
    fn name(&self) -> &'static str {
        "whole"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let mut first = vec![F::ZERO; HEIGHT];
        first[0] = F::ONE;
        vec![first]
    }
    fn row<B: RowBuilder<WholeRow>>(&self, b: &mut B) {
        let [index, is_node] = tree_index(b, |w: &WholeRow| w.row);
        let leaf: [B::E; DIGEST] = std::array::from_fn(|i| b.cell(|w| w.leaf[i]));
        tree_row(b, TREE, LOG_HEIGHT, [&index, &is_node], &leaf, |w| {
            w.children
        });
        let root: [B::E; DIGEST] = std::array::from_fn(|i| {
            let (root, next) = b.state(|w| w.root[i]);
            b.assert_zero("SAME ROOT", When::Transition, next - root.clone());
            root
        });
        let first = b.pinned("FIRST", 0);
        receive_root(b, TREE, first, &root);
    }
}

fn whole(tree: &Tree) -> Fixture {
    let tree = tree.clone();
    Fixture::new(&Whole, move |row| WholeRow {
        row,
        leaf: tree.leaf(row).unwrap(),
        children: tree.children(row),
        root: tree.root(),
    })
}

// POSITIVE

#[test]
fn a_tree_is_the_hash_of_its_children() {
    for n in 0..=8 {
        let tree = Tree::new(&leaves(n), 3, EMPTY).unwrap();
        let mut level: Vec<Digest> = leaves(n);
        level.resize(8, EMPTY);
        while level.len() > 1 {
            level = level
                .chunks(2)
                .map(|pair| node(&pair[0], &pair[1]))
                .collect();
        }
        assert_eq!(tree.root(), level[0], "{n} leaves");
    }
    let single = Tree::new(&leaves(1), 0, EMPTY).unwrap();
    assert_eq!(single.root(), leaf(0));
    assert!(single.path(0).unwrap().verify(&leaf(0), 0, &leaf(0)));
    assert_eq!(single.path(1), None);
    assert_eq!(single.children(0), single.children(1));
}

#[test]
fn every_path_leads_to_the_root() {
    let tree = Tree::new(&leaves(21), 5, EMPTY).unwrap();
    assert_eq!(tree.height(), 5);
    for i in 0..32 {
        let l = tree.leaf(i).unwrap();
        assert_eq!(l, if i < 21 { leaf(i) } else { EMPTY });
        assert!(tree.path(i).unwrap().verify(&tree.root(), 5, &l));
    }
    assert_eq!((tree.leaf(32), tree.path(32)), (None, None));
}

#[test]
fn paths_in_rows_are_sound() {
    let (_, t) = paths();
    assert_eq!(t.width(), 1 + HEIGHT_3 + DIGEST + HEIGHT_3 * 215);
    t.assert_sound(&[3, 7], 1 + HEIGHT_3 + DIGEST);
}

#[test]
fn whole_trees_in_tables_are_sound() {
    for n in [0, 1, 100, HEIGHT] {
        let tree = Tree::new(&leaves(n), LOG_HEIGHT, EMPTY).unwrap();
        let t = whole(&tree);
        t.assert_sound(&[2, 3, n.min(HEIGHT - 1)], CHILDREN + 2 * DIGEST);
        let root: Digest = std::array::from_fn(|i| t.get(1, PARENT + i));
        assert_eq!(root, tree.root());
    }
}

// NEGATIVE

#[test]
fn trees_that_do_not_fit_are_refused() {
    assert_eq!(
        Tree::new(&leaves(3), 1, EMPTY),
        Err(TreeError::Leaves {
            leaves: 3,
            height: 1
        })
    );
    for height in [MAX_HEIGHT + 1, 64, usize::MAX] {
        assert_eq!(
            Tree::new(&[], height, EMPTY),
            Err(TreeError::Height(height))
        );
    }
}

#[test]
fn a_path_holds_at_one_place_only() {
    let tree = Tree::new(&leaves(8), 3, EMPTY).unwrap();
    let root = tree.root();
    for i in 0..8 {
        let path = tree.path(i).unwrap();
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
        let inner = tree.children(2 + (i >> 2))[i >> 1 & 1];
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
    let tree = Tree::new(&[leaf(1); 8], HEIGHT_3, EMPTY).unwrap();
    let of = tree.clone();
    let t = Fixture::new(&Paths { root: tree.root() }, move |row| {
        (leaf(1), of.path(row % 8).unwrap())
    });
    t.expect(&["MERKLE-1"], |t| {
        t.set(0, 1, F::from_u64(9));
        t.set(0, 0, F::from_u64(9));
    });
}

#[test]
fn merkle_2_children_stand_where_the_bit_says() {
    let (_, t) = paths();
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
    let tree = Tree::new(&leaves(8), HEIGHT_3, EMPTY).unwrap();
    let forge = |change: fn(&mut (Digest, Path))| {
        let of = tree.clone();
        let t = Fixture::new(&Paths { root: tree.root() }, move |row| {
            let mut w = (of.leaf(row % 8).unwrap(), of.path(row % 8).unwrap());
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

fn hundred() -> Fixture {
    whole(&Tree::new(&leaves(100), LOG_HEIGHT, EMPTY).unwrap())
}

#[test]
fn tree_1_rows_are_counted() {
    // Row 9 pretends to be row 10, and all rows from there are one further.
    hundred().expect(&["TREE-1", "bus tree"], |t| {
        for row in 9..HEIGHT {
            t.set(row, 0, F::from_usize(row + 1));
        }
    });
    hundred().expect(&["TREE-1", "bus tree"], |t| {
        for row in 0..HEIGHT {
            t.set(row, 0, F::from_usize(row + 1));
        }
    });
    // Two rows that hold the same trade numbers, so that no message tells.
    let equal = whole(&Tree::new(&[], LOG_HEIGHT, EMPTY).unwrap());
    equal.expect(&["TREE-1"], |t| {
        t.set(128, 0, F::from_usize(129));
        t.set(129, 0, F::from_usize(128));
    });
}

#[test]
fn tree_2_every_row_but_the_first_has_a_node() {
    hundred().expect(&["TREE-2", "bus tree"], |t| t.set(40, 1, F::ZERO));
    // The first row would have a node 0.
    hundred().expect(&["TREE-2", "bus tree"], |t| t.set(0, 1, F::ONE));
}

#[test]
fn a_wrong_node_is_left_over() {
    let tree = Tree::new(&leaves(100), LOG_HEIGHT, EMPTY).unwrap();
    let forge = |change: fn(usize, &mut WholeRow)| {
        let of = tree.clone();
        Fixture::new(&Whole, move |row| {
            let mut w = WholeRow {
                row,
                leaf: of.leaf(row).unwrap(),
                children: of.children(row),
                root: of.root(),
            };
            change(row, &mut w);
            w
        })
        .wrong()
    };
    assert!(forge(|_, _| ()).is_empty());
    // Another leaf, alone or known to its parent; swapped children; another root.
    let wrong = ["bus tree"];
    assert_eq!(
        forge(|row, w| if row == 7 {
            w.leaf = leaf(8)
        }),
        wrong
    );
    assert_eq!(
        forge(|row, w| if row == 131 {
            w.children.swap(0, 1)
        }),
        wrong
    );
    assert_eq!(forge(|_, w| w.root = leaf(0)), wrong);
    assert_eq!(
        forge(|row, w| match row {
            7 => w.leaf = leaf(999),
            131 => w.children[1] = leaf(999),
            _ => (),
        }),
        wrong
    );
}

#[test]
fn a_root_is_received_once() {
    hundred().expect(&["FIRST", "bus tree"], |t| {
        let column = ROOT + DIGEST;
        t.set(5, column, F::ONE);
    });
}
