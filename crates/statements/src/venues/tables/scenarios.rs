//! Scenarios: what a state, or the states of several venues, owe in each, and its weight.

use std::sync::Arc;

use gadgets::compare::assert_less;
use gadgets::limbs::{AMOUNT_LIMBS, Amount, Limbs, SignedLimbs, limb_of};
use gadgets::range::limb;
use gadgets::sum::Sum;
use rayon::prelude::*;
use stark::{F, Field, PrimeCharacteristicRing, RowBuilder, Table, When};
use venue::certificate::{
    COARSE as COARSE_TABLE, COARSE_BITS, FACTOR_BITS, FINE as FINE_TABLE, FINE_BITS, Weight,
};
use venue::state::VenueState;
pub use venue::systemic::MAX_VENUES;

use super::{
    BOUND_LIMBS, CERTIFICATE, COARSE, FACTOR_LIMBS, FINE, GROUPS, HOLDINGS, LAST_WEIGHT,
    MEANS_DIGITS, PRODUCT_LEN, QUANTITY_DIGITS, STATE, WEIGHT_LIMBS, limb_felt, signed_digits,
};
use crate::venues::grid::{GROUP, Grid};

/// One scenario of one state a row. Blocks of scenarios follow each other, one block a state; a block is padded by
/// repeating the last scenario, with weight zero.
///
/// - SCENARIOS-1: the row's flags and numbers are the public ones.
/// - SCENARIOS-2: a block's rows share one state.
/// - SCENARIOS-3: `quantities . values - means = gain - rest`, over the integers, with one of them zero; of several
///   venues, the gains add up to the gain.
/// - SCENARIOS-4: `(bound - 2^20 gain) 2^20 + 16 * 2^20 scale = scale * (exponent - shift) + remainder`, where the shift is public,
///   and zero if scenarios are equally likely; where losses are not cut at zero, with the gain less the rest.
/// - SCENARIOS-5: whether the exponent is 64 octaves or more, or the row is padding: then the weight is zero.
/// - SCENARIOS-6: `weight * 2^29 + rest = coarse * fine`, rest below 2^29.
/// - SCENARIOS-7: sums over the rows above in the group.
/// - SCENARIOS-8: the tilted weight is the weight where something is owed, else zero.
/// - COMPARE-1 to COMPARE-4: the remainder is below the scale.
#[derive(Clone, Debug)]
pub struct ScenariosTable {
    /// The scenarios.
    pub grid: Grid,
    /// Blocks that are used.
    pub blocks: usize,
    /// Venues of a block; their gains add up.
    pub venues: usize,
    /// Whether what is weighted is the gain; or else the loss, which may be negative, of one venue.
    pub cuts_at_zero: bool,
    /// Whether each market's worth under the tilt is added up in the last block.
    pub funding: bool,
}

/// A block's states as its scenarios see them.
#[derive(Clone, Debug, Default)]
pub struct BlockState {
    /// Per venue, digits of the quantities, market by market, then of the means.
    pub digits: Vec<Vec<i64>>,
    /// The bound, in subticks.
    pub bound: u128,
    /// The scale, in subticks per octave.
    pub scale: u128,
}

/// The private data of one row.
#[derive(Clone)]
pub struct ScenarioRow {
    /// The state of its block.
    pub state: Arc<BlockState>,
    /// Each venue's liability, in ticks.
    pub liabilities: [i64; MAX_VENUES],
    /// How the weight comes about.
    pub weight: Weight,
    /// Whether the row is padding.
    pub padding: bool,
    /// Coefficients of the sums over the rows above in the group.
    pub sums: [u64; WEIGHT_LIMBS + PRODUCT_LEN],
    /// Coefficients of the sums of tilted weights and worths, where they are wanted.
    pub holdings: Vec<u64>,
}

