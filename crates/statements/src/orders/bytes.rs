//! An order as the bytes that a trader seals for the venue.
//!
//! ```text
//! account (8) | instrument (2) | nonce (4) | flags (1): quote 1, reduce only 2 | levels (1) |
//! per level: bid lots (4), bid limit (5), ask lots (4), ask limit (5) | session (2 times 4) | secret (8 times 4)
//! ```
//!
//! Numbers are little-endian. Every order has one text, and every text one commitment.

use gadgets::hash::Digest;
use market::auction::rule::MAX_PRICE;
use market::auction::{Ladder, Level, Quantity};
use market::book::MAX_LOTS;
use records::units::{Lots, MAX_AMOUNT, Ticks};
use stark::{F, PrimeField32, felt};

use super::batch::{Batch, LEVELS};
use super::opening::Opening;

/// Bytes that are no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no order")]
pub struct NoOrder;

impl Opening {
    /// Its bytes as an order of so many levels; missing levels are without lots.
    ///
    /// # Panics
    /// If it has more levels, or a number that does not fit its bytes.
    pub fn to_bytes(&self, levels: usize) -> Vec<u8> {
        assert!(self.ladder.0.len() <= levels, "at most {levels} levels");
        let mut bytes = Bytes(Vec::new());
        bytes.number(self.account, 8);
        bytes.number(self.instrument as u64, 2);
        bytes.number(self.nonce, 4);
        let flags = u64::from(self.quote) + 2 * u64::from(self.reduce_only);
        bytes.number(flags, 1);
        bytes.number(levels as u64, 1);
        for i in 0..levels {
            let Level { bid, ask } = self.ladder.0.get(i).copied().unwrap_or_default();
            for quantity in [bid, ask] {
                bytes.number(quantity.lots.0, 4);
                bytes.number(quantity.limit.0, 5);
            }
        }
        for element in self.session.iter().chain(&self.secret) {
            bytes.number(element.as_canonical_u32().into(), 4);
        }
        bytes.0
    }

    /// The order of so many levels with these bytes.
    ///
    /// # Errors
    /// If they are no order.
    pub fn from_bytes(bytes: &[u8], levels: usize) -> Result<Self, NoOrder> {
        let mut rest = Rest(bytes);
        let account = rest.below(8, MAX_AMOUNT)?;
        let instrument = rest.below(2, 1 << 10)? as usize;
        let nonce = rest.below(4, 1 << 30)?;
        let flags = rest.below(1, 4)?;
        if rest.below(1, 256)? != levels as u64 || !LEVELS.contains(&(levels as u32)) {
            return Err(NoOrder);
        }
        let mut ladder = Vec::with_capacity(levels);
        for _ in 0..levels {
            let [bid, ask] = [rest.quantity()?, rest.quantity()?];
            ladder.push(Level { bid, ask });
        }
        let session = [rest.element()?, rest.element()?];
        let mut secret = Digest::default();
        for element in &mut secret {
            *element = rest.element()?;
        }
        // One order for each text: no levels without lots at the end, but a first one.
        while ladder.len() > 1 && ladder.last() == Some(&Level::default()) {
            ladder.pop();
        }
        let opening = Self {
            account,
            instrument,
            nonce,
            quote: flags % 2 == 1,
            reduce_only: flags >= 2,
            ladder: Ladder(ladder),
            session,
            secret,
        };
        match rest.0.is_empty() {
            true => Ok(opening),
            false => Err(NoOrder),
        }
    }

    /// The order that these bytes reveal behind a commitment of a batch: one that must be cleared.
    pub fn revealed(bytes: &[u8], commitment: &Digest, batch: &Batch) -> Option<Self> {
        let levels = batch.levels as usize;
        let opening = Self::from_bytes(bytes, levels).ok()?;
        let [own, _] = opening.digests(levels);
        (own == *commitment && opening.check(batch).is_ok()).then_some(opening)
    }
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&mut self, value: u64, bytes: usize) {
        let all = value.to_le_bytes();
        let (low, high) = all.split_at(bytes);
        assert!(high.iter().all(|b| *b == 0), "a number fits its bytes");
        self.0.extend(low);
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn below(&mut self, bytes: usize, most: u64) -> Result<u64, NoOrder> {
        let (own, rest) = self.0.split_at_checked(bytes).ok_or(NoOrder)?;
        self.0 = rest;
        let add = |number, byte: &u8| (number << 8) + u64::from(*byte);
        let number = own.iter().rev().fold(0, add);
        if number < most {
            Ok(number)
        } else {
            Err(NoOrder)
        }
    }

    fn quantity(&mut self) -> Result<Quantity, NoOrder> {
        Ok(Quantity {
            lots: Lots(self.below(4, MAX_LOTS.0)?),
            limit: Ticks(self.below(5, MAX_PRICE)?),
        })
    }

    fn element(&mut self) -> Result<F, NoOrder> {
        self.below(4, stark::P.into()).map(felt)
    }
}

#[cfg(test)]
mod tests {
    use gadgets::hash::DIGEST;

    use super::*;

    fn opening() -> Opening {
        Opening {
            account: (1 << 60) - 1,
            instrument: 1023,
            nonce: (1 << 30) - 1,
            quote: true,
            reduce_only: true,
            ladder: Ladder::ask((1 << 30) - 1, (1 << 40) - 1),
            session: [felt(u64::from(stark::P) - 1), felt(5)],
            secret: [felt(7); DIGEST],
        }
    }

    #[test]
    fn bytes_are_read_back_and_every_order_has_one_text() {
        for levels in [1, 2, 4] {
            let one = opening();
            let bytes = one.to_bytes(levels);
            assert_eq!(Opening::from_bytes(&bytes, levels), Ok(one.clone()));
            for cut in 0..bytes.len() {
                assert_eq!(Opening::from_bytes(&bytes[..cut], levels), Err(NoOrder));
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert_eq!(Opening::from_bytes(&longer, levels), Err(NoOrder));
            // Every changed bit makes another commitment, or no order.
            for bit in 0..8 * bytes.len() {
                let mut other = bytes.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                if let Ok(other) = Opening::from_bytes(&other, levels) {
                    assert_ne!(other.digests(levels), one.digests(levels));
                }
            }
        }
        assert_eq!(Opening::from_bytes(&opening().to_bytes(1), 2), Err(NoOrder));
    }

    #[test]
    fn numbers_that_the_hash_could_read_as_others_are_no_order() {
        let bytes = opening().to_bytes(1);
        // Account, instrument, nonce, bid lots, an element of the secret: each as large as its bytes.
        for (at, len) in [(0, 8), (8, 2), (10, 4), (16, 4), (bytes.len() - 4, 4)] {
            let mut other = bytes.clone();
            other[at..at + len].fill(0xff);
            assert_eq!(Opening::from_bytes(&other, 1), Err(NoOrder));
        }
    }
}
