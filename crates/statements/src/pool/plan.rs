//! What a pool claim asks, in the terms of the tables: which fields are read, which sums run over the loans, and
//! which inequalities between sums prove the figures.

use std::collections::BTreeSet;

use credit::pool::measured::{Measured, Quantity, Total};
use credit::pool::rules::Holds;
use credit::pool::{Claimed, Condition, Figure, Loan, Standings, Template};
use gadgets::limbs::limbs_of;

use crate::ordered::KEY_REGISTER;
use crate::pools::loan::LeafLayout;
use crate::words::quoted;

/// Most tests of all rules of a claim together: each takes columns, which the verifier walks over.
const MAX_TESTS: usize = 500;
/// Most rules of a claim.
const MAX_RULES: usize = 100;
/// Most figures of a claim.
const MAX_FIGURES: usize = 80;
/// Most sums of a claim, the counts of open and defaulted loans among them: with salts and the key they must fit the table of
/// totals.
const MAX_SUMS: usize = 152;
/// Most concentrations of a claim.
const MAX_CONCENTRATIONS: usize = 4;

/// The first sum: how many loans are open.
pub const OPEN: usize = 0;
/// The second: how many were given up.
pub const DEFAULTED: usize = 1;

/// The weight of the largest groups of loans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concentration {
    /// The field that tells groups apart.
    pub by: usize,
    /// How many groups.
    pub top: u32,
    /// The weight.
    pub weight: usize,
    /// Which loans weigh something.
    pub counted: Condition,
}

impl Concentration {
    /// A loan's group and what it weighs.
    pub fn entry(&self, loan: &Loan) -> (u64, u64) {
        let value = |field: usize| loan.values[field].unwrap_or(0);
        let counts = self.counted.holds(loan);
        (value(self.by), if counts { value(self.weight) } else { 0 })
    }
}

/// `sum of factor * register + constant >= 0`, over the registers after the last loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inequality {
    /// Registers and their factors, of magnitude below 2^60; at most three.
    pub terms: Vec<(usize, i128)>,
    /// Of magnitude below 2^60.
    pub constant: i128,
}

/// A claim's question.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the fields stand in a leaf.
    pub layout: LeafLayout,
    /// Which loans are open, defaulted, closed.
    pub standings: Standings,
    /// Conditions that all loans satisfy: they are closed, or a rule holds.
    pub eligibility: Vec<Condition>,
    /// Sums over loans; number i has the register [`Plan::sum_register`].
    pub sums: Vec<(Quantity, Condition)>,
    /// Concentrations; number i has the registers from [`Plan::group_register`] on.
    pub concentrations: Vec<Concentration>,
    /// What proves the figures.
    pub inequalities: Vec<Inequality>,
    /// Per field, the sets of codes that rules ask for.
    pub sets: Vec<Vec<BTreeSet<u64>>>,
    /// Whether a field is read.
    pub read: Vec<bool>,
    /// Fields and public bounds that they are compared with, each pair once; a bound has at most as many limbs as its field.
    pub bounds: Vec<(usize, u64)>,
}

/// Registers of a concentration.
pub mod group {
    /// The product over the loans, two elements a register.
    pub const LOANS: usize = 0;
    /// The product over the loans in the order of their groups.
    pub const LISTED: usize = 3;
    /// The threshold: what exceeds it is counted in full.
    pub const THRESHOLD: usize = 6;
    /// The last group.
    pub const GROUP: usize = 7;
    /// Its weight so far.
    pub const TOTAL: usize = 8;
    /// What of it is above the threshold.
    pub const EXCESS: usize = 9;
    /// Whether it is one of the largest.
    pub const CHOSEN: usize = 10;
    /// The weight of the largest groups.
    pub const CHOSEN_TOTAL: usize = 11;
    /// The sum of all excesses.
    pub const EXCESS_TOTAL: usize = 12;
    /// How many groups are the largest.
    pub const CHOSEN_COUNT: usize = 13;
    /// Registers of a concentration.
    pub const COUNT: usize = 14;
}

