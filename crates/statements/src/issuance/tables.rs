//! The table of the issuance statement. STATEMENT.md explains every numbered constraint.

use credit::issuance::PledgeFields;
use gadgets::hash::{DIGEST, Digest, Domain, hash_row};
use gadgets::product::{Challenge, DEGREE, Product};
use gadgets::public::Publics;
use gadgets::sponge::{QUAD, QUADS};
use gadgets::totals::COUNT_LIMBS;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::claim::{BALANCE, COUNTED, PRODUCT, status_sets};
use super::registry::NULLIFIER;
use crate::ordered::{Ordered, OrderedRow, PUBLIC, accumulate};
use crate::pools::codes::CodesTable;
use crate::pools::loan::{LeafLayout, LoanWitness, closed_owes_nothing};

/// Elements of an identity behind its key.
pub const REST: usize = DIGEST - 2;

/// One loan a row.
///
/// - ORDER-1 to ORDER-4: leaves in the order of their keys below the part's root, and the balance and counts ([`crate::ordered`]).
/// - LOAN-1 to LOAN-3: the leaf ([`crate::pools::loan`]).
/// - PLEDGE-1: a closed loan owes nothing.
/// - NULLIFIER-1: the registry's key is the same on all rows; the first row's is hashed by the sponge.
/// - NULLIFIER-2: the leaf's seal is that of the rest of the identity and the salt.
/// - NULLIFIER-3: the running product over the loans' nullifiers.
///
/// Whether a status is open or defaulted is looked up; an unused row owes nothing (LOAN-3).
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
    /// The limbs of the balance and of the numbers of open and defaulted loans above.
    pub sums: [[i64; COUNT_LIMBS]; COUNTED],
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
        let mut public = self.leaves.public();
        public.extend(self.challenge.public());
        public
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

        // On an unused row nothing reads them, but no cell is left open.
        let hidden = |b: &mut B, cell: B::E| -> B::E {
            b.zero("LOAN-3", unused.clone() * cell.clone());
            cell
        };
        let rest: Vec<B::E> = (0..REST)
            .map(|i| {
                let cell = b.cell(|w| w.rest[i]);
                hidden(b, cell)
            })
            .collect();
        let mut sealed = rest.clone();
        sealed.resize(DIGEST, b.constant(F::ZERO));
        for i in 0..DIGEST {
            let cell = b.cell(|w| w.salt[i]);
            sealed.push(hidden(b, cell));
        }
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
            challenge: &self.challenge.read(b, &mut Publics::from(PUBLIC)),
        };
        let (ends, message) = ([&place.first, &place.last], &nullifier[..NULLIFIER]);
        product.multiply_elements(b, ends, &place.active, message, |w: &LoanRow| w.product);

        let status = limbs(fields.status);
        let sets = status_sets(fields);
        let is = self.codes.look_up(b, fields.status, &sets, &status[0]);
        let [open, defaulted] = [0, 1].map(|i| is[i].clone());
        let balance = limbs(fields.balance);
        let closed = b.one() - open.clone() - defaulted.clone();
        closed_owes_nothing(b, "PLEDGE-1", &closed, &balance);
        let owed: Vec<B::E> = balance.into_iter().map(|l| open.clone() * l).collect();
        let count = |is: B::E| vec![place.active.clone() * is];
        for (i, limbs) in [owed, count(open), count(defaulted)].iter().enumerate() {
            accumulate(b, &place.last, BALANCE + i, limbs, |w: &LoanRow, limb| {
                w.sums[i][limb]
            });
        }
        self.leaves.tree(b, |w| &w.place, &place, &leaf.elements);
    }
}
