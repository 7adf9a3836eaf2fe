//! Deals of AbsBox, the structured-finance library for Python (<https://absbox-doc.readthedocs.io>).
//!
//! Its users write a deal as a map and make it a deal with `mkDeal`; `json.dumps` of that map is what is read here. Only
//! what pays the same with us is read. All else is refused with its place, never guessed. One key is added, which AbsBox
//! does not look at: `"currency": "USD"`.
//!
//! | AbsBox | ours |
//! |---|---|
//! | `name`, `currency` | the same; in all names a space becomes a hyphen |
//! | `dates`: `closing`, `firstPay`, `stated` | `closing`, `first_payment`, `legal_final`; `stated` is no payment date |
//! | `payFreq`: `["DayOfMonth", d]`, `MonthFirst`, `QuarterFirst`, `YearFirst`, `["MonthDayOfYear", m, d]`, `["EveryNMonth", date, n]` | `frequency`; `firstPay` is one of these days, up to the 28th |
//! | `pool.issuanceStat.IssuanceBalance` | `original_pool` |
//! | `accounts`: `balance`, and a `type` of `fixReserve`, `targetReserve`, or `max` of one of each | `opening`, `target` |
//! | `collect`: interest, principal, prepayment, recoveries, each to one account | `collect` |
//! | `fees`: `annualPctFee` of `["poolBalance"]` if `poolFreq` is `payFreq` | `percent_of_pool`, ACT/365 |
//! | `fees`: `recurFee` on payment dates | `fixed` |
//! | `bonds` of type `Sequential`, in their order | `tranches`, the most senior first |
//! | the bond of type `Equity`, if any | equity, which is no tranche |
//! | `rateType`: `fix`; `floater` that resets on payment dates; `cap` and `floor` of it | `coupon` |
//! | `dayCount`: none or `DC_ACT_365F`; `DC_ACT_360`; `DC_30E_360`, `DC_30Ep_360`, `DC_30_360_ISDA`; `DC_30_360_US` | ACT/365, ACT/360, 30/360, 30/360 US |
//! | `waterfall.amortizing` | `waterfalls.interest`; `principal` stays empty |
//! | `waterfall.Accelerated`, `waterfall.Defaulted` | waterfalls to which a trigger switches |
//! | `trigger.BeforeDistribution`: at most one, not curable, with `["newStatus", ...]` to one of these two | a trigger |
//! | `payFee`, `payFeeBySeq`, `calcAndPayFee` | `pay_fee` |
//! | `payInt`, `payIntBySeq`, `accrueAndPayInt`, `accrueAndPayIntBySeq` | `pay_interest` |
//! | `payPrin`, `payPrinBySeq` | `pay_principal` |
//! | `payIntResidual`, `payPrinResidual` to equity, with the `payPrin` to it right before | `pay_residual` |
//! | `transfer`, its `{"reserve": "gap"}` and `{"reserve": "excess"}` | `transfer` |
//! | `calcFee`, `calcInt` | nothing: with us fees and interest always fall due, so each list must accrue all of them, interest before principal is paid |
//! | `If`, `IfElse` | `when` |
//! | `limit`: `{"balCapAmt": n}`, `{"formula": x}` | `limit` |
//! | `limit`: `{"formula": ["excess", ["bondBalance", ...], x]}` of `payPrin` to these bonds | `until` |
//! | `support`: `["account", name]` | `support` |
//! | formulas: `const`, `poolBalance`, `originalPoolBalance`, `bondBalance`, `originalBondBalance`, `*` one of them, `max` of that and `const` | an amount; sums over bonds name all but equity |
//! | conditions: a date; `["poolFactor"]` and a part; `all` or `any` of these | facts; a test of the pool factor |
//!
//! Not looked at, since it changes no payment: the pool's `assets`, `cashflow` and `extendBy`, `cutoff`, `maturityDate`,
//! `inspect`, all of an Equity bond but its name and type, and `poolFreq` but for the fees above. Which loans there are, the
//! tape says. The rate that a floater starts at is checked but not kept: the first fixing of its index is that rate
//! without the spread. Keys that hold `None` or nothing, such as `"cleanUp": []`, are as good as missing.
//!
//! Refused are, besides all unknown keys: deals that have already paid, other bond types, rates that step up, several pools,
//! facilities, swaps, caps, ledgers, reserves with `min` or `when`, fees that are paid once, actions at closing or at the
//! end of collections, and clean-up calls: whether a deal is called stands in AbsBox's assumptions and not in the deal.
//!
//! In AbsBox one list pays from accounts that may hold interest and principal together. With us they are collected apart,
//! since principal covers the tranches. If one account receives both, principal is collected in an account of its own and
//! all of it transferred first of all. Losses are recorded in ledgers, which are only shown, since no action that is read
//! looks at them.
//!
//! Four things differ. Amounts can differ by a cent, since shares, targets and limits are rounded our way. Interest on unpaid
//! interest bears interest itself with us and not in AbsBox, which matters once it is short for two periods in a row. A
//! floating rate is never below zero. And loans that are bought back, which AbsBox does not know, are collected with
//! principal.

