//! What the statements about a book share: its commitment, its salts, inclusion files and paths.

use std::sync::Arc;

use market::{Account, Balances, Level, Snapshot, sample};
use records::units::Lots;
use stark::{Rejection, Statement, verify};
use statements::account::{Secret, listing};
use statements::book::{BookRef, SealedBook};
use statements::inclusion::{Inclusion, NotIncluded, holdings};
use statements::margin::{self, Subject};
use statements::solvency::{Options, Prepared, Solvency, SolvencyClaim};

fn seal(snapshot: &Snapshot, accounts: &[Account], secret: &Secret) -> Arc<SealedBook> {
    SealedBook::new(snapshot, accounts, 8, secret).unwrap()
}

/// Accounts with positions.
fn accounts(count: usize) -> Vec<Account> {
    let book = sample::book(&sample::snapshot(), 7, count, 6, 0);
    book.accounts().to_vec()
}

fn solvency(book: &Arc<SealedBook>) -> SolvencyClaim {
    let prepared = Prepared::new(book, &Options::default()).unwrap();
    prepared.claim().clone()
}

/// The leaf of an account in a book.
fn leaf(book: &Arc<SealedBook>, id: &str) -> Inclusion {
    book.inclusion(id).unwrap()
}

/// A claim in which anything that the commitment binds is changed is refused before its proof is looked at.
#[test]
fn a_commitment_binds_lists_date_and_numbers() {
    let honest = solvency(&seal(&sample::snapshot(), &accounts(5), &Secret::random()));
    assert!(Solvency::context(&honest).is_ok());
    type Change = fn(&mut SolvencyClaim);
    let changes: Vec<Change> = vec![
        |c| c.snapshot.as_of_ms += 1,
        |c| c.snapshot.quote = "EUR".into(),
        |c| c.snapshot.assets[3].symbol = "DOGE".into(),
        |c| c.snapshot.assets[1].decimals += 1,
        |c| c.snapshot.assets.swap(0, 1),
        |c| c.snapshot.instruments.swap(0, 1),
        |c| c.snapshot.instruments[0].symbol = "OTHER".into(),
        |c| c.snapshot.instruments[0].contract_size = fixed::Decimal::from_int(1000),
        |c| c.book.accounts += 1,
        |c| c.book.slots = 16,
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut claim = honest.clone();
        change(&mut claim);
        let refused = verify::<Solvency>(&claim, &[]).expect_err("it is another book");
        let Rejection::Claim(problem) = &refused else {
            panic!("change {i}: {refused}")
        };
        assert!(
            problem.contains("lists, date, accounts"),
            "change {i}: {problem}"
        );
    }
}

/// One tree under other lists is another commitment, and no user's leaf is in it: 1,000 SHIB are no 1,000 GOLD.
#[test]
fn the_same_leaves_are_no_other_assets() {
    let secret = Secret::random();
    let sealed = seal(&sample::snapshot(), &accounts(5), &secret);
    let honest = solvency(&sealed);
    let mut forged = honest.clone();
    forged.snapshot.assets[3].symbol = "GOLD".into();
    let root = honest.segments[0].elements();
    let (accounts, slots) = (honest.book.accounts, honest.book.slots);
    forged.book = BookRef::new(&listing(&forged.snapshot), &root, accounts, slots);
    // A claim of its own; but of another book, where users are not.
    assert!(Solvency::context(&forged).is_ok());
    assert_ne!(forged.book.commitment, honest.book.commitment);
    for file in sealed.inclusions() {
        assert!(file.check(&honest.snapshot, &honest.book).is_ok());
        let found = file.check(&forged.snapshot, &forged.book);
        assert_eq!(found, Err(NotIncluded::Content));
    }
}

