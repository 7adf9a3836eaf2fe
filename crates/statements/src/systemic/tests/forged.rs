//! What is false is refused.

use super::*;

#[test]
fn every_constraint_breaks_alone() {
    let prepared = prepared(2, 300, 2);
    let airs = Tables::new(prepared.context()).airs();
    let traces = prepared.traces(0);
    let alone: BTreeSet<&str> = [0, 2]
        .into_iter()
        .flat_map(|table| broken_alone(&airs[table], &traces[table], &[0, 1, 2, 5, 255]))
        .collect();
    let ids = [
        "VENUES-1",
        "VENUES-2",
        "VENUES-3",
        "VENUES-4",
        "SCENARIOS-3",
    ];
    expect_alone(&alone, &ids);
}

#[test]
fn a_bound_may_be_generous_but_not_too_low() {
    let set = venue::sample::scenarios(9, 3, 300);
    let least = ticks(prepared_with(&set, None).expect("it is true").claim().bound);
    for bound in [least, least + 1, 2 * least, 1_000 * least, 1 << 57] {
        let prepared = prepared_with(&set, Some(bound)).expect("it is true");
        let airs = Tables::new(prepared.context()).airs();
        assert_eq!(
            violations(&airs, &prepared.traces(0)),
            Vec::new(),
            "{bound}"
        );
    }
    let refused = prepared_with(&set, Some(least - 1)).expect_err("it is false");
    assert!(refused.is_false(), "{refused}");
    let reason = refused.reason::<SystemicError>();
    assert!(matches!(reason, Some(SystemicError::TooRisky(_))));
    // What is only checked is refused for the same reason.
    let venues = venues(&set, 2);
    let bound = Some(Decimal::new(least - 1, 6));
    let checked = check(&set, venues.iter().map(|v| &v.state), confidence(), bound);
    assert_eq!(
        checked.expect_err("it is false").to_string(),
        refused.to_string()
    );
    assert!(
        refused.to_string().contains("above the bound of"),
        "{refused}"
    );
}

#[test]
fn a_claim_is_proven_and_bound() {
    let prepared = prepared(3, 300, 3);
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    let claim = prepared.claim();
    verify::<Systemic>(claim, &proof).expect("it verifies");
    let report = security_report(&Systemic::part(claim, prepared.context(), 0));
    assert!(report.proven_bits >= 100.0, "{report:?}");
    type Change = fn(&mut SystemicClaim);
    let changes: [(bool, Change); 8] = [
        (false, |c| c.venues[1].as_of_ms += 86_400_000),
        (true, |c| c.venues.clear()),
        (true, |c| c.bound = Decimal::new(-1, 6)),
        (true, |c| c.scenarios.values[0][0] += 1),
        (false, |c| c.venues.swap(0, 1)),
        (false, |c| {
            c.venues.pop();
        }),
        (false, |c| {
            c.bound = c.bound.checked_sub(&Decimal::new(1, 6)).expect("it fits")
        }),
        (false, |c| {
            c.confidence = Decimal::new(96, 2).try_into().expect("a constant")
        }),
    ];
    for (i, (malformed, change)) in changes.into_iter().enumerate() {
        let mut claim = claim.clone();
        change(&mut claim);
        let rejected = verify::<Systemic>(&claim, &proof).expect_err("it is another claim");
        assert_eq!(
            matches!(rejected, Rejection::Claim(_)),
            malformed,
            "{i}: {rejected}"
        );
    }
}

