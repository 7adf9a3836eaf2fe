//! All that an investor asks of a pool at once, and the answer.

use serde::{Deserialize, Serialize};

use super::eligibility::{PoolError, check_eligibility};
use super::figures::{Claimed, Figure, Wanted};
use super::standing::{Counts, Standings, check_closed};
use super::tape::Tape;

/// What is to be claimed of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Rules that every loan satisfies unless it is closed.
    #[serde(default)]
    pub eligibility: Vec<String>,
    /// Figures, and how they are shown.
    #[serde(default)]
    pub figures: Vec<Figure<Wanted>>,
}

/// What is true of a pool whose loans satisfy all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How many loans are open, and how many were given up.
    pub counts: Counts,
    /// The figures, as they can be claimed.
    pub figures: Vec<Figure<Claimed>>,
}

impl Terms {
    /// Whether a pool is what these terms say: ids are distinct, closed loans owe nothing, all others satisfy every rule, and
    /// every figure has a value within its bound.
    ///
    /// # Errors
    /// Names the loans, the rule or the figure that is not as it should be.
    pub fn check(&self, tape: &Tape) -> Result<Facts, PoolError> {
        tape.check()?;
        check_closed(tape)?;
        check_eligibility(tape, &self.eligibility)?;
        let figures = self.figures.iter().map(|f| f.claim(tape));
        Ok(Facts {
            figures: figures.collect::<Result<_, _>>()?,
            counts: Standings::new(&tape.template).counts(&tape.loans),
        })
    }
}