impl Plan {
    /// The plan of a claim.
    ///
    /// # Errors
    /// Says what is wrong with a rule or a figure, or what there is too much of.
    pub fn new(
        template: &Template,
        eligibility: &[String],
        figures: &[Figure<Claimed>],
    ) -> Result<Self, String> {
        if eligibility.len() > MAX_RULES || figures.len() > MAX_FIGURES {
            return Err(format!(
                "more than {MAX_RULES} rules or {MAX_FIGURES} figures do not fit; split the claim"
            ));
        }
        let standings = Standings::new(template);
        let mut plan = Self {
            standings: standings.clone(),
            layout: LeafLayout::new(template),
            eligibility: Vec::new(),
            sums: Vec::new(),
            concentrations: Vec::new(),
            inequalities: Vec::new(),
            sets: vec![Vec::new(); template.fields.len()],
            read: vec![false; template.fields.len()],
            bounds: Vec::new(),
        };
        // In the places of `OPEN` and `DEFAULTED`.
        for counted in [standings.is_open(), standings.is_defaulted()] {
            plan.note(&counted);
            plan.sums.push((Quantity::One, counted));
        }
        if let Some(balance) = plan.owed_by_closed() {
            plan.note(&standings.is_closed());
            plan.read[balance] = true;
        }
        let mut budget = Budget(MAX_TESTS);
        for rule in eligibility {
            let condition = Condition::parse(rule, template).map_err(|e| e.to_string())?;
            budget.take(comparisons(&condition))?;
            let condition = standings.unless_closed(condition);
            plan.note(&condition);
            plan.eligibility.push(condition);
        }
        let measured = figures
            .iter()
            .map(|figure| measure(figure, template, &mut budget))
            .collect::<Result<Vec<_>, String>>()?;
        // Sums get their registers behind all concentrations.
        for total in measured.iter().flat_map(totals) {
            plan.add(total);
        }
        if plan.sums.len() > MAX_SUMS || plan.concentrations.len() > MAX_CONCENTRATIONS {
            return Err(format!(
                "more than {MAX_SUMS} sums or {MAX_CONCENTRATIONS} concentrations do not fit; split the claim"
            ));
        }
        for i in 0..plan.concentrations.len() {
            plan.prove_concentration(i);
        }
        for (figure, measured) in figures.iter().zip(&measured) {
            plan.prove_figure(figure, measured)?;
        }
        if plan.inequalities.len() > 1 << stark::MIN_LOG_HEIGHT {
            return Err("more figures than a table holds; split the claim".into());
        }
        Ok(plan)
    }

    /// The register of a sum, salts aside.
    pub fn sum_register(&self, index: usize) -> usize {
        self.group_register(self.concentrations.len()) + index
    }

    /// The first register of a concentration, salts aside.
    pub fn group_register(&self, index: usize) -> usize {
        KEY_REGISTER + 1 + group::COUNT * index
    }

    /// All registers, salts aside.
    pub fn registers(&self) -> usize {
        self.sum_register(self.sums.len())
    }

    /// The field of what a loan owes, which is 0 if it is closed; `None` if no loan is.
    pub fn owed_by_closed(&self) -> Option<usize> {
        let some = !self.standings.closed.is_empty();
        self.standings.balance.filter(|_| some)
    }

    /// Chunks of 20 bits of a field.
    pub fn chunks(&self, field: usize) -> usize {
        self.layout.fields[field].1.div_ceil(2)
    }

