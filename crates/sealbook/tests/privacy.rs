//! What a proof publishes does not separate witnesses (DESIGN, section 8): claims that are the same in public, about other
//! private values, differ in commitments alone, and their proofs in nothing that can be told apart. That repeated proofs share
//! nothing is a test of the suite.

mod common;

use common::{PATH_SLACK, shared_words};
use credit::amortization::Event;
use credit::sample_pool;
use market::auction::{Admission, Band, Fees, Ladder};
use market::{Account, Level, Settlement, Tier, sample};
use records::units::{Cents, Ticks};
use sealbook::STATEMENTS;
use serde_json::Value;
use stark::ProofFile;
use statements::account::Secret;
use statements::book::SealedBook;
use statements::kit::AnyPrepared;
use statements::orders::{Opening, Randomness, session};
use statements::owner::{LOG_SECRETS, OneTimePath, Owner, one_time};
use statements::premia::{self, Shows};
use statements::solvency::{self, Options};
use statements::systemic::{self, Venue};
use statements::{auction, exposure, inventory, issuance, margin, pool, settle, stress, waterfall};
use venue::fact::Fact;

/// One of several claims that say the same about other private values, under a secret of its own.
type Make = fn(variant: usize) -> Box<dyn AnyPrepared>;

/// What claims are made of, and how many there are.
const CASES: &[(&str, usize, Make)] = &[
    ("margin", 3, margin),
    ("solvency", 2, solvency),
    ("solvency", 3, listed),
    ("premia", 2, |variant| {
        premia(variant, Shows::Fact(Fact::Funded))
    }),
    ("premia", 2, |variant| premia(variant, TOTALS)),
    ("inventory", 2, inventory),
    ("exposure", 3, exposure),
    ("settle", 2, settle),
    ("systemic", 2, systemic),
    ("pool", 2, pool),
    ("stress", 2, stress),
    ("issuance", 2, issuance),
    ("waterfall", 2, waterfall),
    ("auction", 3, auction),
];

/// A case's proof files; claims say the same, tables have the same shapes.
fn proven(&(name, variants, make): &(&str, usize, Make)) -> Vec<ProofFile> {
    let claims: Vec<Box<dyn AnyPrepared>> = (0..variants).map(make).collect();
    let shapes = |claim: &dyn AnyPrepared| -> Vec<Vec<_>> {
        let tables = (0..claim.parts()).map(|part| claim.tables(part));
        let shape = |t: &stark::TableAir| (t.name(), t.log_height(), t.width());
        tables.map(|t| t.iter().map(shape).collect()).collect()
    };
    for claim in &claims[1..] {
        assert_eq!(shapes(&**claim), shapes(&*claims[0]), "{name}");
    }
    let prove = |claim: Box<dyn AnyPrepared>| {
        let parts = claim.prove(&mut |_, _| {}, None);
        claim.file(parts.expect("it is proven"))
    };
    claims.into_iter().map(prove).collect()
}

