//! What tests of statements share.

use std::collections::BTreeSet;
use std::fmt::Debug;

use credit::import::tape::read_template;
use credit::pool::Tape;
use credit::sample_pool;
use fixed::Decimal;
use stark::{
    PartProof, Statement, TableAir, Trace, Violation, cell_test, needless, security_report, verify,
};
use venue::evar::Confidence;

use crate::account::Secret;
use crate::kit::{Prepared, Provable};

/// The secret of all tests but those that need two.
pub fn secret() -> Secret {
    secret_of('7')
}

/// Another secret for each digit.
pub fn secret_of(digit: char) -> Secret {
    Secret::from_hex(&format!("0000000{digit}").repeat(8)).expect("a constant")
}

/// Mortgages of the sample.
pub fn mortgages(seed: u64, loans: usize) -> Tape {
    let template = read_template("mortgage").expect("it comes with the crate");
    sample_pool::tape(seed, loans, &template)
}

/// 95%.
pub fn confidence() -> Confidence {
    Decimal::new(95, 2).try_into().expect("a constant")
}

/// Requires that each of these is among what some change breaks alone.
pub fn expect_alone(alone: &BTreeSet<&str>, ids: &[&str]) {
    for id in ids {
        assert!(
            alone.contains(id),
            "no change breaks {id} alone, only {alone:?}"
        );
    }
}

/// The numbers of the constraints that do not hold, each once.
pub fn broken_constraints(tables: &[TableAir], traces: &[Trace]) -> Vec<&'static str> {
    let violations = stark::violations(tables, traces).into_iter();
    let ids: BTreeSet<&'static str> = violations
        .filter_map(|v| match v {
            Violation::Constraint { id, .. } => Some(id),
            Violation::Bus { .. } => None,
        })
        .collect();
    ids.into_iter().collect()
}

/// The buses that do not balance.
pub fn unbalanced(tables: &[TableAir], traces: &[Trace]) -> Vec<&'static str> {
    let violations = stark::violations(tables, traces).into_iter();
    violations
        .filter_map(|v| match v {
            Violation::Bus { bus, .. } => Some(bus),
            Violation::Constraint { .. } => None,
        })
        .collect()
}

/// What is wrong with a part.
pub fn found<S: Provable>(prepared: &Prepared<S>, part: usize) -> Vec<Violation> {
    stark::violations(&prepared.tables(part), &prepared.traces(part))
}

/// The constraints and buses that a part breaks.
pub fn broken<S: Provable>(prepared: &Prepared<S>, part: usize) -> Vec<String> {
    stark::violated(&prepared.tables(part), &prepared.traces(part))
}

/// The constraints that a change of a cell in one of these rows of the first part's tables breaks, and nothing else.
pub fn broken_alone<S: Provable>(prepared: &Prepared<S>, rows: &[usize]) -> BTreeSet<&'static str> {
    let (airs, traces) = (prepared.tables(0), prepared.traces(0));
    let tables = airs.iter().zip(&traces);
    tables
        .flat_map(|(air, trace)| stark::broken_alone(air, trace, rows))
        .collect()
}

/// The constraints and buses that a change of each cell of a row breaks.
pub fn broken_on<S: Provable>(
    prepared: &Prepared<S>,
    table: usize,
    row: usize,
) -> BTreeSet<String> {
    let air = prepared.tables(0).swap_remove(table);
    let mut trace = prepared.traces(0).swap_remove(table);
    let mut broken = BTreeSet::new();
    for at in row * air.width()..(row + 1) * air.width() {
        let honest = trace.values[at];
        trace.values[at] += stark::F::new(2);
        broken.extend(stark::violated(
            std::slice::from_ref(&air),
            std::slice::from_ref(&trace),
        ));
        trace.values[at] = honest;
    }
    broken
}

/// Requires that no cell of the first part's tables can be changed unnoticed. `rows` are those to look at besides the usual.
pub fn assert_pinned<S: Provable>(prepared: &Prepared<S>, rows: &[(&str, usize)]) {
    let unpinned = cell_test(&prepared.tables(0), &prepared.traces(0), rows);
    assert_eq!(unpinned, Vec::new());
}

/// Those of the constraints that the first part's tables could do without.
pub fn idle<S: Provable>(
    prepared: &Prepared<S>,
    rows: &[(&str, usize)],
    ids: &[&'static str],
) -> Vec<&'static str> {
    needless(&prepared.tables(0), &prepared.traces(0), rows, ids)
}

/// These rows of all tables of the first part.
pub fn in_all_tables<S: Provable>(
    prepared: &Prepared<S>,
    rows: &[usize],
) -> Vec<(&'static str, usize)> {
    let airs = prepared.tables(0);
    let named = airs.iter().map(|air| air.name());
    named
        .flat_map(|name| rows.iter().map(move |row| (name, *row)))
        .collect()
}

/// The proofs of a true claim, which verify.
pub fn proven<S: Provable>(prepared: &Prepared<S>) -> Vec<PartProof> {
    let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
    verify::<S>(prepared.claim(), &proofs).expect("it is true");
    proofs
}

/// Requires that proofs of a claim do not verify with its parts exchanged.
pub fn assert_parts_in_order<S: Provable>(prepared: &Prepared<S>, proofs: &[PartProof]) {
    let mut swapped = proofs.to_vec();
    swapped.swap(0, 1);
    assert!(verify::<S>(prepared.claim(), &swapped).is_err());
}

/// Requires at least 100 proven bits of every part.
pub fn assert_100_bits<S: Provable>(prepared: &Prepared<S>) {
    for part in 0..prepared.parts() {
        let part = S::part(prepared.claim(), prepared.context(), part);
        let report = security_report(&part);
        assert!(report.proven_bits >= 100.0, "{report:?}");
    }
}

/// A change of a claim.
pub type Change<S> = fn(&mut <S as Statement>::Claim);

/// Requires that proofs of one claim prove no other.
pub fn assert_rejected<S: Statement>(
    good: &S::Claim,
    proofs: &[PartProof],
    changes: &[(&str, Change<S>)],
) where
    S::Claim: Clone + Debug + PartialEq,
{
    for (what, change) in changes {
        let mut claim = good.clone();
        change(&mut claim);
        assert_ne!(claim, *good, "{what} changes nothing");
        let outcome = verify::<S>(&claim, proofs).map(|_| ());
        let text = format!("{:?}", outcome.expect_err(what));
        assert!(!text.contains("unexpectedly"), "{what}: {text}");
    }
}
