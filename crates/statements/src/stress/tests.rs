//! Tests of the stress statement: what is true is accepted, what is false is not.

mod needed;

use credit::factor::OneFactor;
use credit::pool::states::states;
use credit::pool::{Loan, Tape};
use credit::projection::Schedule;
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::stress::{Defaults, Prepayments, Stress};
use records::units::Cents;
use stark::{Statement, cell_test, verify, violated};

use super::claim::PartTables;
use super::witness::Rows;
use super::*;
use crate::testing::*;

/// A sample's loans with short terms, and one of each kind.
pub(super) fn tape(loans: usize) -> Tape {
    let mut tape = mortgages(3, loans);
    let template = tape.template.clone();
    let at = |name: &str| template.field(name).expect("the template has it");
    for (i, loan) in tape.loans.iter_mut().enumerate() {
        let set = |loan: &mut Loan, name: &str, value: u64| loan.values[at(name)] = Some(value);
        set(loan, "remaining_term", 1 + (i as u64 * 7) % 20);
        set(loan, "frequency", (i % 9 % 5) as u64);
        set(loan, "amortization", (i % 7 % 4) as u64);
        match i % 11 {
            3 => set(loan, "remaining_term", 0),
            4 => set(loan, "instalment", 1),
            5 => set(loan, "balance", 0),
            6 => set(loan, "rate", 0),
            7 => set(loan, "rate", 1_000_000),
            8 => set(loan, "balance", 100_000_000_000),
            9 => set(loan, "accrued", 123_456_789),
            _ => {}
        }
        if i % 11 == 5 {
            set(loan, "instalment", 0);
            set(loan, "overdue_principal", 0);
        }
    }
    tape
}

pub(super) fn terms(tape: &Tape) -> Terms {
    let loans = states(tape).expect("they are loans");
    let schedule = Schedule::of_pool(&loans, 90).expect("it fits");
    let stress = |cdr: i128| Stress {
        defaults: Defaults::Cdr(vec![fixed::Decimal::from_int(cdr)]),
        prepayments: Prepayments::Cpr(vec![fixed::Decimal::from_int(6)]),
        severity: fixed::Decimal::from_int(50),
        recovery_lag: 6,
        age: 0,
        delinquency: None,
    };
    let named = |name: &str, cdr| NamedStress {
        name: name.into(),
        stress: stress(cdr),
        factor: None,
    };
    let modelled = |name: &str, cdr, correlation: i128| NamedStress {
        factor: Some(OneFactor {
            correlation: fixed::Decimal::new(correlation, 2),
            nodes: 25,
        }),
        ..named(name, cdr)
    };
    Terms {
        doubtful_days: 90,
        detail: Detail::default(),
        deal: sample_deal_for(schedule.balance + schedule.doubtful),
        deal_state: None,
        indices: sample_indices(),
        stresses: vec![
            named("mild", 1),
            modelled("joint", 6, 20),
            named("severe", 30),
            modelled("more-jointly", 6, 40),
        ],
        breakeven: vec!["A".into()],
    }
}

pub(super) fn prepared(loans: usize) -> Prepared {
    prepared_in(loans, Detail::default())
}

/// With a schedule of steps.
pub(super) fn prepared_in(loans: usize, detail: Detail) -> Prepared {
    let tape = tape(loans);
    let terms = Terms {
        detail,
        ..terms(&tape)
    };
    Prepared::new(&tape, &terms, &secret()).expect("it is true")
}

/// Steps of a quarter, and of as many months as it takes until ten loans end.
const QUARTERS: Detail = Detail {
    months: 3,
    loans: 0,
};
pub(super) const MANY_LOANS: Detail = Detail {
    months: 1,
    loans: 10,
};

fn rows(prepared: &Prepared) -> Rows {
    let witness = &prepared.witness;
    witness.rows(prepared.claim(), prepared.context(), 0)
}

/// What is wrong with the first part's rows after a change.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = rows(prepared);
    change(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}

// POSITIVE

