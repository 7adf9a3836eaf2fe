//! Loans month by month: annuities against their closed form, delinquency by the table.

#[path = "common/months.rs"]
mod months;

use credit::amortization::{
    Event, Frequency, LoanState, MAX_BALANCE, MAX_RATE, MAX_TERM, RollError, Rule, Status, add,
    annuity_factor, instalment, month_interest, roll_pool,
};
use credit::collections::Collections;
use credit::projection::{Schedule, ScheduleRow};
use months::{holds, life, loan};
use records::units::Cents;

fn mortgage() -> LoanState {
    loan(10_000_000, 60_000, 360, Frequency::Monthly, Rule::LevelPay)
}

/// `r / (1 - (1 + r)^-n)`.
fn annuity(rate: u32, months: u16, payments: u16) -> f64 {
    let r = f64::from(rate) * f64::from(months) / 12e6;
    let n = f64::from(payments);
    if rate == 0 {
        1.0 / n
    } else {
        r / -(-n * r.ln_1p()).exp_m1()
    }
}

/// Known instalments: 100,000 over 30 years at 6% is 599.55 a month, 200,000 over 15 years at 4.5% is
/// 1,529.99; rounded up to a cent.
#[test]
fn known_instalments() {
    assert_eq!(mortgage().instalment, Cents(59_956));
    assert_eq!(
        instalment(Cents(20_000_000), 45_000, 1, 180).unwrap(),
        Cents(152_999)
    );
    assert_eq!(instalment(Cents(120_000), 0, 1, 12).unwrap(), Cents(10_000));
    assert_eq!(instalment(Cents(0), 60_000, 1, 360).unwrap(), Cents(0));
    assert!(annuity_factor(60_000, 1, 0).is_err());
    assert!(annuity_factor(MAX_RATE + 1, 1, 1).is_err());
    assert!(instalment(MAX_BALANCE + Cents(1), 60_000, 1, 360).is_err());
}

/// Instalments are above the closed form by at most 1.11 cents, over the whole range.
#[test]
fn instalments_against_the_closed_form() {
    for rate in [0, 1, 100, 2_500, 35_000, 60_000, 123_456, 299_900, MAX_RATE] {
        for months in [1, 3, 6, 12] {
            for payments in [1, 2, 11, 60, 180, 359, 360, 600] {
                for balance in [1, 99, 1_000_000, 43_210_987, MAX_BALANCE.0] {
                    let ours = instalment(Cents(balance), rate, months, payments)
                        .unwrap()
                        .0 as f64;
                    let exact = balance as f64 * annuity(rate, months, payments);
                    // The reference itself is good to about 10^-13.
                    let slack = 1e-3 + exact * 1e-12;
                    let over = ours - exact;
                    assert!(
                        over > -slack && over < 1.11 + slack,
                        "{balance} at {rate}, {payments} times: {ours} for {exact}"
                    );
                }
            }
        }
    }
    assert!(annuity_factor(MAX_RATE, 12, 1).unwrap() <= 2_000_000_000_000);
}

/// The balance after k payments, `B (1+r)^k - P ((1+r)^k - 1) / r`. Each month's interest is rounded down by
/// less than a cent, which grows with interest from then on.
#[test]
fn balances_against_the_closed_form() {
    for (balance, rate, term) in [
        (10_000_000u64, 60_000u32, 360u16),
        (26_300_000, 37_500, 360),
        (4_400_000, 31_250, 180),
        (1_500_000, 249_900, 60),
    ] {
        let loan = loan(balance, rate, term, Frequency::Monthly, Rule::LevelPay);
        let rows = life(loan);
        assert_eq!(rows.len(), usize::from(term));
        let r = f64::from(rate) / 12e6;
        for (k, row) in rows.iter().enumerate().take(rows.len() - 1) {
            let growth = (1.0 + r).powi(k as i32 + 1);
            let paid = loan.instalment.0 as f64 * (growth - 1.0) / r;
            let exact = balance as f64 * growth - paid;
            let below = exact - row.balance_after.0 as f64;
            let most = (growth - 1.0) / r;
            assert!(
                below > -0.01 && below < most + 0.01,
                "{k}: {below} of {most}"
            );
            assert_eq!(row.interest + row.scheduled_principal, loan.instalment);
        }
        let last = rows[rows.len() - 1];
        assert!(last.interest + last.scheduled_principal <= loan.instalment);
        assert_eq!(
            rows.iter().map(|r| r.scheduled_principal.0).sum::<u64>(),
            balance
        );
    }
    // 100,000 over 30 years at 6%: 93,054.36 are owed after five years (599.5505 a month; ours pays a cent
    // more).
    let five = life(mortgage())[59].balance_after;
    assert!((9_305_436 - 140..9_305_436).contains(&five.0), "{five}");
}

