//! A loan's month, inside its row: [`credit::amortization::LoanState::roll`].

use credit::amortization::MAX_DAYS;
use gadgets::limbs::{Limbs, signed};
use gadgets::range::{LIMB_BITS, limb};
use gadgets::sum::Sum;
use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder};

use super::amounts::Amounts;
use crate::pools::calendar::CalendarTable;
use crate::pools::month::{self, AMOUNT_LIMBS, BALANCE_LIMBS, DAYS_LIMBS};

/// Days by which a payment is later after another month.
const MONTH_DAYS: u64 = 30;
const LIMB: u64 = 1 << LIMB_BITS;

/// A loan on a row, before or after its month. Numbers are in limbs, as many as their kind has.
pub struct Loan<E> {
    pub balance: Limbs<E>,
    pub accrued: Limbs<E>,
    pub overdue_interest: Limbs<E>,
    pub overdue_principal: Limbs<E>,
    pub days: Limbs<E>,
    pub term: E,
    pub status: E,
}

/// What a month does not change.
pub struct Contract<E> {
    pub rate: Limbs<E>,
    pub instalment: Limbs<E>,
    pub frequency: E,
    pub rule: E,
}

/// What became of a loan: bits of which exactly one is 1.
pub struct Kind<E> {
    /// A month of an open loan, in which something or nothing was paid.
    pub pays: E,
    pub defaults: E,
    pub repurchases: E,
    /// A month of a defaulted loan.
    pub recovers: E,
    /// Nothing: the loan was closed before, or the row is unused.
    pub idle: E,
}

/// What a month adds to the collections, in limbs below 2^11 in magnitude, as [`credit::collections::Collections`].
pub struct Flows<E> {
    pub interest: Vec<E>,
    pub scheduled: Vec<E>,
    pub prepaid: Vec<E>,
    pub recovered: Vec<E>,
    /// Whether it is open after the month and late by 30 to 59, 60 to 89, 90 and more days.
    pub late: [E; 3],
}

/// Rolls a loan. `codes` gives for the status after it, in the order of [`credit::amortization::Status`], which it is.
///
/// Constraints, for a loan with `n` for what it is after the month:
///
/// - ROLL-1: months left (as SCHEDULE-3), and one less after a month of an open loan.
/// - ROLL-2: what it earns (as SCHEDULE-4); interest due: `interest + lack = accrued + earned` of a level payment, else without
///   lack, and nothing if none comes due.
/// - ROLL-3: `instalment + lack = accrued + earned + over`, or `over` if no interest comes due, one of lack and over zero.
/// - ROLL-4: `principal + kept + overdue_principal = balance`; a level payment's principal is the smaller of over and what is
///   not due: `principal + beyond = over`, one of kept and beyond zero; the last month keeps nothing; else nothing comes due.
/// - ROLL-5: the interest ledger: `overdue_interest + interest + rest_1 = paid + n.overdue_interest` of a payment, one of rest_1
///   and n.overdue_interest zero; a default adds what accrued; a recovery takes off rest_1; a repurchase leaves nothing.
/// - ROLL-6: the principal ledger: `overdue_principal + principal + rest_2 = rest_1 + n.overdue_principal` of a payment, one of
///   rest_2 and n.overdue_principal zero; default and repurchase leave nothing.
/// - ROLL-7: interest not yet due: `accrued + earned - interest + rest_3 = rest_2 + n.accrued` of a payment, one of rest_3 and
///   n.accrued zero; default and repurchase leave nothing.
/// - ROLL-8: the balance: `balance + rest_2 = n.balance + rest_1 + rest_3` of a payment; `balance + rest_1 = paid + n.balance` of a
///   recovery, one of rest_1 and n.balance zero; a repurchase leaves nothing.
/// - ROLL-9: a repurchase: `paid = balance + rest_1`, `rest_1 + rest_2 = overdue_interest + accrued + earned`.
/// - ROLL-10: paid and rests are zero where they have no meaning.
/// - ROLL-11: days past due: none if nothing is overdue; as before if at least what came due was paid, and something came due;
///   else 30 more, at most 9,999.
/// - ROLL-12: how many times 30 days.
/// - ROLL-13: the status.
///
/// Every limb of a number is below 2^10 by lookup. Equations hold limb by limb with carries of one limb; coefficients are below
/// 2^13 in magnitude. "One of two is zero": the product of the sums of their limbs, each below 2^13, is zero.
pub fn roll<W, B: RowBuilder<W>>(
    b: &mut B,
    calendar: &CalendarTable,
    of: fn(&W) -> &Amounts,
    contract: &Contract<B::E>,
    [before, after]: [&Loan<B::E>; 2],
    kind: &Kind<B::E>,
    codes: &[B::E],
) -> Flows<B::E> {
    let left = month::left(b, "ROLL-1", &before.term);
    let lived = kind.pays.clone() * left.alive.clone();
    b.integer("ROLL-1", after.term.clone() - before.term.clone() + lived);
    let [due, level, bears] = calendar.look_up(
        b,
        [&contract.frequency, &contract.rule, &left.rest, &left.none],
        |w: &W| of(w).month,
    );
    let earned = month::interest(b, "ROLL-2", &before.balance, &contract.rate);
    let due_earned = product(b, "ROLL-2", &due, &bears);
    let accrued = before.accrued.sum().times_bit(&due);
    let earned_due = earned.sum().times_bit(&due_earned);
    let all = accrued.plus(&earned_due).in_cells(b, "ROLL-2");
    let [over, lack] = over(b, of, &contract.instalment, &all);
    let interest = read(b, AMOUNT_LIMBS, of, |a| a.interest);
    interest
        .sum()
        .plus(&lack.sum().times_bit(&level))
        .minus(&all)
        .assert_zero_narrow(b, "ROLL-2");
    let interest = interest.sum();
    let principal = principal(b, of, before, &over, [&level, &left.none]);
    let month = Paid {
        interest,
        principal,
        earned,
        bears,
        paid: read(b, AMOUNT_LIMBS, of, |a| a.paid),
        rests: [
            read(b, AMOUNT_LIMBS, of, |a| a.rests[0]),
            read(b, AMOUNT_LIMBS, of, |a| a.rests[1]),
            read(b, AMOUNT_LIMBS, of, |a| a.rests[2]),
        ],
    };
    ledgers(b, &month, before, after, kind);
    let bill = month.interest.plus(&month.principal.sum());
    let late = days(b, of, &bill, &month.paid, before, after, kind);
    let open = status(b, before, after, kind, codes, &late);
    let late = late.map(|late| product(b, "ROLL-12", &open, &late));
    flows(&month, kind, late)
}