#[test]
fn true_claims_have_a_witness() {
    for loans in [1, 2, 100, 256] {
        assert_eq!(found(&prepared(loans), 0), Vec::new(), "{loans} loans");
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(150);
    // Where steps end and begin, and behind the schedule.
    let rows = (1..9)
        .map(|row| ("months", row))
        .chain((18..25).map(|row| ("months", row)));
    let steps = prepared_in(150, QUARTERS);
    let (airs, traces) = (&steps.tables(0)[2..3], &steps.traces(0)[2..3]);
    let rows: Vec<(&str, usize)> = rows.collect();
    assert_eq!(cell_test(airs, traces, &rows), Vec::new());
    let padding = [
        ("loans", 200),
        ("schedule", 900),
        ("months", 100),
        ("totals", 100),
    ];
    assert_pinned(&prepared, &padding);
}

/// Several parts, linked by hidden states.
#[test]
fn parts_link() {
    let prepared = prepared(600);
    assert_eq!(prepared.claim().segments.len(), 3);
    assert_parts_in_order(&prepared, &proven(&prepared));
    assert_100_bits(&prepared);
}

// NEGATIVE

/// Each numbered constraint is broken, alone, by some change of one cell.
#[test]
fn every_constraint_breaks_alone() {
    let rows = [0, 1, 2, 3, 4, 5, 90, 149, 150, 200, 255];
    let alone = broken_alone(&prepared(150), &rows);
    let mut expected: Vec<String> = (1..=4).map(|i| format!("ORDER-{i}")).collect();
    expected.push("LOANS-2".into());
    expected.extend((1..=9).map(|i| format!("SCHEDULE-{i}")));
    expected.extend((1..=3).map(|i| format!("MONTHS-{i}")));
    expected
        .extend(["CALENDAR-1", "CODES-1", "POSEIDON2", "TOTALS-2", "TOTALS-5"].map(String::from));
    let idle: Vec<_> = expected
        .iter()
        .filter(|id| !alone.contains(id.as_str()))
        .collect();
    assert!(idle.is_empty(), "no change breaks {idle:?} alone");
}

/// A loan's term is hashed, too, so a wrong end breaks more than LOANS-1.
#[test]
fn a_loan_past_maturity_is_not_scheduled() {
    let broken = broken_on(&prepared(150), 0, 3);
    assert!(broken.contains("LOANS-1"), "{broken:?}");
}

/// What an issuer would try to make a loan look better.
#[test]
fn loans_pay_by_their_contracts() {
    let prepared = prepared(150);
    let (none, slots) = (Vec::<String>::new(), 1 << prepared.context().log_rows);
    assert_eq!(wrong(&prepared, |_| ()), none);
    // A loan that owes something, and pays level instalments.
    let level = |row: &super::tables::schedule::ScheduleRow| {
        row.months[0].is_some_and(|m| m.level) && row.standing[0].balance > 1_000_000
    };
    let rows = rows(&prepared).schedule;
    let at = rows.iter().position(level).expect("some pay");
    type Forgery = fn(&mut [super::tables::schedule::ScheduleRow]);
    let forgeries: [(&str, Forgery); 6] = [
        ("bus start", |r| r[0].standing[0].balance -= 1),
        ("bus start", |r| {
            r.iter_mut().for_each(|row| row.contract.rate += 1);
        }),
        ("bus start", |r| {
            r.iter_mut().for_each(|row| row.contract.instalment -= 1);
        }),
        ("bus calendar", |r| {
            let month = r[0].months[0].as_mut().expect("it is there");
            month.pays = false;
        }),
        ("bus calendar", |r| {
            let month = r[0].months[0].as_mut().expect("it is there");
            month.bears = false;
        }),
        ("bus start", |r| r[0].standing[0].term += 1),
    ];
    for (i, (id, forgery)) in forgeries.into_iter().enumerate() {
        let broken = wrong(&prepared, |rows| {
            let first = at - at % slots;
            forgery(&mut rows.schedule[first..first + slots]);
        });
        assert!(broken.contains(&id.into()), "{i}: {broken:?}");
    }
    // A row that does not go on where the last one ended.
    let broken = wrong(&prepared, |rows| {
        rows.schedule[at - at % slots + 1].standing[0].balance += 5;
    });
    assert!(broken.contains(&"SCHEDULE-2".into()), "{broken:?}");
}

/// What an issuer would change in its claim, each rejected by the same proof or before it.
#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(60);
    let good = prepared.claim();
    let changes: Vec<(&str, Change<Stressed>)> = vec![
        ("a month less", |c| {
            c.schedule.rows.pop();
        }),
        // More months would be more payment dates.
        ("a month more", |c| c.schedule.rows.push(Default::default())),
        ("doubt beyond the field's limbs", |c| {
            c.doubtful_days = 1024 + 90
        }),
        ("more indices than a deal needs", |c| {
            let index = c.indices[0].clone();
            c.indices = vec![index; 65];
        }),
        ("more interest", |c| c.schedule.rows[0].interest += Cents(1)),
        ("faster principal", |c| {
            c.schedule.rows[0].principal += Cents(1);
            c.schedule.rows[0].balance -= Cents(1);
            c.schedule.rows[1].principal -= Cents(1);
        }),
        ("a doubtful loan scheduled", |c| {
            c.schedule.balance += c.schedule.doubtful;
            c.schedule.rows[0].principal += c.schedule.doubtful;
            c.schedule.doubtful = Cents(0);
        }),
        ("later doubt", |c| c.doubtful_days = 120),
        ("a kinder stress", |c| {
            c.scenarios[1].stress.severity = fixed::Decimal::from_int(1)
        }),
        ("a loss left out", |c| {
            c.scenarios[1].outcome[2].principal_lost = Cents(0)
        }),
        ("a better deal", |c| {
            c.deal.tranches[2].balance = fixed::Decimal::from_int(1)
        }),
        ("another state", |c| {
            c.deal_state.tranches[0].balance -= Cents(1)
        }),
        ("other fixings", |c| {
            c.indices[0].fixings[0] = fixed::Decimal::ZERO
        }),
        ("a loan less", |c| c.loans -= 1),
        ("another pool", |c| c.pool = c.segments[0]),
        ("another day", |c| {
            c.cut_off = "2020-06-30".to_string().try_into().expect("a date");
        }),
        ("a smaller expected loss", |c| {
            c.models[0].expected[2].principal -= Cents(1)
        }),
        ("less expected interest", |c| {
            c.models[1].expected[1].interest = Cents(0)
        }),
        ("a smaller part", |c| {
            c.models[0].expected[0].part = fixed::Decimal::ZERO
        }),
        ("less correlation", |c| {
            c.models[0].factor.correlation = fixed::Decimal::new(19, 2)
        }),
        ("other nodes", |c| c.models[0].factor.nodes = 26),
        ("too many nodes", |c| c.models[0].factor.nodes = 101),
        ("nodes without end", |c| c.models[0].factor.nodes = u32::MAX),
        ("a single node", |c| c.models[0].factor.nodes = 1),
        ("too many models", |c| {
            let model = c.models[0].clone();
            c.models = vec![model; 9];
        }),
        ("models of no nodes", |c| {
            c.models[0].factor.nodes = 0;
            let model = c.models[0].clone();
            c.models = vec![model; 1_000];
        }),
        ("all the same loan", |c| {
            c.models[0].factor.correlation = fixed::Decimal::from_int(1)
        }),
        ("correlation below zero", |c| {
            c.models[0].factor.correlation = fixed::Decimal::new(-1, 30)
        }),
        ("huge correlation", |c| {
            c.models[0].factor.correlation = fixed::Decimal::new(i128::MAX, 0)
        }),
        ("hugely negative correlation", |c| {
            c.models[0].factor.correlation = fixed::Decimal::new(i128::MIN + 1, 0)
        }),
        ("impossible defaults", |c| {
            c.models[0].stress.defaults = Defaults::Cdr(vec![fixed::Decimal::new(i128::MAX, 0)])
        }),
        ("no defaults", |c| {
            c.models[0].stress.defaults = Defaults::Cdr(Vec::new())
        }),
        ("a tranche less", |c| {
            c.models[0].expected.pop();
        }),
        ("a model less", |c| {
            c.models.pop();
        }),
        ("a line of output of a model", |c| {
            c.models[0].name = "joint\naccepted: all".into()
        }),
        ("a line of output", |c| {
            c.scenarios[0].name = "mild\naccepted: all".into()
        }),
    ];
    assert_rejected::<Stressed>(good, &proven(&prepared), &changes);
}

