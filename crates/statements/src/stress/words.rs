//! What a stress claim says.

use credit::deal::{Coupon, Deal, Losses, RateStep, Shortfall, Tranche};
use credit::pool::tape::CutOff;
use credit::pool::{Template, template_words};
use credit::projection::Schedule;
use credit::stress::{Defaults, Model, Prepayments, Scenario, Stress};
use credit::waterfall::{DealState, Index, payment_date};
use fixed::Decimal;

use super::StressClaim;
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::pools::start::DealAt;
use crate::words::{cents, digest, quoted};

/// A part of one in percent.
fn percent(part: &Decimal) -> String {
    let percent = part.checked_mul(&Decimal::from_int(100));
    percent.map_or_else(|_| part.to_string(), |p| format!("{}%", p.normalized()))
}

/// Equal values that follow each other, and how many.
fn runs<T: PartialEq>(values: &[T]) -> Vec<(&T, usize)> {
    let mut runs: Vec<(&T, usize)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => runs.push((value, 1)),
        }
    }
    runs
}

/// Rates month by month, in full: the same rate for some months is said once.
fn rates(values: &[Decimal]) -> String {
    let runs = runs(values);
    let last = runs.len().saturating_sub(1);
    let words = runs.iter().enumerate().map(|(i, (rate, months))| {
        // The last rate holds from then on.
        if i == last {
            format!("{rate}%")
        } else if *months == 1 {
            format!("{rate}% for a month")
        } else {
            format!("{rate}% for {months} months")
        }
    });
    words.collect::<Vec<_>>().join(", then ")
}

/// A stress as investors say it: all of it.
pub fn stress_in_words(stress: &Stress) -> String {
    let defaults = match &stress.defaults {
        Defaults::Cdr(values) => format!("defaults {} a year (CDR)", rates(values)),
        Defaults::Mdr(values) => format!("defaults {} a month (MDR)", rates(values)),
        Defaults::Sda(percent) => format!("defaults at {percent}% SDA"),
    };
    let prepayments = match &stress.prepayments {
        Prepayments::Cpr(values) => format!("early repayment {} a year (CPR)", rates(values)),
        Prepayments::Smm(values) => format!("early repayment {} a month (SMM)", rates(values)),
        Prepayments::Psa(percent) => format!("early repayment at {percent}% PSA"),
    };
    let late = match &stress.delinquency {
        Some(late) => format!(
            "loans are late for {} months before they default, and {}% of what is late does; payments of late loans are advanced",
            late.months, late.defaults
        ),
        None => "no loan is late before it defaults, so that tests of delinquency pass".into(),
    };
    format!(
        "{defaults}; {prepayments}; {}% of a default is lost, the rest comes in {} months later; loans are taken as {} months old; \
         {late}",
        stress.severity, stress.recovery_lag, stress.age
    )
}