impl ScenarioRow {
    /// What is owed, by all venues.
    pub fn gain(&self) -> u64 {
        self.liabilities.iter().map(|&x| x.max(0) as u64).sum()
    }
    fn owes(&self, venue: usize) -> bool {
        self.liabilities[venue] > 0
    }
    /// What a venue owes, less one tick if anything.
    fn lessened(&self, venue: usize) -> u64 {
        (self.liabilities[venue] - 1).max(0) as u64
    }
    /// The coefficients of the gain: of one venue, one on top of the lessened one's limbs.
    fn gain_coefficients(&self) -> [u64; AMOUNT_LIMBS] {
        let limbs = |value: u64| std::array::from_fn(|i| limb_of(value.into(), i));
        if self.state.digits.len() > 1 {
            return limbs(self.gain());
        }
        let mut coefficients = limbs(self.lessened(0));
        coefficients[0] += u64::from(self.owes(0));
        coefficients
    }
    fn coarse_key(&self) -> usize {
        (self.weight.exponent >> FINE_BITS) as usize % (1 << COARSE_BITS)
    }
    fn fine_key(&self) -> usize {
        self.weight.exponent as usize % (1 << FINE_BITS)
    }
    fn high(&self) -> u64 {
        self.weight.exponent >> (FINE_BITS + COARSE_BITS)
    }
    /// The weight, and what its division by 2^29 leaves.
    fn product(&self) -> (u64, u64) {
        if self.padding || self.high() != 0 {
            return (0, 0);
        }
        let product =
            u128::from(COARSE_TABLE[self.coarse_key()]) * u128::from(FINE_TABLE[self.fine_key()]);
        (
            (product >> FACTOR_BITS) as u64,
            (product % (1 << FACTOR_BITS)) as u64,
        )
    }

    /// What the row adds to its group's sums: limbs of the weight, coefficients of the weighted gain.
    pub fn contribution(&self) -> [u64; WEIGHT_LIMBS + PRODUCT_LEN] {
        let (weight, _) = self.product();
        let mut out = [0; WEIGHT_LIMBS + PRODUCT_LEN];
        let gain = self.gain_coefficients();
        for i in 0..WEIGHT_LIMBS {
            out[i] = limb_of(weight.into(), i);
            for (j, g) in gain.iter().enumerate() {
                out[WEIGHT_LIMBS + i + j] += out[i] * g;
            }
        }
        out
    }
}

/// Coefficients of the tilted worth of a market.
pub fn worth_len(value_limbs: usize) -> usize {
    WEIGHT_LIMBS + value_limbs - 1
}

// Fixed columns, before the values.
const ACTIVE: usize = 0;
const GROUP_ENDS: usize = 1;
const SENDS: usize = 2;
const GROUP_NUMBER: usize = 3;
const BLOCK_STARTS: usize = 4;
const BLOCK_NUMBER: usize = 5;
const STATE_ENDS: usize = 6;
const SENDS_HOLDINGS: usize = 7;
const HOLDINGS_GROUP: usize = 8;
const VALUES: usize = 9;
/// Balanced digits of a shift, behind the values: it is below 2^26 in magnitude.
const SHIFT_DIGITS: usize = 3;

impl Table for ScenariosTable {
    type Row = ScenarioRow;

