//! Securitization deals: a documented JSON file, and the integers that a payment date is computed from.
//!
//! - [`Deal`]: what the file says. Names refer to what the deal itself lists; numbers with a point stand in quotes.
//! - [`step`]: what waterfalls are made of.
//! - [`Plan`]: a valid deal with its names resolved and its numbers in cents; [`Deal::validate`] makes one.
//!
//! [`waterfall`](crate::waterfall) runs a deal. A deal has no tranche for its equity: equity is what the pool has
//! beyond the tranches, and it receives what [`Action::PayResidual`](step::Action::PayResidual) pays.
//!
//! Who knows AbsBox finds its `payFee`, `payInt`, `payPrin`, `payPrinBySeq`, `transfer`, `payIntResidual`, its
//! `support` and `limit` of a step, and reserve accounts with a `gap` and an `excess`. There is no action for turbo: it
//! is `pay_principal` from the account in which interest is collected. [`import::absbox`](crate::import::absbox) reads
//! AbsBox's own deals.

mod plan;
mod resolve;
pub mod step;

use records::units::Cents;
use std::collections::BTreeMap;
use std::fmt;

use fixed::Decimal;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use plan::{
    AccountPlan, AmountPlan, Charge, CleanUpPlan, FeePlan, PERCENT, PaymentPlan, Plan, Rate,
    StepPlan, TestPlan, TranchePlan, TriggerPlan, WHOLE, Waterfall, WhenPlan,
};
use step::{Bound, Measure, Step, When};

/// Decimals of money: cents.
pub const CENT_DECIMALS: u8 = 2;
/// Most decimals of a percentage.
pub const PERCENT_DECIMALS: u8 = 6;
/// Amounts of a deal are below this.
pub const MAX_CENTS: Cents = Cents(1 << 56);
/// Most entries of any list of a deal.
pub const MAX_ENTRIES: usize = 64;
/// Most payment dates that a deal lists, and most steps of a rate and dated amounts of a fee.
pub const MAX_PAYMENTS: usize = 1_200;
/// Most months whose collections one payment date pays.
pub const MAX_MONTHS: u32 = 60;
/// Most days from closing to legal final maturity: a hundred years.
pub const MAX_DAYS: i64 = 36_525;
/// Most bytes of a deal, as JSON.
pub const MAX_BYTES: usize = 200_000;

/// A deal. Amounts are in its currency with at most two decimals, percentages have at most six.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deal {
    /// What investors know it by.
    pub name: String,
    /// What all amounts are in, such as `USD`.
    pub currency: String,
    /// When it closes and pays.
    pub dates: Dates,
    /// What the pool's loans owed at closing. What this is beyond the tranches is equity.
    pub original_pool: Decimal,
    /// Where cash lies: collection accounts, reserves.
    pub accounts: Vec<Account>,
    /// Which account receives what the pool brings in.
    pub collect: Collect,
    /// What is owed for services. Whether senior or junior is a matter of their place in the waterfalls.
    pub fees: Vec<Fee>,
    /// The notes, the most senior first: losses reach the last one first.
    pub tranches: Vec<Tranche>,
    /// What happens when the pool no longer covers the tranches.
    pub losses: Losses,
    /// What is measured each period, after collections and before payments.
    #[serde(default)]
    pub tests: Vec<Test>,
    /// What changes the course of payments. Where several switch one waterfall, the first that is tripped does.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Steps in their order, by name. `interest` runs first, then `principal`; others run instead of them when a
    /// trigger or the clean-up call says so.
    #[serde(deserialize_with = "distinct_names")]
    pub waterfalls: BTreeMap<String, Vec<Step>>,
    /// The call of the whole pool when little is left of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_up: Option<CleanUp>,
}

/// Dates, written `2026-11-21`. They are not moved for weekends and holidays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// The day from which interest accrues.
    pub closing: String,
    /// The first payment date, on a day of the month up to the 28th; the others are on the same day, unless `payments` lists them.
    pub first_payment: String,
    /// How often there are payments: how many months' collections each pays, unless `payments` says so.
    pub frequency: Frequency,
    /// The last day on which a payment may fall.
    pub legal_final: String,
    /// All payment dates, where they do not follow from the first one and the frequency: each later than the one before, none
    /// after `legal_final`, at most [`MAX_PAYMENTS`]. Their days of the month may be any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
}

