//! Triggers.

use super::Checked;
use super::formula::{condition, stays_true};
use super::value::{Json, Node};
use crate::deal::{Switch, Test, Trigger};

/// Reads all triggers: each switches to the same list of actions.
pub(super) fn triggers(node: &Node<'_>, tests: &mut Vec<Test>) -> Checked<Vec<Trigger>> {
    let mut triggers: Vec<Trigger> = Vec::new();
    for (location, node) in node.members()? {
        if node.is_empty() {
            continue;
        }
        if !["BeforeDistribution", "AfterCollect"].contains(&location) {
            return node.refuse("is not supported; supported: BeforeDistribution, AfterCollect");
        }
        for (name, node) in named(location, &node)? {
            let trigger = trigger(&name, &node, location == "AfterCollect", tests)?;
            // Of several the last one decides there, the first one with us.
            if triggers.iter().any(|t| t.switch != trigger.switch) {
                return node.refuse(
                    "is a trigger to another status than the one before it; which of the two holds is not said, so keep one status",
                );
            }
            triggers.push(trigger);
        }
    }
    Ok(triggers)
}

/// Older deals list them without names.
fn named<'a>(location: &str, node: &Node<'a>) -> Checked<Vec<(String, Node<'a>)>> {
    match node.value() {
        Json::List(_) => {
            let list = node.list()?.into_iter().enumerate();
            Ok(list
                .map(|(i, n)| (format!("{location}-{}", i + 1), n))
                .collect())
        }
        _ => {
            let members = node.members()?.into_iter();
            Ok(members.map(|(name, n)| (name.to_string(), n)).collect())
        }
    }
}

fn trigger(name: &str, node: &Node<'_>, is_early: bool, tests: &mut Vec<Test>) -> Checked<Trigger> {
    let fields = node.map(&["condition", "effects", "status", "curable"])?;
    for flag in ["status", "curable"] {
        if let Some(node) = fields.get(flag).filter(|n| *n.value() != Json::Bool(false)) {
            return node.refuse("is not supported unless it is False");
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
            "is not supported; supported: (\"newStatus\", \"Accelerated\") and (\"newStatus\", \"Defaulted\")",
        );
    }
    let when = fields.need("condition")?;
    if is_early && !stays_true(when)? {
        return when.refuse(
            "may hold after collections and no longer on the payment date, when ours are measured; supported in AfterCollect: \
             [[\"poolFactor\"], \"<\", part], [[\"cumPoolDefaultedRate\"], \">\", part], and `all` or `any` of them",
        );
    }
    Ok(Trigger {
        name: name.to_string(),
        when: condition(when, tests)?,
        curable: false,
        switch: Some(Switch {
            waterfall: "interest".into(),
            to: to.to_string(),
        }),
    })
}
