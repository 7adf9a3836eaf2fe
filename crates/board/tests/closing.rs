//! Which entries count, and what becomes of those that do.

mod common;

use board::Hex;
use board::close::*;
use board::file::*;
use board::seal::{Flaw, JudgeError, Opening, Sealing};
use board::ticket::Issuer;
use common::*;

fn reasons(closed: &Closed) -> Vec<(usize, Reason)> {
    closed.dropped.iter().map(|d| (d.entry, d.reason)).collect()
}

fn commitments(closed: &Closed) -> Vec<u8> {
    closed.listed.iter().map(|l| l.commitment.0.0[0]).collect()
}

#[test]
fn each_reason_drops_an_entry() {
    let world = World::locked();
    let mut board = Board::open(world.header.clone()).unwrap();
    let mut post = |posted: Posted, ms| board.post(posted, ms).unwrap();
    let good = world.posted(1, 1);
    let changed = |change: fn(&mut Posted)| {
        let mut posted = good.clone();
        change(&mut posted);
        posted
    };
    post(world.posted(2, 2), OPENS - 1);
    post(good.clone(), OPENS);
    post(changed(|p| p.round = None), OPENS);
    post(changed(|p| p.sealed.0.push(0)), OPENS);
    // Its ticket: of another entry (three ways), of another epoch, not issued.
    post(changed(|p| p.commitment.0.0[0] = 9), OPENS);
    post(changed(|p| p.sealed.0[0] ^= 1), OPENS);
    post(changed(|p| p.stamp.signature.0[0] ^= 1), OPENS);
    post(changed(|p| p.stamp.issued.0[0] ^= 0x20), OPENS);
    // Stamped for another board.
    post(World::new(true, 8).posted(1, 1), OPENS);
    // Its ticket once more: for another order, and for the same.
    post(world.posted(3, 1), OPENS);
    post(good.clone(), OPENS);
    // The same order with another ticket.
    post(world.posted(1, 4), OPENS);
    // That ticket is gone.
    post(world.posted(5, 4), OPENS);
    // What was dropped for its time spent no ticket.
    post(world.posted(2, 2), CLOSES - 1);
    post(world.posted(6, 6), CLOSES);
    let board = world.finish_at(board, CLOSES + 5);
    // What a keeper asks at the door is the same, but for what depends on others.
    let header = board.header();
    let door: Vec<_> = board
        .entries()
        .iter()
        .map(|e| admit(header, &e.posted))
        .collect();
    assert_eq!(
        door[2..5],
        [Err(Reason::Round), Err(Reason::Length), Err(Reason::Ticket)]
    );
    let refused: Vec<_> = (0..door.len()).filter(|i| door[*i].is_err()).collect();
    assert_eq!(refused, [2, 3, 4, 5, 6, 7, 8]);
    let closed = world.close(&board);
    use Reason::*;
    let expected = [
        (0, Early),
        (2, Round),
        (3, Length),
        (4, Ticket),
        (5, Ticket),
        (6, Ticket),
        (7, Ticket),
        (8, Ticket),
        (9, Spent),
        (10, Spent),
        (11, Repeated),
        (12, Spent),
        (14, Late),
    ];
    assert_eq!(reasons(&closed), expected);
    assert_eq!(commitments(&closed), [1, 2]);
    assert_eq!(closed.listed[1].entries, [13]);
}

