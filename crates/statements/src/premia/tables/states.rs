//! States of a venue, the trades between them, and what is proven of each.

use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, Amount, Limbs, SignedLimbs, limb_of, limbs_of, signed_limb};
use gadgets::public::{Publics, limb_values};
use gadgets::range::limb;
use gadgets::sponge::{QUAD, QUADS};
use gadgets::sum::Sum;
use records::units::Ticks;
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, When};
use venue::fact::Fact;
use venue::state::VenueState;

use super::LAST;
use super::amounts::amount;
use super::premia::Hidden;
use crate::venues::tables::{
    BOUND_LIMBS, CERTIFICATE, ENTRY_DIGITS, GAINS_LIMBS, QUANTITY_DIGITS, STATE, SUMS,
    WEIGHT_LIMBS, limb_felt, means, packed, signed_digits,
};

/// A state a row: the committed one, then the evaluated ones, then the last one again.
///
/// - STATES-1: the row's flags and numbers are the public ones.
/// - STATES-2: the next row's quantities are this row's and its trade's, over the integers; without a trade the
///   lots are zero, and shown lots are the public ones.
/// - STATES-3: the next row's sum of entry notionals is this row's and lots times price.
/// - STATES-4: the next row's capitals and collected sum are this row's, the public changes, and the premium where it is private;
///   where the window rolls, all that was collected is in the capital instead.
/// - STATES-5: the means are entry notionals and both capitals; or, for the fact that leaves it out, without providers' capital.
/// - STATES-6: only the first state and the last evaluated one have a salt; the sponge hashes their elements, and
///   their digests are public. What their places stand for, and when, is a digest that the verifier computes (STATES-1).
/// - STATES-7: a row that is not evaluated has no bound, scale or sums.
/// - STATES-8: the stated EVaR is the bound, rounded up to a tick; or the bound does not exceed a private EVaR, or, for a
///   fact, what was collected.
/// - STATES-9: the weights' sum does not exceed its budget: EVaR is at most the bound.
/// - STATES-10: nor does it fall short of its least.
/// - STATES-11: the weights' mean gain does not exceed the bound,
/// - STATES-12: and is at most epsilon below it: so EVaR is at least the stated one less the tolerance.
/// - STATES-13 to STATES-17: where EVaR and premia are private, see [`Hidden`].
#[derive(Clone, Debug)]
pub struct StatesTable {
    /// Markets.
    pub markets: usize,
    /// What their places stand for in the first state and in the last one, and when.
    pub listings: [Digest; 2],
    /// What the weights may add up to.
    pub budget: u128,
    /// What they must, where EVaR is stated.
    pub least: Option<u128>,
    /// The evaluated states.
    pub steps: Vec<StateStep>,
    /// Whether funding rates are proven of the last state.
    pub funding: bool,
    /// The fact that is proven of every state, if only one is.
    pub fact: Option<Fact>,
    /// What is public where EVaR and premia are not.
    pub hidden: Option<Hidden>,
}

/// An evaluated state, and the trade or transfer that leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateStep {
    /// The trade's market; none before the first state and for a transfer.
    pub market: Option<usize>,
    /// The trade's price, in ticks a lot.
    pub price: u64,
    /// The trade's size, if it is public.
    pub lots: Option<i64>,
    /// What capital, providers' capital and the collected sum grow by, in ticks, below 2^60 in magnitude.
    pub changes: [i64; 3],
    /// Whether all that was collected moves into capital.
    pub rolls: bool,
    /// What is said of the state.
    pub outcome: Outcome,
}

/// What is said of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its EVaR, in ticks, and how far below the bound the weights' mean gain may be.
    Evar {
        /// EVaR, rounded up.
        evar: u64,
        /// In ticks.
        epsilon: u64,
    },
    /// Its EVaR is private; stated, if at all, rounded up to the grid.
    Hidden {
        /// In ticks.
        stated: Option<u64>,
    },
    /// EVaR of its losses is at most what it collected.
    Fact,
}

