//! `sealbook order dispute` and `sealbook order judge`: evidence about skipped orders, from either side.

use std::collections::BTreeSet;

use board::Digest;
use board::beacon::VerifiedRound;
use board::close::{Closed, Skip};
use board::file::{Board, Commitment, Sealed};
use board::seal::Sealing;
use serde::{Deserialize, Serialize};

use statements::auction::AuctionClaim;
use statements::orders::Batch;

use super::claim::{compare, read_claim};
use super::read_kept;
use crate::Failure;
use crate::board_arguments::{Dispute, Judge};
use crate::boards::{closed, lines, on_board, randomness, read_lines, round, sealing, wrong};
use crate::files::write;
use crate::output::say;

/// A line of a file of evidence.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// A trader's: an entry is well formed.
    Dispute(DisputedOrder),
    /// A venue's: every entry of an order is malformed.
    Skip(SkippedOrder),
}

/// A trader's evidence. It shows the order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisputedOrder {
    /// The digest of the board's first line.
    board: Digest,
    /// The entry's number, from 0.
    entry: u64,
    /// The order's commitment.
    commitment: Commitment,
    /// The bytes that were sealed.
    opening: Sealed,
}

/// A venue's evidence.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkippedOrder {
    /// The digest of the board's first line.
    pub board: Digest,
    /// The order's place in the list, from 0.
    pub place: u64,
    /// Its commitment.
    pub commitment: Commitment,
    /// What is shown of each of its entries.
    pub entries: Vec<Skip>,
}

pub fn dispute(arguments: &Dispute) -> Result<(), Failure> {
    let (board, closed) = closed(&arguments.board)?;
    let (batch, sealing) = sealing(&board)?;
    let kept = read_kept(&arguments.kept, &board)?;
    let named = &arguments.order;
    let is_named = |one: &&super::Kept| {
        one.ids.contains(named) || String::from(one.commitment.clone()) == *named
    };
    let order = kept.iter().find(is_named);
    let order = order.ok_or_else(|| {
        wrong(
            "--order",
            format!(
                "`{named}` is not among the orders of {}",
                arguments.kept.display()
            ),
        )
    })?;
    let own = on_board(&order.commitment);
    let bytes = order.order.to_bytes(batch.levels as usize);
    let listed = closed
        .listed
        .iter()
        .position(|listed| listed.commitment == own);
    let place = listed.ok_or_else(|| Failure::False(not_listed(&board, &closed, &own)))?;
    let mut malformed = String::new();
    for &entry in &closed.listed[place].entries {
        match sealing.dispute(&board.entries()[entry].posted, &bytes) {
            Err(e) => malformed = format!("entry {entry} of the board: {e}"),
            Ok(()) => {
                let evidence = Evidence::Dispute(DisputedOrder {
                    board: closed.header,
                    entry: entry as u64,
                    commitment: own,
                    opening: Sealed(bytes),
                });
                write(&arguments.out, lines(&[evidence])?.as_bytes())?;
                say!(
                    "entry {entry} of the board, place {place} of the list, is well formed: whoever skips it does so wrongly; {} shows \
                     it to everyone, and the order with it",
                    arguments.out.display()
                );
                return Ok(());
            }
        }
    }
    Err(Failure::False(malformed))
}

/// Why an order is not on the list.
fn not_listed(board: &Board, closed: &Closed, own: &Commitment) -> String {
    let dropped = closed.dropped.iter();
    let mut dropped = dropped.filter(|d| board.entries()[d.entry].posted.commitment == *own);
    match dropped.next() {
        Some(d) => format!("entry {} of the board does not count: {}", d.entry, d.reason),
        None => "no entry of the board has this order's commitment; if you have a receipt, `order check` shows who is wrong".into(),
    }
}

