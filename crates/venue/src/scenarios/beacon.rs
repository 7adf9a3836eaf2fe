//! Where the seed of random scenarios comes from.
//!
//! Whoever may choose a seed may try many, and keep the one with the least risk. A public beacon gives everyone the same number
//! at a time that is known before: the seed is a hash of the first round after the moment of the prices, and a delay. What is
//! made of it must stand before: the *policy* says method, number of scenarios, window of the history, lots, horizon and
//! beacon, and its digest can be published any time before. The seed is SHA3-256, in hex, of the lines
//!
//! ```text
//! sealbook scenarios seed 1
//! network
//! round
//! value
//! the policy's digest
//! the prices' digest
//! ```
//!
//! That the value is the beacon's of that round is not checked here: whoever doubts it asks the beacon.

use fixed::Decimal;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256};

use super::mixture::Shocks;
use super::recipe::{Forecast, RecipeError, Setting};
use crate::history::PriceHistory;

/// Where a seed comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Seed {
    /// Whoever made the scenarios chose it.
    Plain {
        /// Any text.
        text: String,
    },
    /// From a public beacon.
    Beacon(Beacon),
}

/// A beacon, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// Which beacon, and when it speaks.
    pub schedule: Schedule,
    /// The round: the first after the moment of the prices and the delay.
    pub round: u64,
    /// What the beacon said in this round: 64 lowercase hexadecimal digits.
    pub value: String,
}

/// When a beacon speaks, and which round a policy takes. In milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The beacon's name.
    pub network: String,
    /// When round 1 was, since 1970.
    pub genesis_ms: u64,
    /// How far apart rounds are.
    pub period_ms: u64,
    /// How long after the prices the round is at least.
    pub delay_ms: u64,
}

impl Schedule {
    /// The first round after this moment and the delay; none before the beacon's first.
    pub fn round_after(&self, as_of_ms: u64) -> Option<u64> {
        let moment = as_of_ms.checked_add(self.delay_ms)?;
        let since = moment.checked_sub(self.genesis_ms)?;
        Some(since.checked_div(self.period_ms)? + 2)
    }
}

/// All that is fixed before the prices are known, but for names and numbers that follow from them.
#[derive(Serialize)]
struct Policy<'a> {
    steps: u32,
    forecast: &'a Forecast,
    shocks: &'a Shocks,
    scenarios: u32,
    window: u32,
    markets: &'a [String],
    lots: Vec<Decimal>,
    quote: &'a str,
    horizon_days: Decimal,
    schedule: &'a Schedule,
}

/// How scenarios are drawn, but for the seed.
#[derive(Clone, Copy, Debug)]
pub struct Draws<'a> {
    /// Observations ahead.
    pub steps: u32,
    /// The forecast; numbers that were fitted to prices are no part of a policy.
    pub forecast: &'a Forecast,
    /// The shocks.
    pub shocks: &'a Shocks,
    /// How many.
    pub scenarios: u32,
    /// Observations of the history.
    pub window: u32,
}

/// The digest of a policy, in hex: SHA3-256 of its JSON, in the order of [`Draws`], then markets, lots, quote, horizon and
/// schedule, without trailing zeros.
pub fn policy_digest(
    draws: Draws,
    markets: &[String],
    setting: &Setting,
    schedule: &Schedule,
) -> String {
    let policy = Policy {
        steps: draws.steps,
        forecast: &draws.forecast.unfitted(),
        shocks: draws.shocks,
        scenarios: draws.scenarios,
        window: draws.window,
        markets,
        lots: setting.lots.iter().map(Decimal::normalized).collect(),
        quote: &setting.quote,
        horizon_days: setting.horizon_days.normalized(),
        schedule,
    };
    hex(&serde_json::to_string(&policy).expect("plain data"))
}

fn hex(text: &str) -> String {
    let digest = Sha3_256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Seed {
    /// Checks a seed by itself.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn validate(&self) -> Result<(), RecipeError> {
        let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        let text = match self {
            Self::Plain { text } if text.len() > super::recipe::MAX_TEXT => {
                "a seed must be at most 1,024 bytes long"
            }
            Self::Plain { .. } => return Ok(()),
            Self::Beacon(Beacon { value, .. })
                if value.len() != 64 || !value.chars().all(digit) =>
            {
                "a beacon's value must be 64 lowercase hexadecimal digits"
            }
            Self::Beacon(Beacon { schedule, .. })
                if !records::names::is_name(&schedule.network) =>
            {
                "a beacon's network must be a name"
            }
            Self::Beacon(Beacon { schedule, .. }) if schedule.period_ms == 0 => {
                "a beacon's rounds must be some time apart"
            }
            Self::Beacon(_) => return Ok(()),
        };
        Err(RecipeError::Text(text))
    }

    /// The text that the generator starts from.
    ///
    /// # Errors
    /// If the round is not the one that the policy takes.
    pub(super) fn text(
        &self,
        draws: Draws,
        history: &PriceHistory,
        setting: &Setting,
    ) -> Result<String, RecipeError> {
        let Beacon {
            schedule,
            round,
            value,
        } = match self {
            Self::Plain { text } => return Ok(text.clone()),
            Self::Beacon(beacon) => beacon,
        };
        let expected = schedule.round_after(history.as_of_ms());
        if expected != Some(*round) {
            return Err(RecipeError::Round {
                expected: expected.map_or("none".into(), |round| round.to_string()),
                found: *round,
            });
        }
        let policy = policy_digest(draws, history.symbols(), setting, schedule);
        let lines = [
            "sealbook scenarios seed 1",
            &schedule.network,
            &round.to_string(),
            value,
            &policy,
            &history.digest(),
        ];
        Ok(hex(&lines.join("\n")))
    }
}
