//! The rows of a part's tables, and their sums.

use gadgets::sponge::QUAD;
use rayon::prelude::*;
use records::units::Ticks;
use stark::{F, Tally, Trace, fill};

use super::statement::PartTables;
use super::tables::funding::FundingRow;
use super::tables::holdings::HoldingRow;
use super::tables::premia::{Hidden, carried, receipt_quads};
use super::tables::states::{StateRow, StatesTable};
use crate::venues::commitments::quads;
use crate::venues::grid::{GROUP, Grid};
use crate::venues::tables::exponential::ExponentialTable;
use crate::venues::tables::groups::{GroupRow, add_up};
use crate::venues::tables::scenarios::{MAX_VENUES, ScenarioRow, worth_len};
use crate::venues::tables::value_of;

/// The liabilities of one venue.
pub(super) fn single(liability: Ticks) -> [i64; MAX_VENUES] {
    let mut liabilities = [0; MAX_VENUES];
    liabilities[0] = liability.0;
    liabilities
}

/// The rows of a part's tables that hold private data; those below are padding.
#[derive(Clone)]
pub(super) struct Rows {
    pub scenarios: Vec<ScenarioRow>,
    pub groups: Vec<GroupRow>,
    pub states: Vec<StateRow>,
    pub holdings: Vec<HoldingRow>,
    pub funding: Vec<FundingRow>,
}

impl Rows {
    /// Computes the sums of the scenarios and the groups.
    pub fn add_up(&mut self, blocks: usize, log_block: usize) {
        self.groups = add_up(&mut self.scenarios, blocks, log_block);
    }

    /// Computes the tilted worths of the last of so many blocks.
    pub fn add_up_holdings(&mut self, grid: &Grid, blocks: usize) {
        let (block, length) = (1 << grid.log_block, worth_len(grid.value_limbs));
        // Per group: what all but its last scenario add, the last one's tilted weight, and what it adds.
        let groups: Vec<(Vec<u64>, u64, Vec<u64>)> = self
            .scenarios
            .par_chunks_mut(GROUP)
            .enumerate()
            .map(|(g, rows)| {
                let mut sums = vec![0; (grid.markets + 1) * length];
                let mut last = Vec::new();
                for (i, row) in rows.iter_mut().enumerate() {
                    row.holdings.clone_from(&sums);
                    let scenario = (g * GROUP + i) % block;
                    last = row.holding_terms(grid, scenario);
                    if i + 1 < GROUP {
                        for (sum, term) in sums.iter_mut().zip(&last) {
                            *sum += term;
                        }
                    }
                }
                (sums, rows[GROUP - 1].tilted(), last)
            })
            .collect();
        let per_block = block / GROUP;
        self.holdings.clear();
        let mut totals = Vec::new();
        for series in 0..=grid.markets {
            let own = series * length..(series + 1) * length;
            let mut before = 0;
            for (sums, last_weight, last) in &groups[(blocks - 1) * per_block..blocks * per_block] {
                let after = before + value_of(&sums[own.clone()]) + value_of(&last[own.clone()]);
                self.holdings.push(HoldingRow {
                    before,
                    after,
                    coefficients: sums[own.clone()].to_vec(),
                    last_weight: *last_weight,
                });
                before = after;
            }
            totals.push(before);
        }
        let weights = self.states[self.states.len() - 1].weights;
        self.funding = (0..1 << stark::MIN_LOG_HEIGHT)
            .map(|row| FundingRow {
                worth: totals.get(row).copied().unwrap_or(0),
                tilted: totals[grid.markets],
                weights,
            })
            .collect();
    }

    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let [coarse, fine] = ExponentialTable::tallied();
        let tally = Tally::new(&[coarse, fine, tables.limbs.tallied()]);
        let scenarios = fill(&tables.scenarios, &airs[0], &tally, |row| {
            self.scenarios[row].clone()
        });
        let groups = fill(&tables.groups, &airs[1], &tally, |row| {
            self.groups.get(row).cloned().unwrap_or_default()
        });
        let last = self.states.len() - 1;
        let states = fill(&tables.states, &airs[2], &tally, |row| {
            let mut witness = self.states[row.min(last)].clone();
            if row > last {
                // The last state again, neither evaluated nor committed.
                witness.salt = Default::default();
                (witness.bound, witness.scale) = (0, 0);
                (witness.weights, witness.gains) = (0, 0);
                (witness.evar, witness.premia) = (witness.evar_after, witness.premia_after());
                witness.receipt_salt = Default::default();
            }
            witness
        });
        let holdings = tables.funding.as_ref().map(|(holdings, funding)| {
            let worths = fill(holdings, &airs[6], &tally, |row| {
                self.holdings.get(row).cloned().unwrap_or_default()
            });
            let rates = fill(funding, &airs[7], &tally, |row| self.funding[row].clone());
            [worths, rates]
        });
        let exponential = tables.exponential.trace(&airs[3], &tally);
        let limbs = tables.limbs.trace(&airs[4], &tally);
        let mut quads = self.quads(&tables.states);
        let sponge = tables.sponge.trace(&airs[5], &mut quads);
        let mut traces = vec![scenarios, groups, states, exponential, limbs, sponge];
        traces.extend(holdings.into_iter().flatten());
        traces
    }

    /// What is hashed: the first and the last state, and receipts.
    fn quads(&self, table: &StatesTable) -> Vec<[F; QUAD]> {
        let last = self.states.len() - 1;
        let carries = table.hidden.as_ref().map_or([false; 2], Hidden::carries);
        let mut all = Vec::new();
        for (i, row) in [&self.states[0], &self.states[last]]
            .into_iter()
            .enumerate()
        {
            all.extend(quads(&row.state, &row.salt, &table.listings[i]));
            all.extend(carries[i].then(|| carried(row.evar, row.premia)));
        }
        if table.hidden.is_some() {
            for (number, at) in table.numbered_changes() {
                let (row, step) = (&self.states[at], &table.steps[at]);
                let trade = step.market.map(|market| (market, step.price));
                let (salt, premium) = (&row.receipt_salt, row.premium());
                all.extend(receipt_quads(salt, number, trade, row.lots, premium));
            }
        }
        all
    }
}
