//! What a trader may try who encrypts with code of their own.

use records::units::Ticks;

use super::*;
use crate::beacon::{TestBeacon, VerifiedRound};
use crate::keys::SecretKey;
use crate::terms::{Auction, Keeper, Orders, Terms, Tickets, TimeLock, Venue};
use crate::ticket::{Issuer, Wish};

const CLOSES: u64 = 1_795_718_880_000;

/// What a dishonest trader may choose, who encrypts with code of their own.
struct Forgery {
    padded: Vec<u8>,
    r: Scalar,
    nonce: Scalar,
    locked: Unlocked,
}

struct World {
    beacon: TestBeacon,
    secret: VenueSecret,
    header: Header,
    sealing: Sealing,
    commitment: Commitment,
}

impl World {
    fn new() -> Self {
        let beacon = TestBeacon::new(&[1; 32], CLOSES - 9_000, 3_000);
        let (venue, keeper) = (
            SecretKey::from_seed(&[2; 32]),
            SecretKey::from_seed(&[3; 32]),
        );
        let secret = VenueSecret::from_seed(&[4; 32]);
        let terms = Terms {
            format: 1,
            venue: Venue {
                name: "venue".into(),
                key: venue.public(),
                envelopes: secret.public(),
            },
            board: Keeper {
                name: "board".into(),
                key: keeper.public(),
            },
            batch: 1,
            opens_ms: CLOSES - 1_000,
            closes_ms: CLOSES,
            orders: Orders {
                quote: "USD".into(),
                levels: 1,
                auctions: vec![Auction {
                    number: 0,
                    symbol: "BTC-PERP".into(),
                    lot: "0.001".into(),
                    contract_size: "1".into(),
                    low: Ticks(90),
                    high: Ticks(110),
                    step: Ticks(1),
                    reference: Ticks(100),
                    fee: 500,
                    rebate: 200,
                }],
            },
            opening_bytes: 256,
            lock: TimeLock::after(beacon.beacon().clone(), CLOSES, 0),
            tickets: Tickets {
                epoch: 1,
                key: Issuer::new(&[5; 32], 1, 1).key(),
                each: 1,
            },
        };
        let header = Header::sign(terms, &venue).unwrap();
        Self {
            beacon,
            secret,
            sealing: Sealing::new(&header, |_, _| true).unwrap(),
            header,
            commitment: Commitment(Hex([7; 32])),
        }
    }

    /// An honest choice.
    fn honest(&self, opening: &[u8]) -> Forgery {
        let padded = self.sealing.pad(opening).unwrap();
        self.derived(padded)
    }

    /// The right randomness of these bytes.
    fn derived(&self, padded: Vec<u8>) -> Forgery {
        let Randomness { r, nonce, locked } =
            randomness(&self.sealing.context(&self.commitment), &padded);
        Forgery {
            padded,
            r,
            nonce,
            locked,
        }
    }

    fn seal(&self, forgery: Forgery) -> Sealed {
        let Forgery {
            mut padded,
            r,
            nonce,
            locked,
        } = forgery;
        let context = self.sealing.context(&self.commitment);
        let point = RistrettoPoint::mul_base(&r);
        mask_envelope(&context, &point, &(r * self.sealing.venue), &mut padded);
        let proof = knowledge::prove(&r, &nonce, &context, &padded);
        let mut envelope = [point.compress().as_bytes().as_slice(), &proof, &padded].concat();
        let lock = self.sealing.lock.as_ref().unwrap().2.lock(&locked);
        mask_locked(&context, &lock, &locked, &mut envelope);
        Sealed([lock.as_slice(), &envelope].concat())
    }

    /// What the venue finds, and that everyone agrees with it.
    fn verdict(&self, forgery: Forgery) -> Verdict {
        self.verdict_of(self.commitment, self.seal(forgery))
    }

