//! What follows for a table from the messages that it receives and looks up.

use std::collections::{BTreeSet, HashMap};

use super::{Facts, Inductive, MODULUS, constant, hull, is_gated, sorted};
use crate::check::Kind;
use crate::check::polynomial::{Interval, Poly, Var};

/// What is provided on each bus, where all of it is public: a row for each.
pub(super) type Contents = HashMap<&'static str, Vec<Vec<i128>>>;

pub(super) fn contents(all: &[Facts<'_>]) -> Contents {
    let mut contents = Contents::new();
    let mut private = BTreeSet::new();
    for facts in all {
        for (kind, bus, _, message) in &facts.messages {
            if *kind != Kind::Provide {
                continue;
            }
            match facts.public_rows(message) {
                Some(rows) => contents.entry(*bus).or_default().extend(rows),
                None => {
                    private.insert(*bus);
                }
            }
        }
    }
    contents.retain(|bus, _| !private.contains(bus));
    contents
}

/// Per bus, what is sent on it: public elements, and the interval of each one if it is known.
pub(super) type Sent = HashMap<&'static str, Vec<Variant>>;

/// What rows send that have the same public elements.
#[derive(Clone)]
pub(super) struct Variant {
    pub constants: Vec<Option<i128>>,
    pub intervals: Vec<Option<Interval>>,
}

pub(super) fn sent(all: &mut [Facts<'_>]) -> Sent {
    let mut sent = Sent::new();
    for facts in all {
        let sends = facts.sends.take().unwrap_or_else(|| facts.sends());
        for (bus, variant) in &sends {
            sent.entry(*bus).or_default().push(variant.clone());
        }
        facts.sends = Some(sends);
    }
    sent
}

/// The intervals of what may answer a message with these constants.
pub(super) fn answered_by(variants: &[Variant], message: &[Option<Poly>]) -> Vec<Option<Interval>> {
    let constants: Vec<Option<i128>> = message
        .iter()
        .map(|poly| poly.as_ref().and_then(constant))
        .collect();
    let fits = |variant: &&Variant| {
        let mut pairs = variant.constants.iter().zip(&constants);
        pairs.all(|(a, b)| a.is_none() || b.is_none() || a == b)
    };
    let variants: Vec<&Variant> = variants.iter().filter(fits).collect();
    (0..message.len())
        .map(|i| {
            let mut intervals = variants.iter().map(|variant| variant.intervals[i]);
            let first = intervals.next()?;
            intervals.fold(first, hull)
        })
        .collect()
}

/// Per element of a message, the least and the largest of what is provided, among the rows that have its constants.
pub(super) fn answers(rows: &[Vec<i128>], message: &[Option<Poly>]) -> Vec<Option<Interval>> {
    let constants: Vec<Option<i128>> = message
        .iter()
        .map(|poly| poly.as_ref().and_then(constant))
        .collect();
    let fits = |row: &&Vec<i128>| {
        let mut pairs = row.iter().zip(&constants);
        pairs.all(|(e, c)| c.is_none_or(|c| *e == c))
    };
    let rows: Vec<&Vec<i128>> = rows.iter().filter(fits).collect();
    (0..message.len())
        .map(|i| {
            let values = rows.iter().map(|row| row[i]);
            values.fold(None, |ends, v| match ends {
                None => Some((v, v)),
                Some((l, h)) => Some((v.min(l), v.max(h))),
            })
        })
        .collect()
}

/// What one message of a table's rows counts on a bus of limbs.
pub(super) struct Limbs {
    pub bus: &'static str,
    pub constants: Vec<Option<i128>>,
    pub rows: i128,
    pub most: i128,
}

/// All messages that count limbs, if each limb is known to be one.
pub(super) fn limbs(all: &[Facts<'_>]) -> Vec<Limbs> {
    let mut limbs = Vec::new();
    for facts in all {
        for (kind, bus, count, message) in &facts.messages {
            if *kind != Kind::Limb {
                continue;
            }
            let range = count.as_ref().and_then(|count| facts.known.interval(count));
            limbs.push(Limbs {
                bus,
                constants: message
                    .iter()
                    .map(|poly| poly.as_ref().and_then(constant))
                    .collect(),
                rows: facts.air.height() as i128,
                most: match range {
                    Some((0.., most)) => most,
                    _ => MODULUS,
                },
            });
        }
    }
    limbs
}

impl Facts<'_> {
    pub(super) fn learn_from_messages(&mut self, contents: &Contents, sent: &Sent) -> bool {
        let mut news = false;
        let one = Poly::constant(1);
        for (kind, bus, count, message) in self.messages.clone() {
            let Some(count) = count else { continue };
            let intervals: Vec<Option<Interval>> = match (kind, contents.get(bus)) {
                (Kind::Lookup, Some(rows)) => answers(rows, &message),
                (Kind::Lookup | Kind::Receive, _) => match sent.get(bus) {
                    Some(variants) => answered_by(variants, &message),
                    None => continue,
                },
                _ => continue,
            };
            if count == one && kind == Kind::Lookup {
                news |= self.learn_exclusive(contents.get(bus), &message);
            }
            for (poly, interval) in message.iter().zip(intervals) {
                let (Some(poly), Some(interval)) = (poly, interval) else {
                    continue;
                };
                if count == one {
                    news |= self.equals(poly, interval);
                } else if let Some((var, 1, 0)) = poly.single()
                    && let Some(interval) = self.received(&count, var, interval)
                {
                    news |= self.known.note(var, interval);
                }
            }
        }
        news
    }

    /// Bits that are never 1 together in any row that answers.
    fn learn_exclusive(&mut self, rows: Option<&Vec<Vec<i128>>>, message: &[Option<Poly>]) -> bool {
        let bits: Vec<(usize, Var)> = message
            .iter()
            .enumerate()
            .filter_map(|(i, poly)| match poly.as_ref()?.single()? {
                (var @ Var::Cell(_), 1, 0) if self.known.is_bit(var) => Some((i, var)),
                _ => None,
            })
            .collect();
        let mut news = false;
        for (n, (i, a)) in bits.iter().enumerate() {
            for (j, b) in &bits[..n] {
                if rows.is_some_and(|rows| rows.iter().all(|row| row[*i] * row[*j] == 0)) {
                    let both = Poly([(sorted([*a, *b]), 1)].into());
                    news |= self.known.note_fact(&both, (0, 0));
                }
            }
        }
        news
    }

    /// Notes that a polynomial is an integer in an interval, modulo `p`.
    fn equals(&mut self, poly: &Poly, (low, high): Interval) -> bool {
        let Some((var, by, constant)) = poly.single() else {
            return false;
        };
        match self.known.range(var) {
            None if by.abs() == 1 => {
                let ends = [(low - constant) * by, (high - constant) * by];
                self.known
                    .note(var, (ends[0].min(ends[1]), ends[0].max(ends[1])))
            }
            Some(range) => {
                // Both sides are less than p apart, so they are equal.
                let ends = [range.0 * by + constant, range.1 * by + constant];
                let apart =
                    ends[0].max(ends[1]) - low < MODULUS && high - ends[0].min(ends[1]) < MODULUS;
                if !apart {
                    return false;
                }
                let (a, b) = ((low - constant), (high - constant));
                let (a, b) = if by > 0 { (a, b) } else { (b, a) };
                // Rounded inwards.
                let least = a.div_euclid(by) + i128::from(a.rem_euclid(by) != 0);
                let most = if by > 0 {
                    b.div_euclid(by)
                } else {
                    -(b.div_euclid(-by))
                };
                let least = if by > 0 { least } else { -(a.div_euclid(-by)) };
                self.known.note(var, (least.min(most), most.max(least)))
            }
            None => false,
        }
    }

    /// The interval of a cell that is received where a count is 1: elsewhere it is zero, or what follows from the row above.
    fn received(&mut self, count: &Poly, var: Var, interval: Interval) -> Option<Interval> {
        let (gate, 1, 0) = count.single()? else {
            return None;
        };
        let (0.., ..=1) = self.known.range(gate)? else {
            return None;
        };
        let zero_elsewhere = self.always.iter().any(|poly| is_gated(poly, gate, var));
        if zero_elsewhere {
            return hull(Some(interval), Some((0, 0)));
        }
        let Var::Cell(column) = var else { return None };
        let starts = self.column(gate)?;
        let height = self.air.height();
        let constant = Poly([(vec![Var::Next(column)], 1), (vec![var], -1)].into());
        if self.transition.contains(&constant) && starts.contains(&1) {
            return Some(interval);
        }
        let steps: Vec<(Vec<bool>, Poly)> = self
            .transition
            .iter()
            .filter_map(|poly| self.step(poly, column))
            .collect();
        let (_, after) = steps.into_iter().find(|(goes_on, _)| {
            let inherits = |row: usize| starts[row] == 1 || goes_on[row - 1];
            starts[0] == 1 && (1..height).all(inherits)
        })?;
        // By induction over the rows: if the cell lies in an interval, what follows from it does, too.
        let mut assumed = interval;
        for _ in 0..3 {
            let known = self.known.ranges.insert(var, assumed);
            let follows = self.known.interval(&after);
            match known {
                Some(known) => self.known.ranges.insert(var, known),
                None => self.known.ranges.remove(&var),
            };
            let Some(both) = hull(Some(assumed), follows) else {
                self.inductive.push(Inductive {
                    var,
                    received: interval,
                    after,
                });
                return None;
            };
            if both == assumed {
                return (both.1 - both.0 < MODULUS).then_some(both);
            }
            assumed = both;
        }
        None
    }

    /// A constraint `gate * (next - after)`, with a gate that is public: on which rows the gate is not zero, and what follows.
    fn step(&self, poly: &Poly, column: usize) -> Option<(Vec<bool>, Poly)> {
        let next = Var::Next(column);
        let mut gate = Poly::default();
        for (monomial, by) in poly
            .0
            .iter()
            .filter(|(monomial, _)| monomial.contains(&next))
        {
            let rest: Vec<Var> = monomial.iter().copied().filter(|v| *v != next).collect();
            gate = gate.plus(&Poly([(rest, *by)].into()), 1);
        }
        let height = self.air.height();
        let public: Option<Vec<Vec<i128>>> = gate
            .variables()
            .into_iter()
            .map(|v| self.column(v))
            .collect();
        let public = public?;
        let variables: Vec<Var> = gate.variables().into_iter().collect();
        let value = |row: usize| {
            let terms = gate.0.iter().map(|(monomial, by)| {
                let at = |v: &Var| {
                    public[variables.iter().position(|w| w == v).expect("a variable")][row]
                };
                by * monomial.iter().map(at).product::<i128>()
            });
            terms.sum::<i128>()
        };
        // The rest is minus the gate times what follows: taken from the gate's lowest term.
        let (lead, by) = gate.0.iter().next()?;
        if by.abs() != 1 {
            return None;
        }
        let mut after = Poly::default();
        for (monomial, c) in poly
            .0
            .iter()
            .filter(|(monomial, _)| !monomial.contains(&next))
        {
            let mut rest = monomial.clone();
            let holds = lead.iter().all(|v| match rest.iter().position(|w| w == v) {
                Some(at) => {
                    rest.remove(at);
                    true
                }
                None => false,
            });
            let others = gate.0.keys().any(|other| {
                other != lead && !other.is_empty() && other.iter().all(|v| monomial.contains(v))
            });
            if holds && !others {
                after = after.plus(&Poly([(rest, -c * by)].into()), 1);
            }
        }
        let whole = Poly([(vec![next], 1)].into()).plus(&after, -1);
        let product = gate.times(&whole)?;
        (product == *poly).then(|| ((0..height).map(|row| value(row) != 0).collect(), after))
    }
}
