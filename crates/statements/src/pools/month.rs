//! A loan's month inside a row: what it follows from, how many are left after it, and the interest it earns
//! ([`credit::amortization`]).

use std::collections::BTreeSet;

use credit::amortization::{MONTH_DIVISOR, Status};
use credit::pool::states::COMPUTED;
use credit::pool::{LoanFields, Template};
use gadgets::compare::{Chunks, assert_at_most};
use gadgets::limbs::{Limbs, signed};
use gadgets::range::{LIMB_BITS, limb};
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, RowBuilder};

use crate::pools::calendar::CalendarTable;
use crate::pools::codes::CodesTable;
use crate::pools::loan::LeafLayout;

/// Limbs of a balance and of an instalment: below 2^40 cents.
pub const BALANCE_LIMBS: usize = 4;
/// Limbs of accrued and due interest, and of what comes in: below 2^50 cents.
pub const AMOUNT_LIMBS: usize = 5;
/// Limbs of a rate.
pub const RATE_LIMBS: usize = 2;
/// Limbs of days past due.
pub const DAYS_LIMBS: usize = 2;
/// Limbs of a remainder of a month's interest.
const REMAINDER_LIMBS: usize = 3;

/// The fields of a template that a loan's months follow from.
#[derive(Clone, Debug)]
pub struct Fields {
    pub balance: usize,
    pub rate: usize,
    pub term: usize,
    pub frequency: usize,
    pub rule: usize,
    pub instalment: usize,
    pub accrued: usize,
    pub overdue_interest: usize,
    pub overdue_principal: usize,
    pub days: usize,
    pub status: usize,
    /// The codes of the status that are open.
    pub open: BTreeSet<u64>,
    /// Those that are closed.
    pub closed: BTreeSet<u64>,
    /// What each code of the status means.
    pub statuses: Vec<Status>,
}

impl Fields {
    /// The fields of a template, and when its loans pay.
    ///
    /// # Errors
    /// Names a field that the template lacks or has otherwise.
    pub fn new(template: &Template, layout: &LeafLayout) -> Result<(Self, CalendarTable), String> {
        let loan = LoanFields::new(template).map_err(|e| e.to_string())?;
        let mut computed = [0; COMPUTED.len()];
        for ((at, field), name) in computed.iter_mut().zip(loan.computed).zip(COMPUTED) {
            *at = field
                .filter(|&i| !template.fields[i].optional)
                .ok_or_else(|| {
                    format!("the template has no field `{name}` that is always present")
                })?;
        }
        let [instalment, accrued, overdue_interest, overdue_principal] = computed;
        let statuses = loan.status.1;
        let codes = |is: fn(Status) -> bool| {
            let codes = statuses.iter().enumerate().filter(|(_, s)| is(**s));
            codes.map(|(code, _)| code as u64).collect()
        };
        let fields = Self {
            balance: loan.balance,
            rate: loan.rate,
            term: loan.term,
            frequency: loan.frequency.0,
            rule: loan.rule.0,
            instalment,
            accrued,
            overdue_interest,
            overdue_principal,
            days: loan.days,
            status: loan.status.0,
            open: codes(Status::is_open),
            closed: codes(Status::is_closed),
            statuses: statuses.clone(),
        };
        let sizes = [
            (fields.balance, BALANCE_LIMBS),
            (fields.rate, RATE_LIMBS),
            (fields.term, 1),
            (fields.instalment, BALANCE_LIMBS),
            (fields.accrued, AMOUNT_LIMBS),
            (fields.overdue_interest, AMOUNT_LIMBS),
            (fields.overdue_principal, BALANCE_LIMBS),
            (fields.days, DAYS_LIMBS),
        ];
        if let Some((field, limbs)) = sizes.iter().find(|(f, l)| layout.fields[*f].1 > *l) {
            return Err(format!(
                "the field `{}` must have a largest value of at most {} bits",
                template.fields[*field].name,
                LIMB_BITS * limbs
            ));
        }
        let calendar = CalendarTable {
            frequencies: loan.frequency.1,
            rules: loan.rule.1,
        };
        Ok((fields, calendar))
    }