#[test]
fn dishonest_venues_are_refused() {
    let prepared = prepared(3, 300, 3);
    assert_eq!(wrong(&prepared, |_| ()), [""; 0]);
    let with_state = |rows: &mut Rows, change: &dyn Fn(&mut BlockState)| {
        let mut state = (*rows.scenarios[0].state).clone();
        change(&mut state);
        let state = Arc::new(state);
        for row in &mut rows.scenarios {
            row.state = state.clone();
        }
    };
    // A venue left out of the sum.
    let found = wrong(&prepared, |rows| {
        for row in &mut rows.scenarios {
            row.liabilities[1] = row.liabilities[1].min(0);
        }
    });
    assert!(found.contains(&"SCENARIOS-3".into()), "{found:?}");
    // One venue's surplus set against another's loss.
    let found = wrong(&prepared, |rows| {
        for row in &mut rows.scenarios {
            let net = row.liabilities[0] + row.liabilities[1];
            (row.liabilities[0], row.liabilities[1]) = (net, 0);
        }
    });
    assert!(found.contains(&"SCENARIOS-3".into()), "{found:?}");
    // Another inventory in the scenarios than in the commitment.
    let found = wrong(&prepared, |rows| {
        let hedged = VenueState {
            quantities: vec![records::units::Lots(0); 3],
            ..rows.venues[2].state.clone()
        };
        let worth = -hedged.means().0 as i64;
        with_state(rows, &|s| s.digits[2] = BlockState::digits(&hedged));
        for row in &mut rows.scenarios {
            row.liabilities[2] = worth;
        }
    });
    assert!(found.contains(&"bus state".into()), "{found:?}");
    // Richer than committed to.
    let found = wrong(&prepared, |rows| {
        rows.venues[1].state.capital.0 += 1_000_000_000
    });
    assert!(found.contains(&"SPONGE-5".into()), "{found:?}");
    let found = wrong(&prepared, |rows| rows.venues[1].salt[0] += stark::F::new(1));
    assert_eq!(found, ["SPONGE-5"]);
    // A lower bound for the weights than is claimed.
    let found = wrong(&prepared, |rows| {
        with_state(rows, &|s| s.bound += s.scale);
        for row in &mut rows.scenarios {
            row.weight.exponent += 1 << 20;
            row.weight.weight = venue::certificate::weight_of(row.weight.exponent);
        }
    });
    assert!(found.contains(&"bus certificate".into()), "{found:?}");
}

/// Yesterday's state does not pass as today's: the date is bound.
#[test]
fn a_state_of_another_day_is_another_venue() {
    let set = venue::sample::scenarios(9, 3, 300);
    let mut later = venues(&set, 2);
    later[0].state.as_of_ms += 86_400_000;
    let later = Prepared::new(&set, later, confidence(), None).expect("it is true");
    let prepared = prepared_with(&set, None).expect("it is true");
    let (now, then) = (&prepared.claim().venues, &later.claim().venues);
    assert_ne!(now[0].state, then[0].state);
    assert_eq!(now[1], then[1]);
    // The salt is another one too: under one date the elements would be the same.
    let mut claim = prepared.claim().clone();
    claim.venues[0].as_of_ms = then[0].as_of_ms;
    let context = Systemic::context(&claim).expect("well-formed");
    let tables = Tables::new(&context);
    let found = violated(&tables.airs(), &prepared.rows().fill(&tables));
    assert_eq!(found, ["SPONGE-5"]);
}

/// A venue that is named twice would count twice.
#[test]
fn a_venue_is_named_once() {
    let set = venue::sample::scenarios(9, 3, 300);
    let mut twice = venues(&set, 3);
    twice[2] = twice[0].clone();
    let refused = Prepared::new(&set, twice.clone(), confidence(), None).err();
    let error = refused.expect("one venue is there twice").to_string();
    assert!(error.contains("venues 1 and 3 are one"), "{error}");
    // The same state under another secret may be another venue.
    twice[2].secret = secret_of('8');
    let prepared = Prepared::new(&set, twice, confidence(), None).expect("it is true");
    let mut claim = prepared.claim().clone();
    Systemic::context(&claim).expect("three commitments");
    claim.venues[1].state = claim.venues[2].state;
    let error = Systemic::context(&claim).expect_err("two commitments");
    assert!(error.contains("venues 2 and 3 are one"), "{error}");
    // Another date makes no other venue.
    claim.venues[1].as_of_ms += 1;
    assert!(Systemic::context(&claim).is_err());
}
