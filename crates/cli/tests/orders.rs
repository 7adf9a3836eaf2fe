//! Sealed orders and their board, from keys to disputes, as a venue, a keeper, traders and judges run the program.

mod common;
#[path = "common/orders.rs"]
mod orders;

use std::path::Path;

use board::file::Posted;
use board::seal::Sealing;
use board::ticket::Ticket;
use common::{run, told};
use market::sample as flow;
use orders::*;
use records::files::At;
use serde_json::Value;
use statements::auction;
use statements::orders::{Listed, Openings};
use statements::owner::{OwnerFile, one_time};

/// Alice bids at two limits for one instrument and takes back what she sent for another; bob asks, in FIX's names; mallory asks.
fn write_orders(folder: &Path) {
    let (first, second) = (symbol(0), symbol(1));
    let alice = format!(
        "id,account,instrument,side,quantity,limit,flags,nonce\n\
         a1,alice,{first},buy,{},{},,1\na2,alice,{first},buy,{},{},,1\na3,alice,{second},,,,cancel,9\n",
        lots(0, 5),
        price(0, 2),
        lots(0, 7),
        price(0, 0),
    );
    write(folder, "alice.csv", &alice);
    let bob = format!(
        "ClOrdID,Account,Symbol,Side,OrderQty,Price,TimeInForce\nb1,bob,{first},2,{},{},B\n",
        lots(0, 6),
        price(0, 1)
    );
    write(folder, "bob.csv", &bob);
    let mallory = format!(
        "id,account,instrument,side,quantity,limit\nm1,mallory,{first},sell,{},{}\n",
        lots(0, 3),
        price(0, 1)
    );
    write(folder, "mallory.csv", &mallory);
}

/// What mallory posts: the order as it was sealed, with one byte changed behind the time lock, and a stranger's commitment with
/// mallory's opening. Only the venue sees what is wrong with the second.
fn tamper(folder: &Path, tickets: &[Ticket]) {
    let board = board(folder, "board.jsonl");
    let sealed: Posted = serde_json::from_str(text(folder, "mallory.posts").trim()).unwrap();
    let mut changed = sealed.sealed.clone();
    changed.0[300] ^= 1;
    let first = Posted::new(board.header(), sealed.commitment, changed, &tickets[0]);
    let careless = Sealing::new(board.header(), |_, _| true).unwrap();
    let mut stranger = sealed.commitment;
    stranger.0.0[31] ^= 1;
    let other = careless.seal(&stranger, b"no order").unwrap();
    let second = Posted::new(board.header(), stranger, other, &tickets[1]);
    let lines = [first, second].map(|p| serde_json::to_string(&p).unwrap() + "\n");
    write(folder, "mallory.posts", &lines.concat());
}

/// The tickets that a file holds.
fn tickets(folder: &Path, file: &str) -> Vec<Ticket> {
    let purse: Value = serde_json::from_str(&text(folder, file)).unwrap();
    let tickets = purse["tickets"].as_array().unwrap().iter();
    tickets
        .map(|t| Ticket::from_hex(t.as_str().unwrap()).unwrap())
        .collect()
}

#[test]
fn a_batch_from_orders_to_disputes() {
    let dir = opened("--beacon beacon.json");
    let folder = dir.path();
    let at = |arguments: &str, code| told(folder, arguments, code);
    let posted = a_posted_batch(folder);
    assert_told(
        &at(
            "board close --board board.jsonl --keeper-secret keeper.secret --at 2026-11-27T18:09:59Z",
            2,
        ),
        &["board.jsonl: closes at 2026-11-27 18:10:00 UTC; close it then"],
    );
    let closed =
        "board close --board board.jsonl --keeper-secret keeper.secret --at 2026-11-27T18:10:01Z";
    assert_told(
        &at(closed, 0),
        &[
            "5 orders listed of 5 entries, list ",
            "nobody can open an order before round ",
            "of the beacon `test`, which is at 2026-11-27 18:10:33 UTC",
        ],
    );
    assert_told(&at(closed, 2), &["is closed already"]);
    assert_told(
        &at(
            &seal("bob")
                .replace("bob.posts", "again.posts")
                .replace("bob.kept", "again.kept"),
            2,
        ),
        &["is closed; seal the orders for the next one"],
    );
    openings_come_after_the_round(folder);
    listed_orders(folder);
    evidence(folder);
    claims_about_the_board(folder);
    keepers_word(folder, &posted);
}

