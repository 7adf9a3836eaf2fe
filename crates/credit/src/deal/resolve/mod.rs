//! From what a deal's file says to a plan; whatever is wrong is found here, with its place.

mod conditions;
mod dates;
mod steps;

use records::units::Cents;
use std::collections::BTreeSet;

use fixed::Decimal;

use super::plan::{
    AccountPlan, AmountPlan, Charge, CleanUpPlan, FeePlan, Plan, Rate, TranchePlan, WHOLE,
};
use super::{
    Amount, Base, CENT_DECIMALS, Coupon, DatedAmount, Deal, DealError, FeeAmount, Losses,
    MAX_CENTS, MAX_ENTRIES, MAX_PAYMENTS, PERCENT_DECIMALS, RateStep,
};
use records::date;

type Checked<T> = Result<T, DealError>;

/// The waterfalls that run unless something else is said.
const USUAL: [&str; 2] = ["interest", "principal"];

fn error<T>(place: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err(DealError {
        place: place.into(),
        problem: problem.into(),
    })
}

/// What may be referred to.
struct Names<'a> {
    accounts: Vec<&'a str>,
    fees: Vec<&'a str>,
    tranches: Vec<&'a str>,
    tests: Vec<&'a str>,
    triggers: Vec<&'a str>,
    waterfalls: Vec<&'a str>,
    with_target: Vec<bool>,
    /// Whether what an account holds covers the tranches.
    is_principal: Vec<bool>,
    losses: Losses,
}

pub(super) fn plan(deal: &Deal) -> Checked<Plan> {
    for (place, text) in [("name", &deal.name), ("currency", &deal.currency)] {
        if !records::names::is_name(text) {
            return error(
                place,
                format!("`{}` {}", text.escape_debug(), records::names::NO_NAME),
            );
        }
    }
    let mut names = names(deal)?;
    let (closing, payments) = dates::dates(deal)?;
    let original_pool = cents("original_pool", &deal.original_pool)?;
    if original_pool == Cents(0) {
        return error("original_pool", "is zero; a deal needs a pool");
    }
    let [
        interest_account,
        principal_account,
        recoveries_account,
        repurchased_account,
    ] = collect(deal, &names)?;
    let covers = [principal_account, recoveries_account, repurchased_account];
    let is_principal = |i: usize| i != interest_account && covers.contains(&i);
    names.is_principal = (0..deal.accounts.len()).map(is_principal).collect();
    let mut accounts = Vec::new();
    for (i, account) in deal.accounts.iter().enumerate() {
        let place = format!("accounts[{i}]");
        let target = account.target.as_ref();
        accounts.push(AccountPlan {
            name: account.name.clone(),
            opening: cents(&format!("{place}.opening"), &account.opening)?,
            target: target
                .map(|t| amount(&format!("{place}.target"), t))
                .transpose()?,
            is_principal: names.is_principal[i],
        });
    }
    let triggers = deal.triggers.iter().enumerate();
    let plan = Plan {
        name: deal.name.clone(),
        closing,
        periods: payments.len() as u32,
        payments,
        original_pool,
        accounts,
        interest_account,
        principal_account,
        recoveries_account,
        repurchased_account,
        fees: fees(deal)?,
        tranches: tranches(deal)?,
        losses: deal.losses,
        tests: conditions::tests(deal, &names)?,
        triggers: triggers
            .map(|(i, _)| conditions::trigger(deal, &names, i))
            .collect::<Checked<_>>()?,
        waterfalls: steps::waterfalls(deal, &names)?,
        interest: usual(&names, USUAL[0])?,
        principal: usual(&names, USUAL[1])?,
        clean_up: clean_up(deal, &names)?,
    };
    check_cover(&plan)?;
    check_reached(deal, &plan)?;
    Ok(plan)
}

