//! What a dishonest venue would try, and one broken constraint at a time.

use std::collections::BTreeSet;

use stark::{Rejection, Statement, broken_alone, verify, violated};
use venue::certificate::{Certificate, Gains, weight_of};
use venue::premia::PremiaError;

use super::*;
use crate::premia::statement::PartTables;
use crate::venues::tables::scenarios::BlockState;

/// What is wrong with a part's rows after a change, its sums computed anew.
pub(super) fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.context(), 0);
    let mut rows = prepared.rows(0);
    change(&mut rows);
    let blocks = rows.states.len() - 1;
    rows.add_up(blocks, prepared.context().grid.log_block);
    if prepared.context().has_funding(0) {
        rows.add_up_holdings(&prepared.context().grid, blocks);
    }
    // An honest state table would hold what the groups add up to.
    let per_block = (1 << prepared.context().grid.log_block) / crate::venues::grid::GROUP;
    for block in 0..blocks {
        let [weights, gains] = rows.groups[(block + 1) * per_block - 1].after;
        (rows.states[block + 1].weights, rows.states[block + 1].gains) = (weights, gains);
    }
    let last = rows.states[blocks].weights;
    for row in &mut rows.funding {
        row.weights = last;
    }
    violated(&tables.airs(), &rows.fill(&tables))
}

/// As [`wrong`], with a certificate of the venue's choice for its one state.
fn with_certificate(prepared: &Prepared, certificate: Certificate) -> Vec<String> {
    wrong(prepared, |rows| {
        let state = BlockState {
            bound: certificate.bound,
            scale: certificate.scale,
            ..(*rows.scenarios[0].state).clone()
        };
        let state = std::sync::Arc::new(state);
        for row in &mut rows.scenarios {
            row.state = state.clone();
            row.weight = certificate.weight(row.gain(), 0).expect("it has a weight");
        }
        (rows.states[1].bound, rows.states[1].scale) = (certificate.bound, certificate.scale);
    })
}

fn one_state() -> (Prepared, Certificate) {
    let prepared = prepared(3, 300, 0);
    let row = &prepared.rows(0).states[1];
    let certificate = Certificate {
        bound: row.bound,
        scale: row.scale,
    };
    (prepared, certificate)
}

#[test]
fn honest_rows_are_right() {
    let (prepared, certificate) = one_state();
    assert_eq!(wrong(&prepared, |_| ()), [""; 0]);
    assert_eq!(with_certificate(&prepared, certificate), [""; 0]);
}

#[test]
fn every_constraint_breaks_alone() {
    let prepared = prepared(2, 300, 2);
    let airs = PartTables::new(prepared.context(), 0).airs();
    let traces = prepared.traces(0);
    let rows: [&[usize]; 8] = [
        &[0, 5, 299, 300, 511, 512, 2047],
        &[0, 5, 8, 30],
        &[0, 1, 2, 3, 4, 255],
        &[3],
        &[3],
        &[0, 1],
        &[0, 7, 8, 30, 255],
        &[0, 1, 2, 3, 255],
    ];
    let alone: BTreeSet<&str> = airs
        .iter()
        .zip(&traces)
        .zip(rows)
        .flat_map(|((air, trace), rows)| broken_alone(air, trace, rows))
        .collect();
    let expected = [
        "SCENARIOS-1",
        "SCENARIOS-3",
        "SCENARIOS-4",
        "SCENARIOS-5",
        "SCENARIOS-6",
        "SCENARIOS-7",
        "SCENARIOS-8",
        "HOLDINGS-1",
        "HOLDINGS-3",
        "FUNDING-1",
        "FUNDING-2",
        "FUNDING-3",
        "FUNDING-4",
        "GROUPS-1",
        "GROUPS-3",
        "STATES-1",
        "STATES-2",
        "STATES-3",
        "STATES-4",
        "STATES-5",
        "STATES-6",
        "STATES-7",
        "STATES-8",
        "STATES-9",
        "STATES-10",
        "STATES-11",
        "STATES-12",
        "EXPONENTIAL-1",
        "POSEIDON2",
        "COMPARE-3",
    ];
    let idle: Vec<_> = expected.iter().filter(|id| !alone.contains(**id)).collect();
    assert!(idle.is_empty(), "never broken alone: {idle:?}");
}

