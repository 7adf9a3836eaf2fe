//! Waterfalls and their steps.

use super::conditions::when;
use super::{Checked, Names, amount, error, find, find_all};
use crate::deal::plan::{ActionPlan, StepPlan, Waterfall};
use crate::deal::step::{Action, Extent, Step, Until};
use crate::deal::{Deal, Losses, MAX_ENTRIES};

pub(super) fn waterfalls(deal: &Deal, names: &Names<'_>) -> Checked<Vec<Waterfall>> {
    let waterfalls = deal.waterfalls.iter().map(|(name, steps)| {
        if steps.len() > MAX_ENTRIES {
            return error(
                format!("waterfalls.{name}"),
                format!("has more than {MAX_ENTRIES} steps"),
            );
        }
        let steps = steps.iter().enumerate();
        let steps = steps.map(|(i, s)| step(&format!("waterfalls.{name}[{i}]"), s, names));
        Ok(Waterfall {
            name: name.clone(),
            steps: steps.collect::<Checked<_>>()?,
        })
    });
    waterfalls.collect()
}

fn step(place: &str, step: &Step, names: &Names<'_>) -> Checked<StepPlan> {
    let at = |field: &str| format!("{place}.{field}");
    let account = find(&at("account"), "account", &names.accounts, &step.account)?;
    let action = action(&at("do"), account, &step.action, names)?;
    let support = match &step.support {
        None => None,
        Some(name) => {
            let support = find(&at("support"), "account", &names.accounts, name)?;
            if support == account {
                return error(
                    at("support"),
                    "is the step's own account; name another or remove it",
                );
            }
            if matches!(action, Action::Transfer { .. } | Action::PayResidual) {
                return error(
                    at("support"),
                    "has nothing to add where nothing is due; remove it",
                );
            }
            Some(support)
        }
    };
    if matches!(action, Action::CureDeficiency { .. }) {
        let payers = [("account", Some(account)), ("support", support)];
        if let Some((field, _)) = payers
            .iter()
            .find(|(_, a)| a.is_some_and(|a| names.is_principal[a]))
        {
            return error(
                at(field),
                "holds principal, which covers the tranches already; ledgers are cured from interest or a reserve",
            );
        }
        if names.losses != Losses::Ledgers {
            return error(
                at("do.cure_deficiency"),
                "needs ledgers; set `losses` to `ledgers` or remove the step",
            );
        }
    }
    Ok(StepPlan {
        account,
        action,
        support,
        limit: step
            .limit
            .as_ref()
            .map(|l| amount(&at("limit"), l))
            .transpose()?,
        when: step
            .when
            .as_ref()
            .map(|w| when(&at("when"), w, names, names.triggers.len()))
            .transpose()?,
    })
}

fn action(place: &str, account: usize, action: &Action, names: &Names<'_>) -> Checked<ActionPlan> {
    let tranches = |kind: &str, list: &[String]| {
        let place = format!("{place}.{kind}.tranches");
        find_all(&place, "tranche", &names.tranches, list)
    };
    Ok(match action {
        Action::PayFee { fees, order } => Action::PayFee {
            fees: find_all(&format!("{place}.pay_fee.fees"), "fee", &names.fees, fees)?,
            order: *order,
        },
        Action::PayInterest {
            tranches: list,
            order,
        } => Action::PayInterest {
            tranches: tranches("pay_interest", list)?,
            order: *order,
        },
        Action::PayPrincipal {
            tranches: list,
            order,
            until,
        } => {
            let at = |field: &str| format!("{place}.pay_principal.until.{field}");
            let until = match until {
                None => None,
                Some(Until::Balance(a)) => Some(Until::Balance(amount(&at("balance"), a)?)),
                Some(Until::Overcollateralization(a)) => Some(Until::Overcollateralization(
                    amount(&at("overcollateralization"), a)?,
                )),
            };
            Action::PayPrincipal {
                tranches: tranches("pay_principal", list)?,
                order: *order,
                until,
            }
        }
        Action::CureDeficiency { tranches: list } => Action::CureDeficiency {
            tranches: tranches("cure_deficiency", list)?,
        },
        Action::Transfer { to, amount } => {
            let at = format!("{place}.transfer.to");
            let to = find(&at, "account", &names.accounts, to)?;
            if to == account {
                return error(at, "is the step's own account; name another");
            }
            let (measured, name) = match amount {
                Extent::All => (None, ""),
                Extent::Gap => (Some(to), "goes to"),
                Extent::Excess => (Some(account), "comes from"),
            };
            if measured.is_some_and(|a| !names.with_target[a]) {
                return error(
                    format!("{place}.transfer.amount"),
                    format!(
                        "the account that cash {name} has no target; give it one in `accounts`"
                    ),
                );
            }
            Action::Transfer {
                to,
                amount: *amount,
            }
        }
        Action::PayResidual => Action::PayResidual,
    })
}
