//! The page of a waterfall claim: what came in, and what was paid.

use credit::waterfall::Report;
use statements::waterfall::WaterfallClaim;

use super::html::{Cell, amount, loss, money, table};
use super::{Proof, fixings, head, periods, start, tranches};
use crate::svg::escaped;

const PROVEN: &[&str] = &[
    "every sealed loan rolled over the month by its contract and by what became of it",
    "what loans brought in adds up to the collections, to the cent",
    "fees, tranches, accounts and equity received what the deal's waterfalls give",
];
const NOT_PROVEN: &[&str] = &[
    "that the servicer's report of each loan is true: trust its signature, or do not",
    "that the deal in the claim is the one that was signed, or the fixings of its indices the right ones",
];

/// What follows from the claim.
pub fn body(claim: &WaterfallClaim, proof: &Proof<'_>) -> String {
    let (first, last) = (&claim.pools[0], &claim.pools[claim.months.len()]);
    let sub = format!(
        "{} sealed loans ({}), from {} to {}, pool {} and then {}",
        claim.loans, claim.template.name, first.cut_off, last.cut_off, first.pool, last.pool
    );
    let not_proven = start::not_proven(NOT_PROVEN, &claim.start());
    let mut html = head(&claim.deal, &sub, proof, PROVEN, &not_proven);
    html += &start::section(&claim.start());
    html += &tranches(&claim.deal);
    html += &fixings(&claim.indices, &claim.deal.currency);
    html += &collections(claim);
    html += "<h2>Balances</h2>\n";
    html += &periods::balances(&claim.deal, &claim.deal_before, &claim.reports);
    if claim.reports.len() > 1 {
        html += &periods::tests(&claim.deal, &claim.reports, true);
    }
    for report in &claim.reports {
        html += &period(report);
    }
    html
}

fn collections(claim: &WaterfallClaim) -> String {
    let rows: Vec<Vec<Cell>> = claim.pools[1..]
        .iter()
        .zip(&claim.months)
        .map(|(pool, month)| {
            let c = &month.collections;
            vec![
                Cell::Text(pool.cut_off.to_string()),
                amount(c.interest),
                amount(c.scheduled_principal),
                amount(c.prepaid_principal),
                amount(c.recoveries),
                amount(c.repurchased),
                amount(c.defaulted),
                amount(c.balance_after),
            ]
        })
        .collect();
    let late: Vec<Vec<Cell>> = claim.pools[1..]
        .iter()
        .zip(&claim.months)
        .map(|(pool, month)| {
            let mut row = vec![Cell::Text(pool.cut_off.to_string())];
            row.extend(month.collections.delinquent.map(amount));
            row
        })
        .collect();
    format!(
        "<h2>What came in</h2>\n{}{}",
        table(
            &[
                "month to",
                "interest",
                "principal due",
                "paid early",
                "recovered",
                "bought back",
                "defaulted",
                "owed after"
            ],
            &rows
        ),
        table(
            &["month to", "30 to 59 days late", "60 to 89", "90 and more"],
            &late
        )
    )
}

/// A payment date.
fn period(report: &Report) -> String {
    let mut html = format!("<h2>{}</h2>\n", escaped(&report.payment_date));
    html += &tranches_paid(report);
    html += &fees(report);
    html += &accounts(report);
    html += &tests(report);
    html += &triggers(report);
    html += &steps(report);
    html += &format!(
        "<p>Equity receives {}. Defaults since closing less recoveries: {}.</p>\n",
        money(report.equity),
        money(report.cumulative_loss)
    );
    html
}

fn tranches_paid(report: &Report) -> String {
    let rows = report.tranches.iter().map(|t| {
        vec![
            t.name.as_str().into(),
            Cell::Number(format!("{}%", t.rate)),
            amount(t.interest_due),
            amount(t.interest_paid),
            loss(t.interest_shortfall),
            amount(t.principal_paid),
            amount(t.balance),
            Cell::Number(t.factor.to_string()),
            loss(t.deficiency + t.written_down),
        ]
    });
    table(
        &[
            "tranche",
            "rate",
            "interest due",
            "paid",
            "short",
            "principal paid",
            "owed",
            "factor",
            "not covered",
        ],
        &rows.collect::<Vec<_>>(),
    )
}

fn fees(report: &Report) -> String {
    let rows = report.fees.iter().map(|f| {
        vec![
            f.name.as_str().into(),
            amount(f.arrears_before + f.charged),
            amount(f.paid),
            loss(f.arrears),
        ]
    });
    table(
        &["fee", "due", "paid", "arrears"],
        &rows.collect::<Vec<_>>(),
    )
}

fn accounts(report: &Report) -> String {
    let rows = report.accounts.iter().map(|a| {
        vec![
            a.name.as_str().into(),
            amount(a.before),
            amount(a.collected),
            amount(a.after),
            a.target.map_or(Cell::Number("-".into()), amount),
        ]
    });
    table(
        &["account", "before", "collected", "after", "target"],
        &rows.collect::<Vec<_>>(),
    )
}

/// Nothing for a deal without tests.
fn tests(report: &Report) -> String {
    if report.tests.is_empty() {
        return String::new();
    }
    let rows = report.tests.iter().map(|t| {
        let value = t.value.as_ref().map_or("-".into(), |v| format!("{v}%"));
        let outcome = match t.passed {
            true => Cell::Text("passes".into()),
            false => Cell::Bad("fails".into()),
        };
        vec![t.name.as_str().into(), Cell::Number(value), outcome]
    });
    table(&["test", "measured", ""], &rows.collect::<Vec<_>>())
}

/// Nothing for a deal without triggers.
fn triggers(report: &Report) -> String {
    if report.triggers.is_empty() {
        return String::new();
    }
    let word = |tripped: bool| match tripped {
        true => Cell::Bad("tripped".into()),
        false => Cell::Text("not tripped".into()),
    };
    let rows = (report.triggers.iter())
        .map(|t| vec![t.name.as_str().into(), word(t.before), word(t.tripped)]);
    table(&["trigger", "before", "after"], &rows.collect::<Vec<_>>())
}

/// The steps that ran.
fn steps(report: &Report) -> String {
    let rows = report.steps.iter().filter(|s| s.ran).map(|s| {
        vec![
            Cell::Text(format!("{}, step {}", s.waterfall, s.step + 1)),
            amount(s.due),
            amount(s.from_account),
            amount(s.from_support),
        ]
    });
    let steps = table(
        &["step", "at most", "from its account", "from its support"],
        &rows.collect::<Vec<_>>(),
    );
    format!("<h3>The waterfall, step by step</h3>\n{steps}")
}
