//! A batch of orders as claims about it name it: the same in the claim that clears it and in the one that settles it.

use market::auction::rule::Band;
use market::auction::{Depth, Fees, Terms};
use records::names::{NO_NAME, is_name};
use records::units::{Lots, Ticks};
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};
use stark::F;

use super::opening::session;
use crate::account::PublicDigest;
use crate::owner::LOG_SECRETS;
use crate::words::quoted;

/// Most instruments of a market's list.
pub const MAX_INSTRUMENTS: usize = 1 << 10;
/// Batches are numbered below this: an account has so many one-time secrets.
pub const MAX_BATCH: u64 = 1 << LOG_SECRETS;
/// Levels that an order may have, as a claim chooses.
pub const LEVELS: [u32; 3] = [1, 2, 4];
/// A receipts' tree has at most `2^LOG_SLOTS` slots, divided by the levels of an order.
pub const LOG_SLOTS: u32 = 16;

/// An auction of one instrument, and how it cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auction {
    /// The number of the instrument in the market's list: below 2^10.
    pub number: u32,
    /// Its name.
    pub symbol: String,
    /// The lowest candidate price, in ticks a lot.
    pub low: Ticks<u64>,
    /// The highest candidate price.
    pub high: Ticks<u64>,
    /// Between candidates.
    pub step: Ticks<u64>,
    /// The price that decides between equals.
    pub reference: Ticks<u64>,
    /// What trading costs, in 10^-6 of the cash that changes hands.
    pub fee: u32,
    /// What a quote earns instead.
    pub rebate: u32,
    /// The price; none if nothing trades at any.
    pub price: Option<Ticks<u64>>,
    /// Lots that trade.
    pub volume: Lots,
    /// What is bid for and offered at the price, if it is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<[Lots; 2]>,
}

impl Auction {
    /// The candidate prices.
    ///
    /// # Errors
    /// If the numbers are no band.
    pub fn band(&self) -> Result<Band, String> {
        Band::new([self.low, self.high], self.step, self.reference)
            .map_err(|e| format!("instrument {}: {e}", quoted(&self.symbol)))
    }

    /// The fees.
    ///
    /// # Errors
    /// If a rate is too high.
    pub fn fees(&self) -> Result<Fees, String> {
        Fees::new(self.fee, self.rebate)
            .map_err(|e| format!("instrument {}: {e}", quoted(&self.symbol)))
    }

    fn check(&self) -> Result<(), String> {
        let name = quoted(&self.symbol);
        if !is_name(&self.symbol) {
            return Err(format!("instrument {name} {NO_NAME}"));
        }
        let band = self.band()?;
        self.fees()?;
        if self.number as usize >= MAX_INSTRUMENTS {
            return Err(format!(
                "instrument {name}: its number is not below {MAX_INSTRUMENTS}"
            ));
        }
        let consistent = match (self.price, self.depth) {
            (None, None) => self.volume == Lots(0),
            (None, Some(_)) => false,
            (Some(price), depth) => {
                let agrees = depth.is_none_or(|[demand, supply]| {
                    Depth { demand, supply }.volume() == self.volume
                });
                band.holds(price) && (1..1 << 50).contains(&self.volume.0) && agrees
            }
        };
        // Nothing that is said of a side is larger than what all orders can have.
        let fits = self
            .depth
            .is_none_or(|depth| depth.iter().all(|lots| lots.0 < 1 << 50));
        match consistent && fits {
            true => Ok(()),
            false => Err(format!(
                "instrument {name}: price, volume and depth do not fit each other or the band"
            )),
        }
    }
}

/// 32 bytes that nobody knew before the close: 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Randomness(pub [u8; 32]);

impl Randomness {
    /// Drawn by the operating system: whoever draws it knows it first.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Where rationing of an instrument starts: a fraction of a lot, in 2^-32.
    pub fn draw(&self, batch: u64, number: u32) -> u32 {
        let mut hash = Sha3_256::new();
        hash.update(b"sealbook auction draw");
        hash.update(self.0);
        hash.update(batch.to_le_bytes());
        hash.update(number.to_le_bytes());
        let digest = hash.finalize();
        u32::from_le_bytes(std::array::from_fn(|i| digest[i]))
    }
}

impl From<Randomness> for String {
    fn from(randomness: Randomness) -> Self {
        randomness.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl TryFrom<String> for Randomness {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "randomness is 64 lower-case hexadecimal digits";
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 64 || !text.bytes().all(plain) {
            return Err(WRONG);
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}

/// A cleared batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The venue's name.
    pub venue: String,
    /// The batch's number, below 2^16.
    pub number: u64,
    /// The currency of all prices.
    pub quote: String,
    /// Levels of an order: 1, 2 or 4.
    pub levels: u32,
    /// The auctions, by rising number.
    pub auctions: Vec<Auction>,
    /// From which it follows where rationing starts.
    pub randomness: Randomness,
    /// How many orders were opened.
    pub orders: u64,
    /// log2 of the slots of the receipts' tree.
    pub log_slots: u32,
    /// The root of the receipts' tree.
    pub receipts: PublicDigest,
}

impl Batch {
    /// Whether it contradicts itself.
    ///
    /// # Errors
    /// Says where.
    pub fn check(&self) -> Result<(), String> {
        for (what, name) in [
            ("the venue's name", &self.venue),
            ("the currency", &self.quote),
        ] {
            if !is_name(name) {
                return Err(format!("{what} {NO_NAME}"));
            }
        }
        if self.number >= MAX_BATCH {
            return Err(format!("batches are numbered below {MAX_BATCH}"));
        }
        if !LEVELS.contains(&self.levels) {
            return Err(format!("{} levels; orders have 1, 2 or 4", self.levels));
        }
        let most = LOG_SLOTS - self.levels.ilog2();
        let log_slots = stark::MIN_LOG_HEIGHT as u32..=most;
        if !log_slots.contains(&self.log_slots) || self.orders > 1 << self.log_slots {
            return Err(format!(
                "2^{} slots do not hold the receipts of {} orders, or are not {} to {most} as a power of two",
                self.log_slots,
                self.orders,
                stark::MIN_LOG_HEIGHT
            ));
        }
        if self.auctions.is_empty() {
            return Err("there is no auction".into());
        }
        let rises = |w: &[Auction]| w[0].number < w[1].number;
        if !self.auctions.windows(2).all(rises) {
            return Err("the auctions are not in the order of their instruments".into());
        }
        let mut symbols: Vec<&str> = self.auctions.iter().map(|a| a.symbol.as_str()).collect();
        symbols.sort_unstable();
        if symbols.windows(2).any(|w| w[0] == w[1]) {
            return Err("two instruments have one name".into());
        }
        self.auctions.iter().try_for_each(Auction::check)
    }

    /// What is public of an auction before it clears.
    ///
    /// # Errors
    /// If its numbers are no band or no fees.
    pub fn terms(&self, auction: &Auction) -> Result<Terms, String> {
        Ok(Terms {
            band: auction.band()?,
            fees: auction.fees()?,
            draw: self.randomness.draw(self.number, auction.number),
        })
    }

    /// What stands for venue and batch in its orders.
    pub fn session(&self) -> [F; 2] {
        session(&self.venue, self.number)
    }

    /// Whether an instrument has an auction.
    pub fn has_auction(&self, instrument: usize) -> bool {
        let number = |auction: &Auction| auction.number as usize;
        self.auctions
            .binary_search_by_key(&instrument, number)
            .is_ok()
    }
}
