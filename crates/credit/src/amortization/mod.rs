//! How a loan's balance falls, month by month, and what that brings in.
//!
//! A month of a loan is a few integer steps, so that a proof can follow it: one product divided by the public
//! 12,000,000, then sums, differences and smaller-of-two. Amounts are in cents, rates in 10^-6 a year (4
//! decimals of a percent), terms in months.
//!
//! Interest is simple, a twelfth of the year's rate a month on what is owed, rounded down: `balance * rate /
//! 12,000,000`. Rounding down goes against the investor, who is promised no cent that the borrower may
//! dispute. Interest bears no interest.
//!
//! A level-pay loan pays no more than its instalment before maturity. Where that is less than the interest so far (as of a loan with
//! deferred interest, or one on which less was agreed), interest that comes due is the instalment, no principal comes due, and the
//! rest of the interest stays accrued: a later instalment that leaves room pays it, or maturity, when everything is due. Such a loan
//! is not late. What is deferred is not added to the balance and bears no interest, which is against the investor: a contract that
//! adds it (negative amortization) yields more. 120,000 at 5% with an instalment of 300 a month pays 300, and 200 a month are
//! deferred.
//!
//! A level-pay loan carries its instalment. It is not derived anew each month, and proving it costs one
//! product: it is `balance * factor / 10^12` rounded up, where the factor, [`annuity_factor`], depends on
//! rate and number of payments alone, hence is public for every pair and can stand in a table. (The other
//! certificate, that an instalment pays off the balance and one cent less does not, costs two rows for each
//! payment of the loan.) Rounded up, it never leaves more than an instalment for the last month, and is at
//! most 1.11 cents above the exact annuity, however large the loan.

mod annuity;
mod total;

use records::units::Cents;
use serde::{Deserialize, Serialize};

use crate::collections::Collections;

pub use annuity::{FACTOR_DECIMALS, annuity_factor, instalment};
pub use total::{add, roll_pool, then};

/// Most cents that a loan may owe.
pub const MAX_BALANCE: Cents = Cents(100_000_000_000);
/// The highest rate, in 10^-6 a year: 100%.
pub const MAX_RATE: u32 = 1_000_000;
/// The longest term, in months.
pub const MAX_TERM: u16 = 600;
/// Most days past due that are counted.
pub const MAX_DAYS: u16 = 9_999;
/// What balance times rate is divided by to give a month's interest: 12 months, and 10^6 of the rate.
pub const MONTH_DIVISOR: u64 = 12_000_000;
/// Most interest that a loan may owe, in cents: a loan at its limits reaches it after 100 years without a
/// payment.
pub const MAX_INTEREST: Cents = Cents(10_000_000_000_000);
/// Days by which a payment is later after another month.
const MONTH_DAYS: u16 = 30;

/// How often a loan pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Every six months.
    Semiannual,
    /// Every twelve months.
    Annual,
    /// At maturity.
    Once,
}

impl Frequency {
    /// The months between payments, counted back from maturity; `None` for a single one.
    pub const fn months(self) -> Option<u16> {
        match self {
            Self::Monthly => Some(1),
            Self::Quarterly => Some(3),
            Self::Semiannual => Some(6),
            Self::Annual => Some(12),
            Self::Once => None,
        }
    }
}

/// What is due when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The same instalment each time: interest, as far as it goes, and what is left of it principal. What is left at
    /// maturity is due then, interest and principal.
    LevelPay,
    /// Interest each time, the balance at maturity.
    InterestOnly,
    /// Interest and the balance at maturity.
    Bullet,
    /// The balance at maturity; it bears no interest, whatever rate it was discounted at.
    ZeroCoupon,
}

/// What became of a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Less than 30 days past due.
    Performing,
    /// 30 days past due or more.
    Delinquent,
    /// Given up; it no longer counts in the pool's balance. What it owes can still be recovered.
    Defaulted,
    /// Paid off, at maturity or before.
    Prepaid,
    /// Bought back.
    Repurchased,
}

impl Status {
    /// Whether it counts in the pool's balance.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Performing | Self::Delinquent)
    }

    /// Whether nothing more is owed.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Prepaid | Self::Repurchased)
    }
}

/// What is known of a loan at the end of a month. Cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoanState {
    /// What is owed, interest aside; of a defaulted loan, what may still be recovered of it. At most
    /// [`MAX_BALANCE`].
    pub balance: Cents,
    /// A year's interest, in 10^-6 of the balance. At most [`MAX_RATE`].
    pub rate: u32,
    /// Months to maturity, at most [`MAX_TERM`]; zero from then on.
    pub term: u16,
    /// How often it pays.
    pub frequency: Frequency,
    /// What is due when.
    pub rule: Rule,
    /// What a level-pay loan pays each time, else zero. At most twice [`MAX_BALANCE`].
    pub instalment: Cents,
    /// Interest that is not due yet: since the last date on which some was due, and what instalments did not cover. At most
    /// [`MAX_INTEREST`].
    pub accrued: Cents,
    /// Interest that was due and is not paid. At most [`MAX_INTEREST`].
    pub overdue_interest: Cents,
    /// Principal that was due and is not paid; part of the balance.
    pub overdue_principal: Cents,
    /// Days the oldest payment is late, at most [`MAX_DAYS`].
    pub days_past_due: u16,
    /// What became of it.
    pub status: Status,
}