/// What a month adds to the collections.
fn flows<E: Expr>(month: &Paid<E>, kind: &Kind<E>, late: [E; 3]) -> Flows<E> {
    let Paid { paid, rests, .. } = month;
    let pays = &kind.pays;
    Flows {
        interest: (0..AMOUNT_LIMBS)
            .map(|i| {
                let collected = paid[i].clone() - rests[0][i].clone() + rests[1][i].clone();
                pays.clone() * collected - rests[2][i].clone()
                    + kind.repurchases.clone() * rests[0][i].clone()
            })
            .collect(),
        scheduled: (0..AMOUNT_LIMBS)
            .map(|i| pays.clone() * (rests[0][i].clone() - rests[1][i].clone()))
            .collect(),
        prepaid: rests[2].to_vec(),
        recovered: paid
            .iter()
            .map(|p| kind.recovers.clone() * p.clone())
            .collect(),
        late,
    }
}

fn read<W, B: RowBuilder<W>>(
    b: &mut B,
    limbs: usize,
    of: fn(&W) -> &Amounts,
    amount: fn(&Amounts) -> u64,
) -> Limbs<B::E> {
    Limbs::read(b, limbs, |w: &W| amount(of(w)).into())
}

/// What of an instalment is more than the interest, and what it lacks of it.
fn over<W, B: RowBuilder<W>>(
    b: &mut B,
    of: fn(&W) -> &Amounts,
    instalment: &Limbs<B::E>,
    interest: &Sum<B::E>,
) -> [Limbs<B::E>; 2] {
    let over = read(b, BALANCE_LIMBS, of, |a| a.over);
    let lack = read(b, AMOUNT_LIMBS, of, |a| a.lack);
    instalment
        .sum()
        .plus(&lack.sum())
        .minus(interest)
        .minus(&over.sum())
        .assert_zero_narrow(b, "ROLL-3");
    let none = sum(&over) * sum(&lack);
    b.zero("ROLL-3", none);
    [over, lack]
}

