//! Changed rows, and whether a verifier would notice them when the prover adapts what is free.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, RwLock};

use super::{Emitted, Kind, Reading, cells, forge, read_row};
use crate::blind;
use crate::field::{F, PrimeCharacteristicRing};
use crate::table::{TableAir, Trace};

/// A message on a bus.
pub(crate) type Key = (&'static str, Vec<F>);

/// A table's and a row's number.
pub(crate) type Place = (usize, usize);

/// Cells of changed rows.
pub(crate) type Changes = BTreeMap<Place, Vec<F>>;

/// What a verifier says to changed rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A constraint breaks, or a message is looked up that no table provides.
    Refused,
    /// Only messages that other rows would have to send or receive are left over, with their net counts.
    Unbalanced(Vec<(Key, F)>),
    /// A count is none: the balance of its bus means nothing.
    Miscounted,
    /// Nothing.
    Accepted,
}

/// Honest tables, and who could answer or send what.
pub(crate) struct Honest<'a> {
    pub airs: &'a [TableAir],
    pub traces: &'a [Trace],
    /// Which rows provide a message with a free multiplicity.
    free: Arc<HashMap<Key, Vec<Place>>>,
    /// The buses of these messages.
    answered: Arc<HashSet<&'static str>>,
    /// Where any other message is sent or received, with what it adds to the balance.
    others: Arc<HashMap<Key, Vec<(Place, usize)>>>,
    /// Whether a count that is none refuses a change.
    refuses_counts: bool,
    readings: RwLock<HashMap<Place, Arc<Reading>>>,
    sources: RwLock<HashMap<Place, Arc<Sources>>>,
}

/// Which cell an element of a message comes from: see [`forge::sources`].
type Sources = HashMap<(usize, usize), (usize, F)>;

impl<'a> Honest<'a> {
    pub fn new(airs: &'a [TableAir], traces: &'a [Trace]) -> Self {
        let mut honest = Self {
            airs,
            traces,
            free: Arc::default(),
            answered: Arc::default(),
            others: Arc::default(),
            refuses_counts: false,
            readings: RwLock::default(),
            sources: RwLock::default(),
        };
        for (t, air) in airs.iter().enumerate() {
            for row in 0..air.height() {
                honest.note_provided(t, row);
            }
        }
        for (t, air) in airs.iter().enumerate() {
            for row in 0..air.height() {
                honest.note_others(t, row);
            }
        }
        honest
    }

    /// The same rows in tables with a constraint taken out, where every count must be one.
    pub fn taking_out<'b>(&'b self, airs: &'b [TableAir]) -> Honest<'b> {
        Honest {
            airs,
            traces: self.traces,
            free: self.free.clone(),
            answered: self.answered.clone(),
            others: self.others.clone(),
            refuses_counts: true,
            readings: RwLock::default(),
            sources: RwLock::default(),
        }
    }

    /// A row as it is.
    pub fn read(&self, (t, row): Place) -> Reading {
        let trace = &self.traces[t];
        read_row(&self.airs[t], cells(trace, row), cells(trace, row + 1), row)
    }

    /// A row as it is, read once.
    pub fn reading(&self, place: Place) -> Arc<Reading> {
        if let Some(reading) = self.readings.read().expect("no reader panics").get(&place) {
            return reading.clone();
        }
        let reading = Arc::new(self.read(place));
        let mut readings = self.readings.write().expect("no reader panics");
        readings.entry(place).or_insert(reading).clone()
    }

    /// Where the elements of a row's messages come from, found once.
    pub fn sources(&self, place: Place) -> Arc<Sources> {
        if let Some(sources) = self.sources.read().expect("no reader panics").get(&place) {
            return sources.clone();
        }
        let sources = Arc::new(forge::sources(self, place));
        let mut all = self.sources.write().expect("no reader panics");
        all.entry(place).or_insert(sources).clone()
    }

    /// The columns declared free, blinding aside.
    pub fn free_columns(&self, t: usize) -> Vec<usize> {
        let end = self.airs[t].width() - blind::WIDTH;
        let free = self.airs[t].free().iter().map(|(column, _)| *column);
        free.filter(|column| *column < end).collect()
    }

    /// Notes the messages of a row whose multiplicity is a free cell, which changes nothing else.
    fn note_provided(&mut self, t: usize, row: usize) {
        let trace = &self.traces[t];
        for column in self.free_columns(t) {
            let before = self.read((t, row));
            if !before.messages.iter().any(|m| m.kind == Kind::Provide) {
                return;
            }
            let mut local = cells(trace, row).to_vec();
            local[column] += F::ONE;
            let after = read_row(&self.airs[t], &local, cells(trace, row + 1), row);
            if after.broken().next().is_some() {
                continue;
            }
            let pairs = before.messages.iter().zip(&after.messages);
            let changed: Vec<_> = pairs
                .filter(|(a, b)| a.count != b.count || before.elements(a) != after.elements(b))
                .map(|(a, b)| {
                    (
                        a,
                        a.kind == Kind::Provide && before.elements(a) == after.elements(b),
                    )
                })
                .collect();
            if let [(message, true)] = changed[..] {
                let key = (message.bus, before.elements(message).to_vec());
                Arc::make_mut(&mut self.answered).insert(message.bus);
                let free = Arc::make_mut(&mut self.free);
                free.entry(key).or_default().push((t, row));
            }
        }
    }

