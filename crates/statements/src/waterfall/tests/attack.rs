//! Attacks on the waterfall statement: rows against the specification at random, and claims that cost their verifier time.

use records::units::Cents;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use credit::amortization::{Event, LoanState, MAX_BALANCE, Status};
use credit::pool::Tape;
use credit::pool::remittance::Remittances;
use credit::pool::states::states;
use stark::{Statement, Violation, violations};

use super::{prepared, rows, tape, terms};
use crate::testing::{found, mortgages, secret};
use crate::waterfall::claim::PartTables;
use crate::waterfall::tables::amounts::{After, Amounts};
use crate::waterfall::*;

/// A generator of its own, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn of(&mut self, values: &[u64]) -> u64 {
        values[self.below(values.len() as u64) as usize]
    }
    /// Up to `most`, of any magnitude, often an edge.
    fn upto(&mut self, most: u64) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => most,
            2 => most.min(1),
            3 => most - most.min(1),
            4 => most.min(1 << self.below(50)),
            5 => most.min((1 << self.below(50)) - 1),
            _ => {
                let bits = self.below(50);
                self.next() % (most.min(1 << bits) + 1)
            }
        }
    }
}

/// Loans of any state that a tape may have.
fn any_tape(dice: &mut Dice, loans: usize) -> Tape {
    let mut tape = tape(loans);
    let template = tape.template.clone();
    let at = |name: &str| template.field(name).expect("the template has it");
    for loan in &mut tape.loans {
        let status = dice.of(&[0, 0, 0, 1, 1, 2, 3, 4]);
        let closed = status >= 3;
        let balance = if closed {
            0
        } else {
            dice.upto(100_000_000_000)
        };
        let instalment = match dice.below(3) {
            0 => dice.upto(200_000_000_000),
            1 => balance / (1 + dice.below(60)),
            _ => dice.upto(balance),
        };
        let overdue = if dice.below(2) == 0 {
            0
        } else {
            dice.upto(balance)
        };
        let small = dice.below(2) == 0;
        let interest = if small { 100_000 } else { 9_000_000_000_000 };
        let values = [
            ("status", status),
            ("balance", balance),
            ("rate", dice.upto(1_000_000)),
            (
                "remaining_term",
                dice.of(&[0, 1, 2, 3, 4, 6, 7, 12, 13, 25, 600]),
            ),
            ("frequency", dice.below(5)),
            ("amortization", dice.below(4)),
            ("instalment", instalment),
            ("accrued", dice.upto(interest)),
            ("overdue_interest", dice.upto(interest)),
            ("overdue_principal", overdue),
            (
                "days_past_due",
                dice.of(&[
                    0, 0, 1, 29, 30, 31, 59, 60, 89, 90, 9_968, 9_969, 9_970, 9_999,
                ]),
            ),
        ];
        for (name, value) in values {
            loan.values[at(name)] = Some(value);
        }
    }
    tape
}

/// Events around every edge, possible or not.
fn any_event(dice: &mut Dice, state: &LoanState) -> Event {
    let due = state.due();
    let bill = due.interest + due.principal;
    let edges = [
        Cents(0),
        bill,
        due.interest,
        state.overdue_interest,
        state.overdue_interest + due.interest,
        state.overdue_interest + due.interest + state.overdue_principal,
        state.overdue_interest + due.interest + state.overdue_principal + due.principal,
        state.balance,
        state.payoff(),
        state.balance + state.overdue_interest,
    ];
    let edge = dice.of(&edges.map(|edge| edge.0));
    let amount = match dice.below(5) {
        0 => edge + 1,
        1 => edge.saturating_sub(1),
        2 => dice.upto(state.payoff().0),
        _ => edge,
    };
    match (state.status, dice.below(8)) {
        (Status::Defaulted, 0..7) => Event::Recovery(Cents(amount)),
        (_, 0) => Event::Default,
        (_, 1) => Event::Repurchase(Cents(amount)),
        (_, 2) => Event::Recovery(Cents(amount)),
        _ => Event::Payment(Cents(amount)),
    }
}