/// The principal that comes due: of a level payment what is over after interest, in the last month all.
fn principal<W, B: RowBuilder<W>>(
    b: &mut B,
    of: fn(&W) -> &Amounts,
    before: &Loan<B::E>,
    over: &Limbs<B::E>,
    [level, last]: [&B::E; 2],
) -> Limbs<B::E> {
    let principal = read(b, BALANCE_LIMBS, of, |a| a.principal);
    let kept = read(b, BALANCE_LIMBS, of, |a| a.kept);
    let beyond = read(b, BALANCE_LIMBS, of, |a| a.beyond);
    principal
        .sum()
        .plus(&kept.sum())
        .plus(&before.overdue_principal.sum())
        .minus(&before.balance.sum())
        .assert_zero_narrow(b, "ROLL-4");
    principal
        .sum()
        .plus(&beyond.sum())
        .minus(&over.sum())
        .times_bit(level)
        .assert_zero_narrow(b, "ROLL-4");
    let none = sum(&kept) * sum(&beyond);
    b.zero("ROLL-4", none);
    let one = b.one();
    for i in 0..BALANCE_LIMBS {
        let neither = one.clone() - level.clone() - last.clone();
        b.zero("ROLL-4", neither * principal[i].clone());
        b.zero("ROLL-4", last.clone() * kept[i].clone());
        b.zero("ROLL-4", (one.clone() - level.clone()) * beyond[i].clone());
    }
    principal
}

/// What came in during a month, and what was due.
struct Paid<E> {
    interest: Sum<E>,
    principal: Limbs<E>,
    earned: Limbs<E>,
    bears: E,
    paid: Limbs<E>,
    rests: [Limbs<E>; 3],
}

/// What is owed after the month.
fn ledgers<W, B: RowBuilder<W>>(
    b: &mut B,
    month: &Paid<B::E>,
    before: &Loan<B::E>,
    after: &Loan<B::E>,
    kind: &Kind<B::E>,
) {
    interest_ledger(b, month, before, after, kind);
    principal_ledger(b, month, before, after, kind);
    accrued_ledger(b, month, before, after, kind);
    balance_ledger(b, month, before, after, kind);
    repurchase(b, month, before, kind);

    let one = b.one();
    let nothing = kind.idle.clone() + kind.defaults.clone();
    let no_second = one.clone() - kind.pays.clone() - kind.repurchases.clone();
    let no_third = one - kind.pays.clone();
    let [rest_1, rest_2, rest_3] = &month.rests;
    for (gate, limbs) in [
        (&nothing, &month.paid),
        (&nothing, rest_1),
        (&no_second, rest_2),
        (&no_third, rest_3),
    ] {
        for cell in limbs {
            b.zero("ROLL-10", gate.clone() * cell.clone());
        }
    }
}

/// Overdue interest.
fn interest_ledger<W, B: RowBuilder<W>>(
    b: &mut B,
    month: &Paid<B::E>,
    before: &Loan<B::E>,
    after: &Loan<B::E>,
    kind: &Kind<B::E>,
) {
    let stays = b.one() - kind.repurchases.clone();
    let rest = &month.rests[0];
    let unpaid = month.interest.plus(&rest.sum()).minus(&month.paid.sum());
    before
        .overdue_interest
        .sum()
        .times_bit(&stays)
        .minus(&after.overdue_interest.sum())
        .plus(&unpaid.times_bit(&kind.pays))
        .plus(&before.accrued.sum().times_bit(&kind.defaults))
        .minus(&rest.sum().times_bit(&kind.recovers))
        .assert_zero_narrow(b, "ROLL-5");
    let none = kind.pays.clone() * sum(&after.overdue_interest) * sum(rest);
    b.zero("ROLL-5", none);
}

/// Overdue principal.
fn principal_ledger<W, B: RowBuilder<W>>(
    b: &mut B,
    month: &Paid<B::E>,
    before: &Loan<B::E>,
    after: &Loan<B::E>,
    kind: &Kind<B::E>,
) {
    let goes_on = goes_on(b, kind);
    let [first, second, _] = &month.rests;
    let unpaid = month.principal.sum().plus(&second.sum());
    let unpaid = unpaid.minus(&first.sum());
    before
        .overdue_principal
        .sum()
        .times_bit(&goes_on)
        .minus(&after.overdue_principal.sum())
        .plus(&unpaid.times_bit(&kind.pays))
        .assert_zero_narrow(b, "ROLL-6");
    let none = kind.pays.clone() * sum(&after.overdue_principal) * sum(second);
    b.zero("ROLL-6", none);
}

