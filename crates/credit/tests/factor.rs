//! What tranches are expected to lose over the factor of a copula.

use credit::copula::{CERTAIN, DefaultTimes};
use credit::deal::{Coupon, Deal};
use credit::factor::{ExpectedLoss, MAX_NODES, MIN_NODES, OneFactor, expected_losses};
use credit::import::tape::read_template;
use credit::pool::states::states;
use credit::projection::Schedule;
use credit::protection::protect;
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use credit::stress::{Defaults, Prepayments, Stress, WEIGHT_ONE};
use credit::waterfall::DealState;
use fixed::Decimal;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn stress(cdr: &str) -> Stress {
    Stress {
        defaults: Defaults::Cdr(vec![number(cdr)]),
        prepayments: Prepayments::Cpr(vec![number("6")]),
        severity: number("50"),
        recovery_lag: 12,
        age: 0,
        delinquency: None,
    }
}

fn factor(correlation: &str, nodes: u32) -> OneFactor {
    OneFactor {
        correlation: number(correlation),
        nodes,
    }
}

struct Sample {
    deal: Deal,
    state: DealState,
    schedule: Schedule,
    /// Percent by which fixings are above the sample's.
    rise: Decimal,
}

impl Sample {
    fn new() -> Self {
        let template = read_template("mortgage").unwrap();
        let tape = sample_pool::tape(1, 400, &template);
        let schedule = Schedule::of_pool(&states(&tape).unwrap(), 90).unwrap();
        let deal = sample_deal_for(schedule.balance + schedule.doubtful);
        let state = DealState::initial(&deal).unwrap();
        Self {
            deal,
            state,
            schedule,
            rise: Decimal::ZERO,
        }
    }

    /// The deal with coupons that its loans hardly earn, so that all tranches lose something.
    fn dear() -> Self {
        let mut sample = Self::new();
        for (tranche, coupon) in sample.deal.tranches[1..].iter_mut().zip(["5.25", "6.5"]) {
            tranche.coupon = Coupon::Fixed(number(coupon));
        }
        sample.rise = number("1.4");
        sample
    }

    fn expected(&self, stress: &Stress, factor: &OneFactor) -> Vec<ExpectedLoss> {
        let mut indices = sample_indices();
        for fixing in &mut indices[0].fixings {
            *fixing = fixing.checked_add(&self.rise).unwrap();
        }
        expected_losses(
            &self.deal,
            &self.state,
            &indices,
            &self.schedule,
            stress,
            factor,
        )
        .unwrap()
    }
}

/// Without correlation the factor says nothing: what is expected is what the stress does, to the cent.
#[test]
fn no_correlation_is_the_stress() {
    let sample = Sample::new();
    for cdr in ["0", "1", "8", "30"] {
        let stress = stress(cdr);
        let outcome = protect(
            &sample.deal,
            &sample.state,
            &sample_indices(),
            &sample.schedule,
            &stress,
        );
        for nodes in [MIN_NODES, 33] {
            let expected = sample.expected(&stress, &factor("0", nodes));
            for (loss, outcome) in expected.iter().zip(outcome.as_ref().unwrap()) {
                assert_eq!(loss.tranche, outcome.tranche);
                assert_eq!(loss.principal, outcome.principal_lost);
                assert_eq!(loss.interest, outcome.interest_lost);
            }
        }
    }
}

/// Juniors lose the larger part, at every correlation and every default rate.
#[test]
fn seniors_lose_less() {
    let sample = Sample::new();
    for cdr in ["0.5", "2", "10"] {
        for correlation in ["0.05", "0.2", "0.5", "0.9"] {
            let expected = sample.expected(&stress(cdr), &factor(correlation, 25));
            let parts: Vec<Decimal> = expected.iter().map(|e| e.part).collect();
            assert!(parts.is_sorted(), "{cdr} {correlation}: {parts:?}");
            assert!(parts.iter().all(|p| *p <= Decimal::from_int(1)));
        }
    }
}

/// More correlation moves losses from juniors to seniors: the senior tranche's expected loss rises, the junior one's falls.
#[test]
fn correlation_moves_losses_up() {
    let sample = Sample::new();
    let at = |correlation| -> Vec<Decimal> {
        let expected = sample.expected(&stress("4"), &factor(correlation, 50));
        expected.iter().map(|e| e.part).collect()
    };
    let rising: Vec<_> = ["0.05", "0.1", "0.2", "0.4", "0.6"].map(at).into();
    for pair in rising.windows(2) {
        assert!(pair[0][0] < pair[1][0], "{rising:?}");
        assert!(pair[0][2] > pair[1][2], "{rising:?}");
    }
}

/// More defaults are never better for anyone.
#[test]
fn more_defaults_lose_more() {
    let sample = Sample::new();
    let factor = factor("0.2", 25);
    let runs = ["0.5", "1", "2", "4", "8"].map(|cdr| sample.expected(&stress(cdr), &factor));
    for pair in runs.windows(2) {
        for (less, more) in pair[0].iter().zip(&pair[1]) {
            assert!(less.principal <= more.principal, "{runs:?}");
        }
    }
}

