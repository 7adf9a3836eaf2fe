//! `sealbook bench`: medians of several runs after a warm-up.

use std::time::Instant;

use credit::import::tape::read_template;
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use fixed::Decimal;
use market::{Account, Level, sample};
use serde_json::{Value, json};
use stark::{PartProof, Statement};
use statements::account::Secret;
use statements::book::SealedBook;
use statements::margin::{self, Margin};
use statements::pool::{self, Pool, Terms};
use statements::risk::{Prepared, Risk};
use statements::solvency::{self, Options, Solvency};
use statements::stress::{self, Stressed};
use statements::waterfall::{self, Waterfall};
use venue::state::Change;

use super::inspect::weakest;
use super::{print_json, size, time};
use crate::Failure;
use crate::cli::{Bench, BenchName};
use crate::output::say;

pub fn run(arguments: &Bench) -> Result<(), Failure> {
    if arguments.runs == 0 {
        return Err(Failure::Input("--runs must be at least 1".into()));
    }
    let secret = Secret::random();
    match arguments.name {
        BenchName::Margin => {
            let snapshot = sample::snapshot();
            let book = sample::book(&snapshot, 1, 1, 64, 0);
            let params = json!({
                "accounts": 1, "positions": 64, "instruments": snapshot.instruments.len(),
                "scenarios": 33, "columns": market::array::columns(&snapshot),
                "assets": snapshot.assets.len(), "level": "maintenance",
            });
            measure::<Margin>(arguments, "margin", params, || {
                let sealed = SealedBook::new(&snapshot, book.accounts(), 64, &secret)?;
                let id = &book.accounts()[0].id;
                let prepared = margin::Prepared::account(&sealed, id, Level::Maintenance)?;
                let parts = prepared.prove_all(&mut |_, _| {}, None)?;
                Ok((prepared.claim().clone(), parts))
            })
        }
        BenchName::BookMargin => {
            let snapshot = sample::snapshot();
            let accounts = arguments.accounts.unwrap_or(10_000);
            let book = sample::book(&snapshot, 1, accounts, 16, accounts / 100);
            let params = json!({
                "accounts": accounts, "positions": 16, "instruments": snapshot.instruments.len(),
                "scenarios": 33, "columns": market::array::columns(&snapshot),
                "assets": snapshot.assets.len(), "level": "maintenance", "below": accounts / 100,
            });
            measure::<Margin>(arguments, "book-margin", params, || {
                let sealed = SealedBook::new(&snapshot, book.accounts(), 16, &secret)?;
                let prepared = margin::Prepared::book(&sealed, Level::Maintenance)?;
                let parts = prepared.prove_all(&mut |_, _| {}, None)?;
                Ok((prepared.claim().clone(), parts))
            })
        }
        BenchName::Risk => {
            let (scenarios, trades) = (arguments.scenarios, arguments.trades);
            let (scenarios, trades) = (scenarios.unwrap_or(10_000), trades.unwrap_or(0));
            measure_risk(arguments, "risk", scenarios, trades, true)
        }
        BenchName::RiskTrades => {
            let (scenarios, trades) = (arguments.scenarios, arguments.trades);
            let (scenarios, trades) = (scenarios.unwrap_or(1_024), trades.unwrap_or(100));
            measure_risk(arguments, "risk-trades", scenarios, trades, false)
        }
        BenchName::Pool => {
            let loans = arguments.loans.unwrap_or(10_000);
            let template = read_template("mortgage")?;
            let tape = sample_pool::tape(1, loans, &template);
            let terms: Terms = serde_json::from_str(sample_pool::TERMS)
                .map_err(|e| Failure::Internal(e.to_string()))?;
            let params = json!({
                "loans": loans, "rules": terms.eligibility.len(), "figures": terms.figures.len(),
            });
            measure::<Pool>(arguments, "pool", params, || {
                let prepared = pool::Prepared::new(&tape, &terms, &secret)?;
                let parts = prepared.prove(&mut super::prove::progress(), None)?;
                Ok((prepared.claim().clone(), parts))
            })
        }
        BenchName::Stress => {
            let loans = arguments.loans.unwrap_or(1_000);
            let template = read_template("mortgage")?;
            let tape = sample_pool::tape(1, loans, &template);
            let stresses: Vec<stress::NamedStress> = serde_json::from_str(sample_pool::STRESSES)
                .map_err(|e| Failure::Internal(e.to_string()))?;
            let terms = stress::Terms {
                doubtful_days: 90,
                detail: stress::Detail::default(),
                deal: sample_deal_for(sample_pool::owed(&tape)),
                deal_state: None,
                indices: sample_indices(),
                stresses,
                breakeven: vec!["A".into()],
            };
            let prepared = stress::Prepared::new(&tape, &terms, &secret)?;
            let params = json!({
                "loans": loans, "months": prepared.claim().schedule.rows.len(),
                "scenarios": prepared.claim().scenarios.len(), "models": prepared.claim().models.len(),
            });
            measure::<Stressed>(arguments, "stress", params, || {
                let prepared = stress::Prepared::new(&tape, &terms, &secret)?;
                let parts = prepared.prove(&mut super::prove::progress(), None)?;
                Ok((prepared.claim().clone(), parts))
            })
        }
        BenchName::Waterfall => {
            let loans = arguments.loans.unwrap_or(10_000);
            let template = read_template("mortgage")?;
            let tape = sample_pool::tape(1, loans, &template);
            let terms = waterfall::Terms {
                months: vec![sample_pool::remittances(1, &tape)],
                deal: sample_deal_for(sample_pool::owed(&tape)),
                deal_state: None,
                indices: sample_indices(),
            };
            let params = json!({ "loans": loans, "months": 1 });
            measure::<Waterfall>(arguments, "waterfall", params, || {
                let prepared = waterfall::Prepared::new(&tape, &terms, &secret)?;
                let parts = prepared.prove(&mut super::prove::progress(), None)?;
                Ok((prepared.claim().clone(), parts))
            })
        }
        BenchName::Solvency => {
            let snapshot = sample::exchange_snapshot();
            let n = arguments.accounts.unwrap_or(100_000) as u64;
            let accounts: Vec<Account> = (0..n).map(|i| sample::exchange_account(1, i)).collect();
            let params = json!({ "accounts": n, "assets": snapshot.assets.len(), "schedules": 9 });
            measure::<Solvency>(arguments, "solvency", params, || {
                let sealed = SealedBook::new(&snapshot, &accounts, 4, &secret)?;
                let prepared = solvency::Prepared::new(&sealed, &Options::default())?;
                let parts = prepared.prove(&mut |_, _| (), None)?;
                Ok((prepared.claim().clone(), parts))
            })
        }
    }
}

