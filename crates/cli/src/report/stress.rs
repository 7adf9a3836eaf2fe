//! The page of a stress claim: what protects the tranches.

use std::fmt::Write;

use credit::protection::{Life, life};
use records::units::Cents;
use statements::stress::{StressClaim, stress_in_words};

use super::chart::bars;
use super::html::{Cell, drawn_cents, loss, money, table};
use super::{Proof, fixings, head, measures, periods, start, tranches};
use crate::svg::escaped;

const PROVEN: &[&str] = &[
    "what the sealed loans pay together, month by month, if each pays by its contract",
    "which balance is doubtful: so late, or past maturity, that it is taken to default at once",
];
const NOT_PROVEN: &[&str] = &[
    "that the loan tape is true or complete: trust its servicer's signature, or do not",
    "that the stresses are hard enough, or the deal in the claim the one that was signed",
    "that the fixings of the deal's indices are right: the claim states them",
    "what happens is not one of these stresses: they say what the deal bears, not what is likely",
];

/// What follows from the claim.
///
/// # Errors
/// If the deal cannot be run.
pub fn body(claim: &StressClaim, proof: &Proof<'_>) -> Result<String, String> {
    let sub = format!(
        "{} sealed loans ({}), tape of {}, pool {}",
        claim.loans, claim.template.name, claim.cut_off, claim.pool
    );
    let mut html = head(
        &claim.deal,
        &sub,
        proof,
        PROVEN,
        &start::not_proven(NOT_PROVEN, &claim.start()),
    );
    let monthly = claim.monthly()?;
    html += &start::section(&claim.start());
    html += &tranches(&claim.deal);
    html += &fixings(&claim.indices, &claim.deal.currency);
    let _ = writeln!(
        html,
        "<p>At the cut-off date, {}, loans owe {} {currency} as scheduled over {} months ({} rows are published{}), and {} {currency} is \
         doubtful ({} days past due or more, or past maturity), which defaults in the first month.</p>",
        claim.cut_off,
        money(claim.schedule.balance),
        monthly.rows.len(),
        claim.schedule.rows.len(),
        match claim.steps.is_empty() {
            true => "",
            false => "; within each, what comes in is taken evenly over its months",
        },
        money(claim.schedule.doubtful),
        claim.doubtful_days,
        currency = escaped(&claim.deal.currency)
    );
    html += &losses(claim);
    html += &expected(claim);
    for scenario in &claim.scenarios {
        let _ = writeln!(
            html,
            "<h2>{}</h2>\n<p class=\"sub\">{}</p>",
            escaped(&scenario.name),
            escaped(&stress_in_words(&scenario.stress))
        );
        let Life { reports, .. } = life(
            &claim.deal,
            &claim.deal_state,
            &claim.indices,
            &monthly,
            &scenario.stress,
        )
        .map_err(|e| e.to_string())?;
        let rows: Vec<Vec<Cell>> = scenario
            .outcome
            .iter()
            .map(|t| {
                let paid = t.paid_off.and_then(|p| {
                    let report = reports.iter().find(|r| r.period == p)?;
                    Some(report.payment_date.clone())
                });
                vec![
                    t.tranche.as_str().into(),
                    paid.map_or(Cell::Text("not in full".into()), Cell::Text),
                    loss(t.principal_lost),
                    loss(t.interest_lost),
                ]
            })
            .collect();
        html += &table(
            &[
                "tranche",
                "paid in full on",
                "principal lost",
                "interest not paid, undiscounted",
            ],
            &rows,
        );
        html += &measures::section(&claim.deal, &claim.deal_state, &reports)?;
        html += &periods::balances(&claim.deal, &claim.deal_state, &reports);
        html += &periods::tests(&claim.deal, &reports, scenario.stress.delinquency.is_some());
    }
    Ok(html)
}

/// Principal lost by tranche and scenario, drawn.
fn losses(claim: &StressClaim) -> String {
    let series: Vec<String> = claim.deal.tranches.iter().map(|t| t.name.clone()).collect();
    let part = |lost: Cents, i: usize| {
        // What was written down may come back, and counts as lost if it does not.
        let state = &claim.deal_state.tranches[i];
        let owed = state.balance.saturating_add(state.written_down);
        let owed = drawn_cents(owed).max(0.01);
        100.0 * drawn_cents(lost) / owed
    };
    let groups: Vec<(String, Vec<f64>)> = claim
        .scenarios
        .iter()
        .map(|s| {
            let lost = s.outcome.iter().enumerate();
            let lost = lost.map(|(i, t)| part(t.principal_lost, i)).collect();
            (s.name.clone(), lost)
        })
        .collect();
    if groups.is_empty() {
        return String::new();
    }
    let title = "Principal lost, in percent of what a tranche is owed";
    format!("<h2>Losses</h2>\n{}", bars(title, "%", &groups, &series))
}

/// What tranches are expected to lose over a factor.
fn expected(claim: &StressClaim) -> String {
    let mut html = String::new();
    for model in &claim.models {
        let _ = writeln!(
            html,
            "<h2>{}</h2>\n<p class=\"sub\">Mean over {} values of a factor that defaults have in common (Gaussian copula, \
             correlation {}): {}. Rounded up.</p>",
            escaped(&model.name),
            model.factor.nodes,
            model.factor.correlation,
            escaped(&stress_in_words(&model.stress))
        );
        let rows: Vec<Vec<Cell>> = model
            .expected
            .iter()
            .map(|t| {
                let hundred = fixed::Decimal::from_int(100);
                let percent = t.part.checked_mul(&hundred).unwrap_or(t.part);
                vec![
                    t.tranche.as_str().into(),
                    loss(t.principal),
                    Cell::Number(format!("{}%", percent.normalized())),
                    loss(t.interest),
                ]
            })
            .collect();
        html += &table(
            &[
                "tranche",
                "expected principal lost",
                "of its balance",
                "expected interest not paid, undiscounted",
            ],
            &rows,
        );
    }
    html
}
