//! What the sample deal does under the sample stresses.

use credit::measures::Holding;
use credit::pool::states::states;
use credit::projection::Schedule;
use credit::protection::{Life, life};
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use credit::stress::NamedStress;
use credit::waterfall::DealState;
use fixed::Decimal;
use records::units::Cents;

/// The sample deal over so many loans, run to its end under each sample stress without a factor.
fn lives(loans: usize) -> Vec<(String, Life)> {
    let tape = sample_pool::mortgages(1, loans);
    let schedule = Schedule::of_pool(&states(&tape).unwrap(), 90).unwrap();
    let deal = sample_deal_for(schedule.balance + schedule.doubtful);
    let state = DealState::initial(&deal).unwrap();
    let stresses: Vec<NamedStress> = serde_json::from_str(sample_pool::STRESSES).unwrap();
    let plain = stresses.iter().filter(|s| s.factor.is_none());
    let run = |s: &NamedStress| {
        let life = life(&deal, &state, &sample_indices(), &schedule, &s.stress);
        (s.name.clone(), life.unwrap())
    };
    plain.map(run).collect()
}

#[test]
fn coupons_are_paid_in_the_base_case_and_late_loans_trip_in_a_recession() {
    for (name, life) in lives(1_000) {
        let shortfalls = life.reports.iter().flat_map(|r| &r.tranches);
        let short = shortfalls
            .filter(|t| t.interest_shortfall > Cents(0))
            .count();
        let test =
            |r: &credit::waterfall::Report| r.tests.iter().any(|t| t.name == "late" && !t.passed);
        let late = life.reports.iter().filter(|r| test(r)).count();
        match name.as_str() {
            "base" => assert_eq!((short, late), (0, 0)),
            "recession" => assert!((1..60).contains(&late), "late on {late} dates"),
            _ => {}
        }
    }
}

/// What is paid to a tranche that loses nothing has its coupon as its yield at par, within what day counts and delays make of it.
#[test]
fn measures_of_a_whole_tranche() {
    let tape = sample_pool::mortgages(1, 1_000);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let (plan, state) = (deal.plan().unwrap(), DealState::initial(&deal).unwrap());
    let (_, base) = lives(1_000).swap_remove(0);
    // B bears 4.5% on 30/360, monthly: 2 ((1 + 0.045 / 12)^6 - 1) = 4.542401%.
    let b = Holding::of(&plan, &state, &base.reports, 1);
    assert_eq!(b.written_down(), Cents(0));
    let par = b.yield_at(&Decimal::from_int(100)).unwrap().unwrap();
    let apart = par.checked_sub(&"4.5424".parse().unwrap()).unwrap().abs();
    assert!(apart <= "0.0020".parse().unwrap(), "{par}");
    let life = b.average_life().unwrap();
    let durations = b.durations(&par).unwrap().unwrap();
    assert!(durations.modified < durations.macaulay && durations.macaulay < life);
}
