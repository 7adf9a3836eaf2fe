//! What a forger changes together: cells of a row whose effects cancel, a column over several rows, and the rows on both
//! sides of a bus.

use std::collections::{BTreeMap, HashMap};

use rand::RngExt;
use rand::rngs::StdRng;
use rayon::prelude::*;

use super::cell::{Unpinned, follow, unpinned};
use super::changes::{Changes, Honest, Key, Place, Verdict};
use super::{Kind, Reading, cells, read_row};
use crate::blind;
use crate::field::{F, Field, PrimeCharacteristicRing};

/// What a change of a cell does to constraints and messages: place in the row's reading, and by how much.
type Effect = Vec<(usize, F)>;

/// Cells and by how much each is raised.
type Raised = Vec<(usize, F)>;

/// Effects above this number are those of hashing, which nothing cancels.
const MOST_EFFECTS: usize = 24;
/// Most cells that are changed together in a row.
const MOST_CELLS: usize = 6;

/// All that must not change in a row and the one above it. Lookups that a table answers may.
fn signature(honest: &Honest<'_>, readings: &[(&Reading, &Reading)]) -> Vec<F> {
    let mut values = Vec::new();
    for (reading, before) in readings {
        values.extend(reading.zeros.iter().map(|(_, zero)| *zero));
        for (message, as_it_was) in reading.messages.iter().zip(&before.messages) {
            if honest.is_answered(message.bus) {
                continue;
            }
            values.push(message.count);
            let elements = reading.elements(message).iter();
            values.extend(elements.map(|e| *e * F::from_bool(as_it_was.count != F::ZERO)));
        }
    }
    values
}

/// What each cell of a row does if it grows by one.
fn effects(honest: &Honest<'_>, (t, row): Place) -> Vec<Effect> {
    let air = &honest.airs[t];
    let above = (row + air.height() - 1) % air.height();
    let (here, before) = (honest.reading((t, row)), honest.reading((t, above)));
    let as_it_was = signature(honest, &[(&here, &here), (&before, &before)]);
    let columns = (0..air.width() - blind::WIDTH).into_par_iter();
    columns
        .map(|column| {
            let mut new = cells(&honest.traces[t], row).to_vec();
            new[column] += F::ONE;
            let next = cells(&honest.traces[t], row + 1);
            let new_here = read_row(air, &new, next, row);
            let new_before = read_row(air, cells(&honest.traces[t], above), &new, above);
            let changed = signature(honest, &[(&new_here, &here), (&new_before, &before)]);
            let pairs = changed.iter().zip(&as_it_was).enumerate();
            pairs
                .filter(|(_, (new, old))| new != old)
                .map(|(i, (new, old))| (i, *new - *old))
                .collect()
        })
        .collect()
}

/// Groups of cells of a row whose effects cancel, changed together by small numbers.
pub(super) fn pairs(honest: &Honest<'_>, place: Place, rng: &mut StdRng) -> Vec<Unpinned> {
    let (t, row) = place;
    let free = honest.free_columns(t);
    let mut effects = effects(honest, place);
    for column in free {
        effects[column].clear();
    }
    let mut groups = parallel(&effects);
    groups.extend(kernel(&effects));
    let width = effects.len();
    if width > 1 {
        for _ in 0..width / 4 {
            let [i, j] = [0, 1].map(|_| rng.random_range(0..width));
            if i != j && !effects[i].is_empty() && !effects[j].is_empty() {
                groups.push(vec![(i, F::ONE), (j, F::NEG_ONE)]);
            }
        }
    }
    let old = cells(&honest.traces[t], row);
    let found = groups.par_iter().flat_map_iter(|group| {
        let mut scales: Vec<F> = group.iter().map(|(_, by)| by.inverse()).collect();
        scales.sort_unstable();
        scales.dedup();
        scales
            .into_iter()
            .flat_map(|s| [s, -s])
            .filter_map(move |scale| {
                let mut new = old.to_vec();
                for &(column, by) in group {
                    new[column] += by * scale;
                }
                let verdict = honest.judge(&Changes::from([(place, new)]));
                let accepted = matches!(verdict, Verdict::Accepted | Verdict::Miscounted);
                accepted.then(|| Unpinned {
                    with: group[1..]
                        .iter()
                        .map(|(column, _)| (honest.airs[t].name(), row, *column))
                        .collect(),
                    ..unpinned(honest, place, group[0].0, "with cells that make up for it")
                })
            })
    });
    let mut found: Vec<Unpinned> = found.collect();
    found.sort();
    found.dedup();
    found
}

