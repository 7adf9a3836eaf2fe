//! Prices and moments that no market shows are refused, wherever a snapshot comes from.

use fixed::Decimal;
use market::import::optionchain;
use market::quotes::{MAX_LIFE_MS, mark_reasons};
use market::{Instrument, Kind, OptionType, Settlement, Snapshot, sample};
use records::date::{FIRST_MOMENT, LAST_MOMENT, check_moment};

#[path = "../../records/tests/common/mod.rs"]
mod common;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Why a sample market with one change is refused, or `fine`.
fn told(change: impl FnOnce(&mut Snapshot)) -> String {
    let mut snapshot = sample::snapshot();
    change(&mut snapshot);
    snapshot
        .validate()
        .map_or_else(|e| e.to_string(), |()| "fine".into())
}

/// The number of the first sample option of a type and settlement.
fn option(of: OptionType, inverse: bool) -> usize {
    let snapshot = sample::snapshot();
    let is = |i: &Instrument| {
        matches!(&i.kind, Kind::Option { option_type, .. } if *option_type == of)
            && (i.settlement != Settlement::Linear) == inverse
    };
    snapshot.instruments.iter().position(is).unwrap()
}

/// The same with an option's terms changed: strike, expiry, volatility.
fn option_told(i: usize, change: impl FnOnce(&mut Instrument)) -> String {
    told(|s| change(&mut s.instruments[i]))
}

fn terms(i: &mut Instrument) -> (&mut Decimal, &mut u64, &mut Decimal) {
    let Kind::Option {
        strike,
        expiry_ms,
        implied_volatility,
        ..
    } = &mut i.kind
    else {
        panic!("not an option");
    };
    (strike, expiry_ms, implied_volatility)
}

fn assert_told(got: &str, expected: &[&str]) {
    for part in expected {
        assert!(got.contains(part), "{got}\nlacks\n{part}");
    }
}

/// The option that once counted as half a million of collateral: each of its numbers is refused by itself.
#[test]
fn an_expired_or_impossible_option_is_no_collateral() {
    let call = option(OptionType::Call, false);
    let as_of = sample::snapshot().as_of_ms;
    let all = option_told(call, |i| {
        i.mark = d("500000");
        let (strike, expiry, _) = terms(i);
        (*strike, *expiry) = (d("9000000"), 0);
    });
    assert_told(
        &all,
        &[
            ".expiry_ms: it expired on 1970-01-01 00:00:00 UTC",
            "prices are of 2026-01-02 08:00:00 UTC; remove",
        ],
    );
    let strike = option_told(call, |i| {
        i.mark = d("500000");
        *terms(i).0 = d("9000000");
    });
    assert_told(
        &strike,
        &[".mark: 500000: a call is worth at most the forward, 65360.62"],
    );
    let far = option_told(call, |i| {
        i.mark = d("60000");
        *terms(i).0 = d("9000000");
    });
    assert_told(
        &far,
        &[
            ".mark: 60000 is far from 0.000000,",
            "strike 9000000",
            "`mark_reason`",
        ],
    );
    for (expiry, expected) in [
        (as_of, "it expired on 2026-01-02 08:00:00 UTC"),
        (
            as_of / 1000 + 86_400,
            "looks like seconds; write milliseconds",
        ),
        (as_of * 1000, "looks like microseconds"),
        (as_of + MAX_LIFE_MS + 1, "more than fifty years after"),
    ] {
        let told = option_told(call, |i| *terms(i).1 = expiry);
        assert_told(&told, &[".expiry_ms: ", expected]);
    }
    let future = |expiry_ms| {
        told(|s| {
            let of = s.instruments.iter_mut();
            let mut futures = of.filter(|i| matches!(i.kind, Kind::Future { .. }));
            futures.next().unwrap().kind = Kind::Future { expiry_ms };
        })
    };
    assert_eq!(future(as_of + 1), "fine");
    assert_told(&future(as_of), &["expiry_ms: it expired on 2026-01-02"]);
    assert_told(&future(as_of - 1), &["expiry_ms: it expired"]);
}

