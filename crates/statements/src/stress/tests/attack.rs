//! Attacks on the stress statement: claims that cost their verifier time, what a schedule tells, loans that are closed and owe.

use records::units::Cents;
use std::time::Instant;

use credit::deal::Deal;
use credit::factor::{OneFactor, expected_losses};
use credit::pool::states::states;
use credit::projection::Schedule;
use credit::protection::protect;
use credit::stress::{Defaults, Prepayments, Stress};
use credit::waterfall::DealState;
use serde_json::{Value, json};
use stark::Statement;

use super::{MANY_LOANS, prepared, tape};
use crate::pools::loan::Sealed;
use crate::stress::{Detail, Prepared, Stressed, Terms, check};
use crate::testing::{mortgages, secret};

/// As many entries as a deal may have, and steps that look at all of them.
fn long_deal(pool: u64) -> Deal {
    let name = |kind: &str, i: usize| format!("{kind}{i}{}", "-".repeat(40));
    let names = |kind: &str| -> Vec<String> { (0..64).map(|i| format!("{kind}{i}")).collect() };
    let cents = |v: u64| fixed::Decimal::new(v.into(), 2).to_string();
    let tranches: Vec<Value> = names("t")
        .iter()
        .map(|name| {
            json!({"name": name, "balance": cents(pool / 64), "day_count": "ACT/360", "shortfall": "compounding",
                "coupon": {"fixed": "1"}})
        })
        .collect();
    let fees: Vec<Value> = names("f")
        .iter()
        .map(|name| json!({"name": name, "amount": {"fixed": "1.00"}}))
        .collect();
    let tests: Vec<Value> = (0..64)
        .map(|i| {
            json!({"name": name("x", i), "measure": {"interest_coverage": {"tranches": names("t")[..20], "fees": names("f")[..20]}},
                "passes": {"at_least": "105"}})
        })
        .collect();
    let steps: Vec<Value> = (0..64)
        .map(|i| match i % 2 {
            0 => json!({"account": "i", "do": {"pay_interest": {"tranches": names("t"), "order": "pro_rata"}}}),
            _ => json!({"account": "i", "do": {"pay_principal": {"tranches": names("t"), "order": "pro_rata"}}}),
        })
        .collect();
    let principal: Vec<Value> = (0..64)
        .map(|i| match i % 2 {
            0 => json!({"account": "p", "do": {"pay_fee": {"fees": names("f"), "order": "pro_rata"}}}),
            _ => json!({"account": "p", "do": {"pay_principal": {"tranches": names("t"), "order": "pro_rata"}}}),
        })
        .collect();
    let deal = json!({
        "name": "long", "currency": "USD",
        "dates": {"closing": "2026-12-01", "first_payment": "2026-12-25", "frequency": "monthly", "legal_final": "2126-11-30"},
        "original_pool": cents(pool),
        "accounts": [{"name": "i"}, {"name": "p"}],
        "collect": {"interest": "i", "principal": "p", "recoveries": "p", "repurchased": "p"},
        "fees": fees, "tranches": tranches, "losses": "ledgers", "tests": tests,
        "waterfalls": {"interest": steps, "principal": principal},
    });
    serde_json::from_value(deal).expect("a deal")
}

