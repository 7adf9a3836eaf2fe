//! Proving the parts of a claim one after another, resumably.

use std::path::Path;

use sha3::{Digest as _, Sha3_256};
use stark::{PartProof, ProveError, Statement, claim_digest};

/// Why parts could not be proven.
#[derive(Debug, thiserror::Error)]
pub enum ProvingError {
    /// Finished parts could not be kept.
    #[error("cannot keep finished parts in the resume folder: {0}")]
    Resume(#[from] std::io::Error),
    /// The proof system failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// Proves all parts of a claim. `progress` is told the parts done and their number. Finished parts
/// are kept in the folder `resume`, if given, and not proven again.
///
/// # Errors
/// If proving fails or the folder cannot be written.
pub(super) fn prove_parts<S: Statement>(
    claim: &S::Claim,
    parts: usize,
    resume: Option<&Path>,
    progress: &mut dyn FnMut(usize, usize),
    prove: impl Fn(usize) -> Result<PartProof, ProveError>,
) -> Result<Vec<PartProof>, ProvingError> {
    let digest: String = claim_digest::<S>(claim)[..8]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let mut proofs = Vec::with_capacity(parts);
    progress(0, parts);
    for part in 0..parts {
        let path = resume.map(|folder| folder.join(format!("{}-{digest}-{part}.part", S::ID)));
        let proof = match path.as_deref().and_then(read_part) {
            Some(proof) => proof,
            None => {
                let proof = prove(part)?;
                if let Some(path) = &path {
                    write_part(path, &proof)?;
                }
                proof
            }
        };
        proofs.push(proof);
        progress(part + 1, parts);
    }
    Ok(proofs)
}

/// A finished part, if it was kept whole: its SHA3-256 comes first.
fn read_part(path: &Path) -> Option<PartProof> {
    let bytes = std::fs::read(path).ok()?;
    let (digest, proof) = bytes.split_at_checked(32)?;
    (Sha3_256::digest(proof)[..] == *digest).then(|| proof.to_vec())
}

fn write_part(path: &Path, proof: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut bytes = Sha3_256::digest(proof).to_vec();
    bytes.extend_from_slice(proof);
    // Renamed when complete, so that a kill leaves no half part.
    let partial = path.with_extension("partial");
    std::fs::write(&partial, bytes)?;
    std::fs::rename(partial, path)
}
