//! The commitment to a loan pool: loan leaves and their tree.
//!
//! ```text
//! pool    = hash(Pool, listing (8) | root (8) | number of loans (low 30 bits, high 30 bits))
//! root    = Merkle tree of hash(Node, left | right); loans stand in the order of their keys, unused leaves are zero digests
//! leaf    = hash(Loan, head: identity[0], identity[1], 0, 0; seal (8) | presence | fields | zeros to a multiple of 4)
//! seal    = hash(Seal, identity[2..8], 0, 0 | salt (8))
//! fields  = the values of the template's fields, each in 10-bit limbs (`Kind::limbs`), one behind the other, three limbs an
//!           element; an absent value is zero
//! presence = sum of 2^i over the optional fields that are present, counted among the optional ones; left out if there are none
//! listing = hash(Listing, the template and the cut-off date as JSON): what the fields stand for
//! identity = hash(Identity, the id's bytes), its first two elements cut to 30 bits: the sort key
//! salt    = hash(Salt, the tape's secret | identity)
//! tape's secret = hash(Salt, hash(Salt, the pool's secret | listing) | contents): others for every date and every correction
//! contents = hash(Salt, the SHA3-256 of all ids and values)
//! ```
//!
//! Inside a row a leaf is read with the constraints LOAN-1 to LOAN-3: `SHARED.md`.
//!
//! Limbs of fields that are read are range-checked, with all other limbs of their elements; other elements stand in the leaf
//! as they are.

use std::sync::Arc;

use credit::pool::tape::CutOff;
use credit::pool::{Loan, Tape, Template};
use gadgets::hash::{DIGEST, Digest, Domain, HEAD, hash, hash_with_head};
use gadgets::limbs::{Limbs, join, limb_of};
use gadgets::range::{Limb, limb};
use rayon::prelude::*;
use sha3::{Digest as _, Sha3_256};
use stark::{F, PrimeCharacteristicRing, RowBuilder};

use crate::account::{Identity, PublicDigest, Secret, text_digest};
use crate::trees::Segments;

/// How a pool of so many loans is split into parts. 2^13 slots: with 2^14, 10,000 loans leave 6,000 slots unused.
pub fn segments(loans: u64) -> Segments {
    Segments::new(loans, 13)
}

/// Limbs of an element.
pub const LIMBS_PER_ELEMENT: usize = 3;

/// Where the fields of a template stand in a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafLayout {
    /// The optional fields, in order.
    pub optional: Vec<usize>,
    /// Per field, its first limb and their number.
    pub fields: Vec<(usize, usize)>,
    /// Elements of all fields.
    pub elements: usize,
}

impl LeafLayout {
    /// The layout of a template's loans.
    pub fn new(template: &Template) -> Self {
        let mut limbs = 0;
        let fields = template
            .fields
            .iter()
            .map(|field| {
                let first = limbs;
                limbs += field.kind.limbs();
                (first, field.kind.limbs())
            })
            .collect();
        Self {
            optional: template.optional().collect(),
            fields,
            elements: limbs.div_ceil(LIMBS_PER_ELEMENT),
        }
    }

    /// The presence of the optional fields, as an element.
    pub fn presence(&self, loan: &Loan) -> u64 {
        let optional = self.optional.iter().enumerate();
        optional
            .map(|(i, &field)| u64::from(loan.values[field].is_some()) << i)
            .sum()
    }

    /// The limbs of all fields, filled up to whole elements.
    pub fn limbs(&self, loan: &Loan) -> Vec<u64> {
        let mut limbs = Vec::with_capacity(self.elements * LIMBS_PER_ELEMENT);
        for (&(_, count), value) in self.fields.iter().zip(&loan.values) {
            limbs.extend((0..count).map(|i| limb_of(value.unwrap_or(0).into(), i)));
        }
        limbs.resize(self.elements * LIMBS_PER_ELEMENT, 0);
        limbs
    }
}

/// Everything a loan's leaf commits to.
#[derive(Clone, Debug)]
pub struct LoanLeaf {
    /// Whose it is.
    pub identity: Identity,
    /// What hides it.
    pub salt: Digest,
    /// What hides it and the rest of its identity, hashed.
    pub seal: Digest,
    /// Presence and fields.
    pub elements: Vec<F>,
}

impl LoanLeaf {
    /// The leaf of a loan under the secret of its tape.
    fn new(identity: Identity, loan: &Loan, layout: &LeafLayout, secret: &Secret) -> Self {
        let salt = secret.salt(&identity);
        let mut seal = [F::ZERO; 2 * DIGEST];
        seal[..DIGEST - 2].copy_from_slice(&identity.0[2..]);
        seal[DIGEST..].copy_from_slice(&salt);
        let mut elements = Vec::new();
        if !layout.optional.is_empty() {
            elements.push(F::from_u64(layout.presence(loan)));
        }
        let limbs: Vec<F> = layout.limbs(loan).into_iter().map(F::from_u64).collect();
        elements.extend(limbs.chunks(LIMBS_PER_ELEMENT).map(join));
        Self {
            identity,
            salt,
            seal: hash(Domain::Seal, &seal),
            elements,
        }
    }

