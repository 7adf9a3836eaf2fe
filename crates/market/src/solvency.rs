//! Is a book solvent?
//!
//! Liabilities per asset are `sum over accounts of max(equity - debt, 0)`: what an account owes in an
//! asset reduces what it is owed in the same asset, never what others are owed. So no worthless
//! collateral of one account can offset a claim of another. Debts must be covered by the haircut
//! value of what the account pledged.

use fixed::Decimal;

use crate::book::Account;
use crate::haircut::{AssetRates, value};
use crate::snapshot::Asset;
use records::units::{SUBTICKS_PER_TICK, Subticks};

/// Totals of one asset, in asset units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetTotals {
    /// The sum of equity.
    pub equity: u128,
    /// The sum of debt.
    pub debt: u128,
    /// The sum of `max(equity - debt, 0)`.
    pub liabilities: u128,
}

/// One account's cover, in subticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Haircut value of its pledges.
    pub collateral: u128,
    /// Value of its debts.
    pub debts: u128,
    /// Value of its equity without haircuts, rounded down.
    pub equity: u128,
}

impl Cover {
    /// Whether debts are covered.
    pub fn is_covered(&self) -> bool {
        self.collateral >= self.debts
    }
    /// Negative equity in ticks, rounded up; zero if equity is not negative.
    pub fn negative_equity_ticks(&self) -> u128 {
        self.debts
            .saturating_sub(self.equity)
            .div_ceil(SUBTICKS_PER_TICK as u128)
    }
}

/// The cover of an account; exactly the arithmetic of the proof.
pub fn cover(rates: &[AssetRates], account: &Account) -> Cover {
    let mut cover = Cover {
        collateral: 0,
        debts: 0,
        equity: 0,
    };
    for (asset, balance) in account.balances.held() {
        let rates = &rates[asset];
        for (pieces, pledge) in rates.schedules.iter().zip(balance.pledges()) {
            cover.collateral += value(pieces, pledge);
        }
        cover.debts += u128::from(balance.debt) * u128::from(rates.debt);
        cover.equity += u128::from(balance.equity) * u128::from(rates.equity);
    }
    cover
}

/// What a book adds up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SolvencyResult {
    /// Per asset.
    pub totals: Vec<AssetTotals>,
    /// Accounts whose debts are not covered.
    pub uncovered: Vec<Uncovered>,
    /// The sum of negative equity of uncovered accounts, in ticks; each rounded up.
    pub negative_equity_ticks: u128,
}

/// An account whose debts are not covered by its haircut collateral.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "account `{account}` owes {debts} against collateral worth {collateral} after haircuts: \
     {shortfall} is not covered"
)]
pub struct Uncovered {
    /// The account.
    pub account: String,
    /// Haircut value of its pledges, in the quote currency.
    pub collateral: Decimal,
    /// Value of its debts.
    pub debts: Decimal,
    /// What is missing.
    pub shortfall: Decimal,
}

/// Adds up accounts.
pub fn evaluate<'a>(
    rates: &[AssetRates],
    accounts: impl IntoIterator<Item = &'a Account>,
) -> SolvencyResult {
    let mut result = SolvencyResult {
        totals: vec![AssetTotals::default(); rates.len()],
        ..SolvencyResult::default()
    };
    for account in accounts {
        for (asset, balance) in account.balances.held() {
            let total = &mut result.totals[asset];
            total.equity += u128::from(balance.equity);
            total.debt += u128::from(balance.debt);
            total.liabilities += u128::from(balance.equity.saturating_sub(balance.debt));
        }
        let cover = cover(rates, account);
        if !cover.is_covered() {
            result.negative_equity_ticks += cover.negative_equity_ticks();
            result.uncovered.push(Uncovered {
                account: account.id.clone(),
                collateral: Subticks(cover.collateral as i128).to_quote(),
                debts: Subticks(cover.debts as i128).to_quote(),
                shortfall: Subticks((cover.debts - cover.collateral) as i128).to_quote(),
            });
        }
    }
    result
}

/// Reserves that do not reach liabilities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reserves of {asset} are {reserves}, {gap} short of liabilities of {liabilities}")]
pub struct Insolvent {
    /// The asset.
    pub asset: String,
    /// What there is.
    pub reserves: Decimal,
    /// What is owed.
    pub liabilities: Decimal,
    /// The difference.
    pub gap: Decimal,
}

/// An amount of asset units as a decimal.
pub fn amount(asset: &Asset, units: u128) -> Decimal {
    Decimal::new(units as i128, asset.decimals)
}

/// Why a book is not solvent in the way that was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSolvent {
    /// Reserves fall short.
    #[error(transparent)]
    Insolvent(Box<Insolvent>),
    /// Debts are not covered.
    #[error("{0} account(s) have debts that are not covered; the first: {1}")]
    Uncovered(usize, Box<Uncovered>),
}

impl SolvencyResult {
    /// Whether all debts are covered, if that is required, and reserves, in asset units, reach liabilities. An asset without
    /// a reserve has none.
    ///
    /// # Errors
    /// Names the first account that is not covered, or the first asset whose reserves fall short.
    pub fn check(
        &self,
        assets: &[Asset],
        reserves: Option<&[u128]>,
        require_covered: bool,
    ) -> Result<(), NotSolvent> {
        if let (true, Some(first)) = (require_covered, self.uncovered.first()) {
            let count = self.uncovered.len();
            return Err(NotSolvent::Uncovered(count, Box::new(first.clone())));
        }
        let Some(reserves) = reserves else {
            return Ok(());
        };
        let reserves = reserves.iter().copied().chain(std::iter::repeat(0));
        for ((asset, total), reserve) in assets.iter().zip(&self.totals).zip(reserves) {
            if reserve < total.liabilities {
                return Err(NotSolvent::Insolvent(Box::new(Insolvent {
                    asset: asset.symbol.clone(),
                    reserves: amount(asset, reserve),
                    liabilities: amount(asset, total.liabilities),
                    gap: amount(asset, total.liabilities - reserve),
                })));
            }
        }
        Ok(())
    }
}
