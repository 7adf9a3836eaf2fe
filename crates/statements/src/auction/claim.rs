//! What an auction proof claims, and which tables prove it.

use std::collections::BTreeSet;

use gadgets::hash::{DIGEST, Digest};
use gadgets::product::{Challenge, Element, multiply};
use gadgets::range::RangeTable;
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};
use stark::{
    F, HashedChallenge, MIN_LOG_HEIGHT, Part, PrimeCharacteristicRing, Profile, Statement,
    TableAir, felt,
};

use super::tables::markets::{MarketsTable, PublicMarket};
use super::tables::orders::OrdersTable;
use crate::account::PublicDigest;
use crate::nonce::Nonce;
use crate::orders::Batch;

/// Elements of a place and a commitment, as they are compared with the list.
pub const ENTRY: usize = 1 + DIGEST;
/// Most entries of a list.
pub const MAX_ENTRIES: usize = 1 << 17;

/// An entry of the list: 32 bytes as 64 hexadecimal digits. The list is made by whoever posts, so an entry need not be a digest; only
/// one that is can be opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commitment(String);

impl Commitment {
    /// The digest, if it is one.
    pub fn digest(&self) -> Option<Digest> {
        let digest = PublicDigest::try_from(self.0.clone()).ok()?;
        Some(digest.elements())
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> Self {
        commitment.0
    }
}

impl From<Digest> for Commitment {
    fn from(digest: Digest) -> Self {
        Self(PublicDigest::from(digest).into())
    }
}

impl TryFrom<String> for Commitment {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        match text.len() == 64 && text.bytes().all(plain) {
            true => Ok(Self(text)),
            false => Err("a commitment is 64 lower-case hexadecimal digits"),
        }
    }
}

/// The public part of an auction proof: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuctionClaim {
    /// The batch and how it cleared.
    pub batch: Batch,
    /// The commitments to the orders, as the public list has them. No two are the same.
    pub list: Vec<Commitment>,
    /// The places in the list, from zero and rising, that take no part since nobody revealed an order there, or what was revealed
    /// is none.
    pub skipped: Vec<u64>,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// What the tables of a claim need.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) orders: OrdersTable,
    pub(super) markets: MarketsTable,
}

/// The statement.
#[derive(Clone, Copy, Debug)]
pub struct Auction;

impl Statement for Auction {
    const ID: &'static str = "auction";
    const VERSION: u32 = 1;
    type Claim = AuctionClaim;
    type Context = Context;

    fn context(claim: &AuctionClaim) -> Result<Context, String> {
        let batch = &claim.batch;
        batch.check()?;
        check_list(claim)?;
        let challenge = challenge(claim)?;
        let mut markets = vec![None; batch.auctions.last().map_or(0, |a| a.number as usize + 1)];
        for auction in &batch.auctions {
            markets[auction.number as usize] = Some(PublicMarket {
                band: auction.band()?,
                fee: auction.fee,
                rebate: auction.rebate,
                draw: batch.randomness.draw(batch.number, auction.number),
                cleared: auction.price.map(|price| (price, auction.volume)),
                depth: auction.depth,
            });
        }
        let levels = batch.levels as usize;
        Ok(Context {
            orders: OrdersTable {
                log_slots: batch.log_slots as usize,
                orders: batch.orders as usize,
                levels,
                receipts: batch.receipts.elements(),
                session: batch.session(),
                product: product(claim, &challenge)?,
                challenge,
            },
            markets: MarketsTable {
                markets,
                most_added: levels as u64 * ((1 << batch.log_slots) + 1),
            },
        })
    }

    fn parts(_: &AuctionClaim, _: &Context) -> usize {
        1
    }

    fn part(claim: &AuctionClaim, context: &Context, _: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: context.airs(),
            hashed: vec![HashedChallenge {
                name: "list",
                degree: claim.batch.orders.max(1) * ENTRY as u64,
            }],
        }
    }
}

impl Context {
    /// Range checks of limbs.
    pub(super) fn limbs(&self) -> RangeTable {
        RangeTable::limbs(MIN_LOG_HEIGHT)
    }

    /// In the order: orders, markets, limbs.
    pub(super) fn airs(&self) -> Vec<TableAir> {
        vec![
            TableAir::new(self.orders.clone()),
            TableAir::new(self.markets.clone()),
            TableAir::new(self.limbs()),
        ]
    }
}

fn check_list(claim: &AuctionClaim) -> Result<(), String> {
    let entries = claim.list.len();
    if entries > MAX_ENTRIES {
        return Err(format!("a list of {entries} entries; {MAX_ENTRIES} fit"));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = claim.list.iter().find(|c| !seen.insert(*c)) {
        return Err(format!("commitment {} stands in the list twice", twice.0));
    }
    let rises = claim.skipped.windows(2).all(|w| w[0] < w[1]);
    if !rises
        || claim
            .skipped
            .last()
            .is_some_and(|last| *last >= entries as u64)
    {
        return Err("the skipped places do not rise, or are not in the list".into());
    }
    if claim.batch.orders != (entries - claim.skipped.len()) as u64 {
        return Err("the orders are not those of the list that were not skipped".into());
    }
    Ok(())
}

/// What the products over the orders' commitments and over the list are made of: drawn from all that they compare. The receipts'
/// root binds the orders.
fn challenge(claim: &AuctionClaim) -> Result<Challenge, String> {
    let compared = (Auction::ID, &claim.batch, &claim.list, &claim.skipped);
    let bytes = serde_json::to_vec(&compared).map_err(|e| e.to_string())?;
    Ok(Challenge::new(&Sha3_256::digest(bytes), 0, ENTRY))
}

/// The product over the entries that are not skipped, all of which are digests.
fn product(claim: &AuctionClaim, challenge: &Challenge) -> Result<Element<F>, String> {
    let mut product: Element<F> = std::array::from_fn(|i| F::from_bool(i == 0));
    let skipped: BTreeSet<u64> = claim.skipped.iter().copied().collect();
    let entries = (0u64..).zip(&claim.list);
    for (place, commitment) in entries.filter(|(place, _)| !skipped.contains(place)) {
        let digest = commitment.digest().ok_or_else(|| {
            format!("commitment {} at place {place} is no digest: nothing can open it, so it must be skipped", commitment.0)
        })?;
        let mut message = vec![felt(place)];
        message.extend(digest);
        product = multiply(&product, &challenge.factor(&message));
    }
    Ok(product)
}