#[test]
fn a_mark_lies_below_the_forward_or_the_strike_and_near_its_model() {
    for inverse in [false, true] {
        let (call, put) = (
            option(OptionType::Call, inverse),
            option(OptionType::Put, inverse),
        );
        let market = sample::snapshot();
        let (c, p) = (&market.instruments[call], &market.instruments[put]);
        let forward = c.forward.unwrap();
        let strike = *terms(&mut p.clone()).0;
        let unit = if inverse { Decimal::ONE } else { forward };
        // A tick above what it can be worth, and what is far from the model on both sides; no reason excuses the first.
        let above = |of: &Decimal| of.checked_add(&d("0.000001")).unwrap();
        let most = if inverse {
            d("1.000001")
        } else {
            above(&forward)
        };
        let told_mark = |at: usize, mark: Decimal, reason: Option<&str>| {
            option_told(at, |i| {
                (i.mark, i.mark_reason) = (mark, reason.map(str::to_string));
            })
        };
        for reason in [None, Some("illiquid")] {
            assert_told(
                &told_mark(call, most, reason),
                &["a call is worth at most the forward"],
            );
            let most = if inverse {
                strike.div(&forward, 6, fixed::Rounding::Ceil).unwrap()
            } else {
                above(&strike)
            };
            assert_told(
                &told_mark(put, most, reason),
                &["a put is worth at most the strike"],
            );
            // Far below what exercising brings: the call is deep in the money.
            assert_told(
                &told_mark(call, d("0.01"), reason),
                &["is far below what exercising it would bring"],
            );
        }
        for (off, fine) in [
            ("0.0004", true),
            ("-0.0004", true),
            ("0.003", false),
            ("-0.003", false),
        ] {
            let off = d(off).checked_mul(&unit).unwrap();
            let mark = c.mark.checked_add(&off).unwrap();
            let told = told_mark(call, mark, None);
            assert_eq!(told == "fine", fine, "{told}");
            if !fine {
                assert_told(
                    &told,
                    &[".mark: ", " is far from ", "or say why in `mark_reason`"],
                );
                assert_eq!(told_mark(call, mark, Some("illiquid")), "fine");
            }
        }
    }
    // A volatility in whole percent moves a price of a year by more than the slack, and is fine; two percent are not.
    let near = |off: &str| {
        option_told(option(OptionType::Call, false), |i| {
            let (strike, expiry, volatility) = terms(i);
            (*strike, *expiry) = (d("65360.62"), *expiry + 365 * 86_400_000);
            *volatility = d("0.8").checked_add(&d(off)).unwrap();
            // Black-76 at the money over 393 days with 80%: 2 N(0.415059) - 1 of the forward.
            i.mark = d("21039.67");
        })
    };
    for off in ["0", "0.005", "-0.005"] {
        assert_eq!(near(off), "fine", "{off}");
    }
    for off in ["0.02", "-0.02"] {
        assert_told(&near(off), &["is far from"]);
    }
}

#[test]
fn reasons_are_names_of_options_and_are_counted() {
    let call = option(OptionType::Call, false);
    let reason =
        |i: usize, reason: &str| told(|s| s.instruments[i].mark_reason = Some(reason.into()));
    assert_eq!(reason(call, "illiquid"), "fine");
    for text in ["", "nobody trades it", "x\u{202e}"] {
        assert_told(&reason(call, text), &[".mark_reason: is no name"]);
    }
    assert_told(
        &reason(0, "illiquid"),
        &["only an option's mark is compared"],
    );
    let mut snapshot = sample::snapshot();
    assert!(mark_reasons(&snapshot).is_empty());
    for (i, reason) in [(4, "illiquid"), (5, "discounted"), (6, "illiquid")] {
        snapshot.instruments[i].mark_reason = Some(reason.into());
    }
    let reasons: Vec<_> = mark_reasons(&snapshot).into_iter().collect();
    assert_eq!(reasons, [("discounted", 1), ("illiquid", 2)]);
    // It is part of what is digested and signed, and absent where there is none.
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(text.matches("mark_reason").count(), 3);
}

