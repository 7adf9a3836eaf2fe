//! Sealing, opening, skipping and disputing, by honest and dishonest venues and traders.

mod common;

use board::Hex;
use board::beacon::{Beacon, TestBeacon};
use board::disclosure::Disclosure;
use board::file::{Commitment, Posted, Sealed};
use board::seal::*;
use board::terms::{Header, TimeLock};
use common::*;

fn opening_of(verdict: Verdict) -> Vec<u8> {
    match verdict {
        Verdict::Opened(Opening(bytes)) => bytes,
        Verdict::Malformed(flaw) => panic!("{flaw}"),
    }
}

fn with_byte(posted: &Posted, at: usize) -> Posted {
    let mut changed = posted.clone();
    changed.sealed.0[at] ^= 1;
    changed
}

#[test]
fn an_opening_is_sealed_to_one_form_and_opens() {
    for world in [World::locked(), World::new(false, 7)] {
        let round = world.round();
        let (commitment, opening) = order(1);
        let posted = world.posted(1, 1);
        assert_eq!(
            posted.round,
            world.header.terms.lock.as_ref().map(|l| l.round)
        );
        assert_eq!(posted.sealed.0.len(), world.sealing.sealed_bytes());
        // Again, and with keys made ready again: the same bytes.
        let again = Sealing::new(&world.header, opens).unwrap();
        assert_eq!(again.seal(&commitment, &opening).unwrap(), posted.sealed);
        let (verdict, evidence) = world
            .sealing
            .open(&posted, round.as_ref(), &world.envelopes)
            .unwrap();
        assert_eq!(opening_of(verdict), opening);
        assert_eq!(evidence, None);
        world.sealing.dispute(&posted, &opening).unwrap();
    }
}

#[test]
fn lengths_tell_nothing_and_have_an_end() {
    let world = World::new(false, 7);
    let longest = world.sealing.longest();
    let opening = |length: usize| [vec![9; length - 8], vec![1; 8]].concat();
    let commitment = Commitment(Hex([1; 32]));
    for length in [8, 9, longest] {
        let sealed = world.sealing.seal(&commitment, &opening(length)).unwrap();
        assert_eq!(sealed.0.len(), world.sealing.sealed_bytes());
        let posted = world.stamped(commitment, sealed, 1);
        let (verdict, _) = world.sealing.open(&posted, None, &world.envelopes).unwrap();
        assert_eq!(opening_of(verdict), opening(length));
    }
    let told = world
        .sealing
        .seal(&commitment, &opening(longest + 1))
        .unwrap_err();
    assert_eq!(told, SealError::Long(longest + 1, longest));
    let told = world
        .sealing
        .seal(&Commitment(Hex([2; 32])), &opening(9))
        .unwrap_err();
    assert_eq!(told, SealError::Commitment);
}

/// Nothing of the opening, and no key, shows in what is posted; two openings that differ in one bit share nothing.
#[test]
fn sealed_openings_look_alike() {
    let world = World::new(false, 7);
    let (commitment, opening) = order(1);
    let mut other = opening.clone();
    other[0] ^= 1;
    let [a, b] = [opening, other].map(|o| world.sealing.seal(&commitment, &o).unwrap().0);
    let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
    assert!(same < 12, "{same} of {} bytes agree", a.len());
}

#[test]
fn nobody_opens_before_the_round() {
    let world = World::locked();
    let posted = world.posted(1, 1);
    let number = posted.round.unwrap();
    let open = |round: Option<&_>| {
        world
            .sealing
            .open(&posted, round, &world.envelopes)
            .unwrap_err()
    };
    assert_eq!(open(None), JudgeError::NoRound(number));
    // A round before, and the same round of another beacon.
    let beacon = world.beacon.beacon();
    let early = beacon.verify(&world.beacon.sign(number - 1)).unwrap();
    assert_eq!(open(Some(&early)), JudgeError::OtherRound(number));
    let other = TestBeacon::new(&[9; 32], beacon.genesis_ms, beacon.period_ms);
    let foreign = other.beacon().verify(&other.sign(number)).unwrap();
    assert_eq!(open(Some(&foreign)), JudgeError::OtherRound(number));
    // The envelope without its lock, opened by a venue that has no signature: the bytes are no envelope.
    let bare = World::new(false, 7);
    let mut peeled = posted.clone();
    peeled.round = None;
    peeled.sealed = Sealed(posted.sealed.0[128..].to_vec());
    let (verdict, _) = bare.sealing.open(&peeled, None, &bare.envelopes).unwrap();
    assert!(matches!(verdict, Verdict::Malformed(_)));
}

