//! The list: which entries of a board count. Everyone computes it alone, and gets the same.
//!
//! Entries are taken in the board's order. An entry is dropped, for the first of these reasons,
//!
//! 1. if it was received before the board opened, or not before it closed;
//! 2. if its round or the length of its sealed opening is not the board's;
//! 3. if its ticket is none of the epoch's, or was not spent on just this entry;
//! 4. if its ticket was spent before, on this board or an earlier one of the epoch;
//! 5. if an entry with the same commitment and the same sealed opening counts already.
//!
//! What is left is listed by commitment, at the place where the commitment first stands. Usually one entry stands there. Where several
//! stand, at most one is well formed, since a commitment has one opening and an opening one sealed form. So whoever sees an entry on its way
//! and posts its commitment first, with other bytes, does not push it out: the listed order is skipped only if all its entries are
//! malformed.
//!
//! A ticket counts once, so an account has at most as many entries in an epoch as it had tickets.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::beacon::VerifiedRound;
use crate::bytes::{Digest, Hex, digest};
use crate::disclosure::Disclosure;
use crate::file::{Board, Commitment, Entry, Posted};
use crate::seal::{Flaw, JudgeError, Opening, Sealing, VenueSecret, Verdict, sealed_bytes};
use crate::terms::{Header, Terms};
use crate::ticket::check_all;

/// The tickets of an epoch that its boards have spent so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    epoch_key: Hex<96>,
    tickets: HashSet<Hex<32>>,
    last_batch: Option<u64>,
    digest: Digest,
}

impl Spent {
    /// None yet, in the epoch with this key.
    pub fn none(epoch_key: &Hex<96>) -> Self {
        Self {
            epoch_key: *epoch_key,
            tickets: HashSet::new(),
            last_batch: None,
            digest: digest("sealbook spent tickets 1", &[&epoch_key.0]),
        }
    }

    /// A digest of all boards so far and what they spent.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Why an entry does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Too early.
    #[error("it was received before the board opened")]
    Early,
    /// Too late.
    #[error("it was received after the board closed")]
    Late,
    /// Another round, or none.
    #[error("it is locked to another round than the board's")]
    Round,
    /// Another length.
    #[error("its sealed opening has another length than the board's")]
    Length,
    /// No ticket.
    #[error("its ticket is not one of this epoch, or was not spent on this entry")]
    Ticket,
    /// Spent before.
    #[error("its ticket was spent before")]
    Spent,
    /// The same entry again.
    #[error("the same order stands on the board already")]
    Repeated,
}

/// An entry that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its number, from 0.
    pub entry: usize,
    /// Why.
    pub reason: Reason,
}

/// An order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its commitment, which no other order of the list has.
    pub commitment: Commitment,
    /// The entries with it that count, by number from 0: at least one, and at most one of them well formed.
    pub entries: Vec<usize>,
}

/// Why there is no list yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// The board may still grow.
    #[error(
        "the board has no head signed after its close, so entries may be missing; get the finished file from the board"
    )]
    Unfinished,
    /// Signed too late.
    #[error(
        "the board's head was signed when the round was known, so entries may have been added by someone who knew it"
    )]
    LateHead,
    /// Another epoch.
    #[error(
        "the spent tickets are those of another epoch; begin with the first board of this epoch"
    )]
    OtherEpoch,
    /// Not in order.
    #[error(
        "batch {0} was closed before; close the boards of an epoch in the order of their batches"
    )]
    Order(u64),
}

/// A closed board: the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The orders, in the board's order.
    pub listed: Vec<Listed>,
    /// What was dropped, in the board's order.
    pub dropped: Vec<Dropped>,
    /// The digest of the header's line.
    pub header: Digest,
    /// The digest of the list. It follows from the header, the board's last line, the tickets spent before, and the list.
    pub digest: Digest,
    /// The tickets spent after this board, for the next of the epoch.
    pub spent: Spent,
}

