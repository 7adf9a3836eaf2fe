//! `sealbook order seal`: from a trader's orders to entries for a board.

use board::file::Posted;
use board::terms::Terms;
use market::Snapshot;
use market::auction::{Ladder, Level, Void};
use market::import::orders::{SentOrder, read_orders};
use rayon::prelude::*;
use statements::account::{Identity, Secret};
use statements::orders::{About, Batch, Listed, Opening, Openings};
use statements::owner::OneTimeSecrets;

use super::write_new_private;
use crate::Failure;
use crate::board_arguments::Seal;
use crate::boards::{kept, lines, must_be_new, on_board, read_board, sealing, wrong};
use crate::commands::tickets::Purse;
use crate::files::{read_json, write, write_private_json};
use crate::inputs::read_market;
use crate::output::say;

pub fn run(arguments: &Seal) -> Result<(), Failure> {
    must_be_new(&arguments.out)?;
    must_be_new(&arguments.keep)?;
    let board = read_board(&arguments.board)?;
    if board.head().is_some() {
        return Err(wrong(
            arguments.board.display(),
            "is closed; seal the orders for the next one",
        ));
    }
    let header = board.header();
    let (batch, sealing) = sealing(&board)?;
    let snapshot = read_market(&arguments.market, None)?;
    check_market(&header.terms, &snapshot).map_err(|e| wrong(arguments.market.display(), e))?;
    let orders = read_orders(&arguments.orders, &snapshot)?;
    let account =
        check_orders(&orders, &batch).map_err(|e| wrong(arguments.orders.display(), e))?;
    let secret = kept(&arguments.secrets, Secret::from_hex)?;
    let mut purse: Purse = read_json(&arguments.tickets)?;
    let tickets = purse.spend(&arguments.tickets, &header.terms.tickets.key, orders.len())?;
    let openings = openings(
        &batch,
        account,
        &orders,
        OneTimeSecrets::new(&secret, &batch.venue).secret(batch.number),
    );
    let levels = batch.levels as usize;
    let posts = openings.par_iter().zip(&tickets).map(|(order, ticket)| {
        let [own, _] = order.digests(levels);
        let own = on_board(&own.into());
        let sealed = sealing.seal(&own, &order.to_bytes(levels));
        let sealed = sealed.map_err(|e| Failure::Internal(e.to_string()))?;
        Ok(Posted::new(header, own, sealed, ticket))
    });
    let posts: Vec<Posted> = posts.collect::<Result<_, Failure>>()?;
    let entries = openings
        .into_iter()
        .zip(&orders)
        .map(|(order, sent)| Listed::Opened {
            ids: sent.lines.iter().map(|line| line.id.clone()).collect(),
            order,
        });
    let kept = Openings {
        about: About {
            board: header.digest().to_string(),
            venue: batch.venue.clone(),
            batch: batch.number,
            levels: batch.levels,
            list: None,
            randomness: None,
        },
        entries: entries.collect(),
    };
    // What must not be lost comes first, and what is sent last: after a break a ticket may be lost, but none is spent twice.
    write_new_private(&arguments.keep, &kept.text())?;
    write_private_json(&arguments.tickets, &purse)?;
    write(&arguments.out, lines(&posts)?.as_bytes())?;
    say!(
        "{}: {} orders sealed for batch {} of venue `{}`; {}: keep it secret until the orders are opened, and after, for receipts and disputes",
        arguments.out.display(),
        posts.len(),
        batch.number,
        batch.venue,
        arguments.keep.display(),
    );
    Ok(())
}

/// Whether the market is the one that the board was opened with, as far as it gives orders their meaning.
fn check_market(terms: &Terms, snapshot: &Snapshot) -> Result<(), String> {
    if snapshot.quote != terms.orders.quote {
        return Err(format!(
            "field `quote`: is {}, and the board's is {}; get the market from the venue",
            snapshot.quote, terms.orders.quote
        ));
    }
    for auction in &terms.orders.auctions {
        let instrument = snapshot.instruments.get(auction.number as usize);
        let same = instrument.is_some_and(|own| {
            let text = |number: &fixed::Decimal| number.normalized().to_string();
            own.symbol == auction.symbol
                && text(&own.lot) == auction.lot
                && text(&own.contract_size) == auction.contract_size
        });
        if !same {
            return Err(format!(
                "instruments[{}]: is not `{}` with a lot of {} contracts of {}, as on the board; get the market from the venue",
                auction.number, auction.symbol, auction.lot, auction.contract_size
            ));
        }
    }
    Ok(())
}

/// Whether the orders are of one account, and may take part. The account.
fn check_orders<'a>(orders: &'a [SentOrder], batch: &Batch) -> Result<&'a str, String> {
    let [first, ..] = orders else {
        return Err("there are no orders".into());
    };
    for order in orders {
        let id = order.lines.first().map_or("", |line| &line.id);
        let refused = |problem: String| Err(format!("order `{id}`: {problem}"));
        if order.account != first.account {
            return refused(format!(
                "is of `{}`, and those before are of `{}`; each account has secrets of its own: seal its orders from a file of their own",
                order.account, first.account
            ));
        }
        if order.levels.len() > batch.levels as usize {
            return refused(format!(
                "has {} bids or asks, and the board's orders have room for {}; leave out the least important ones",
                order.levels.len(),
                batch.levels
            ));
        }
        let auction = batch
            .auctions
            .iter()
            .find(|a| a.number as usize == order.instrument);
        let Some(auction) = auction else {
            return refused(
                "field `instrument`: it has no auction on this board; see the board's first line"
                    .into(),
            );
        };
        match Ladder(order.levels.clone()).check(&auction.band()?) {
            Ok(()) | Err(Void::Cancels) => {}
            Err(void) => return refused(format!("{void}, so it would take no part; correct it")),
        }
    }
    Ok(&first.account)
}

/// The orders with the account's secret for the batch.
fn openings(
    batch: &Batch,
    account: &str,
    orders: &[SentOrder],
    secret: [stark::F; 8],
) -> Vec<Opening> {
    let (account, session) = (Identity::of(account).key(), batch.session());
    // One that takes back has a level without lots.
    let ladder = |order: &SentOrder| match order.cancels() {
        true => Ladder(vec![Level::default()]),
        false => Ladder(order.levels.clone()),
    };
    let opening = |order: &SentOrder| Opening {
        account,
        instrument: order.instrument,
        nonce: order.nonce,
        quote: order.quote,
        reduce_only: order.reduce_only,
        ladder: ladder(order),
        session,
        secret,
    };
    orders.iter().map(opening).collect()
}
