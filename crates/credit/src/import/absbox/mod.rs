//! Deals of AbsBox, the structured-finance library for Python (<https://absbox-doc.readthedocs.io>).
//!
//! A file is Python, as its users write it, or the JSON of a deal's map. Of Python, values are read and nothing is run
//! ([`program`]). Only what pays the same with us is read. All else is refused with its line, its place and what stands there,
//! never guessed. `docs/absbox.md` lists what is read, what is refused, and where amounts can differ.
//!
//! AbsBox states no currency: it is an argument, or a key `"currency"` that AbsBox does not look at.
//!
//! In AbsBox one list pays from accounts that may hold interest and principal together. With us they are collected apart,
//! since principal covers the tranches. If one account receives both, principal is collected in an account of its own and
//! all of it transferred first of all. Losses are recorded in ledgers, which are only shown, since no action that is read
//! looks at them.
//!
//! A deal under way is a deal and its state after its last payment date, which counts as its first one: what it paid before,
//! the file does not say.

mod actions;
mod bonds;
mod dates;
mod fees;
mod formula;
mod literal;
mod operators;
mod parts;
mod program;
#[cfg(test)]
mod tests;
mod triggers;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use fixed::Decimal;
use records::units::Cents;

use crate::deal::step::{Action, Extent, Step};
use crate::deal::{Account, CENT_DECIMALS, Collect, Deal, Fee, Losses, Plan, Test, Tranche};
use crate::waterfall::DealState;
use actions::{Steps, waterfall};
use bonds::Principal;
use dates::Payments;
use parts::Pool;
use records::files::{At, ImportError, read_file};
use value::{Fields, Json, Node, Tree};

/// What is not read, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    place: String,
    line: u64,
    problem: String,
}

type Checked<T> = Result<T, Refusal>;

/// The names under which AbsBox looks for the bonds.
const BONDS: [&str; 3] = ["bonds", "bond", "notes"];
const ACCOUNTS: [&str; 2] = ["accounts", "account"];
const FEES: [&str; 4] = ["fees", "fee", "expenses", "expense"];
const TRIGGERS: [&str; 2] = ["trigger", "triggers"];

/// The keys of a deal.
const KEYS: [&str; 19] = [
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
    "custom",
    "status",
];
/// Keys that must be empty.
const UNSUPPORTED: [&str; 7] = [
    "call",
    "liqFacility",
    "rateSwap",
    "rateCap",
    "currencySwap",
    "ledger",
    "ledgers",
];

/// The keys of what AbsBox's users have besides deals, and what to do with it.
const OTHERS: [(&[&str], &str); 2] = [
    (
        &["cells", "nbformat"],
        "is a notebook; save it as Python, and keep the deal",
    ),
    (
        &["tag", "contents"],
        "is what AbsBox sends to its engine; give the Python that it was made from",
    ),
];

/// A deal as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The deal.
    pub deal: Deal,
    /// Its state after its last payment date, if it has paid before.
    pub state: Option<DealState>,
}

/// What waterfalls speak of.
struct Parts {
    tranches: Vec<Tranche>,
    equity: Option<String>,
    fees: Vec<Fee>,
    /// Which of the fees need no action to fall due.
    accrues_by_itself: Vec<bool>,
    /// When tranches are paid principal.
    principal: Vec<Principal>,
    /// What tranches owe now, and interest they are owed from before.
    owed: Vec<(Decimal, Decimal)>,
    /// Fees owed from before.
    arrears: Vec<Decimal>,
}

impl Parts {
    fn tranche_names(&self) -> String {
        let names: Vec<&str> = self.tranches.iter().map(|t| t.name.as_str()).collect();
        names.join(", ")
    }
}

/// Whether a file is a deal of AbsBox rather than one of ours: ours are JSON and have `tranches` where it has `bonds`.
pub(super) fn is_absbox(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    if !text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with(['{', '['])
    {
        return true;
    }
    match program::parse(text) {
        Ok(Tree {
            value: Json::Map(members),
            ..
        }) => {
            let has = |name: &str| members.iter().any(|(n, _)| n == name);
            let is_other = OTHERS.iter().any(|(keys, _)| keys.iter().all(|k| has(k)));
            !has("tranches") && (is_other || BONDS.iter().any(|b| has(b)))
        }
        Ok(_) => false,
        // What it was meant to be decides who says what is wrong.
        Err(_) => text.contains("\"bonds\"") && !text.contains("\"tranches\""),
    }
}

/// Reads a deal of AbsBox, whose amounts are in a currency that the file need not state.
///
/// # Errors
/// Says what is wrong or not supported, and where.
pub fn read_absbox(path: &Path, currency: Option<&str>) -> Result<Read, ImportError> {
    from_bytes(&At::file(path), &read_file(path)?, currency)
}

