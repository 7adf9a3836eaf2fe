//! The commitment that all statements open: account leaves and the tree of a book.
//!
//! ```text
//! leaf      = hash(Account, head: identity[0], identity[1], 0, 0; seal (8) | per asset: equity, debt,
//!             loan, margin, portfolio, each as (low 30 bits, high 30 bits) | zeros to a multiple of 4)
//!             where the list has at most 20 assets; over a longer one
//!             hash(Account, the same head; seal (8) | holdings (8))
//! holdings  = the last of the slots' digests, of which each holds the one before, the first zeros:
//!             hash(Holdings, per holding: the asset's number from 1, its five amounts as above | slot before (8)),
//!             eight holdings a slot in the order of the list, unused ones zero, at least one slot
//! seal      = hash(Seal, positions (8) | lists (8) | identity[2..8], 0, 0 | salt (8))
//! positions = hash(Positions, per slot: key, lots, entry (low 30 bits, high 30 bits)), where key is
//!             2 * instrument + side + 1 with side 0 for long and 1 for short; unused slots are zero
//! lists     = hash(Listing, what the places of the lists of assets and instruments stand for)
//! identity  = hash(Identity, the id's bytes), its first two elements cut to 30 bits: the sort key
//! salt      = hash(Salt, the secret of this book at this moment | identity); in a book that goes from state to state
//!             that of the account's [`Owner`](crate::owner::Owner), so that a leaf stays while its account does
//! tree      = Merkle tree of hash(Node, left | right); accounts stand in the order of their keys,
//!             unused leaves are zero digests
//! ```
//!
//! How a book's commitment and the secret of a moment follow: see [`crate::book`].
//!
//! Amounts are below 2^60 and lots below 2^30, so every value has one encoding. The salt has 248
//! bits; without the secret a leaf says nothing about its account. What solvency does not speak about stands
//! behind the seal, so its leaves are as short as they can be.

use gadgets::hash::{DIGEST, Digest, Domain, HEAD, RATE, hash, hash_with_head};
use gadgets::limbs::halves_of;
use market::{Balance, Balances, Kind, OptionType, Snapshot};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use stark::{F, PrimeCharacteristicRing, PrimeField32, felt};

/// Elements per asset in a leaf.
pub const ELEMENTS_PER_ASSET: usize = 10;
/// Longest list of assets of which a leaf has all amounts. Over a longer one it has those that the account holds.
pub const SHORT_LIST: usize = 20;
/// Most assets of a book's list, so that a holding's code is below 2^9 and an account has at most 64 slots.
pub const MAX_ASSETS: usize = 511;
/// Holdings of a slot.
pub const HOLDINGS: usize = 8;
/// Elements that are hashed for a slot.
pub const SLOT_LEN: usize = HOLDINGS * (1 + ELEMENTS_PER_ASSET) + DIGEST;
/// Elements of a seal.
pub const SEAL_LEN: usize = 4 * DIGEST;
/// Amounts per asset: equity, debt, loan, margin, portfolio.
pub const AMOUNTS: usize = 5;

/// A digest as it stands in claims and is printed: the hexadecimal digits of canonical field elements, eight an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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

