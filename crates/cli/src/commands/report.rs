//! `sealbook report`: an investor report from the claim of a proof.

use serde_json::json;
use stark::ProofFile;

use super::inspect::weakest;
use super::{print_json, read_proof, size, verify, write};
use crate::Failure;
use crate::cli::Report;
use crate::output::say;
use crate::report::{Proof, report};

/// Verifies a proof and writes its page. Of a proof that does not verify nothing is written.
pub fn run(arguments: &Report) -> Result<(), Failure> {
    let path = arguments.file.display();
    let bytes = read_proof(&arguments.file)?;
    let fact = verify::accepted(&arguments.file, &bytes)?;
    let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
    let file = ProofFile::from_bytes(&bytes).map_err(|e| internal(&e))?;
    let parts = sealbook::parts(&file).map_err(|e| internal(&e))?;
    let name = arguments.file.file_name().unwrap_or_default();
    let proof = Proof {
        file: &name.to_string_lossy(),
        bytes: bytes.len(),
        bits: weakest(parts).map_or(0.0, |r| r.proven_bits),
    };
    let page = report(&fact, &proof).ok_or_else(|| {
        Failure::Input(format!(
            "{path}: there are reports of stress and waterfall claims; `sealbook inspect` shows any claim"
        ))
    })?;
    let page = page.map_err(|e| internal(&e))?;
    write(&arguments.out, page.as_bytes())?;
    if arguments.json {
        print_json(&json!({ "accepted": true, "report": arguments.out, "bytes": page.len() }));
    } else {
        say!(
            "{}: report of {path}, which was verified, {}",
            arguments.out.display(),
            size(page.len())
        );
    }
    Ok(())
}
