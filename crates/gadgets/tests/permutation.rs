//! Permutations: order does not matter, everything else does.

mod common;

use common::{Fixture, HEIGHT, LOG_HEIGHT};
use gadgets::permutation::{given, permuted};
use stark::{Bus, F, P, PrimeCharacteristicRing, RowBuilder, Table};

const PAIRS: Bus = Bus::new("pairs");

/// Two lists of pairs side by side. Columns: used 0, pair 1-2; used 3, pair 4-5.
#[derive(Clone)]
struct Lists;

type Pair = Option<[u32; 2]>;

impl Table for Lists {
    type Row = [Pair; 2];
    fn name(&self) -> &'static str {
        "lists"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<[Pair; 2]>>(&self, b: &mut B) {
        for side in 0..2 {
            let used = b.cell(|w: &[Pair; 2]| F::from_bool(w[side].is_some()));
            let pair: [B::E; 2] =
                std::array::from_fn(|i| b.cell(|w| F::new(w[side].unwrap_or_default()[i])));
            // Unused pairs are zero, so that no cell is open.
            for cell in &pair {
                let one = b.one();
                b.zero("UNUSED", (one - used.clone()) * cell.clone());
            }
            if side == 0 {
                given(b, PAIRS, &used, &pair);
            } else {
                permuted(b, PAIRS, &used, &pair);
            }
        }
    }
}

fn table(left: &[[u32; 2]], right: &[[u32; 2]]) -> Fixture {
    let (left, right) = (left.to_vec(), right.to_vec());
    Fixture::new(&Lists, move |row| {
        [left.get(row).copied(), right.get(row).copied()]
    })
}

// POSITIVE

#[test]
fn order_does_not_matter_and_repetitions_count() {
    let list = [
        [0, 0],
        [1, 2],
        [2, 1],
        [1, 2],
        [P - 1, 0],
        [1 << 30, P - 1],
        [0, 0],
    ];
    let mut other = list;
    other.reverse();
    other.swap(1, 4);
    table(&list, &other).assert_sound(&[2, 6, 7], 6);
    table(&[], &[]).assert_sound(&[], 6);
    table(&[[3, 4]], &[[3, 4]]).assert_sound(&[], 6);
    let full: Vec<[u32; 2]> = (0..HEIGHT as u32).map(|i| [i % 7, i / 5]).collect();
    let mut shuffled = full.clone();
    shuffled.sort();
    table(&full, &shuffled).assert_sound(&[9], 6);
}

#[test]
fn gaps_in_a_list_do_not_matter() {
    let t = Fixture::new(&Lists, |row| {
        let at = |used: bool, i: usize| used.then_some([i as u32, 1]);
        [
            at(row.is_multiple_of(2), row / 2),
            at(row >= HEIGHT / 2, row - (HEIGHT / 2).min(row)),
        ]
    });
    t.assert_sound(&[1, HEIGHT / 2 - 1], 6);
}

// NEGATIVE

#[test]
fn lists_that_differ_do_not_balance() {
    type Pairs = &'static [[u32; 2]];
    let wrong: [(Pairs, Pairs); 8] = [
        (&[[1, 2]], &[[2, 1]]),
        (&[[1, 2], [3, 4]], &[[1, 4], [3, 2]]),
        (&[[1, 2], [1, 2], [3, 4]], &[[1, 2], [3, 4], [3, 4]]),
        (&[[1, 2], [1, 2]], &[[1, 2]]),
        (&[[1, 2]], &[]),
        (&[], &[[0, 0]]),
        (&[[0, 0]], &[]),
        (&[[P - 1, 0]], &[[1, 0]]),
    ];
    for (left, right) in wrong {
        assert_eq!(
            table(left, right).wrong(),
            ["bus pairs"],
            "{left:?} {right:?}"
        );
    }
}

#[test]
fn permutation_1_a_pair_counts_once_or_not_at_all() {
    // A pair counted twice against two rows, and a pair counted -1 times on its own side. The pairs
    // are zeros, as unused ones are, so nothing else is wrong.
    let zero = [0, 0];
    table(&[zero], &[zero; 2]).expect(&["PERMUTATION-1"], |t| t.set(0, 0, F::TWO));
    table(&[zero; 2], &[zero]).expect(&["PERMUTATION-1"], |t| t.set(0, 3, F::TWO));
    table(&[zero; 2], &[]).expect(&["PERMUTATION-1"], |t| t.set(0, 0, F::NEG_ONE));
}

#[test]
fn padding_may_not_count() {
    // A used padding row is a pair of zeros on one side.
    table(&[[1, 2]], &[[1, 2]]).expect(&["bus pairs"], |t| t.set(9, 0, F::ONE));
    table(&[[1, 2]], &[[1, 2]]).expect(&["UNUSED"], |t| t.set(9, 1, F::ONE));
}
