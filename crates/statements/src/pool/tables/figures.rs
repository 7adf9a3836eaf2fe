//! Inequalities between sums, which prove the figures.

use gadgets::limbs::{LIMB_MAX, Limbs, limbs_of};
use gadgets::sum::Sum;
use gadgets::totals::{REGISTER_LIMBS, SALTS, TOTALS};
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table};

use crate::pool::plan::Inequality;

/// Most terms of an inequality.
const TERMS: usize = 3;
/// Limbs of a factor and of the constant: at most 2^60.
const FACTOR_LIMBS: usize = 7;

/// One inequality a row, over what the registers are after the last part.
///
/// - FIGURES-1: the row's registers, and whether it is used, are the public ones.
/// - FIGURES-2: an unused row's values are zero.
/// - FIGURES-3: the sum of factors times values and the constant is not negative.
///
/// Values are looked up in the totals; a factor and the constant are public. A coefficient of the sum has 7 products of
/// limbs for each of three terms, and a limb of the constant: below `21 * 1023^2 + 1024 < 2^25`.
#[derive(Clone, Debug)]
pub struct FiguresTable {
    /// The inequalities.
    pub inequalities: Vec<Inequality>,
}

// Fixed columns: whether the row is used, the registers, then factors and constant.
const USED: usize = 0;
const REGISTERS: usize = 1;
const FACTORS: usize = REGISTERS + TERMS;
const CONSTANT: usize = FACTORS + TERMS * FACTOR_LIMBS;
const FIXED: usize = CONSTANT + FACTOR_LIMBS;

/// The values of a row's terms.
pub type FiguresRow = [u128; TERMS];

impl FiguresTable {
    /// The values of a row's terms, from all registers, salts included.
    pub fn values(&self, row: usize, registers: &[u128]) -> FiguresRow {
        let Some(inequality) = self.inequalities.get(row) else {
            return [0; TERMS];
        };
        std::array::from_fn(|t| registers[SALTS + term(inequality, t).0])
    }
}

/// A term, or one without weight.
fn term(inequality: &Inequality, index: usize) -> (usize, i128) {
    inequality
        .terms
        .get(index)
        .copied()
        .unwrap_or((crate::ordered::KEY_REGISTER, 0))
}

impl Table for FiguresTable {
    type Row = FiguresRow;

    fn name(&self) -> &'static str {
        "figures"
    }

    fn log_height(&self) -> usize {
        MIN_LOG_HEIGHT
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let mut columns = vec![vec![F::ZERO; 1 << MIN_LOG_HEIGHT]; FIXED];
        for (row, inequality) in self.inequalities.iter().enumerate() {
            let mut set = |first: usize, value: i128| {
                for (i, limb) in limbs_of(value.unsigned_abs()).into_iter().enumerate() {
                    let limb = F::from_u64(limb);
                    columns[first + i][row] = if value < 0 { -limb } else { limb };
                }
            };
            set(USED, 1);
            for t in 0..TERMS {
                set(FACTORS + t * FACTOR_LIMBS, term(inequality, t).1);
            }
            set(CONSTANT, inequality.constant);
            for t in 0..TERMS {
                columns[REGISTERS + t][row] = F::from_usize(SALTS + term(inequality, t).0);
            }
        }
        columns
    }

    fn row<B: RowBuilder<FiguresRow>>(&self, b: &mut B) {
        let used = b.pinned("FIGURES-1", USED);
        let mut sum = factor(b, CONSTANT);
        for t in 0..TERMS {
            let register = b.pinned("FIGURES-1", REGISTERS + t);
            let value: Vec<B::E> = (0..REGISTER_LIMBS)
                .map(|i| {
                    let cell = b.cell(|w| F::from_u64(gadgets::limbs::limb_of(w[t], i)));
                    b.zero("FIGURES-2", (b.one() - used.clone()) * cell.clone());
                    cell
                })
                .collect();
            let mut message = vec![register.clone()];
            message.extend(value.iter().cloned());
            b.lookup(TOTALS, &register, used.clone(), &message);
            // They are range-checked in the totals.
            let value = Limbs::declared(b, "FIGURES-3", value).sum();
            sum = sum.plus_product(&value, &factor(b, FACTORS + t * FACTOR_LIMBS));
        }
        sum.assert_non_negative(b, "FIGURES-3");
    }
}

/// A public number whose limbs have its sign.
fn factor<B: RowBuilder<FiguresRow>>(b: &mut B, column: usize) -> Sum<B::E> {
    let limbs = (0..FACTOR_LIMBS).map(|i| b.fixed(column + i)).collect();
    Sum::declared(b, "FIGURES-3", limbs, LIMB_MAX)
}
