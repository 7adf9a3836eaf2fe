//! The tables of the premia statement besides those that it [shares](crate::venues::tables). STATEMENT.md explains every
//! numbered constraint.

mod amounts;
pub mod funding;
pub mod holdings;
pub mod premia;
pub mod states;

use stark::Bus;

/// `[series, limbs]`: the totals of the above.
pub const TILTED: Bus = Bus::new("tilted");
/// `[limbs of the weights' sum]` of the last state.
pub const LAST: Bus = Bus::new("last");

/// Limbs of a tilted worth.
pub const WORTH_LIMBS: usize = 9;
