//! Boards as commands read them, and what connects a board with the orders of a batch.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use board::Hex;
use board::beacon::{Round, VerifiedRound};
use board::close::{Closed, Spent};
use board::file::{Board, Commitment};
use board::keys::SecretKey;
use board::seal::{Sealing, VenueSecret};
use board::terms::Terms;
use records::date::moment;
use records::files::{At, read_file};
use records::units::Lots;
use serde::Serialize;
use serde::de::DeserializeOwned;
use statements::account::PublicDigest;
use statements::auction;
use statements::orders::{Auction, Batch, Opening, Randomness};

use crate::Failure;
use crate::board_arguments::ClosedBoard;
use crate::files::{read, read_json, write, write_private};

/// An error about an option or a file.
pub fn wrong(place: impl std::fmt::Display, problem: impl std::fmt::Display) -> Failure {
    Failure::Input(format!("{place}: {problem}"))
}

/// The moment that was given, or now.
pub fn now(given: Option<u64>) -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    given.unwrap_or_else(|| since.map_or(0, |d| d.as_millis() as u64))
}

/// Reads a board.
pub fn read_board(path: &Path) -> Result<Board, Failure> {
    Ok(Board::read(&At::file(path), &read_file(path)?)?)
}

/// Replaces a board's file as a whole, so that a break leaves the old one or the new one.
pub fn replace_board(path: &Path, board: &Board) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    write(&beside, board.text().as_bytes())?;
    std::fs::rename(&beside, path)
        .map_err(|e| wrong(path.display(), format!("cannot be written: {e}")))
}

/// Refuses to write over a file.
pub fn must_be_new(path: &Path) -> Result<(), Failure> {
    match path.exists() {
        true => Err(wrong(
            path.display(),
            "is there already, and is not written over; name another file",
        )),
        false => Ok(()),
    }
}

/// A closed board and its list.
pub fn closed(arguments: &ClosedBoard) -> Result<(Board, Closed), Failure> {
    let board = read_board(&arguments.board)?;
    let list = list(&board, arguments)?;
    Ok((board, list))
}

/// The list of a board, after those before it.
pub fn list(board: &Board, arguments: &ClosedBoard) -> Result<Closed, Failure> {
    let mut spent = Spent::none(&board.header().terms.tickets.key);
    for path in &arguments.before {
        let closed = Closed::of(&read_board(path)?, &spent);
        spent = closed.map_err(|e| wrong(path.display(), e))?.spent;
    }
    Closed::of(board, &spent).map_err(|e| wrong(arguments.board.display(), e))
}

/// A secret that a file holds as text.
pub fn kept<T>(path: &Path, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    let text = String::from_utf8(read(path)?).unwrap_or_default();
    parse(&text).ok_or_else(|| wrong(path.display(), "is not a secret; get the right file"))
}

/// The same; made if it is not there.
pub fn kept_or_new<T>(
    path: &Path,
    parse: impl Fn(&str) -> Option<T>,
    fresh: impl FnOnce() -> String,
) -> Result<T, Failure> {
    if !path.exists() {
        write_private(path, fresh().as_bytes())?;
    }
    kept(path, parse)
}

/// A venue's keys. They follow from one secret; each hashes it in its own way.
pub struct VenueKeys {
    /// It signs boards.
    pub signing: SecretKey,
    /// It opens orders.
    pub envelopes: VenueSecret,
    /// Tickets follow from it.
    pub seed: [u8; 32],
}

impl VenueKeys {
    /// Those of a secret's text.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self {
            signing: SecretKey::from_hex(text)?,
            envelopes: VenueSecret::from_hex(text)?,
            seed: Hex::parse(text.trim())?.0,
        })
    }
}

