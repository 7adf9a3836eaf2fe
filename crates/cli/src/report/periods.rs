//! Payment dates one after another: charts that stresses and past periods share.

use credit::deal::Deal;
use credit::deal::step::{Bound, Measure};
use credit::waterfall::{DealState, Report};

use super::chart::{Line, lines};
use super::html::{drawn, drawn_cents};

/// Tranche balances and the pool's over the payment dates, from before the first one on.
pub fn balances(deal: &Deal, before: &DealState, reports: &[Report]) -> String {
    let start = std::iter::once("before".to_string());
    let places: Vec<String> = start
        .chain(reports.iter().map(|r| r.payment_date.clone()))
        .collect();
    let mut all: Vec<Line> = deal
        .tranches
        .iter()
        .enumerate()
        .map(|(i, tranche)| {
            let first = std::iter::once(before.tranches[i].balance);
            let values = first.chain(reports.iter().map(|r| r.tranches[i].balance));
            Line {
                name: tranche.name.clone(),
                values: values.map(|v| Some(drawn_cents(v))).collect(),
                dashed: false,
            }
        })
        .collect();
    let first = std::iter::once(before.pool_balance);
    let pool = first.chain(reports.iter().map(|r| r.pool_balance));
    all.push(Line {
        name: "pool".into(),
        values: pool.map(|v| Some(drawn_cents(v))).collect(),
        dashed: true,
    });
    let title = format!("Balances after each payment date, {}", deal.currency);
    lines(&title, "", &places, &all, true)
}

/// Each test over the payment dates, with what it should be. `late` is whether it is known which loans are late: otherwise a test of
/// delinquency passes whatever comes.
pub fn tests(deal: &Deal, reports: &[Report], late: bool) -> String {
    let places: Vec<String> = reports.iter().map(|r| r.payment_date.clone()).collect();
    let charts = deal.tests.iter().enumerate().map(|(i, test)| {
        let measured = reports.iter().map(|r| r.tests[i].value.as_ref().map(drawn));
        let (bound, words) = match &test.passes {
            Bound::AtLeast(bound) => (bound, "at least"),
            Bound::AtMost(bound) => (bound, "at most"),
        };
        let failed = reports.iter().filter(|r| !r.tests[i].passed).count();
        let idle = !late && matches!(test.measure, Measure::Delinquency { .. });
        let title = match failed {
            _ if idle => format!(
                "Test {}: not tested, since this stress makes no loan late",
                test.name
            ),
            0 => format!("Test {}: passes on every date", test.name),
            n => format!(
                "Test {}: fails on {n} of {} dates",
                test.name,
                reports.len()
            ),
        };
        // A ratio whose denominator runs out grows without end: what is far beyond the bound is cut.
        let most = 4.0 * drawn(bound).abs().max(1.0);
        let measured: Vec<Option<f64>> = measured.collect();
        let cut = measured.iter().flatten().any(|v| *v > most);
        let measured = measured.into_iter().map(|v| v.map(|v| v.min(most)));
        let title = match cut {
            true => format!("{title} (drawn up to {most:.0}%)"),
            false => title,
        };
        let all = [
            Line {
                name: test.name.clone(),
                values: measured.collect(),
                dashed: false,
            },
            Line {
                name: format!("should be {words} {bound}%"),
                values: vec![Some(drawn(bound)); reports.len()],
                dashed: true,
            },
        ];
        lines(&title, "%", &places, &all, false)
    });
    charts.collect()
}
