//! Deals under stress: what tranches lose, and what loss it takes.

use credit::deal::Deal;
use credit::import::tape::read_template;
use credit::pool::states::states;
use credit::projection::Schedule;
use credit::protection::{ProtectionError, breakeven, check_dates, protect};
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use credit::stress::{Defaults, Prepayments, Stress};
use credit::waterfall::DealState;
use fixed::Decimal;
use records::units::Cents;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn stress(cdr: &str, severity: &str) -> Stress {
    Stress {
        defaults: Defaults::Cdr(vec![number(cdr)]),
        prepayments: Prepayments::Cpr(vec![number("6")]),
        severity: number(severity),
        recovery_lag: 12,
        age: 0,
        delinquency: None,
    }
}

/// The sample deal over a sample pool, its tranches cut to the pool's size.
fn sample() -> (Deal, DealState, Schedule) {
    let template = read_template("mortgage").unwrap();
    let tape = sample_pool::tape(1, 400, &template);
    let schedule = Schedule::of_pool(&states(&tape).unwrap(), 90).unwrap();
    let deal = sample_deal_for(schedule.balance + schedule.doubtful);
    let state = DealState::initial(&deal).unwrap();
    (deal, state, schedule)
}

#[test]
fn tranches_are_whole_without_losses() {
    let (deal, state, schedule) = sample();
    let outcome = protect(
        &deal,
        &state,
        &sample_indices(),
        &schedule,
        &stress("0", "0"),
    )
    .unwrap();
    assert!(outcome.iter().all(|t| t.is_whole()), "{outcome:?}");
    // Seniors are paid off no later than juniors.
    let paid: Vec<u32> = outcome.iter().map(|t| t.paid_off.unwrap()).collect();
    assert!(paid.is_sorted(), "{paid:?}");
}

/// Losses reach the junior tranche first, and more defaults never help.
#[test]
fn losses_rise_from_below() {
    let (deal, state, schedule) = sample();
    let mut before = vec![Cents(0); deal.tranches.len()];
    for cdr in ["0", "1", "3", "6", "10", "20", "40", "80"] {
        let outcome = protect(
            &deal,
            &state,
            &sample_indices(),
            &schedule,
            &stress(cdr, "60"),
        )
        .unwrap();
        let lost: Vec<Cents> = outcome.iter().map(|t| t.principal_lost).collect();
        for (i, (lost, before)) in lost.iter().zip(&before).enumerate() {
            assert!(lost >= before, "{cdr}: tranche {i}");
        }
        for pair in lost.windows(2) {
            assert!(pair[0] == Cents(0) || pair[1] > Cents(0), "{cdr}: {lost:?}");
        }
        before = lost;
    }
    assert!(before.iter().all(|lost| *lost > Cents(0)), "{before:?}");
}

/// At the breakeven multiple a tranche is whole, a hundredth above it is not; seniors bear more.
#[test]
fn breakeven_multiples() {
    let (deal, state, schedule) = sample();
    let (indices, stress) = (sample_indices(), stress("2", "50"));
    let multiples: Vec<Decimal> = (0..deal.tranches.len())
        .map(|t| breakeven(&deal, &state, &indices, &schedule, &stress, t).unwrap())
        .collect();
    for (i, multiple) in multiples.iter().enumerate() {
        let whole = |m: &Decimal| {
            let stress = stress.scaled(m).unwrap();
            protect(&deal, &state, &indices, &schedule, &stress).unwrap()[i].is_whole()
        };
        assert!(whole(multiple), "{multiple}");
        assert!(
            !whole(&multiple.checked_add(&number("0.01")).unwrap()),
            "{multiple}"
        );
    }
    assert!(multiples.windows(2).all(|w| w[0] > w[1]), "{multiples:?}");
}

