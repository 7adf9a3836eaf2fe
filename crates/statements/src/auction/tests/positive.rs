//! What is true is accepted.

use market::auction::{Level, Quantity, Refusal};
use proptest::prelude::*;
use records::units::{Lots, Ticks};

use super::*;
use crate::testing::*;

#[test]
fn batches_are_accepted() {
    for (levels, seed) in [(1, 1), (1, 2), (2, 3), (4, 4)] {
        let prepared = Prepared::new(&sample(200, 4, levels, seed)).expect("it fits");
        assert_eq!(broken(&prepared, 0), Vec::<String>::new());
    }
}

#[test]
fn every_outcome_occurs_in_the_sample() {
    let checked = check(&sample(200, 4, 1, 1)).expect("it fits");
    for status in Status::ALL {
        let has = checked.entries.iter().any(|e| e.outcome.status == status);
        // One level of 2^30 lots is no order, and the sample's prices are low.
        assert!(has || status == Status::TooLarge, "{status:?}");
    }
}

#[test]
fn a_batch_without_orders_is_accepted() {
    let mut inputs = sample(0, 3, 1, 1);
    inputs.entries.clear();
    let prepared = Prepared::new(&inputs).expect("it fits");
    assert_eq!(broken(&prepared, 0), Vec::<String>::new());
    assert!(
        prepared
            .claim()
            .batch
            .auctions
            .iter()
            .all(|a| a.price.is_none())
    );
}

#[test]
fn a_full_table_is_accepted() {
    let prepared = Prepared::new(&sample(272, 3, 1, 3)).expect("it fits");
    // 272 entries less those that are skipped.
    let claim = prepared.claim();
    assert_eq!((claim.list.len(), claim.skipped.len()), (272, 6));
    let mut inputs = sample(272, 3, 1, 3);
    inputs.entries.truncate(262);
    let prepared = Prepared::new(&inputs).expect("it fits");
    assert_eq!(prepared.claim().batch.orders, 256);
    assert_eq!(prepared.claim().batch.log_slots, 8);
    assert_eq!(broken(&prepared, 0), Vec::<String>::new());
}

#[test]
fn each_trader_has_a_receipt() {
    let inputs = sample(60, 3, 2, 1);
    let prepared = Prepared::new(&inputs).expect("it fits");
    let claim = prepared.claim();
    let receipts = prepared.receipts();
    assert_eq!(receipts.len() as u64, claim.batch.orders);
    for receipt in &receipts {
        let says = receipt.check(claim).expect("it is of the claim");
        let took_part = receipt.status == Status::TookPart;
        assert_eq!(took_part, !says.contains("took no part"), "{says}");
        // As a file, too.
        let text = serde_json::to_string(receipt).expect("plain data");
        assert_eq!(
            serde_json::from_str::<Receipt>(&text).expect("the same"),
            *receipt
        );
        // Nothing of it can be changed.
        let changes: [fn(&mut Receipt); 12] = [
            |r| r.place += 1,
            |r| r.bought.0 += 1,
            |r| r.sold.0 += 1,
            |r| r.cash.0 += 1,
            |r| r.charge.0 += 1,
            |r| r.most[0].0 ^= 1,
            |r| r.most[1].0 ^= 1,
            |r| r.slot ^= 1,
            |r| r.slot += 1 << 40,
            |r| r.siblings[3] = [F::ONE; 8].into(),
            |r| r.order.nonce ^= 1,
            |r| r.status = Status::ALL[(r.status as usize + 1) % Status::ALL.len()],
        ];
        for change in changes {
            let mut other = receipt.clone();
            change(&mut other);
            assert!(other.check(claim).is_err(), "{other:?}");
        }
    }
}

/// A batch of one instrument with candidates 1 to `high`.
pub(super) fn small(ladders: &[(Ladder, Admission)], high: u64, reference: u64) -> Inputs {
    let mut inputs = sample(0, 1, 1, 1);
    inputs.instruments[0].band =
        market::auction::Band::new([1, high].map(Ticks), Ticks(1), Ticks(reference))
            .expect("a band");
    let levels = ladders.iter().map(|(ladder, _)| ladder.0.len()).max();
    inputs.levels = levels.unwrap_or(1).next_power_of_two() as u32;
    let entries = (0..).zip(ladders).map(|(i, (ladder, admission))| {
        let opening = crate::orders::Opening {
            account: 10 + i,
            instrument: 0,
            nonce: 0,
            quote: i % 2 == 1,
            reduce_only: admission.most != Admission::default().most,
            ladder: ladder.clone(),
            session: crate::orders::session(&inputs.venue, inputs.batch),
            secret: [stark::felt(i + 1); 8],
        };
        Entry::Opened(opening, *admission)
    });
    inputs.entries = entries.collect();
    inputs
}

