//! Polynomials over the cells of a row with integer coefficients, and what values they can have.

use std::cell::RefCell;
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
}

/// Integers from a least to a largest one.
pub(super) type Interval = (i128, i128);

/// A sum of coefficients times products of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Poly(pub BTreeMap<Vec<Var>, i128>);

/// Longer polynomials are those of hashing; no bound is claimed of them.
const MOST_TERMS: usize = 1500;
/// Nor of such degree.
const MOST_DEGREE: usize = 4;
/// Coefficients above this are reduced modulo `p`, so that no product of two overflows.
const MOST_COEFFICIENT: i128 = 1 << 62;
/// Most cases that are told apart for one polynomial.
const MOST_CASES: usize = 1 << 10;
/// Most rows of public bits that are told apart.
const MOST_PUBLIC_CASES: usize = 64;

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
    pub fn with(&self, values: &HashMap<Var, i128>) -> Self {
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

/// Expands expressions, each shared one once. A public value is the number that it is in the table at hand: what is found holds
/// for every witness of its claim.
pub(super) struct Expander<'a> {
    known: HashMap<*const Expression, Option<Rc<Poly>>>,
    public: &'a [F],
}

impl<'a> Expander<'a> {
    pub fn new(public: &'a [F]) -> Self {
        Self {
            known: HashMap::new(),
            public,
        }
    }

    /// The polynomial of an expression that outlives this expander; `None` if it is too long.
    pub fn expand(&mut self, expression: &Expression) -> Option<Rc<Poly>> {
        let key = std::ptr::from_ref(expression);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let poly = self.fresh(expression).map(Rc::new);
        self.known.insert(key, poly.clone());
        poly
    }

