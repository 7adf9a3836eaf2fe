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
//! salt    = hash(Salt, the pool's secret | identity)
//! ```

use gadgets::hash::{DIGEST, Digest, Domain, HEAD, hash, hash_with_head};
use gadgets::limbs::{join, limb_of};
use risk::pool::tape::CutOff;
use risk::pool::{Loan, Template};
use stark::{F, PrimeCharacteristicRing};

use crate::account::{Identity, Secret, text_digest};

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
    /// What hides it, hashed.
    pub seal: Digest,
    /// Presence and fields.
    pub elements: Vec<F>,
}

impl LoanLeaf {
    /// The leaf of a loan.
    pub fn new(loan: &Loan, layout: &LeafLayout, secret: &Secret) -> Self {
        let identity = Identity::of(&loan.id);
        let mut seal = [F::ZERO; 2 * DIGEST];
        seal[..DIGEST - 2].copy_from_slice(&identity.0[2..]);
        seal[DIGEST..].copy_from_slice(&secret.salt(&identity));
        let mut elements = Vec::new();
        if !layout.optional.is_empty() {
            elements.push(F::from_u64(layout.presence(loan)));
        }
        let limbs: Vec<F> = layout.limbs(loan).into_iter().map(F::from_u64).collect();
        elements.extend(limbs.chunks(LIMBS_PER_ELEMENT).map(join));
        Self {
            identity,
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
