//! What a trader gets for an order, and what it proves together with the auction's proof.

use gadgets::hash::Digest;
use market::auction::{Fill, Void};
use records::units::{Lots, Ticks};
use serde::{Deserialize, Serialize};

use super::claim::AuctionClaim;
use super::witness::Prepared;
use crate::account::PublicDigest;
use crate::orders::{self, Batch, Opening, Outcome, Status};
use crate::trees::{path, root_of};
use crate::words::quoted;

/// A trader's order, what became of it, and the way from there to the receipts' root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The order.
    pub order: Opening,
    /// Its place in the list, from zero.
    pub place: u64,
    /// What became of it.
    pub status: Status,
    /// Lots bought.
    pub bought: Lots,
    /// Lots sold.
    pub sold: Lots,
    /// Lots times the price, in ticks.
    pub cash: Ticks<u64>,
    /// The fee; for a quote the rebate.
    pub charge: Ticks<u64>,
    /// Most lots that it might buy and sell.
    pub most: [Lots; 2],
    /// The slot in the receipts' tree.
    pub slot: u64,
    /// The siblings on the way to the root, lowest first.
    pub siblings: Vec<PublicDigest>,
}

/// Why a receipt shows nothing of a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReceipt {
    /// Another order.
    #[error("place {0} of the list has another commitment than the receipt's order")]
    Order(u64),
    /// The order has more levels than the batch's have.
    #[error("the order has more levels than orders of the batch may have")]
    Levels,
    /// Another root.
    #[error(
        "the receipt does not lead to the root of the batch's receipts: what it says is not what was proven"
    )]
    Root,
}

impl Prepared {
    /// The receipts of all orders that were opened, by their places in the list.
    pub fn receipts(&self) -> Vec<Receipt> {
        let rows = &self.witness.rows;
        let mut receipts: Vec<Receipt> = rows
            .entries
            .iter()
            .map(|entry| {
                let (fill, outcome) = (entry.outcome.fill, entry.outcome);
                Receipt {
                    order: entry.opening.clone(),
                    place: outcome.place as u64,
                    status: outcome.status,
                    bought: fill.bought,
                    sold: fill.sold,
                    cash: fill.cash,
                    charge: fill.fee + fill.rebate,
                    most: outcome.most,
                    slot: entry.slot as u64,
                    siblings: path(&rows.nodes, entry.slot)
                        .into_iter()
                        .map(Into::into)
                        .collect(),
                }
            })
            .collect();
        receipts.sort_unstable_by_key(|receipt| receipt.place);
        receipts
    }
}

impl Receipt {
    /// What a claim of which a proof was verified says of this order, in words.
    ///
    /// # Errors
    /// If the receipt is not of the claim.
    pub fn check(&self, claim: &AuctionClaim) -> Result<String, NoReceipt> {
        let batch = &claim.batch;
        let levels = batch.levels as usize;
        if self.order.ladder.0.len() > levels {
            return Err(NoReceipt::Levels);
        }
        let [commitment, tag] = self.order.digests(levels);
        let place = usize::try_from(self.place).ok();
        let listed = place.and_then(|place| claim.list.get(place));
        if listed != Some(&commitment.into()) {
            return Err(NoReceipt::Order(self.place));
        }
        let outcome = self.outcome();
        let siblings: Vec<Digest> = self.siblings.iter().map(PublicDigest::elements).collect();
        let slots = 1u64 << batch.log_slots;
        let leads = siblings.len() == batch.log_slots as usize
            && self.slot < slots
            && self.fits()
            && root_of(outcome.receipt(&tag), self.slot as usize, &siblings)
                == batch.receipts.elements();
        match leads {
            true => Ok(self.words(claim)),
            false => Err(NoReceipt::Root),
        }
    }

    /// What it traded. The lots that its limits allowed are not said here.
    pub fn fill(&self) -> Fill {
        self.outcome().fill
    }

    /// The price of its instrument, if anything traded.
    pub fn price(&self, batch: &Batch) -> Option<Ticks<u64>> {
        self.auction(batch)?.price
    }

