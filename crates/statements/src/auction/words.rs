//! What an auction claim says.

use records::units::{Lots, Ticks};

use super::AuctionClaim;
use crate::kit::{Anchor, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::orders;
use crate::words::{digest, quoted};

/// The claim in words: the sentence, then details.
pub fn words(claim: &AuctionClaim) -> Vec<String> {
    let batch = &claim.batch;
    let traded = batch.auctions.iter().filter(|a| a.price.is_some());
    let mut lines = vec![format!(
        "batch {} of venue {} cleared the {} commitments of the list (SHA3-256 of its JSON {}) {}: each other one was opened to one order of this batch, {} in all, and no other order took part; the price of each instrument is the one of the four-step rule over all steps of its band (largest volume, smallest imbalance, market pressure, nearest to the reference), and each order traded what the rule gives it",
        batch.number,
        quoted(&batch.venue),
        claim.list.len(),
        digest(&claim.list),
        skipped(&claim.skipped),
        batch.orders,
    )];
    lines.extend(batch.auctions.iter().map(|a| auction(a, &batch.quote)));
    lines.push(format!(
        "{} of {} instruments traded; where one side has more lots at the price than trade, they are shared pro rata, in the order of accounts' keys from a fraction of a lot that follows from the randomness {}; that nobody knew it before the close is not proven",
        traded.count(),
        batch.auctions.len(),
        String::from(batch.randomness)
    ));
    lines.push(format!(
        "of an account's orders in an instrument the one with the highest nonce lives, of those with one nonce the last of the list; it takes part if it has lots, limits within the band, all bids below all asks, fewer than 2^30 lots worth less than 2^60 ticks a side, and if the account book does not refuse it; every order, of up to {} levels, has a receipt below {}, a tree of 2^{} slots, which says what became of it and why",
        batch.levels, batch.receipts, batch.log_slots
    ));
    lines.push(
        "which orders name no account, or are not the account's own and so replace none, which the venue refused for margin or room, and how much an order that only reduces may trade, is the venue's word as long as no settlement of the batch is linked; how many there are is not said"
            .into(),
    );
    if !claim.skipped.is_empty() {
        lines.push(
            "that the skipped commitments were not revealed, or were revealed as no order of this batch, is the venue's word until \
             the board shows it"
                .into(),
        );
    }
    lines.push(
        "not proven: that the list is the board's, that the batch was cleared only once, and who saw orders before the close; two accounts of one owner may trade with each other; where few trade, price and volume tell what their orders were"
            .into(),
    );
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// The skipped places.
fn skipped(places: &[u64]) -> String {
    let numbers: Vec<String> = places.iter().map(u64::to_string).collect();
    match &numbers[..] {
        [] => "and skipped none".into(),
        [one] => format!("but skipped the one at place {one} (from 0)"),
        _ => format!(
            "but skipped those at places {} (from 0)",
            numbers.join(", ")
        ),
    }
}

/// An auction and its result.
pub(crate) fn auction(auction: &orders::Auction, quote: &str) -> String {
    let orders::Auction {
        number,
        symbol,
        low,
        high,
        step,
        reference,
        fee,
        rebate,
        price,
        volume,
        depth,
    } = auction;
    let money = |ticks: &Ticks<u64>| ticks.to_quote();
    let result = match price {
        None => format!("nothing trades at any price (volume {})", volume.0),
        Some(price) => {
            let depth = match depth {
                Some([Lots(demand), Lots(supply)]) => {
                    format!("{demand} lots were bid for and {supply} offered at that price")
                }
                None => "which side had more is not said".into(),
            };
            format!("{} lots trade at {} a lot; {depth}", volume.0, money(price))
        }
    };
    let millionths = |rate: &u32| fixed::Decimal::new(i128::from(*rate), 4);
    format!(
        "{} (instrument {number}): {result}; candidates from {} to {} in steps of {}, reference {}, in {} a lot; fee {}% of the cash, \
         rounded up to 0.000001, rebate of quotes {}%, rounded down",
        quoted(symbol),
        money(low),
        money(high),
        money(step),
        money(reference),
        quoted(quote),
        millionths(fee),
        millionths(rebate),
    )
}

impl Spoken for super::Auction {
    fn words(claim: &AuctionClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &AuctionClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &AuctionClaim) -> Vec<Anchor<'_>> {
        vec![Anchor::Batch(&claim.batch)]
    }

    fn given(claim: &AuctionClaim) -> Vec<Given> {
        vec![Given::orders(digest(&claim.list))]
    }
}