/// What is wrong with a model is said in words, before a proof is looked at, and what a verifier has to do is bounded.
#[test]
fn models_are_checked() {
    let prepared = prepared(20);
    let good = prepared.claim();
    assert_eq!((good.scenarios.len(), good.models.len()), (4, 2));
    let refused = |change: fn(&mut Model), say: &str| {
        let mut claim = good.clone();
        change(&mut claim.models[0]);
        let error = Stressed::context(&claim).expect_err("it is false");
        assert!(error.contains(say), "{error}");
    };
    refused(
        |m| m.expected[0].interest += Cents(1),
        "of model `joint` are not",
    );
    refused(
        |m| m.factor.correlation = fixed::Decimal::ZERO,
        "of model `joint` are not",
    );
    refused(
        |m| m.factor.correlation = fixed::Decimal::new(91, 2),
        "must be from 0 to 0.9",
    );
    refused(|m| m.factor.nodes = 19, "20 to 100 nodes");
    refused(|m| m.factor.nodes = 101, "20 to 100 nodes");
    refused(|m| m.factor.nodes = 176, "more than 200 nodes together");
    refused(|m| m.name.clear(), "is no name");
    // A claim without models is written as before there were any.
    let mut claim = good.clone();
    claim.models.clear();
    let text = serde_json::to_string(&claim).expect("plain data");
    assert!(!text.contains("models"));
    let read: StressClaim = serde_json::from_str(&text).expect("plain data");
    assert_eq!(read, claim);
    Stressed::context(&read).expect("it is true");
}

