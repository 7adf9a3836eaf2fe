//! What is false is refused.

use super::*;
use records::units::Cents;

/// Each numbered constraint is broken, alone, by some change of one cell.
#[test]
fn every_constraint_breaks_alone() {
    let rows: Vec<usize> = (0..40).chain([149, 150, 200, 255]).collect();
    let alone = broken_alone(&prepared(150, 1), &rows);
    let mut expected: Vec<String> = (1..=4).map(|i| format!("ORDER-{i}")).collect();
    expected.push("LOANS-1".into());
    expected.extend((1..=13).map(|i| format!("ROLL-{i}")));
    expected
        .extend(["CALENDAR-1", "CODES-1", "POSEIDON2", "TOTALS-2", "TOTALS-5"].map(String::from));
    let idle: Vec<_> = expected
        .iter()
        .filter(|id| !alone.contains(id.as_str()))
        .collect();
    assert!(idle.is_empty(), "no change breaks {idle:?} alone");
}

/// What a servicer would report instead of what happened, with the tree after the month made for it.
#[test]
fn forged_months_are_rejected() {
    let tape = tape(150);
    let honest = terms(&tape, 1);
    let checked = check(&tape, &honest).expect("it is true");
    let after = checked.after();
    let at = |name: &str| tape.template.field(name).expect("the template has it");
    let before = states(&tape).expect("they are loans");
    let find = |what: &dyn Fn(usize) -> bool| (0..150).find(|&i| what(i)).expect("there is one");
    let event = |i: usize| honest.months[0][&tape.loans[i].id];
    let defaulted = find(&|i| before[i].status == Status::Defaulted);
    let defaults = find(&|i| event(i) == Event::Default);
    let late = find(&|i| {
        event(i) == Event::Payment(Cents(0))
            && before[i].status == Status::Performing
            && after.loans[i].values[at("days_past_due")] == Some(30)
    });
    let pays = find(&|i| {
        matches!(event(i), Event::Payment(p) if p > Cents(100_000))
            && before[i].balance > Cents(10_000_000)
            && after.loans[i].values[at("balance")] > Some(1_000_000)
    });
    let gone = find(&|i| before[i].status == Status::Prepaid);
    type Forgery<'a> = (&'a str, usize, &'a [(&'a str, u64)], &'a str);
    let forgeries: [Forgery<'_>; 9] = [
        (
            "a defaulted loan performs",
            defaulted,
            &[("status", 0)],
            "ROLL-13",
        ),
        (
            "a default is not told",
            defaults,
            &[("status", 0)],
            "ROLL-13",
        ),
        (
            "a late loan is on time",
            late,
            &[("days_past_due", 0), ("status", 0)],
            "ROLL-11",
        ),
        ("a late loan's status", late, &[("status", 0)], "ROLL-13"),
        ("a balance does not roll", pays, &[("balance", 1)], "ROLL-8"),
        (
            "interest is forgiven",
            late,
            &[("overdue_interest", 0)],
            "ROLL-5",
        ),
        (
            "principal is forgiven",
            defaults,
            &[("overdue_principal", 1)],
            "ROLL-6",
        ),
        (
            "a term is longer",
            pays,
            &[("remaining_term", 500)],
            "ROLL-1",
        ),
        ("a closed loan is alive", gone, &[("status", 0)], "ROLL-13"),
    ];
    for (what, loan, changes, id) in forgeries {
        let mut forged = after.clone();
        for (name, value) in changes {
            forged.loans[loan].values[at(name)] = Some(*value);
        }
        let mut checked = checked.clone();
        checked.months.rolled[0].tape = forged;
        let prepared = Prepared::unchecked(&checked, &secret()).expect("ids differ");
        let found = broken(&prepared, 0);
        assert!(found.contains(&id.into()), "{what}: {found:?}");
    }
}

/// A field that months do not change stays as it was.
#[test]
fn other_fields_stay() {
    let tape = tape(20);
    let honest = terms(&tape, 1);
    let checked = check(&tape, &honest).expect("it is true");
    let after = checked.after();
    for name in ["rate", "state", "fico", "borrower", "instalment"] {
        let mut forged = after.clone();
        let field = tape.template.field(name).expect("the template has it");
        forged.loans[3].values[field] = Some(7);
        let mut checked = checked.clone();
        checked.months.rolled[0].tape = forged;
        let prepared = Prepared::unchecked(&checked, &secret()).expect("ids differ");
        let found = broken(&prepared, 0);
        assert!(
            found.contains(&"bus tree after".into()),
            "{name}: {found:?}"
        );
    }
}

/// What came in cannot be understated by a unit, row by row or in the sum.
#[test]
fn collections_are_exact() {
    let prepared = prepared(150, 1);
    let rows = rows(&prepared);
    let open = |a: &Amounts| a.paid > 100 && a.rests == [0; 3] && !a.defaults && !a.repurchases;
    let at = rows.amounts.iter().position(open).expect("some pay");
    type Forgery = fn(&mut Amounts);
    let forgeries: [(&str, Forgery); 9] = [
        ("ROLL-2", |a| a.interest += 1),
        ("ROLL-5", |a| a.paid -= 1),
        ("ROLL-5", |a| a.rests[0] += 1),
        ("ROLL-6", |a| a.rests[1] += 1),
        ("ROLL-7", |a| a.rests[2] += 1),
        ("ROLL-4", |a| a.principal += 1),
        ("ROLL-3", |a| a.over += 1),
        ("ROLL-11", |a| a.slack.1 += 1),
        ("LOANS-1", |a| {
            a.defaults = true;
            a.repurchases = true;
        }),
    ];
    for (i, (id, forgery)) in forgeries.into_iter().enumerate() {
        let broken = wrong(&prepared, |rows| forgery(&mut rows.amounts[at]));
        assert!(broken.contains(&id.into()), "{i}: {broken:?}");
    }
    for sum in 0..super::tables::loans::SUMS {
        let broken = wrong(&prepared, |rows| rows.sums[at][sum][0] -= 1);
        assert!(broken.contains(&"ORDER-4".into()), "{broken:?}");
    }
}