/// A possible event, and nothing if there is none among a few.
fn possible(dice: &mut Dice, state: &LoanState) -> Option<Event> {
    (0..40)
        .map(|_| any_event(dice, state))
        .find(|e| state.roll(*e).is_ok())
}

/// Only loans of which something can become, and what becomes of them.
fn any_month(dice: &mut Dice, loans: usize) -> (Tape, Remittances) {
    let mut tape = any_tape(dice, loans);
    let mut events = BTreeMap::new();
    let all = states(&tape).expect("they are loans");
    let mut keep = Vec::new();
    for (loan, state) in tape.loans.iter().zip(&all) {
        if let Some(event) = possible(dice, state) {
            events.insert(loan.id.clone(), event);
            keep.push(loan.clone());
        }
    }
    tape.loans = keep;
    (tape, events)
}

/// Random loans and events: the rows accept what the specification says, and the sums are its collections.
#[test]
fn rows_follow_the_specification() {
    let mut dice = Dice(1);
    for round in 0..12 {
        let (tape, month) = any_month(&mut dice, 256);
        let terms = Terms {
            months: vec![month],
            ..terms(&tape, 0)
        };
        let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
        assert_eq!(found(&prepared, 0), Vec::new(), "round {round}");
    }
}

/// The states after a month, as a forger would have them.
fn forged(dice: &mut Dice, before: &LoanState, after: &LoanState) -> LoanState {
    let mut forged = *after;
    loop {
        for _ in 0..1 + dice.below(3) {
            let near = |dice: &mut Dice, value: u64, most: u64| match dice.below(6) {
                0 => value.saturating_sub(1),
                1 => value + 1,
                2 => 0,
                3 => value.saturating_sub(1 << dice.below(30)),
                4 => dice.upto(most),
                _ => value + (1 << dice.below(30)),
            };
            match dice.below(8) {
                0 => {
                    let balance = near(dice, forged.balance.0, before.balance.0);
                    forged.balance = Cents(balance).min(MAX_BALANCE);
                }
                1 => forged.accrued = Cents(near(dice, forged.accrued.0, before.accrued.0)),
                2 => {
                    forged.overdue_interest = Cents(near(dice, forged.overdue_interest.0, 1 << 40));
                }
                3 => {
                    forged.overdue_principal =
                        Cents(near(dice, forged.overdue_principal.0, before.balance.0))
                }
                4 => {
                    forged.days_past_due =
                        near(dice, forged.days_past_due.into(), 9_999).min(9_999) as u16;
                }
                5 => forged.term = near(dice, forged.term.into(), 600).min(600) as u16,
                6 => {
                    forged.status = [
                        Status::Performing,
                        Status::Delinquent,
                        Status::Defaulted,
                        Status::Prepaid,
                        Status::Repurchased,
                    ][dice.below(5) as usize];
                }
                // What another event would have made of it.
                _ => {
                    if let Some(event) = possible(dice, before) {
                        forged = before.roll(event).expect("it is possible").0;
                    }
                }
            }
        }
        forged.overdue_principal = forged.overdue_principal.min(forged.balance);
        if forged != *after && forged.check().is_ok() {
            return forged;
        }
    }
}

fn after_of(state: &LoanState, code: u64) -> After {
    After {
        balance: state.balance.0,
        accrued: state.accrued.0,
        overdue_interest: state.overdue_interest.0,
        overdue_principal: state.overdue_principal.0,
        days: state.days_past_due.into(),
        term: state.term.into(),
        status: code,
    }
}

