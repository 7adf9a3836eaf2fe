//! A valid deal in integers: what is computed on a payment date, and what a circuit follows.

use super::step::{Action, Bound, Measure, Step, When};
use super::{Base, DayCount, Losses, Shortfall};
use records::units::Cents;

/// One percent, in units of [`PERCENT_DECIMALS`](super::PERCENT_DECIMALS).
pub const PERCENT: u64 = 1_000_000;
/// The whole of something: 100 percent.
pub const WHOLE: u64 = 100 * PERCENT;

/// A deal with its names resolved: tranches, fees, accounts, tests, triggers and waterfalls are known by their
/// place in these lists. Amounts are in cents, percentages in millionths of a percent, dates in days from 1970-01-01.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The deal's name.
    pub name: String,
    /// The day from which interest accrues.
    pub closing: i64,
    /// The payment dates up to legal final maturity.
    pub payments: Vec<PaymentPlan>,
    /// How many there are.
    pub periods: u32,
    /// What the pool's loans owed at closing.
    pub original_pool: Cents,
    /// The accounts.
    pub accounts: Vec<AccountPlan>,
    /// Where interest is collected.
    pub interest_account: usize,
    /// Where principal is collected.
    pub principal_account: usize,
    /// Where recoveries are collected.
    pub recoveries_account: usize,
    /// Where repurchases are collected.
    pub repurchased_account: usize,
    /// The fees.
    pub fees: Vec<FeePlan>,
    /// The tranches, the most senior first.
    pub tranches: Vec<TranchePlan>,
    /// What happens when the pool no longer covers the tranches.
    pub losses: Losses,
    /// The tests.
    pub tests: Vec<TestPlan>,
    /// The triggers.
    pub triggers: Vec<TriggerPlan>,
    /// The waterfalls, by their names' order.
    pub waterfalls: Vec<Waterfall>,
    /// The number of the waterfall `interest`.
    pub interest: usize,
    /// The number of the waterfall `principal`.
    pub principal: usize,
    /// The clean-up call.
    pub clean_up: Option<CleanUpPlan>,
}

/// A payment date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentPlan {
    /// The day.
    pub date: i64,
    /// How many months' collections it pays.
    pub months: usize,
}

/// A cash account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPlan {
    /// Its name.
    pub name: String,
    /// What is paid in at closing.
    pub opening: Cents,
    /// What it should hold.
    pub target: Option<AmountPlan>,
    /// Whether what it holds covers the tranches.
    pub is_principal: bool,
}

/// A fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeePlan {
    /// Its name.
    pub name: String,
    /// How much it is.
    pub charge: Charge,
}

/// How much a fee is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charge {
    /// So much a period.
    Fixed(Cents),
    /// Millionths of a percent a year of the pool.
    PercentOfPool(u64, DayCount),
    /// So much on each of these days, which rise or stand still.
    Dated(Vec<(i64, Cents)>),
}

/// A tranche.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranchePlan {
    /// Its name.
    pub name: String,
    /// What is owed at closing.
    pub original: Cents,
    /// Its rate.
    pub rate: Rate,
    /// Which part of a year a period is.
    pub day_count: DayCount,
    /// What becomes of interest that is not paid.
    pub shortfall: Shortfall,
}

/// A rate, in millionths of a percent a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Always the same.
    Fixed(u64),
    /// The first rate, and others from later days on.
    Stepped(u64, Vec<(i64, u64)>),
    /// An index and a margin, between floor and cap.
    Floating {
        /// The name of the index.
        index: String,
        /// What is added.
        margin: u64,
        /// The least rate.
        floor: u64,
        /// The largest rate.
        cap: Option<u64>,
    },
}

/// The larger of a number of cents and a part of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountPlan {
    /// The least it is, in cents.
    pub floor: Cents,
    /// Millionths of a percent of the base.
    pub percent: u64,
    /// Of what.
    pub of: Base,
}

impl AmountPlan {
    /// The amount in cents, rounded as told.
    pub fn cents(&self, base: Cents, up: bool) -> Cents {
        // At most the base, since the percentage is at most 100.
        let product = u128::from(base.0) * u128::from(self.percent);
        let whole = u128::from(WHOLE);
        let part = if up {
            product.div_ceil(whole)
        } else {
            product / whole
        };
        self.floor.max(Cents(part as u64))
    }
}

/// A test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPlan {
    /// Its name.
    pub name: String,
    /// What it measures.
    pub measure: Measure<usize>,
    /// When it passes, in millionths of a percent.
    pub passes: Bound<u64>,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerPlan {
    /// Its name.
    pub name: String,
    /// When it is tripped.
    pub when: WhenPlan,
    /// Whether it is reset.
    pub curable: bool,
    /// Which waterfall it replaces by which.
    pub switch: Option<(usize, usize)>,
}

/// A waterfall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waterfall {
    /// Its name.
    pub name: String,
    /// Its steps.
    pub steps: Vec<StepPlan>,
}

/// A step.
pub type StepPlan = Step<usize, AmountPlan, i64>;
/// A condition.
pub type WhenPlan = When<usize, i64>;
/// What a step does.
pub(crate) type ActionPlan = Action<usize, AmountPlan>;

/// The clean-up call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanUpPlan {
    /// Millionths of a percent of the original pool.
    pub below: u64,
    /// The waterfall that runs.
    pub waterfall: usize,
}

impl Plan {
    /// A period's first day (the last payment date, or closing) and its payment date, in days. Periods count from 1; after the last
    /// one nothing passes.
    pub fn dates(&self, period: u32) -> (i64, i64) {
        let number = period.max(1) as usize;
        let payment = |number: usize| self.payments.get(number).or(self.payments.last());
        let start = match number.checked_sub(2) {
            None => self.closing,
            Some(before) => payment(before).map_or(self.closing, |p| p.date),
        };
        (start, payment(number - 1).map_or(start, |p| p.date))
    }

    /// How many months' collections a period's payment date pays; none after the last one.
    pub fn months(&self, period: u32) -> Option<usize> {
        let payment = self.payments.get(period.max(1) as usize - 1);
        payment.map(|p| p.months)
    }

    /// What all tranches were owed at closing.
    pub fn original_tranches(&self) -> Cents {
        // Below 2^63: at most 64 tranches of less than 2^56.
        self.tranches.iter().map(|t| t.original).sum()
    }
}
