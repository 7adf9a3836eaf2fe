//! What is proven of EVaR and premia that stay private, and of their receipts.

use gadgets::hash::{DIGEST, Digest, Domain, hash};
use gadgets::limbs::{AMOUNT_LIMBS, Amount, Limbs, SignedLimbs, halves_of, limb_of};
use gadgets::range::limb;
use gadgets::sponge::{QUAD, QUADS};
use gadgets::sum::Sum;
use records::units::Ticks;
use stark::{F, PrimeCharacteristicRing, RowBuilder, When};
use venue::rounding::SLACK_BITS;

use super::states::{
    EVAR, MARKET, Number, Outcome, Outcomes, SUBTICK_LIMBS, StateRow, StatesTable,
};
use crate::venues::commitments::commitment_quads;
use crate::venues::tables::{QUANTITY_DIGITS, limb_felt, packed, signed_digits};

/// Limbs of what the tolerance leaves, in 2^-40 ticks.
const ALLOWED_LIMBS: usize = 10;
/// Quads of a receipt.
pub const RECEIPT_QUADS: usize = 4;

/// What is public of states whose EVaR and premia are private. Constraints of the states table:
///
/// - STATES-8 says that the private EVaR is not below the bound: the venue draws how far above, which hides what a trader's
///   premium would tell of other states.
/// - STATES-12 says how far the mean gain may be below the private EVaR, not below the bound.
/// - STATES-13: that is the tolerance, less the slack of the private EVaR.
/// - STATES-14: the next row's EVaR is this row's, and the premium, less what it falls by; one of the two is zero, and
///   both are where nothing changes.
/// - STATES-15: the next row's premia are this row's and the premium; the first part starts from zero.
/// - STATES-16: the stated EVaRs are rounded up to the grid, the stated premia down: less than the grid away.
/// - STATES-17: only a change has a receipt with a salt; the sponge hashes it, and its digest is public.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// How far below the private EVaR the true one may lie, in ticks; not zero.
    pub tolerance: u64,
    /// The certificates' slack in 2^-40, rounded up.
    pub slack: u64,
    /// The grid, in ticks.
    pub grid: u64,
    /// The number of the change that leads to the part's first evaluated state; 0 if none does.
    pub first: usize,
    /// The stated total of premia, if the part is the last one.
    pub premia: Option<u64>,
}

/// What a row holds of a change.
pub(super) struct Premia<E> {
    /// The limbs of the row's EVaR.
    pub evar: Limbs<E>,
    /// What the change to the next row pays.
    pub premium: Amount<E>,
}

// Fixed columns, behind those of all states.
const CHANGES: usize = 0;
const RECEIPT: usize = 1;
const NUMBER: usize = 2;
const MARKET_NUMBER: usize = 3;
const PRICE_LOW: usize = 4;
const PRICE_HIGH: usize = 5;
/// Whether EVaR and premia are committed to with the state, between parts; and where.
const CARRIES: usize = 6;
const CARRIED: usize = 7;
const STATED: usize = 8;
const CLOSES_DAY: usize = 9;
const TOTAL: usize = 10;
const COLUMNS: usize = TOTAL + AMOUNT_LIMBS;

impl Hidden {
    /// Whether EVaR and premia are carried into the part, and out of it.
    pub fn carries(&self) -> [bool; 2] {
        [self.first > 0, self.premia.is_none()]
    }
}

/// What a link between parts commits to behind the state: EVaR and the premia so far.
pub fn carried(evar: u64, premia: u64) -> [F; QUAD] {
    let ([a, b], [c, d]) = (halves_of(evar), halves_of(premia));
    [a, b, c, d]
}

/// The elements of a receipt, four by four: salt; the change's number, its market's number plus one and price (zeros for a
/// transfer); its lots and its premium.
pub fn receipt_quads(
    salt: &Digest,
    number: usize,
    trade: Option<(usize, u64)>,
    lots: i64,
    premium: u64,
) -> [[F; QUAD]; RECEIPT_QUADS] {
    let mut elements = salt.to_vec();
    let [market, low, high] = market_elements(trade);
    elements.extend([F::from_usize(number), market, low, high]);
    let digits: Vec<F> = signed_digits(lots.into(), QUANTITY_DIGITS)
        .iter()
        .map(|d| F::from_i64(d + 512))
        .collect();
    elements.extend(packed(&digits));
    elements.extend(halves_of(premium));
    std::array::from_fn(|i| std::array::from_fn(|j| elements[QUAD * i + j]))
}

/// The commitment to a receipt.
pub fn receipt_digest(quads: &[[F; QUAD]; RECEIPT_QUADS]) -> Digest {
    hash(Domain::Receipt, quads.as_flattened())
}

/// A trade's market, raised by one, and its price of 40 bits in two elements; zeros for a transfer.
fn market_elements(trade: Option<(usize, u64)>) -> [F; 3] {
    trade.map_or([F::ZERO; 3], |(market, price)| {
        let low = price % (1 << 30);
        [market + 1, low as usize, (price >> 30) as usize].map(F::from_usize)
    })
}

