//! Tests of the systemic statement: what is true is accepted, what is false is not.

mod forged;
mod needed;
mod positive;

use std::collections::BTreeSet;
use std::sync::Arc;

use fixed::Decimal;
use stark::{
    Rejection, Statement, broken_alone, cell_test, security_report, verify, violated, violations,
};
use venue::evar::evar;
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;
use venue::systemic::SystemicError;

use super::statement::Tables;
use super::witness::Rows;
use super::*;
use crate::kit::Refusal;
use crate::testing::{confidence, expect_alone, secret_of};
use crate::venues::tables::scenarios::BlockState;

/// Venues that are long where others are short.
fn venues(set: &ScenarioSet, count: usize) -> Vec<Venue> {
    (0..count)
        .map(|i| {
            let mut state = venue::sample::state(set);
            for (market, quantity) in state.quantities.iter_mut().enumerate() {
                *quantity += records::units::Lots(40 * ((i + market) % 3) as i64 - 40);
            }
            state.capital.0 /= 1 + i as u64;
            Venue {
                state,
                secret: secret_of(char::from_digit(1 + i as u32 % 15, 16).expect("below 16")),
            }
        })
        .collect()
}

impl Prepared {
    fn rows(&self) -> Rows {
        self.witness.rows(self.context())
    }
}

fn prepared(markets: usize, scenarios: usize, count: usize) -> Prepared {
    let set = venue::sample::scenarios(5, markets, scenarios);
    let venues = venues(&set, count);
    Prepared::new(&set, venues, confidence(), None).expect("it is true")
}

fn ticks(amount: Decimal) -> i128 {
    amount
        .rescale_exact(records::units::TICK_DECIMALS)
        .expect("ticks")
}

/// What is wrong with the rows after a change, their sums computed anew.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = Tables::new(prepared.context());
    let mut rows = prepared.rows();
    change(&mut rows);
    rows.add_up(prepared.context().grid.log_block);
    violated(&tables.airs(), &rows.fill(&tables))
}

fn prepared_with(set: &ScenarioSet, bound: Option<i128>) -> Result<Prepared, Refusal> {
    let bound = bound.map(|ticks| Decimal::new(ticks, 6));
    Prepared::new(set, venues(set, 2), confidence(), bound)
}
