//! What tranches are expected to lose when a pool's loans default together: a deal run to its end at each value of the factor
//! of a Gaussian one-factor copula ([`copula`](crate::copula)).
//!
//! The pool is taken as large and granular (Vasicek's limit, LHP): given the factor, exactly the conditional probability of it
//! defaults. That probability is of *default times* (Li 2000): a loan has one latent variable for its whole life, so what has
//! defaulted by the end of month `t`, which is `p(t)` without the factor, is
//! `cdf((quantile(p(t)) - sqrt(c) M) / sqrt(1 - c))` given it, for every `t`. (A month on its own, as if each had a new factor,
//! would let bad months cancel good ones.) `p(t)` is what the stress's default rates add up to in a loan that nobody prepays;
//! monthly rates follow from it, and with them, and the stress's prepayments, severity and lag, the projection and the waterfall
//! are those of any other stress. Doubtful loans default in the first month whatever the factor.
//!
//! The factor takes public values: the middles of equal steps from -6 to 6 deviations, each with a probability in proportion to
//! the density there ([`Factor::steps`]). With at least [`MIN_NODES`] of them the mean of what defaults by a month is within
//! 10^-8 of `p(t)` for correlations up to 0.7, and within 4 * 10^-4 up to [`max_correlation`]; a tranche's loss has kinks, and its
//! mean over the values is nearer to the integral the more there are (both are measured in the tests). The mean over the values is
//! exact, and rounded up. So what is computed is the expected loss over *these* values, not a bound of the integral: for the
//! sample deal, with coupons that its loans hardly earn, 50 values give it within 3% even for a senior tranche that loses 0.004%
//! of its balance, 25 within 20% there, and within 6% for tranches that lose 0.05% or more.

use fixed::{Decimal, DomainError, Rounding, mul_div};
use rayon::prelude::*;
use records::units::Cents;
use serde::{Deserialize, Serialize};

use crate::copula::{CERTAIN, DefaultTimes, Factor};
use crate::deal::Deal;
use crate::projection::Schedule;
use crate::protection::{ProtectionError, RunOff};
use crate::stress::{Stress, weights};
use crate::waterfall::{DealState, Index};

/// Fewest values of a factor: a coarser grid would leave out what hurts senior tranches.
pub const MIN_NODES: u32 = 20;
/// Most values of a factor: the deal is run for each.
pub const MAX_NODES: u32 = 100;
/// How far the values reach, in deviations to each side.
const DEVIATIONS: u32 = 6;
/// Decimals of a loss as a part of a tranche.
const PART_DECIMALS: u8 = 8;

/// The largest correlation, 0.9: beyond it the grid of the factor is too coarse, and a pool defaults all or nothing.
pub fn max_correlation() -> Decimal {
    Decimal::new(9, 1)
}

/// The factor of a Gaussian one-factor copula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneFactor {
    /// Correlation of any two loans' latent variables: the square of what each has of the factor. From 0 to 0.9.
    pub correlation: Decimal,
    /// How many values the factor takes, from [`MIN_NODES`] to [`MAX_NODES`].
    pub nodes: u32,
}

/// What a tranche is expected to lose: the mean over the factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedLoss {
    /// Its name.
    pub tranche: String,
    /// Principal that is never paid, in cents, rounded up.
    pub principal: Cents,
    /// Interest that falls due and is never paid, not discounted; rounded up.
    pub interest: Cents,
    /// Principal that is never paid, as a part of what the tranche is owed at the cut-off date, at 8 decimals, rounded up;
    /// zero if nothing is owed.
    pub part: Decimal,
}

impl OneFactor {
    /// Checks what a file or a claim says.
    ///
    /// # Errors
    /// Says which part is wrong and what it should be.
    pub fn validate(&self) -> Result<(), ProtectionError> {
        let most = max_correlation();
        if self.correlation.is_negative() || self.correlation > most {
            let problem = format!("the correlation must be from 0 to {most}");
            return Err(ProtectionError::Factor(problem));
        }
        if !(MIN_NODES..=MAX_NODES).contains(&self.nodes) {
            let problem = format!("give {MIN_NODES} to {MAX_NODES} nodes");
            return Err(ProtectionError::Factor(problem));
        }
        Ok(())
    }

    /// The values that the factor takes, and their probabilities.
    ///
    /// # Errors
    /// As [`OneFactor::validate`].
    pub fn grid(&self) -> Result<Factor, ProtectionError> {
        self.validate()?;
        Factor::steps(self.nodes as usize, DEVIATIONS).map_err(failed)
    }
}

fn failed(error: DomainError) -> ProtectionError {
    ProtectionError::Factor(error.to_string())
}

/// What each tranche is expected to lose when a stress's defaults come together by a factor.
///
/// # Errors
/// If the stress, the factor, the deal or the state is wrong, or the indices are too short.
pub fn expected_losses(
    deal: &Deal,
    state: &DealState,
    indices: &[Index],
    schedule: &Schedule,
    stress: &Stress,
    factor: &OneFactor,
) -> Result<Vec<ExpectedLoss>, ProtectionError> {
    let run_off = RunOff::new(deal, state, indices, schedule)?;
    over_grid(
        &run_off,
        schedule.rows.len(),
        stress,
        &factor.correlation,
        &factor.grid()?,
    )
}