impl StatesTable {
    /// The address of the last state's first quad.
    pub fn second_address(&self) -> usize {
        self.commitment_quads(0)
    }

    /// The quads of the commitment to the first state or the last one.
    pub fn commitment_quads(&self, which: usize) -> usize {
        let carries = self.hidden.as_ref().is_some_and(|h| h.carries()[which]);
        commitment_quads(self.markets) + usize::from(carries)
    }

    /// The address of the first receipt's first quad.
    pub fn receipts_address(&self) -> usize {
        self.commitment_quads(0) + self.commitment_quads(1)
    }

    /// The numbers of the changes of the part, each with its row.
    pub fn numbered_changes(&self) -> impl Iterator<Item = (usize, usize)> {
        let first = self.hidden.as_ref().map_or(0, |h| h.first);
        let own = (0..self.steps.len()).map(move |row| (first + row, row));
        own.filter(|(number, _)| *number > 0)
    }

    pub(super) fn fixed_columns(&self) -> usize {
        MARKET + self.markets + if self.hidden.is_some() { COLUMNS } else { 0 }
    }

    pub(super) fn hidden_columns(&self, hidden: &Hidden, columns: &mut [Vec<F>]) {
        let columns = &mut columns[MARKET + self.markets..];
        let last = self.steps.len();
        for (i, (number, row)) in self.numbered_changes().enumerate() {
            let step = &self.steps[row];
            columns[CHANGES][row] = F::ONE;
            columns[RECEIPT][row] = F::from_usize(self.receipts_address() + i * RECEIPT_QUADS);
            columns[NUMBER][row] = F::from_usize(number);
            let elements = market_elements(step.market.map(|m| (m, step.price)));
            for (column, element) in [MARKET_NUMBER, PRICE_LOW, PRICE_HIGH]
                .into_iter()
                .zip(elements)
            {
                columns[column][row] = element;
            }
        }
        let state = commitment_quads(self.markets);
        let starts = [0, self.second_address()];
        for ((carries, row), start) in hidden.carries().into_iter().zip([0, last]).zip(starts) {
            columns[CARRIES][row] = F::from_bool(carries);
            columns[CARRIED][row] = F::from_usize(if carries { start + state } else { 0 });
        }
        for (row, step) in self.steps.iter().enumerate() {
            if let Outcome::Hidden { stated: Some(_) } = step.outcome {
                columns[STATED][row + 1] = F::ONE;
            }
        }
        if let Some(premia) = hidden.premia {
            columns[CLOSES_DAY][last] = F::ONE;
            for i in 0..AMOUNT_LIMBS {
                columns[TOTAL + i][last] = F::from_u64(limb_of(premia.into(), i));
            }
        }
    }

