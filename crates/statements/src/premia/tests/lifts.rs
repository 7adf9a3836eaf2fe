//! Where a private EVaR may lie above the true one, and how it is drawn.

use venue::certificate::{Certificate, Gains};
use venue::state::charge;

use super::forged::wrong;
use super::*;
use crate::kit::Refusal;
use crate::venues::tables::scenarios::BlockState;

fn with(grid: Option<Decimal>, tolerance: Option<Decimal>) -> Terms {
    Terms {
        shows: Shows::Totals { grid, tolerance },
        ..terms()
    }
}

fn made(changes: &[Change], terms: &Terms, secret: &Secret) -> Result<Prepared, Refusal> {
    let set = scenarios(2, 300);
    Prepared::new(&set, &state(&set), changes, terms, secret)
}

fn some_trades(n: usize) -> Vec<Change> {
    changes(&trades(&scenarios(2, 300), n))
}

fn stated(prepared: &Prepared) -> [u64; 2] {
    let Shown::Totals {
        grid, tolerance, ..
    } = &prepared.claim().shown
    else {
        panic!("totals are claimed")
    };
    [grid, tolerance].map(|x| x.rescale_exact(6).expect("ticks") as u64)
}

/// The EVaR of each evaluated state, private and as its certificate has it, in ticks.
fn evars(prepared: &Prepared) -> Vec<(u64, u64)> {
    let rows = prepared.rows(0);
    let evaluated = rows.states[1..].iter();
    let own = |bound: u128| bound.div_ceil(1 << 20) as u64;
    evaluated.map(|row| (row.evar, own(row.bound))).collect()
}

/// From the certificate's EVaR to the tolerance above it, a venue may say what it likes; nothing below and nothing above.
#[test]
fn a_private_evar_lies_within_the_tolerance() {
    // So coarse a grid that no EVaR here crosses a multiple of it.
    let terms = with(Some(Decimal::from_int(1_000_000)), None);
    let prepared = made(&[], &terms, &secret()).expect("it is true");
    let [_, tolerance] = stated(&prepared);
    let (drawn, least) = evars(&prepared)[0];
    assert!((least..=least + tolerance).contains(&drawn));
    let saying = |evar: u64| {
        wrong(&prepared, |rows: &mut Rows| {
            for row in &mut rows.states {
                (row.evar, row.evar_after) = (evar, evar);
            }
        })
    };
    assert_eq!(saying(least), [""; 0]);
    assert_eq!(saying(least - 1), ["STATES-8"]);
    // The certificate's gap and slack take some ticks of the tolerance.
    assert_eq!(saying(least + tolerance - tolerance / 1_000), [""; 0]);
    assert_eq!(saying(least + tolerance), ["STATES-12"]);
    assert_eq!(saying(least + 2 * tolerance), ["STATES-12"]);
    // The highest is right to the tick: the one above is not.
    let (mut low, mut high) = (least, least + tolerance);
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if saying(middle).is_empty() {
            low = middle;
        } else {
            high = middle;
        }
    }
    let row = &prepared.rows(0).states[1];
    // allowed >= evar - mean, and allowed = tolerance - slack evar
    let slack = prepared.context().hidden.as_ref().expect("hidden").slack;
    let fits = |evar: u64| {
        let allowed = (u128::from(tolerance) << 40) - u128::from(slack) * u128::from(evar);
        allowed * row.weights >= (u128::from(evar) * row.weights - row.gains) << 40
    };
    assert!(fits(low) && !fits(high), "{low} {high}");
}

/// A flatter tilt has a bound above EVaR and a mean far below it: what counts is how far the mean is below the private EVaR.
#[test]
fn a_tilt_that_is_too_flat_exceeds_the_tolerance() {
    let prepared = made(&[], &with(None, None), &secret()).expect("it is true");
    let [_, tolerance] = stated(&prepared);
    let row = prepared.rows(0).states[1].clone();
    let rows = prepared.rows(0);
    let gains = rows.scenarios[..300].iter().map(|row| row.gain());
    let gains = Gains::equal(gains.collect());
    let context = prepared.context();
    // The bound at which the weights' sum meets its budget again.
    let at = |bound: u128| Certificate {
        bound,
        scale: row.scale * 3,
    };
    let (mut low, mut high) = (row.bound, row.bound * 2);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let sums = at(middle).sums(&gains).expect("weights");
        if sums.weights > context.budget {
            low = middle;
        } else {
            high = middle;
        }
    }
    let flat = at(high);
    let evar = high.div_ceil(1 << 20) as u64;
    let found = wrong(&prepared, |rows: &mut Rows| {
        let state = std::sync::Arc::new(BlockState {
            bound: flat.bound,
            scale: flat.scale,
            ..(*rows.scenarios[0].state).clone()
        });
        for row in &mut rows.scenarios {
            row.state = state.clone();
            row.weight = flat.weight(row.gain(), 0).expect("it has a weight");
        }
        (rows.states[1].bound, rows.states[1].scale) = (flat.bound, flat.scale);
        for row in &mut rows.states {
            (row.evar, row.evar_after) = (evar, evar);
        }
    });
    assert!(found.contains(&"STATES-12".into()), "{found:?}");
    for fine in [
        "STATES-8",
        "STATES-9",
        "STATES-10",
        "STATES-11",
        "STATES-13",
    ] {
        assert!(!found.contains(&fine.into()), "{fine} {found:?}");
    }
    let [least, _] = [row.bound, flat.bound].map(|b| b.div_ceil(1 << 20) as u64);
    println!("EVaR {least}, bound of the flat tilt {evar}, tolerance {tolerance}");
}

