//! Reading and writing whole files.

use std::path::Path;

use records::json;
use serde::de::DeserializeOwned;
use stark::ProofFile;
use statements::account::Secret;

use crate::Failure;

/// The book's secret: kept in a file, or fresh.
pub fn secret(path: Option<&Path>) -> Result<Secret, Failure> {
    let Some(path) = path else {
        return Ok(Secret::random());
    };
    let place = |e: &dyn std::fmt::Display| Failure::Input(format!("{}: {e}", path.display()));
    match std::fs::read_to_string(path) {
        Ok(text) => Secret::from_hex(&text)
            .ok_or_else(|| place(&"is not a secret; remove the file to make a new one")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let secret = Secret::random();
            write_private(path, secret.to_hex().as_bytes())?;
            Ok(secret)
        }
        Err(e) => Err(place(&e)),
    }
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| Failure::Input(format!("{}: cannot be written: {e}", path.display())))
}

/// Writes a file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|e| Failure::Input(format!("{}: cannot be written: {e}", path.display())))
}

/// Reads a proof file, or only the start of a file that is none.
pub fn read_proof(path: &Path) -> Result<Vec<u8>, Failure> {
    ProofFile::read_bytes(path).map_err(|e| unreadable(path, &e))
}

/// Reads a file of bounded size.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    stark::read_bounded(path).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Input(format!("{}: cannot be read: {error}", path.display()))
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    json::read(&read(path)?).map_err(|e| {
        let (line, column) = (e.line, e.column);
        Failure::Input(format!(
            "{}:{line}: column {column}: {}",
            path.display(),
            e.problem
        ))
    })
}

/// Writes a JSON file.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), Failure> {
    write(path, &pretty(value)?)
}

/// Writes a JSON file that only its owner may read.
pub fn write_private_json(path: &Path, value: &impl serde::Serialize) -> Result<(), Failure> {
    write_private(path, &pretty(value)?)
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec_pretty(value).map_err(|e| Failure::Internal(e.to_string()))
}

/// Makes a folder, if it is not there.
pub fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::Input(format!("{}: {e}", folder.display())))
}