    fn name(&self) -> &'static str {
        "scenarios"
    }

    fn log_height(&self) -> usize {
        self.grid.log_block + self.blocks.next_power_of_two().ilog2() as usize
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (height, block) = (1 << self.log_height(), 1 << self.grid.log_block);
        let used = self.blocks * block;
        let column = |of: &dyn Fn(usize) -> usize| -> Vec<F> {
            (0..height).map(|r| F::from_usize(of(r))).collect()
        };
        let bit = |of: &dyn Fn(usize) -> bool| column(&|r| usize::from(of(r)));
        let group_ends = |r: usize| r % GROUP == GROUP - 1;
        let mut columns = vec![
            bit(&|r| r < used && r % block < self.grid.scenarios),
            bit(&group_ends),
            bit(&|r| r < used && group_ends(r)),
            column(&|r| if r < used { r / GROUP } else { 0 }),
            bit(&|r| r < used && r % block == 0),
            column(&|r| if r < used { r / block } else { 0 }),
            // The last used block's state goes on to the end.
            bit(&|r| r + 1 < used && r % block == block - 1),
            bit(&|r| (used - block..used).contains(&r) && group_ends(r)),
            column(&|r| r % block / GROUP),
        ];
        // Most of the verifier's own work: 2^14 rows of a few columns a market.
        let grid = &self.grid;
        let values = (0..grid.markets * grid.value_limbs).into_par_iter();
        columns.par_extend(values.map(|column| {
            let (market, i) = (column / grid.value_limbs, column % grid.value_limbs);
            let limb = |s| F::from_u64(grid.limb(s, market, i));
            (0..block).map(limb).collect::<Vec<F>>()
        }));
        if self.grid.is_weighted() {
            let digits = (0..block).map(|s| signed_digits(self.grid.shift(s).into(), SHIFT_DIGITS));
            let digits: Vec<Vec<i64>> = digits.collect();
            columns.extend((0..SHIFT_DIGITS).map(|i| {
                let column = digits.iter().map(|d| F::from_i64(d[i]));
                column.collect::<Vec<F>>()
            }));
        }
        columns
    }

    fn row<B: RowBuilder<ScenarioRow>>(&self, b: &mut B) {
        let [sends, group, starts, block] = [SENDS, GROUP_NUMBER, BLOCK_STARTS, BLOCK_NUMBER]
            .map(|column| b.pinned("SCENARIOS-1", column));
        let certificate = self.certificate(b, &starts, &block);
        let gains: Vec<Gain<B::E>> = (0..self.venues)
            .map(|venue| {
                let number = block.clone() * F::from_usize(self.venues) + F::from_usize(venue);
                let state = self.state(b, &starts, number, venue);
                self.gain(b, &state, venue)
            })
            .collect();
        let owes = gains[0].owes.clone();
        let rest = gains[0].rest.clone();
        let gain = total(b, gains.into_iter().map(|g| g.gain).collect());
        let exponent = match self.cuts_at_zero {
            true => self.exponent(b, &certificate, &gain),
            false => self.exponent(b, &certificate, &gain.minus(&rest)),
        };
        let weight = self.weight(b, &exponent);
        self.sums(b, &sends, group, &gain, &weight);
        if self.funding {
            self.holdings(b, &owes, &weight);
        }
    }
}

/// The cells of a venue's state.
struct State<E> {
    quantities: Vec<SignedLimbs<E>>,
    means: SignedLimbs<E>,
}

/// The cells of a certificate.
struct CertificateCells<E> {
    bound: Limbs<E>,
    scale: Limbs<E>,
}

/// What a venue owes, and what is left where it owes nothing: one of the two is zero.
struct Gain<E> {
    gain: Sum<E>,
    rest: Sum<E>,
    owes: E,
}

/// The cells of an exponent.
struct Exponent<E> {
    coarse: E,
    fine: E,
    high: Limbs<E>,
}

/// The sum of the venues' gains. One gain stays as it is; of several, the sum is cut into limbs.
fn total<B: RowBuilder<ScenarioRow>>(b: &mut B, mut gains: Vec<Sum<B::E>>) -> Sum<B::E> {
    if gains.len() == 1 {
        return gains.remove(0);
    }
    let total = Amount::read(b, ScenarioRow::gain).to_sum();
    gains
        .iter()
        .fold(Sum::zero(), |sum, gain| sum.plus(gain))
        .minus(&total)
        .assert_zero(b, "SCENARIOS-3");
    total
}

impl ScenariosTable {
    /// Cells that all rows of a block share.
    fn shared<B: RowBuilder<ScenarioRow>>(
        b: &mut B,
        count: usize,
        of: impl Fn(&BlockState, usize) -> F,
    ) -> Vec<B::E> {
        (0..count)
            .map(|i| {
                let (cell, next) = b.state(|w| of(&w.state, i));
                let goes_on = b.one() - b.fixed(STATE_ENDS);
                let step = goes_on * (next - cell.clone());
                b.assert_zero("SCENARIOS-2", When::Transition, step);
                cell
            })
            .collect()
    }

