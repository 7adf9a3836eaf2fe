//! One period.

use fixed::{Decimal, Rounding};

use super::check::{Outcome, outcome};
use super::due::{accrued, charged, rate, show_rate};
use super::losses::{cover, ledgers, write_ups};
use super::report::{
    AccountReport, FACTOR_DECIMALS, FeeReport, Report, StepReport, TrancheReport, TriggerReport,
};
use super::state::{DealState, TrancheState};
use super::{Index, WaterfallError, add, total};
use crate::collections::Collections;
use crate::date;
use crate::deal::{Losses, Plan, Shortfall, WHOLE};

/// A period while it runs. Amounts are in cents.
pub(super) struct Run<'a> {
    pub plan: &'a Plan,
    pub collections: &'a Collections,
    /// The payment date.
    pub date: i64,
    /// Since closing.
    pub defaulted: u64,
    pub recoveries: u64,
    pub accounts: Vec<u64>,
    pub balances: Vec<u64>,
    pub interest_due: Vec<u64>,
    pub interest_paid: Vec<u64>,
    pub principal_paid: Vec<u64>,
    pub fees_due: Vec<u64>,
    pub fees_paid: Vec<u64>,
    pub equity: u64,
    pub outcome: Outcome,
    pub steps: Vec<StepReport>,
}

impl Run<'_> {
    /// What all tranches are owed.
    pub(super) fn owed(&self) -> Result<u64, WaterfallError> {
        total(self.balances.iter().copied(), "what tranches are owed")
    }

    /// What covers the tranches.
    pub(super) fn cover(&self) -> Result<u64, WaterfallError> {
        cover(self.plan, self.collections.balance_after, &self.accounts)
    }

    /// Defaults less recoveries since closing.
    pub(super) fn loss(&self) -> u64 {
        self.defaulted.saturating_sub(self.recoveries)
    }

    /// Fees due and not yet paid.
    pub(super) fn fees_left(&self) -> Vec<u64> {
        difference(&self.fees_due, &self.fees_paid)
    }

    /// Interest due and not yet paid.
    pub(super) fn interest_left(&self) -> Vec<u64> {
        difference(&self.interest_due, &self.interest_paid)
    }
}

/// What is due less what of it was paid.
fn difference(due: &[u64], paid: &[u64]) -> Vec<u64> {
    due.iter().zip(paid).map(|(due, paid)| due - paid).collect()
}

/// Whether the clean-up call can be exercised in a period with these collections, whether or not it is.
pub fn can_call(plan: &Plan, collections: &Collections) -> bool {
    let Some(call) = plan.clean_up else {
        return false;
    };
    let left = u128::from(collections.balance_after) + u128::from(collections.repurchased);
    left * u128::from(WHOLE) < u128::from(plan.original_pool) * u128::from(call.below)
}

/// The same collections if the clean-up call is exercised: whoever calls buys all loans for what they owe. `None` if
/// the call cannot be exercised.
pub fn called(plan: &Plan, collections: &Collections) -> Option<Collections> {
    can_call(plan, collections).then_some(Collections {
        balance_after: 0,
        repurchased: collections
            .repurchased
            .saturating_add(collections.balance_after),
        delinquent: [0; 3],
        ..*collections
    })
}

/// Whether it was exercised.
fn is_called(plan: &Plan, collections: &Collections) -> bool {
    can_call(plan, collections) && collections.balance_after == 0 && collections.repurchased > 0
}

