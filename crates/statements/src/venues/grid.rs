//! The public numbers of a scenario set, as the tables see them.

use std::sync::Arc;

use gadgets::limbs::limbs_of;
use stark::MIN_LOG_HEIGHT;
use venue::certificate::shifts;
use venue::scenarios::ScenarioSet;

/// Scenario rows whose sums are added up without normalizing.
pub(crate) const GROUP: usize = 64;

/// The values of a scenario set, limb by limb. The last scenario is repeated to fill a block.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    limbs: Arc<Vec<u16>>,
    /// One a scenario, if they have probabilities of their own.
    shifts: Arc<Vec<i64>>,
    /// Markets.
    pub markets: usize,
    /// Limbs of a value.
    pub value_limbs: usize,
    /// Scenarios.
    pub scenarios: usize,
    /// log2 of a block's rows.
    pub log_block: usize,
}

/// log2 of the rows of a state's scenarios.
pub(crate) fn log_block(scenarios: usize) -> usize {
    (scenarios.next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
}

impl Grid {
    /// The numbers of a set that was validated.
    pub fn new(set: &ScenarioSet) -> Self {
        let scenarios = set.values.len();
        let log_block = log_block(scenarios);
        let most = set.values.iter().flatten().copied().max().unwrap_or(0);
        let value_limbs = limbs_of(most.into()).len().max(1);
        let mut limbs = Vec::with_capacity((set.markets.len() * value_limbs) << log_block);
        for s in 0..1 << log_block {
            for &value in &set.values[s.min(scenarios - 1)] {
                limbs.extend((0..value_limbs).map(|i| (value >> (10 * i)) as u16 % 1024));
            }
        }
        Self {
            limbs: Arc::new(limbs),
            shifts: Arc::new(shifts(&set.probabilities)),
            markets: set.markets.len(),
            value_limbs,
            scenarios,
            log_block,
        }
    }

    /// Whether scenarios have probabilities of their own.
    pub fn is_weighted(&self) -> bool {
        !self.shifts.is_empty()
    }

    /// What is added to the exponent of a row's weight in a block; those behind the last scenario repeat it.
    pub fn shift(&self, scenario: usize) -> i64 {
        let last = self.scenarios - 1;
        self.shifts.get(scenario.min(last)).copied().unwrap_or(0)
    }

    /// A limb of what a lot of a market is worth in a scenario.
    pub fn limb(&self, scenario: usize, market: usize, index: usize) -> u64 {
        let at = (scenario * self.markets + market) * self.value_limbs + index;
        self.limbs[at].into()
    }
}
