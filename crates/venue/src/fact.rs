//! What bears a venue's risk: two facts about a state.
//!
//! With a scenario's values `S` of a lot of each market, `Y = q . S - C` is what the venue owes its traders, over what they
//! paid. `P` is its own capital, `L` its providers', and `W` what it collected in the window, cash that is not in `P` yet.
//! `X = Y - P - L` is what it owes beyond its capital.
//!
//! ```text
//! funded     EVaR(max(X, 0)) <= W        the window's cash bears the risk of owing more than all capital
//! adequate   EVaR(Y) <= P + L + W        capital and the window's cash bear the risk of what traders are owed
//! adequate, without providers' capital   EVaR(Y) <= P + W
//! ```
//!
//! No amount counts twice: `P` and `L` stand on one side of each line only. Since `EVaR(Y) - P - L = EVaR(X)`, each fact says that
//! EVaR of some *losses* is at most `W`: of `max(X, 0)`, of `X`, or of `X + L`. And since `X <= max(X, 0)`, a funded venue is
//! adequate; one that has just moved its window's cash into capital can be adequate and not funded.

use std::fmt;

use fixed::Decimal;
use records::units::Ticks;
use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, Gains, Sums, Weight, budget, shifts};
use crate::evar::{Confidence, EvarError};
use crate::scenarios::ScenarioSet;
use crate::state::{VenueError, VenueState, gain};
use crate::systemic::wider;

/// A fact about a venue's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// EVaR of what is owed beyond all capital is at most the window's cash.
    Funded,
    /// EVaR of what traders are owed is at most both capitals and the window's cash.
    Adequate,
    /// As [`Adequate`](Self::Adequate), without providers' capital.
    AdequateWithoutProviders,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Funded, Self::Adequate, Self::AdequateWithoutProviders];

    /// Its name in files.
    pub fn key(self) -> &'static str {
        match self {
            Self::Funded => "funded",
            Self::Adequate => "adequate",
            Self::AdequateWithoutProviders => "adequate-without-providers",
        }
    }

    /// Whether a scenario in which less is owed than capital counts as one in which nothing is.
    pub fn cuts_at_zero(self) -> bool {
        self == Self::Funded
    }

    /// Whether providers' capital counts.
    pub fn counts_providers(self) -> bool {
        self != Self::AdequateWithoutProviders
    }

    /// The state with the capital that counts.
    #[must_use]
    pub fn counted(self, state: &VenueState) -> VenueState {
        let mut state = state.clone();
        if !self.counts_providers() {
            state.providers = Ticks(0);
        }
        state
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Funded => "funded",
            Self::Adequate => "adequate",
            Self::AdequateWithoutProviders => "adequate without providers' capital",
        })
    }
}

/// EVaR of a venue's losses, and what proves that it is at most a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Losses {
    /// What is owed beyond the capital that counts, in each scenario, not cut at zero.
    pub liabilities: Vec<Ticks>,
    /// EVaR of the losses, rounded up.
    pub evar: Ticks,
    /// What proves it: a bound that is EVaR, or zero if that is negative.
    pub certificate: Certificate,
    /// What the certificate's weights add up to. The weighted sum is that of the gains: what is owed, cut at zero.
    pub sums: Sums,
    cuts_at_zero: bool,
    /// What makes the least loss not negative.
    raised: u64,
}