impl StateStep {
    /// The state before the first trade.
    pub fn initial(outcome: Outcome) -> Self {
        Self {
            market: None,
            price: 0,
            lots: None,
            changes: [0; 3],
            rolls: false,
            outcome,
        }
    }
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct StateRow {
    /// The state.
    pub state: VenueState,
    /// What hides its commitment; zeros if it is not committed.
    pub salt: Digest,
    /// The lots of the trade to the next row.
    pub lots: i64,
    /// The traded market's quantity on the next row; zero if there is no trade.
    pub traded: i64,
    /// The sum of entry notionals on the next row.
    pub entry_after: i128,
    /// Capital, providers' capital and the collected sum on the next row.
    pub amounts_after: [u64; 3],
    /// Of an evaluated row: its bound and scale, in subticks, and its sums.
    pub bound: u128,
    /// See above.
    pub scale: u128,
    /// The weights' sum.
    pub weights: u128,
    /// The weighted gains' sum.
    pub gains: u128,
    /// Where they are private: EVaR of this state and of the next row's, and the premia so far, in ticks.
    pub evar: u64,
    /// Of the next row.
    pub evar_after: u64,
    /// So far.
    pub premia: u64,
    /// What hides the receipt of the change to the next row; zeros if there is none.
    pub receipt_salt: Digest,
}

// Fixed columns, before one column a market.
pub(super) const EVALUATED: usize = 0;
const BLOCK: usize = 1;
/// Whether the state is committed: the first and the last evaluated one.
const COMMITTED: usize = 2;
/// The address of its first quad.
const ADDRESS: usize = 3;
const TRADES: usize = 4;
const LOTS_SHOWN: usize = 5;
/// Whether the state is the last evaluated one.
const CLOSES: usize = 6;
/// Whether all that was collected moves into capital.
const ROLLS: usize = 7;
const PRICE: usize = 8;
const PRICE_LIMBS: usize = 4;
const LOTS: usize = PRICE + PRICE_LIMBS;
/// Signed limbs of the changes of three amounts.
pub(super) const CHANGES: usize = LOTS + QUANTITY_DIGITS;
pub(super) const EVAR: usize = CHANGES + 3 * AMOUNT_LIMBS;
const EPSILON: usize = EVAR + AMOUNT_LIMBS;
/// What the places of a committed state stand for.
const LISTING: usize = EPSILON + AMOUNT_LIMBS;
pub(super) const MARKET: usize = LISTING + DIGEST;
/// Limbs of subticks below a tick.
pub(super) const SUBTICK_LIMBS: usize = 2;

impl Table for StatesTable {
    type Row = StateRow;

    fn name(&self) -> &'static str {
        "states"
    }

    fn log_height(&self) -> usize {
        MIN_LOG_HEIGHT.max((self.steps.len() + 1).next_power_of_two().ilog2() as usize)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let height = 1 << self.log_height();
        let mut columns = vec![vec![F::ZERO; height]; self.fixed_columns()];
        let last = self.steps.len();
        columns[COMMITTED][0] = F::ONE;
        columns[COMMITTED][last] = F::ONE;
        columns[ADDRESS][last] = F::from_usize(self.second_address());
        columns[CLOSES][last] = F::ONE;
        for (listing, row) in self.listings.iter().zip([0, last]) {
            for (i, element) in listing.iter().enumerate() {
                columns[LISTING + i][row] = *element;
            }
        }
        for (row, step) in self.steps.iter().enumerate() {
            if let Some(market) = step.market {
                columns[TRADES][row] = F::ONE;
                columns[MARKET + market][row] = F::ONE;
            }
            if let Some(lots) = step.lots {
                columns[LOTS_SHOWN][row] = F::ONE;
                for (i, d) in signed_digits(lots.into(), QUANTITY_DIGITS)
                    .into_iter()
                    .enumerate()
                {
                    columns[LOTS + i][row] = F::from_i64(d);
                }
            }
            for (which, change) in step.changes.iter().enumerate() {
                for i in 0..AMOUNT_LIMBS {
                    let limb = limb_of(change.unsigned_abs().into(), i) as i64;
                    columns[CHANGES + which * AMOUNT_LIMBS + i][row] =
                        F::from_i64(limb * change.signum());
                }
            }
            let mut set = |start: usize, count: usize, row: usize, value: u64| {
                for i in 0..count {
                    columns[start + i][row] = F::from_u64(limb_of(value.into(), i));
                }
            };
            set(ROLLS, 1, row, step.rolls.into());
            set(PRICE, PRICE_LIMBS, row, step.price);
            let row = row + 1;
            set(EVALUATED, 1, row, 1);
            set(BLOCK, 1, row, row as u64 - 1);
            if let Outcome::Evar { evar, epsilon } = step.outcome {
                set(EVAR, AMOUNT_LIMBS, row, evar);
                set(EPSILON, AMOUNT_LIMBS, row, epsilon);
            }
            if let Outcome::Hidden { stated: Some(evar) } = step.outcome {
                set(EVAR, AMOUNT_LIMBS, row, evar);
            }
        }
        if let Some(hidden) = &self.hidden {
            self.hidden_columns(hidden, &mut columns);
        }
        columns
    }

