//! Loans month by month, when all pay as scheduled.

use credit::amortization::month_interest;
use gadgets::limbs::{Limbs, limb_of, signed};
use gadgets::range::{LIMB_BITS, limb};
use records::units::Cents;
use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::loans::START;
use super::months::MONTHS;
use crate::pools::calendar::{CalendarTable, Month};
use crate::pools::month::{self, AMOUNT_LIMBS, BALANCE_LIMBS, RATE_LIMBS};

/// Months on a row: rows of a hiding table cost more than columns.
pub const PER_ROW: usize = 6;
const LIMB: u64 = 1 << LIMB_BITS;

/// Six months of a loan a row; `2^log_rows` rows a loan.
///
/// - SCHEDULE-1: the row's loan and first month, whether it is the loan's first and whether the next is its, too.
/// - SCHEDULE-2: what is before a row is what the row above ended with; rate, rules and instalment stay.
/// - SCHEDULE-3: months left: one less, unless there are none; whether none are left; modulo 12.
/// - SCHEDULE-4: a month's interest: `balance * rate = 12,000,000 earned + remainder`, the remainder below the divisor.
/// - SCHEDULE-5: interest so far: what accrued and what was earned, if the loan bears interest.
/// - SCHEDULE-6: interest due: none if the loan does not pay; the instalment, if it pays level and that lacks some of the interest;
///   else all.
/// - SCHEDULE-7: whether the instalment is at most the interest if the loan pays, and how much it lacks of it; or how much it has
///   over, less one.
/// - SCHEDULE-8: whether what is left of it is at most the balance, and how much remains; or how much it exceeds it, less one.
/// - SCHEDULE-9: the balance after: what remains, if part of an instalment is principal; all, if the loan does not pay
///   principal; nothing in the last month.
/// - COMPARE-1 to COMPARE-4: the remainder is below the divisor.
///
/// Intervals: coefficients of SCHEDULE-4 below `5 * 1023^2 < 2^23`; every other equation is between limbs and bits, below 2^12.
/// The balance stays below 2^40 since it only falls; accrued interest is below 2^50 by its limbs.
#[derive(Clone, Debug)]
pub struct ScheduleTable {
    /// log2 of the loans.
    pub log_loans: usize,
    /// log2 of a loan's rows.
    pub log_rows: usize,
    /// When loans pay.
    pub calendar: CalendarTable,
}

/// What a loan's months follow from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// In 10^-6 a year.
    pub rate: u64,
    /// The code of its frequency.
    pub frequency: usize,
    /// The code of its rule.
    pub rule: usize,
    /// In cents.
    pub instalment: u64,
}

/// A loan at the end of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is owed.
    pub balance: u64,
    /// Interest since the last payment.
    pub accrued: u64,
    /// Months to maturity.
    pub term: u64,
}

/// The private data of one row.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScheduleRow {
    /// The contract.
    pub contract: Contract,
    /// The loan before the row's first month, and after each.
    pub standing: [Standing; PER_ROW + 1],
    /// What happens in each month.
    pub months: [Option<Month>; PER_ROW],
}

/// What a month brings in, and the loan after it.
pub fn step(contract: &Contract, before: &Standing, month: &Month) -> (u64, Standing) {
    let term = before.term.saturating_sub(1);
    let earned = match month.bears {
        true => month_interest(Cents(before.balance), contract.rate as u32).0,
        false => 0,
    };
    let total = before.accrued + earned;
    // A loan pays level in no month that is its last.
    let (interest, principal) = match (month.level, month.pays) {
        (true, _) => (
            total.min(contract.instalment),
            (contract.instalment.saturating_sub(total)).min(before.balance),
        ),
        (_, true) => (total, 0),
        _ => (0, 0),
    };
    let principal = if term == 0 { before.balance } else { principal };
    let after = Standing {
        balance: before.balance - principal,
        accrued: total - interest,
        term,
    };
    (interest, after)
}

// Fixed columns.
const LOAN: usize = 0;
const MONTH: usize = 1;
const FIRST: usize = 2;
const CONTINUES: usize = 3;

/// The state of a loan on a row, as expressions.
struct Loan<E> {
    rate: Limbs<E>,
    frequency: E,
    rule: E,
    instalment: Vec<E>,
    balance: Limbs<E>,
    accrued: Vec<E>,
    term: E,
}

impl Table for ScheduleTable {
    type Row = ScheduleRow;