    fn certificate<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        starts: &B::E,
        block: &B::E,
    ) -> CertificateCells<B::E> {
        let bound = Self::shared(b, BOUND_LIMBS, |s, i| limb_felt(s.bound, i));
        let scale = Self::shared(b, BOUND_LIMBS, |s, i| limb_felt(s.scale, i));
        let mut message = vec![block.clone()];
        message.extend(bound.iter().chain(&scale).cloned());
        b.receive(CERTIFICATE, starts.clone(), &message);
        // Checked in the states table.
        let [bound, scale] = [bound, scale].map(|l| Limbs::declared(b, "SCENARIOS-2", l));
        CertificateCells { bound, scale }
    }

    fn state<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        starts: &B::E,
        number: B::E,
        venue: usize,
    ) -> State<B::E> {
        let quantities = self.grid.markets * QUANTITY_DIGITS;
        let digit = |s: &BlockState, i: usize| s.digits.get(venue).and_then(|d| d.get(i)).copied();
        let digits = Self::shared(b, quantities + MEANS_DIGITS, |s, i| {
            F::from_i64(digit(s, i).unwrap_or(0))
        });
        let mut message = vec![number];
        message.extend(digits.iter().cloned());
        b.receive(STATE, starts.clone(), &message);
        let (quantities, means) = digits.split_at(quantities);
        // Checked in the states table.
        let mut declared =
            |digits: &[B::E]| SignedLimbs::declared(b, "SCENARIOS-2", digits.to_vec());
        State {
            quantities: quantities
                .chunks(QUANTITY_DIGITS)
                .map(&mut declared)
                .collect(),
            means: declared(means),
        }
    }

    /// `max(liability, 0)` as six coefficients: range-checked limbs of the gain less one, if it is positive, and a bit
    /// on top of the lowest, so that the bit says exactly whether something is owed.
    fn gain<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        state: &State<B::E>,
        venue: usize,
    ) -> Gain<B::E> {
        let id = "SCENARIOS-3";
        let limbs = self.grid.value_limbs;
        let mut worth = Sum::zero();
        for (market, quantity) in state.quantities.iter().enumerate() {
            let start = VALUES + market * limbs;
            let value = Limbs::fixed(b, id, start..start + limbs);
            worth = worth.plus_product(&quantity.sum(), &value.sum());
        }
        let liability = worth.minus(&state.means.sum());

        let owes = b.bit(id, |w: &ScenarioRow| w.owes(venue));
        let lessened = Amount::read(b, |w: &ScenarioRow| w.lessened(venue));
        let rest = Amount::read(b, |w: &ScenarioRow| (-w.liabilities[venue]).max(0) as u64);
        let owes_not = b.one() - owes.clone();
        for half in lessened.halves() {
            b.zero(id, owes_not.clone() * half);
        }
        for half in rest.halves() {
            b.zero(id, owes.clone() * half);
        }
        let gain = lessened.to_sum().plus(&Sum::bit(b, id, owes.clone()));
        let rest = rest.to_sum();
        liability.minus(&gain).plus(&rest).assert_zero(b, id);
        Gain { gain, rest, owes }
    }

    fn exponent<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        certificate: &CertificateCells<B::E>,
        gain: &Sum<B::E>,
    ) -> Exponent<B::E> {
        // Both are range-checked by the lookups of their powers.
        let coarse = b.cell(|w| F::from_usize(w.coarse_key()));
        let fine = b.cell(|w| F::from_usize(w.fine_key()));
        let high = Limbs::read(b, 2, |w: &ScenarioRow| w.high().into());
        let remainder = Limbs::read(b, BOUND_LIMBS, |w: &ScenarioRow| w.weight.remainder);
        assert_less(b, &remainder.chunks(), &certificate.scale.chunks());

        // 2^12 coarse = 2^10 * 4 coarse, and 2^26 high = 2^20 * 64 high.
        let four = F::from_u64(1 << (FINE_BITS - 10));
        let up = F::from_u64(1 << (FINE_BITS + COARSE_BITS - 20));
        let coefficients = vec![
            fine.clone(),
            coarse.clone() * four,
            high[0].clone() * up,
            high[1].clone() * up,
        ];
        let exponent = Sum::declared(b, "SCENARIOS-4", coefficients, (1 << 16) - 1);
        let unshifted = if self.grid.is_weighted() {
            let first = VALUES + self.grid.markets * self.grid.value_limbs;
            let digits = (0..SHIFT_DIGITS).map(|i| b.fixed(first + i)).collect();
            exponent.minus(&SignedLimbs::declared(b, "SCENARIOS-4", digits).sum())
        } else {
            exponent
        };
        let bound = certificate.bound.sum();
        let scale = certificate.scale.sum();
        let octaves = Sum::product(&scale, &Sum::constant(16)).shifted(2);
        bound
            .shifted(2)
            .minus(&gain.shifted(4))
            .plus(&octaves)
            .minus(&Sum::product(&scale, &unshifted))
            .minus(&remainder.sum())
            .assert_zero(b, "SCENARIOS-4");
        Exponent { coarse, fine, high }
    }

    fn weight<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        exponent: &Exponent<B::E>,
    ) -> Limbs<B::E> {
        let id = "SCENARIOS-5";
        let high = exponent.high[0].clone() + exponent.high[1].clone() * F::from_u64(1 << 10);
        let inverse = b.derive([&high], |[x]| x.try_inverse().unwrap_or(F::ZERO));
        let active = b.fixed(ACTIVE);
        let any = b.derive([&high], |[x]| F::from_bool(x != F::ZERO));
        b.equal(id, any.clone(), high.clone() * inverse.clone());
        b.zero(id, (b.one() - any.clone()) * high);
        b.zero(id, (b.one() - any.clone()) * inverse);
        let counts = active * (b.one() - any);
        let counts = {
            let cell = b.derive([&counts], |[x]| x);
            b.equal(id, cell.clone(), counts);
            cell
        };

        let coarse: Vec<B::E> = (0..WEIGHT_LIMBS)
            .map(|i| b.cell(|w| limb_felt(COARSE_TABLE[w.coarse_key()].into(), i)))
            .collect();
        let fine: Vec<B::E> = (0..FACTOR_LIMBS)
            .map(|i| b.cell(|w| limb_felt(FINE_TABLE[w.fine_key()].into(), i)))
            .collect();
        let one = b.one();
        for (bus, key, limbs) in [
            (COARSE, &exponent.coarse, &coarse),
            (FINE, &exponent.fine, &fine),
        ] {
            let mut message = vec![key.clone()];
            message.extend(limbs.iter().cloned());
            b.lookup(bus, key, one.clone(), &message);
        }

        let weight = Limbs::read(b, WEIGHT_LIMBS, |w: &ScenarioRow| w.product().0.into());
        let rest = Limbs::read(b, FACTOR_LIMBS, |w: &ScenarioRow| w.product().1.into());
        // 2^29 = 2^20 * 2^9: the top limb is below 2^9.
        limb(b, rest[2].clone() + rest[2].clone());
        // The table of powers holds limbs.
        let [coarse, fine] = [coarse, fine].map(|l| Limbs::declared(b, id, l).sum());
        let unit = Sum::constant(1 << FACTOR_BITS);
        Sum::product(&coarse.times_bit(&counts), &fine)
            .minus(&Sum::product(&weight.sum(), &unit))
            .minus(&rest.sum())
            .assert_zero(b, "SCENARIOS-6");
        weight
    }

    fn sums<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        sends: &B::E,
        group: B::E,
        gain: &Sum<B::E>,
        weight: &Limbs<B::E>,
    ) {
        let id = "SCENARIOS-7";
        let product = Sum::product(&weight.sum(), gain);
        let goes_on = b.one() - b.fixed(GROUP_ENDS);
        let mut message = vec![group];
        for (i, term) in weight.iter().chain(product.coefficients()).enumerate() {
            let (sum, next) = b.state(|w| F::from_u64(w.sums[i]));
            b.assert_zero(id, When::First, sum.clone());
            let total = sum + term.clone();
            b.assert_zero(id, When::Transition, next - goes_on.clone() * total.clone());
            message.push(total);
        }
        b.send(GROUPS, sends.clone(), &message);
    }
}

