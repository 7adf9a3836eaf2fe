//! What is false is not accepted, whatever a forger writes into the tables.

use market::auction::clear_at;
use market::auction::rule::{self, Neighbourhood, NotClearing};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::Ticks;

use super::positive::small;
use super::*;
use crate::orders::session;
use crate::testing::*;

/// The claim and the tables of a batch that clears at other prices than those of the rule.
fn cleared_at(inputs: &Inputs, price: Option<u64>) -> Prepared {
    let checked = check_with(inputs, |_, terms, orders| {
        clear_at(terms, orders, |_| price.map(Ticks))
    });
    Prepared::sealed(checked.expect("it fits")).expect("it is well formed")
}

/// Bids and asks of one level: lots and limit, whether it is a bid.
fn book(orders: &[(u64, u64, bool)]) -> Vec<(Ladder, Admission)> {
    let ladder = |&(lots, limit, is_bid): &(u64, u64, bool)| match is_bid {
        true => Ladder::bid(lots, limit),
        false => Ladder::ask(lots, limit),
    };
    let ladders = orders.iter().map(ladder);
    ladders
        .map(|ladder| (ladder, Admission::default()))
        .collect()
}

/// The constraints that break at a price, besides those of what is better than trades.
fn broken_at(inputs: &Inputs, price: Option<u64>) -> Vec<String> {
    broken(&cleared_at(inputs, price), 0)
}

/// The numbers of the constraints that say what step of the rule gives another price.
fn constraints_of(reason: NotClearing) -> &'static [&'static str] {
    match reason {
        NotClearing::NoCandidate | NotClearing::NoVolume => &[],
        NotClearing::Volume => &["MARKETS-8"],
        NotClearing::Imbalance => &["MARKETS-9"],
        NotClearing::Pressure => &["MARKETS-7"],
        NotClearing::Reference => &["MARKETS-9", "MARKETS-10"],
    }
}

#[test]
fn each_price_off_the_optimum_breaks_its_step_of_the_rule() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..60 {
        let high = rng.random_range(1..7);
        let reference = rng.random_range(1..8);
        let lots = rng.random_range(2..5);
        let orders: Vec<(u64, u64, bool)> = (0..rng.random_range(2..8))
            .map(|_| {
                let limit = rng.random_range(1..=high);
                (rng.random_range(1..lots), limit, rng.random_bool(0.5))
            })
            .collect();
        let inputs = small(&book(&orders), high, reference);
        let band = inputs.instruments[0].band;
        let ladders: Vec<Ladder> = book(&orders)
            .into_iter()
            .map(|(ladder, _)| ladder)
            .collect();
        let right = rule::clearing_price(&band, &ladders);
        for price in 1..=high {
            let price = Ticks(price);
            let depth = Neighbourhood::new(&band, price, &ladders);
            let verdict = rule::check(&band, price, &depth);
            if verdict == Err(NotClearing::NoVolume) {
                continue;
            }
            let broken = broken_at(&inputs, Some(price.0));
            match verdict {
                Ok(()) => assert_eq!((broken, Some(price)), (Vec::new(), right)),
                Err(reason) => {
                    let expected = constraints_of(reason);
                    let breaks = |id: &&str| broken.iter().any(|b| b.as_str() == *id);
                    assert!(expected.iter().any(breaks), "{reason}: {broken:?}");
                    *seen.entry(format!("{reason:?}")).or_default() += 1;
                }
            }
        }
        if right.is_some() {
            assert!(broken_at(&inputs, None).contains(&"MARKETS-13".to_string()));
        }
    }
    // Every branch was there.
    assert_eq!(seen.len(), 4, "{seen:?}");
}

/// What is wrong with the tables after a change of their rows.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let mut rows = prepared.witness.rows.clone();
    change(&mut rows);
    stark::violated(&prepared.context().airs(), &rows.fill(prepared.context()))
}

fn some() -> Prepared {
    Prepared::new(&sample(60, 3, 1, 1)).expect("it fits")
}

/// The first row of which something holds.
fn find(rows: &Rows, holds: impl Fn(&OrderRow) -> bool) -> usize {
    rows.orders.iter().position(holds).expect("there is one")
}

