//! What of a deal decides its payments, in words: its payment dates, fees and triggers. Who wants all of it reads the deal itself.

use credit::deal::step::{Bound, Fact, Measure, When};
use credit::deal::{CENT_DECIMALS, Dates, Deal, Fee, FeeAmount, Frequency, Payment, Trigger};
use fixed::Decimal;

use crate::words::quoted;

/// Lists up to this length are said whole; of longer ones how many entries there are, the first and the last.
const WHOLE: usize = 6;

/// The terms, a line a kind.
pub(super) fn words(deal: &Deal) -> Vec<String> {
    let mut lines = vec![format!("by the deal it pays {}", dates(&deal.dates))];
    let fees: Vec<String> = deal.fees.iter().map(fee).collect();
    if !fees.is_empty() {
        lines.push(format!("by the deal fees are: {}", fees.join("; ")));
    }
    let triggers: Vec<String> = deal.triggers.iter().map(|t| trigger(t, deal)).collect();
    if !triggers.is_empty() {
        lines.push(format!("by the deal triggers are: {}", triggers.join("; ")));
    }
    lines
}

/// Entries of a list, all or from which to which.
fn listed<T>(list: &[T], say: impl Fn(&T) -> String) -> String {
    match list {
        [first, .., last] if list.len() > WHOLE => format!("from {} to {}", say(first), say(last)),
        _ => list.iter().map(say).collect::<Vec<_>>().join(", "),
    }
}

fn dates(dates: &Dates) -> String {
    if dates.payments.is_empty() {
        let often = match dates.frequency {
            Frequency::Monthly => "every month",
            Frequency::Quarterly => "every three months",
            Frequency::Semiannual => "every six months",
            Frequency::Annual => "every year",
        };
        return format!(
            "{often} from {} to {} at the latest",
            dates.first_payment, dates.legal_final
        );
    }
    let months: u64 = dates.payments.iter().map(|p| u64::from(p.months)).sum();
    let say = |p: &Payment| format!("{} ({} month(s))", p.date, p.months);
    format!(
        "on {} listed date(s), what {months} month(s) bring in together: {}",
        dates.payments.len(),
        listed(&dates.payments, say)
    )
}

fn fee(fee: &Fee) -> String {
    let name = quoted(&fee.name);
    match &fee.amount {
        FeeAmount::Fixed(amount) => format!("{name} {} a payment date", money(amount)),
        FeeAmount::PercentOfPool { percent, day_count } => {
            format!(
                "{name} {percent}% a year of the pool ({})",
                day_count.words()
            )
        }
        FeeAmount::Dated(list) => {
            let sum: i128 = list.iter().filter_map(|d| cents(&d.amount)).sum();
            format!(
                "{name} on {} date(s), {} together: {}",
                list.len(),
                Decimal::new(sum, CENT_DECIMALS),
                listed(list, |d| format!("{} {}", d.date, money(&d.amount)))
            )
        }
    }
}

/// An amount in cents; a valid deal has no other.
fn cents(amount: &Decimal) -> Option<i128> {
    amount.rescale_exact(CENT_DECIMALS).ok()
}

fn money(amount: &Decimal) -> Decimal {
    cents(amount).map_or(*amount, |cents| Decimal::new(cents, CENT_DECIMALS))
}

fn trigger(trigger: &Trigger, deal: &Deal) -> String {
    let join = match &trigger.when {
        When::All(_) => " and ",
        When::Any(_) => " or ",
    };
    let facts = trigger.when.facts().iter();
    let facts: Vec<String> = facts.map(|f| fact(f, deal)).collect();
    let cured = match trigger.curable {
        true => "reset when that ends",
        false => "never reset",
    };
    let switch = trigger.switch.as_ref().map_or(String::new(), |s| {
        format!(
            ", runs waterfall {} instead of {}",
            quoted(&s.to),
            quoted(&s.waterfall)
        )
    });
    format!(
        "{} is tripped when {}, is {cured}{switch}",
        quoted(&trigger.name),
        facts.join(join)
    )
}

fn fact(fact: &Fact, deal: &Deal) -> String {
    let test = |name: &String, what: &str| {
        let test = deal.tests.iter().find(|t| t.name == *name);
        let passes = test.map_or(String::new(), |t| {
            format!(
                " (it passes with {} {})",
                measure(&t.measure),
                bound(&t.passes)
            )
        });
        format!("test {} {what}{passes}", quoted(name))
    };
    match fact {
        Fact::Passed(name) => test(name, "passes"),
        Fact::Failed(name) => test(name, "fails"),
        Fact::Tripped(name) => format!("trigger {} is tripped", quoted(name)),
        Fact::NotTripped(name) => format!("trigger {} is not tripped", quoted(name)),
        Fact::From(day) => format!("it is {day} or later"),
        Fact::Before(day) => format!("it is before {day}"),
    }
}

