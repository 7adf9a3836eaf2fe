//! Poseidon2: the published vector, the row against the native hash, domains and lengths apart.

mod common;

use std::collections::BTreeSet;

use common::{Fixture, LOG_HEIGHT};
use gadgets::hash::{
    DIGEST, Digest, Domain, HEAD, RATE, hash, hash_row, hash_row_with_head, hash_with_head,
    initial_capacity, node, node_row, permutation,
};
use proptest::prelude::*;
use stark::{F, P, PrimeCharacteristicRing, RowBuilder, Table, WIDTH, permute};

const DOMAINS: [Domain; 9] = [
    Domain::Positions,
    Domain::Account,
    Domain::Node,
    Domain::State,
    Domain::Identity,
    Domain::Salt,
    Domain::Seal,
    Domain::Listing,
    Domain::Venue,
];

/// Hashes of `length` elements. Columns: elements, hash.
#[derive(Clone)]
struct Hashes(usize);

impl Table for Hashes {
    type Row = Vec<F>;
    fn name(&self) -> &'static str {
        "hashes"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<Vec<F>>>(&self, b: &mut B) {
        let elements: Vec<B::E> = (0..self.0).map(|i| b.cell(|w: &Vec<F>| w[i])).collect();
        hash_row(b, Domain::Account, &elements);
    }
}

/// Hashes of elements behind a head. Columns: head, elements, hash.
#[derive(Clone)]
struct Headed(usize);

impl Table for Headed {
    type Row = Vec<F>;
    fn name(&self) -> &'static str {
        "headed"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<Vec<F>>>(&self, b: &mut B) {
        let head = std::array::from_fn(|i| b.cell(|w: &Vec<F>| w[i]));
        let elements: Vec<B::E> = (0..self.0).map(|i| b.cell(|w| w[HEAD + i])).collect();
        hash_row_with_head(b, Domain::Account, &head, &elements);
    }
}

/// One permutation, all outputs, and a node of its first outputs.
#[derive(Clone)]
struct Permutations;

impl Table for Permutations {
    type Row = [F; WIDTH];
    fn name(&self) -> &'static str {
        "permutations"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<[F; WIDTH]>>(&self, b: &mut B) {
        let input = std::array::from_fn(|i| b.cell(|w: &[F; WIDTH]| w[i]));
        let output: [B::E; WIDTH] = permutation(b, input);
        let half =
            |at: usize| -> [B::E; DIGEST] { std::array::from_fn(|i| output[at + i].clone()) };
        node_row(b, &half(0), &half(DIGEST));
    }
}

/// Elements with the boundary values among them, different on every row.
fn elements(row: usize, n: usize) -> Vec<F> {
    let edges = [0, 1, P - 1, 1 << 30, (1 << 30) - 1, P / 2];
    (0..n)
        .map(|i| match (row + 3 * i) % 8 {
            e @ 0..6 => F::new(edges[e]),
            _ => F::from_usize(row * 1_000_003 + i),
        })
        .collect()
}

// POSITIVE

/// The input and output of `test_default_koalabear_poseidon2_width_24` in Plonky3
/// (`koala-bear/src/poseidon2.rs`, release 0.8.0), made there by the authors' Sage script.
#[test]
fn the_permutation_is_the_published_one() {
    let input = [
        886409618, 1327899896, 1902407911, 591953491, 648428576, 1844789031, 1198336108, 355597330,
        1799586834, 59617783, 790334801, 1968791836, 559272107, 31054313, 1042221543, 474748436,
        135686258, 263665994, 1962340735, 1741539604, 2026927696, 449439011, 1131357108, 50869465,
    ]
    .map(F::new);
    let expected = [
        382801106, 82839311, 1503190615, 1987418517, 854076995, 1862291425, 262755189, 1050814217,
        722724562, 741265943, 1026879332, 754316749, 1966025564, 1518878196, 502200188, 1368172258,
        845459257, 1711434837, 724453836, 171032289, 655223446, 1098636135, 407832555, 1707498914,
    ]
    .map(F::new);
    let mut state = input;
    permute(&mut state);
    assert_eq!(state, expected);

    let t = Fixture::new(&Permutations, |_| input);
    let row: Vec<F> = (0..t.width()).map(|c| t.get(0, c)).collect();
    let (output, parent) = (WIDTH + 191, 2 * WIDTH + 191 + 191);
    assert_eq!(row[output..output + WIDTH], expected);
    let children: [Digest; 2] = [0, DIGEST].map(|at| std::array::from_fn(|i| expected[at + i]));
    assert_eq!(
        row[parent..parent + DIGEST],
        node(&children[0], &children[1])
    );
    assert_eq!(t.width(), parent + DIGEST);
}