fn names(deal: &Deal) -> Checked<Names<'_>> {
    fn listed<'a, T>(
        list: &'a [T],
        place: &str,
        name: impl Fn(&'a T) -> &'a str,
    ) -> Checked<Vec<&'a str>> {
        if list.len() > MAX_ENTRIES {
            return error(place, format!("has more than {MAX_ENTRIES} entries"));
        }
        let mut names: Vec<&str> = Vec::new();
        for (i, entry) in list.iter().enumerate() {
            let place = format!("{place}[{i}].name");
            let name = name(entry);
            if !records::names::is_name(name) {
                return error(
                    place,
                    format!("`{}` {}", name.escape_debug(), records::names::NO_NAME),
                );
            }
            if let Some(first) = names.iter().position(|n| *n == name) {
                return error(
                    place,
                    format!("`{name}` stands twice, first as number {first}; rename one"),
                );
            }
            names.push(name);
        }
        Ok(names)
    }
    let waterfalls: Vec<&str> = deal.waterfalls.keys().map(String::as_str).collect();
    if waterfalls.len() > MAX_ENTRIES {
        return error("waterfalls", format!("has more than {MAX_ENTRIES} entries"));
    }
    if let Some(name) = waterfalls.iter().find(|n| !records::names::is_name(n)) {
        return error(
            "waterfalls",
            format!("`{}` {}", name.escape_debug(), records::names::NO_NAME),
        );
    }
    let names = Names {
        accounts: listed(&deal.accounts, "accounts", |a| &a.name)?,
        fees: listed(&deal.fees, "fees", |f| &f.name)?,
        tranches: listed(&deal.tranches, "tranches", |t| &t.name)?,
        tests: listed(&deal.tests, "tests", |t| &t.name)?,
        triggers: listed(&deal.triggers, "triggers", |t| &t.name)?,
        waterfalls,
        with_target: deal.accounts.iter().map(|a| a.target.is_some()).collect(),
        is_principal: Vec::new(),
        losses: deal.losses,
    };
    if names.tranches.is_empty() {
        return error("tranches", "is empty; a deal has at least one tranche");
    }
    Ok(names)
}

/// Where a name stands in a list.
fn find(place: &str, what: &str, list: &[&str], name: &str) -> Checked<usize> {
    let found = list.iter().position(|n| *n == name);
    let known = || match list {
        [] => "none".to_string(),
        list => list.join(", "),
    };
    found.map_or_else(
        || {
            let name = name.escape_debug();
            error(
                place,
                format!("there is no {what} `{name}`; the deal has {}", known()),
            )
        },
        Ok,
    )
}

/// Where names stand in a list, each once.
fn find_all(place: &str, what: &str, list: &[&str], names: &[String]) -> Checked<Vec<usize>> {
    if names.is_empty() {
        return error(place, format!("is empty; name at least one {what}"));
    }
    let mut found = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let place = format!("{place}[{i}]");
        let number = find(&place, what, list, name)?;
        if found.contains(&number) {
            return error(place, format!("`{name}` stands twice; remove one"));
        }
        found.push(number);
    }
    Ok(found)
}

fn cents(place: &str, value: &Decimal) -> Checked<Cents> {
    let problem = match value.rescale_exact(CENT_DECIMALS) {
        Err(fixed::FixedError::TooManyDecimals { .. }) => {
            format!("{value} has more than two decimals; cut it")
        }
        Ok(units) if units < 0 => format!("{value} is negative"),
        Ok(units) if units < i128::from(MAX_CENTS.0) => return Ok(Cents(units as u64)),
        _ => {
            let most = Decimal::new(MAX_CENTS.0.into(), CENT_DECIMALS);
            format!("{value} is too large; amounts are below {most}")
        }
    };
    error(place, problem)
}

fn percent_below(place: &str, value: &Decimal, most: u64) -> Checked<u64> {
    let problem = match value.rescale_exact(PERCENT_DECIMALS) {
        Err(fixed::FixedError::TooManyDecimals { .. }) => {
            format!("{value} has more than {PERCENT_DECIMALS} decimals; cut it")
        }
        Ok(units) if (0..=i128::from(most)).contains(&units) => return Ok(units as u64),
        _ => {
            let most = Decimal::new(most.into(), PERCENT_DECIMALS).normalized();
            format!("{value} percent is not between 0 and {most}")
        }
    };
    error(place, problem)
}

fn percent(place: &str, value: &Decimal) -> Checked<u64> {
    percent_below(place, value, WHOLE)
}

