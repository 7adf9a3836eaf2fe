//! What is true is accepted.

use stark::{Statement, cell_test, security_report, verify, violations};
use venue::fact::Fact;
use venue::state::Transfer;

use super::*;
use crate::premia::statement::PartTables;

#[test]
fn true_claims_have_a_witness() {
    for (markets, count, n) in [(1, 1, 0), (3, 300, 2), (2, 256, 1), (2, 255, 3), (5, 65, 0)] {
        let prepared = prepared(markets, count, n);
        for part in 0..prepared.context().parts() {
            let airs = PartTables::new(prepared.context(), part).airs();
            let found = violations(&airs, &prepared.traces(part));
            assert_eq!(
                found,
                Vec::new(),
                "{markets} markets, {count} scenarios, {n} trades"
            );
        }
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(2, 300, 2);
    let airs = PartTables::new(prepared.context(), 0).airs();
    let traces = prepared.traces(0);
    let rows = [
        ("scenarios", 299),
        ("scenarios", 300),
        ("scenarios", 511),
        ("scenarios", 3 * 512),
        ("groups", 7),
        ("groups", 24),
        ("states", 2),
        ("states", 3),
        ("states", 4),
    ];
    let unpinned = cell_test(&airs, &traces, &rows);
    assert_eq!(unpinned, Vec::new(), "{} cells", unpinned.len());
}

#[test]
fn a_day_of_trades_is_proven_and_verified() {
    let prepared = prepared(3, 300, 3);
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    let verified = verify::<Premia>(prepared.claim(), &proof).expect("it verifies");
    assert_eq!(verified.claim(), prepared.claim());
    for part in 0..prepared.context().parts() {
        let report = security_report(&Premia::part(prepared.claim(), prepared.context(), part));
        assert!(report.proven_bits >= 100.0, "{report:?}");
    }
}

/// Parts chain: what one ends with, the next one starts from.
#[test]
fn many_states_take_several_parts() {
    let prepared = prepared(1, 4100, 2);
    assert_eq!(prepared.context().parts(), 2);
    for part in 0..2 {
        let airs = PartTables::new(prepared.context(), part).airs();
        assert_eq!(violations(&airs, &prepared.traces(part)), Vec::new());
    }
}

/// What is quoted without a secret is what is proven, to the tick: EVaR, premia, funding and the collected sum.
#[test]
fn what_is_quoted_is_what_is_proven() {
    for seed in 0..12 {
        let set = venue::sample::scenarios(seed, 1 + seed as usize % 4, 120 + 37 * seed as usize);
        let mut state = venue::sample::state(&set);
        state.capital.0 /= 1 + seed;
        let mut changes = changes(&venue::sample::trades(seed, &set, 4));
        changes.push(Change::Transfer(Transfer {
            providers: Ticks(-1_000_000),
            collected: Ticks(7),
            ..Transfer::default()
        }));
        let day = check(&set, &state, &changes, &terms()).expect("it has a price");
        let prepared = Prepared::new(&set, &state, &changes, &terms(), &secret());
        let prepared = prepared.expect("it is true");
        let Shown::Prices {
            evar,
            changes: priced,
            funding,
            ..
        } = &prepared.claim().shown
        else {
            panic!("prices are claimed")
        };
        let ticks = |ticks: Ticks<u64>| ticks.to_quote();
        let quoted: Vec<_> = day.states.iter().map(|e| ticks(e.evar())).collect();
        let proven: Vec<_> = priced.iter().map(|p| p.evar).collect();
        assert_eq!((&quoted[0], &quoted[1..]), (evar, &proven[..]), "{seed}");
        for (quoted, proven) in day.states[1..].iter().zip(priced) {
            assert_eq!(ticks(quoted.premium), proven.premium, "{seed}");
        }
        assert_eq!(Some(day.last().funding(&set, |_| 1)), *funding, "{seed}");
        assert_eq!(day.last().state.collected, prepared.after().collected);
        // One change is quoted by itself as it is priced in a day.
        let before = &day.states[3].state;
        let quote = check(&set, before, &changes[3..4], &terms()).expect("it has a price");
        let alone = quote.last();
        assert_eq!(
            (ticks(alone.evar()), ticks(alone.premium)),
            (priced[3].evar, priced[3].premium)
        );
        assert_eq!(alone.state.collected, day.states[4].state.collected);
    }
}

/// The stated EVaR and premia enclose what `venue` computes as exactly as it can.
#[test]
fn stated_prices_are_those_of_the_specification() {
    let set = scenarios(3, 300);
    let (state, trades) = (state(&set), trades(&set, 5));
    let prepared =
        Prepared::new(&set, &state, &changes(&trades), &terms(), &secret()).expect("it is true");
    let Shown::Prices {
        evar,
        tolerance,
        changes: priced,
        funding,
    } = &prepared.claim().shown
    else {
        panic!("prices are claimed")
    };
    let ticks = |d: &Decimal| {
        d.rescale_exact(records::units::TICK_DECIMALS)
            .expect("whole ticks")
    };
    let mut states = vec![state];
    for trade in &trades {
        states.push(
            states[states.len() - 1]
                .after(trade, Ticks(0))
                .expect("it fits"),
        );
    }
    let most = priced.iter().map(|p| ticks(&p.evar)).max().unwrap_or(0);
    let stated = std::iter::once(evar).chain(priced.iter().map(|p| &p.evar));
    for (state, stated) in states.iter().zip(stated) {
        let exact = state
            .evar(&set, terms().confidence)
            .expect("it has a risk")
            .value;
        let (lower, upper) = (exact.floor_at(0).unwrap(), exact.ceil_at(0).unwrap());
        assert!(lower <= ticks(stated) && upper >= ticks(stated) - ticks(tolerance));
        // A millionth of EVaR, and three ticks.
        assert!(
            ticks(tolerance) <= upper.max(most) / 1_000_000 + 4,
            "{tolerance} {upper}"
        );
    }
    for (i, p) in priced.iter().enumerate() {
        let [before, after] = [i, i + 1].map(|i| {
            let exact = states[i].evar(&set, terms().confidence).unwrap();
            exact.value.ceil_at(0).unwrap()
        });
        let difference = ticks(&p.premium) - (after - before).max(0);
        assert!(difference.abs() <= ticks(tolerance) + 1, "{difference}");
    }
    // Rates of the last state, against the exact tilt: a millionth of the largest value, in 10^-12.
    let tilt = states[5].evar(&set, terms().confidence).unwrap().weights;
    let total: f64 = tilt.iter().map(|w| *w as f64).sum();
    let owed = states[5].gains(&set).unwrap();
    let rates = funding.as_ref().expect("funding is claimed");
    for (i, (rate, market)) in rates.iter().zip(&set.markets).enumerate() {
        let weighted = (0..set.values.len())
            .filter(|&s| owed[s] > Ticks(0))
            .map(|s| tilt[s] as f64 * (set.values[s][i] as f64 - market.value as f64));
        let exact = 1e6 * weighted.sum::<f64>() / total / 2.0;
        let difference = rate.rescale_exact(12).unwrap() as f64 - exact;
        assert!(
            difference.abs() <= market.value as f64 * 3.0,
            "{rate} {exact:?}"
        );
        assert!(!rate.is_zero(), "the test's rates are not zero");
    }
    assert_eq!(
        ticks(&prepared.after().collected.to_quote()),
        priced.iter().map(|p| ticks(&p.premium)).sum::<i128>()
    );
}

#[test]
fn a_venue_that_owes_nothing_has_no_risk() {
    let set = scenarios(2, 100);
    for state in [Ticks(1_000_000), Ticks(0)].map(|c| VenueState::flat(2, c, Ticks(0))) {
        let prepared = Prepared::new(&set, &state, &[], &terms(), &secret()).expect("it is true");
        let airs = PartTables::new(prepared.context(), 0).airs();
        assert_eq!(violations(&airs, &prepared.traces(0)), Vec::new());
        let Shown::Prices {
            evar, tolerance, ..
        } = &prepared.claim().shown
        else {
            panic!("prices are claimed")
        };
        assert!(
            *evar <= Decimal::new(5, 6) && *tolerance <= Decimal::new(8, 6),
            "{evar} {tolerance}"
        );
    }
}

/// A day with trades and transfers: a withdrawal pays for the risk it adds, whoever's it is.
#[test]
fn transfers_change_the_state() {
    let set = scenarios(2, 300);
    let state = VenueState {
        collected: Ticks(5_000),
        ..state(&set)
    };
    let transfer = |capital, providers, collected| {
        Change::Transfer(Transfer {
            capital: Ticks(capital),
            providers: Ticks(providers),
            collected: Ticks(collected),
        })
    };
    let changes = [
        transfer(0, -60_000_000, 0),
        Change::Trade(trades(&set, 1)[0]),
        transfer(-7_000_000, 0, -4_000),
        transfer(5_000_000, 1_000_000, 0),
        // More than was there at first: the premium is in it.
        transfer(0, 0, -6_000),
    ];
    let prepared = Prepared::new(&set, &state, &changes, &terms(), &secret()).expect("it is true");
    let airs = PartTables::new(prepared.context(), 0).airs();
    assert_eq!(violations(&airs, &prepared.traces(0)), Vec::new());
    let Shown::Prices {
        evar,
        changes: priced,
        ..
    } = &prepared.claim().shown
    else {
        panic!("prices are claimed")
    };
    let zero = Decimal::new(0, 6);
    assert!(priced[0].premium > zero, "a withdrawal pays");
    assert_eq!(
        priced[0].premium,
        priced[0].evar.checked_sub(evar).expect("it fits")
    );
    assert!(priced[2].premium > zero, "whoever withdraws");
    let rise = priced[2].evar.checked_sub(&priced[1].evar);
    assert_eq!(priced[2].premium, rise.expect("it fits"));
    assert_eq!(priced[4].premium, zero, "the window moves on");
    assert!(priced[3].evar < priced[2].evar && priced[3].premium == zero);
    let after = prepared.after();
    let means = (after.capital, after.providers);
    assert_eq!(
        means,
        (
            state.capital - Ticks(2_000_000),
            state.providers - Ticks(59_000_000)
        )
    );
    // Taking out what is not there is refused in words.
    let gone = transfer(0, -100_000_001, 0);
    let refused = Prepared::new(&set, &state, &[gone], &terms(), &secret());
    let refused = refused.expect_err("there is not so much").to_string();
    assert!(
        refused.contains("more providers' capital is taken out than there is"),
        "{refused}"
    );
}

/// A deposit before a trade and its withdrawal behind it spare nobody the premium.
#[test]
fn a_round_trip_of_capital_pays_the_trades_premium() {
    let set = venue::sample::scenarios(1, 4, 300);
    let state = VenueState::flat(4, Ticks(1_000_000_000), Ticks(0));
    let trade = Change::Trade(Trade {
        market: 0,
        lots: Lots(20),
        price: Ticks(set.markets[0].value),
    });
    let capital = |amount| {
        Change::Transfer(Transfer {
            capital: Ticks(amount),
            ..Transfer::default()
        })
    };
    let paid = |changes: &[Change]| -> Vec<Decimal> {
        let prepared = Prepared::new(&set, &state, changes, &terms(), &secret());
        let prepared = prepared.expect("it is true");
        let Shown::Prices { changes, .. } = &prepared.claim().shown else {
            panic!("prices are claimed")
        };
        changes.iter().map(|c| c.premium).collect()
    };
    let alone = paid(&[trade])[0];
    assert!(alone > Decimal::from_int(1_000), "{alone}");
    let around = paid(&[
        capital(5_000_000_000_000),
        trade,
        capital(-5_000_000_000_000),
    ]);
    assert!(
        around[1] < Decimal::new(10, 6),
        "the deposit hides the risk: {around:?}"
    );
    let total = around[1].checked_add(&around[2]).expect("it fits");
    // EVaR of a venue that owes nothing is stated as a few ticks.
    let less = alone.checked_sub(&total).expect("it fits");
    assert!(less < Decimal::new(10, 6), "{alone} {around:?}");
}

/// What `check` accepts has a proof, and what it refuses has none, for the same reason.
#[test]
fn check_and_prove_refuse_the_same() {
    let set = scenarios(2, 60);
    let state = state(&set);
    let trade = |lots, price| {
        Change::Trade(Trade {
            market: 0,
            lots: Lots(lots),
            price: Ticks(price),
        })
    };
    let moved = |collected| {
        Change::Transfer(Transfer {
            collected: Ticks(collected),
            ..Transfer::default()
        })
    };
    let price = set.markets[0].value;
    let totals = Shows::Totals {
        grid: None,
        tolerance: None,
    };
    let pays = |lots: i64| {
        let exact = check(&set, &state, &[trade(lots, price)], &terms());
        exact.expect("it has a price").last().premium.0 as i64
    };
    let lots = if pays(200) > 0 { 200 } else { -200 };
    let premium = pays(lots);
    assert!(premium > 0);
    let long = vec![moved(0); 4_097];
    let prices = terms().shows;
    let cases: [(&str, Shows, Vec<Change>); 8] = [
        ("4097 changes", prices, long),
        ("2^40 ticks", prices, vec![trade(1, 1 << 40)]),
        ("2^40 ticks", totals, vec![trade(1, 1 << 40)]),
        ("too large", prices, vec![trade(1 << 38, 1)]),
        ("is taken out than there is", prices, vec![moved(-1)]),
        (
            "too large",
            prices,
            vec![moved((1 << 60) - 1), trade(lots, price)],
        ),
        // Enough is collected of exact premia, and not of all that may be drawn.
        (
            "is taken out than there is",
            totals,
            vec![trade(lots, price), moved(-premium)],
        ),
        (
            "funded",
            Shows::Fact(Fact::Funded),
            vec![trade(lots, price)],
        ),
    ];
    for (expected, shows, changes) in cases {
        let terms = Terms {
            shows,
            funding: false,
            ..terms()
        };
        let checked = check(&set, &state, &changes, &terms).expect_err(expected);
        let proven = Prepared::new(&set, &state, &changes, &terms, &secret());
        let proven = proven.expect_err(expected);
        assert_eq!(checked.to_string(), proven.to_string());
        assert_eq!(checked.is_false(), proven.is_false());
        assert!(
            checked.to_string().contains(expected),
            "{checked} {expected}"
        );
    }
    // Whatever is drawn, there is enough.
    let enough = [trade(lots, price), moved(-premium / 2)];
    let terms = Terms {
        shows: totals,
        ..terms()
    };
    check(&set, &state, &enough, &terms).expect("it is true");
    for secret in ["7", "8", "9"] {
        let secret = testing::secret_of(secret.chars().next().expect("a digit"));
        Prepared::new(&set, &state, &enough, &terms, &secret).expect("it is true");
    }
}