pub(super) fn from_bytes(
    file: &At,
    bytes: &[u8],
    currency: Option<&str>,
) -> Result<Read, ImportError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| file.error(None, "is not UTF-8 text; save the file as UTF-8"))?;
    let error = |line: u64, problem: String| file.line(line).error(None, problem);
    let tree = program::parse(text).map_err(|(line, problem)| error(line, problem))?;
    let tree = with_custom(tree).map_err(|(line, problem)| error(line, problem))?;
    let root = Node {
        place: String::new(),
        tree: &tree,
    };
    deal(&root, currency).map_err(|e| match e.place.as_str() {
        "" => error(e.line, e.problem),
        place => error(e.line, format!("{place}: {}", e.problem)),
    })
}

/// The deal with what it defines itself in place of `("custom", name)`.
fn with_custom(mut tree: Tree) -> Result<Tree, (u64, String)> {
    let Json::Map(members) = &mut tree.value else {
        return Ok(tree);
    };
    let Some(at) = members.iter().position(|(n, _)| n == "custom") else {
        return Ok(tree);
    };
    let custom = members.remove(at).1;
    let list = match custom.value {
        Json::Null => return Ok(tree),
        Json::Map(list) => list,
        _ => return Err((custom.line, "custom: is not a map; write {...}".into())),
    };
    let mut values = BTreeMap::new();
    for (name, value) in list {
        let value = match value.value {
            Json::Number(number) => {
                let texts = [Json::Text("const".into()), Json::Number(number)];
                let line = value.line;
                Json::List(texts.map(|value| Tree { line, value }).to_vec())
            }
            Json::List(ref list)
                if matches!(
                    list.first(),
                    Some(Tree {
                        value: Json::Text(_),
                        ..
                    })
                ) =>
            {
                value.value
            }
            _ => {
                let problem = format!(
                    "custom.{name}: is neither a number nor a formula, and curves are not supported"
                );
                return Err((value.line, problem));
            }
        };
        values.insert(name, value);
    }
    replace_custom(&mut tree, &values);
    Ok(tree)
}

fn replace_custom(tree: &mut Tree, values: &BTreeMap<String, Json>) {
    if let Json::List(list) = &tree.value
        && let [kind, name] = list.as_slice()
        && kind.value == Json::Text("custom".into())
        && let Json::Text(name) = &name.value
        && let Some(value) = values.get(name)
    {
        // What a definition defines itself is not followed: it would be refused as a formula.
        tree.value = value.clone();
        return;
    }
    match &mut tree.value {
        Json::List(list) => list.iter_mut().for_each(|t| replace_custom(t, values)),
        Json::Map(map) => map.iter_mut().for_each(|(_, t)| replace_custom(t, values)),
        _ => {}
    }
}

/// The currency that the file or the caller states.
fn currency(root: &Node<'_>, fields: &Fields<'_>, told: Option<&str>) -> Checked<String> {
    match (fields.get("currency"), told) {
        (Some(node), Some(told)) if node.text()? != told => {
            node.refuse(format!("is not {told}, the currency that was asked for; correct one of the two"))
        }
        (Some(node), _) => Ok(node.text()?.to_string()),
        (None, Some(told)) => Ok(told.to_string()),
        (None, None) => root.refuse(
            "has no `currency`, which AbsBox does not state and ours do; give --currency USD, or add \"currency\": \"USD\" to \
             the map, which AbsBox does not look at",
        ),
    }
}

fn deal(root: &Node<'_>, told: Option<&str>) -> Checked<Read> {
    let members = root.members()?;
    let has = |name: &&str| members.iter().any(|(n, _)| n == name);
    if let Some((_, problem)) = OTHERS.iter().find(|(keys, _)| keys.iter().all(has)) {
        return root.refuse(*problem);
    }
    let fields = root.map_without(&KEYS, &UNSUPPORTED)?;
    if let Some(node) = fields.get("status") {
        status(node)?;
    }
    let currency = currency(root, &fields, told)?;
    let bonds = fields.needs_any(&BONDS)?.named()?;
    let since = bonds.iter().map(|(_, node)| bonds::since(node));
    let since = since
        .collect::<Checked<Vec<_>>>()?
        .into_iter()
        .flatten()
        .min();
    let payments = dates::dates(fields.need("dates")?, since)?;
    let parts = parts_of(&fields, &payments)?;
    let mut accounts = Vec::new();
    for (name, node) in fields.needs_any(&ACCOUNTS)?.named()? {
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
        Some(node) => triggers::triggers(node, &mut tests)?,
        None => Vec::new(),
    };
    let mut places = BTreeMap::new();
    let mut waterfalls = BTreeMap::from([("principal".to_string(), Vec::new())]);
    for (name, steps) in read {
        places.insert(name.clone(), steps.places);
        waterfalls.insert(name, steps.steps);
    }
    let pool_node = fields.need("pool")?;
    let pool = parts::pool(pool_node, payments.is_under_way)?;
    let deal = Deal {
        name: fields.need("name")?.text()?.to_string(),
        currency,
        dates: payments.dates.clone(),
        original_pool: pool.original,
        accounts,
        collect,
        fees: parts.fees.clone(),
        tranches: parts.tranches.clone(),
        // Balances stay as they are unless an action writes them off, and none is read.
        losses: Losses::Ledgers,
        tests,
        triggers,
        waterfalls,
        clean_up: None,
    };
    let plan = deal.plan().map_err(|e| {
        let place = place_there(&e.place, &deal, &places);
        Refusal {
            line: root.line_of(&place),
            place,
            problem: e.problem,
        }
    })?;
    let state = match payments.is_under_way {
        true => Some(state(pool_node, &plan, &parts, &pool)?),
        false => None,
    };
    Ok(Read { deal, state })
}

