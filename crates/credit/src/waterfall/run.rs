//! One period.

use fixed::{Decimal, Rounding};
use records::units::Cents;

use super::check::{Outcome, outcome};
use super::collected::{can_call, check_collections, is_called};
use super::due::{fees_due, tranches_due};
use super::losses::{cover, ledgers, write_ups};
use super::report::{
    AccountReport, FACTOR_DECIMALS, Report, StepReport, TrancheReport, TriggerReport,
};
use super::state::{DealState, TrancheState};
use super::{Index, WaterfallError, add, total};
use crate::collections::Collections;
use crate::deal::{Losses, Plan, Shortfall};
use records::date;

/// A period while it runs. Amounts are in cents.
pub(super) struct Run<'a> {
    pub plan: &'a Plan,
    pub collections: &'a Collections,
    /// The payment date.
    pub date: i64,
    /// Since closing.
    pub defaulted: Cents,
    pub recoveries: Cents,
    pub accounts: Vec<Cents>,
    pub balances: Vec<Cents>,
    pub interest_due: Vec<Cents>,
    pub interest_paid: Vec<Cents>,
    pub principal_paid: Vec<Cents>,
    pub fees_due: Vec<Cents>,
    pub fees_paid: Vec<Cents>,
    pub equity: Cents,
    pub outcome: Outcome,
    pub steps: Vec<StepReport>,
}

impl<'a> Run<'a> {
    /// What all tranches are owed.
    pub(super) fn owed(&self) -> Result<Cents, WaterfallError> {
        total(self.balances.iter().copied(), "what tranches are owed")
    }

    /// What covers the tranches.
    pub(super) fn cover(&self) -> Result<Cents, WaterfallError> {
        cover(self.plan, self.collections.balance_after, &self.accounts)
    }

    /// Defaults less recoveries since closing.
    pub(super) fn loss(&self) -> Cents {
        self.defaulted.saturating_sub(self.recoveries)
    }

    /// Fees due and not yet paid.
    pub(super) fn fees_left(&self) -> Vec<Cents> {
        difference(&self.fees_due, &self.fees_paid)
    }

    /// Before anything is paid: collections are in their accounts, interest and fees due.
    fn start(
        plan: &'a Plan,
        state: &DealState,
        collections: &'a Collections,
        date: i64,
        tranches: &[TrancheReport],
        fees_due: Vec<Cents>,
    ) -> Result<Self, WaterfallError> {
        let mut run = Self {
            plan,
            collections,
            date,
            defaulted: add(state.defaulted, collections.defaulted, "what defaulted")?,
            recoveries: add(state.recoveries, collections.recoveries, "recoveries")?,
            accounts: state.accounts.clone(),
            balances: state.balances(),
            interest_due: tranches.iter().map(|t| t.interest_due).collect(),
            interest_paid: vec![Cents(0); tranches.len()],
            principal_paid: vec![Cents(0); tranches.len()],
            fees_paid: vec![Cents(0); fees_due.len()],
            fees_due,
            equity: Cents(0),
            outcome: Outcome::default(),
            steps: Vec::new(),
        };
        for (account, amount) in [
            (plan.interest_account, collections.interest),
            (plan.principal_account, collections.scheduled_principal),
            (plan.principal_account, collections.prepaid_principal),
            (plan.recoveries_account, collections.recoveries),
            (plan.repurchased_account, collections.repurchased),
        ] {
            run.receive(account, amount)?;
        }
        Ok(run)
    }

    /// Interest due and not yet paid.
    pub(super) fn interest_left(&self) -> Vec<Cents> {
        difference(&self.interest_due, &self.interest_paid)
    }
}

/// What is due less what of it was paid.
fn difference(due: &[Cents], paid: &[Cents]) -> Vec<Cents> {
    due.iter()
        .zip(paid)
        .map(|(due, paid)| *due - *paid)
        .collect()
}

/// Runs a plan for the period after a state, as [`run_period`](super::run_period) does.
///
/// # Errors
/// As [`run_period`](super::run_period).
pub fn run(
    plan: &Plan,
    state: &DealState,
    collections: &Collections,
    indices: &[Index],
) -> Result<(DealState, Report), WaterfallError> {
    state.check(plan)?;
    check_collections(state, collections)?;
    if state.period >= plan.periods {
        return Err(WaterfallError::Ended(plan.periods));
    }
    let period = state.period + 1;
    let dates = plan.dates(period);

    let mut tranches = tranches_due(plan, state, indices)?;
    let mut fees = fees_due(plan, state)?;
    let fees_owed = fees
        .iter()
        .map(|f| add(f.arrears_before, f.charged, "a fee"));
    let fees_owed = fees_owed.collect::<Result<_, _>>()?;

    let mut run = Run::start(plan, state, collections, dates.1, &tranches, fees_owed)?;
    let collected = difference(&run.accounts, &state.accounts);
    record_losses(&mut run, state, &mut tranches)?;
    run.outcome = outcome(&run, &state.tripped)?;
    for number in waterfalls(&run) {
        run.waterfall(number)?;
    }
    check_conserved(&run, state)?;

    let next = settle(&run, state, &mut tranches)?;
    run.balances = next.balances();
    for (fee, (due, paid)) in fees.iter_mut().zip(run.fees_due.iter().zip(&run.fees_paid)) {
        (fee.paid, fee.arrears) = (*paid, *due - *paid);
    }
    let mut accounts = Vec::with_capacity(plan.accounts.len());
    for (i, account) in plan.accounts.iter().enumerate() {
        accounts.push(AccountReport {
            name: account.name.clone(),
            before: state.accounts[i],
            collected: collected[i],
            after: run.accounts[i],
            target: run.target(i)?,
        });
    }
    let triggers = plan.triggers.iter().zip(&state.tripped).zip(&next.tripped);
    let triggers = triggers.map(|((trigger, before), tripped)| TriggerReport {
        name: trigger.name.clone(),
        before: *before,
        tripped: *tripped,
    });
    let report = Report {
        deal: plan.name.clone(),
        period,
        payment_date: date::written(dates.1),
        pool_balance: collections.balance_after,
        cumulative_loss: run.loss(),
        can_call: can_call(plan, collections),
        called: is_called(plan, collections),
        tranches,
        fees,
        accounts,
        tests: run.outcome.tests,
        triggers: triggers.collect(),
        equity: run.equity,
        steps: run.steps,
    };
    Ok((next, report))
}

