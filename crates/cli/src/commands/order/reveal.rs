//! `sealbook order reveal`: the venue opens the orders of a closed board.

use board::close::{Closed, Listed as OnBoard, Order};
use board::file::Board;
use board::seal::{Flaw, Opening};
use rayon::prelude::*;
use statements::orders::{About, Batch, Listed, Openings};

use super::evidence::{Evidence, SkippedOrder};
use super::write_new_private;
use crate::Failure;
use crate::board_arguments::Reveal;
use crate::boards::{
    VenueKeys, claimed, closed, kept, lines, must_be_new, order, randomness, round, sealing, wrong,
};
use crate::files::write;
use crate::output::say;

pub fn run(arguments: &Reveal) -> Result<(), Failure> {
    must_be_new(&arguments.out)?;
    must_be_new(&arguments.skips)?;
    let (board, closed) = closed(&arguments.board)?;
    let (batch, sealing) = sealing(&board)?;
    let keys = kept(&arguments.venue_secret, VenueKeys::parse)?;
    let round = round(&board, arguments.round.as_deref())?;
    let opened = closed.listed.par_iter().map(|listed| {
        let order = listed.open(&board, &sealing, round.as_ref(), &keys.envelopes);
        order.map_err(|e| wrong(arguments.venue_secret.display(), e))
    });
    let opened: Vec<Order> = opened.collect::<Result<_, Failure>>()?;
    let (mut entries, mut skips) = (Vec::new(), Vec::new());
    for (place, (listed, found)) in closed.listed.iter().zip(opened).enumerate() {
        let (entry, skip) = entry(&batch, &closed, listed, place, found)?;
        entries.push(entry);
        skips.extend(skip);
    }
    let openings = Openings {
        about: About {
            board: closed.header.to_string(),
            venue: batch.venue.clone(),
            batch: batch.number,
            levels: batch.levels,
            list: Some(closed.digest.to_string()),
            randomness: Some(randomness(&closed, round.as_ref())),
        },
        entries,
    };
    write_new_private(&arguments.out, &openings.text())?;
    write(&arguments.skips, lines(&skips)?.as_bytes())?;
    say_revealed(arguments, &board, &closed, &skips);
    Ok(())
}

/// What became of a listed order: the line of the private file, and the evidence if it is skipped.
fn entry(
    batch: &Batch,
    closed: &Closed,
    listed: &OnBoard,
    place: usize,
    found: Order,
) -> Result<(Listed, Option<Evidence>), Failure> {
    let internal = |what: &str| Failure::Internal(format!("place {place} of the list: {what}"));
    let skips = match found {
        Order::Opened {
            opening: Opening(bytes),
            ..
        } => {
            let order = order(batch, &listed.commitment, &bytes)
                .ok_or_else(|| internal("it was opened as no order"))?;
            return Ok((
                Listed::Opened {
                    ids: Vec::new(),
                    order,
                },
                None,
            ));
        }
        Order::Skipped(skips) => skips,
    };
    let why = skips
        .iter()
        .map(|(_, flaw): &(_, Flaw)| flaw.to_string())
        .collect();
    let evidence = Evidence::Skip(SkippedOrder {
        board: closed.header,
        place: place as u64,
        commitment: listed.commitment,
        entries: skips.into_iter().map(|(skip, _)| skip).collect(),
    });
    Ok((
        Listed::Skipped {
            commitment: claimed(&listed.commitment),
            why,
        },
        Some(evidence),
    ))
}

fn say_revealed(arguments: &Reveal, board: &Board, closed: &Closed, skips: &[Evidence]) {
    say!(
        "{}: {} of {} orders of batch {} opened; a private file",
        arguments.out.display(),
        closed.listed.len() - skips.len(),
        closed.listed.len(),
        board.header().terms.batch,
    );
    say!(
        "{}: the evidence for {} orders that must be skipped; publish it",
        arguments.skips.display(),
        skips.len()
    );
}