/// Money that came in with a default, or from a loan that was closed before.
#[test]
fn nothing_comes_in_from_nowhere() {
    let prepared = prepared(150, 1);
    let rows = rows(&prepared);
    for found in [
        rows.amounts.iter().position(|a| a.defaults),
        rows.amounts
            .iter()
            .position(|a| a.after.status == 3 && a.paid == 0),
        Some(200),
    ] {
        let at = found.expect("there is one");
        let broken = wrong(&prepared, |rows| {
            let unused = Amounts::unused(&prepared.context().calendar);
            rows.amounts.resize(256, unused);
            rows.sums.resize(256, Default::default());
            rows.amounts[at].paid += 5;
        });
        assert!(broken.contains(&"ROLL-10".into()), "{at}: {broken:?}");
    }
}

/// What an issuer would change in its claim, each rejected by the same proof or before it.
#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(60, 2);
    let good = prepared.claim();
    let proofs = proven(&prepared);
    // Changes of what came in, with everything that follows computed again.
    let collected: Vec<(&str, Change<Waterfall>)> = vec![
        ("a unit of interest less", |c| {
            c.months[0].collections.interest -= Cents(1)
        }),
        ("a unit of principal less", |c| {
            c.months[0].collections.scheduled_principal -= Cents(1);
            c.months[0].collections.prepaid_principal += Cents(1);
        }),
        ("a recovery kept", |c| {
            c.months[1].collections.recoveries = Cents(0)
        }),
        ("a default called a repurchase", |c| {
            let c = &mut c.months[1].collections;
            c.repurchased += c.defaulted;
            c.defaulted = Cents(0);
        }),
        ("nobody is late", |c| {
            c.months[1].collections.delinquent = [Cents(0); 3]
        }),
        ("interest a month later", |c| {
            c.months[0].collections.interest -= Cents(1);
            c.months[1].collections.interest += Cents(1);
        }),
    ];
    let recomputed = |c: &mut WaterfallClaim| {
        let collections: Vec<_> = c.months.iter().map(|m| m.collections).collect();
        let after: Vec<_> = c.pools[1..].iter().map(|p| &p.cut_off).collect();
        let paid = pay(&c.deal, &c.deal_before, &c.indices, &collections, &after);
        (c.deal_after, c.reports) = paid.expect("it can be");
    };
    for (what, change) in collected {
        let mut claim = good.clone();
        change(&mut claim);
        recomputed(&mut claim);
        assert_ne!(claim.months, good.months, "{what} changes nothing");
        let outcome = verify::<Waterfall>(&claim, &proofs);
        assert!(outcome.is_err(), "{what} was accepted");
        let text = format!("{outcome:?}");
        assert!(!text.contains("unexpectedly"), "{what}: {text}");
    }
    let changes: Vec<(&str, Change<Waterfall>)> = vec![
        ("junior before senior", |c| {
            let paid = c.reports[0].tranches[0].interest_paid;
            c.reports[0].tranches[0].interest_paid = Cents(0);
            c.reports[0].tranches[2].interest_paid += paid;
        }),
        ("a trigger ignored", |c| {
            let trigger = &mut c.reports[1].triggers[0];
            trigger.tripped = !trigger.tripped;
        }),
        ("another trigger state after", |c| {
            c.deal_after.tripped[0] = !c.deal_after.tripped[0];
        }),
        ("equity paid", |c| c.reports[0].equity += Cents(1)),
        ("a period left out", |c| {
            c.reports.pop();
        }),
        ("another start", |c| c.deal_before.accounts[2] += Cents(1)),
        ("another deal", |c| {
            c.deal
                .waterfalls
                .get_mut("interest")
                .expect("it is there")
                .swap(1, 2)
        }),
        ("other fixings", |c| {
            c.indices[0].fixings[0] = fixed::Decimal::ZERO
        }),
        ("a month left out", |c| {
            c.months.pop();
            c.pools.pop();
            c.reports.pop();
        }),
        ("the months exchanged", |c| c.months.swap(0, 1)),
        ("another day", |c| {
            c.pools[1].cut_off = "2026-12-30".to_string().try_into().expect("a date");
        }),
        ("another pool after", |c| c.pools[2].pool = c.pools[1].pool),
        ("other leaves after", |c| {
            c.pools[2].segments = c.pools[1].segments.clone()
        }),
        ("a loan less", |c| c.loans -= 1),
        ("no loan", |c| c.loans = 0),
        ("more loans than there are", |c| c.loans = u64::MAX),
        ("no month", |c| c.months.clear()),
        ("more states", |c| {
            let state = c.pools[0].pool;
            c.months[0].states.push(state);
        }),
    ];
    assert_rejected::<Waterfall>(good, &proofs, &changes);
}

/// A seal that is not the leaf's, before or after.
#[test]
fn leaves_are_those_of_the_trees() {
    let prepared = prepared(20, 1);
    let broken = wrong(&prepared, |rows| rows.seals_after[3][0] += F::ONE);
    assert_eq!(broken, ["bus tree after"]);
    let broken = wrong(&prepared, |rows| rows.leaves[3].seal[0] += F::ONE);
    assert_eq!(broken, ["bus tree"]);
}
