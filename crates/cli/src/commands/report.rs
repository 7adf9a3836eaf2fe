//! `sealbook report`: an investor report from the claim of a proof.

use serde_json::json;
use stark::ProofFile;

use super::inspect::proven_bits;
use super::verify::accepted;
use crate::Failure;
use crate::arguments::Report;
use crate::files::{read_proof, write};
use crate::output::{print_json, say, size};
use crate::report::{Proof, report};

/// Verifies a proof and writes its page. Of a proof that does not verify nothing is written.
pub fn run(arguments: &Report) -> Result<(), Failure> {
    let path = arguments.file.display();
    let fact = accepted(&arguments.file)?;
    let bytes = read_proof(&arguments.file)?;
    let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
    let file = ProofFile::from_bytes(&bytes).map_err(|e| internal(&e))?;
    let name = arguments.file.file_name().unwrap_or_default();
    let proof = Proof {
        file: &name.to_string_lossy(),
        bytes: bytes.len(),
        bits: proven_bits(&file).map_err(|e| internal(&e))?,
    };
    let page = report(fact.as_ref(), &proof).ok_or_else(|| {
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
