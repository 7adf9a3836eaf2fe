//! The commitment that all statements open: account leaves and the tree of a book.
//!
//! ```text
//! leaf      = hash(Account, identity (8) | positions digest (8) | salt (8) | per asset: equity,
//!             debt, loan, margin, portfolio, each as (low 30 bits, high 30 bits) | zeros to a
//!             multiple of 4)
//! positions = hash(Positions, per slot: key, lots, entry (low 30 bits, high 30 bits)), where key is
//!             2 * instrument + side + 1 with side 0 for long and 1 for short; unused slots are zero
//! identity  = hash(Identity, the id's bytes), its first two elements cut to 30 bits: the sort key
//! salt      = hash(Salt, the book's secret | identity)
//! book      = Merkle tree of hash(Node, left | right); accounts stand in the order of their keys,
//!             unused leaves are zero digests
//! ```
//!
//! Amounts are below 2^60 and lots below 2^30, so every value has one encoding. The salt has 248
//! bits; without the secret a leaf says nothing about its account.

use gadgets::hash::{DIGEST, Digest, Domain, RATE, hash, node};
use gadgets::limbs::halves_of;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stark::{F, PrimeCharacteristicRing, PrimeField32, felt};

/// Elements per asset in a leaf.
pub const ELEMENTS_PER_ASSET: usize = 10;
/// Elements before the first asset.
pub const HEADER: usize = 3 * DIGEST;
/// Amounts per asset: equity, debt, loan, margin, portfolio.
pub const AMOUNTS: usize = 5;
/// Fewest leaf slots of a book's tree, as a power of two: the smallest table.
pub const MIN_LOG_SLOTS: usize = stark::MIN_LOG_HEIGHT;

/// A digest as it stands in claims: canonical field elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[u32; DIGEST]", into = "[u32; DIGEST]")]
pub struct PublicDigest([u32; DIGEST]);

impl PublicDigest {
    /// The digest's elements.
    pub fn elements(&self) -> Digest {
        self.0.map(|x| felt(u64::from(x)))
    }
}

impl From<Digest> for PublicDigest {
    fn from(digest: Digest) -> Self {
        Self(digest.map(|x| x.as_canonical_u32()))
    }
}

impl From<PublicDigest> for [u32; DIGEST] {
    fn from(digest: PublicDigest) -> Self {
        digest.0
    }
}

impl TryFrom<[u32; DIGEST]> for PublicDigest {
    type Error = &'static str;
    fn try_from(elements: [u32; DIGEST]) -> Result<Self, Self::Error> {
        if elements.iter().all(|&x| x < stark::P) {
            Ok(Self(elements))
        } else {
            Err("a digest's element is not below the field's modulus")
        }
    }
}

impl std::fmt::Display for PublicDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|x| write!(f, "{x:08x}"))
    }
}

/// Who an account belongs to, as committed: 240 bits of a hash of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(pub Digest);

impl Identity {
    /// The identity of an account id.
    pub fn of(id: &str) -> Self {
        let mut elements = vec![felt(id.len() as u64)];
        elements.extend(id.as_bytes().chunks(3).map(|bytes| {
            felt(
                bytes
                    .iter()
                    .fold(0, |value, &byte| value << 8 | u64::from(byte)),
            )
        }));
        let mut digest = hash(Domain::Identity, &elements);
        for element in &mut digest[..2] {
            *element = F::from_u32(element.as_canonical_u32() % (1 << 30));
        }
        Self(digest)
    }

    /// The number accounts are sorted by: the first 60 bits.
    pub fn key(&self) -> u64 {
        let [low, high] = [self.0[0], self.0[1]].map(|x| u64::from(x.as_canonical_u32()));
        low | high << 30
    }
}

