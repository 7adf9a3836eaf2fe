//! Scenarios with probabilities of their own, and losses that are hard to tell apart.

use records::units::Ticks;
use stark::{verify, violations};
use venue::evar::{Losses, evar};

use super::forged::wrong;
use super::*;
use crate::premia::statement::PartTables;

/// The witness satisfies all constraints, and a proof verifies.
fn proven(prepared: &Prepared) {
    for part in 0..prepared.context().parts() {
        let airs = PartTables::new(prepared.context(), part).airs();
        assert_eq!(violations(&airs, &prepared.traces(part)), Vec::new());
    }
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    verify::<Premia>(prepared.claim(), &proof).expect("it verifies");
}

/// The same scenarios; probabilities from a 16th of an even one to 16 times it, and a few next to nothing.
fn weighted(markets: usize, count: usize) -> ScenarioSet {
    let mut set = scenarios(markets, count);
    let parts = (0..count as u64).map(|s| match noise(s, 40) {
        0 => 1,
        _ => (1 << 30) >> noise(s + 1_000, 9) as u32,
    });
    set.probabilities = parts.collect();
    set
}

/// With all that is shown: the claim is true, its proof verifies, and EVaR is enclosed as stated.
#[test]
fn scenarios_with_probabilities_are_proven() {
    let set = weighted(3, 300);
    let (state, some) = (state(&set), changes(&trades(&set, 2)));
    for shows in [
        Shows::Prices { lots: true },
        Shows::Totals {
            grid: None,
            tolerance: None,
        },
    ] {
        let terms = Terms { shows, ..terms() };
        let prepared = Prepared::new(&set, &state, &some, &terms, &secret()).expect("it is true");
        proven(&prepared);
    }
    let day = check(&set, &state, &some, &terms()).expect("it has a price");
    let quoted = day.states[0].evar().0 as i64;
    let gains: Vec<i64> = state
        .gains(&set)
        .unwrap()
        .iter()
        .map(|&x| x.0 as i64)
        .collect();
    let exact = evar(Losses::over(&set, &gains), terms().confidence)
        .unwrap()
        .value;
    let even = evar(&gains, terms().confidence)
        .unwrap()
        .value
        .floor_at(0)
        .unwrap();
    let [low, high] = [exact.floor_at(0).unwrap(), exact.ceil_at(0).unwrap()];
    assert!(
        (low..=high + 1 + high / 1_000_000).contains(&quoted.into()),
        "{quoted} {exact:?}"
    );
    assert!(
        (even - low).abs() > low / 50,
        "probabilities count: {even} {low}"
    );
}

/// A fact about losses over such scenarios: as much cash as EVaR of its losses proves it, a tick less is refused, and the weights of
/// even scenarios are none for it.
#[test]
fn facts_over_scenarios_with_probabilities_are_proven() {
    use venue::fact::{Fact, Losses as Lost};
    let set = weighted(2, 300);
    for fact in Fact::ALL {
        let terms = Terms {
            shows: Shows::Fact(fact),
            funding: false,
            ..terms()
        };
        let risky = state(&set);
        let lost = Lost::new(fact, &risky, &set, terms.confidence).expect("it has a risk");
        let cash = lost.evar.0.max(0) as u64;
        let with = |cash: u64| VenueState {
            collected: Ticks(cash),
            ..risky.clone()
        };
        let prepared = Prepared::new(&set, &with(cash), &[], &terms, &secret());
        let prepared = prepared.expect("it is true");
        proven(&prepared);
        if cash > 0 {
            let poor = Prepared::new(&set, &with(cash - 1), &[], &terms, &secret());
            assert!(poor.expect_err("it is false").is_false(), "{fact}");
        }
        let found = wrong(&prepared, |rows| {
            for row in rows.scenarios.iter_mut().take(300) {
                if let Some(weight) = lost.weight(Ticks(row.liabilities[0]), 0) {
                    row.weight = weight;
                }
            }
        });
        assert!(found.contains(&"SCENARIOS-4".into()), "{fact}: {found:?}");
    }
}

/// Forged first: a prover who takes the scenarios as equally likely, or the shift of another scenario, is refused.
#[test]
fn probabilities_cannot_be_left_out() {
    let set = weighted(2, 300);
    let prepared = Prepared::new(&set, &state(&set), &[], &terms(), &secret()).expect("it is true");
    for by in [0, 1, 17] {
        let found = wrong(&prepared, |rows| {
            let shifts = venue::certificate::shifts(&set.probabilities);
            let certificate = venue::certificate::Certificate {
                bound: rows.scenarios[0].state.bound,
                scale: rows.scenarios[0].state.scale,
            };
            for (s, row) in rows.scenarios.iter_mut().enumerate().take(300) {
                let shift = if by == 0 { 0 } else { shifts[(s + by) % 300] };
                if let Some(weight) = certificate.weight(row.gain(), shift) {
                    row.weight = weight;
                }
            }
        });
        assert!(found.contains(&"SCENARIOS-4".into()), "{by}: {found:?}");
    }
}

/// The same probability for all is none: the same EVaR to a tick and what its certificate leaves.
#[test]
fn even_probabilities_change_nothing() {
    let set = scenarios(2, 300);
    let even = ScenarioSet {
        probabilities: vec![7; 300],
        ..set.clone()
    };
    let of = |set: &ScenarioSet| {
        let day = check(set, &state(set), &[], &terms()).expect("it has a price");
        day.states[0].evar()
    };
    assert!(of(&set).0.abs_diff(of(&even).0) <= 1 + of(&set).0 / 1_000_000);
}

/// Losses a tick apart, for which a solver that is not bracketed printed -36,337,677.32: what is quoted is what is proven, and
/// right.
#[test]
fn losses_a_tick_apart_are_proven_as_quoted() {
    let four = [(90, 0), (6, 1), (3, 2), (1, 3)];
    let two = [(49, 0), (1, 1)];
    for (losses, above) in [(&four[..], 3), (&two[..], 1)] {
        for base in [0, 1_000_000] {
            let values = losses.iter().flat_map(|&(n, x)| vec![vec![base + x]; n]);
            let set = ScenarioSet {
                values: values.collect(),
                ..scenarios(1, 1)
            };
            let state = VenueState {
                quantities: vec![records::units::Lots(1)],
                ..VenueState::flat(1, Ticks(0), Ticks(0))
            };
            let day = check(&set, &state, &[], &terms()).expect("it has a price");
            assert_eq!(day.states[0].evar().0, base + above);
            let prepared = Prepared::new(&set, &state, &[], &terms(), &secret());
            let prepared = prepared.expect("it is true");
            let Shown::Prices { evar, .. } = &prepared.claim().shown else {
                panic!("prices are claimed")
            };
            assert_eq!(*evar, venue::state::ticks((base + above).into()));
            proven(&prepared);
        }
    }
}

/// Shifts are public: no cell more than without them.
#[test]
fn probabilities_take_no_cells() {
    let widths = |set: &ScenarioSet| -> Vec<(usize, usize)> {
        let prepared = Prepared::new(set, &state(set), &[], &terms(), &secret());
        let prepared = prepared.expect("it is true");
        let airs = PartTables::new(prepared.context(), 0).airs();
        airs.iter()
            .map(|air| (air.width(), air.log_height()))
            .collect()
    };
    assert_eq!(widths(&scenarios(2, 300)), widths(&weighted(2, 300)));
}
