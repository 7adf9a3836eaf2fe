//! What a firm keeps private: accounts with balances and positions.

use std::collections::HashSet;

use records::units::{Lots, MAX_AMOUNT};
use serde::{Deserialize, Serialize};

use crate::balances::Balances;
use crate::snapshot::Snapshot;

/// Positions are below this many lots.
pub const MAX_LOTS: Lots = Lots(1 << 30);

/// Long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Bought.
    Long,
    /// Sold.
    Short,
}

impl Side {
    /// Where its numbers stand in a pair: 0 for long, 1 for short.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What an account has of one asset, in units of `10^-decimals`, each below 2^60.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What the account owns, pledged amounts included.
    pub equity: u64,
    /// What it owes.
    pub debt: u64,
    /// Pledged as collateral for loans.
    pub loan: u64,
    /// Pledged as collateral for margin trading.
    pub margin: u64,
    /// Pledged as collateral for portfolio margin.
    pub portfolio: u64,
}

impl Balance {
    /// All five amounts, in the order of the fields.
    pub fn amounts(&self) -> [u64; 5] {
        [
            self.equity,
            self.debt,
            self.loan,
            self.margin,
            self.portfolio,
        ]
    }

    /// The three pledges.
    pub fn pledges(&self) -> [u64; 3] {
        [self.loan, self.margin, self.portfolio]
    }
}

/// A position in one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Index of the instrument in the snapshot.
    pub instrument: usize,
    /// Long or short.
    pub side: Side,
    /// Quantity, `1 .. 2^30` lots.
    pub lots: Lots,
    /// What the whole position was entered at, below 2^60: in ticks for linear instruments, in
    /// 10^-8 of the settlement coin for inverse ones.
    pub entry: u64,
}

/// One account. Balances stand in the order of the snapshot's assets, positions in the order of
/// their instruments, at most one per instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id.
    pub id: String,
    /// One balance per asset.
    pub balances: Balances,
    /// The positions.
    pub positions: Vec<Position>,
}

/// An account that does not fit its snapshot or a bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account `{account}`: {problem}")]
pub struct AccountError {
    /// The account.
    pub account: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl Account {
    /// Checks all that the other functions of this crate and the proofs rely on. The accounts of a [`Book`] pass.
    ///
    /// # Errors
    /// Names the first thing that is wrong.
    pub fn validate(&self, snapshot: &Snapshot) -> Result<(), AccountError> {
        let fail = |problem: String| {
            Err(AccountError {
                account: self.id.clone(),
                problem,
            })
        };
        if !records::names::is_id(&self.id) {
            return fail(format!("its id {}", records::names::NO_ID));
        }
        let assets = &snapshot.assets;
        if self.balances.len() != assets.len() {
            return fail(format!(
                "has {} balances where the snapshot has {} assets; give one balance per asset",
                self.balances.len(),
                assets.len()
            ));
        }
        for (asset, b) in self.balances.held() {
            let asset = &assets[asset];
            if b.equity >= MAX_AMOUNT || b.debt >= MAX_AMOUNT {
                return fail(format!(
                    "its {} is too large: amounts must be below {MAX_AMOUNT} units of 10^-{}",
                    asset.symbol, asset.decimals
                ));
            }
            if b.debt > 0 && asset.price.is_zero() {
                return fail(format!(
                    "owes {}, which has no price, so no collateral can be compared with it; give it a price",
                    asset.symbol
                ));
            }
            if b.pledges().into_iter().map(u128::from).sum::<u128>() > u128::from(b.equity) {
                return fail(format!(
                    "pledges more {} than it has; lower a pledge",
                    asset.symbol
                ));
            }
        }
        for p in &self.positions {
            let Some(instrument) = snapshot.instruments.get(p.instrument) else {
                return fail(format!(
                    "has a position in instrument number {}, which the snapshot does not have",
                    p.instrument
                ));
            };
            if p.lots == Lots(0) || p.lots >= MAX_LOTS || p.entry >= MAX_AMOUNT {
                return fail(format!(
                    "its position in {} needs between 1 and {} lots and an entry below {MAX_AMOUNT}",
                    instrument.symbol,
                    MAX_LOTS - Lots(1)
                ));
            }
        }
        if !self
            .positions
            .is_sorted_by(|a, b| a.instrument < b.instrument)
        {
            return fail(
                "its positions must stand in the order of instruments, one per instrument".into(),
            );
        }
        Ok(())
    }
}

/// Accounts with distinct ids that fit a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    accounts: Vec<Account>,
}

impl Book {
    /// A book over a snapshot: here all accounts are checked, wherever they come from.
    ///
    /// # Errors
    /// If an account does not fit the snapshot, or two share an id.
    pub fn new(snapshot: &Snapshot, accounts: Vec<Account>) -> Result<Self, AccountError> {
        let mut seen = HashSet::with_capacity(accounts.len());
        for account in &accounts {
            account.validate(snapshot)?;
            if !seen.insert(account.id.as_str()) {
                return Err(AccountError {
                    account: account.id.clone(),
                    problem: "stands twice in the book".into(),
                });
            }
        }
        Ok(Self { accounts })
    }

    /// The accounts.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The account with this id.
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|a| a.id == id)
    }
}