/// A book's secret, from which the salts of its leaves follow. Whoever has it can test guesses of
/// accounts against a published commitment; keep it to open the same commitment again.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([F; DIGEST]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A fresh secret from the operating system's generator.
    pub fn random() -> Self {
        let mut rng: rand::rngs::StdRng = rand::make_rng();
        Self(std::array::from_fn(|_| rng.random()))
    }

    /// The secret as text, for keeping.
    pub fn to_hex(&self) -> String {
        PublicDigest::from(self.0).to_string()
    }

    /// A secret kept by [`to_hex`](Self::to_hex).
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 8 * DIGEST || !text.is_ascii() {
            return None;
        }
        let mut elements = [0; DIGEST];
        for (i, element) in elements.iter_mut().enumerate() {
            *element = u32::from_str_radix(&text[8 * i..8 * i + 8], 16).ok()?;
        }
        PublicDigest::try_from(elements)
            .ok()
            .map(|d| Self(d.elements()))
    }

    /// The salt registers of the hidden state after part `part` of a claim: 180 bits. `about` is a digest of
    /// all that the state depends on, so that no two states share their salts.
    pub fn state_salts(&self, about: &Digest, part: usize) -> [u128; 2] {
        let mut input = self.0.to_vec();
        input.extend(about);
        input.push(felt(part as u64));
        let digest = hash(Domain::Salt, &input);
        let bits = |i: usize| u128::from(digest[i].as_canonical_u32() % (1 << 30));
        std::array::from_fn(|i| bits(3 * i) | bits(3 * i + 1) << 30 | bits(3 * i + 2) << 60)
    }

    /// The salt of an account.
    pub fn salt(&self, identity: &Identity) -> Digest {
        let mut input = [F::ZERO; RATE];
        input[..DIGEST].copy_from_slice(&self.0);
        input[DIGEST..].copy_from_slice(&identity.0);
        hash(Domain::Salt, &input)
    }
}

/// The quad of one position slot; `None` for an unused one.
pub fn position_quad(position: Option<&risk::Position>) -> [F; 4] {
    position.map_or([F::ZERO; 4], |p| {
        let [low, high] = halves_of(p.entry);
        [F::from_usize(position_key(p)), felt(p.lots), low, high]
    })
}

/// `2 * instrument + side + 1`.
pub fn position_key(position: &risk::Position) -> usize {
    2 * position.instrument + usize::from(position.side == risk::Side::Short) + 1
}

/// The digest of an account's positions in `slots` slots.
///
/// # Panics
/// If there are more positions than slots.
pub fn positions_digest(positions: &[risk::Position], slots: usize) -> Digest {
    assert!(positions.len() <= slots, "more positions than slots");
    let quads: Vec<[F; 4]> = (0..slots)
        .map(|i| position_quad(positions.get(i)))
        .collect();
    hash(Domain::Positions, quads.as_flattened())
}

/// Everything a leaf commits to.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Whose it is.
    pub identity: Identity,
    /// Its positions' digest.
    pub positions: Digest,
    /// What hides it.
    pub salt: Digest,
    /// Its amounts per asset: equity, debt, loan, margin, portfolio.
    pub balances: Vec<[u64; AMOUNTS]>,
}

impl Leaf {
    /// The leaf of an account; `none` is the digest of no positions, which most leaves share.
    pub fn new(account: &risk::Account, slots: usize, secret: &Secret, none: &Digest) -> Self {
        let identity = Identity::of(&account.id);
        Self {
            identity,
            positions: if account.positions.is_empty() {
                *none
            } else {
                positions_digest(&account.positions, slots)
            },
            salt: secret.salt(&identity),
            balances: account
                .balances
                .iter()
                .map(|b| [b.equity, b.debt, b.loan, b.margin, b.portfolio])
                .collect(),
        }
    }

    /// The elements that are hashed.
    pub fn elements(&self) -> Vec<F> {
        let mut elements = Vec::with_capacity(leaf_len(self.balances.len()));
        elements.extend(self.identity.0);
        elements.extend(self.positions);
        elements.extend(self.salt);
        elements.extend(
            self.balances
                .iter()
                .flatten()
                .flat_map(|&amount| halves_of(amount)),
        );
        elements.resize(leaf_len(self.balances.len()), F::ZERO);
        elements
    }

    /// The leaf's digest.
    pub fn digest(&self) -> Digest {
        hash(Domain::Account, &self.elements())
    }
}

/// Elements in a leaf over `assets` assets.
pub fn leaf_len(assets: usize) -> usize {
    (HEADER + ELEMENTS_PER_ASSET * assets).next_multiple_of(4)
}

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
