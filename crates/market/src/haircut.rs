//! Tiered haircuts as exact integer functions.

use fixed::{Decimal, Rounding, mul_div};

use crate::snapshot::{Asset, SnapshotError, Tier};
use records::units::{MAX_AMOUNT, SUBTICKS_PER_TICK, TICK_DECIMALS};

/// A piece of a schedule: from `start` units on, the value is `base + rate * (amount - start)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First amount, in asset units.
    pub start: u64,
    /// Value at `start`, in subticks.
    pub base: u128,
    /// subticks per asset unit.
    pub rate: u64,
}

/// What an asset is worth, in subticks, as the proofs compute it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRates {
    /// Haircut schedules for loan, margin and portfolio collateral; empty if worth nothing.
    pub schedules: [Vec<Piece>; 3],
    /// subticks per unit of debt, rounded up.
    pub debt: u64,
    /// subticks per unit of equity without a haircut, rounded down.
    pub equity: u64,
}

/// subticks per asset unit at `percent` percent of the price.
fn rate(asset: &Asset, percent: &Decimal, rounding: Rounding) -> Option<u64> {
    let value = asset.price.checked_mul(percent).ok()?.normalized();
    // price * percent / 100 * 10^6 * 2^20 / 10^decimals
    let up = 10i128.pow(u32::from(TICK_DECIMALS)) * SUBTICKS_PER_TICK;
    let down = 10i128.checked_pow(u32::from(asset.decimals) + u32::from(value.scale()) + 2)?;
    let rate = mul_div(value.units(), up, down, rounding).ok()?;
    u64::try_from(rate).ok().filter(|r| *r < MAX_AMOUNT)
}

/// The rates of assets, in their order.
///
/// # Errors
/// As [`AssetRates::new`].
pub fn rates(assets: &[Asset]) -> Result<Vec<AssetRates>, SnapshotError> {
    assets.iter().map(AssetRates::new).collect()
}

impl AssetRates {
    /// The rates of an asset. Tier bounds and rates are rounded down, so that a value never exceeds
    /// the exact one. It falls short by less than `amount + rate` subticks, where `rate` is the first
    /// tier's subticks per unit: a floored rate loses less than one subtick a unit, and a floored bound less
    /// than one unit of the step between two rates, and these steps add up to the first rate.
    ///
    /// # Errors
    /// If the price is too large for the asset's decimals.
    pub fn new(asset: &Asset) -> Result<Self, SnapshotError> {
        let hundred = Decimal::from_int(100);
        let too_large = || {
            SnapshotError::new(
                format!("asset `{}`", asset.symbol),
                "its price is too large for its decimals; give it more decimals",
            )
        };
        let debt = rate(asset, &hundred, Rounding::Ceil).ok_or_else(too_large)?;
        let equity = rate(asset, &hundred, Rounding::Floor).ok_or_else(too_large)?;
        let [loan, margin, portfolio] = asset.haircuts.all();
        let schedule = |tiers: &[Tier]| pieces(asset, tiers).ok_or_else(too_large);
        let schedules = [schedule(loan)?, schedule(margin)?, schedule(portfolio)?];
        Ok(Self {
            schedules,
            debt,
            equity,
        })
    }
}

fn pieces(asset: &Asset, tiers: &[Tier]) -> Option<Vec<Piece>> {
    if asset.price.is_zero() {
        return Some(Vec::new());
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut start = 0u64;
    let zero = Tier {
        up_to: Decimal::ZERO,
        percent: Decimal::ZERO,
    };
    for tier in tiers.iter().chain([&zero]) {
        let rate = rate(asset, &tier.percent, Rounding::Floor)?;
        match pieces.last() {
            None if rate == 0 => {}
            Some(last) if last.rate == rate => {}
            Some(last) => {
                let base = last.base + u128::from(last.rate) * u128::from(start - last.start);
                if last.start == start {
                    // A tier narrower than a unit.
                    pieces.pop();
                }
                pieces.push(Piece { start, base, rate });
            }
            None => pieces.push(Piece {
                start,
                base: 0,
                rate,
            }),
        }
        // up_to / price, in asset units
        let end = tier
            .up_to
            .div(&asset.price, asset.decimals, Rounding::Floor)
            .ok()?
            .units();
        start = match u64::try_from(end) {
            Ok(end) if end < MAX_AMOUNT => end,
            // No amount reaches the next tier.
            _ => break,
        };
    }
    if pieces.first().is_some_and(|p| p.start != 0 || p.rate == 0) {
        pieces.clear();
    }
    Some(pieces)
}

/// The value of an amount, in subticks.
pub fn value(pieces: &[Piece], amount: u64) -> u128 {
    pieces
        .iter()
        .rev()
        .find(|p| p.start <= amount)
        .map_or(0, |p| {
            p.base + u128::from(p.rate) * u128::from(amount - p.start)
        })
}
