//! What a trader seals for the venue: an order, and the way from its secret to the account's root, as bytes.
//!
//! ```text
//! account (8) | instrument (2) | nonce (4) | flags (1): quote 1, reduce only 2 | levels (1) |
//! per level: bid lots (4), bid limit (5), ask lots (4), ask limit (5) | batch (4) | venue (4) | secret (32) | siblings (16 times 32)
//! ```
//!
//! Numbers are little-endian, elements of digests four bytes each, and every order has one text.

use gadgets::hash::{DIGEST, Digest};
use market::auction::{Ladder, Level, Quantity};
use records::units::{Lots, Ticks};
use stark::{F, PrimeField32, felt};

use super::batch::LEVELS;
use super::opening::Opening;
use crate::owner::{LOG_SECRETS, OneTimePath, one_time};

/// An order, and the way from its secret to the account's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revealed {
    /// The order.
    pub opening: Opening,
    /// The siblings on the way from the secret's digest to the account's root, lowest first: [`LOG_SECRETS`] of them.
    pub siblings: Vec<Digest>,
}

/// Bytes that are no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no order")]
pub struct NoOrder;

impl Revealed {
    /// The way of the secret.
    pub fn path(&self) -> OneTimePath {
        OneTimePath {
            digest: one_time(&self.opening.secret),
            siblings: self.siblings.clone(),
        }
    }

    /// Its bytes as an order of so many levels; missing levels are without lots.
    ///
    /// # Panics
    /// If it has more levels, or a number that does not fit its bytes.
    pub fn to_bytes(&self, levels: usize) -> Vec<u8> {
        let opening = &self.opening;
        assert!(opening.ladder.0.len() <= levels, "at most {levels} levels");
        let mut bytes = Bytes(Vec::new());
        bytes.number(opening.account, 8);
        bytes.number(opening.instrument as u64, 2);
        bytes.number(opening.nonce, 4);
        let flags = u64::from(opening.quote) + 2 * u64::from(opening.reduce_only);
        bytes.number(flags, 1);
        bytes.number(levels as u64, 1);
        for i in 0..levels {
            let Level { bid, ask } = opening.ladder.0.get(i).copied().unwrap_or_default();
            for quantity in [bid, ask] {
                bytes.number(quantity.lots.0, 4);
                bytes.number(quantity.limit.0, 5);
            }
        }
        bytes.number(opening.batch, 4);
        bytes.number(opening.venue.as_canonical_u32().into(), 4);
        for digest in std::iter::once(&opening.secret).chain(&self.siblings) {
            for element in digest {
                bytes.number(element.as_canonical_u32().into(), 4);
            }
        }
        bytes.0
    }

    /// The order of so many levels with these bytes.
    ///
    /// # Errors
    /// If they are no order.
    pub fn from_bytes(bytes: &[u8], levels: usize) -> Result<Self, NoOrder> {
        let mut rest = Rest(bytes);
        let account = rest.number(8)?;
        let instrument = rest.number(2)? as usize;
        let nonce = rest.number(4)?;
        let flags = rest.number(1)?;
        if flags > 3 || rest.number(1)? != levels as u64 || !LEVELS.contains(&(levels as u32)) {
            return Err(NoOrder);
        }
        let mut ladder = Vec::with_capacity(levels);
        for _ in 0..levels {
            let [bid, ask] = [rest.quantity()?, rest.quantity()?];
            ladder.push(Level { bid, ask });
        }
        let (batch, venue) = (rest.number(4)?, rest.element()?);
        let secret = rest.digest()?;
        let siblings = (0..LOG_SECRETS).map(|_| rest.digest());
        let siblings = siblings.collect::<Result<_, _>>()?;
        // One text for each order: no levels without lots at the end, but a first one.
        while ladder.len() > 1 && ladder.last() == Some(&Level::default()) {
            ladder.pop();
        }
        let revealed = Self {
            opening: Opening {
                account,
                instrument,
                nonce,
                quote: flags % 2 == 1,
                reduce_only: flags >= 2,
                ladder: Ladder(ladder),
                batch,
                venue,
                secret,
            },
            siblings,
        };
        match rest.0.is_empty() {
            true => Ok(revealed),
            false => Err(NoOrder),
        }
    }

    /// Whether bytes are the order of so many levels that has this commitment.
    pub fn has_commitment(bytes: &[u8], levels: usize, commitment: &Digest) -> bool {
        Self::from_bytes(bytes, levels).is_ok_and(|r| {
            let [own, _] = r.opening.digests(levels);
            own == *commitment
        })
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
    fn number(&mut self, bytes: usize) -> Result<u64, NoOrder> {
        let (own, rest) = self.0.split_at_checked(bytes).ok_or(NoOrder)?;
        self.0 = rest;
        let add = |number, byte: &u8| (number << 8) + u64::from(*byte);
        Ok(own.iter().rev().fold(0, add))
    }

    fn quantity(&mut self) -> Result<Quantity, NoOrder> {
        Ok(Quantity {
            lots: Lots(self.number(4)?),
            limit: Ticks(self.number(5)?),
        })
    }

    fn element(&mut self) -> Result<F, NoOrder> {
        match self.number(4)? {
            value if value < u64::from(stark::P) => Ok(felt(value)),
            _ => Err(NoOrder),
        }
    }

    fn digest(&mut self) -> Result<Digest, NoOrder> {
        let mut digest = [F::default(); DIGEST];
        for element in &mut digest {
            *element = self.element()?;
        }
        Ok(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revealed() -> Revealed {
        Revealed {
            opening: Opening {
                account: (1 << 60) - 1,
                instrument: 1023,
                nonce: (1 << 30) - 1,
                quote: true,
                reduce_only: true,
                ladder: Ladder::ask((1 << 30) - 1, (1 << 40) - 1),
                batch: 5,
                venue: felt(u64::from(stark::P) - 1),
                secret: [felt(7); DIGEST],
            },
            siblings: vec![[felt(9); DIGEST]; LOG_SECRETS],
        }
    }

    #[test]
    fn bytes_are_read_back() {
        for levels in [1, 2, 4] {
            let one = revealed();
            let bytes = one.to_bytes(levels);
            assert_eq!(Revealed::from_bytes(&bytes, levels), Ok(one.clone()));
            let [commitment, _] = one.opening.digests(levels);
            assert!(Revealed::has_commitment(&bytes, levels, &commitment));
            assert!(bytes.len() < 1024);
            for cut in 0..bytes.len() {
                assert_eq!(Revealed::from_bytes(&bytes[..cut], levels), Err(NoOrder));
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert_eq!(Revealed::from_bytes(&longer, levels), Err(NoOrder));
            // Every changed byte is another order, or none.
            for at in 0..bytes.len() {
                let mut other = bytes.clone();
                other[at] ^= 0x80;
                assert_ne!(Revealed::from_bytes(&other, levels), Ok(one.clone()));
            }
        }
        assert_eq!(
            Revealed::from_bytes(&revealed().to_bytes(1), 2),
            Err(NoOrder)
        );
    }

    #[test]
    fn elements_have_one_encoding() {
        let mut bytes = revealed().to_bytes(1);
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&(stark::P + 9).to_le_bytes());
        assert_eq!(Revealed::from_bytes(&bytes, 1), Err(NoOrder));
    }
}