fn amount(place: &str, amount: &Amount) -> Checked<AmountPlan> {
    match amount {
        Amount::Fixed(value) => Ok(AmountPlan {
            floor: cents(&format!("{place}.fixed"), value)?,
            percent: 0,
            of: Base::OriginalPool,
        }),
        Amount::Percent {
            percent: value,
            of,
            floor,
        } => Ok(AmountPlan {
            floor: match floor {
                Some(floor) => cents(&format!("{place}.percent.floor"), floor)?,
                None => Cents(0),
            },
            percent: percent(&format!("{place}.percent.percent"), value)?,
            of: *of,
        }),
    }
}

fn day(place: &str, text: &str) -> Checked<i64> {
    match date::days_of(text) {
        Some(days) => Ok(days),
        None => {
            let text = text.escape_debug();
            error(
                place,
                format!("'{text}' is not a date; write it as 2026-11-21"),
            )
        }
    }
}

/// Accounts of interest, principal, recoveries, repurchases.
fn collect(deal: &Deal, names: &Names<'_>) -> Checked<[usize; 4]> {
    let account = |field: &str, name: &str| {
        find(
            &format!("collect.{field}"),
            "account",
            &names.accounts,
            name,
        )
    };
    let all = [
        account("interest", &deal.collect.interest)?,
        account("principal", &deal.collect.principal)?,
        account("recoveries", &deal.collect.recoveries)?,
        account("repurchased", &deal.collect.repurchased)?,
    ];
    for (field, number) in [("principal", all[1]), ("repurchased", all[3])] {
        if number == all[0] {
            return error(
                format!("collect.{field}"),
                "is where interest is collected; name another account, and move what it holds by a `transfer` if it is \
                 to be spent together",
            );
        }
    }
    Ok(all)
}

fn fees(deal: &Deal) -> Checked<Vec<FeePlan>> {
    let fees = deal.fees.iter().enumerate().map(|(i, fee)| {
        let place = format!("fees[{i}].amount");
        let charge = match &fee.amount {
            FeeAmount::Fixed(value) => Charge::Fixed(cents(&format!("{place}.fixed"), value)?),
            FeeAmount::PercentOfPool {
                percent: value,
                day_count,
            } => {
                let place = format!("{place}.percent_of_pool.percent");
                Charge::PercentOfPool(percent(&place, value)?, *day_count)
            }
            FeeAmount::Dated(list) => Charge::Dated(dated(&format!("{place}.dated"), list)?),
        };
        Ok(FeePlan {
            name: fee.name.clone(),
            charge,
        })
    });
    fees.collect()
}

/// Amounts and their days, in their order.
fn dated(place: &str, list: &[DatedAmount]) -> Checked<Vec<(i64, Cents)>> {
    check_length(place, list.len())?;
    let amounts = list.iter().enumerate().map(|(i, due)| {
        let date = day(&format!("{place}[{i}].date"), &due.date)?;
        Ok((date, cents(&format!("{place}[{i}].amount"), &due.amount)?))
    });
    let amounts: Vec<(i64, Cents)> = amounts.collect::<Checked<_>>()?;
    if let Some(i) = amounts.windows(2).position(|w| w[1].0 < w[0].0) {
        let place = format!("{place}[{}].date", i + 1);
        return error(
            place,
            "is before the one above it; write days in their order",
        );
    }
    Ok(amounts)
}

/// Steps of a rate, in their order.
fn stepped(place: &str, list: &[RateStep]) -> Checked<Vec<(i64, u64)>> {
    check_length(place, list.len())?;
    let steps = list.iter().enumerate().map(|(i, step)| {
        let from = day(&format!("{place}[{i}].from"), &step.from)?;
        Ok((from, percent(&format!("{place}[{i}].rate"), &step.rate)?))
    });
    let steps: Vec<(i64, u64)> = steps.collect::<Checked<_>>()?;
    if let Some(i) = steps.windows(2).position(|w| w[1].0 <= w[0].0) {
        let place = format!("{place}[{}].from", i + 1);
        return error(
            place,
            "is not after the one above it; write days in their order",
        );
    }
    Ok(steps)
}

fn check_length(place: &str, length: usize) -> Checked<()> {
    match length {
        0 => error(place, "is empty; write at least one"),
        n if n > MAX_PAYMENTS => error(place, format!("has more than {MAX_PAYMENTS} entries")),
        _ => Ok(()),
    }
}