    fn fresh(&mut self, expression: &Expression) -> Option<Poly> {
        if expression.degree_multiple() > MOST_DEGREE {
            return None;
        }
        let poly = match expression {
            SymbolicExpr::Leaf(leaf) => match leaf {
                BaseLeaf::Constant(value) => Poly::constant(centered(*value)),
                BaseLeaf::Variable(v) if matches!(v.entry, BaseEntry::Public) => {
                    Poly::constant(centered(*self.public.get(v.index)?))
                }
                BaseLeaf::Variable(v) => {
                    let var = match v.entry {
                        BaseEntry::Main { offset: 0 } => Var::Cell(v.index),
                        BaseEntry::Main { .. } => Var::Next(v.index),
                        BaseEntry::Periodic => Var::Fixed(v.index),
                        BaseEntry::Public | BaseEntry::Preprocessed { .. } => return None,
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

/// Values of some variables.
type Assignment = HashMap<Var, i128>;

/// What is known of a row's variables.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// What each can be.
    pub ranges: HashMap<Var, Interval>,
    /// Bits of which at most one is 1; with `true`, exactly one.
    pub one_of: Vec<(BTreeSet<Var>, bool)>,
    /// Polynomials of bits, and what they can be.
    pub facts: Vec<(Poly, Interval)>,
    /// The public columns.
    pub fixed: Vec<Vec<i128>>,
    /// Intervals that were found, and from what.
    found: RefCell<HashMap<Poly, (Basis, Option<Interval>)>>,
}

/// What an interval was found from: what is known of the variables, and how many facts and groups.
type Basis = (Vec<Option<Interval>>, usize, usize);

impl Known {
    /// What is known of a variable. A next row's cell is a cell of a row.
    pub fn range(&self, var: Var) -> Option<Interval> {
        let var = match var {
            Var::Next(column) => Var::Cell(column),
            _ => var,
        };
        self.ranges.get(&var).copied()
    }

    /// Whether a variable is known to be 0 or 1.
    pub fn is_bit(&self, var: Var) -> bool {
        self.range(var) == Some((0, 1))
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

    /// Notes what a polynomial of bits can be, and whether that is news.
    pub fn note_fact(&mut self, poly: &Poly, interval: Interval) -> bool {
        let fact = (poly.clone(), interval);
        let news = !self.facts.contains(&fact);
        if news {
            self.facts.push(fact);
        }
        news
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
        let ranges: Vec<Option<Interval>> = poly
            .variables()
            .into_iter()
            .map(|v| self.range(v))
            .collect();
        if ranges.contains(&None) {
            return None;
        }
        let basis = (ranges, self.facts.len(), self.one_of.len());
        if let Some((from, interval)) = self.found.borrow().get(poly)
            && *from == basis
        {
            return *interval;
        }
        let interval = self.told_apart(poly);
        self.found
            .borrow_mut()
            .insert(poly.clone(), (basis, interval));
        interval
    }

    fn told_apart(&self, poly: &Poly) -> Option<Interval> {
        let mut sum = (0i128, 0i128);
        for (part, mut cases) in self.parts(poly) {
            // As many cases as are affordable.
            let mut count = 1;
            cases.retain(|case| {
                let fits = count * case.len() <= MOST_CASES;
                count *= if fits { case.len() } else { 1 };
                fits
            });
            let told: BTreeSet<Var> = cases
                .iter()
                .flat_map(|case| case[0].keys().copied())
                .collect();
            let facts: Vec<&(Poly, Interval)> = self
                .facts
                .iter()
                .filter(|(fact, _)| fact.variables().is_subset(&told))
                .collect();
            let (low, high) = self.by_cases(&part, &cases, &facts, &Assignment::new())??;
            sum = (sum.0.checked_add(low)?, sum.1.checked_add(high)?);
        }
        Some(sum)
    }

    /// What bits of a polynomial can be together.
    fn cases(&self, poly: &Poly) -> Vec<Vec<Assignment>> {
        let mut bits: BTreeSet<Var> = poly.variables();
        bits.retain(|var| self.is_bit(*var));
        let mut cases: Vec<Vec<Assignment>> = Vec::new();
        let public: Vec<usize> = bits
            .iter()
            .filter_map(|var| match var {
                Var::Fixed(index) => Some(*index),
                _ => None,
            })
            .collect();
        if let Some(rows) = self.public_cases(&public) {
            bits.retain(|bit| !matches!(bit, Var::Fixed(_)));
            cases.push(rows);
        }
        for (group, exactly) in &self.one_of {
            let within: Vec<Var> = group.intersection(&bits).copied().collect();
            if within.len() < 2 {
                continue;
            }
            bits.retain(|bit| !within.contains(bit));
            let chosen = |one: Option<Var>| -> Assignment {
                let value = |var: &Var| (*var, i128::from(Some(*var) == one));
                within.iter().map(value).collect()
            };
            let mut group_cases: Vec<_> = within.iter().map(|v| chosen(Some(*v))).collect();
            if !exactly || within.len() < group.len() {
                group_cases.push(chosen(None));
            }
            cases.push(group_cases);
        }
        // A bit needs cases only if it multiplies something, or is in a fact.
        let matters = |bit: &Var| {
            let mut of = poly.0.keys().filter(|monomial| monomial.contains(bit));
            of.any(|monomial| monomial.len() > 1)
                || self
                    .facts
                    .iter()
                    .any(|(fact, _)| fact.0.keys().any(|m| m.contains(bit)))
        };
        for bit in bits.into_iter().filter(matters) {
            cases.push(vec![
                Assignment::from([(bit, 0)]),
                Assignment::from([(bit, 1)]),
            ]);
        }
        cases
    }

    /// What public bits are together on some row.
    fn public_cases(&self, columns: &[usize]) -> Option<Vec<Assignment>> {
        let columns: Vec<(usize, &Vec<i128>)> = columns
            .iter()
            .map(|&index| Some((index, self.fixed.get(index)?)))
            .collect::<Option<_>>()?;
        let rows = columns.iter().map(|(_, column)| column.len()).max()?;
        let mut seen = BTreeSet::new();
        for row in 0..rows {
            let values = columns.iter().map(|(_, column)| column[row % column.len()]);
            seen.insert(values.collect::<Vec<_>>());
            if seen.len() > MOST_PUBLIC_CASES {
                return None;
            }
        }
        let assigned = |values: Vec<i128>| -> Assignment {
            let pairs = columns.iter().zip(values);
            pairs.map(|((i, _), v)| (Var::Fixed(*i), v)).collect()
        };
        Some(seen.into_iter().map(assigned).collect())
    }

    /// The polynomial as a sum, each part with the cases that matter to it: what no cell multiplies alike and no fact joins
    /// is told apart on its own.
    fn parts(&self, poly: &Poly) -> Vec<(Poly, Vec<Vec<Assignment>>)> {
        let cases = self.cases(poly);
        let mut owner: HashMap<Var, usize> = HashMap::new();
        for (number, case) in cases.iter().enumerate() {
            owner.extend(case[0].keys().map(|var| (*var, number)));
        }
        // Each case and each product of cells that are not told apart is a node; monomials and facts join nodes.
        let mut joined: Vec<usize> = (0..cases.len()).collect();
        fn root(joined: &[usize], mut node: usize) -> usize {
            while joined[node] != node {
                node = joined[node];
            }
            node
        }
        let mut cores: HashMap<Vec<Var>, usize> = HashMap::new();
        let mut node_of: Vec<Option<usize>> = Vec::new();
        let join = |joined: &mut Vec<usize>, nodes: &[usize]| {
            for pair in nodes.windows(2) {
                let [a, b] = [pair[0], pair[1]].map(|n| root(joined, n));
                joined[a] = b;
            }
        };
        for monomial in poly.0.keys() {
            let core: Vec<Var> = monomial
                .iter()
                .copied()
                .filter(|var| !owner.contains_key(var))
                .collect();
            let mut nodes: Vec<usize> = monomial
                .iter()
                .filter_map(|var| owner.get(var).copied())
                .collect();
            if !core.is_empty() {
                let fresh = joined.len();
                let node = *cores.entry(core).or_insert(fresh);
                if node == fresh {
                    joined.push(fresh);
                }
                nodes.push(node);
            }
            join(&mut joined, &nodes);
            node_of.push(nodes.first().copied());
        }
        for (fact, _) in &self.facts {
            let variables = fact.variables();
            let nodes: Vec<usize> = variables
                .iter()
                .filter_map(|var| owner.get(var).copied())
                .collect();
            if nodes.len() == variables.len() {
                join(&mut joined, &nodes);
            }
        }
        let mut parts: BTreeMap<Option<usize>, (Poly, Vec<Vec<Assignment>>)> = BTreeMap::new();
        for ((monomial, by), node) in poly.0.iter().zip(node_of) {
            let part = parts.entry(node.map(|n| root(&joined, n))).or_default();
            part.0.add(monomial, *by);
        }
        for (number, case) in cases.into_iter().enumerate() {
            let part = parts.entry(Some(root(&joined, number))).or_default();
            part.1.push(case);
        }
        parts.into_values().collect()
    }

    /// `Some(None)` if no case is possible; `None` if a variable has no interval.
    fn by_cases(
        &self,
        poly: &Poly,
        cases: &[Vec<Assignment>],
        facts: &[&(Poly, Interval)],
        chosen: &Assignment,
    ) -> Option<Option<Interval>> {
        let possible = facts.iter().all(|(fact, (low, high))| {
            let value = fact.with(chosen);
            let known = value.variables().is_empty();
            !known || (*low..=*high).contains(&value.0.values().sum::<i128>())
        });
        if !possible {
            return Some(None);
        }
        let Some((first, rest)) = cases.split_first() else {
            return self.naive(poly).map(Some);
        };
        let mut hull: Option<Interval> = None;
        for values in first {
            let mut chosen = chosen.clone();
            chosen.extend(values);
            let found = self.by_cases(&poly.with(values), rest, facts, &chosen)?;
            hull = match (hull, found) {
                (Some((l, h)), Some((low, high))) => Some((l.min(low), h.max(high))),
                (hull, found) => hull.or(found),
            };
        }
        Some(hull)
    }
}
