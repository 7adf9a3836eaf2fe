//! What is known of a deal between two payment dates.

use records::units::Cents;
use serde::{Deserialize, Serialize};

use super::losses::{cover, ledgers};
use super::{WaterfallError, total};
use crate::deal::{Deal, DealError, Losses, Plan};

/// A deal after a payment date. Lists are in the deal's order; amounts are in cents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DealState {
    /// How many payment dates have passed.
    pub period: u32,
    /// What the pool's loans owe.
    pub pool_balance: Cents,
    /// What loans owed that have defaulted since closing.
    pub defaulted: Cents,
    /// What was recovered since closing from loans that had defaulted.
    pub recoveries: Cents,
    /// The tranches.
    pub tranches: Vec<TrancheState>,
    /// Fees that fell due and were not paid.
    pub fee_arrears: Vec<Cents>,
    /// What accounts hold.
    pub accounts: Vec<Cents>,
    /// Which triggers are tripped.
    pub tripped: Vec<bool>,
}

/// A tranche after a payment date, in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrancheState {
    /// What is owed.
    pub balance: Cents,
    /// Interest that fell due, was not paid and is still owed.
    pub unpaid_interest: Cents,
    /// What its principal deficiency ledger holds: the part of the balance that nothing covers.
    pub deficiency: Cents,
    /// By how much the balance was written down and not up again.
    pub written_down: Cents,
}

impl DealState {
    /// A deal at closing.
    ///
    /// # Errors
    /// If the deal is not valid.
    pub fn initial(deal: &Deal) -> Result<Self, DealError> {
        Ok(Self::of(&deal.plan()?))
    }

    /// A deal at closing.
    pub fn of(plan: &Plan) -> Self {
        let tranches = plan.tranches.iter().map(|t| TrancheState {
            balance: t.original,
            ..TrancheState::default()
        });
        Self {
            period: 0,
            pool_balance: plan.original_pool,
            defaulted: Cents(0),
            recoveries: Cents(0),
            tranches: tranches.collect(),
            fee_arrears: vec![Cents(0); plan.fees.len()],
            accounts: plan.accounts.iter().map(|a| a.opening).collect(),
            tripped: vec![false; plan.triggers.len()],
        }
    }

    /// The same with what nothing covers in ledgers, if the deal has ledgers.
    ///
    /// # Errors
    /// If a sum does not fit.
    pub(crate) fn with_ledgers(mut self, plan: &Plan) -> Result<Self, WaterfallError> {
        if plan.losses == Losses::Ledgers {
            let cover = cover(plan, self.pool_balance, &self.accounts)?;
            let uncovered = ledgers(&self.balances(), cover);
            for (tranche, uncovered) in self.tranches.iter_mut().zip(uncovered) {
                tranche.deficiency = uncovered;
            }
        }
        Ok(self)
    }

    /// What the tranches are owed, in cents.
    pub fn balances(&self) -> Vec<Cents> {
        self.tranches.iter().map(|t| t.balance).collect()
    }

    /// Checks that it is a state of the deal: one that its payments can lead to, as far as the state alone tells. Before the first
    /// payment date there is one state, that of closing.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn check(&self, plan: &Plan) -> Result<(), WaterfallError> {
        let error = |field: String, problem: String| Err(WaterfallError::State { field, problem });
        for (field, found, expected) in [
            ("tranches", self.tranches.len(), plan.tranches.len()),
            ("fee_arrears", self.fee_arrears.len(), plan.fees.len()),
            ("accounts", self.accounts.len(), plan.accounts.len()),
            ("tripped", self.tripped.len(), plan.triggers.len()),
        ] {
            if found != expected {
                let problem = format!(
                    "has {found} entries, the deal {expected}; take the state that this deal gave"
                );
                return error(field.into(), problem);
            }
        }
        // With ledgers nothing is written down, otherwise nothing stands in ledgers.
        let expected = match plan.losses {
            Losses::Ledgers => ledgers(
                &self.balances(),
                cover(plan, self.pool_balance, &self.accounts)?,
            ),
            Losses::WriteDown => vec![Cents(0); self.tranches.len()],
        };
        let tranches = self.tranches.iter().zip(&plan.tranches);
        for (i, ((tranche, terms), expected)) in tranches.zip(expected).enumerate() {
            let field = |name: &str| format!("tranches[{i}].{name}");
            let owed = total([tranche.balance, tranche.written_down], "a balance")?;
            if owed > terms.original {
                let problem = format!("is more than the {} cents of closing", terms.original);
                return error(field("balance"), problem);
            }
            if tranche.deficiency != expected {
                let problem = format!(
                    "is {} cents, but {expected} are not covered",
                    tranche.deficiency
                );
                return error(field("deficiency"), problem);
            }
            if plan.losses == Losses::Ledgers && tranche.written_down != Cents(0) {
                return error(
                    field("written_down"),
                    "is not zero in a deal with ledgers".into(),
                );
            }
        }
        if self.period > plan.periods {
            let problem = format!("is beyond the deal's {} payment dates", plan.periods);
            return error("period".into(), problem);
        }
        // What loans owe only falls, by what is paid, bought back or defaults.
        let gone = u128::from(self.pool_balance.0) + u128::from(self.defaulted.0);
        if gone > u128::from(plan.original_pool.0) {
            let problem = format!(
                "and what defaulted are {gone} cents together, more than the {} that the pool owed at closing",
                plan.original_pool
            );
            return error("pool_balance".into(), problem);
        }
        match self.first_unlike(&Self::of(plan)) {
            Some(field) if self.period == 0 => error(
                field.into(),
                "is not that of closing, although no payment date has passed; leave the state out, or take the one after a \
                 payment date"
                    .into(),
            ),
            _ => Ok(()),
        }
    }

    /// The first field that another state has otherwise.
    fn first_unlike(&self, other: &Self) -> Option<&'static str> {
        [
            ("pool_balance", self.pool_balance == other.pool_balance),
            ("defaulted", self.defaulted == other.defaulted),
            ("recoveries", self.recoveries == other.recoveries),
            ("tranches", self.tranches == other.tranches),
            ("fee_arrears", self.fee_arrears == other.fee_arrears),
            ("accounts", self.accounts == other.accounts),
            ("tripped", self.tripped == other.tripped),
        ]
        .into_iter()
        .find_map(|(field, same)| (!same).then_some(field))
    }
}
