//! What is false is refused.

use records::units::Lots;

use super::*;

#[test]
fn every_constraint_breaks_alone() {
    let prepared = prepared(2, 300);
    let airs = PartTables::new(prepared.claim(), prepared.context(), 0).airs();
    let traces = prepared.traces(0);
    let alone: BTreeSet<&str> = (0..3)
        .flat_map(|table| broken_alone(&airs[table], &traces[table], &[0, 1, 299, 300, 511]))
        .collect();
    let ids = [
        "POSITIONS-1",
        "POSITIONS-2",
        "LEAVES-1",
        "LEAVES-2",
        "STATE-1",
        "STATE-2",
        "STATE-3",
        "STATE-4",
        "STATE-5",
    ];
    testing::expect_alone(&alone, &ids);
}

#[test]
fn a_claim_is_proven_and_bound() {
    let prepared = prepared(3, 300);
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    let claim = prepared.claim();
    verify::<Inventory>(claim, &proof).expect("it verifies");
    let report = security_report(&Inventory::part(claim, prepared.context(), 0));
    assert!(report.proven_bits >= 100.0, "{report:?}");
    type Change = fn(&mut InventoryClaim);
    let changes: [(bool, Change); 14] = [
        (true, |c| c.book.slots = 5),
        (true, |c| c.book.accounts = 0),
        (true, |c| c.book.accounts = 2000),
        (true, |c| c.book.commitment = c.state),
        (true, |c| c.links.push(c.state)),
        (true, |c| c.markets[0].lot = fixed::Decimal::new(2, 0)),
        (true, |c| {
            c.snapshot.instruments.pop();
        }),
        // One market twice could share its positions between its two places.
        (true, |c| c.markets.push(c.markets[0].clone())),
        // The book's commitment binds its moment, its lists and its numbers.
        (true, |c| c.book.accounts = 299),
        (true, |c| c.book.slots = 8),
        (true, |c| c.snapshot.as_of_ms += 1),
        (true, |c| c.snapshot.assets[0].decimals += 1),
        (true, |c| {
            c.snapshot.instruments[1].kind = market::Kind::Future { expiry_ms: 1 }
        }),
        (false, |c| c.markets.swap(0, 1)),
    ];
    for (i, (malformed, change)) in changes.into_iter().enumerate() {
        let mut claim = claim.clone();
        change(&mut claim);
        let rejected = verify::<Inventory>(&claim, &proof).expect_err("it is another claim");
        assert_eq!(
            matches!(rejected, Rejection::Claim(_)),
            malformed,
            "{i}: {rejected}"
        );
    }
}

#[test]
fn a_state_that_is_not_the_books_is_refused() {
    let mut sample = sample(3, 20);
    sample.state.quantities[1].0 += 1;
    let refused = sample.prepare(4).expect_err("it is false");
    assert!(refused.is_false());
    // What is only checked is refused for the same reason.
    let checked = check(
        &sample.snapshot,
        sample.book.accounts(),
        &sample.set,
        &sample.state,
    );
    let checked = checked.expect_err("it is false");
    assert!(checked.is_false() && checked.to_string() == refused.to_string());
    let refused = refused.to_string();
    assert!(
        refused.starts_with("in ETH the accounts are net long"),
        "{refused}"
    );
    sample.state.quantities[1].0 -= 1;
    sample.state.entry.0 -= 1;
    let refused = sample.prepare(4).expect_err("it is false").to_string();
    assert!(refused.contains("entry notionals add up to"), "{refused}");
    sample.state.entry.0 += 1;
    sample.snapshot.instruments[0].symbol = "BTC-2".into();
    let refused = sample.prepare(4).expect_err("it is false").to_string();
    assert!(refused.contains("`BTC-2` is not a market"), "{refused}");
    sample.snapshot.instruments[0].symbol = "BTC".into();
    sample.state.as_of_ms += 1;
    let refused = sample.prepare(4).expect_err("it is of another moment");
    assert!(!refused.is_false() && refused.to_string().contains("its own moment"));
}

/// The members of a part with a change to the positions of one, whose leaf follows; the roots in the claim do not.
fn changed_members(
    prepared: &Prepared,
    sample: &Sample,
    change: fn(&mut market::Account),
) -> Vec<Member> {
    let layout = Layout::new(4, &sample.snapshot);
    let mut members = prepared.rows(0).members.to_vec();
    let holder = members.iter_mut().find(|m| !m.account.positions.is_empty());
    let holder = holder.expect("somebody holds something");
    change(&mut holder.account);
    let secret = &prepared.witness.book.secret;
    holder.leaf = layout.leaf(holder.leaf.identity, &holder.account, secret);
    members
}

