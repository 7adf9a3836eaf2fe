//! Everything that is wrong with filled tables.

use std::collections::{BTreeMap, BTreeSet};

use p3_matrix::Matrix;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{cells, read_row};
use crate::blind;
use crate::field::{F, PrimeCharacteristicRing};
use crate::table::{TableAir, Trace};

/// What is wrong with a set of filled tables. Names constraints and buses, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A constraint does not hold.
    #[error("table `{table}`, row {row}: constraint {id} does not hold")]
    Constraint {
        /// The table's name.
        table: &'static str,
        /// The row.
        row: usize,
        /// The constraint's number.
        id: &'static str,
    },
    /// A bus does not balance.
    #[error("bus `{bus}` does not balance: {messages} messages are left over")]
    Bus {
        /// The bus's name.
        bus: &'static str,
        /// How many distinct messages do not cancel.
        messages: usize,
    },
}

/// Everything that is wrong with filled tables: constraints first, then buses. Empty if a proof
/// of these tables would be accepted. For tests and for the prover's own diagnosis.
pub fn violations(tables: &[TableAir], traces: &[Trace]) -> Vec<Violation> {
    let mut traces = traces.to_vec();
    blind::randomize(&mut traces, &mut StdRng::seed_from_u64(0));
    let mut found = Vec::new();
    let mut total: BTreeMap<(&'static str, Vec<F>), F> = BTreeMap::new();
    for (air, trace) in tables.iter().zip(&traces) {
        assert_eq!((trace.width(), trace.height()), (air.width(), air.height()));
        for row in 0..air.height() {
            let reading = read_row(air, cells(trace, row), cells(trace, row + 1), row);
            found.extend(reading.broken().map(|id| Violation::Constraint {
                table: air.name(),
                row,
                id,
            }));
            for message in reading.messages.iter().filter(|m| m.count != F::ZERO) {
                let key = (message.bus, reading.elements(message).to_vec());
                *total.entry(key).or_insert(F::ZERO) += message.signed();
            }
        }
    }
    let mut left: BTreeMap<&'static str, usize> = BTreeMap::new();
    for ((bus, _), net) in total {
        if net != F::ZERO {
            *left.entry(bus).or_default() += 1;
        }
    }
    found.extend(
        left.into_iter()
            .map(|(bus, messages)| Violation::Bus { bus, messages }),
    );
    found
}

/// [`violations`] by name, each once, in alphabetical order: a constraint's number, or `bus` and a bus's
/// name.
pub fn violated(tables: &[TableAir], traces: &[Trace]) -> Vec<String> {
    let names: BTreeSet<String> = violations(tables, traces)
        .into_iter()
        .map(|violation| match violation {
            Violation::Constraint { id, .. } => id.to_string(),
            Violation::Bus { bus, .. } => format!("bus {bus}"),
        })
        .collect();
    names.into_iter().collect()
}