impl Closed {
    /// Closes a board, given the tickets that earlier boards of its epoch spent.
    ///
    /// # Errors
    /// If the board is not finished, or the earlier boards are not those before it.
    pub fn of(board: &Board, before: &Spent) -> Result<Self, CloseError> {
        let terms = &board.header().terms;
        if board
            .head()
            .is_none_or(|head| head.time_ms < terms.closes_ms)
        {
            return Err(CloseError::Unfinished);
        }
        let known = terms.lock.as_ref();
        let known = known.and_then(|lock| lock.beacon.time_of(lock.round));
        if board
            .head()
            .zip(known)
            .is_some_and(|(head, known)| head.time_ms >= known)
        {
            return Err(CloseError::LateHead);
        }
        if before.epoch_key != terms.tickets.key {
            return Err(CloseError::OtherEpoch);
        }
        if before.last_batch.is_some_and(|last| last >= terms.batch) {
            return Err(CloseError::Order(terms.batch));
        }
        let mut reasons = first_reasons(board);
        let spent = spend(board, before, &mut reasons);
        let listed = list(board, &mut reasons);
        let dropped = reasons.iter().enumerate();
        let dropped =
            dropped.filter_map(|(entry, reason)| reason.map(|reason| Dropped { entry, reason }));
        Ok(Self {
            dropped: dropped.collect(),
            header: board.lines()[0],
            digest: list_digest(board, before, &listed),
            listed,
            spent,
        })
    }
}

/// What a keeper asks before it takes an entry: reasons 2 and 3, which an entry has by itself. Without this, posting would cost nothing.
///
/// # Errors
/// Why the entry would not count.
pub fn admit(header: &Header, posted: &Posted) -> Result<(), Reason> {
    if let Some(reason) = form_reason(&header.terms, posted) {
        return Err(reason);
    }
    let stamped = posted.stamped(&header.digest());
    match check_all(&header.terms.tickets.key, &[(&posted.stamp, stamped)])[..] {
        [true] => Ok(()),
        _ => Err(Reason::Ticket),
    }
}

/// Reason 2.
fn form_reason(terms: &Terms, posted: &Posted) -> Option<Reason> {
    let round = terms.lock.as_ref().map(|lock| lock.round);
    let length = sealed_bytes(terms.opening_bytes as usize, round.is_some());
    if posted.round != round {
        Some(Reason::Round)
    } else if posted.sealed.0.len() != length {
        Some(Reason::Length)
    } else {
        None
    }
}

/// Reasons 1 to 3.
fn first_reasons(board: &Board) -> Vec<Option<Reason>> {
    let (terms, header) = (&board.header().terms, board.lines()[0]);
    let reason = |entry: &Entry| match entry.received_ms {
        ms if ms < terms.opens_ms => Some(Reason::Early),
        ms if ms >= terms.closes_ms => Some(Reason::Late),
        _ => form_reason(terms, &entry.posted),
    };
    let mut reasons: Vec<_> = board.entries().iter().map(reason).collect();
    let kept: Vec<usize> = (0..reasons.len())
        .filter(|i| reasons[*i].is_none())
        .collect();
    let stamps: Vec<_> = kept
        .iter()
        .map(|i| &board.entries()[*i].posted)
        .map(|posted| (&posted.stamp, posted.stamped(&header)))
        .collect();
    for (entry, good) in kept.iter().zip(check_all(&terms.tickets.key, &stamps)) {
        if !good {
            reasons[*entry] = Some(Reason::Ticket);
        }
    }
    reasons
}

/// Reason 4.
fn spend(board: &Board, before: &Spent, reasons: &mut [Option<Reason>]) -> Spent {
    let mut spent = before.clone();
    let mut now: Vec<u8> = Vec::new();
    for (entry, reason) in board.entries().iter().zip(reasons) {
        if reason.is_none() {
            let key = entry.posted.stamp.key;
            if spent.tickets.insert(key) {
                now.extend(key.0);
            } else {
                *reason = Some(Reason::Spent);
            }
        }
    }
    let parts: [&[u8]; 3] = [&before.digest.0, &board.lines()[0].0, &now];
    spent.digest = digest("sealbook spent tickets 1", &parts);
    spent.last_batch = Some(board.header().terms.batch);
    spent
}