    /// Notes what a condition reads.
    fn note(&mut self, condition: &Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| self.note(part));
            }
            Condition::Test(test) => {
                self.read[test.field] = true;
                match test.holds {
                    Holds::Below(bound) | Holds::AtLeast(bound) => self.bound(test.field, bound),
                    Holds::Equal(value) | Holds::NotEqual(value) => {
                        self.bound(test.field, value);
                        self.bound(test.field, value + 1);
                    }
                    Holds::Present | Holds::Absent | Holds::OneOf(_) => {}
                }
                if let Holds::OneOf(set) = &test.holds
                    && !self.sets[test.field].contains(set)
                {
                    self.sets[test.field].push(set.clone());
                }
            }
        }
    }

    /// Notes a bound, unless it lies beyond what the field's limbs hold: then every value is below it.
    fn bound(&mut self, field: usize, bound: u64) {
        let fits = limbs_of(bound.into()).len() <= self.layout.fields[field].1;
        if fits && !self.bounds.contains(&(field, bound)) {
            self.bounds.push((field, bound));
        }
    }

    fn add(&mut self, total: &Total) {
        match total {
            Total::Sum(quantity, condition) => {
                self.note(condition);
                match *quantity {
                    Quantity::One => {}
                    Quantity::Field(field) => self.read[field] = true,
                    Quantity::Product(weight, field) => {
                        self.read[weight] = true;
                        self.read[field] = true;
                    }
                }
                let sum = (quantity.clone(), condition.clone());
                if !self.sums.contains(&sum) {
                    self.sums.push(sum);
                }
            }
            Total::Largest {
                by,
                top,
                weight,
                counted,
            } => {
                self.note(counted);
                self.read[*by] = true;
                self.read[*weight] = true;
                let concentration = Concentration {
                    by: *by,
                    top: *top,
                    weight: *weight,
                    counted: counted.clone(),
                };
                if !self.concentrations.contains(&concentration) {
                    self.concentrations.push(concentration);
                }
            }
        }
    }

    fn register(&self, total: &Total) -> usize {
        match total {
            Total::Sum(quantity, condition) => {
                let at = |(q, c): &(Quantity, Condition)| q == quantity && c == condition;
                self.sum_register(self.sums.iter().position(at).expect("every sum was added"))
            }
            Total::Largest {
                by,
                top,
                weight,
                counted,
            } => {
                let at = self.concentrations.iter().position(|c| {
                    (c.by, c.top, c.weight) == (*by, *top, *weight) && c.counted == *counted
                });
                self.group_register(at.expect("every concentration was added"))
                    + group::CHOSEN_TOTAL
            }
        }
    }

    fn require(&mut self, terms: &[(usize, i128)], constant: i128) {
        self.inequalities.push(Inequality {
            terms: terms.to_vec(),
            constant,
        });
    }

    /// `value = scale * numerator / denominator` rounded down, or a bound on it before rounding.
    fn prove_figure(
        &mut self,
        figure: &Figure<Claimed>,
        measured: &Measured,
    ) -> Result<(), String> {
        let (Claimed::Exact(value) | Claimed::AtLeast(value) | Claimed::AtMost(value)) =
            &figure.shown;
        let units = measured
            .units(&figure.name, value)
            .map_err(|e| e.to_string())?;
        let units = i128::from(units);
        let numerator = (
            self.register(&measured.numerator),
            i128::from(measured.scale),
        );
        // `sign * (scale * numerator - units * denominator) + offset >= 0`.
        let denominator = measured.denominator.as_ref().map(|d| self.register(d));
        let mut compare = |sign: i128, units: i128, offset: i128| {
            let (register, scale) = numerator;
            let scaled = (register, sign * scale);
            match denominator {
                Some(d) => self.require(&[scaled, (d, -sign * units)], offset),
                None => self.require(&[scaled], offset - sign * units),
            }
        };
        match figure.shown {
            Claimed::Exact(_) => {
                compare(1, units, 0);
                // Less than one unit more: so the denominator is not zero either.
                compare(-1, units + 1, -1);
            }
            Claimed::AtLeast(_) => compare(1, units, 0),
            Claimed::AtMost(_) => compare(-1, units, 0),
        }
        if let (Some(d), Claimed::AtLeast(_) | Claimed::AtMost(_)) = (denominator, &figure.shown) {
            self.require(&[(d, 1)], -1);
        }
        Ok(())
    }

    /// The chosen groups weigh `top * threshold + all that groups exceed the threshold by`, and are at most `top`. The right
    /// side is at least what any `top` groups weigh, so the chosen ones are the largest. The two products agree.
    fn prove_concentration(&mut self, index: usize) {
        let first = self.group_register(index);
        let top = i128::from(self.concentrations[index].top);
        for sign in [1, -1] {
            let terms = [
                (first + group::CHOSEN_TOTAL, sign),
                (first + group::THRESHOLD, -sign * top),
                (first + group::EXCESS_TOTAL, -sign),
            ];
            self.require(&terms, 0);
        }
        self.require(&[(first + group::CHOSEN_COUNT, -1)], top);
        for i in 0..group::LISTED - group::LOANS {
            for sign in [1, -1] {
                let terms = [
                    (first + group::LOANS + i, sign),
                    (first + group::LISTED + i, -sign),
                ];
                self.require(&terms, 0);
            }
        }
    }
}

/// How many comparisons a condition has; each takes columns.
fn comparisons(condition: &Condition) -> usize {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().map(comparisons).sum(),
        Condition::Test(_) => 1,
    }
}

/// Comparisons that still fit.
struct Budget(usize);

impl Budget {
    /// Takes what a condition needs, before anything is done with it: a claim may come from a stranger.
    fn take(&mut self, comparisons: usize) -> Result<(), String> {
        self.0 = self.0.checked_sub(comparisons).ok_or(format!(
            "rules with more than {MAX_TESTS} comparisons do not fit; split the claim"
        ))?;
        Ok(())
    }
}

/// What a figure measures.
fn measure(
    figure: &Figure<Claimed>,
    template: &Template,
    budget: &mut Budget,
) -> Result<Measured, String> {
    if !records::names::is_name(&figure.name) {
        return Err(format!(
            "the figure {} {}",
            quoted(&figure.name),
            records::names::NO_NAME
        ));
    }
    let measured = figure.plan(template).map_err(|e| e.to_string())?;
    for total in totals(&measured) {
        let (Total::Sum(_, condition)
        | Total::Largest {
            counted: condition, ..
        }) = total;
        // One of them says which loans count, and is there for all figures alike.
        budget.take(comparisons(condition).saturating_sub(1))?;
    }
    Ok(measured)
}

fn totals(measured: &Measured) -> impl Iterator<Item = &Total> {
    std::iter::once(&measured.numerator).chain(&measured.denominator)
}
