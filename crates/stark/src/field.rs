//! The field every table is written over, and the extension the challenges come from.

pub use p3_field::{Algebra, Field, PrimeCharacteristicRing, PrimeField32};

/// KoalaBear, `p = 2^31 - 2^24 + 1`: cubing is a permutation, which makes Poseidon2 narrow.
pub type F = p3_koala_bear::KoalaBear;

/// The quintic extension (155 bits) all challenges are drawn from. The quartic one (124 bits) cannot
/// reach 100 proven bits on wide tables.
pub type EF = p3_field::extension::QuinticTrinomialExtensionField<F>;

/// The modulus of [`F`].
pub const P: u32 = F::ORDER_U32;

/// A field element from an unsigned integer below the modulus.
///
/// # Panics
/// If `value >= P`: a witness that needs reduction would have two encodings.
pub fn felt(value: u64) -> F {
    assert!(value < u64::from(P), "value does not fit the field");
    F::from_u64(value)
}

/// A field element from a signed integer of magnitude below `P / 2`.
///
/// # Panics
/// If `|value| >= P / 2`.
pub fn signed_felt(value: i64) -> F {
    assert!(
        value.unsigned_abs() < u64::from(P / 2),
        "value does not fit the field"
    );
    if value < 0 {
        -F::from_u64(value.unsigned_abs())
    } else {
        F::from_u64(value.unsigned_abs())
    }
}