/// Random states after a month under random events, possible or not: whatever the specification does not say breaks the row.
#[test]
fn rows_refuse_what_the_specification_does_not_say() {
    let mut dice = Dice(2);
    let (mut alone, mut all_wrong) = (0, 0);
    for round in 0..12 {
        let (tape, month) = any_month(&mut dice, 256);
        let honest = Terms {
            months: vec![month],
            ..terms(&tape, 0)
        };
        let prepared = Prepared::new(&tape, &honest, &secret()).expect("it is true");
        let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
        let good = rows(&prepared);
        let places: BTreeMap<&str, usize> =
            tape.loans.iter().map(|l| l.id.as_str()).zip(0..).collect();
        let all = states(&tape).expect("they are loans");
        let mut rows = good.clone();
        let mut wrong = Vec::new();
        for (row, loan) in good.loans.iter().enumerate() {
            let before = &all[places[loan.id.as_str()]];
            let honest = honest.months[0][&loan.id];
            let (after, _) = before.roll(honest).expect("it is possible");
            // Another state after, or the same one after another event; the amounts that fit best.
            let (next, event) = match dice.below(4) {
                0 => (after, any_event(&mut dice, before)),
                1 => (forged(&mut dice, before, &after), honest),
                _ => (
                    forged(&mut dice, before, &after),
                    any_event(&mut dice, before),
                ),
            };
            let code = next.status as u64;
            let field = |name: &str| {
                let field = tape.template.field(name).expect("the template has it");
                loan.values[field].expect("it is there")
            };
            rows.amounts[row] = Amounts::new(
                before,
                field("instalment"),
                good.amounts[row].month,
                event,
                after_of(&next, code),
            );
            // What the row says became of the loan: whether a recovery or a payment, it takes from the status before.
            let amounts = &mut rows.amounts[row];
            if let (Event::Payment(paid) | Event::Recovery(paid), false) =
                (event, before.status.is_open())
            {
                // Also from a closed loan something is said to come in.
                amounts.paid = paid.0;
            }
            let of_row = if amounts.defaults {
                Event::Default
            } else if amounts.repurchases {
                Event::Repurchase(Cents(amounts.paid))
            } else if before.status == Status::Defaulted {
                Event::Recovery(Cents(amounts.paid))
            } else {
                Event::Payment(Cents(amounts.paid))
            };
            // Of a closed loan the tape keeps what it says, which its state passes over: days past due.
            let same = rows.amounts[row] == good.amounts[row];
            if same || before.roll(of_row).is_ok_and(|(n, _)| n == next) {
                rows.amounts[row] = good.amounts[row];
                continue;
            }
            wrong.push((row, *before, event, next));
        }
        let broken = |found: Vec<Violation>, row: usize| {
            found.iter().any(|v| match v {
                Violation::Constraint { row: at, id, .. } => *at == row && *id != "ORDER-4",
                Violation::Bus { bus, .. } => ["limb", "code", "calendar"].contains(bus),
            })
        };
        let found = violations(&tables.airs(), &rows.fill(&tables));
        let of_rows: Vec<Violation> = found
            .into_iter()
            .filter(|v| matches!(v, Violation::Constraint { .. }))
            .collect();
        all_wrong += wrong.len();
        for (row, before, event, next) in wrong {
            if broken(of_rows.clone(), row) {
                continue;
            }
            // Maybe a limb is out of range, which a bus notices: the row alone.
            alone += 1;
            let mut one = good.clone();
            one.amounts[row] = rows.amounts[row];
            let found = violations(&tables.airs(), &one.fill(&tables));
            assert!(
                broken(found.clone(), row),
                "round {round}: {before:?} under {event:?} became {next:?}: {found:?} {:?}",
                rows.amounts[row]
            );
        }
    }
    println!("{alone} of {all_wrong} were noticed by a bus alone");
    assert!(all_wrong > 2_000);
}

/// Adds a number to an amount, or takes it off.
type Number = fn(&mut Amounts) -> &mut u64;