pub fn judge(arguments: &Judge) -> Result<(), Failure> {
    let (board, closed) = closed(&arguments.board)?;
    let (batch, sealing) = sealing(&board)?;
    let all: Vec<Evidence> = read_lines(&arguments.evidence)?;
    let claim = arguments.claim.as_deref().map(read_claim).transpose()?;
    let given = arguments.round.as_deref();
    let needs_round = claim.is_some() || all.iter().any(|one| matches!(one, Evidence::Skip(_)));
    let round = match needs_round || given.is_some() {
        true => round(&board, given)?,
        false => None,
    };
    let judge = Bench {
        board,
        closed,
        sealing,
        round,
    };
    let (mut skipped, mut told) = (BTreeSet::new(), Vec::new());
    for (one, line) in all.iter().zip(1..) {
        let verdict = match one {
            Evidence::Dispute(one) => judge.dispute(one),
            Evidence::Skip(one) => judge.skip(one).inspect(|_| {
                skipped.insert(one.place);
            }),
        };
        told.push((format!("{}:{line}", arguments.evidence.display()), verdict));
    }
    if let (Some(claim), Some(path)) = (&claim, &arguments.claim) {
        told.push((
            path.display().to_string(),
            judge.claim(claim, &batch, &skipped),
        ));
    }
    for (place, verdict) in &told {
        match verdict {
            Ok(words) => say!("{place}: upheld: {words}"),
            Err(words) => say!("{place}: not upheld: {words}"),
        }
    }
    match told.iter().filter(|(_, verdict)| verdict.is_err()).count() {
        0 => Ok(()),
        wrong_ones => Err(Failure::False(format!(
            "{wrong_ones} of {} are not upheld",
            told.len()
        ))),
    }
}

/// What evidence is judged by.
struct Bench {
    board: Board,
    closed: Closed,
    sealing: Sealing,
    round: Option<VerifiedRound>,
}

impl Bench {
    /// Whether a claim is about the board, and skips only what was shown to be malformed.
    fn claim(
        &self,
        claim: &AuctionClaim,
        batch: &Batch,
        shown: &BTreeSet<u64>,
    ) -> Result<String, String> {
        compare(
            claim,
            batch,
            &self.closed,
            randomness(&self.closed, self.round.as_ref()),
        )?;
        if let Some(place) = claim.skipped.iter().find(|place| !shown.contains(place)) {
            return Err(format!(
                "it skips the order at place {place} of the list, and there is no evidence that it must; the venue must clear it or show some"
            ));
        }
        Ok(format!(
            "its terms, list and randomness are the board's, and each of the {} orders that it skips must be skipped; whether its proof is \
             right, `verify` says",
            claim.skipped.len()
        ))
    }

    fn is_of_board(&self, board: &Digest) -> Result<(), String> {
        match *board == self.closed.header {
            true => Ok(()),
            false => Err("it is about another board".into()),
        }
    }

    fn dispute(&self, one: &DisputedOrder) -> Result<String, String> {
        self.is_of_board(&one.board)?;
        let entry = usize::try_from(one.entry).unwrap_or(usize::MAX);
        let listed = self.closed.listed.iter().enumerate();
        let mut listed =
            listed.filter(|(_, l)| l.commitment == one.commitment && l.entries.contains(&entry));
        let Some((place, _)) = listed.next() else {
            return Err(format!(
                "entry {entry} does not stand on the list with this commitment"
            ));
        };
        let posted = &self.board.entries()[entry].posted;
        self.sealing
            .dispute(posted, &one.opening.0)
            .map_err(|e| e.to_string())?;
        Ok(format!(
            "entry {entry} of the board, place {place} of the list, is well formed and must be cleared"
        ))
    }

    fn skip(&self, one: &SkippedOrder) -> Result<String, String> {
        self.is_of_board(&one.board)?;
        let place = usize::try_from(one.place).ok();
        let listed = place.and_then(|place| self.closed.listed.get(place));
        let listed = listed.filter(|listed| listed.commitment == one.commitment);
        let listed = listed.ok_or("the list has no such commitment at this place")?;
        let flaws = listed.check_skipped(
            &self.board,
            &self.sealing,
            self.round.as_ref(),
            &one.entries,
        );
        let flaws = flaws.map_err(|e| e.to_string())?;
        let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
        Ok(format!(
            "place {} of the list must be skipped: {}",
            one.place,
            flaws.join("; ")
        ))
    }
}
