//! What a waterfall claim says.

use credit::collections::Collections;
use credit::deal::Deal;
use credit::pool::tape::CutOff;
use credit::pool::{Template, template_words};
use credit::waterfall::{DealState, Index, Report, TrancheReport};
use records::units::Cents;

use super::WaterfallClaim;
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::pools::start::DealAt;
use crate::words::{cents, digest, quoted};

/// A month's collections.
fn month(until: &impl std::fmt::Display, c: &Collections) -> String {
    let mut line = format!(
        "month to {until}: loans owed {}; {} of interest, {} of principal ({} when due, {} early)",
        cents(c.balance_before),
        cents(c.interest),
        cents(c.scheduled_principal.saturating_add(c.prepaid_principal)),
        cents(c.scheduled_principal),
        cents(c.prepaid_principal)
    );
    for (what, amount) in [
        ("defaulted", c.defaulted),
        ("recovered", c.recoveries),
        ("bought back", c.repurchased),
    ] {
        if amount > Cents(0) {
            line += &format!(", {} {what}", cents(amount));
        }
    }
    line += &format!("; loans owe {}", cents(c.balance_after));
    let [first, second, third] = c.delinquent;
    for (what, amount) in [
        ("30 to 59 days late", first),
        ("60 to 89 days late", second),
        ("90 or more days late", third),
    ] {
        if amount > Cents(0) {
            line += &format!(", {} of it {what}", cents(amount));
        }
    }
    line
}

fn tranche(t: &TrancheReport) -> String {
    let mut line = format!(
        "{} receives {} of interest and {} of principal and is owed {}",
        quoted(&t.name),
        cents(t.interest_paid),
        cents(t.principal_paid),
        cents(t.balance)
    );
    for (what, amount) in [
        ("of interest short", t.interest_shortfall),
        ("not covered", t.deficiency),
        ("written down", t.written_down),
        ("written up", t.written_up),
    ] {
        if amount > Cents(0) {
            line += &format!(" ({} {what})", cents(amount));
        }
    }
    line
}

/// What was paid on a payment date. The digest is of all that the claim says of it, step by step.
fn payment(report: &Report) -> String {
    let tranches: Vec<String> = report.tranches.iter().map(tranche).collect();
    let mut line = format!(
        "{} (payment date {}): {}",
        report.payment_date,
        report.period,
        tranches.join("; ")
    );
    let mut list = |what: &str, parts: Vec<String>| {
        if !parts.is_empty() {
            line += &format!("; {what} {}", parts.join(", "));
        }
    };
    let named = |name: &String, amount: Cents| format!("{} {}", quoted(name), cents(amount));
    let fees = report.fees.iter();
    list("fees paid:", fees.map(|f| named(&f.name, f.paid)).collect());
    let accounts = report.accounts.iter();
    let held = accounts.map(|a| named(&a.name, a.after)).collect();
    list("accounts hold:", held);
    list("equity receives", vec![cents(report.equity).to_string()]);
    let failed = report.tests.iter().filter(|t| !t.passed);
    list("failed:", failed.map(|t| quoted(&t.name)).collect());
    let tripped = report.triggers.iter().filter(|t| t.tripped);
    list("tripped:", tripped.map(|t| quoted(&t.name)).collect());
    if report.called {
        line += "; the clean-up call was exercised";
    }
    line + &format!("; report of SHA3-256 {}", digest(report))
}

/// What a claim says of its pool and its deal apart from commitments: what is known without a secret.
#[derive(Clone, Debug)]
pub struct Findings<'a> {
    /// What fields the loans have.
    pub template: &'a Template,
    /// How many loans there are.
    pub loans: u64,
    /// The cut-off dates before the first month and after each.
    pub cut_offs: Vec<&'a CutOff>,
    /// What came in, month by month.
    pub collections: Vec<Collections>,
    /// The deal.
    pub deal: &'a Deal,
    /// The deal before the first month.
    pub deal_before: &'a DealState,
    /// The fixings of its indices.
    pub indices: &'a [Index],
    /// What it paid, period by period.
    pub reports: &'a [Report],
    /// The deal after the last month.
    pub deal_after: &'a DealState,
}

