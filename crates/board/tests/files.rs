//! The board's file: what is read, what is refused, and with which words.

mod common;

use std::path::Path;

use board::Hex;
use board::file::*;
use board::keys::SecretKey;
use board::terms::*;
use common::*;
use proptest::prelude::*;
use records::files::{At, ImportError};

fn read(text: &[u8]) -> Result<Board, ImportError> {
    Board::read(&At::file(Path::new("board.jsonl")), text)
}

fn sample(world: &World) -> Board {
    world.board(&[world.posted(1, 1), world.posted(2, 2)])
}

#[test]
fn a_file_is_read_as_it_was_written() {
    for world in [World::locked(), World::new(false, 7)] {
        let board = sample(&world);
        let text = board.text();
        assert_eq!(text.lines().count(), 4);
        assert_eq!(read(text.as_bytes()).unwrap(), board);
        // Each line's digest is that of its bytes.
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(board.lines()[0], world.header.digest());
        assert!(lines[1].contains(&format!("{{\"previous\":\"{}\"", board.lines()[0])));
        assert!(lines[3].contains(&format!("\"last\":\"{}\"", board.lines()[2])));
        // A board that is still open has no head.
        let open = text
            .lines()
            .take(3)
            .flat_map(|l| [l, "\n"])
            .collect::<String>();
        assert!(read(open.as_bytes()).unwrap().head().is_none());
    }
}