#[test]
fn another_pool_is_refused() {
    let (deal, mut state, mut schedule) = sample();
    schedule.doubtful += Cents(1);
    let error = protect(
        &deal,
        &state,
        &sample_indices(),
        &schedule,
        &stress("1", "50"),
    );
    assert!(matches!(error, Err(ProtectionError::Pool { .. })));
    schedule.doubtful -= Cents(1);
    state.tranches[0].balance += Cents(1);
    let error = protect(
        &deal,
        &state,
        &sample_indices(),
        &schedule,
        &stress("1", "50"),
    );
    assert!(matches!(error, Err(ProtectionError::Waterfall { .. })));
    let (deal, state, schedule) = sample();
    let short = vec![credit::waterfall::Index {
        fixings: vec![number("4")],
        ..sample_indices()[0].clone()
    }];
    let error = protect(&deal, &state, &short, &schedule, &stress("1", "50")).unwrap_err();
    assert!(error.to_string().contains("payment date 2"), "{error}");
}

/// The sample's first payment date is 2027-01-25, its second 2027-02-25; it closes in December 2026.
#[test]
fn dates_fit_the_cut_off() {
    let (mut deal, mut state, _) = sample();
    let check = |deal: &Deal, state: &DealState, day: &str| {
        check_dates(deal, state, &day.to_string().try_into().unwrap()).map_err(|e| e.to_string())
    };
    assert_eq!(check(&deal, &state, "2026-10-31"), Ok(()));
    assert_eq!(check(&deal, &state, "2026-12-25"), Ok(()));
    let late = check(&deal, &state, "2026-12-26").unwrap_err();
    assert_eq!(
        late,
        "payment date 1: payment date 2027-01-25 is before the cut-off date 2027-01-26 of what it pays"
    );
    let old = check(&deal, &state, "2015-12-31").unwrap_err();
    assert!(
        old.contains("more than a year after the cut-off date 2016-01-31"),
        "{old}"
    );
    state.period = 1;
    assert_eq!(check(&deal, &state, "2027-01-25"), Ok(()));
    let late = check(&deal, &state, "2027-01-26").unwrap_err();
    assert!(late.starts_with("payment date 1: "), "{late}");
    deal.dates.frequency = credit::deal::Frequency::Quarterly;
    state.period = 0;
    assert_eq!(check(&deal, &state, "2026-10-25"), Ok(()));
    assert!(check(&deal, &state, "2026-10-26").is_err());
    state.period = deal.plan().unwrap().periods;
    assert_eq!(check(&deal, &state, "2057-01-24"), Ok(()));
}

/// From how many days on a loan is doubtful is bounded: with 65,535 nobody is.
#[test]
fn doubt_is_bounded() {
    for (days, fits) in [
        (0, false),
        (1, true),
        (365, true),
        (366, false),
        (65_535, false),
    ] {
        let schedule = Schedule::of_pool(&[], days);
        assert_eq!(schedule.is_ok(), fits, "{days}: {schedule:?}");
    }
}

/// A tranche that is written down and comes back is paid off when it is paid, not when it was written down.
#[test]
fn what_is_written_down_is_not_paid() {
    let (mut deal, _, schedule) = sample();
    deal.losses = credit::deal::Losses::WriteDown;
    for steps in deal.waterfalls.values_mut() {
        steps.retain(|step| {
            !serde_json::to_string(step)
                .unwrap()
                .contains("cure_deficiency")
        });
    }
    let state = DealState::initial(&deal).unwrap();
    let sudden = Stress {
        defaults: Defaults::Mdr(vec![number("50"), number("0")]),
        ..stress("0", "0")
    };
    let outcome = protect(&deal, &state, &sample_indices(), &schedule, &sudden).unwrap();
    for tranche in &outcome[1..] {
        assert!(tranche.paid_off.is_none_or(|date| date > 12), "{outcome:?}");
    }
}

/// An open loan that owes interest alone has no schedule by which that comes in: it is refused, not left out.
#[test]
fn interest_alone_has_no_schedule() {
    let template = read_template("mortgage").unwrap();
    let mut loans = states(&sample_pool::tape(1, 20, &template)).unwrap();
    loans[3].balance = Cents(0);
    loans[3].overdue_principal = Cents(0);
    loans[3].accrued = Cents(0);
    assert!(Schedule::of_pool(&loans, 90).is_ok());
    loans[3].accrued = Cents(1);
    let refused = Schedule::of_pool(&loans, 90).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("state the interest as overdue"),
        "{refused}"
    );
}
