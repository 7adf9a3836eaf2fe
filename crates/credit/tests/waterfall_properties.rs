//! What holds of every waterfall: no cash appears or vanishes, the senior comes first, more cash never hurts it.

#[path = "common/deals.rs"]
mod deals;

use credit::collections::Collections;
use credit::deal::Plan;
use credit::sample_deal::{sample_deal, sample_indices};
use credit::waterfall::{DealState, Index, Report, TrancheReport, called, run};
use deals::{ScriptedDeal, mini, mini_without_equity};
use proptest::prelude::*;
use records::units::Cents;
use serde_json::{Value, json};

/// What happens in a period, in millionths of what loans owe.
#[derive(Clone, Debug)]
struct Flow {
    interest: u64,
    scheduled: u64,
    prepaid: u64,
    defaulted: u64,
    repurchased: u64,
    /// Of what has defaulted and was not recovered.
    recovered: u64,
    delinquent: [u64; 3],
    call: bool,
}

fn flow() -> impl Strategy<Value = Flow> {
    let part = |most| prop_oneof![Just(0), 0..=most];
    (
        part(20_000u64),
        part(100_000),
        part(300_000),
        part(100_000),
        part(50_000),
        part(1_500_000),
        [0u64..=100_000, 0..=100_000, 0..=100_000],
        any::<bool>(),
    )
        .prop_map(
            |(
                interest,
                scheduled,
                prepaid,
                defaulted,
                repurchased,
                recovered,
                delinquent,
                call,
            )| Flow {
                interest,
                scheduled,
                prepaid,
                defaulted,
                repurchased,
                recovered,
                delinquent,
                call,
            },
        )
}

impl Flow {
    fn collections(&self, plan: &Plan, state: &DealState) -> Collections {
        let pool = state.pool_balance;
        let of = |whole: Cents, millionths: u64| Cents(whole.0 * millionths / 1_000_000);
        let part = |millionths: u64| of(pool, millionths);
        let gone = [
            self.scheduled,
            self.prepaid,
            self.defaulted,
            self.repurchased,
        ]
        .map(part);
        let after = pool - gone.iter().sum::<Cents>();
        let lost = state.defaulted.saturating_sub(state.recoveries);
        let collections = Collections {
            balance_before: pool,
            balance_after: after,
            interest: part(self.interest),
            scheduled_principal: gone[0],
            prepaid_principal: gone[1],
            defaulted: gone[2],
            repurchased: gone[3],
            recoveries: of(lost, self.recovered),
            delinquent: self.delinquent.map(|d| of(after, d)),
        };
        let call = called(plan, &collections).filter(|_| self.call);
        call.unwrap_or(collections)
    }
}

/// What must hold of each period.
fn check(plan: &Plan, before: &DealState, c: &Collections, after: &DealState, report: &Report) {
    let sum = |values: &[Cents]| values.iter().map(|v| u128::from(v.0)).sum::<u128>();
    let cash_in = sum(&before.accounts)
        + sum(&[
            c.interest,
            c.scheduled_principal,
            c.prepaid_principal,
            c.recoveries,
            c.repurchased,
        ]);
    let mut cash_out = sum(&after.accounts) + u128::from(report.equity.0);
    for fee in &report.fees {
        cash_out += u128::from(fee.paid.0);
        assert_eq!(fee.arrears_before + fee.charged, fee.paid + fee.arrears);
    }
    let collected: Vec<Cents> = report.accounts.iter().map(|a| a.collected).collect();
    assert_eq!(sum(&before.accounts) + sum(&collected), cash_in);
    for (i, t) in report.tranches.iter().enumerate() {
        cash_out += u128::from(t.interest_paid.0 + t.principal_paid.0);
        assert_eq!(t.interest_due, t.interest_paid + t.interest_shortfall);
        assert_eq!(
            t.balance + t.principal_paid + t.written_down,
            t.balance_before + t.written_up
        );
        assert!(t.balance + after.tranches[i].written_down <= plan.tranches[i].original);
        assert!(t.deficiency <= t.balance);
        // A junior one covers a senior one.
        let junior = &report.tranches[i + 1..];
        assert!(t.deficiency == Cents(0) || junior.iter().all(|j| j.deficiency == j.balance));
        assert!(t.written_down == Cents(0) || junior.iter().all(|j| j.balance == Cents(0)));
    }
    assert_eq!(cash_in, cash_out);
    for trigger in plan.triggers.iter().zip(&report.triggers) {
        assert!(trigger.0.curable || !trigger.1.before || trigger.1.tripped);
    }
}

