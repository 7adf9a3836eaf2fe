//! Deals: what is refused, and where.

// The cents stand apart: 100_00 is a hundred.
#![allow(clippy::inconsistent_digit_grouping)]

#[path = "common/deals.rs"]
mod deals;

use credit::deal::MAX_ENTRIES;
use credit::sample_deal::SAMPLE_DEAL;
use credit::waterfall::payment_date;
use deals::{ScriptedDeal, mini};
use serde_json::{Value, json};

/// The sample deal's file.
fn sample() -> ScriptedDeal {
    ScriptedDeal(serde_json::from_str(SAMPLE_DEAL).unwrap())
}

/// A change of the sample is refused at a place, for a reason.
fn refused(pointer: &str, value: Value, place: &str, problem: &str) {
    refused_deal(&sample().set(pointer, value), place, problem);
}

fn refused_deal(deal: &ScriptedDeal, place: &str, problem: &str) {
    let error = deal.deal().validate().unwrap_err();
    assert_eq!(error.place, place, "{error}");
    assert!(error.problem.contains(problem), "{error}");
}

#[test]
fn names_are_known_distinct_and_printable() {
    let long = "x".repeat(65);
    for bad in ["", "line\nbreak", &long] {
        refused("/name", json!(bad), "name", "is no name");
        refused("/currency", json!(bad), "currency", "is no name");
        for list in ["accounts", "fees", "tranches", "tests", "triggers"] {
            let place = format!("{list}[1].name");
            let deal = sample().set(&format!("/{list}/1/name"), json!(bad));
            refused_deal(&deal, &place, "is no name");
        }
        let deal = sample().set(&format!("/waterfalls/{bad}"), json!([]));
        refused_deal(&deal, "waterfalls", "is no name");
        let coupon = json!({"floating": {"index": bad, "margin": "1"}});
        refused(
            "/tranches/0/coupon",
            coupon,
            "tranches[0].coupon.floating.index",
            "is no name",
        );
    }
    for list in ["accounts", "fees", "tranches", "tests", "triggers"] {
        let first = sample().get(&format!("/{list}/0/name"));
        let deal = sample().set(&format!("/{list}/1/name"), first);
        refused_deal(
            &deal,
            &format!("{list}[1].name"),
            "stands twice, first as number 0",
        );
    }
}

#[test]
fn lists_are_bounded() {
    refused("/tranches", json!([]), "tranches", "is empty");
    let many: Vec<Value> = (0..=MAX_ENTRIES)
        .map(|i| json!({"name": format!("r{i}")}))
        .collect();
    refused("/accounts", json!(many), "accounts", "more than 64 entries");
    let steps = vec![json!({"account": "interest", "do": "pay_residual"}); MAX_ENTRIES + 1];
    refused(
        "/waterfalls/interest",
        json!(steps),
        "waterfalls.interest",
        "more than 64 steps",
    );
    let mut deal = sample();
    for i in 0..MAX_ENTRIES {
        deal = deal.set(&format!("/waterfalls/more {i}"), json!([]));
    }
    refused_deal(&deal, "waterfalls", "more than 64 entries");
}

#[test]
fn dates_are_in_order() {
    for field in ["closing", "first_payment", "legal_final"] {
        let place = format!("dates.{field}");
        refused(
            &format!("/dates/{field}"),
            json!("2027-02-30"),
            &place,
            "is not a date",
        );
    }
    refused(
        "/dates/first_payment",
        json!("2026-12-01"),
        "dates.first_payment",
        "not after closing",
    );
    refused(
        "/dates/first_payment",
        json!("2027-01-29"),
        "dates.first_payment",
        "up to the 28th",
    );
    refused(
        "/dates/legal_final",
        json!("2027-01-24"),
        "dates.legal_final",
        "before the first payment",
    );
    refused(
        "/dates/legal_final",
        json!("2127-01-25"),
        "dates.legal_final",
        "hundred years",
    );
    let quarterly = mini()
        .set("/dates/frequency", json!("quarterly"))
        .deal()
        .plan()
        .unwrap();
    assert_eq!(quarterly.periods, 21);
    assert_eq!(payment_date(&quarterly, 2).unwrap(), "2027-04-25");
    for (frequency, periods) in [("semiannual", 11), ("annual", 6)] {
        let deal = mini().set("/dates/frequency", json!(frequency));
        assert_eq!(deal.deal().plan().unwrap().periods, periods);
    }
}