/// Every value of every line: changed to another of its form, the file is refused.
#[test]
fn every_value_is_bound() {
    let text = sample(&World::locked()).text();
    let mut tried = 0;
    for (start, _) in text.match_indices("\":") {
        let value = start + 2;
        let byte = text.as_bytes()[value];
        let at = match byte {
            b'"' => value + 1,
            b'0'..=b'9' => value,
            _ => continue,
        };
        let old = text.as_bytes()[at];
        for new in [b'1', b'2', b'a', b'b']
            .into_iter()
            .filter(|new| *new != old)
        {
            if byte != b'"' && !new.is_ascii_digit() {
                continue;
            }
            let mut changed = text.clone().into_bytes();
            changed[at] = new;
            let told = read(&changed).unwrap_err().to_string();
            assert!(told.starts_with("board.jsonl:"), "{told}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn lines_cannot_be_moved() {
    let text = sample(&World::locked()).text();
    let lines: Vec<_> = text.lines().collect();
    let refused = |order: &[usize], told: &str| {
        let text: String = order.iter().flat_map(|i| [lines[*i], "\n"]).collect();
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    };
    refused(
        &[0, 2, 3],
        "board.jsonl:2: field `previous`: is not the digest of the line before",
    );
    refused(&[0, 2, 1, 3], "board.jsonl:2: field `previous`");
    refused(&[0, 1, 1, 2, 3], "board.jsonl:3: field `previous`");
    refused(
        &[0, 1, 3],
        "board.jsonl:3: field `entries`: is not that of the lines before",
    );
    refused(&[0, 3], "board.jsonl:2: field `entries`");
    refused(&[0, 1, 2, 3, 3], "board.jsonl:5: field `head`");
    refused(
        &[0, 1, 2, 3, 2],
        "board.jsonl:5: field `entry`: stands after the head",
    );
    refused(&[1, 2, 3], "board.jsonl:1: must be the header");
    refused(&[0, 0, 1, 2, 3], "board.jsonl:2: is a second header");
}

#[test]
fn errors_say_where_and_what_to_do() {
    let text = sample(&World::locked()).text();
    let refused = |from: &str, to: &str, told: &str| {
        assert!(text.contains(from), "{from}");
        let error = read(text.replacen(from, to, 1).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{error}");
    };
    refused("{\"header\"", "{\"headed\"", "board.jsonl:1: column");
    refused("\"format\":1", "\"format\":2", "field `format`: is not 1");
    refused("\"batch\":7", "\"batch\":\"7\"", "field `batch`: column");
    refused("\"batch\":7,", "", "missing field `batch`");
    refused(
        "\"batch\":7",
        "\"batch\":7,\"more\":1",
        "unknown field `more`",
    );
    refused("\"batch\":7", "\"batch\":7,\"batch\":7", "stands twice");
    refused(
        "\"batch\":7",
        "\"batch\": 7",
        "is not written as boards are",
    );
    refused(
        "\"received_ms\":1",
        "\"received_ms\":-1",
        "board.jsonl:2: field `received_ms`: column",
    );
    refused(
        "\"commitment\":\"0",
        "\"commitment\":\"",
        "field `commitment`: column",
    );
    refused(
        "\"sealed\":\"",
        "\"sealed\":\"0",
        "even number of lowercase hexadecimal digits",
    );
    refused("\n", "\n\n", "board.jsonl:2: column");
    for text in ["", "\n", "{}\n", "[]\n", "\u{feff}{}\n", "null\n"] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("board.jsonl"), "{error}");
    }
    let cut = read(&text.as_bytes()[..text.len() - 1])
        .unwrap_err()
        .to_string();
    assert!(cut.contains("does not end with a whole line"), "{cut}");
    // A left-out `null` is not the same as a written one.
    let bare = sample(&World::new(false, 7)).text();
    let error = read(bare.replacen("\"lock\":null,", "", 1).as_bytes()).unwrap_err();
    assert!(
        error.problem.contains("is not written as boards are"),
        "{error}"
    );
}

#[test]
fn terms_are_checked_field_by_field() {
    let world = World::locked();
    let field = |change: fn(&mut Terms)| {
        let mut terms = world.header.terms.clone();
        change(&mut terms);
        Header::sign(terms, &world.venue).unwrap_err().field
    };
    fn lock(terms: &mut Terms) -> &mut TimeLock {
        terms.lock.as_mut().unwrap()
    }
    assert_eq!(field(|t| t.format = 0), "format");
    assert_eq!(field(|t| t.venue.name = "a b".into()), "venue.name");
    assert_eq!(field(|t| t.board.name = String::new()), "board.name");
    assert_eq!(field(|t| t.venue.key = Hex([0; 32])), "venue.key");
    assert_eq!(field(|t| t.board.key = t.venue.key), "board.key");
    assert_eq!(
        field(|t| t.venue.envelopes = Hex([0; 32])),
        "venue.envelopes"
    );
    assert_eq!(
        field(|t| t.venue.envelopes = Hex([0xff; 32])),
        "venue.envelopes"
    );
    assert_eq!(field(|t| t.opens_ms /= 1000), "opens_ms");
    assert_eq!(field(|t| t.closes_ms = 0), "closes_ms");
    assert_eq!(field(|t| t.closes_ms = t.opens_ms), "closes_ms");
    assert_eq!(field(|t| t.opening_bytes = 300), "opening_bytes");
    assert_eq!(field(|t| t.orders.levels = 3), "orders.levels");
    assert_eq!(field(|t| t.orders.quote.clear()), "orders.quote");
    assert_eq!(field(|t| t.orders.auctions.clear()), "orders.auctions");
    let twice = |t: &mut Terms| t.orders.auctions.push(t.orders.auctions[0].clone());
    assert_eq!(field(twice), "orders.auctions");
    assert_eq!(field(|t| t.tickets.key = Hex([0; 96])), "tickets.key");
    assert_eq!(field(|t| t.tickets.each = 0), "tickets.each");
    assert_eq!(field(|t| lock(t).round += 1), "lock.round");
    // The round before the close would open entries while the board is open.
    assert_eq!(field(|t| lock(t).round -= 30), "lock.round");
    assert_eq!(field(|t| lock(t).delay_ms += 3000), "lock.round");
    assert_eq!(field(|t| lock(t).delay_ms = 3_600_001), "lock.delay_ms");
    assert_eq!(field(|t| lock(t).beacon.period_ms = 0), "beacon.period_ms");
    // Someone else's signature.
    let told = Header::sign(world.header.terms.clone(), &world.keeper);
    assert_eq!(told.unwrap_err().field, "signature");
}

#[test]
fn times_rise_along_the_board() {
    let world = World::new(false, 7);
    let mut board = Board::open(world.header.clone()).unwrap();
    let posted = world.posted(1, 1);
    let field = |board: &mut Board, ms| board.post(posted.clone(), ms).unwrap_err().field;
    assert_eq!(field(&mut board, 7), "received_ms");
    board.post(posted.clone(), OPENS + 9).unwrap();
    assert_eq!(field(&mut board, OPENS + 8), "received_ms");
    let early = board.sign(OPENS + 8, &world.keeper);
    assert_eq!(board.finish(early).unwrap_err().field, "time_ms");
    let unsigned = board.sign(CLOSES, &world.venue);
    assert_eq!(board.finish(unsigned).unwrap_err().field, "signature");
    let board = &mut world.finish_at(board, CLOSES);
    assert_eq!(field(board, CLOSES), "entry");
}

/// A head ends the board that it is of, and no other of the same keeper.
#[test]
fn heads_are_of_one_board() {
    let world = World::new(false, 7);
    let head = |change: fn(&mut Terms), venue: &SecretKey| {
        let mut terms = world.header.terms.clone();
        change(&mut terms);
        let header = Header::sign(terms, venue).unwrap();
        Board::open(header).unwrap().sign(CLOSES, &world.keeper)
    };
    let other = SecretKey::from_seed(&[9; 32]);
    let heads = [
        (
            "venue",
            head(
                |t| t.venue.key = SecretKey::from_seed(&[9; 32]).public(),
                &other,
            ),
        ),
        ("batch", head(|t| t.batch = 8, &world.venue)),
        ("header", head(|t| t.tickets.each += 1, &world.venue)),
    ];
    for (field, head) in heads {
        let mut board = Board::open(world.header.clone()).unwrap();
        assert_eq!(board.finish(head).unwrap_err().field, field);
    }
}

/// A board that shows different lines to different readers has signed the evidence.
#[test]
fn forks_are_evidence() {
    let world = World::new(false, 7);
    let (a, b) = (world.posted(1, 1), world.posted(2, 2));
    let finished = world.board(&[a.clone(), b.clone()]);
    let receipt = |world: &World, posted: &[&Posted], time| {
        let mut board = Board::open(world.header.clone()).unwrap();
        for (posted, ms) in posted.iter().zip(1..) {
            board.post((*posted).clone(), OPENS + ms).unwrap();
        }
        board.sign(time, &world.keeper)
    };
    let fork = |head: &Head| finished.fork(head);
    // Honest receipts: of the empty board, of its start, of all.
    for posted in [&[][..], &[&a], &[&a, &b]] {
        assert_eq!(fork(&receipt(&world, posted, OPENS + 9)), Ok(None));
    }
    let told = fork(&receipt(&world, &[&b], OPENS + 9));
    assert_eq!(told, Ok(Some(Fork::Line(2))));
    let told = fork(&receipt(&world, &[&a, &b, &a], OPENS + 9));
    assert_eq!(told, Ok(Some(Fork::Shorter { had: 3, has: 2 })));
    let last = fork(&receipt(&world, &[&a, &b, &a], CLOSES));
    assert_eq!(last, Ok(Some(Fork::Shorter { had: 3, has: 2 })));
    // A later head may have more lines.
    assert_eq!(fork(&receipt(&world, &[&a, &b, &a], CLOSES + 1)), Ok(None));
    let mut terms = world.header.terms.clone();
    terms.closes_ms += 1;
    let other = World {
        header: Header::sign(terms, &world.venue).unwrap(),
        ..World::new(false, 7)
    };
    assert_eq!(
        fork(&receipt(&other, &[], OPENS + 9)),
        Ok(Some(Fork::Header))
    );
    // What shows nothing: forged, of another batch, or against an unfinished board.
    let mut forged = receipt(&world, &[&b], OPENS + 9);
    forged.time_ms += 1;
    assert_eq!(fork(&forged).unwrap_err().field, "signature");
    let next = World::new(false, 8);
    assert_eq!(
        fork(&receipt(&next, &[], OPENS)).unwrap_err().field,
        "batch"
    );
    let open = Board::open(world.header.clone()).unwrap();
    let told = open.fork(&receipt(&world, &[&b], OPENS + 9)).unwrap_err();
    assert_eq!(told.field, "head");
    let key = SecretKey::from_seed(&[3; 32]).public();
    assert!(receipt(&world, &[&b], OPENS).is_signed_by(&key));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A file with bytes changed, cut out or put in is refused with a place, or is the file; nothing panics.
    #[test]
    fn mutated_files_are_refused(
        at in 0usize..7000,
        cut in 0usize..4,
        put in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        static TEXT: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| sample(&World::locked()).text());
        let mut bytes = TEXT.clone().into_bytes();
        let at = at % bytes.len();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put);
        match read(&bytes) {
            Ok(board) => prop_assert_eq!(board.text().into_bytes(), bytes),
            Err(error) => prop_assert!(error.to_string().starts_with("board.jsonl")),
        }
    }

    /// Any bytes at all.
    #[test]
    fn any_bytes_are_no_board(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }
}

