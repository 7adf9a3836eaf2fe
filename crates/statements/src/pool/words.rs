//! What a pool claim says.

use std::collections::BTreeSet;

use credit::pool::tape::CutOff;
use credit::pool::{Claimed, Condition, Figure, Standings, Template, template_words};

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

/// What a claim says of its pool apart from the commitment: what is known without a secret.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// What fields the loans have.
    pub template: &'a Template,
    /// The day the tape is of.
    pub cut_off: &'a CutOff,
    /// How many loans there are.
    pub loans: u64,
    /// How many of them are open.
    pub open: u64,
    /// How many were given up.
    pub defaulted: u64,
    /// Rules that every loan satisfies unless it is closed.
    pub eligibility: &'a [String],
    /// Figures of the pool.
    pub figures: &'a [Figure<Claimed>],
}

impl PoolClaim {
    /// What it says of its pool.
    pub fn findings(&self) -> Findings<'_> {
        Findings {
            template: &self.template,
            cut_off: &self.cut_off,
            loans: self.loans,
            open: self.open,
            defaulted: self.defaulted,
            eligibility: &self.eligibility,
            figures: &self.figures,
        }
    }
}

impl Findings<'_> {
    /// In words, the sentence first: of a pool that has no commitment yet.
    pub fn words(&self) -> Vec<String> {
        self.lines("the pool")
    }

    fn lines(&self, pool: &str) -> Vec<String> {
        let mut lines = vec![format!(
            "{pool} holds {} loans with distinct ids ({}, cut-off {}); {}",
            self.loans,
            template_words(self.template),
            self.cut_off,
            standing(self.template, self.loans, self.open, self.defaulted)
        )];
        let who = match Standings::new(self.template).closed.is_empty() {
            true => "each loan",
            false => "each loan that is not closed",
        };
        let rules = self.eligibility.iter();
        lines.extend(rules.map(|rule| format!("{who} satisfies {}", quoted(rule))));
        lines.extend(self.figures.iter().map(|f| {
            let measure = f.in_words(self.template);
            format!("{}: {measure}", quoted(&f.name))
        }));
        if !self.figures.is_empty() {
            lines.push("a figure's name is the prover's; what it is stands behind it".into());
        }
        lines.extend(self.absent());
        lines
    }

    /// The optional fields that rules compare, and what an absent value does.
    fn absent(&self) -> Option<String> {
        let mut fields = BTreeSet::new();
        let rules = self.eligibility.iter().map(String::as_str);
        for rule in rules.chain(self.figures.iter().filter_map(|f| f.measure.rule())) {
            if let Ok(condition) = Condition::parse(rule, self.template) {
                condition.compared(self.template, &mut fields);
            }
        }
        let names = fields
            .into_iter()
            .map(|i| self.template.fields[i].name.as_str());
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
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &PoolClaim) -> Vec<String> {
    let mut lines = claim.findings().lines(&format!("pool {}", claim.pool));
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
