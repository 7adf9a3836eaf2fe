//! Where real data is: `$SEALBOOK_DATA`, or beside the project.

use std::path::PathBuf;

/// The path of a data file, or `None` (said on stderr) where there is none.
pub fn data(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let path = std::env::var_os("SEALBOOK_DATA")
        .map_or_else(beside, PathBuf::from)
        .join(name);
    if path.exists() {
        Some(path)
    } else {
        eprintln!("skipped: {name} is not here (set SEALBOOK_DATA)");
        None
    }
}
