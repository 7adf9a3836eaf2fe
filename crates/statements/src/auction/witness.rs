//! From opened orders to a claim and its proof.

use std::collections::BTreeMap;

use gadgets::hash::Digest;
use market::auction::{Admission, Band, Cleared, Fees, Order, Terms, UNBOUNDED, clear};
use rayon::prelude::*;
use records::units::Lots;
use stark::{PrimeField32, Statement, Trace};

use super::claim::{Auction, AuctionClaim, Commitment, Context};
use super::fill::Rows;
use crate::kit::{self, Example, Provable, Refusal};
use crate::nonce::Nonce;
use crate::orders::{self, Batch, Opening, Outcome, Randomness};
use crate::trees::{log_slots, tree};

/// An entry of the public list.
#[derive(Clone, Debug)]
pub enum Entry {
    /// What was revealed, and what the account book makes of it.
    Opened(Opening, Admission),
    /// A commitment of which no order is known.
    Skipped(Commitment),
}

/// An auction before it clears.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// Its number in the market's list.
    pub number: u32,
    /// Its name.
    pub symbol: String,
    /// The candidate prices.
    pub band: Band,
    /// What trading costs.
    pub fees: Fees,
}

/// A batch before it clears.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The venue's name.
    pub venue: String,
    /// The batch's number.
    pub batch: u64,
    /// The currency of all prices.
    pub quote: String,
    /// Levels of an order: 1, 2 or 4.
    pub levels: u32,
    /// What is auctioned, by rising number.
    pub instruments: Vec<Instrument>,
    /// What nobody knew before the close.
    pub randomness: Randomness,
    /// The public list.
    pub entries: Vec<Entry>,
    /// Whether what is bid for and offered at the price is to be known, and with it which side was rationed and how much.
    pub shows_depth: bool,
}

/// A cleared batch.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The auctions as they cleared, and the batch's other numbers; the receipts are not made yet.
    pub batch: Batch,
    /// The orders that were opened, in the order of the list.
    pub entries: Vec<Opened>,
    list: Vec<Commitment>,
    skipped: Vec<u64>,
    cleared: Vec<Cleared>,
}

/// An opened entry, and what became of its order.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The order.
    pub opening: Opening,
    /// What the account book makes of it.
    pub admission: Admission,
    /// What became of it.
    pub outcome: Outcome,
    /// The order's commitment.
    pub commitment: Digest,
    /// The order's tag.
    pub tag: Digest,
    /// The slot of its receipt.
    pub slot: usize,
}

/// Clears a batch.
///
/// # Errors
/// If orders or auctions do not fit: an order of another venue, batch or instrument is none, and must be skipped.
pub fn check(inputs: &Inputs) -> Result<Checked, Refusal> {
    check_with(inputs, |_, terms, orders| clear(terms, orders))
}

/// The same with another rule, by the instrument's number.
pub(super) fn check_with(
    inputs: &Inputs,
    clear: impl Fn(u32, &Terms, &[Order]) -> Cleared,
) -> Result<Checked, Refusal> {
    let malformed = |what: String| Err(Refusal::malformed(what));
    let orders = inputs
        .entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Opened(..)));
    let orders = orders.count() as u64;
    let mut batch = Batch {
        venue: inputs.venue.clone(),
        number: inputs.batch,
        quote: inputs.quote.clone(),
        levels: inputs.levels,
        auctions: Vec::new(),
        randomness: inputs.randomness,
        orders,
        log_slots: log_slots(orders) as u32,
        receipts: Digest::default().into(),
    };
    for instrument in &inputs.instruments {
        let band = instrument.band;
        batch.auctions.push(orders::Auction {
            number: instrument.number,
            symbol: instrument.symbol.clone(),
            low: band.low(),
            high: band.high(),
            step: band.step(),
            reference: band.reference(),
            fee: instrument.fees.fee(),
            rebate: instrument.fees.rebate(),
            price: None,
            volume: Lots(0),
            depth: None,
        });
    }
    batch.check().map_err(Refusal::malformed)?;
    let mut by_instrument: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for auction in &batch.auctions {
        by_instrument.insert(auction.number as usize, Vec::new());
    }
    let (mut openings, mut skipped) = (Vec::new(), Vec::new());
    for (place, entry) in inputs.entries.iter().enumerate() {
        let (opening, admission) = match entry {
            Entry::Opened(opening, admission) => (opening, admission),
            Entry::Skipped(_) => {
                skipped.push(place as u64);
                continue;
            }
        };
        if let Err(why) = opening.check(&batch) {
            return malformed(format!("entry {place} of the list: {why}; skip it"));
        }
        if !opening.reduce_only && admission.most != UNBOUNDED {
            return malformed(format!(
                "entry {place} of the list: only an order that reduces has a bound on what it may trade"
            ));
        }
        let places = by_instrument.entry(opening.instrument).or_default();
        places.push(openings.len());
        openings.push((place, opening, *admission));
    }
    let levels = inputs.levels as usize;
    let digests: Vec<[Digest; 2]> = openings
        .par_iter()
        .map(|(_, opening, _)| opening.digests(levels))
        .collect();
    let mut list: Vec<Commitment> = Vec::with_capacity(inputs.entries.len());
    let mut commitments = digests.iter();
    for entry in &inputs.entries {
        list.push(match entry {
            Entry::Skipped(commitment) => commitment.clone(),
            Entry::Opened(..) => {
                let [commitment, _] = commitments.next().expect("one for each opened entry");
                (*commitment).into()
            }
        });
    }
    let orders: Vec<Order> = openings
        .iter()
        .map(|(_, opening, admission)| opening.order(*admission))
        .collect();
    let mut outcomes: Vec<Option<Outcome>> = vec![None; orders.len()];
    let mut cleared = Vec::new();
    for (i, places) in by_instrument.values().enumerate() {
        let terms = batch
            .terms(&batch.auctions[i])
            .map_err(Refusal::malformed)?;
        let own: Vec<Order> = places.iter().map(|at| orders[*at].clone()).collect();
        let result = clear(batch.auctions[i].number, &terms, &own);
        let auction = &mut batch.auctions[i];
        auction.price = result.price;
        auction.volume = result.depth.volume();
        let shown = inputs.shows_depth && result.price.is_some();
        auction.depth = shown.then_some([result.depth.demand, result.depth.supply]);
        for ((at, order), fill) in places.iter().zip(&own).zip(&result.results) {
            outcomes[*at] = Some(Outcome::new(openings[*at].0, order, fill));
        }
        cleared.push(result);
    }
    let mut entries: Vec<Opened> = openings
        .into_iter()
        .zip(&digests)
        .zip(outcomes)
        .map(
            |(((_, opening, admission), [commitment, tag]), outcome)| Opened {
                opening: opening.clone(),
                admission,
                outcome: outcome.expect("every order is of an auction"),
                commitment: *commitment,
                tag: *tag,
                slot: 0,
            },
        )
        .collect();
    // By their tags, which nobody can compute who does not know the order: so a slot says nothing about other orders.
    let mut by_tag: Vec<usize> = (0..entries.len()).collect();
    by_tag.sort_unstable_by_key(|i| entries[*i].tag.map(|x| x.as_canonical_u32()));
    for (slot, i) in by_tag.into_iter().enumerate() {
        entries[i].slot = slot;
    }
    Ok(Checked {
        batch,
        list,
        skipped,
        cleared,
        entries,
    })
}