/// The same secret draws the same again, another one or another tolerance something else; where nothing changes, nothing is paid.
#[test]
fn draws_follow_from_the_secret_and_the_state() {
    let day = some_trades(30);
    let terms = with(None, None);
    let own = made(&day, &terms, &secret()).expect("it is true");
    let again = made(&day, &terms, &secret()).expect("it is true");
    assert_eq!(own.claim(), again.claim());
    assert_eq!(own.receipts(), again.receipts());
    let other = testing::secret_of('8');
    let other = made(&day, &terms, &other).expect("it is true");
    assert_ne!(evars(&own), evars(&other));
    let [grid, tolerance] = stated(&own);
    assert_eq!(tolerance, grid / 10);
    let finer = with(None, Some(venue::state::ticks(i128::from(tolerance / 2))));
    let finer = made(&day, &finer, &secret()).expect("it is true");
    let lifts =
        |p: &Prepared| -> Vec<u64> { evars(p).iter().map(|(own, least)| own - least).collect() };
    let halves = lifts(&own)
        .iter()
        .zip(lifts(&finer))
        .filter(|(a, b)| (*a / 2).abs_diff(*b) < tolerance / 100)
        .count();
    assert!(
        halves < 10,
        "{halves} draws are the same part of another tolerance"
    );
    // They spread over the whole tolerance.
    let drawn = lifts(&own);
    assert!(drawn.iter().all(|l| *l <= tolerance));
    assert!(
        drawn.iter().any(|l| *l < tolerance / 5) && drawn.iter().any(|l| *l > tolerance / 5 * 4),
        "{drawn:?}"
    );
    // Each premium is the model's, to within the tolerance.
    for (pair, receipt) in evars(&own).windows(2).zip(own.receipts()) {
        let charge = |a, b| charge(Ticks(a), Ticks(b)).0;
        let model = charge(pair[0].1, pair[1].1);
        let paid = receipt.premium.rescale_exact(6).expect("ticks") as u64;
        assert_eq!(paid, charge(pair[0].0, pair[1].0));
        assert!(paid.abs_diff(model) <= tolerance, "{paid} {model}");
    }
    // A trade of nothing, and money that EVaR does not depend on.
    let still = [
        Change::Trade(Trade {
            market: 0,
            lots: Lots(0),
            price: Ticks(50_000_000),
        }),
        Change::Transfer(venue::state::Transfer {
            collected: Ticks(5_000_000),
            ..Default::default()
        }),
    ];
    let still = made(&still, &terms, &secret()).expect("it is true");
    assert!(still.receipts().iter().all(|r| r.premium.is_zero()));
}

/// A grid or a tolerance that do not fit are refused, with what does.
#[test]
fn a_grid_that_hides_nothing_is_refused() {
    let day = some_trades(2);
    let refused = |grid: Option<Decimal>, tolerance: Option<Decimal>| {
        let made = made(&day, &with(grid, tolerance), &secret());
        made.expect_err("it does not fit").to_string()
    };
    let hint = |refused: &str| -> Decimal {
        let least = refused.split("of ").last().expect("a hint");
        least
            .split(' ')
            .next()
            .expect("a number")
            .parse()
            .expect("a number")
    };
    let text = refused(Some(Decimal::ONE), None);
    assert!(text.contains("does not hide"), "{text}");
    made(&day, &with(Some(hint(&text)), None), &secret()).expect("the hint is right");
    let wide = Some(Decimal::from_int(5_000));
    let text = refused(None, wide);
    assert!(text.contains("or a smaller tolerance"), "{text}");
    made(&day, &with(Some(hint(&text)), wide), &secret()).expect("the hint is right");
    for tolerance in [Decimal::new(1, 6), Decimal::ZERO] {
        let text = refused(None, Some(tolerance));
        assert!(text.contains("too small to prove"), "{text}");
    }
    let text = refused(None, Some(Decimal::new(5, 7)));
    assert!(text.contains("a tolerance of"), "{text}");
}
