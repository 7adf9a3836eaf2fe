//! A claim's market is checked by whoever verifies it: what no market shows is refused before anything is priced.

use std::time::Instant;

use fixed::Decimal;
use market::{Kind, Snapshot};
use stark::Statement;

use super::*;

/// Why a claim over a changed market, whose digests follow, is refused; `fine` if it is not.
fn told(change: impl FnOnce(&mut Snapshot)) -> String {
    let mut claim = single().claim().clone();
    change(&mut claim.snapshot);
    claim.snapshot_digest = snapshot_digest(&claim.snapshot);
    claim.parameters_digest = parameters_digest(&claim.snapshot);
    Margin::context(&claim).map_or_else(|e| e, |_| "fine".into())
}

fn option(snapshot: &mut Snapshot) -> &mut market::Instrument {
    let options = snapshot.instruments.iter_mut();
    let mut options = options.filter(|i| matches!(i.kind, Kind::Option { .. }));
    options.next().expect("the sample has options")
}

#[test]
fn a_claim_with_an_expired_or_impossible_option_is_refused() {
    assert_eq!(told(|_| ()), "fine");
    for (refused, expected) in [
        (
            told(|s| {
                if let Kind::Option { expiry_ms, .. } = &mut option(s).kind {
                    *expiry_ms = 0;
                }
            }),
            "expiry_ms: it expired on 1970-01-01",
        ),
        (
            told(|s| option(s).mark = Decimal::from_int(500_000)),
            "a call is worth at most the forward",
        ),
        (told(|s| option(s).mark = tripled(s)), "is far from"),
        (told(|s| s.as_of_ms = 0), "as_of_ms: 0 is no moment"),
    ] {
        assert!(refused.contains(expected), "{refused}\nlacks\n{expected}");
    }
    // With a reason it is fine, and the words repeat it.
    let mut claim = single().claim().clone();
    option(&mut claim.snapshot).mark = tripled(&mut claim.snapshot);
    option(&mut claim.snapshot).mark_reason = Some("illiquid".into());
    let words = words(&claim).join("\n");
    let line = "1 option(s) of that market are marked far from their model price, for the stated reason `illiquid`";
    assert!(words.contains(line), "{words}");
    assert_eq!(told(|s| *s = claim.snapshot.clone()), "fine");
}

/// A mark that is possible and far from the model's.
fn tripled(snapshot: &mut Snapshot) -> Decimal {
    let mark = option(snapshot).mark;
    mark.checked_mul(&Decimal::from_int(3)).unwrap()
}

/// Twenty thousand options are refused at once, where pricing them all took seconds.
#[test]
fn too_many_options_are_refused_before_they_are_priced() {
    let many = |count: usize| {
        move |s: &mut Snapshot| {
            let like = option(s).clone();
            s.instruments = (0..count)
                .map(|i| market::Instrument {
                    symbol: format!("X{i}"),
                    ..like.clone()
                })
                .collect();
        }
    };
    let start = Instant::now();
    let refused = told(many(20_000));
    let (refused_in, start) = (start.elapsed(), Instant::now());
    assert!(
        refused.contains("has 20000 instruments; at most 16384"),
        "{refused}"
    );
    assert_eq!(told(many(16_384)), "fine");
    println!(
        "refused in {refused_in:?}, the most instruments in {:?}",
        start.elapsed()
    );
    assert!(2 * refused_in < start.elapsed(), "{refused_in:?}");
}