/// Runs flows from closing.
fn run_flows(
    plan: &Plan,
    flows: &[Flow],
    indices: &[Index],
) -> Vec<(DealState, Collections, Report)> {
    let mut state = DealState::of(plan);
    let mut all = Vec::new();
    for flow in flows {
        let collections = flow.collections(plan, &state);
        let (next, report) = run(plan, &state, &collections, indices).unwrap();
        assert_eq!(
            run(plan, &state, &collections, indices).unwrap(),
            (next.clone(), report.clone())
        );
        check(plan, &state, &collections, &next, &report);
        all.push((state, collections, report));
        state = next;
    }
    all
}

/// Three tranches in sequence, with cures or write-downs, and a reserve.
fn sequential(ledgers: bool) -> Plan {
    let cure = |tranche: &str| json!({"account": "interest", "do": {"cure_deficiency": {"tranches": [tranche]}}});
    let pay = |tranche: &str| json!({"account": "interest", "support": "reserve", "do": {"pay_interest": {"tranches": [tranche]}}});
    let mut steps = vec![json!({"account": "interest", "do": {"pay_fee": {"fees": ["trustee"]}}})];
    for tranche in ["A", "B", "C"] {
        steps.push(pay(tranche));
        if ledgers {
            steps.push(cure(tranche));
        }
    }
    steps.push(
        json!({"account": "interest", "do": {"transfer": {"to": "reserve", "amount": "gap"}}}),
    );
    steps.push(json!({"account": "interest", "do": "pay_residual"}));
    let target = json!({"fixed": "6000"});
    mini_without_equity()
        .push(
            "/accounts",
            json!({"name": "reserve", "opening": "3000", "target": target}),
        )
        .set(
            "/losses",
            json!(if ledgers { "ledgers" } else { "write_down" }),
        )
        .set("/waterfalls/interest", json!(steps))
        .deal()
        .plan()
        .unwrap()
}

/// A step that a deal of four accounts, three tranches and two fees may have.
fn step() -> impl Strategy<Value = Value> {
    let account = prop::sample::select(vec!["interest", "principal", "reserve", "spare"]);
    let tranches = prop::sample::subsequence(vec!["A", "B", "C"], 1..=3).prop_shuffle();
    let fees = prop::sample::subsequence(vec!["trustee", "servicer"], 1..=2).prop_shuffle();
    let order = prop::sample::select(vec!["sequential", "pro_rata"]);
    let amount = prop_oneof![
        (0u32..=200_000).prop_map(|x| json!({"fixed": x.to_string()})),
        (
            0u32..=100,
            prop::sample::select(vec![
                "pool",
                "original_pool",
                "tranches",
                "original_tranches"
            ]),
            0u32..=5_000
        )
            .prop_map(|(percent, of, floor)| json!({"percent": {
                "percent": percent.to_string(), "of": of, "floor": floor.to_string()
            }})),
    ];
    let until = (
        prop::sample::select(vec!["balance", "overcollateralization"]),
        amount.clone(),
    );
    let until = prop::option::of(until.prop_map(|(kind, amount)| json!({kind: amount})));
    let action = prop_oneof![
        (fees, order.clone()).prop_map(|(f, o)| json!({"pay_fee": {"fees": f, "order": o}})),
        (tranches.clone(), order.clone())
            .prop_map(|(t, o)| json!({"pay_interest": {"tranches": t, "order": o}})),
        (tranches.clone(), order, until).prop_map(
            |(t, o, u)| json!({"pay_principal": {"tranches": t, "order": o, "until": u}})
        ),
        tranches.prop_map(|t| json!({"cure_deficiency": {"tranches": t}})),
        (
            account.clone(),
            prop::sample::select(vec!["all", "gap", "excess"])
        )
            .prop_map(|(to, amount)| json!({"transfer": {"to": to, "amount": amount}})),
        Just(json!("pay_residual")),
    ];
    let fact = prop_oneof![
        Just(json!({"failed": "OC"})),
        Just(json!({"passed": "IC"})),
        Just(json!({"tripped": "losses"})),
        Just(json!({"from": "2027-03-25"})),
    ];
    let when = prop::option::weighted(0.3, fact.prop_map(|f| json!({"all": [f]})));
    (
        account.clone(),
        prop::option::weighted(0.3, account),
        prop::option::weighted(0.3, amount),
        when,
        action,
    )
        .prop_map(|(account, support, limit, when, action)| {
            json!({"account": account, "support": support, "limit": limit, "when": when, "do": action})
        })
}

