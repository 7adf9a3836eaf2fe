//! Example claims.

use std::collections::{BTreeMap, BTreeSet};

use fixed::{Decimal, Rounding};
use gadgets::hash::{DIGEST, Digest};
use market::auction::{
    Admission, Band, Fees, Ladder, Order, Refusal as NotAdmitted, Terms, UNBOUNDED, clear,
};
use market::settlement::{Refusal as NoFit, Sent, Settlement};
use market::{Account, Settlement as Kind, Snapshot, Tier, sample};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};
use serde_json::json;
use stark::felt;

use super::fill::closing;
use super::statement::without_offsets;
use super::{Entry, Prepared, Secrets, Settle};
use crate::account::{Identity, Secret};
use crate::book::SealedBook;
use crate::kit::{Example, Inputs, Refusal, Size};
use crate::orders::{Cleared, Opening, Outcome, Traded, venue_element};
use crate::owner::{LOG_SECRETS, OneTimePath, Owner, one_time};

/// The batch's number.
const BATCH: u64 = 1234;
/// The name of the venue.
const VENUE: &str = "sample-venue";

/// A venue settles a batch.
pub(super) fn examples() -> Vec<Example<Settle>> {
    vec![Example {
        name: "settle",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Settle> {
    let accounts = size.accounts.unwrap_or(100_000);
    let orders = size.trades.map_or(10_000, |trades| 10 * trades);
    // So that many accounts send several orders.
    let senders = (2 * orders / 5).clamp(1, accounts);
    let sample = Sample::new(1, accounts, senders, orders, 16);
    let sizes = json!({ "accounts": accounts, "senders": senders, "orders": orders });
    Inputs::new(sizes, move |secret| {
        let before = sample.seal(secret).map_err(Refusal::malformed)?;
        let (entries, secrets) = (sample.entries.clone(), sample.secrets.clone());
        let Sample {
            snapshot, cleared, ..
        } = &sample;
        Prepared::new(&before, snapshot, cleared, entries, secrets, secret)
    })
}

/// A book and a batch that was cleared.
pub(crate) struct Sample {
    /// The market of the book before.
    pub market: Snapshot,
    /// The market of the book after.
    pub snapshot: Snapshot,
    pub accounts: Vec<Account>,
    pub cleared: Cleared,
    pub entries: Vec<Entry>,
    pub secrets: Secrets,
    pub slots: usize,
}

/// The sample's linear instruments on four coins; dollars count whole.
pub(crate) fn market() -> Snapshot {
    let mut snapshot = sample::four_coins();
    // Of each coin the perpetual, futures and some options.
    let mut options = BTreeMap::new();
    snapshot.instruments.retain(|i| {
        let few = match i.kind {
            market::Kind::Option { .. } => {
                let count = options.entry(i.underlying.clone()).or_insert(0);
                *count += 1;
                *count <= 4
            }
            _ => true,
        };
        few && i.settlement == Kind::Linear
    });
    snapshot.assets[0].haircuts.margin = vec![Tier {
        up_to: Decimal::from_int(2_000_000_000_000),
        percent: Decimal::from_int(100),
    }];
    snapshot
}

/// The secret of an account's sample for a batch, and the way to the root of its secrets.
pub(crate) fn one_time_secret(id: &str) -> (Digest, OneTimePath) {
    let own = Secret::from_hex(&"0000000b".repeat(8)).expect("a constant");
    let own = own.derived(&Identity::of(id).0);
    let drawn = |number: usize| {
        let mut about = [felt(0); DIGEST];
        about[0] = felt(number as u64);
        own.salt_for(&about)
    };
    let secret = drawn(0);
    let path = OneTimePath {
        digest: one_time(&secret),
        siblings: (1..=LOG_SECRETS).map(drawn).collect(),
    };
    (secret, path)
}

impl Sample {
    /// So many orders of the first accounts of a book, and one of nobody, cleared. An account has so many position slots.
    pub fn new(seed: u64, accounts: usize, senders: usize, orders: usize, slots: usize) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let market = market();
        let snapshot = Snapshot {
            as_of_ms: market.as_of_ms + 60_000,
            ..market.clone()
        };
        let book = sample::book(&market, seed, accounts, slots * 3 / 8, 0);
        let accounts = book.accounts().to_vec();
        let terms: Vec<Terms> = (0..snapshot.instruments.len())
            .map(|i| terms(&snapshot, i))
            .collect();
        let mut openings: Vec<Opening> = (0..orders - 1)
            .map(|_| opening(&mut rng, &accounts[..senders], &terms))
            .collect();
        let stranger = Opening {
            account: Identity::of("stranger").key(),
            ..openings
                .last()
                .cloned()
                .unwrap_or_else(|| opening(&mut rng, &accounts[..1], &terms))
        };
        openings.push(stranger);
        // One order in fifty is not the account's own.
        for opening in openings.iter_mut().step_by(50).skip(1) {
            opening.secret[0] += felt(1);
        }
        let secrets = accounts[..senders].iter().map(|account| {
            let key = Identity::of(&account.id).key();
            (key, one_time_secret(&account.id).1)
        });
        let secrets: Secrets = secrets.collect();
        let admissions = admissions(&snapshot, &accounts, &openings, &terms, slots);
        let (instruments, entries) = cleared(&terms, openings, &admissions);
        Self {
            market,
            snapshot,
            accounts,
            cleared: Cleared {
                number: BATCH,
                venue: VENUE.into(),
                levels: 1,
                instruments,
            },
            entries,
            secrets,
            slots,
        }
    }

    /// The book before.
    pub fn seal(
        &self,
        secret: &Secret,
    ) -> Result<std::sync::Arc<SealedBook>, crate::book::BookError> {
        let owner = |id: &str| {
            let shared = secret.derived(&Identity::of(id).0);
            Owner::new(one_time_secret(id).1.root(BATCH), &shared, 1)
        };
        SealedBook::state(&self.market, &self.accounts, self.slots, secret, &owner)
    }
}

/// The terms of an instrument's auction around its mark.
fn terms(snapshot: &Snapshot, instrument: usize) -> Terms {
    let lot = &snapshot.instruments[instrument];
    let price = lot.mark.checked_mul(&lot.lot);
    let price = price.and_then(|p| p.rescale(6, Rounding::Floor));
    let mark = price.map_or(100, |p| (p as u64).max(100));
    let band = [mark * 7 / 10, mark * 13 / 10].map(Ticks);
    Terms {
        band: Band::new(band, Ticks(1), Ticks(mark)).expect("a band"),
        fees: Fees::new(500, 100).expect("low rates"),
        draw: 0,
    }
}

/// An order of one of the accounts near the mark.
fn opening(rng: &mut StdRng, senders: &[Account], terms: &[Terms]) -> Opening {
    let account = &senders[rng.random_range(0..senders.len())];
    let held = account.positions.len();
    // Rather in what it holds, so that positions are closed and turned, too.
    let instrument = match held > 0 && rng.random_bool(0.5) {
        true => account.positions[rng.random_range(0..held)].instrument,
        false => rng.random_range(0..terms.len()),
    };
    let mark = terms[instrument].band.reference().0;
    let limit = rng.random_range(mark * 98 / 100..=mark * 102 / 100);
    // Some need more than is free.
    let most = if rng.random_bool(0.1) { 2_000 } else { 10 };
    let lots = rng.random_range(1..most);
    Opening {
        account: Identity::of(&account.id).key(),
        instrument,
        nonce: rng.random_range(0..1000),
        quote: rng.random_bool(0.2),
        reduce_only: rng.random_bool(0.15),
        ladder: match rng.random_bool(0.5) {
            true => Ladder::bid(lots, limit),
            false => Ladder::ask(lots, limit),
        },
        batch: BATCH,
        venue: venue_element(VENUE),
        secret: one_time_secret(&account.id).0,
    }
}

/// What the book makes of each order.
fn admissions(
    snapshot: &Snapshot,
    accounts: &[Account],
    openings: &[Opening],
    terms: &[Terms],
    slots: usize,
) -> Vec<Admission> {
    let settlement =
        Settlement::new(&without_offsets(snapshot), slots).expect("a market that settles");
    let by_key: BTreeMap<u64, &Account> = accounts
        .iter()
        .map(|a| (Identity::of(&a.id).key(), a))
        .collect();
    let mut live: BTreeMap<u64, BTreeMap<usize, (u64, usize)>> = BTreeMap::new();
    let is_own = |o: &Opening| {
        let account = by_key.get(&o.account);
        account.is_none_or(|a| one_time_secret(&a.id).0 == o.secret)
    };
    for (place, o) in openings.iter().enumerate().filter(|(_, o)| is_own(o)) {
        let own = live.entry(o.account).or_default();
        let best = own.entry(o.instrument).or_insert((o.nonce, place));
        *best = (*best).max((o.nonce, place));
    }
    let most = |o: &Opening| {
        let account = by_key.get(&o.account);
        let positions = account.iter().flat_map(|a| &a.positions).copied();
        let position = { positions }.find(|p| p.instrument == o.instrument);
        match o.reduce_only {
            true => closing(position.as_ref()).map(Lots),
            false => UNBOUNDED,
        }
    };
    let refusals: BTreeMap<u64, Option<NotAdmitted>> = live
        .iter()
        .map(|(key, own)| {
            let sent = own.iter().map(|(instrument, (_, place))| Sent {
                instrument: *instrument,
                ladder: openings[*place].ladder.within(most(&openings[*place])),
                band: terms[*instrument].band,
                fees: terms[*instrument].fees,
            });
            // What may trade nothing needs nothing.
            let trades = |s: &Sent| s.ladder.bids().chain(s.ladder.asks()).next().is_some();
            let sent: Vec<Sent> = sent.filter(trades).collect();
            // An order that only reduces has a slot, too, so that its position can be looked up.
            let instruments = by_key.get(key).map_or(0, |a| {
                let held = a.positions.iter().map(|p| p.instrument);
                held.chain(own.keys().copied())
                    .collect::<BTreeSet<_>>()
                    .len()
            });
            let refusal = match by_key.get(key).map(|a| settlement.admit(a, &sent)) {
                None => Some(NotAdmitted::NoAccount),
                Some(_) if instruments > slots => Some(NotAdmitted::Room),
                Some(Ok(())) => None,
                Some(Err(NoFit::Margin { .. })) => Some(NotAdmitted::Margin),
                Some(Err(_)) => Some(NotAdmitted::Room),
            };
            (*key, refusal)
        })
        .collect();
    let admission = |o: &Opening| Admission {
        refusal: match is_own(o) {
            true => refusals[&o.account],
            false => Some(NotAdmitted::Secret),
        },
        most: most(o),
    };
    openings.iter().map(admission).collect()
}

/// Clears each instrument.
fn cleared(
    terms: &[Terms],
    openings: Vec<Opening>,
    admissions: &[Admission],
) -> (Vec<Traded>, Vec<Entry>) {
    let mut entries: Vec<Option<Outcome>> = vec![None; openings.len()];
    let mut instruments = Vec::new();
    for (instrument, terms) in terms.iter().enumerate() {
        let places: Vec<usize> = (0..openings.len())
            .filter(|place| openings[*place].instrument == instrument)
            .collect();
        let order = |place: &usize| {
            let o = &openings[*place];
            Order {
                account: o.account,
                nonce: o.nonce,
                quote: o.quote,
                reduce_only: o.reduce_only,
                admission: admissions[*place],
                ladder: o.ladder.clone(),
            }
        };
        let orders: Vec<Order> = places.iter().map(order).collect();
        let result = clear(terms, &orders);
        for ((place, order), outcome) in places.iter().zip(&orders).zip(&result.results) {
            entries[*place] = Some(Outcome::new(*place, order, outcome));
        }
        instruments.push(Traded {
            low: terms.band.low(),
            high: terms.band.high(),
            fee: 500,
            rebate: 100,
            price: result.price,
        });
    }
    let entries = openings.into_iter().zip(entries);
    let entries = entries.map(|(opening, outcome)| Entry {
        opening,
        outcome: outcome.expect("each order is of an instrument"),
    });
    (instruments, entries.collect())
}