    fn round(&self) -> VerifiedRound {
        let (beacon, round, _) = self.sealing.lock.as_ref().unwrap();
        beacon.verify(&self.beacon.sign(*round)).unwrap()
    }

    fn posted(&self, commitment: Commitment, sealed: Sealed) -> Posted {
        let issuer = Issuer::new(&[5; 32], 1, 1);
        let wish = Wish::from_seed(&[6; 32]);
        let answer = issuer.issue(0, &wish.request(&issuer.key())).unwrap();
        let ticket = wish.finish(&issuer.key(), &answer).unwrap();
        Posted::new(&self.header, commitment, sealed, &ticket)
    }

    fn verdict_of(&self, commitment: Commitment, sealed: Sealed) -> Verdict {
        let (posted, round) = (self.posted(commitment, sealed), self.round());
        let (verdict, evidence) = self
            .sealing
            .open(&posted, Some(&round), &self.secret)
            .unwrap();
        if let Verdict::Malformed(_) = verdict {
            let judged = self.sealing.judge(&posted, Some(&round), evidence.as_ref());
            assert_eq!(judged, Ok(verdict.clone()));
        }
        verdict
    }
}

/// A trader who encrypts with randomness of their own, or fills with other bytes than zeros, would have an order that opens but has
/// another sealed form than the one that a dispute computes. Each is malformed, though all the rest is right.
#[test]
fn no_choice_is_left_to_the_trader() {
    let world = World::new();
    let opening = b"an opening and its secret".as_slice();
    let honest = || world.honest(opening);
    let good = Verdict::Opened(Opening(opening.to_vec()));
    assert_eq!(
        world.seal(honest()),
        world.sealing.seal(&world.commitment, opening).unwrap()
    );
    assert_eq!(world.verdict(honest()), good);
    let malformed = |change: fn(&mut Forgery)| {
        let mut forgery = honest();
        change(&mut forgery);
        world.verdict(forgery)
    };
    let random = Verdict::Malformed(Flaw::Randomness);
    assert_eq!(malformed(|f| f.r += Scalar::ONE), random);
    assert_eq!(malformed(|f| f.nonce += Scalar::ONE), random);
    assert_eq!(malformed(|f| f.locked.key[0] ^= 1), random);
    assert_eq!(malformed(|f| f.locked.sigma[0] ^= 1), random);
    // Another filling, and a length beyond the end, with randomness that follows from them.
    let padding = Verdict::Malformed(Flaw::Padding);
    let mut filled = honest().padded;
    filled[255] = 1;
    assert_eq!(world.verdict(world.derived(filled)), padding);
    let mut long = honest().padded;
    long[..2].copy_from_slice(&255u16.to_le_bytes());
    assert_eq!(world.verdict(world.derived(long)), padding);
    let mut full = vec![9; 256];
    full[..2].copy_from_slice(&254u16.to_le_bytes());
    let whole = Verdict::Opened(Opening(vec![9; 254]));
    assert_eq!(world.verdict(world.derived(full)), whole);
}

/// Not even for commitments that fit every opening does a sealed opening fit two.
#[test]
fn a_sealed_opening_is_of_one_commitment() {
    let world = World::new();
    let sealed = world.seal(world.honest(b"an opening"));
    let other = Commitment(Hex([8; 32]));
    let verdict = world.verdict_of(other, sealed.clone());
    assert!(matches!(verdict, Verdict::Malformed(_)));
    let verdict = world.verdict_of(world.commitment, sealed);
    assert!(matches!(verdict, Verdict::Opened(_)));
}

/// The envelope does not show before the round: not its point, nor its body.
#[test]
fn the_time_lock_covers_the_envelope() {
    let world = World::new();
    let honest = world.honest(b"an opening");
    let context = world.sealing.context(&world.commitment);
    let point = RistrettoPoint::mul_base(&honest.r);
    let mut body = honest.padded.clone();
    mask_envelope(
        &context,
        &point,
        &(honest.r * world.sealing.venue),
        &mut body,
    );
    let proof = knowledge::prove(&honest.r, &honest.nonce, &context, &body);
    let envelope = [point.compress().as_bytes().as_slice(), &proof, &body].concat();
    let sealed = world.seal(honest).0;
    assert_eq!(sealed.len(), LOCK + envelope.len());
    let same = sealed[LOCK..].iter().zip(&envelope).filter(|(a, b)| a == b);
    assert!(same.count() < 12);
}

