//! What a pool pledges for the tranches of a deal: its balance, and where each tranche stands in it.
//!
//! Losses reach equity first, then the tranches from the last to the first. A tranche's *attachment point* is the part of
//! the pool that is lost when it begins to lose, its *detachment point* the part that is lost when nothing of it is left.

use fixed::Decimal;
use records::units::Cents;
use serde::{Deserialize, Serialize};

use crate::amortization::Status;
use crate::deal::{CENT_DECIMALS, Deal, DealError, MAX_CENTS, PERCENT_DECIMALS, WHOLE};
use crate::pool::standing::{Counts, Standings, check_closed};
use crate::pool::states::codes;
use crate::pool::{Kind, Loan, PoolError, StateError, Tape, TapeError, Template};

/// A tranche and what stands below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backing {
    /// The tranche's name.
    pub tranche: String,
    /// What is owed to it at closing, in cents.
    pub notional: Cents,
    /// Equity and the tranches behind it, in percent of the pool, rounded down: no more protection than there is.
    pub attachment: Decimal,
    /// The same with the tranche itself, rounded down as well, so that a tranche ends where the next begins.
    pub detachment: Decimal,
}

/// Why a pool does not back a deal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuanceError {
    /// The tape has no loans, or two of the same id.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The asset class does not say what loans owe, or which are open.
    #[error(transparent)]
    Template(#[from] StateError),
    /// Loans are closed and still owe something.
    #[error(transparent)]
    Closed(#[from] PoolError),
    /// The deal contradicts itself.
    #[error("deal: {0}")]
    Deal(#[from] DealError),
    /// The loans owe more than any deal has.
    #[error("the pool's open loans owe {MAX_CENTS} cents or more; split the pool")]
    TooLarge,
    /// The deal is over another pool.
    #[error(
        "the pool's open loans owe {pool}, and the deal's `original_pool` is {deal}; correct the deal, or take the tape of its \
         closing"
    )]
    Pool {
        /// What the open loans owe.
        pool: Decimal,
        /// What the deal says.
        deal: Decimal,
    },
    /// The tranches are more than the pool.
    #[error(
        "the tranches are owed {tranches} together, and the pool's open loans owe {pool}; lower a balance"
    )]
    Unbacked {
        /// What the tranches are owed.
        tranches: Decimal,
        /// What the open loans owe.
        pool: Decimal,
    },
}

impl IssuanceError {
    /// Whether inputs are well formed, but the pool does not back the deal.
    pub fn is_false(&self) -> bool {
        matches!(self, Self::Pool { .. } | Self::Unbacked { .. })
    }
}

/// Where a template keeps what a loan adds to its pool's balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PledgeFields {
    /// What is owed.
    pub balance: usize,
    /// What became of the loan.
    pub status: usize,
    /// What the codes of the status mean for the pool.
    pub standings: Standings,
}

/// What a pool pledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pledged {
    /// What its open loans owe together, in cents.
    pub balance: Cents,
    /// How many are open, and how many were given up.
    pub counts: Counts,
}

/// A pool that backs a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What the pool pledges.
    pub pledged: Pledged,
    /// Where the deal's tranches stand in it, the most senior first.
    pub tranches: Vec<Backing>,
}

/// Whether a tape's loans back a deal.
///
/// # Errors
/// If they do not, the tape or the deal contradicts itself, or the template does not say what loans owe.
pub fn issue(tape: &Tape, deal: &Deal) -> Result<Issued, IssuanceError> {
    tape.check()?;
    let pledged = pledged(tape)?;
    deal.check_size()?;
    Ok(Issued {
        tranches: backing(deal, pledged.balance)?,
        pledged,
    })
}

