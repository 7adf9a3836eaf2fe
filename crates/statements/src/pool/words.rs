//! What a pool claim says.

use std::collections::BTreeSet;

use credit::pool::{Condition, Standings, Template, template_words};

use super::PoolClaim;
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::words::quoted;

/// Where the loans of a pool stand: how many are open, given up, gone, and which statuses mean that.
pub fn standing(template: &Template, loans: u64, open: u64, defaulted: u64) -> String {
    let standings = Standings::new(template);
    if standings.status.is_none() {
        return format!("all {loans} count as open: the template has no status");
    }
    let status = |codes: &BTreeSet<u64>| match codes.is_empty() {
        true => "no status of the template means that".to_string(),
        false => format!("status {}", standings.words(template, codes)),
    };
    let closed = loans.saturating_sub(open).saturating_sub(defaulted);
    let nothing = match standings.balance {
        Some(_) => ", and owe nothing",
        None => "",
    };
    format!(
        "{open} of them are open ({}), {defaulted} are given up ({}), {closed} are closed ({}){nothing}",
        status(&standings.open),
        status(&standings.defaulted),
        status(&standings.closed)
    )
}

/// What a claim's figures are.
pub fn figures(claim: &PoolClaim) -> Vec<String> {
    let words = claim.figures.iter().map(|f| {
        let measure = f.in_words(&claim.template);
        format!("{}: {measure}", quoted(&f.name))
    });
    words.collect()
}

/// The optional fields that rules compare, and what an absent value does.
fn absent(claim: &PoolClaim) -> Option<String> {
    let mut fields = BTreeSet::new();
    let rules = claim.eligibility.iter().map(String::as_str);
    for rule in rules.chain(claim.figures.iter().filter_map(|f| f.measure.rule())) {
        if let Ok(condition) = Condition::parse(rule, &claim.template) {
            condition.compared(&claim.template, &mut fields);
        }
    }
    let names = fields
        .into_iter()
        .map(|i| claim.template.fields[i].name.as_str());
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return None;
    }
    Some(format!(
        "values of {} may be absent: then no comparison with them holds, and a figure whose `where` asks for them leaves the \
         loan out, however many there are",
        names.join(", ")
    ))
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &PoolClaim) -> Vec<String> {
    let standings = Standings::new(&claim.template);
    let mut lines = vec![format!(
        "pool {} holds {} loans with distinct ids ({}, cut-off {}); {}",
        claim.pool,
        claim.loans,
        template_words(&claim.template),
        claim.cut_off,
        standing(&claim.template, claim.loans, claim.open, claim.defaulted)
    )];
    let who = match standings.closed.is_empty() {
        true => "each loan",
        false => "each loan that is not closed",
    };
    let rules = claim.eligibility.iter();
    lines.extend(rules.map(|rule| format!("{who} satisfies {}", quoted(rule))));
    lines.extend(figures(claim));
    if !claim.figures.is_empty() {
        lines.push("a figure's name is the prover's; what it is stands behind it".into());
    }
    lines.extend(absent(claim));
    lines.extend(nonce::line(&claim.nonce));
    lines
}

impl Spoken for super::Pool {
    fn words(claim: &PoolClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &PoolClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &PoolClaim) -> Vec<Anchor<'_>> {
        vec![Anchor::Pool(At::Whole, claim.pool)]
    }

    fn given(claim: &PoolClaim) -> Vec<Given> {
        vec![Given::that_pool(claim.pool, &claim.cut_off, claim.loans)]
    }
}
