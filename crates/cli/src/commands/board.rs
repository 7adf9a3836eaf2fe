//! `sealbook board`: what the venue and the keeper of its board do, and what everyone can compute.

use std::collections::HashSet;
use std::path::Path;

use board::beacon::{Beacon, TestBeacon};
use board::close::{Closed, Reason, admit};
use board::file::{Board, Posted, Receipt};
use board::keys::SecretKey;
use board::seal::VenueSecret;
use board::terms::{self, FORMAT, Header, Keeper, Terms, TimeLock, Venue};
use board::ticket::Issuer;
use market::Snapshot;
use market::import::auctions::{Held, read_auction};
use records::date::moment;
use serde_json::json;

use super::tickets;
use crate::Failure;
use crate::board_arguments::{
    Board as Command, CloseBoard, ClosedBoard, KeeperKey, ListBoard, OpenBoard, Post,
    TestBeaconArguments, TestRound,
};
use crate::boards::{
    VenueKeys, batch, closed, kept, kept_or_new, lines, list, must_be_new, now, read_board,
    read_lines, replace_board, wrong,
};
use crate::files::{read_json, write, write_json};
use crate::inputs::read_market;
use crate::output::{note, print_json, say};

/// Bytes of a padded opening: an order of four levels has 128.
const OPENING_BYTES: u32 = 256;
/// When a test beacon's first round is, and how far apart rounds are, in milliseconds.
const TEST_BEACON: (u64, u64) = (1_577_836_800_000, 3_000);

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Keeper(arguments) => keeper(arguments),
        Command::Open(arguments) => open(arguments),
        Command::Tickets(command) => tickets::run(command),
        Command::Post(arguments) => post(arguments),
        Command::Close(arguments) => close(arguments),
        Command::List(arguments) => say_list(arguments),
        Command::TestBeacon(arguments) => test_beacon(arguments),
        Command::TestRound(arguments) => test_round(arguments),
    }
}

fn keeper(arguments: &KeeperKey) -> Result<(), Failure> {
    let name = &arguments.name;
    if !records::names::is_name(name) {
        let told = format!(
            "{} {}",
            statements::words::quoted(name),
            records::names::NO_NAME
        );
        return Err(wrong("--name", told));
    }
    let fresh = || SecretKey::random().to_hex();
    let secret = kept_or_new(&arguments.keeper_secret, SecretKey::from_hex, fresh)?;
    let (name, key) = (name.clone(), secret.public());
    write_json(&arguments.out, &Keeper { name, key })?;
    say!(
        "{}: keeper `{}` signs with key {key}",
        arguments.out.display(),
        arguments.name
    );
    Ok(())
}

fn open(arguments: &OpenBoard) -> Result<(), Failure> {
    must_be_new(&arguments.out)?;
    let snapshot = read_market(&arguments.market, None)?;
    let auction = read_auction(&arguments.auction, &snapshot)?;
    let keeper: Keeper = read_json(&arguments.keeper)?;
    let fresh = || VenueSecret::random().to_hex();
    let keys = kept_or_new(&arguments.venue_secret, VenueKeys::parse, fresh)?;
    let auctions = auction
        .instruments
        .iter()
        .map(|held| terms_of(&snapshot, held));
    let issuer = Issuer::new(&keys.seed, arguments.epoch, arguments.tickets);
    let terms = Terms {
        format: FORMAT,
        venue: Venue {
            name: auction.venue.clone(),
            key: keys.signing.public(),
            envelopes: keys.envelopes.public(),
        },
        board: keeper,
        batch: auction.batch,
        opens_ms: now(arguments.opens),
        closes_ms: arguments.closes,
        orders: terms::Orders {
            quote: snapshot.quote.clone(),
            levels: arguments.levels,
            auctions: auctions.collect(),
        },
        opening_bytes: OPENING_BYTES,
        lock: lock(arguments)?,
        tickets: terms::Tickets {
            epoch: arguments.epoch,
            key: issuer.key(),
            each: issuer.each(),
        },
    };
    let header = Header::sign(terms, &keys.signing).map_err(|e| Failure::Input(e.to_string()))?;
    batch(&header.terms)?;
    let board = Board::open(header).map_err(|e| Failure::Internal(e.to_string()))?;
    write(&arguments.out, board.text().as_bytes())?;
    say_opened(arguments, &board.header().terms);
    Ok(())
}

