//! The interval reading: every bound that a row function declares and every equation that it means over the integers
//! follows from range checks, bits and public values.

mod messages;
mod rows;

use messages::{Contents, Sent, Variant, contents, limbs, sent};

use std::collections::{BTreeSet, HashMap};

use super::Kind;
use super::declared::Declared;
use super::polynomial::{Expander, Expression, Interval, Known, Poly, Var, centered};
use crate::field::{F, P};
use crate::row::When;
use crate::table::TableAir;

/// Something declared that does not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproven {
    /// The table's name.
    pub table: &'static str,
    /// The constraint's number.
    pub id: &'static str,
    /// What was declared.
    pub declared: &'static str,
    /// From least to largest, what is declared.
    pub wanted: (i128, i128),
    /// What follows; `None` if nothing is known of some cell.
    pub interval: Option<(i128, i128)>,
    /// The first cell of which nothing is known.
    pub column: Option<usize>,
}

/// A message that a row sends: how, on which bus, how often, and its elements; `None` for what is too large to expand.
type Message = (Kind, &'static str, Option<Poly>, Vec<Option<Poly>>);

/// A table while its facts are found.
struct Facts<'a> {
    air: &'a TableAir,
    known: Known,
    /// What must be zero on every row.
    always: Vec<Poly>,
    /// What must be zero on every row but the last, and on the first.
    transition: Vec<Poly>,
    first: Vec<Poly>,
    last: Vec<Poly>,
    bits: Vec<Poly>,
    messages: Vec<Message>,
    /// Cells that are pinned to public columns.
    alias: HashMap<Var, Var>,
    /// What the table sends, as long as nothing new is known.
    sends: Option<Vec<(&'static str, Variant)>>,
    /// Running sums that were looked at in this round.
    summed: BTreeSet<Var>,
    /// Cells whose intervals follow from these equations, which may say more later.
    solved: HashMap<Var, usize>,
    /// Cells of which intervals may follow from row to row.
    inductive: Vec<Inductive>,
}

/// A cell that is received on some rows; on all others it is what follows from the row above.
#[derive(Clone)]
struct Inductive {
    var: Var,
    received: Interval,
    after: Poly,
}

/// Proves what row functions declare by [`bounded`](crate::RowBuilder::bounded) and [`integer`](crate::RowBuilder::integer), over all
/// tables that meet on buses, and gives what does not follow. No trace is read: what holds, holds for every witness. Public values
/// are those of the tables at hand. Public
/// rows that are provided are told apart by their constants; otherwise, what is received has the bounds of what is sent.
pub fn unproven(tables: &[TableAir]) -> Vec<Unproven> {
    let declared: Vec<Declared> = tables.iter().map(TableAir::declared).collect();
    let mut all: Vec<Facts<'_>> = tables
        .iter()
        .zip(&declared)
        .map(|(air, declared)| Facts::new(air, declared))
        .collect();
    let contents = contents(&all);
    // What is known passes from table to table.
    for _ in 0..MOST_ROUNDS {
        let (sent, limbs) = (sent(&mut all), limbs(&all));
        let mut news = false;
        for facts in &mut all {
            if facts.learn_from_limbs(&limbs) {
                facts.sends = None;
                news = true;
            }
            news |= facts.grow(&contents, &sent);
        }
        if !news {
            break;
        }
    }
    let checks = all.iter().zip(&declared);
    checks
        .flat_map(|(facts, declared)| facts.check(declared))
        .collect()
}

fn hull(a: Option<Interval>, b: Option<Interval>) -> Option<Interval> {
    let ((l, h), (low, high)) = (a?, b?);
    Some((l.min(low), h.max(high)))
}

const MODULUS: i128 = P as i128;
/// No chain of tables that learn from each other is longer.
const MOST_ROUNDS: usize = 16;
/// Equations between more bits are not used.
const MOST_BITS: usize = 4;

impl<'a> Facts<'a> {
    fn new(air: &'a TableAir, declared: &'a Declared) -> Self {
        let mut known = Known::default();
        let ends = |values: &[F]| {
            let values = values.iter().map(|v| centered(*v));
            values.fold((i128::MAX, i128::MIN), |(l, h), v| (l.min(v), h.max(v)))
        };
        for (i, column) in air.fixed().iter().enumerate() {
            known.note(Var::Fixed(i), ends(column));
            known
                .fixed
                .push(column.iter().map(|v| centered(*v)).collect());
        }
        let mut expander = Expander::new(air.public());
        let mut expand = |e: &'a Expression| expander.expand(e).map(|poly| (*poly).clone());
        let zeros: Vec<(When, Poly)> = declared
            .zeros
            .iter()
            .filter_map(|(when, zero)| Some((*when, expand(zero)?)))
            .collect();
        let of = |wanted: When| -> Vec<Poly> {
            let zeros = zeros.iter().filter(|(when, _)| *when == wanted);
            zeros.map(|(_, zero)| zero.clone()).collect()
        };
        let always = of(When::Always);
        let alias: HashMap<Var, Var> = always.iter().filter_map(pinned).collect();
        let rename = |polys: Vec<Poly>| -> Vec<Poly> {
            polys.iter().map(|poly| poly.renamed(&alias)).collect()
        };
        let bits = declared.bits.iter().filter_map(&mut expand).collect();
        let messages = declared.messages.iter().map(|(kind, bus, count, message)| {
            let mut one = |e| expand(e).map(|poly| poly.renamed(&alias));
            let count = one(count);
            (*kind, *bus, count, message.iter().map(one).collect())
        });
        let messages = messages.collect();
        Self {
            air,
            known,
            always: rename(always),
            transition: rename(of(When::Transition)),
            first: rename(of(When::First)),
            last: rename(of(When::Last)),
            bits: rename(bits),
            messages,
            alias,
            sends: None,
            summed: BTreeSet::new(),
            solved: HashMap::new(),
            inductive: Vec::new(),
        }
    }

    /// Finds what follows from what is known; whether anything is new.
    fn grow(&mut self, contents: &Contents, sent: &Sent) -> bool {
        self.summed.clear();
        let mut any = false;
        for _ in 0..32 {
            self.inductive.clear();
            let mut news = self.learn_from_bits();
            news |= self.learn_from_messages(contents, sent);
            news |= self.learn_facts();
            news |= self.learn_from_sums();
            news |= self.learn_from_next_rows();
            news |= self.learn_from_zeros();
            news = news || self.learn_by_induction();
            any |= news;
            if !news {
                break;
            }
        }
        if any {
            self.sends = None;
        }
        any
    }

    /// Intervals of cells that follow each other's from row to row: if they are in them, what follows is, too. Only what holds
    /// on a row by itself is used.
    fn learn_by_induction(&mut self) -> bool {
        let mut candidates = std::mem::take(&mut self.inductive);
        while !candidates.is_empty() {
            let (known, bits, solved) =
                (self.known.clone(), self.bits.clone(), self.solved.clone());
            for candidate in &candidates {
                self.known.ranges.insert(candidate.var, candidate.received);
            }
            for _ in 0..64 {
                let mut news = self.learn_from_bits();
                news |= self.learn_facts();
                news |= self.learn_from_zeros();
                if !news {
                    break;
                }
            }
            let holds = |candidate: &Inductive| {
                let (low, high) = candidate.received;
                let after = self.known.interval(&candidate.after);
                after.is_some_and(|(l, h)| low <= l && h <= high)
            };
            let holding: Vec<Inductive> = candidates.iter().filter(|c| holds(c)).cloned().collect();
            if holding.len() == candidates.len() {
                return true;
            }
            (self.known, self.bits, self.solved) = (known, bits, solved);
            candidates = holding;
        }
        false
    }

    fn learn_from_bits(&mut self) -> bool {
        let mut news = false;
        for bit in std::mem::take(&mut self.bits) {
            match bit.single() {
                Some((var, 1, 0)) => news |= self.known.note(var, (0, 1)),
                // A sum of bits that is a bit.
                _ => match self.sum_of_bits(&bit) {
                    Some(group) => {
                        self.known.one_of.push((group, false));
                        news = true;
                    }
                    None => {
                        if self.is_of_bits(&bit) {
                            news |= self.known.note_fact(&bit, (0, 1));
                        }
                        self.bits.push(bit);
                    }
                },
            }
        }
        news
    }

    /// Whether a polynomial has bits only, and few.
    fn is_of_bits(&self, poly: &Poly) -> bool {
        let variables = poly.variables();
        (2..=MOST_BITS).contains(&variables.len())
            && variables.iter().all(|v| self.known.is_bit(*v))
    }

    /// Equations between bits. A product of two is 0 where one of them is.
    fn learn_facts(&mut self) -> bool {
        let mut news = false;
        let zeros = self.always.clone();
        let of_bits: Vec<&Poly> = zeros.iter().filter(|zero| self.is_of_bits(zero)).collect();
        for zero in of_bits {
            news |= self.known.note_fact(zero, (0, 0));
            if let [(cell, x), (product, y)] = &zero.0.iter().collect::<Vec<_>>()[..]
                && let ([bit], [a, b]) | ([a, b], [bit]) = (&cell[..], &product[..])
                && **x == -**y
            {
                for factor in [a, b] {
                    let alone = Poly([(vec![*bit], 1), (sorted([*bit, *factor]), -1)].into());
                    news |= self.known.note_fact(&alone, (0, 0));
                }
            }
        }
        news
    }

    /// The variables of a sum of bits.
    fn sum_of_bits(&self, poly: &Poly) -> Option<BTreeSet<Var>> {
        let is_bit = |(monomial, by): (&Vec<Var>, &i128)| {
            monomial.len() == 1 && *by == 1 && self.known.range(monomial[0]) == Some((0, 1))
        };
        (poly.0.len() > 1 && poly.0.iter().all(is_bit)).then(|| poly.variables())
    }

    /// The values of a public column, or of a cell that is 1 on the first or on the last row only.
    fn column(&self, var: Var) -> Option<Vec<i128>> {
        let height = self.air.height();
        match var {
            Var::Fixed(index) => {
                let column = &self.air.fixed()[index];
                Some(
                    (0..height)
                        .map(|row| centered(column[row % column.len()]))
                        .collect(),
                )
            }
            Var::Cell(column) => {
                let one = Poly([(vec![var], 1)].into()).plus(&Poly::constant(1), -1);
                let next = Poly([(vec![Var::Next(column)], 1)].into());
                let this = Poly([(vec![var], 1)].into());
                if self.first.contains(&one) && self.transition.contains(&next) {
                    Some((0..height).map(|row| i128::from(row == 0)).collect())
                } else if self.last.contains(&one) && self.transition.contains(&this) {
                    Some(
                        (0..height)
                            .map(|row| i128::from(row + 1 == height))
                            .collect(),
                    )
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// What is declared and does not follow.
    fn check(&self, declared: &Declared) -> Vec<Unproven> {
        let mut expander = Expander::new(self.air.public());
        let mut unproven = Vec::new();
        let bounds = declared.bounds.iter().map(|(id, value, low, high)| {
            (*id, "a bound", value, (i128::from(*low), i128::from(*high)))
        });
        let below = (1 - MODULUS, MODULUS - 1);
        let integers = declared.integers.iter();
        let integers =
            integers.map(|(id, zero)| (*id, "an equation over the integers", zero, below));
        for (id, what, value, (low, high)) in bounds.chain(integers) {
            let poly = expander.expand(value).map(|poly| poly.renamed(&self.alias));
            let interval = poly.as_ref().and_then(|poly| self.known.interval(poly));
            if interval.is_some_and(|(l, h)| low <= l && h <= high) {
                continue;
            }
            let variables = poly.map(|poly| poly.variables()).unwrap_or_default();
            let mut unknown = variables
                .into_iter()
                .filter(|v| self.known.range(*v).is_none());
            unproven.push(Unproven {
                table: self.air.name(),
                id,
                declared: what,
                wanted: (low, high),
                interval,
                column: unknown.find_map(|v| match v {
                    Var::Cell(column) | Var::Next(column) => Some(column),
                    _ => None,
                }),
            });
        }
        unproven
    }
}

/// The value of a polynomial without variables.
fn constant(poly: &Poly) -> Option<i128> {
    poly.variables().is_empty().then(|| poly.0.values().sum())
}

/// Whether a constraint says that a cell is zero where a gate is: `cell - gate * cell`.
fn is_gated(poly: &Poly, gate: Var, var: Var) -> bool {
    let of = |monomial: &[Var]| poly.0.get(monomial).copied().unwrap_or(0);
    poly.0.len() == 2 && of(&[var]).abs() == 1 && of(&sorted([gate, var])) == -of(&[var])
}

fn sorted(mut pair: [Var; 2]) -> Vec<Var> {
    pair.sort_unstable();
    pair.to_vec()
}

/// A cell that is a public column.
fn pinned(zero: &Poly) -> Option<(Var, Var)> {
    let mut terms = zero.0.iter();
    match (terms.next(), terms.next(), terms.next()) {
        (Some((a, x)), Some((b, y)), None) if *x == -*y && x.abs() == 1 => match (&a[..], &b[..]) {
            ([cell @ Var::Cell(_)], [fixed @ Var::Fixed(_)]) => Some((*cell, *fixed)),
            _ => None,
        },
        _ => None,
    }
}
