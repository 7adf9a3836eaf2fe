//! What a waterfall claim says.

use super::WaterfallClaim;
use crate::nonce;
use crate::words::{cents, quoted};

/// What came in and what was paid.
pub fn payments(claim: &WaterfallClaim) -> Vec<String> {
    let mut lines = Vec::new();
    for (pool, month) in claim.pools[1..].iter().zip(&claim.months) {
        let c = &month.collections;
        let mut line = format!(
            "month to {}: {} of interest, {} of principal",
            pool.cut_off,
            cents(c.interest),
            cents(c.scheduled_principal + c.prepaid_principal)
        );
        for (what, amount) in [
            ("defaulted", c.defaulted),
            ("recovered", c.recoveries),
            ("bought back", c.repurchased),
        ] {
            if amount > 0 {
                line += &format!(", {} {what}", cents(amount));
            }
        }
        line += &format!("; loans owe {}", cents(c.balance_after));
        lines.push(line);
    }
    for report in &claim.reports {
        let tranches = report.tranches.iter().map(|t| {
            let mut line = format!(
                "{} receives {} of interest and {} of principal and is owed {}",
                quoted(&t.name),
                cents(t.interest_paid),
                cents(t.principal_paid),
                cents(t.balance)
            );
            if t.interest_shortfall > 0 {
                line += &format!(" ({} of interest short)", cents(t.interest_shortfall));
            }
            if t.deficiency > 0 {
                line += &format!(" ({} not covered)", cents(t.deficiency));
            }
            line
        });
        let tranches: Vec<String> = tranches.collect();
        let tripped = report.triggers.iter().filter(|t| t.tripped);
        let tripped: Vec<String> = tripped.map(|t| quoted(&t.name)).collect();
        let mut line = format!("{}: {}", report.payment_date, tranches.join("; "));
        line += &format!("; equity receives {}", cents(report.equity));
        if !tripped.is_empty() {
            line += &format!("; tripped: {}", tripped.join(", "));
        }
        lines.push(line);
    }
    lines
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &WaterfallClaim) -> Vec<String> {
    let (first, last) = (&claim.pools[0], &claim.pools[claim.months.len()]);
    let mut lines = vec![format!(
        "{} loans (template {}) rolled from pool {} of {} to pool {} of {}; what they brought in was paid by the deal {} ({})",
        claim.loans,
        quoted(&claim.template.name),
        first.pool,
        first.cut_off,
        last.pool,
        last.cut_off,
        quoted(&claim.deal.name),
        quoted(&claim.deal.currency)
    )];
    lines.extend(payments(claim));
    lines.extend(nonce::line(&claim.nonce));
    lines
}