#[test]
fn other_numbers_that_no_market_shows() {
    let call = option(OptionType::Call, false);
    for volatility in ["0", "-0.5", "10.01", "85"] {
        let told = option_told(call, |i| *terms(i).2 = d(volatility));
        assert_told(&told, &[".implied_volatility: ", "write 0.85 for 85%"]);
    }
    for (forward, expected) in [
        ("0", "0 must be above zero"),
        ("-1", "-1 must be above zero"),
    ] {
        let told = option_told(call, |i| i.forward = Some(d(forward)));
        assert_told(&told, &[".forward: ", expected]);
    }
    assert_told(
        &option_told(call, |i| i.mark = d("-1")),
        &[".mark: must not be negative"],
    );
    assert_told(
        &option_told(call, |i| *terms(i).0 = d("0")),
        &[".strike: 0 must be above zero"],
    );
    assert_told(
        &option_told(0, |i| i.mark = d("0")),
        &[".mark: 0 must be above zero"],
    );
    assert_told(
        &option_told(0, |i| i.forward = Some(d("-1"))),
        &[".forward: -1 must be above zero"],
    );
    // What a coin costs is known where it is paid in: a perpetual cannot be ten times off it, nor a forward.
    let perpetual = sample::snapshot().instrument("BTC-PERP-COIN").unwrap();
    for mark in ["6510", "651003"] {
        let told = option_told(perpetual, |i| i.mark = d(mark));
        assert_told(
            &told,
            &[".mark: ", "times off the price of its coin, 65100.22"],
        );
    }
    assert_eq!(option_told(perpetual, |i| i.mark = d("60000")), "fine");
    let put = option(OptionType::Put, true);
    let told = option_told(put, |i| i.forward = Some(d("9000000")));
    assert_told(&told, &[".forward: ", "times off the price of its coin"]);
    // So tiny or large that no price follows.
    let told = option_told(call, |i| i.forward = Some(d("0.000000000000000001")));
    assert_told(&told, &[".mark: "]);
}

#[test]
fn moments_in_other_units_are_refused_with_a_hint() {
    for (ms, expected) in [
        (0, "it is not set"),
        (1_795_718_886, "it looks like seconds"),
        (1_795_718_886_000_000, "it looks like microseconds"),
        (1_795_718_886_000_000_000, "it looks like nanoseconds"),
        (86_400_000, "it is 1970-01-02 00:00:00 UTC"),
        (LAST_MOMENT, "it is 2100-01-01"),
        (u64::MAX, "it is "),
    ] {
        assert_told(
            &check_moment(ms).unwrap_err(),
            &[expected, "write milliseconds since 1970"],
        );
        assert_told(&told(|s| s.as_of_ms = ms), &["as_of_ms: ", expected]);
    }
    for ms in [FIRST_MOMENT, LAST_MOMENT - 1] {
        assert_eq!(check_moment(ms), Ok(()));
    }
    assert!(check_moment(FIRST_MOMENT - 1).is_err());
}

/// Limits are told before anything is priced: here every option would be refused for its expiry, were it looked at.
#[test]
fn how_much_there_is_comes_before_what_it_is() {
    let many = |count: usize| {
        move |s: &mut Snapshot| {
            let mut instrument = s.instruments[option(OptionType::Call, false)].clone();
            *terms(&mut instrument).1 = 0;
            s.instruments = (0..count)
                .map(|i| Instrument {
                    symbol: format!("X{i}"),
                    ..instrument.clone()
                })
                .collect();
        }
    };
    let moves = vec![Decimal::ZERO; 85];
    assert_told(&told(many(16_384)), &["instruments[0].expiry_ms"]);
    assert_told(
        &told(many(20_000)),
        &["instruments: has 20000 instruments; at most 16384 are possible"],
    );
    assert_told(
        &told(|s| {
            many(4_097)(s);
            s.grid.price_moves = moves.clone();
            s.grid.extremes.clear();
        }),
        &["instruments: 4097 instruments in 255 scenarios; at most 4096 are possible"],
    );
    assert_told(
        &told(|s| {
            let asset = s.assets[0].clone();
            s.assets = vec![asset; 4_097];
        }),
        &["assets: has 4097 assets; at most 4096 are possible"],
    );
    assert_told(
        &told(|s| {
            s.grid.price_moves = vec![Decimal::ZERO; 1 << 20];
            s.grid.volatility_shifts = vec![Decimal::ZERO; 1 << 10];
        }),
        &["grid: has 1073741826 scenarios; at most 255"],
    );
}