    fn public(&self) -> Vec<F> {
        let numbers = self.numbers().into_iter();
        let values = numbers.map(|(_, value, limbs)| limb_values(value, limbs));
        values.flatten().collect()
    }

    fn row<B: RowBuilder<StateRow>>(&self, b: &mut B) {
        let evaluated = b.pinned("STATES-1", EVALUATED);
        let block = b.pinned("STATES-1", BLOCK);
        let lots = self.lots(b);
        let is_committed = b.pinned("STATES-1", COMMITTED);
        let address = b.pinned("STATES-1", ADDRESS);
        let mut committed: Vec<B::E> = (0..DIGEST)
            .map(|i| {
                let cell = b.cell(|w| w.salt[i]);
                b.zero("STATES-6", (b.one() - is_committed.clone()) * cell.clone());
                cell
            })
            .collect();
        committed.extend((0..DIGEST).map(|i| b.pinned("STATES-1", LISTING + i)));
        let mut message = vec![block.clone()];
        for digits in self.quantities(b, &lots) {
            committed.extend(packed(&digits.raised()));
            message.extend(digits);
        }
        let entry = self.entry(b, &lots);
        committed.extend(packed(&entry.raised()));
        let hidden = self
            .hidden
            .as_ref()
            .map(|hidden| (hidden, self.premia(b, hidden, &lots)));
        let premium = hidden.as_ref().map(|(_, premia)| &premia.premium);
        let of: [fn(&VenueState) -> Ticks<u64>; 3] =
            [|s| s.capital, |s| s.providers, |s| s.collected];
        let [capital, providers, collected] = [0, 1, 2].map(|which| amount(b, which, of[which]));
        let rolled = collected.now.sum().times_bit(&b.fixed(ROLLS));
        let premium = premium.map_or(Sum::zero(), Amount::to_sum);
        capital.grows(b, 0, &rolled);
        providers.grows(b, 1, &Sum::zero());
        collected.grows(b, 2, &premium.minus(&rolled));
        let [capital, providers, collected] = [capital, providers, collected].map(|a| a.now);
        for amount in [&capital, &providers, &collected] {
            committed.extend(packed(amount));
        }
        let fact = self.fact;
        let counted = move |w: &StateRow| match fact {
            Some(fact) => fact.counted(&w.state).means().0,
            None => w.state.means().0,
        };
        let capitals = match fact.is_none_or(Fact::counts_providers) {
            true => vec![&capital, &providers],
            false => vec![&capital],
        };
        message.extend(means(b, "STATES-5", counted, &entry, &capitals));

        committed.resize(committed.len().next_multiple_of(QUAD), b.constant(F::ZERO));
        for (i, quad) in committed.chunks(QUAD).enumerate() {
            let mut message = vec![address.clone() + F::from_usize(i)];
            message.extend_from_slice(quad);
            b.send(QUADS, is_committed.clone(), &message);
        }
        let outcome = self.certificate(b, &evaluated, block, &message);
        match hidden {
            Some((hidden, premia)) => self.hidden_evar(b, hidden, &premia.evar, &outcome),
            None if self.least.is_some() => self.stated_evar(b, &outcome),
            None => Self::has_cash(b, &outcome, &collected),
        }
    }
}

impl StatesTable {
    /// The digits of the lots of the trade to the next row.
    fn lots<B: RowBuilder<StateRow>>(&self, b: &mut B) -> SignedLimbs<B::E> {
        (0..QUANTITY_DIGITS)
            .map(|i| {
                let digit =
                    b.cell(|w| F::from_i64(signed_digits(w.lots.into(), QUANTITY_DIGITS)[i]));
                let digit = signed_limb(b, digit);
                let none = b.one() - b.fixed(TRADES);
                b.zero("STATES-2", none * (*digit).clone());
                let shown = b.fixed(LOTS_SHOWN) * ((*digit).clone() - b.fixed(LOTS + i));
                b.zero("STATES-2", shown);
                digit
            })
            .collect()
    }