/// Interest not yet due.
fn accrued_ledger<W, B: RowBuilder<W>>(
    b: &mut B,
    month: &Paid<B::E>,
    before: &Loan<B::E>,
    after: &Loan<B::E>,
    kind: &Kind<B::E>,
) {
    let goes_on = goes_on(b, kind);
    let pays_bears = product(b, "ROLL-7", &kind.pays, &month.bears);
    let [_, second, third] = &month.rests;
    let fallen = third.sum().minus(&second.sum()).minus(&month.interest);
    before
        .accrued
        .sum()
        .times_bit(&goes_on)
        .minus(&after.accrued.sum())
        .plus(&fallen.times_bit(&kind.pays))
        .plus(&month.earned.sum().times_bit(&pays_bears))
        .assert_zero_narrow(b, "ROLL-7");
    let none = kind.pays.clone() * sum(&after.accrued) * sum(third);
    b.zero("ROLL-7", none);
}

/// The balance.
fn balance_ledger<W, B: RowBuilder<W>>(
    b: &mut B,
    month: &Paid<B::E>,
    before: &Loan<B::E>,
    after: &Loan<B::E>,
    kind: &Kind<B::E>,
) {
    let stays = b.one() - kind.repurchases.clone();
    let [first, second, third] = month.rests.each_ref().map(Limbs::sum);
    let paid_off = second.minus(&first).minus(&third);
    let recovered = first.minus(&month.paid.sum());
    before
        .balance
        .sum()
        .times_bit(&stays)
        .minus(&after.balance.sum())
        .plus(&paid_off.times_bit(&kind.pays))
        .plus(&recovered.times_bit(&kind.recovers))
        .assert_zero_narrow(b, "ROLL-8");
    let none = kind.recovers.clone() * sum(&after.balance) * sum(&month.rests[0]);
    b.zero("ROLL-8", none);
}

/// A repurchase pays the balance and all interest.
fn repurchase<W, B: RowBuilder<W>>(
    b: &mut B,
    month: &Paid<B::E>,
    before: &Loan<B::E>,
    kind: &Kind<B::E>,
) {
    let repurchases_bears = product(b, "ROLL-9", &kind.repurchases, &month.bears);
    let [first, second, _] = month.rests.each_ref().map(Limbs::sum);
    month
        .paid
        .sum()
        .minus(&before.balance.sum())
        .minus(&first)
        .times_bit(&kind.repurchases)
        .assert_zero_narrow(b, "ROLL-9");
    first
        .plus(&second)
        .minus(&before.overdue_interest.sum())
        .minus(&before.accrued.sum())
        .times_bit(&kind.repurchases)
        .minus(&month.earned.sum().times_bit(&repurchases_bears))
        .assert_zero_narrow(b, "ROLL-9");
}

/// 1 unless the loan defaults or is repurchased.
fn goes_on<W, B: RowBuilder<W>>(b: &B, kind: &Kind<B::E>) -> B::E {
    b.one() - (kind.defaults.clone() + kind.repurchases.clone())
}