/// The same over any values of a factor.
fn over_grid(
    run_off: &RunOff,
    months: usize,
    stress: &Stress,
    correlation: &Decimal,
    grid: &Factor,
) -> Result<Vec<ExpectedLoss>, ProtectionError> {
    let times = DefaultTimes::new(&stress.default_rates(months)?).map_err(failed)?;
    let prepayments = stress.prepayment_rates(months)?;
    let one = |(value, _): &(fixed::Interval, u64)| {
        let defaults = times.given(value, correlation).map_err(failed)?;
        run_off.under(&weights(&defaults, &prepayments), stress)
    };
    let outcomes = grid.points.par_iter().map(one);
    let outcomes = outcomes.collect::<Result<Vec<_>, ProtectionError>>()?;
    let tranche = |(i, (name, owed)): (usize, (&str, Cents))| {
        let of = |lost: fn(&crate::protection::TrancheOutcome) -> Cents| {
            let lost: Vec<u64> = outcomes.iter().map(|o| lost(&o[i]).0).collect();
            grid.mean(&lost).map_err(failed)
        };
        let principal = of(|o| o.principal_lost)?;
        let interest = of(|o| o.interest_lost)?;
        // A mean is at most the largest value.
        let cents = |mean: u128| Cents(mean.div_ceil(u128::from(CERTAIN)) as u64);
        Ok(ExpectedLoss {
            tranche: name.into(),
            principal: cents(principal),
            interest: cents(interest),
            part: part(principal, owed).map_err(failed)?,
        })
    };
    run_off.tranches().enumerate().map(tranche).collect()
}

/// A mean in 10^-18 cents as a part of what is owed, rounded up.
fn part(mean: u128, owed: Cents) -> Result<Decimal, DomainError> {
    if owed == Cents(0) {
        return Ok(Decimal::new(0, PART_DECIMALS));
    }
    // Both are at most 2^60 * 2^64.
    let whole = i128::from(owed.0) * i128::from(CERTAIN);
    let power = 10i128.pow(PART_DECIMALS.into());
    let units = mul_div(mean as i128, power, whole, Rounding::Ceil)?;
    Ok(Decimal::from_units(units, PART_DECIMALS)?)
}

#[cfg(test)]
mod tests {
    use fixed::Interval;

    use super::*;
    use crate::import::tape::read_template;
    use crate::pool::states::states;
    use crate::protection::protect;
    use crate::sample_deal::{sample_deal_for, sample_indices};
    use crate::stress::{Defaults, Prepayments};

    /// Two values of a factor: the mean is the half of one run and the half of the other, rounded up, and each run is the one
    /// of the stress whose monthly rates are the conditional ones.
    #[test]
    fn two_nodes_by_hand() {
        let template = read_template("mortgage").expect("it comes with the crate");
        let tape = crate::sample_pool::tape(1, 200, &template);
        let schedule = Schedule::of_pool(&states(&tape).expect("loans"), 90).expect("it fits");
        let deal = sample_deal_for(schedule.balance + schedule.doubtful);
        let state = DealState::initial(&deal).expect("a deal");
        let indices = sample_indices();
        let correlation = Decimal::new(2, 1);
        let mut stress = Stress {
            defaults: Defaults::Cdr(vec![Decimal::from_int(4)]),
            prepayments: Prepayments::Cpr(vec![Decimal::from_int(6)]),
            severity: Decimal::from_int(60),
            recovery_lag: 12,
            age: 0,
            delinquency: None,
        };
        let grid = Factor {
            points: vec![
                (Interval::from_int(-2), CERTAIN / 2),
                (Interval::from_int(1), CERTAIN / 2),
            ],
        };
        let months = schedule.rows.len();
        let run_off = RunOff::new(&deal, &state, &indices, &schedule).expect("they fit");
        let expected = over_grid(&run_off, months, &stress, &correlation, &grid).expect("it runs");
        let times = DefaultTimes::new(&stress.default_rates(months).expect("rates"));
        let times = times.expect("rates");
        let runs = grid.points.iter().map(|(value, _)| {
            let rates = times.given(value, &correlation).expect("a correlation");
            // 10^-12 are 10^-10 percent.
            let percent = rates.iter().map(|r| Decimal::new((*r).into(), 10));
            stress.defaults = Defaults::Mdr(percent.collect());
            protect(&deal, &state, &indices, &schedule, &stress).expect("it runs")
        });
        let runs: Vec<_> = runs.collect();
        assert!(runs[0][0].principal_lost > Cents(0), "{runs:?}");
        for (i, loss) in expected.iter().enumerate() {
            let half = |a: Cents, b: Cents| (a + b).0.div_ceil(2);
            let principal = half(runs[0][i].principal_lost, runs[1][i].principal_lost);
            let interest = half(runs[0][i].interest_lost, runs[1][i].interest_lost);
            // The stress's rates are rounded up once more.
            assert!(
                loss.principal.0.abs_diff(principal) <= 100,
                "{loss:?} {principal}"
            );
            assert!(
                loss.interest.0.abs_diff(interest) <= 100,
                "{loss:?} {interest}"
            );
            let owed = i128::from(state.tranches[i].balance.0);
            let units = loss.part.rescale_exact(8).expect("eight decimals");
            assert!((units - 1) * owed < i128::from(loss.principal.0) * 100_000_000);
            assert!(units * owed >= i128::from(loss.principal.0 - 1) * 100_000_000);
        }
    }

    #[test]
    fn parts_are_rounded_up() {
        let text = |mean: u128, owed| part(mean, Cents(owed)).expect("it fits").to_string();
        assert_eq!(text(0, 0), "0.00000000");
        assert_eq!(text(1, u64::MAX), "0.00000001");
        assert_eq!(text(u128::from(CERTAIN) * 3, 4), "0.75000000");
        assert_eq!(text(u128::from(CERTAIN) * 3 + 1, 4), "0.75000001");
        let all = u128::from(CERTAIN) * u128::from(u64::MAX);
        assert_eq!(text(all, u64::MAX), "1.00000000");
    }
}
