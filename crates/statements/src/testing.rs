//! What tests of several statements share.

use std::collections::BTreeSet;

use fixed::Decimal;
use stark::{TableAir, Trace, Violation, violations};
use venue::evar::Confidence;

use crate::account::Secret;

/// A secret of this number.
pub(crate) fn secret(number: u32) -> Secret {
    Secret::from_hex(&format!("{number:08x}").repeat(8)).expect("a constant")
}

/// 95%.
pub(crate) fn confidence() -> Confidence {
    Decimal::new(95, 2).try_into().expect("a constant")
}

/// Requires that each of these is among what some change breaks alone.
pub(crate) fn expect_alone(alone: &BTreeSet<&str>, ids: &[&str]) {
    for id in ids {
        assert!(
            alone.contains(id),
            "no change breaks {id} alone, only {alone:?}"
        );
    }
}

/// The numbers of the constraints that do not hold, each once.
pub(crate) fn broken(tables: &[TableAir], traces: &[Trace]) -> Vec<&'static str> {
    let ids: BTreeSet<&'static str> = violations(tables, traces)
        .into_iter()
        .filter_map(|v| match v {
            Violation::Constraint { id, .. } => Some(id),
            Violation::Bus { .. } => None,
        })
        .collect();
    ids.into_iter().collect()
}

/// The buses that do not balance.
pub(crate) fn unbalanced(tables: &[TableAir], traces: &[Trace]) -> Vec<&'static str> {
    violations(tables, traces)
        .into_iter()
        .filter_map(|v| match v {
            Violation::Bus { bus, .. } => Some(bus),
            Violation::Constraint { .. } => None,
        })
        .collect()
}
