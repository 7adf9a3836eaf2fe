//! Capital, providers' capital and the collected sum, from state to state.

use gadgets::limbs::{AMOUNT_LIMBS, Amount, LIMB_MAX, Limbs};
use gadgets::range::limb;
use gadgets::sum::Sum;
use records::units::Ticks;
use stark::{Expr, RowBuilder, When};
use venue::state::VenueState;

use super::states::{CHANGES, StateRow};
use crate::venues::tables::limb_felt;

/// An amount on this row and on the next one.
pub(super) struct Running<E> {
    pub now: Limbs<E>,
    pub after: Amount<E>,
}

/// One of capital, providers' capital and the collected sum.
pub(super) fn amount<B: RowBuilder<StateRow>>(
    b: &mut B,
    which: usize,
    of: fn(&VenueState) -> Ticks<u64>,
) -> Running<B::E> {
    let after = Amount::read(b, |w: &StateRow| w.amounts_after[which]);
    let now = (0..AMOUNT_LIMBS)
        .map(|i| {
            let (cell, next) = b.state(|w| limb_felt(of(&w.state).0.into(), i));
            let cell = limb(b, cell);
            let step = next - after.limbs()[i].clone();
            b.assert_zero("STATES-4", When::Transition, step);
            cell
        })
        .collect();
    Running { now, after }
}

impl<E: Expr> Running<E> {
    /// It grows by its public change, and by what comes in besides.
    pub fn grows<B: RowBuilder<StateRow, E = E>>(&self, b: &mut B, which: usize, besides: &Sum<E>) {
        let id = "STATES-4";
        let change = (0..AMOUNT_LIMBS)
            .map(|i| b.fixed(CHANGES + which * AMOUNT_LIMBS + i))
            .collect();
        let change = Sum::declared(b, id, change, LIMB_MAX);
        self.now
            .sum()
            .plus(&change)
            .plus(besides)
            .minus(&self.after.to_sum())
            .assert_zero(b, id);
    }
}
