//! Totals on a grid: EVaR and premia that stay private, and their receipts.

use std::collections::BTreeSet;

use stark::{
    Rejection, Statement, broken_alone, cell_test, security_report, verify, violated, violations,
};
use venue::state::Transfer;

use super::forged::wrong;
use super::*;
use crate::premia::statement::PartTables;

fn totals() -> Terms {
    Terms {
        shows: Shows::Totals {
            grid: None,
            tolerance: None,
        },
        ..terms()
    }
}

/// A day of trades and a withdrawal.
fn day(set: &ScenarioSet, n: usize) -> Vec<Change> {
    let mut day = changes(&trades(set, n));
    day.push(Change::Transfer(Transfer {
        providers: Ticks(-6_000_000),
        ..Transfer::default()
    }));
    day
}

fn hidden(markets: usize, count: usize, n: usize) -> Prepared {
    let set = scenarios(markets, count);
    Prepared::new(&set, &state(&set), &day(&set, n), &totals(), &secret()).expect("it is true")
}

#[test]
fn true_days_have_a_witness() {
    for (markets, count, n) in [
        (1, 1, 0),
        (3, 300, 2),
        (2, 256, 1),
        (5, 65, 4),
        (1, 4100, 3),
    ] {
        let prepared = hidden(markets, count, n);
        for part in 0..prepared.context().parts() {
            let airs = PartTables::new(prepared.context(), part).airs();
            let found = violations(&airs, &prepared.traces(part));
            assert_eq!(found, Vec::new(), "{markets} {count} {n}, part {part}");
        }
    }
    let set = scenarios(2, 100);
    let still = Prepared::new(&set, &state(&set), &[], &totals(), &secret()).expect("it is true");
    let airs = PartTables::new(still.context(), 0).airs();
    assert_eq!(violations(&airs, &still.traces(0)), Vec::new());
}

#[test]
fn every_cell_is_pinned_in_the_first_and_the_last_part() {
    let prepared = hidden(1, 4100, 4);
    assert_eq!(prepared.context().parts(), 3);
    for part in [0, 2] {
        let airs = PartTables::new(prepared.context(), part).airs();
        let traces = prepared.traces(part);
        let rows = [("states", 0), ("states", 1), ("states", 2), ("states", 3)];
        // The other tables are those of `prices`.
        let unpinned = cell_test(&airs[2..=2], &traces[2..=2], &rows);
        assert_eq!(unpinned, Vec::new(), "{} cells", unpinned.len());
    }
}

#[test]
fn every_hidden_constraint_breaks_alone() {
    let prepared = hidden(2, 300, 2);
    let airs = PartTables::new(prepared.context(), 0).airs();
    let traces = prepared.traces(0);
    let alone: BTreeSet<&str> = broken_alone(&airs[2], &traces[2], &[0, 1, 2, 3, 4, 5, 255])
        .into_iter()
        .collect();
    let ids = [
        "STATES-1",
        "STATES-4",
        "STATES-8",
        "STATES-10",
        "STATES-11",
        "STATES-12",
        "STATES-13",
        "STATES-14",
        "STATES-15",
        "STATES-16",
        "STATES-17",
    ];
    testing::expect_alone(&alone, &ids);
}

/// What a venue would gain from: a premium that is not the rise, a total or an EVaR that is not stated, another receipt.
#[test]
fn dishonest_premia_are_refused() {
    let prepared = hidden(3, 256, 3);
    assert_eq!(wrong(&prepared, |_| ()), [""; 0]);
    // Row 0 leads to the state before the first change, row 1 behind it.
    type Forgery = fn(&mut Rows);
    let pays = |rows: &Rows| {
        let row = (1..rows.states.len() - 1).find(|&r| rows.states[r].premium() > 0);
        row.expect("some change pays")
    };
    let row = pays(&prepared.rows(0));
    let forgeries: [(&str, Forgery); 7] = [
        // EVaR after a change said to be lower than its certificate's, so that less is paid.
        ("STATES-8", |r| {
            let below = (r.states[2].bound >> 20) as u64;
            r.states[1].evar_after = below;
            r.states[2].evar = below;
        }),
        // The chain of EVaR cut: what one change ended with, the next does not start from.
        ("STATES-14", |r| r.states[1].evar_after += 1),
        // Premia that are not added up.
        ("STATES-15", |r| r.states[4].premia += 1),
        // A day that starts with premia.
        ("STATES-15", |r| {
            r.states.iter_mut().for_each(|s| s.premia += 1)
        }),
        // A premium that the venue does not collect.
        ("STATES-4", |r| {
            let after = &mut r.states[1].amounts_after;
            after[2] += 1;
        }),
        ("SPONGE-5", |r| {
            r.states[1].receipt_salt[2] += stark::F::new(1)
        }),
        ("STATES-17", |r| {
            r.states[0].receipt_salt[2] += stark::F::new(1)
        }),
    ];
    for (i, (id, forgery)) in forgeries.into_iter().enumerate() {
        let found = wrong(&prepared, forgery);
        assert!(found.contains(&id.into()), "{i}: {found:?}");
    }
    // Both a premium and a fall: the trader pays more than EVaR rises by.
    let tables = PartTables::new(prepared.context(), 0);
    let mut rows = prepared.rows(0);
    let states = &mut rows.states[row];
    states.evar -= 1_000;
    let found = violated(&tables.airs(), &rows.fill(&tables));
    assert!(
        found.contains(&"STATES-8".into()) || found.contains(&"STATES-14".into()),
        "{found:?}"
    );
}

