//! What boards and orders are refused for, in words, and the page about them.

mod common;
#[path = "common/orders.rs"]
mod orders;

use std::path::Path;

use common::{run, told};
use orders::*;
use records::files::At;
use serde_json::Value;
use statements::orders::Openings;

#[test]
fn what_cannot_be_sealed_is_refused_in_words() {
    let dir = opened("--no-beacon --levels 1 --tickets 2");
    let folder = dir.path();
    let at = |arguments: &str, code| told(folder, arguments, code);
    equip(folder, "alice", 1);
    let refused = |orders: &str| {
        write(
            folder,
            "alice.csv",
            &format!("id,account,instrument,side,quantity,limit,nonce\n{orders}"),
        );
        at(&seal("alice"), 2)
    };
    let line = |id: &str, account: &str, steps: i64| {
        format!(
            "{id},{account},{},buy,{},{},1\n",
            symbol(0),
            lots(0, 5),
            price(0, steps)
        )
    };
    assert_told(
        &refused(&(line("a1", "alice", 0) + &line("a2", "alice", 1))),
        &["alice.csv: order `a1`: has 2 bids or asks, and the board's orders have room for 1"],
    );
    assert_told(
        &refused(&(line("a1", "alice", 0) + &line("b1", "bob", 1))),
        &["order `b1`: is of `bob`, and those before are of `alice`"],
    );
    assert_told(
        &refused(&line("a1", "alice", 100_000)),
        &[
            "order `a1`: a limit of ",
            "is outside the band from ",
            "so it would take no part; correct it",
        ],
    );
    assert_told(&refused(""), &["alice.csv: there are no orders"]);
    let two = line("a1", "alice", 0) + &line("a2", "alice", 1).replace(",1\n", ",2\n");
    assert_told(
        &refused(&two),
        &["alice.tickets: 2 orders need as many tickets, and it has 1; ask for more"],
    );
    // Another market than the board's, in which a lot is something else.
    let good = text(folder, "market.json");
    let mut other: Value = serde_json::from_str(&good).unwrap();
    other["instruments"][0]["lot"] = "0.125".into();
    write(folder, "market.json", &other.to_string());
    assert_told(
        &refused(&line("a1", "alice", 0)),
        &[
            "market.json: instruments[0]: is not `",
            "get the market from the venue",
        ],
    );
    write(folder, "market.json", &good);
    write(
        folder,
        "alice.csv",
        &format!(
            "id,account,instrument,side,quantity,limit,nonce\n{}",
            line("a1", "alice", 0)
        ),
    );
    write(folder, "alice.kept", "");
    assert_told(
        &at(&seal("alice"), 2),
        &["alice.kept: is there already, and is not written over"],
    );
    std::fs::remove_file(folder.join("alice.kept")).unwrap();
    write(folder, "empty.secrets", &"0".repeat(64));
    assert_told(
        &at(&seal("alice").replace("alice.secrets", "empty.secrets"), 2),
        &["empty.secrets: is not a secret"],
    );
    a_board_without_a_beacon(folder);
}

/// Where there is no beacon the venue opens orders without a round, and all say so.
fn a_board_without_a_beacon(folder: &Path) {
    let at = |arguments: &str, code| run(folder, arguments, code);
    at(&seal("alice"), 0);
    at(&post("alice", "01:00"), 0);
    let close =
        "board close --board board.jsonl --keeper-secret keeper.secret --at 2026-11-27T18:10:01Z";
    assert_told(
        &at(close, 0),
        &["no beacon: the venue can read each order as soon as it is posted"],
    );
    assert_told(
        &at(REVEAL, 0),
        &[
            "1 of 1 orders of batch 17 opened",
            "the evidence for 0 orders",
        ],
    );
    let reveal = REVEAL
        .replace("openings.jsonl", "again.jsonl")
        .replace("skips.jsonl", "again-skips.jsonl");
    assert_told(
        &at(&format!("{reveal} --round keeper.json"), 2),
        &["--round: this board has no beacon"],
    );
    assert_told(&at(REVEAL, 2), &["openings.jsonl: is there already"]);
    // The randomness that rationing starts from is the list's digest then.
    let file = At::file(Path::new("openings.jsonl"));
    let all = Openings::read(&file, text(folder, "openings.jsonl").as_bytes()).unwrap();
    assert_eq!(all.about.randomness.map(String::from), all.about.list);
}

