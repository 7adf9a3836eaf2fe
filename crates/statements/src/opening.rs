//! Opening the leaves of a book's accounts by a sponge table: which quads stand where, and what is hashed from them.
//!
//! Positions come first, slot by slot; then, account by account, the seal's elements, the leaf's head and the leaf; then
//! the tree's nodes, if there is a tree. The first digest of each is written by the sponge.

use gadgets::hash::{DIGEST, Digest, Domain, HEAD};
use gadgets::public::Publics;
use gadgets::sponge::{QUAD, QUADS, Stream, Target};
use market::Account;
use stark::{F, PrimeCharacteristicRing, RowBuilder};

use crate::account::{ELEMENTS_PER_ASSET, Leaf, SEAL_LEN, leaf_len, position_quad};

/// Quads of what is hashed into a seal.
const SEAL_QUADS: usize = SEAL_LEN / QUAD;

/// The sizes of a part of a book, or of one account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    /// Account slots.
    pub accounts: usize,
    /// Position slots per account.
    pub slots: usize,
    /// Assets.
    pub assets: usize,
    /// One account, whose leaf is public; otherwise a subtree, whose root is.
    pub single: bool,
}

impl Opening {
    /// Quads of a leaf behind its head.
    fn leaf_quads(&self) -> usize {
        leaf_len(self.assets) / QUAD
    }

    /// Quads of an account: its seal's elements, its leaf's head, its leaf.
    fn account_quads(&self) -> usize {
        SEAL_QUADS + 1 + self.leaf_quads()
    }

    /// The address of the first quad of an account's positions.
    pub fn positions_address(&self, account: usize) -> usize {
        account * self.slots
    }

    fn seal_address(&self, account: usize) -> usize {
        self.accounts * self.slots + account * self.account_quads()
    }

    /// The address of the first quad of an account's leaf behind its head.
    fn leaf_address(&self, account: usize) -> usize {
        self.seal_address(account) + SEAL_QUADS + 1
    }

    /// The address of the first of the four quads of a tree node's children. Node 1 is the root.
    fn node_address(&self, node: usize) -> usize {
        self.seal_address(self.accounts) + 4 * node
    }

    /// The first address above all of these.
    pub fn end(&self) -> usize {
        if self.single {
            self.seal_address(self.accounts)
        } else {
            self.node_address(self.accounts)
        }
    }

    /// All hashes: positions, seals, leaves and, for a book, the subtree of which the first `used` leaves are used.
    pub fn streams(&self, used: usize, root: Digest) -> Vec<Stream> {
        let mut streams = Vec::new();
        for account in 0..self.accounts {
            // A node's children stand side by side: node n is half n % 2 of the quads of node n / 2.
            let node = self.accounts + account;
            let above = self.node_address(node / 2) + 2 * (node % 2);
            let target = if self.single {
                Target::Public(root)
            } else {
                Target::Quads(above)
            };
            if account >= used {
                streams.push(Stream {
                    domain: Domain::Account,
                    address: 0,
                    quads: 0,
                    headed: false,
                    target: Target::Empty(above),
                });
                continue;
            }
            let (seal, leaf) = (self.seal_address(account), self.leaf_address(account));
            streams.push(Stream {
                domain: Domain::Positions,
                address: self.positions_address(account),
                quads: self.slots,
                headed: false,
                target: Target::Quads(seal),
            });
            streams.push(Stream {
                domain: Domain::Seal,
                address: seal,
                quads: SEAL_QUADS,
                headed: false,
                target: Target::Quads(leaf),
            });
            streams.push(Stream {
                domain: Domain::Account,
                address: leaf,
                quads: self.leaf_quads(),
                headed: true,
                target,
            });
        }
        if !self.single {
            for node in (1..self.accounts).rev() {
                let target = match node {
                    1 => Target::Public(root),
                    _ => Target::Quads(self.node_address(node / 2) + 2 * (node % 2)),
                };
                streams.push(Stream {
                    domain: Domain::Node,
                    address: self.node_address(node),
                    quads: 4,
                    headed: false,
                    target,
                });
            }
        }
        streams
    }

    /// The quads of the used accounts, with room for `more` behind them; the sponge writes the digests.
    pub fn quads<'a>(
        &self,
        members: impl Iterator<Item = (&'a Account, &'a Leaf)>,
        more: usize,
    ) -> Vec<[F; QUAD]> {
        let mut quads = vec![[F::ZERO; QUAD]; self.end() + more];
        for (index, (account, leaf)) in members.enumerate() {
            for slot in 0..self.slots {
                quads[self.positions_address(index) + slot] =
                    position_quad(account.positions.get(slot));
            }
            let mut elements = leaf.seal_elements().to_vec();
            elements.extend(leaf.head());
            elements.extend(leaf.elements());
            for (i, quad) in elements.chunks(QUAD).enumerate() {
                quads[self.seal_address(index) + i].copy_from_slice(quad);
            }
        }
        quads
    }

    /// The quads of the seal, of the leaf's head and of the leaf of account number `row`, but for the digest that each of the
    /// hashes starts with: sent if the row is active, in which case the leaf's elements behind its seal are `leaf`. The
    /// digest of what the book's lists stand for is the next public values.
    pub fn send_leaf<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        row: &B::E,
        active: &B::E,
        listing: &mut Publics,
        hidden: Hidden<B::E>,
        mut leaf: Vec<B::E>,
    ) {
        let zero = b.constant(F::ZERO);
        let Hidden { seal_end, mut head } = hidden;
        head.resize(HEAD, zero.clone());
        leaf.resize(leaf.len().next_multiple_of(QUAD), zero);
        let mut seal = listing.elements(b, DIGEST);
        seal.extend(seal_end);
        let start = row.clone() * F::from_usize(self.account_quads());
        for (address, elements) in [
            (self.seal_address(0) + DIGEST / QUAD, seal),
            (self.leaf_address(0) - 1, head),
            (self.leaf_address(0) + DIGEST / QUAD, leaf),
        ] {
            for (i, quad) in elements.chunks(QUAD).enumerate() {
                let mut message = vec![start.clone() + F::from_usize(address + i)];
                message.extend_from_slice(quad);
                b.send(QUADS, active.clone(), &message);
            }
        }
    }
}

/// What is only committed to: the end of the seal (the rest of the identity, the salt) and the key.
pub(crate) struct Hidden<E> {
    seal_end: Vec<E>,
    head: Vec<E>,
}

impl<E: stark::Expr> Hidden<E> {
    /// Reads the cells; they are zero on a row without a leaf.
    pub fn read<W, B: RowBuilder<W, E = E>>(b: &mut B, leaf: impl Fn(&W) -> Option<&Leaf>) -> Self {
        let mut cells = |count: usize, of: fn(&Leaf, usize) -> F| -> Vec<E> {
            (0..count)
                .map(|i| b.cell(|w| leaf(w).map_or(F::ZERO, |l| of(l, i))))
                .collect()
        };
        let mut seal_end = cells(DIGEST - 2, |l, i| l.identity.0[2 + i]);
        let salt = cells(DIGEST, |l, i| l.salt[i]);
        let head = cells(2, |l, i| l.identity.0[i]);
        seal_end.extend([b.constant(F::ZERO), b.constant(F::ZERO)]);
        seal_end.extend(salt);
        Self { seal_end, head }
    }

    /// The cells, for what must be zero on an unused row.
    pub fn cells(&self) -> impl Iterator<Item = &E> {
        self.seal_end.iter().chain(&self.head)
    }
}

const _: () = assert!(ELEMENTS_PER_ASSET == 2 * crate::account::AMOUNTS);
