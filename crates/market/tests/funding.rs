//! Averages of prints and funding, exactly, and prints from files.

use fixed::Decimal;
use market::funding::{NoPrice, Period, Print, Rule, accrue, average, increment};
use market::import::prints::{Prints, read_prints};
use records::units::Ticks;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn prints(list: &[(u64, &str)]) -> Vec<Print> {
    let print = |&(at_ms, price): &(u64, &str)| Print {
        at_ms,
        price: d(price),
    };
    list.iter().map(print).collect()
}

fn period(from_ms: u64, to_ms: u64) -> Period {
    Period {
        from_ms,
        to_ms,
        most_gap_ms: 1_000,
    }
}

#[test]
fn each_print_counts_until_the_next_one() {
    let list = prints(&[(0, "1"), (100, "10"), (400, "20"), (900, "999")]);
    // 10 for 200 of 600 ms, 20 for 400.
    assert_eq!(average(&list, &period(200, 800)), Ok(d("16.666666666666")));
    assert_eq!(average(&list, &period(100, 101)), Ok(d("10")));
    assert_eq!(average(&list, &period(900, 1_900)), Ok(d("999")));
    // By brute force, millisecond by millisecond.
    for (from, to) in [(0, 7), (99, 101), (50, 950), (399, 901)] {
        let at = |ms: u64| list.iter().rev().find(|p| p.at_ms <= ms).unwrap().price;
        let sum = (from..to)
            .map(at)
            .fold(Decimal::ZERO, |s, p| s.checked_add(&p).unwrap());
        let exact = sum.div(
            &Decimal::from_int((to - from).into()),
            12,
            fixed::Rounding::Floor,
        );
        assert_eq!(average(&list, &period(from, to)), Ok(exact.unwrap()));
    }
}

#[test]
fn what_is_missing_is_said() {
    let list = prints(&[(5, "1"), (100, "10"), (2_000, "20")]);
    let says = |list: &[Print], from, to| average(list, &period(from, to)).unwrap_err().to_string();
    assert_eq!(
        says(&list, 7, 7),
        "the time from 1970-01-01 00:00:00.007 UTC to 1970-01-01 00:00:00.007 UTC is empty; give a later end"
    );
    assert_eq!(
        says(&list, 4, 7),
        "there is no print at 1970-01-01 00:00:00.004 UTC or before it; add one"
    );
    assert_eq!(
        says(&list, 50, 1_500),
        "there is no print between 1970-01-01 00:00:00.100 UTC and 1970-01-01 00:00:01.500 UTC, which is longer than 1000 ms; add one, or allow \
         longer gaps"
    );
    let order = "prints are above zero, have at most 12 decimals and stand in the order of time; correct the one at 1970-01-01 00:00:00.100 UTC";
    assert_eq!(says(&prints(&[(100, "1"), (100, "2")]), 100, 101), order);
    for price in ["0", "-1", "0.0000000000001", "1000000000000"] {
        assert_eq!(says(&prints(&[(100, price)]), 100, 101), order, "{price}");
    }
    let far = Period {
        most_gap_ms: u64::MAX,
        ..period(100, u64::MAX)
    };
    let error = average(&prints(&[(100, "999999999999")]), &far).unwrap_err();
    assert_eq!(
        error.to_string(),
        "funding does not fit: the number is too large"
    );
}

/// An hour of eight in which a perpetual and its index stand still.
fn pays(size: &str, perpetual: &str, index: &str) -> Result<Ticks<i64>, NoPrice> {
    let rule = Rule {
        interval_ms: 8 * 3_600_000,
        cap: d("0.01"),
    };
    let hour = Period {
        from_ms: 0,
        to_ms: 3_600_000,
        most_gap_ms: 3_600_000,
    };
    let [perpetual, index] = [perpetual, index].map(|price| prints(&[(0, price)]));
    increment(&rule, &d(size), [&perpetual, &index], &hour)
}

#[test]
fn longs_pay_what_a_perpetual_is_dearer_up_to_the_cap() {
    // 80 dollars over eight hours are 10 in one; a lot is 0.001.
    assert_eq!(pays("0.001", "65080", "65000"), Ok(Ticks(10_000)));
    assert_eq!(pays("0.001", "64920", "65000"), Ok(Ticks(-10_000)));
    // At most 1% of the index.
    assert_eq!(pays("0.001", "70000", "65000"), Ok(Ticks(81_250)));
    assert_eq!(pays("0.001", "60000", "65000"), Ok(Ticks(-81_250)));
    assert_eq!(pays("1000000000", "2", "1"), Err(NoPrice::Cumulative));
}

