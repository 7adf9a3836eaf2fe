//! Whether an auction's claim is about a board: its terms, its list, its randomness, and evidence for all that it skips.

use std::path::Path;

use board::close::Closed;
use records::units::Lots;
use stark::ProofFile;
use statements::auction::{Auction, AuctionClaim};
use statements::orders::{self, Batch, Randomness};

use crate::Failure;
use crate::boards::{claimed, wrong};
use crate::files::read_proof;

/// The claim of a proof file. Whether the proof is right, `verify` says.
pub fn read_claim(path: &Path) -> Result<AuctionClaim, Failure> {
    let refused = |e: &dyn std::fmt::Display| wrong(path.display(), e);
    let file = ProofFile::from_bytes(&read_proof(path)?).map_err(|e| refused(&e))?;
    file.claim::<Auction>().map_err(|e| refused(&e))
}

/// Compares a claim with a board's batch, list and randomness.
pub fn compare(
    claim: &AuctionClaim,
    batch: &Batch,
    closed: &Closed,
    randomness: Randomness,
) -> Result<(), String> {
    let terms = |auction: &orders::Auction| orders::Auction {
        price: None,
        volume: Lots(0),
        depth: None,
        ..auction.clone()
    };
    let own = &claim.batch;
    let same = [
        ("venue", own.venue == batch.venue),
        ("batch", own.number == batch.number),
        ("currency", own.quote == batch.quote),
        ("levels", own.levels == batch.levels),
        (
            "auctions' terms",
            own.auctions
                .iter()
                .map(terms)
                .eq(batch.auctions.iter().cloned()),
        ),
        ("randomness", own.randomness == randomness),
    ];
    if let Some((what, _)) = same.into_iter().find(|(_, same)| !same) {
        return Err(format!("the claim has another {what} than the board"));
    }
    let mut listed = closed
        .listed
        .iter()
        .map(|listed| claimed(&listed.commitment))
        .zip(&claim.list);
    if let Some(place) = listed.position(|(board, claim)| board != *claim) {
        return Err(format!(
            "the claim has another commitment at place {place} of the list than the board"
        ));
    }
    match closed.listed.len() == claim.list.len() {
        true => Ok(()),
        false => Err(format!(
            "the claim's list has {} commitments, and the board's {}",
            claim.list.len(),
            closed.listed.len()
        )),
    }
}