/// An entry with any byte changed is malformed, the venue shows it, and everyone agrees; the trader's dispute fails.
#[test]
fn every_byte_counts() {
    let world = World::locked();
    let round = world.round();
    let (_, opening) = order(1);
    let good = world.posted(1, 1);
    let places = [
        (0, Flaw::TimeLock),
        (95, Flaw::TimeLock),
        (100, Flaw::TimeLock),
        (127, Flaw::TimeLock),
        // The proof and the body.
        (160, Flaw::Proof),
        (223, Flaw::Proof),
        (224, Flaw::Proof),
        (479, Flaw::Proof),
    ];
    assert_eq!(good.sealed.0.len(), 480);
    for (at, expected) in places {
        let posted = with_byte(&good, at);
        let (verdict, evidence) = world
            .sealing
            .open(&posted, round.as_ref(), &world.envelopes)
            .unwrap();
        assert_eq!(verdict, Verdict::Malformed(expected), "byte {at}");
        // All see it, so the venue has nothing to show.
        assert_eq!((evidence.is_none(), expected.is_visible()), (true, true));
        let judged = world
            .sealing
            .judge(&posted, round.as_ref(), evidence.as_ref());
        assert_eq!(judged, Ok(verdict));
        let told = world.sealing.dispute(&posted, &opening);
        assert_eq!(told, Err(DisputeError::OtherBytes), "byte {at}");
    }
    // The envelope's point: no encoding of one, or another.
    for at in 128..160 {
        let posted = with_byte(&good, at);
        let judged = world.sealing.judge(&posted, round.as_ref(), None).unwrap();
        let Verdict::Malformed(flaw) = judged else {
            panic!("byte {at}");
        };
        assert!(
            matches!(flaw, Flaw::Point | Flaw::Proof),
            "byte {at}: {flaw}"
        );
    }
}

/// Copied to another commitment or another board, a sealed opening is malformed.
#[test]
fn copies_are_malformed() {
    let world = World::locked();
    let round = world.round();
    let mut copy = world.posted(1, 1);
    copy.commitment = Commitment(Hex([2; 32]));
    let (verdict, _) = world
        .sealing
        .open(&copy, round.as_ref(), &world.envelopes)
        .unwrap();
    assert!(matches!(verdict, Verdict::Malformed(_)));
    let next = World::new(true, 8);
    let copy = world.posted(1, 1);
    let (verdict, _) = next
        .sealing
        .open(&copy, round.as_ref(), &next.envelopes)
        .unwrap();
    assert!(matches!(verdict, Verdict::Malformed(_)));
}

/// Randomness of the trader's own choice: it opens, but has not the one form, and is malformed. Here the lock is another's.
#[test]
fn another_lock_around_a_good_envelope_is_malformed() {
    let world = World::locked();
    let bare = World::new(false, 7);
    let round = world.round();
    let good = world.posted(1, 1);
    // The lock of another order, and so another key: what it gives is no envelope.
    let mut posted = good.clone();
    let other = world.posted(2, 2);
    posted.sealed.0[..128].copy_from_slice(&other.sealed.0[..128]);
    let (verdict, evidence) = world
        .sealing
        .open(&posted, round.as_ref(), &world.envelopes)
        .unwrap();
    assert!(matches!(verdict, Verdict::Malformed(_)));
    let judged = world
        .sealing
        .judge(&posted, round.as_ref(), evidence.as_ref());
    assert_eq!(judged, Ok(verdict));
    // An entry of a board without a lock, on one with it.
    let told = bare.posted(1, 1);
    let (verdict, _) = world
        .sealing
        .open(&told, round.as_ref(), &world.envelopes)
        .unwrap();
    assert_eq!(verdict, Verdict::Malformed(Flaw::TimeLock));
}

