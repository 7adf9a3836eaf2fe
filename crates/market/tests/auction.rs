//! Call auctions against brute force over every candidate price, and against examples that exchanges have published.

use market::auction::rule::{self, Neighbourhood, NotClearing};
use market::auction::{
    Admission, Band, Cleared, Fees, Fill, Ladder, Level, Order, Quantity, Refusal, Terms, TooHigh,
    Void,
};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};

/// `(limit, lots)` of bids or asks.
type Side = [(u64, u64)];

fn band([low, high]: [u64; 2], reference: u64) -> Band {
    Band::new([low, high].map(Ticks), Ticks(1), Ticks(reference)).unwrap()
}

fn ladders(bids: &Side, asks: &Side) -> Vec<Ladder> {
    let bids = bids.iter().map(|&(limit, lots)| Ladder::bid(lots, limit));
    let asks = asks.iter().map(|&(limit, lots)| Ladder::ask(lots, limit));
    bids.chain(asks).collect()
}

/// Each ladder as the order of an account of its own.
fn orders(ladders: Vec<Ladder>) -> Vec<Order> {
    let order = |(account, ladder)| Order {
        account,
        nonce: 1,
        quote: false,
        reduce_only: false,
        admission: Admission::default(),
        ladder,
    };
    (0..).zip(ladders).map(order).collect()
}

fn terms(band: Band, draw: u32) -> Terms {
    Terms {
        band,
        fees: Fees::default(),
        draw,
    }
}

/// The rule as exchanges write it, step by step over all candidates: price, volume and imbalance.
fn brute(bids: &Side, asks: &Side, [low, high]: [u64; 2], reference: u64) -> Option<[i64; 3]> {
    let sum = |side: &Side, reached: &dyn Fn(u64) -> bool| -> i64 {
        let reached = side.iter().filter(|(limit, _)| reached(*limit));
        reached.map(|(_, lots)| *lots as i64).sum()
    };
    let all: Vec<[i64; 3]> = (low..=high)
        .map(|price| {
            let demand = sum(bids, &|limit| limit >= price);
            let supply = sum(asks, &|limit| limit <= price);
            [price as i64, demand.min(supply), demand - supply]
        })
        .collect();
    let volume = all.iter().map(|c| c[1]).max().filter(|v| *v > 0)?;
    let mut left: Vec<[i64; 3]> = all.into_iter().filter(|c| c[1] == volume).collect();
    let imbalance = left.iter().map(|c| c[2].abs()).min()?;
    left.retain(|c| c[2].abs() == imbalance);
    if left.iter().all(|c| c[2] > 0) {
        return left.last().copied();
    }
    if left.iter().all(|c| c[2] < 0) {
        return left.first().copied();
    }
    // Of prices with demand left over the highest remains, of those with supply left over the lowest.
    let demanded = left.iter().rposition(|c| c[2] > 0);
    let supplied = left.iter().position(|c| c[2] < 0);
    let left = &left[demanded.unwrap_or(0)..=supplied.unwrap_or(left.len() - 1)];
    let nearest = left.iter().min_by_key(|c| (c[0] - reference as i64).abs());
    nearest.copied()
}

