//! What a proof publishes neither repeats nor separates witnesses (DESIGN, section 8).

mod common;

use common::{PATH_SLACK, shared_words};
use credit::amortization::Event;
use credit::sample_pool;
use market::{Account, Level, Snapshot, sample};
use records::units::Ticks;
use stark::{Statement, security_report};
use statements::account::Secret;
use statements::book::SealedBook;
use statements::inventory;
use statements::issuance;
use statements::margin::{Margin, Prepared};
use statements::pool;
use statements::premia::{self, Premia, Shown, Shows, Terms};
use statements::solvency::{self, Options, Solvency};
use statements::stress;
use statements::systemic::{self, Venue};
use statements::waterfall;
use venue::fact::Fact;

fn account(snapshot: &Snapshot, seed: u64, positions: usize) -> Account {
    sample::book(snapshot, seed, 1, positions, 0).accounts()[0].clone()
}

/// The same witness twice, and other accounts under other secrets: no word is published twice, and
/// all proofs have one shape.
#[test]
fn margin_proofs_share_nothing() {
    let snapshot = sample::snapshot();
    let secret = Secret::random();
    let mut proofs = Vec::new();
    for (seed, positions) in [(1, 4), (2, 0), (3, 1)] {
        let account = account(&snapshot, seed, positions);
        let level = Level::Maintenance;
        let accounts = std::slice::from_ref(&account);
        let sealed = SealedBook::new(&snapshot, accounts, 4, &secret).unwrap();
        let prepared = Prepared::new(&sealed, Some(&account.id), level).unwrap();
        proofs.push(prepared.prove_part(0).unwrap());
        if seed == 1 {
            proofs.push(prepared.prove_part(0).unwrap());
        }
        let shape: Vec<_> = prepared
            .tables(0)
            .iter()
            .map(|t| (t.name(), t.log_height(), t.width()))
            .collect();
        let context = Margin::context(prepared.claim()).unwrap();
        let public: Vec<_> = Margin::part(prepared.claim(), &context, 0)
            .tables
            .iter()
            .map(|t| (t.name(), t.log_height(), t.width()))
            .collect();
        assert_eq!(shape, public, "the shape follows from the claim");
    }
    for i in 0..proofs.len() {
        for j in 0..i {
            let shared = shared_words(&proofs[i], &proofs[j]);
            assert_eq!(shared, 0, "proofs {i} and {j} share {shared} words");
            assert!(proofs[i].len().abs_diff(proofs[j].len()) < PATH_SLACK);
        }
    }
}

#[test]
fn solvency_proofs_share_nothing() {
    let snapshot = sample::exchange_snapshot();
    let book: Vec<Account> = (0..40).map(|i| sample::exchange_account(1, i)).collect();
    let other: Vec<Account> = (0..40)
        .map(|i| sample::exchange_account(2, i + 1000))
        .collect();
    let reserves = Some(vec![1 << 62; 4]);
    let options = Options {
        publish_totals: false,
        reserves,
        ..Options::default()
    };
    let make = |accounts: &[Account]| {
        let sealed = SealedBook::new(&snapshot, accounts, 4, &Secret::random()).unwrap();
        solvency::Prepared::new(&sealed, &options).unwrap()
    };
    let (one, two) = (make(&book), make(&other));
    let proofs = [
        one.prove_part(0).unwrap(),
        one.prove_part(0).unwrap(),
        two.prove_part(0).unwrap(),
    ];
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // Without published totals the claims of the two books differ in commitments only.
    let mut claim = two.claim().clone();
    claim.book = one.claim().book;
    claim.segments = one.claim().segments.clone();
    assert_eq!(&claim, one.claim());
    // Salts: the same book under another secret has another commitment.
    assert_ne!(make(&book).claim().book, one.claim().book);
    let context = Solvency::context(one.claim()).unwrap();
    let part = Solvency::part(one.claim(), &context, 0);
    assert!(security_report(&part).proven_bits >= stark::TARGET_BITS);
}

/// Venues with other inventories, entries and capitals, over the same scenarios and trades' terms.
#[test]
fn risk_proofs_share_nothing() {
    share_nothing(Shows::Fact(Fact::Funded));
    share_nothing(Shows::Fact(Fact::AdequateWithoutProviders));
    share_nothing(Shows::Totals {
        grid: Some(fixed::Decimal::from_int(1_000_000)),
        tolerance: None,
    });
}

