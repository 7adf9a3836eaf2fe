//! Waterfalls.

use std::collections::BTreeSet;

use fixed::Decimal;
use records::date;

use super::bonds::Principal;
use super::formula::{Limit, call, condition, limit, opposite};
use super::value::Node;
use super::{Checked, Parts};
use crate::deal::step::{Action, Extent, Fact, Order, Step, Until, When};
use crate::deal::{Amount, Coupon, Test};

const ACTIONS: &str = "is not a supported action; supported: calcFee, payFee, payFeeBySeq, calcAndPayFee, calcInt, payInt, payIntBySeq, \
     accrueAndPayInt, accrueAndPayIntBySeq, payPrin, payPrinBySeq, payIntResidual, payPrinResidual, transfer, If, IfElse, inspect";

/// The steps of a waterfall, each with the place of the action that it comes from.
#[derive(Default)]
pub(super) struct Steps {
    pub steps: Vec<Step>,
    pub places: Vec<String>,
}

struct Reader<'p> {
    parts: &'p Parts,
    tests: &'p mut Vec<Test>,
    steps: Steps,
    /// Whose interest and which fees an action has accrued so far.
    interest_accrued: Vec<bool>,
    fee_accrued: Vec<bool>,
}

/// Reads a list of actions, to be run after what collections need.
pub(super) fn waterfall(
    node: &Node<'_>,
    parts: &Parts,
    tests: &mut Vec<Test>,
    first: Option<Step>,
) -> Checked<Steps> {
    let mut reader = Reader {
        parts,
        tests,
        steps: Steps::default(),
        // What bears no interest need not be accrued.
        interest_accrued: parts
            .tranches
            .iter()
            .map(|t| matches!(&t.coupon, Coupon::Fixed(rate) if rate.is_zero()))
            .collect(),
        fee_accrued: parts.accrues_by_itself.clone(),
    };
    if let Some(step) = first {
        reader.steps.steps.push(step);
        reader.steps.places.push("collect".into());
    }
    reader.actions(&node.list()?, None)?;
    // With us interest and fees fall due whether or not a step pays them.
    let missing = |what: &str, name: &str, action: &str| {
        node.refuse(format!(
            "never accrues {what} `{name}`, which ours always do; add [\"{action}\", \"{name}\"]"
        ))
    };
    let tranches = parts.tranches.iter().zip(&reader.interest_accrued);
    if let Some((tranche, _)) = tranches.into_iter().find(|(_, done)| !**done) {
        return missing("the interest of", &tranche.name, "calcInt");
    }
    let fees = parts.fees.iter().zip(&reader.fee_accrued);
    if let Some((fee, _)) = fees.into_iter().find(|(_, done)| !**done) {
        return missing("the fee", &fee.name, "calcFee");
    }
    Ok(reader.steps)
}

/// A payment of principal on some payment dates.
struct Part {
    tranches: Vec<String>,
    until: Option<Until>,
    when: Vec<Fact>,
}

/// A bond with a plan is paid down to the amount of the last date of its plan.
fn planned(tranches: &[String], plan: &[(i64, Decimal)]) -> Vec<Part> {
    let part = |(i, (from, balance)): (usize, &(i64, Decimal))| {
        let next = plan.get(i + 1);
        let mut when = Vec::new();
        if i > 0 {
            when.push(Fact::From(date::written(*from)));
        }
        when.extend(next.map(|(next, _)| Fact::Before(date::written(*next))));
        Part {
            tranches: tranches.to_vec(),
            until: Some(Until::Balance(Amount::Fixed(*balance))),
            when,
        }
    };
    plan.iter().enumerate().map(part).collect()
}

/// A bond that is locked out is paid from its day on; the others before it, too.
fn locked(
    node: &Node<'_>,
    tranches: &[String],
    types: &[&Principal],
    has_until: bool,
) -> Checked<Vec<Part>> {
    let day = |t: &&Principal| match t {
        Principal::Lockout(day) => Some(*day),
        _ => None,
    };
    let days: BTreeSet<i64> = types.iter().filter_map(day).collect();
    let all = |when| Part {
        tranches: tranches.to_vec(),
        until: None,
        when,
    };
    let Some(first) = days.first().map(|d| date::written(*d)) else {
        return Ok(vec![all(Vec::new())]);
    };
    let others = tranches.iter().zip(types).filter(|(_, t)| day(t).is_none());
    let others: Vec<String> = others.map(|(name, _)| name.clone()).collect();
    if days.len() > 1 || has_until && !others.is_empty() {
        return node.refuse("pays bonds together that are locked out until different days; pay each by an action of its own");
    }
    let mut parts = vec![all(vec![Fact::From(first.clone())])];
    if !others.is_empty() {
        parts.push(Part {
            tranches: others,
            until: None,
            when: vec![Fact::Before(first)],
        });
    }
    Ok(parts)
}

