//! The terms of a board, which its header holds: all that is fixed before it opens, signed by the venue.

use records::date::check_moment;
use records::names::{NO_NAME, is_name};
use records::units::Ticks;
use serde::{Deserialize, Serialize};

use crate::beacon::Beacon;
use crate::bytes::{Digest, Hex, plain_digest};
use crate::file::{LineOut, line};
use crate::keys::{self, SecretKey};
use crate::{curve, disclosure};

/// The version of the file's format.
pub const FORMAT: u32 = 1;
/// How many bytes a padded opening may have. A board has one size for all, so that no length tells anything.
pub const SIZES: [u32; 5] = [256, 512, 1024, 2048, 4096];
/// The longest delay of a time lock after the close: an hour.
pub const MAX_DELAY_MS: u64 = 3_600_000;

/// What is wrong with a value, and in which field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {problem}")]
pub struct Invalid {
    /// The field.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub problem: String,
}

impl Invalid {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { field, problem }
    }
}

/// The venue that a board's orders are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Venue {
    /// Its name.
    pub name: String,
    /// The Ed25519 key with which it signs headers.
    pub key: Hex<32>,
    /// The ristretto255 key to which openings are encrypted ([`crate::seal::VenueSecret`]).
    pub envelopes: Hex<32>,
}

/// Who keeps the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keeper {
    /// Its name.
    pub name: String,
    /// The Ed25519 key with which it signs heads: not the venue's.
    pub key: Hex<32>,
}

/// What openings are locked to beside the venue's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeLock {
    /// The beacon.
    pub beacon: Beacon,
    /// How long after the close the round is at least, in milliseconds: room for clocks that differ.
    pub delay_ms: u64,
    /// The first round after close and delay.
    pub round: u64,
}

/// Tickets that entries cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tickets {
    /// The epoch: tickets are good for all boards of it, each once.
    pub epoch: u64,
    /// The epoch's public key ([`crate::ticket::Issuer::key`]).
    pub key: Hex<96>,
    /// How many an account gets.
    pub each: u32,
}

/// What a board's orders are for. The board does not know what an order is; it fixes these before anyone posts, so that no price band
/// or fee is chosen by someone who knows the orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// The currency of all prices.
    pub quote: String,
    /// How many bids and asks an order has room for: 1, 2 or 4.
    pub levels: u32,
    /// The auctions, by rising number.
    pub auctions: Vec<Auction>,
}

/// How an instrument's auction is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auction {
    /// The number of the instrument in the market's list.
    pub number: u32,
    /// Its name.
    pub symbol: String,
    /// How many contracts a lot is, as a decimal number.
    pub lot: String,
    /// How much a contract is of, as a decimal number.
    pub contract_size: String,
    /// The lowest price, in ticks a lot as all prices here.
    pub low: Ticks<u64>,
    /// The highest price.
    pub high: Ticks<u64>,
    /// Between a price and the next.
    pub step: Ticks<u64>,
    /// The price that decides between equals.
    pub reference: Ticks<u64>,
    /// The fee, in millionths of what is paid.
    pub fee: u32,
    /// What a quote earns instead.
    pub rebate: u32,
}

/// The terms of a board: all that is fixed before it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// [`FORMAT`].
    pub format: u32,
    /// The venue.
    pub venue: Venue,
    /// Who keeps the board.
    pub board: Keeper,
    /// The number of the batch. A venue's batches are numbered in order.
    pub batch: u64,
    /// When the board opens, in milliseconds since 1970.
    pub opens_ms: u64,
    /// When it closes: an entry must be received before.
    pub closes_ms: u64,
    /// What the orders are for.
    pub orders: Orders,
    /// How many bytes every padded opening has: one of [`SIZES`].
    pub opening_bytes: u32,
    /// The time lock. Without one the venue can open entries as soon as they are posted, and everyone should know it.
    pub lock: Option<TimeLock>,
    /// The tickets.
    pub tickets: Tickets,
}