#[test]
fn amounts_are_whole_cents() {
    for (pointer, place) in [
        ("/original_pool", "original_pool"),
        ("/accounts/2/opening", "accounts[2].opening"),
        (
            "/accounts/2/target/percent/floor",
            "accounts[2].target.percent.floor",
        ),
        ("/fees/0/amount/fixed", "fees[0].amount.fixed"),
        ("/tranches/1/balance", "tranches[1].balance"),
    ] {
        refused(pointer, json!("1.001"), place, "more than two decimals");
        refused(pointer, json!("-1"), place, "is negative");
        refused(pointer, json!("720575940379279.36"), place, "too large");
        refused(pointer, json!("1e30"), place, "too large");
    }
    refused("/original_pool", json!("0"), "original_pool", "is zero");
    refused(
        "/tranches/2/balance",
        json!("0"),
        "tranches[2].balance",
        "is zero",
    );
    refused(
        "/original_pool",
        json!("484999999.99"),
        "tranches",
        "are owed 485000000.00 together",
    );
    refused(
        "/accounts/2/target",
        json!({"fixed": "0.001"}),
        "accounts[2].target.fixed",
        "two decimals",
    );
    let step = |more: Value| {
        let mut step =
            json!({"account": "principal", "do": {"pay_principal": {"tranches": ["A"]}}});
        for (name, value) in more.as_object().unwrap() {
            step[name] = value.clone();
        }
        step
    };
    let place = "waterfalls.principal[0].limit.percent.percent";
    let limit = json!({"limit": {"percent": {"percent": "101", "of": "pool"}}});
    refused(
        "/waterfalls/principal/0",
        step(limit),
        place,
        "101 percent is not between 0 and 100",
    );
    for field in ["balance", "overcollateralization"] {
        let until = json!({field: {"fixed": "-1"}});
        refused(
            "/waterfalls/principal/0/do/pay_principal/until",
            until,
            &format!("waterfalls.principal[0].do.pay_principal.until.{field}.fixed"),
            "is negative",
        );
    }
}

#[test]
fn percentages_are_between_0_and_100() {
    let floating = "/tranches/0/coupon/floating";
    for (pointer, place) in [
        (
            "/accounts/2/target/percent/percent".to_string(),
            "accounts[2].target.percent.percent",
        ),
        (
            "/fees/1/amount/percent_of_pool/percent".into(),
            "fees[1].amount.percent_of_pool.percent",
        ),
        (
            "/tranches/1/coupon/fixed".into(),
            "tranches[1].coupon.fixed",
        ),
        (
            format!("{floating}/margin"),
            "tranches[0].coupon.floating.margin",
        ),
        (
            format!("{floating}/floor"),
            "tranches[0].coupon.floating.floor",
        ),
        (format!("{floating}/cap"), "tranches[0].coupon.floating.cap"),
        ("/tests/3/passes/at_most".into(), "tests[3].passes.at_most"),
        ("/tests/4/passes/at_most".into(), "tests[4].passes.at_most"),
        ("/clean_up/below".into(), "clean_up.below"),
    ] {
        refused(
            &pointer,
            json!("100.000001"),
            place,
            "is not between 0 and 100",
        );
        refused(&pointer, json!("-0.1"), place, "is not between 0 and 100");
        refused(&pointer, json!("0.1234567"), place, "more than 6 decimals");
    }
    // Cover may be many times what is due.
    refused(
        "/tests/0/passes/at_least",
        json!("10000.1"),
        "tests[0].passes.at_least",
        "0 and 10000",
    );
    let floor = sample().set("/tranches/0/coupon/floating/floor", json!("8"));
    refused_deal(&floor, "tranches[0].coupon.floating.cap", "below the floor");
}

#[test]
fn what_is_referred_to_is_there() {
    for field in ["interest", "principal", "recoveries", "repurchased"] {
        let place = format!("collect.{field}");
        refused(
            &format!("/collect/{field}"),
            json!("cash"),
            &place,
            "there is no account `cash`",
        );
    }
    for field in ["principal", "repurchased"] {
        let place = format!("collect.{field}");
        refused(
            &format!("/collect/{field}"),
            json!("interest"),
            &place,
            "is where interest is collected",
        );
    }
    for (pointer, place) in [
        (
            "/tests/0/measure/overcollateralization/tranches",
            "tests[0].measure.overcollateralization.tranches",
        ),
        (
            "/tests/2/measure/interest_coverage/tranches",
            "tests[2].measure.interest_coverage.tranches",
        ),
        (
            "/waterfalls/interest/2/do/pay_interest/tranches",
            "waterfalls.interest[2].do.pay_interest.tranches",
        ),
        (
            "/waterfalls/interest/3/do/cure_deficiency/tranches",
            "waterfalls.interest[3].do.cure_deficiency.tranches",
        ),
        (
            "/waterfalls/principal/0/do/pay_principal/tranches",
            "waterfalls.principal[0].do.pay_principal.tranches",
        ),
    ] {
        let at = |i: usize| format!("{place}[{i}]");
        refused(
            pointer,
            json!(["A", "Z"]),
            &at(1),
            "there is no tranche `Z`; the deal has A, B, C",
        );
        refused(pointer, json!(["A", "B", "A"]), &at(2), "`A` stands twice");
        refused(pointer, json!([]), place, "name at least one tranche");
    }
    for (pointer, place) in [
        (
            "/tests/2/measure/interest_coverage/fees",
            "tests[2].measure.interest_coverage.fees[0]",
        ),
        (
            "/waterfalls/interest/1/do/pay_fee/fees",
            "waterfalls.interest[1].do.pay_fee.fees[0]",
        ),
    ] {
        refused(pointer, json!(["tax"]), place, "there is no fee `tax`");
    }
    refused(
        "/tests/4/measure/delinquency/days",
        json!(45),
        "tests[4].measure.delinquency.days",
        "write 30, 60 or 90",
    );
    refused(
        "/clean_up/waterfall",
        json!("end"),
        "clean_up.waterfall",
        "there is no waterfall `end`",
    );
    for name in ["interest", "principal"] {
        let mut deal = sample();
        deal.0["waterfalls"].as_object_mut().unwrap().remove(name);
        deal.0["triggers"] = json!([]);
        refused_deal(
            &deal,
            "waterfalls",
            &format!("there is no `{name}`; add it"),
        );
    }
    refused(
        "/waterfalls/spare",
        json!([]),
        "waterfalls.spare",
        "never runs",
    );
}

