//! `sealbook bench`: medians of several runs after a warm-up.

use std::time::Instant;

use sealbook::{STATEMENTS, kind};
use serde_json::{Value, json};
use statements::account::Secret;
use statements::kit::Size;

use super::inspect::proven_bits;
use crate::Failure;
use crate::arguments::Bench;
use crate::output::{print_json, progress, say, size, time};

pub fn run(arguments: &Bench) -> Result<(), Failure> {
    if arguments.runs == 0 {
        return Err(Failure::Input("--runs must be at least 1".into()));
    }
    let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
    let name = arguments.name.as_str();
    let sizes = Size {
        accounts: arguments.accounts,
        loans: arguments.loans,
        scenarios: arguments.scenarios,
        trades: arguments.trades,
        orders: arguments.orders,
    };
    let inputs = STATEMENTS
        .iter()
        .find_map(|kind| kind.example(name, &sizes));
    let inputs = inputs.ok_or_else(|| Failure::Input(format!("there is no benchmark `{name}`")))?;
    let secret = Secret::random();
    let (mut proving, mut verifying) = (Vec::new(), Vec::new());
    let mut last = None;
    for run in 0..arguments.warmups + arguments.runs {
        let started = Instant::now();
        let prepared = (inputs.prepare)(&secret)?;
        let parts = prepared.prove(&mut progress(), None)?;
        let proven = started.elapsed().as_secs_f64();
        let file = prepared.file(parts);
        let kind = kind(&file).map_err(|e| internal(&e))?;
        let started = Instant::now();
        kind.verify(&file).map_err(|e| internal(&e))?;
        let verified = started.elapsed().as_secs_f64();
        if run >= arguments.warmups {
            proving.push(proven);
            verifying.push(verified);
        }
        last = Some(file);
    }
    let file = last.ok_or_else(|| internal(&"no run"))?;
    let bits = proven_bits(&file).map_err(|e| internal(&e))?;
    let bytes: usize = file.parts.iter().map(Vec::len).sum();
    let (prove_s, verify_s) = (median(&mut proving), median(&mut verifying));
    let params = inputs.sizes;
    if arguments.json {
        print_json(&json!({
            "bench": name, "params": params, "machine": machine(), "warmups": arguments.warmups,
            "runs": arguments.runs, "prove_s": prove_s, "verify_s": verify_s, "proof_bytes": bytes,
            "parts": file.parts.len(), "peak_rss_bytes": peak_rss(), "proven_bits": bits,
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