/// The batch of a board as claims have it, before it is cleared.
pub fn batch(terms: &Terms) -> Result<Batch, Failure> {
    let auctions = terms.orders.auctions.iter().map(|auction| Auction {
        number: auction.number,
        symbol: auction.symbol.clone(),
        low: auction.low,
        high: auction.high,
        step: auction.step,
        reference: auction.reference,
        fee: auction.fee,
        rebate: auction.rebate,
        price: None,
        volume: Lots(0),
        depth: None,
    });
    let batch = Batch {
        venue: terms.venue.name.clone(),
        number: terms.batch,
        quote: terms.orders.quote.clone(),
        levels: terms.orders.levels,
        auctions: auctions.collect(),
        randomness: Randomness([0; 32]),
        orders: 0,
        log_slots: stark::MIN_LOG_HEIGHT as u32,
        receipts: [stark::F::default(); 8].into(),
    };
    let checked = batch.check();
    checked.map_err(|e| {
        wrong(
            "the board's terms",
            format!("{e}; get another board from the venue"),
        )
    })?;
    Ok(batch)
}

/// A board's keys, made ready to seal and open orders of its batch.
pub fn sealing(board: &Board) -> Result<(Batch, Sealing), Failure> {
    let batch = batch(&board.header().terms)?;
    let orders = batch.clone();
    let opens =
        move |commitment: &Commitment, bytes: &[u8]| order(&orders, commitment, bytes).is_some();
    let sealing =
        Sealing::new(board.header(), opens).map_err(|e| wrong("the board's header", e))?;
    Ok((batch, sealing))
}

/// The order of a commitment, if bytes are it. A commitment that is no digest is that of none.
pub fn order(batch: &Batch, commitment: &Commitment, bytes: &[u8]) -> Option<Opening> {
    let digest = PublicDigest::try_from(commitment.0.to_string()).ok()?;
    Opening::revealed(bytes, &digest.elements(), batch)
}

/// A commitment on a board as claims have it; both have the same text.
pub fn claimed(commitment: &Commitment) -> auction::Commitment {
    let text = commitment.0.to_string();
    text.try_into().expect("64 digits")
}

/// A commitment in a claim as boards have it.
pub fn on_board(commitment: &auction::Commitment) -> Commitment {
    let text = String::from(commitment.clone());
    Commitment(Hex::parse(&text).expect("64 digits"))
}

/// What the beacon said in a board's round; nothing of a board without a beacon.
pub fn round(board: &Board, path: Option<&Path>) -> Result<Option<VerifiedRound>, Failure> {
    match (&board.header().terms.lock, path) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(wrong(
            "--round",
            "this board has no beacon; leave the option away",
        )),
        (Some(lock), None) => {
            let at = lock
                .beacon
                .time_of(lock.round)
                .map_or(String::new(), |ms| format!(" of {}", moment(ms)));
            Err(wrong(
                "--round",
                format!(
                    "the orders are locked to round {}{at} of the beacon `{}`; fetch what it says then, and give the file",
                    lock.round, lock.beacon.name
                ),
            ))
        }
        (Some(lock), Some(path)) => {
            let said: Round = read_json(path)?;
            if said.round != lock.round {
                let told = format!(
                    "is round {}, and the orders are locked to round {}",
                    said.round, lock.round
                );
                return Err(wrong(path.display(), told));
            }
            let verified = lock.beacon.verify(&said);
            Ok(Some(verified.map_err(|e| wrong(path.display(), e))?))
        }
    }
}

/// From which it follows where rationing starts: what the beacon said; without one the list's digest, which everyone knows, and which
/// the last to post can choose among many.
pub fn randomness(closed: &Closed, round: Option<&VerifiedRound>) -> Randomness {
    Randomness(round.map_or(closed.digest, VerifiedRound::randomness).0)
}

/// The lines of a file, each a JSON object.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Failure> {
    let (file, bytes) = (At::file(path), read_file(path)?);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let line = |(text, number): (&[u8], u64)| {
        records::json::read(text).map_err(|e| {
            let told = format!("column {}: {}", e.column, e.problem);
            file.line(number).error(None, told).into()
        })
    };
    lines.map(line).collect()
}

/// The text of lines, each a JSON object.
pub fn lines<T: Serialize>(all: &[T]) -> Result<String, Failure> {
    let text = |one: &T| serde_json::to_string(one).map(|text| text + "\n");
    let all: Result<String, _> = all.iter().map(text).collect();
    all.map_err(|e| Failure::Internal(e.to_string()))
}
