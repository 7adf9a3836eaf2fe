//! Tests of pages: they say what the claim says, are well formed, and quote safely.

use credit::import::tape::read_template;
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use statements::account::Secret;
use statements::stress::stress_in_words;

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

fn tape() -> credit::pool::Tape {
    let template = read_template("mortgage").expect("it comes with the crate");
    sample_pool::tape(1, 60, &template)
}

fn stressed() -> statements::stress::StressClaim {
    let tape = tape();
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let terms = statements::stress::Terms {
        doubtful_days: 90,
        detail: statements::stress::Detail::default(),
        deal,
        deal_state: None,
        indices: sample_indices(),
        stresses: serde_json::from_str(sample_pool::STRESSES).expect("a sample"),
        breakeven: Vec::new(),
    };
    let prepared = statements::stress::Prepared::new(&tape, &terms, &Secret::random());
    prepared.expect("it is true").claim().clone()
}

/// A page names what its numbers rest on, and promises no test that cannot fail.
#[test]
fn a_page_says_by_which_rules_it_counts() {
    let mut claim = stressed();
    let page =
        |claim: &statements::stress::StressClaim| stress::body(claim, &PROOF).expect("it runs");
    let html = page(&claim);
    for text in [
        "ACT/360",
        "<td>30E/360</td>",
        "<td>SOFR + 0.90%, at least 0%, at most 7.5%</td>",
        "stays owed, with interest",
        "stays owed, without interest",
        "All amounts are in USD",
        "<td>SOFR</td><td class=\"n\">361</td><td class=\"n\">2.900000%</td><td class=\"n\">2.400000%</td>",
        "interest not paid, undiscounted",
        "average life",
        "yield at 100",
        "Settlement on 2026-12-25",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("interest lost") && !html.contains("makes no loan late"));
    for scenario in &mut claim.scenarios {
        scenario.stress.delinquency = None;
    }
    let idle = page(&claim);
    assert!(!idle.contains("Test late: passes") && !idle.contains("Test late: fails"));
    // A chart says its title more than once.
    let said = idle.matches("Test late: not tested, since this stress makes no loan late");
    assert!(said.count() >= claim.scenarios.len());
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
        now = credit::pool::remittance::roll_tape(&now, &events)
            .expect("it can be")
            .tape;
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
        assert_eq!(html::money(Cents(cents)), text);
    }
}

// ATTACKS

fn stress_of(json: &str) -> credit::stress::Stress {
    serde_json::from_str(json).expect("a stress")
}

/// A page that names the first year's rates only would show a stress that the claim does not have.
#[test]
fn stresses_are_said_in_full() {
    let rates = |n: usize, then: &str| format!("{}{then}", "\"20\",".repeat(n));
    let hard_then_nothing = stress_of(&format!(
        r#"{{"defaults":{{"cdr":[{}]}},"prepayments":{{"smm":["1"]}},"severity":"40","recovery_lag":6}}"#,
        rates(12, "\"0\"")
    ));
    let words = stress_in_words(&hard_then_nothing);
    assert!(
        words.starts_with(
            "defaults 20% for 12 months, then 0% a year (CDR); early repayment 1% a month (SMM)"
        ),
        "{words}"
    );
    // Ramps depend on how old loans are.
    let at = |age: u16| {
        stress_in_words(&stress_of(&format!(
            r#"{{"defaults":{{"sda":"100"}},"prepayments":{{"psa":"150"}},"severity":"40","recovery_lag":6,"age":{age}}}"#
        )))
    };
    assert_ne!(at(0), at(120));
}

/// A stress claim does not show what the pool owed at closing: a deal may say ten times as much, and all points rise.
#[test]
fn points_are_said_to_be_the_deals() {
    let mut claim = stressed();
    let honest = tranches(&claim.deal);
    let ten = fixed::Decimal::from_int(10);
    claim.deal.original_pool = claim.deal.original_pool.checked_mul(&ten).expect("it fits");
    let accepted = |claim: &statements::stress::StressClaim| {
        credit::protection::protect(
            &claim.deal,
            &claim.deal_state,
            &claim.indices,
            &claim.schedule,
            &claim.scenarios[0].stress,
        )
        .is_ok()
    };
    assert!(
        !accepted(&claim),
        "at closing the pool owes what the deal says"
    );
    claim.deal_state.period = 1;
    assert!(accepted(&claim), "later the verifier accepts such a deal");
    let raised = tranches(&claim.deal);
    assert_ne!(honest, raised);
    // C, whose equity was 3 percent: (1,000 - 97) / 1,000.
    assert!(raised.contains("90.3%"), "{raised}");
    let html = stress::body(&claim, &PROOF).expect("it runs");
    assert!(html.contains("By the deal, which says that the pool owed"));
    assert!(html.contains("indices are right: the claim states them"));
    // Whose word the start is.
    assert!(html.contains("only the proofs of the months before show it"));
    assert!(html.contains("THE PROVER STATES this start"));
    let honest = stress::body(&stressed(), &PROOF).expect("it runs");
    assert!(
        honest.contains("with the state that the deal gives") && !honest.contains("THE PROVER")
    );
}

/// The y of each point of the first line.
fn first_line(svg: &str) -> Vec<f64> {
    let (_, path) = svg.split_once("stroke-width=\"2\" d=\"M").expect("a line");
    let (path, _) = path.split_once('"').expect("it ends");
    let points = path.split(['M', 'L']);
    points
        .map(|p| {
            p.split_once(' ')
                .expect("a point")
                .1
                .parse()
                .expect("a number")
        })
        .collect()
}