/// 120,000 at 5% with an instalment of 300: each month brings in 300, not the 500 of interest; the 200 are deferred, bear no
/// interest, and are due at maturity with the balance.
#[test]
fn an_instalment_below_the_interest_is_all_that_comes_in() {
    let mut loan = loan(12_000_000, 50_000, 24, Frequency::Monthly, Rule::LevelPay);
    loan.instalment = Cents(30_000);
    let rows = life(loan);
    assert_eq!(rows.len(), 24);
    for row in &rows[..23] {
        assert_eq!(
            (row.interest, row.scheduled_principal),
            (Cents(30_000), Cents(0))
        );
        assert_eq!(
            row.delinquent,
            [Cents(0); 3],
            "less was agreed: it is not late"
        );
        assert_eq!(row.balance_after, Cents(12_000_000));
    }
    // 24 months of 500, less 23 instalments.
    assert_eq!(rows[23].interest, Cents(24 * 50_000 - 23 * 30_000));
    assert_eq!(rows[23].scheduled_principal, Cents(12_000_000));
    // The schedule says the same.
    let schedule = Schedule::of_loan(&loan, 90);
    let same = |(row, scheduled): (&Collections, &ScheduleRow)| {
        row.interest == scheduled.interest && row.scheduled_principal == scheduled.principal
    };
    assert!(rows.iter().zip(&schedule.rows).all(same));
    // What is deferred is paid as soon as an instalment leaves room.
    let (half, _) = loan.roll(Event::Payment(Cents(6_050_000))).unwrap();
    assert_eq!((half.balance, half.accrued), (Cents(6_000_000), Cents(0)));
    let (after, _) = loan.roll(loan.as_scheduled()).unwrap();
    assert_eq!((after.accrued, after.days_past_due), (Cents(20_000), 0));
    let room = LoanState {
        balance: Cents(6_000_000),
        ..after
    };
    assert_eq!(
        (room.due().interest, room.due().principal),
        (Cents(30_000), Cents(0))
    );
    let (next, _) = room.roll(room.as_scheduled()).unwrap();
    assert_eq!(next.accrued, Cents(15_000));
    // A quarter's instalment is compared with a quarter's interest.
    let quarterly = LoanState {
        frequency: Frequency::Quarterly,
        term: 24,
        ..loan
    };
    let first: Vec<u64> = life(quarterly)[..6].iter().map(|r| r.interest.0).collect();
    assert_eq!(first, [0, 0, 30_000, 0, 0, 30_000]);
    // What is overdue of such a loan are its instalments.
    let late = loan.past_due(65);
    assert_eq!(
        (late.overdue_interest, late.overdue_principal),
        (Cents(60_000), Cents(0))
    );
    assert_eq!(late.as_scheduled(), Event::Payment(Cents(90_000)));
}

/// What the other rules pay.
#[test]
fn rules() {
    let rows = life(loan(
        1_000_000,
        60_000,
        12,
        Frequency::Quarterly,
        Rule::InterestOnly,
    ));
    let interest: Vec<u64> = rows.iter().map(|r| r.interest.0).collect();
    assert_eq!(
        interest,
        [0, 0, 15_000, 0, 0, 15_000, 0, 0, 15_000, 0, 0, 15_000]
    );
    assert_eq!(rows[11].scheduled_principal, Cents(1_000_000));
    assert!(rows[..11].iter().all(|r| r.scheduled_principal == Cents(0)));

    for (frequency, rule) in [
        (Frequency::Monthly, Rule::Bullet),
        (Frequency::Once, Rule::Bullet),
        (Frequency::Once, Rule::InterestOnly),
        (Frequency::Once, Rule::LevelPay),
    ] {
        let rows = life(loan(1_000_000, 60_000, 18, frequency, rule));
        assert_eq!(rows.len(), 18);
        assert!(
            rows[..17]
                .iter()
                .all(|r| r.interest + r.scheduled_principal == Cents(0))
        );
        assert_eq!(
            (rows[17].interest, rows[17].scheduled_principal),
            (Cents(90_000), Cents(1_000_000))
        );
    }

    let rows = life(loan(
        1_000_000,
        60_000,
        3,
        Frequency::Once,
        Rule::ZeroCoupon,
    ));
    assert_eq!(rows.iter().map(|r| r.interest.0).sum::<u64>(), 0);
    assert_eq!(rows[2].scheduled_principal, Cents(1_000_000));

    // Seven months at four a year: payments after one, four and seven months.
    let odd = loan(1_000_000, 60_000, 7, Frequency::Quarterly, Rule::LevelPay);
    assert_eq!(
        odd.instalment,
        instalment(Cents(1_000_000), 60_000, 3, 3).unwrap()
    );
    let paid = life(odd)
        .iter()
        .map(|r| r.scheduled_principal > Cents(0))
        .collect::<Vec<_>>();
    assert_eq!(paid, [true, false, false, true, false, false, true]);

    let yearly = loan(5_000_000, 71_300, 120, Frequency::Annual, Rule::LevelPay);
    assert_eq!(
        life(yearly)
            .iter()
            .filter(|r| r.interest > Cents(0))
            .count(),
        10
    );
}