/// StarkEx: funding of -0.5, -0.5 and 1 is -1, -1 and 1.
#[test]
fn funding_is_rounded_down() {
    let half = |perpetual| pays("1", perpetual, "1").unwrap().0;
    assert_eq!(
        [half("0.999996"), half("0.999996"), half("1.000008")],
        [-1, -1, 1]
    );
    assert_eq!(
        [half("1.000004"), half("1.000007"), half("0.999992")],
        [0, 0, -1]
    );
}

#[test]
fn funding_adds_up_to_less_than_a_price() {
    assert_eq!(accrue(Ticks(5), Ticks(-7)), Ok(Ticks(-2)));
    let most = (1 << 40) - 1;
    assert_eq!(accrue(Ticks(most - 1), Ticks(1)), Ok(Ticks(most)));
    let told = accrue(Ticks(most), Ticks(1)).unwrap_err().to_string();
    assert_eq!(
        told,
        "cumulative funding reaches 2^40 ticks a lot; sweep the book"
    );
    assert_eq!(accrue(Ticks(-most), Ticks(-1)), Err(NoPrice::Cumulative));
    assert_eq!(accrue(Ticks(i64::MAX), Ticks(1)), Err(NoPrice::Cumulative));
}

fn read(text: &str) -> Result<Prints, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prints.csv");
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", folder.path().display());
    read_prints(&path).map_err(|e| e.to_string().replace(&prefix, ""))
}

#[test]
fn prints_are_read_by_symbol() {
    let text = "time,symbol,price\n2026-11-26T18:48:06Z,BTC,65000.5\n2026-11-26 18:48:06.250 UTC,SHIB,0.000017970001\n1795718887000,BTC,65001\n";
    let read = read(text).unwrap();
    assert_eq!(
        read["BTC"],
        prints(&[(1_795_718_886_000, "65000.5"), (1_795_718_887_000, "65001")])
    );
    assert_eq!(
        read["SHIB"],
        prints(&[(1_795_718_886_250, "0.000017970001")])
    );
}

#[test]
fn prints_that_cannot_be_right_are_refused() {
    let first = "2026-11-26T18:48:06Z,BTC,65000.5";
    for (record, says) in [
        (
            "yesterday,BTC,1",
            "`time`: 'yesterday' is not a time; write it as 2026-11-26T18:48:06Z or in milliseconds since 1970",
        ),
        (
            "1795718886,BTC,1",
            "`time`: 1795718886 is no moment between 2000-01-01 and 2100-01-01: it looks like seconds; write milliseconds since 1970 in UTC, such as \
             1795718886000 for 2026-11-26 18:48:06 UTC",
        ),
        (
            "1795718886000,BTC,1",
            "`time`: 2026-11-26 18:48:06 UTC has a print of this symbol already; remove one",
        ),
        (
            "1795718885999,BTC,1",
            "`time`: 2026-11-26 18:48:05.999 UTC is before 2026-11-26 18:48:06 UTC of this symbol's last print; sort the records by time, oldest first",
        ),
        (
            "1795718886000,a b,1",
            "`symbol`: `a b` is no name; write 1 to 64 letters, digits or any of -_./+&#%*, without spaces",
        ),
        (
            "1795718886000,ETH,0",
            "`price`: 0 is no price; it must be above zero and below 1000000000000",
        ),
        (
            "1795718886000,ETH,1000000000000",
            "`price`: 1000000000000 is no price; it must be above zero and below 1000000000000",
        ),
        (
            "1795718886000,ETH,-1",
            "`price`: -1 is negative; it must be at least 0",
        ),
        (
            "1795718886000,ETH,0.1234567890123",
            "`price`: 0.1234567890123 has more than 12 decimals; cut it",
        ),
    ] {
        let told = read(&format!("time,symbol,price\n{first}\n{record}\n")).unwrap_err();
        assert_eq!(told.strip_prefix("prints.csv:3: field "), Some(says));
    }
}
