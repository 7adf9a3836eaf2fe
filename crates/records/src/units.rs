//! Units of money and of quantities: numbers that cannot be mixed up.
//!
//! A type is a unit, its parameter the integer that counts it: [`Cents`] are `Cents<u64>`, a sum over a pool is
//! `Cents<u128>`, a profit in ticks is `Ticks<i64>`. Equal units add up and compare; a number of them is a unit times a plain
//! integer. Nothing else compiles. Where numbers enter a circuit or a price, `.0` says so. In files and claims a unit is its
//! plain number.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// Decimals of a tick: 10^-6 of the quote currency.
pub const TICK_DECIMALS: u8 = 6;
/// Subticks in a tick.
pub const SUBTICKS_PER_TICK: i128 = 1 << 20;
/// Amounts are below this many of their unit.
pub const MAX_AMOUNT: u64 = 1 << 60;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $default:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name<N = $default>(pub N);

        impl<N: Add<Output = N>> Add for $name<N> {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl<N: Sub<Output = N>> Sub for $name<N> {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl<N: Neg<Output = N>> Neg for $name<N> {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
        /// So many of it.
        impl<N: Mul<Output = N>> Mul<N> for $name<N> {
            type Output = Self;
            fn mul(self, count: N) -> Self {
                Self(self.0 * count)
            }
        }
        impl<N: AddAssign> AddAssign for $name<N> {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl<N: SubAssign> SubAssign for $name<N> {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
        impl<N: Sum> Sum for $name<N> {
            fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
                Self(all.map(|one| one.0).sum())
            }
        }
        impl<'a, N: Copy + Sum + 'a> Sum<&'a $name<N>> for $name<N> {
            fn sum<I: Iterator<Item = &'a $name<N>>>(all: I) -> Self {
                Self(all.map(|one| one.0).sum())
            }
        }
        /// The plain number.
        impl<N: fmt::Display> fmt::Display for $name<N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl $name<u64> {
            /// The sum, if it fits.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }
            /// The difference, unless it is negative.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
            /// The sum, or the largest number if it is more.
            pub fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
            /// The difference, or zero if it is negative.
            pub fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
        impl<N> $name<N> {
            /// Counted by a wider integer.
            pub fn widen<M: From<N>>(self) -> $name<M> {
                $name(M::from(self.0))
            }
            /// Counted by another integer, if it holds the number.
            pub fn narrow<M: TryFrom<N>>(self) -> Option<$name<M>> {
                M::try_from(self.0).ok().map($name)
            }
        }
    };
}

unit!(
    /// Hundredths of the currency of a loan pool or a deal.
    Cents, u64
);
unit!(
    /// 10^-6 of the quote currency.
    Ticks, i64
);
unit!(
    /// 2^-20 of a tick: the unit in which money is added up inside the proofs of a book.
    Subticks, i128
);
unit!(
    /// Lots of an instrument, the steps in which it is held and traded.
    Lots, u64
);

impl Subticks {
    /// In the quote currency, rounded towards minus infinity at a tick.
    pub fn to_quote(self) -> fixed::Decimal {
        fixed::Decimal::new(self.0.div_euclid(SUBTICKS_PER_TICK), TICK_DECIMALS)
    }
    /// In the quote currency, rounded towards plus infinity at a tick.
    pub fn to_quote_up(self) -> fixed::Decimal {
        fixed::Decimal::new(-(-self.0).div_euclid(SUBTICKS_PER_TICK), TICK_DECIMALS)
    }
}

impl<N: Into<i128>> Ticks<N> {
    /// In the quote currency, exactly.
    pub fn to_quote(self) -> fixed::Decimal {
        fixed::Decimal::new(self.0.into(), TICK_DECIMALS)
    }
    /// The same amount in subticks.
    pub fn to_subticks(self) -> Subticks {
        Subticks(self.0.into() * SUBTICKS_PER_TICK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_its_plain_number_in_files() {
        assert_eq!(
            serde_json::to_string(&[Cents(5), Cents(7)]).unwrap(),
            "[5,7]"
        );
        let read: Vec<Ticks> = serde_json::from_str("[-5,7]").unwrap();
        assert_eq!(read, [Ticks(-5), Ticks(7)]);
        assert!(serde_json::from_str::<Cents>("-1").is_err());
    }

    #[test]
    fn units_convert_exactly_and_round_down() {
        let quote = |text: &str| text.parse::<fixed::Decimal>().unwrap();
        assert_eq!(Ticks(-1_500_000i64).to_quote(), quote("-1.5"));
        assert_eq!(Ticks(3i64).to_subticks(), Subticks(3 << 20));
        assert_eq!(Subticks(-1).to_quote(), quote("-0.000001"));
        assert_eq!(
            [Cents(u64::MAX); 2]
                .map(Cents::widen::<u128>)
                .into_iter()
                .sum::<Cents<u128>>()
                .0,
            u128::from(u64::MAX) * 2
        );
        assert_eq!(Cents(u128::MAX).narrow::<u64>(), None);
    }
}
