//! The cell test: no cell, pair of cells, column or row can change unnoticed.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::changes::{Changes, Honest, Place, Verdict};
use super::{cells, derived_columns, forge, read_row, refilled};
use crate::blind;
use crate::field::{F, PrimeCharacteristicRing};
use crate::table::{TableAir, Trace};

/// A change that nothing noticed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unpinned {
    /// The table's name.
    pub table: &'static str,
    /// The row.
    pub row: usize,
    /// The column, in the order of the row function's calls.
    pub column: usize,
    /// What was done to the cell.
    pub change: &'static str,
    /// What else was changed: table, row, column.
    pub with: Vec<(&'static str, usize, usize)>,
}

impl Unpinned {
    /// Whether more than this cell changed.
    pub fn is_accompanied(&self) -> bool {
        !self.with.is_empty() || self.change.ends_with(FOLLOWS)
    }
}

/// The end of [`Unpinned::change`] where cells that have a hint of other cells changed, too.
const FOLLOWS: &str = "and what follows from it";

/// The cell test of DESIGN section 9. For every table and every column, on the first, last, middle
/// and the given rows, changes the cell: alone; with every cell that has a hint of other cells computed anew; with a
/// second cell whose effects cancel; on several rows; with the rows of other tables that would have to send or receive
/// what it changes. Every change must be noticed:
///
/// - a constraint breaks; or
/// - a message is looked up that no table provides (a multiplicity declared [free](crate::RowBuilder::free) adapts to
///   any message that is provided); or
/// - another message is left over.
///
/// Counts must be 0 or 1, and those of limbs below 2^10, on every row, and on every changed row unless a constraint
/// breaks or a lookup fails. Cells declared free must, on the contrary, be free on at least one of the rows.
///
/// `rows` adds rows per table name, such as a padding row. The tables must be all that meet on their buses.
pub fn cell_test(tables: &[TableAir], traces: &[Trace], rows: &[(&str, usize)]) -> Vec<Unpinned> {
    let mut rng = StdRng::seed_from_u64(0x5ea1_b00c);
    let mut traces = traces.to_vec();
    blind::randomize(&mut traces, &mut rng);
    let honest = Honest::new(tables, &traces);
    let mut unpinned = dishonest(&honest);
    for (t, air) in tables.iter().enumerate() {
        let picks = picks(air, rows, &mut rng);
        let derived = derived_columns(air);
        for &row in &picks {
            let seed: u64 = rng.random();
            let found = (0..air.width()).into_par_iter().flat_map_iter(|column| {
                let mut rng = StdRng::seed_from_u64(seed ^ column as u64);
                one_cell(&honest, (t, row), column, &derived, &mut rng)
            });
            unpinned.par_extend(found);
            unpinned.extend(forge::pairs(&honest, (t, row), &mut rng));
        }
        unpinned.extend(forge::several_rows(&honest, t, &picks));
        unpinned.extend(idly_free(&honest, t, &picks));
    }
    unpinned
}

/// The rows of a table that are changed.
fn picks(air: &TableAir, rows: &[(&str, usize)], rng: &mut StdRng) -> Vec<usize> {
    let last = air.height() - 1;
    let mut picks = vec![0, 1, air.height() / 2, last - 1, last];
    let given = rows.iter().filter(|(name, _)| *name == air.name());
    picks.extend(given.map(|&(_, row)| row));
    picks.push(rng.random_range(0..=last));
    picks.sort_unstable();
    picks.dedup();
    picks
}

/// Honest rows that are none: with a constraint that does not hold, or a count that is none.
fn dishonest(honest: &Honest<'_>) -> Vec<Unpinned> {
    let mut found = Vec::new();
    for (t, air) in honest.airs.iter().enumerate() {
        for row in 0..air.height() {
            let reading = honest.read((t, row));
            if reading.broken().next().is_some() {
                let change = "none: a constraint does not hold";
                found.push(unpinned(honest, (t, row), 0, change));
            }
            if reading.messages.iter().any(|m| !m.counts_well()) {
                found.push(unpinned(honest, (t, row), 0, "none: a count is not 0 or 1"));
            }
        }
    }
    found
}

