//! Polynomials over the cells of a row with integer coefficients, and what values they can have.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use p3_air::symbolic::{BaseEntry, BaseLeaf, SymbolicExpr, SymbolicExpression};

use crate::field::{F, P, PrimeField32};

/// An expression as a row function builds it.
pub(super) type Expression = SymbolicExpression<F>;

/// Something that has a value on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Var {
    Cell(usize),
    Next(usize),
    Fixed(usize),
    Public(usize),
}

/// Integers from a least to a largest one.
pub(super) type Interval = (i128, i128);

/// A sum of coefficients times products of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Poly(pub BTreeMap<Vec<Var>, i128>);

/// Longer polynomials are those of hashing; no bound is claimed of them.
const MOST_TERMS: usize = 1500;
/// Nor of such degree.
const MOST_DEGREE: usize = 4;
/// Coefficients above this are reduced modulo `p`, so that no product of two overflows.
const MOST_COEFFICIENT: i128 = 1 << 62;
/// Most cases that are told apart for one polynomial.
const MOST_CASES: usize = 1 << 12;

/// The integer of least magnitude that a field element stands for.
pub(super) fn centered(x: F) -> i128 {
    let v = i128::from(x.as_canonical_u32());
    if v > i128::from(P / 2) {
        v - i128::from(P)
    } else {
        v
    }
}

impl Poly {
    pub fn constant(value: i128) -> Self {
        let mut poly = Self::default();
        poly.add(&[], value);
        poly
    }

    fn add(&mut self, monomial: &[Var], by: i128) {
        let coefficient = self.0.entry(monomial.to_vec()).or_insert(0);
        *coefficient += by;
        // Only the linear layers of a hash get that far, of which nothing is declared over the integers.
        if coefficient.abs() > MOST_COEFFICIENT {
            *coefficient %= i128::from(P);
        }
        if *coefficient == 0 {
            self.0.remove(monomial);
        }
    }

    /// `self + times other`. Coefficients stay integers of least magnitude modulo `p`.
    pub fn plus(&self, other: &Self, times: i128) -> Self {
        let mut sum = self.clone();
        for (monomial, by) in &other.0 {
            sum.add(monomial, by * times);
        }
        sum
    }

    pub fn times(&self, other: &Self) -> Option<Self> {
        let mut product = Self::default();
        for (a, x) in &self.0 {
            for (b, y) in &other.0 {
                let mut monomial = [&a[..], &b[..]].concat();
                monomial.sort_unstable();
                product.add(&monomial, x * y);
                if monomial.len() > MOST_DEGREE || product.0.len() > MOST_TERMS {
                    return None;
                }
            }
        }
        Some(product)
    }

    /// With variables replaced by others that are equal.
    pub fn renamed(&self, alias: &HashMap<Var, Var>) -> Self {
        let mut poly = Self::default();
        for (monomial, by) in &self.0 {
            let of = |var: &Var| alias.get(var).copied().unwrap_or(*var);
            let mut monomial: Vec<Var> = monomial.iter().map(of).collect();
            monomial.sort_unstable();
            poly.add(&monomial, *by);
        }
        poly
    }

    /// All variables.
    pub fn variables(&self) -> BTreeSet<Var> {
        self.0.keys().flatten().copied().collect()
    }

    /// The variable and its coefficient, if the polynomial is one times a variable and a constant.
    pub fn single(&self) -> Option<(Var, i128, i128)> {
        let constant = self.0.get(&vec![]).copied().unwrap_or(0);
        let mut rest = self.0.iter().filter(|(monomial, _)| !monomial.is_empty());
        match (rest.next(), rest.next()) {
            (Some((monomial, by)), None) if monomial.len() == 1 => {
                Some((monomial[0], *by, constant))
            }
            _ => None,
        }
    }

    /// With some variables set to values.
    fn with(&self, values: &HashMap<Var, i128>) -> Self {
        let mut poly = Self::default();
        for (monomial, by) in &self.0 {
            let mut by = *by;
            let mut rest = Vec::new();
            for var in monomial {
                match values.get(var) {
                    Some(value) => by *= value,
                    None => rest.push(*var),
                }
            }
            if by != 0 {
                poly.add(&rest, by);
            }
        }
        poly
    }
}

/// Expands expressions, each shared one once.
#[derive(Default)]
pub(super) struct Expander(HashMap<*const Expression, Option<Rc<Poly>>>);

impl Expander {
    /// The polynomial of an expression that outlives this expander; `None` if it is too long.
    pub fn expand(&mut self, expression: &Expression) -> Option<Rc<Poly>> {
        let key = std::ptr::from_ref(expression);
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let poly = self.fresh(expression).map(Rc::new);
        self.0.insert(key, poly.clone());
        poly
    }