#[test]
fn tickets_are_spent_once_in_an_epoch() {
    let (first, second) = (World::new(true, 7), World::new(true, 8));
    let before = first.close(&first.board(&[first.posted(1, 1), first.posted(2, 2)]));
    let board = second.board(&[second.posted(3, 2), second.posted(4, 3)]);
    let closed = Closed::of(&board, &before.spent).unwrap();
    assert_eq!(reasons(&closed), [(0, Reason::Spent)]);
    assert_eq!(commitments(&closed), [4]);
    // The digest shows what came before.
    let alone = second.close(&board);
    assert_eq!(commitments(&alone), [3, 4]);
    assert_ne!(alone.digest, closed.digest);
    assert_ne!(alone.spent.digest(), closed.spent.digest());
    let unrelated = first.close(&first.board(&[first.posted(1, 1)]));
    let same = Closed::of(&board, &unrelated.spent).unwrap();
    assert_eq!(same.listed, alone.listed);
    assert_ne!(same.digest, alone.digest);
    // Batches in order, each once.
    let told = Closed::of(&board, &closed.spent).unwrap_err();
    assert_eq!(told, CloseError::Order(8));
    let other = Spent::none(&Issuer::new(&[6; 32], 1, 9).key());
    assert_eq!(Closed::of(&board, &other), Err(CloseError::OtherEpoch));
}

#[test]
fn an_unfinished_board_has_no_list() {
    let world = World::locked();
    let mut board = Board::open(world.header.clone()).unwrap();
    let spent = Spent::none(&world.issuer.key());
    assert_eq!(Closed::of(&board, &spent), Err(CloseError::Unfinished));
    let early = board.sign(CLOSES - 1, &world.keeper);
    board.finish(early).unwrap();
    assert_eq!(Closed::of(&board, &spent), Err(CloseError::Unfinished));
    // A head that was signed when the round was known: entries may have been added by one who knew it.
    let known = world
        .beacon
        .beacon()
        .time_of(world.round().unwrap().round())
        .unwrap();
    let signed = |time| world.finish_at(Board::open(world.header.clone()).unwrap(), time);
    assert_eq!(
        Closed::of(&signed(known), &spent),
        Err(CloseError::LateHead)
    );
    assert!(Closed::of(&signed(known - 1), &spent).is_ok());
    let empty = world.close(&world.board(&[]));
    assert!(empty.listed.is_empty() && empty.dropped.is_empty());
}

/// The digest of the list changes with every entry, its place, and what is listed.
#[test]
fn the_digest_binds_the_list() {
    let world = World::locked();
    let [a, b, c] = [1, 2, 3].map(|n| world.posted(n, n));
    let lists = [
        vec![],
        vec![a.clone()],
        vec![a.clone(), b.clone()],
        vec![b.clone(), a.clone()],
        vec![a.clone(), b.clone(), a.clone()],
        vec![a, b, c],
    ];
    let digests = lists.map(|list| world.close(&world.board(&list)).digest);
    for (i, one) in digests.iter().enumerate() {
        assert!(!digests[..i].contains(one));
    }
    let again = world.close(&world.board(&[]));
    assert_eq!(again.digest, digests[0]);
}

/// Somebody sees an entry on its way, and posts its commitment first, with bytes that open to nothing, then with a copy of a good
/// order's bytes. The order is cleared all the same.
#[test]
fn a_copied_commitment_pushes_nobody_out() {
    let world = World::locked();
    let (round, good) = (world.round(), world.posted(1, 1));
    let mut garbage = good.sealed.clone();
    garbage.0[200] ^= 1;
    let others = [
        world.stamped(good.commitment, garbage, 2),
        world.stamped(good.commitment, world.posted(2, 3).sealed, 3),
        good.clone(),
        world.posted(2, 4),
    ];
    let board = world.board(&others);
    let closed = world.close(&board);
    assert_eq!(commitments(&closed), [1, 2]);
    assert_eq!(closed.listed[0].entries, [0, 1, 2]);
    let opened = closed.listed[0].open(&board, &world.sealing, round.as_ref(), &world.envelopes);
    let opening = Opening(order(1).1);
    assert_eq!(opened, Ok(Order::Opened { entry: 2, opening }));
    // The venue's evidence for the two others does not suffice to skip the order.
    let evidence = |entry: usize| {
        let posted = &board.entries()[entry].posted;
        let opened = world.sealing.open(posted, round.as_ref(), &world.envelopes);
        let evidence = opened.unwrap().1;
        let entry = entry as u64;
        Skip { entry, evidence }
    };
    let skips = [evidence(0), evidence(1)];
    let check = |skips: &[Skip]| {
        closed.listed[0].check_skipped(&board, &world.sealing, round.as_ref(), skips)
    };
    assert_eq!(check(&skips), Err(SkipError::Missing(2)));
    let with_none = [
        skips[0].clone(),
        skips[1].clone(),
        Skip {
            entry: 2,
            evidence: None,
        },
    ];
    let told = SkipError::Entry(2, JudgeError::NoEvidence);
    assert_eq!(check(&with_none), Err(told));
}