fn tranches(deal: &Deal) -> Checked<Vec<TranchePlan>> {
    let tranches = deal.tranches.iter().enumerate().map(|(i, tranche)| {
        let place = format!("tranches[{i}]");
        let original = cents(&format!("{place}.balance"), &tranche.balance)?;
        if original == Cents(0) {
            return error(format!("{place}.balance"), "is zero; remove the tranche");
        }
        Ok(TranchePlan {
            name: tranche.name.clone(),
            original,
            rate: rate(&format!("{place}.coupon"), &tranche.coupon)?,
            day_count: tranche.day_count,
            shortfall: tranche.shortfall,
        })
    });
    tranches.collect()
}

fn rate(place: &str, coupon: &Coupon) -> Checked<Rate> {
    let (index, margin, floor, cap) = match coupon {
        Coupon::Fixed(value) => return Ok(Rate::Fixed(percent(&format!("{place}.fixed"), value)?)),
        Coupon::Stepped { rate, steps } => {
            let first = percent(&format!("{place}.stepped.rate"), rate)?;
            return Ok(Rate::Stepped(
                first,
                stepped(&format!("{place}.stepped.steps"), steps)?,
            ));
        }
        Coupon::Floating {
            index,
            margin,
            floor,
            cap,
        } => (index, margin, floor, cap),
    };
    let at = |field: &str| format!("{place}.floating.{field}");
    if !records::names::is_name(index) {
        return error(
            at("index"),
            format!("`{}` {}", index.escape_debug(), records::names::NO_NAME),
        );
    }
    let floor = match floor {
        Some(floor) => percent(&at("floor"), floor)?,
        None => 0,
    };
    let cap = cap.as_ref().map(|c| percent(&at("cap"), c)).transpose()?;
    if cap.is_some_and(|cap| cap < floor) {
        return error(at("cap"), "is below the floor; correct one of the two");
    }
    Ok(Rate::Floating {
        index: index.clone(),
        margin: percent(&at("margin"), margin)?,
        floor,
        cap,
    })
}

fn usual(names: &Names<'_>, name: &str) -> Checked<usize> {
    let found = names.waterfalls.iter().position(|n| *n == name);
    found.map_or_else(
        || {
            error(
                "waterfalls",
                format!("there is no `{name}`; add it, empty if it pays nothing"),
            )
        },
        Ok,
    )
}

fn clean_up(deal: &Deal, names: &Names<'_>) -> Checked<Option<CleanUpPlan>> {
    let Some(call) = &deal.clean_up else {
        return Ok(None);
    };
    Ok(Some(CleanUpPlan {
        below: percent("clean_up.below", &call.below)?,
        waterfall: find(
            "clean_up.waterfall",
            "waterfall",
            &names.waterfalls,
            &call.waterfall,
        )?,
    }))
}

/// At closing the tranches are covered.
fn check_cover(plan: &Plan) -> Checked<()> {
    let accounts = plan.accounts.iter().filter(|a| a.is_principal);
    let cash: Cents = accounts.map(|a| a.opening).sum();
    let (owed, cover) = (plan.original_tranches(), plan.original_pool + cash);
    if owed > cover {
        let show = |cents: Cents| Decimal::new(cents.0.into(), CENT_DECIMALS);
        return error(
            "tranches",
            format!(
                "are owed {} together, more than the original pool and the accounts of principal have, {}; lower a \
                 balance or correct the pool",
                show(owed),
                show(cover)
            ),
        );
    }
    Ok(())
}

/// A waterfall that nothing runs is a mistake in a name.
fn check_reached(deal: &Deal, plan: &Plan) -> Checked<()> {
    let switched = plan.triggers.iter().filter_map(|t| t.switch);
    let mut reached: BTreeSet<usize> = switched.map(|(_, to)| to).collect();
    reached.extend([plan.interest, plan.principal]);
    reached.extend(plan.clean_up.map(|c| c.waterfall));
    match deal
        .waterfalls
        .keys()
        .zip(0..)
        .find(|(_, i)| !reached.contains(i))
    {
        None => Ok(()),
        Some((name, _)) => error(
            format!("waterfalls.{name}"),
            "never runs; name it in a trigger's `switch` or in `clean_up`, or remove it",
        ),
    }
}
