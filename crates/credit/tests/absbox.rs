//! Deals of AbsBox: what they pay against tables made by hand.

// The cents stand apart: 100_00 is a hundred.
#![allow(clippy::inconsistent_digit_grouping)]

#[path = "common/absbox.rs"]
mod absbox;
#[path = "common/deals.rs"]
mod deals;

use absbox::{FLOATER, OFF_CYCLE, SEQUENTIAL, read};
use credit::deal::{Amount, Base, Coupon, Shortfall};
use credit::import::deal::read_deal;
use credit::waterfall::Index;
use deals::check_table;
use fixed::Decimal;
use records::units::Cents;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_sequential_deal_with_a_reserve_pays_as_the_table_says() {
    let deal = read(SEQUENTIAL).unwrap();
    // One account receives all, so principal has one of its own, emptied into it first.
    assert_eq!(deal.collect.interest, "acc01");
    assert_eq!(deal.collect.principal, "acc01-principal");
    assert_eq!(deal.waterfalls["principal"], []);
    assert_eq!(deal.tranches.len(), 2);
    assert_eq!(deal.tranches[0].shortfall, Shortfall::Compounding);
    assert_eq!(deal.tranches[1].coupon, Coupon::Fixed(decimal("7.3")));
    let target = Amount::Percent {
        percent: decimal("1"),
        of: Base::Pool,
        floor: Some(decimal("8000")),
    };
    assert_eq!(deal.accounts[1].target, Some(target));
    // 31, 31 and 28 days. B: 40 a day; the servicer: 10 a day of the first million. In the second period 2719.50 of the
    // reserve pay A, in the third B receives 1178 of before with 6.59 of interest on it.
    let last = check_table(
        &deal,
        &[],
        "
        interest sched | fee    A.int A.prin A.bal  B.int   B.short B.prin B.bal  reserve equity
        7000     50000 | 410    3500  35000  665000 1240    0       10000  190000 9500    7350
        1000     0     | 394.50 3325  0      665000 0       1178    0      190000 6780.50 0
        10000    50000 | 366    3325  35000  630000 2248.59 0       10000  180000 9000    6840.91
        ",
    );
    assert_eq!(last.accounts, [0, 9000_00, 0].map(Cents));
}

#[test]
fn a_floater_with_a_trigger_pays_as_the_table_says() {
    let deal = read(FLOATER).unwrap();
    let index = Index {
        name: "SOFR3M".into(),
        fixings: ["4", "5.5", "3"].map(decimal).to_vec(),
    };
    // 90, 92 and 92 days at 5%, 6% (the cap) and 4%. From June on 1000.50 of interest pay principal; in September the
    // factor is 49%.
    let last = check_table(
        &deal,
        &[index],
        "
        interest sched  | A.int   A.prin    A.bal     B.int   B.prin   B.bal     equity
        20000    90000  | 7500    60000     540000    5917.80 30000    270000    6582.20
        18000    90000  | 8280    60667     479333    5444.38 30333.50 239666.50 3275.12
        15000    330000 | 4899.84 335267.44 144065.56 4832.72 0        239666.50 0
        ",
    );
    assert_eq!(last.tripped, [true]);
}

#[test]
fn every_digit_is_kept() {
    let deal = SEQUENTIAL
        .replace("0.073", "0.07300001")
        .replace("1000000.00", "9007199254740.93");
    let deal = read(&deal).unwrap();
    assert_eq!(deal.tranches[1].coupon, Coupon::Fixed(decimal("7.300001")));
    assert_eq!(deal.original_pool, decimal("9007199254740.93"));
    // Python writes small numbers so.
    let deal = read(&SEQUENTIAL.replace("0.00365", "1e-05")).unwrap();
    assert!(
        serde_json::to_string(&deal.fees)
            .unwrap()
            .contains("\"0.001\"")
    );
    let error = read(&SEQUENTIAL.replace("0.073", "0.073000001")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("bonds.B: 7.3000001 has more than 6 decimals")
    );
}

#[test]
fn ours_and_theirs_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deal.json");
    let told = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_deal(&path, None)
            .map(|read| read.deal)
            .map_err(|e| e.to_string())
    };
    assert!(told(SEQUENTIAL).is_ok());
    assert_eq!(
        told(credit::sample_deal::SAMPLE_DEAL).unwrap(),
        credit::sample_deal::sample_deal()
    );
    // A mistake in its syntax is told of what it was meant to be.
    let error = told(&FLOATER.replacen("0.06,", "NaN,", 1)).unwrap_err();
    assert!(error.contains(":10: `NaN` has no value above"), "{error}");
    let error = told("{\"tranches\": [], \"bonds\": []}").unwrap_err();
    assert!(error.contains("unknown field `bonds`"), "{error}");
    let error = told("[]").unwrap_err();
    assert!(!error.is_empty());
    // What is no JSON is Python, whatever the file's name.
    let error = told(OFF_CYCLE).unwrap_err();
    assert!(error.contains("has no `currency`"), "{error}");
}
