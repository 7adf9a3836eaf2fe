//! Measures of tranches against values computed by hand, and against textbooks.

use credit::measures::{Flow, Holding, bond_equivalent};
use fixed::{Decimal, Interval};
use records::date::days_of;
use records::units::Cents;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// What is owed is the sum of principal and write-downs; amounts in cents.
fn holding(coupon: &str, flows: &[(&str, u64, u64, i64)]) -> Holding {
    let flow = |&(date, interest, principal, down): &(&str, u64, u64, i64)| Flow {
        date: days_of(date).unwrap(),
        interest: Cents(interest),
        principal: Cents(principal),
        written_down: Cents(down),
    };
    let flows: Vec<Flow> = flows.iter().map(flow).collect();
    let owed = |f: &Flow| f.principal.0 as i64 + f.written_down.0;
    let owed = flows.iter().map(owed).sum::<i64>() as u64;
    Holding {
        settlement: days_of("2026-01-15").unwrap(),
        balance: Cents(owed),
        accrued: Cents(0),
        coupon: decimal(coupon),
        flows,
    }
}

/// 30 after a year and 70 after two: 0.3 + 1.4 years. 10 written down does not count.
#[test]
fn average_life_leaves_write_downs_out() {
    let all = [("2027-01-15", 0, 3000, 0), ("2028-01-15", 0, 7000, 0)];
    assert_eq!(holding("0", &all).average_life(), Some(decimal("1.7000")));
    let mut down = holding("0", &all);
    down.flows[0].written_down = Cents(1000);
    assert_eq!(down.average_life(), Some(decimal("1.7000")));
    let none = holding("0", &[("2027-01-15", 5, 0, 1000)]);
    assert_eq!(none.average_life(), None);
    // Ten days are 10/360 of a year.
    let days = holding("0", &[("2026-01-25", 0, 100, 0)]);
    assert_eq!(days.average_life(), Some(decimal("0.0278")));
}

/// Two years, 6% paid half-yearly, at a yield of 6%: the price is par, the Macaulay duration
/// (0.5 * 2.912621 + 1.0 * 2.827788 + 1.5 * 2.745425 + 2.0 * 91.514166) / 100 = 1.914306, the modified one / 1.03 = 1.858549.
#[test]
fn a_bond_at_par() {
    let bond = holding(
        "6",
        &[
            ("2026-07-15", 300_000, 0, 0),
            ("2027-01-15", 300_000, 0, 0),
            ("2027-07-15", 300_000, 0, 0),
            ("2028-01-15", 300_000, 10_000_000, 0),
        ],
    );
    let six = decimal("6");
    let (dirty, clean) = bond.price(&six).unwrap().unwrap();
    assert_eq!(dirty, decimal("100"));
    assert_eq!(dirty, clean);
    assert_eq!(
        bond.yield_at(&decimal("100")).unwrap(),
        Some(decimal("6.0000"))
    );
    let durations = bond.durations(&six).unwrap().unwrap();
    assert_eq!(durations.macaulay, decimal("1.9143"));
    assert_eq!(durations.modified, decimal("1.8585"));
}

/// Five years of 9% at a yield of 6% cost 112.7953 (Fabozzi, Bond Markets, Analysis and Strategies).
#[test]
fn a_bond_above_par() {
    let dates = [
        "2026-07-15",
        "2027-01-15",
        "2027-07-15",
        "2028-01-15",
        "2028-07-15",
        "2029-01-15",
        "2029-07-15",
        "2030-01-15",
        "2030-07-15",
    ];
    let mut flows: Vec<_> = dates.iter().map(|d| (*d, 4_500_000, 0, 0)).collect();
    flows.push(("2031-01-15", 4_500_000, 100_000_000, 0));
    let bond = holding("9", &flows);
    let (dirty, _) = bond.price(&decimal("6")).unwrap().unwrap();
    assert_eq!(dirty.to_string()[..8], *"112.7953");
    assert_eq!(bond.yield_at(&dirty).unwrap(), Some(decimal("6.0000")));
}

/// A monthly rate of 1% is a mortgage yield of 12% and a bond-equivalent yield of 2 (1.01^6 - 1) = 12.304030...%.
#[test]
fn a_mortgage_yield_is_less_than_its_bond_equivalent() {
    let one = Interval::from_int(1).div_int(100).unwrap();
    let yields = bond_equivalent(&one).unwrap().times(100).unwrap();
    assert_eq!(yields.floor_at(6).unwrap(), 12_304_030);
    // A loan of 12% that is paid after a month, at par.
    let loan = holding("12", &[("2026-02-15", 10_000, 1_000_000, 0)]);
    assert_eq!(
        loan.yield_at(&decimal("100")).unwrap(),
        Some(decimal("12.3040"))
    );
}

#[test]
fn accrued_interest_is_paid_for_and_not_part_of_the_clean_price() {
    let mut loan = holding("12", &[("2026-02-15", 10_000, 1_000_000, 0)]);
    loan.accrued = Cents(5_000);
    let (dirty, clean) = loan.price(&decimal("0")).unwrap().unwrap();
    assert_eq!((dirty, clean), (decimal("101"), decimal("100.5")));
    assert_eq!(
        loan.yield_at(&decimal("100.5")).unwrap(),
        Some(decimal("0.0000"))
    );
}

#[test]
fn a_tranche_that_pays_nothing_has_no_yield() {
    let lost = holding("5", &[("2027-01-15", 0, 0, 10_000)]);
    assert_eq!(lost.yield_at(&decimal("100")).unwrap(), None);
    assert_eq!(lost.durations(&decimal("5")).unwrap(), None);
    assert_eq!(lost.written_down(), Cents(10_000));
    // One in a hundred comes back: the yield is far below zero, and found. (1 + y / 2)^2 = 1/100.
    let little = holding("5", &[("2027-01-15", 0, 100, 9_900)]);
    assert_eq!(
        little.yield_at(&decimal("100")).unwrap(),
        Some(decimal("-180.0000"))
    );
}

/// 100.00 written down after a year, at a coupon of 12%: 100 / 1.01^12 = 88.744923, rounded up.
#[test]
fn write_downs_are_discounted_at_the_coupon() {
    let down = holding("12", &[("2027-01-15", 0, 0, 10_000)]);
    assert_eq!(down.written_down_discounted().unwrap(), Cents(8_875));
    // What is written up again counts against it.
    let up = holding(
        "12",
        &[("2027-01-15", 0, 0, 10_000), ("2028-01-15", 0, 0, -4_000)],
    );
    assert_eq!(up.written_down(), Cents(6_000));
    // 8,874.49 - 4,000 / 1.01^24 = 3,150.26.
    assert_eq!(up.written_down_discounted().unwrap(), Cents(5_725));
}