fn agrees(bids: &Side, asks: &Side, ends: [u64; 2], reference: u64) {
    let [low, high] = ends;
    let taking_part = |side: &Side| -> Vec<(u64, u64)> {
        let inside = side
            .iter()
            .filter(|(limit, lots)| (low..=high).contains(limit) && *lots > 0);
        inside.copied().collect()
    };
    let (bids, asks) = (&taking_part(bids)[..], &taking_part(asks)[..]);
    let (band, ladders) = (band(ends, reference), ladders(bids, asks));
    let expected = brute(bids, asks, ends, reference);
    let price = rule::clearing_price(&band, &ladders);
    assert_eq!(price.map(|p| p.0 as i64), expected.map(|e| e[0]));
    let passes = |price: &u64| {
        let price = Ticks(*price);
        rule::check(&band, price, &Neighbourhood::new(&band, price, &ladders)).is_ok()
    };
    let passing: Vec<u64> = (low..=high).filter(passes).collect();
    assert_eq!(passing, Vec::from_iter(price.map(|p| p.0)));
    let gap = (low - 1..=high).any(|gap| rule::check_no_trade(&band, Ticks(gap), &ladders));
    assert_eq!(gap, price.is_none());
    let cleared = market::auction::clear(&terms(band, 1 << 31), &orders(ladders));
    assert_eq!(cleared.price, price);
    let Some([price, volume, imbalance]) = expected else {
        return;
    };
    assert_eq!(cleared.depth.volume().0 as i64, volume);
    assert_eq!(cleared.depth.imbalance().0 as i64, imbalance);
    let fills = cleared.results.iter().map(|r| r.unwrap());
    let (mut bought, mut sold) = (0, 0);
    for (fill, &(limit, lots)) in fills.zip(bids.iter().chain(asks)) {
        let is_bid = fill.bought.0 > 0;
        bought += fill.bought.0 as i64;
        sold += fill.sold.0 as i64;
        let traded = fill.bought.0 + fill.sold.0;
        assert!(traded <= lots && fill.reached.0 <= lots);
        assert_eq!(fill.cash.0, traded * price as u64);
        // Nobody trades beyond a limit.
        if traded > 0 {
            assert_eq!(is_bid, fill.sold.0 == 0);
            let (limit, price) = (limit as i64, price);
            assert!(if is_bid {
                limit >= price
            } else {
                limit <= price
            });
        }
    }
    assert_eq!([bought, sold], [volume; 2]);
}

#[test]
fn random_books_clear_as_by_brute_force() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..60_000 {
        let high = [4, 7, 13, 31][rng.random_range(0..4)];
        let most = [1, 2, 5, 100][rng.random_range(0..4)];
        let mut side = || -> Vec<(u64, u64)> {
            let orders = rng.random_range(0..10);
            (0..orders)
                .map(|_| (rng.random_range(1..=high), rng.random_range(1..=most)))
                .collect()
        };
        let (bids, asks) = (side(), side());
        // Also outside the band.
        let reference = rng.random_range(1..=high + 2);
        agrees(&bids, &asks, [1, high], reference);
        agrees(&bids, &asks, [3.min(high), high], reference);
    }
}

/// Every book of up to three lots at each limit of two bids and two asks in a band of four prices.
#[test]
fn all_small_books_clear_as_by_brute_force() {
    let quantities: Vec<(u64, u64)> = (1..=4).flat_map(|p| [0, 1, 2].map(|l| (p, l))).collect();
    for first in &quantities {
        for second in &quantities {
            for third in &quantities {
                for reference in [1, 2, 4] {
                    agrees(&[*first, *second], &[*third], [1, 4], reference);
                    agrees(&[*first], &[*second, *third], [1, 4], reference);
                }
            }
        }
    }
}

/// Price, volume and imbalance at a reference.
fn published(bids: &Side, asks: &Side, reference: u64) -> [i64; 3] {
    let limits = || bids.iter().chain(asks).map(|(limit, _)| *limit);
    let ends = [limits().min().unwrap(), limits().max().unwrap()];
    let ladders = ladders(bids, asks);
    let Cleared { price, depth, .. } =
        market::auction::clear(&terms(band(ends, reference), 0), &orders(ladders));
    [
        price.unwrap().0 as i64,
        depth.volume().0 as i64,
        depth.imbalance().0 as i64,
    ]
}

#[test]
fn asx_example() {
    let bids = [(640, 500), (639, 500), (639, 500), (634, 1000), (633, 500)];
    let asks = [(610, 1000), (640, 500), (641, 520), (642, 550), (643, 519)];
    assert_eq!(published(&bids, &asks, 630), [639, 1000, 500]);
}

#[test]
fn nse_example() {
    // Demand 50500, 37000, 27500, 15500 and supply 11500, 21300, 36300, 48300 at 103 to 106.
    let bids = [(103, 13_500), (104, 9_500), (105, 12_000), (106, 15_500)];
    let asks = [(103, 11_500), (104, 9_800), (105, 15_000), (106, 12_000)];
    assert_eq!(published(&bids, &asks, 105), [105, 27_500, -8_800]);
}