    /// All of them.
    pub fn all(&self) -> [usize; 11] {
        [
            self.balance,
            self.rate,
            self.term,
            self.frequency,
            self.rule,
            self.instalment,
            self.accrued,
            self.overdue_interest,
            self.overdue_principal,
            self.days,
            self.status,
        ]
    }

    /// The codes of each [`Status`], in its order.
    pub fn each_status(&self) -> Vec<BTreeSet<u64>> {
        let each = [
            Status::Performing,
            Status::Delinquent,
            Status::Defaulted,
            Status::Prepaid,
            Status::Repurchased,
        ];
        let codes = |status: Status| {
            let codes = self.statuses.iter().enumerate();
            codes
                .filter(|(_, s)| **s == status)
                .map(|(code, _)| code as u64)
                .collect()
        };
        each.map(codes).to_vec()
    }

    /// A table that says which of some sets a status is in. `None` if there are no sets.
    pub fn codes(&self, template: &Template, sets: Vec<BTreeSet<u64>>) -> Option<CodesTable> {
        let mut all = vec![Vec::new(); template.fields.len()];
        all[self.status] = sets;
        let codes = template.fields.iter().map(|f| f.kind.codes().len());
        CodesTable::new(&all, &codes.collect::<Vec<_>>())
    }
}

/// How many months are left after one.
pub struct Left<E> {
    /// 1 if there was one.
    pub alive: E,
    /// How many, below 2^10.
    pub months: E,
    /// 1 if there is none.
    pub none: E,
    /// Months modulo 12.
    pub rest: E,
}

/// The months left after one, of a loan with `term` before it. Constraint `id`: one less, unless there are none; whether none
/// are left; modulo 12, which the [calendar](crate::pools::calendar) looks up.
pub fn left<W, B: RowBuilder<W>>(b: &mut B, id: &'static str, term: &B::E) -> Left<B::E> {
    let alive = b.derive([term], |[t]| F::from_bool(t != F::ZERO));
    b.boolean(id, &alive);
    b.zero(id, (b.one() - alive.clone()) * term.clone());
    let months = limb(b, term.clone() - alive.clone()).into_inner();
    let none = b.derive([&months], |[l]| F::from_bool(l == F::ZERO));
    b.boolean(id, &none);
    b.zero(id, none.clone() * months.clone());
    let less = months.clone() - b.one() + none.clone();
    limb(b, less);
    let years = b.derive([&months], |[l]| F::from_i64(signed(l).div_euclid(12)));
    let years = limb(b, years).into_inner();
    let rest = b.derive([&months], |[l]| F::from_i64(signed(l).rem_euclid(12)));
    b.integer(id, months.clone() - years * F::from_u64(12) - rest.clone());
    Left {
        alive,
        months,
        none,
        rest,
    }
}

/// `balance * rate / 12,000,000`, rounded down: four limbs. Constraint `id`: `balance * rate = 12,000,000 earned + remainder`,
/// coefficients below `5 * 1023^2 < 2^23`; the remainder is below the divisor by COMPARE-1 to COMPARE-4.
pub fn interest<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    balance: &Limbs<B::E>,
    rate: &Limbs<B::E>,
) -> Limbs<B::E> {
    let from: Vec<B::E> = balance.iter().chain(rate).cloned().collect();
    let value = |limbs: &[F]| {
        limbs.iter().rev().fold(0u128, |v, l| {
            (v << LIMB_BITS) + signed(*l).unsigned_abs() as u128
        })
    };
    let split = balance.len();
    let divided = move |limbs: &[F]| {
        let product = value(&limbs[..split]).wrapping_mul(value(&limbs[split..]));
        let divisor = u128::from(MONTH_DIVISOR);
        (product / divisor, product % divisor)
    };
    let earned = Limbs::derive(b, &from, BALANCE_LIMBS, |l| divided(l).0);
    let remainder = Limbs::derive(b, &from, REMAINDER_LIMBS, |l| divided(l).1);
    let divisor = Sum::constant(MONTH_DIVISOR.into());
    Sum::product(&balance.sum(), &rate.sum())
        .minus(&Sum::product(&earned.sum(), &divisor))
        .minus(&remainder.sum())
        .assert_zero(b, id);
    let remainder = remainder.chunks();
    let most = Chunks::constant(MONTH_DIVISOR - 1, remainder.len());
    assert_at_most(b, &remainder, &most);
    earned
}
