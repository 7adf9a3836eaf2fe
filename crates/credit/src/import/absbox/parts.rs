//! The pool, accounts, collection rules.

use fixed::Decimal;

use super::fees::nothing_yet;
use super::formula::{Base, amount_of, larger};
use super::value::Node;
use super::{Checked, Parts};
use crate::deal::{Account, Amount, Collect};

/// What is said of a pool.
pub(super) struct Pool {
    /// What its loans owed at closing.
    pub original: Decimal,
    /// What they owe now, if the deal says so.
    pub balance: Option<Decimal>,
    /// What has defaulted since closing, and what of it was recovered.
    pub defaulted: Decimal,
    pub recoveries: Decimal,
}

pub(super) fn pool(node: &Node<'_>, is_under_way: bool) -> Checked<Pool> {
    let fields = node.map(&["assets", "cashflow", "issuanceStat", "extendBy"])?;
    let balance = fields.get("assets").map(owed).transpose()?.flatten();
    let mut pool = Pool {
        original: Decimal::ZERO,
        balance,
        defaulted: Decimal::ZERO,
        recoveries: Decimal::ZERO,
    };
    let mut issued = None;
    if let Some(stat) = fields.get("issuanceStat") {
        let stat = stat.map(&[
            "IssuanceBalance",
            "AccruedInterest",
            "HistoryDefaults",
            "HistoryRecoveries",
            // What no formula that is read looks at.
            "HistoryLoss",
            "HistoryDelinquency",
            "HistoryPrincipal",
            "HistoryPrepayment",
        ])?;
        if let Some(node) = stat.get("AccruedInterest") {
            return node.refuse(
                "is not supported: what the pool brings in is what the loans of the tape pay; remove it",
            );
        }
        issued = stat.get("IssuanceBalance").map(Node::money).transpose()?;
        if !is_under_way {
            nothing_yet(&stat, &["HistoryDefaults", "HistoryRecoveries"])?;
        }
        for (name, slot) in [
            ("HistoryDefaults", &mut pool.defaulted),
            ("HistoryRecoveries", &mut pool.recoveries),
        ] {
            *slot = stat.get(name).map_or(Ok(Decimal::ZERO), Node::money)?;
        }
        if let Some(node) = stat
            .get("HistoryRecoveries")
            .filter(|_| pool.recoveries > pool.defaulted)
        {
            return node.refuse(format!(
                "is more than the {} that `HistoryDefaults` says have defaulted, of which AbsBox recovers a part; correct one of the \
                 two",
                pool.defaulted
            ));
        }
    }
    match issued.or(balance) {
        Some(original) => pool.original = original,
        None => {
            return node.refuse(
                "has no `issuanceStat` with `IssuanceBalance`, and no assets that say what they owe; add it, what the loans \
                 owe at closing",
            );
        }
    }
    Ok(pool)
}

/// What assets owe together, if each says so.
fn owed(assets: &Node<'_>) -> Checked<Option<Decimal>> {
    let mut sum = Decimal::ZERO;
    for asset in assets.list()? {
        let list = asset.list()?;
        let members = list.get(2).and_then(|now| now.members().ok());
        let mut members = members.unwrap_or_default().into_iter();
        let Some((_, balance)) = members.find(|(n, _)| *n == "currentBalance") else {
            return Ok(None);
        };
        sum = match sum.checked_add(&balance.money()?) {
            Ok(sum) => sum,
            Err(e) => return balance.refuse(e.to_string()),
        };
    }
    Ok(Some(sum))
}

pub(super) fn account(name: &str, node: &Node<'_>, parts: &Parts) -> Checked<Account> {
    let fields = node.map(&["balance", "type"])?;
    let target = fields.get("type");
    Ok(Account {
        name: name.to_string(),
        opening: fields.need("balance")?.money()?,
        target: target.map(|t| reserve(t, parts)).transpose()?,
    })
}

/// What a reserve should hold. AbsBox has two notations: a map of one member, and a list that begins with a name.
fn reserve(node: &Node<'_>, parts: &Parts) -> Checked<Amount> {
    const KINDS: &str =
        "is not a supported reserve; supported: fixReserve, targetReserve, and max of one of each";
    let (kind, arguments) = if node.is_map() {
        let members = node.members()?;
        let [(kind, argument)] = members.as_slice() else {
            return node.refuse(KINDS);
        };
        let arguments = match *kind {
            "fixReserve" => vec![argument.clone()],
            "targetReserve" if argument.is_map() => {
                let fields = argument.map(&["formula", "factor"])?;
                vec![
                    fields.need("formula")?.clone(),
                    fields.need("factor")?.clone(),
                ]
            }
            "targetReserve" | "max" => argument.list()?,
            _ => return argument.refuse(KINDS),
        };
        (*kind, arguments)
    } else {
        let list = node.list()?;
        match list.split_first() {
            Some((kind, arguments)) => (kind.text()?, arguments.to_vec()),
            None => return node.refuse(KINDS),
        }
    };
    match (kind, arguments.as_slice()) {
        ("fixReserve" | "fix", [amount]) => Ok(Amount::Fixed(amount.money()?)),
        ("targetReserve" | "target", [base]) => amount_of(base, parts),
        ("targetReserve" | "target", [base, rate]) => Ok(Amount::Percent {
            percent: rate.percent()?,
            of: Base::of(base, parts)?,
            floor: None,
        }),
        ("max", [a, b]) => larger(node, reserve(a, parts)?, reserve(b, parts)?),
        _ => node.refuse(KINDS),
    }
}

/// Which account receives what, and whether interest and principal share one.
pub(super) fn collect(node: &Node<'_>) -> Checked<(Collect, bool)> {
    let mut found: [Option<&str>; 4] = [None; 4];
    for rule in node.list()? {
        let pair = rule.list()?;
        let [source, account] = pair.as_slice() else {
            return rule.refuse(
                "is not a pair of what comes in and one account; ours are not split, so name one and split it in the waterfall",
            );
        };
        let numbers = match source.text()? {
            "CollectedInterest" | "Interest" => 0..1,
            "CollectedPrincipal" | "Principal" => 1..2,
            "CollectedPrepayment" | "Prepayment" => 2..3,
            "CollectedRecoveries" | "Recovery" => 3..4,
            // All there is.
            "CollectedCash" | "Cash" => 0..4,
            _ => {
                return source.refuse(
                    "is not supported; supported: CollectedInterest, CollectedPrincipal, CollectedPrepayment, \
                     CollectedRecoveries, CollectedCash",
                );
            }
        };
        let Ok(name) = account.text() else {
            return account.refuse(
                "is not the name of one account; ours are not split, so name one and split it in the waterfall",
            );
        };
        for number in numbers {
            if found[number].replace(name).is_some() {
                return source.refuse("stands twice; remove one");
            }
        }
    }
    let [
        Some(interest),
        Some(principal),
        Some(prepaid),
        Some(recoveries),
    ] = found
    else {
        return node.refuse(
            "must say where all of CollectedInterest, CollectedPrincipal, CollectedPrepayment and CollectedRecoveries \
             go, or all of CollectedCash; add what is missing",
        );
    };
    if principal != prepaid {
        return node.refuse(
            "collects principal and prepayments in two accounts, which ours does not; name the same for both",
        );
    }
    let collect = Collect {
        interest: interest.to_string(),
        principal: principal.to_string(),
        recoveries: recoveries.to_string(),
        repurchased: principal.to_string(),
    };
    Ok((collect, interest == principal))
}
