//! Whether a venue is funded and adequate, and how a window rolls into capital.

use fixed::Decimal;
use records::units::{Lots, Ticks};
use venue::evar::Confidence;
use venue::fact::{Fact, Losses};
use venue::premia::{PremiaError, Shows, Terms, check};
use venue::scenarios::recipe::Source;
use venue::scenarios::{Market, ScenarioSet};
use venue::state::{Change, Trade, Transfer, VenueError, VenueState};

const UNIT: u64 = 1_000_000;
const NOW: u64 = 1_795_651_200_000;

fn confidence() -> Confidence {
    Decimal::new(95, 2).try_into().unwrap()
}

fn terms(shows: Shows) -> Terms {
    Terms {
        confidence: confidence(),
        shows,
        funding: false,
        until_ms: Some(NOW + 1_000),
    }
}

const PRICES: Shows = Shows::Prices { lots: true };

/// The golden: a lot that was bought at 50, and P = 100, W = 80. `Y` is 60 times -50, 30 times 0, 7 times 80, twice 120, once 200.
fn golden() -> (ScenarioSet, VenueState) {
    let worth = [(60, 0), (30, 50), (7, 130), (2, 170), (1, 250)];
    let values = worth
        .iter()
        .flat_map(|&(times, value)| vec![vec![value * UNIT]; times]);
    let set = ScenarioSet {
        as_of_ms: NOW,
        quote: "USD".into(),
        horizon_days: Decimal::ONE,
        source: Source::Given {
            note: "a test".into(),
        },
        markets: vec![Market {
            symbol: "A".into(),
            lot: Decimal::ONE,
            value: 50 * UNIT,
        }],
        values: values.collect(),
        probabilities: Vec::new(),
    };
    let state = VenueState {
        as_of_ms: NOW,
        quantities: vec![Lots(1)],
        entry: Ticks(50 * UNIT as i64),
        capital: Ticks(100 * UNIT),
        providers: Ticks(0),
        collected: Ticks(80 * UNIT),
        collected_since_ms: NOW - 86_400_000,
    };
    (set, state)
}

fn losses(fact: Fact, state: &VenueState, set: &ScenarioSet) -> Losses {
    Losses::new(fact, state, set, confidence()).unwrap()
}

fn holds(fact: Fact, state: &VenueState, set: &ScenarioSet) -> bool {
    let losses = losses(fact, state, set);
    losses.check(fact, state, "now".into(), "USD").is_ok()
}

/// Rounded up, and at most a millionth of what is at stake too high.
fn is(evar: Ticks, expected: i64) {
    assert!(
        (expected..expected + 300).contains(&evar.0),
        "{evar} {expected}"
    );
}

#[test]
fn the_golden_venue_is_funded_until_its_window_rolls() {
    let (set, state) = golden();
    is(losses(Fact::Funded, &state, &set).evar, 76_944_831);
    // EVaR(Y) is that of X and the capital.
    let adequate = losses(Fact::Adequate, &state, &set);
    is(adequate.evar + Ticks(100 * UNIT as i64), 159_425_185);
    for fact in Fact::ALL {
        assert!(holds(fact, &state, &set), "{fact}");
    }
    let rolled = state.rolled(NOW).unwrap();
    assert_eq!(
        (rolled.capital, rolled.collected, rolled.collected_since_ms),
        (Ticks(180 * UNIT), Ticks(0), NOW)
    );
    let funded = losses(Fact::Funded, &rolled, &set);
    is(funded.evar, 15_354_169);
    let unmet = funded.check(Fact::Funded, &rolled, "after the roll".into(), "USD");
    let unmet = unmet.unwrap_err().to_string();
    assert!(
        unmet.starts_with("after the roll the venue is not funded: EVaR of what it may owe beyond all capital is 15.354"),
        "{unmet}"
    );
    // What traders are owed, and what is there for it, are as before.
    let adequate = losses(Fact::Adequate, &rolled, &set);
    is(adequate.evar + Ticks(180 * UNIT as i64), 159_425_185);
    assert!(holds(Fact::Adequate, &rolled, &set));
    assert!(holds(Fact::AdequateWithoutProviders, &rolled, &set));
}

/// Capital counted twice passed: EVaR of what is owed beyond capital against that same capital.
#[test]
fn capital_counts_once() {
    let (set, state) = golden();
    let state = VenueState {
        collected: Ticks(0),
        ..state
    };
    // 76.9 <= 100 says nothing: of 159.4 that may be owed, 100 are there.
    for fact in Fact::ALL {
        assert!(!holds(fact, &state, &set), "{fact}");
    }
    let edge = losses(Fact::Adequate, &state, &set).evar.0 as u64;
    for (cash, holds) in [(edge - 1, false), (edge, true)] {
        let state = VenueState {
            collected: Ticks(cash),
            ..state.clone()
        };
        assert_eq!(is_adequate(&state, &set), holds, "{cash}");
    }
    // Providers' capital bears losses, but not without it.
    let lent = VenueState {
        capital: Ticks(0),
        providers: Ticks(160 * UNIT),
        ..state
    };
    assert!(holds(Fact::Adequate, &lent, &set));
    assert!(!holds(Fact::AdequateWithoutProviders, &lent, &set));
}

fn is_adequate(state: &VenueState, set: &ScenarioSet) -> bool {
    holds(Fact::Adequate, state, set)
}