/// A finding.
pub(super) fn unpinned(
    honest: &Honest<'_>,
    (t, row): Place,
    column: usize,
    change: &'static str,
) -> Unpinned {
    Unpinned {
        table: honest.airs[t].name(),
        row,
        column,
        change,
        with: Vec::new(),
    }
}

const CHANGES: [&str; 5] = ["random", "+1", "-1", "0", "swap with neighbour"];

/// All changes of one cell that are not noticed.
fn one_cell(
    honest: &Honest<'_>,
    place: Place,
    column: usize,
    derived: &[usize],
    rng: &mut StdRng,
) -> Vec<Unpinned> {
    let (t, row) = place;
    let old = cells(&honest.traces[t], row);
    let mut found = Vec::new();
    for change in CHANGES {
        let Some(new) = changed(&honest.airs[t], old, column, change, rng) else {
            continue;
        };
        match honest.judge(&Changes::from([(place, new)])) {
            Verdict::Accepted => found.push(unpinned(honest, place, column, change)),
            Verdict::Miscounted => {
                found.push(unpinned(
                    honest,
                    place,
                    column,
                    "to a count that is not 0 or 1",
                ));
            }
            Verdict::Refused | Verdict::Unbalanced(_) => {}
        }
    }
    if derived.contains(&column) || !found.is_empty() {
        return found;
    }
    found.extend(followed(honest, place, column));
    found
}

/// Changes of one cell and of all that follows from it, in the row and in those that share its messages.
fn followed(honest: &Honest<'_>, place: Place, column: usize) -> Vec<Unpinned> {
    let (t, row) = place;
    let old = cells(&honest.traces[t], row);
    let mut found = Vec::new();
    for (by, change) in [
        (F::ONE, "+1, and what follows from it"),
        (F::NEG_ONE, "-1, and what follows from it"),
    ] {
        if (by == F::NEG_ONE && old[column] == F::ZERO) || is_free(&honest.airs[t], column) {
            continue;
        }
        let Some(new) = follow(honest, &Changes::new(), place, &[(column, by)]) else {
            continue;
        };
        let changes = Changes::from([(place, new)]);
        match honest.judge(&changes) {
            Verdict::Accepted => found.push(unpinned(honest, place, column, change)),
            Verdict::Unbalanced(left) => {
                let others = forge::repair(honest, changes, &left, 3);
                found.extend(others.map(|others| Unpinned {
                    with: forge::names(honest, &others, place),
                    ..unpinned(honest, place, column, change)
                }));
            }
            _ => {}
        }
    }
    found
}

/// A row with cells raised, and those computed anew that have a hint of others. `None` if a hint cannot be computed.
pub(super) fn follow(
    honest: &Honest<'_>,
    changes: &Changes,
    (t, row): Place,
    raise: &[(usize, F)],
) -> Option<Vec<F>> {
    let mut new = honest.cells(changes, t, row).to_vec();
    for &(column, by) in raise {
        new[column] += by;
    }
    let held: Vec<usize> = raise.iter().map(|(column, _)| *column).collect();
    let next = honest.cells(changes, t, row + 1);
    let fill = || refilled(&honest.airs[t], &new, next, row, &held);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(fill)).ok()
}

fn is_free(air: &TableAir, column: usize) -> bool {
    air.free().iter().any(|(free, _)| *free == column)
}

/// Columns declared free that are noticed on each of the rows.
fn idly_free(honest: &Honest<'_>, t: usize, rows: &[usize]) -> Vec<Unpinned> {
    let noticed = |&column: &usize| {
        rows.iter().all(|&row| {
            let mut new = cells(&honest.traces[t], row).to_vec();
            new[column] += F::ONE;
            honest.judge(&Changes::from([((t, row), new)])) != Verdict::Accepted
        })
    };
    let columns = honest.free_columns(t).into_iter().filter(noticed);
    columns
        .map(|column| unpinned(honest, (t, rows[0]), column, "none: it is declared free"))
        .collect()
}

/// The row with one change, or `None` if the change does nothing or touches a free cell.
fn changed(
    air: &TableAir,
    old: &[F],
    column: usize,
    change: &str,
    rng: &mut StdRng,
) -> Option<Vec<F>> {
    if is_free(air, column) {
        return None;
    }
    let mut new = old.to_vec();
    match change {
        "random" => new[column] = rng.random(),
        "+1" => new[column] += F::ONE,
        "-1" => new[column] -= F::ONE,
        "0" => new[column] = F::ZERO,
        _ => {
            let neighbour = if column == 0 { 1 } else { column - 1 };
            if neighbour >= new.len() || is_free(air, neighbour) {
                return None;
            }
            new.swap(column, neighbour);
        }
    }
    (new[..] != *old).then_some(new)
}