/// A borrower who misses two payments, pays one, pays half, and catches up.
#[test]
fn delinquency() {
    let start = mortgage();
    let p = start.instalment;
    let months: [(u64, u16, Status); 6] = [
        (0, 30, Status::Delinquent),
        (0, 60, Status::Delinquent),
        (p.0, 60, Status::Delinquent),
        (p.0 / 2, 90, Status::Delinquent),
        (p.0, 90, Status::Delinquent),
        (p.0 * 7 / 2 + 1, 0, Status::Performing),
    ];
    let mut loan = start;
    for (paid, days, status) in months {
        let (next, row) = loan.roll(Event::Payment(Cents(paid))).unwrap();
        holds(&row);
        assert_eq!((next.days_past_due, next.status), (days, status), "{paid}");
        assert_eq!(
            row.interest + row.scheduled_principal + row.prepaid_principal,
            Cents(paid)
        );
        let bucket = match days {
            0 => [Cents(0); 3],
            30 => [next.balance, Cents(0), Cents(0)],
            60 => [Cents(0), next.balance, Cents(0)],
            _ => [Cents(0), Cents(0), next.balance],
        };
        assert_eq!(row.delinquent, bucket);
        loan = next;
    }
    assert_eq!(loan.term, 354);
    // Late interest was for the whole balance, so a little more is owed than by one who paid in time.
    assert!(loan.balance >= life(start)[5].balance_after);

    // A month without payments due leaves a quarterly loan current; a missed quarter makes it late.
    let mut loan = self::loan(1_000_000, 60_000, 12, Frequency::Quarterly, Rule::LevelPay);
    for days in [0, 0, 30, 60, 90, 120] {
        loan = loan.roll(Event::Payment(Cents(0))).unwrap().0;
        assert_eq!(loan.days_past_due, days);
    }

    // Past maturity all is due.
    let late = self::loan(1_000_000, 60_000, 1, Frequency::Monthly, Rule::LevelPay);
    let (late, _) = late.roll(Event::Payment(Cents(400_000))).unwrap();
    assert_eq!((late.term, late.days_past_due), (0, 30));
    assert_eq!(late.overdue_principal, late.balance);
    let (done, row) = late.roll(late.as_scheduled()).unwrap();
    assert_eq!(
        (done.status, row.scheduled_principal),
        (Status::Prepaid, Cents(605_000))
    );
}

#[test]
fn prepayments() {
    let start = mortgage();
    let (part, row) = start
        .roll(Event::Payment(start.instalment + Cents(1_000_000)))
        .unwrap();
    holds(&row);
    assert_eq!(row.prepaid_principal, Cents(1_000_000));
    // The instalment stays, so it is paid off sooner.
    assert_eq!(part.instalment, start.instalment);
    assert!(life(part).len() < 320);

    let (done, row) = start.roll(Event::Payment(start.payoff())).unwrap();
    holds(&row);
    assert_eq!((done.status, done.balance), (Status::Prepaid, Cents(0)));
    assert_eq!(row.interest, month_interest(Cents(10_000_000), 60_000));
    assert_eq!(
        row.scheduled_principal + row.prepaid_principal,
        Cents(10_000_000)
    );
    let (paid, owed) = (start.payoff() + Cents(1), start.payoff());
    assert_eq!(
        start.roll(Event::Payment(paid)),
        Err(RollError::TooMuch { paid, owed })
    );
    // Nothing follows.
    let (same, row) = done.roll(Event::Payment(Cents(0))).unwrap();
    assert_eq!((same, row), (done, Collections::default()));
    for event in [
        Event::Payment(Cents(1)),
        Event::Default,
        Event::Repurchase(Cents(0)),
    ] {
        assert_eq!(done.roll(event), Err(RollError::Closed(Status::Prepaid)));
    }
    assert_eq!(
        done.roll(Event::Recovery(Cents(1))),
        Err(RollError::NotDefaulted)
    );

    // Between quarters the interest of months past is paid before principal.
    let quarterly = loan(
        1_000_000,
        60_000,
        12,
        Frequency::Quarterly,
        Rule::InterestOnly,
    );
    let (next, row) = quarterly.roll(Event::Payment(Cents(8_000))).unwrap();
    assert_eq!(
        (row.interest, row.prepaid_principal),
        (Cents(5_000), Cents(3_000))
    );
    assert_eq!(
        (next.balance, next.accrued, next.days_past_due),
        (Cents(997_000), Cents(0), 0)
    );
}

