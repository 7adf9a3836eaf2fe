//! Where a claim about a deal starts: its pool and the deal's state, what they follow from, and how they are said. Stress and
//! waterfall claims start alike.

use credit::deal::{Deal, Plan};
use credit::pool::Template;
use credit::pool::tape::CutOff;
use credit::waterfall::{DealState, Index, TrancheState, payment_date};
use records::units::Cents;

use super::terms;
use crate::account::PublicDigest;
use crate::words::{cents, digest, quoted};

/// Where a claim starts.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// What fields the loans have.
    pub template: &'a Template,
    /// How many loans there are.
    pub loans: u64,
    /// The day the pool is of.
    pub cut_off: &'a CutOff,
    /// The commitment to the pool, to which template, date and number of loans belong.
    pub pool: &'a PublicDigest,
    /// The deal.
    pub deal: &'a Deal,
    /// The deal at the cut-off date.
    pub state: &'a DealState,
    /// The fixings of its indices.
    pub indices: &'a [Index],
}

impl Start<'_> {
    /// The start in words.
    pub fn words(&self) -> Vec<String> {
        let at = DealAt {
            cut_off: self.cut_off,
            deal: self.deal,
            state: self.state,
            indices: self.indices,
        };
        at.words()
    }
}

/// A deal at a cut-off date.
#[derive(Clone, Copy, Debug)]
pub struct DealAt<'a> {
    /// The day.
    pub cut_off: &'a CutOff,
    /// The deal.
    pub deal: &'a Deal,
    /// Its state.
    pub state: &'a DealState,
    /// The fixings of its indices.
    pub indices: &'a [Index],
}

impl DealAt<'_> {
    /// In words: when, which deal by which digests, what is owed, held and tripped; when it pays, its fees and triggers.
    pub fn words(&self) -> Vec<String> {
        let (state, deal) = (self.state, self.deal);
        let mut lines = vec![format!(
            "deal {} of SHA3-256 {}, its state at the start of SHA3-256 {}, its fixings of SHA3-256 {}{}",
            quoted(&deal.name),
            digest(deal),
            digest(state),
            digest(&self.indices),
            fixings(self.indices)
        )];
        // A claim's deal is valid; a deal that is not has no other words.
        let Ok(plan) = deal.plan() else {
            return lines;
        };
        lines.push(self.when(&plan));
        let mut pool = format!(
            "at the start the pool owes {} {} of {} at closing",
            cents(state.pool_balance),
            quoted(&deal.currency),
            cents(plan.original_pool)
        );
        if state.defaulted > Cents(0) || state.recoveries > Cents(0) {
            pool += &format!(
                ", {} defaulted since and {} was recovered",
                cents(state.defaulted),
                cents(state.recoveries)
            );
        }
        if state.recoveries > state.defaulted {
            pool +=
                ", MORE than defaulted: what is more covers losses to come in every test of losses";
        }
        let tranches = plan.tranches.iter().zip(&state.tranches);
        let owed = tranches.map(|(terms, now)| tranche(&terms.name, terms.original, now));
        lines.push(format!(
            "{pool}; tranches are owed {} together: {}",
            together(state.tranches.iter().map(|t| t.balance)),
            owed.collect::<Vec<_>>().join("; ")
        ));
        let accounts = plan.accounts.iter().zip(&state.accounts);
        let held = accounts.map(|(a, held)| format!("{} {}", quoted(&a.name), cents(*held)));
        lines.push(format!(
            "accounts hold {} together: {}",
            together(state.accounts.iter().copied()),
            held.collect::<Vec<_>>().join(", ")
        ));
        let fees = plan.fees.iter().zip(&state.fee_arrears);
        let late = fees.filter(|(_, arrears)| **arrears > Cents(0));
        let late: Vec<String> = late
            .map(|(fee, arrears)| format!("{} of fee {}", cents(*arrears), quoted(&fee.name)))
            .collect();
        if !late.is_empty() {
            lines.push(format!("in arrears: {}", late.join(", ")));
        }
        let triggers = plan.triggers.iter().zip(&state.tripped);
        let tripped = triggers.filter(|(_, tripped)| **tripped);
        let tripped: Vec<String> = tripped.map(|(t, _)| quoted(&t.name)).collect();
        if !tripped.is_empty() {
            lines.push(format!("tripped before: {}", tripped.join(", ")));
        }
        lines.extend(terms::words(deal));
        lines
    }

    /// At closing, or after how many payment dates, by whose word.
    fn when(&self, plan: &Plan) -> String {
        let period = self.state.period;
        let date = |period| payment_date(plan, period).unwrap_or_else(|_| "none".into());
        let next = date(period + 1);
        if period == 0 {
            return format!(
                "it starts at the deal's closing, {}, with the state that the deal gives; the pool is of {}, the first payment date \
                 {next}",
                self.deal.dates.closing, self.cut_off
            );
        }
        format!(
            "it starts after payment date {period} of {}, {}; the pool is of {}, the next payment date {next}. THE PROVER STATES this \
             start: that it follows from the months before is not shown here (`verify --with` their proof shows it)",
            plan.periods,
            date(period),
            self.cut_off
        )
    }
}