fn share_nothing(shows: Shows) {
    let set = venue::sample::scenarios(1, 3, 200);
    let trades = venue::sample::trades(1, &set, 2);
    let terms = Terms {
        confidence: "0.95"
            .parse::<fixed::Decimal>()
            .unwrap()
            .try_into()
            .unwrap(),
        shows,
        funding: matches!(shows, Shows::Totals { .. }),
        until_ms: None,
    };
    let make = |scale: i64, capital: u64| {
        let mut state = venue::sample::state(&set);
        for q in &mut state.quantities {
            q.0 *= scale;
        }
        state.entry.0 *= scale;
        state.capital = Ticks(capital);
        state.collected = Ticks(capital);
        let trades: Vec<_> = trades
            .iter()
            .map(|t| {
                let lots = t.lots * scale;
                venue::state::Change::Trade(venue::state::Trade { lots, ..*t })
            })
            .collect();
        let secret = Secret::random();
        premia::Prepared::new(&set, &state, &trades, &terms, &secret).unwrap()
    };
    let (one, two) = (make(1, 1 << 50), make(-7, 1 << 55));
    let prove = |p: &premia::Prepared| p.prove(&mut |_, _| {}, None).unwrap().concat();
    let proofs = [prove(&one), prove(&one), prove(&two)];
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // The claims differ in commitments only.
    let mut claim = two.claim().clone();
    (claim.before, claim.after) = (one.claim().before, one.claim().after);
    if let (Shown::Totals { receipts, .. }, Shown::Totals { receipts: own, .. }) =
        (&mut claim.shown, &one.claim().shown)
    {
        assert_ne!(receipts, own);
        receipts.clone_from(own);
    }
    assert_eq!(&claim, one.claim());
    let part = Premia::part(one.claim(), one.context(), 0);
    assert!(security_report(&part).proven_bits >= stark::TARGET_BITS);
}

/// Other venues under the same bound.
#[test]
fn systemic_proofs_share_nothing() {
    let set = venue::sample::scenarios(1, 3, 200);
    let make = |scale: i64| {
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
        let confidence = "0.95".parse::<fixed::Decimal>().unwrap();
        let confidence = confidence.try_into().unwrap();
        let bound = Some(fixed::Decimal::from_int(10_000_000));
        systemic::Prepared::new(&set, venues.to_vec(), confidence, bound).unwrap()
    };
    let (one, two) = (make(1), make(3));
    let proofs = [&one, &one, &two].map(|p| p.prove(&mut |_, _| {}, None).unwrap().concat());
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // The claims differ in commitments only.
    let mut claim = two.claim().clone();
    claim.venues.clone_from(&one.claim().venues);
    assert_eq!(&claim, one.claim());
}

/// Other positions, under the same lists and number of accounts.
#[test]
fn inventory_proofs_share_nothing() {
    let set = venue::sample::scenarios(1, 3, 10);
    let snapshot = venue::sample::snapshot(&set);
    let make = |scale: i64| {
        let mut state = venue::sample::state(&set);
        state.quantities.iter_mut().for_each(|q| q.0 *= scale);
        state.entry.0 *= scale;
        let book = venue::sample::book(scale as u64, &set, &state, 40);
        let secret = Secret::random();
        let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &secret).unwrap();
        inventory::Prepared::new(&sealed, &set, &state, &secret).unwrap()
    };
    let (one, two) = (make(1), make(3));
    let proofs = [&one, &one, &two].map(|p| p.prove(&mut |_, _| {}, None).unwrap().concat());
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // The claims differ in commitments only.
    let mut claim = two.claim().clone();
    claim.segments.clone_from(&one.claim().segments);
    (claim.book, claim.state) = (one.claim().book, one.claim().state);
    assert_eq!(&claim, one.claim());
}