    fn note_others(&mut self, t: usize, row: usize) {
        let reading = self.read((t, row));
        for (index, message) in reading.messages.iter().enumerate() {
            if message.count != F::ZERO && !self.answered.contains(message.bus) {
                let key = (message.bus, reading.elements(message).to_vec());
                let others = Arc::make_mut(&mut self.others);
                others.entry(key).or_default().push(((t, row), index));
            }
        }
    }

    /// Whether lookups on a bus are answered by a table with free multiplicities.
    pub fn is_answered(&self, bus: &'static str) -> bool {
        self.answered.contains(bus)
    }

    /// Where a message is sent or received on a bus that is not [answered](Self::is_answered).
    pub fn places(&self, key: &Key) -> &[(Place, usize)] {
        self.others.get(key).map_or(&[], Vec::as_slice)
    }

    /// A row's cells after changes.
    pub fn cells<'b>(&'b self, changes: &'b Changes, t: usize, row: usize) -> &'b [F] {
        let row = row % self.airs[t].height();
        changes
            .get(&(t, row))
            .map_or(cells(&self.traces[t], row), Vec::as_slice)
    }

    /// The row above, cyclically, if it looks at this one.
    fn above(&self, (t, row): Place) -> Option<Place> {
        let height = self.airs[t].height();
        self.airs[t]
            .uses_next()
            .then_some((t, (row + height - 1) % height))
    }

    /// A row read with changes.
    pub fn changed_reading(&self, changes: &Changes, (t, row): Place) -> Reading {
        let [local, next] = [row, row + 1].map(|row| self.cells(changes, t, row));
        read_row(&self.airs[t], local, next, row)
    }

    /// What a verifier says to changed rows.
    pub fn judge(&self, changes: &Changes) -> Verdict {
        let mut affected: Vec<Place> = changes
            .keys()
            .flat_map(|&place| [Some(place), self.above(place)])
            .flatten()
            .collect();
        affected.sort_unstable();
        affected.dedup();
        let mut balance: HashMap<Key, F> = HashMap::new();
        let mut miscounted = false;
        let mut provided: HashSet<Key> = HashSet::new();
        for place in affected {
            let before = self.reading(place);
            let after = self.changed_reading(changes, place);
            if after.broken().next().is_some() {
                return Verdict::Refused;
            }
            for (a, b) in before.messages.iter().zip(&after.messages) {
                miscounted |= !b.counts_well() && a.counts_well();
                if a.count == b.count && before.elements(a) == after.elements(b) {
                    continue;
                }
                let mut add = |reading: &Reading, message: &Emitted, count: F| {
                    if count != F::ZERO {
                        let key = (message.bus, reading.elements(message).to_vec());
                        *balance.entry(key).or_insert(F::ZERO) += count;
                    }
                };
                add(&before, a, -a.signed());
                add(&after, b, b.signed());
                if b.kind == Kind::Provide {
                    provided.insert((b.bus, after.elements(b).to_vec()));
                }
            }
        }
        balance.retain(|key, net| *net != F::ZERO && !self.repaired(changes, key, &provided));
        let lost_lookup = balance.keys().any(|(bus, _)| self.is_answered(bus));
        match (lost_lookup, miscounted, balance.is_empty()) {
            (true, ..) => Verdict::Refused,
            (_, true, _) if self.refuses_counts => Verdict::Refused,
            (_, true, _) => Verdict::Miscounted,
            (.., true) => Verdict::Accepted,
            _ => Verdict::Unbalanced(balance.into_iter().collect()),
        }
    }

    /// Whether a free multiplicity makes up for any count of a message: that of a row that did not change, or of a
    /// changed row that still or newly provides it.
    fn repaired(&self, changes: &Changes, key: &Key, provided: &HashSet<Key>) -> bool {
        let stays = |place: &Place| !changes.contains_key(place);
        let rows = self.free.get(key);
        rows.is_some_and(|rows| rows.iter().any(stays))
            || (self.is_answered(key.0) && provided.contains(key))
            || rows.is_some_and(|rows| {
                rows.iter().any(|place| {
                    let reading = self.changed_reading(changes, *place);
                    let mut messages = reading.messages.iter();
                    messages.any(|m| {
                        m.kind == Kind::Provide && m.bus == key.0 && *reading.elements(m) == key.1
                    })
                })
            })
    }
}