#[test]
fn a_malformed_order_is_skipped_and_everyone_agrees() {
    let world = World::locked();
    let (round, good) = (world.round(), world.posted(1, 1));
    let mut broken = good.sealed.clone();
    broken.0[0] ^= 1;
    let board = world.board(&[
        world.stamped(good.commitment, broken, 2),
        world.mismatched(1, 2, 3),
    ]);
    let closed = world.close(&board);
    let order = &closed.listed[0];
    let opened = order
        .open(&board, &world.sealing, round.as_ref(), &world.envelopes)
        .unwrap();
    let Order::Skipped(skips) = opened else {
        panic!("{opened:?}");
    };
    let flaws = [Flaw::TimeLock, Flaw::Commitment];
    assert_eq!(
        skips.iter().map(|(_, flaw)| *flaw).collect::<Vec<_>>(),
        flaws
    );
    let skips: Vec<Skip> = skips.into_iter().map(|(skip, _)| skip).collect();
    // As it is published, and read by anyone.
    let text = serde_json::to_string(&skips).unwrap();
    let skips: Vec<Skip> = records::json::read(text.as_bytes()).unwrap();
    let check = |skips: &[Skip]| order.check_skipped(&board, &world.sealing, round.as_ref(), skips);
    assert_eq!(check(&skips).unwrap(), flaws);
    let told = order
        .check_skipped(&board, &world.sealing, None, &skips)
        .unwrap_err();
    let number = world.header.terms.lock.as_ref().unwrap().round;
    assert_eq!(told, SkipError::Entry(0, JudgeError::NoRound(number)));
    // Evidence of another entry.
    let mut swapped = skips.clone();
    swapped[1].entry = 0;
    swapped[0].entry = 1;
    let told = SkipError::Entry(1, JudgeError::NoEvidence);
    assert_eq!(check(&swapped), Err(told));
}

/// A true disclosure of a well-formed order is no excuse. A dishonest venue makes it here by calling every opening another order's.
#[test]
fn a_well_formed_order_is_not_skipped() {
    let world = World::locked();
    let (board, round) = (world.board(&[world.posted(1, 1)]), world.round());
    let order = &world.close(&board).listed[0];
    let liar = Sealing::new(&world.header, |_, _| false).unwrap();
    let opened = order
        .open(&board, &liar, round.as_ref(), &world.envelopes)
        .unwrap();
    let Order::Skipped(skips) = opened else {
        panic!("{opened:?}");
    };
    let skips = [skips[0].0.clone()];
    assert!(skips[0].evidence.is_some());
    let told = order.check_skipped(&board, &world.sealing, round.as_ref(), &skips);
    assert_eq!(told, Err(SkipError::WellFormed(0)));
}

#[test]
fn the_order_of_boards_and_not_of_times_counts() {
    let world = World::new(false, 7);
    let mut board = Board::open(world.header.clone()).unwrap();
    for number in [3, 1, 2] {
        board.post(world.posted(number, number), OPENS + 5).unwrap();
    }
    let board = world.finish_at(board, CLOSES);
    assert_eq!(commitments(&world.close(&board)), [3, 1, 2]);
    assert_eq!(board.header().terms.tickets.key, Hex(world.issuer.key().0));
}