#[test]
fn an_order_cannot_be_omitted() {
    let prepared = some();
    let broken = wrong(&prepared, |rows| {
        rows.orders.pop();
    });
    assert!(broken.contains(&"ORDERS-6".to_string()), "{broken:?}");
    assert!(broken.contains(&"ORDERS-1".to_string()), "{broken:?}");
}

#[test]
fn an_order_cannot_count_twice() {
    let prepared = some();
    let broken = wrong(&prepared, |rows| {
        let copy = rows.orders[3].clone();
        rows.orders[4] = copy;
    });
    for id in ["ORDERS-6", "ORDERS-3"] {
        assert!(broken.contains(&id.to_string()), "{broken:?}");
    }
}

#[test]
fn an_order_cannot_be_made_up() {
    let prepared = some();
    let broken = wrong(&prepared, |rows| rows.orders[3].secret[0] += F::ONE);
    assert!(broken.contains(&"bus receipts".to_string()), "{broken:?}");
    // Under the receipts that such an order would have.
    let mut inputs = sample(60, 3, 1, 1);
    let honest = prepared.claim().list.clone();
    if let Entry::Opened(opening, _) = &mut inputs.entries[3] {
        opening.ladder = Ladder::bid(999, 100_000_000);
    }
    let mut checked = check(&inputs).expect("it fits");
    checked.replace_list(honest);
    let forged = Prepared::sealed(checked).expect("it is well formed");
    assert_eq!(broken_of(&forged), ["ORDERS-6"]);
}

#[test]
fn an_earlier_order_does_not_live() {
    let prepared = some();
    let rows = &prepared.witness.rows;
    let replaced = find(rows, |row| row.status == Status::Replaced as u8);
    // The rows of the two orders change places.
    let broken = wrong(&prepared, |rows| {
        rows.orders.swap(replaced, replaced + 1);
    });
    assert!(!broken.is_empty());
    // The one above is said to be the last.
    let broken = wrong(&prepared, |rows| {
        rows.orders[replaced].ends[0] = true;
        rows.orders[replaced].status = 0;
    });
    assert!(broken.contains(&"ORDERS-3".to_string()), "{broken:?}");
}

#[test]
fn what_is_void_is_not_refused_too() {
    let prepared = some();
    for status in [Status::Margin, Status::Room] {
        let void = find(&prepared.witness.rows, |row| {
            row.status == Status::OutsideBand as u8
        });
        let broken = wrong(&prepared, |rows| rows.orders[void].status = status as u8);
        assert!(broken.contains(&"ORDERS-4".to_string()), "{broken:?}");
    }
}

#[test]
fn only_orders_that_reduce_are_bounded() {
    let prepared = some();
    let free = find(&prepared.witness.rows, |row| {
        row.status == 0 && !row.flags[1] && row.legs[0].lots > 0
    });
    let broken = wrong(&prepared, |rows| rows.orders[free].most[0] = 0);
    assert!(broken.contains(&"TRADE-1".to_string()), "{broken:?}");
}

#[test]
fn an_order_reads_its_own_auction() {
    let prepared = some();
    let rows = &prepared.witness.rows;
    let other = rows
        .orders
        .iter()
        .rfind(|row| row.used)
        .expect("some")
        .market
        .clone();
    let broken = wrong(&prepared, |rows| rows.orders[0].market = other);
    assert!(broken.contains(&"bus market".to_string()), "{broken:?}");
}

#[test]
fn an_auction_counts_all_its_orders() {
    let prepared = some();
    let broken = wrong(&prepared, |rows| rows.markets[0].sums[1][0] += 1);
    assert!(broken.contains(&"bus depth".to_string()), "{broken:?}");
    let broken = wrong(&prepared, |rows| {
        let row = &mut rows.markets[0];
        (row.met, row.sums) = (false, Default::default());
    });
    assert!(broken.contains(&"bus depth".to_string()), "{broken:?}");
}

#[test]
fn rationing_starts_where_the_randomness_says() {
    let inputs = sample(60, 3, 1, 1);
    let mut other = inputs.clone();
    other.randomness = Randomness([9; 32]);
    let mut claim = Prepared::new(&inputs).expect("it fits").claim().clone();
    claim.batch.randomness = other.randomness;
    let honest = Prepared::new(&inputs).expect("it fits");
    let forged = Prepared::unchecked(claim, honest.witness.rows.clone()).expect("well formed");
    let broken = broken_of(&forged);
    assert!(broken.contains(&"bus market".to_string()), "{broken:?}");
}