    /// Why it took no part, if it did not.
    pub fn why_void(&self, batch: &Batch) -> Option<String> {
        let band = self.auction(batch).and_then(|auction| auction.band().ok());
        let refusal = self.status.refusal().map(|refusal| refusal.to_string());
        match self.status {
            Status::TookPart => None,
            Status::Replaced => Some(Void::Replaced.to_string()),
            _ if refusal.is_some() => refusal,
            _ => {
                let void = band.and_then(|band| self.order.ladder.check(&band).err());
                void.map(|void| void.to_string())
            }
        }
    }

    fn auction<'a>(&self, batch: &'a Batch) -> Option<&'a orders::Auction> {
        let number = self.order.instrument;
        batch.auctions.iter().find(|a| a.number as usize == number)
    }

    /// Numbers below what a receipt's elements hold, so that no two receipts have one digest.
    fn fits(&self) -> bool {
        let lots = [self.bought, self.sold, self.most[0], self.most[1]];
        let amounts = [self.cash, self.charge];
        lots.iter().all(|lots| lots.0 < 1 << 30) && amounts.iter().all(|a| a.0 < 1 << 60)
    }

    fn outcome(&self) -> Outcome {
        let (fee, rebate) = match self.order.quote {
            true => (Ticks(0), self.charge),
            false => (self.charge, Ticks(0)),
        };
        Outcome {
            status: self.status,
            place: self.place as usize,
            fill: Fill {
                bought: self.bought,
                sold: self.sold,
                reached: Lots(0),
                cash: self.cash,
                fee,
                rebate,
            },
            most: self.most,
        }
    }

    fn words(&self, claim: &AuctionClaim) -> String {
        let batch = &claim.batch;
        let auction = self.auction(batch);
        let name = auction.map_or_else(
            || format!("instrument {}", self.order.instrument),
            |auction| quoted(&auction.symbol),
        );
        let head = format!(
            "the order at place {} of the list, {} in {name}, nonce {}",
            self.place,
            sides(&self.order),
            self.order.nonce
        );
        let word = match self.status.refusal() {
            Some(_) => " (the venue's word, unless a settlement of the batch is linked)",
            None => "",
        };
        let end = match (self.why_void(batch), auction) {
            (None, Some(auction)) => self.traded(auction, &batch.quote),
            (why, _) => format!("took no part: {}{word}", why.unwrap_or_default()),
        };
        format!("{head}: {end}")
    }

    fn traded(&self, auction: &orders::Auction, quote: &str) -> String {
        let Some(price) = auction.price else {
            return "took part; nothing traded at any price".into();
        };
        let ladder = self.order.ladder.within(self.most);
        let bids = ladder.bids().filter(|bid| bid.limit >= price);
        let asks = ladder.asks().filter(|ask| ask.limit <= price);
        let reached: Lots = bids.chain(asks).map(|q| q.lots).sum();
        let money = |ticks: Ticks<u64>| format!("{} {}", ticks.to_quote(), quoted(quote));
        let at = format!("at {} a lot", money(price));
        let (verb, lots) = match self.bought {
            Lots(0) => ("sold", self.sold),
            bought => ("bought", bought),
        };
        let what = match (lots, reached) {
            (_, Lots(0)) => {
                return format!(
                    "took part and traded nothing: the price of {} is beyond its limits",
                    money(price)
                );
            }
            (lots, reached) if lots == reached => format!(
                "{verb} {} lots {at}, all that its limits allowed there",
                lots.0
            ),
            (lots, reached) => format!(
                "{verb} {} of the {} lots that its limits allowed there, {at}; lots at the price were shared pro rata",
                lots.0, reached.0
            ),
        };
        let charge = if self.order.quote { "rebate" } else { "fee" };
        format!(
            "{what}; cash {}, {charge} {}",
            money(self.cash),
            money(self.charge)
        )
    }
}

/// What an order bids and asks.
fn sides(order: &Opening) -> String {
    let ladder = &order.ladder;
    let bids = ladder
        .bids()
        .map(|q| format!("bid {} lots at {}", q.lots.0, q.limit.to_quote()));
    let asks = ladder
        .asks()
        .map(|q| format!("ask {} lots at {}", q.lots.0, q.limit.to_quote()));
    let mut parts: Vec<String> = bids.chain(asks).collect();
    if parts.is_empty() {
        parts.push("no lots".into());
    }
    if order.reduce_only {
        parts.push("only reducing".into());
    }
    parts.join(", ")
}