impl Terms {
    /// Checks the terms by themselves.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |field, problem: &str| Err(Invalid::new(field, problem));
        if self.format != FORMAT {
            return wrong(
                "format",
                "is not 1; read this file with the program that wrote it",
            );
        }
        let (venue, board) = (&self.venue, &self.board);
        for (field, name) in [("venue.name", &venue.name), ("board.name", &board.name)] {
            if !is_name(name) {
                return wrong(field, NO_NAME);
            }
        }
        for (field, key) in [("venue.key", &venue.key), ("board.key", &board.key)] {
            if keys::public_key(key).is_none() {
                return wrong(field, "is no public key, or a weak one; make a new key");
            }
        }
        if venue.key == board.key {
            let told = "is the venue's; a board is kept by someone else, with a key of its own";
            return wrong("board.key", told);
        }
        if venue.envelopes == Hex([0; 32]) || disclosure::point(&venue.envelopes).is_none() {
            let told = "is no public key; make a new key for envelopes";
            return wrong("venue.envelopes", told);
        }
        check_moment(self.opens_ms).map_err(|e| Invalid::new("opens_ms", e))?;
        check_moment(self.closes_ms).map_err(|e| Invalid::new("closes_ms", e))?;
        if self.opens_ms >= self.closes_ms {
            return wrong("closes_ms", "must be after `opens_ms`");
        }
        self.orders.check()?;
        if !SIZES.contains(&self.opening_bytes) {
            return wrong("opening_bytes", "must be 256, 512, 1024, 2048 or 4096");
        }
        if let Some(lock) = &self.lock {
            lock.check(self.closes_ms)?;
        }
        if curve::key_point(&self.tickets.key).is_none() {
            return wrong("tickets.key", "is no point of the curve; make a new issuer");
        }
        if self.tickets.each == 0 {
            return wrong("tickets.each", "must be at least 1, or nobody can post");
        }
        Ok(())
    }
}

impl Orders {
    /// Only what makes them readable: whether a band is one, whoever clears the orders says.
    fn check(&self) -> Result<(), Invalid> {
        if ![1, 2, 4].contains(&self.levels) {
            return Err(Invalid::new("orders.levels", "must be 1, 2 or 4"));
        }
        if !is_name(&self.quote) {
            return Err(Invalid::new("orders.quote", NO_NAME));
        }
        if self.auctions.is_empty() || !self.auctions.is_sorted_by(|a, b| a.number < b.number) {
            let told = "must be at least one, by rising numbers of their instruments";
            return Err(Invalid::new("orders.auctions", told));
        }
        Ok(())
    }
}

impl TimeLock {
    /// The lock of a board that closes at a moment.
    pub fn after(beacon: Beacon, closes_ms: u64, delay_ms: u64) -> Option<Self> {
        let round = beacon.round_after(closes_ms.checked_add(delay_ms)?)?;
        Some(Self {
            beacon,
            delay_ms,
            round,
        })
    }

    fn check(&self, closes_ms: u64) -> Result<(), Invalid> {
        self.beacon.check()?;
        if self.delay_ms > MAX_DELAY_MS {
            return Err(Invalid::new(
                "lock.delay_ms",
                "must be at most an hour, 3600000",
            ));
        }
        match Self::after(self.beacon.clone(), closes_ms, self.delay_ms) {
            Some(right) if right.round == self.round => Ok(()),
            Some(right) => Err(Invalid::new(
                "lock.round",
                format!(
                    "must be {}, the first after the close and the delay",
                    right.round
                ),
            )),
            None => Err(Invalid::new(
                "lock.round",
                "is beyond all times; check the beacon's period",
            )),
        }
    }
}

/// The first line: the terms, signed by the venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The terms.
    pub terms: Terms,
    /// The venue's signature.
    pub signature: Hex<64>,
}

impl Header {
    /// Signs terms.
    ///
    /// # Errors
    /// If the terms are wrong, or the key is not the venue's.
    pub fn sign(terms: Terms, key: &SecretKey) -> Result<Self, Invalid> {
        let signature = key.sign(&terms_message(&terms));
        let header = Self { terms, signature };
        header.check().map(|()| header)
    }

    /// Checks the terms and the venue's signature. Whether the venue's key is the right one, the reader must know.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        self.terms.check()?;
        if keys::signed(
            &self.terms.venue.key,
            &terms_message(&self.terms),
            &self.signature,
        ) {
            return Ok(());
        }
        Err(Invalid::new(
            "signature",
            "is not the venue's signature of these terms; get the header from the board again",
        ))
    }

    /// The digest of its line. All that is sealed for this board is bound to it.
    pub fn digest(&self) -> Digest {
        plain_digest(line(&LineOut::Header(self)).as_bytes())
    }
}

fn terms_message(terms: &Terms) -> Vec<u8> {
    let terms = serde_json::to_string(terms).expect("plain data");
    format!("sealbook board header 1\n{terms}").into_bytes()
}