/// Where two claims differ, unless in a commitment: a text of as many hexadecimal digits in both.
fn differ(one: &Value, two: &Value, at: &str, found: &mut Vec<String>) {
    let is_commitment = |text: &str| {
        text.len() >= 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    match (one, two) {
        (Value::Object(one), Value::Object(two)) if one.keys().eq(two.keys()) => {
            for (name, value) in one {
                differ(value, &two[name], &format!("{at}.{name}"), found);
            }
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            for (one, two) in one.iter().zip(two) {
                differ(one, two, at, found);
            }
        }
        (Value::String(one), Value::String(two))
            if is_commitment(one) && is_commitment(two) && one.len() == two.len() => {}
        _ if one == two => {}
        _ => found.push(at.to_string()),
    }
}

#[test]
fn every_statement_is_a_case() {
    for kind in STATEMENTS {
        let has = CASES.iter().any(|(statement, ..)| *statement == kind.id());
        assert!(has, "{}: what its proofs tell is not tested", kind.id());
    }
}

#[test]
fn proofs_about_other_private_values_share_nothing() {
    for case in CASES {
        let (name, files) = (case.0, proven(case));
        for (i, two) in files.iter().enumerate() {
            assert_eq!(two.statement, name);
            for one in &files[..i] {
                let claims = [one, two].map(|f| serde_json::from_slice(&f.claim).unwrap());
                let mut found = Vec::new();
                differ(&claims[0], &claims[1], "", &mut found);
                assert_eq!(found, [""; 0], "{name}: claims differ");
                assert_ne!(claims[0], claims[1], "{name}: nothing private differs");
                for (one, two) in one.parts.iter().zip(&two.parts) {
                    let shared = shared_words(one, two);
                    assert_eq!(shared, 0, "{name}: proofs share {shared} words");
                    assert!(one.len().abs_diff(two.len()) < PATH_SLACK, "{name}");
                }
            }
        }
    }
}

/// Other orders of other accounts, some void or refused, that clear at the same price with the same volume.
fn auction(variant: usize) -> Box<dyn AnyPrepared> {
    let bid = |lots| Ladder::bid(lots, 105);
    let ask = |lots| Ladder::ask(lots, 95);
    let ladders = [
        vec![bid(10), ask(10), Ladder::bid(3, 90), Ladder::ask(3, 110)],
        vec![bid(4), bid(6), ask(10), Ladder::default()],
        vec![ask(7), ask(3), bid(10), bid(99)],
    ];
    let fits = "these are small numbers";
    let entries = (0..).zip(&ladders[variant]).map(|(i, ladder)| {
        let opening = Opening {
            account: 1000 * (1 + variant as u64) + i,
            instrument: 3,
            nonce: variant as u64,
            quote: variant == 1,
            reduce_only: false,
            ladder: ladder.clone(),
            session: session("V", 1),
            secret: [stark::felt(7 * variant as u64 + i); 8],
        };
        // The last order of the third batch has no margin.
        let refused = variant == 2 && i == 3;
        let refusal = refused.then_some(market::auction::Refusal::Margin);
        let admission = Admission {
            refusal,
            ..Admission::default()
        };
        auction::Entry::Opened(opening, admission)
    });
    let inputs = auction::Inputs {
        venue: "V".into(),
        batch: 1,
        quote: "USD".into(),
        levels: 1,
        instruments: vec![auction::Instrument {
            number: 3,
            symbol: "A-PERP".into(),
            band: Band::new([80, 120].map(Ticks), Ticks(1), Ticks(100)).expect(fits),
            fees: Fees::new(500, 100).expect(fits),
        }],
        randomness: Randomness([7; 32]),
        entries: entries.collect(),
        shows_depth: false,
    };
    Box::new(auction::Prepared::new(&inputs).expect(fits))
}

/// Accounts with other positions, of which one has none.
fn margin(variant: usize) -> Box<dyn AnyPrepared> {
    let snapshot = sample::snapshot();
    let (seed, positions) = [(1, 4), (2, 0), (3, 1)][variant];
    let account = sample::book(&snapshot, seed, 1, positions, 0).accounts()[0].clone();
    let accounts = std::slice::from_ref(&account);
    let sealed = SealedBook::new(&snapshot, accounts, 4, &Secret::random()).unwrap();
    let level = Level::Maintenance;
    Box::new(margin::Prepared::new(&sealed, Some(&account.id), level).unwrap())
}

/// Other accounts, whose totals are not published.
fn solvency(variant: usize) -> Box<dyn AnyPrepared> {
    let snapshot = sample::exchange_snapshot();
    let seed = 1 + variant as u64;
    let accounts: Vec<Account> = (0..40)
        .map(|i| sample::exchange_account(seed, i + 1000 * seed))
        .collect();
    let options = Options {
        publish_totals: false,
        reserves: Some(vec![1 << 62; 4]),
        ..Options::default()
    };
    let sealed = SealedBook::new(&snapshot, &accounts, 4, &Secret::random()).unwrap();
    Box::new(solvency::Prepared::new(&sealed, &options).unwrap())
}

/// Over a long list, accounts that hold other assets, and other numbers of them, in slots of one class.
fn listed(variant: usize) -> Box<dyn AnyPrepared> {
    const ASSETS: usize = 30;
    let snapshot = sample::listed_snapshot(ASSETS);
    let held = |i: u64| [8, i as usize % 9, [1, 30, 17, 2][i as usize % 4]][variant];
    let seed = 1 + variant as u64;
    let accounts: Vec<Account> = (0..40)
        .map(|i| sample::listed_account(seed, i + 1000 * seed, ASSETS, held(i)))
        .collect();
    let options = Options {
        publish_totals: false,
        reserves: Some(vec![1 << 62; ASSETS]),
        ..Options::default()
    };
    let sealed = SealedBook::new(&snapshot, &accounts, 4, &Secret::random()).unwrap();
    Box::new(solvency::Prepared::new(&sealed, &options).unwrap())
}

const TOTALS: Shows = Shows::Totals {
    grid: Some(fixed::Decimal::from_int(1_000_000)),
    tolerance: None,
};

/// Venues with other inventories, entries and capitals, over the same scenarios and trades' terms.
fn premia(variant: usize, shows: Shows) -> Box<dyn AnyPrepared> {
    let set = venue::sample::scenarios(1, 3, 200);
    let (scale, capital) = [(1, 1 << 50), (-7, 1 << 55)][variant];
    let terms = premia::Terms {
        confidence: confidence(),
        shows,
        funding: matches!(shows, Shows::Totals { .. }),
        until_ms: None,
    };
    let mut state = venue::sample::state(&set);
    for q in &mut state.quantities {
        q.0 *= scale;
    }
    state.entry.0 *= scale;
    state.capital = Ticks(capital);
    let trades: Vec<_> = venue::sample::trades(1, &set, 2)
        .iter()
        .map(|t| {
            let lots = t.lots * scale;
            venue::state::Change::Trade(venue::state::Trade { lots, ..*t })
        })
        .collect();
    Box::new(premia::Prepared::new(&set, &state, &trades, &terms, &Secret::random()).unwrap())
}

fn confidence() -> venue::evar::Confidence {
    let confidence = "0.95".parse::<fixed::Decimal>().unwrap();
    confidence.try_into().unwrap()
}

/// Two other accounts send other orders, of which as many lots trade at the same price; one or the other is filled in part.
fn settle(variant: usize) -> Box<dyn AnyPrepared> {
    let ([buyer, seller], [bid, ask]) = [([0, 1], [3, 5]), ([30, 9], [9, 3])][variant];
    let mut market = sample::snapshot();
    market
        .instruments
        .retain(|i| i.settlement == Settlement::Linear);
    market.assets[0].haircuts.margin = vec![Tier {
        up_to: fixed::Decimal::from_int(2_000_000_000_000),
        percent: fixed::Decimal::from_int(100),
    }];
    let book = sample::book(&market, 1 + variant as u64, 40, 2, 0);
    let price = Ticks(65_000_000);
    let key =
        |account: usize| statements::account::Identity::of(&book.accounts()[account].id).key();
    let path = OneTimePath {
        digest: one_time(&Default::default()),
        siblings: vec![Default::default(); LOG_SECRETS],
    };
    let sides = [
        (buyer, Ladder::bid(bid, price.0)),
        (seller, Ladder::ask(ask, price.0)),
    ];
    let openings = sides.map(|(account, ladder)| Opening {
        account: key(account),
        instrument: 0,
        nonce: 0,
        quote: false,
        reduce_only: false,
        ladder,
        session: session("venue", 7),
        secret: Default::default(),
    });
    let inputs = auction::Inputs {
        venue: "venue".into(),
        batch: 7,
        quote: market.quote.clone(),
        levels: 1,
        instruments: vec![auction::Instrument {
            number: 0,
            symbol: market.instruments[0].symbol.clone(),
            band: Band::new([60_000_000, 70_000_000].map(Ticks), Ticks(1), price).unwrap(),
            fees: Fees::new(500, 100).unwrap(),
        }],
        randomness: Randomness([7; 32]),
        entries: openings
            .map(|o| auction::Entry::Opened(o, Admission::default()))
            .into(),
        shows_depth: false,
    };
    let checked = auction::check(&inputs).unwrap();
    let entries = checked.entries.iter().map(|e| settle::Entry {
        opening: e.opening.clone(),
        outcome: e.outcome,
        slot: e.slot,
    });
    let mut entries: Vec<settle::Entry> = entries.collect();
    let mut keys: Vec<u64> = (0..book.accounts().len()).map(key).collect();
    keys.sort_unstable();
    let arranged = settle::arrangement((&keys, 4), &market, &checked.batch, &entries).unwrap();
    let slots = arranged.slots(&entries);
    for (entry, slot) in entries.iter_mut().zip(&slots) {
        entry.slot = *slot;
    }
    let batch = checked.in_slots(arranged.log_slots(), &slots).cleared();
    let secret = Secret::random();
    let owner = |_: &str| Owner::new(path.root(7), &Secret::random(), 1);
    let before = SealedBook::state(&market, book.accounts(), 4, &secret, &owner).unwrap();
    let secrets = [buyer, seller].map(|account| (key(account), path.clone()));
    Box::new(
        settle::Prepared::new(&before, &market, &batch, entries, secrets.into(), &secret).unwrap(),
    )
}

/// Other positions, under the same lists and number of accounts.
fn inventory(variant: usize) -> Box<dyn AnyPrepared> {
    let scale = [1, 3][variant];
    let set = venue::sample::scenarios(1, 3, 10);
    let snapshot = venue::sample::snapshot(&set);
    let mut state = venue::sample::state(&set);
    state.quantities.iter_mut().for_each(|q| q.0 *= scale);
    state.entry.0 *= scale;
    let book = venue::sample::book(scale as u64, &set, &state, 40);
    let secret = Secret::random();
    let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &secret).unwrap();
    Box::new(inventory::Prepared::new(&sealed, &set, &state, &secret).unwrap())
}