mod actions;
mod formula;
mod parts;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use fixed::Decimal;

use crate::deal::step::{Action, Extent, Step};
use crate::deal::{Account, Collect, Deal, Fee, Losses, Switch, Test, Tranche, Trigger};
use actions::{Steps, waterfall};
use parts::Payments;
use records::files::{At, ImportError, read_file};
use value::{Fields, Json, Node, parse};

/// What is not read, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    place: String,
    problem: String,
}

type Checked<T> = Result<T, Refusal>;

/// The names under which AbsBox looks for the bonds.
const BONDS: [&str; 3] = ["bonds", "bond", "notes"];
const ACCOUNTS: [&str; 2] = ["accounts", "account"];
const FEES: [&str; 4] = ["fees", "fee", "expenses", "expense"];
const TRIGGERS: [&str; 2] = ["trigger", "triggers"];

/// The keys of a deal.
const KEYS: [&str; 18] = [
    "name",
    "currency",
    "dates",
    "pool",
    "accounts",
    "account",
    "bonds",
    "bond",
    "notes",
    "fees",
    "fee",
    "expenses",
    "expense",
    "collect",
    "waterfall",
    "trigger",
    "triggers",
    "status",
];
/// Keys that must be empty.
const UNSUPPORTED: [&str; 5] = ["liqFacility", "rateSwap", "rateCap", "custom", "ledger"];

/// What waterfalls speak of.
struct Parts {
    tranches: Vec<Tranche>,
    equity: Option<String>,
    fees: Vec<Fee>,
    /// Which of the fees need no action to fall due.
    accrues_by_itself: Vec<bool>,
}

impl Parts {
    fn tranche_names(&self) -> String {
        let names: Vec<&str> = self.tranches.iter().map(|t| t.name.as_str()).collect();
        names.join(", ")
    }
}

/// Whether a file is a deal of AbsBox rather than one of ours: ours have `tranches` where it has `bonds`.
pub(super) fn is_absbox(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    match parse(text) {
        Ok(Json::Map(members)) => {
            let has = |name: &str| members.iter().any(|(n, _)| n == name);
            !has("tranches") && BONDS.iter().any(|b| has(b))
        }
        Ok(_) => false,
        // What it was meant to be decides who says what is wrong.
        Err(_) => text.contains("\"bonds\"") && !text.contains("\"tranches\""),
    }
}

/// Reads a deal of AbsBox.
///
/// # Errors
/// Says what is wrong or not supported, and where.
pub fn read_absbox(path: &Path) -> Result<Deal, ImportError> {
    from_bytes(&At::file(path), &read_file(path)?)
}

pub(super) fn from_bytes(file: &At, bytes: &[u8]) -> Result<Deal, ImportError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| file.error(None, "is not UTF-8 text; save the file as UTF-8"))?;
    let json = parse(text).map_err(|(line, problem)| file.line(line).error(None, problem))?;
    deal(&json).map_err(|e| {
        if e.place.is_empty() {
            file.error(None, e.problem)
        } else {
            file.path(e.place).error(None, e.problem)
        }
    })
}