/// What became of a loan during a month. Cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// So much came in from the borrower; nothing, if a payment was missed or none was due. It pays in this
    /// order: what is overdue of interest, what is due of principal, interest not yet due, principal early.
    Payment(Cents),
    /// It was given up: its balance leaves the pool, and interest stops.
    Default,
    /// So much came in from a loan that had defaulted before, maybe nothing.
    Recovery(Cents),
    /// It was bought back at this price: the balance, and at most the interest owed.
    Repurchase(Cents),
}

/// What comes due in a month. Cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Interest for the month, due or not.
    pub earned: Cents,
    /// Interest that comes due.
    pub interest: Cents,
    /// Principal that comes due.
    pub principal: Cents,
}

/// Why an event cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RollError {
    /// Only open loans pay, default or are bought back.
    #[error("the loan is {0:?}: of it nothing comes in but recoveries after a default")]
    Closed(Status),
    /// Recoveries follow defaults.
    #[error("the loan has not defaulted: what came in is a payment, no recovery")]
    NotDefaulted,
    /// More than is owed.
    #[error("{paid} cents came in, and only {owed} are owed")]
    TooMuch {
        /// What came in.
        paid: Cents,
        /// What is owed.
        owed: Cents,
    },
    /// A repurchase below par.
    #[error("it was bought back for {paid} cents, less than its balance of {owed}")]
    BelowPar {
        /// The price.
        paid: Cents,
        /// The balance.
        owed: Cents,
    },
    /// A loan without a balance has no schedule that its interest could come in by.
    #[error(
        "an open loan owes no balance but interest so far, which no schedule pays; state the interest as overdue, or close the loan"
    )]
    InterestOnly,
    /// A number outside its range.
    #[error("the {0} is outside its range")]
    Range(&'static str),
    /// A sum of a pool that does not fit.
    #[error("the pool's {0} does not fit 64 bits")]
    Overflow(&'static str),
}

/// The interest of a month: `balance * rate / 12,000,000` rounded down. Up to [`MAX_BALANCE`] and
/// [`MAX_RATE`] the product is at most 10^17 (57 bits), the interest below 8.4 * 10^9 (33 bits).
pub const fn month_interest(balance: Cents, rate: u32) -> Cents {
    Cents((balance.0 as u128 * rate as u128 / MONTH_DIVISOR as u128) as u64)
}

/// Whether something is due in the next month, and whether everything is, so many months before maturity.
/// Payments are due when the months left after it are a multiple of those between payments; at maturity, and
/// from then on, everything is. It depends on three small numbers, so it can be a public table of 601 * 5 * 4
/// rows.
pub fn is_due(term: u16, frequency: Frequency, rule: Rule) -> (bool, bool) {
    let left = term.saturating_sub(1);
    let between = match rule {
        Rule::Bullet => None,
        _ => frequency.months(),
    };
    (
        left == 0 || between.is_some_and(|m| left.is_multiple_of(m)),
        left == 0,
    )
}

impl LoanState {
    /// A loan that is not past due, with its instalment if it is level-pay.
    ///
    /// # Errors
    /// Names the number that is outside its range.
    pub fn new(
        balance: Cents,
        rate: u32,
        term: u16,
        frequency: Frequency,
        rule: Rule,
    ) -> Result<Self, RollError> {
        let instalment = match (rule, frequency.months()) {
            (Rule::LevelPay, Some(months)) if term > 0 => {
                instalment(balance, rate, months, term.div_ceil(months))?
            }
            _ => Cents(0),
        };
        Self::with_instalment(balance, rate, term, frequency, rule, instalment)
    }

    /// The same where the instalment is known: to compute one takes longer than to read a loan.
    ///
    /// # Errors
    /// Names the number that is outside its range.
    pub fn with_instalment(
        balance: Cents,
        rate: u32,
        term: u16,
        frequency: Frequency,
        rule: Rule,
        instalment: Cents,
    ) -> Result<Self, RollError> {
        let loan = Self {
            balance,
            rate,
            term,
            frequency,
            rule,
            instalment,
            accrued: Cents(0),
            overdue_interest: Cents(0),
            overdue_principal: Cents(0),
            days_past_due: 0,
            status: if balance == Cents(0) {
                Status::Prepaid
            } else {
                Status::Performing
            },
        };
        loan.check()?;
        Ok(loan)
    }

    /// Whether all numbers are in their ranges.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), RollError> {
        let ranges = [
            ("balance", self.balance <= MAX_BALANCE),
            ("rate", self.rate <= MAX_RATE),
            ("term", self.term <= MAX_TERM),
            ("instalment", self.instalment <= MAX_BALANCE * 2),
            ("accrued interest", self.accrued <= MAX_INTEREST),
            ("overdue interest", self.overdue_interest <= MAX_INTEREST),
            ("overdue principal", self.overdue_principal <= self.balance),
            ("days past due", self.days_past_due <= MAX_DAYS),
        ];
        match ranges.iter().find(|(_, fits)| !fits) {
            Some((name, _)) => Err(RollError::Range(name)),
            None => Ok(()),
        }
    }

    /// The loan, so many days past due. A tape does not say how much is overdue, so it is what whole months'
    /// payments would have been: their interest, and of level-pay loans what is left of the instalments, or, where these are
    /// less than the interest, the instalments; past maturity, the balance.
    #[must_use]
    pub fn past_due(mut self, days: u16) -> Self {
        let interest = self.month_interest();
        self.days_past_due = days.min(MAX_DAYS);
        let missed = u64::from(self.days_past_due / MONTH_DAYS);
        self.overdue_interest = interest * missed;
        if self.term == 0 {
            self.overdue_principal = self.balance;
        } else if let Some(months) = self.frequency.months() {
            let months = u64::from(months);
            let payments = missed / months;
            let principal = self.instalment.saturating_sub(interest * months);
            self.overdue_principal = (principal * payments).min(self.balance);
            if self.rule == Rule::LevelPay && self.instalment < interest * months {
                self.overdue_interest = self.instalment * payments;
            }
        }
        if self.status.is_open() {
            self.status = open_status(self.days_past_due);
        }
        self
    }

    /// A month's interest on the balance.
    pub fn month_interest(&self) -> Cents {
        match self.rule {
            Rule::ZeroCoupon => Cents(0),
            _ => month_interest(self.balance, self.rate),
        }
    }

    /// What the pool's balance counts of it.
    pub fn pool_balance(&self) -> Cents {
        if self.status.is_open() {
            self.balance
        } else {
            Cents(0)
        }
    }

    /// What comes due in the next month.
    pub fn due(&self) -> Due {
        if !self.status.is_open() {
            return Due::default();
        }
        let earned = self.month_interest();
        let (pays, last) = is_due(self.term, self.frequency, self.rule);
        if !pays {
            return Due {
                earned,
                ..Due::default()
            };
        }
        let total = self.accrued + earned;
        let not_due = self.balance - self.overdue_principal;
        let (interest, principal) = match self.rule {
            _ if last => (total, not_due),
            Rule::LevelPay => (
                total.min(self.instalment),
                self.instalment.saturating_sub(total).min(not_due),
            ),
            Rule::InterestOnly | Rule::Bullet | Rule::ZeroCoupon => (total, Cents(0)),
        };
        Due {
            earned,
            interest,
            principal,
        }
    }

    /// The event of a month in which all is paid that is due or overdue, and nothing early.
    pub fn as_scheduled(&self) -> Event {
        let due = self.due();
        match self.status {
            Status::Defaulted => Event::Recovery(Cents(0)),
            status if status.is_open() => Event::Payment(
                due.interest + due.principal + self.overdue_interest + self.overdue_principal,
            ),
            _ => Event::Payment(Cents(0)),
        }
    }

    /// What pays off the loan in the next month.
    pub fn payoff(&self) -> Cents {
        self.balance + self.overdue_interest + self.accrued + self.due().earned
    }

    /// The loan a month later, and what it adds to the pool's collections.
    ///
    /// With `n` for the state after and `min` the smaller of two, the month of an open loan is
    ///
    /// - `earned = floor(balance * rate / 12,000,000)`, none for zero-coupon loans ([`month_interest`]);
    /// - `pays` and `last`, whether something is due and whether all is, from the table of term, frequency
    ///   and rule ([`is_due`]);
    /// - `interest`, if it pays, is level-pay and not the last, `min(accrued + earned, instalment)`; else, if it pays,
    ///   `accrued + earned`; else 0;
    /// - `principal`, if it is the last, `balance - overdue_principal`; else, if it pays and is level-pay,
    ///   `min(max(instalment - accrued - earned, 0), balance - overdue_principal)`; else 0;
    /// - of what is paid, `to_interest = min(paid, overdue_interest + interest)`;
    /// - `scheduled = min(paid - to_interest, overdue_principal + principal)`;
    /// - `early = min(paid - to_interest - scheduled, accrued + earned - interest)`;
    /// - `prepaid = paid - to_interest - scheduled - early`, which must be at most `balance - scheduled`;
    /// - `n.balance = balance - scheduled - prepaid`, and `n.accrued`, `n.overdue_interest` and
    ///   `n.overdue_principal` are what those left of their second arguments; `n.term = max(term - 1, 0)`.
    ///
    /// A payment that is due in the month and still missing at its end makes a loan 30 days past due (the MBA
    /// method). From then on it is 30 days more past due each month in which less comes in than comes due, or
    /// nothing comes due and something stays overdue; it stays where it is when at least what comes due comes
    /// in; and it is current when nothing is overdue.
    ///
    /// # Errors
    /// Says why the event cannot be: what came in from a closed loan, more than is owed, a repurchase below
    /// par.
    pub fn roll(&self, event: Event) -> Result<(Self, Collections), RollError> {
        self.check()?;
        let mut next = *self;
        let mut sum = Collections {
            balance_before: self.pool_balance(),
            ..Collections::default()
        };
        match (event, self.status.is_open()) {
            (Event::Payment(paid), true) => self.pay(paid, &mut next, &mut sum)?,
            (Event::Payment(Cents(0)), false) if self.status != Status::Defaulted => {}
            (Event::Default, true) => {
                sum.defaulted = self.balance;
                next.status = Status::Defaulted;
                next.overdue_interest += self.accrued;
                next.accrued = Cents(0);
                next.overdue_principal = Cents(0);
            }
            (Event::Repurchase(paid), true) => {
                let owed = self.payoff();
                if paid > owed {
                    return Err(RollError::TooMuch { paid, owed });
                }
                let owed = self.balance;
                let interest = paid.checked_sub(owed);
                sum.interest = interest.ok_or(RollError::BelowPar { paid, owed })?;
                sum.repurchased = self.balance;
                next = next.closed(Status::Repurchased);
            }
            (Event::Recovery(paid), false) if self.status == Status::Defaulted => {
                let owed = self.balance + self.overdue_interest;
                let after = owed.checked_sub(paid);
                let after = after.ok_or(RollError::TooMuch { paid, owed })?;
                sum.recoveries = paid;
                // What came in pays the balance before interest.
                next.balance = self.balance.saturating_sub(paid);
                next.overdue_interest = after - next.balance;
            }
            (Event::Recovery(_), _) => return Err(RollError::NotDefaulted),
            _ => return Err(RollError::Closed(self.status)),
        }
        next.check()?;
        sum.balance_after = next.pool_balance();
        if next.status == Status::Delinquent {
            sum.delinquent[bucket(next.days_past_due)] = next.balance;
        }
        Ok((next, sum))
    }

    fn pay(&self, paid: Cents, next: &mut Self, sum: &mut Collections) -> Result<(), RollError> {
        let due = self.due();
        let interest_due = self.overdue_interest + due.interest;
        let principal_due = self.overdue_principal + due.principal;
        let accrued = self.accrued + due.earned - due.interest;

        let interest = paid.min(interest_due);
        let scheduled = (paid - interest).min(principal_due);
        let rest = paid - interest - scheduled;
        let early = rest.min(accrued);
        let prepaid = rest - early;
        if prepaid > self.balance - scheduled {
            let owed = self.payoff();
            return Err(RollError::TooMuch { paid, owed });
        }

        next.overdue_interest = interest_due - interest;
        next.overdue_principal = principal_due - scheduled;
        next.accrued = accrued - early;
        next.balance = self.balance - scheduled - prepaid;
        next.term = self.term.saturating_sub(1);
        let bill = due.interest + due.principal;
        next.days_past_due = if next.overdue_interest + next.overdue_principal == Cents(0) {
            0
        } else if bill > Cents(0) && paid >= bill {
            self.days_past_due
        } else {
            (self.days_past_due + MONTH_DAYS).min(MAX_DAYS)
        };
        next.status = open_status(next.days_past_due);
        if next.balance + next.overdue_interest + next.accrued == Cents(0) {
            *next = next.closed(Status::Prepaid);
        }
        sum.interest = interest + early;
        sum.scheduled_principal = scheduled;
        sum.prepaid_principal = prepaid;
        Ok(())
    }

    /// The loan when nothing is owed any more.
    pub(crate) fn closed(mut self, status: Status) -> Self {
        self.balance = Cents(0);
        self.accrued = Cents(0);
        self.overdue_interest = Cents(0);
        self.overdue_principal = Cents(0);
        self.days_past_due = 0;
        self.status = status;
        self
    }
}

/// What days past due mean for a loan that is open.
fn open_status(days: u16) -> Status {
    if days < MONTH_DAYS {
        Status::Performing
    } else {
        Status::Delinquent
    }
}

/// 30 to 59, 60 to 89, 90 and more days past due.
fn bucket(days: u16) -> usize {
    usize::from(days / MONTH_DAYS).clamp(1, 3) - 1
}
