//! What all statements share: how a true claim is prepared and proven, the hidden state that runs through its parts, and
//! why a claim is refused.

mod anchor;
mod chain;
mod example;
mod given;
mod parts;
mod prepared;
mod refusal;
mod spoken;

pub use anchor::{Anchor, At, Link, NotLinked, link};
pub use chain::{Chain, States, totals};
pub use example::{AnyInputs, AnyPrepared, Example, Inputs, Size};
pub use given::{Given, Terms};
pub use parts::ProvingError;
pub use prepared::{Prepared, Provable};
pub use refusal::Refusal;
pub use spoken::Spoken;
