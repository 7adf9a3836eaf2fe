//! The table of the issuance statement. STATEMENT.md explains every numbered constraint.

use gadgets::hash::{DIGEST, Digest, Domain, hash_row};
use gadgets::sponge::{QUAD, QUADS};
use gadgets::totals::COUNT_LIMBS;
use risk::issuance::PledgeFields;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::claim::{BALANCE, PRODUCT};
use super::registry::NULLIFIER;
use crate::loan::{LeafLayout, LoanWitness};
use crate::ordered::{Ordered, OrderedRow, accumulate};
use crate::pool::tables::codes::CodesTable;
use crate::pool::tables::groups::{Challenge, DEGREE, Product};

/// Elements of an identity behind its key.
pub const REST: usize = DIGEST - 2;

/// One loan a row.
///
/// - ORDER-1 to ORDER-4: leaves in the order of their keys below the part's root, and the balance ([`crate::ordered`]).
/// - LOAN-1 to LOAN-3: the leaf ([`crate::loan`]).
/// - NULLIFIER-1: the registry's key is the same on all rows; the first row's is hashed by the sponge.
/// - NULLIFIER-2: the leaf's seal is that of the rest of the identity and the salt.
/// - NULLIFIER-3: the running product over the loans' nullifiers.
///
/// Whether a status is open is looked up; an unused row owes nothing (LOAN-3).
#[derive(Clone, Debug)]
pub struct LoansTable {
    /// Where the leaves stand.
    pub leaves: Ordered,
    /// How a leaf is read.
    pub layout: LeafLayout,
    /// Which fields are read.
    pub fields: PledgeFields,
    /// Which codes of the status are open.
    pub codes: CodesTable,
    /// What the product is made of.
    pub challenge: Challenge,
    /// The address of the key's first quad.
    pub key: usize,
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct LoanRow {
    /// The row's place.
    pub place: OrderedRow,
    /// The leaf.
    pub leaf: LoanWitness,
    /// The loan's identity behind its key.
    pub rest: [F; REST],
    /// The leaf's salt.
    pub salt: Digest,
    /// The registry's key.
    pub key: Digest,
    /// The product over the loans above.
    pub product: [F; DEGREE],
    /// The limbs of the balance above.
    pub balance: [i64; COUNT_LIMBS],
}

impl Table for LoansTable {
    type Row = LoanRow;

    fn name(&self) -> &'static str {
        "loans"
    }

    fn log_height(&self) -> usize {
        self.leaves.log_height
    }

    fn public(&self) -> Vec<F> {
        self.leaves.public()
    }

    fn row<B: RowBuilder<LoanRow>>(&self, b: &mut B) {
        let place = self.leaves.place(b, |w| &w.place);
        let unused = b.one() - place.active.clone();
        let fields = &self.fields;
        let mut read = vec![false; self.layout.fields.len()];
        for field in [fields.balance, fields.status] {
            read[field] = true;
        }
        let leaf = self.layout.read(b, &read, &unused, |w: &LoanRow| &w.leaf);
        let limbs = |field: usize| leaf.limbs[field].clone().expect("it is read");

        let key: Vec<B::E> = (0..DIGEST)
            .map(|i| {
                let (cell, next) = b.state(|w| w.key[i]);
                b.assert_zero("NULLIFIER-1", When::Transition, next - cell.clone());
                cell
            })
            .collect();
        for (q, quad) in key.chunks(QUAD).enumerate() {
            let mut message = vec![b.constant(F::from_usize(self.key + q))];
            message.extend_from_slice(quad);
            b.send(QUADS, place.first.clone(), &message);
        }

        let rest: Vec<B::E> = (0..REST).map(|i| b.cell(|w| w.rest[i])).collect();
        let mut sealed = rest.clone();
        sealed.resize(DIGEST, b.constant(F::ZERO));
        sealed.extend((0..DIGEST).map(|i| b.cell(|w| w.salt[i])));
        let seal = hash_row(b, Domain::Seal, &sealed);
        for (own, seal) in leaf.elements.iter().zip(seal) {
            // An unused row has no leaf to open.
            b.zero("NULLIFIER-2", place.active.clone() * (own.clone() - seal));
        }

        let mut named = key;
        named.extend(place.key.clone());
        named.extend(rest);
        let nullifier = hash_row(b, Domain::Nullifier, &named);
        let product = Product {
            id: "NULLIFIER-3",
            register: PRODUCT,
            challenge: &self.challenge,
        };
        let (ends, message) = ([&place.first, &place.last], &nullifier[..NULLIFIER]);
        product.multiply_elements(b, ends, &place.active, message, |w: &LoanRow| w.product);

        let open = vec![fields.open.clone()];
        let status = limbs(fields.status);
        let open = self.codes.look_up(b, fields.status, &open, &status[0]);
        let owed = limbs(fields.balance).into_iter();
        let owed: Vec<B::E> = owed.map(|limb| open[0].clone() * limb).collect();
        accumulate(b, &place.last, BALANCE, &owed, |w: &LoanRow, i| {
            w.balance[i]
        });
        self.leaves.tree(b, |w| &w.place, &place, &leaf.elements);
    }
}