/// Facts that must hold besides a condition.
fn joined(node: &Node<'_>, outer: Option<&When>, facts: Vec<Fact>) -> Checked<Option<When>> {
    match outer {
        _ if facts.is_empty() => Ok(outer.cloned()),
        None => Ok(Some(When::All(facts))),
        Some(When::All(outer)) => Ok(Some(When::All(outer.iter().cloned().chain(facts).collect()))),
        Some(When::Any(_)) => node.refuse(
            "pays a bond of type Lockout or PAC under `any`, and ours do not nest conditions; split the action",
        ),
    }
}

/// What may follow an action's accounts and receivers.
#[derive(Clone, Default)]
struct Modifiers {
    support: Option<String>,
    limit: Option<Amount>,
    until: Option<Until>,
}

impl Reader<'_> {
    fn actions(&mut self, list: &[Node<'_>], when: Option<&When>) -> Checked<()> {
        for (i, node) in list.iter().enumerate() {
            let (name, arguments) = call(node, ACTIONS)?;
            match (name, arguments.as_slice()) {
                // It only shows numbers.
                ("inspect", _) => {}
                ("calcFee", fees) => {
                    for (number, node) in self.fees(fees)? {
                        self.accrue_fee(number, &node, when)?;
                    }
                }
                ("calcInt", bonds) => {
                    for (number, node) in self.bonds(bonds)? {
                        self.accrue_interest(number, &node, when)?;
                    }
                }
                ("payFee" | "payFeeBySeq" | "calcAndPayFee", [from, fees, rest @ ..]) => {
                    self.pay_fee(node, name, [from, fees], rest, when)?;
                }
                (
                    "payInt" | "payIntBySeq" | "accrueAndPayInt" | "accrueAndPayIntBySeq",
                    [from, bonds, rest @ ..],
                ) => self.pay_interest(node, name, [from, bonds], rest, when)?,
                ("payPrin" | "payPrinBySeq", [from, bonds, rest @ ..]) => {
                    let next = list.get(i + 1);
                    self.pay_principal(node, name, [from, bonds], rest, when, next)?;
                }
                ("payIntResidual" | "payPrinResidual", [from, bond, rest @ ..]) => {
                    self.only_equity(bond)?;
                    if let ("payPrinResidual", [extra, ..]) = (name, rest) {
                        return extra.refuse("is one too many; remove it");
                    }
                    let modifiers = self.modifiers(rest, &[])?;
                    if modifiers.support.is_some() || modifiers.until.is_some() {
                        return node.refuse("pays all there is; keep only a `limit` of an amount");
                    }
                    self.push(node, from, Action::PayResidual, modifiers, when)?;
                }
                ("transfer", [from, to, rest @ ..]) => {
                    self.transfer(node, [from, to], rest, when)?;
                }
                ("If", [test, inner @ ..]) => {
                    let when = self.condition(test, when)?;
                    self.actions(inner, Some(&when))?;
                }
                ("IfElse", [test, then, other]) => {
                    let when = self.condition(test, when)?;
                    self.actions(&then.list()?, Some(&when))?;
                    self.actions(&other.list()?, Some(&opposite(when)))?;
                }
                _ => return node.refuse(ACTIONS),
            }
        }
        Ok(())
    }

    fn condition(&mut self, node: &Node<'_>, outer: Option<&When>) -> Checked<When> {
        if outer.is_some() {
            return node.refuse("stands inside another condition, and ours do not nest; use `all`");
        }
        condition(node, self.tests)
    }

    fn push(
        &mut self,
        node: &Node<'_>,
        account: &Node<'_>,
        action: Action,
        modifiers: Modifiers,
        when: Option<&When>,
    ) -> Checked<()> {
        self.steps.steps.push(Step {
            account: one_account(account)?.to_string(),
            action,
            support: modifiers.support,
            limit: modifiers.limit,
            when: when.cloned(),
        });
        self.steps.places.push(node.place.clone());
        Ok(())
    }

    /// The places of names in a list of the deal, given as a list or one by one.
    fn find<'a>(nodes: &[Node<'a>], what: &str, known: &[&str]) -> Checked<Vec<(usize, Node<'a>)>> {
        let mut found = Vec::new();
        for node in nodes {
            for (name, node) in node.names()? {
                match known.iter().position(|k| *k == name) {
                    Some(number) => found.push((number, node)),
                    None => {
                        return node.refuse(format!(
                            "is no {what} that is paid here; there are: {}",
                            known.join(", ")
                        ));
                    }
                }
            }
        }
        Ok(found)
    }

    fn fees<'a>(&self, nodes: &[Node<'a>]) -> Checked<Vec<(usize, Node<'a>)>> {
        let known: Vec<&str> = self.parts.fees.iter().map(|f| f.name.as_str()).collect();
        Self::find(nodes, "fee", &known)
    }

    fn bonds<'a>(&self, nodes: &[Node<'a>]) -> Checked<Vec<(usize, Node<'a>)>> {
        let known: Vec<&str> = self
            .parts
            .tranches
            .iter()
            .map(|t| t.name.as_str())
            .collect();
        Self::find(nodes, "bond", &known)
    }

    fn accrue_fee(&mut self, number: usize, node: &Node<'_>, when: Option<&When>) -> Checked<()> {
        if self.parts.accrues_by_itself[number] {
            return node.refuse("accrues by itself; use `payFee`, and no `calcFee`");
        }
        if when.is_some() {
            return node
                .refuse("is accrued under a condition, and ours always are; accrue it outside");
        }
        self.fee_accrued[number] = true;
        Ok(())
    }

    /// Interest is on what was owed before any payment of the day.
    fn accrue_interest(
        &mut self,
        number: usize,
        node: &Node<'_>,
        when: Option<&When>,
    ) -> Checked<()> {
        if when.is_some() {
            return node.refuse(
                "accrues interest under a condition, and ours always accrues; write `calcInt` outside and `payInt` here",
            );
        }
        self.interest_accrued[number] = true;
        Ok(())
    }

    /// The limit and the support after an action's receivers.
    fn modifiers(&self, rest: &[Node<'_>], paid: &[String]) -> Checked<Modifiers> {
        let node = match rest {
            [] => return Ok(Modifiers::default()),
            [node] if node.is_null() => return Ok(Modifiers::default()),
            [node] => node,
            [_, extra, ..] => return extra.refuse("is one too many; remove it"),
        };
        let fields = node.map(&["limit", "support"])?;
        let mut modifiers = Modifiers::default();
        if let Some(node) = fields.get("limit") {
            match limit(node, paid, self.parts)? {
                Limit::Most(amount) => modifiers.limit = Some(amount),
                Limit::Until(until) => modifiers.until = Some(until),
                Limit::Reserve(_) => return node.refuse("is for `transfer` only"),
            }
        }
        if let Some(node) = fields.get("support") {
            let list = node.list()?;
            match list.as_slice() {
                [kind, account] if kind.text() == Ok("account") => {
                    modifiers.support = Some(account.text()?.to_string());
                }
                _ => return node.refuse("is not [\"account\", name], the only support we have"),
            }
        }
        Ok(modifiers)
    }

    fn pay_fee(
        &mut self,
        node: &Node<'_>,
        name: &str,
        [from, fees]: [&Node<'_>; 2],
        rest: &[Node<'_>],
        when: Option<&When>,
    ) -> Checked<()> {
        let found = self.fees(std::slice::from_ref(fees))?;
        for (number, node) in &found {
            if name == "calcAndPayFee" {
                self.accrue_fee(*number, node, when)?;
            } else if !self.fee_accrued[*number] {
                return node.refuse(
                    "is paid before it is accrued, when nothing is due; use `calcAndPayFee` or put `calcFee` before it",
                );
            }
        }
        let modifiers = self.modifiers(rest, &[])?;
        if modifiers.until.is_some() {
            return node.refuse("has a limit that only payments of principal have");
        }
        let action = Action::PayFee {
            order: order(name == "payFeeBySeq", found.len()),
            fees: found
                .iter()
                .map(|(n, _)| self.parts.fees[*n].name.clone())
                .collect(),
        };
        self.push(node, from, action, modifiers, when)
    }

    fn pay_interest(
        &mut self,
        node: &Node<'_>,
        name: &str,
        [from, bonds]: [&Node<'_>; 2],
        rest: &[Node<'_>],
        when: Option<&When>,
    ) -> Checked<()> {
        let found = self.bonds(std::slice::from_ref(bonds))?;
        for (number, node) in &found {
            if name.starts_with("accrue") {
                self.accrue_interest(*number, node, when)?;
            } else if !self.interest_accrued[*number] {
                return node.refuse(
                    "is paid interest before it is accrued, when nothing is due; use `accrueAndPayInt` or put `calcInt` \
                     before it",
                );
            }
        }
        let modifiers = self.modifiers(rest, &[])?;
        if modifiers.until.is_some() {
            return node.refuse("has a limit that only payments of principal have");
        }
        let action = Action::PayInterest {
            tranches: self.tranche_names(&found),
            order: order(name.ends_with("BySeq"), found.len()),
        };
        self.push(node, from, action, modifiers, when)
    }

    fn pay_principal(
        &mut self,
        node: &Node<'_>,
        name: &str,
        [from, bonds]: [&Node<'_>; 2],
        rest: &[Node<'_>],
        when: Option<&When>,
        next: Option<&Node<'_>>,
    ) -> Checked<()> {
        let names = bonds.names()?;
        let equity = self.parts.equity.as_deref();
        if equity.is_some() && names.iter().all(|(n, _)| Some(*n) == equity) {
            // Equity has no balance with us; what it gets here and right after it is all there is.
            let all_follows = next.and_then(|n| n.list().ok()).is_some_and(|next| {
                matches!(next.as_slice(), [kind, account, bond]
                    if matches!(kind.text(), Ok("payIntResidual" | "payPrinResidual"))
                        && one_account(account) == one_account(from)
                        && self.only_equity(bond).is_ok())
            });
            if rest.is_empty() && all_follows {
                return Ok(());
            }
            return node.refuse(
                "pays equity up to a balance, which ours does not have; let `payIntResidual` or `payPrinResidual` of the same \
                 account follow at once",
            );
        }
        let found = self.bonds(std::slice::from_ref(bonds))?;
        for (number, node) in &found {
            if !self.interest_accrued[*number] {
                return node.refuse(
                    "is paid principal before its interest is accrued, and ours is on what was owed before; put `calcInt` \
                     before it",
                );
            }
        }
        let tranches = self.tranche_names(&found);
        let modifiers = self.modifiers(rest, &tranches)?;
        let is_sequential = name == "payPrinBySeq";
        let types = found.iter().map(|(n, _)| &self.parts.principal[*n]);
        let types: Vec<&Principal> = types.collect();
        let parts = match types.as_slice() {
            [Principal::Planned(plan)] => {
                if modifiers.limit.is_some() || modifiers.until.is_some() {
                    return node.refuse(
                        "has a limit besides the plan of a PAC bond, and ours have one; remove it",
                    );
                }
                planned(&tranches, plan)
            }
            types if types.iter().any(|t| matches!(t, Principal::Planned(_))) => {
                return bonds.refuse("has a PAC bond among others; pay it by an action of its own");
            }
            types => locked(bonds, &tranches, types, modifiers.until.is_some())?,
        };
        for part in parts {
            let mut modifiers = modifiers.clone();
            let until = part.until.or(modifiers.until.take());
            let action = Action::PayPrincipal {
                order: order(is_sequential, part.tranches.len()),
                until,
                tranches: part.tranches,
            };
            let when = joined(node, when, part.when)?;
            self.push(node, from, action, modifiers, when.as_ref())?;
        }
        Ok(())
    }

    fn transfer(
        &mut self,
        node: &Node<'_>,
        [from, to]: [&Node<'_>; 2],
        rest: &[Node<'_>],
        when: Option<&When>,
    ) -> Checked<()> {
        let mut modifiers = Modifiers::default();
        let mut amount = Extent::All;
        match rest {
            [] => {}
            [node] if node.is_null() => {}
            [node] => match limit(node, &[], self.parts)? {
                Limit::Most(most) => modifiers.limit = Some(most),
                Limit::Reserve(extent) => amount = extent,
                Limit::Until(_) => {
                    return node.refuse("is a limit that only payments of principal have");
                }
            },
            [_, extra, ..] => return extra.refuse("is one too many; remove it"),
        }
        let action = Action::Transfer {
            to: one_account(to)?.to_string(),
            amount,
        };
        self.push(node, from, action, modifiers, when)
    }

    fn tranche_names(&self, found: &[(usize, Node<'_>)]) -> Vec<String> {
        found
            .iter()
            .map(|(n, _)| self.parts.tranches[*n].name.clone())
            .collect()
    }

    /// Refuses a residual to anyone but equity.
    fn only_equity(&self, node: &Node<'_>) -> Checked<()> {
        let names = node.names()?;
        match (names.as_slice(), self.parts.equity.as_deref()) {
            ([(name, _)], Some(equity)) if *name == equity => Ok(()),
            _ => node.refuse("is not the one bond of type Equity, which alone receives a residual"),
        }
    }
}

/// The account that an action takes from: older deals write a list of one.
fn one_account<'a>(node: &Node<'a>) -> Checked<&'a str> {
    match node.list().as_deref() {
        Ok([one]) => one.text(),
        _ => node.text(),
    }
}

/// Without `BySeq` AbsBox pays in proportion; to one receiver that is the same.
fn order(is_sequential: bool, receivers: usize) -> Order {
    if is_sequential || receivers < 2 {
        Order::Sequential
    } else {
        Order::ProRata
    }
}
