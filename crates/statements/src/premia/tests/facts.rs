//! Facts: that a venue is funded, or adequate, and that its window rolls into capital once.

use stark::{Statement, cell_test, security_report, verify, violated, violations};
use venue::fact::{Fact, Losses};
use venue::premia::PremiaError;
use venue::state::Transfer;

use super::forged::wrong;
use super::*;
use crate::kit::Refusal;
use crate::premia::statement::PartTables;
use crate::venues::tables::scenarios::BlockState;

/// As of when the window rolls: between the state's date and the scenarios'.
const ROLL: Change = Change::Roll { at_ms: 1_000 };

fn claimed(fact: Fact, state: &VenueState, changes: &[Change]) -> Result<Prepared, Refusal> {
    let terms = Terms {
        shows: Shows::Fact(fact),
        funding: false,
        ..terms()
    };
    Prepared::new(&scenarios(2, 300), state, changes, &terms, &secret())
}

/// A state whose losses are what the fact is about, with the least cash that makes it true.
fn least(fact: Fact) -> VenueState {
    let set = scenarios(2, 300);
    let state = state(&set);
    let losses = Losses::new(fact, &state, &set, testing::confidence()).expect("it has a risk");
    assert!(losses.evar > Ticks(0), "{fact}");
    VenueState {
        collected: losses.evar.narrow().expect("above zero"),
        ..state
    }
}

#[test]
fn facts_have_a_witness_or_are_refused() {
    for fact in Fact::ALL {
        let state = least(fact);
        let prepared = claimed(fact, &state, &[]).expect("it is true");
        let airs = PartTables::new(prepared.context(), 0).airs();
        assert_eq!(violations(&airs, &prepared.traces(0)), Vec::new(), "{fact}");
        let text = serde_json::to_string(prepared.claim()).expect("plain data");
        assert!(!text.contains("evar"), "nothing is said of EVaR");
        // A tick less is not enough, however much capital there is for what capital is already set against.
        let poor = VenueState {
            collected: state.collected - Ticks(1),
            ..state.clone()
        };
        let refused = claimed(fact, &poor, &[]).expect_err("it is false");
        assert!(refused.is_false());
        let Some(PremiaError::Unmet(why)) = refused.reason() else {
            panic!("the fact does not hold")
        };
        assert_eq!((why.fact, why.missing), (fact, Decimal::new(1, 6)));
        assert!(why.place.contains("before the first change"), "{why}");
    }
    // Where nobody claims a fact, there are prices all the same.
    let poor = VenueState::flat(2, Ticks(0), Ticks(0));
    Prepared::new(&scenarios(2, 300), &poor, &[], &terms(), &secret()).expect("it has a price");
}

/// A venue whose losses are negative in every scenario, or owe nothing at all.
#[test]
fn rich_venues_have_a_witness() {
    let rich = VenueState {
        capital: Ticks(1 << 50),
        collected: Ticks(1_000),
        ..state(&scenarios(2, 300))
    };
    for fact in Fact::ALL {
        let prepared = claimed(fact, &rich, &[]).expect("it is true");
        let airs = PartTables::new(prepared.context(), 0).airs();
        assert_eq!(violations(&airs, &prepared.traces(0)), Vec::new(), "{fact}");
    }
}

#[test]
fn every_cell_of_a_fact_is_pinned() {
    let state = VenueState {
        collected: Ticks(1 << 50),
        ..state(&scenarios(2, 300))
    };
    for fact in [Fact::Adequate, Fact::AdequateWithoutProviders] {
        let prepared = claimed(fact, &state, &[ROLL]).expect("it is true");
        let airs = PartTables::new(prepared.context(), 0).airs();
        let rows = [
            ("scenarios", 299),
            ("scenarios", 300),
            ("states", 2),
            ("states", 3),
        ];
        let unpinned = cell_test(&airs[..3], &prepared.traces(0)[..3], &rows);
        assert_eq!(unpinned, Vec::new(), "{fact}: {} cells", unpinned.len());
    }
}

