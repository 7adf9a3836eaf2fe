//! What a margin claim says.

use market::{ScenarioGrid, Snapshot};

use super::{MarginClaim, Subject, parameters_digest};
use crate::book::{market_words, moment};
use crate::kit::{Anchor, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &MarginClaim) -> Vec<String> {
    let (level, when) = (claim.level, moment(&claim.snapshot));
    let mut lines = match &claim.subject {
        Subject::Account { commitment, slots } => vec![
            format!("as of {when}, the account committed as {commitment} meets {level} margin"),
            format!(
                "it has at most {slots} positions, on at most {} underlyings (coins in offset groups count); pledges play no part, and what it owes elsewhere is \
                 not known; a path shows which book it is in and as of when, which is else the prover's word",
                claim.underlyings
            ),
        ],
        Subject::Book { book, below, .. } => vec![
            format!(
                "as of {when}, exactly {below} of the {} accounts of book {} are below {level} margin, and the others meet it",
                book.accounts, book.commitment
            ),
            format!(
                "an account has at most {} positions, on at most {} underlyings (coins in offset groups count); pledges play no part",
                book.slots, claim.underlyings
            ),
        ],
    };
    lines.push(market_words(&claim.snapshot));
    let prices = claim.snapshot.assets.iter();
    let prices: Vec<String> = prices
        .map(|a| format!("{} at {}", quoted(&a.symbol), a.price))
        .collect();
    lines.push(format!("assets are worth: {}", prices.join(", ")));
    lines.extend(rules_words(&claim.snapshot));
    for (reason, options) in market::quotes::mark_reasons(&claim.snapshot) {
        lines.push(format!(
            "{options} option(s) of that market are marked far from their model price, for the stated reason {}",
            quoted(reason)
        ));
    }
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// The scenarios of a grid, by their range.
fn grid_words(grid: &ScenarioGrid) -> String {
    if grid.price_moves.is_empty() && grid.extremes.is_empty() {
        return "no scenarios".into();
    }
    let range = |values: &[fixed::Decimal]| match (values.iter().min(), values.iter().max()) {
        (Some(least), Some(most)) => format!("{} from {least} to {most}", values.len()),
        _ => "none".into(),
    };
    let extremes = grid.extremes.iter().map(|e| {
        format!(
            "{} with volatility shift {} at {} of its loss",
            e.price_move, e.volatility_shift, e.fraction
        )
    });
    let extremes: Vec<String> = extremes.collect();
    format!(
        "price moves {}, each with volatility shifts {}; extremes: {}",
        range(&grid.price_moves),
        range(&grid.volatility_shifts),
        if extremes.is_empty() {
            "none".into()
        } else {
            extremes.join(", ")
        }
    )
}

/// How many instruments are on each underlying.
fn by_underlying(snapshot: &Snapshot) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for instrument in &snapshot.instruments {
        match counts.last_mut() {
            Some((name, count)) if *name == instrument.underlying => *count += 1,
            _ => counts.push((&instrument.underlying, 1)),
        }
    }
    let counts = counts
        .iter()
        .map(|(name, count)| format!("{count} on {}", quoted(name)));
    let counts: Vec<String> = counts.collect();
    match counts.is_empty() {
        true => "none".into(),
        false => counts.join(", "),
    }
}

