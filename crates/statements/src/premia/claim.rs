//! What a premia proof claims.

use fixed::Decimal;
use records::units::Lots;
use serde::{Deserialize, Serialize};
use venue::evar::Confidence;
use venue::fact::Fact;
use venue::scenarios::ScenarioSet;
use venue::state::Change;

use crate::account::PublicDigest;
use crate::nonce::Nonce;

/// A premia claim: all that a verifier learns. Amounts are in the quote currency, in whole ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PremiaClaim {
    /// The public scenarios, whole, so that the claim can be checked by itself.
    pub scenarios: ScenarioSet,
    /// SHA3-256 of their canonical JSON, in hex: what to compare with a set one trusts.
    pub scenarios_digest: String,
    /// How sure.
    pub confidence: Confidence,
    /// The venue's state before the first change (see [`commitment`](crate::venues::commitment)).
    pub before: PublicDigest,
    /// As of when, in milliseconds since 1970: the commitment binds it.
    pub as_of_ms: u64,
    /// Since when the window collected what that state has collected: the commitment binds it, too.
    pub collected_since_ms: u64,
    /// Its state after the last change; equal to `before` if there are none and the date is the same.
    pub after: PublicDigest,
    /// As of when, not before `as_of_ms`. The states between parts have this date too.
    pub until_ms: u64,
    /// The states between the parts of the proof.
    pub links: Vec<PublicDigest>,
    /// What is said of every state.
    pub shown: Shown,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// What a premia claim says of the states before and after each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Shown {
    /// The EVaR of `max(X, 0)` after every change, and the premia. This gives the sizes of the trades away, and with funding
    /// rates the inventory: see `STATEMENT.md`.
    Prices {
        /// EVaR before the first change: it lies in `[evar - tolerance, evar]`.
        evar: Decimal,
        /// How far below each stated EVaR the true one may lie.
        tolerance: Decimal,
        /// The trades and transfers, in order.
        changes: Vec<PricedChange>,
        /// Each market's funding rate in the last state: what a lot pays per day, rounded down to 10^-12 of the
        /// quote currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        funding: Option<Vec<Decimal>>,
    },
    /// The EVaR of `max(X, 0)` at both ends and the total of the premia, all on a grid; what each change paid is committed to,
    /// for its own trader to open with a [receipt](super::Receipt).
    Totals {
        /// EVaR before the first change, rounded up to a multiple of the grid.
        evar_before: Decimal,
        /// EVaR after the last change, rounded up to a multiple of the grid.
        evar_after: Decimal,
        /// The premia's total, rounded down to a multiple of the grid.
        premia: Decimal,
        /// The grid: whole ticks, and more than `tolerance`.
        grid: Decimal,
        /// How far below the hidden EVaR of each state the true one may lie.
        tolerance: Decimal,
        /// The trades, without their sizes, and the transfers, in order.
        changes: Vec<PublicChange>,
        /// A commitment to the size and the premium of each.
        receipts: Vec<PublicDigest>,
        /// Each market's funding rate in the last state: what a lot pays per day, rounded down to a multiple of the market's
        /// [step](venue::premia::rate_step).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        funding: Option<Vec<Decimal>>,
    },
    /// Only that a fact holds of every state.
    Fact {
        /// Which.
        fact: Fact,
        /// The trades, transfers and rolls, in order. No premia are collected.
        changes: Vec<PublicChange>,
    },
}

impl PremiaClaim {
    /// Since when the window collected what the last state has collected: since its last roll, if there is one.
    pub fn until_since_ms(&self) -> u64 {
        let changes = self.shown.each_change().into_iter().rev();
        let mut rolls = changes.filter_map(|change| match change {
            PublicChange::Roll { at_ms } => Some(*at_ms),
            _ => None,
        });
        rolls.next().unwrap_or(self.collected_since_ms)
    }

    /// Whether its dates follow each other: each window ends after it starts, and within the claim.
    pub(super) fn check_dates(&self) -> Result<(), String> {
        if self.until_ms < self.as_of_ms {
            return Err("the last state is older than the first one".into());
        }
        if self.collected_since_ms > self.as_of_ms {
            return Err("the window starts after the first state".into());
        }
        let mut since = self.collected_since_ms;
        for change in self.shown.each_change() {
            if let PublicChange::Roll { at_ms } = *change {
                if at_ms <= since || !(self.as_of_ms..=self.until_ms).contains(&at_ms) {
                    return Err("a window rolls before it starts, or outside of the claim".into());
                }
                since = at_ms;
            }
        }
        Ok(())
    }
}

impl Shown {
    /// The stated funding rates.
    pub fn funding(&self) -> Option<&[Decimal]> {
        match self {
            Self::Prices { funding, .. } | Self::Totals { funding, .. } => funding.as_deref(),
            Self::Fact { .. } => None,
        }
    }

    /// The changes, in order.
    pub fn each_change(&self) -> Vec<&PublicChange> {
        match self {
            Self::Prices { changes, .. } => changes.iter().map(|c| &c.change).collect(),
            Self::Totals { changes, .. } | Self::Fact { changes, .. } => changes.iter().collect(),
        }
    }

    /// How many changes there are.
    pub fn changes(&self) -> usize {
        match self {
            Self::Prices { changes, .. } => changes.len(),
            Self::Totals { changes, .. } | Self::Fact { changes, .. } => changes.len(),
        }
    }
}

/// What is public of a change of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum PublicChange {
    /// A trade.
    Trade {
        /// The market's number in the scenario set.
        market: u32,
        /// What a lot cost.
        price: Decimal,
        /// What the trader bought; negative if they sold; absent if it stays private.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lots: Option<Lots<i64>>,
    },
    /// Money that comes in, or goes out where it is negative.
    Transfer {
        /// The venue's own.
        capital: Decimal,
        /// Liquidity providers'.
        providers: Decimal,
        /// Collected premia and funding: negative where funding is paid out.
        collected: Decimal,
    },
    /// All that the window collected moves into capital, and the next window starts.
    Roll {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
}

/// What is public of a change, with a trade's size or without it.
pub(super) fn public(change: &Change, show_lots: bool) -> PublicChange {
    match change {
        Change::Trade(trade) => PublicChange::Trade {
            market: trade.market as u32,
            price: trade.price.to_quote(),
            lots: show_lots.then_some(trade.lots),
        },
        Change::Transfer(transfer) => PublicChange::Transfer {
            capital: transfer.capital.to_quote(),
            providers: transfer.providers.to_quote(),
            collected: transfer.collected.to_quote(),
        },
        Change::Roll { at_ms } => PublicChange::Roll { at_ms: *at_ms },
    }
}

/// A change and its premium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricedChange {
    /// The change.
    pub change: PublicChange,
    /// EVaR after it.
    pub evar: Decimal,
    /// The premium: what EVaR rose by, or zero. Collected by the venue.
    pub premium: Decimal,
}
