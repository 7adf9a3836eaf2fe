//! What follows for a table from many of its rows at once: how often limbs are counted, what is zero, running sums.

use std::collections::{BTreeSet, HashMap};

use super::messages::{Limbs, Variant};
use super::{Facts, MODULUS, constant, hull, is_gated};
use crate::check::Kind;
use crate::check::polynomial::{Interval, Poly, Var, centered};

/// Rows of taller tables are not told apart.
const MOST_ROWS: usize = 1 << 10;

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

    /// What rows send on each bus.
    pub(super) fn sends(&self) -> Vec<(&'static str, Variant)> {
        let sent = self.messages.iter();
        sent.filter(|(kind, ..)| matches!(kind, Kind::Send | Kind::Provide))
            .flat_map(|(_, bus, count, message)| {
                let variants = self.variants(count.as_ref(), message);
                variants.into_iter().map(|variant| (*bus, variant))
            })
            .collect()
    }

    /// What rows send: those with other public elements apart, if they are few.
    fn variants(&self, count: Option<&Poly>, message: &[Option<Poly>]) -> Vec<Variant> {
        let of_columns = |poly: &Poly| poly.variables().iter().all(|v| matches!(v, Var::Fixed(_)));
        let is_public = |poly: &&Poly| of_columns(poly) && !poly.variables().is_empty();
        let elements = message.iter().flatten();
        let public: BTreeSet<Var> = elements
            .filter(is_public)
            .chain(count.iter().copied().filter(is_public))
            .flat_map(Poly::variables)
            .collect();
        let whole = || {
            vec![Variant {
                constants: message
                    .iter()
                    .map(|poly| poly.as_ref().and_then(constant))
                    .collect(),
                intervals: message
                    .iter()
                    .map(|poly| self.known.interval(poly.as_ref()?))
                    .collect(),
            }]
        };
        let height = self.air.height();
        if public.is_empty() || height > MOST_ROWS {
            return whole();
        }
        let rows: BTreeSet<Vec<(Var, i128)>> = (0..height)
            .map(|row| {
                let fixed = |i: usize| {
                    (
                        Var::Fixed(i),
                        self.known.fixed[i][row % self.known.fixed[i].len()],
                    )
                };
                (0..self.known.fixed.len()).map(fixed).collect()
            })
            .collect();
        rows.into_iter()
            .filter_map(|row| {
                let values = row.into_iter().collect();
                let silent = count.is_some_and(|count| count.with(&values) == Poly::default());
                if silent {
                    return None;
                }
                let elements: Vec<Option<Poly>> = message
                    .iter()
                    .map(|poly| poly.as_ref().map(|poly| poly.with(&values)))
                    .collect();
                Some(Variant {
                    constants: elements
                        .iter()
                        .map(|poly| poly.as_ref().and_then(constant))
                        .collect(),
                    intervals: elements
                        .iter()
                        .map(|poly| self.known.interval(poly.as_ref()?))
                        .collect(),
                })
            })
            .collect()
    }

    /// A message on each row, if all of it is public.
    pub(super) fn public_rows(&self, message: &[Option<Poly>]) -> Option<Vec<Vec<i128>>> {
        let row = |row| {
            let values = message.iter();
            values.map(move |poly| self.public_value(poly.as_ref()?, row))
        };
        (0..self.air.height()).map(|r| row(r).collect()).collect()
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

    /// A cell that is something of the next row, and zero on the last.
    pub(super) fn learn_from_next_rows(&mut self) -> bool {
        let mut news = false;
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
        news
    }

    /// What equations of a row say of its cells.
    pub(super) fn learn_from_zeros(&mut self) -> bool {
        let mut news = false;
        for (number, zero) in self.always.clone().into_iter().enumerate() {
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
            news |= self.learn_inverse(&zero);
            // A cell that is a polynomial of known ones.
            let alone = zero
                .0
                .iter()
                .filter_map(|(monomial, by)| match monomial[..] {
                    [var @ Var::Cell(_)] if by.abs() == 1 && self.is_open(var, number) => {
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
                    self.solved.insert(var, number);
                    news |= self.known.note(var, interval);
                }
            }
        }
        news
    }

    /// Whether nothing is known of a cell but what this equation says.
    fn is_open(&self, var: Var, equation: usize) -> bool {
        self.known.range(var).is_none() || self.solved.get(&var) == Some(&equation)
    }

    /// `one = value * inverse` and `(1 - one) * value = 0`: a cell that says whether a value is not zero.
    fn learn_inverse(&mut self, zero: &Poly) -> bool {
        let linear = zero
            .0
            .iter()
            .filter_map(|(monomial, by)| match monomial[..] {
                [var @ Var::Cell(_)] if by.abs() == 1 => Some((var, *by)),
                _ => None,
            });
        linear
            .collect::<Vec<_>>()
            .into_iter()
            .fold(false, |news, (var, by)| {
                let product = zero.plus(&Poly([(vec![var], 1)].into()), -by);
                if self.known.is_bit(var) || product.variables().contains(&var) {
                    return news;
                }
                let [at_zero, at_one] = [0, 1].map(|value| HashMap::from([(var, value)]));
                let says = self.always.iter().any(|other| {
                    let value = other.with(&at_zero);
                    let vanishes =
                        other.variables().contains(&var) && other.with(&at_one) == Poly::default();
                    vanishes
                        && product.variables().iter().any(|inverse| {
                            let times = value.times(&Poly([(vec![*inverse], 1)].into()));
                            times.is_some_and(|times| {
                                times == product || times == Poly::default().plus(&product, -1)
                            })
                        })
                });
                (says && self.known.note(var, (0, 1))) || news
            })
    }

    /// Running sums: a cell that is known on the first row, and of which the next row's is `goes_on * cell` and what the rows
    /// add, where `goes_on` is public or a bit; it may be zero where a public column is one.
    pub(super) fn learn_from_sums(&mut self) -> bool {
        let mut news = false;
        for step in self.transition.clone() {
            let next = step.0.iter().find_map(|(monomial, by)| match monomial[..] {
                [Var::Next(column)] if *by == 1 => Some(column),
                _ => None,
            });
            let Some(column) = next else { continue };
            let var = Var::Cell(column);
            if !self.summed.contains(&var)
                && let Some(interval) = self.running(&step, column)
                && interval.1 - interval.0 < MODULUS
            {
                self.summed.insert(var);
                news |= self.known.note(var, interval);
            }
        }
        news
    }

    /// The interval of a running sum.
    fn running(&self, step: &Poly, column: usize) -> Option<Interval> {
        let var = Var::Cell(column);
        let this = Poly([(vec![var], 1)].into());
        let first = self.first.iter().find_map(|zero| {
            let rest = this.plus(zero, -*zero.0.get(&vec![var]).filter(|by| by.abs() == 1)?);
            (!rest.variables().contains(&var)).then_some(rest)
        })?;
        let first = self.known.interval(&first)?;
        let next = Poly([(vec![Var::Next(column)], 1)].into());
        let sum = Poly::default().plus(&step.plus(&next, -1), -1);
        let mut with_cell: Vec<(&Vec<Var>, &i128)> = sum
            .0
            .iter()
            .filter(|(monomial, _)| monomial.contains(&var))
            .collect();
        with_cell.sort_by_key(|(monomial, _)| monomial.len());
        let is_public = |v: &&Var| matches!(v, Var::Fixed(_));
        let mut by_bit = false;
        // A public column, and its value where the sum ends.
        let ends = match with_cell[..] {
            [] => return hull(Some(first), self.known.interval(&sum)),
            [(m, 1)] if m.len() == 1 => None,
            [(m, 1)] if m.len() == 2 => Some((m.iter().copied().find(|v| is_public(&v))?, 0)),
            [(m, 1), (g, -1)] if m.len() == 1 && g.len() == 2 => {
                let end = g.iter().copied().find(|v| *v != var)?;
                by_bit = !is_public(&&end);
                // A bit that no public column sets may end a sum on any row, or on none.
                let ends = by_bit.then(|| self.ends_at(end)).flatten();
                Some((ends.unwrap_or(end), 1))
            }
            _ => return None,
        };
        let is_flag = |column: Var| matches!(self.known.range(column), Some((0.., ..=1)));
        if ends.is_some_and(|(column, _)| !is_flag(column)) {
            return None;
        }
        // What a row adds.
        let term = with_cell.iter().fold(sum.clone(), |rest, (monomial, by)| {
            rest.plus(&Poly([((*monomial).clone(), 1)].into()), -**by)
        });
        let adds = |is_end: bool| match ends {
            None => self.known.interval(&term),
            Some((column, end)) => {
                let value = if is_end { end } else { 1 - end };
                self.known.interval(&term.with(&[(column, value)].into()))
            }
        };
        let (low, high) = adds(false)?;
        let start = match ends {
            None => first,
            // A bit may end a sum on any row, and the next one starts with what a row adds.
            Some(_) if by_bit => hull(hull(Some(first), adds(true)), adds(false))?,
            Some(_) => hull(Some(first), adds(true))?,
        };
        let rows = self.longest_run(ends) as i128;
        Some((start.0 + rows * low.min(0), start.1 + rows * high.max(0)))
    }

    /// A public column that is one only where this bit is one.
    fn ends_at(&self, bit: Var) -> Option<Var> {
        let ends = |column: &Var| self.always.iter().any(|zero| is_gated(zero, bit, *column));
        let mut columns = (0..self.known.fixed.len()).map(Var::Fixed);
        columns.find(|column| self.known.is_bit(bit) && ends(column))
    }

    /// Most rows over which a sum runs before a public column has the value that ends it.
    fn longest_run(&self, ends: Option<(Var, i128)>) -> usize {
        let height = self.air.height();
        let Some((Var::Fixed(column), end)) = ends else {
            return height - 1;
        };
        let column = &self.known.fixed[column];
        let (mut longest, mut run) = (0, 0);
        for row in 0..height {
            run = if column[row % column.len()] == end {
                0
            } else {
                run + 1
            };
            longest = longest.max(run);
        }
        longest.min(height - 1)
    }
}