/// How an instrument's auction is held, as a board's terms say it.
fn terms_of(snapshot: &Snapshot, held: &Held) -> terms::Auction {
    let instrument = &snapshot.instruments[held.instrument];
    terms::Auction {
        number: held.instrument as u32,
        symbol: instrument.symbol.clone(),
        lot: instrument.lot.normalized().to_string(),
        contract_size: instrument.contract_size.normalized().to_string(),
        low: held.band.low(),
        high: held.band.high(),
        step: held.band.step(),
        reference: held.band.reference(),
        fee: held.fees.fee(),
        rebate: held.fees.rebate(),
    }
}

/// The time lock.
fn lock(arguments: &OpenBoard) -> Result<Option<TimeLock>, Failure> {
    let Some(path) = &arguments.beacon else {
        note!(
            "warning: without a beacon the venue can read each order as soon as it is posted; the board says so"
        );
        return Ok(None);
    };
    let beacon = match path.as_path() {
        path if path == Path::new("quicknet") => Beacon::quicknet(),
        path => read_json(path)?,
    };
    beacon.check().map_err(|e| wrong(path.display(), e))?;
    if beacon.name == "test" {
        note!("warning: a test beacon keeps nothing secret from whoever has its file");
    }
    let lock = TimeLock::after(beacon, arguments.closes, 1000 * arguments.delay);
    Ok(Some(lock.ok_or_else(|| {
        wrong("--closes", "is beyond the beacon's times")
    })?))
}

fn say_opened(arguments: &OpenBoard, terms: &Terms) {
    say!(
        "{}: batch {} of venue `{}`, kept by `{}`, open from {} to {}; {} auctions, orders of up to {} levels; {} tickets an account in \
         epoch {}",
        arguments.out.display(),
        terms.batch,
        terms.venue.name,
        terms.board.name,
        moment(terms.opens_ms),
        moment(terms.closes_ms),
        terms.orders.auctions.len(),
        terms.orders.levels,
        terms.tickets.each,
        terms.tickets.epoch,
    );
    say!("{}", words_of_lock(terms));
}

/// When orders are opened.
fn words_of_lock(terms: &Terms) -> String {
    match &terms.lock {
        None => "no beacon: the venue can read each order as soon as it is posted".into(),
        Some(lock) => {
            let at = lock
                .beacon
                .time_of(lock.round)
                .map(moment)
                .unwrap_or_default();
            let (round, name) = (lock.round, &lock.beacon.name);
            format!(
                "nobody can open an order before round {round} of the beacon `{name}`, which is at {at}"
            )
        }
    }
}

fn post(arguments: &Post) -> Result<(), Failure> {
    must_be_new(&arguments.receipts)?;
    let mut board = read_board(&arguments.board)?;
    let keeper = keeper_of(&board, &arguments.keeper_secret)?;
    if board.head().is_some() {
        return Err(wrong(
            arguments.board.display(),
            "is closed and takes no more entries",
        ));
    }
    let posts: Vec<Posted> = read_lines(&arguments.posts)?;
    let at = now(arguments.at);
    let mut door = Door::new(&board);
    let (mut receipts, mut refused): (Vec<Receipt>, usize) = (Vec::new(), 0);
    for (posted, line) in posts.into_iter().zip(1..) {
        if let Err(reason) = door.admit(&board, &posted, at) {
            refused += 1;
            note!("{}:{line}: refused: {reason}", arguments.posts.display());
            continue;
        }
        let added = board.post(posted, at);
        added.map_err(|e| wrong(arguments.board.display(), e))?;
        receipts.extend(board.receipt(at, &keeper));
    }
    // The board first: a receipt for what it does not hold would be evidence against the keeper.
    replace_board(&arguments.board, &board)?;
    write(&arguments.receipts, lines(&receipts)?.as_bytes())?;
    let (taken, all) = (receipts.len(), board.entries().len());
    say!(
        "{}: {taken} entries taken, {all} in all; {}: their receipts",
        arguments.board.display(),
        arguments.receipts.display()
    );
    match refused {
        0 => Ok(()),
        _ => Err(Failure::False(format!("{refused} entries were refused"))),
    }
}

fn keeper_of(board: &Board, path: &Path) -> Result<SecretKey, Failure> {
    let keeper = kept(path, SecretKey::from_hex)?;
    match keeper.public() == board.header().terms.board.key {
        true => Ok(keeper),
        false => Err(wrong(
            path.display(),
            "is not the key of the board's keeper; give the one that the board names",
        )),
    }
}

/// What a keeper refuses: what would not count. The list does not rest on it, since everyone drops the same.
struct Door {
    tickets: HashSet<board::Hex<32>>,
}

impl Door {
    fn new(board: &Board) -> Self {
        let spent = board.entries().iter().map(|entry| entry.posted.stamp.key);
        Self {
            tickets: spent.collect(),
        }
    }