impl From<PublicDigest> for String {
    fn from(digest: PublicDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for PublicDigest {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        // One text for each digest: no capitals, no signs, nothing from p up.
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 8 * DIGEST || !text.bytes().all(plain) {
            return Err("a digest is 64 lower-case hexadecimal digits");
        }
        let mut elements = [0; DIGEST];
        for (i, element) in elements.iter_mut().enumerate() {
            *element = u32::from_str_radix(&text[8 * i..8 * (i + 1)], 16)
                .ok()
                .filter(|x| *x < stark::P)
                .ok_or("a digest's element is not below the field's modulus")?;
        }
        Ok(Self(elements))
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
        let mut digest = text_digest(Domain::Identity, id);
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

/// The digest of a text: its length and its bytes, three an element.
pub fn text_digest(domain: Domain, text: &str) -> Digest {
    let mut elements = vec![felt(text.len() as u64)];
    elements.extend(text.as_bytes().chunks(3).map(|bytes| {
        felt(
            bytes
                .iter()
                .fold(0, |value, &byte| value << 8 | u64::from(byte)),
        )
    }));
    hash(domain, &elements)
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

    /// Its elements.
    pub(crate) fn elements(&self) -> Digest {
        self.0
    }

    /// The secret as text, for keeping.
    pub fn to_hex(&self) -> String {
        PublicDigest::from(self.0).to_string()
    }

    /// A secret kept by [`to_hex`](Self::to_hex). All zeros are none: a file that nobody filled, which everyone can guess.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let digest = PublicDigest::try_from(text).ok()?.elements();
        (digest != Digest::default()).then_some(Self(digest))
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
        self.salt_for(&identity.0)
    }

    /// The secret of a part of the book that has this digest.
    pub fn derived(&self, what: &Digest) -> Self {
        Self(self.salt_for(what))
    }

    /// The salt of whatever has this digest.
    pub fn salt_for(&self, what: &Digest) -> Digest {
        let mut input = [F::ZERO; RATE];
        input[..DIGEST].copy_from_slice(&self.0);
        input[DIGEST..].copy_from_slice(what);
        hash(Domain::Salt, &input)
    }
}

/// The quad of one position slot; `None` for an unused one.
pub fn position_quad(position: Option<&market::Position>) -> [F; 4] {
    position.map_or([F::ZERO; 4], |p| {
        let [low, high] = halves_of(p.entry);
        [F::from_usize(position_key(p)), felt(p.lots.0), low, high]
    })
}

/// `2 * instrument + side + 1`.
pub fn position_key(position: &market::Position) -> usize {
    2 * position.instrument + position.side.index() + 1
}

/// The digest of an account's positions in `slots` slots.
///
/// # Panics
/// If there are more positions than slots.
pub fn positions_digest(positions: &[market::Position], slots: usize) -> Digest {
    assert!(positions.len() <= slots, "more positions than slots");
    let quads: Vec<[F; 4]> = (0..slots)
        .map(|i| position_quad(positions.get(i)))
        .collect();
    hash(Domain::Positions, quads.as_flattened())
}

/// What the places in a book's lists stand for, and when: what a book's commitment binds besides its tree. Without the moment an
/// old book could be opened at another date.
pub fn listing(snapshot: &Snapshot) -> Digest {
    listing_at(&lists(snapshot), snapshot.as_of_ms)
}

/// The same of the digest of lists and a moment, in milliseconds since 1970.
pub fn listing_at(lists: &Digest, as_of_ms: u64) -> Digest {
    let mut elements = lists.to_vec();
    elements.extend(halves_of(as_of_ms));
    hash(Domain::Listing, &elements)
}

/// What the places in a book's lists stand for: the quote currency, each asset's symbol and decimals, each instrument's terms. An
/// amount or a position in a leaf is a number at a place; without this digest a commitment could be opened with lists in another
/// order. Prices, volatilities and haircuts are not part of it: the same book may be valued at others. Nor is the moment, so that a
/// leaf stays the same while its account does; the commitment to the book binds it.
pub fn lists(snapshot: &Snapshot) -> Digest {
    let assets = snapshot.assets.iter().map(|a| (&a.symbol, a.decimals));
    let assets: Vec<_> = assets.collect();
    let instruments: Vec<_> = snapshot
        .instruments
        .iter()
        .map(|i| {
            let terms = match &i.kind {
                Kind::Perpetual => ("perpetual", None, None),
                Kind::Future { expiry_ms } => ("future", Some(expiry_ms), None),
                Kind::Option {
                    option_type: OptionType::Call,
                    strike,
                    expiry_ms,
                    implied_volatility: _,
                } => ("call", Some(expiry_ms), Some(strike)),
                Kind::Option {
                    option_type: OptionType::Put,
                    strike,
                    expiry_ms,
                    implied_volatility: _,
                } => ("put", Some(expiry_ms), Some(strike)),
            };
            (
                (&i.symbol, &i.underlying),
                terms,
                &i.settlement,
                i.lot,
                i.contract_size,
            )
        })
        .collect();
    let lists = (&snapshot.quote, assets, instruments);
    let text = serde_json::to_string(&lists).expect("lists are plain data");
    text_digest(Domain::Listing, &text)
}

/// What all leaves of a book have in common.
#[derive(Clone, Debug)]
pub struct Layout {
    slots: usize,
    lists: Digest,
    /// The digest of no positions, which most leaves share.
    no_positions: Digest,
}

impl Layout {
    /// The layout of a book over a snapshot's lists, with so many position slots an account.
    pub fn new(slots: usize, snapshot: &Snapshot) -> Self {
        Self {
            slots,
            lists: lists(snapshot),
            no_positions: positions_digest(&[], slots),
        }
    }

    /// The leaf of an account under the secret of its book at its moment (see [`crate::book`]).
    ///
    /// # Panics
    /// If it has more positions than slots.
    pub fn leaf(&self, identity: Identity, account: &market::Account, secret: &Secret) -> Leaf {
        self.leaf_with(identity, account, secret.salt(&identity))
    }

    /// The leaf of an account with this salt.
    ///
    /// # Panics
    /// If it has more positions than slots.
    pub fn leaf_with(&self, identity: Identity, account: &market::Account, salt: Digest) -> Leaf {
        Leaf {
            identity,
            positions: if account.positions.is_empty() {
                self.no_positions
            } else {
                positions_digest(&account.positions, self.slots)
            },
            lists: self.lists,
            salt,
            holdings: (account.balances.len() > SHORT_LIST)
                .then(|| holdings_digest(&account.balances)),
            balances: account.balances.clone(),
        }
    }
}

/// Everything a leaf commits to.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Whose it is.
    pub identity: Identity,
    /// Its positions' digest.
    pub positions: Digest,
    /// The digest of its book's lists.
    pub lists: Digest,
    /// What hides it.
    pub salt: Digest,
    /// Its amounts per asset.
    pub balances: Balances,
    /// The digest of what it holds, if the list is long.
    pub holdings: Option<Digest>,
}

/// What an account holds, slot by slot: numbers of assets and their balances. The last slot has fewer, or none.
pub fn slots(balances: &Balances) -> Vec<Vec<(usize, Balance)>> {
    let held: Vec<(usize, Balance)> = balances.held().map(|(i, b)| (i, *b)).collect();
    if held.is_empty() {
        return vec![Vec::new()];
    }
    held.chunks(HOLDINGS).map(<[_]>::to_vec).collect()
}

/// The digest of a slot behind the one before it.
pub fn slot_digest(slot: &[(usize, Balance)], before: &Digest) -> Digest {
    let mut elements = Vec::with_capacity(SLOT_LEN);
    for (asset, balance) in slot {
        elements.push(F::from_usize(asset + 1));
        elements.extend(balance.amounts().into_iter().flat_map(halves_of));
    }
    elements.resize(SLOT_LEN - DIGEST, F::ZERO);
    elements.extend(before);
    hash(Domain::Holdings, &elements)
}

/// The digest of all that an account holds.
fn holdings_digest(balances: &Balances) -> Digest {
    let slots = slots(balances);
    let zeros = [F::ZERO; DIGEST];
    slots
        .iter()
        .fold(zeros, |before, slot| slot_digest(slot, &before))
}

impl Leaf {
    /// The elements that are hashed into the seal.
    pub fn seal_elements(&self) -> [F; SEAL_LEN] {
        let mut elements = [F::ZERO; SEAL_LEN];
        elements[..DIGEST].copy_from_slice(&self.positions);
        elements[DIGEST..2 * DIGEST].copy_from_slice(&self.lists);
        elements[2 * DIGEST..3 * DIGEST - 2].copy_from_slice(&self.identity.0[2..]);
        elements[3 * DIGEST..].copy_from_slice(&self.salt);
        elements
    }