/// Who saw yesterday's opening learns nothing of today's, and neighbours do not see who changed.
#[test]
fn an_unchanged_account_has_another_leaf_in_every_other_book() {
    let (snapshot, accounts, secret) = (sample::snapshot(), accounts(5), Secret::random());
    let id = accounts[3].id.as_str();
    let first = leaf(&seal(&snapshot, &accounts, &secret), id).salt;
    let mut reversed = accounts.clone();
    reversed.reverse();
    let again = seal(&snapshot, &reversed, &secret);
    assert_eq!(leaf(&again, id).salt, first, "the order says nothing");
    let mut dearer = snapshot.clone();
    dearer.assets[0].price = fixed::Decimal::from_int(1);
    let dearer = seal(&dearer, &accounts, &secret);
    assert_eq!(leaf(&dearer, id).salt, first, "nor do prices");

    let mut salts = vec![first];
    type Change = fn(&mut Vec<Account>, &mut Snapshot);
    let changes: Vec<Change> = vec![
        |_, s| s.as_of_ms += 1_000,
        |_, s| s.assets[3].symbol = "XBT".into(),
        |a, _| a[0].balances[0].equity += 1,
        |a, _| a[0].balances[1].debt += 1,
        |a, _| {
            let balance = &mut a[0].balances[1];
            (balance.equity, balance.portfolio) = (balance.equity + 1, balance.portfolio + 1);
        },
        |a, _| a[0].positions[0].lots += Lots(1),
        |a, _| a[0].positions[0].entry += 1,
        |a, _| {
            a[0].positions.pop();
        },
        |a, _| a[0].id.push('x'),
        |a, _| {
            a.remove(0);
        },
    ];
    for change in changes {
        let (mut accounts, mut snapshot) = (accounts.clone(), snapshot.clone());
        change(&mut accounts, &mut snapshot);
        salts.push(leaf(&seal(&snapshot, &accounts, &secret), id).salt);
    }
    salts.push(leaf(&seal(&snapshot, &accounts, &Secret::random()), id).salt);
    for (i, salt) in salts.iter().enumerate() {
        assert!(!salts[..i].contains(salt), "change {i} keeps the salt");
    }
}

/// A file shows all that the leaf commits to; nothing in it can be changed or left out.
#[test]
fn users_find_their_account_with_its_positions() {
    let accounts = accounts(300);
    let sealed = seal(&sample::snapshot(), &accounts, &Secret::random());
    let SolvencyClaim { snapshot, book, .. } = solvency(&sealed);
    let good = leaf(&sealed, &accounts[17].id);
    assert_eq!(good.check(&snapshot, &book), Ok(accounts[17].clone()));
    assert_eq!(sealed.inclusions().count(), 300);
    type Change = fn(&mut Inclusion);
    let changes: Vec<(Option<NotIncluded>, Change)> = vec![
        (None, |f| f.balances[0][0] += 1),
        (None, |f| f.balances[0][4] += 1),
        (None, |f| f.account = "someone-else".into()),
        (None, |f| f.place.index ^= 1),
        (None, |f| {
            f.positions.pop();
        }),
        (None, |f| f.positions.clear()),
        (None, |f| f.positions[0].lots += Lots(1)),
        (None, |f| f.positions[0].entry += 1),
        (None, |f| f.positions.swap(0, 1)),
        (None, |f| {
            use market::Side::{Long, Short};
            let side = &mut f.positions[0].side;
            *side = if *side == Long { Short } else { Long };
        }),
        (Some(NotIncluded::Position), |f| {
            f.positions[0].lots = Lots(0)
        }),
        (Some(NotIncluded::Position), |f| {
            f.positions[0].lots = market::MAX_LOTS
        }),
        (Some(NotIncluded::Position), |f| {
            f.positions[0].instrument = "NONE".into()
        }),
        (Some(NotIncluded::Position), |f| {
            f.positions = vec![f.positions[0].clone(); 9]
        }),
        (Some(NotIncluded::Amount), |f| {
            f.balances[0][0] = records::units::MAX_AMOUNT
        }),
        // An id is no sentence.
        (Some(NotIncluded::Id), |f| {
            f.account = "u`, with 9000 BTC\u{1b}[8m".into()
        }),
        (Some(NotIncluded::Id), |f| f.account = String::new()),
    ];
    for (i, (expected, change)) in changes.into_iter().enumerate() {
        let mut file = good.clone();
        change(&mut file);
        let expected = expected.unwrap_or(NotIncluded::Content);
        assert_eq!(file.check(&snapshot, &book), Err(expected), "change {i}");
    }
    let misplaced: [Change; 2] = [
        |f| f.place.index = 300,
        |f| {
            f.place.siblings.pop();
        },
    ];
    for change in misplaced {
        let mut file = good.clone();
        change(&mut file);
        let found = file.check(&snapshot, &book);
        assert!(matches!(found, Err(NotIncluded::Place(_))), "{found:?}");
    }
    let mut other_day = snapshot.clone();
    other_day.as_of_ms += 1;
    assert_eq!(good.check(&other_day, &book), Err(NotIncluded::Content));
    assert!(
        good.check(
            &snapshot,
            &BookRef {
                accounts: 299,
                ..book
            }
        )
        .is_err()
    );
}