/// A payment date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// The day.
    pub date: String,
    /// How many months' collections it pays, at most [`MAX_MONTHS`]; with none it pays from what accounts hold, right after the
    /// payment date before it.
    pub months: u32,
}

/// How often there are payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Every six months.
    Semiannual,
    /// Every year.
    Annual,
}

impl Frequency {
    /// Months from one payment date to the next.
    pub fn months(self) -> i64 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::Semiannual => 6,
            Self::Annual => 12,
        }
    }
}

/// Which part of a year a period is. Interest and fees accrue from one payment date (the first time, closing) to
/// the next, that day excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DayCount {
    /// Months have thirty days, years 360; a 31st counts as a 30th (30E/360, ISDA 2006 Definitions 4.16(g)).
    #[serde(rename = "30/360")]
    Thirty360,
    /// The same by the rule of the United States (MSRB rule G-33, SIA), with its rules for the end of February:
    /// [`days_30_360_us`](records::date::days_30_360_us).
    #[serde(rename = "30/360 US")]
    Thirty360Us,
    /// Days that passed, of 360.
    #[serde(rename = "ACT/360")]
    Actual360,
    /// Days that passed, of 365, also in leap years.
    #[serde(rename = "ACT/365")]
    Actual365,
}

impl DayCount {
    /// The rule in words: what a deal writes as `30/360` is 30E/360.
    pub fn words(self) -> &'static str {
        match self {
            Self::Thirty360 => "30E/360",
            Self::Thirty360Us => "30/360 US",
            Self::Actual360 => "ACT/360",
            Self::Actual365 => "ACT/365 fixed",
        }
    }

    /// The days that a year counts.
    pub fn year(self) -> u64 {
        match self {
            Self::Thirty360 | Self::Thirty360Us | Self::Actual360 => 360,
            Self::Actual365 => 365,
        }
    }

    /// The days from one date to a later one.
    pub fn days(self, from: i64, to: i64) -> u64 {
        let days = match self {
            Self::Thirty360 => records::date::days_30_360(from, to),
            Self::Thirty360Us => records::date::days_30_360_us(from, to),
            Self::Actual360 | Self::Actual365 => to - from,
        };
        days.max(0).unsigned_abs()
    }
}

/// A cash account. It bears no interest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// What is paid in at closing.
    #[serde(default = "zero")]
    pub opening: Decimal,
    /// What a reserve should hold, rounded up: the `gap` and the `excess` of a transfer are measured from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Amount>,
}

fn zero() -> Decimal {
    Decimal::ZERO
}

/// Which account receives what. The cash in accounts of principal covers the tranches just as loans do, so no
/// principal, and nothing from repurchases, may be collected where interest is. Recoveries may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// Interest.
    pub interest: String,
    /// Principal, scheduled and prepaid.
    pub principal: String,
    /// Recoveries from loans that had defaulted.
    pub recoveries: String,
    /// What loans were bought back for.
    pub repurchased: String,
}

/// A fee. What is not paid when due is owed in the next period, without interest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Its name.
    pub name: String,
    /// How much it is.
    pub amount: FeeAmount,
}

/// How much a fee is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FeeAmount {
    /// So much a period.
    Fixed(Decimal),
    /// A part of what the pool's loans owed at the period's start, rounded down.
    PercentOfPool {
        /// Percent a year.
        percent: Decimal,
        /// Which part of a year the period is.
        day_count: DayCount,
    },
    /// So much on certain days. Each falls due on the first payment date that is not before its day.
    Dated(Vec<DatedAmount>),
}

/// An amount that falls due on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedAmount {
    /// The day.
    pub date: String,
    /// How much.
    pub amount: Decimal,
}

/// A tranche of notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tranche {
    /// Its name.
    pub name: String,
    /// What is owed at closing.
    pub balance: Decimal,
    /// Its interest, on what is owed at the period's start, rounded down.
    pub coupon: Coupon,
    /// Which part of a year a period is.
    pub day_count: DayCount,
    /// What becomes of interest that is not paid when due.
    pub shortfall: Shortfall,
}

/// Interest, in percent a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Coupon {
    /// Always the same.
    Fixed(Decimal),
    /// Another rate from certain days on. A period in which it changes bears each rate for its days.
    Stepped {
        /// The first rate.
        rate: Decimal,
        /// The later ones, each from a later day on.
        steps: Vec<RateStep>,
    },
    /// An index and a margin, between floor and cap.
    Floating {
        /// The name of the index, whose values are given period by period.
        index: String,
        /// What is added, 0 to 100.
        margin: Decimal,
        /// The least rate, zero if not given.
        #[serde(skip_serializing_if = "Option::is_none")]
        floor: Option<Decimal>,
        /// The largest rate.
        #[serde(skip_serializing_if = "Option::is_none")]
        cap: Option<Decimal>,
    },
}