impl PledgeFields {
    /// The fields `balance` (2 decimals) and `status` (codes with known meanings), both always present.
    ///
    /// # Errors
    /// Names the field that the template lacks or has otherwise.
    pub fn new(template: &Template) -> Result<Self, StateError> {
        let fits = |&i: &usize| {
            let field = &template.fields[i];
            let cents =
                matches!(field.kind, Kind::Number { decimals, .. } if decimals == CENT_DECIMALS);
            cents && !field.optional
        };
        let balance = template.field("balance").filter(fits);
        let balance = balance.ok_or_else(|| StateError::Template {
            template: template.name.clone(),
            field: "balance",
            wanted: format!("a number with {CENT_DECIMALS} decimals and always present"),
        })?;
        let (status, _) = codes::<Status>(template, "status")?;
        Ok(Self {
            balance,
            status,
            standings: Standings::new(template),
        })
    }

    /// What a loan adds to the balance: what it owes if it is open, in cents.
    pub fn of(&self, loan: &Loan) -> Cents {
        let value = |field: usize| loan.values.get(field).copied().flatten();
        match value(self.status) {
            Some(code) if self.standings.open.contains(&code) => {
                Cents(value(self.balance).unwrap_or(0))
            }
            _ => Cents(0),
        }
    }
}

/// What a tape's open loans owe together, and how many they are.
///
/// # Errors
/// If the template does not say, a closed loan owes something, or the sum is beyond all deals.
pub fn pledged(tape: &Tape) -> Result<Pledged, IssuanceError> {
    let fields = PledgeFields::new(&tape.template)?;
    check_closed(tape)?;
    let owed = tape.loans.iter().map(|l| fields.of(l).widen());
    let sum = owed
        .sum::<Cents<u128>>()
        .narrow()
        .filter(|s| *s < MAX_CENTS);
    Ok(Pledged {
        balance: sum.ok_or(IssuanceError::TooLarge)?,
        counts: fields.standings.counts(&tape.loans),
    })
}