    fn fresh(&mut self, expression: &Expression) -> Option<Poly> {
        if expression.degree_multiple() > MOST_DEGREE {
            return None;
        }
        let poly = match expression {
            SymbolicExpr::Leaf(leaf) => match leaf {
                BaseLeaf::Constant(value) => Poly::constant(centered(*value)),
                BaseLeaf::Variable(v) => {
                    let var = match v.entry {
                        BaseEntry::Main { offset: 0 } => Var::Cell(v.index),
                        BaseEntry::Main { .. } => Var::Next(v.index),
                        BaseEntry::Periodic => Var::Fixed(v.index),
                        BaseEntry::Public => Var::Public(v.index),
                        BaseEntry::Preprocessed { .. } => return None,
                    };
                    Poly(BTreeMap::from([(vec![var], 1)]))
                }
                _ => return None,
            },
            SymbolicExpr::Add { x, y, .. } => self.expand(x)?.plus(&*self.expand(y)?, 1),
            SymbolicExpr::Sub { x, y, .. } => self.expand(x)?.plus(&*self.expand(y)?, -1),
            SymbolicExpr::Neg { x, .. } => Poly::default().plus(&*self.expand(x)?, -1),
            SymbolicExpr::Mul { x, y, .. } => self.expand(x)?.times(&*self.expand(y)?)?,
        };
        (poly.0.len() <= MOST_TERMS).then_some(poly)
    }
}

/// What is known of a row's variables.
#[derive(Default)]
pub(super) struct Known {
    /// What each can be.
    pub ranges: HashMap<Var, Interval>,
    /// Bits of which at most one is 1; with `true`, exactly one.
    pub one_of: Vec<(BTreeSet<Var>, bool)>,
}

impl Known {
    /// What is known of a variable. A next row's cell is a cell of a row.
    pub fn range(&self, var: Var) -> Option<Interval> {
        let var = match var {
            Var::Next(column) => Var::Cell(column),
            _ => var,
        };
        self.ranges.get(&var).copied()
    }

    /// Notes that a variable lies in an interval, and whether that is news.
    pub fn note(&mut self, var: Var, (low, high): Interval) -> bool {
        let known = self.ranges.get(&var).copied();
        // Integers further apart may stand for one field element.
        if known.is_some_and(|(l, h)| h.max(high) - l.min(low) >= i128::from(P)) {
            return false;
        }
        let new = known.map_or((low, high), |(l, h)| (l.max(low), h.min(high)));
        self.ranges.insert(var, new);
        known != Some(new)
    }

    /// The interval of a polynomial, by the intervals of its terms; `None` if a variable has none.
    fn naive(&self, poly: &Poly) -> Option<Interval> {
        let mut sum = (0i128, 0i128);
        for (monomial, by) in &poly.0 {
            let mut term = (1i128, 1i128);
            for (i, var) in monomial.iter().enumerate() {
                let (l, h) = self.range(*var)?;
                term = if i > 0 && monomial[i - 1] == *var && monomial.len() == 2 && l >= 0 {
                    (l * l, h * h)
                } else {
                    let corners = [
                        term.0.checked_mul(l)?,
                        term.0.checked_mul(h)?,
                        term.1.checked_mul(l)?,
                        term.1.checked_mul(h)?,
                    ];
                    (*corners.iter().min()?, *corners.iter().max()?)
                };
            }
            let ends = [term.0.checked_mul(*by)?, term.1.checked_mul(*by)?];
            sum.0 = sum.0.checked_add(ends[0].min(ends[1]))?;
            sum.1 = sum.1.checked_add(ends[0].max(ends[1]))?;
        }
        Some(sum)
    }

    /// The interval of a polynomial, bits told apart. `None` if a variable has none.
    pub fn interval(&self, poly: &Poly) -> Option<Interval> {
        let mut bits: BTreeSet<Var> = poly.variables();
        bits.retain(|var| self.range(*var) == Some((0, 1)));
        // Bits that stand alone in linear terms only need no cases.
        let mut cases: Vec<Vec<HashMap<Var, i128>>> = Vec::new();
        for (group, exactly) in &self.one_of {
            let within: Vec<Var> = group.intersection(&bits).copied().collect();
            if within.len() < 2 {
                continue;
            }
            bits.retain(|bit| !within.contains(bit));
            let chosen = |one: Option<Var>| -> HashMap<Var, i128> {
                let value = |var: &Var| (*var, i128::from(Some(*var) == one));
                within.iter().map(value).collect()
            };
            let mut group_cases: Vec<_> = within.iter().map(|v| chosen(Some(*v))).collect();
            if !exactly || within.len() < group.len() {
                group_cases.push(chosen(None));
            }
            cases.push(group_cases);
        }
        let in_products = |bit: &Var| {
            let mut of = poly.0.keys().filter(|monomial| monomial.contains(bit));
            of.by_ref().count() > 1
        };
        for bit in bits.into_iter().filter(in_products) {
            cases.push(vec![HashMap::from([(bit, 0)]), HashMap::from([(bit, 1)])]);
        }
        // The most telling cases first, as many as are affordable.
        let mut count = 1;
        cases.retain(|case| {
            let fits = count * case.len() <= MOST_CASES;
            count *= if fits { case.len() } else { 1 };
            fits
        });
        self.by_cases(poly, &cases)
    }

    fn by_cases(&self, poly: &Poly, cases: &[Vec<HashMap<Var, i128>>]) -> Option<Interval> {
        let Some((first, rest)) = cases.split_first() else {
            return self.naive(poly);
        };
        let mut hull: Option<Interval> = None;
        for values in first {
            let (low, high) = self.by_cases(&poly.with(values), rest)?;
            hull = Some(hull.map_or((low, high), |(l, h)| (l.min(low), h.max(high))));
        }
        hull
    }
}