#[test]
fn holdings_are_said_in_their_units() {
    use market::{Balance, Position, Settlement, Side};
    let mut snapshot = sample::snapshot();
    let balance = Balance {
        equity: 123_456_789,
        debt: 5,
        loan: 1,
        margin: 2,
        portfolio: 3,
    };
    snapshot.assets[0].decimals = 8;
    snapshot.instruments[0].lot = fixed::Decimal::new(1, 3);
    snapshot.instruments[1].settlement = Settlement::Inverse(snapshot.assets[0].symbol.clone());
    let mut balances = Balances::none(snapshot.assets.len());
    balances[0] = balance;
    let position = |instrument, side| Position {
        instrument,
        side,
        lots: Lots(2_500),
        entry: 1_500_000,
    };
    let mut account = Account {
        id: "u".into(),
        balances,
        positions: vec![position(0, Side::Long), position(1, Side::Short)],
    };
    let said = holdings(&account, &snapshot);
    let [asset, perpetual, inverse, quote] = [
        &snapshot.assets[0].symbol,
        &snapshot.instruments[0].symbol,
        &snapshot.instruments[1].symbol,
        &snapshot.quote,
    ];
    let lots = fixed::Decimal::from_int(2_500);
    let contracts = lots.checked_mul(&snapshot.instruments[1].lot).unwrap();
    assert_eq!(
        said,
        [
            format!(
                "`{asset}`: owns 1.23456789, owes 0.00000005; of what it owns it pledged 0.00000001 for loans, 0.00000002 for \
                 margin, 0.00000003 for portfolio margin"
            ),
            format!(
                "position: long 2.5 contract(s) of `{perpetual}`, entered at 1.500000 `{quote}` in all"
            ),
            format!(
                "position: short {} contract(s) of `{inverse}`, entered at 0.01500000 `{asset}` in all",
                contracts.normalized()
            ),
        ]
    );
    account.positions.clear();
    account.balances[0] = Balance::default();
    assert_eq!(
        holdings(&account, &snapshot),
        ["no balances", "no positions"]
    );
}

/// An account's margin claim, and the path that shows which book it is in.
#[test]
fn a_path_ties_an_account_to_a_book() {
    let (snapshot, accounts) = (sample::snapshot(), accounts(300));
    let secret = Secret::random();
    let sealed = seal(&snapshot, &accounts, &secret);
    let book = solvency(&sealed).book;
    let account =
        margin::Prepared::new(&sealed, Some(&accounts[5].id), Level::Maintenance).unwrap();
    let Subject::Account { commitment, .. } = account.claim().subject else {
        panic!("it is about an account")
    };
    let path = sealed.path(&accounts[5].id).unwrap();
    assert_eq!(path.check(&commitment, &snapshot, &book), Ok(()));
    // It holds no balances: its numbers are one index and digests.
    let json = serde_json::to_value(&path).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 2);

    let other = sealed.path(&accounts[6].id).unwrap();
    assert_eq!(
        other.check(&commitment, &snapshot, &book),
        Err(NotIncluded::Leaf)
    );
    // The same account and book at another moment, over other lists, or under another secret.
    let mut later = snapshot.clone();
    later.as_of_ms += 1_000;
    let mut renamed = snapshot.clone();
    renamed.assets[3].symbol = "XBT".into();
    for (snapshot, secret) in [
        (&later, &secret),
        (&renamed, &secret),
        (&snapshot, &Secret::random()),
    ] {
        let there = seal(snapshot, &accounts, secret);
        let there = (there.path(&accounts[5].id).unwrap(), solvency(&there).book);
        for path in [&path, &there.0] {
            let found = path.check(&commitment, snapshot, &there.1);
            assert_eq!(found, Err(NotIncluded::Leaf));
        }
    }
    assert_eq!(
        path.check(&commitment, &later, &book),
        Err(NotIncluded::Leaf)
    );
    let mut long = path.clone();
    long.siblings.push(commitment);
    assert!(matches!(
        long.check(&commitment, &snapshot, &book),
        Err(NotIncluded::Place(_))
    ));
}
