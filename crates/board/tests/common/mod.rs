//! A venue, a board, a beacon and traders.
#![allow(dead_code, missing_docs)]

use board::Hex;
use board::beacon::{TestBeacon, VerifiedRound};
use board::close::{Closed, Spent};
use board::file::*;
use board::keys::SecretKey;
use board::seal::{Sealing, VenueSecret};
use board::terms::*;
use board::ticket::{Issuer, Ticket, Wish};
use records::units::Ticks;

pub const OPENS: u64 = 1_795_718_880_000;
pub const CLOSES: u64 = OPENS + 60_000;

pub struct World {
    pub beacon: TestBeacon,
    pub venue: SecretKey,
    pub keeper: SecretKey,
    pub envelopes: VenueSecret,
    pub issuer: Issuer,
    pub header: Header,
    pub sealing: Sealing,
}

/// Stands for the commitment of orders: an opening is that of the commitment that starts with its last eight bytes.
pub fn opens(commitment: &Commitment, opening: &[u8]) -> bool {
    opening.len() >= 8 && opening[opening.len() - 8..] == commitment.0.0[..8]
}

/// An opening and its commitment.
pub fn order(number: u8) -> (Commitment, Vec<u8>) {
    let commitment = Commitment(Hex([number; 32]));
    let mut opening = vec![100 + number; 40 + usize::from(number)];
    opening.extend([number; 8]);
    (commitment, opening)
}

pub fn terms(beacon: Option<&TestBeacon>, batch: u64) -> Terms {
    let issuer = Issuer::new(&[5; 32], 1, 9);
    Terms {
        format: FORMAT,
        venue: Venue {
            name: "venue".into(),
            key: SecretKey::from_seed(&[2; 32]).public(),
            envelopes: VenueSecret::from_seed(&[4; 32]).public(),
        },
        board: Keeper {
            name: "board".into(),
            key: SecretKey::from_seed(&[3; 32]).public(),
        },
        batch,
        opens_ms: OPENS,
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
        lock: beacon.map(|b| TimeLock::after(b.beacon().clone(), CLOSES, 500).unwrap()),
        tickets: Tickets {
            epoch: 1,
            key: issuer.key(),
            each: issuer.each(),
        },
    }
}

impl World {
    pub fn new(locked: bool, batch: u64) -> Self {
        let beacon = TestBeacon::new(&[1; 32], OPENS - 86_400_000, 3000);
        let venue = SecretKey::from_seed(&[2; 32]);
        let header = Header::sign(terms(locked.then_some(&beacon), batch), &venue).unwrap();
        Self {
            beacon,
            venue,
            keeper: SecretKey::from_seed(&[3; 32]),
            envelopes: VenueSecret::from_seed(&[4; 32]),
            issuer: Issuer::new(&[5; 32], 1, 9),
            sealing: Sealing::new(&header, opens).unwrap(),
            header,
        }
    }

    pub fn locked() -> Self {
        Self::new(true, 7)
    }

    /// The round that opens the board; none where it has no time lock.
    pub fn round(&self) -> Option<VerifiedRound> {
        let lock = self.header.terms.lock.as_ref()?;
        let round = self.beacon.sign(lock.round);
        Some(lock.beacon.verify(&round).unwrap())
    }

    pub fn ticket(&self, number: u8) -> Ticket {
        let (wish, key) = (Wish::from_seed(&[number; 32]), self.issuer.key());
        let answer = self.issuer.issue(0, &wish.request(&key)).unwrap();
        wish.finish(&key, &answer).unwrap()
    }

    /// A good entry of an order, with a ticket of this number.
    pub fn posted(&self, number: u8, ticket: u8) -> Posted {
        let (commitment, opening) = order(number);
        let sealed = self.sealing.seal(&commitment, &opening).unwrap();
        self.stamped(commitment, sealed, ticket)
    }

    /// An entry whose opening is another order's: only the venue sees that it is malformed.
    pub fn mismatched(&self, number: u8, other: u8, ticket: u8) -> Posted {
        let careless = Sealing::new(&self.header, |_, _| true).unwrap();
        let (commitment, opening) = (order(number).0, order(other).1);
        let sealed = careless.seal(&commitment, &opening).unwrap();
        self.stamped(commitment, sealed, ticket)
    }

    pub fn stamped(&self, commitment: Commitment, sealed: Sealed, ticket: u8) -> Posted {
        Posted::new(&self.header, commitment, sealed, &self.ticket(ticket))
    }

    pub fn board(&self, posted: &[Posted]) -> Board {
        let mut board = Board::open(self.header.clone()).unwrap();
        for (posted, ms) in posted.iter().zip(1..) {
            board.post(posted.clone(), OPENS + ms).unwrap();
        }
        self.finish_at(board, CLOSES)
    }

    pub fn finish_at(&self, mut board: Board, time_ms: u64) -> Board {
        let head = board.sign(time_ms, &self.keeper);
        board.finish(head).unwrap();
        board
    }

    pub fn close(&self, board: &Board) -> Closed {
        Closed::of(board, &Spent::none(&self.issuer.key())).unwrap()
    }
}
