//! Poseidon2 hashing: natively, and inside a row.
//!
//! One construction serves leaves, tree nodes and state commitments: an overwrite-mode sponge of
//! width 24, rate 16 and capacity 8 (248 bits, so 124 bits against collisions). The capacity starts
//! as `[domain, length, format, 0, head]`, so no two domains or lengths share a digest, and the last
//! block is padded with zeros. The head is four elements of the message that cost no permutation; most
//! hashes have zeros there. With heads there are 2^124 starts for each domain and length in use; a chain of
//! capacities runs into one of them with probability 2^-124 a permutation, so the 124 bits stay.

use stark::{
    Expr, F, PrimeCharacteristicRing, RowBuilder, external_layer, internal_layer, permute,
    round_constants,
};

/// Elements absorbed by one permutation.
pub const RATE: usize = 16;
/// Elements in a digest.
pub const DIGEST: usize = 8;
/// Elements that the first capacity takes.
pub const HEAD: usize = 4;
/// The version of this construction and of the leaf layouts built on it.
const FORMAT: u32 = 1;

/// A digest.
pub type Digest = [F; DIGEST];

/// What is being hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Domain {
    /// An account's positions.
    Positions = 1,
    /// An account leaf.
    Account = 2,
    /// A tree node: left child, right child.
    Node = 3,
    /// Running totals between segments.
    State = 4,
    /// A user's identity.
    Identity = 5,
    /// Salts derived from the book's secret.
    Salt = 6,
    /// What an account leaf commits to besides its key and balances.
    Seal = 7,
    /// What the places of a book's lists stand for.
    Listing = 8,
    /// A venue's state.
    Venue = 9,
    /// A loan leaf.
    Loan = 10,
    /// Loans in the order of their groups.
    List = 12,
    /// A pool: what its loans' fields mean, how many there are, and the root of their tree.
    Pool = 11,
    /// What a registry knows a loan by: the registry's key and the loan's identity.
    Nullifier = 13,
    /// A registry: its key.
    Registry = 14,
    /// A book: what its leaves' fields mean and when, how many there are, and the root of their tree.
    Book = 16,
    /// What a trade with a venue paid.
    Receipt = 20,
    /// A slot of what an account holds of a long list of assets, and the slots before it.
    Holdings = 22,
    /// How far above EVaR a venue's private EVaR is drawn.
    Lift = 21,
    /// An order as its trader sends it.
    Order = 23,
    /// What became of an order.
    Outcome = 24,
    /// A secret with which an account signs the orders of one batch.
    OneTime = 25,
    /// A venue and a batch of orders.
    Session = 27,
    /// The root of an account's one-time secrets, and what hides it: the salt of its leaf.
    Owner = 26,
}

/// The capacity a sponge over `length` elements starts from.
pub fn initial_capacity(domain: Domain, length: usize) -> Digest {
    let mut capacity = [F::ZERO; DIGEST];
    capacity[0] = F::new(domain as u32);
    capacity[1] = F::new(u32::try_from(length).expect("fewer than 2^31 elements"));
    capacity[2] = F::new(FORMAT);
    capacity
}

/// Hashes elements.
pub fn hash(domain: Domain, elements: &[F]) -> Digest {
    hash_with_head(domain, &[F::ZERO; HEAD], elements)
}

/// Hashes elements behind a head.
pub fn hash_with_head(domain: Domain, head: &[F; HEAD], elements: &[F]) -> Digest {
    let wide = wide_hash_with_head(domain, head, elements);
    std::array::from_fn(|i| wide[i])
}

/// Hashes elements behind a head to two digests: the one of [`hash_with_head`], which may be published, and another one,
/// which says nothing to whoever does not know what was hashed. Each binds it.
pub fn wide_hash_with_head(domain: Domain, head: &[F; HEAD], elements: &[F]) -> [F; RATE] {
    let mut state = [F::ZERO; stark::WIDTH];
    state[RATE..].copy_from_slice(&initial_capacity(domain, elements.len()));
    state[stark::WIDTH - HEAD..].copy_from_slice(head);
    // Nothing at all is hashed as one block of zeros: the length tells.
    let blocks = elements.len().div_ceil(RATE).max(1);
    for block in 0..blocks {
        let chunk =
            &elements[(block * RATE).min(elements.len())..((block + 1) * RATE).min(elements.len())];
        state[..RATE].fill(F::ZERO);
        state[..chunk.len()].copy_from_slice(chunk);
        permute(&mut state);
    }
    std::array::from_fn(|i| state[i])
}