    /// The digits of all quantities. Only that of the traded market changes: its new digits are cells of this row.
    fn quantities<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        lots: &SignedLimbs<B::E>,
    ) -> Vec<SignedLimbs<B::E>> {
        let id = "STATES-2";
        let traded: SignedLimbs<B::E> = (0..QUANTITY_DIGITS)
            .map(|i| {
                let digit =
                    b.cell(|w| F::from_i64(signed_digits(w.traded.into(), QUANTITY_DIGITS)[i]));
                signed_limb(b, digit)
            })
            .collect();
        let mut before = vec![b.constant(F::ZERO); QUANTITY_DIGITS];
        let quantities = (0..self.markets)
            .map(|market| {
                let is_traded = b.fixed(MARKET + market);
                (0..QUANTITY_DIGITS)
                    .map(|i| {
                        let (digit, next) = b.state(|w| {
                            let quantity = w.state.quantities[market];
                            F::from_i64(signed_digits(quantity.0.into(), QUANTITY_DIGITS)[i])
                        });
                        let digit = signed_limb(b, digit);
                        let change = is_traded.clone() * (traded[i].clone() - (*digit).clone());
                        b.assert_zero(id, When::Transition, next - (*digit).clone() - change);
                        before[i] += is_traded.clone() * (*digit).clone();
                        digit
                    })
                    .collect()
            })
            .collect();
        // At most one market is traded.
        let before = SignedLimbs::declared(b, id, before);
        before
            .sum()
            .plus(&lots.sum())
            .minus(&traded.sum())
            .assert_zero(b, id);
        quantities
    }

    /// The digits of the sum of entry notionals.
    fn entry<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        lots: &SignedLimbs<B::E>,
    ) -> SignedLimbs<B::E> {
        let id = "STATES-3";
        let mut digits = Vec::new();
        let mut after = Vec::new();
        for i in 0..ENTRY_DIGITS {
            let (digit, next) =
                b.state(|w| F::from_i64(signed_digits(w.state.entry.0.into(), ENTRY_DIGITS)[i]));
            digits.push(signed_limb(b, digit));
            let cell = b.cell(|w| F::from_i64(signed_digits(w.entry_after, ENTRY_DIGITS)[i]));
            let cell = signed_limb(b, cell);
            b.assert_zero(id, When::Transition, next - (*cell).clone());
            after.push(cell);
        }
        let [digits, after]: [SignedLimbs<B::E>; 2] =
            [digits, after].map(|limbs| limbs.into_iter().collect());
        let price = Limbs::fixed(b, id, PRICE..PRICE + PRICE_LIMBS);
        Sum::product(&lots.sum(), &price.sum())
            .plus(&digits.sum())
            .minus(&after.sum())
            .assert_zero(b, id);
        digits
    }

    /// The certificate of an evaluated state: EVaR is at most its bound.
    fn certificate<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        evaluated: &B::E,
        block: B::E,
        state: &[B::E],
    ) -> Outcomes<B::E> {
        let unused = b.one() - evaluated.clone();
        let checked = |b: &mut B, of: fn(&StateRow) -> u128| -> Limbs<B::E> {
            (0..BOUND_LIMBS)
                .map(|i| {
                    let cell = b.cell(|w| limb_felt(of(w), i));
                    let cell = limb(b, cell);
                    b.zero("STATES-7", unused.clone() * (*cell).clone());
                    cell
                })
                .collect()
        };
        let bound = checked(b, |w| w.bound);
        let scale = checked(b, |w| w.scale);
        // The sums' limbs are range-checked where they are added up.
        let received = |b: &mut B, count: usize, of: fn(&StateRow) -> u128| -> Limbs<B::E> {
            let limbs = (0..count).map(|i| {
                let cell = b.cell(|w| limb_felt(of(w), i));
                b.zero("STATES-7", unused.clone() * cell.clone());
                cell
            });
            let limbs = limbs.collect();
            Limbs::declared(b, "STATES-7", limbs)
        };
        let weights = received(b, WEIGHT_LIMBS, |w| w.weights);
        let gains = received(b, GAINS_LIMBS, |w| w.gains);
        b.send(STATE, evaluated.clone(), state);
        let mut certificate = vec![block.clone()];
        certificate.extend(bound.iter().chain(&scale).cloned());
        b.send(CERTIFICATE, evaluated.clone(), &certificate);
        let mut sums = vec![block];
        sums.extend(weights.iter().cloned());
        sums.extend(gains.iter().cloned());
        b.receive(SUMS, evaluated.clone(), &sums);
        if self.funding {
            let closes = b.pinned("STATES-1", CLOSES);
            b.send(LAST, closes, &weights);
        }
        let weights = weights.sum();
        let budget = self.number(b, "STATES-9", Number::Budget);
        let budget = budget.times_bit(&b.fixed(EVALUATED));
        budget.minus(&weights).assert_non_negative(b, "STATES-9");
        Outcomes {
            bound: bound.sum(),
            weights,
            gains: gains.sum(),
        }
    }

    /// The bound does not exceed what was collected. Capital is on the other side: losses are what is owed beyond it.
    fn has_cash<B: RowBuilder<StateRow>>(
        b: &mut B,
        outcome: &Outcomes<B::E>,
        collected: &Limbs<B::E>,
    ) {
        collected
            .sum()
            .times_bit(&b.fixed(EVALUATED))
            .shifted(SUBTICK_LIMBS)
            .minus(&outcome.bound)
            .assert_non_negative(b, "STATES-8");
    }

    /// The bound is the public EVaR, and the true one is not far below.
    fn stated_evar<B: RowBuilder<StateRow>>(&self, b: &mut B, outcome: &Outcomes<B::E>) {
        let evar = Limbs::fixed(b, "STATES-8", EVAR..EVAR + AMOUNT_LIMBS).sum();
        Self::rounded_up(b, &evar, outcome);
        let below = self.mean_is_close(b, outcome);
        let epsilon = Limbs::fixed(b, "STATES-12", EPSILON..EPSILON + AMOUNT_LIMBS);
        Sum::product(&epsilon.sum(), &outcome.weights)
            .shifted(SUBTICK_LIMBS)
            .minus(&below)
            .assert_non_negative(b, "STATES-12");
    }

    /// EVaR is the bound, rounded up to a tick.
    fn rounded_up<B: RowBuilder<StateRow>>(b: &mut B, evar: &Sum<B::E>, outcome: &Outcomes<B::E>) {
        let above = Limbs::read(b, SUBTICK_LIMBS, |w: &StateRow| {
            w.bound.wrapping_neg() % (1 << 20)
        });
        evar.shifted(SUBTICK_LIMBS)
            .minus(&outcome.bound)
            .minus(&above.sum())
            .assert_zero(b, "STATES-8");
    }

    /// How far the mean gain is below the bound, times the weights' sum, in subticks; not negative.
    pub(super) fn mean_is_close<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        outcome: &Outcomes<B::E>,
    ) -> Sum<B::E> {
        let Outcomes {
            bound,
            weights,
            gains,
        } = outcome;
        let least = self.number(b, "STATES-10", Number::Least);
        let least = least.times_bit(&b.fixed(EVALUATED));
        weights.minus(&least).assert_non_negative(b, "STATES-10");
        let below = Sum::product(bound, weights).minus(&gains.shifted(SUBTICK_LIMBS));
        below.assert_non_negative(b, "STATES-11");
        below
    }
}

