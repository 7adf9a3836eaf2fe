//! What a stress claim says.

use fixed::Decimal;

use super::StressClaim;
use crate::nonce;
use crate::words::{cents, quoted};

/// A part of one in percent.
fn percent(part: &Decimal) -> String {
    let percent = part.checked_mul(&Decimal::from_int(100));
    percent.map_or_else(|_| part.to_string(), |p| format!("{}%", p.normalized()))
}

/// What becomes of the tranches, scenario by scenario, and what they are expected to lose, model by model.
pub fn outcomes(claim: &StressClaim) -> Vec<String> {
    let currency = quoted(&claim.deal.currency);
    let scenarios = claim.scenarios.iter().map(|scenario| {
        let tranches = scenario.outcome.iter().map(|t| {
            let name = quoted(&t.tranche);
            match t.paid_off {
                Some(date) => format!("{name} is paid in full by payment date {date}"),
                None if t.is_whole() => format!("{name} loses nothing"),
                None => format!(
                    "{name} loses {} of principal and {} of interest",
                    cents(t.principal_lost),
                    cents(t.interest_lost)
                ),
            }
        });
        let tranches: Vec<String> = tranches.collect();
        let stress = serde_json::to_string(&scenario.stress).unwrap_or_default();
        format!(
            "under {} {stress}: {} ({currency})",
            quoted(&scenario.name),
            tranches.join(", ")
        )
    });
    let models = claim.models.iter().map(|model| {
        let tranches = model.expected.iter().map(|t| {
            format!(
                "{} is expected to lose {} of principal ({}) and {} of interest",
                quoted(&t.tranche),
                cents(t.principal),
                percent(&t.part),
                cents(t.interest)
            )
        });
        let tranches: Vec<String> = tranches.collect();
        let stress = serde_json::to_string(&model.stress).unwrap_or_default();
        format!(
            "under {} {stress} with correlation {} over {} values of a factor: {} ({currency})",
            quoted(&model.name),
            model.factor.correlation,
            model.factor.nodes,
            tranches.join(", ")
        )
    });
    scenarios.chain(models).collect()
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &StressClaim) -> Vec<String> {
    let mut lines = vec![format!(
        "pool {} of {} loans (template {}, cut-off {}) pays as scheduled over {} months; in the deal {}",
        claim.pool,
        claim.loans,
        quoted(&claim.template.name),
        claim.cut_off,
        claim.schedule.rows.len(),
        quoted(&claim.deal.name)
    )];
    lines.extend(outcomes(claim));
    lines.extend(nonce::line(&claim.nonce));
    lines
}
