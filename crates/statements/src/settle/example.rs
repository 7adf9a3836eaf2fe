//! Example claims.

use std::collections::BTreeMap;

use fixed::{Decimal, Rounding};
use gadgets::hash::{DIGEST, Digest};
use market::auction::{Admission, Band, Fees, Ladder, Level, Quantity, Terms};
use market::settlement::Settlement;
use market::{Account, Settlement as Kind, Side, Snapshot, Tier, sample};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};
use serde_json::json;
use stark::felt;

use super::statement::without_offsets;
use super::{Entry, Prepared, Secrets, Settle, admissions, arrangement};
use crate::account::{Identity, Secret};
use crate::auction::{self, Instrument};
use crate::book::SealedBook;
use crate::kit::{Example, Inputs, Refusal, Size};
use crate::orders::{Batch, Opening, Randomness, session};
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
    let orders = size.orders.unwrap_or(10_000);
    // So that many accounts send several orders.
    let senders = (2 * orders / 5).clamp(1, accounts);
    let sample = Sample::new(1, accounts, senders, orders, 16, 1);
    let sizes = json!({ "accounts": accounts, "senders": senders, "orders": orders });
    Inputs::new(sizes, move |secret| {
        let before = sample.seal(secret).map_err(Refusal::malformed)?;
        let (entries, secrets) = (sample.entries.clone(), sample.secrets.clone());
        let Sample {
            snapshot, batch, ..
        } = &sample;
        Prepared::new(&before, snapshot, batch, entries, secrets, secret)
    })
}

