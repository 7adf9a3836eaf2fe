//! Steps of a waterfall.

use super::report::StepReport;
use super::run::Run;
use super::{WaterfallError, add, total};
use crate::deal::step::{Action, Extent, Order, Until};
use crate::deal::{AmountPlan, Base, StepPlan};
use records::units::Cents;

/// Shares of an amount that is at most the sum of the weights; none is more than its weight, and none is less if the
/// amount is more.
pub(super) fn shares(amount: Cents, weights: &[Cents], order: Order) -> Vec<Cents> {
    let mut left = amount;
    let mut weight_left: u128 = weights.iter().map(|w| u128::from(w.0)).sum();
    let share = |weight: &Cents| {
        let share = match order {
            Order::Sequential => left.min(*weight),
            Order::ProRata if weight_left == 0 => Cents(0),
            // At most the weight, since what is left is at most the weight that is left.
            Order::ProRata => {
                Cents((u128::from(left.0) * u128::from(weight.0)).div_ceil(weight_left) as u64)
            }
        };
        left -= share;
        weight_left -= u128::from(weight.0);
        share
    };
    weights.iter().map(share).collect()
}

impl Run<'_> {
    /// What a deal's amount is now, in cents.
    pub(super) fn cents(&self, amount: &AmountPlan, up: bool) -> Result<Cents, WaterfallError> {
        let base = match amount.of {
            Base::Pool => self.collections.balance_after,
            Base::OriginalPool => self.plan.original_pool,
            Base::Tranches => self.owed()?,
            Base::OriginalTranches => self.plan.original_tranches(),
        };
        Ok(amount.cents(base, up))
    }

    /// What an account should hold, rounded up.
    pub(super) fn target(&self, account: usize) -> Result<Option<Cents>, WaterfallError> {
        let target = self.plan.accounts[account].target;
        target.map(|t| self.cents(&t, true)).transpose()
    }

    /// Runs a waterfall.
    pub(super) fn waterfall(&mut self, number: usize) -> Result<(), WaterfallError> {
        let plan = self.plan;
        let waterfall = &plan.waterfalls[number];
        for (number, step) in waterfall.steps.iter().enumerate() {
            let when = step.when.as_ref();
            let ran = when.is_none_or(|w| self.outcome.holds(w, self.date));
            let mut report = StepReport {
                waterfall: waterfall.name.clone(),
                step: number,
                ran,
                due: Cents(0),
                from_account: Cents(0),
                from_support: Cents(0),
            };
            if ran {
                self.step(step, &mut report)?;
            }
            self.steps.push(report);
        }
        Ok(())
    }

    fn step(&mut self, step: &StepPlan, report: &mut StepReport) -> Result<(), WaterfallError> {
        let due = self.due(step)?;
        let most = match &step.limit {
            Some(limit) => due.min(self.cents(limit, false)?),
            None => due,
        };
        report.due = most;
        report.from_account = most.min(self.accounts[step.account]);
        self.accounts[step.account] -= report.from_account;
        if let Some(support) = step.support {
            report.from_support = (most - report.from_account).min(self.accounts[support]);
            self.accounts[support] -= report.from_support;
        }
        // At most what is due.
        let paid = report.from_account + report.from_support;
        self.pay(&step.action, paid)
    }

    /// What a step moves if there is enough cash.
    fn due(&self, step: &StepPlan) -> Result<Cents, WaterfallError> {
        let of = |numbers: &[usize], values: &[Cents], what| {
            total(numbers.iter().map(|&i| values[i]), what)
        };
        let held = self.accounts[step.account];
        match &step.action {
            Action::PayFee { fees, .. } => of(fees, &self.fees_left(), "the fees due"),
            Action::PayInterest { tranches, .. } => {
                of(tranches, &self.interest_left(), "the interest due")
            }
            Action::PayPrincipal {
                tranches, until, ..
            } => {
                let owed = of(tranches, &self.balances, "what tranches are owed")?;
                match until {
                    None => Ok(owed),
                    Some(Until::Balance(amount)) => {
                        Ok(owed.saturating_sub(self.cents(amount, false)?))
                    }
                    Some(Until::Overcollateralization(amount)) => {
                        let room = self.collections.balance_after;
                        let room = room.saturating_sub(self.cents(amount, true)?);
                        Ok(self.owed()?.saturating_sub(room).min(owed))
                    }
                }
            }
            Action::CureDeficiency { tranches } => {
                let ledgers = super::losses::ledgers(&self.balances, self.cover()?);
                of(tranches, &ledgers, "what ledgers hold")
            }
            Action::Transfer { to, amount } => match amount {
                Extent::All => Ok(held),
                Extent::Gap => {
                    let target = self.target(*to)?.unwrap_or(Cents(0));
                    Ok(target.saturating_sub(self.accounts[*to]))
                }
                Extent::Excess => {
                    let target = self.target(step.account)?.unwrap_or(Cents(0));
                    Ok(held.saturating_sub(target))
                }
            },
            Action::PayResidual => Ok(held),
        }
    }

    /// Gives an amount, at most what is due, to those to whom it is due.
    fn pay(
        &mut self,
        action: &Action<usize, AmountPlan>,
        amount: Cents,
    ) -> Result<(), WaterfallError> {
        let pick = |numbers: &[usize], values: &[Cents]| -> Vec<Cents> {
            numbers.iter().map(|&i| values[i]).collect()
        };
        match action {
            Action::PayFee { fees, order } => {
                let parts = shares(amount, &pick(fees, &self.fees_left()), *order);
                for (&fee, part) in fees.iter().zip(parts) {
                    self.fees_paid[fee] += part;
                }
            }
            Action::PayInterest { tranches, order } => {
                let parts = shares(amount, &pick(tranches, &self.interest_left()), *order);
                for (&tranche, part) in tranches.iter().zip(parts) {
                    self.interest_paid[tranche] += part;
                }
            }
            Action::PayPrincipal {
                tranches, order, ..
            } => {
                let parts = shares(amount, &pick(tranches, &self.balances), *order);
                for (&tranche, part) in tranches.iter().zip(parts) {
                    self.balances[tranche] -= part;
                    self.principal_paid[tranche] += part;
                }
            }
            Action::CureDeficiency { .. } => self.receive(self.plan.principal_account, amount)?,
            Action::Transfer { to, .. } => self.receive(*to, amount)?,
            Action::PayResidual => self.equity = add(self.equity, amount, "what equity receives")?,
        }
        Ok(())
    }

    /// Pays into an account.
    pub(super) fn receive(&mut self, account: usize, amount: Cents) -> Result<(), WaterfallError> {
        self.accounts[account] = add(self.accounts[account], amount, "what an account holds")?;
        Ok(())
    }
}