/// Where the tranches of a deal stand in a pool that owes so many cents, in the deal's order: the most senior first.
///
/// # Errors
/// If the deal is over another pool, or its tranches are more than the pool. Cash in the deal's accounts does not count.
pub fn backing(deal: &Deal, pool: Cents) -> Result<Vec<Backing>, IssuanceError> {
    if pool >= MAX_CENTS {
        return Err(IssuanceError::TooLarge);
    }
    let plan = deal.plan()?;
    let amount = |cents: Cents| Decimal::new(cents.0.into(), CENT_DECIMALS);
    if plan.original_pool != pool {
        return Err(IssuanceError::Pool {
            pool: amount(pool),
            deal: amount(plan.original_pool),
        });
    }
    let tranches = plan.original_tranches();
    // What losses reach before any tranche: equity.
    let mut below = pool.checked_sub(tranches).ok_or_else(|| {
        let (tranches, pool) = (amount(tranches), amount(pool));
        IssuanceError::Unbacked { tranches, pool }
    })?;
    // Below 2^56 times 2^27; a plan's pool is not zero.
    let point = |below: Cents| {
        let units = u128::from(below.0) * u128::from(WHOLE) / u128::from(pool.0.max(1));
        Decimal::new(units as i128, PERCENT_DECIMALS)
    };
    let mut backing: Vec<Backing> = Vec::with_capacity(plan.tranches.len());
    for tranche in plan.tranches.iter().rev() {
        let attachment = point(below);
        below += tranche.original;
        backing.push(Backing {
            tranche: tranche.name.clone(),
            notional: tranche.original,
            attachment,
            detachment: point(below),
        });
    }
    backing.reverse();
    Ok(backing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tape::read_template;
    use crate::sample_deal::{sample_deal, sample_deal_for};
    use crate::sample_pool;

    fn points(deal: &Deal, pool: Cents) -> Vec<(String, Cents, String, String)> {
        let backing = backing(deal, pool).expect("it is backed");
        let of = |b: Backing| {
            let (from, to) = (b.attachment.to_string(), b.detachment.to_string());
            (b.tranche, b.notional, from, to)
        };
        backing.into_iter().map(of).collect()
    }

    fn row(name: &str, notional: u64, from: &str, to: &str) -> (String, Cents, String, String) {
        (name.into(), Cents(notional), from.into(), to.into())
    }

    /// 500 million: 425 A, 40 B, 20 C, and 15 of equity, which is 3 percent.
    #[test]
    fn points_are_those_computed_by_hand() {
        assert_eq!(
            points(&sample_deal(), Cents(50_000_000_000)),
            [
                row("A", 42_500_000_000, "15.000000", "100.000000"),
                row("B", 4_000_000_000, "7.000000", "15.000000"),
                row("C", 2_000_000_000, "3.000000", "7.000000"),
            ]
        );
    }

    /// Three cents over seven: C is (7 - 6) / 7 = 14.2857142.. percent.
    #[test]
    fn points_are_rounded_down() {
        let mut deal = sample_deal();
        deal.original_pool = Decimal::new(7, 2);
        for (tranche, cents) in deal.tranches.iter_mut().zip([3, 2, 1]) {
            tranche.balance = Decimal::new(cents, 2);
        }
        assert_eq!(
            points(&deal, Cents(7)),
            [
                row("A", 3, "57.142857", "100.000000"),
                row("B", 2, "28.571428", "57.142857"),
                row("C", 1, "14.285714", "28.571428"),
            ]
        );
    }

    #[test]
    fn tranches_without_a_pool_are_refused() {
        let mut deal = sample_deal();
        let pool = 50_000_000_000;
        for other in [pool - 1, pool + 1, 0] {
            let error = backing(&deal, Cents(other)).expect_err("another pool");
            assert!(error.is_false(), "{error}");
        }
        assert_eq!(
            backing(&deal, Cents(u64::MAX)),
            Err(IssuanceError::TooLarge)
        );
        // All of the pool is tranches: no equity, still backed.
        deal.tranches[2].balance = Decimal::new(3_500_000_000, 2);
        assert_eq!(points(&deal, Cents(pool))[2].2, "0.000000");
        // A cent more, that cash in the account of principal would cover.
        deal.tranches[2].balance = Decimal::new(3_500_000_001, 2);
        deal.accounts[1].opening = Decimal::from_int(1);
        deal.validate().expect("cash covers it");
        let error = backing(&deal, Cents(pool)).expect_err("it is not the pool's");
        assert!(matches!(error, IssuanceError::Unbacked { .. }), "{error}");
    }

    #[test]
    fn the_balance_is_that_of_open_loans() {
        let pledged = |tape: &Tape| super::pledged(tape).map(|p| p.balance);
        let template = read_template("mortgage").expect("it comes with the crate");
        let mut tape = sample_pool::tape(1, 300, &template);
        let pool = sample_pool::owed(&tape);
        assert_eq!(pledged(&tape), Ok(pool));
        assert!(backing(&sample_deal_for(pool), pool).is_ok());
        // Given up, paid off and bought back loans do not count.
        let fields = PledgeFields::new(&template).expect("they are loans");
        let balance = fields.of(&tape.loans[0]);
        assert!(balance > Cents(0));
        tape.loans[0].values[fields.status] = Some(2);
        assert_eq!(pledged(&tape), Ok(pool - balance));
        for code in 3..5 {
            tape.loans[0].values[fields.status] = Some(code);
            let error = pledged(&tape).expect_err("it owes something");
            assert!(error.to_string().contains("`loan-000000` ("), "{error}");
            let mut gone = tape.clone();
            gone.loans[0].values[fields.balance] = Some(0);
            assert_eq!(pledged(&gone), Ok(pool - balance));
            let counts = super::pledged(&gone).expect("it is true").counts;
            assert_eq!(counts.open + counts.defaulted, 299);
        }
        let carbon = read_template("carbon").expect("it comes with the crate");
        let error = PledgeFields::new(&carbon).expect_err("credits owe nothing");
        assert!(error.to_string().contains("field `balance`"), "{error}");
    }
}
