//! Exact integers in a 31-bit field: 10-bit limbs, unnormalized sums of products, and their signs.
//!
//! - [`Amount`]: a 60-bit quantity in six range-checked limbs. Holding one is the evidence.
//! - [`Sum`]: an integer `sum coefficient[i] * 2^(10 i)` whose coefficients are expressions, with a
//!   bound on their magnitude that every operation updates and asserts. Products accumulate here
//!   and are normalized once, by [`Sum::sign`] or [`Sum::assert_non_negative`].
//!
//! No carry is computed through a field inverse: every carry is range-checked and every equation
//! between integers stays below `p` in magnitude, so it holds over the integers.

use stark::{Expr, F, P, PrimeCharacteristicRing, PrimeField32, RowBuilder};

use crate::range::{LIMB_BITS, limb};

/// Limbs of an [`Amount`].
pub const AMOUNT_LIMBS: usize = 6;
/// Bits of an [`Amount`].
pub const AMOUNT_BITS: usize = AMOUNT_LIMBS * LIMB_BITS;
/// Chunks of 20 bits in an [`Amount`].
pub const CHUNKS: usize = 3;
const LIMB: u64 = 1 << LIMB_BITS;

/// The 10-bit limb `index` of a number.
pub fn limb_of(value: u128, index: usize) -> u64 {
    ((value >> (LIMB_BITS * index)) % u128::from(LIMB)) as u64
}

/// The three 20-bit chunks of a number below 2^60.
pub fn chunks_of(value: u64) -> [u64; CHUNKS] {
    std::array::from_fn(|i| (value >> (2 * LIMB_BITS * i)) % (LIMB * LIMB))
}

/// The two 30-bit halves of a number below 2^60, low first: how amounts enter hashes.
pub fn halves_of(value: u64) -> [F; 2] {
    [F::from_u64(value % (1 << 30)), F::from_u64(value >> 30)]
}

/// The integer of least magnitude that a field element stands for.
pub fn signed(x: F) -> i64 {
    let v = i64::from(x.as_canonical_u32());
    if v > i64::from(P / 2) {
        v - i64::from(P)
    } else {
        v
    }
}

/// A number below 2^60 in six limbs below 2^10. The limbs are range-checked: only [`Amount::read`]
/// makes one.
#[derive(Clone, Debug)]
pub struct Amount<E> {
    limbs: [E; AMOUNT_LIMBS],
}

impl<E: Expr> Amount<E> {
    /// Reads an amount from the witness: six cells, six lookups.
    pub fn read<W, B: RowBuilder<W, E = E>>(b: &mut B, hint: impl Fn(&W) -> u64) -> Self {
        let limbs = std::array::from_fn(|i| {
            let cell = b.cell(|w| F::from_u64(limb_of(u128::from(hint(w)), i)));
            limb(b, &cell);
            cell
        });
        Self { limbs }
    }

    /// An amount computed from expressions of the same row: six cells, six lookups.
    pub fn derive<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        from: &[E],
        hint: impl Fn(&[F]) -> u64,
    ) -> Self {
        let limbs = std::array::from_fn(|i| {
            let cell = b.derive_many(from, |v| F::from_u64(limb_of(u128::from(hint(v)), i)));
            limb(b, &cell);
            cell
        });
        Self { limbs }
    }

    /// The limbs, least significant first.
    pub fn limbs(&self) -> &[E; AMOUNT_LIMBS] {
        &self.limbs
    }

    /// The three 20-bit chunks.
    pub fn chunks(&self) -> [E; CHUNKS] {
        std::array::from_fn(|i| join(&self.limbs[2 * i..2 * i + 2]))
    }

    /// The two 30-bit halves, low first; canonical, since the limbs are.
    pub fn halves(&self) -> [E; 2] {
        [join(&self.limbs[..3]), join(&self.limbs[3..])]
    }

    /// The amount as an exact integer.
    pub fn to_sum(&self) -> Sum<E> {
        Sum {
            coefficients: self.limbs.to_vec(),
            bound: LIMB - 1,
        }
    }
}

/// `sum limbs[i] * 2^(10 i)`. The caller knows that it stays below `p`.
pub fn join<E: Expr>(limbs: &[E]) -> E {
    let mut value = E::ZERO;
    for limb in limbs.iter().rev() {
        value = value * F::from_u64(LIMB) + limb.clone();
    }
    value
}

/// An integer `sum coefficient[i] * 2^(10 i)` with coefficients of magnitude at most `bound`.
#[derive(Clone, Debug)]
pub struct Sum<E> {
    coefficients: Vec<E>,
    bound: u64,
}

/// Bits of a normalization carry: two limbs, offset to be signed.
const CARRY_BITS: usize = 2 * LIMB_BITS;
const CARRY_OFFSET: u64 = 1 << (CARRY_BITS - 1);
/// Coefficients up to this magnitude can be normalized: the carry out of one is at most
/// `(2^29 - 2^20 + 2^19) / 2^10 < 2^19`, and the carry equation stays below `2^29 + 2^29 + 2^20 < p`.
const MAX_BOUND: u64 = (1 << 29) - (1 << 20);

