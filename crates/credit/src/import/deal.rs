//! Deals, and the indices of floating coupons.
//!
//! - Deal: JSON, a [`Deal`] as it is; or one of AbsBox in Python or JSON, of which [`absbox`] says what is read. A file that is
//!   not JSON is one of AbsBox, and so is JSON with `bonds` instead of `tranches`.
//! - Indices: JSON, a list such as `[{"name": "SOFR", "fixings": ["4.3", "4.29"]}]`, the first fixing for the first
//!   payment date.

use std::path::Path;

use super::absbox::{self, Read};
use crate::deal::{Deal, PERCENT_DECIMALS, WHOLE};
use crate::waterfall::Index;
use records::files::json;
use records::files::{At, ImportError, read_file};

/// Reads a deal, ours or one of AbsBox, of which a currency may be told that it does not state. One of AbsBox that has paid before
/// has a state.
///
/// # Errors
/// Says what is wrong where.
pub fn read_deal(path: &Path, currency: Option<&str>) -> Result<Read, ImportError> {
    let file = At::file(path);
    let bytes = read_file(path)?;
    if absbox::is_absbox(&bytes) {
        return absbox::from_bytes(&file, &bytes, currency);
    }
    let deal: Deal = json(&file, &bytes)?;
    deal.validate()
        .map_err(|e| file.path(e.place).error(None, e.problem))?;
    match currency.filter(|c| *c != deal.currency) {
        None => Ok(Read { deal, state: None }),
        Some(told) => {
            let problem = format!(
                "is {}, not {told}, the currency that was asked for; correct one of the two",
                deal.currency
            );
            Err(file.path("currency".into()).error(None, problem))
        }
    }
}

/// Writes a deal.
///
/// # Errors
/// If the file cannot be written.
pub fn write_deal(path: &Path, deal: &Deal) -> std::io::Result<()> {
    std::fs::write(path, serde_json::to_vec_pretty(deal)?)
}

/// Reads indices.
///
/// # Errors
/// Says what is wrong where.
pub fn read_indices(path: &Path) -> Result<Vec<Index>, ImportError> {
    let file = At::file(path);
    let indices: Vec<Index> = json(&file, &read_file(path)?)?;
    for (i, index) in indices.iter().enumerate() {
        let at = |field: &str| file.path(format!("[{i}].{field}"));
        if !records::names::is_name(&index.name) {
            return Err(at("name").error(None, records::names::NO_NAME));
        }
        if indices[..i].iter().any(|other| other.name == index.name) {
            return Err(at("name").error(None, "stands twice; remove one"));
        }
        for (n, fixing) in index.fixings.iter().enumerate() {
            let units = fixing.rescale_exact(PERCENT_DECIMALS);
            if !units.is_ok_and(|u| u.unsigned_abs() <= u128::from(WHOLE)) {
                let problem = format!(
                    "{fixing} is not between -100 and 100 with at most {PERCENT_DECIMALS} decimals"
                );
                return Err(at(&format!("fixings[{n}]")).error(None, problem));
            }
        }
    }
    Ok(indices)
}

/// Writes indices.
///
/// # Errors
/// If the file cannot be written.
pub fn write_indices(path: &Path, indices: &[Index]) -> std::io::Result<()> {
    std::fs::write(path, serde_json::to_vec_pretty(indices)?)
}
