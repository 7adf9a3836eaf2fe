//! Loan pools: what a loan is, what an investor asks of a pool, and the answers.
//!
//! - [`template`]: which fields the loans of an asset class have; a data file, not code.
//! - [`tape`]: the loans.
//! - [`rules`]: the language of eligibility rules and strata.
//! - [`mod@states`]: the loans as what pays, month by month.
//! - [`remittance`]: what a servicer reports of a month, and the tape after it.
//! - [`standing`]: which loans count: open ones, those given up, those that are gone.
//! - [`eligibility`]: whether all loans satisfy the rules, and which do not.
//! - [`figures`]: counts, sums, averages, shares and concentrations, exact or bounded.
//! - [`measured`]: what a figure measures, as a fraction of sums.
//! - [`mod@notices`]: what is odd about a tape that can be used all the same.
//! - [`facts`]: all that is asked of a pool at once, and the answer.

pub mod eligibility;
pub mod facts;
pub mod figures;
pub mod measured;
pub mod notices;
pub mod remittance;
pub mod rules;
pub mod standing;
pub mod states;
pub mod tape;
pub mod template;

pub use facts::{Facts, Terms};
pub use figures::{Claimed, Figure, Measure, Over, PoolError, Wanted};
pub use rules::{Condition, RuleError};
pub use standing::{Counts, Standings};
pub use states::{LoanFields, StateError, states};
pub use tape::{Loan, Tape, TapeError};
pub use template::{Field, Kind, Template, template_words};