/// The stated numbers are the hidden ones on the grid, and no others.
#[test]
fn stated_totals_are_those_of_the_states() {
    let prepared = hidden(2, 256, 3);
    let rows = prepared.rows(0);
    fn shown(claim: &mut PremiaClaim) -> [(&mut Decimal, Decimal); 3] {
        match &mut claim.shown {
            Shown::Totals {
                evar_before,
                evar_after,
                premia,
                grid,
                ..
            } => [(evar_before, *grid), (evar_after, *grid), (premia, *grid)],
            _ => panic!("totals are claimed"),
        }
    }
    for which in 0..3 {
        for up in [true, false] {
            let mut claim = prepared.claim().clone();
            let (amount, grid) = {
                let [a, b, c] = shown(&mut claim);
                let (amount, grid) = [a, b, c].into_iter().nth(which).expect("three");
                (amount, grid)
            };
            let changed = if up {
                amount.checked_add(&grid)
            } else {
                amount.checked_sub(&grid)
            };
            *amount = changed.expect("it fits");
            if amount.is_negative() {
                continue;
            }
            let context = Premia::context(&claim).expect("well-formed");
            let tables = PartTables::new(&context, 0);
            let found = violated(&tables.airs(), &rows.fill(&tables));
            assert_eq!(found, ["STATES-16"], "{which} {up}");
        }
    }
    // A finer grid would be a sharper claim: it is another one, and false.
    let mut claim = prepared.claim().clone();
    if let Shown::Totals { grid, .. } = &mut claim.shown {
        *grid = Decimal::new(grid.units() / 2, grid.scale());
    }
    if let Ok(context) = Premia::context(&claim) {
        let tables = PartTables::new(&context, 0);
        let found = violated(&tables.airs(), &rows.fill(&tables));
        assert_eq!(found, ["STATES-16"]);
    }
    // So would a smaller tolerance be: what it leaves for the mean gain is less.
    let mut claim = prepared.claim().clone();
    if let Shown::Totals { tolerance, .. } = &mut claim.shown {
        *tolerance = Decimal::new(1, 6);
    }
    let context = Premia::context(&claim).expect("well-formed");
    let tables = PartTables::new(&context, 0);
    let found = violated(&tables.airs(), &rows.fill(&tables));
    assert!(found.contains(&"STATES-13".into()), "{found:?}");
}

/// Between parts, EVaR and premia go on from where they were.
#[test]
fn parts_carry_evar_and_premia() {
    let prepared = hidden(1, 4100, 4);
    let tables = PartTables::new(prepared.context(), 1);
    type Forgery = fn(&mut Rows);
    let forgeries: [Forgery; 2] = [
        |r| r.states[0].evar += 5,
        |r| r.states.iter_mut().for_each(|s| s.premia += 5),
    ];
    for forgery in forgeries {
        let mut rows = prepared.rows(1);
        assert_eq!(violated(&tables.airs(), &rows.fill(&tables)), [""; 0]);
        forgery(&mut rows);
        let found = violated(&tables.airs(), &rows.fill(&tables));
        assert!(found.contains(&"SPONGE-5".into()), "{found:?}");
    }
}