/// A receipt holds against a keeper who leaves the entry out, whatever time it was signed with.
#[test]
fn receipts_hold() {
    let world = World::new(false, 7);
    let (a, b) = (world.posted(1, 1), world.posted(2, 2));
    let mut board = Board::open(world.header.clone()).unwrap();
    assert!(board.receipt(OPENS, &world.keeper).is_none());
    board.post(a.clone(), OPENS + 1).unwrap();
    board.post(b.clone(), OPENS + 2).unwrap();
    // Signed with a time after the board's end, as if the entry had come then.
    let receipt = board.receipt(CLOSES + 9, &world.keeper).unwrap();
    receipt.check(&world.header, &b).unwrap();
    let honest = world.finish_at(board, CLOSES);
    assert_eq!(honest.denies(&receipt), Ok(None));
    let shorter = world.board(std::slice::from_ref(&a));
    assert_eq!(shorter.fork(&receipt.head), Ok(None));
    let told = Some(Fork::Shorter { had: 2, has: 1 });
    assert_eq!(shorter.denies(&receipt), Ok(told));
    // What is no receipt for it.
    let field = |change: fn(&mut Receipt), posted: &Posted| {
        let mut receipt = receipt.clone();
        change(&mut receipt);
        receipt.check(&world.header, posted).unwrap_err().field
    };
    assert_eq!(field(|_| (), &a), "posted");
    assert_eq!(field(|r| r.entry.received_ms = CLOSES, &b), "received_ms");
    assert_eq!(field(|r| r.entry.received_ms += 1, &b), "last");
    assert_eq!(field(|r| r.head.header.0[0] ^= 1, &b), "header");
    assert_eq!(field(|r| r.head.time_ms += 1, &b), "signature");
    let mut moved = receipt.clone();
    moved.entry.received_ms += 1;
    assert_eq!(honest.denies(&moved).unwrap_err().field, "last");
    // It is a file of its own.
    let text = serde_json::to_string(&receipt).unwrap();
    let read: Receipt = records::json::read(text.as_bytes()).unwrap();
    assert_eq!(read, receipt);
}