fn bound(bound: &Bound) -> String {
    match bound {
        Bound::AtLeast(percent) => format!("at least {percent}%"),
        Bound::AtMost(percent) => format!("at most {percent}%"),
    }
}

fn measure(measure: &Measure) -> String {
    let names = |list: &[String]| {
        let names: Vec<String> = list.iter().map(|n| quoted(n)).collect();
        names.join(", ")
    };
    match measure {
        Measure::Overcollateralization { tranches } => {
            format!("overcollateralization of {}", names(tranches))
        }
        Measure::InterestCoverage { tranches, fees } if fees.is_empty() => {
            format!("interest coverage of {}", names(tranches))
        }
        Measure::InterestCoverage { tranches, fees } => {
            format!(
                "interest coverage of {} after fees {}",
                names(tranches),
                names(fees)
            )
        }
        Measure::CumulativeLoss => "cumulative losses".into(),
        Measure::CumulativeDefault => "cumulative defaults".into(),
        Measure::Delinquency { days } => format!("loans late for {days} days or more"),
        Measure::PoolFactor => "the pool's factor".into(),
    }
}

#[cfg(test)]
mod tests {
    use credit::deal::DatedAmount;

    use super::*;

    fn day(n: u32) -> String {
        format!("2027-{n:02}-25")
    }

    #[test]
    fn terms_that_decide_are_said() {
        let mut deal = credit::sample_deal::sample_deal();
        let lines = words(&deal);
        assert_eq!(
            lines,
            [
                "by the deal it pays every month from 2027-01-25 to 2057-01-25 at the latest",
                "by the deal fees are: `trustee` 12500.00 a payment date; `servicer` 0.25% a year of the pool (30E/360); `manager` 0.10% a \
                 year of the pool (30E/360)",
                "by the deal triggers are: `losses-too-high` is tripped when test `losses` fails (it passes with cumulative losses at most \
                 1.25%), is never reset, runs waterfall `sequential` instead of `principal`; `not-stepped-down` is tripped when it is \
                 before 2030-01-25 or test `late` fails (it passes with loans late for 60 days or more at most 5%) or test `OC-A` fails \
                 (it passes with overcollateralization of `A` at least 115%), is reset when that ends, runs waterfall `sequential` \
                 instead of `principal`",
            ]
        );
        let dated = |months: std::ops::RangeInclusive<u32>| {
            let amount = |n| DatedAmount {
                date: day(n),
                amount: Decimal::new(i128::from(n), 1),
            };
            FeeAmount::Dated(months.map(amount).collect())
        };
        deal.fees = vec![
            Fee {
                name: "short".into(),
                amount: dated(1..=2),
            },
            Fee {
                name: "long".into(),
                amount: dated(1..=7),
            },
        ];
        let payment = |n| Payment {
            date: day(n),
            months: u32::from(n > 1),
        };
        deal.dates.payments = (1..=6).map(payment).collect();
        deal.triggers.truncate(1);
        deal.triggers[0].when = When::All(vec![
            Fact::From(day(3)),
            Fact::NotTripped("x".into()),
            Fact::Passed("IC-A".into()),
        ]);
        deal.triggers[0].switch = None;
        assert_eq!(
            words(&deal),
            [
                "by the deal it pays on 6 listed date(s), what 5 month(s) bring in together: 2027-01-25 (0 month(s)), 2027-02-25 (1 \
                 month(s)), 2027-03-25 (1 month(s)), 2027-04-25 (1 month(s)), 2027-05-25 (1 month(s)), 2027-06-25 (1 month(s))",
                "by the deal fees are: `short` on 2 date(s), 0.30 together: 2027-01-25 0.10, 2027-02-25 0.20; `long` on 7 date(s), 2.80 \
                 together: from 2027-01-25 0.10 to 2027-07-25 0.70",
                "by the deal triggers are: `losses-too-high` is tripped when it is 2027-03-25 or later and trigger `x` is not tripped and \
                 test `IC-A` passes (it passes with interest coverage of `A` after fees `trustee`, `servicer` at least 105%), is never \
                 reset",
            ]
        );
        deal.dates.payments = (1..=9).map(payment).collect();
        assert_eq!(
            words(&deal)[0],
            "by the deal it pays on 9 listed date(s), what 8 month(s) bring in together: from 2027-01-25 (0 month(s)) to 2027-09-25 (1 \
             month(s))"
        );
    }
}