/// Other accounts with other positions, and a book in which nobody holds anything.
fn exposure(variant: usize) -> Box<dyn AnyPrepared> {
    let snapshot = sample::snapshot();
    let positions = [4, 2, 0][variant];
    let book = sample::book(&snapshot, 1 + variant as u64, 40, positions, 0);
    let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &Secret::random()).unwrap();
    let far = fixed::Decimal::from_int(1_000_000_000);
    let terms = exposure::Terms {
        instruments: vec!["BTC-PERP".into(), "BTC-30JAN26".into()],
        low: far.neg(),
        high: far,
    };
    Box::new(exposure::Prepared::new(&sealed, &terms).unwrap())
}

/// Other venues under the same bound.
fn systemic(variant: usize) -> Box<dyn AnyPrepared> {
    let scale = [1, 3][variant];
    let set = venue::sample::scenarios(1, 3, 200);
    let venues = [1, -2].map(|sign| {
        let mut state = venue::sample::state(&set);
        state
            .quantities
            .iter_mut()
            .for_each(|q| q.0 *= scale * sign);
        Venue {
            state,
            secret: Secret::random(),
        }
    });
    let bound = Some(fixed::Decimal::from_int(10_000_000));
    Box::new(systemic::Prepared::new(&set, venues.to_vec(), confidence(), bound).unwrap())
}