/// Three traders seal and post. The board as it was before anybody posted, and with alice's entries alone.
fn a_posted_batch(folder: &Path) -> [String; 2] {
    let at = |arguments: &str, code| told(folder, arguments, code);
    write_orders(folder);
    ["alice", "bob", "mallory"]
        .into_iter()
        .zip([3, 1, 3])
        .for_each(|(name, count)| equip(folder, name, count));
    let stamps = tickets(folder, "mallory.tickets");
    for (name, orders) in [("alice", 2), ("bob", 1), ("mallory", 1)] {
        let told = at(&seal(name), 0);
        assert_told(
            &told,
            &[&format!(
                "{name}.posts: {orders} orders sealed for batch 17 of venue `sample`"
            )],
        );
    }
    assert_eq!(tickets(folder, "alice.tickets").len(), 1);
    // Nothing of an order shows in what is sent.
    let sent = text(folder, "alice.posts");
    assert!(
        !sent.contains("alice") && !sent.contains(&symbol(0)),
        "{sent}"
    );
    let empty = text(folder, "board.jsonl");
    assert_told(
        &at(&post("alice", "01:00"), 0),
        &["board.jsonl: 2 entries taken, 2 in all; alice.receipts: their receipts"],
    );
    let first = text(folder, "board.jsonl");
    assert_told(
        &at(&check("alice"), 0),
        &[
            "a1+a2: received, entry 0; the board is not closed yet",
            "a3: received, entry 1",
        ],
    );
    // Each entry once: a ticket is spent.
    let again = post("alice", "02:00").replace("alice.receipts", "again.receipts");
    assert_told(
        &at(&again, 1),
        &[
            "alice.posts:1: refused: its ticket was spent before",
            "error: 2 entries were refused",
        ],
    );
    assert_eq!(text(folder, "board.jsonl"), first);
    assert_told(
        &at(&post("bob", "10:00"), 1),
        &["bob.posts:1: refused: it was received after the board closed"],
    );
    std::fs::remove_file(folder.join("bob.receipts")).unwrap();
    at(&post("bob", "02:00"), 0);
    tamper(folder, &stamps);
    at(&post("mallory", "03:00"), 0);
    [empty, first]
}