/// A bound with which nobody is doubtful, or everybody, is refused: a tape with a field of one limb would have compared 1,114 days
/// as 90.
#[test]
fn doubt_is_bounded() {
    let mut tape = tape(60);
    let days = tape.template.field("days_past_due").expect("it has one");
    if let credit::pool::Kind::Number { max, .. } = &mut tape.template.fields[days].kind {
        *max = fixed::Decimal::from_int(1_000);
    }
    assert_eq!(tape.template.fields[days].kind.limbs(), 1);
    // A loan that owes something and is late.
    tape.loans[1].values[days] = Some(200);
    let make = |doubtful_days: u16| {
        let terms = Terms {
            doubtful_days,
            stresses: Vec::new(),
            ..terms(&tape)
        };
        Prepared::new(&tape, &terms, &secret())
    };
    let honest = make(90).expect("it is true");
    let late = make(365).expect("it is true");
    assert!(honest.claim().schedule.doubtful > late.claim().schedule.doubtful);
    assert_eq!(wrong(&honest, |_| ()), Vec::<String>::new());
    assert_eq!(wrong(&late, |_| ()), Vec::<String>::new());
    let tables = PartTables::new(late.claim(), late.context(), 0);
    assert!(!violated(&tables.airs(), &rows(&honest).fill(&tables)).is_empty());
    for days in [0, 366, 1024 + 90, u16::MAX] {
        let error = make(days).err().expect("out of range").to_string();
        assert!(error.contains("(1 to 365)"), "{error}");
        let mut claim = honest.claim().clone();
        claim.doubtful_days = days;
        let error = Stressed::context(&claim).expect_err("out of range");
        assert!(error.contains("(1 to 365)"), "{error}");
    }
}

// STEPS