/// Other loans, in other groups, for which the same bounds hold.
fn pool(variant: usize) -> Box<dyn AnyPrepared> {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let bounds = r#"{"eligibility": ["ltv <= 95"], "figures": [
        {"name": "late", "measure": {"share": {"where": "days_past_due >= 30"}}, "shown": {"at_most": "90"}},
        {"name": "largest", "measure": {"largest": {"by": "state", "top": 2}}, "shown": {"at_most": "100"}}]}"#;
    let terms: pool::Terms = serde_json::from_str(bounds).unwrap();
    let tape = sample_pool::tape(1 + variant as u64, 60, &template);
    Box::new(pool::Prepared::new(&tape, &terms, &Secret::random()).unwrap())
}

/// Other loans with the same schedule: two of one pool share their balances otherwise.
fn stress(variant: usize) -> Box<dyn AnyPrepared> {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let shift = [0, 12_345][variant];
    let mut tape = sample_pool::tape(1, 20, &template);
    // Two interest-free bullets that owe as much together.
    let set = |loan: &mut credit::pool::Loan, name: &str, value: u64| {
        loan.values[template.field(name).unwrap()] = Some(value);
    };
    for (i, balance) in [(0, 1_000_000 + shift), (1, 2_000_000 - shift)] {
        let loan = &mut tape.loans[i];
        set(loan, "balance", balance);
        set(loan, "rate", 0);
        set(loan, "remaining_term", 12);
        set(loan, "amortization", 2);
        set(loan, "days_past_due", 0);
        set(loan, "status", 0);
    }
    let terms = stress::Terms {
        doubtful_days: 90,
        detail: stress::Detail::default(),
        deal: credit::sample_deal::sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: credit::sample_deal::sample_indices(),
        stresses: Vec::new(),
        breakeven: Vec::new(),
    };
    Box::new(stress::Prepared::new(&tape, &terms, &Secret::random()).unwrap())
}