/// The mean over the factor of what has defaulted by each month is what the stress says, within the bounds that the module
/// states: 10^-8 for correlations up to 0.7, 4 * 10^-4 up to 0.9, for the fewest nodes.
#[test]
fn defaults_average_out() {
    let gone = |rates: &[u64]| -> Vec<f64> {
        let mut left = 1.0;
        let month = |r: &u64| {
            left *= 1.0 - *r as f64 / WEIGHT_ONE as f64;
            1.0 - left
        };
        rates.iter().map(month).collect()
    };
    for cdr in ["0.3", "2", "15", "60"] {
        let rates = stress(cdr).default_rates(120).unwrap();
        let (times, plain) = (DefaultTimes::new(&rates).unwrap(), gone(&rates));
        for (correlation, bound) in [
            ("0.05", 1e-8),
            ("0.2", 1e-8),
            ("0.5", 1e-8),
            ("0.7", 1e-8),
            ("0.8", 4e-4),
            ("0.9", 4e-4),
        ] {
            for nodes in [MIN_NODES, MIN_NODES + 1, 40, MAX_NODES] {
                let factor = factor(correlation, nodes);
                let mut mean = vec![0.0; plain.len()];
                for (value, weight) in &factor.grid().unwrap().points {
                    let given = times.given(value, &factor.correlation).unwrap();
                    for (mean, gone) in mean.iter_mut().zip(gone(&given)) {
                        *mean += gone * *weight as f64 / CERTAIN as f64;
                    }
                }
                for (t, (mean, plain)) in mean.iter().zip(&plain).enumerate() {
                    let off = (mean - plain).abs();
                    assert!(off < bound, "{cdr} {correlation} {nodes} {t}: off {off:e}");
                }
            }
        }
    }
}

/// What a finite grid of the factor costs: nearness of fewer nodes to the most, as parts of a tranche and of the loss.
#[test]
fn grids_agree() {
    let sample = Sample::dear();
    let part = |e: &ExpectedLoss| e.part.to_string().parse::<f64>().unwrap();
    for correlation in ["0.1", "0.3"] {
        let best = sample.expected(&stress("2"), &factor(correlation, MAX_NODES));
        for (nodes, absolute, relative) in [
            (MIN_NODES, 0.006, 0.1),
            (25, 0.003, 0.06),
            (50, 0.0015, 0.01),
        ] {
            let run = sample.expected(&stress("2"), &factor(correlation, nodes));
            for (loss, best) in run.iter().zip(&best) {
                let off = (part(loss) - part(best)).abs();
                assert!(off < absolute, "{loss:?} {best:?}");
                assert!(off < relative * part(best), "{loss:?} {best:?}");
            }
        }
    }
}

/// The smaller a loss, the finer a grid it needs: a senior tranche that hardly ever loses.
#[test]
fn small_losses_need_more_nodes() {
    let sample = Sample::dear();
    let stress = Stress {
        prepayments: Prepayments::Cpr(vec![number("8")]),
        severity: number("40"),
        ..stress("1")
    };
    let senior = |nodes| -> f64 {
        let expected = sample.expected(&stress, &factor("0.2", nodes));
        expected[0].part.to_string().parse().unwrap()
    };
    let best = senior(MAX_NODES);
    assert!(best > 0.0 && best < 1e-4, "{best}");
    let off = |nodes| (senior(nodes) / best - 1.0).abs();
    assert!(off(25) < 0.2, "{}", off(25));
    assert!(off(50) < 0.03, "{}", off(50));
}

#[test]
fn nonsense_is_refused() {
    let sample = Sample::new();
    let refused = |stress: &Stress, factor: &OneFactor, say: &str| {
        let error = expected_losses(
            &sample.deal,
            &sample.state,
            &sample_indices(),
            &sample.schedule,
            stress,
            factor,
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains(say), "{error}");
    };
    let good = stress("2");
    for correlation in [
        "1",
        "0.900000000000000000000000000001",
        "-0.1",
        "-0.000000000000000000000000000001",
        "170141183460469231731687303715884105727",
        "-170141183460469231731687303715884105727",
    ] {
        refused(&good, &factor(correlation, 25), "from 0 to 0.9");
    }
    for nodes in [0, 1, MIN_NODES - 1, MAX_NODES + 1, u32::MAX] {
        refused(&good, &factor("0.2", nodes), "20 to 100 nodes");
    }
    refused(&stress("101"), &factor("0.2", 25), "cdr");
    refused(&stress("-1"), &factor("0.2", 25), "cdr");
    // The least and the most that defaults can be, and the smallest correlation, are fine.
    for cdr in ["0", "0.000000000000000001", "100", "99.999999999999"] {
        for correlation in ["0.000000000000000000000000000001", "0.9"] {
            sample.expected(&stress(cdr), &factor(correlation, MIN_NODES));
        }
    }
}