    /// The leaf's digest.
    pub fn digest(&self) -> Digest {
        let [low, high, ..] = self.identity.0;
        let head: [F; HEAD] = [low, high, F::ZERO, F::ZERO];
        let mut elements = self.seal.to_vec();
        elements.extend(&self.elements);
        elements.resize(elements.len().next_multiple_of(4), F::ZERO);
        hash_with_head(Domain::Loan, &head, &elements)
    }
}

/// The private data of a leaf on a row.
#[derive(Clone, Debug)]
pub struct LoanWitness {
    /// The leaf's seal.
    pub seal: Digest,
    /// The loan; `None` for an unused slot.
    pub loan: Option<Arc<Loan>>,
    /// The limbs of its fields; zeros for an unused slot.
    pub limbs: Vec<u64>,
}

impl LoanWitness {
    /// The leaf of a loan, or an unused slot.
    pub fn new(layout: &LeafLayout, loan: Option<&Arc<Loan>>, leaf: Option<&LoanLeaf>) -> Self {
        Self {
            seal: leaf.map_or(Digest::default(), |l| l.seal),
            loan: loan.cloned(),
            limbs: match loan {
                Some(loan) => layout.limbs(loan),
                None => vec![0; layout.elements * LIMBS_PER_ELEMENT],
            },
        }
    }
}

/// A leaf inside a row.
pub struct ReadLeaf<E> {
    /// The leaf's elements behind its head.
    pub elements: Vec<E>,
    /// The limbs of the fields that are read.
    pub limbs: Vec<Option<Limbs<E>>>,
    /// All limbs of the elements that are read.
    cells: Vec<Option<E>>,
    /// Of optional fields, if some are read, whether they are present.
    pub present: Vec<Option<E>>,
}

impl LeafLayout {
    /// Reads a leaf, and of its fields those marked. `unused` is 1 on an unused row.
    pub fn read<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        read: &[bool],
        unused: &B::E,
        of: fn(&W) -> &LoanWitness,
    ) -> ReadLeaf<B::E> {
        let mut elements: Vec<B::E> = Vec::new();
        for i in 0..DIGEST {
            let cell = b.cell(|w| of(w).seal[i]);
            elements.push(only_hashed(b, unused, cell));
        }
        let (presence, present) = self.read_presence(b, read, unused, of);
        elements.extend(presence);
        let mut cells: Vec<Option<Limb<B::E>>> = Vec::new();
        for element in 0..self.elements {
            let (value, own) = self.read_element(b, element, read, unused, of);
            elements.push(value);
            cells.extend(own);
        }
        elements.resize(elements.len().next_multiple_of(4), b.constant(F::ZERO));

        let limbs: Vec<Option<Limbs<B::E>>> = self
            .fields
            .iter()
            .zip(read)
            .map(|(&(first, count), read)| {
                let own = || cells[first..first + count].iter().cloned().collect();
                if *read { own() } else { None }
            })
            .collect();
        for (limbs, present) in limbs.iter().zip(&present) {
            if let (Some(limbs), Some(present)) = (limbs, present) {
                for cell in limbs {
                    b.zero("LOAN-2", (b.one() - present.clone()) * cell.clone());
                }
            }
        }
        ReadLeaf {
            elements,
            limbs,
            cells: cells.iter().map(|l| l.as_deref().cloned()).collect(),
            present,
        }
    }

    /// The element that says which optional fields are present, if there are any; and for each field whether it is, if one of
    /// them is read.
    fn read_presence<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        read: &[bool],
        unused: &B::E,
        of: fn(&W) -> &LoanWitness,
    ) -> (Option<B::E>, Vec<Option<B::E>>) {
        let mut present = vec![None; self.fields.len()];
        if self.optional.is_empty() {
            return (None, present);
        }
        if !self.optional.iter().any(|&field| read[field]) {
            let presence = b.cell(|w| {
                let presence = of(w).loan.as_ref().map_or(0, |l| self.presence(l));
                F::from_u64(presence)
            });
            return (Some(only_hashed(b, unused, presence)), present);
        }
        let mut presence = b.constant(F::ZERO);
        for (i, &field) in self.optional.iter().enumerate() {
            let bit = b.bit("LOAN-1", |w| {
                let loan = of(w).loan.as_ref();
                loan.is_some_and(|l| l.values[field].is_some())
            });
            b.zero("LOAN-3", unused.clone() * bit.clone());
            presence += bit.clone() * F::from_u64(1 << i);
            present[field] = Some(bit);
        }
        (Some(presence), present)
    }

    /// An element of fields, and its limbs: checked if a field that is read has some of them.
    fn read_element<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        element: usize,
        read: &[bool],
        unused: &B::E,
        of: fn(&W) -> &LoanWitness,
    ) -> Element<B::E> {
        let start = element * LIMBS_PER_ELEMENT;
        let overlaps = |&(first, count): &(usize, usize)| {
            first < start + LIMBS_PER_ELEMENT && first + count > start
        };
        let hint = |w: &W, i: usize| F::from_u64(of(w).limbs[start + i]);
        let mut fields = self.fields.iter().zip(read);
        if !fields.any(|(place, read)| *read && overlaps(place)) {
            let value = b.cell(|w| {
                let limbs: [F; LIMBS_PER_ELEMENT] = std::array::from_fn(|i| hint(w, i));
                join(&limbs)
            });
            return (
                only_hashed(b, unused, value),
                [const { None }; LIMBS_PER_ELEMENT],
            );
        }
        let limbs: [Limb<B::E>; LIMBS_PER_ELEMENT] = std::array::from_fn(|i| {
            let cell = b.cell(|w| hint(w, i));
            let cell = limb(b, cell);
            b.zero("LOAN-3", unused.clone() * (*cell).clone());
            cell
        });
        let value = join(&limbs.iter().cloned().collect::<Limbs<B::E>>());
        (value, limbs.map(Some))
    }
}

