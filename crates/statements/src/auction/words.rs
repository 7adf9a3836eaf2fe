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
    let traded = batch.auctions.iter().filter(|a| a.price.is_some()).count();
    let mut lines = vec![format!(
        "batch {} of venue {}: of the {} commitments in the list (SHA3-256 {}), all but {} were opened, each once; at the price of \
         each instrument most lots trade by the four-step rule over all steps of its band, and each order gets what the rule gives it \
         (receipts {}, a tree of 2^{} slots, orders of up to {} levels)",
        batch.number,
        quoted(&batch.venue),
        claim.list.len(),
        digest(&claim.list),
        skipped(&claim.skipped),
        batch.receipts,
        batch.log_slots,
        batch.levels,
    )];
    lines.extend(batch.auctions.iter().map(|a| auction(a, &batch.quote)));
    lines.push(format!(
        "{traded} of {} instruments traded; where one side has more lots at the price than trade, they are shared pro rata, in the \
         order of accounts' keys from a fraction of a lot that follows from the randomness {}",
        batch.auctions.len(),
        String::from(batch.randomness)
    ));
    lines.push(
        "which orders the venue refused for margin, for room, or as not the account's own, and how much an order that only reduces \
         may trade, is the venue's word as long as no settlement of the batch is linked; how many there are is not said"
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
        "two accounts of one owner may trade with each other; where few trade, price and volume tell what their orders were"
            .into(),
    );
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// The skipped places.
fn skipped(places: &[u64]) -> String {
    let numbers: Vec<String> = places.iter().map(u64::to_string).collect();
    match &numbers[..] {
        [] => "none".into(),
        [one] => format!("the one at place {one} (from 0)"),
        _ => format!("those at places {} (from 0)", numbers.join(", ")),
    }
}

fn auction(auction: &orders::Auction, quote: &str) -> String {
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
        None => "nothing trades at any price".into(),
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

    fn given(_: &AuctionClaim) -> Vec<Given> {
        Vec::new()
    }
}