/// A rate from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    /// The first day that bears it.
    pub from: String,
    /// The rate, 0 to 100.
    pub rate: Decimal,
}

/// What becomes of interest that is not paid when due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortfall {
    /// It is never owed again.
    Lost,
    /// It is owed in the next period.
    Carried,
    /// It is owed in the next period, with interest at the tranche's rate, rounded down.
    Compounding,
}

/// What happens when the tranches are owed more than the pool's loans owe and the accounts of principal hold.
/// Equity bears losses first, since it is what covers the tranches beyond their balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Losses {
    /// It is recorded in ledgers, the last tranche's first up to its balance, then the one's before it. Balances stay,
    /// and so does interest. The step `cure_deficiency` pays into the account of principal what ledgers hold.
    Ledgers,
    /// After payments, balances are written down by it, the last tranche's first. Later recoveries write balances up
    /// again before payments, the most senior first, as far as there is cover.
    WriteDown,
}

/// An amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Amount {
    /// Always the same.
    Fixed(Decimal),
    /// A part of something. Where it is used says how it is rounded.
    Percent {
        /// How much of it, 0 to 100.
        percent: Decimal,
        /// Of what.
        of: Base,
        /// The least it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        floor: Option<Decimal>,
    },
}

/// What percentages are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// What the pool's loans owe at the period's end.
    Pool,
    /// What they owed at closing.
    OriginalPool,
    /// What all tranches are owed when the amount is asked for.
    Tranches,
    /// What all tranches were owed at closing.
    OriginalTranches,
}

/// Something measured, and what it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// What is measured, in percent.
    pub measure: Measure,
    /// When it passes. The exact value counts, not what is shown of it; a measure with nothing to divide by passes.
    pub passes: Bound,
}

/// A condition that, once true, changes the course of payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// When it is tripped; it may look at triggers that stand before it.
    pub when: When,
    /// Whether it is reset when the condition no longer holds.
    pub curable: bool,
    /// Which waterfall it replaces, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch: Option<Switch>,
}

/// A waterfall that runs instead of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// `interest` or `principal`.
    pub waterfall: String,
    /// The name of what runs instead.
    pub to: String,
}

/// The call of the whole pool. It can be exercised in a period at whose end loans would owe less than `below`; it is
/// exercised if then all of them are repurchased. Its waterfall runs instead of both others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanUp {
    /// Percent of what loans owed at closing.
    pub below: Decimal,
    /// The waterfall that distributes what all accounts hold.
    pub waterfall: String,
}

/// A deal that contradicts itself or exceeds a bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DealError {
    /// Where, such as `waterfalls.interest[3].account`.
    pub place: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl Deal {
    /// Checks what a file or a claim says.
    ///
    /// # Errors
    /// Names the first place that is wrong.
    pub fn validate(&self) -> Result<(), DealError> {
        self.plan().map(drop)
    }

    /// How many bytes the deal has as JSON: at most [`MAX_BYTES`].
    ///
    /// # Errors
    /// If it has more than a verifier should read.
    pub fn check_size(&self) -> Result<usize, DealError> {
        let size = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        match size <= MAX_BYTES {
            true => Ok(size),
            false => Err(DealError {
                place: "size".into(),
                problem: format!("it has more than {MAX_BYTES} bytes"),
            }),
        }
    }

    /// The deal with its names resolved and its numbers in cents.
    ///
    /// # Errors
    /// Names the first place that is wrong.
    pub fn plan(&self) -> Result<Plan, DealError> {
        resolve::plan(self)
    }
}

/// An object's members by name. One that names a member twice is refused: of two waterfalls a map would keep one.
fn distinct_names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<Step>>, D::Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = BTreeMap<String, Vec<Step>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of waterfalls")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = BTreeMap::new();
            while let Some((name, steps)) = map.next_entry::<String, Vec<Step>>()? {
                if members.contains_key(&name) {
                    return Err(A::Error::custom(format!(
                        "the waterfall `{name}` stands twice; rename one"
                    )));
                }
                members.insert(name, steps);
            }
            Ok(members)
        }
    }

    deserializer.deserialize_map(Members)
}