fn deal(json: &Json) -> Checked<Deal> {
    let root = Node {
        place: String::new(),
        value: json,
    };
    let fields = root.map_without(&KEYS, &UNSUPPORTED)?;
    if let Some(node) = fields.get("status") {
        status(node)?;
    }
    let Some(currency) = fields.get("currency") else {
        return root.refuse(
            "has no `currency`, which ours state; add such as \"currency\": \"USD\" to the map, AbsBox does not look at it",
        );
    };
    let payments = parts::dates(fields.need("dates")?)?;
    let parts = parts_of(&fields, &payments)?;
    let mut accounts = Vec::new();
    for (name, node) in fields.needs_any(&ACCOUNTS)?.members()? {
        accounts.push(parts::account(name, &node, &parts)?);
    }
    let (mut collect, is_shared) = parts::collect(fields.need("collect")?)?;
    let first = is_shared.then(|| separate_principal(&mut accounts, &mut collect));
    let mut tests = Vec::new();
    let read = waterfalls(
        fields.need("waterfall")?,
        &parts,
        &mut tests,
        first.as_ref(),
    )?;
    let triggers = match fields.any(&TRIGGERS)? {
        Some(node) => triggers(node, &mut tests)?,
        None => Vec::new(),
    };
    let mut places = BTreeMap::new();
    let mut waterfalls = BTreeMap::from([("principal".to_string(), Vec::new())]);
    for (name, steps) in read {
        places.insert(name.clone(), steps.places);
        waterfalls.insert(name, steps.steps);
    }
    let deal = Deal {
        name: fields.need("name")?.text()?.to_string(),
        currency: currency.text()?.to_string(),
        dates: payments.dates,
        original_pool: parts::pool(fields.need("pool")?)?,
        accounts,
        collect,
        fees: parts.fees,
        tranches: parts.tranches,
        // Balances stay as they are unless an action writes them off, and none is read.
        losses: Losses::Ledgers,
        tests,
        triggers,
        waterfalls,
        clean_up: None,
    };
    match deal.validate() {
        Ok(()) => Ok(deal),
        Err(e) => Err(Refusal {
            place: place_there(&e.place, &deal, &places),
            problem: e.problem,
        }),
    }
}

/// What waterfalls speak of: bonds and fees.
fn parts_of(fields: &Fields<'_>, payments: &Payments) -> Checked<Parts> {
    let mut parts = Parts {
        tranches: Vec::new(),
        equity: None,
        fees: Vec::new(),
        accrues_by_itself: Vec::new(),
    };
    for (name, node) in fields.needs_any(&BONDS)?.members()? {
        if !parts::is_equity(&node) {
            parts.tranches.push(parts::bond(name, &node, payments)?);
        } else if parts.equity.replace(name.to_string()).is_some() {
            return node.refuse("is a second bond of type Equity; keep one");
        }
    }
    if let Some(node) = fields.any(&FEES)? {
        for (name, node) in node.members()? {
            let (fee, accrues) = parts::fee(name, &node, payments)?;
            parts.fees.push(fee);
            parts.accrues_by_itself.push(!accrues);
        }
    }
    Ok(parts)
}

/// Collects principal in an account of its own, and returns the step that transfers all of it to the one it shared.
fn separate_principal(accounts: &mut Vec<Account>, collect: &mut Collect) -> Step {
    let own = unused_name(accounts, &collect.principal);
    let shared = std::mem::replace(&mut collect.principal, own.clone());
    collect.repurchased.clone_from(&own);
    accounts.push(Account {
        name: own.clone(),
        opening: Decimal::ZERO,
        target: None,
    });
    Step {
        account: own,
        action: Action::Transfer {
            to: shared,
            amount: Extent::All,
        },
        support: None,
        limit: None,
        when: None,
    }
}

/// A name for the account of principal that the deal does not have yet.
fn unused_name(accounts: &[Account], shared: &str) -> String {
    let mut name = format!("{shared}-principal");
    while accounts.iter().any(|a| a.name == name) {
        name += "+";
    }
    name
}

fn status(node: &Node<'_>) -> Checked<()> {
    let amortizing = |n: &Node<'_>| n.text() == Ok("Amortizing");
    let list = node.list().unwrap_or_default();
    match list.as_slice() {
        [] if amortizing(node) => Ok(()),
        [now, next] if now.text() == Ok("PreClosing") && amortizing(next) => Ok(()),
        _ => node.refuse(
            "is not supported; supported: \"Amortizing\" and [\"PreClosing\", \"Amortizing\"]",
        ),
    }
}