impl Losses {
    /// The losses that a fact is about.
    ///
    /// # Errors
    /// If the state does not fit the set, an amount is too large, or no certificate fits.
    pub fn new(
        fact: Fact,
        state: &VenueState,
        set: &ScenarioSet,
        confidence: Confidence,
    ) -> Result<Self, VenueError> {
        let liabilities = fact.counted(state).liabilities(set)?;
        let cuts_at_zero = fact.cuts_at_zero();
        let loss = |x: &Ticks| if cuts_at_zero { x.0.max(0) } else { x.0 };
        let least = liabilities.iter().map(loss).min().unwrap_or(0);
        let raised = least.min(0).unsigned_abs();
        // Below 2^59.
        let shifted: Vec<u64> = liabilities
            .iter()
            .map(|x| loss(x).wrapping_add_unsigned(raised) as u64)
            .collect();
        let count = shifted.len();
        let shifted = Gains::over(set, shifted);
        let honest = Certificate::find(&shifted, confidence)?;
        let evar = i64::try_from(honest.evar_ticks()).map_err(|_| EvarError::Range)?;
        let evar = Ticks(evar.wrapping_sub_unsigned(raised));
        // A bound below zero is none that cash can be compared with: zero is one, too.
        let zero = u128::from(raised) << 20;
        let certificate = if honest.bound >= zero {
            honest
        } else {
            let budget = budget(count, confidence);
            wider(&honest, zero, budget, &shifted)
                .ok_or(VenueError::TooLarge("what is at stake, by far,"))?
        };
        let mut losses = Self {
            liabilities,
            evar,
            certificate: Certificate {
                bound: certificate.bound - zero,
                ..certificate
            },
            sums: Sums {
                weights: 0,
                gains: 0,
            },
            cuts_at_zero,
            raised,
        };
        losses.sums = losses.add_up(set).ok_or(EvarError::Range)?;
        Ok(losses)
    }

    /// How a scenario's weight comes about, by its liability and its [shift](crate::certificate::shifts). `None` if the
    /// certificate gives it none.
    pub fn weight(&self, liability: Ticks, shift: i64) -> Option<Weight> {
        let loss = if self.cuts_at_zero {
            liability.0.max(0)
        } else {
            liability.0
        };
        let shifted = Certificate {
            bound: self.certificate.bound + (u128::from(self.raised) << 20),
            ..self.certificate
        };
        shifted.weight(loss.wrapping_add_unsigned(self.raised) as u64, shift)
    }

    fn add_up(&self, set: &ScenarioSet) -> Option<Sums> {
        let shifts = shifts(&set.probabilities);
        let mut sums = Sums {
            weights: 0,
            gains: 0,
        };
        for (scenario, &liability) in self.liabilities.iter().enumerate() {
            let shift = shifts.get(scenario).copied().unwrap_or(0);
            let weight = u128::from(self.weight(liability, shift)?.weight);
            sums.weights += weight;
            sums.gains += weight * u128::from(gain(liability).0);
        }
        Some(sums)
    }

    /// Whether a fact holds of the state that these are the losses of.
    ///
    /// # Errors
    /// If it does not. `place` says which state this is.
    pub fn check(
        &self,
        fact: Fact,
        state: &VenueState,
        place: String,
        quote: &str,
    ) -> Result<(), Box<Unmet>> {
        let cash = state.collected.widen::<i128>();
        let evar = self.evar.widen();
        if evar <= cash {
            return Ok(());
        }
        let capital = match fact {
            Fact::Funded => Ticks(0),
            Fact::Adequate => state.capital.widen() + state.providers.widen(),
            Fact::AdequateWithoutProviders => state.capital.widen(),
        };
        Err(Box::new(Unmet {
            place,
            fact,
            evar: (evar + capital).to_quote(),
            means: (cash + capital).to_quote(),
            missing: (evar - cash).to_quote(),
            quote: quote.into(),
        }))
    }
}

/// A state of which a fact does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{place} the venue is not {fact}: EVaR of {} is {evar} {quote}, and {} {means} {quote}; {missing} {quote} are missing",
    .fact.losses(), .fact.means()
)]
pub struct Unmet {
    /// Which state.
    pub place: String,
    /// Which fact.
    pub fact: Fact,
    /// EVaR, rounded up.
    pub evar: Decimal,
    /// What should bear it.
    pub means: Decimal,
    /// The difference.
    pub missing: Decimal,
    /// The currency.
    pub quote: String,
}

impl Fact {
    /// What EVaR is taken of, in words.
    pub fn losses(self) -> &'static str {
        match self {
            Self::Funded => "what it may owe beyond all capital",
            Self::Adequate | Self::AdequateWithoutProviders => "what it may owe its traders",
        }
    }

    /// What bears it, in words, before the amount.
    fn means(self) -> &'static str {
        match self {
            Self::Funded => "the window's cash is",
            Self::Adequate => "capital, providers' capital and the window's cash are",
            Self::AdequateWithoutProviders => "capital and the window's cash are",
        }
    }
}