#[test]
fn market_grid_example() {
    let bids = [
        (130, 45),
        (129, 95),
        (128, 25),
        (127, 35),
        (126, 25),
        (125, 55),
        (124, 200),
        (123, 80),
        (122, 60),
    ];
    let asks = [
        (131, 35),
        (130, 50),
        (129, 10),
        (128, 15),
        (127, 10),
        (126, 20),
        (125, 90),
        (124, 155),
        (123, 125),
        (122, 10),
    ];
    assert_eq!(published(&bids, &asks, 127)[..2], [124, 290]);
}

#[test]
fn xetra_market_model_examples() {
    let balanced = published(
        &[(202, 200), (201, 200), (200, 300)],
        &[(200, 200), (199, 300), (198, 200)],
        200,
    );
    assert_eq!(balanced, [200, 700, 0]);
    let demand_left = published(&[(202, 400), (201, 200)], &[(199, 300), (198, 200)], 200);
    assert_eq!(demand_left, [201, 500, 100]);
    let supply_left = published(&[(202, 300), (201, 200)], &[(199, 300), (198, 300)], 200);
    assert_eq!(supply_left, [199, 500, -100]);
    let book = ([(202, 300), (201, 200)], [(199, 300), (198, 200)]);
    assert_eq!(published(&book.0, &book.1, 200)[0], 200);
    assert_eq!(published(&book.0, &book.1, 203)[0], 201);
}

#[test]
fn bursa_example() {
    let bids = [
        (310, 4_500),
        (308, 25_000),
        (308, 3_200),
        (304, 1_900),
        (300, 49_700),
        (299, 8_000),
        (298, 16_400),
        (297, 5_400),
        (296, 900),
        (295, 4_575),
    ];
    let asks = [
        (298, 6_600),
        (298, 5_000),
        (299, 3_600),
        (300, 17_500),
        (306, 1_900),
        (308, 16_900),
        (310, 8_500),
    ];
    // Among the limits alone it would be 304 or 306: at 305 nothing is left over.
    for reference in [295, 305, 310] {
        assert_eq!(published(&bids, &asks, reference), [305, 32_700, 0]);
    }
}

#[test]
fn each_step_of_the_rule_says_why_a_price_is_not_its_own() {
    let says = |bids: &Side, asks: &Side, reference: u64, price: u64| {
        let (band, ladders) = (band([1, 9], reference), ladders(bids, asks));
        let price = Ticks(price);
        rule::check(&band, price, &Neighbourhood::new(&band, price, &ladders))
    };
    let no = |why| Err(why);
    let one = (&[(5, 10)][..], &[(5, 10)][..]);
    assert_eq!(says(one.0, one.1, 5, 5), Ok(()));
    assert_eq!(says(one.0, one.1, 5, 4), no(NotClearing::NoVolume));
    assert_eq!(
        says(&[(7, 10)], &[(3, 10)], 5, 4),
        no(NotClearing::Reference)
    );
    assert_eq!(
        says(&[(7, 10)], &[(3, 10)], 5, 6),
        no(NotClearing::Reference)
    );
    assert_eq!(says(&[(7, 10)], &[(3, 4)], 5, 5), no(NotClearing::Pressure));
    assert_eq!(says(&[(7, 4)], &[(3, 10)], 5, 5), no(NotClearing::Pressure));
    // Demand 5 and supply 4 at 4; demand 5 and supply 14 at 5.
    let (bids, asks) = (&[(7, 5)][..], &[(4, 4), (5, 10)][..]);
    assert_eq!(says(bids, asks, 5, 4), no(NotClearing::Volume));
    assert_eq!(says(bids, asks, 5, 5), Ok(()));
    // Demand 10 and supply 4 at 4; demand 4 and supply 5 at 5.
    let (bids, asks) = (&[(4, 6), (7, 4)][..], &[(3, 4), (5, 1)][..]);
    assert_eq!(says(bids, asks, 5, 4), no(NotClearing::Imbalance));
    assert_eq!(says(bids, asks, 5, 5), Ok(()));
    // Equal in all: the reference decides.
    let (bids, asks) = (&[(4, 6), (7, 4)][..], &[(3, 4), (5, 6)][..]);
    assert_eq!(says(bids, asks, 4, 4), Ok(()));
    assert_eq!(says(bids, asks, 4, 5), no(NotClearing::Reference));
    assert_eq!(says(bids, asks, 5, 5), Ok(()));
    assert_eq!(says(bids, asks, 5, 4), no(NotClearing::Reference));
    assert_eq!(says(one.0, one.1, 5, 10), no(NotClearing::NoCandidate));
}