/// The others take a forgery that is consistent but for them.
#[test]
fn what_links_rows_breaks_alone() {
    let prepared = prepared(2, 300, 0);
    let tables = PartTables::new(prepared.context(), 0);
    let airs = tables.airs();
    let mut rows = prepared.rows(0);
    // Another scale from row 128 on.
    let mut state = (*rows.scenarios[0].state).clone();
    state.scale += 1 << 30;
    let certificate = Certificate {
        bound: state.bound,
        scale: state.scale,
    };
    let state = std::sync::Arc::new(state);
    for row in &mut rows.scenarios[128..] {
        row.state = state.clone();
        row.weight = certificate.weight(row.gain(), 0).expect("it has a weight");
    }
    rows.add_up(1, prepared.context().grid.log_block);
    rows.add_up_holdings(&prepared.context().grid, 1);
    // The sums of the groups before are forgotten.
    let before = rows.groups[4].before;
    for group in &mut rows.groups[4..] {
        for (i, forgotten) in before.iter().enumerate() {
            group.before[i] -= forgotten;
            group.after[i] -= forgotten;
        }
    }
    let before = rows.holdings[4].before;
    for holding in &mut rows.holdings[4..8] {
        holding.before -= before;
        holding.after -= before;
    }
    let traces = rows.fill(&tables);
    for (table, id) in [(0, "SCENARIOS-2"), (1, "GROUPS-2"), (6, "HOLDINGS-2")] {
        let found = violated(&airs[table..=table], &traces[table..=table]);
        let constraints: Vec<&String> = found.iter().filter(|v| !v.starts_with("bus")).collect();
        assert_eq!(constraints, [id]);
    }
}

/// A weight too small lets the sum meet its budget at a lower bound.
#[test]
fn a_weight_too_small_is_refused() {
    let (prepared, honest) = one_state();
    // The bound itself is too low: then the weights add up to too much, and the stated EVaR differs.
    let lower = Certificate {
        bound: honest.bound - honest.scale / 1000,
        ..honest
    };
    let found = with_certificate(&prepared, lower);
    assert!(found.contains(&"STATES-9".into()), "{found:?}");
    // One octave taken off a weight: the exponent is not that of the gain.
    let found = wrong(&prepared, |rows| {
        rows.scenarios[17].weight.exponent += 1 << 20;
        rows.scenarios[17].weight.weight = weight_of(rows.scenarios[17].weight.exponent);
    });
    assert!(found.contains(&"SCENARIOS-4".into()), "{found:?}");
    assert!(!found.contains(&"SCENARIOS-6".into()), "{found:?}");
}

#[test]
fn the_scale_is_one_for_all_scenarios() {
    let (prepared, honest) = one_state();
    let found = wrong(&prepared, |rows| {
        let steeper = Certificate {
            scale: honest.scale / 2,
            ..honest
        };
        let state = std::sync::Arc::new(BlockState {
            scale: steeper.scale,
            ..(*rows.scenarios[0].state).clone()
        });
        for row in &mut rows.scenarios[100..200] {
            row.state = state.clone();
            if let Some(weight) = steeper.weight(row.gain(), 0) {
                row.weight = weight;
            }
        }
    });
    assert!(found.contains(&"SCENARIOS-2".into()), "{found:?}");
}

#[test]
fn scenarios_are_all_there_once_in_their_order() {
    let (prepared, _) = one_state();
    // The worst one skipped: declared padding.
    let worst = |rows: &Rows| {
        (0..300)
            .max_by_key(|&s| rows.scenarios[s].liabilities[0])
            .expect("there are scenarios")
    };
    let found = wrong(&prepared, |rows| {
        let worst = worst(rows);
        rows.scenarios[worst].padding = true;
    });
    assert!(found.contains(&"SCENARIOS-6".into()), "{found:?}");
    // A harmless one in its place.
    let found = wrong(&prepared, |rows| {
        let worst = worst(rows);
        let best = (0..300).min_by_key(|&s| rows.scenarios[s].liabilities[0]);
        rows.scenarios[worst] = rows.scenarios[best.expect("there are scenarios")].clone();
    });
    assert!(found.contains(&"SCENARIOS-3".into()), "{found:?}");
    // Two exchanged.
    let found = wrong(&prepared, |rows| {
        let worst = worst(rows);
        rows.scenarios.swap(worst, (worst + 1) % 300);
    });
    assert!(found.contains(&"SCENARIOS-3".into()), "{found:?}");
}