/// A deal of random steps, without those that no deal may have.
fn random_deal(steps: [Vec<Value>; 3], ledgers: bool) -> Plan {
    let target = json!({"percent": {"percent": "2", "of": "tranches", "floor": "1000"}});
    let tranches = json!(["A", "B", "C"]);
    let mut deal: ScriptedDeal = mini_without_equity()
.set("/waterfalls/other", json!([]))
        .push("/accounts", json!({"name": "reserve", "opening": "20000", "target": target}))
        .push("/accounts", json!({"name": "spare", "opening": "12.34"}))
        .push("/fees", json!({"name": "servicer", "amount": {"percent_of_pool": {"percent": "0.5", "day_count": "ACT/365"}}}))
        .set("/losses", json!(if ledgers { "ledgers" } else { "write_down" }))
        .set("/tests", json!([
            {"name": "OC", "measure": {"overcollateralization": {"tranches": tranches}}, "passes": {"at_least": "99"}},
            {"name": "IC", "measure": {"interest_coverage": {"tranches": tranches}}, "passes": {"at_least": "110"}},
            {"name": "CL", "measure": "cumulative_loss", "passes": {"at_most": "5"}}
        ]))
        .set("/triggers", json!([{
            "name": "losses", "when": {"any": [{"failed": "CL"}]}, "curable": true,
            "switch": {"waterfall": "interest", "to": "other"}
        }]));
    for (name, steps) in ["interest", "principal", "other"].iter().zip(steps) {
        let mut kept: Vec<Value> = Vec::new();
        for step in steps {
            // One that alone makes the deal invalid is left out.
            let trial = deal.clone().set("/waterfalls/principal", json!([step]));
            if trial.deal().validate().is_ok() {
                kept.push(step);
            }
        }
        deal = deal.set(&format!("/waterfalls/{name}"), json!(kept));
    }
    deal.deal().plan().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn cash_is_conserved_in_any_deal(
        steps in [prop::collection::vec(step(), 0..12), prop::collection::vec(step(), 0..8), prop::collection::vec(step(), 0..8)],
        ledgers in any::<bool>(),
        flows in prop::collection::vec(flow(), 1..12),
    ) {
        run_flows(&random_deal(steps, ledgers), &flows, &[]);
    }

    #[test]
    fn cash_is_conserved_in_the_sample(flows in prop::collection::vec(flow(), 1..40)) {
        run_flows(&sample_deal().plan().unwrap(), &flows, &sample_indices());
    }

    #[test]
    fn the_senior_is_paid_first(ledgers in any::<bool>(), flows in prop::collection::vec(flow(), 1..24)) {
        for (_, _, report) in run_flows(&sequential(ledgers), &flows, &[]) {
            for i in 1..report.tranches.len() {
                let (senior, junior) = (&report.tranches[i - 1], &report.tranches[i]);
                prop_assert!(junior.interest_paid == Cents(0) || senior.interest_shortfall == Cents(0));
                let left = senior.balance_before + senior.written_up - senior.principal_paid;
                prop_assert!(junior.principal_paid == Cents(0) || left == Cents(0));
            }
            // Equity receives interest when none is due, and principal when nothing is owed.
            let residual = |waterfall: &str| {
                let steps = report.steps.iter().rev();
                steps.clone().find(|s| s.waterfall == waterfall).unwrap().from_account
            };
            let all = |check: &dyn Fn(&TrancheReport) -> bool| report.tranches.iter().all(check);
            prop_assert!(residual("interest") == Cents(0) || all(&|t| t.interest_shortfall == Cents(0)));
            prop_assert!(residual("principal") == Cents(0) || all(&|t| t.balance == Cents(0)));
            prop_assert_eq!(report.equity, residual("interest") + residual("principal"));
        }
    }

    #[test]
    fn more_collections_never_hurt_the_senior(
        ledgers in any::<bool>(),
        flows in prop::collection::vec(flow(), 1..24),
        more_interest in 0u64..=1_000_000,
        more_recoveries in 0u64..=1_000_000,
        more_prepaid in 0u64..=1_000_000,
    ) {
        let plan = sequential(ledgers);
        for (state, c, report) in run_flows(&plan, &flows, &[]) {
            let prepaid = Cents(more_prepaid).min(c.balance_after);
            let more = Collections {
                interest: c.interest + Cents(more_interest),
                recoveries: c.recoveries + Cents(more_recoveries),
                prepaid_principal: c.prepaid_principal + prepaid,
                balance_after: c.balance_after - prepaid,
                delinquent: [Cents(0); 3],
                ..c
            };
            let (_, better) = run(&plan, &state, &more, &[]).unwrap();
            let mut paid = [Cents(0); 2];
            for (t, b) in report.tranches.iter().zip(&better.tranches) {
                prop_assert!(b.interest_paid >= t.interest_paid);
                // A tranche and all senior to it.
                paid[0] += t.principal_paid;
                paid[1] += b.principal_paid;
                prop_assert!(paid[1] >= paid[0]);
            }
        }
    }

    #[test]
    fn shares_in_proportion_are_monotone_and_fair(
        interest in 0u64..=600_000, more in 0u64..=100,
    ) {
        let both = json!([
            {"account": "interest", "do": {"pay_interest": {"tranches": ["B", "A", "C"], "order": "pro_rata"}}}
        ]);
        let plan = mini_without_equity().set("/waterfalls/interest", both).deal().plan().unwrap();
        let state = DealState::of(&plan);
        let paid = |interest| {
            let pool = state.pool_balance;
            let c = Collections { balance_before: pool, balance_after: pool, interest, ..Default::default() };
            let (_, report) = run(&plan, &state, &c, &[]).unwrap();
            report.tranches.iter().map(|t| (t.interest_paid, t.interest_due)).collect::<Vec<_>>()
        };
        let interest = Cents(interest);
        let (less, much) = (paid(interest), paid(interest + Cents(more)));
        let due: Cents = less.iter().map(|t| t.1).sum();
        for ((less, due_to), (much, _)) in less.iter().zip(&much) {
            prop_assert!(less <= much && much <= due_to);
            // Within two cents of the exact share.
            let exact = u128::from(interest.min(due).0) * u128::from(due_to.0);
            let found = u128::from(less.0) * u128::from(due.0);
            prop_assert!(found.abs_diff(exact) < 2 * u128::from(due.0));
        }
        prop_assert_eq!(less.iter().map(|t| t.0).sum::<Cents>(), interest.min(due));
    }

    #[test]
    fn nothing_wraps(values in prop::array::uniform9(any::<u64>()), pool in any::<u64>()) {
        let plan = mini().deal().plan().unwrap();
        let pool = Cents(pool);
        let [interest, scheduled, prepaid, defaulted, repurchased, recoveries, a, b, c] = values.map(Cents);
        let parity = |amount: Cents| Cents(amount.0 % 2);
        let collections = Collections {
            balance_before: pool,
            balance_after: pool.saturating_sub(scheduled),
            interest,
            scheduled_principal: scheduled.min(pool),
            prepaid_principal: parity(prepaid),
            defaulted: parity(defaulted),
            repurchased: parity(repurchased),
            recoveries,
            delinquent: [a, b, c],
        };
        let mut state = DealState::of(&plan);
        state.period = 1;
        state.pool_balance = pool;
        state.accounts = vec![a, b];
        state.defaulted = c;
        state.recoveries = interest;
        // An error or an answer, never a panic.
        let _ = run(&plan, &state, &collections, &[]);
        let _ = called(&plan, &collections);
    }
}