/// Days past due; whether it is late by 30 to 59, 60 to 89, 90 and more of them, if it is open after a month.
fn days<W, B: RowBuilder<W>>(
    b: &mut B,
    of: fn(&W) -> &Amounts,
    bill: &Sum<B::E>,
    paid: &Limbs<B::E>,
    before: &Loan<B::E>,
    after: &Loan<B::E>,
    kind: &Kind<B::E>,
) -> [B::E; 3] {
    let id = "ROLL-11";
    let one = b.one();
    let overdue = sum(&after.overdue_interest) + sum(&after.overdue_principal);
    let current = is_zero(b, id, &overdue);
    let billed = one.clone() - is_zero(b, id, &sum(bill.coefficients()));
    let enough = b.bit(id, |w| of(w).slack.0);
    let slack = Limbs::read(b, AMOUNT_LIMBS, |w: &W| of(w).slack.1.into());
    let less_one = Sum::bit(b, id, one.clone() - enough.clone());
    paid.sum()
        .minus(bill)
        .times_bit(&(enough.clone() + enough.clone() - one.clone()))
        .minus(&less_one)
        .minus(&slack.sum())
        .assert_zero_narrow(b, id);
    let keeps = product(b, id, &enough, &billed);
    let cleared = product(b, id, &kind.pays, &current);
    let later = product(
        b,
        id,
        &(kind.pays.clone() - cleared.clone()),
        &(one.clone() - keeps),
    );

    let most = u64::from(MAX_DAYS);
    let days = |days: &[B::E]| days[0].clone() + days[1].clone() * F::from_u64(LIMB);
    let (then, now) = (days(&before.days), days(&after.days));
    let cut = b.derive([&later, &then], |[later, then]| {
        let more = (signed(then) + MONTH_DAYS as i64 - most as i64).max(0);
        later * F::from_i64(more)
    });
    limb(b, cut.clone());
    b.zero(id, (one.clone() - later.clone()) * cut.clone());
    let zeroed = cleared + kind.repurchases.clone();
    let next = then * (one.clone() - zeroed) + later * F::from_u64(MONTH_DAYS) - cut.clone();
    b.integer(id, now.clone() - next);
    let room = b.constant(F::from_u64(most)) - now.clone();
    b.zero(id, cut * room.clone());
    split(b, id, &room);

    let id = "ROLL-12";
    let times = b.derive([&now], |[d]| {
        F::from_i64(signed(d).div_euclid(MONTH_DAYS as i64))
    });
    limb(b, times.clone());
    let rest = b.derive([&now], |[d]| {
        F::from_i64(signed(d).rem_euclid(MONTH_DAYS as i64))
    });
    limb(b, rest.clone());
    let below = b.constant(F::from_u64(MONTH_DAYS - 1)) - rest.clone();
    limb(b, below);
    b.integer(id, now - times.clone() * F::from_u64(MONTH_DAYS) - rest);
    let mut more = one;
    let exactly = [0, 1, 2].map(|k| {
        let bit = b.derive([&times], |[t]| F::from_bool(t == F::from_u64(k)));
        b.boolean(id, &bit);
        b.zero(id, bit.clone() * (times.clone() - F::from_u64(k)));
        more -= bit.clone();
        bit
    });
    b.boolean(id, &more);
    limb(b, times - more.clone() * F::from_u64(3));
    let [_, once, twice] = exactly;
    [once, twice, more]
}

/// The status after the month.
fn status<W, B: RowBuilder<W>>(
    b: &mut B,
    before: &Loan<B::E>,
    after: &Loan<B::E>,
    kind: &Kind<B::E>,
    codes: &[B::E],
    [once, twice, more]: &[B::E; 3],
) -> B::E {
    let id = "ROLL-13";
    let one = b.one();
    let owed = sum(&after.balance) + sum(&after.overdue_interest) + sum(&after.accrued);
    let nothing = is_zero(b, id, &owed);
    let closed = product(b, id, &kind.pays, &nothing);
    let open = kind.pays.clone() - closed.clone();
    let late = once.clone() + twice.clone() + more.clone();
    let defaulted = kind.defaults.clone() + kind.recovers.clone();
    let on_time = open.clone() * (one.clone() - late.clone());
    let repurchased = kind.repurchases.clone();
    let is = [on_time, open.clone() * late, defaulted, closed, repurchased];
    for (is, code) in is.into_iter().zip(codes) {
        b.zero(id, is * (one.clone() - code.clone()));
    }
    let same = after.status.clone() - before.status.clone();
    b.zero(id, kind.idle.clone() * same);
    open
}

/// The sum of limbs: zero if and only if the number is.
fn sum<E: Expr>(limbs: &[E]) -> E {
    limbs.iter().fold(E::ZERO, |sum, l| sum + l.clone())
}

/// A cell that is the product of two bits.
fn product<W, B: RowBuilder<W>>(b: &mut B, id: &'static str, x: &B::E, y: &B::E) -> B::E {
    let product = x.clone() * y.clone();
    let cell = b.derive([&product], |[v]| v);
    b.equal(id, cell.clone(), product);
    cell
}

/// A bit that is 1 if and only if a value below 2^20 is zero.
fn is_zero<W, B: RowBuilder<W>>(b: &mut B, id: &'static str, value: &B::E) -> B::E {
    let zero = b.derive([value], |[v]| F::from_bool(v == F::ZERO));
    b.boolean(id, &zero);
    b.zero(id, zero.clone() * value.clone());
    let one = b.one();
    split(b, id, &(value.clone() - one + zero.clone()));
    zero
}

/// Requires a value to be below 2^20.
fn split<W, B: RowBuilder<W>>(b: &mut B, id: &'static str, value: &B::E) {
    let limbs = Limbs::derive(b, std::slice::from_ref(value), DAYS_LIMBS, |v| {
        signed(v[0]).max(0) as u128
    });
    b.integer(id, value.clone() - gadgets::limbs::join(&limbs));
}