/// How many months each row has, equal ones said once.
fn steps(steps: &[u16]) -> String {
    let words = runs(steps).into_iter().map(|(months, rows)| match rows {
        1 => months.to_string(),
        _ => format!("{months} ({rows} times)"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What a tranche bears a year, and what becomes of interest that it is not paid.
fn bears(tranche: &Tranche) -> String {
    let rate = match &tranche.coupon {
        Coupon::Fixed(rate) => format!("{rate}%"),
        Coupon::Stepped { rate, steps } => {
            let step = |s: &RateStep| format!(", {}% from {}", s.rate, s.from);
            format!("{rate}%{}", steps.iter().map(step).collect::<String>())
        }
        Coupon::Floating {
            index,
            margin,
            floor,
            cap,
        } => {
            let floor = floor.unwrap_or(Decimal::ZERO);
            let most = cap.map_or(String::new(), |cap| format!(", at most {cap}%"));
            format!("{} + {margin}%, at least {floor}%{most}", quoted(index))
        }
    };
    let unpaid = match tranche.shortfall {
        Shortfall::Lost => "is not owed again",
        Shortfall::Carried => "stays owed",
        Shortfall::Compounding => "stays owed, with interest",
    };
    let name = quoted(&tranche.name);
    let days = tranche.day_count.words();
    format!("{name} {rate} ({days}), unpaid interest {unpaid}")
}

/// What a claim says of its pool and its deal apart from commitments: what is known without a secret.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// What fields the loans have.
    pub template: &'a Template,
    /// The day the tape is of.
    pub cut_off: &'a CutOff,
    /// How many loans there are.
    pub loans: u64,
    /// A loan this many days past due is doubtful.
    pub doubtful_days: u16,
    /// What the pool brings in when all loans but the doubtful ones pay as scheduled.
    pub schedule: &'a Schedule,
    /// How many months each of the schedule's steps has; empty if each is a month.
    pub steps: &'a [u16],
    /// The deal.
    pub deal: &'a Deal,
    /// The deal at the cut-off date.
    pub deal_state: &'a DealState,
    /// The fixings of its indices.
    pub indices: &'a [Index],
    /// Stresses, and what becomes of the tranches under each.
    pub scenarios: &'a [Scenario],
    /// Stresses over a factor, and what the tranches are expected to lose.
    pub models: &'a [Model],
}

impl StressClaim {
    /// What it says of its pool and its deal.
    pub fn findings(&self) -> Findings<'_> {
        Findings {
            template: &self.template,
            cut_off: &self.cut_off,
            loans: self.loans,
            doubtful_days: self.doubtful_days,
            schedule: &self.schedule,
            steps: &self.steps,
            deal: &self.deal,
            deal_state: &self.deal_state,
            indices: &self.indices,
            scenarios: &self.scenarios,
            models: &self.models,
        }
    }
}

impl Findings<'_> {
    /// In words, the sentence first: of a pool that has no commitment yet.
    pub fn words(&self) -> Vec<String> {
        self.lines("the pool")
    }

    fn deal_at(&self) -> DealAt<'_> {
        DealAt {
            cut_off: self.cut_off,
            deal: self.deal,
            state: self.deal_state,
            indices: self.indices,
        }
    }

    /// What becomes of the tranches, scenario by scenario, and what they are expected to lose, model by model.
    pub fn outcomes(&self) -> Vec<String> {
        let currency = quoted(&self.deal.currency);
        let plan = self.deal.plan().ok();
        let date = |period: u32| {
            let date = plan.as_ref().and_then(|p| payment_date(p, period).ok());
            date.map_or(String::new(), |date| format!(" ({date})"))
        };
        let scenarios = self.scenarios.iter().map(|scenario| {
            let tranches = scenario.outcome.iter().map(|t| {
                let mut text = match t.is_whole() {
                    true => format!("{} loses nothing", quoted(&t.tranche)),
                    false => format!(
                        "{} loses {} of principal and is not paid {} of interest (not discounted)",
                        quoted(&t.tranche),
                        cents(t.principal_lost),
                        cents(t.interest_lost)
                    ),
                };
                if let Some(period) = t.paid_off {
                    text += &format!(", is paid in full by payment date {period}{}", date(period));
                }
                text
            });
            let tranches: Vec<String> = tranches.collect();
            format!(
                "under {} [{}]: {} ({currency})",
                quoted(&scenario.name),
                stress_in_words(&scenario.stress),
                tranches.join("; ")
            )
        });
        let models = self.models.iter().map(|model| {
            let tranches = model.expected.iter().map(|t| {
                format!(
                    "{} is expected to lose {} of principal ({} of what it is owed), and {} of interest (not discounted) not to be paid",
                    quoted(&t.tranche),
                    cents(t.principal),
                    percent(&t.part),
                    cents(t.interest)
                )
            });
            let tranches: Vec<String> = tranches.collect();
            format!(
                "under {} [{}; defaults come together by a Gaussian factor of correlation {}, averaged over {} values of it]: {} \
                 ({currency})",
                quoted(&model.name),
                stress_in_words(&model.stress),
                model.factor.correlation,
                model.factor.nodes,
                tranches.join("; ")
            )
        });
        scenarios.chain(models).collect()
    }

    /// The schedule: how much, for how long, in which steps.
    fn schedule_words(&self) -> Vec<String> {
        let rows = &self.schedule.rows;
        let interest: i128 = rows.iter().map(|r| i128::from(r.interest.0)).sum();
        let mut lines = vec![format!(
            "the schedule, SHA3-256 {}: {} of interest and {} of principal in {} row(s) {}",
            digest(self.schedule),
            Decimal::new(interest, credit::deal::CENT_DECIMALS),
            cents(self.schedule.balance),
            rows.len(),
            match self.steps.is_empty() {
                true => "of a month each".to_string(),
                false => format!("of {} months", steps(self.steps)),
            }
        )];
        if !self.steps.is_empty() {
            lines.push(
                "within a row of several months, what comes in is taken evenly over its months: a rule of the projection, not what the \
                 loans do"
                    .into(),
            );
        }
        lines.push(
            "the schedule is public: its rows are sums over all loans, but where few loans end, differences of rows tell what these pay"
                .into(),
        );
        lines
    }

    /// The terms of the tranches, which with the waterfalls decide what they lose.
    fn tranches(&self) -> String {
        let tranches: Vec<String> = self.deal.tranches.iter().map(bears).collect();
        let losses = match self.deal.losses {
            Losses::Ledgers => "are recorded in ledgers, and balances stay",
            Losses::WriteDown => "write balances down",
        };
        format!(
            "by the deal tranches bear, a year: {}; losses {losses}; what is paid in which order, its waterfalls say",
            tranches.join("; ")
        )
    }

    /// `pool` is what the pool is called.
    fn lines(&self, pool: &str) -> Vec<String> {
        let currency = quoted(&self.deal.currency);
        let months: usize = match self.steps.is_empty() {
            true => self.schedule.rows.len(),
            false => self.steps.iter().map(|s| usize::from(*s)).sum(),
        };
        let mut lines = vec![format!(
            "{pool} of {} loans ({}, cut-off {}) owes {} {currency} that by contract is paid over {months} months, and {} {currency} \
             that is doubtful ({} or more days past due, or past maturity); of the deal {}, started as said below and run to its end, \
             tranches lose under {} stress(es) and {} factor model(s) what is said below",
            self.loans,
            template_words(self.template),
            self.cut_off,
            cents(self.schedule.balance),
            cents(self.schedule.doubtful),
            self.doubtful_days,
            quoted(&self.deal.name),
            self.scenarios.len(),
            self.models.len(),
        )];
        lines.extend(self.deal_at().words());
        lines.push(self.tranches());
        lines.extend(self.schedule_words());
        lines.push(format!(
            "proven of the loans is the schedule; outcomes follow from it, deal, start, fixings and stresses, and were computed again: \
             doubtful loans default in the first month, others in the proportion of balances; nobody exercises the clean-up call; what \
             is owed after the last payment date (legal final {}) is lost. Stresses, their names and the fixings are the prover's choice",
            quoted(&self.deal.dates.legal_final)
        ));
        lines.push(
            "a level-pay loan owes no more than the tape's instalment a time: interest beyond it is deferred, bears no interest, and such a \
             loan is not late"
                .into(),
        );
        lines.extend(self.outcomes());
        lines
    }
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &StressClaim) -> Vec<String> {
    let mut lines = claim.findings().lines(&format!("pool {}", claim.pool));
    lines.extend(nonce::line(&claim.nonce));
    lines
}

impl Spoken for super::Stressed {
    fn words(claim: &StressClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &StressClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &StressClaim) -> Vec<Anchor<'_>> {
        vec![
            Anchor::Pool(At::Whole, claim.pool),
            Anchor::deal(At::Whole, &claim.deal, &claim.deal_state),
        ]
    }

    fn given(claim: &StressClaim) -> Vec<Given> {
        vec![Given::that_pool(claim.pool, &claim.cut_off, claim.loans)]
    }
}