/// A cell that is hashed and not read: zero on an unused row, where nothing else fixes it.
fn only_hashed<W, B: RowBuilder<W>>(b: &mut B, unused: &B::E, cell: B::E) -> B::E {
    b.zero("LOAN-3", unused.clone() * cell.clone());
    cell
}

/// An element inside a row, and those of its limbs that are read.
type Element<E> = (E, [Option<Limb<E>>; LIMBS_PER_ELEMENT]);

/// Fields and their limbs.
pub type Changed<E> = Vec<(usize, Limbs<E>)>;

impl<E: stark::Expr> ReadLeaf<E> {
    /// The elements of the same leaf under another seal and with other limbs in fields that were read.
    ///
    /// # Panics
    /// If a field was not read, or has other limbs.
    pub fn replaced(&self, layout: &LeafLayout, seal: &[E], changed: &Changed<E>) -> Vec<E> {
        let mut cells = self.cells.clone();
        let mut elements = self.elements.clone();
        elements[..DIGEST].clone_from_slice(seal);
        // Behind the seal, and the presence if there is one.
        let start = DIGEST + usize::from(!layout.optional.is_empty());
        for (field, limbs) in changed {
            let (first, count) = layout.fields[*field];
            assert_eq!(limbs.len(), count, "a field keeps its limbs");
            for (i, limb) in limbs.iter().enumerate() {
                cells[first + i] = Some(limb.clone());
            }
        }
        for (field, _) in changed {
            let (first, count) = layout.fields[*field];
            for element in first / LIMBS_PER_ELEMENT..(first + count).div_ceil(LIMBS_PER_ELEMENT) {
                let own = element * LIMBS_PER_ELEMENT..(element + 1) * LIMBS_PER_ELEMENT;
                let own: Option<Vec<E>> = cells[own].iter().cloned().collect();
                elements[start + element] = join(&own.expect("the field is read"));
            }
        }
        elements
    }
}

/// What the fields of a pool's loans stand for.
pub fn pool_listing(template: &Template, cut_off: &CutOff) -> Digest {
    let text = serde_json::to_string(&(template, cut_off)).expect("a template is plain data");
    text_digest(Domain::Listing, &text)
}

/// The commitment to a pool.
pub fn pool_digest(listing: &Digest, root: &Digest, loans: u64) -> Digest {
    let mut elements = listing.to_vec();
    elements.extend(root);
    elements.extend(gadgets::limbs::halves_of(loans));
    hash(Domain::Pool, &elements)
}

/// A digest of all that a tape's loans say, in the order of their leaves.
fn contents<'a>(loans: impl Iterator<Item = &'a Loan>) -> Digest {
    let mut hasher = Sha3_256::new();
    for loan in loans {
        hasher.update((loan.id.len() as u64).to_le_bytes());
        hasher.update(&loan.id);
        for value in &loan.values {
            // An absent value is none of those that are there.
            hasher.update([u8::from(value.is_some())]);
            hasher.update(value.unwrap_or(0).to_le_bytes());
        }
    }
    let digest = hasher.finalize();
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    text_digest(Domain::Salt, &hex)
}

/// Most loans of a pool.
pub const MAX_LOANS: u64 = 1 << 24;