#[test]
fn other_lengths_are_malformed() {
    let world = World::new();
    let good = world.seal(world.honest(b"an opening")).0;
    let longer = [good.as_slice(), &[0]].concat();
    let shorter = good[..good.len() - 1].to_vec();
    for bytes in [longer, shorter, Vec::new(), good[..LOCK].to_vec()] {
        let verdict = world.verdict_of(world.commitment, Sealed(bytes));
        assert_eq!(verdict, Verdict::Malformed(Flaw::Length));
    }
}

/// Somebody copies the point of an honest envelope into an entry of their own, which is rubbish, and hopes that the venue's evidence
/// opens both. There is no proof that they know its secret, so all see that it is malformed, and the venue shows nothing.
#[test]
fn a_copied_point_makes_the_venue_show_nothing() {
    let world = World::new();
    let context = world.sealing.context(&world.commitment);
    let victim = world.honest(b"the victim's opening");
    let point = RistrettoPoint::mul_base(&victim.r);
    let copied = |commitment: &Commitment, proof: [u8; PROOF], body: &[u8]| {
        let context = world.sealing.context(commitment);
        let locked = Unlocked {
            key: [1; 16],
            sigma: [2; 16],
        };
        let lock = world.sealing.lock.as_ref().unwrap().2.lock(&locked);
        let mut envelope = [point.compress().as_bytes().as_slice(), &proof, body].concat();
        mask_locked(&context, &lock, &locked, &mut envelope);
        Sealed([lock.as_slice(), &envelope].concat())
    };
    let mut body = victim.padded.clone();
    mask_envelope(
        &context,
        &point,
        &(victim.r * world.sealing.venue),
        &mut body,
    );
    let proof = knowledge::prove(&victim.r, &victim.nonce, &context, &body);
    let own = disclosure::scalar("the attacker's", &[]);
    let (mine, rubbish) = (Commitment(Hex([8; 32])), vec![9; 256]);
    let attempts = [
        (mine, copied(&mine, proof, &rubbish)),
        (mine, copied(&mine, proof, &body)),
        (world.commitment, copied(&world.commitment, proof, &rubbish)),
        (
            mine,
            copied(
                &mine,
                knowledge::prove(&own, &own, &context, &rubbish),
                &rubbish,
            ),
        ),
    ];
    let round = world.round();
    for (commitment, sealed) in attempts {
        let posted = world.posted(commitment, sealed);
        let (verdict, evidence) = world
            .sealing
            .open(&posted, Some(&round), &world.secret)
            .unwrap();
        assert_eq!(verdict, Verdict::Malformed(Flaw::Proof));
        assert_eq!(evidence, None);
        assert_eq!(
            world.sealing.judge(&posted, Some(&round), None),
            Ok(verdict)
        );
    }
}

/// A true disclosure of a well-formed order shows that it is, not that it may be skipped.
#[test]
fn a_true_disclosure_of_a_good_order_is_no_excuse() {
    let world = World::new();
    let honest = world.honest(b"an opening");
    let point = RistrettoPoint::mul_base(&honest.r);
    let context = world.sealing.context(&world.commitment);
    let evidence = disclosure::disclose(&world.secret.scalar, &point, &context);
    let posted = world.posted(world.commitment, world.seal(honest));
    let judged = world
        .sealing
        .judge(&posted, Some(&world.round()), Some(&evidence));
    assert_eq!(judged, Ok(Verdict::Opened(Opening(b"an opening".to_vec()))));
}