#[cfg(test)]
impl Checked {
    /// The same over a list that does not hold its orders.
    pub(super) fn replace_list(&mut self, list: Vec<Commitment>) {
        self.list = list;
    }
}

impl Checked {
    /// The same with receipts in these slots of a tree of `2^log_slots`, by the order of [`entries`](Self::entries): where settlement has
    /// them.
    ///
    /// # Panics
    /// If there is not one slot in the tree for each.
    #[must_use]
    pub fn in_slots(mut self, log_slots: usize, slots: &[usize]) -> Self {
        assert_eq!(slots.len(), self.entries.len(), "a slot for each");
        assert!(
            slots.iter().all(|slot| slot >> log_slots == 0),
            "slots of the tree"
        );
        self.batch.log_slots = log_slots as u32;
        for (entry, slot) in self.entries.iter_mut().zip(slots) {
            entry.slot = *slot;
        }
        self
    }

    /// The batch with the root of its receipts.
    pub fn cleared(&self) -> Batch {
        Batch {
            receipts: self.receipts()[1].into(),
            ..self.batch.clone()
        }
    }

    /// The nodes of the receipts' tree.
    fn receipts(&self) -> Vec<Digest> {
        let mut leaves = vec![Digest::default(); 1 << self.batch.log_slots];
        let receipts: Vec<Digest> = self
            .entries
            .par_iter()
            .map(|e| e.outcome.receipt(&e.tag))
            .collect();
        for (entry, receipt) in self.entries.iter().zip(receipts) {
            leaves[entry.slot] = receipt;
        }
        tree(leaves)
    }
}

/// What the tables are filled from.
pub struct Witness {
    pub(super) rows: Rows,
}

/// A true claim, ready to be proven.
pub type Prepared = kit::Prepared<Auction>;

impl Prepared {
    /// Clears a batch and makes the claim.
    ///
    /// # Errors
    /// As [`check`].
    pub fn new(inputs: &Inputs) -> Result<Self, Refusal> {
        Self::sealed(check(inputs)?)
    }

    /// Makes the claim of a cleared batch.
    ///
    /// # Errors
    /// If the list contradicts itself: two entries are the same.
    pub fn sealed(checked: Checked) -> Result<Self, Refusal> {
        let nodes = checked.receipts();
        let Checked {
            mut batch,
            entries,
            list,
            skipped,
            cleared,
        } = checked;
        batch.receipts = nodes[1].into();
        let claim = AuctionClaim {
            batch,
            list,
            skipped,
            nonce: None,
        };
        let rows = Rows::new(&claim, entries, nodes, &cleared);
        Self::unchecked(claim, rows)
    }

    /// The claim, true or not.
    pub(super) fn unchecked(claim: AuctionClaim, rows: Rows) -> Result<Self, Refusal> {
        let context = Auction::context(&claim).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness: Witness { rows },
        })
    }
}

impl Provable for Auction {
    type Witness = Witness;

    fn traces(_: &AuctionClaim, context: &Context, witness: &Witness, _: usize) -> Vec<Trace> {
        witness.rows.fill(context)
    }

    fn nonce_mut(claim: &mut AuctionClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}