    /// The seal: all that a leaf commits to besides its key and its balances.
    pub fn seal(&self) -> Digest {
        hash(Domain::Seal, &self.seal_elements())
    }

    /// The head of the leaf's hash: the key.
    pub fn head(&self) -> [F; HEAD] {
        let [low, high, ..] = self.identity.0;
        [low, high, F::ZERO, F::ZERO]
    }

    /// The elements that are hashed into the leaf behind its head.
    pub fn elements(&self) -> Vec<F> {
        let assets = self.balances.len();
        let mut elements = Vec::with_capacity(leaf_len(assets));
        elements.extend(self.seal());
        elements.extend((0..tail_len(assets)).map(|i| self.tail(i)));
        elements.resize(leaf_len(assets), F::ZERO);
        elements
    }

    /// An element of what is hashed behind the seal.
    pub fn tail(&self, index: usize) -> F {
        match &self.holdings {
            Some(digest) => digest[index],
            None => {
                let balance = &self.balances[index / ELEMENTS_PER_ASSET];
                halves_of(balance.amounts()[index % ELEMENTS_PER_ASSET / 2])[index % 2]
            }
        }
    }

    /// An amount of an asset: equity, debt, loan, margin or portfolio.
    pub fn amount(&self, asset: usize, which: usize) -> u64 {
        self.balances[asset].amounts()[which]
    }

    /// The leaf's digest.
    pub fn digest(&self) -> Digest {
        hash_with_head(Domain::Account, &self.head(), &self.elements())
    }
}

/// Elements behind the head of a leaf over `assets` assets.
pub fn leaf_len(assets: usize) -> usize {
    (DIGEST + tail_len(assets)).next_multiple_of(4)
}

/// Elements behind the seal of a leaf over `assets` assets: all amounts, or a digest of what is held.
pub fn tail_len(assets: usize) -> usize {
    if assets > SHORT_LIST {
        DIGEST
    } else {
        ELEMENTS_PER_ASSET * assets
    }
}