/// What is known of an evaluated state, in subticks, 2^-34 and 2^-34 ticks.
pub(super) struct Outcomes<E> {
    pub bound: Sum<E>,
    pub weights: Sum<E>,
    pub gains: Sum<E>,
}

/// A public number of the whole day, in limbs. They stand in the public values in this order.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// What the weights may add up to.
    Budget,
    /// What they must.
    Least,
    /// The tolerance, in 2^-40 ticks.
    Tolerance,
    /// The certificates' slack.
    Slack,
    /// The grid less one tick.
    BelowGrid,
}

impl StatesTable {
    /// The public numbers, each with its limbs: so many that larger ones seldom need more.
    fn numbers(&self) -> Vec<(Number, u128, usize)> {
        let mut numbers = vec![(Number::Budget, self.budget, WEIGHT_LIMBS)];
        let least = self.least.iter();
        numbers.extend(least.map(|&least| (Number::Least, least, WEIGHT_LIMBS)));
        if let Some(hidden) = &self.hidden {
            numbers.extend(hidden.numbers());
        }
        for (_, value, limbs) in &mut numbers {
            *limbs = limbs_of(*value).len().max(*limbs);
        }
        numbers
    }

    /// A public number. Constraint `id` uses it.
    pub(super) fn number<B: RowBuilder<StateRow>>(
        &self,
        b: &mut B,
        id: &'static str,
        which: Number,
    ) -> Sum<B::E> {
        let mut at = 0;
        for (number, _, limbs) in self.numbers() {
            if number == which {
                return Publics::from(at).limbs(b, id, limbs).sum();
            }
            at += limbs;
        }
        Sum::zero()
    }
}