/// A book and a batch that was cleared.
pub(crate) struct Sample {
    /// The market of the book before.
    pub market: Snapshot,
    /// The market of the book after.
    pub snapshot: Snapshot,
    pub accounts: Vec<Account>,
    pub batch: Batch,
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
    /// So many orders of the first accounts of a book, and one of nobody, cleared. An account has so many position slots, an order up to
    /// so many levels. Every fifth of these accounts sends one order that closes, most of them since they are short of margin.
    pub fn new(
        seed: u64,
        accounts: usize,
        senders: usize,
        orders: usize,
        slots: usize,
        levels: u32,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let market = market();
        let snapshot = Snapshot {
            as_of_ms: market.as_of_ms + 60_000,
            ..market.clone()
        };
        let book = sample::book(&market, seed, accounts, slots * 3 / 8, 0);
        let mut accounts = book.accounts().to_vec();
        let terms: Vec<Terms> = (0..snapshot.instruments.len())
            .map(|i| terms(&snapshot, i))
            .collect();
        let (first, closers) = (senders - senders / 5, senders / 5);
        let settlement = Settlement::new(&without_offsets(&market), slots);
        let settlement = settlement.expect("a market that settles");
        let mut openings: Vec<Opening> = (0..orders - 1 - closers)
            .map(|_| opening(&mut rng, &accounts[..first], &terms))
            .collect();
        for (number, account) in accounts[first..senders].iter_mut().enumerate() {
            openings.push(closing(&mut rng, &settlement, account, &terms, number));
        }
        let stranger = Opening {
            account: Identity::of("stranger").key(),
            ..openings
                .last()
                .cloned()
                .unwrap_or_else(|| opening(&mut rng, &accounts[..1], &terms))
        };
        openings.push(stranger);
        for opening in &mut openings {
            while opening.ladder.0.len() < levels as usize && rng.random_bool(0.7) {
                let level = worse(&mut rng, opening.ladder.0[0]);
                opening.ladder.0.push(level);
            }
        }
        // One order in fifty is not the account's own.
        for opening in openings.iter_mut().step_by(50).skip(1) {
            opening.secret[0] += felt(1);
        }
        let secrets = accounts[..senders].iter().map(|account| {
            let key = Identity::of(&account.id).key();
            (key, one_time_secret(&account.id).1)
        });
        let secrets: Secrets = secrets.collect();
        let instruments = instruments(&snapshot, &terms);
        let ids: BTreeMap<u64, &str> = accounts
            .iter()
            .map(|a| (Identity::of(&a.id).key(), a.id.as_str()))
            .collect();
        let is_own = |o: &Opening| {
            let id = ids.get(&o.account);
            id.is_some_and(|id| one_time_secret(id).0 == o.secret)
        };
        let admissions = admissions(&snapshot, &accounts, slots, &instruments, &openings, is_own);
        let admissions = admissions.expect("a market that settles");
        let (batch, entries) = clear_batch(&snapshot, instruments, openings, &admissions, levels);
        let (batch, entries) = placed(&snapshot, &accounts, slots, batch, entries);
        Self {
            market,
            snapshot,
            accounts,
            batch,
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
    // Bands of dear lots are wide, with a step of their own.
    let step = (mark / 1_000_000).max(1);
    let away = mark * 3 / 10 / step * step;
    let band = [mark - away, mark + away].map(Ticks);
    Terms {
        band: Band::new(band, Ticks(step), Ticks(mark)).expect("a band"),
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
        session: session(VENUE, BATCH),
        secret: one_time_secret(&account.id).0,
    }
}

/// The only order of an account, which closes what it holds, or a part of it. Three of four accounts are made short of margin before.
fn closing(
    rng: &mut StdRng,
    settlement: &Settlement,
    account: &mut Account,
    terms: &[Terms],
    number: usize,
) -> Opening {
    let held = account.positions.first().copied();
    let instrument = held.map_or(0, |p| p.instrument);
    let mark = terms[instrument].band.reference().0;
    if number % 4 < 3 {
        let free = settlement.free(account).expect("a small account");
        // By up to a tenth of what the position is worth.
        let worth = held.map_or(0, |p| p.lots.0 * mark) / 10;
        let cash = &mut account.balances[0];
        let pledged: u64 = cash.pledges().iter().sum();
        let spent = free.0 + i128::from(rng.random_range(0..=worth));
        let left = i128::from(cash.equity) - i128::from(cash.debt) - spent;
        cash.equity = (left.max(0) as u64).max(pledged);
        cash.debt = (i128::from(cash.equity) - left) as u64;
    }
    let (lots, is_bid) = held.map_or((1, true), |p| (p.lots.0, p.side == Side::Short));
    let lots = if number % 3 < 2 {
        lots + 3
    } else {
        lots / 8 + 1
    };
    let limit = rng.random_range(mark * 99 / 100..=mark * 101 / 100);
    Opening {
        account: Identity::of(&account.id).key(),
        instrument,
        nonce: 0,
        quote: false,
        reduce_only: true,
        ladder: match is_bid {
            true => Ladder::bid(lots, limit),
            false => Ladder::ask(lots, limit),
        },
        session: session(VENUE, BATCH),
        secret: one_time_secret(&account.id).0,
    }
}

/// A level like this one, with other lots at a worse price.
fn worse(rng: &mut StdRng, Level { bid, ask }: Level) -> Level {
    let mut other = |quantity: Quantity, sign: i64| Quantity {
        lots: Lots(match quantity.lots {
            Lots(0) => 0,
            _ => rng.random_range(1..10),
        }),
        limit: Ticks(
            quantity
                .limit
                .0
                .saturating_add_signed(quantity.limit.0 as i64 / 100 * sign),
        ),
    };
    Level {
        bid: other(bid, -1),
        ask: other(ask, 1),
    }
}

/// All instruments with these terms.
fn instruments(snapshot: &Snapshot, terms: &[Terms]) -> Vec<Instrument> {
    let instruments = snapshot.instruments.iter().zip(terms).zip(0..);
    let instruments = instruments.map(|((instrument, terms), number)| Instrument {
        number,
        symbol: instrument.symbol.clone(),
        band: terms.band,
        fees: terms.fees,
    });
    instruments.collect()
}

/// Clears the batch.
fn clear_batch(
    snapshot: &Snapshot,
    instruments: Vec<Instrument>,
    openings: Vec<Opening>,
    admissions: &[Admission],
    levels: u32,
) -> (auction::Checked, Vec<Entry>) {
    let sent = openings.into_iter().zip(admissions);
    let inputs = auction::Inputs {
        venue: VENUE.into(),
        batch: BATCH,
        quote: snapshot.quote.clone(),
        levels,
        instruments,
        randomness: Randomness([1; 32]),
        entries: sent.map(|(o, a)| auction::Entry::Opened(o, *a)).collect(),
        shows_depth: false,
    };
    let checked = auction::check(&inputs).expect("orders of the batch");
    let entries = checked.entries.iter().map(|e| Entry {
        opening: e.opening.clone(),
        outcome: e.outcome,
        slot: e.slot,
    });
    let entries = entries.collect();
    (checked, entries)
}

/// Puts receipts where the book's parts have them.
fn placed(
    snapshot: &Snapshot,
    accounts: &[Account],
    slots: usize,
    checked: auction::Checked,
    mut entries: Vec<Entry>,
) -> (Batch, Vec<Entry>) {
    let mut keys: Vec<u64> = accounts.iter().map(|a| Identity::of(&a.id).key()).collect();
    keys.sort_unstable();
    let arranged = arrangement((&keys, slots as u32), snapshot, &checked.batch, &entries);
    let arranged = arranged.expect("it is small");
    let slots = arranged.slots(&entries);
    for (entry, slot) in entries.iter_mut().zip(&slots) {
        entry.slot = *slot;
    }
    let checked = checked.in_slots(arranged.log_slots(), &slots);
    (checked.cleared(), entries)
}
