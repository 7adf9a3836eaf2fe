//! `sealbook inspect`: what a proof file reveals, and how sound it is. Verifies nothing.

use serde_json::{Value, json};
use stark::{ProofFile, SecurityReport, security_report};

use super::{print_json, read_proof, size};
use crate::Failure;
use crate::cli::Inspect;
use crate::output::say;

/// The report of the weakest part; parts of one shape are looked at once.
pub fn weakest(parts: impl Iterator<Item = stark::Part>) -> Option<SecurityReport> {
    let mut seen: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut weakest: Option<SecurityReport> = None;
    for part in parts {
        let shape = part
            .tables
            .iter()
            .map(|t| (t.log_height(), t.width()))
            .collect();
        if seen.contains(&shape) {
            continue;
        }
        seen.push(shape);
        let report = security_report(&part);
        if weakest
            .as_ref()
            .is_none_or(|w| report.proven_bits < w.proven_bits)
        {
            weakest = Some(report);
        }
    }
    weakest
}

pub fn run(arguments: &Inspect) -> Result<(), Failure> {
    let bytes = read_proof(&arguments.file)?;
    let fail =
        |e: &dyn std::fmt::Display| Failure::Input(format!("{}: {e}", arguments.file.display()));
    let file = ProofFile::from_bytes(&bytes).map_err(|e| fail(&e))?;
    let parts = sealbook::parts(&file).map_err(|e| fail(&e))?;
    let claim: Value = file.claim_as().map_err(|e| fail(&e))?;
    let report = weakest(parts).ok_or_else(|| fail(&"the claim has no parts"))?;
    let sizes: Vec<usize> = file.parts.iter().map(Vec::len).collect();
    if arguments.json {
        print_json(&json!({
            "statement": file.statement, "version": file.version, "bytes": bytes.len(),
            "claim": claim, "part_bytes": sizes, "proven_bits": report.proven_bits, "security": report,
        }));
        return Ok(());
    }
    say!("statement  {} version {}", file.statement, file.version);
    say!(
        "size       {} in {} part(s), claim {}",
        size(bytes.len()),
        sizes.len(),
        size(file.claim.len())
    );
    say!("security   {:.1} proven bits", report.proven_bits);
    for theorem in &report.theorems {
        say!("           under {}, m = {}:", theorem.theorem, theorem.m);
        say!(
            "           {:7.1}  the least term; all errors added up: {:.1}",
            theorem.proven_bits,
            theorem.total_bits
        );
        for (term, bits) in &theorem.terms {
            say!("           {bits:7.1}  {term}");
        }
    }
    say!("tables     (the weakest part)");
    for t in &report.tables {
        say!(
            "           {:<12} 2^{:<2} rows x {:>4} columns, {:>3} messages, degree {}",
            t.name,
            t.log_height,
            t.width,
            t.interactions,
            t.degree
        );
    }
    let mut shown = claim;
    shorten(&mut shown);
    say!("not verified: `sealbook verify` does that");
    say!("what a proof of it would show:");
    say!(
        "  {}",
        sealbook::words(&file).map_err(|e| fail(&e))?.join("\n  ")
    );
    say!("claim, all that is revealed:\n{shown:#}");
    Ok(())
}

/// Cuts long lists, which nobody reads on a terminal; `--json` shows them whole.
fn shorten(value: &mut Value) {
    const SHOWN: usize = 20;
    match value {
        Value::Array(items) => {
            let more = items.len().saturating_sub(SHOWN);
            items.truncate(SHOWN);
            items.iter_mut().for_each(shorten);
            if more > 0 {
                items.push(json!(format!("... and {more} more (--json shows them)")));
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}
