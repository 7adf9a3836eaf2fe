//! What follows for a table from many of its rows at once: how often limbs are counted, what is zero, running sums.

use std::collections::BTreeSet;

use super::{Facts, Limbs, MODULUS, constant, hull, is_gated};
use crate::check::Kind;
use crate::check::polynomial::{Poly, Var, centered};
use crate::field::{F, PrimeCharacteristicRing};

impl Facts<'_> {
    /// Multiplicities of what this table alone provides to limbs: no more than all limbs together.
    pub(super) fn learn_from_limbs(&mut self, limbs: &[Limbs]) -> bool {
        let mut news = false;
        let provided: Vec<(&'static str, Var, Vec<Option<Poly>>)> = self
            .messages
            .iter()
            .filter(|(kind, ..)| *kind == Kind::Provide)
            .filter_map(|(_, bus, count, message)| match count.as_ref()?.single()? {
                (var, 1, 0) => Some((*bus, var, message.clone())),
                _ => None,
            })
            .collect();
        let mut seen = BTreeSet::new();
        for (bus, var, message) in &provided {
            let senders: Vec<&Limbs> = limbs.iter().filter(|l| l.bus == *bus).collect();
            if senders.is_empty() {
                continue;
            }
            for row in 0..self.air.height() {
                let silent = self.always.iter().any(|poly| {
                    let gates = poly.variables();
                    let mut gates = gates.iter().filter(|v| matches!(v, Var::Fixed(_)));
                    gates.any(|gate| {
                        is_gated(poly, *gate, *var)
                            && self.column(*gate).is_some_and(|c| c[row] == 0)
                    })
                });
                if silent {
                    continue;
                }
                let values: Option<Vec<i128>> = message
                    .iter()
                    .map(|poly| self.public_value(poly.as_ref()?, row))
                    .collect();
                if !values.is_some_and(|values| seen.insert((*bus, values))) {
                    return news;
                }
            }
        }
        for (bus, var, message) in &provided {
            let senders = limbs.iter().filter(|l| l.bus == *bus);
            let matching = senders.filter(|l| {
                let mut pairs = l.constants.iter().zip(message);
                pairs.all(|(a, poly)| match (a, poly.as_ref().and_then(constant)) {
                    (Some(a), Some(b)) => *a == b,
                    _ => true,
                })
            });
            let total: i128 = matching.map(|l| l.rows * l.most).sum();
            if total > 0 && total < MODULUS {
                news |= self.known.note(*var, (0, total));
            }
        }
        news
    }

    /// The value of a polynomial of public columns on a row.
    pub(super) fn public_value(&self, poly: &Poly, row: usize) -> Option<i128> {
        let mut sum = 0;
        for (monomial, by) in &poly.0 {
            let mut term = *by;
            for var in monomial {
                let Var::Fixed(index) = var else { return None };
                let column = &self.air.fixed()[*index];
                term *= centered(column[row % column.len()]);
            }
            sum += term;
        }
        Some(sum)
    }

    pub(super) fn learn_from_zeros(&mut self) -> bool {
        let mut news = false;
        // A cell that is something of the next row, and zero on the last.
        for zero in self.transition.clone() {
            for (monomial, by) in &zero.0 {
                let [var @ Var::Cell(_)] = monomial[..] else {
                    continue;
                };
                let this = Poly([(vec![var], 1)].into());
                let rest = zero.plus(&this, -by);
                let open = *by == 1 && self.known.range(var).is_none();
                if open && self.last.contains(&this) && !rest.variables().contains(&var) {
                    let negated = Poly::default().plus(&rest, -1);
                    let interval = hull(self.known.interval(&negated), Some((0, 0)));
                    if let Some((low, high)) = interval.filter(|(l, h)| h - l < MODULUS) {
                        news |= self.known.note(var, (low, high));
                    }
                }
            }
        }
        for zero in self.always.clone() {
            // One of these bits is 1.
            let sum = zero.plus(&Poly::constant(1), 1);
            if let Some(group) = self.sum_of_bits(&sum) {
                if !self.known.one_of.contains(&(group.clone(), true)) {
                    self.known.one_of.push((group, true));
                    news = true;
                }
                continue;
            }
            // A cell that is its own cube is -1, 0 or 1.
            if let [(cube, x), (cell, y)] = &zero.0.iter().collect::<Vec<_>>()[..]
                && let ([a, b, c], [d]) | ([d], [a, b, c]) = (&cube[..], &cell[..])
                && [a, b, c] == [d, d, d]
                && **x == -**y
            {
                news |= self.known.note(*d, (-1, 1));
                continue;
            }
            // A cell that is a polynomial of known ones.
            let alone = zero
                .0
                .iter()
                .filter_map(|(monomial, by)| match monomial[..] {
                    [var @ Var::Cell(_)] if by.abs() == 1 && self.known.range(var).is_none() => {
                        Some((var, *by))
                    }
                    _ => None,
                });
            let alone: Vec<(Var, i128)> = alone.collect();
            if let [(var, by)] = alone[..] {
                let rest = zero.plus(&Poly([(vec![var], 1)].into()), -by);
                if rest.variables().contains(&var) {
                    continue;
                }
                if let Some((low, high)) = self.known.interval(&rest)
                    && high - low < MODULUS
                {
                    let interval = if by == 1 { (-high, -low) } else { (low, high) };
                    news |= self.known.note(var, interval);
                }
            }
        }
        news
    }

    /// Running sums: a cell that is zero on the first row and on the next row is `gate * (cell + term)`, with a public gate.
    pub(super) fn learn_from_sums(&mut self) -> bool {
        let mut news = false;
        for step in self.transition.clone() {
            let next = step.0.iter().find_map(|(monomial, by)| match monomial[..] {
                [Var::Next(column)] if *by == 1 => Some(column),
                _ => None,
            });
            let Some(column) = next else { continue };
            let var = Var::Cell(column);
            let starts = Poly([(vec![var], 1)].into());
            if self.known.range(var).is_some() || !self.first.contains(&starts) {
                continue;
            }
            let sum = Poly::default().plus(
                &step.plus(&Poly([(vec![Var::Next(column)], 1)].into()), -1),
                -1,
            );
            // What the row adds: the sum without the cell itself, which no gate may enlarge.
            let mut with_cell: Vec<(&Vec<Var>, &i128)> = sum
                .0
                .iter()
                .filter(|(monomial, _)| monomial.contains(&var))
                .collect();
            with_cell.sort_by_key(|(monomial, _)| monomial.len());
            let gate = match with_cell[..] {
                [(m, 1)] if m.len() == 1 => None,
                [(m, 1), (g, -1)] if m.len() == 1 && g.len() == 2 => {
                    g.iter().find(|v| matches!(v, Var::Fixed(_))).copied()
                }
                _ => continue,
            };
            let rest = with_cell.iter().fold(sum.clone(), |rest, (monomial, by)| {
                rest.plus(&Poly([((*monomial).clone(), 1)].into()), -**by)
            });
            let Some((low, high)) = self.known.interval(&rest) else {
                continue;
            };
            let rows = self.longest_run(gate) as i128;
            let interval = (rows * low.min(0), rows * high.max(0));
            if interval.1 - interval.0 < MODULUS {
                news |= self.known.note(var, interval);
            }
        }
        news
    }

    /// Most rows over which a sum runs before a public flag ends it.
    pub(super) fn longest_run(&self, ends: Option<Var>) -> usize {
        let height = self.air.height();
        let Some(Var::Fixed(ends)) = ends else {
            return height - 1;
        };
        let ends = &self.air.fixed()[ends];
        let (mut longest, mut run) = (0, 0);
        for row in 0..height {
            run = if ends[row % ends.len()] == F::ONE {
                0
            } else {
                run + 1
            };
            longest = longest.max(run);
        }
        longest.min(height - 1)
    }
}