/// Amounts that a forger could shift against each other.
const NUMBERS: [Number; 15] = [
    |a| &mut a.paid,
    |a| &mut a.interest,
    |a| &mut a.over,
    |a| &mut a.lack,
    |a| &mut a.principal,
    |a| &mut a.kept,
    |a| &mut a.beyond,
    |a| &mut a.rests[0],
    |a| &mut a.rests[1],
    |a| &mut a.rests[2],
    |a| &mut a.slack.1,
    |a| &mut a.after.balance,
    |a| &mut a.after.accrued,
    |a| &mut a.after.overdue_interest,
    |a| &mut a.after.overdue_principal,
];

/// Amounts of honest rows shifted together by the same number: only another possible month passes.
#[test]
fn rows_have_one_witness() {
    let mut dice = Dice(3);
    let (mut tried, mut other) = (0, 0);
    for round in 0..3 {
        let (tape, month) = any_month(&mut dice, 256);
        let honest = Terms {
            months: vec![month],
            ..terms(&tape, 0)
        };
        let prepared = Prepared::new(&tape, &honest, &secret()).expect("it is true");
        let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
        let airs = tables.airs();
        let good = rows(&prepared);
        let places: BTreeMap<&str, usize> =
            tape.loans.iter().map(|l| l.id.as_str()).zip(0..).collect();
        let all = states(&tape).expect("they are loans");
        for _ in 0..25 {
            let mut rows = good.clone();
            let mut changed = Vec::new();
            for (row, amounts) in rows.amounts.iter_mut().enumerate() {
                let before = *amounts;
                // A month's bill more, a cent, a limb: in some numbers more, in others less.
                let by = 1 << dice.of(&[0, 0, 0, 1, 9, 10, 20, 30]);
                for _ in 0..2 + dice.below(5) {
                    let number = NUMBERS[dice.below(NUMBERS.len() as u64) as usize](amounts);
                    *number = match dice.below(2) {
                        0 => *number + by,
                        _ => number.saturating_sub(by),
                    };
                }
                if dice.below(8) == 0 {
                    amounts.slack.0 = !amounts.slack.0;
                }
                if *amounts != before {
                    changed.push(row);
                }
            }
            let found = violations(&airs, &rows.fill(&tables));
            let broken: std::collections::BTreeSet<usize> = found
                .iter()
                .filter_map(|v| match v {
                    Violation::Constraint { row, id, .. } if *id != "ORDER-4" => Some(*row),
                    _ => None,
                })
                .collect();
            tried += changed.len();
            for row in changed.into_iter().filter(|r| !broken.contains(r)) {
                // Then it is what the specification says of another event.
                let loan = &good.loans[row];
                let before = &all[places[loan.id.as_str()]];
                let amounts = rows.amounts[row];
                let event = if amounts.defaults {
                    Event::Default
                } else if amounts.repurchases {
                    Event::Repurchase(Cents(amounts.paid))
                } else if before.status == Status::Defaulted {
                    Event::Recovery(Cents(amounts.paid))
                } else {
                    Event::Payment(Cents(amounts.paid))
                };
                let field = tape.template.field("instalment").expect("it is there");
                let (next, _) = before.roll(event).unwrap_or_else(|e| {
                    panic!("round {round}: {before:?} under {event:?}: {e}: {amounts:?}")
                });
                let code = next.status as u64;
                let says = Amounts::new(
                    before,
                    loan.values[field].expect("it is there"),
                    amounts.month,
                    event,
                    after_of(&next, code),
                );
                assert_eq!(amounts, says, "round {round}: {before:?} under {event:?}");
                other += 1;
            }
        }
    }
    println!("of {tried} changes {other} are other months");
}

fn timed(what: &str, claim: &WaterfallClaim) -> Duration {
    let start = Instant::now();
    let result = Waterfall::context(claim).map(drop);
    let took = start.elapsed();
    println!(
        "{what}: {took:?} {:?}",
        result
            .err()
            .map(|e| e.chars().take(120).collect::<String>())
    );
    took
}

