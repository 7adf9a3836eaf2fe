//! What waterfalls are made of: steps, the conditions under which they run, and what tests measure.
//!
//! In a [`Deal`](super::Deal) names are texts, amounts are [`Amount`]s and dates are written out; in a
//! [`Plan`](super::Plan) names are places in the deal's lists, amounts are in cents, and dates are days.

use fixed::Decimal;
use serde::{Deserialize, Serialize};

use super::Amount;

/// One step of a waterfall: moves cash out of an account, as far as it reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step<N = String, A = Amount, D = String> {
    /// The account it takes from.
    pub account: N,
    /// What it does.
    #[serde(rename = "do")]
    pub action: Action<N, A>,
    /// The account that pays what `account` cannot: a reserve that is drawn. Not for `transfer` and `pay_residual`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<N>,
    /// The most that it moves, rounded down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<A>,
    /// When it runs; always, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When<N, D>>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action<N = String, A = Amount> {
    /// Pays fees, what is owed from before included.
    PayFee {
        /// Which.
        fees: Vec<N>,
        /// Who comes first.
        #[serde(default)]
        order: Order,
    },
    /// Pays interest, what is owed from before included.
    PayInterest {
        /// To which tranches.
        tranches: Vec<N>,
        /// Who comes first; in proportion to what is due, if `pro_rata`.
        #[serde(default)]
        order: Order,
    },
    /// Pays principal, up to what is owed.
    PayPrincipal {
        /// To which tranches.
        tranches: Vec<N>,
        /// Who comes first; in proportion to balances, if `pro_rata`.
        #[serde(default)]
        order: Order,
        /// Where it stops; only when nothing is owed, if not given.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Until<A>>,
    },
    /// Pays what the ledgers of tranches hold into the account where principal is collected. Whatever is paid lowers
    /// the most senior ledger first.
    CureDeficiency {
        /// Of which tranches.
        tranches: Vec<N>,
    },
    /// Moves cash to another account.
    Transfer {
        /// Which.
        to: N,
        /// How much.
        amount: Extent,
    },
    /// Pays all to equity.
    PayResidual,
}

/// Who is paid first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One after another, each in full before the next.
    #[default]
    Sequential,
    /// In proportion. In their order, each gets its share of what is left for it and those after it, rounded up to
    /// a cent: earlier ones gain less than a cent from later ones.
    ProRata,
}

/// Where a payment of principal stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Until<A = Amount> {
    /// When the step's tranches together owe no more than this, rounded down.
    Balance(A),
    /// When the pool's loans owe at least this, rounded up, more than all tranches are owed. Cash does not count, so
    /// a step that pays from interest stops where it should only after principal was paid.
    Overcollateralization(A),
}

/// How much a transfer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All there is.
    All,
    /// What the account it goes to lacks of its target.
    Gap,
    /// What the account it comes from holds beyond its target.
    Excess,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When<N = String, D = String> {
    /// All of these are true.
    All(Vec<Fact<N, D>>),
    /// At least one of these is true.
    Any(Vec<Fact<N, D>>),
}

impl<N, D> When<N, D> {
    /// What it looks at.
    pub fn facts(&self) -> &[Fact<N, D>] {
        match self {
            Self::All(facts) | Self::Any(facts) => facts,
        }
    }

    /// Whether it holds.
    pub fn holds(&self, is_true: impl FnMut(&Fact<N, D>) -> bool) -> bool {
        match self {
            Self::All(facts) => facts.iter().all(is_true),
            Self::Any(facts) => facts.iter().any(is_true),
        }
    }
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fact<N = String, D = String> {
    /// A test passed in this period.
    Passed(N),
    /// A test failed in this period.
    Failed(N),
    /// A trigger is tripped.
    Tripped(N),
    /// A trigger is not tripped.
    NotTripped(N),
    /// The payment date is this day or later.
    From(D),
    /// The payment date is before this day.
    Before(D),
}

/// What a test measures, in percent, when collections are in the accounts and nothing has been paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure<N = String> {
    /// What the pool's loans owe at the period's end and the accounts of principal hold, of what these tranches are
    /// owed. Name a tranche together with those senior to it.
    Overcollateralization {
        /// Which tranches.
        tranches: Vec<N>,
    },
    /// What the account of interest holds, less these fees, of the interest due to these tranches. What is owed from
    /// before counts as due.
    InterestCoverage {
        /// Which tranches.
        tranches: Vec<N>,
        /// Which fees are paid before them.
        #[serde(default = "Vec::new")]
        fees: Vec<N>,
    },
    /// What loans owed that have defaulted since closing, less recoveries so far (at least zero), of the original pool. While
    /// recoveries of a default are still to come, this is more than the loss that is realized in the end.
    CumulativeLoss,
    /// What loans owed that have defaulted since closing, whatever was recovered, of the original pool.
    CumulativeDefault,
    /// What loans owe that are at least so many days past due (30, 60 or 90), of what all owe at the period's end.
    Delinquency {
        /// Days past due.
        days: u32,
    },
    /// What the pool's loans owe at the period's end, of the original pool.
    PoolFactor,
}

/// When a test passes, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Bound<P = Decimal> {
    /// If the value is at least this; it is shown rounded down.
    AtLeast(P),
    /// If the value is at most this; it is shown rounded up.
    AtMost(P),
}
