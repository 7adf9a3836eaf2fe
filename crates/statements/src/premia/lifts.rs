//! How far above EVaR each state's private EVaR is drawn.
//!
//! A receipt tells its trader what the private EVaR rose by. If that were EVaR itself, whoever has receipts over all markets
//! would solve for the inventory. So each private EVaR is drawn from the tolerance above the true one.

use gadgets::hash::{Domain, hash};
use records::units::Ticks;
use stark::{P, PrimeField32};
use venue::evar::Confidence;
use venue::premia::Evaluated;
use venue::rounding::Rounding;
use venue::state::VenueState;

use crate::account::{PublicDigest, Secret, text_digest};
use crate::venues::commitments::state_elements;

/// Draws how far each private EVaR lies above the true one. A draw follows from the secret and all that EVaR depends on, so
/// proving again gives the same, a change that leaves the state as it was pays nothing, and who comes back to a state learns
/// nothing new of it. Where scenarios, confidence, tolerance or the first state are others, so are all draws: two claims with the
/// same draws would tell their difference exactly.
pub(super) struct Lifts<'a> {
    secret: &'a Secret,
    depends_on: Vec<stark::F>,
    rounding: Rounding,
}

impl<'a> Lifts<'a> {
    pub fn new(
        before: &PublicDigest,
        secret: &'a Secret,
        scenarios: &str,
        confidence: Confidence,
        rounding: &Rounding,
    ) -> Self {
        let terms = (scenarios, confidence, rounding.grid, rounding.tolerance);
        let text = serde_json::to_string(&terms).expect("plain data");
        let mut depends_on = before.elements().to_vec();
        depends_on.extend(text_digest(Domain::Lift, &text));
        Self {
            secret,
            depends_on,
            rounding: *rounding,
        }
    }

    /// How far the EVaR of a state is lifted: uniform from zero to the room that it has, rounded down to a tick. What it
    /// collected since the day's first state, which had `collected`, plays no part, as it follows from the draws.
    pub fn of(&self, e: &Evaluated, collected: Ticks<u64>) -> Ticks<u64> {
        let room = self.rounding.room(e).expect("checked when it was chosen");
        let state = VenueState {
            collected,
            ..e.state.clone()
        };
        let mut seed = self.depends_on.clone();
        seed.extend(state_elements(&state));
        let drawn = self.secret.salt_for(&hash(Domain::Lift, &seed));
        // Two elements are a number below p^2, about 2^62: all ticks of the room are as likely, to within 2^-62 of it.
        let [high, low] = [drawn[0], drawn[1]].map(|x| u128::from(x.as_canonical_u32()));
        let p = u128::from(P);
        Ticks(((high * p + low) * (u128::from(room) + 1) / (p * p)) as u64)
    }
}