fn level(bid: (u64, u64), ask: (u64, u64)) -> Level {
    let quantity = |(lots, limit)| Quantity {
        lots: Lots(lots),
        limit: Ticks(limit),
    };
    Level {
        bid: quantity(bid),
        ask: quantity(ask),
    }
}

#[test]
fn orders_at_every_bound_are_accepted() {
    let most = (1 << 30) - 1;
    let free = Admission::default();
    let ladders = [
        (Ladder(vec![level((most, 5), (0, 0))]), free),
        (Ladder(vec![level((0, (1 << 40) - 1), (most, 5))]), free),
        (Ladder(vec![level((most, 5), (1, 6))]), free),
        (Ladder(vec![level((1, (1 << 40) - 1), (0, 0))]), free),
        (Ladder(vec![level((1, 0), (0, 0))]), free),
        (
            Ladder(vec![level((7, 9), (0, 0)), level((7, 8), (0, 0))]),
            Admission {
                refusal: None,
                most: [Lots(9), Lots(0)],
            },
        ),
        // Two levels that are too large together: LADDER-4.
        (
            Ladder(vec![level((most, 9), (0, 0)), level((1, 8), (0, 0))]),
            free,
        ),
    ];
    for reference in [1, 5, 9, 40] {
        let prepared = Prepared::new(&small(&ladders, 9, reference)).expect("it fits");
        assert_eq!(broken(&prepared, 0), Vec::<String>::new());
        let auction = &prepared.claim().batch.auctions[0];
        assert_eq!(auction.price, Some(Ticks(5)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever is sent, the finance crate's result has a witness: small books at every branch of the rule.
    #[test]
    fn whatever_clears_is_accepted(
        orders in prop::collection::vec((0u64..4, 0u64..9, any::<bool>(), 0u8..20), 0..8),
        high in 1u64..8,
        reference in 1u64..10,
    ) {
        let ladders: Vec<(Ladder, Admission)> = orders
            .into_iter()
            .map(|(lots, limit, is_bid, refusal)| {
                let ladder = match is_bid {
                    true => level((lots, limit), (0, 0)),
                    false => level((0, 0), (lots, limit)),
                };
                let refusal = match refusal {
                    0 => Some(Refusal::Margin),
                    1 => Some(Refusal::Secret),
                    _ => None,
                };
                (Ladder(vec![ladder]), Admission { refusal, ..Admission::default() })
            })
            .collect();
        let prepared = Prepared::new(&small(&ladders, high, reference)).expect("it fits");
        prop_assert_eq!(broken(&prepared, 0), Vec::<String>::new());
    }
}

#[test]
fn a_batch_is_proven_and_verified() {
    let prepared = Prepared::new(&sample(60, 3, 1, 2)).expect("it fits");
    let proofs = prepared.prove(&mut |_, _| {}, None).expect("it is true");
    stark::verify::<Auction>(prepared.claim(), &proofs).expect("it is accepted");
    assert_eq!(Auction::VERSION, 1);
}

#[test]
fn what_is_no_digest_can_be_skipped_and_nothing_else() {
    let mut inputs = sample(20, 3, 1, 1);
    let noise = Commitment::try_from("f".repeat(64)).expect("it may be posted");
    assert_eq!(noise.digest(), None);
    inputs.entries.push(Entry::Skipped(noise));
    let prepared = Prepared::new(&inputs).expect("it fits");
    assert_eq!(broken(&prepared, 0), Vec::<String>::new());
    let mut claim = prepared.claim().clone();
    claim.skipped.pop();
    claim.batch.orders += 1;
    let says = Auction::context(&claim).expect_err("nothing opens it");
    assert!(says.contains("must be skipped"), "{says}");
}

/// A slot tells its trader nothing about orders of others: it stands by tags.
#[test]
fn slots_do_not_depend_on_accounts() {
    let inputs = sample(40, 3, 1, 1);
    let slots = |change: fn(&mut crate::orders::Opening)| -> Vec<u64> {
        let mut inputs = inputs.clone();
        for entry in &mut inputs.entries {
            if let Entry::Opened(opening, _) = entry {
                change(opening);
            }
        }
        let receipts = Prepared::new(&inputs).expect("it fits").receipts();
        receipts.iter().map(|receipt| receipt.slot).collect()
    };
    let by_account = slots(|_| {});
    let mut rising = by_account.clone();
    rising.sort_unstable();
    assert_eq!(rising, (0..by_account.len() as u64).collect::<Vec<_>>());
    // Accounts in another order, and with them all tags.
    assert_ne!(
        by_account,
        slots(|opening| opening.account = (1 << 59) - opening.account / 2)
    );
}
