//! The tables of the settlement statement. STATEMENT.md explains every numbered constraint.
//!
//! [`orders`] opens every receipt of the batch; a fill goes to the account's position in [`trades`], which says what it becomes and
//! what is realized; [`touched`] opens an account's leaf before and after, and books the cash; [`changes`] leads both leaves of all
//! touched accounts to the roots of the book before and after.

pub(crate) mod changes;
pub(crate) mod orders;
pub(crate) mod prices;
pub(crate) mod reserve;
pub(crate) mod secrets;
pub(crate) mod touched;
pub(crate) mod trades;

use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, When};

/// `[level, number in the level, digest before, digest after]`: a node of the book's tree below which something may have changed.
pub(crate) const CHANGES: Bus = Bus::new("change");
/// `[account, instrument, side, lots, cash (2), charge (2), quote]`: what an order traded.
pub(crate) const FILLS: Bus = Bus::new("fill");
/// `[account, whether it is used, six coefficients]`: the cash that an account's trades bring.
pub(crate) const FLOWS: Bus = Bus::new("flow");
/// `[account, whether its secret is shown, key (2), whether too little is free, whether its only order closes, and brings cash by that,
/// digest of its secret]`: answers lookups of accounts.
pub(crate) const ACCOUNTS: Bus = Bus::new("account");
/// `[account, 0, digest of its secret]` and `[account, 1, root of its secrets]`: the way from the one to the other.
pub(crate) const SECRETS: Bus = Bus::new("secret");
/// `[gap, key below (3 chunks), 1 if there is one, key above (3 chunks), 1 if there is one]`: answers lookups of keys of neighbours in
/// the book, between which there is no account.
pub(crate) const GAPS: Bus = Bus::new("gap");
/// `[instrument, price (4 limbs)]`: answers lookups of what cleared.
pub(crate) const PRICES: Bus = Bus::new("price");

/// `[instrument, digits of a lot's worst value held long, and short, fee (2 limbs)]`: answers lookups of what counts for reserves.
pub(crate) const TERMS: Bus = Bus::new("term");
/// `[row, account, instrument, most lots to buy, to sell, lots that the account's only order closes]`: answers lookups of positions.
pub(crate) const CLOSING: Bus = Bus::new("closing");
/// `[account, limb]`, as often as that limb of what its orders need says; behind the limbs once for an order that may be the only one
/// that closes, twice for any other; and behind that once for an order that has no room: a histogram.
pub(crate) const RESERVES: Bus = Bus::new("reserve");

/// The row's number, from zero.
pub(crate) fn number<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    of: impl Fn(&W) -> usize,
) -> B::E {
    let (row, next) = b.state(|w| F::from_usize(of(w)));
    b.assert_zero(id, When::First, row.clone());
    let step = next - row.clone() - b.one();
    b.assert_zero(id, When::Transition, step);
    row
}

/// One on the first row, else zero.
pub(crate) fn first<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    of: impl Fn(&W) -> usize,
) -> B::E {
    let (first, next) = b.state(|w| F::from_bool(of(w) == 0));
    let one = b.one();
    b.assert_zero(id, When::First, first.clone() - one);
    b.assert_zero(id, When::Transition, next);
    first
}

/// A bit that says whether a value is not zero.
pub(crate) fn is_nonzero<W, B: RowBuilder<W>>(b: &mut B, id: &'static str, value: &B::E) -> B::E {
    use stark::Field;
    let is = b.derive([value], |[v]| F::from_bool(v != F::ZERO));
    let inverse = b.derive([value], |[v]| v.try_inverse().unwrap_or(F::ZERO));
    b.zero(id, is.clone() - value.clone() * inverse.clone());
    let not = b.one() - is.clone();
    b.zero(id, not.clone() * value.clone());
    b.zero(id, not * inverse);
    is
}