#[test]
fn a_private_day_is_proven_and_its_receipts_open() {
    let prepared = hidden(2, 300, 3);
    let claim = prepared.claim();
    let proof = prepared.prove(&mut |_, _| {}, None).expect("it proves");
    verify::<Premia>(claim, &proof).expect("it verifies");
    for part in 0..prepared.context().parts() {
        let report = security_report(&Premia::part(claim, prepared.context(), part));
        assert!(report.proven_bits >= 100.0, "{report:?}");
    }
    let receipts = prepared.receipts();
    assert_eq!(receipts.len(), 4);
    for (i, receipt) in receipts.iter().enumerate() {
        let paid = receipt.check(claim).expect("it opens");
        assert!(paid.contains(&format!("change {} of 4", i + 1)), "{paid}");
        assert!(
            paid.contains(&format!("premium of {} `USD`", receipt.premium)),
            "{paid}"
        );
        let text = serde_json::to_string(receipt).expect("plain data");
        assert_eq!(
            serde_json::from_str::<Receipt>(&text).expect("ours"),
            *receipt
        );
    }
    // What others say of it.
    type Change = fn(&mut Receipt);
    type Expected = fn(&ReceiptError) -> bool;
    let changes: [(Change, Expected); 6] = [
        (
            |r| r.number = 2,
            |e| matches!(e, ReceiptError::Change(2) | ReceiptError::Other(2)),
        ),
        (|r| r.number = 9, |e| *e == ReceiptError::Number(9)),
        (
            |r| r.premium = r.premium.checked_add(&Decimal::new(1, 6)).expect("it fits"),
            |e| *e == ReceiptError::Other(1),
        ),
        (
            |r| match &mut r.change {
                PublicChange::Trade { lots, .. } => *lots = lots.map(|l| l + Lots(1)),
                _ => panic!("it is a trade"),
            },
            |e| *e == ReceiptError::Other(1),
        ),
        (
            |r| match &mut r.change {
                PublicChange::Trade { price, .. } => *price = Decimal::ONE,
                _ => panic!("it is a trade"),
            },
            |e| *e == ReceiptError::Change(1),
        ),
        (
            |r| r.salt = gadgets::hash::Digest::default().into(),
            |e| *e == ReceiptError::Other(1),
        ),
    ];
    for (i, (change, expected)) in changes.into_iter().enumerate() {
        let mut receipt = receipts[0].clone();
        change(&mut receipt);
        let refused = receipt.check(claim).expect_err("it is another receipt");
        assert!(expected(&refused), "{i}: {refused}");
    }
    let open = super::prepared(2, 300, 1);
    assert_eq!(receipts[0].check(open.claim()), Err(ReceiptError::None));
    assert!(open.receipts().is_empty());
    changed_claims(&prepared, &proof);
}

/// Every field is bound: a proof does not verify under another claim.
fn changed_claims(prepared: &Prepared, proof: &[stark::PartProof]) {
    type Change = fn(&mut PremiaClaim);
    fn with(claim: &mut PremiaClaim, change: impl FnOnce(&mut Shown)) {
        change(&mut claim.shown);
    }
    macro_rules! field {
        ($claim:ident, $field:ident, $change:expr) => {
            with($claim, |shown| match shown {
                Shown::Totals { $field, .. } => $change($field),
                _ => panic!("totals are claimed"),
            })
        };
    }
    let changes: [(bool, Change); 8] = [
        (true, |c| {
            field!(c, evar_after, |x: &mut Decimal| *x = Decimal::new(1, 6))
        }),
        (true, |c| {
            field!(c, tolerance, |x: &mut Decimal| *x = Decimal::ZERO)
        }),
        (true, |c| {
            field!(c, receipts, |x: &mut Vec<_>| {
                x.pop();
            })
        }),
        (false, |c| {
            field!(c, receipts, |x: &mut Vec<_>| x.swap(0, 1))
        }),
        (false, |c| {
            field!(c, tolerance, |x: &mut Decimal| {
                *x = x.checked_add(&Decimal::new(1, 6)).expect("it fits");
            })
        }),
        (true, |c| {
            field!(c, funding, |x: &mut Option<Vec<Decimal>>| {
                if let Some(rates) = x {
                    rates[0] = rates[0].checked_add(&Decimal::new(1, 12)).expect("it fits");
                }
            })
        }),
        (false, |c| {
            field!(c, funding, |x: &mut Option<Vec<Decimal>>| *x = None)
        }),
        (false, |c| c.until_ms += 1),
    ];
    for (i, (malformed, change)) in changes.into_iter().enumerate() {
        let mut claim = prepared.claim().clone();
        change(&mut claim);
        let rejected = verify::<Premia>(&claim, proof).expect_err("it is not what was proven");
        let is_malformed = matches!(rejected, Rejection::Claim(_));
        assert_eq!(is_malformed, malformed, "{i}: {rejected}");
    }
}