/// Checks that a pool has as many loans as a claim may be about: 1 to [`MAX_LOANS`].
///
/// # Errors
/// If it has more or none.
pub fn check_size(loans: u64) -> Result<(), String> {
    match (1..=MAX_LOANS).contains(&loans) {
        true => Ok(()),
        false => Err(format!(
            "the number of loans must be between 1 and {MAX_LOANS}"
        )),
    }
}

/// Checks that a claim's pool is the commitment to its template, date, number of loans and the roots of its subtrees.
///
/// # Errors
/// Says what does not fit.
pub fn check_pool(
    split: &Segments,
    template: &Template,
    cut_off: &CutOff,
    roots: &[PublicDigest],
    pool: &PublicDigest,
) -> Result<(), String> {
    let loans = split.leaves();
    check_size(loans)?;
    if roots.len() as u64 != split.count() {
        return Err(format!(
            "a pool of {loans} loans has {} subtrees",
            split.count()
        ));
    }
    let roots: Vec<Digest> = roots.iter().map(PublicDigest::elements).collect();
    let listing = pool_listing(template, cut_off);
    if PublicDigest::from(pool_digest(&listing, &split.root(&roots), loans)) != *pool {
        return Err(format!(
            "the pool of {cut_off} is not that of its template, date, loans and subtree roots"
        ));
    }
    Ok(())
}

/// Checks that a pool has at least as many loans as are open or defaulted.
///
/// # Errors
/// If it has fewer.
pub fn check_counts(loans: u64, open: u64, defaulted: u64) -> Result<(), String> {
    match open.checked_add(defaulted) {
        Some(counted) if counted <= loans => Ok(()),
        _ => Err(format!(
            "{open} open and {defaulted} defaulted loans are more than {loans}"
        )),
    }
}

/// Constraint `id`: a closed loan owes nothing. `closed` is 1 on its row, and 0 or 1 on an unused one, whose limbs are zero.
pub fn closed_owes_nothing<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    closed: &B::E,
    balance: &[B::E],
) {
    for limb in balance {
        b.zero(id, closed.clone() * limb.clone());
    }
}

/// Two ids share their sort key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("loans `{0}` and `{1}` have the same sort key; rename one of them")]
pub struct SameKey(pub String, pub String);

/// A pool under its secret: loans in the order of their leaves, and their tree.
pub struct Sealed {
    /// The loans.
    pub loans: Vec<Arc<Loan>>,
    /// Where each stands on the tape.
    pub places: Vec<usize>,
    /// Their leaves.
    pub leaves: Vec<LoanLeaf>,
    /// Per part, its subtree in heap order.
    pub trees: Vec<Vec<Digest>>,
    /// The commitment.
    pub pool: Digest,
}

impl Sealed {
    /// Seals a tape.
    ///
    /// # Errors
    /// If two loans cannot be told apart.
    pub fn new(tape: &Tape, secret: &Secret) -> Result<Self, SameKey> {
        let layout = LeafLayout::new(&tape.template);
        let listing = pool_listing(&tape.template, &tape.cut_off);
        let identities = tape.loans.par_iter().enumerate();
        let mut members: Vec<(Identity, usize)> = identities
            .map(|(i, loan)| (Identity::of(&loan.id), i))
            .collect();
        members.par_sort_unstable_by_key(|(identity, _)| identity.key());
        let same = |w: &&[(Identity, usize)]| w[0].0.key() == w[1].0.key();
        if let Some(w) = members.windows(2).find(same) {
            let [first, second] = [w[0].1, w[1].1].map(|i| tape.loans[i].id.clone());
            return Err(SameKey(first, second));
        }
        let (identities, places): (Vec<Identity>, Vec<usize>) = members.into_iter().unzip();
        let loans: Vec<Arc<Loan>> = places
            .par_iter()
            .map(|&i| Arc::new(tape.loans[i].clone()))
            .collect();
        // A loan that is the same on two tapes must not have the same leaf on both.
        let contents = contents(loans.iter().map(|loan| &**loan));
        let secret = &secret.derived(&listing).derived(&contents);
        let leaf = |(identity, loan): (&Identity, &Arc<Loan>)| {
            LoanLeaf::new(*identity, loan, &layout, secret)
        };
        let leaves: Vec<LoanLeaf> = identities.par_iter().zip(&loans).map(leaf).collect();
        let count = leaves.len() as u64;
        let digests: Vec<Digest> = leaves.par_iter().map(LoanLeaf::digest).collect();
        let segments = segments(count);
        let trees = segments.trees(&digests);
        let roots: Vec<Digest> = trees.iter().map(|t| t[1]).collect();
        let pool = pool_digest(&listing, &segments.root(&roots), count);
        Ok(Self {
            loans,
            places,
            leaves,
            trees,
            pool,
        })
    }
}