/// What so many lots at one price get of so many that trade.
fn shares(lots: &[u64], traded: u64, draw: u32) -> Vec<u64> {
    let mut all = ladders(&[], &lots.iter().map(|l| (5, *l)).collect::<Vec<_>>());
    all.push(Ladder::bid(traded, 5));
    let cleared = market::auction::clear(&terms(band([5, 5], 5), draw), &orders(all));
    let fills = cleared.results.iter().map(|r| r.unwrap().sold.0);
    fills.take(lots.len()).collect()
}

#[test]
fn cme_pro_rata_example() {
    assert_eq!(shares(&[5, 20, 50, 75], 50, 0), [1, 7, 17, 25]);
}

#[test]
fn no_order_gains_by_its_place_or_by_being_split() {
    // One lot of each of three: without a draw always the last would get it.
    let mean = |lots: &[u64], traded: u64, which: &[usize]| {
        let draws = (0..1u32 << 10).map(|i| i << 22);
        let sum: u64 = draws
            .flat_map(|draw| {
                let shares = shares(lots, traded, draw);
                which.iter().map(move |i| shares[*i]).collect::<Vec<_>>()
            })
            .sum();
        sum as f64 / 1024.0
    };
    for place in 0..3 {
        assert!((mean(&[1, 1, 1], 1, &[place]) - 1.0 / 3.0).abs() < 0.002);
    }
    let whole = mean(&[10, 7, 9], 13, &[1]);
    let split = mean(&[10, 3, 4, 9], 13, &[1, 2]);
    assert!((whole - split).abs() < 0.01, "{whole} {split}");
}

proptest! {
    #[test]
    fn rationing_is_exact_and_fair_within_a_lot(
        lots in prop::collection::vec(1u64..50, 1..12), share in 0.0f64..=1.0, draw: u32,
    ) {
        let all: u64 = lots.iter().sum();
        let traded = ((all as f64 * share) as u64).max(1);
        let shares = shares(&lots, traded, draw);
        prop_assert_eq!(shares.iter().sum::<u64>(), traded);
        for (share, lots) in shares.iter().zip(&lots) {
            prop_assert!(share <= lots);
            // Within one lot of lots * traded / all.
            let exact = lots * traded;
            prop_assert!(share * all < exact + all && share * all + all > exact);
        }
    }
}

fn quantity(lots: u64, limit: u64) -> Quantity {
    Quantity {
        lots: Lots(lots),
        limit: Ticks(limit),
    }
}

#[test]
fn a_ladder_never_trades_with_itself() {
    let quotes = Ladder(vec![
        Level {
            bid: quantity(10, 4),
            ask: quantity(10, 6),
        },
        Level {
            bid: quantity(20, 3),
            ask: quantity(20, 7),
        },
    ]);
    for (other, bought, sold) in [(Ladder::ask(25, 3), 25, 0), (Ladder::bid(25, 7), 0, 25)] {
        let cleared = market::auction::clear(
            &terms(band([1, 9], 5), 0),
            &orders(vec![quotes.clone(), other]),
        );
        let fill = cleared.results[0].unwrap();
        assert_eq!(
            (fill.bought.0, fill.sold.0, fill.reached.0),
            (bought, sold, 30)
        );
    }
    let crossed = Ladder(vec![Level {
        bid: quantity(1, 5),
        ask: quantity(1, 5),
    }]);
    let expected = Void::Crossed {
        bid: Ticks(5),
        ask: Ticks(5),
    };
    assert_eq!(crossed.check(&band([1, 9], 5)), Err(expected));
}