impl WaterfallClaim {
    /// What it says of its pool and its deal.
    pub fn findings(&self) -> Findings<'_> {
        Findings {
            template: &self.template,
            loans: self.loans,
            cut_offs: self.pools.iter().map(|pool| &pool.cut_off).collect(),
            collections: self.months.iter().map(|m| m.collections).collect(),
            deal: &self.deal,
            deal_before: &self.deal_before,
            indices: &self.indices,
            reports: &self.reports,
            deal_after: &self.deal_after,
        }
    }
}

impl Findings<'_> {
    /// In words, the sentence first: of pools that have no commitments yet.
    pub fn words(&self) -> Vec<String> {
        let pools = self.cut_offs.iter().map(|day| format!("the pool of {day}"));
        self.lines(&pools.collect::<Vec<_>>())
    }

    /// `pools` is what the pools are called.
    fn lines(&self, pools: &[String]) -> Vec<String> {
        let mut lines = vec![format!(
            "{} loans ({}) rolled over {} month(s) from {}; what they brought in was paid by the deal {} ({}), started as said \
             below",
            self.loans,
            template_words(self.template),
            self.collections.len(),
            pools.join(" to "),
            quoted(&self.deal.name),
            quoted(&self.deal.currency)
        )];
        let start = DealAt {
            cut_off: self.cut_offs[0],
            deal: self.deal,
            state: self.deal_before,
            indices: self.indices,
        };
        lines.extend(start.words());
        lines.extend(self.payments());
        lines.push(format!(
            "at the end: after payment date {}, the deal's state of SHA3-256 {}",
            self.deal_after.period,
            digest(self.deal_after)
        ));
        lines.push(
            "what each loan paid is the servicer's word; what the deal pays from it was computed again"
                .into(),
        );
        lines.push(
            "a level-pay loan owes no more than the tape's instalment a time: interest beyond it is deferred, bears no interest, and such a \
             loan is not late"
                .into(),
        );
        lines
    }

    /// What came in and what was paid.
    pub fn payments(&self) -> Vec<String> {
        let months = self.cut_offs[1..].iter().zip(&self.collections);
        let months = months.map(|(until, collections)| month(until, collections));
        months.chain(self.reports.iter().map(payment)).collect()
    }
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &WaterfallClaim) -> Vec<String> {
    let pools = claim.pools.iter();
    let pools: Vec<String> = pools
        .map(|p| format!("pool {} of {}", p.pool, p.cut_off))
        .collect();
    let mut lines = claim.findings().lines(&pools);
    lines.extend(nonce::line(&claim.nonce));
    lines
}

impl Spoken for super::Waterfall {
    fn words(claim: &WaterfallClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &WaterfallClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &WaterfallClaim) -> Vec<Anchor<'_>> {
        let pools = [
            (At::Start, claim.pools.first()),
            (At::End, claim.pools.last()),
        ];
        let pools = pools
            .into_iter()
            .filter_map(|(at, pool)| Some(Anchor::Pool(at, pool?.pool)));
        let deals = [
            (At::Start, &claim.deal_before),
            (At::End, &claim.deal_after),
        ];
        let deals = deals.map(|(at, state)| Anchor::deal(at, &claim.deal, state));
        pools.chain(deals).collect()
    }

    fn given(claim: &WaterfallClaim) -> Vec<Given> {
        // What the loans paid is what lies between two pools, so the first and the last count.
        let pools = claim.pools.iter().enumerate();
        let pools = pools.map(|(number, pool)| {
            let (when, told) = match number {
                0 => ("before the first month".to_string(), true),
                n if n == claim.months.len() => {
                    ("after the last month, not the first one".into(), true)
                }
                n => (format!("after month {n}, not the first one"), false),
            };
            let what = format!("the pool {when} ({})", pool.pool);
            Given::pool(pool.pool, &pool.cut_off, claim.loans, what, told)
        });
        pools.collect()
    }
}