/// Other loans that owe as much together, in one registry.
fn issuance(variant: usize) -> Box<dyn AnyPrepared> {
    Box::new(issued(1 + variant as u64, &registry()))
}

/// The same for all claims.
fn registry() -> issuance::RegistryKey {
    let secret = Secret::from_hex(&"00000005".repeat(8)).unwrap();
    secret.into()
}

fn issued(seed: u64, key: &issuance::RegistryKey) -> issuance::Prepared {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let mut tape = sample_pool::tape(seed, 60, &template);
    // One open loan makes up the difference to a pool of 40 million.
    let at = |name: &str| template.field(name).unwrap();
    tape.loans[0].values[at("status")] = Some(0);
    tape.loans[0].values[at("balance")] = Some(0);
    let rest = 4_000_000_000 - sample_pool::owed(&tape).0;
    tape.loans[0].values[at("balance")] = Some(rest);
    for loan in &mut tape.loans {
        loan.id = format!("{}-{seed}", loan.id);
    }
    let deal = credit::sample_deal::sample_deal_for(Cents(4_000_000_000));
    issuance::Prepared::new(&tape, &deal, key, &Secret::random()).unwrap()
}

/// Pools share no nullifier, and neither does one pool in two registries.
#[test]
fn pools_share_no_nullifier() {
    let one = issued(1, &registry());
    let apart = issued(1, &issuance::RegistryKey::random());
    for other in [&issued(2, &registry()), &apart] {
        let shared = |n: &&issuance::Nullifier| one.claim().nullifiers.contains(n);
        assert_eq!(other.claim().nullifiers.iter().filter(shared).count(), 0);
    }
    assert_ne!(apart.claim().registry, one.claim().registry);
}

/// Other payments with the same sum: two loans of one pool pay early, one more and the other less.
fn waterfall(variant: usize) -> Box<dyn AnyPrepared> {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let shift = [0, 12_345][variant];
    let mut tape = sample_pool::tape(1, 20, &template);
    let set = |loan: &mut credit::pool::Loan, name: &str, value: u64| {
        loan.values[template.field(name).unwrap()] = Some(value);
    };
    let mut month = sample_pool::remittances(1, &tape);
    for (i, paid) in [(0, 100_000 + shift), (1, 200_000 - shift)] {
        let loan = &mut tape.loans[i];
        for (name, value) in [
            ("balance", 9_000_000),
            ("rate", 0),
            ("remaining_term", 12),
            ("amortization", 2),
            ("days_past_due", 0),
            ("status", 0),
            ("overdue_interest", 0),
            ("overdue_principal", 0),
        ] {
            set(loan, name, value);
        }
        month.insert(loan.id.clone(), Event::Payment(Cents(paid)));
    }
    let terms = waterfall::Terms {
        months: vec![month],
        deal: credit::sample_deal::sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: credit::sample_deal::sample_indices(),
    };
    Box::new(waterfall::Prepared::new(&tape, &terms, &Secret::random()).unwrap())
}