/// Before payments: what is not covered is recorded in ledgers; or recoveries write balances up.
fn record_losses(
    run: &mut Run<'_>,
    state: &DealState,
    tranches: &mut [TrancheReport],
) -> Result<(), WaterfallError> {
    match run.plan.losses {
        Losses::Ledgers => {
            let after_losses = ledgers(&run.balances, run.cover()?);
            for (tranche, ledger) in tranches.iter_mut().zip(after_losses) {
                tranche.deficiency_after_losses = ledger;
            }
        }
        Losses::WriteDown => {
            let written_down: Vec<Cents> = state.tranches.iter().map(|t| t.written_down).collect();
            let up = write_ups(
                &run.balances,
                &written_down,
                run.collections.recoveries,
                run.cover()?,
            )?;
            for ((tranche, balance), up) in tranches.iter_mut().zip(&mut run.balances).zip(up) {
                tranche.written_up = up;
                // At most what was owed at closing.
                *balance += up;
            }
        }
    }
    Ok(())
}

/// The waterfalls that run, in their order.
fn waterfalls(run: &Run<'_>) -> Vec<usize> {
    let plan = run.plan;
    if let Some(call) = plan.clean_up.filter(|_| is_called(plan, run.collections)) {
        return vec![call.waterfall];
    }
    let triggers = plan.triggers.iter().zip(&run.outcome.tripped);
    let switches: Vec<(usize, usize)> = triggers
        .filter(|(_, tripped)| **tripped)
        .filter_map(|(trigger, _)| trigger.switch)
        .collect();
    let usual = [plan.interest, plan.principal];
    let switched = |usual: usize| switches.iter().find(|(from, _)| *from == usual);
    usual.map(|u| switched(u).map_or(u, |(_, to)| *to)).to_vec()
}

/// Cash neither appears nor vanishes.
fn check_conserved(run: &Run<'_>, state: &DealState) -> Result<(), WaterfallError> {
    let sum = |amounts: &[Cents]| {
        amounts
            .iter()
            .map(|x| x.widen::<u128>())
            .sum::<Cents<u128>>()
    };
    let c = run.collections;
    let cash_in = sum(&state.accounts)
        + sum(&[
            c.interest,
            c.scheduled_principal,
            c.prepaid_principal,
            c.recoveries,
            c.repurchased,
        ]);
    let cash_out = sum(&run.fees_paid)
        + sum(&run.interest_paid)
        + sum(&run.principal_paid)
        + run.equity.widen()
        + sum(&run.accounts);
    if cash_in == cash_out {
        Ok(())
    } else {
        Err(WaterfallError::NotConserved { cash_in, cash_out })
    }
}

/// After payments: ledgers or write-downs, and what is carried forward.
fn settle(
    run: &Run<'_>,
    state: &DealState,
    tranches: &mut [TrancheReport],
) -> Result<DealState, WaterfallError> {
    let cover = run.cover()?;
    let uncovered = ledgers(&run.balances, cover);
    let none = vec![Cents(0); tranches.len()];
    let (deficiency, down) = match run.plan.losses {
        Losses::Ledgers => (uncovered, none),
        Losses::WriteDown => (none, uncovered),
    };
    let mut states = Vec::with_capacity(tranches.len());
    for (i, tranche) in tranches.iter_mut().enumerate() {
        let terms = &run.plan.tranches[i];
        tranche.interest_paid = run.interest_paid[i];
        tranche.interest_shortfall = tranche.interest_due - tranche.interest_paid;
        tranche.unpaid_interest = match terms.shortfall {
            Shortfall::Lost => Cents(0),
            Shortfall::Carried | Shortfall::Compounding => tranche.interest_shortfall,
        };
        tranche.principal_paid = run.principal_paid[i];
        tranche.written_down = down[i];
        tranche.balance = run.balances[i] - down[i];
        tranche.factor = factor(tranche.balance, terms.original);
        tranche.deficiency = deficiency[i];
        states.push(TrancheState {
            balance: tranche.balance,
            unpaid_interest: tranche.unpaid_interest,
            deficiency: tranche.deficiency,
            // At most what was owed at closing.
            written_down: state.tranches[i].written_down + down[i] - tranche.written_up,
        });
    }
    Ok(DealState {
        period: state.period + 1,
        pool_balance: run.collections.balance_after,
        defaulted: run.defaulted,
        recoveries: run.recoveries,
        tranches: states,
        fee_arrears: run.fees_left(),
        accounts: run.accounts.clone(),
        tripped: run.outcome.tripped.clone(),
    })
}

/// What is owed of what was owed at closing, rounded down.
fn factor(balance: Cents, original: Cents) -> Decimal {
    Decimal::new(balance.0.into(), 0)
        .div(
            &Decimal::new(original.0.into(), 0),
            FACTOR_DECIMALS,
            Rounding::Floor,
        )
        .expect("a tranche owed something at closing")
}