/// Capital that is set against the liability, and once more against its EVaR: what was called covered before.
#[test]
fn cash_that_is_not_there_bears_nothing() {
    for fact in Fact::ALL {
        let prepared = claimed(fact, &least(fact), &[]).expect("it is true");
        assert_eq!(wrong(&prepared, |_| ()), [""; 0]);
        let found = wrong(&prepared, |rows| {
            for row in &mut rows.states {
                row.state.collected -= Ticks(1);
                row.amounts_after[2] -= 1;
            }
        });
        // Committed to, too.
        assert_eq!(found, ["SPONGE-5", "STATES-8"], "{fact}");
    }
}

/// Providers' capital counts where the claim says so only.
#[test]
fn providers_capital_counts_only_where_it_is_said() {
    let prepared = claimed(
        Fact::AdequateWithoutProviders,
        &least(Fact::AdequateWithoutProviders),
        &[],
    );
    let prepared = prepared.expect("it is true");
    let found = wrong(&prepared, |rows| {
        let state = rows.states[1].state.clone();
        let block = BlockState {
            digits: vec![BlockState::digits(&state)],
            ..(*rows.scenarios[0].state).clone()
        };
        let block = std::sync::Arc::new(block);
        for row in &mut rows.scenarios {
            row.state = block.clone();
            row.liabilities[0] -= state.providers.0 as i64;
        }
    });
    // The states table sends what the claim counts.
    assert!(found.contains(&"bus state".into()), "{found:?}");
    // All that proves the weaker fact of a state does not prove this one.
    let weaker = claimed(Fact::Adequate, &least(Fact::Adequate), &[]).expect("it is true");
    let mut claim = weaker.claim().clone();
    if let Shown::Fact { fact, .. } = &mut claim.shown {
        *fact = Fact::AdequateWithoutProviders;
    }
    let context = Premia::context(&claim).expect("well-formed");
    let airs = PartTables::new(&context, 0).airs();
    assert_eq!(violated(&airs, &weaker.traces(0)), ["STATES-5"]);
}

/// A surplus in one scenario makes up for a loss in another where a venue is said to be adequate, and not where it is said to be
/// funded.
#[test]
fn losses_are_those_of_the_fact() {
    let adequate = claimed(Fact::Adequate, &least(Fact::Adequate), &[]).expect("it is true");
    // A surplus that is larger than it is, so that the weight is smaller.
    let found = wrong(&adequate, |rows| {
        let surplus = rows.scenarios[..300].iter_mut();
        let row = surplus.min_by_key(|row| row.liabilities[0]).expect("some");
        row.liabilities[0] -= 1_000_000;
    });
    assert!(found.contains(&"SCENARIOS-3".into()), "{found:?}");
    assert!(found.contains(&"SCENARIOS-4".into()), "{found:?}");
    // The same rows do not prove the other fact.
    let mut claim = adequate.claim().clone();
    let Shown::Fact { fact, .. } = &mut claim.shown else {
        panic!("a fact is claimed")
    };
    *fact = Fact::Funded;
    let context = Premia::context(&claim).expect("well-formed");
    let tables = PartTables::new(&context, 0);
    let found = violated(&tables.airs(), &adequate.rows(0).fill(&tables));
    assert_eq!(found, ["SCENARIOS-4"]);
}

/// All of the window's cash is in the capital behind a roll, and none of it is left.
#[test]
fn a_window_rolls_once() {
    let state = VenueState {
        collected: Ticks(5_000_000),
        capital: Ticks(100_000_000_000),
        ..state(&scenarios(2, 300))
    };
    let prepared = claimed(Fact::Adequate, &state, &[ROLL]).expect("it is true");
    assert_eq!(wrong(&prepared, |_| ()), [""; 0]);
    let after = prepared.after();
    assert_eq!(
        (after.capital, after.collected),
        (state.capital + state.collected, Ticks(0))
    );
    assert_eq!(prepared.claim().until_since_ms(), 1_000);
    // Row 1 leads to the state behind the roll, which is row 2.
    type Forgery = fn(&mut Rows);
    let forgeries: [Forgery; 3] = [
        // It stays in the window, too.
        |r| {
            r.states[1].amounts_after[2] = 5_000_000;
            r.states[2].state.collected = Ticks(5_000_000);
            r.states[2].amounts_after[2] = 5_000_000;
        },
        // A part of it stays.
        |r| {
            r.states[1].amounts_after[0] -= 1;
            r.states[1].amounts_after[2] += 1;
        },
        // It rolls twice.
        |r| {
            r.states[1].amounts_after[0] += 5_000_000;
            r.states[2].state.capital += Ticks(5_000_000);
            r.states[2].amounts_after[0] += 5_000_000;
        },
    ];
    for (i, forgery) in forgeries.into_iter().enumerate() {
        let found = wrong(&prepared, forgery);
        assert!(found.contains(&"STATES-4".into()), "{i}: {found:?}");
    }
    // The dates are bound: old cash is not this window's.
    let mut claim = prepared.claim().clone();
    claim.collected_since_ms = 0;
    let Shown::Fact { changes, .. } = &mut claim.shown else {
        panic!("a fact is claimed")
    };
    changes[0] = PublicChange::Roll { at_ms: 1_001 };
    let context = Premia::context(&claim).expect("well-formed");
    let tables = PartTables::new(&context, 0);
    let found = violated(&tables.airs(), &prepared.rows(0).fill(&tables));
    assert_eq!(found, ["SPONGE-5"]);
    changes_are_dated(&claim);
}

