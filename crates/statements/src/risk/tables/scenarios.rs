//! Scenarios: what a state owes in each, and its weight.

use std::sync::Arc;

use gadgets::compare::{assert_less, chunks};
use gadgets::limbs::{AMOUNT_LIMBS, Amount, Sum};
use gadgets::range::limb;
use risk::certificate::{
    COARSE as COARSE_TABLE, COARSE_BITS, FACTOR_BITS, FINE as FINE_TABLE, FINE_BITS, Weight,
};
use stark::{F, Field, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::{
    BOUND_LIMBS, COARSE, FACTOR_LIMBS, FINE, GROUPS, HOLDINGS, LAST_WEIGHT, MEANS_DIGITS,
    PRODUCT_LEN, QUANTITY_DIGITS, STATE, WEIGHT_LIMBS, limb_felt, signed_digits,
};
use crate::risk::statement::{Context, GROUP};

/// One scenario of one state a row. Blocks of scenarios follow each other, one block a state; a block is padded by
/// repeating the last scenario, with weight zero.
///
/// - SCENARIOS-1: the row's flags and numbers are the public ones.
/// - SCENARIOS-2: a block's rows share one state.
/// - SCENARIOS-3: `quantities . values - means = gain - rest`, over the integers, with one of them zero.
/// - SCENARIOS-4: `(bound - 2^20 gain) 2^20 + 16 * 2^20 scale = scale * exponent + remainder`.
/// - SCENARIOS-5: whether the exponent is 64 octaves or more, or the row is padding: then the weight is zero.
/// - SCENARIOS-6: `weight * 2^29 + rest = coarse * fine`, rest below 2^29.
/// - SCENARIOS-7: sums over the rows above in the group.
/// - SCENARIOS-8: the tilted weight is the weight where something is owed, else zero.
/// - COMPARE-1 to COMPARE-4: the remainder is below the scale.
#[derive(Clone, Debug)]
pub struct ScenariosTable {
    /// The claim's sizes and values.
    pub context: Context,
    /// Blocks that are used.
    pub blocks: usize,
    /// Whether each market's worth under the tilt is added up in the last block.
    pub funding: bool,
}

/// A state as its scenarios see it.
#[derive(Clone, Debug, Default)]
pub struct BlockState {
    /// Digits of the quantities, market by market, then of the means.
    pub digits: Vec<i64>,
    /// The bound, in PHI.
    pub bound: u128,
    /// The scale, in PHI per octave.
    pub scale: u128,
}

/// The private data of one row.
#[derive(Clone)]
pub struct ScenarioRow {
    /// The state of its block.
    pub state: Arc<BlockState>,
    /// The liability, in ticks.
    pub liability: i64,
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
    fn gain(&self) -> u64 {
        self.liability.max(0) as u64
    }
    fn owes(&self) -> bool {
        self.liability > 0
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
        let lessened = self.gain() - u64::from(self.owes());
        for i in 0..WEIGHT_LIMBS {
            let w = gadgets::limbs::limb_of(weight.into(), i);
            out[i] = w;
            for j in 0..AMOUNT_LIMBS {
                let mut g = gadgets::limbs::limb_of(lessened.into(), j);
                if j == 0 {
                    g += u64::from(self.owes());
                }
                out[WEIGHT_LIMBS + i + j] += w * g;
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

impl Table for ScenariosTable {
    type Row = ScenarioRow;

    fn name(&self) -> &'static str {
        "scenarios"
    }

    fn log_height(&self) -> usize {
        self.context.log_block + self.blocks.next_power_of_two().ilog2() as usize
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (height, block) = (1 << self.log_height(), 1 << self.context.log_block);
        let used = self.blocks * block;
        let column = |of: &dyn Fn(usize) -> usize| -> Vec<F> {
            (0..height).map(|r| F::from_usize(of(r))).collect()
        };
        let bit = |of: &dyn Fn(usize) -> bool| column(&|r| usize::from(of(r)));
        let group_ends = |r: usize| r % GROUP == GROUP - 1;
        let mut columns = vec![
            bit(&|r| r < used && r % block < self.context.scenarios),
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
        let context = &self.context;
        for market in 0..context.markets {
            for i in 0..context.value_limbs {
                let limb = |s| F::from_u64(context.values.limb(s, market, i));
                columns.push((0..block).map(limb).collect());
            }
        }
        columns
    }

    fn row<B: RowBuilder<ScenarioRow>>(&self, b: &mut B) {
        let [sends, group, starts, block] = [SENDS, GROUP_NUMBER, BLOCK_STARTS, BLOCK_NUMBER]
            .map(|column| b.pinned("SCENARIOS-1", column));
        let state = self.state(b, &starts, block);
        let (gain, owes) = self.gain(b, &state);
        let exponent = self.exponent(b, &state, &gain);
        let weight = self.weight(b, &exponent);
        self.sums(b, &sends, group, &gain, &weight);
        if self.funding {
            self.holdings(b, &owes, &weight);
        }
    }
}

/// The cells of a block's state.
struct State<E> {
    quantities: Vec<Vec<E>>,
    means: Vec<E>,
    bound: Vec<E>,
    scale: Vec<E>,
}

/// The cells of an exponent.
struct Exponent<E> {
    coarse: E,
    fine: E,
    high: [E; 2],
}

impl ScenariosTable {
    fn state<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        starts: &B::E,
        block: B::E,
    ) -> State<B::E> {
        let mut message = vec![block];
        let mut shared = |b: &mut B, of: &dyn Fn(&BlockState) -> F| {
            let (cell, next) = b.state(|w| of(&w.state));
            let goes_on = b.one() - b.fixed(STATE_ENDS);
            b.assert_zero(
                "SCENARIOS-2",
                When::Transition,
                goes_on * (next - cell.clone()),
            );
            message.push(cell.clone());
            cell
        };
        let digits = self.context.markets * QUANTITY_DIGITS + MEANS_DIGITS;
        let digits: Vec<B::E> = (0..digits)
            .map(|i| shared(b, &|s| F::from_i64(s.digits.get(i).copied().unwrap_or(0))))
            .collect();
        let bound = (0..BOUND_LIMBS)
            .map(|i| shared(b, &|s| limb_felt(s.bound, i)))
            .collect();
        let scale = (0..BOUND_LIMBS)
            .map(|i| shared(b, &|s| limb_felt(s.scale, i)))
            .collect();
        b.receive(STATE, starts.clone(), &message);
        let (quantities, means) = digits.split_at(self.context.markets * QUANTITY_DIGITS);
        State {
            quantities: quantities
                .chunks(QUANTITY_DIGITS)
                .map(<[_]>::to_vec)
                .collect(),
            means: means.to_vec(),
            bound,
            scale,
        }
    }

    /// `max(liability, 0)` as six coefficients: range-checked limbs of the gain less one, if it is positive, and a bit
    /// on top of the lowest, so that the bit says exactly whether something is owed.
    fn gain<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        state: &State<B::E>,
    ) -> (Sum<B::E>, B::E) {
        let id = "SCENARIOS-3";
        let limbs = self.context.value_limbs;
        let mut coefficients =
            vec![b.constant(F::ZERO); (QUANTITY_DIGITS + limbs - 1).max(MEANS_DIGITS)];
        for (market, quantity) in state.quantities.iter().enumerate() {
            for (i, digit) in quantity.iter().enumerate() {
                for j in 0..limbs {
                    let value = b.fixed(VALUES + market * limbs + j);
                    coefficients[i + j] += digit.clone() * value;
                }
            }
        }
        for (coefficient, digit) in coefficients.iter_mut().zip(&state.means) {
            *coefficient -= digit.clone();
        }
        let terms = QUANTITY_DIGITS.min(limbs) as u64 * self.context.markets as u64;
        let liability = Sum::new(coefficients, terms * 512 * 1023 + 512);

        let owes = b.bit(id, ScenarioRow::owes);
        let lessened = Amount::read(b, |w: &ScenarioRow| w.gain() - u64::from(w.owes()));
        let rest = Amount::read(b, |w: &ScenarioRow| (-w.liability).max(0) as u64);
        let owes_not = b.one() - owes.clone();
        for half in lessened.halves() {
            b.zero(id, owes_not.clone() * half);
        }
        for half in rest.halves() {
            b.zero(id, owes.clone() * half);
        }
        let mut gain = lessened.limbs().to_vec();
        gain[0] += owes.clone();
        let gain = Sum::new(gain, 1024);
        liability
            .minus(&gain)
            .plus(&rest.to_sum())
            .assert_zero(b, id);
        (gain, owes)
    }

    fn exponent<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        state: &State<B::E>,
        gain: &Sum<B::E>,
    ) -> Exponent<B::E> {
        // Both are range-checked by the lookups of their powers.
        let coarse = b.cell(|w| F::from_usize(w.coarse_key()));
        let fine = b.cell(|w| F::from_usize(w.fine_key()));
        let high: [B::E; 2] = std::array::from_fn(|i| {
            let cell = b.cell(|w| limb_felt(w.high().into(), i));
            limb(b, &cell);
            cell
        });
        let remainder: Vec<B::E> = (0..BOUND_LIMBS)
            .map(|i| {
                let cell = b.cell(|w| limb_felt(w.weight.remainder, i));
                limb(b, &cell);
                cell
            })
            .collect();
        assert_less(b, &chunks(&remainder), &chunks(&state.scale));

        // 2^12 coarse = 2^10 * 4 coarse, and 2^26 high = 2^20 * 64 high.
        let four = F::from_u64(1 << (FINE_BITS - 10));
        let up = F::from_u64(1 << (FINE_BITS + COARSE_BITS - 20));
        let exponent = Sum::new(
            vec![
                fine.clone(),
                coarse.clone() * four,
                high[0].clone() * up,
                high[1].clone() * up,
            ],
            (1 << 16) - 1,
        );
        let bound = Sum::new(state.bound.clone(), 1023);
        let scale = Sum::new(state.scale.clone(), 1023);
        let octaves = Sum::product(&scale, &Sum::constant(16)).shifted(2);
        bound
            .shifted(2)
            .minus(&gain.shifted(4))
            .plus(&octaves)
            .minus(&Sum::product(&scale, &exponent))
            .minus(&Sum::new(remainder, 1023))
            .assert_zero(b, "SCENARIOS-4");
        Exponent { coarse, fine, high }
    }

    fn weight<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        exponent: &Exponent<B::E>,
    ) -> Vec<B::E> {
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

        let weight: Vec<B::E> = (0..WEIGHT_LIMBS)
            .map(|i| {
                let cell = b.cell(|w| limb_felt(w.product().0.into(), i));
                limb(b, &cell);
                cell
            })
            .collect();
        let rest: Vec<B::E> = (0..FACTOR_LIMBS)
            .map(|i| {
                let cell = b.cell(|w| limb_felt(w.product().1.into(), i));
                limb(b, &cell);
                cell
            })
            .collect();
        // 2^29 = 2^20 * 2^9: the top limb is below 2^9.
        limb(b, &(rest[2].clone() + rest[2].clone()));
        let counted = coarse.into_iter().map(|c| counts.clone() * c).collect();
        Sum::product(&Sum::new(counted, 1023), &Sum::new(fine, 1023))
            .minus(&Sum::product(
                &Sum::new(weight.clone(), 1023),
                &Sum::constant(1 << FACTOR_BITS),
            ))
            .minus(&Sum::new(rest, 1023))
            .assert_zero(b, "SCENARIOS-6");
        weight
    }

    fn sums<B: RowBuilder<ScenarioRow>>(
        &self,
        b: &mut B,
        sends: &B::E,
        group: B::E,
        gain: &Sum<B::E>,
        weight: &[B::E],
    ) {
        let id = "SCENARIOS-7";
        let product = Sum::product(&Sum::new(weight.to_vec(), 1023), gain);
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
        let limbs = self.context.value_limbs;
        let mut at = 0;
        for series in 0..=self.context.markets {
            let mut terms = vec![b.constant(F::ZERO); worth_len(limbs)];
            for (i, weight) in tilted.iter().enumerate() {
                if series == self.context.markets {
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
        let times = F::from_usize(self.context.markets + 1);
        b.provide(LAST_WEIGHT, sends * times, &message);
    }
}

impl ScenarioRow {
    /// The weight where something is owed, else zero.
    pub fn tilted(&self) -> u64 {
        if self.owes() { self.product().0 } else { 0 }
    }

    /// What the row adds to the tilted sums: market by market, then the tilted weight itself.
    pub fn holding_terms(&self, context: &Context, scenario: usize) -> Vec<u64> {
        let weight = self.tilted();
        let length = worth_len(context.value_limbs);
        let mut terms = vec![0; (context.markets + 1) * length];
        for i in 0..WEIGHT_LIMBS {
            let limb = gadgets::limbs::limb_of(weight.into(), i);
            if limb == 0 {
                continue;
            }
            for market in 0..context.markets {
                for j in 0..context.value_limbs {
                    terms[market * length + i + j] +=
                        limb * context.values.limb(scenario, market, j);
                }
            }
            terms[context.markets * length + i] += limb;
        }
        terms
    }
}

impl BlockState {
    /// The digits of quantities and means.
    pub fn digits(quantities: &[i64], means: i128) -> Vec<i64> {
        let mut digits: Vec<i64> = quantities
            .iter()
            .flat_map(|&q| signed_digits(q.into(), QUANTITY_DIGITS))
            .collect();
        digits.extend(signed_digits(means, MEANS_DIGITS));
        digits
    }
}