/// The constraints that some change of one cell on the given rows breaks alone, with everything else
/// as an honest prover would have it. For tests that no numbered constraint is idle.
pub fn broken_alone(air: &TableAir, trace: &Trace, rows: &[usize]) -> BTreeSet<&'static str> {
    let mut trace = [trace.clone()];
    blind::randomize(&mut trace, &mut StdRng::seed_from_u64(0));
    let trace = &trace[0];
    let broken = |row: usize, new: &[F]| {
        let above = (row + air.height() - 1) % air.height();
        let here = read_row(air, new, cells(trace, row + 1), row);
        let before = read_row(air, cells(trace, above), new, above);
        here.broken()
            .chain(before.broken())
            .collect::<BTreeSet<_>>()
    };
    let changes = rows.par_iter().flat_map(|&row| {
        (0..air.width())
            .into_par_iter()
            .flat_map_iter(move |column| {
                [F::ONE, F::NEG_ONE, F::TWO]
                    .into_iter()
                    .filter_map(move |change| {
                        let mut new = cells(trace, row).to_vec();
                        new[column] += change;
                        let broken = broken(row, &new);
                        (broken.len() == 1)
                            .then(|| broken.into_iter().next())
                            .flatten()
                    })
            })
    });
    changes.collect()
}

/// Those of the constraints `ids` that could be left out, as far as the [cell test](cell_test) sees. For each other one
/// there is a forgery that breaks it and nothing else: no other constraint, and all messages are sent, received and
/// answered. Besides the cell test's changes, two neighbouring rows may change places.
pub fn needless(
    tables: &[TableAir],
    traces: &[Trace],
    rows: &[(&str, usize)],
    ids: &[&'static str],
) -> Vec<&'static str> {
    let mut rng = StdRng::seed_from_u64(0x5ea1_b00c);
    let mut traces = traces.to_vec();
    blind::randomize(&mut traces, &mut rng);
    let honest = Honest::new(tables, &traces);
    let mut needless = ids.to_vec();
    needless.retain(|id| {
        let airs: Vec<TableAir> = tables.iter().map(|air| air.taking_out(id)).collect();
        let without = honest.taking_out(&airs);
        let mut with_it = (0..tables.len()).filter(|t| tables[*t].constraints().contains(id));
        !with_it.any(|t| {
            let picks = picks(&tables[t], rows, &mut rng);
            exchanged(&honest, &without, t, &picks) || is_forged(&without, t, &picks, &mut rng)
        })
    });
    needless
}

/// Whether only the constraint that is taken out notices that two neighbouring rows change places.
fn exchanged(honest: &Honest<'_>, without: &Honest<'_>, t: usize, picks: &[usize]) -> bool {
    let air = &honest.airs[t];
    let width = air.width() - blind::WIDTH;
    picks.par_iter().any(|&row| {
        let [mut first, mut second] =
            [row, row + 1].map(|row| cells(&honest.traces[t], row).to_vec());
        first[..width].swap_with_slice(&mut second[..width]);
        let changes = Changes::from([((t, row), first), ((t, row + 1), second)]);
        row + 1 < air.height()
            && without.judge(&changes) == Verdict::Accepted
            && honest.judge(&changes) == Verdict::Refused
    })
}

/// Whether some change of cells of a table is not noticed.
fn is_forged(honest: &Honest<'_>, t: usize, picks: &[usize], rng: &mut StdRng) -> bool {
    let air = &honest.airs[t];
    let derived = derived_columns(air);
    let seed: u64 = rng.random();
    picks.iter().any(|&row| {
        (0..air.width()).into_par_iter().any(|column| {
            let mut rng = StdRng::seed_from_u64(seed ^ column as u64);
            !one_cell(honest, (t, row), column, &derived, &mut rng).is_empty()
        })
    }) || picks
        .iter()
        .any(|&row| !forge::pairs(honest, (t, row), rng).is_empty())
        || !forge::several_rows(honest, t, picks).is_empty()
}