#[test]
fn every_cell_of_a_permutation_is_pinned() {
    let t = Fixture::new(&Permutations, |row| {
        elements(row, WIDTH).try_into().unwrap()
    });
    t.assert_sound(&[5], WIDTH);
    let t = Fixture::new(&Hashes(RATE + 1), |row| elements(row, RATE + 1));
    t.assert_sound(&[5], RATE + 1);
}

#[test]
fn the_row_computes_the_native_hash() {
    for n in 0..70 {
        let t = Fixture::new(&Hashes(n), |row| elements(row, n));
        assert!(t.wrong().is_empty());
        let blocks = n.div_ceil(RATE).max(1);
        assert_eq!(
            t.width(),
            n + (blocks - 1) * (191 + WIDTH) + 191 + DIGEST,
            "{n} elements"
        );
        for row in [0, 1, 77, 255] {
            let digest: Digest = std::array::from_fn(|i| t.get(row, t.width() - DIGEST + i));
            assert_eq!(
                digest,
                hash(Domain::Account, &elements(row, n)),
                "{n} elements"
            );
        }
    }
}

#[test]
fn the_row_computes_the_native_hash_behind_a_head() {
    for n in [0, 1, RATE, RATE + 1, 48] {
        let t = Fixture::new(&Headed(n), |row| elements(row, HEAD + n));
        t.assert_sound(&[], HEAD + n);
        for row in [0, 1, 77, 255] {
            let digest: Digest = std::array::from_fn(|i| t.get(row, t.width() - DIGEST + i));
            let (head, rest) = elements(row, HEAD + n)
                .split_first_chunk()
                .map(|(h, r)| (*h, r.to_vec()))
                .unwrap();
            assert_eq!(digest, hash_with_head(Domain::Account, &head, &rest));
        }
    }
    // An empty head is no head, and every element of a head counts.
    let message = elements(3, 20);
    let plain = hash(Domain::Account, &message);
    assert_eq!(
        plain,
        hash_with_head(Domain::Account, &[F::ZERO; HEAD], &message)
    );
    let mut digests = BTreeSet::from([plain]);
    for i in 0..HEAD {
        let mut head = [F::ZERO; HEAD];
        head[i] = F::ONE;
        assert!(digests.insert(hash_with_head(Domain::Account, &head, &message)));
    }
}

#[test]
fn a_sponge_is_its_permutations_by_hand() {
    let message = elements(3, 20);
    let mut state = [F::ZERO; WIDTH];
    state[..RATE].copy_from_slice(&message[..RATE]);
    state[RATE] = F::new(Domain::Salt as u32);
    state[RATE + 1] = F::new(20);
    state[RATE + 2] = F::ONE;
    permute(&mut state);
    state[..RATE].fill(F::ZERO);
    state[..4].copy_from_slice(&message[RATE..]);
    permute(&mut state);
    assert_eq!(hash(Domain::Salt, &message), state[..DIGEST]);
}

// NEGATIVE

#[test]
fn domains_and_lengths_are_apart() {
    // Zeros of every length in every domain: padding alone must not make two of them equal.
    let mut digests = BTreeSet::new();
    let mut count = 0;
    for domain in DOMAINS {
        for n in 0..70 {
            digests.insert(hash(domain, &vec![F::ZERO; n]));
            count += 1;
        }
    }
    assert_eq!(digests.len(), count);
    assert_ne!(
        initial_capacity(Domain::Node, 16),
        initial_capacity(Domain::State, 16)
    );
    assert_ne!(
        initial_capacity(Domain::Node, 16),
        initial_capacity(Domain::Node, 17)
    );
    // A node is a hash in its own domain, and its sides differ.
    let (a, b) = (hash(Domain::Account, &[]), hash(Domain::Salt, &[]));
    let both: Vec<F> = a.into_iter().chain(b).collect();
    assert_eq!(node(&a, &b), hash(Domain::Node, &both));
    assert_ne!(node(&a, &b), node(&b, &a));
    assert_ne!(node(&a, &b), hash(Domain::Account, &both));
}

#[test]
fn poseidon2_every_hash_cell_is_pinned_alone() {
    let t = Fixture::new(&Hashes(3), |row| elements(row, 3));
    for column in 0..t.width() {
        t.expect(&["POSEIDON2"], |t| {
            let other = t.get(9, column) + F::ONE;
            t.set(9, column, other);
        });
    }
}

proptest! {
    #[test]
    fn any_changed_element_changes_the_digest(
        message in prop::collection::vec(0..P, 1..60),
        at in any::<prop::sample::Index>(),
        by in 1..P,
    ) {
        let message: Vec<F> = message.into_iter().map(F::new).collect();
        let mut other = message.clone();
        other[at.index(message.len())] += F::new(by);
        prop_assert_ne!(hash(Domain::Account, &message), hash(Domain::Account, &other));
        let longer: Vec<F> = message.iter().copied().chain([F::ZERO]).collect();
        prop_assert_ne!(hash(Domain::Account, &message), hash(Domain::Account, &longer));
    }
}
