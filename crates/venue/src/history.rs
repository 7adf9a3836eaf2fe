//! Price histories: what scenario sets are made from.

use fixed::{Decimal, DomainError, Interval};
use sha3::{Digest, Sha3_256};

use crate::scenarios::MAX_MARKETS;
use records::date::LAST_MOMENT;

/// Most observations of a history.
pub const MAX_OBSERVATIONS: usize = 1 << 14;
/// A price is at most this many times the one before, or that one this many times it.
pub const MAX_RATIO: i64 = 64;

/// Prices of a few markets at a number of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceHistory {
    symbols: Vec<String>,
    /// Days since 1970.
    days: Vec<i64>,
    /// Per time, per market.
    prices: Vec<Vec<Decimal>>,
}

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Too few, or too many.
    #[error("{0} observations; there must be 3 to {MAX_OBSERVATIONS}")]
    Observations(usize),
    /// Too many markets, or none.
    #[error("{0} markets; there must be 1 to {MAX_MARKETS}")]
    Markets(usize),
    /// Two markets of one name.
    #[error("there are two markets `{}`", .0.escape_debug())]
    Duplicate(String),
    /// A name that cannot stand in a sentence.
    #[error("`{}` {NO_NAME}", .0.escape_debug(), NO_NAME = records::names::NO_NAME)]
    Name(String),
    /// A day that no price is of.
    #[error("observation {0} is not of a day between 1970-01-01 and 2099-12-31")]
    Day(usize),
    /// An observation is not as long as the list of markets, or not after the one before.
    #[error(
        "observation {0} does not have one price a market, or is not later than the one before"
    )]
    Shape(usize),
    /// A price is not positive, or absurd.
    #[error(
        "the price of `{symbol}` in observation {observation} is not positive, or more than {MAX_RATIO} times off the one before"
    )]
    Price {
        /// The market.
        symbol: String,
        /// From 0.
        observation: usize,
    },
}

impl PriceHistory {
    /// A history that was checked.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(
        symbols: Vec<String>,
        days: Vec<i64>,
        prices: Vec<Vec<Decimal>>,
    ) -> Result<Self, HistoryError> {
        if !(3..=MAX_OBSERVATIONS).contains(&prices.len()) || days.len() != prices.len() {
            return Err(HistoryError::Observations(prices.len()));
        }
        if !(1..=MAX_MARKETS).contains(&symbols.len()) {
            return Err(HistoryError::Markets(symbols.len()));
        }
        for (i, symbol) in symbols.iter().enumerate() {
            if !records::names::is_name(symbol) {
                return Err(HistoryError::Name(symbol.clone()));
            }
            if symbols[..i].contains(symbol) {
                return Err(HistoryError::Duplicate(symbol.clone()));
            }
        }
        let last_day = (LAST_MOMENT / 86_400_000) as i64;
        if let Some(t) = days.iter().position(|day| !(0..last_day).contains(day)) {
            return Err(HistoryError::Day(t));
        }
        for t in 0..prices.len() {
            if prices[t].len() != symbols.len() || (t > 0 && days[t] <= days[t - 1]) {
                return Err(HistoryError::Shape(t));
            }
            for (i, price) in prices[t].iter().enumerate() {
                let before = if t == 0 { price } else { &prices[t - 1][i] };
                if !sensible(before, price) {
                    return Err(HistoryError::Price {
                        symbol: symbols[i].clone(),
                        observation: t,
                    });
                }
            }
        }
        Ok(Self {
            symbols,
            days,
            prices,
        })
    }

    /// The markets' names.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Prices, per time and market.
    pub fn prices(&self) -> &[Vec<Decimal>] {
        &self.prices
    }

    /// Days since 1970, per time.
    pub fn days(&self) -> &[i64] {
        &self.days
    }

    /// The moment of the last prices, in milliseconds since 1970: the start of their day.
    pub fn as_of_ms(&self) -> u64 {
        let last = self.days.last().copied().unwrap_or(0);
        u64::try_from(last).unwrap_or(0) * 86_400_000
    }

    /// The last so many observations.
    ///
    /// # Errors
    /// If there are not as many, or too few.
    pub fn last(&self, count: usize) -> Result<Self, HistoryError> {
        let first = self.days.len().checked_sub(count);
        let first = first.filter(|_| count >= 3);
        let first = first.ok_or(HistoryError::Observations(count.min(self.days.len())))?;
        Ok(Self {
            symbols: self.symbols.clone(),
            days: self.days[first..].to_vec(),
            prices: self.prices[first..].to_vec(),
        })
    }

    /// SHA3-256 of the history, in hex: of the names, one a line, an empty line, and a line an observation of the day's
    /// number and the prices without trailing zeros, with spaces between.
    pub fn digest(&self) -> String {
        let mut text = self.symbols.join("\n") + "\n\n";
        for (day, prices) in self.days.iter().zip(&self.prices) {
            text += &day.to_string();
            for price in prices {
                text += &format!(" {}", price.normalized());
            }
            text.push('\n');
        }
        Sha3_256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Log returns over so many observations, in units of 2^-56: `ln(p[t + steps] / p[t])`, per time and market.
    ///
    /// # Errors
    /// If a price is out of range.
    pub fn log_returns(&self, steps: usize) -> Result<Vec<Vec<i128>>, DomainError> {
        let logs = self
            .prices
            .iter()
            .map(|prices| {
                let logs = prices.iter().map(|p| Interval::from_decimal(p)?.ln());
                logs.collect::<Result<Vec<_>, _>>()
            })
            .collect::<Result<Vec<_>, _>>()?;
        let between = |(from, to): (&Vec<Interval>, &Vec<Interval>)| {
            let pairs = to.iter().zip(from);
            pairs.map(|(b, a)| Ok(b.sub(a)?.center().lo())).collect()
        };
        logs.iter()
            .zip(logs.iter().skip(steps))
            .map(between)
            .collect()
    }
}

/// Whether both prices are positive and neither is more than [`MAX_RATIO`] times the other. A price has at least
/// 30 significant bits below the point, so that its logarithm is exact to 10^-9 at worst.
fn sensible(before: &Decimal, price: &Decimal) -> bool {
    let number = |p: &Decimal| Interval::from_decimal(p).ok().filter(|x| x.lo() >= 1 << 30);
    let (Some(a), Some(b)) = (number(before), number(price)) else {
        return false;
    };
    let within =
        |x: &Interval, y: &Interval| y.times(MAX_RATIO).is_ok_and(|most| x.hi() <= most.lo());
    within(&a, &b) && within(&b, &a)
}