/// A tranche's balance, and what it is short of.
fn tranche(name: &str, original: Cents, now: &TrancheState) -> String {
    let mut text = format!(
        "{} {} of {} at closing",
        quoted(name),
        cents(now.balance),
        cents(original)
    );
    for (amount, what) in [
        (now.unpaid_interest, "of interest unpaid"),
        (now.deficiency, "not covered"),
        (now.written_down, "written down"),
    ] {
        if amount > Cents(0) {
            text += &format!(", {} {what}", cents(amount));
        }
    }
    text
}

/// A sum of amounts that may not fit 64 bits.
fn together(amounts: impl Iterator<Item = Cents>) -> fixed::Decimal {
    let sum: i128 = amounts.map(|a| i128::from(a.0)).sum();
    fixed::Decimal::new(sum, credit::deal::CENT_DECIMALS)
}

/// How many fixings each index has, and between what they lie.
fn fixings(indices: &[Index]) -> String {
    let words = indices.iter().map(|index| {
        let (low, high) = (index.fixings.iter().min(), index.fixings.iter().max());
        match (low, high) {
            (Some(low), Some(high)) => format!(
                "{}: {} from {low}% to {high}%",
                quoted(&index.name),
                index.fixings.len()
            ),
            _ => format!("{}: none", quoted(&index.name)),
        }
    });
    let words: Vec<String> = words.collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use credit::sample_pool;
    use serde_json::Value;
    use stark::Statement;

    use super::*;
    use crate::issuance::{self, Issuance, RegistryKey};
    use crate::kit::{Anchor, At, Link, NotLinked, Spoken, link};
    use crate::stress::{self, Stressed};
    use crate::testing::{mortgages, secret};
    use crate::waterfall::{self, Waterfall};

    fn tape() -> credit::pool::Tape {
        mortgages(2, 40)
    }

    fn deal() -> Deal {
        credit::sample_deal::sample_deal_for(sample_pool::owed(&tape()))
    }

    /// A month from a state, or from closing.
    fn month(tape: &credit::pool::Tape, state: Option<DealState>) -> waterfall::Prepared {
        let terms = waterfall::Terms {
            months: vec![sample_pool::remittances(1, tape)],
            deal: deal(),
            deal_state: state,
            indices: credit::sample_deal::sample_indices(),
        };
        waterfall::Prepared::new(tape, &terms, &secret()).expect("it is true")
    }

    fn terms(state: Option<DealState>) -> stress::Terms {
        stress::Terms {
            doubtful_days: 90,
            detail: stress::Detail {
                months: 6,
                loans: 0,
            },
            deal: deal(),
            deal_state: state,
            indices: credit::sample_deal::sample_indices(),
            stresses: serde_json::from_str(sample_pool::STRESSES).expect("samples"),
            breakeven: vec!["A".into()],
        }
    }

    fn stressed(tape: &credit::pool::Tape, state: Option<DealState>) -> stress::Prepared {
        stress::Prepared::new(tape, &terms(state), &secret()).expect("it is true")
    }

    /// Before the first payment date a deal stands as it closed: another state is refused, by prover and verifier alike. After one,
    /// the words say whose word it is, and how much cash there is.
    #[test]
    fn a_start_at_closing_is_the_deals_own() {
        let tape = tape();
        let mut rich = DealState::initial(&deal()).expect("a deal");
        rich.accounts = vec![Cents(0), Cents(9_000_000_000), Cents(100_000_000_000_000)];
        let terms = terms(Some(rich.clone()));
        let error = stress::check(&tape, &terms).expect_err("it is not closing");
        let error = error.to_string();
        assert!(
            error.contains("accounts: is not that of closing"),
            "{error}"
        );
        let mut claim = stressed(&tape, None).claim().clone();
        claim.deal_state = rich.clone();
        let error = Stressed::context(&claim).expect_err("it is not closing");
        assert!(
            error.contains("accounts: is not that of closing"),
            "{error}"
        );
        let mut claim = month(&tape, None).claim().clone();
        claim.deal_before = rich.clone();
        let error = Waterfall::context(&claim).expect_err("it is not closing");
        assert!(
            error.contains("accounts: is not that of closing"),
            "{error}"
        );

        // The cash covers the tranches, which the ledgers must say. Recoveries may have interest, so that they may be more than what
        // defaulted.
        rich.period = 1;
        rich.recoveries = Cents(100);
        let later = stressed(&tape, Some(rich));
        Stressed::context(later.claim()).expect("it is true, by the prover's word");
        let words = stress::words(later.claim()).join("\n");
        assert!(words.contains("THE PROVER STATES this start"), "{words}");
        assert!(
            words.contains("`principal` 90000000.00, `reserve` 1000000000000.00"),
            "{words}"
        );
        assert!(
            words.contains("after payment date 1 of 361, 2027-01-25"),
            "{words}"
        );
        assert!(
            words.contains("0.00 defaulted since and 1.00 was recovered, MORE than defaulted"),
            "{words}"
        );
        assert!(words.contains("by the deal triggers are: `"), "{words}");
        let honest = stress::words(stressed(&tape, None).claim()).join("\n");
        assert!(!honest.contains("THE PROVER"), "{honest}");
        assert!(
            honest.contains("it starts at the deal's closing, 2026-12-25"),
            "{honest}"
        );
        assert!(honest.contains("90 or more days past due"), "{honest}");
    }

    /// A stress goes on from a month, a month from an issuance; nothing else fits.
    #[test]
    fn claims_link() {
        let tape = tape();
        let issued = issuance::Prepared::new(&tape, &deal(), &RegistryKey::random(), &secret());
        let issued = issued.expect("it is backed");
        let issued = Issuance::anchors(issued.claim());
        let first = month(&tape, None);
        let state = first.claim().deal_after.clone();
        let months = Waterfall::anchors(first.claim());
        let of = |claim: &stress::StressClaim, other: &[Anchor]| {
            link(&Stressed::anchors(claim), other).map(|link| match link {
                Link::Shared { what, at } => {
                    assert_eq!(what, ["pool", "deal and its state"]);
                    at
                }
                Link::Disjoint => panic!("a stress pledges nothing"),
            })
        };
        let second = stressed(first.after(), Some(state.clone()));
        let second = second.claim();
        assert_eq!(of(second, &months), Ok([At::Whole, At::End]));
        let at_closing = stressed(&tape, None);
        let at_closing = at_closing.claim();
        assert_eq!(of(at_closing, &months), Ok([At::Whole, At::Start]));
        assert_eq!(of(at_closing, &issued), Ok([At::Whole, At::Whole]));
        let months_of_issue = link(&months, &issued).map(|_| ());
        assert_eq!(months_of_issue, Ok(()));

        let other = |why: Result<_, NotLinked>, differs: &str| match why {
            Err(NotLinked::Other { other, .. }) => assert_eq!(other, differs),
            why => panic!("{why:?}"),
        };
        // A month later it is another pool and another state; with more cash, or another coupon, another deal.
        let error = of(second, &issued).expect_err("a month later");
        assert!(matches!(error, NotLinked::Nothing(_)), "{error}");
        let mut rich = state;
        rich.accounts[2] += Cents(1);
        let rich = stressed(first.after(), Some(rich));
        other(of(rich.claim(), &months), "deal and its state");
        let mut another = second.clone();
        another.deal.tranches[0].coupon = credit::deal::Coupon::Fixed(fixed::Decimal::ZERO);
        other(of(&another, &months), "deal and its state");
        let mut elsewhere = at_closing.clone();
        elsewhere.pool = first.claim().pools[1].pool;
        other(of(&elsewhere, &issued), "pool");
    }

    /// Changes of every value of a claim, one after another, that still make a claim.
    fn changes<C>(claim: &C, mut each: impl FnMut(&str, C))
    where
        C: serde::Serialize + serde::de::DeserializeOwned + PartialEq,
    {
        let whole = serde_json::to_value(claim).expect("plain data");
        let mut paths = Vec::new();
        leaves(&whole, String::new(), &mut paths);
        for path in paths {
            let mut changed = whole.clone();
            let leaf = changed.pointer_mut(&path).expect("it is there");
            for other in others(leaf) {
                *changed.pointer_mut(&path).expect("it is there") = other;
                let read = serde_json::from_value::<C>(changed.clone());
                if let Some(read) = read.ok().filter(|read| read != claim) {
                    each(&path, read);
                    break;
                }
            }
        }
    }

    fn leaves(value: &Value, path: String, paths: &mut Vec<String>) {
        match value {
            Value::Array(list) => {
                for (i, value) in list.iter().enumerate() {
                    leaves(value, format!("{path}/{i}"), paths);
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    leaves(value, format!("{path}/{name}"), paths);
                }
            }
            _ => paths.push(path),
        }
    }

    fn others(leaf: &Value) -> Vec<Value> {
        match leaf {
            Value::Bool(bit) => vec![(!bit).into()],
            Value::Number(number) => {
                let number = number.as_u64().expect("no sign");
                vec![(number + 1).into(), number.saturating_sub(1).into()]
            }
            Value::Null => vec![1.into(), "1".into()],
            Value::String(text) => {
                let cut = &text[..text.len().saturating_sub(1)];
                let ends = ["0", "1", "2"].map(|end| Value::from(format!("{cut}{end}")));
                let mut all = vec![Value::from(format!("{text}1"))];
                all.extend(ends);
                all
            }
            _ => Vec::new(),
        }
    }

    /// Whatever a prover chooses shows in the words; commitments to hidden totals and roots below the pool's do not need to.
    #[test]
    fn every_field_shows_in_the_words() {
        let tape = tape();
        let first = month(&tape, None);
        let state = first.claim().deal_after.clone();
        let nonce = Some("asked".to_string().try_into().expect("a nonce"));
        let hidden = |path: &str| path.contains("/segments/") || path.contains("/states/");
        let stress = stressed(first.after(), Some(state)).with_nonce(nonce.clone());
        let words = stress::words(stress.claim());
        let mut changed = 0;
        changes(stress.claim(), |path, other| {
            changed += 1;
            assert!(hidden(path) || stress::words(&other) != words, "{path}");
        });
        println!("{changed} changes of a stress claim");
        let month = first.with_nonce(nonce);
        let words = waterfall::words(month.claim());
        changes(month.claim(), |path, other| {
            changed += 1;
            assert!(hidden(path) || waterfall::words(&other) != words, "{path}");
        });
        println!("{changed} changes with those of a waterfall claim");
        assert!(changed > 1_000, "{changed}");
    }
}
