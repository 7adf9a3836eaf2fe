//! Multiply, divide by a public number, round down.

use stark::{F, RowBuilder};

use crate::compare::assert_at_most;
use crate::limbs::{AMOUNT_LIMBS, Amount, Sum, chunks_of, signed};

/// `floor(x * y / divisor)` for a public divisor in `1 .. 2^60`; the quotient must be below 2^60.
///
/// The remainder is committed to as well, and `x * y = quotient * divisor + remainder` holds over the
/// integers with `0 <= remainder < divisor`, so neither has a second value.
///
/// Constraint `id`: the equation (see [`Sum::assert_zero`]). That the remainder is below the divisor is a
/// comparison, with the constraints of [`compare`](crate::compare).
pub fn mul_div_floor<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    x: &Amount<B::E>,
    y: &Amount<B::E>,
    divisor: u64,
) -> Amount<B::E> {
    assert!(
        (1..1 << 60).contains(&divisor),
        "the divisor is public and has 60 bits"
    );
    let factors: Vec<B::E> = x.limbs().iter().chain(y.limbs()).cloned().collect();
    let product = |limbs: &[F]| {
        let value = |limbs: &[F]| {
            limbs
                .iter()
                .rev()
                .fold(0, |v, l| v << 10 | signed(*l) as u128)
        };
        value(&limbs[..AMOUNT_LIMBS]) * value(&limbs[AMOUNT_LIMBS..])
    };
    let divisor = u128::from(divisor);
    // A quotient that does not fit is cut: its witness then breaks the equation.
    let quotient = Amount::derive(b, &factors, |l| (product(l) / divisor % (1 << 60)) as u64);
    let remainder = Amount::derive(b, &factors, |l| (product(l) % divisor) as u64);
    let whole = Sum::product(&quotient.to_sum(), &Sum::constant(divisor as i128));
    Sum::product(&x.to_sum(), &y.to_sum())
        .minus(&whole)
        .minus(&remainder.to_sum())
        .assert_zero(b, id);
    let most = chunks_of((divisor - 1) as u64).map(|c| b.constant(stark::felt(c)));
    assert_at_most(b, &remainder.chunks(), &most);
    quotient
}
