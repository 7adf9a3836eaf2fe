//! What all statements share: how a true claim is prepared and proven, the hidden state that runs through its parts, and
//! why a claim is refused.

mod chain;
mod parts;
mod prepared;
mod refusal;

pub use chain::{Chain, States, totals};
pub use parts::{ProvingError, prove_claim};
pub use prepared::{Prepared, Provable};
pub use refusal::Refusal;