/// Reason 5, and the list.
fn list(board: &Board, reasons: &mut [Option<Reason>]) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    let mut places: HashMap<Commitment, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for (number, (entry, reason)) in board.entries().iter().zip(reasons).enumerate() {
        if reason.is_some() {
            continue;
        }
        let commitment = entry.posted.commitment;
        if !seen.insert((commitment, &entry.posted.sealed)) {
            *reason = Some(Reason::Repeated);
            continue;
        }
        let place = *places.entry(commitment).or_insert(listed.len());
        if place == listed.len() {
            let entries = Vec::new();
            listed.push(Listed {
                commitment,
                entries,
            });
        }
        listed[place].entries.push(number);
    }
    listed
}

fn list_digest(board: &Board, before: &Spent, listed: &[Listed]) -> Digest {
    let lines = board.lines();
    let mut list = Vec::new();
    for order in listed {
        list.extend(order.commitment.0.0);
        list.extend((order.entries.len() as u64).to_le_bytes());
        order
            .entries
            .iter()
            .for_each(|e| list.extend(lines[e + 1].0));
    }
    let last = lines.last().expect("a header");
    let parts: [&[u8]; 4] = [&lines[0].0, &last.0, &before.digest.0, &list];
    digest("sealbook board list 1", &parts)
}

/// A skipped entry with what the venue shows for it. A venue publishes these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The entry's number, from 0.
    pub entry: u64,
    /// The evidence; `null` where all see what is wrong.
    pub evidence: Option<Disclosure>,
}

/// What a listed order turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is cleared.
    Opened {
        /// The entry that holds it.
        entry: usize,
        /// Its opening.
        opening: Opening,
    },
    /// It is skipped: each of its entries is malformed, for these reasons.
    Skipped(Vec<(Skip, Flaw)>),
}

/// Why a skip is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkipError {
    /// An entry has no skip.
    #[error("nothing is said of entry {0}, which is one of the order's")]
    Missing(usize),
    /// No verdict.
    #[error("entry {0}: {1}")]
    Entry(usize, JudgeError),
    /// It is well formed.
    #[error("entry {0} is well formed; the order must be cleared")]
    WellFormed(usize),
}

impl Listed {
    /// Opens the order with the venue's secret.
    ///
    /// # Errors
    /// As [`Sealing::open`].
    pub fn open(
        &self,
        board: &Board,
        sealing: &Sealing,
        round: Option<&VerifiedRound>,
        secret: &VenueSecret,
    ) -> Result<Order, JudgeError> {
        let mut skips = Vec::new();
        for &entry in &self.entries {
            let posted = &board.entries()[entry].posted;
            match sealing.open(posted, round, secret)? {
                (Verdict::Opened(opening), _) => return Ok(Order::Opened { entry, opening }),
                (Verdict::Malformed(flaw), evidence) => {
                    let entry = entry as u64;
                    skips.push((Skip { entry, evidence }, flaw));
                }
            }
        }
        Ok(Order::Skipped(skips))
    }

    /// Checks, without any secret, that the venue was right to skip the order; the flaws of its entries.
    ///
    /// # Errors
    /// If it was not, or did not show it.
    pub fn check_skipped(
        &self,
        board: &Board,
        sealing: &Sealing,
        round: Option<&VerifiedRound>,
        skips: &[Skip],
    ) -> Result<Vec<Flaw>, SkipError> {
        let judge = |&entry: &usize| {
            let skip = skips.iter().find(|skip| skip.entry == entry as u64);
            let skip = skip.ok_or(SkipError::Missing(entry))?;
            let posted = &board.entries()[entry].posted;
            match sealing.judge(posted, round, skip.evidence.as_ref()) {
                Ok(Verdict::Malformed(flaw)) => Ok(flaw),
                Ok(Verdict::Opened(_)) => Err(SkipError::WellFormed(entry)),
                Err(e) => Err(SkipError::Entry(entry, e)),
            }
        };
        self.entries.iter().map(judge).collect()
    }
}