/// The lists by our names.
fn waterfalls(
    node: &Node<'_>,
    parts: &Parts,
    tests: &mut Vec<Test>,
    first: Option<&Step>,
) -> Checked<Vec<(String, Steps)>> {
    let mut read: Vec<(String, Steps)> = Vec::new();
    for (name, node) in node.members()? {
        let ours = match name {
            "amortizing" | "Amortizing" => "interest",
            "Accelerated" | "Defaulted" => name,
            "cleanUp" if !node.is_empty() => {
                return node.refuse(
                    "is not supported: AbsBox's assumptions say when a deal is called, and the map does not; remove it",
                );
            }
            "cleanUp" | "endOfCollection" | "closingDay" | "revolving" | "Revolving"
            | "default"
                if node.is_empty() =>
            {
                continue;
            }
            _ => {
                return node
                    .refuse("is not supported; supported: amortizing, Accelerated, Defaulted");
            }
        };
        if read.iter().any(|(n, _)| n == ours) {
            return node.refuse("means the same as another key; remove one");
        }
        let steps = waterfall(&node, parts, tests, first.cloned())?;
        read.push((ours.to_string(), steps));
    }
    if read.iter().any(|(n, _)| n == "interest") {
        Ok(read)
    } else {
        node.refuse("has no `amortizing`; add it")
    }
}

fn triggers(node: &Node<'_>, tests: &mut Vec<Test>) -> Checked<Vec<Trigger>> {
    let mut triggers = Vec::new();
    for (location, node) in node.members()? {
        if node.is_empty() {
            continue;
        }
        // At other times a date or the pool may stand differently than on a payment date.
        if location != "BeforeDistribution" {
            return node.refuse("is not supported; supported: BeforeDistribution");
        }
        for (name, node) in node.members()? {
            let fields = node.map(&["condition", "effects", "status", "curable"])?;
            for flag in ["status", "curable"] {
                if let Some(node) = fields.get(flag).filter(|n| *n.value != Json::Bool(false)) {
                    return node.refuse("is not supported unless it is false");
                }
            }
            let effect = fields.need("effects")?;
            let list = effect.list()?;
            let to = match list.as_slice() {
                [kind, to] if kind.text() == Ok("newStatus") => to.text()?,
                _ => "",
            };
            if !["Accelerated", "Defaulted"].contains(&to) {
                return effect.refuse(
                    "is not supported; supported: [\"newStatus\", \"Accelerated\"] and [\"newStatus\", \"Defaulted\"]",
                );
            }
            // Of several the last one decides there, the first one with us.
            if !triggers.is_empty() {
                return node.refuse(
                    "is a second trigger, and only one is supported; join them with `any`",
                );
            }
            triggers.push(Trigger {
                name: name.to_string(),
                when: formula::condition(fields.need("condition")?, tests)?,
                curable: false,
                switch: Some(Switch {
                    waterfall: "interest".into(),
                    to: to.to_string(),
                }),
            });
        }
    }
    Ok(triggers)
}

/// Where in the user's map what stands that is wrong at a place of ours.
fn place_there(place: &str, deal: &Deal, actions: &BTreeMap<String, Vec<String>>) -> String {
    let (part, rest) = place.split_once('[').unwrap_or((place, ""));
    let number = rest
        .split_once(']')
        .and_then(|(n, _)| n.parse::<usize>().ok());
    let named = |key: &str, name: Option<&str>| match name {
        Some(name) => format!("{key}.{}", name.escape_debug()),
        None => key.to_string(),
    };
    match part {
        "accounts" => {
            let account = number.and_then(|n| deal.accounts.get(n));
            named("accounts", account.map(|a| a.name.as_str()))
        }
        "fees" => {
            let fee = number.and_then(|n| deal.fees.get(n));
            named("fees", fee.map(|f| f.name.as_str()))
        }
        "tranches" => {
            let tranche = number.and_then(|n| deal.tranches.get(n));
            named("bonds", tranche.map(|t| t.name.as_str()))
        }
        "triggers" => "trigger.BeforeDistribution".into(),
        "tests" => "waterfall".into(),
        "original_pool" => "pool.issuanceStat.IssuanceBalance".into(),
        "dates.closing" => "dates.closing".into(),
        "dates.first_payment" => "dates.firstPay".into(),
        "dates.legal_final" => "dates.stated".into(),
        other => match other.strip_prefix("waterfalls.") {
            Some(list) => {
                let action = actions.get(list).zip(number);
                let action = action.and_then(|(places, n)| places.get(n));
                action.cloned().unwrap_or_else(|| {
                    let list = if list == "interest" {
                        "amortizing"
                    } else {
                        list
                    };
                    format!("waterfall.{list}")
                })
            }
            None => other.split('.').next().unwrap_or("").into(),
        },
    }
}