/// A schedule of steps is proven as one of months is, and its outcomes are those of the months it is spread over.
#[test]
fn steps_have_a_witness() {
    for (loans, detail) in [
        (1, QUARTERS),
        (150, QUARTERS),
        (256, MANY_LOANS),
        (3, MANY_LOANS),
    ] {
        let prepared = prepared_in(loans, detail);
        let (claim, monthly) = (prepared.claim(), self::prepared(loans));
        assert_eq!(claim.pool, monthly.claim().pool);
        assert!(claim.schedule.rows.len() <= monthly.claim().schedule.rows.len());
        assert!(
            claim.monthly().expect("it fits").rows.len() >= monthly.claim().schedule.rows.len()
        );
        let found = wrong(&prepared, |_| ());
        assert_eq!(found, Vec::<String>::new(), "{loans} loans");
    }
}

/// Parts of a schedule of steps, and what an issuer would change in it.
#[test]
fn changed_steps_are_rejected() {
    let prepared = prepared_in(300, QUARTERS);
    let good = prepared.claim();
    assert_eq!(good.segments.len(), 2);
    let proofs = proven(&prepared);
    let changes: Vec<(&str, Change<Stressed>)> = vec![
        ("months", |c| c.steps.clear()),
        ("a longer first step", |c| c.steps[0] += 1),
        ("a longer last step", |c| {
            *c.steps.last_mut().expect("some") += 1
        }),
        ("another place", |c| {
            c.steps[0] += 1;
            c.steps[1] -= 1;
        }),
        ("a step without months", |c| c.steps[0] = 0),
        ("a step less", |c| {
            c.steps.pop();
        }),
        ("steps without end", |c| c.steps[0] = u16::MAX),
        ("interest sooner", |c| {
            c.schedule.rows[0].interest += Cents(1);
            c.schedule.rows[1].interest -= Cents(1);
        }),
        ("principal sooner", |c| {
            c.schedule.rows[0].principal += Cents(1);
            c.schedule.rows[0].balance -= Cents(1);
            c.schedule.rows[1].principal -= Cents(1);
        }),
    ];
    for (what, change) in changes {
        let mut claim = good.clone();
        change(&mut claim);
        // With the outcomes that follow from it.
        if let Ok(monthly) = claim.monthly() {
            let terms = terms(&tape(300));
            let setting = terms.setting(&monthly, &claim.deal_state);
            claim.scenarios = terms.scenarios(&setting).expect("it runs");
            claim.models = terms.models(&setting).expect("it runs");
        }
        let outcome = verify::<Stressed>(&claim, &proofs);
        assert!(outcome.is_err(), "{what} was accepted");
        let text = format!("{outcome:?}");
        assert!(!text.contains("unexpectedly"), "{what}: {text}");
    }
}

/// A forger of a step's interest, who counts what comes in right: in another step, or more of it.
#[test]
fn forged_sums_of_steps_are_refused() {
    let prepared = prepared_in(150, QUARTERS);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let airs = tables.airs();
    let good = prepared.traces(0);
    let width = airs[2].width();
    let flows = rows(&prepared).flows(&tables.months);
    // The second step's first month: the cells of its sum start with zeros.
    let zeros = flows[3].before;
    assert_eq!(zeros, [0; 6]);
    assert_ne!(flows[4].before, zeros);
    let mut changed = 0;
    for column in 0..width {
        for row in [3, 4, 5] {
            let mut forged = good.clone();
            let cell = &mut forged[2].values[row * width + column];
            // As if the step before went on: its last month's sum in place of zeros, and the other way round.
            let other = good[2].values[(row - 1) * width + column];
            if *cell == other {
                continue;
            }
            *cell = other;
            changed += 1;
            assert!(!violated(&airs, &forged).is_empty(), "{row} {column}");
        }
    }
    assert!(changed > 30, "{changed}");
}

/// A pool claim and a stress claim about one tape under one secret name the same pool.
#[test]
fn the_pool_is_that_of_the_other_claims() {
    let tape = tape(300);
    let facts =
        crate::pool::Prepared::new(&tape, &Default::default(), &secret()).expect("it is true");
    let stressed = Prepared::new(&tape, &terms(&tape), &secret()).expect("it is true");
    assert_eq!(facts.claim().pool, stressed.claim().pool);
}