#[test]
fn a_tilt_that_is_not_the_optimum_is_refused() {
    let (prepared, honest) = one_state();
    let rows = prepared.rows(0);
    let gains = rows.scenarios[..300].iter().map(|row| row.gain());
    let gains = Gains::equal(gains.collect());
    // Too flat: a bound that is true but too high, overstating the risk.
    let flat = Certificate {
        scale: honest.scale * 2,
        ..honest
    };
    let budget = prepared.context().budget;
    let mut bound = honest.bound;
    while (Certificate { bound, ..flat })
        .sums(&gains)
        .expect("weights")
        .weights
        > budget
    {
        bound += honest.scale >> 14;
    }
    let found = with_certificate(&prepared, Certificate { bound, ..flat });
    assert!(found.contains(&"STATES-12".into()), "{found:?}");
    assert!(!found.contains(&"STATES-9".into()), "{found:?}");
    // Too steep: the weights' mean gain exceeds the bound.
    let steep = Certificate {
        scale: honest.scale / 2,
        ..honest
    };
    let mut bound = honest.bound;
    while (Certificate { bound, ..steep })
        .sums(&gains)
        .is_none_or(|s| s.weights > budget)
    {
        bound += honest.scale >> 14;
    }
    let found = with_certificate(&prepared, Certificate { bound, ..steep });
    assert!(found.contains(&"STATES-11".into()), "{found:?}");
}

#[test]
fn a_state_continues_the_last_one() {
    let prepared = prepared(3, 256, 2);
    type Forgery = fn(&mut Rows);
    let forgeries: [(&str, Forgery); 6] = [
        ("STATES-2", |r| r.states[2].state.quantities[1].0 += 5),
        ("STATES-3", |r| r.states[2].state.entry.0 += 1_000),
        ("STATES-4", |r| r.states[2].state.capital.0 += 1_000),
        ("STATES-4", |r| r.states[1].state.collected.0 += 1),
        ("SPONGE-5", |r| r.states[0].salt[3] += stark::F::new(1)),
        ("STATES-2", |r| r.states[1].lots += 1),
    ];
    for (i, (id, forgery)) in forgeries.into_iter().enumerate() {
        let found = wrong(&prepared, forgery);
        assert!(found.contains(&id.into()), "{i}: {found:?}");
    }
}

/// The same numbers over other markets, lots or another currency, or of another day, are another state; so is one market
/// more.
#[test]
fn a_commitment_binds_the_markets() {
    use crate::venues::{commitment, markets_listing};
    let set = scenarios(2, 10);
    let state = state(&set);
    let of = |quote: &str, markets: &[venue::scenarios::Market]| {
        commitment(&state, &secret(), &markets_listing(quote, markets, 0, 0))
    };
    let honest = of(&set.quote, &set.markets);
    let tomorrow = markets_listing(&set.quote, &set.markets, 86_400_000, 0);
    assert_ne!(commitment(&state, &secret(), &tomorrow), honest);
    let window = markets_listing(&set.quote, &set.markets, 0, 1);
    assert_ne!(commitment(&state, &secret(), &window), honest);
    assert_ne!(of("EUR", &set.markets), honest);
    let mut swapped = set.markets.clone();
    swapped.reverse();
    assert_ne!(of(&set.quote, &swapped), honest);
    let mut larger = set.markets.clone();
    larger[0].lot = fixed::Decimal::from_int(1000);
    assert_ne!(of(&set.quote, &larger), honest);
    // How a lot is written, and what it is worth today, say nothing.
    larger[0].lot = fixed::Decimal::new(100, 2);
    larger[0].value += 1;
    assert_eq!(of(&set.quote, &larger), honest);
    // The digest stands in the claim's proof as a constant of its own.
    let prepared = prepared(2, 256, 0);
    let mut context = prepared.context().clone();
    context.listings[0][0] += stark::F::new(1);
    let tables = PartTables::new(&context, 0);
    let found = stark::violated(&tables.airs(), &prepared.rows(0).fill(&tables));
    assert!(found.contains(&"SPONGE-5".into()), "{found:?}");
}