/// Other loans, in other groups, for which the same bounds hold.
#[test]
fn pool_proofs_share_nothing() {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let bounds = r#"{"eligibility": ["ltv <= 95"], "figures": [
        {"name": "late", "measure": {"share": {"where": "days_past_due >= 30"}}, "shown": {"at_most": "90"}},
        {"name": "largest", "measure": {"largest": {"by": "state", "top": 2}}, "shown": {"at_most": "100"}}]}"#;
    let terms: pool::Terms = serde_json::from_str(bounds).unwrap();
    let make = |seed: u64| {
        let tape = sample_pool::tape(seed, 60, &template);
        pool::Prepared::new(&tape, &terms, &Secret::random()).unwrap()
    };
    let (one, two) = (make(1), make(2));
    let proofs = [&one, &one, &two].map(|p| p.prove(&mut |_, _| {}, None).unwrap().concat());
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // The claims differ in commitments only.
    let mut claim = two.claim().clone();
    claim.segments.clone_from(&one.claim().segments);
    claim.lists.clone_from(&one.claim().lists);
    claim.pool = one.claim().pool;
    assert_eq!(&claim, one.claim());
}

/// Other loans with the same schedule: two of one pool share their balances otherwise.
#[test]
fn stress_proofs_share_nothing() {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let make = |shift: u64| {
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
        stress::Prepared::new(&tape, &terms, &Secret::random()).unwrap()
    };
    let (one, two) = (make(0), make(12_345));
    let proofs = [&one, &one, &two].map(|p| p.prove(&mut |_, _| {}, None).unwrap().concat());
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // The claims differ in commitments only.
    let mut claim = two.claim().clone();
    claim.segments.clone_from(&one.claim().segments);
    claim.pool = one.claim().pool;
    assert_eq!(&claim, one.claim());
}

/// Other loans that owe as much together, in the same registry and in another.
#[test]
fn issuance_proofs_share_nothing() {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let key = issuance::RegistryKey::random();
    let make = |seed: u64, key: &issuance::RegistryKey| {
        let mut tape = sample_pool::tape(seed, 60, &template);
        // One open loan makes up the difference to a pool of 40 million.
        let at = |name: &str| template.field(name).unwrap();
        tape.loans[0].values[at("status")] = Some(0);
        tape.loans[0].values[at("balance")] = Some(0);
        let rest = 4_000_000_000 - sample_pool::owed(&tape);
        tape.loans[0].values[at("balance")] = Some(rest);
        for loan in &mut tape.loans {
            loan.id = format!("{}-{seed}", loan.id);
        }
        let deal = credit::sample_deal::sample_deal_for(4_000_000_000);
        issuance::Prepared::new(&tape, &deal, key, &Secret::random()).unwrap()
    };
    let (one, two) = (make(1, &key), make(2, &key));
    let proofs = [&one, &one, &two].map(|p| p.prove(&mut |_, _| {}, None).unwrap().concat());
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // The claims differ in commitments and nullifiers only, and share no nullifier; nor does a pool in another registry.
    let apart = make(1, &issuance::RegistryKey::random());
    for other in [&two, &apart] {
        let shared = |n: &&issuance::Nullifier| one.claim().nullifiers.contains(n);
        assert_eq!(other.claim().nullifiers.iter().filter(shared).count(), 0);
    }
    assert_ne!(apart.claim().registry, one.claim().registry);
    let mut claim = two.claim().clone();
    claim.segments.clone_from(&one.claim().segments);
    claim.nullifiers.clone_from(&one.claim().nullifiers);
    claim.pool = one.claim().pool;
    assert_eq!(&claim, one.claim());
}

/// Other payments with the same sum: two loans of one pool pay early, one more and the other less.
#[test]
fn waterfall_proofs_share_nothing() {
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let make = |shift: u64| {
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
            month.insert(loan.id.clone(), Event::Payment(paid));
        }
        let terms = waterfall::Terms {
            months: vec![month],
            deal: credit::sample_deal::sample_deal_for(sample_pool::owed(&tape)),
            deal_state: None,
            indices: credit::sample_deal::sample_indices(),
        };
        waterfall::Prepared::new(&tape, &terms, &Secret::random()).unwrap()
    };
    let (one, two) = (make(0), make(12_345));
    let proofs = [&one, &one, &two].map(|p| p.prove(&mut |_, _| {}, None).unwrap().concat());
    assert_eq!(shared_words(&proofs[0], &proofs[1]), 0);
    assert_eq!(shared_words(&proofs[0], &proofs[2]), 0);
    assert!(proofs[0].len().abs_diff(proofs[2].len()) < PATH_SLACK);
    // The claims differ in commitments only.
    let mut claim = two.claim().clone();
    claim.pools.clone_from(&one.claim().pools);
    assert_eq!(&claim, one.claim());
}