/// A claim's indices cannot keep its verifier busy, nor stand twice.
#[test]
fn indices_are_few_and_different() {
    let prepared = prepared(20, 2);
    let mut many = prepared.claim().clone();
    let used = many.indices.remove(0);
    many.indices = (0..2_000_000)
        .map(|i| credit::waterfall::Index {
            name: format!("{i:4}"),
            fixings: Vec::new(),
        })
        .collect();
    many.indices.push(used);
    let took = timed("two million indices", &many);
    let mut twice = prepared.claim().clone();
    let mut other = twice.indices[0].clone();
    other.fixings[0] = fixed::Decimal::ZERO;
    twice.indices.push(other);
    assert!(Waterfall::context(&twice).is_err(), "an index stands twice");
    assert!(Waterfall::context(&many).is_err(), "{took:?}");
}

/// What a claim says of its template, which no commitment needs to be long, is hashed for every cut-off date.
#[test]
fn templates_are_short() {
    let prepared = prepared(2, 60);
    timed("60 months", prepared.claim());
    let mut long = prepared.claim().clone();
    long.template.about = "x".repeat(1_000_000);
    let split = crate::pools::loan::segments(long.loans);
    for pool in &mut long.pools {
        let roots: Vec<_> = pool.segments.iter().map(|s| s.elements()).collect();
        let listing = crate::pools::loan::pool_listing(&long.template, &pool.cut_off);
        pool.pool =
            crate::pools::loan::pool_digest(&listing, &split.root(&roots), long.loans).into();
    }
    let took = timed("60 months, a megabyte of template", &long);
    assert!(Waterfall::context(&long).is_err(), "{took:?}");
}

/// What no field of the template holds after a month is said, not cut; and dates end.
#[test]
fn months_that_no_tape_can_say() {
    let mut small = tape(1);
    let at = |name: &str| small.template.field(name).expect("the template has it");
    let (days, status, late) = (at("days_past_due"), at("status"), at("remaining_term"));
    let credit::pool::Kind::Number { max, .. } = &mut small.template.fields[days].kind else {
        panic!("days are a number");
    };
    *max = fixed::Decimal::from_int(1_000);
    small.loans[0].values[days] = Some(990);
    small.loans[0].values[status] = Some(1);
    small.loans[0].values[late] = Some(0);
    let month = vec![Remittances::new()];
    let terms = |tape: &Tape| Terms {
        months: month.clone(),
        ..terms(tape, 0)
    };
    let small_terms = terms(&small);
    let error = check(&small, &small_terms).expect_err("1,020 days do not fit");
    let error = error.to_string();
    assert!(error.contains("`days_past_due` would be 1020"), "{error}");

    let mut last = tape(1);
    last.cut_off = "2999-12-31".to_string().try_into().expect("a date");
    let mut two = terms(&last);
    two.months.push(Remittances::new());
    let error = check(&last, &two).expect_err("no tape is of the year 3000");
    let error = error.to_string();
    assert_eq!(
        error,
        "month 1: a month after 2999-12-31 there is no cut-off date"
    );
}

/// A tape that is corrected is sealed with other salts at the same cut-off date: also where no loan changed, roots do.
#[test]
fn restated_tapes_share_nothing() {
    let tape = mortgages(6, (1 << 13) + 40);
    let template = tape.template.clone();
    let mut restated = tape.clone();
    let field = template.field("balance").expect("the template has it");
    let balance = &mut restated.loans[5].values[field];
    *balance = balance.map(|b| b + 1);
    let roots = |tape: &Tape| -> Vec<_> {
        let sealed = crate::pools::loan::Sealed::new(tape, &secret()).expect("ids differ");
        sealed.trees.iter().map(|t| t[1]).collect()
    };
    let (before, after) = (roots(&tape), roots(&restated));
    let same = before.iter().zip(&after).filter(|(a, b)| a == b).count();
    assert_eq!((same, before.len()), (0, 2));
    assert_eq!(roots(&tape), before);
}
