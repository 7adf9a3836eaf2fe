//! The venues' table. The others are [those of all statements about venues](crate::venues::tables).

use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, Limbs, SignedLimbs, halves_of, limb_of, limbs_of, signed_limb};
use gadgets::public::{Publics, limb_values};
use gadgets::range::limb;
use gadgets::sponge::{QUAD, QUADS};
use records::units::Ticks;
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table};
use venue::state::VenueState;

use crate::venues::commitments::commitment_quads;
use crate::venues::tables::{
    BOUND_LIMBS, CERTIFICATE, ENTRY_DIGITS, GAINS_LIMBS, QUANTITY_DIGITS, STATE, SUMS,
    WEIGHT_LIMBS, limb_felt, means, packed, signed_digits,
};

/// A venue a row. The first row also holds the certificate of their sum.
///
/// - VENUES-1: the row's flags and numbers are the public ones, and so is the digest of what its state's places stand for, and when.
/// - VENUES-2: an unused row holds zeros; only the first has a scale and sums.
/// - VENUES-3: the means are entry notionals and both capitals.
/// - VENUES-4: the weights' sum does not exceed its budget: EVaR is at most the bound.
#[derive(Clone, Debug)]
pub struct VenuesTable {
    /// Venues.
    pub venues: usize,
    /// Markets.
    pub markets: usize,
    /// What the places of each venue's state stand for, and when.
    pub listings: Vec<Digest>,
    /// The stated bound, in subticks.
    pub bound: u128,
    /// What the weights may add up to.
    pub budget: u128,
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct VenueRow {
    /// The venue's state.
    pub state: VenueState,
    /// What hides its commitment.
    pub salt: Digest,
    /// Of the first row: the certificate's scale, in subticks, and its sums.
    pub scale: u128,
    /// The weights' sum.
    pub weights: u128,
    /// The weighted gains' sum.
    pub gains: u128,
}

// Fixed columns.
const USED: usize = 0;
const NUMBER: usize = 1;
/// The address of the commitment's first quad.
const ADDRESS: usize = 2;
const FIRST: usize = 3;
/// What the places of the state stand for, and when.
const LISTING: usize = 4;

impl VenuesTable {
    /// The address of a venue's first quad.
    pub fn address(&self, venue: usize) -> usize {
        venue * commitment_quads(self.markets)
    }

    fn budget_limbs(&self) -> usize {
        limbs_of(self.budget).len().max(WEIGHT_LIMBS)
    }
}

impl Table for VenuesTable {
    type Row = Option<VenueRow>;

    fn name(&self) -> &'static str {
        "venues"
    }

    fn log_height(&self) -> usize {
        MIN_LOG_HEIGHT
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let column = |of: &dyn Fn(usize) -> usize| -> Vec<F> {
            (0..1 << MIN_LOG_HEIGHT)
                .map(|r| F::from_usize(if r < self.venues { of(r) } else { 0 }))
                .collect()
        };
        let mut columns = vec![
            column(&|_| 1),
            column(&|r| r),
            column(&|r| self.address(r)),
            column(&|r| usize::from(r == 0)),
        ];
        columns.extend((0..DIGEST).map(|i| {
            let mut column: Vec<F> = self.listings.iter().map(|l| l[i]).collect();
            column.resize(1 << MIN_LOG_HEIGHT, F::ZERO);
            column
        }));
        columns
    }

    /// The bound, then the budget.
    fn public(&self) -> Vec<F> {
        let mut public = limb_values(self.bound, BOUND_LIMBS);
        public.extend(limb_values(self.budget, self.budget_limbs()));
        public
    }