#[test]
fn the_highest_nonce_lives_and_among_equals_the_last() {
    let order = |account, nonce, ladder| Order {
        account,
        nonce,
        quote: false,
        reduce_only: false,
        admission: Admission::default(),
        ladder,
    };
    let all = [
        order(1, 7, Ladder::bid(1, 5)),
        order(2, 1, Ladder::ask(9, 5)),
        order(1, 9, Ladder::bid(2, 5)),
        order(1, 9, Ladder::bid(3, 5)),
        order(1, 8, Ladder::bid(4, 5)),
        // A cancel, and one that replaces by what can't take part.
        order(3, 1, Ladder::bid(5, 5)),
        order(3, 2, Ladder::default()),
        order(4, 1, Ladder::bid(5, 5)),
        order(4, 2, Ladder::bid(5, 10)),
    ];
    let cleared = market::auction::clear(&terms(band([1, 9], 5), 0), &all);
    let outside = Void::OutsideBand {
        limit: Ticks(10),
        low: Ticks(1),
        high: Ticks(9),
    };
    let bought = |lots| {
        Ok(Fill {
            bought: Lots(lots),
            reached: Lots(lots),
            cash: Ticks(5 * lots),
            ..Fill::default()
        })
    };
    let sold = Fill {
        sold: Lots(3),
        reached: Lots(9),
        cash: Ticks(15),
        ..Fill::default()
    };
    assert_eq!(
        cleared.results,
        [
            Err(Void::Replaced),
            Ok(sold),
            Err(Void::Replaced),
            bought(3),
            Err(Void::Replaced),
            Err(Void::Replaced),
            Err(Void::Cancels),
            Err(Void::Replaced),
            Err(outside),
        ]
    );
    assert_eq!(
        outside.to_string(),
        "a limit of 0.000010 a lot is outside the band from 0.000001 to 0.000009"
    );
}

#[test]
fn what_cannot_be_settled_is_void() {
    let step = 1 << 12;
    let ends = [Ticks(step), Ticks((1 << 40) - 2 * step)];
    let band = Band::new(ends, Ticks(step), Ticks(step)).unwrap();
    let void = |lots| Ladder::bid(lots, step).check(&band);
    assert_eq!(void(1 << 20), Ok(()));
    assert_eq!(
        void((1 << 20) + 1),
        Err(Void::TooLarge(Lots((1 << 20) + 1)))
    );
    let narrow = self::band([1, 9], 5);
    assert_eq!(Ladder::ask((1 << 30) - 1, 5).check(&narrow), Ok(()));
    let two = Ladder(vec![
        Level {
            bid: quantity(1 << 29, 5),
            ask: quantity(0, 0)
        };
        2
    ]);
    assert_eq!(two.check(&narrow), Err(Void::TooLarge(Lots(1 << 30))));
}

#[test]
fn limits_between_steps_count_as_the_step_that_they_allow() {
    let band = Band::new([Ticks(10), Ticks(50)], Ticks(10), Ticks(30)).unwrap();
    let bids = [(35, 10), (30, 10)];
    let all = orders(ladders(&bids, &[(25, 15)]));
    let cleared = market::auction::clear(&terms(band, 0), &all);
    // 35 buys at 30 and not at 40, so both bids are marginal.
    assert_eq!(cleared.price, Some(Ticks(30)));
    let bought: Vec<u64> = cleared
        .results
        .iter()
        .map(|r| r.unwrap().bought.0)
        .collect();
    assert_eq!(bought, [7, 8, 0]);
}

#[test]
fn fees_are_rounded_up_and_rebates_down() {
    let fees = Fees::new(500, 100).unwrap();
    assert_eq!(fees.of(Ticks(2_000_000), false), (Ticks(1_000), Ticks(0)));
    assert_eq!(fees.of(Ticks(2_000_001), false), (Ticks(1_001), Ticks(0)));
    assert_eq!(fees.of(Ticks(2_000_001), true), (Ticks(0), Ticks(200)));
    assert_eq!(fees.of(Ticks(0), false), (Ticks(0), Ticks(0)));
    assert_eq!(Fees::new(100_001, 0), Err(TooHigh(100_001)));
    assert_eq!(Fees::new(0, 100_001), Err(TooHigh(100_001)));
    assert!(Fees::new(100_000, 100_000).is_ok());
}