/// Hashes two digests into their parent.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut children = [F::ZERO; RATE];
    children[..DIGEST].copy_from_slice(left);
    children[DIGEST..].copy_from_slice(right);
    hash(Domain::Node, &children)
}

/// One permutation inside a row, of which the first `N` outputs are used: `191 + N` cells.
///
/// Every S-box output is a cell, except in the last round, where the outputs are: each constraint
/// (POSEIDON2) has degree 3 and determines its cell.
pub fn permutation<W, B: RowBuilder<W>, const N: usize>(
    b: &mut B,
    input: [B::E; stark::WIDTH],
) -> [B::E; N] {
    let mut state = input;
    let (first, middle, last) = round_constants();
    external_layer(&mut state);
    for constants in first {
        full_round(b, &mut state, constants);
    }
    for c in middle {
        state[0] = sbox(b, state[0].clone() + *c);
        internal_layer(&mut state);
    }
    let (closing, last) = (&last[..3], &last[3]);
    for constants in closing {
        full_round(b, &mut state, constants);
    }
    let mut outputs: [B::E; stark::WIDTH] =
        std::array::from_fn(|i| cube(state[i].clone() + last[i]));
    external_layer(&mut outputs);
    std::array::from_fn(|i| {
        let cell = b.derive([&outputs[i]], |[y]| y);
        b.equal("POSEIDON2", cell.clone(), outputs[i].clone());
        cell
    })
}

fn cube<E: Expr>(x: E) -> E {
    x.clone() * x.clone() * x
}

fn sbox<W, B: RowBuilder<W>>(b: &mut B, x: B::E) -> B::E {
    let y = b.derive([&x], |[x]| x * x * x);
    b.equal("POSEIDON2", y.clone(), cube(x));
    y
}

fn full_round<W, B: RowBuilder<W>>(
    b: &mut B,
    state: &mut [B::E; stark::WIDTH],
    constants: &[F; stark::WIDTH],
) {
    for (x, c) in state.iter_mut().zip(constants) {
        *x = sbox(b, x.clone() + *c);
    }
    external_layer(state);
}

/// [`hash`] inside a row: all blocks side by side.
pub fn hash_row<W, B: RowBuilder<W>>(
    b: &mut B,
    domain: Domain,
    elements: &[B::E],
) -> [B::E; DIGEST] {
    let zero = b.constant(F::ZERO);
    hash_row_with_head(b, domain, &std::array::from_fn(|_| zero.clone()), elements)
}

/// [`hash_with_head`] inside a row: all blocks side by side.
pub fn hash_row_with_head<W, B: RowBuilder<W>>(
    b: &mut B,
    domain: Domain,
    head: &[B::E; HEAD],
    elements: &[B::E],
) -> [B::E; DIGEST] {
    squeeze_row(b, domain, head, elements)
}

/// [`wide_hash_with_head`] inside a row: all blocks side by side.
pub fn wide_hash_row_with_head<W, B: RowBuilder<W>>(
    b: &mut B,
    domain: Domain,
    head: &[B::E; HEAD],
    elements: &[B::E],
) -> [B::E; RATE] {
    squeeze_row(b, domain, head, elements)
}

fn squeeze_row<W, B: RowBuilder<W>, const N: usize>(
    b: &mut B,
    domain: Domain,
    head: &[B::E; HEAD],
    elements: &[B::E],
) -> [B::E; N] {
    let zero = b.constant(F::ZERO);
    let mut capacity = initial_capacity(domain, elements.len()).map(|c| b.constant(c));
    capacity[DIGEST - HEAD..].clone_from_slice(head);
    let blocks = elements.len().div_ceil(RATE).max(1);
    for block in 0..blocks {
        let input: [B::E; stark::WIDTH] = std::array::from_fn(|i| {
            if i >= RATE {
                capacity[i - RATE].clone()
            } else {
                elements.get(block * RATE + i).unwrap_or(&zero).clone()
            }
        });
        if block + 1 == blocks {
            return permutation(b, input);
        }
        let output: [B::E; stark::WIDTH] = permutation(b, input);
        capacity = std::array::from_fn(|i| output[RATE + i].clone());
    }
    unreachable!("there is at least one block")
}

/// [`node`] inside a row.
pub fn node_row<W, B: RowBuilder<W>>(
    b: &mut B,
    left: &[B::E; DIGEST],
    right: &[B::E; DIGEST],
) -> [B::E; DIGEST] {
    let children: Vec<B::E> = left.iter().chain(right).cloned().collect();
    hash_row(b, Domain::Node, &children)
}