/// A venue with 32 markets, and trades.
fn measure_risk(
    arguments: &Bench,
    name: &str,
    count: usize,
    trades: usize,
    funding: bool,
) -> Result<(), Failure> {
    const MARKETS: usize = 32;
    let set = venue::sample::scenarios(1, MARKETS, count);
    let state = venue::sample::state(&set);
    let trades: Vec<Change> = venue::sample::trades(1, &set, trades)
        .into_iter()
        .map(Change::from)
        .collect();
    let confidence = Decimal::new(95, 2);
    let terms = statements::risk::Terms {
        confidence: confidence.try_into().expect("a constant"),
        shows: statements::risk::Shows::Prices { lots: false },
        funding,
        until_ms: None,
    };
    let params = json!({
        "scenarios": count, "markets": MARKETS, "trades": trades.len(), "funding": funding,
        "confidence": confidence,
    });
    let secret = Secret::random();
    measure::<Risk>(arguments, name, params, || {
        let prepared = Prepared::new(&set, &state, &trades, &terms, &secret)?;
        let parts = prepared.prove(&mut super::prove::progress(), None)?;
        Ok((prepared.claim().clone(), parts))
    })
}

fn measure<S: Statement>(
    arguments: &Bench,
    name: &str,
    params: Value,
    prove: impl Fn() -> Result<(S::Claim, Vec<PartProof>), Failure>,
) -> Result<(), Failure> {
    let (mut proving, mut verifying) = (Vec::new(), Vec::new());
    let mut last = None;
    for run in 0..arguments.warmups + arguments.runs {
        let started = Instant::now();
        let (claim, parts) = prove()?;
        let proven = started.elapsed().as_secs_f64();
        let started = Instant::now();
        stark::verify::<S>(&claim, &parts).map_err(|e| Failure::Internal(e.to_string()))?;
        let verified = started.elapsed().as_secs_f64();
        if run >= arguments.warmups {
            proving.push(proven);
            verifying.push(verified);
        }
        last = Some((claim, parts));
    }
    let Some((claim, parts)) = last else {
        return Err(Failure::Internal("no run".into()));
    };
    let context = S::context(&claim).map_err(Failure::Internal)?;
    let tables = (0..parts.len()).map(|part| S::part(&claim, &context, part));
    let bits = weakest(tables).map_or(0.0, |r| r.proven_bits);
    let bytes: usize = parts.iter().map(Vec::len).sum();
    let (prove_s, verify_s) = (median(&mut proving), median(&mut verifying));
    if arguments.json {
        print_json(&json!({
            "bench": name, "params": params, "machine": machine(), "warmups": arguments.warmups,
            "runs": arguments.runs, "prove_s": prove_s, "verify_s": verify_s, "proof_bytes": bytes,
            "parts": parts.len(), "peak_rss_bytes": peak_rss(), "proven_bits": bits,
        }));
    } else {
        say!(
            "{name} {params}: proven in {}, verified in {}, {}, {bits:.1} proven bits, peak memory {}",
            time(prove_s),
            time(verify_s),
            size(bytes),
            size(peak_rss() as usize)
        );
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}

/// What the machine is, as far as the system says.
fn machine() -> Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({ "cpu": model, "cores": cores, "avx512": cfg!(target_feature = "avx512f"), "os": std::env::consts::OS })
}

/// The largest resident memory of this process so far, in bytes; 0 where the system does not say.
fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| {
            l.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .trim()
                .parse::<u64>()
                .ok()
        })
        .map_or(0, |kb| kb * 1024)
}