#[test]
fn what_is_no_band_is_refused() {
    let says = |low, high, step, reference| {
        let band = Band::new([Ticks(low), Ticks(high)], Ticks(step), Ticks(reference));
        band.map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(says(1_000_000, 2_000_000, 500_000, 4_500_000), Ok(()));
    let step = |step| {
        Err(format!(
            "a step of {step} does not lead from 1.000000 to 2.000000"
        ))
    };
    assert_eq!(
        says(1_000_000, 2_000_000, 300_000, 1_000_000),
        step("0.300000")
    );
    assert_eq!(says(1_000_000, 2_000_000, 0, 1_000_000), step("0.000000"));
    let reference = "the reference price 1.250000 is not a whole number of steps from the band's lower end; round it";
    assert_eq!(
        says(1_000_000, 2_000_000, 500_000, 1_250_000),
        Err(reference.into())
    );
    let size = "a band's prices are above zero and below 2^40 ticks a lot, and at most 2^30 steps";
    for (low, high, step) in [(0, 1, 1), (1, 1 << 40, 1), (1, (1 << 30) + 2, 1)] {
        assert_eq!(says(low, high, step, low), Err(size.into()), "{low} {high}");
    }
}

#[test]
fn what_the_book_refuses_is_told_apart_from_what_it_replaces() {
    let order = |account, nonce, refusal| Order {
        account,
        nonce,
        quote: false,
        reduce_only: false,
        admission: Admission {
            refusal,
            ..Admission::default()
        },
        ladder: Ladder::bid(2, 5),
    };
    let all = [
        // Someone else's order in the account's name replaces nothing.
        order(1, 1, None),
        order(1, 2, Some(Refusal::Secret)),
        order(2, 1, Some(Refusal::NoAccount)),
        // The account's own does, though it is not let in.
        order(3, 1, None),
        order(3, 2, Some(Refusal::Margin)),
        order(4, 1, Some(Refusal::Room)),
    ];
    let cleared = market::auction::clear(&terms(band([1, 9], 5), 0), &all);
    let refused = |refusal| Err(Void::Refused(refusal));
    let nothing = Ok(Fill::default());
    let expected = [
        nothing,
        refused(Refusal::Secret),
        refused(Refusal::NoAccount),
        Err(Void::Replaced),
        refused(Refusal::Margin),
        refused(Refusal::Room),
    ];
    assert_eq!(cleared.results, expected);
}

#[test]
fn an_order_that_only_reduces_trades_no_more_than_it_may() {
    let level = |bid: (u64, u64)| Level {
        bid: Quantity {
            lots: Lots(bid.0),
            limit: Ticks(bid.1),
        },
        ask: Quantity::default(),
    };
    // 3 lots at 7 and 2 of the 4 at 6, in the order of its levels.
    let order = |account, ladder, most| Order {
        account,
        nonce: 1,
        quote: false,
        reduce_only: true,
        admission: Admission {
            refusal: None,
            most,
        },
        ladder,
    };
    let ladder = Ladder(vec![level((3, 7)), level((4, 6))]);
    let all = [
        order(1, ladder, [Lots(5), Lots(0)]),
        order(2, Ladder::ask(9, 6), [Lots(0), Lots(9)]),
        order(3, Ladder::ask(9, 1), [Lots(9), Lots(0)]),
    ];
    let cleared = market::auction::clear(&terms(band([1, 9], 5), 0), &all);
    assert_eq!(cleared.price, Some(Ticks(6)));
    assert_eq!(
        (cleared.depth.demand, cleared.depth.supply),
        (Lots(5), Lots(9))
    );
    let traded = cleared.results.iter().map(|r| {
        let fill = r.unwrap();
        (fill.bought.0, fill.sold.0)
    });
    assert_eq!(traded.collect::<Vec<_>>(), [(5, 0), (0, 5), (0, 0)]);
}