impl<E: Expr> Sum<E> {
    /// Zero.
    pub fn zero() -> Self {
        Self {
            coefficients: Vec::new(),
            bound: 0,
        }
    }

    /// From coefficients, least significant first, each of magnitude at most `bound`; the caller
    /// knows why.
    ///
    /// # Panics
    /// If the bound is too large to be normalized.
    pub fn new(coefficients: Vec<E>, bound: u64) -> Self {
        assert!(
            bound <= MAX_BOUND,
            "the sum has too many or too large terms: 2^{:.1}",
            (bound as f64).log2()
        );
        Self {
            coefficients,
            bound,
        }
    }

    /// A public constant.
    pub fn constant(value: i128) -> Self {
        let sign = if value < 0 { F::NEG_ONE } else { F::ONE };
        let coefficients = limbs_of(value.unsigned_abs())
            .into_iter()
            .map(|l| E::from(sign * F::from_u64(l)))
            .collect();
        Self {
            coefficients,
            bound: LIMB - 1,
        }
    }

    /// The coefficients, least significant first.
    pub fn coefficients(&self) -> &[E] {
        &self.coefficients
    }

    /// The bound on their magnitude.
    pub fn bound(&self) -> u64 {
        self.bound
    }

    /// `self + other`.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.combine(other, false)
    }

    /// `self - other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.combine(other, true)
    }

    fn combine(&self, other: &Self, negate: bool) -> Self {
        let len = self.coefficients.len().max(other.coefficients.len());
        let at = |s: &Self, i: usize| s.coefficients.get(i).cloned().unwrap_or(E::ZERO);
        let coefficients = (0..len)
            .map(|i| {
                if negate {
                    at(self, i) - at(other, i)
                } else {
                    at(self, i) + at(other, i)
                }
            })
            .collect();
        let bound = self.bound.checked_add(other.bound);
        Self::new(coefficients, bound.expect("bounds are far below 2^63"))
    }

    /// `self * 2^(10 limbs)`.
    #[must_use]
    pub fn shifted(&self, limbs: usize) -> Self {
        let mut coefficients = vec![E::ZERO; limbs];
        coefficients.extend(self.coefficients.iter().cloned());
        Self {
            coefficients,
            bound: self.bound,
        }
    }

    /// `self * bit` for a bit; raises the degree by one.
    #[must_use]
    pub fn times_bit(&self, bit: &E) -> Self {
        let coefficients = self
            .coefficients
            .iter()
            .map(|c| c.clone() * bit.clone())
            .collect();
        Self {
            coefficients,
            bound: self.bound,
        }
    }

    /// `a * b` for two numbers whose coefficients are bounded: schoolbook, not normalized.
    #[must_use]
    pub fn product(a: &Self, b: &Self) -> Self {
        let (n, m) = (a.coefficients.len(), b.coefficients.len());
        if n == 0 || m == 0 {
            return Self::zero();
        }
        let mut coefficients = vec![E::ZERO; n + m - 1];
        for (i, x) in a.coefficients.iter().enumerate() {
            for (j, y) in b.coefficients.iter().enumerate() {
                coefficients[i + j] += x.clone() * y.clone();
            }
        }
        let terms = n.min(m) as u64;
        let bound = terms
            .checked_mul(a.bound)
            .and_then(|bound| bound.checked_mul(b.bound))
            .expect("the product has too many or too large terms");
        Self::new(coefficients, bound)
    }

    /// A public number chosen by a one-hot selector: `sum selector[k] * values[k]`, limb by limb.
    pub fn selected(selectors: &[E], values: &[u128]) -> Self {
        assert_eq!(selectors.len(), values.len(), "one selector per value");
        let limbs: Vec<Vec<u64>> = values.iter().map(|&v| limbs_of(v)).collect();
        let len = limbs.iter().map(Vec::len).max().unwrap_or(0);
        let coefficients = (0..len)
            .map(|i| {
                let mut sum = E::ZERO;
                for (selector, limbs) in selectors.iter().zip(&limbs) {
                    if let Some(&l) = limbs.get(i).filter(|&&l| l != 0) {
                        sum += selector.clone() * F::from_u64(l);
                    }
                }
                sum
            })
            .collect();
        Self {
            coefficients,
            bound: LIMB - 1,
        }
    }

    /// Declares the bound on the coefficients.
    fn declare<W, B: RowBuilder<W, E = E>>(&self, b: &mut B, id: &'static str) {
        let bound = self.bound as i64;
        for coefficient in &self.coefficients {
            b.bounded(id, coefficient, -bound, bound);
        }
    }

    /// How many limbs a normalized value of this magnitude needs.
    fn normal_limbs(&self) -> usize {
        // |value| <= bound * 2^(10 n) / (2^10 - 1) < 2^(10 (n + k)) for the least k with bound < 2^(10 k).
        let extra = (u64::BITS - self.bound.leading_zeros()) as usize;
        // At least one, which pins the sign of a sum without terms.
        (self.coefficients.len() + extra.div_ceil(LIMB_BITS)).max(1)
    }

    /// Requires the integer to be non-negative and gives its limbs, range-checked.
    ///
    /// Constraint `id`: `coefficient + carry_in = limb + 2^10 carry_out`, from the least significant
    /// limb up, with the last carry zero.
    pub fn assert_non_negative<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        id: &'static str,
    ) -> Vec<E> {
        self.normalize(b, id, None)
    }

    /// Requires the integer to be zero.
    ///
    /// Constraint `id`: `coefficient + carry_in = 2^10 carry_out`, with the last carry zero.
    pub fn assert_zero<W, B: RowBuilder<W, E = E>>(&self, b: &mut B, id: &'static str) {
        self.declare(b, id);
        let mut carry = E::ZERO;
        for (i, coefficient) in self.coefficients.iter().enumerate() {
            let value = carry + coefficient.clone();
            carry = if i + 1 == self.coefficients.len() {
                E::ZERO
            } else {
                carry_of(b, &value)
            };
            b.integer(id, value - carry.clone() * F::from_u64(LIMB));
        }
    }

    /// Requires the integer to be zero, as [`Sum::assert_zero`], with carries of one limb.
    ///
    /// # Panics
    /// If the bound is 2^18 or more: then a carry, at most `(2^18 + 2^9) / 2^10`, might not fit.
    pub fn assert_zero_narrow<W, B: RowBuilder<W, E = E>>(&self, b: &mut B, id: &'static str) {
        assert!(self.bound < 1 << 18, "carries do not fit one limb");
        self.declare(b, id);
        let offset = LIMB / 2;
        let mut carry = E::ZERO;
        for (i, coefficient) in self.coefficients.iter().enumerate() {
            let value = carry + coefficient.clone();
            carry = E::ZERO;
            if i + 1 < self.coefficients.len() {
                let raised = b.derive([&value], |[v]| {
                    F::from_i64(
                        (signed(v).div_euclid(LIMB as i64) + offset as i64).rem_euclid(LIMB as i64),
                    )
                });
                limb(b, &raised);
                carry = raised - F::from_u64(offset);
            }
            b.integer(id, value - carry.clone() * F::from_u64(LIMB));
        }
    }

    /// A bit that is 1 if and only if the integer is negative, and the limbs of the integer (plus
    /// `2^(10 n)` for `n` limbs, if negative).
    pub fn sign<W, B: RowBuilder<W, E = E>>(&self, b: &mut B, id: &'static str) -> (Vec<E>, E) {
        let negative = b.derive_many(&self.coefficients, |c| F::from_bool(is_negative(c)));
        b.boolean(id, &negative);
        let limbs = self.normalize(b, id, Some(negative.clone()));
        (limbs, negative)
    }

    fn normalize<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        id: &'static str,
        negative: Option<E>,
    ) -> Vec<E> {
        self.declare(b, id);
        let n = self.normal_limbs();
        let mut carry = E::ZERO;
        let mut limbs = Vec::with_capacity(n);
        for i in 0..n {
            let mut value = carry.clone();
            if let Some(c) = self.coefficients.get(i) {
                value += c.clone();
            }
            let low = b.derive([&value], |[v]| {
                F::from_i64(signed(v).rem_euclid(LIMB as i64))
            });
            limb(b, &low);
            carry = if i + 1 == n {
                // The top: nothing is left, or minus one if the number is negative.
                negative.clone().map_or(E::ZERO, |negative| -negative)
            } else {
                carry_of(b, &value)
            };
            b.integer(id, value - low.clone() - carry.clone() * F::from_u64(LIMB));
            limbs.push(low);
        }
        limbs
    }
}

/// The carry out of a coefficient: two range-checked limbs with an offset, so in `[-2^19, 2^19)`.
pub(crate) fn carry_of<W, B: RowBuilder<W>>(b: &mut B, value: &B::E) -> B::E {
    let parts: [B::E; 2] = std::array::from_fn(|part| {
        let cell = b.derive([value], |[v]| {
            let carry = signed(v).div_euclid(LIMB as i64) + CARRY_OFFSET as i64;
            F::from_u64(limb_of(carry.max(0) as u128, part))
        });
        limb(b, &cell);
        cell
    });
    join(&parts) - F::from_u64(CARRY_OFFSET)
}

/// The limbs of a public number, without leading zeros.
pub fn limbs_of(value: u128) -> Vec<u64> {
    let bits = (u128::BITS - value.leading_zeros()) as usize;
    (0..bits.div_ceil(LIMB_BITS))
        .map(|i| limb_of(value, i))
        .collect()
}

/// Whether `sum coefficients[i] * 2^(10 i)` is negative; exact for any coefficients.
fn is_negative(coefficients: &[F]) -> bool {
    let mut carry = 0i64;
    for &c in coefficients {
        carry = (signed(c) + carry).div_euclid(LIMB as i64);
    }
    carry < 0
}