/// Money moves as the claim says, and a premium is paid where it is due.
#[test]
fn transfers_are_those_of_the_claim() {
    let set = scenarios(2, 300);
    let withdrawal = Change::Transfer(venue::state::Transfer {
        providers: Ticks(-60_000_000),
        ..Default::default()
    });
    let prepared = Prepared::new(&set, &state(&set), &[withdrawal], &terms(), &secret());
    let prepared = prepared.expect("it is true");
    let found = wrong(&prepared, |r| r.states[0].amounts_after[1] += 1);
    assert!(found.contains(&"STATES-4".into()), "{found:?}");
    let found = wrong(&prepared, |r| {
        r.states[0].amounts_after[0] += 1_000;
        r.states[1].state.capital.0 += 1_000;
        r.states[1].amounts_after[0] += 1_000;
    });
    assert!(found.contains(&"STATES-4".into()), "{found:?}");
    // The premium forgotten, or another one.
    for change in [
        |c: &mut PricedChange| c.premium = Decimal::ZERO,
        |c: &mut PricedChange| c.premium = c.premium.checked_add(&Decimal::ONE).expect("it fits"),
    ] {
        let mut claim = prepared.claim().clone();
        let Shown::Prices { changes, .. } = &mut claim.shown else {
            panic!("prices are claimed")
        };
        change(&mut changes[0]);
        let refused = Premia::context(&claim).expect_err("the premium is wrong");
        assert_eq!(refused, "a premium is not what EVaR rose by");
    }
    // Another amount under the same proof.
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    let mut claim = prepared.claim().clone();
    if let Shown::Prices { changes, .. } = &mut claim.shown
        && let PublicChange::Transfer { providers, .. } = &mut changes[0].change
    {
        *providers = Decimal::new(-60_000_001, 6);
    }
    verify::<Premia>(&claim, &proof).expect_err("it is not what was proven");
}

/// Funding is priced by the certificate's weights, and by no others.
#[test]
fn funding_weights_are_those_of_the_certificate() {
    let (prepared, _) = one_state();
    let tables = PartTables::new(prepared.context(), 0);
    // Sums of other weights: what the groups sent is not what was added up.
    let mut rows = prepared.rows(0);
    for holding in &mut rows.holdings[3..8] {
        holding.after += 1 << 40;
    }
    for holding in &mut rows.holdings[4..8] {
        holding.before += 1 << 40;
    }
    rows.holdings[3].coefficients[4] += 1;
    assert_eq!(
        violated(&tables.airs(), &rows.fill(&tables)),
        ["bus holding", "bus tilted"]
    );
    // A rate one unit higher or lower than the quotient.
    for (change, id) in [(1, "FUNDING-3"), (-1, "FUNDING-4")] {
        let mut claim = prepared.claim().clone();
        let Shown::Prices {
            funding: Some(rates),
            ..
        } = &mut claim.shown
        else {
            panic!("rates are claimed")
        };
        rates[1] = Decimal::new(rates[1].units() + change, rates[1].scale());
        let context = Premia::context(&claim).expect("well-formed");
        let tables = PartTables::new(&context, 0);
        let traces = prepared.rows(0).fill(&tables);
        assert_eq!(violated(&tables.airs(), &traces), [id]);
    }
    // Weights of scenarios in which nothing is owed count for nothing.
    let mut rows = prepared.rows(0);
    let idle = (0..300)
        .find(|&s| rows.scenarios[s].liabilities[0] <= 0)
        .expect("some");
    rows.scenarios[idle].liabilities[0] = 1;
    let found = violated(&tables.airs(), &rows.fill(&tables));
    assert!(found.contains(&"SCENARIOS-3".into()), "{found:?}");
}