#[test]
fn defaults_and_recoveries() {
    let start = mortgage().past_due(90);
    let interest = month_interest(Cents(10_000_000), 60_000);
    assert_eq!(start.overdue_interest, interest * 3);
    assert_eq!(start.overdue_principal, (start.instalment - interest) * 3);
    let (gone, row) = start.roll(Event::Default).unwrap();
    holds(&row);
    assert_eq!(
        (row.defaulted, row.balance_after, row.interest),
        (Cents(10_000_000), Cents(0), Cents(0))
    );
    assert_eq!(
        (gone.status, gone.pool_balance()),
        (Status::Defaulted, Cents(0))
    );
    assert_eq!(
        gone.roll(Event::Payment(Cents(0))),
        Err(RollError::Closed(Status::Defaulted))
    );

    let (part, row) = gone.roll(Event::Recovery(Cents(9_999_999))).unwrap();
    holds(&row);
    assert_eq!((row.recoveries, part.balance), (Cents(9_999_999), Cents(1)));
    let (rest, row) = part.roll(Event::Recovery(Cents(1) + interest * 3)).unwrap();
    assert_eq!(
        (row.recoveries, rest.balance, rest.overdue_interest),
        (Cents(1) + interest * 3, Cents(0), Cents(0))
    );
    let too_much = Err(RollError::TooMuch {
        paid: Cents(1),
        owed: Cents(0),
    });
    assert_eq!(rest.roll(Event::Recovery(Cents(1))), too_much);
    assert_eq!(
        rest.roll(rest.as_scheduled()).unwrap().1,
        Collections::default()
    );
}

#[test]
fn repurchases() {
    let start = mortgage();
    let (gone, row) = start.roll(Event::Repurchase(Cents(10_030_000))).unwrap();
    holds(&row);
    assert_eq!(
        (row.repurchased, row.interest),
        (Cents(10_000_000), Cents(30_000))
    );
    assert_eq!((gone.status, gone.balance), (Status::Repurchased, Cents(0)));
    let below = RollError::BelowPar {
        paid: Cents(9_999_999),
        owed: Cents(10_000_000),
    };
    assert_eq!(start.roll(Event::Repurchase(Cents(9_999_999))), Err(below));
    assert!(
        start
            .roll(Event::Repurchase(start.payoff() + Cents(1)))
            .is_err()
    );
}

#[test]
fn numbers_out_of_range() {
    let new = |b, r, t| LoanState::new(b, r, t, Frequency::Monthly, Rule::LevelPay);
    assert_eq!(
        new(MAX_BALANCE + Cents(1), 0, 1),
        Err(RollError::Range("balance"))
    );
    assert_eq!(
        new(Cents(1), MAX_RATE + 1, 1),
        Err(RollError::Range("rate"))
    );
    assert_eq!(
        new(Cents(1), 1, MAX_TERM + 1),
        Err(RollError::Range("number of payments"))
    );
    let mut wrong = mortgage();
    wrong.overdue_principal = wrong.balance + Cents(1);
    assert_eq!(
        wrong.roll(Event::Payment(Cents(0))),
        Err(RollError::Range("overdue principal"))
    );
    // The largest loan at the highest rate, never paid.
    let mut loan = new(MAX_BALANCE, MAX_RATE, MAX_TERM).unwrap();
    for _ in 0..MAX_TERM {
        loan = loan.roll(Event::Payment(Cents(0))).unwrap().0;
    }
    assert_eq!(loan.overdue_principal, loan.balance);
    let mut full = Collections {
        interest: Cents(u64::MAX),
        ..Collections::default()
    };
    let one = Collections {
        interest: Cents(1),
        ..Collections::default()
    };
    assert_eq!(add(&mut full, &one), Err(RollError::Overflow("interest")));
    assert!(roll_pool(&[loan], &[]).is_err());
    let not_defaulted = Err((1, RollError::NotDefaulted));
    assert_eq!(
        roll_pool(
            &[loan; 2],
            &[Event::Payment(Cents(0)), Event::Recovery(Cents(0))]
        ),
        not_defaulted
    );
}

#[test]
fn a_loan_without_interest_pays_equal_parts() {
    let loan = LoanState::new(Cents(3_600_000), 0, 36, Frequency::Monthly, Rule::LevelPay).unwrap();
    assert_eq!(loan.instalment, Cents(100_000));
    let rows = life(loan);
    assert_eq!(rows.len(), 36);
    assert!(rows.iter().all(|r| r.scheduled_principal == Cents(100_000)));
    // What does not divide is rounded up, and the last payment is the rest.
    let loan = LoanState::new(Cents(100), 0, 3, Frequency::Monthly, Rule::LevelPay).unwrap();
    let paid: Vec<u64> = life(loan).iter().map(|r| r.scheduled_principal.0).collect();
    assert_eq!(paid, [34, 34, 32]);
}