    fn name(&self) -> &'static str {
        "schedule"
    }

    fn log_height(&self) -> usize {
        self.log_loans + self.log_rows
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (height, rows) = (1usize << self.log_height(), 1usize << self.log_rows);
        let column =
            |of: &dyn Fn(usize) -> usize| (0..height).map(|r| F::from_usize(of(r))).collect();
        vec![
            column(&|r| r / rows),
            column(&|r| r % rows * PER_ROW),
            column(&|r| usize::from(r % rows == 0)),
            column(&|r| usize::from(r % rows + 1 != rows)),
        ]
    }

    fn row<B: RowBuilder<ScheduleRow>>(&self, b: &mut B) {
        let loan_number = b.pinned("SCHEDULE-1", LOAN);
        let first_month = b.pinned("SCHEDULE-1", MONTH);
        let first = b.pinned("SCHEDULE-1", FIRST);
        let continues = b.fixed(CONTINUES);

        let mut cells: Vec<(B::E, B::E)> = Vec::new();
        let mut state = |b: &mut B, count: usize, of: &dyn Fn(&ScheduleRow) -> u64| -> Vec<B::E> {
            (0..count)
                .map(|i| {
                    let (cell, next) = b.state(|w| F::from_u64(limb_of(of(w).into(), i)));
                    cells.push((cell.clone(), next));
                    cell
                })
                .collect()
        };
        let rate = state(b, RATE_LIMBS, &|w| w.contract.rate);
        let frequency = state(b, 1, &|w| w.contract.frequency as u64);
        let rule = state(b, 1, &|w| w.contract.rule as u64);
        let instalment = state(b, BALANCE_LIMBS, &|w| w.contract.instalment);
        let balance = state(b, BALANCE_LIMBS, &|w| w.standing[0].balance);
        let accrued = state(b, AMOUNT_LIMBS, &|w| w.standing[0].accrued);
        let term = state(b, 1, &|w| w.standing[0].term);
        // Checked on the loan's row, or on the row above.
        let [rate, balance] = [rate, balance].map(|l| Limbs::declared(b, "SCHEDULE-2", l));
        let mut loan = Loan {
            rate,
            frequency: frequency[0].clone(),
            rule: rule[0].clone(),
            instalment,
            balance,
            accrued,
            term: term[0].clone(),
        };

        let mut message = vec![loan_number];
        message.extend(loan.balance.iter().cloned());
        message.extend(loan.rate.iter().cloned());
        message.push(loan.term.clone());
        message.push(loan.frequency.clone());
        message.push(loan.rule.clone());
        message.extend(loan.instalment.iter().cloned());
        message.extend(loan.accrued.iter().cloned());
        b.receive(START, first, &message);
        for k in 0..PER_ROW {
            let number = first_month.clone() + F::from_usize(k);
            self.month(b, &mut loan, k, &number);
        }
        let mut after = loan.rate.to_vec();
        after.extend([loan.frequency, loan.rule]);
        after.extend(loan.instalment);
        after.extend(loan.balance);
        after.extend(loan.accrued);
        after.push(loan.term);
        for ((_, next), after) in cells.into_iter().zip(after) {
            let step = continues.clone() * (next - after);
            b.assert_zero("SCHEDULE-2", When::Transition, step);
        }
    }
}

impl ScheduleTable {
    /// One month; leaves the loan as it is after it.
    fn month<B: RowBuilder<ScheduleRow>>(
        &self,
        b: &mut B,
        loan: &mut Loan<B::E>,
        k: usize,
        number: &B::E,
    ) {
        let left = month::left(b, "SCHEDULE-3", &loan.term);
        let [pays, level, bears] = self.calendar.look_up(
            b,
            [&loan.frequency, &loan.rule, &left.rest, &left.none],
            |w: &ScheduleRow| {
                w.months[k].unwrap_or(Month {
                    pays: false,
                    level: false,
                    bears: false,
                })
            },
        );

        let earned = month::interest(b, "SCHEDULE-4", &loan.balance, &loan.rate);
        let total = interest_so_far(b, &loan.accrued, &bears, &earned);
        let Split {
            interest,
            deferred,
            principal,
        } = split(b, &loan.instalment, &total, [&pays, &level]);
        let balance = balance_after(b, loan, &principal, [level, left.none]);

        for (i, count) in interest.iter().chain(&balance).enumerate() {
            let which = b.constant(F::from_usize(i));
            b.send_limb(MONTHS, count.clone(), &[number.clone(), which]);
        }
        loan.accrued = deferred;
        loan.balance = Limbs::declared(b, "SCHEDULE-9", balance);
        loan.term = left.months;
    }
}

/// What accrued, and what was earned if the loan bears interest.
fn interest_so_far<B: RowBuilder<ScheduleRow>>(
    b: &mut B,
    accrued: &[B::E],
    bears: &B::E,
    earned: &[B::E],
) -> Vec<B::E> {
    let mut carry = b.constant(F::ZERO);
    let mut total = Vec::new();
    for (i, accrued) in accrued.iter().enumerate() {
        let mut value = accrued.clone() + carry.clone();
        if let Some(earned) = earned.get(i) {
            value += bears.clone() * earned.clone();
        }
        let low = b.derive([&value], |[v]| {
            F::from_u64(signed(v).rem_euclid(LIMB as i64) as u64)
        });
        let low = limb(b, low).into_inner();
        carry = b.constant(F::ZERO);
        if i + 1 < AMOUNT_LIMBS {
            let bit = b.derive([&value], |[v]| F::from_bool(signed(v) >= LIMB as i64));
            b.boolean("SCHEDULE-5", &bit);
            carry = bit;
        }
        b.integer(
            "SCHEDULE-5",
            value - low.clone() - carry.clone() * F::from_u64(LIMB),
        );
        total.push(low);
    }
    total
}