#[test]
fn receipts_stand_in_slots_of_their_own() {
    let prepared = some();
    let broken = wrong(&prepared, |rows| rows.orders[1].slot = rows.orders[0].slot);
    assert_eq!(broken, ["bus receipts"]);
    // Nor as an inner node, counted down from p.
    let slots = 1 << prepared.claim().batch.log_slots;
    let broken = wrong(&prepared, |rows| {
        rows.orders[1].slot = stark::P as usize - slots + 5;
    });
    assert_eq!(broken, ["bus receipts"]);
}

fn broken_of(prepared: &Prepared) -> Vec<String> {
    broken(prepared, 0)
}

/// Why a claim is refused before its proof is looked at.
fn refused(change: impl FnOnce(&mut AuctionClaim)) -> String {
    let mut claim = some().claim().clone();
    change(&mut claim);
    Auction::context(&claim).expect_err("it contradicts itself")
}

#[test]
fn malformed_claims_are_refused() {
    let traded = |claim: &mut AuctionClaim| -> usize {
        let auctions = &claim.batch.auctions;
        auctions
            .iter()
            .position(|a| a.price.is_some())
            .expect("one trades")
    };
    for (says, message) in [
        (
            refused(|c| c.list[1] = c.list[0].clone()),
            "stands in the list twice",
        ),
        (refused(|c| c.skipped.clear()), "the orders are not those"),
        (refused(|c| c.skipped[0] = 1 << 20), "the skipped places"),
        (refused(|c| c.batch.levels = 3), "levels"),
        (refused(|c| c.batch.number = 1 << 16), "numbered below"),
        (refused(|c| c.batch.venue = "a b".into()), "is no name"),
        (refused(|c| c.batch.log_slots = 17), "slots"),
        (refused(|c| c.batch.auctions.clear()), "no auction"),
        (refused(|c| c.batch.auctions.swap(0, 1)), "in the order of"),
        (
            refused(|c| c.batch.auctions[1].symbol = c.batch.auctions[0].symbol.clone()),
            "one name",
        ),
        (refused(|c| c.batch.auctions[0].fee = 100_001), "above 10%"),
        (refused(|c| c.batch.auctions[0].low = Ticks(0)), "step"),
        (
            refused(|c| {
                let at = traded(c);
                c.batch.auctions[at].volume = records::units::Lots(0);
            }),
            "do not fit",
        ),
        (
            refused(|c| {
                let at = traded(c);
                c.batch.auctions[at].price = Some(Ticks(1));
            }),
            "do not fit",
        ),
        (
            refused(|c| {
                let at = traded(c);
                let volume = c.batch.auctions[at].volume;
                c.batch.auctions[at].depth = Some([volume + volume; 2]);
            }),
            "do not fit",
        ),
    ] {
        assert!(says.contains(message), "{says}");
    }
}

#[test]
fn what_is_no_order_of_the_batch_must_be_skipped() {
    let says = |change: fn(&mut crate::orders::Opening)| -> String {
        let mut inputs = sample(20, 3, 1, 1);
        if let Entry::Opened(opening, _) = &mut inputs.entries[2] {
            change(opening);
        }
        check(&inputs).expect_err("it does not fit").to_string()
    };
    for (text, message) in [
        (says(|o| o.session[0] += F::ONE), "another batch"),
        (says(|o| o.session = session("SAMPLE", 8)), "another batch"),
        (says(|o| o.session = session("OTHER", 7)), "another venue"),
        (says(|o| o.instrument = 1), "its instrument has no auction"),
        (says(|o| o.nonce = 1 << 30), "nonce"),
        (says(|o| o.ladder.0.push(Default::default())), "more levels"),
        (says(|o| o.ladder = Ladder::bid(1 << 30, 5)), "2^30 lots"),
        (says(|o| o.ladder = Ladder::bid(1, 1 << 40)), "2^40 ticks"),
    ] {
        assert!(
            text.contains(message) && text.ends_with("skip it"),
            "{text}"
        );
    }
}
