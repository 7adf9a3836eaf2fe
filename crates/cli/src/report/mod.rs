//! Investor reports: one HTML page from the claim of a verified proof, and nothing else.

mod chart;
mod html;
mod measures;
mod periods;
mod start;
mod stress;
#[cfg(test)]
mod tests;
mod waterfall;

use std::fmt::Write;

use credit::deal::{Coupon, Deal, RateStep, Shortfall};
use credit::issuance::backing;
use credit::waterfall::Index;
use records::units::Cents;
use sealbook::Fact;
use statements::stress::Stressed;
use statements::waterfall::Waterfall;

use crate::svg::escaped;
use html::{Cell, amount, list, table};

/// What is known of the proof itself.
pub struct Proof<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Its size.
    pub bytes: usize,
    /// Proven bits of its weakest part.
    pub bits: f64,
}

/// The page of a fact; `None` for statements that investors read otherwise.
///
/// # Errors
/// If the deal cannot be run again, which its verifier just did.
pub fn report(fact: &dyn Fact, proof: &Proof<'_>) -> Option<Result<String, String>> {
    let (title, body) = if let Some(fact) = fact.of::<Stressed>() {
        let claim = fact.claim();
        (&claim.deal.name, stress::body(claim, proof))
    } else {
        let claim = fact.of::<Waterfall>()?.claim();
        (&claim.deal.name, Ok(waterfall::body(claim, proof)))
    };
    Some(body.map(|body| html::page(title, &body)))
}

/// The head of a page: what it is about, and what of it is proven.
fn head(deal: &Deal, sub: &str, proof: &Proof<'_>, proven: &[&str], not_proven: &[&str]) -> String {
    format!(
        "<h1>{}</h1>\n<p class=\"sub\">{}</p>\n<div class=\"box\"><p>Every number on this page follows from the public claim of \
         <code>{}</code> ({}), a zero-knowledge proof that was verified when the page was made: {:.1} proven bits. No loan is \
         shown to anyone.</p>\n<p>Proven:</p>\n{}<p>Not proven:</p>\n{}</div>\n",
        escaped(&deal.name),
        escaped(sub),
        escaped(proof.file),
        crate::output::size(proof.bytes),
        proof.bits,
        list(proven),
        list(not_proven)
    )
}

/// The deal's tranches as they closed, and where they stand in the pool.
fn tranches(deal: &Deal) -> String {
    // A verified claim's deal is valid.
    let plan = deal.plan().ok();
    let points = plan
        .as_ref()
        .and_then(|p| backing(deal, p.original_pool).ok());
    let rows: Vec<Vec<Cell>> = deal
        .tranches
        .iter()
        .enumerate()
        .map(|(i, t)| {
            let point = points.as_ref().map(|p| &p[i]);
            let percent = |p: Option<&fixed::Decimal>| {
                Cell::Number(p.map_or("-".into(), |p| format!("{}%", p.normalized())))
            };
            vec![
                t.name.as_str().into(),
                amount(plan.as_ref().map_or(Cents(0), |p| p.tranches[i].original)),
                Cell::Text(coupon(&t.coupon)),
                Cell::Text(t.day_count.words().into()),
                Cell::Text(shortfall(t.shortfall).into()),
                percent(point.map(|p| &p.attachment)),
                percent(point.map(|p| &p.detachment)),
            ]
        })
        .collect();
    let head = format!("at closing, {}", deal.currency);
    let mut html = String::from("<h2>Tranches</h2>\n");
    html += &table(
        &[
            "tranche",
            &head,
            "coupon",
            "day count",
            "interest not paid when due",
            "attaches at",
            "detaches at",
        ],
        &rows,
    );
    let _ = writeln!(
        html,
        "<p class=\"sub\">By the deal, which says that the pool owed {} {} at closing; what is beyond the tranches is equity. The proof of \
         an issuance shows what a pool owes.</p>",
        html::money(plan.map_or(Cents(0), |p| p.original_pool)),
        escaped(&deal.currency)
    );
    html
}

/// What becomes of interest that is not paid when due.
fn shortfall(rule: Shortfall) -> &'static str {
    match rule {
        Shortfall::Lost => "is never owed again",
        Shortfall::Carried => "stays owed, without interest",
        Shortfall::Compounding => "stays owed, with interest",
    }
}

/// The fixings with which the page computes: how many an index has, the first, the least and the largest.
fn fixings(indices: &[Index], currency: &str) -> String {
    let rows: Vec<Vec<Cell>> = indices
        .iter()
        .map(|index| {
            let rate = |rate: Option<&fixed::Decimal>| {
                Cell::Number(rate.map_or("-".into(), |r| format!("{r}%")))
            };
            vec![
                index.name.as_str().into(),
                Cell::Number(index.fixings.len().to_string()),
                rate(index.fixings.first()),
                rate(index.fixings.iter().min()),
                rate(index.fixings.iter().max()),
            ]
        })
        .collect();
    let mut html = format!(
        "<p>All amounts are in {}. Interest accrues from one payment date to the next.</p>\n",
        escaped(currency)
    );
    if !rows.is_empty() {
        html += "<h3>Fixings of indices, as the claim states them</h3>\n";
        html += &table(
            &["index", "payment dates", "first", "least", "largest"],
            &rows,
        );
    }
    html
}

fn coupon(coupon: &Coupon) -> String {
    match coupon {
        Coupon::Fixed(rate) => format!("{rate}%"),
        Coupon::Stepped { rate, steps } => {
            let step = |s: &RateStep| format!(", {}% from {}", s.rate, s.from);
            format!("{rate}%{}", steps.iter().map(step).collect::<String>())
        }
        Coupon::Floating {
            index,
            margin,
            floor,
            cap,
        } => {
            let floor = floor.unwrap_or(fixed::Decimal::ZERO);
            let mut text = format!("{index} + {margin}%, at least {floor}%");
            if let Some(cap) = cap {
                let _ = write!(text, ", at most {cap}%");
            }
            text
        }
    }
}