    fn admit(&mut self, board: &Board, posted: &Posted, at: u64) -> Result<(), Reason> {
        let terms = &board.header().terms;
        if at < terms.opens_ms {
            return Err(Reason::Early);
        }
        if at >= terms.closes_ms {
            return Err(Reason::Late);
        }
        admit(board.header(), posted)?;
        match self.tickets.insert(posted.stamp.key) {
            true => Ok(()),
            false => Err(Reason::Spent),
        }
    }
}

fn close(arguments: &CloseBoard) -> Result<(), Failure> {
    let path = &arguments.board.board;
    let mut board = read_board(path)?;
    let keeper = keeper_of(&board, &arguments.keeper_secret)?;
    if board.head().is_some() {
        return Err(wrong(
            path.display(),
            "is closed already; `board list` shows its list",
        ));
    }
    let (at, closes) = (now(arguments.at), board.header().terms.closes_ms);
    if at < closes {
        let told = format!("closes at {}; close it then", moment(closes));
        return Err(wrong(path.display(), told));
    }
    let head = board.sign(at, &keeper);
    board.finish(head).map_err(|e| wrong(path.display(), e))?;
    let closed = list(&board, &arguments.board)?;
    replace_board(path, &board)?;
    say_closed(&arguments.board, &board, &closed);
    say!(
        "publish it now: whoever relies on the list must have seen it before an order can be opened"
    );
    Ok(())
}

fn say_closed(arguments: &ClosedBoard, board: &Board, closed: &Closed) {
    say!(
        "{}: {} orders listed of {} entries, list {}",
        arguments.board.display(),
        closed.listed.len(),
        board.entries().len(),
        closed.digest
    );
    for dropped in &closed.dropped {
        say!("entry {} does not count: {}", dropped.entry, dropped.reason);
    }
    say!("{}", words_of_lock(&board.header().terms));
}

fn say_list(arguments: &ListBoard) -> Result<(), Failure> {
    let (board, closed) = closed(&arguments.board)?;
    let listed = closed.listed.iter().enumerate().map(|(place, order)| {
        json!({"place": place, "commitment": order.commitment, "entries": order.entries})
    });
    let dropped = closed.dropped.iter();
    let dropped = dropped
        .map(|d| json!({"entry": d.entry, "reason": d.reason, "words": d.reason.to_string()}));
    let terms = &board.header().terms;
    let value = json!({
        "venue": terms.venue.name, "batch": terms.batch, "board": closed.header, "list": closed.digest,
        "orders": listed.collect::<Vec<_>>(), "dropped": dropped.collect::<Vec<_>>(),
    });
    if let Some(out) = &arguments.out {
        write_json(out, &value)?;
    }
    match arguments.json {
        true => print_json(&value),
        false => say_closed(&arguments.board, &board, &closed),
    }
    Ok(())
}

/// The secret of a test beacon is a signing key's, 32 bytes.
fn beacon_seed(text: &str) -> Option<[u8; 32]> {
    SecretKey::from_hex(text)?;
    board::Hex::parse(text.trim()).map(|hex| hex.0)
}

fn test_beacon(arguments: &TestBeaconArguments) -> Result<(), Failure> {
    let fresh = || SecretKey::random().to_hex();
    let seed = kept_or_new(&arguments.beacon_secret, beacon_seed, fresh)?;
    let (genesis, period) = TEST_BEACON;
    let beacon = TestBeacon::new(&seed, genesis, period);
    write_json(&arguments.out, beacon.beacon())?;
    say!(
        "{}: a beacon for tests; whoever has {} opens all that is locked to it",
        arguments.out.display(),
        arguments.beacon_secret.display()
    );
    Ok(())
}

fn test_round(arguments: &TestRound) -> Result<(), Failure> {
    let board = read_board(&arguments.board)?;
    let seed = kept(&arguments.beacon_secret, beacon_seed)?;
    let lock = board.header().terms.lock.as_ref();
    let lock = lock.ok_or_else(|| wrong(arguments.board.display(), "has no beacon"))?;
    let beacon = TestBeacon::new(&seed, lock.beacon.genesis_ms, lock.beacon.period_ms);
    if *beacon.beacon() != lock.beacon {
        return Err(wrong(
            arguments.beacon_secret.display(),
            "is not the secret of the board's beacon",
        ));
    }
    write_json(&arguments.out, &beacon.sign(lock.round))?;
    say!(
        "{}: round {} of the test beacon",
        arguments.out.display(),
        lock.round
    );
    Ok(())
}