/// A venue that wants to skip a good order has no evidence: none, another's, a forged one, or a true one that shows the order is good.
#[test]
fn a_good_order_cannot_be_skipped() {
    let world = World::locked();
    let round = world.round();
    let (good, other) = (world.posted(1, 1), world.mismatched(2, 3, 2));
    let judge =
        |evidence: Option<&Disclosure>| world.sealing.judge(&good, round.as_ref(), evidence);
    assert_eq!(judge(None), Err(JudgeError::NoEvidence));
    let (_, others) = world
        .sealing
        .open(&other, round.as_ref(), &world.envelopes)
        .unwrap();
    let others = others.unwrap();
    assert_eq!(judge(Some(&others)), Err(JudgeError::FalseEvidence));
    let forged = Disclosure {
        shared: world.header.terms.venue.envelopes,
        ..others
    };
    assert_eq!(judge(Some(&forged)), Err(JudgeError::FalseEvidence));
    // Another secret is refused before it shows anything.
    let wrong = VenueSecret::from_seed(&[8; 32]);
    let told = world
        .sealing
        .open(&good, round.as_ref(), &wrong)
        .unwrap_err();
    assert_eq!(told, JudgeError::OtherSecret);
}

/// A venue that can open an order whose opening is not that of its commitment shows it, and everyone sees that it is not.
#[test]
fn an_opening_of_another_commitment_is_malformed() {
    let world = World::locked();
    let round = world.round();
    let (posted, wrong) = (world.mismatched(1, 2, 1), order(2).1);
    let (verdict, evidence) = world
        .sealing
        .open(&posted, round.as_ref(), &world.envelopes)
        .unwrap();
    assert_eq!(verdict, Verdict::Malformed(Flaw::Commitment));
    let judged = world
        .sealing
        .judge(&posted, round.as_ref(), evidence.as_ref());
    assert_eq!(judged, Ok(verdict));
    let told = world.sealing.dispute(&posted, &wrong).unwrap_err();
    assert_eq!(told, DisputeError::Seal(SealError::Commitment));
}

#[test]
fn disputes_of_others_openings_fail() {
    let world = World::locked();
    let posted = world.posted(1, 1);
    let mut opening = order(1).1;
    world.sealing.dispute(&posted, &opening).unwrap();
    opening[0] ^= 1;
    let told = world.sealing.dispute(&posted, &opening);
    assert_eq!(told, Err(DisputeError::OtherBytes));
    let mut unlocked = posted;
    unlocked.round = None;
    let told = world.sealing.dispute(&unlocked, &order(1).1);
    assert_eq!(told, Err(DisputeError::OtherBytes));
}

/// On drand's own network: sealed to a round that was published, and opened with its signature.
#[test]
fn a_round_of_quicknet_opens_an_order() {
    let beacon = Beacon::quicknet();
    let world = World::locked();
    let mut terms = world.header.terms.clone();
    let closes = beacon.time_of(999).unwrap();
    (terms.opens_ms, terms.closes_ms) = (closes - 60_000, closes);
    terms.lock = TimeLock::after(beacon.clone(), closes, 0);
    let header = Header::sign(terms, &world.venue).unwrap();
    let round = r#"{"round":1000,"randomness":"fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd","signature":"b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"}"#;
    let round = beacon
        .verify(&records::json::read(round.as_bytes()).unwrap())
        .unwrap();
    let sealing = Sealing::new(&header, opens).unwrap();
    let (commitment, opening) = order(1);
    let sealed = sealing.seal(&commitment, &opening).unwrap();
    let posted = Posted::new(&header, commitment, sealed, &world.ticket(1));
    let (verdict, _) = sealing
        .open(&posted, Some(&round), &world.envelopes)
        .unwrap();
    assert_eq!(opening_of(verdict), opening);
}

#[test]
fn secrets_are_kept_and_not_printed() {
    let world = World::locked();
    let secret = VenueSecret::from_seed(&[0xab; 32]);
    assert_eq!(format!("{secret:?}"), "VenueSecret(..)");
    assert_eq!(
        VenueSecret::from_hex(&secret.to_hex()).unwrap().public(),
        secret.public()
    );
    assert!(VenueSecret::from_hex("").is_none());
    assert_ne!(
        VenueSecret::random().public(),
        VenueSecret::random().public()
    );
    let (verdict, _) = world
        .sealing
        .open(
            &world.posted(1, 1),
            world.round().as_ref(),
            &world.envelopes,
        )
        .unwrap();
    assert_eq!(format!("{verdict:?}"), "Opened(Opening(..))");
    let told = format!("{:?}", world.sealing);
    assert_eq!(told, format!("Sealing({})", world.header.digest()));
}