impl ScenariosTable {
    /// Adds up the tilted weight, and each market's worth under it, over the rows above in the group.
    fn holdings<B: RowBuilder<ScenarioRow>>(&self, b: &mut B, owes: &B::E, weight: &[B::E]) {
        let sends = b.pinned("SCENARIOS-1", SENDS_HOLDINGS);
        let group = b.pinned("SCENARIOS-1", HOLDINGS_GROUP);
        let tilted: Vec<B::E> = weight
            .iter()
            .map(|limb| {
                let product = limb.clone() * owes.clone();
                let cell = b.derive([&product], |[x]| x);
                b.equal("SCENARIOS-8", cell.clone(), product);
                cell
            })
            .collect();
        let limbs = self.grid.value_limbs;
        let mut at = 0;
        for series in 0..=self.grid.markets {
            let mut terms = vec![b.constant(F::ZERO); worth_len(limbs)];
            for (i, weight) in tilted.iter().enumerate() {
                if series == self.grid.markets {
                    terms[i] += weight.clone();
                    continue;
                }
                for j in 0..limbs {
                    terms[i + j] += weight.clone() * b.fixed(VALUES + series * limbs + j);
                }
            }
            let goes_on = b.one() - b.fixed(GROUP_ENDS);
            let mut message = vec![b.constant(F::from_usize(series)), group.clone()];
            for (i, term) in terms.into_iter().enumerate() {
                let (sum, next) =
                    b.state(|w| F::from_u64(w.holdings.get(at + i).copied().unwrap_or(0)));
                b.assert_zero("SCENARIOS-7", When::First, sum.clone());
                let step = next - goes_on.clone() * (sum.clone() + term);
                b.assert_zero("SCENARIOS-7", When::Transition, step);
                message.push(sum);
            }
            at += worth_len(limbs);
            b.send(HOLDINGS, sends.clone(), &message);
        }
        let mut message = vec![group];
        message.extend(tilted);
        let times = F::from_usize(self.grid.markets + 1);
        b.provide(LAST_WEIGHT, sends * times, &message);
    }
}

