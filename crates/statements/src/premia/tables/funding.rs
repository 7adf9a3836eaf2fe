//! Funding rates: quotients of tilted sums.

use gadgets::limbs::{Limbs, SignedLimbs, limb_of, limbs_of};
use gadgets::range::limb;
use gadgets::sum::Sum;
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::{LAST, TILTED, WORTH_LIMBS};
use crate::venues::tables::{WEIGHT_LIMBS, limb_felt, signed_digits};

/// Stated rates are whole numbers of this part of a tick (10^-12 of the quote currency) a lot and day.
pub const RATE_UNITS: u64 = 1_000_000;
/// A horizon is a whole number of this part of a day.
const MICRO_DAYS: u64 = 1_000_000;

/// One market a row; the row after the last market holds the tilt's own weight.
///
/// With the tilted worth `A`, the tilted weight `W`, the weights' sum `Y`, a lot's value now `v` and the horizon `h`
/// in millionths of a day, the rate in 10^-6 ticks a day is `floor(10^12 (A - W v) / (2 h Y))`, or that rounded down to a
/// multiple of a public step `s`:
///
/// - FUNDING-1: the row's flags and numbers are the public ones; unused rows hold zeros.
/// - FUNDING-2: all rows share `W` and `Y`; `W` is that of the row after the last market.
/// - FUNDING-3: `10^12 (A - W v) - 2 h rate Y >= 0`.
/// - FUNDING-4: `10^12 (A - W v) - 2 h rate Y < 2 h s Y`.
#[derive(Clone, Debug)]
pub struct FundingTable {
    /// Per market, what a lot is worth now, in ticks.
    pub values: Vec<u64>,
    /// Per market, the stated rate.
    pub rates: Vec<i64>,
    /// Per market, what its rate is a multiple of, below 2^60.
    pub steps: Vec<u64>,
    /// The horizon, in millionths of a day.
    pub horizon: u64,
}

// Fixed columns.
const USED: usize = 0;
const SERIES: usize = 1;
const RECEIVES: usize = 2;
const IS_WEIGHT: usize = 3;
const FIRST: usize = 4;
/// `10^12 v`, below 2^80.
const VALUE: usize = 5;
const VALUE_LIMBS: usize = 8;
/// `2 h rate`, signed digits.
const RATE: usize = VALUE + VALUE_LIMBS;
const RATE_DIGITS: usize = 10;
/// `2 h s`, below 2^93.
const STEP: usize = RATE + RATE_DIGITS;

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub struct FundingRow {
    /// The series' total.
    pub worth: u128,
    /// The tilted weight.
    pub tilted: u128,
    /// The weights' sum.
    pub weights: u128,
}

impl FundingTable {
    fn divisor(&self, step: u64) -> u128 {
        2 * u128::from(self.horizon) * u128::from(step)
    }

    fn step_limbs(&self) -> usize {
        let most = self.steps.iter().copied().max().unwrap_or(1);
        limbs_of(self.divisor(most)).len()
    }
}

impl Table for FundingTable {
    type Row = FundingRow;

    fn name(&self) -> &'static str {
        "funding"
    }

    fn log_height(&self) -> usize {
        MIN_LOG_HEIGHT
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let mut columns = vec![vec![F::ZERO; 1 << MIN_LOG_HEIGHT]; STEP + self.step_limbs()];
        let markets = self.values.len();
        columns[FIRST][0] = F::ONE;
        columns[RECEIVES][..=markets].fill(F::ONE);
        for (row, series) in columns[SERIES][..=markets].iter_mut().enumerate() {
            *series = F::from_usize(row);
        }
        columns[IS_WEIGHT][markets] = F::ONE;
        for (row, (&value, &rate)) in self.values.iter().zip(&self.rates).enumerate() {
            columns[USED][row] = F::ONE;
            let value = u128::from(value) * u128::from(MICRO_DAYS * RATE_UNITS);
            for i in 0..VALUE_LIMBS {
                columns[VALUE + i][row] = F::from_u64(limb_of(value, i));
            }
            let rate = i128::from(rate) * 2 * i128::from(self.horizon);
            for (i, digit) in signed_digits(rate, RATE_DIGITS).into_iter().enumerate() {
                columns[RATE + i][row] = F::from_i64(digit);
            }
            let step = self.divisor(self.steps[row]);
            for i in 0..self.step_limbs() {
                columns[STEP + i][row] = F::from_u64(limb_of(step, i));
            }
        }
        columns
    }

    fn row<B: RowBuilder<FundingRow>>(&self, b: &mut B) {
        let [series, receives, first] =
            [SERIES, RECEIVES, FIRST].map(|column| b.pinned("FUNDING-1", column));
        let worth: Vec<B::E> = (0..WORTH_LIMBS)
            .map(|i| {
                let cell = b.cell(|w| limb_felt(w.worth, i));
                b.zero("FUNDING-1", (b.one() - b.fixed(RECEIVES)) * cell.clone());
                cell
            })
            .collect();
        let mut message = vec![series];
        message.extend(worth.iter().cloned());
        b.receive(TILTED, receives, &message);
        let shared = |b: &mut B, count: usize, of: fn(&FundingRow) -> u128| -> Limbs<B::E> {
            (0..count)
                .map(|i| {
                    let (cell, next) = b.state(|w| limb_felt(of(w), i));
                    let cell = limb(b, cell);
                    b.assert_zero("FUNDING-2", When::Transition, next - (*cell).clone());
                    cell
                })
                .collect()
        };
        let tilted = shared(b, WORTH_LIMBS, |w| w.tilted);
        let weights = shared(b, WEIGHT_LIMBS, |w| w.weights);
        for (tilted, worth) in tilted.iter().zip(&worth) {
            let is_weight = b.fixed(IS_WEIGHT);
            b.zero("FUNDING-2", is_weight * (tilted.clone() - worth.clone()));
        }
        b.receive(LAST, first, &weights);

        let used = b.fixed(USED);
        // What is received was range-checked where it was added up.
        let worth = Limbs::declared(b, "FUNDING-1", worth);
        let worth = worth.sum().times_bit(&used);
        let weights = weights.sum();
        let scale = Sum::constant(i128::from(MICRO_DAYS * RATE_UNITS));
        let value = Limbs::fixed(b, "FUNDING-3", VALUE..VALUE + VALUE_LIMBS).sum();
        let rate = (0..RATE_DIGITS).map(|i| b.fixed(RATE + i)).collect();
        let rate = SignedLimbs::declared(b, "FUNDING-3", rate).sum();
        // Tilted weights are sums of weights: five limbs would do, and nine are what the bus carries.
        let rest = Sum::product(&worth, &scale)
            .minus(&Sum::product(&tilted.sum(), &value))
            .minus(&Sum::product(&weights, &rate));
        rest.assert_non_negative(b, "FUNDING-3");
        let step = Limbs::fixed(b, "FUNDING-4", STEP..STEP + self.step_limbs()).sum();
        let one = Sum::bit(b, "FUNDING-4", used);
        Sum::product(&weights, &step)
            .minus(&rest)
            .minus(&one)
            .assert_non_negative(b, "FUNDING-4");
    }
}
