//! What is false is refused.

use super::*;
use records::units::Cents;

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