impl ScenarioRow {
    /// The weight where something is owed, else zero.
    pub fn tilted(&self) -> u64 {
        if self.owes(0) { self.product().0 } else { 0 }
    }

    /// What the row adds to the tilted sums: market by market, then the tilted weight itself.
    pub fn holding_terms(&self, grid: &Grid, scenario: usize) -> Vec<u64> {
        let weight = self.tilted();
        let length = worth_len(grid.value_limbs);
        let mut terms = vec![0; (grid.markets + 1) * length];
        for i in 0..WEIGHT_LIMBS {
            let limb = limb_of(weight.into(), i);
            if limb == 0 {
                continue;
            }
            for market in 0..grid.markets {
                for j in 0..grid.value_limbs {
                    terms[market * length + i + j] += limb * grid.limb(scenario, market, j);
                }
            }
            terms[grid.markets * length + i] += limb;
        }
        terms
    }
}

impl BlockState {
    /// The digits of a state's quantities and means.
    pub fn digits(state: &VenueState) -> Vec<i64> {
        let mut digits: Vec<i64> = state
            .quantities
            .iter()
            .flat_map(|&q| signed_digits(q.0.into(), QUANTITY_DIGITS))
            .collect();
        digits.extend(signed_digits(state.means().0, MEANS_DIGITS));
        digits
    }
}
