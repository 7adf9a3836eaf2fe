//! What an issuance claim says.

use credit::deal::Deal;
use credit::issuance::Backing;
use credit::pool::tape::CutOff;
use credit::pool::{Template, template_words};
use credit::waterfall::DealState;
use records::units::Cents;

use super::IssuanceClaim;
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::pool::standing;
use crate::words::{cents, digest, quoted};

/// What a claim says of its pool and its deal apart from commitments and nullifiers: what is known without a secret.
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
    /// What the open loans owe together, in cents.
    pub balance: Cents,
    /// The deal.
    pub deal: &'a Deal,
    /// The deal's tranches, the most senior first, and where they stand in the pool.
    pub tranches: &'a [Backing],
}

impl IssuanceClaim {
    /// What it says of its pool and its deal.
    pub fn findings(&self) -> Findings<'_> {
        Findings {
            template: &self.template,
            cut_off: &self.cut_off,
            loans: self.loans,
            open: self.open,
            defaulted: self.defaulted,
            balance: self.balance,
            deal: &self.deal,
            tranches: &self.tranches,
        }
    }
}

impl Findings<'_> {
    /// In words, the sentence first: of a pool that has no commitment yet and is pledged nowhere.
    pub fn words(&self) -> Vec<String> {
        self.lines("the pool", "")
    }

    /// `pool` is what the pool is called, `pledge` what is known of its loans' nullifiers.
    fn lines(&self, pool: &str, pledge: &str) -> Vec<String> {
        let currency = quoted(&self.deal.currency);
        let mut lines = vec![
            format!(
                "{pool} of {} loans with distinct ids ({}, cut-off {}), whose open loans owe {} {currency}, backs the deal {} \
                 (SHA3-256 {})",
                self.loans,
                template_words(self.template),
                self.cut_off,
                cents(self.balance),
                quoted(&self.deal.name),
                digest(self.deal)
            ),
            standing(self.template, self.loans, self.open, self.defaulted) + pledge,
        ];
        lines.extend(self.tranches.iter().map(|t| {
            format!(
                "{}: {} {currency}, attaches at {}% of the pool, detaches at {}%",
                quoted(&t.tranche),
                cents(t.notional),
                t.attachment,
                t.detachment
            )
        }));
        lines.extend(self.equity());
        lines.push(
            "names of the deal and its tranches are the prover's; what they are stands behind them"
                .into(),
        );
        lines
    }

    /// What of the pool no tranche is owed.
    fn equity(&self) -> Option<String> {
        let mut notionals = self.tranches.iter().map(|t| t.notional);
        let owed = notionals.try_fold(Cents(0), Cents::checked_add);
        let rest = self.balance.checked_sub(owed?)?;
        Some(format!(
            "below all tranches: {} {} of the pool; points are balances in the deal's order, whatever its waterfalls pay first",
            cents(rest),
            quoted(&self.deal.currency)
        ))
    }
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &IssuanceClaim) -> Vec<String> {
    let pledge = format!(
        "; the nullifiers of all {} in registry {} are listed (SHA3-256 of the list {}), and no two are the same",
        claim.loans,
        claim.registry,
        digest(&claim.nullifiers)
    );
    let pool = format!("pool {}", claim.pool);
    let mut lines = claim.findings().lines(&pool, &pledge);
    lines.extend(nonce::line(&claim.nonce));
    lines
}

impl Spoken for super::Issuance {
    fn words(claim: &IssuanceClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &IssuanceClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &IssuanceClaim) -> Vec<Anchor<'_>> {
        let closing = DealState::initial(&claim.deal).ok();
        let deal = closing.map(|state| Anchor::deal(At::Whole, &claim.deal, &state));
        let pool = Anchor::Pool(At::Whole, claim.pool);
        [pool, Anchor::Pledges(claim)]
            .into_iter()
            .chain(deal)
            .collect()
    }

    fn given(claim: &IssuanceClaim) -> Vec<Given> {
        vec![Given::that_pool(claim.pool, &claim.cut_off, claim.loans)]
    }
}