/// Pairs of cells with proportional effects.
fn parallel(effects: &[Effect]) -> Vec<Raised> {
    let mut alike: HashMap<Effect, Raised> = HashMap::new();
    for (column, effect) in effects.iter().enumerate() {
        if let Some(&(_, lead)) = effect.first() {
            let inverse = lead.inverse();
            let scaled = effect.iter().map(|(i, by)| (*i, *by * inverse)).collect();
            alike.entry(scaled).or_default().push((column, inverse));
        }
    }
    let mut pairs = Vec::new();
    for group in alike.values() {
        for (i, first) in group.iter().enumerate() {
            let near = group.iter().skip(i + 1).take(MOST_CELLS);
            pairs.extend(near.map(|second| vec![*first, (second.0, -second.1)]));
        }
    }
    pairs
}

/// Groups of a few cells whose effects cancel, by elimination.
fn kernel(effects: &[Effect]) -> Vec<Raised> {
    let mut pivots: HashMap<usize, (Effect, Raised)> = HashMap::new();
    let mut groups = Vec::new();
    for (column, effect) in effects.iter().enumerate() {
        if effect.is_empty() || effect.len() > MOST_EFFECTS {
            continue;
        }
        let mut effect = effect.clone();
        let mut cells: Raised = vec![(column, F::ONE)];
        while let Some(&(at, by)) = effect.first() {
            let Some((pivot, pivot_cells)) = pivots.get(&at) else {
                break;
            };
            let times = -by * pivot[0].1.inverse();
            effect = plus(&effect, pivot, times);
            cells = plus(&cells, pivot_cells, times);
            if cells.len() > MOST_CELLS * MOST_CELLS {
                break;
            }
        }
        match effect.first() {
            None if cells.len() <= MOST_CELLS => groups.push(cells),
            None => {}
            Some(&(at, _)) => {
                pivots.entry(at).or_insert((effect, cells));
            }
        }
    }
    groups
}

/// `a + times b`, sparse.
fn plus(a: &[(usize, F)], b: &[(usize, F)], times: F) -> Vec<(usize, F)> {
    let mut sum: BTreeMap<usize, F> = a.iter().copied().collect();
    for &(at, by) in b {
        *sum.entry(at).or_insert(F::ZERO) += times * by;
    }
    sum.into_iter().filter(|(_, by)| *by != F::ZERO).collect()
}

/// Columns that grow by one on several rows: on all, on those up to one of `rows` or from it on, on it and the next.
pub(super) fn several_rows(honest: &Honest<'_>, t: usize, rows: &[usize]) -> Vec<Unpinned> {
    let air = &honest.airs[t];
    let last = air.height() - 1;
    let free = honest.free_columns(t);
    let mut ranges = vec![(0, last)];
    for &row in rows {
        ranges.extend([(0, row), (row, last), (row, (row + 1).min(last))]);
    }
    ranges.sort_unstable();
    ranges.dedup();
    ranges.retain(|(start, end)| start < end);
    let columns = (0..air.width() - blind::WIDTH).into_par_iter();
    columns
        .filter(|column| !free.contains(column))
        .flat_map_iter(|column| {
            ranges.iter().filter_map(move |&range| {
                let accepted = shift_accepted(honest, t, column, range, rows);
                accepted.then(|| unpinned(honest, (t, range.0), column, "+1 on several rows"))
            })
        })
        .collect()
}

fn shift_accepted(
    honest: &Honest<'_>,
    t: usize,
    column: usize,
    (start, end): (usize, usize),
    rows: &[usize],
) -> bool {
    let air = &honest.airs[t];
    let shifted = |row: usize| {
        let row = row % air.height();
        let mut new = cells(&honest.traces[t], row).to_vec();
        if (start..=end).contains(&row) {
            new[column] += F::ONE;
        }
        new
    };
    // A few rows first: they refuse nearly everything.
    let near = [(start + air.height() - 1) % air.height(), start, end];
    let within = rows.iter().filter(|row| (start..=end).contains(row));
    for &row in near.iter().chain(within) {
        let before = honest.reading((t, row));
        let after = read_row(air, &shifted(row), &shifted(row + 1), row);
        if after.broken().next().is_some() {
            return false;
        }
        let mut pairs = before.messages.iter().zip(&after.messages);
        let lost = pairs.any(|(a, b)| {
            let same = a.count == b.count && before.elements(a) == after.elements(b);
            let none = a.count == F::ZERO && b.count == F::ZERO;
            let comes_back = before.messages.iter().any(|other| {
                let meets = matches!(
                    (a.kind, other.kind),
                    (Kind::Receive, Kind::Send) | (Kind::Send, Kind::Receive)
                );
                meets && other.bus == a.bus
            });
            !same && !none && !comes_back && !honest.is_answered(a.bus)
        });
        if lost {
            return false;
        }
    }
    let changes: Changes = (start..=end).map(|row| ((t, row), shifted(row))).collect();
    matches!(
        honest.judge(&changes),
        Verdict::Accepted | Verdict::Miscounted
    )
}

