//! Tests of pages: they say what the claim says, are well formed, and quote safely.

use risk::import::tape::read_template;
use risk::sample_deal::{sample_deal_for, sample_indices};
use risk::sample_pool;
use statements::account::Secret;

use super::*;

const PROOF: Proof<'static> = Proof {
    file: "p.proof",
    bytes: 1_234,
    bits: 101.4,
};

/// Every element is closed, in order.
fn is_well_formed(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap_or("");
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{tag}");
        } else if !tag.ends_with('/') && !["!doctype", "meta"].contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

fn tape() -> risk::pool::Tape {
    let template = read_template("mortgage").expect("it comes with the crate");
    sample_pool::tape(1, 60, &template)
}

fn stressed() -> statements::stress::StressClaim {
    let tape = tape();
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let terms = statements::stress::Terms {
        doubtful_days: 90,
        deal,
        deal_state: None,
        indices: sample_indices(),
        stresses: serde_json::from_str(sample_pool::STRESSES).expect("a sample"),
        breakeven: Vec::new(),
    };
    let prepared = statements::stress::Prepared::new(&tape, &terms, &Secret::random());
    prepared.expect("it is true").claim().clone()
}

#[test]
fn a_stress_claim_makes_a_page() {
    let claim = stressed();
    let html = html::page("A deal", &stress::body(&claim, &PROOF).expect("it runs"));
    is_well_formed(&html);
    assert!(!html.contains("NaN") && !html.contains("inf"));
    // Losses, and for each scenario balances and tests.
    let charts = 1 + claim.scenarios.len() * (1 + claim.deal.tests.len());
    assert_eq!(html.matches("<svg").count(), charts);
    assert_eq!(
        html.matches("class=\"bar\"").count(),
        claim.scenarios.len() * claim.deal.tranches.len()
    );
    for scenario in &claim.scenarios {
        assert!(html.contains(&format!("<h2>{}</h2>", scenario.name)));
        for tranche in &scenario.outcome {
            assert!(html.contains(&html::money(tranche.principal_lost)));
        }
    }
    assert!(html.contains(&html::money(claim.models[0].expected[2].principal)));
    assert!(html.contains(&claim.pool.to_string()));
    assert_eq!(
        html,
        html::page("A deal", &stress::body(&claim, &PROOF).expect("it runs"))
    );
}

/// Everything that is drawn lies inside its picture.
#[test]
fn charts_stay_inside() {
    let claim = stressed();
    let html = stress::body(&claim, &PROOF).expect("it runs");
    let mut points = 0;
    for path in html
        .split("class=\"line\" fill=\"none\" stroke-width=\"2\" d=\"")
        .skip(1)
    {
        let (path, _) = path.split_once('"').expect("it ends");
        for point in path.split(['M', 'L']).filter(|p| !p.is_empty()) {
            // Legends are drawn with `h`.
            let Some((x, y)) = point.split_once(' ').filter(|_| !point.contains('h')) else {
                continue;
            };
            let (x, y): (f64, f64) = (x.parse().expect("a number"), y.parse().expect("a number"));
            assert!(
                (60.0..=850.0).contains(&x) && (20.0..=280.0).contains(&y),
                "{point}"
            );
            points += 1;
        }
    }
    assert!(points > 1_000, "{points}");
}

/// A deal's names are checked before; here every piece is on its own.
#[test]
fn names_cannot_write_elements() {
    let evil = "<script>alert(1)</script>\" onload=\"x";
    let mut claim = stressed();
    claim.scenarios[0].name = evil.into();
    claim.models[0].name = evil.into();
    let mut body = stress::body(&claim, &PROOF).expect("it runs");
    claim.deal.name = evil.into();
    claim.deal.currency = evil.into();
    claim.deal.tranches[0].name = evil.into();
    body += &head(
        &claim.deal,
        evil,
        &Proof {
            file: evil,
            ..PROOF
        },
        &[evil],
        &[evil],
    );
    body += &tranches(&claim.deal);
    let line = chart::Line {
        name: evil.into(),
        values: vec![Some(1.0)],
        dashed: false,
    };
    body += &chart::lines(evil, "%", &[evil.into()], &[line], true);
    body += &chart::bars(evil, "%", &[(evil.into(), vec![1.0])], &[evil.into()]);
    body += &table(&[evil], &[vec![evil.into()]]);
    let html = html::page(evil, &body);
    assert!(!html.contains("<script") && !html.contains("\" onload"));
    is_well_formed(&html);
}

#[test]
fn a_waterfall_claim_makes_a_page() {
    let mut now = tape();
    let deal = sample_deal_for(sample_pool::owed(&now));
    let first = now.clone();
    let mut months = Vec::new();
    for month in 0..3 {
        let events = sample_pool::remittances(month, &now);
        now = risk::pool::remittance::roll_tape(&now, &events)
            .expect("it can be")
            .0;
        months.push(events);
    }
    let terms = statements::waterfall::Terms {
        months,
        deal,
        deal_state: None,
        indices: sample_indices(),
    };
    let prepared = statements::waterfall::Prepared::new(&first, &terms, &Secret::random());
    let prepared = prepared.expect("it is true");
    let claim = prepared.claim();
    let html = html::page("A deal", &waterfall::body(claim, &PROOF));
    is_well_formed(&html);
    assert_eq!(html.matches("<svg").count(), 1 + claim.deal.tests.len());
    for (month, report) in claim.months.iter().zip(&claim.reports) {
        assert!(html.contains(&html::money(month.collections.interest)));
        assert!(html.contains(&format!("<h2>{}</h2>", report.payment_date)));
        for tranche in &report.tranches {
            assert!(html.contains(&html::money(tranche.balance)));
        }
    }
}

#[test]
fn money_has_thousands() {
    for (cents, text) in [
        (0, "0.00"),
        (99_999, "999.99"),
        (100_000, "1,000.00"),
        (12_345_678_901, "123,456,789.01"),
    ] {
        assert_eq!(html::money(cents), text);
    }
}