/// The state of a deal under way after its last payment date.
fn state(node: &Node<'_>, plan: &Plan, parts: &Parts, pool: &Pool) -> Checked<DealState> {
    let cents = |amount: &Decimal| {
        let units = amount.rescale_exact(CENT_DECIMALS).ok();
        match units.and_then(|u| u64::try_from(u).ok()) {
            Some(units) => Ok(Cents(units)),
            None => node.refuse(format!("{amount} is too large")),
        }
    };
    let Some(balance) = pool.balance else {
        return node.refuse(
            "has no assets with a `currentBalance` each, of which a deal under way is what they owe now; add one that says it",
        );
    };
    let mut state = DealState::of(plan);
    state.period = 1;
    state.pool_balance = cents(&balance)?;
    state.defaulted = cents(&pool.defaulted)?;
    state.recoveries = cents(&pool.recoveries)?;
    for (tranche, (balance, unpaid)) in state.tranches.iter_mut().zip(&parts.owed) {
        (tranche.balance, tranche.unpaid_interest) = (cents(balance)?, cents(unpaid)?);
    }
    for (arrears, owed) in state.fee_arrears.iter_mut().zip(&parts.arrears) {
        *arrears = cents(owed)?;
    }
    let state = state.with_ledgers(plan).and_then(|state| {
        state.check(plan)?;
        Ok(state)
    });
    state.or_else(|e| node.refuse(format!("does not fit the deal under way: {e}")))
}

/// What waterfalls speak of: bonds and fees.
fn parts_of(fields: &Fields<'_>, payments: &Payments) -> Checked<Parts> {
    let mut parts = Parts {
        tranches: Vec::new(),
        equity: None,
        fees: Vec::new(),
        accrues_by_itself: Vec::new(),
        principal: Vec::new(),
        owed: Vec::new(),
        arrears: Vec::new(),
    };
    for (name, node) in fields.needs_any(&BONDS)?.named()? {
        if !bonds::is_equity(&node) {
            let read = bonds::bond(name, &node, payments)?;
            parts.tranches.push(read.tranche);
            parts.principal.push(read.principal);
            parts.owed.push((read.balance, read.unpaid_interest));
        } else if parts.equity.replace(name.to_string()).is_some() {
            return node.refuse("is a second bond of type Equity; keep one");
        }
    }
    if let Some(node) = fields.any(&FEES)? {
        for (name, node) in node.named()? {
            let read = fees::fee(name, &node, payments)?;
            parts.fees.push(read.fee);
            parts.accrues_by_itself.push(!read.accrues);
            parts.arrears.push(read.arrears);
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
    let members = node.members()?;
    let is_usual = |name: &str| ["amortizing", "Amortizing"].contains(&name);
    let has_usual = members
        .iter()
        .any(|(n, node)| is_usual(n) && !node.is_empty());
    for (name, node) in members {
        let ours = match name {
            name if is_usual(name) => "interest",
            // What runs where no list of the status is there.
            "default" if !has_usual => "interest",
            "Accelerated" | "(amortizing, accelerated)" if !node.is_empty() => "Accelerated",
            "Defaulted" | "(amortizing, defaulted)" if !node.is_empty() => "Defaulted",
            "cleanUp" if !node.is_empty() => {
                return node.refuse(
                    "is not supported: AbsBox's assumptions say when a deal is called, and the map does not; remove it",
                );
            }
            _ if node.is_empty() => continue,
            _ => {
                return node.refuse(
                    "is not supported; supported: amortizing or default, (\"amortizing\", \"accelerated\") or Accelerated, \
                     (\"amortizing\", \"defaulted\") or Defaulted",
                );
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
