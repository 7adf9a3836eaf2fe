//! `sealbook inspect`: what a proof file reveals, and how sound it is. Verifies nothing.

use sealbook::NotVerified;
use serde_json::{Value, json};
use stark::{ProofFile, SecurityReport, security_report};

use crate::Failure;
use crate::arguments::Inspect;
use crate::files::read_proof;
use crate::output::{print_json, say, size};

/// The proven bits of a file's weakest part.
pub fn proven_bits(file: &ProofFile) -> Result<f64, NotVerified> {
    let claim = sealbook::kind(file)?.claim(file)?;
    let parts = claim.parts()?;
    Ok(weakest(parts).map_or(0.0, |report| report.proven_bits))
}

/// The report of the weakest part; parts of one shape are looked at once.
fn weakest(parts: impl Iterator<Item = stark::Part>) -> Option<SecurityReport> {
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
    let kind = sealbook::kind(&file).map_err(|e| fail(&e))?;
    let said = kind.claim(&file).map_err(|e| fail(&e))?;
    let parts = said.parts().map_err(|e| fail(&e))?;
    let (expected, got) = (parts.len(), file.parts.len());
    if expected != got {
        return Err(fail(&stark::Rejection::Parts { expected, got }));
    }
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
    summary(&file, bytes.len(), &report);
    let mut shown = claim;
    shorten(&mut shown);
    say!("not verified: `sealbook verify` does that");
    say!("what a proof of it would show:");
    say!("  {}", said.words().join("\n  "));
    say!("claim, all that is revealed:\n{shown:#}");
    Ok(())
}

/// Size, security and tables, for people.
fn summary(file: &ProofFile, bytes: usize, report: &SecurityReport) {
    let sizes = &file.parts;
    say!("statement  {} version {}", file.statement, file.version);
    say!(
        "size       {} in {} part(s), claim {}",
        size(bytes),
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