/// With many tranches the legend was taller than the chart, which then stood on its head: balances rose.
#[test]
fn many_tranches_do_not_turn_a_chart_over() {
    for tranches in [1, 4, 5, 64] {
        let all: Vec<chart::Line> = (0..tranches)
            .map(|k| chart::Line {
                name: format!("tranche {k}"),
                values: vec![Some(100.0), Some(50.0), Some(0.0)],
                dashed: false,
            })
            .collect();
        let places = ["before", "first", "second"].map(String::from);
        let svg = chart::lines("Balances", "", &places, &all, true);
        let y = first_line(&svg);
        // Downwards on the screen is a larger y.
        assert!(
            y[0] + 100.0 < y[1] && y[1] + 100.0 < y[2],
            "{tranches}: {y:?}"
        );
    }
    // Names beside bars stay in the picture as well.
    let series: Vec<String> = (0..64).map(|k| format!("tranche {k}")).collect();
    let svg = chart::bars("Lost", "%", &[("stress".into(), vec![1.0; 64])], &series);
    for rect in svg.split("<rect x=\"").skip(1) {
        let (x, _) = rect.split_once('"').expect("it ends");
        assert!(x.parse::<f64>().expect("a number") < 860.0, "{x}");
    }
}

/// Of a tranche that was written down to nothing, all that may come back is what it is owed.
#[test]
fn written_down_tranches_do_not_lose_more_than_all() {
    let mut claim = stressed();
    claim.deal.losses = credit::deal::Losses::WriteDown;
    for steps in claim.deal.waterfalls.values_mut() {
        let cures = |a: &credit::deal::step::Action| {
            matches!(a, credit::deal::step::Action::CureDeficiency { .. })
        };
        steps.retain(|s| !cures(&s.action));
    }
    claim.deal_state.period = 1;
    let tranche = &mut claim.deal_state.tranches[2];
    (tranche.balance, tranche.written_down) = (Cents(0), tranche.balance);
    let lost = tranche.written_down;
    claim.scenarios[0].outcome[2].principal_lost = lost;
    let body = stress::body(&claim, &PROOF).expect("it runs");
    let (_, losses) = body.split_once("<h2>Losses</h2>").expect("it has them");
    let (losses, _) = losses.split_once("</svg>").expect("it ends");
    assert!(losses.contains(">100%</text>"), "{losses}");
    assert!(!losses.contains("k%") && !losses.contains("m%") && !losses.contains("bn%"));
}

/// A hundred scenarios over a hundred years with as many tranches and tests as a deal may have.
#[test]
fn pages_stay_small_enough_to_open() {
    let values: Vec<Option<f64>> = (0..1_200).map(|i| Some(1e9 / f64::from(i + 1))).collect();
    let line = |k: usize| chart::Line {
        name: format!("tranche {k}"),
        values: values.clone(),
        dashed: false,
    };
    let places: Vec<String> = (0..1_200).map(|i| format!("date {i}")).collect();
    let all: Vec<chart::Line> = (0..65).map(line).collect();
    let svg = chart::lines("Balances", "", &places, &all, true);
    assert!(svg.len() < 65 * 5_000, "{}", svg.len());
    // A single bad date among 1,200 is drawn; so is where nothing is measured; a constant is two points.
    let mut spike = vec![Some(10.0); 1_200];
    spike[777] = Some(0.0);
    spike[300] = None;
    let flat = vec![Some(5.0); 1_200];
    let lines = [spike, flat].map(|values| chart::Line {
        name: "x".into(),
        values,
        dashed: false,
    });
    let svg = chart::lines("Test", "%", &places, &lines, true);
    let y = first_line(&svg);
    assert!(y.iter().copied().fold(0.0, f64::max) > 271.0, "{y:?}");
    let (_, path) = svg.split_once("stroke-width=\"2\" d=\"").expect("a line");
    let (path, _) = path.split_once('"').expect("it ends");
    assert_eq!(path.matches('M').count(), 2, "{path}");
    assert!(y.len() < 20, "{y:?}");
}

/// The same with the sample deal, run to the end of a hundred years under a hundred stresses.
#[test]
fn a_long_claim_makes_a_page() {
    let mut claim = stressed();
    claim.deal.dates.legal_final = "2126-09-25".into();
    let dates = claim.deal.plan().expect("a deal").periods;
    assert!(dates > 1_190, "{dates}");
    for index in &mut claim.indices {
        let last = index.fixings[0];
        index.fixings.resize(1_200, last);
    }
    let mut worst = claim.scenarios[0].clone();
    worst.stress = stress_of(
        r#"{"defaults":{"cdr":["40"]},"prepayments":{"cpr":["1"]},"severity":"90","recovery_lag":6}"#,
    );
    worst.outcome[2].paid_off = None;
    claim.scenarios = vec![worst; 100];
    let body = stress::body(&claim, &PROOF).expect("it runs");
    // Every 200th date has a label.
    assert!(body.contains(">2110-05-25</text>"), "{}", &body[..20_000]);
    assert!(!body.contains("NaN") && !body.contains("inf"));
    assert!(body.len() < 12_000_000, "{}", body.len());
}

/// What overrides the direction of a text in a file's name ends with the name.
#[test]
fn file_names_cannot_turn_what_follows() {
    let proof = Proof {
        file: "p.\u{202e}proof",
        ..PROOF
    };
    let claim = stressed();
    let html = html::page("A deal", &stress::body(&claim, &proof).expect("it runs"));
    assert!(html.contains("<code>p.\u{202e}proof</code>"));
    assert!(html.contains("unicode-bidi:isolate"));
}