#[test]
fn steps_make_sense() {
    let at = |field: &str| format!("waterfalls.interest[0].{field}");
    let refused_step = |step: Value, field: &str, problem: &str| {
        refused("/waterfalls/interest/0", step, &at(field), problem);
    };
    refused_step(
        json!({"account": "x", "do": "pay_residual"}),
        "account",
        "there is no account `x`",
    );
    let pay = json!({"pay_interest": {"tranches": ["A"]}});
    refused_step(
        json!({"account": "interest", "support": "x", "do": pay}),
        "support",
        "there is no account `x`",
    );
    refused_step(
        json!({"account": "interest", "support": "interest", "do": pay}),
        "support",
        "own account",
    );
    refused_step(
        json!({"account": "interest", "support": "reserve", "do": "pay_residual"}),
        "support",
        "nothing is due",
    );
    let transfer = |to: &str, amount: &str| json!({"transfer": {"to": to, "amount": amount}});
    refused_step(
        json!({"account": "interest", "support": "reserve", "do": transfer("principal", "all")}),
        "support",
        "nothing is due",
    );
    refused_step(
        json!({"account": "interest", "do": transfer("x", "all")}),
        "do.transfer.to",
        "there is no account `x`",
    );
    refused_step(
        json!({"account": "interest", "do": transfer("interest", "all")}),
        "do.transfer.to",
        "own account",
    );
    refused_step(
        json!({"account": "interest", "do": transfer("principal", "gap")}),
        "do.transfer.amount",
        "goes to has no target",
    );
    refused_step(
        json!({"account": "interest", "do": transfer("principal", "excess")}),
        "do.transfer.amount",
        "comes from has no target",
    );
    let cure = json!({"cure_deficiency": {"tranches": ["A"]}});
    refused_step(
        json!({"account": "principal", "do": cure}),
        "account",
        "covers the tranches already",
    );
    refused_step(
        json!({"account": "interest", "support": "principal", "do": cure}),
        "support",
        "covers the tranches already",
    );
    let mut deal = sample();
    deal.0["losses"] = json!("write_down");
    refused_deal(
        &deal,
        "waterfalls.interest[3].do.cure_deficiency",
        "needs ledgers",
    );
}

#[test]
fn triggers_have_no_cycles() {
    let when = |fact: Value| json!({"any": [{"failed": "late"}, fact]});
    let at = |field: &str| format!("triggers[0].when.any[1].{field}");
    for fact in ["tripped", "not_tripped"] {
        // Itself, and a later one.
        for name in ["losses-too-high", "not-stepped-down"] {
            refused(
                "/triggers/0/when",
                when(json!({fact: name})),
                &at(fact),
                "could make a cycle",
            );
        }
        refused(
            "/triggers/0/when",
            when(json!({fact: "x"})),
            &at(fact),
            "there is no trigger `x`",
        );
    }
    for fact in ["passed", "failed"] {
        refused(
            "/triggers/0/when",
            when(json!({fact: "x"})),
            &at(fact),
            "there is no test `x`",
        );
    }
    for fact in ["from", "before"] {
        refused(
            "/triggers/0/when",
            when(json!({fact: "soon"})),
            &at(fact),
            "is not a date",
        );
    }
    refused(
        "/triggers/0/when",
        json!({"all": []}),
        "triggers[0].when.all",
        "is empty",
    );
    // An earlier one may be looked at, and a step may look at all.
    let fine = sample()
        .set(
            "/triggers/1/when",
            json!({"all": [{"not_tripped": "losses-too-high"}]}),
        )
        .set(
            "/waterfalls/interest/9/when",
            json!({"all": [{"tripped": "not-stepped-down"}]}),
        );
    fine.deal().validate().unwrap();
    refused(
        "/waterfalls/interest/9/when",
        json!({"all": [{"tripped": "x"}]}),
        "waterfalls.interest[9].when.all[0].tripped",
        "there is no trigger `x`",
    );
    let switch = |waterfall: &str, to: &str| json!({"waterfall": waterfall, "to": to});
    for (switch, field, problem) in [
        (
            switch("sequential", "clean-up"),
            "waterfall",
            "neither `interest` nor `principal`",
        ),
        (switch("principal", "interest"), "to", "runs anyway"),
        (switch("principal", "x"), "to", "there is no waterfall `x`"),
    ] {
        refused(
            "/triggers/0/switch",
            switch,
            &format!("triggers[0].switch.{field}"),
            problem,
        );
    }
}