    fn row<B: RowBuilder<Option<VenueRow>>>(&self, b: &mut B) {
        let [used, number, address, first] =
            [USED, NUMBER, ADDRESS, FIRST].map(|column| b.pinned("VENUES-1", column));
        let unused = b.one() - used.clone();
        let digits =
            |b: &mut B, count: usize, of: &dyn Fn(&VenueState) -> i128| -> SignedLimbs<B::E> {
                (0..count)
                    .map(|i| {
                        let digit = b.cell(|w| {
                            let value = w.as_ref().map_or(0, |w| of(&w.state));
                            F::from_i64(signed_digits(value, count)[i])
                        });
                        let digit = signed_limb(b, digit);
                        b.zero("VENUES-2", unused.clone() * (*digit).clone());
                        digit
                    })
                    .collect()
            };
        let mut committed = Vec::new();
        let mut message = vec![number];
        for market in 0..self.markets {
            let quantity = digits(b, QUANTITY_DIGITS, &|s| s.quantities[market].0.into());
            committed.extend(packed(&quantity.raised()));
            message.extend(quantity);
        }
        let entry = digits(b, ENTRY_DIGITS, &|s| s.entry.0.into());
        committed.extend(packed(&entry.raised()));
        let limbs = |b: &mut B, of: fn(&VenueState) -> Ticks<u64>| -> Limbs<B::E> {
            (0..AMOUNT_LIMBS)
                .map(|i| {
                    let value = |w: &VenueRow| F::from_u64(limb_of(of(&w.state).0.into(), i));
                    let cell = b.cell(|w| w.as_ref().map_or(F::ZERO, value));
                    let cell = limb(b, cell);
                    b.zero("VENUES-2", unused.clone() * (*cell).clone());
                    cell
                })
                .collect()
        };
        let capital = limbs(b, |s| s.capital);
        let providers = limbs(b, |s| s.providers);
        committed.extend(packed(&capital));
        committed.extend(packed(&providers));
        let of = |w: &Option<VenueRow>| w.as_ref().map_or(0, |w| w.state.means().0);
        message.extend(means(b, "VENUES-3", of, &entry, &[&capital, &providers]));
        b.send(STATE, used.clone(), &message);

        // What was collected plays no part here: below 2^60 or not, only its elements are committed to.
        let plain = |b: &mut B, of: &dyn Fn(&VenueRow) -> F| {
            let cell = b.cell(|w| w.as_ref().map_or(F::ZERO, of));
            b.zero("VENUES-2", unused.clone() * cell.clone());
            cell
        };
        for half in 0..2 {
            committed.push(plain(b, &|w| halves_of(w.state.collected.0)[half]));
        }
        let mut quads: Vec<B::E> = (0..DIGEST).map(|i| plain(b, &|w| w.salt[i])).collect();
        quads.extend((0..DIGEST).map(|i| b.pinned("VENUES-1", LISTING + i)));
        quads.extend(committed);
        quads.resize(quads.len().next_multiple_of(QUAD), b.constant(F::ZERO));
        for (i, quad) in quads.chunks(QUAD).enumerate() {
            let mut message = vec![address.clone() + F::from_usize(i)];
            message.extend_from_slice(quad);
            b.send(QUADS, used.clone(), &message);
        }
        self.certificate(b, first);
    }
}

impl VenuesTable {
    /// What is proven of the venues' sum, on the first row.
    fn certificate<B: RowBuilder<Option<VenueRow>>>(&self, b: &mut B, first: B::E) {
        let mut publics = Publics::from(0);
        let elsewhere = b.one() - first.clone();
        let cell = |b: &mut B, of: fn(&VenueRow) -> u128, i: usize| {
            b.cell(|w| w.as_ref().map_or(F::ZERO, |w| limb_felt(of(w), i)))
        };
        let scale: Vec<B::E> = (0..BOUND_LIMBS)
            .map(|i| {
                let cell = cell(b, |w| w.scale, i);
                limb(b, cell.clone());
                b.zero("VENUES-2", elsewhere.clone() * cell.clone());
                cell
            })
            .collect();
        let received = |b: &mut B, count: usize, of: fn(&VenueRow) -> u128| -> Vec<B::E> {
            (0..count)
                .map(|i| {
                    let cell = cell(b, of, i);
                    b.zero("VENUES-2", elsewhere.clone() * cell.clone());
                    cell
                })
                .collect()
        };
        let weights = received(b, WEIGHT_LIMBS, |w| w.weights);
        let gains = received(b, GAINS_LIMBS, |w| w.gains);
        let zero = b.constant(F::ZERO);
        let mut certificate = vec![zero.clone()];
        certificate.extend(publics.elements(b, BOUND_LIMBS));
        certificate.extend(scale);
        b.send(CERTIFICATE, first.clone(), &certificate);
        let mut sums = vec![zero];
        sums.extend(weights.iter().chain(&gains).cloned());
        b.receive(SUMS, first.clone(), &sums);
        // The sums' limbs are range-checked where they are added up.
        let weights = Limbs::declared(b, "VENUES-4", weights);
        let budget = publics.limbs(b, "VENUES-4", self.budget_limbs());
        budget
            .sum()
            .times_bit(&first)
            .minus(&weights.sum())
            .assert_non_negative(b, "VENUES-4");
    }
}