/// A long deal is not run hundreds of times: it would take the better part of a minute.
#[test]
fn long_deals_are_run_seldom() {
    let tape = tape(20);
    let loans = states(&tape).expect("they are loans");
    let schedule = Schedule::of_pool(&loans, 90).expect("it fits");
    let mut claim = prepared(20).claim().clone();
    claim.deal = long_deal((schedule.balance + schedule.doubtful).0);
    let stress = claim.scenarios[0].clone();
    claim.scenarios = vec![stress; 100];
    let start = Instant::now();
    let error = Stressed::context(&claim).expect_err("it is too much");
    assert!(error.contains("is run at most"), "{error}");
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

/// A pool of closed loans brings in nothing, so no payment date checks the deal's state: it is checked before.
#[test]
fn states_are_checked_without_a_payment() {
    let schedule = Schedule::default();
    let deal = credit::sample_deal::sample_deal();
    let indices = credit::sample_deal::sample_indices();
    let stress = Stress {
        defaults: Defaults::Cdr(vec![fixed::Decimal::from_int(1)]),
        prepayments: Prepayments::Cpr(vec![fixed::Decimal::from_int(6)]),
        severity: fixed::Decimal::from_int(100),
        recovery_lag: 0,
        age: 0,
        delinquency: None,
    };
    let mut empty = DealState::initial(&deal).expect("a deal");
    empty.pool_balance = Cents(0);
    let mut huge = empty.clone();
    empty.tranches.clear();
    for tranche in &mut huge.tranches {
        // Together zero, modulo 2^64.
        (tranche.balance, tranche.unpaid_interest) = (Cents(1 << 63), Cents(1 << 63));
    }
    for state in [&empty, &huge] {
        let outcome = protect(&deal, state, &indices, &schedule, &stress);
        assert!(outcome.is_err(), "{outcome:?}");
        let factor = OneFactor {
            correlation: fixed::Decimal::new(2, 1),
            nodes: 20,
        };
        let expected = expected_losses(&deal, state, &indices, &schedule, &stress, &factor);
        assert!(expected.is_err(), "{expected:?}");
    }
}

// WHAT A SCHEDULE TELLS

fn stressed(tape: &credit::pool::Tape, detail: Detail) -> Prepared {
    let terms = Terms {
        detail,
        deal: credit::sample_deal::sample_deal_for(credit::sample_pool::owed(tape)),
        ..crate::stress::tests::terms(tape)
    };
    Prepared::new(tape, &terms, &secret()).expect("it is true")
}

/// The instalments that whoever reads a claim finds: what all loans pay a month falls, from the row before to the row after a loan's
/// last, by its instalment.
fn guesses(claim: &crate::stress::StressClaim) -> Vec<u64> {
    let rows = claim.schedule.rows.iter().enumerate();
    let paid: Vec<i128> = rows
        .map(|(i, row)| {
            let months = credit::coarse::months_of(&claim.steps, i) as i128;
            (i128::from(row.interest.0) + i128::from(row.principal.0)) / months
        })
        .collect();
    let falls = paid.windows(3).map(|w| w[0] - w[2]);
    falls.filter_map(|fall| u64::try_from(fall).ok()).collect()
}

/// How many loans' instalments are among the guesses, to a cent.
fn found(tape: &credit::pool::Tape, claim: &crate::stress::StressClaim) -> usize {
    let guesses = guesses(claim);
    let field = tape.template.field("instalment").expect("it has one");
    let told = |loan: &&credit::pool::Loan| {
        let instalment = loan.values[field].unwrap_or(0);
        instalment > 0 && guesses.iter().any(|g| g.abs_diff(instalment) <= 1)
    };
    tape.loans.iter().filter(told).count()
}

/// A monthly schedule gives instalments of a small pool away, to a cent (more, if less exactly: see STATEMENT.md); summed until ten
/// loans end in each row it gives none.
#[test]
fn steps_hide_instalments() {
    // Loans as a bank has them: they pay monthly, and end when they end.
    let tape = mortgages(3, 61);
    let monthly = stressed(&tape, Detail::default());
    let all = found(&tape, monthly.claim());
    let quarters = stressed(
        &tape,
        Detail {
            months: 3,
            loans: 0,
        },
    );
    let years = stressed(
        &tape,
        Detail {
            months: 12,
            loans: 0,
        },
    );
    let many = stressed(&tape, MANY_LOANS);
    let told = [&quarters, &years, &many].map(|p| found(&tape, p.claim()));
    println!(
        "61 loans: {all} instalments told by months, {told:?} by quarters, by years, and where ten loans end in each of {} rows; few \
         end in {}, {}, {} and {} rows",
        many.claim().steps.len(),
        monthly.told().few_endings,
        quarters.told().few_endings,
        years.told().few_endings,
        many.told().few_endings
    );
    assert!(all >= 15, "{all}");
    assert_eq!(told[2], 0);
    assert!(monthly.told().few_endings >= all);
    assert_eq!(many.told().few_endings, 0);
    for prepared in [&monthly, &quarters, &years, &many] {
        for scenario in &prepared.claim().scenarios {
            let lost: Vec<Cents> = scenario.outcome.iter().map(|t| t.principal_lost).collect();
            println!("{}: {lost:?}", scenario.name);
        }
    }
}

// WHAT IS CLOSED

/// Loans that were bought back or paid off and still owe something: nothing of it is in the schedule, and the tape contradicts itself.
#[test]
fn closed_loans_owe_nothing() {
    let mut closed = tape(60);
    let at = |name: &str| closed.template.field(name).expect("it has one");
    let (status, balance) = (at("status"), at("balance"));
    let empty = [
        "balance",
        "instalment",
        "accrued",
        "overdue_interest",
        "overdue_principal",
    ]
    .map(at);
    for (loan, code) in [(4, 3), (9, 4)] {
        closed.loans[loan].values[status] = Some(code);
        for field in empty {
            closed.loans[loan].values[field] = Some(0);
        }
    }
    let terms = crate::stress::tests::terms(&closed);
    let honest = check(&closed, &terms).expect("it is true").outcomes;
    let broken = |tape: &credit::pool::Tape| {
        let sealed = Sealed::new(tape, &secret()).expect("ids differ");
        let forged = Prepared::unchecked(tape, sealed, &terms, honest.clone(), &secret());
        crate::testing::broken(&forged.expect("the claim is well formed"), 0)
    };
    assert_eq!(broken(&closed), Vec::<String>::new());
    for (loan, cents) in [(4, 1), (9, 1 << 30)] {
        let mut owing = closed.clone();
        owing.loans[loan].values[balance] = Some(cents);
        let refused = check(&owing, &terms).expect_err("it contradicts itself");
        let error = refused.to_string();
        assert!(error.contains("still owes"), "{error}");
        assert_eq!(broken(&owing), ["LOANS-3"]);
    }
}

// WHAT IS SAID

/// Coupons and what becomes of losses and unpaid interest, in every way that a deal may have them.
#[test]
fn terms_of_tranches_are_said() {
    use credit::deal::{Coupon, DayCount, Losses, Shortfall};
    let mut claim = prepared(20).claim().clone();
    let said = |claim: &crate::stress::StressClaim, expected: &str| {
        let words = crate::stress::words(claim).join("\n");
        assert!(words.contains(expected), "{expected}\n{words}");
    };
    said(
        &claim,
        "by the deal tranches bear, a year: `A` `SOFR` + 0.90%, at least 0%, at most 7.5% (ACT/360), unpaid interest stays owed, with \
         interest; `B` 4.5% (30E/360), unpaid interest stays owed, with interest; `C` 5.5% (30E/360), unpaid interest stays owed; losses \
         are recorded in ledgers, and balances stay; what is paid in which order, its waterfalls say",
    );
    let tranche = &mut claim.deal.tranches[2];
    tranche.shortfall = Shortfall::Lost;
    tranche.day_count = DayCount::Actual365;
    tranche.coupon = Coupon::Floating {
        index: "SOFR".into(),
        margin: fixed::Decimal::from_int(3),
        floor: Some(fixed::Decimal::from_int(1)),
        cap: None,
    };
    claim.deal.losses = Losses::WriteDown;
    said(
        &claim,
        "`C` `SOFR` + 3%, at least 1% (ACT/365 fixed), unpaid interest is not owed again; losses write balances down;",
    );
}

/// What is said without a secret is the same but for the commitment.
#[test]
fn a_check_says_what_a_claim_says() {
    let tape = tape(20);
    let terms = crate::stress::tests::terms(&tape);
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    let named = format!("pool {}", prepared.claim().pool);
    let checked = check(&tape, &terms).expect("it is true");
    let found = checked.findings().words().join("\n");
    let said = crate::stress::words(prepared.claim()).join("\n");
    assert_eq!(found.replacen("the pool", &named, 1), said);
}