fn openings_come_after_the_round(folder: &Path) {
    let at = |arguments: &str, code| told(folder, arguments, code);
    assert_told(
        &at(REVEAL, 2),
        &[
            "--round: the orders are locked to round ",
            " of 2026-11-27 18:10:33 UTC of the beacon `test`; fetch what it says then",
        ],
    );
    at(
        "board test-round --board board.jsonl --beacon-secret beacon.secret --out round.json",
        0,
    );
    let round = text(folder, "round.json");
    let number = serde_json::from_str::<Value>(&round).unwrap()["round"]
        .as_u64()
        .unwrap();
    // An earlier round, and another round's signature under the right number.
    let with = |file: &str| format!("{REVEAL} --round {file}");
    write(
        folder,
        "early.json",
        &round.replace(&number.to_string(), &(number - 1).to_string()),
    );
    let early = format!(
        "early.json: is round {}, and the orders are locked to round {number}",
        number - 1
    );
    assert_told(&at(&with("early.json"), 2), &[&early]);
    at(
        "board test-beacon --beacon-secret other.secret --out other.json",
        0,
    );
    let other =
        "board test-round --board board.jsonl --beacon-secret other.secret --out forged.json";
    assert_told(
        &at(other, 2),
        &["other.secret: is not the secret of the board's beacon"],
    );
    let signature = &serde_json::from_str::<Value>(&round).unwrap()["signature"];
    let flat = signature.as_str().unwrap();
    // The negated point: another sign bit.
    let sign = flat[..1]
        .replace('8', "A")
        .replace('9', "B")
        .replace('a', "8")
        .replace('b', "9");
    let negated = sign.to_lowercase() + &flat[1..];
    write(folder, "forged.json", &round.replace(flat, &negated));
    assert_told(
        &at(&with("forged.json"), 2),
        &["forged.json: the signature is not this beacon's of this round"],
    );
    // Another venue's secret; the keeper's.
    let wrong = with("round.json").replace("venue.secret", "keeper.secret");
    assert_told(
        &at(&wrong, 2),
        &["keeper.secret: the secret is not that of the venue's key in the header"],
    );
    assert!(!folder.join("openings.jsonl").exists());
    let told = at(&with("round.json"), 0);
    assert_told(
        &told,
        &[
            "openings.jsonl: 3 of 5 orders of batch 17 opened",
            "skips.jsonl: the evidence for 2 orders that must be skipped",
        ],
    );
    #[cfg(unix)]
    for file in [
        "openings.jsonl",
        "alice.kept",
        "alice.secrets",
        "alice.tickets",
        "venue.secret",
        "keeper.secret",
        "ledger.json",
    ] {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// The venue's file has what the traders sealed, and says why the others are none.
fn listed_orders(folder: &Path) {
    let file = |name: &str| {
        Openings::read(&At::file(Path::new(name)), text(folder, name).as_bytes()).unwrap()
    };
    let (all, alice, bob) = (file("openings.jsonl"), file("alice.kept"), file("bob.kept"));
    let order = |entry: &Listed| match entry {
        Listed::Opened { order, .. } => order.clone(),
        Listed::Skipped { why, .. } => panic!("{why:?}"),
    };
    assert_eq!(order(&all.entries[0]), order(&alice.entries[0]));
    assert_eq!(order(&all.entries[1]), order(&alice.entries[1]));
    assert_eq!(order(&all.entries[2]), order(&bob.entries[0]));
    let first = order(&all.entries[0]);
    let ladder: Vec<u64> = first.ladder.bids().map(|bid| bid.lots.0).collect();
    assert_eq!((ladder, first.nonce, first.instrument), (vec![5, 7], 1, 0));
    let cancel = order(&all.entries[1]);
    assert_eq!(
        (
            cancel.ladder.bids().count(),
            cancel.ladder.asks().count(),
            cancel.nonce
        ),
        (0, 0, 9)
    );
    let why = |entry: &Listed| match entry {
        Listed::Skipped { why, .. } => why.join("; "),
        Listed::Opened { .. } => panic!("opened"),
    };
    assert_told(
        &why(&all.entries[3]),
        &["its envelope has no proof that its maker knows its secret"],
    );
    assert_eq!(
        why(&all.entries[4]),
        "its opening is not that of its commitment"
    );
    // The secret is the account's own for the batch, as what the venue got says.
    let owner: OwnerFile = serde_json::from_str(&text(folder, "alice.owner")).unwrap();
    let ways = owner.paths(&[17]).unwrap();
    assert_eq!(ways[0].digest, one_time(&order(&all.entries[0]).secret));
    // Made again from the same secret it is the same, and another venue's is another.
    let make = |venue: &str| {
        let again =
            format!("order secrets --secrets alice.secrets --venue {venue} --out again.owner");
        let root = owner.secrets.to_string();
        (
            told(folder, &again, 0).contains(&root),
            text(folder, "again.owner") == text(folder, "alice.owner"),
        )
    };
    assert_eq!(make("sample"), (true, true));
    assert_eq!(make("another"), (false, false));
    // What all compute is what the venue's file says.
    let json: Value = serde_json::from_str(&told(
        folder,
        "board list --board board.jsonl --json --out list.json",
        0,
    ))
    .unwrap();
    let listed: Vec<String> = json["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["commitment"].as_str().unwrap().into())
        .collect();
    let commitments: Vec<String> = all.commitments().into_iter().map(String::from).collect();
    assert_eq!(listed, commitments);
    assert_eq!(json["list"], all.about.list.unwrap());
    assert_eq!(
        json,
        serde_json::from_str::<Value>(&text(folder, "list.json")).unwrap()
    );
}

/// Both sides' evidence, and what is none.
fn evidence(folder: &Path) {
    let at = |arguments: &str, code| told(folder, arguments, code);
    let dispute = |name: &str, order: &str| {
        format!(
            "order dispute --board board.jsonl --kept {name}.kept --order {order} --out dispute.jsonl"
        )
    };
    let judge = |file: &str| format!("order judge --board board.jsonl --evidence {file}");
    assert_told(
        &at(&dispute("alice", "a2"), 0),
        &[
            "entry 0 of the board, place 0 of the list, is well formed: whoever skips it does so wrongly",
        ],
    );
    assert_told(
        &at(&judge("dispute.jsonl"), 0),
        &[
            "dispute.jsonl:1: upheld: entry 0 of the board, place 0 of the list, is well formed and must be cleared",
        ],
    );
    let good = text(folder, "dispute.jsonl");
    write(
        folder,
        "dispute.jsonl",
        &good.replace("\"entry\":0", "\"entry\":2"),
    );
    let none = run(folder, &judge("dispute.jsonl"), 1);
    assert_told(
        &none,
        &[
            "dispute.jsonl:1: not upheld: entry 2 does not stand on the list with this commitment",
            "1 of 1 are not upheld",
        ],
    );
    // A changed opening is another order's.
    let at_opening = good.find("\"opening\":\"").unwrap() + 11;
    let mut changed = good.clone();
    changed.replace_range(
        at_opening..at_opening + 2,
        if good[at_opening..].starts_with("00") {
            "01"
        } else {
            "00"
        },
    );
    write(folder, "dispute.jsonl", &changed);
    assert_told(
        &run(folder, &judge("dispute.jsonl"), 1),
        &["the opening is not that of the commitment"],
    );
    assert_told(
        &at(&dispute("mallory", "m1"), 1),
        &[
            "entry 3 of the board: the opening seals to other bytes than those on the board; the entry is malformed",
        ],
    );
    assert_told(
        &at(&dispute("alice", "x9"), 2),
        &["--order: `x9` is not among the orders of alice.kept"],
    );
    venues_evidence(folder);
}

fn venues_evidence(folder: &Path) {
    let at = |arguments: &str, code| told(folder, arguments, code);
    let judge = "order judge --board board.jsonl --evidence skips.jsonl";
    // The venue's evidence needs the round, and is good.
    assert_told(&at(judge, 2), &["--round: the orders are locked to round"]);
    let with_round = format!("{judge} --round round.json");
    assert_told(
        &at(&with_round, 0),
        &[
            "skips.jsonl:1: upheld: place 3 of the list must be skipped: its envelope has no proof",
            "skips.jsonl:2: upheld: place 4 of the list must be skipped: its opening is not that of its commitment",
        ],
    );
    // A venue that skips what is well formed has no evidence: that of another entry is false, and none is none.
    let skips = text(folder, "skips.jsonl");
    write(folder, "good-skips.jsonl", &skips);
    let [_, second] = skips.lines().collect::<Vec<_>>()[..] else {
        panic!("{skips}")
    };
    let commitments: Value = serde_json::from_str(&text(folder, "list.json")).unwrap();
    let mut false_skip: Value = serde_json::from_str(second).unwrap();
    false_skip["skip"]["place"] = 0.into();
    false_skip["skip"]["commitment"] = commitments["orders"][0]["commitment"].clone();
    false_skip["skip"]["entries"][0]["entry"] = 0.into();
    write(folder, "skips.jsonl", &false_skip.to_string());
    assert_told(
        &run(folder, &with_round, 1),
        &["skips.jsonl:1: not upheld: entry 0: the venue's evidence is false"],
    );
    false_skip["skip"]["entries"][0]["evidence"] = Value::Null;
    write(folder, "skips.jsonl", &false_skip.to_string());
    assert_told(
        &run(folder, &with_round, 1),
        &["the venue shows no evidence; it must clear the order or show some"],
    );
}

/// The claim of the batch, cleared from what the venue opened.
fn cleared(folder: &Path, skip: Option<usize>) -> auction::AuctionClaim {
    let file = At::file(Path::new("openings.jsonl"));
    let all = Openings::read(&file, text(folder, "openings.jsonl").as_bytes()).unwrap();
    let snapshot = market();
    let held = flow::auction(&snapshot, 17)
        .auction(&file, &snapshot)
        .unwrap();
    let commitments = all.commitments();
    let entries = all.entries.iter().zip(commitments).enumerate();
    let entry = |(place, (entry, commitment)): (usize, (&Listed, auction::Commitment))| match entry
    {
        Listed::Opened { order, .. } if skip != Some(place) => {
            auction::Entry::Opened(order.clone(), Default::default())
        }
        _ => auction::Entry::Skipped(commitment),
    };
    let instruments = held.instruments.iter().map(|held| auction::Instrument {
        number: held.instrument as u32,
        symbol: symbol(held.instrument),
        band: held.band,
        fees: held.fees,
    });
    let inputs = auction::Inputs {
        venue: all.about.venue.clone(),
        batch: all.about.batch,
        quote: snapshot.quote.clone(),
        levels: all.about.levels,
        instruments: instruments.collect(),
        randomness: all.about.randomness.unwrap(),
        entries: entries.map(entry).collect(),
        shows_depth: false,
    };
    auction::Prepared::new(&inputs).unwrap().claim().clone()
}

/// A claim is about the board if its terms, list and randomness are, and skips only what must be skipped.
fn claims_about_the_board(folder: &Path) {
    let judge = "order judge --board board.jsonl --evidence good-skips.jsonl --round round.json --claim a.proof";
    let said = |claim: &auction::AuctionClaim, code| {
        let bytes = stark::ProofFile::new::<auction::Auction>(claim, Vec::new()).to_bytes();
        std::fs::write(folder.join("a.proof"), bytes).unwrap();
        run(folder, judge, code)
    };
    let good = cleared(folder, None);
    assert_told(
        &said(&good, 0),
        &[
            "a.proof: upheld: its terms, list and randomness are the board's, and each of the 2 orders that it skips",
        ],
    );
    // The best bid is skipped, which the venue cannot account for.
    assert_told(
        &said(&cleared(folder, Some(0)), 1),
        &[
            "a.proof: not upheld: it skips the order at place 0 of the list, and there is no evidence that it must",
        ],
    );
    let changed = |change: fn(&mut auction::AuctionClaim), expected: &str| {
        let mut claim = good.clone();
        change(&mut claim);
        assert_told(
            &said(&claim, 1),
            &[&format!("a.proof: not upheld: {expected}")],
        );
    };
    changed(
        |c| c.batch.venue.push('x'),
        "the claim has another venue than the board",
    );
    changed(
        |c| c.batch.auctions[1].fee += 1,
        "the claim has another auctions' terms than the board",
    );
    changed(
        |c| c.batch.randomness.0[0] ^= 1,
        "the claim has another randomness than the board",
    );
    changed(
        |c| c.list.swap(0, 1),
        "the claim has another commitment at place 0 of the list than the board",
    );
    changed(
        |c| drop(c.list.pop()),
        "the claim's list has 4 commitments, and the board's 5",
    );
    let without_round = judge
        .replace("--round round.json ", "")
        .replace("good-skips", "dispute");
    assert_told(
        &run(folder, &without_round, 2),
        &["--round: the orders are locked to round"],
    );
}

/// What a keeper signed holds against it.
fn keepers_word(folder: &Path, [empty, first]: &[String; 2]) {
    let at = |arguments: &str, code| run(folder, arguments, code);
    assert_told(
        &at(&check("alice"), 0),
        &[
            "a1+a2: received, entry 0, place 0 of the list",
            "a3: received, entry 1, place 1 of the list",
        ],
    );
    assert_told(
        &at(&check("mallory"), 1),
        &[
            "m1: has no receipt",
            "error: 1 of 1 orders are not as they should be",
        ],
    );
    // The keeper shows a board without alice's entries, which it has signed.
    let good = text(folder, "board.jsonl");
    write(folder, "board.jsonl", empty);
    at(
        "board close --board board.jsonl --keeper-secret keeper.secret --at 2026-11-27T18:10:01Z",
        0,
    );
    assert_told(
        &at(&check("alice"), 1),
        &[
            "the board's keeper signed 1 entries, and later only 0; receipt and board together are the evidence against the keeper",
        ],
    );
    // A line was changed, a line left out, and a head for other lines.
    let told = |board: &str| {
        write(folder, "board.jsonl", board);
        at("board list --board board.jsonl", 2)
    };
    let received = format!("\"received_ms\":{}", 1_795_802_460_000_u64);
    let changed = good.replacen(&received, &received.replace("460000", "460001"), 1);
    assert_ne!(changed, good);
    assert_told(
        &told(&changed),
        &[
            "board.jsonl:3: field `previous`: is not the digest of the line before: a line was changed, added or removed",
        ],
    );
    let lines: Vec<&str> = good.lines().collect();
    let short = [&lines[..lines.len() - 2], &lines[lines.len() - 1..]]
        .concat()
        .join("\n")
        + "\n";
    assert_told(
        &told(&short),
        &["field `entries`: is not that of the lines before; get the file from the board again"],
    );
    assert_told(&told(first), &["has no head signed after its close"]);
    let terms = good.replacen("\"rebate\":200", "\"rebate\":201", 1);
    assert_told(
        &told(&terms),
        &["board.jsonl:1: field `signature`: is not the venue's signature of these terms"],
    );
}