fn changes_are_dated(claim: &PremiaClaim) {
    for (since, at_ms) in [(0, 0), (0, u64::MAX), (1, 1_000)] {
        let mut claim = claim.clone();
        claim.collected_since_ms = since;
        if let Shown::Fact { changes, .. } = &mut claim.shown {
            changes[0] = PublicChange::Roll { at_ms };
        }
        Premia::context(&claim).expect_err("dates follow each other");
    }
}

/// Premia are paid for what raises EVaR, but nobody is there to pay for a roll.
#[test]
fn a_roll_among_prices_moves_premia_into_capital() {
    let set = scenarios(2, 300);
    let mut day = changes(&trades(&set, 3));
    day.insert(2, ROLL);
    let prepared = Prepared::new(&set, &state(&set), &day, &terms(), &secret());
    let prepared = prepared.expect("it is true");
    let airs = PartTables::new(prepared.context(), 0).airs();
    assert_eq!(violations(&airs, &prepared.traces(0)), Vec::new());
    let Shown::Prices { changes, .. } = &prepared.claim().shown else {
        panic!("prices are claimed")
    };
    let before: Vec<u64> = changes[..2]
        .iter()
        .map(|c| c.premium.units() as u64)
        .collect();
    assert!(before.iter().sum::<u64>() > 0 && changes[2].premium.is_zero());
    let rolled = state(&set).capital.0 + before.iter().sum::<u64>();
    assert_eq!(prepared.after().capital, Ticks(rolled));
    // A premium of a roll would be cash from nowhere.
    let mut claim = prepared.claim().clone();
    if let Shown::Prices { changes, .. } = &mut claim.shown {
        changes[2].premium = Decimal::new(1, 6);
    }
    Premia::context(&claim).expect_err("a roll pays nothing");
}

#[test]
fn a_fact_is_proven_and_bound() {
    let transfer = Change::Transfer(Transfer {
        collected: Ticks(-1),
        ..Transfer::default()
    });
    let state = VenueState {
        collected: Ticks(1 << 50),
        ..state(&scenarios(2, 300))
    };
    let prepared = claimed(Fact::Adequate, &state, &[transfer, ROLL]).expect("it is true");
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    verify::<Premia>(prepared.claim(), &proof).expect("it verifies");
    let report = security_report(&Premia::part(prepared.claim(), prepared.context(), 0));
    assert!(report.proven_bits >= 100.0, "{report:?}");
    for other in [Fact::Funded, Fact::AdequateWithoutProviders] {
        let mut claim = prepared.claim().clone();
        if let Shown::Fact { fact, .. } = &mut claim.shown {
            *fact = other;
        }
        verify::<Premia>(&claim, &proof).expect_err("it is another claim");
    }
    let words = words(prepared.claim()).join("\n");
    for told in [
        "is adequate: EVaR of what it may owe its traders is at most its capital, its providers' capital and what it collected",
        "change 2: a roll: all that was collected until 1970-01-01 00:00:01 UTC moves into capital",
        "no amount counts twice",
    ] {
        assert!(words.contains(told), "{told}\n{words}");
    }
}