/// Changes of further rows, so that the messages left over by changes are sent and received after all.
pub(super) fn repair(
    honest: &Honest<'_>,
    changes: Changes,
    left: &[(Key, F)],
    depth: usize,
) -> Option<Changes> {
    if depth == 0 || left.len() > 8 {
        return None;
    }
    for (old, net) in left {
        for at in honest.places(old).iter().take(4) {
            let same_bus = left.iter().filter(|(k, n)| k.0 == old.0 && *n == -*net);
            let answers =
                same_bus.filter_map(|(new, _)| answer(honest, &changes, *at, (old, new), *net));
            let withdrawn = withdraw(honest, &changes, *at, (old, *net));
            for changes in answers.chain(withdrawn) {
                match honest.judge(&changes) {
                    Verdict::Accepted => return Some(changes),
                    Verdict::Unbalanced(left) => {
                        if let Some(all) = repair(honest, changes, &left, depth - 1) {
                            return Some(all);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    None
}

/// Withdraws a row's message, by one cell.
fn withdraw(
    honest: &Honest<'_>,
    changes: &Changes,
    (place, index): (Place, usize),
    (old, net): (&Key, F),
) -> Option<Changes> {
    let reading = honest.changed_reading(changes, place);
    let message = &reading.messages[index];
    if message.signed() != net || reading.elements(message) != &old.1[..] {
        return None;
    }
    let (column, by) = *honest.sources(place).get(&(index, COUNT))?;
    let raise = (column, -message.count * by.inverse());
    let mut changes = changes.clone();
    let row_cells = follow(honest, &changes, place, &[raise])?;
    changes.insert(place, row_cells);
    Some(changes)
}

/// Changes a row's message from one to another, by one cell an element.
fn answer(
    honest: &Honest<'_>,
    changes: &Changes,
    (place, index): (Place, usize),
    (old, new): (&Key, &Key),
    net: F,
) -> Option<Changes> {
    let (t, row) = place;
    let reading = honest.changed_reading(changes, place);
    let message = &reading.messages[index];
    if message.signed() != net || reading.elements(message) != &old.1[..] {
        return None;
    }
    let sources = honest.sources(place);
    let mut raise: Raised = Vec::new();
    for (element, (a, b)) in old.1.iter().zip(&new.1).enumerate() {
        if a == b {
            continue;
        }
        let (column, by) = *sources.get(&(index, element))?;
        raise.push((column, (*b - *a) * by.inverse()));
    }
    let row_cells = follow(honest, changes, (t, row), &raise)?;
    let mut changes = changes.clone();
    changes.insert(place, row_cells);
    Some(changes)
}

/// In the place of an element's number: the message's count.
const COUNT: usize = usize::MAX;

/// For each element of a message of a row and for its count, by its number and the element's, the first cell that changes only this one in the
/// message, and by how much.
pub(super) fn sources(honest: &Honest<'_>, place: Place) -> HashMap<(usize, usize), (usize, F)> {
    let (t, row) = place;
    let (air, before) = (&honest.airs[t], honest.reading(place));
    let mut sources = HashMap::new();
    for column in 0..air.width() - blind::WIDTH {
        let mut new = cells(&honest.traces[t], row).to_vec();
        new[column] += F::ONE;
        let after = read_row(air, &new, cells(&honest.traces[t], row + 1), row);
        let pairs = before.messages.iter().zip(&after.messages).enumerate();
        for (index, (a, b)) in pairs.filter(|(_, (a, _))| !honest.is_answered(a.bus)) {
            let elements = before.elements(a).iter().zip(after.elements(b)).enumerate();
            let mut changed = elements.filter(|(_, (a, b))| a != b);
            match (changed.next(), changed.next()) {
                (Some((element, (a, b))), None) => {
                    sources.entry((index, element)).or_insert((column, *b - *a));
                }
                (None, _) if a.count != b.count => {
                    let by = b.count - a.count;
                    sources.entry((index, COUNT)).or_insert((column, by));
                }
                _ => {}
            }
        }
    }
    sources
}

/// The cells that changes change besides those of one row.
pub(super) fn names(
    honest: &Honest<'_>,
    changes: &Changes,
    first: Place,
) -> Vec<(&'static str, usize, usize)> {
    let others = changes.iter().filter(|(place, _)| **place != first);
    others
        .flat_map(|(&(t, row), new)| {
            let old = cells(&honest.traces[t], row).iter();
            let pairs = old.zip(new).enumerate().filter(|(_, (a, b))| a != b);
            pairs.map(move |(column, _)| (honest.airs[t].name(), row, column))
        })
        .collect()
}