/// The margin rules, which the prover names: their digest, how far scenarios go, and what moves in them.
fn rules_words(snapshot: &Snapshot) -> Vec<String> {
    let p = &snapshot.parameters;
    let mut lines = vec![format!(
        "by the margin rules {} (scenarios, add-ons, factors and haircuts): {}; volatility shifts count (30 days / time to \
         expiry, at least a day)^{} below 30 days and ^{} above; add-ons of notional: perpetuals {}, futures {}, short options {} and at least \
         {}; initial margin {} times maintenance, a buffer of {}",
        parameters_digest(snapshot),
        grid_words(&snapshot.grid),
        p.volatility_power_short,
        p.volatility_power_long,
        p.perpetual_contingency,
        p.future_contingency,
        p.option_contingency,
        p.short_option_minimum,
        p.initial_factor,
        p.buffer
    )];
    for (underlying, grid) in &snapshot.grids {
        let own = grid_words(grid);
        lines.push(format!(
            "{} has scenarios of its own: {own}",
            quoted(underlying)
        ));
    }
    lines.push(format!(
        "instruments offset each other where they are on one underlying, which the market names: {}",
        by_underlying(snapshot)
    ));
    let stable = match p.stable_assets.as_slice() {
        [] => "no asset but the quote currency keeps its price in all scenarios".to_string(),
        stable => {
            let names: Vec<String> = stable.iter().map(|name| quoted(name).to_string()).collect();
            format!(
                "these assets keep their price in all scenarios: {}",
                names.join(", ")
            )
        }
    };
    let moves = match p.balances_move {
        true => "balances, debts and entries in a coin lose and win with its price",
        false => "entries in a coin lose and win with its price, balances and debts do not",
    };
    lines.push(format!(
        "the requirement is the sum over underlyings of the largest loss on each, {}; {moves}; {stable}",
        match offset_words(snapshot) {
            None => "without offsets between them".to_string(),
            Some(groups) => format!(
                "with offsets in groups: {groups}; a joint loss is that of all underlyings of a group, each in the scenario of one \
                 number in its own list, or all at their short-option minimum"
            ),
        }
    ));
    lines.extend(joint_words(snapshot));
    lines
}

/// The scenarios of underlyings in groups, in their order, which says what happens together.
fn joint_words(snapshot: &Snapshot) -> Vec<String> {
    let groups = snapshot.parameters.offset_groups.iter();
    let groups = groups.filter(|group| !group.offset.is_zero());
    let mut lists: Vec<(&ScenarioGrid, Vec<String>)> = Vec::new();
    for name in groups.flat_map(|group| &group.underlyings) {
        let grid = snapshot.grid_of(name);
        match lists.iter_mut().find(|(known, _)| *known == grid) {
            Some((_, names)) => names.push(quoted(name).to_string()),
            None => lists.push((grid, vec![quoted(name).to_string()])),
        }
    }
    let each = |values: &[fixed::Decimal]| {
        let values: Vec<String> = values.iter().map(|v| v.normalized().to_string()).collect();
        values.join(", ")
    };
    let lines = lists.iter().map(|(grid, names)| {
        format!(
            "the scenarios of {} in their order: price moves {}, each with volatility shifts {}, then the extremes",
            names.join(" and "),
            each(&grid.price_moves),
            each(&grid.volatility_shifts)
        )
    });
    lines.collect()
}

/// The groups with an offset, if there are any.
fn offset_words(snapshot: &Snapshot) -> Option<String> {
    let groups = snapshot.parameters.offset_groups.iter();
    let groups = groups.filter(|group| !group.offset.is_zero());
    let groups = groups.map(|group| {
        let names: Vec<_> = group.underlyings.iter().map(|name| quoted(name)).collect();
        format!(
            "of {}, the sum of the largest losses less {} of what the largest joint loss is below it",
            names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
            group.offset
        )
    });
    let groups: Vec<String> = groups.collect();
    (!groups.is_empty()).then(|| groups.join("; "))
}

impl Spoken for super::Margin {
    fn words(claim: &MarginClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &MarginClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &MarginClaim) -> Vec<Anchor<'_>> {
        let snapshot = &claim.snapshot;
        let anchor = match &claim.subject {
            Subject::Account { commitment, slots } => Anchor::Account {
                commitment,
                slots: *slots,
                snapshot,
            },
            Subject::Book { book, .. } => Anchor::Book {
                book,
                snapshot,
                counted: "that proof counts what the account owns and owes, and its positions; pledges play no part",
            },
        };
        vec![anchor]
    }

    fn given(claim: &MarginClaim) -> Vec<Given> {
        vec![Given::market(&claim.snapshot, true)]
    }
}
