//! Loans month by month, whatever happens: money adds up and schedules end.

#[path = "common/months.rs"]
mod months;

use credit::amortization::{
    Event, Frequency, LoanState, MAX_BALANCE, MAX_RATE, MAX_TERM, Rule, Status, add, roll_pool,
    then,
};
use credit::collections::Collections;
use months::{holds, life, loan};
use proptest::prelude::*;
use records::units::Cents;

fn any_loan() -> impl Strategy<Value = LoanState> {
    let frequency = prop_oneof![
        5 => Just(Frequency::Monthly),
        1 => Just(Frequency::Quarterly),
        1 => Just(Frequency::Semiannual),
        1 => Just(Frequency::Annual),
        1 => Just(Frequency::Once),
    ];
    let rule = prop_oneof![
        4 => Just(Rule::LevelPay),
        1 => Just(Rule::InterestOnly),
        1 => Just(Rule::Bullet),
        1 => Just(Rule::ZeroCoupon),
    ];
    let balance = prop_oneof![
        0u64..100,
        0u64..100_000_000,
        MAX_BALANCE.0 - 9..=MAX_BALANCE.0
    ];
    let rate = prop_oneof![Just(0u32), 0u32..300_000, Just(MAX_RATE)];
    let term = prop_oneof![0u16..5, 1..=MAX_TERM];
    (
        balance,
        rate,
        term,
        frequency,
        rule,
        prop_oneof![3 => Just(0u16), 1 => 0u16..400],
    )
        .prop_map(|(b, r, t, f, rule, days)| loan(b, r, t, f, rule).past_due(days))
}

/// An event that can be, from two random numbers.
fn event(loan: &LoanState, kind: u8, share: u64) -> Event {
    let of = |amount: u64| (u128::from(amount) * u128::from(share) / 1_000) as u64;
    match (loan.status, kind) {
        (Status::Defaulted, _) => {
            Event::Recovery(Cents(of((loan.balance + loan.overdue_interest).0) / 2))
        }
        (s, _) if !s.is_open() => Event::Payment(Cents(0)),
        (_, 0..=9) => loan.as_scheduled(),
        (_, 10..=12) => Event::Payment(Cents(0)),
        (_, 13..=15) => Event::Payment(Cents(of(loan.payoff().0))),
        (_, 16) => Event::Payment(loan.payoff()),
        (_, 17) => Event::Default,
        (_, 18) => Event::Repurchase(loan.balance + Cents(of((loan.payoff() - loan.balance).0))),
        _ => match loan.as_scheduled() {
            Event::Payment(p) => Event::Payment(Cents(of(p.0))),
            other => other,
        },
    }
}

proptest! {
    /// Whatever happens, each loan's balance rolls, every cent that came in is somewhere, and the pool is the
    /// sum.
    #[test]
    fn money_adds_up(
        loans in prop::collection::vec(any_loan(), 1..6),
        months in prop::collection::vec(prop::collection::vec((0u8..22, 0u64..=1_000), 6), 1..40),
    ) {
        let mut pool = loans;
        let mut chain: Option<Collections> = None;
        for month in months {
            let events: Vec<Event> =
                pool.iter().zip(&month).map(|(l, (k, s))| event(l, *k, *s)).collect();
            let mut sum = Collections::default();
            for (loan, event) in pool.iter().zip(&events) {
                let (next, c) = loan.roll(*event).unwrap();
                holds(&c);
                prop_assert_eq!(c.balance_before, loan.pool_balance());
                prop_assert_eq!(c.balance_after, next.pool_balance());
                let came = c.interest + c.scheduled_principal + c.prepaid_principal + c.recoveries + c.repurchased;
                let paid = match event {
                    Event::Payment(p) | Event::Recovery(p) | Event::Repurchase(p) => *p,
                    Event::Default => Cents(0),
                };
                prop_assert_eq!(came, paid);
                prop_assert!(next.balance <= loan.balance);
                prop_assert!(next.overdue_principal <= next.balance);
                prop_assert!(loan.status.is_open() || !next.status.is_open());
                prop_assert_eq!(c.delinquent.iter().sum::<Cents>() > Cents(0),
                    next.status == Status::Delinquent && next.balance > Cents(0));
                add(&mut sum, &c).unwrap();
            }
            let (after, total) = roll_pool(&pool, &events).unwrap();
            prop_assert_eq!(total, sum);
            holds(&total);
            let all = match chain {
                Some(before) => then(&before, &total).unwrap(),
                None => total,
            };
            holds(&all);
            prop_assert_eq!(all.delinquent, total.delinquent);
            chain = Some(all);
            pool = after;
        }
    }

    /// Paid as scheduled, a loan is paid off at maturity at the latest, and each payment of a level-pay loan
    /// is at most its instalment.
    #[test]
    fn schedules_end(loan in any_loan()) {
        let (principal, level) = (loan.pool_balance(), loan.rule == Rule::LevelPay);
        let rows = life(loan);
        prop_assert!(rows.len() <= usize::from(loan.term.max(1)));
        prop_assert_eq!(rows.iter().map(|r| r.scheduled_principal).sum::<Cents>(), principal);
        prop_assert!(rows.iter().all(|r| r.prepaid_principal == Cents(0)));
        if level && loan.days_past_due == 0 && loan.instalment > Cents(0) {
            prop_assert!(rows.iter().all(|r| r.interest + r.scheduled_principal <= loan.instalment));
        }
    }
}