    /// What the row's change pays, and how that is told to whoever pays it.
    pub(super) fn premia<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        hidden: &Hidden,
        lots: &SignedLimbs<B::E>,
    ) -> Premia<B::E> {
        let at = |column: usize| MARKET + self.markets + column;
        let changes = b.pinned("STATES-1", at(CHANGES));
        let premium = Amount::read(b, StateRow::premium);
        let fall = Amount::read(b, StateRow::fall);
        let rests = b.one() - changes.clone();
        for half in premium.halves() {
            b.zero("STATES-14", rests.clone() * half.clone());
            for other in fall.halves() {
                b.zero("STATES-14", half.clone() * other);
            }
        }
        for half in fall.halves() {
            b.zero("STATES-14", rests.clone() * half);
        }
        let change = premium.to_sum().minus(&fall.to_sum());
        let evar = running(b, "STATES-14", |w| w.evar, |w| w.evar_after, &change);
        let change = premium.to_sum();
        let paid = running(
            b,
            "STATES-15",
            |w| w.premia,
            StateRow::premia_after,
            &change,
        );
        if hidden.first == 0 {
            for limb in &paid {
                b.assert_zero("STATES-15", When::First, limb.clone());
            }
        }
        let [carries, carried] = [CARRIES, CARRIED].map(|c| b.pinned("STATES-1", at(c)));
        let mut message = vec![carried];
        message.extend(packed(&evar));
        message.extend(packed(&paid));
        b.send(QUADS, carries, &message);
        self.receipt(b, &changes, lots, &premium);

        let total = Limbs::fixed(b, "STATES-16", at(TOTAL)..at(TOTAL + AMOUNT_LIMBS)).sum();
        let paid = paid.sum().times_bit(&b.fixed(at(CLOSES_DAY)));
        self.within_grid(b, &paid, &total, at(CLOSES_DAY));
        let stated = Limbs::fixed(b, "STATES-16", EVAR..EVAR + AMOUNT_LIMBS).sum();
        let own = evar.sum().times_bit(&b.fixed(at(STATED)));
        self.within_grid(b, &stated, &own, at(STATED));
        Premia { evar, premium }
    }

    /// The receipt of the row's change.
    fn receipt<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        changes: &B::E,
        lots: &SignedLimbs<B::E>,
        premium: &Amount<B::E>,
    ) {
        let mut elements: Vec<B::E> = (0..DIGEST)
            .map(|i| {
                let cell = b.cell(|w| w.receipt_salt[i]);
                b.zero("STATES-17", (b.one() - changes.clone()) * cell.clone());
                cell
            })
            .collect();
        let at = MARKET + self.markets;
        let public = [NUMBER, MARKET_NUMBER, PRICE_LOW, PRICE_HIGH];
        elements.extend(public.map(|column| b.pinned("STATES-1", at + column)));
        elements.extend(packed(&lots.raised()));
        elements.extend(premium.halves());
        let address = b.pinned("STATES-1", at + RECEIPT);
        for (i, quad) in elements.chunks(QUAD).enumerate() {
            let mut message = vec![address.clone() + F::from_usize(i)];
            message.extend_from_slice(quad);
            b.send(QUADS, changes.clone(), &message);
        }
    }

    /// The private EVaR is not below the bound, and the true one is at most the tolerance below it.
    pub(super) fn hidden_evar<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        hidden: &Hidden,
        evar: &Limbs<B::E>,
        outcome: &Outcomes<B::E>,
    ) {
        let evar = evar.sum();
        evar.shifted(SUBTICK_LIMBS)
            .minus(&outcome.bound)
            .assert_non_negative(b, "STATES-8");
        self.mean_is_close(b, outcome);
        // (1 - slack) mean >= mean - slack evar, since the mean is at most the bound, and the bound at most the EVaR.
        let allowed = Limbs::read(b, ALLOWED_LIMBS, |w: &StateRow| {
            hidden.allowed(w.evar).unwrap_or(0)
        });
        let allowed = allowed.sum();
        let slack = self.number(b, "STATES-13", Number::Slack);
        self.number(b, "STATES-13", Number::Tolerance)
            .minus(&Sum::product(&evar, &slack))
            .minus(&allowed)
            .assert_zero(b, "STATES-13");
        let below = Sum::product(&evar, &outcome.weights).minus(&outcome.gains);
        Sum::product(&allowed, &outcome.weights)
            .minus(&below.shifted(SLACK_BITS as usize / 10))
            .assert_non_negative(b, "STATES-12");
    }
}

impl Hidden {
    /// The public numbers, each with the limbs of what it is compared with.
    pub(super) fn numbers(&self) -> [(Number, u128, usize); 3] {
        let tolerance = u128::from(self.tolerance) << SLACK_BITS;
        [
            (Number::Tolerance, tolerance, ALLOWED_LIMBS),
            (Number::Slack, self.slack.into(), SLACK_BITS as usize / 10),
            (Number::BelowGrid, u128::from(self.grid) - 1, AMOUNT_LIMBS),
        ]
    }

    /// How far the mean gain of a state may be below this private EVaR, in 2^-40 ticks; `None` if the tolerance is too small.
    pub fn allowed(&self, evar: u64) -> Option<u128> {
        venue::rounding::allowed(self.tolerance, self.slack, evar)
    }
}

impl StatesTable {
    /// Requires `0 <= above - below < grid` where a flag is one.
    fn within_grid<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        above: &Sum<B::E>,
        below: &Sum<B::E>,
        flag: usize,
    ) {
        let difference = above.minus(below);
        difference.assert_non_negative(b, "STATES-16");
        self.number(b, "STATES-16", Number::BelowGrid)
            .times_bit(&b.fixed(flag))
            .minus(&difference)
            .assert_non_negative(b, "STATES-16");
    }
}

/// The limbs of an amount that grows by a change from row to row.
fn running<B: RowBuilder<StateRow>>(
    b: &mut B,
    id: &'static str,
    of: fn(&StateRow) -> u64,
    after: fn(&StateRow) -> u64,
    change: &Sum<B::E>,
) -> Limbs<B::E> {
    let after = Amount::read(b, after);
    let limbs: Limbs<B::E> = (0..AMOUNT_LIMBS)
        .map(|i| {
            let (cell, next) = b.state(|w| limb_felt(of(w).into(), i));
            let cell = limb(b, cell);
            b.assert_zero(id, When::Transition, next - after.limbs()[i].clone());
            cell
        })
        .collect();
    limbs
        .sum()
        .plus(change)
        .minus(&after.to_sum())
        .assert_zero(b, id);
    limbs
}

impl StateRow {
    /// What the change to the next row pays.
    pub fn premium(&self) -> u64 {
        venue::state::charge(Ticks(self.evar), Ticks(self.evar_after)).0
    }

    fn fall(&self) -> u64 {
        venue::state::charge(Ticks(self.evar_after), Ticks(self.evar)).0
    }

    /// The premia up to the next row.
    pub fn premia_after(&self) -> u64 {
        self.premia + self.premium()
    }
}
