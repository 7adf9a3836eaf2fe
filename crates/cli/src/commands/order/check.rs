//! `sealbook order check`: did the keeper keep its word?

use std::collections::HashMap;

use board::close::{Closed, Listed};
use board::file::{Board, Commitment, Receipt};
use board::seal::Sealing;

use super::{Kept, read_kept};
use crate::Failure;
use crate::board_arguments::CheckOrders;
use crate::boards::{list, on_board, read_board, read_lines, sealing};
use crate::output::say;

pub fn run(arguments: &CheckOrders) -> Result<(), Failure> {
    let board = read_board(&arguments.board.board)?;
    let (batch, sealing) = sealing(&board)?;
    let kept = read_kept(&arguments.kept, &board)?;
    let receipts: Vec<Receipt> = read_lines(&arguments.receipts)?;
    // Several entries may have one commitment: somebody may copy it.
    let mut by_commitment: HashMap<Commitment, Vec<&Receipt>> = HashMap::new();
    for receipt in &receipts {
        by_commitment
            .entry(receipt.entry.posted.commitment)
            .or_default()
            .push(receipt);
    }
    let closed = board
        .head()
        .is_some()
        .then(|| list(&board, &arguments.board))
        .transpose()?;
    let mut broken = 0;
    for order in &kept {
        let own = on_board(&order.commitment);
        let receipts = by_commitment.get(&own).map_or(&[][..], Vec::as_slice);
        let bytes = order.order.to_bytes(batch.levels as usize);
        let receipt = receipt(&board, &sealing, order, &bytes, receipts);
        let told = receipt.and_then(|receipt| match &closed {
            None => Ok(format!(
                "received, entry {}; the board is not closed yet",
                receipt.head.entries.saturating_sub(1)
            )),
            Some(closed) => place(&board, closed, receipt, &own),
        });
        broken += usize::from(told.is_err());
        say!(
            "{}: {}",
            order.name(),
            told.unwrap_or_else(|problem| problem)
        );
    }
    match broken {
        0 => Ok(()),
        _ => Err(Failure::False(format!(
            "{broken} of {} orders are not as they should be",
            kept.len()
        ))),
    }
}

/// The good receipt of an order.
fn receipt<'a>(
    board: &Board,
    sealing: &Sealing,
    order: &Kept,
    bytes: &[u8],
    receipts: &[&'a Receipt],
) -> Result<&'a Receipt, String> {
    let own = on_board(&order.commitment);
    let sealed = sealing.seal(&own, bytes).map_err(|e| e.to_string())?;
    let own_ones = receipts
        .iter()
        .filter(|receipt| receipt.entry.posted.sealed == sealed);
    let mut problem = "has no receipt; post it again before the close, or elsewhere".to_string();
    for receipt in own_ones {
        match receipt.check(board.header(), &receipt.entry.posted) {
            Ok(()) => return Ok(receipt),
            Err(e) => problem = format!("its receipt is worth nothing: {e}"),
        }
    }
    Err(problem)
}

/// The place of an order in the list.
fn place(
    board: &Board,
    closed: &Closed,
    receipt: &Receipt,
    own: &Commitment,
) -> Result<String, String> {
    if let Some(fork) = board.denies(receipt).map_err(|e| e.to_string())? {
        return Err(format!(
            "{fork}; receipt and board together are the evidence against the keeper"
        ));
    }
    // The head's number of entries is this one's and those before it, as the board confirms.
    let entry = receipt.head.entries.saturating_sub(1) as usize;
    let same = |entry: &usize| board.entries()[*entry].posted.sealed == receipt.entry.posted.sealed;
    let is_own = |listed: &Listed| listed.commitment == *own && listed.entries.iter().any(same);
    // Somebody may have copied the entry and posted the copy first: the order counts all the same.
    if let Some(place) = closed.listed.iter().position(is_own) {
        return Ok(format!(
            "received, entry {entry}, place {place} of the list"
        ));
    }
    let reason = closed.dropped.iter().find(|d| d.entry == entry);
    Err(reason.map_or("is not on the list".into(), |d| {
        format!("entry {entry} does not count: {}", d.reason)
    }))
}
