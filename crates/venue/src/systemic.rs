//! The risk of several venues together: EVaR of the sum of what each owes beyond its means. One venue's surplus pays for no
//! other's loss.

use fixed::Decimal;

use crate::certificate::{Certificate, Gains, MAX_GAIN, budget};
use crate::evar::Confidence;
use crate::scenarios::{ScenarioError, ScenarioSet};
use crate::state::{VenueError, VenueState, gain};
use records::units::{TICK_DECIMALS, Ticks};

/// Most venues.
pub const MAX_VENUES: usize = 16;

/// Why venues together have no risk, or more than a bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SystemicError {
    /// The scenario set is malformed.
    #[error("scenarios: {0}")]
    Scenarios(#[from] ScenarioError),
    /// Too many venues, or none.
    #[error("{0} venues; 1 to {MAX_VENUES} fit")]
    Venues(usize),
    /// A venue has no risk.
    #[error("venue {venue}: {error}")]
    Venue {
        /// From 1.
        venue: usize,
        /// What is wrong.
        error: VenueError,
    },
    /// The sum has no risk.
    #[error("the venues together: {0}")]
    Sum(VenueError),
    /// The bound is no amount of money.
    #[error("the bound is not a whole number of ticks below 2^58")]
    Bound,
    /// No certificate has the bound.
    #[error("the bound is too far above EVaR; claim a lower one")]
    TooFar,
    /// EVaR exceeds the bound.
    #[error(transparent)]
    TooRisky(Box<TooRisky>),
}

impl SystemicError {
    /// Whether all is well-formed, and EVaR exceeds the bound.
    pub fn is_false(&self) -> bool {
        matches!(self, Self::TooRisky(_))
    }
}

/// The EVaR of the venues' sum exceeds the bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "EVaR of the venues' losses together is {evar} {quote}, above the bound of {bound} {quote}"
)]
pub struct TooRisky {
    /// EVaR, rounded up.
    pub evar: Decimal,
    /// The bound.
    pub bound: Decimal,
    /// The currency.
    pub quote: String,
}

/// Venues whose EVaR together is at most a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// The liabilities of each venue in each scenario.
    pub liabilities: Vec<Vec<Ticks>>,
    /// EVaR of the sum, rounded up.
    pub evar: Decimal,
    /// The bound: at least EVaR.
    pub bound: Decimal,
    /// What proves the bound.
    pub certificate: Certificate,
}

/// A bound in whole ticks.
///
/// # Errors
/// If it is not a whole number of ticks below 2^58.
pub fn bound_ticks(bound: &Decimal) -> Result<Ticks<u64>, SystemicError> {
    bound
        .rescale_exact(TICK_DECIMALS)
        .ok()
        .and_then(|ticks| u64::try_from(ticks).ok())
        .filter(|&ticks| ticks < MAX_GAIN)
        .map(Ticks)
        .ok_or(SystemicError::Bound)
}

/// Whether EVaR of what venues owe together is at most `bound`; without one, the least bound that can be proven.
///
/// # Errors
/// If it exceeds the bound, a venue or the sum has no risk, or the bound is too far above it.
pub fn check<'a>(
    set: &ScenarioSet,
    venues: impl IntoIterator<Item = &'a VenueState>,
    confidence: Confidence,
    bound: Option<Decimal>,
) -> Result<Together, SystemicError> {
    set.validate()?;
    let liabilities = venues
        .into_iter()
        .enumerate()
        .map(|(i, state)| {
            let venue = i + 1;
            let liabilities = state.liabilities(set);
            liabilities.map_err(|error| SystemicError::Venue { venue, error })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if !(1..=MAX_VENUES).contains(&liabilities.len()) {
        return Err(SystemicError::Venues(liabilities.len()));
    }
    let too_large = SystemicError::Sum(VenueError::TooLarge("what they owe together"));
    let sum = |s: usize| liabilities.iter().map(|l| gain(l[s]).0).sum();
    let gains: Vec<u64> = (0..set.values.len()).map(sum).collect();
    if gains.iter().any(|&gain| gain >= MAX_GAIN) {
        return Err(too_large);
    }
    let gains = Gains::over(set, gains);
    let honest = Certificate::find(&gains, confidence).map_err(|e| SystemicError::Sum(e.into()))?;
    let evar = Ticks(honest.evar_ticks()).to_quote();
    let bound = bound.unwrap_or(evar);
    let most = u128::from(bound_ticks(&bound)?.0) << 20;
    if bound < evar {
        return Err(SystemicError::TooRisky(Box::new(TooRisky {
            evar,
            bound,
            quote: set.quote.clone(),
        })));
    }
    let budget = budget(set.values.len(), confidence);
    let certificate = wider(&honest, most, budget, &gains).ok_or(SystemicError::TooFar)?;
    Ok(Together {
        liabilities,
        evar,
        bound,
        certificate,
    })
}

/// The certificate with a bound, in subticks. Exponents must fit, so a bound far above EVaR needs a larger scale.
pub(crate) fn wider(
    honest: &Certificate,
    bound: u128,
    budget: u128,
    gains: &Gains,
) -> Option<Certificate> {
    let first = honest.scale.max(bound >> 25);
    (0..8).map(|i| first << i).find_map(|scale| {
        let certificate = Certificate { bound, scale };
        let sums = certificate.sums(gains)?;
        (sums.weights <= budget).then_some(certificate)
    })
}