/// What a month's interest and instalment make due.
struct Split<E> {
    /// Interest that comes due.
    interest: Vec<E>,
    /// Interest that is not due after the month.
    deferred: Vec<E>,
    /// What of an instalment is more than the interest. Its lowest limb is at most 2^10, the others are below.
    principal: Vec<E>,
}

/// What comes due of the interest so far, and of an instalment as principal.
fn split<B: RowBuilder<ScheduleRow>>(
    b: &mut B,
    instalment: &[B::E],
    total: &[B::E],
    [pays, level]: [&B::E; 2],
) -> Split<B::E> {
    let mut instalment = instalment.to_vec();
    instalment.resize(AMOUNT_LIMBS, b.constant(F::ZERO));
    let cell = |b: &mut B, value: B::E| {
        let cell = b.derive([&value], |[v]| v);
        b.equal("SCHEDULE-6", cell.clone(), value);
        cell
    };
    let due: Vec<B::E> = (total.iter())
        .map(|total| cell(b, pays.clone() * total.clone()))
        .collect();
    // Where the two are the same, nothing is lacking.
    let (lacks, rest) = difference(b, "SCHEDULE-7", &due, &instalment);
    let short = cell(b, level.clone() * lacks.clone());
    let interest = (due.iter().zip(&instalment))
        .map(|(due, instalment)| {
            let lacking = short.clone() * (instalment.clone() - due.clone());
            cell(b, due.clone() + lacking)
        })
        .collect();
    let deferred = (due.iter().zip(total).zip(&rest))
        .map(|((due, total), rest)| total.clone() - due.clone() + short.clone() * rest.clone())
        .collect();
    let covers = b.one() - lacks;
    // The rest is less one; of an instalment of four limbs no more is left. The lowest limb may become 2^10: `difference` takes it
    // off a balance all the same, as all its limbs and borrows stay in their ranges.
    let mut principal: Vec<B::E> = rest[..BALANCE_LIMBS]
        .iter()
        .map(|rest| covers.clone() * rest.clone())
        .collect();
    principal[0] += covers;
    Split {
        interest,
        deferred,
        principal,
    }
}

/// The balance after a month in which an instalment leaves this principal.
fn balance_after<B: RowBuilder<ScheduleRow>>(
    b: &mut B,
    loan: &Loan<B::E>,
    principal: &[B::E],
    [level, last]: [B::E; 2],
) -> Vec<B::E> {
    let (fits, remains) = difference(b, "SCHEDULE-8", &loan.balance, principal);
    let remaining = level.clone() * fits;
    let part = b.derive([&remaining], |[v]| v);
    b.equal("SCHEDULE-9", part.clone(), remaining);
    let keeps = b.one() - last - level;
    remains
        .iter()
        .zip(&loan.balance)
        .map(|(remains, balance)| {
            let after = part.clone() * remains.clone() + keeps.clone() * balance.clone();
            let cell = b.derive([&after], |[v]| v);
            b.equal("SCHEDULE-9", cell.clone(), after);
            cell
        })
        .collect()
}

/// A bit that is 1 if and only if `x >= y`, and then the limbs of `x - y`, else those of `y - x - 1`. The limbs of `x` and `y` are
/// below 2^10, but for the lowest of `y`, which may be 2^10.
fn difference<E: Expr, B: RowBuilder<ScheduleRow, E = E>>(
    b: &mut B,
    id: &'static str,
    x: &[E],
    y: &[E],
) -> (E, Vec<E>) {
    assert_eq!(x.len(), y.len(), "numbers of equally many limbs");
    let both: Vec<E> = x.iter().chain(y).cloned().collect();
    let split = x.len();
    let at_least = b.derive_many(&both, |l| {
        let key = |limbs: &[F]| limbs.iter().rev().map(|l| signed(*l)).collect::<Vec<_>>();
        F::from_bool(key(&l[..split]) >= key(&l[split..]))
    });
    b.boolean(id, &at_least);
    let sign = at_least.clone() + at_least.clone() - b.one();
    let mut borrow = b.one() - at_least.clone();
    let mut limbs = Vec::new();
    for (i, (x, y)) in x.iter().zip(y).enumerate() {
        let value = sign.clone() * (x.clone() - y.clone()) - borrow;
        let low = b.derive([&value], |[v]| {
            F::from_u64(signed(v).rem_euclid(LIMB as i64) as u64)
        });
        let low = limb(b, low).into_inner();
        borrow = b.constant(F::ZERO);
        if i + 1 < split {
            let bit = b.derive([&value], |[v]| F::from_bool(signed(v) < 0));
            b.boolean(id, &bit);
            borrow = bit;
        }
        b.integer(id, value + borrow.clone() * F::from_u64(LIMB) - low.clone());
        limbs.push(low);
    }
    (at_least, limbs)
}
