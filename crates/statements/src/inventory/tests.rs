//! Tests of the inventory statement: what is true is accepted, what is false is not.

mod needed;

use std::collections::BTreeSet;
use std::sync::Arc;

use market::{Book, Side, Snapshot};
use records::units::Ticks;
use stark::{
    Rejection, Statement, broken_alone, cell_test, security_report, verify, violated, violations,
};
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;

use super::statement::PartTables;
use super::tables::count_positions;
use super::witness::Rows;
use super::*;
use crate::account::{Layout, Secret};
use crate::book::{Member, SealedBook};
use crate::kit::Refusal;
use crate::testing;

fn secret() -> Secret {
    testing::secret_of('7')
}

struct Sample {
    set: ScenarioSet,
    snapshot: Snapshot,
    state: VenueState,
    book: Book,
}

fn sample(markets: usize, accounts: usize) -> Sample {
    let set = venue::sample::scenarios(3, markets, 10);
    let mut state = venue::sample::state(&set);
    state.collected = Ticks(12_345);
    Sample {
        snapshot: venue::sample::snapshot(&set),
        book: venue::sample::book(4, &set, &state, accounts),
        state,
        set,
    }
}

impl Sample {
    fn seal(&self, slots: usize) -> Arc<SealedBook> {
        let accounts = self.book.accounts();
        SealedBook::new(&self.snapshot, accounts, slots, &secret()).expect("it fits")
    }

    fn prepare(&self, slots: usize) -> Result<Prepared, Refusal> {
        Prepared::new(&self.seal(slots), &self.set, &self.state, &secret())
    }
}

impl Prepared {
    fn rows(&self, part: usize) -> Rows<'_> {
        self.witness.rows(self.claim(), self.context(), part)
    }
}

fn prepared(markets: usize, accounts: usize) -> Prepared {
    sample(markets, accounts).prepare(4).expect("it is true")
}

/// What is wrong with a part's rows after a change.
fn wrong<'a>(
    prepared: &'a Prepared,
    part: usize,
    change: impl FnOnce(&mut Rows<'a>),
) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), part);
    let mut rows = prepared.rows(part);
    change(&mut rows);
    violated(
        &tables.airs(),
        &rows.fill(&tables, prepared.claim().markets.len()),
    )
}

#[test]
fn true_claims_have_a_witness() {
    for (markets, accounts) in [(1, 1), (3, 2), (4, 256), (2, 1100)] {
        let prepared = prepared(markets, accounts);
        for part in 0..prepared.claim().segments.len() {
            let tables = PartTables::new(prepared.claim(), prepared.context(), part);
            let found = violations(&tables.airs(), &prepared.traces(part));
            assert_eq!(found, Vec::new(), "{markets} markets, {accounts} accounts");
        }
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(3, 1100);
    assert_eq!(prepared.claim().segments.len(), 2);
    for part in 0..2 {
        let airs = PartTables::new(prepared.claim(), prepared.context(), part).airs();
        let rows = [
            ("positions", 75),
            ("positions", 76),
            ("leaves", 75),
            ("leaves", 76),
        ];
        let unpinned = cell_test(&airs, &prepared.traces(part), &rows);
        assert_eq!(unpinned, Vec::new(), "{} cells", unpinned.len());
    }
}

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

/// One book and one state in four statements.
#[test]
fn book_and_state_are_those_of_the_other_claims() {
    let sample = sample(3, 300);
    let prepared = sample.prepare(4).expect("it is true");
    let solvency = crate::solvency::Prepared::new(&sample.seal(4), &Default::default());
    let solvency = solvency.expect("it is true");
    assert_eq!(solvency.claim().book, prepared.claim().book);
    let margin = crate::margin::Prepared::new(&sample.seal(4), None, market::Level::Maintenance);
    let margin = margin.expect("it is well-formed");
    let crate::margin::Subject::Book { book, .. } = margin.claim().subject else {
        panic!("a book's claim is about a book")
    };
    assert_eq!(book, prepared.claim().book);
    let terms = crate::premia::Terms {
        confidence: testing::confidence(),
        shows: crate::premia::Shows::Prices { lots: false },
        funding: false,
        until_ms: None,
    };
    let risk = crate::premia::Prepared::new(&sample.set, &sample.state, &[], &terms, &secret());
    let risk = risk.expect("it is true");
    assert_eq!(risk.claim().before, prepared.claim().state);
    assert_eq!(risk.claim().scenarios.markets, prepared.claim().markets);
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
        |a| a.positions.iter_mut().for_each(|p| p.lots += 1),
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
/// As many markets as a state can have.
#[test]
fn many_markets_fit() {
    let prepared = sample(20, 5).prepare(32).expect("it is true");
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let found = violations(&tables.airs(), &prepared.traces(0));
    assert_eq!(found, Vec::new());
}

/// What lies between parts does not show that a part changes nothing.
#[test]
fn links_do_not_repeat() {
    let set = sample(2, 1).set;
    let listing = crate::venues::markets_listing(&set.quote, &set.markets, 0, 0);
    let state = VenueState::flat(2, Ticks(5), Ticks(5));
    let link = |i| crate::venues::commitments::link(&state, &secret(), &listing, i, None);
    assert_ne!(link(1), link(2));
    assert_ne!(
        link(1),
        crate::venues::commitment(&state, &secret(), &listing)
    );
}

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
}