/// Liabilities of 2^60 ticks and more wrap nowhere.
#[test]
fn an_overflow_is_refused() {
    let set = scenarios(1, 256);
    let mut state = VenueState::flat(1, Ticks(0), Ticks(0));
    state.quantities[0] = Lots((1 << 38) - 1);
    // 2^38 lots of 50 million ticks: 1.2e19.
    let refused = Prepared::new(&set, &state, &[], &terms(), &secret());
    let refused = refused.expect_err("it does not fit");
    let reason = refused.reason::<PremiaError>();
    assert!(matches!(reason, Some(PremiaError::State { .. })));
    let prepared = prepared(1, 256, 0);
    let found = wrong(&prepared, |rows| {
        let digits = vec![BlockState::digits(&state)];
        let block = BlockState {
            digits,
            ..(*rows.scenarios[0].state).clone()
        };
        let block = std::sync::Arc::new(block);
        for row in &mut rows.scenarios {
            row.state = block.clone();
            // What is left of the liability in 60 bits.
            row.liabilities[0] &= (1 << 60) - 1;
        }
        rows.states[0].state = state.clone();
        rows.states[1].state = state.clone();
    });
    assert!(found.contains(&"SCENARIOS-3".into()), "{found:?}");
}

/// Every field of a claim is bound: a proof does not verify under another one.
#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(2, 256, 1);
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    verify::<Premia>(prepared.claim(), &proof).expect("it verifies");
    type Change = fn(&mut PremiaClaim);
    fn prices(claim: &mut PremiaClaim) -> (&mut Decimal, &mut Decimal, &mut Vec<PricedChange>) {
        match &mut claim.shown {
            Shown::Prices {
                evar,
                tolerance,
                changes,
                ..
            } => (evar, tolerance, changes),
            _ => panic!("prices are claimed"),
        }
    }
    fn trade(claim: &mut PremiaClaim) -> (&mut u32, &mut Decimal, &mut Option<Lots<i64>>) {
        match &mut prices(claim).2[0].change {
            PublicChange::Trade {
                market,
                price,
                lots,
            } => (market, price, lots),
            _ => panic!("it is a trade"),
        }
    }
    const TICK: Decimal = Decimal::new(1, 6);
    let changes: [(bool, Change); 13] = [
        // The claim contradicts itself.
        (true, |c| c.scenarios.values[3][0] += 1),
        (true, |c| c.scenarios_digest.replace_range(0..1, "g")),
        (true, |c| c.links.push(c.before)),
        (true, |c| *trade(c).0 = 2),
        (true, |c| {
            let premium = &mut prices(c).2[0].premium;
            *premium = premium.checked_add(&TICK).expect("it fits");
        }),
        (true, |c| *prices(c).1 = TICK),
        // The claim could be true, but it is not what was proven.
        (false, |c| {
            c.confidence = Decimal::new(96, 2).try_into().expect("a constant")
        }),
        (true, |c| c.collected_since_ms = c.as_of_ms + 1),
        (false, |c| c.before = c.after),
        (false, |c| c.after = c.before),
        (false, |c| *trade(c).2 = Some(Lots(7))),
        (false, |c| {
            let price = trade(c).1;
            *price = price.checked_add(&TICK).expect("it fits");
        }),
        (false, |c| {
            c.scenarios.values[3][0] += 1;
            c.scenarios_digest = crate::venues::scenarios_digest(&c.scenarios);
        }),
    ];
    for (i, (malformed, change)) in changes.into_iter().enumerate() {
        let mut claim = prepared.claim().clone();
        change(&mut claim);
        let rejected = verify::<Premia>(&claim, &proof).expect_err("it is not what was proven");
        assert_eq!(
            matches!(rejected, Rejection::Claim(_)),
            malformed,
            "{i}: {rejected}"
        );
    }
    // EVaR and premium understated together: the witness breaks the tables.
    let mut claim = prepared.claim().clone();
    let (evar, _, trades) = prices(&mut claim);
    *evar = evar.checked_sub(&Decimal::ONE).expect("it fits");
    let rise = trades[0].evar.checked_sub(evar).expect("it fits");
    trades[0].premium = if rise.is_negative() {
        Decimal::ZERO
    } else {
        rise
    };
    let context = Premia::context(&claim).expect("well-formed");
    let airs = PartTables::new(&context, 0).airs();
    let found = violated(&airs, &prepared.traces(0));
    assert!(found.contains(&"STATES-8".into()), "{found:?}");
}
