//! Unnormalized sums of products of numbers in limbs, and their signs.
//!
//! A [`Sum`] is an integer `sum coefficient[i] * 2^(10 i)` whose coefficients are expressions, with a bound on their magnitude
//! that every operation updates and asserts. Bounds come from what a sum is made of: [`Limbs`], [`SignedLimbs`](crate::limbs::SignedLimbs), constants; only what is
//! bounded otherwise is [declared](Sum::declared). Products accumulate and are normalized once, by [`Sum::sign`] or
//! [`Sum::assert_non_negative`].
//!
//! No carry is computed through a field inverse: every carry is range-checked and every equation between integers stays
//! below `p` in magnitude, so it holds over the integers.

use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder};

use crate::limbs::{LIMB_MAX, Limbs, join, limbs_of, signed};
use crate::range::{LIMB_BITS, limb};

const LIMB: u64 = 1 << LIMB_BITS;

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
/// Coefficients below this magnitude have carries of at most `(2^18 + 2^9) / 2^10`, which fit one limb.
const NARROW_BOUND: u64 = 1 << 18;

impl<E: Expr> Sum<E> {
    /// Zero.
    pub fn zero() -> Self {
        Self {
            coefficients: Vec::new(),
            bound: 0,
        }
    }

    /// From coefficients, least significant first, whose magnitude the caller declares to be at most `bound`: for what is
    /// bounded otherwise than by its type (bits, fixed columns, sums over rows, what another table checked). The interval
    /// reading proves the declaration under `id`.
    ///
    /// # Panics
    /// If the bound is too large to be normalized.
    pub fn declared<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        id: &'static str,
        coefficients: Vec<E>,
        bound: u64,
    ) -> Self {
        let sum = Self::new(coefficients, bound);
        sum.declare(b, id);
        sum
    }

    /// A bit, declared to be one.
    pub fn bit<W, B: RowBuilder<W, E = E>>(b: &mut B, id: &'static str, bit: E) -> Self {
        b.bounded(id, &bit, 0, 1);
        Self::new(vec![bit], 1)
    }

    /// From coefficients, each of magnitude at most `bound`.
    ///
    /// # Panics
    /// If the bound is too large to be normalized.
    pub(crate) fn new(coefficients: Vec<E>, bound: u64) -> Self {
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
            bound: LIMB_MAX,
        }
    }

    /// The same integer with a cell for each coefficient, so that they have degree 1. Constraint `id`: a cell is its
    /// coefficient.
    #[must_use]
    pub fn in_cells<W, B: RowBuilder<W, E = E>>(self, b: &mut B, id: &'static str) -> Self {
        let coefficients = self.coefficients.into_iter().map(|value| {
            let cell = b.derive([&value], |[v]| v);
            b.equal(id, cell.clone(), value);
            cell
        });
        Self {
            coefficients: coefficients.collect(),
            bound: self.bound,
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
        Self::zero().plus_product(a, b)
    }

    /// `self + a * b`, as [`product`](Self::product).
    #[must_use]
    pub fn plus_product(self, a: &Self, b: &Self) -> Self {
        let (n, m) = (a.coefficients.len(), b.coefficients.len());
        if n == 0 || m == 0 {
            return self;
        }
        let mut coefficients = self.coefficients;
        if coefficients.len() < n + m - 1 {
            coefficients.resize(n + m - 1, E::ZERO);
        }
        for (i, x) in a.coefficients.iter().enumerate() {
            for (j, y) in b.coefficients.iter().enumerate() {
                coefficients[i + j] += x.clone() * y.clone();
            }
        }
        let terms = n.min(m) as u64;
        let bound = terms
            .checked_mul(a.bound)
            .and_then(|bound| bound.checked_mul(b.bound))
            .and_then(|bound| bound.checked_add(self.bound))
            .expect("the product has too many or too large terms");
        Self::new(coefficients, bound)
    }

    /// The number that a one-hot selector points at: `sum selector[k] * values[k]`, limb by limb.
    ///
    /// # Panics
    /// If there is not one selector a value.
    pub fn selected(selectors: &[E], values: &[Limbs<E>]) -> Self {
        assert_eq!(selectors.len(), values.len(), "one selector per value");
        let len = values.iter().map(|v| v.len()).max().unwrap_or(0);
        let mut coefficients = vec![E::ZERO; len];
        for (selector, limbs) in selectors.iter().zip(values) {
            for (coefficient, limb) in coefficients.iter_mut().zip(limbs) {
                *coefficient += selector.clone() * limb.clone();
            }
        }
        Self::new(coefficients, LIMB_MAX)
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
    ) -> Limbs<E> {
        self.normalize(b, id, self.normal_limbs(), None)
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
        assert!(self.bound < NARROW_BOUND, "carries do not fit one limb");
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
                carry = limb(b, raised).into_inner() - F::from_u64(offset);
            }
            b.integer(id, value - carry.clone() * F::from_u64(LIMB));
        }
    }

    /// The limbs of an integer that is not negative and below `2^(10 n)`. Any other has no witness. Carries have one limb if the
    /// bound allows it.
    pub fn limbs_in<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        id: &'static str,
        n: usize,
    ) -> Limbs<E> {
        let limbs = Limbs::derive(b, &self.coefficients, n, |c| {
            let mut carry = 0i64;
            let mut value = 0u128;
            for i in 0..n {
                let sum = carry + c.get(i).map_or(0, |c| signed(*c));
                value |= (sum.rem_euclid(LIMB as i64) as u128) << (LIMB_BITS * i);
                carry = sum.div_euclid(LIMB as i64);
            }
            value
        });
        let rest = self.minus(&limbs.sum());
        match rest.bound < NARROW_BOUND {
            true => rest.assert_zero_narrow(b, id),
            false => rest.assert_zero(b, id),
        }
        limbs
    }

    /// A bit that is 1 if and only if the integer is negative, and the limbs of the integer (plus
    /// `2^(10 n)` for `n` limbs, if negative).
    pub fn sign<W, B: RowBuilder<W, E = E>>(&self, b: &mut B, id: &'static str) -> (Limbs<E>, E) {
        self.sign_in(b, id, self.normal_limbs())
    }

    /// The same in `n` limbs. A sum that does not fit them has no witness.
    ///
    /// # Panics
    /// If there are fewer limbs than coefficients.
    pub fn sign_in<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        id: &'static str,
        n: usize,
    ) -> (Limbs<E>, E) {
        assert!(self.coefficients.len() <= n, "a limb for each coefficient");
        let negative = b.derive_many(&self.coefficients, |c| F::from_bool(is_negative(c)));
        b.boolean(id, &negative);
        let limbs = self.normalize(b, id, n, Some(negative.clone()));
        (limbs, negative)
    }

    fn normalize<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        id: &'static str,
        n: usize,
        negative: Option<E>,
    ) -> Limbs<E> {
        self.declare(b, id);
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
            let low = limb(b, low);
            carry = if i + 1 == n {
                // The top: nothing is left, or minus one if the number is negative.
                negative.clone().map_or(E::ZERO, |negative| -negative)
            } else {
                carry_of(b, &value)
            };
            b.integer(
                id,
                value - (*low).clone() - carry.clone() * F::from_u64(LIMB),
            );
            limbs.push(low);
        }
        limbs.into_iter().collect()
    }
}

impl Sum<F> {
    /// A sum of so many coefficients that has no cells: to find length and bound of what a row will hold.
    ///
    /// # Panics
    /// If the bound is too large to be normalized.
    pub fn shape(coefficients: usize, bound: u64) -> Self {
        Self::new(vec![F::ZERO; coefficients], bound)
    }
}

/// The carry out of a coefficient: two range-checked limbs with an offset, so in `[-2^19, 2^19)`.
pub(crate) fn carry_of<W, B: RowBuilder<W>>(b: &mut B, value: &B::E) -> B::E {
    let parts = Limbs::derive(b, std::slice::from_ref(value), 2, |v| {
        let carry = signed(v[0]).div_euclid(LIMB as i64) + CARRY_OFFSET as i64;
        carry.max(0) as u128
    });
    join(&parts) - F::from_u64(CARRY_OFFSET)
}

/// Whether `sum coefficients[i] * 2^(10 i)` is negative; exact for any coefficients.
fn is_negative(coefficients: &[F]) -> bool {
    let mut carry = 0i64;
    for &c in coefficients {
        carry = (signed(c) + carry).div_euclid(LIMB as i64);
    }
    carry < 0
}
