//! Example claims.

use gadgets::hash::DIGEST;
use market::auction::{Admission, Band, Fees, Ladder, Level, Quantity, Refusal};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};
use serde_json::json;
use stark::{F, felt};

use super::{Auction, Entry, Inputs, Instrument, Prepared};
use crate::account::Secret;
use crate::kit::{Example, Inputs as ExampleInputs, Size};
use crate::orders::{Opening, Randomness, session};

/// Sealed orders in many instruments.
pub(super) fn examples() -> Vec<Example<Auction>> {
    vec![
        Example {
            name: "auction",
            inputs: |size| inputs(size, 1),
        },
        Example {
            name: "auction-ladders",
            inputs: |size| inputs(size, 2),
        },
    ]
}

fn inputs(size: &Size, levels: u32) -> ExampleInputs<Auction> {
    let orders = size.orders.unwrap_or(10_000);
    let instruments = (orders / 150).clamp(3, 64);
    let sizes = json!({ "orders": orders, "instruments": instruments, "levels": levels });
    let sample = sample(orders, instruments, levels, 1);
    ExampleInputs::new(sizes, move |secret| {
        Prepared::new(&signed(sample.clone(), secret))
    })
}

/// The same orders with secrets that follow from this one.
pub(super) fn signed(mut inputs: Inputs, secret: &Secret) -> Inputs {
    for (i, entry) in inputs.entries.iter_mut().enumerate() {
        if let Entry::Opened(opening, _) = entry {
            opening.secret = secret.salt_for(&[felt(i as u64); DIGEST]);
        }
    }
    inputs
}

/// A batch of so many orders: bids and asks about the reference, quotes on both sides, replaced and cancelled orders, orders that
/// only reduce, void and refused ones. The last instrument does not trade.
pub(super) fn sample(orders: usize, instruments: usize, levels: u32, seed: u64) -> Inputs {
    let mut rng = StdRng::seed_from_u64(seed);
    let instrument = |i: usize| {
        let reference = 100_000_000 + 1_000_000 * i as u64;
        let step = 10_000 * (1 + i as u64 % 3);
        let band = [reference - 200 * step, reference + 200 * step].map(Ticks);
        Instrument {
            number: 2 * i as u32,
            symbol: format!("SAMPLE-{i}"),
            band: Band::new(band, Ticks(step), Ticks(reference)).expect("a band"),
            fees: Fees::new(500, 100).expect("low rates"),
        }
    };
    let instruments: Vec<Instrument> = (0..instruments).map(instrument).collect();
    let venue = "SAMPLE";
    let batch = 7;
    let entries = (0..orders).map(|i| {
        let chosen = rng.random_range(0..instruments.len());
        let dry = chosen + 1 == instruments.len();
        let opening = Opening {
            account: rng.random_range(0..1 << 60) / (1 + u64::from(i % 7 == 0)),
            instrument: instruments[chosen].number as usize,
            nonce: rng.random_range(0..1 << 30),
            quote: rng.random_bool(0.3),
            reduce_only: rng.random_bool(0.1),
            ladder: ladder(&mut rng, &instruments[chosen].band, levels as usize, dry),
            session: session(venue, batch),
            secret: std::array::from_fn(|_| rng.random::<F>()),
        };
        let most = match opening.reduce_only {
            true => [rng.random_range(0..60), 0].map(Lots),
            false => Admission::default().most,
        };
        let refusal = match rng.random_range(0..50) {
            0 => Some(Refusal::NoAccount),
            1 => Some(Refusal::Secret),
            2 => Some(Refusal::Margin),
            3 => Some(Refusal::Room),
            _ => None,
        };
        (opening, Admission { refusal, most })
    });
    let mut entries: Vec<(Opening, Admission)> = entries.collect();
    // Some accounts send again, in the same instrument.
    for i in (4..orders).step_by(5) {
        let earlier = entries[i - 4].0.clone();
        let (opening, _) = &mut entries[i];
        opening.account = earlier.account;
        opening.instrument = earlier.instrument;
        opening.secret = earlier.secret;
        if i % 2 == 0 {
            opening.ladder = Ladder::default();
        }
    }
    let mut entries: Vec<Entry> = entries
        .into_iter()
        .map(|(opening, admission)| Entry::Opened(opening, admission))
        .collect();
    for i in (9..orders).step_by(50) {
        if let Entry::Opened(opening, _) = &entries[i] {
            let [commitment, _] = opening.digests(levels as usize);
            entries[i] = Entry::Skipped(commitment.into());
        }
    }
    Inputs {
        venue: venue.into(),
        batch,
        quote: "USD".into(),
        levels,
        instruments,
        randomness: Randomness(std::array::from_fn(|i| i as u8)),
        entries,
        shows_depth: seed.is_multiple_of(2),
    }
}

/// Bids below asks, mostly near the reference and on its far side often enough that orders trade.
fn ladder(rng: &mut StdRng, band: &Band, levels: usize, dry: bool) -> Ladder {
    let step = band.step().0;
    let mut at = |steps: i64| {
        let off = rng.random_range(0..3u64) / 2 * (step / 3);
        let price = band.reference().0 as i64 + steps * step as i64;
        Ticks((price + off as i64).max(1) as u64)
    };
    let spread = if dry { 30 } else { 0 };
    let limits: Vec<[Ticks<u64>; 2]> = (0..levels as i64)
        .map(|i| [at(-spread - i), at(spread + 1 + i)])
        .collect();
    let shift = if dry {
        0
    } else {
        rng.random_range(-12i64..=12)
    };
    let side = rng.random_range(0..5);
    let far = rng.random_range(0..40) == 0;
    let crossed = rng.random_range(0..12) == 0;
    let levels = limits.into_iter().map(|[bid, ask]| {
        let moved = |limit: Ticks<u64>| {
            let away = if far { 400 } else { shift };
            Ticks((limit.0 as i64 + away * step as i64) as u64)
        };
        let mut quantity = |limit, trades: bool| Quantity {
            lots: Lots(if trades { rng.random_range(1..100) } else { 0 }),
            limit: moved(limit),
        };
        let [bid, ask] = if crossed { [ask, bid] } else { [bid, ask] };
        Level {
            bid: quantity(bid, side != 0 && side != 1),
            ask: quantity(ask, side != 2 && side != 3),
        }
    });
    Ladder(levels.collect())
}