/// On samples: a funded venue is adequate, a roll changes no adequacy, and losses are measured as by the solver without
/// certificates.
#[test]
fn funded_venues_are_adequate_and_rolls_change_no_adequacy() {
    let mut seen = [0; 4];
    for seed in 0..40u64 {
        let set = venue::sample::scenarios(seed, 1 + seed as usize % 4, 60 + 11 * seed as usize);
        let mut state = venue::sample::state(&set);
        state.capital.0 /= 1 + seed % 7;
        state.providers.0 /= 1 + seed % 3;
        state.collected.0 = state.collected.0 * (seed % 5) / 4;
        let rolled = state.rolled(set.as_of_ms + 1).unwrap();
        let funded = holds(Fact::Funded, &state, &set);
        let adequate = holds(Fact::Adequate, &state, &set);
        assert!(adequate || !funded, "{seed}");
        for fact in [Fact::Adequate, Fact::AdequateWithoutProviders] {
            assert_eq!(
                holds(fact, &state, &set),
                holds(fact, &rolled, &set),
                "{seed}"
            );
        }
        seen[2 * usize::from(funded) + usize::from(adequate)] += 1;
        for fact in Fact::ALL {
            let losses = losses(fact, &state, &set);
            let cut = |x: &Ticks| {
                if fact == Fact::Funded {
                    x.0.max(0)
                } else {
                    x.0
                }
            };
            let plain: Vec<i64> = losses.liabilities.iter().map(cut).collect();
            let exact = venue::evar::evar(&plain, confidence()).unwrap().value;
            let (low, high) = (exact.floor_at(0).unwrap(), exact.ceil_at(0).unwrap());
            let spread = i128::from(plain.iter().max().unwrap() - plain.iter().min().unwrap());
            let found = i128::from(losses.evar.0);
            assert!(
                low <= found && found <= high + spread / 1_000_000 + 5,
                "{seed} {fact}: {found} {high}"
            );
            // The proven bound is that, or zero.
            let bound = losses.certificate.bound.div_ceil(1 << 20) as i64;
            assert_eq!(bound, losses.evar.0.max(0), "{seed} {fact}");
            let budget = venue::certificate::budget(plain.len(), confidence());
            assert!(losses.sums.weights <= budget, "{seed} {fact}");
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0 && seen[3] > 0, "{seen:?}");
}

/// Premia that were collected before a roll are capital behind it, once.
#[test]
fn a_window_rolls_into_capital_once() {
    let (set, state) = golden();
    let trade = Change::Trade(Trade {
        market: 0,
        lots: Lots(1),
        price: Ticks(50 * UNIT),
    });
    let roll = |at_ms| Change::Roll { at_ms };
    let changes = [trade, roll(NOW + 10), trade, roll(NOW + 20)];
    let day = check(&set, &state, &changes, &terms(PRICES)).unwrap();
    let premia: Vec<u64> = day.states.iter().map(|e| e.premium.0).collect();
    assert!(
        premia[1] > 0 && premia[3] > 0 && premia[2] == 0 && premia[4] == 0,
        "{premia:?}"
    );
    let capital = |i: usize| day.states[i].state.capital.0;
    assert_eq!(capital(2), 180 * UNIT + premia[1]);
    assert_eq!(capital(4), capital(2) + premia[3]);
    assert_eq!(day.last().state.collected, Ticks(0));
    assert_eq!(day.last().state.collected_since_ms, NOW + 20);
    // EVaR behind a roll is that of the capital that it leads to.
    for e in &day.states {
        assert_eq!(e.liabilities, e.state.liabilities(&set).unwrap());
    }
    let again = [roll(NOW + 10), roll(NOW + 10)];
    let refused = check(&set, &state, &again, &terms(PRICES)).unwrap_err();
    assert!(
        refused.to_string().contains("each amount rolls once"),
        "{refused}"
    );
    for at_ms in [NOW - 1, NOW + 1_001] {
        let refused = check(&set, &state, &[roll(at_ms)], &terms(PRICES)).unwrap_err();
        assert!(matches!(refused, PremiaError::RollDate { .. }), "{refused}");
    }
    assert_eq!(
        state.rolled(state.collected_since_ms),
        Err(VenueError::Roll {
            since_ms: state.collected_since_ms,
            at_ms: state.collected_since_ms,
        })
    );
    let totals = Shows::Totals {
        grid: None,
        tolerance: None,
    };
    let refused = check(&set, &state, &[roll(NOW + 10)], &terms(totals)).unwrap_err();
    assert_eq!(refused, PremiaError::RollAmongTotals);
}

/// The invariant breaks without a trade, and that is reported.
#[test]
fn a_claim_of_a_fact_is_checked_after_each_change() {
    let (set, state) = golden();
    let roll = [Change::Roll { at_ms: NOW + 10 }];
    let claim = |fact, changes: &[Change]| check(&set, &state, changes, &terms(Shows::Fact(fact)));
    for fact in Fact::ALL {
        claim(fact, &[]).unwrap();
    }
    claim(Fact::Adequate, &roll).unwrap();
    let refused = claim(Fact::Funded, &roll).unwrap_err();
    assert!(refused.is_false());
    assert!(
        refused
            .to_string()
            .starts_with("after change 1 the venue is not funded"),
        "{refused}"
    );
    // A withdrawal of capital that others' cash would have to bear.
    let withdrawal = [Change::Transfer(Transfer {
        capital: Ticks(-21 * UNIT as i64),
        ..Transfer::default()
    })];
    let refused = claim(Fact::Adequate, &withdrawal).unwrap_err();
    assert!(refused.is_false(), "{refused}");
}