/// What a solvency claim takes from a market, whatever the text of its numbers; all of it counts.
#[test]
fn a_prices_digest_is_of_what_prices_decide() {
    let market = sample::snapshot();
    let digest = |change: &dyn Fn(&mut Snapshot)| {
        let mut changed = market.clone();
        change(&mut changed);
        changed.prices_digest()
    };
    let same: [&dyn Fn(&mut Snapshot); 3] = [
        &|s| s.assets[1].price = d("65100.2200"),
        &|s| s.assets[1].decimals = 3,
        &|s| s.instruments.clear(),
    ];
    for change in same {
        assert_eq!(digest(change), market.prices_digest());
    }
    let other: [&dyn Fn(&mut Snapshot); 8] = [
        &|s| s.as_of_ms += 1,
        &|s| s.source = "elsewhere".into(),
        &|s| s.quote = "EUR".into(),
        &|s| s.assets[1].price = d("65100.23"),
        &|s| s.assets[1].symbol = "XBT".into(),
        &|s| s.assets[1].haircuts.loan[0].percent = d("99"),
        &|s| s.assets[1].haircuts.portfolio[0].up_to = d("1000001"),
        &|s| s.assets.swap(1, 2),
    ];
    for (i, change) in other.into_iter().enumerate() {
        assert_ne!(digest(change), market.prices_digest(), "{i}");
    }
}

/// The real chain is as it should be: its last day, its rounding and what moved while it was read included.
#[test]
fn a_real_chain_passes_and_its_lines_are_named_when_they_do_not() {
    let Some(path) = common::data("option-chain.csv") else {
        return;
    };
    let snapshot = optionchain::read(&path, d("0.1")).unwrap();
    assert_eq!(snapshot.instruments.len(), 230);
    assert_eq!(snapshot.source, market::snapshot::UNSTATED);
    let text = std::fs::read_to_string(&path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let changed = dir.path().join("chain.csv");
    let lines: Vec<&str> = text.lines().collect();
    for (line, column, value, expected) in [
        // A day later, all that expired on the first day is refused, by line.
        (
            5,
            4,
            "1590189755277",
            ": field `expiration_timestamp`: expired by 2020-05-22 23:22:35.277 UTC",
        ),
        (
            7,
            3,
            "1590103355277",
            ":8: field `expiration_timestamp`: expired by 2020-05-21 23:22:35.277 UTC",
        ),
        (
            7,
            4,
            "1590103355",
            ":8: field `timestamp`: 1590103355 is a time in seconds, and that of the first line is in milliseconds",
        ),
        (
            7,
            6,
            "-9100",
            ":8: field `underlying_price`: -9100 must be above zero",
        ),
        (7, 9, "0", ":8: field `mark_iv`: 0.00 must be above 0"),
        (7, 10, "2.5", ":8: field `mark_price`: 2.5 coin"),
    ] {
        let mut cells: Vec<&str> = lines[line].split(',').collect();
        cells[column] = value;
        let row = cells.join(",");
        let mut all = lines.clone();
        all[line] = &row;
        std::fs::write(&changed, all.join("\n")).unwrap();
        let error = optionchain::read(&changed, d("0.1")).unwrap_err();
        assert_told(&error.to_string(), &[expected]);
    }
}

/// An asset that is named as the currency of all prices could be worth anything otherwise, and debts in it nothing.
#[test]
fn the_currency_of_prices_is_worth_one() {
    let price = |price: &str| {
        told(|s| {
            let own = s.assets.iter().position(|a| a.symbol == s.quote).unwrap();
            s.assets[own].price = d(price);
        })
    };
    assert_eq!(price("1.00"), "fine");
    for other in ["0", "0.000001", "1.01"] {
        assert_told(&price(other), &["of which one is worth 1"]);
    }
}
