//! The interval reading of a statement's tables, for their tests.

use std::collections::BTreeSet;

use stark::{TableAir, Trace, unproven};

/// Asserts that every declared bound and integer equation of these tables follows from what their rows check, but for the
/// given constraints of the given tables, which must not follow: the caller says why they hold.
pub(crate) fn assert_proven(
    tables: &[TableAir],
    traces: &[Trace],
    besides: &[(&'static str, &'static str)],
) {
    let found = unproven(tables, traces);
    let constraints: BTreeSet<_> = found.iter().map(|u| (u.table, u.id)).collect();
    let besides: BTreeSet<_> = besides.iter().copied().collect();
    assert_eq!(constraints, besides, "{found:#?}");
}