#[test]
fn dishonest_venues_are_refused() {
    let sample = sample(3, 300);
    let prepared = sample.prepare(4).expect("it is true");
    assert_eq!(wrong(&prepared, 0, |_| ()), [""; 0]);
    // A position that is not counted, or counted for another instrument or side.
    let held = prepared.rows(0).state.counts.iter().position(|c| c[0] > 0);
    let held = held.expect("somebody holds something");
    let found = wrong(&prepared, 0, |r| r.state.counts[held][0] -= 1);
    assert!(found.contains(&"bus position".into()), "{found:?}");
    let found = wrong(&prepared, 0, |r| r.state.counts.swap(held, held ^ 1));
    assert!(found.contains(&"bus position".into()), "{found:?}");
    // A state with other quantities or entries than are counted.
    let found = wrong(&prepared, 0, |r| r.state.after.quantities[2].0 += 1);
    assert!(
        found.contains(&"STATE-4".into()) && found.contains(&"SPONGE-5".into()),
        "{found:?}"
    );
    let found = wrong(&prepared, 0, |r| r.state.after.entry.0 += 1);
    assert!(found.contains(&"STATE-5".into()), "{found:?}");
    // More capital than is committed to.
    let found = wrong(&prepared, 0, |r| r.state.after.capital.0 += 1);
    assert_eq!(found, ["SPONGE-5"]);
    // A head start in the first part.
    let found = wrong(&prepared, 0, |r| {
        r.state.before.quantities[0].0 += 5;
        r.state.after.quantities[0].0 += 5;
    });
    assert!(found.contains(&"STATE-3".into()), "{found:?}");
    // An account's positions changed or left out: the root is another one.
    let changes: [fn(&mut market::Account); 3] = [
        |a| a.positions.clear(),
        |a| a.positions.iter_mut().for_each(|p| p.lots += Lots(1)),
        |a| {
            for p in &mut a.positions {
                p.side = if p.side == Side::Long {
                    Side::Short
                } else {
                    Side::Long
                };
            }
        },
    ];
    for change in changes {
        let members = changed_members(&prepared, &sample, change);
        let found = wrong(&prepared, 0, |r| {
            r.members = &members;
            r.state.counts = count_positions(r.members, 3);
        });
        assert!(found.contains(&"SPONGE-5".into()), "{found:?}");
    }
}

/// Parts chain: what one ends with, the next one starts from.
#[test]
fn parts_continue_each_other() {
    let prepared = prepared(2, 1100);
    let found = wrong(&prepared, 1, |r| {
        r.state.before.quantities[0].0 += 5;
        r.state.after.quantities[0].0 += 5;
    });
    assert_eq!(found, ["SPONGE-5"]);
    let found = wrong(&prepared, 1, |r| r.state.salts[0][1] += stark::F::new(1));
    assert_eq!(found, ["SPONGE-5"]);
}

/// Junk in a slot without an instrument is no way to hide a position: it cannot be proven at all.
#[test]
fn an_empty_key_holds_nothing() {
    let prepared = prepared(2, 10);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let airs = tables.airs();
    let mut traces = prepared.traces(0);
    // Slot 3 of the first account: its key stays zero, its lots become one.
    let width = airs[0].width();
    let at = (0..width)
        .find(|&c| {
            let mut changed = traces.clone();
            changed[0].values[c] += stark::F::new(1);
            violated(&airs, &changed) == ["bus limb", "bus position", "bus quad"]
        })
        .expect("a limb of an empty slot");
    traces[0].values[at] += stark::F::new(1);
    assert!(violated(&airs, &traces).contains(&"bus position".into()));
}

/// A state as of Friday is not what Monday's book adds up to.
#[test]
fn a_state_is_as_of_its_book() {
    let mut claim = prepared(2, 5).claim().clone();
    Inventory::context(&claim).unwrap();
    claim.state_as_of_ms += 86_400_000;
    let refused = Inventory::context(&claim).unwrap_err();
    assert!(refused.contains("of its own moment"), "{refused}");
    // Of two errors the one that says more: a position in what is no market would be left out.
    claim.markets[0].symbol = "OTHER".into();
    let refused = Inventory::context(&claim).unwrap_err();
    assert!(refused.contains("is not a market"), "{refused}");
}