#[test]
fn boards_and_tickets_are_refused_in_words() {
    let dir = opened("--no-beacon --tickets 2");
    let folder = dir.path();
    let at = |arguments: &str, code| run(folder, arguments, code);
    assert_told(
        &at(&format!("{OPEN} --no-beacon"), 2),
        &["board.jsonl: is there already, and is not written over"],
    );
    let other = OPEN.replace("board.jsonl", "other.jsonl");
    assert_told(&at(&other, 2), &["--beacon <BEACON>"]);
    assert_told(
        &at(&format!("{other} --no-beacon --levels 3"), 2),
        &["must be 1, 2 or 4"],
    );
    let late = other.replace(
        "--closes 2026-11-27T18:10:00Z",
        "--closes 2026-11-27T17:00:00Z",
    );
    assert_told(
        &at(&format!("{late} --no-beacon"), 2),
        &["field `closes_ms`: must be after `opens_ms`"],
    );
    at(
        "board keeper --name venue --keeper-secret venue.secret --out venue.json",
        0,
    );
    let own = other.replace("keeper.json", "venue.json");
    assert_told(
        &at(&format!("{own} --no-beacon"), 2),
        &["field `board.key`: is the venue's; a board is kept by someone else"],
    );
    assert_told(
        &at(&format!("{other} --beacon beacon.json"), 0),
        &["warning: a test beacon keeps nothing secret"],
    );
    // Tickets: as many as the terms say, of this venue, each answer to its request.
    let ask = |name: &str, count: u32| {
        format!(
            "board tickets ask --board board.jsonl --account {name} --count {count} --tickets {name}.tickets --out {name}.request"
        )
    };
    let issue = |name: &str, secret: &str| {
        format!(
            "board tickets issue --board board.jsonl --venue-secret {secret} --request {name}.request --ledger ledger.json --out {name}.answer"
        )
    };
    at(&ask("bob", 3), 0);
    assert_told(
        &at(&issue("bob", "venue.secret"), 2),
        &["bob.request: requests[2]: the account has had all 2 tickets of this epoch"],
    );
    assert_told(
        &at(&issue("bob", "keeper.secret"), 2),
        &["keeper.secret: is not the secret of the board's venue"],
    );
    at(&ask("alice", 2), 0);
    assert_told(
        &at(&issue("alice", "venue.secret"), 0),
        &["alice.answer: 2 tickets for `alice`, which has had 2 of 2"],
    );
    std::fs::remove_file(folder.join("alice.request")).unwrap();
    assert_told(
        &at(&ask("alice", 1), 2),
        &["alice.tickets: the venue's last answer is not taken yet"],
    );
    let take = |name: &str, answer: &str| {
        format!("board tickets take --tickets {name}.tickets --answer {answer}.answer")
    };
    assert_told(
        &at(&take("bob", "alice"), 2),
        &["alice.answer: is not the answer to this account's last request"],
    );
    at(&take("alice", "alice"), 0);
    at(&ask("alice", 1), 0);
    assert_told(
        &at(&issue("alice", "venue.secret"), 2),
        &["requests[0]: the account has had all 2"],
    );
}

/// The commands of the page on sealed orders say what the page says, but for digests, times and sizes, and but for what `[...]` leaves out.
#[test]
fn the_page_says_what_the_program_says() {
    let page = include_str!("../../../docs/orders.md");
    let dir = tempfile::tempdir().unwrap();
    told(
        dir.path(),
        "sample . --accounts 4 --positions 2 --loans 20",
        0,
    );
    let mut commands = 0;
    for block in page.split("\n```").skip(1).step_by(2) {
        let (info, block) = block.split_once('\n').unwrap();
        match info.split_once(' ') {
            Some(("csv", file)) => write(dir.path(), file, block),
            _ if info == "text" => {
                for step in block.split("$ sealbook ").skip(1) {
                    let step = step.replace("\\\n", "");
                    let (command, expected) = step.split_once('\n').unwrap_or((&step, ""));
                    let out = common::sealbook(dir.path(), command);
                    let text = [out.stdout, out.stderr]
                        .map(|b| String::from_utf8(b).unwrap())
                        .concat();
                    let code = out.status.code().unwrap();
                    let said = if code == 0 {
                        text
                    } else {
                        format!("{text}(exit code {code})")
                    };
                    let (said, expected) = (plain(&said), plain(expected));
                    match expected.split_once("[...]") {
                        Some((start, end)) => assert!(
                            said.starts_with(start) && said.ends_with(end),
                            "{command}: {said}"
                        ),
                        None => assert_eq!(said, expected, "{command}"),
                    }
                    commands += 1;
                }
            }
            _ => {}
        }
    }
    assert_eq!(commands, 33);
}

/// A text with `#` for each digest, whole or with its first digits, and each number before a unit of time or size.
fn plain(text: &str) -> String {
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_unit = |word: &str| ["ms", "s", "KB", "MB"].contains(&word.trim_end_matches([',', ';']));
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let plain = words.iter().enumerate().map(|(i, word)| {
            let bare = word.trim_end_matches([',', ';', '.']);
            let has_unit = words.get(i + 1).is_some_and(|next| is_unit(next));
            match is_digest(bare) || bare.ends_with('…') || has_unit {
                true => "#",
                false => word,
            }
        });
        plain.collect::<Vec<_>>().join(" ")
    };
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}