/// Checks that collections follow a state.
fn check_collections(state: &DealState, c: &Collections) -> Result<(), WaterfallError> {
    let error = |field, problem: String| Err(WaterfallError::Collections { field, problem });
    if c.balance_before != state.pool_balance {
        let problem = format!(
            "is {} cents, but loans owed {} at the last period's end; take the collections of the next period",
            c.balance_before, state.pool_balance
        );
        return error("balance_before", problem);
    }
    let gone = [
        c.scheduled_principal,
        c.prepaid_principal,
        c.defaulted,
        c.repurchased,
    ];
    let gone: u128 = gone.iter().map(|x| u128::from(*x)).sum();
    if u128::from(c.balance_after) + gone != u128::from(c.balance_before) {
        let problem = format!(
            "is {} cents, but {} less {gone} of principal, defaults and repurchases is owed",
            c.balance_after, c.balance_before
        );
        return error("balance_after", problem);
    }
    let late: u128 = c.delinquent.iter().map(|x| u128::from(*x)).sum();
    if late > u128::from(c.balance_after) {
        let problem = format!("are {late} cents, more than all loans owe");
        return error("delinquent", problem);
    }
    Ok(())
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

    let mut tranches = Vec::with_capacity(plan.tranches.len());
    for (terms, before) in plan.tranches.iter().zip(&state.tranches) {
        let rate = rate(&terms.rate, period, indices)?;
        let interest = accrued(before.balance, rate, terms.day_count, dates)?;
        let on_unpaid = match terms.shortfall {
            Shortfall::Compounding => {
                accrued(before.unpaid_interest, rate, terms.day_count, dates)?
            }
            Shortfall::Lost | Shortfall::Carried => 0,
        };
        let due = total(
            [before.unpaid_interest, on_unpaid, interest],
            "interest due",
        )?;
        tranches.push(TrancheReport {
            name: terms.name.clone(),
            balance_before: before.balance,
            rate: show_rate(rate),
            interest,
            unpaid_interest_before: before.unpaid_interest,
            interest_on_unpaid: on_unpaid,
            interest_due: due,
            interest_paid: 0,
            interest_shortfall: 0,
            unpaid_interest: 0,
            principal_paid: 0,
            written_up: 0,
            written_down: 0,
            balance: 0,
            factor: Decimal::ZERO,
            deficiency_before: before.deficiency,
            deficiency_after_losses: 0,
            deficiency: 0,
        });
    }
    let mut fees = Vec::with_capacity(plan.fees.len());
    for (fee, arrears) in plan.fees.iter().zip(&state.fee_arrears) {
        fees.push(FeeReport {
            name: fee.name.clone(),
            arrears_before: *arrears,
            charged: charged(fee.charge, collections.balance_before, dates)?,
            paid: 0,
            arrears: 0,
        });
    }
    let fees_due = fees
        .iter()
        .map(|f| add(f.arrears_before, f.charged, "a fee"));

    let mut run = Run {
        plan,
        collections,
        date: dates.1,
        defaulted: add(state.defaulted, collections.defaulted, "what defaulted")?,
        recoveries: add(state.recoveries, collections.recoveries, "recoveries")?,
        accounts: state.accounts.clone(),
        balances: state.balances(),
        interest_due: tranches.iter().map(|t| t.interest_due).collect(),
        interest_paid: vec![0; tranches.len()],
        principal_paid: vec![0; tranches.len()],
        fees_due: fees_due.collect::<Result<_, _>>()?,
        fees_paid: vec![0; fees.len()],
        equity: 0,
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
    let collected = difference(&run.accounts, &state.accounts);
    match plan.losses {
        Losses::Ledgers => {
            let after_losses = ledgers(&run.balances, run.cover()?);
            for (tranche, ledger) in tranches.iter_mut().zip(after_losses) {
                tranche.deficiency_after_losses = ledger;
            }
        }
        Losses::WriteDown => {
            let written_down: Vec<u64> = state.tranches.iter().map(|t| t.written_down).collect();
            let up = write_ups(
                &run.balances,
                &written_down,
                collections.recoveries,
                run.cover()?,
            )?;
            for ((tranche, balance), up) in tranches.iter_mut().zip(&mut run.balances).zip(up) {
                tranche.written_up = up;
                // At most what was owed at closing.
                *balance += up;
            }
        }
    }
    run.outcome = outcome(&run, &state.tripped)?;
    for number in waterfalls(&run) {
        run.waterfall(number)?;
    }
    check_conserved(&run, state)?;

    let next = settle(&run, state, &mut tranches)?;
    run.balances = next.balances();
    for (fee, (due, paid)) in fees.iter_mut().zip(run.fees_due.iter().zip(&run.fees_paid)) {
        (fee.paid, fee.arrears) = (*paid, due - paid);
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
    let sum = |amounts: &[u64]| amounts.iter().map(|x| u128::from(*x)).sum::<u128>();
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
        + u128::from(run.equity)
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
    let none = vec![0; tranches.len()];
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
            Shortfall::Lost => 0,
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
fn factor(balance: u64, original: u64) -> Decimal {
    Decimal::new(balance.into(), 0)
        .div(
            &Decimal::new(original.into(), 0),
            FACTOR_DECIMALS,
            Rounding::Floor,
        )
        .expect("a tranche owed something at closing")
}
