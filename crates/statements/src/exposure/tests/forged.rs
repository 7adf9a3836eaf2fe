//! What is false is refused.

use super::*;

#[test]
fn what_is_false_or_does_not_fit_is_refused() {
    let book = book(40);
    let refused = |terms: &Terms| Prepared::new(&book, terms).err().expect("it is refused");
    let net = net(&book);
    let one = Decimal::new(1, net.scale());
    let above = Terms {
        low: net.checked_add(&one).expect("it fits"),
        high: Decimal::from_int(1_000_000),
        ..terms(0, 0)
    };
    let why = refused(&above);
    assert!(
        why.is_false() && why.reason::<OutOfInterval>().is_some(),
        "{why}"
    );
    let malformed = |terms: Terms| {
        let why = refused(&terms);
        assert!(matches!(why, Refusal::Input(_)), "{why}");
    };
    malformed(terms(1, 0));
    malformed(Terms {
        instruments: Vec::new(),
        ..terms(0, 1)
    });
    malformed(Terms {
        instruments: vec!["BTC-PERP".into(), "BTC-PERP".into()],
        ..terms(0, 1)
    });
    let option = book
        .snapshot
        .instruments
        .iter()
        .find(|i| i.symbol.ends_with("-C"));
    malformed(Terms {
        instruments: vec![option.expect("the sample has one").symbol.clone()],
        ..terms(0, 1)
    });
}

/// With all rows honest, an interval that the exposure does not lie in breaks the comparison and nothing else.
#[test]
fn an_exposure_outside_breaks_the_totals() {
    let prepared = prepared(40);
    let net = net(prepared.book());
    let (whole, far) = (
        net.rescale(0, fixed::Rounding::Floor).expect("it fits"),
        1_000_000,
    );
    for (low, high) in [(-far, whole - 1), (whole + 1, far)] {
        let mut claim = prepared.claim().clone();
        (claim.low, claim.high) = (Decimal::from_int(low), Decimal::from_int(high));
        let found = wrong_under(&prepared, &claim, 0, |_, _| ());
        assert_eq!(found, ["TOTALS-6"]);
    }
}

#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(40);
    let proofs = proven(&prepared);
    assert_rejected::<Exposure>(
        prepared.claim(),
        &proofs,
        &[
            ("a narrower interval", |c| {
                c.low = Decimal::from_int(-999_999)
            }),
            ("another instrument", |c| {
                c.instruments = vec!["ETH-PERP".into()]
            }),
            ("fewer accounts", |c| c.book.accounts -= 1),
        ],
    );
}

// Places of position keys: long and short of the instrument that counts, and long of the next one.
const LONG: usize = 0;
const SHORT: usize = 1;
const OTHER: usize = 2;

/// A position that is left out, counted twice or with the other sign, or for another instrument; and one that nobody has.
#[test]
fn positions_are_counted_as_they_are() {
    let prepared = prepared(40);
    assert_eq!(wrong(&prepared, 0, |_, _| ()), [""; 0]);
    type Forge = fn(&mut Counts);
    let forgeries: [(&str, Forge); 7] = [
        ("a lot left out", |c| c[LONG][0] -= 1),
        ("all left out", |c| c[LONG].fill(0)),
        ("counted twice", |c| {
            c[LONG].iter_mut().for_each(|count| *count *= 2);
        }),
        ("short for long", |c| c.swap(LONG, SHORT)),
        ("short left out", |c| c[SHORT].fill(0)),
        ("another instrument's", |c| c.swap(LONG, OTHER)),
        ("nobody's", |c| c[LONG][2] += 1),
    ];
    for (what, forge) in forgeries {
        let found = wrong(&prepared, 0, |rows, tables| {
            forge(&mut rows.counts);
            follow(rows, tables);
        });
        assert_eq!(found, ["bus position"], "{what}");
    }
}

/// A count is an element of the field, so it may stand for as many more as the field has: the registers do not.
#[test]
fn counts_do_not_wrap() {
    let prepared = unbounded(40);
    for (key, sign) in [(LONG, 1), (SHORT, -1)] {
        let found = wrong(&prepared, 0, |rows, _| {
            for (register, sign) in [(SALTS, sign), (SALTS + 1, -sign)] {
                let after = &mut rows.after[register];
                *after = after.wrapping_add_signed(sign * i128::from(P));
            }
            rows.counts[key][0] += u64::from(P);
        });
        assert_eq!(found, ["TOTALS-2"], "key {key}");
    }
}

/// Registers that do not say the same, no offset or two of them, and a register below zero.
#[test]
fn registers_add_up() {
    let prepared = prepared(2_100);
    type Forge = fn(&mut Rows<'_>);
    let forgeries: [(usize, Forge); 5] = [
        (0, |rows| rows.after[SALTS] -= 1),
        (0, |rows| rows.after[SALTS + 1] += 1),
        (0, |rows| rows.after[SALTS] -= OFFSET),
        (1, |rows| rows.after[SALTS] += OFFSET),
        // 2^90 less: what would be below zero.
        (2, |rows| rows.after[SALTS] = (1 << 90) - 1),
    ];
    for (part, forge) in forgeries {
        let found = wrong(&prepared, part, |rows, _| forge(rows));
        assert!(found.contains(&"TOTALS-2".into()), "{part}: {found:?}");
    }
}

/// What a part starts from is what the one before ended with, and the first starts from nothing.
#[test]
fn parts_continue_each_other() {
    let prepared = prepared(2_100);
    let shifted = |part: usize| {
        wrong(&prepared, part, |rows, tables| {
            rows.before[SALTS] -= 500;
            rows.before[SALTS + 1] += 500;
            follow(rows, tables);
        })
    };
    for part in [1, 2] {
        assert_eq!(shifted(part), ["SPONGE-5"], "part {part}");
    }
    // Salts are committed to as well.
    let salted = wrong(&prepared, 1, |rows, _| rows.before[0] += 1);
    assert_eq!(salted, ["SPONGE-5"]);
    let found = wrong(&prepared, 0, |rows, tables| {
        rows.before[SALTS] = 500;
        follow(rows, tables);
    });
    assert!(found.contains(&"TOTALS-4".into()), "{found:?}");
}

/// Members with a change to one who holds something, whose leaf follows.
fn changed(prepared: &Prepared, change: fn(&mut market::Account)) -> Vec<Member> {
    let book = prepared.book();
    let layout = Layout::new(book.slots as usize, &book.snapshot);
    let mut members = book.members.clone();
    let holder = members.iter_mut().find(|m| m.account.positions.len() > 1);
    let holder = holder.expect("somebody holds something");
    change(&mut holder.account);
    let salt = holder.leaf.salt;
    holder.leaf = layout.leaf_with(holder.leaf.identity, &holder.account, salt);
    members
}

/// Other positions than those that are committed to, an account left out, one twice in the place of another: another root.
#[test]
fn accounts_are_those_of_the_book() {
    let prepared = prepared(40);
    let book = prepared.book();
    let mut twice = book.members.clone();
    twice[1] = twice[0].clone();
    let forgeries = [
        changed(&prepared, |a| a.positions.clear()),
        changed(&prepared, |a| a.positions[0].lots += Lots(1)),
        changed(&prepared, |a| {
            let side = &mut a.positions[0].side;
            *side = if *side == Side::Long {
                Side::Short
            } else {
                Side::Long
            };
        }),
        changed(&prepared, |a| a.positions[1] = a.positions[0]),
        twice,
    ];
    for (i, members) in forgeries.iter().enumerate() {
        let found = wrong(&prepared, 0, |rows, tables| {
            rows.members = members;
            rows.counts = count_positions(members, tables.exposure.instruments);
            follow(rows, tables);
        });
        assert_eq!(found, ["SPONGE-5"], "{i}");
    }
    // On an unused row an account stands in no tree.
    let mut more = book.members.clone();
    more.push(more[0].clone());
    let found = wrong(&prepared, 0, |rows, tables| {
        rows.members = &more;
        rows.counts = count_positions(&more, tables.exposure.instruments);
        follow(rows, tables);
    });
    assert_eq!(found, ["LEAVES-2", "POSITIONS-2"]);
}

/// A dishonest venue's book, in which a slot holds what no honest book has, committed to as it is.
fn dishonest(prepared: &Prepared, members: Vec<Member>) -> (Vec<Member>, ExposureClaim) {
    let honest = prepared.book();
    let book = SealedBook {
        snapshot: honest.snapshot.clone(),
        members,
        listing: honest.listing,
        slots: honest.slots,
        secret: honest.secret.clone(),
        owners: Vec::new(),
    };
    let size = segment(book.accounts(), book.slots as usize);
    let (roots, reference) = book.segments(size);
    let mut claim = prepared.claim().clone();
    claim.book = reference;
    claim.segments = roots.into_iter().map(Into::into).collect();
    (book.members, claim)
}

/// A book that is committed to as it is passes; but in a slot whose key is no instrument's, lots are counted for nobody.
/// That an empty key holds nothing is a test of `inventory`, which shares the table.
#[test]
fn a_slot_holds_a_position_or_nothing() {
    let prepared = unbounded(40);
    let instruments = prepared.claim().snapshot.instruments.len();
    type Place = fn(&mut market::Account);
    let places: [(Place, &[&str]); 3] = [
        (|a| a.positions[0].lots += Lots(1), &[]),
        (|a| a.positions[0].instrument = 1_000, &["bus position"]),
        (|a| a.positions[0].instrument = 1 << 29, &["bus position"]),
    ];
    for (place, expected) in places {
        let (members, claim) = dishonest(&prepared, changed(&prepared, place));
        let mut counted = members.clone();
        for member in &mut counted {
            let positions = &mut member.account.positions;
            positions.retain(|p| p.instrument < instruments);
        }
        let found = wrong_under(&prepared, &claim, 0, |rows, tables| {
            rows.members = &members;
            rows.counts = count_positions(&counted, instruments);
            follow(rows, tables);
        });
        assert_eq!(found, expected);
    }
}

/// More lots than three limbs hold; and p - 1, which a field would take for -1.
#[test]
fn lots_are_below_a_bound() {
    let prepared = unbounded(40);
    let larger: [fn(&mut market::Account); 2] = [
        |a| a.positions[0].lots = Lots((1 << 30) + 5),
        |a| a.positions[0].lots = Lots(u64::from(P) - 1),
    ];
    for change in larger {
        let (members, claim) = dishonest(&prepared, changed(&prepared, change));
        let found = wrong_under(&prepared, &claim, 0, |rows, tables| {
            rows.members = &members;
            rows.counts = count_positions(&members, tables.exposure.instruments);
            follow(rows, tables);
        });
        assert_eq!(found, ["bus quad"]);
    }
}

/// Another moment, lot, kind, settlement or order of the lists is another book; one with its leaves is none of its tree.
#[test]
fn lists_and_moment_are_those_of_the_leaves() {
    let prepared = prepared(40);
    type Change = fn(&mut market::Snapshot);
    let changes: [(&str, Change); 6] = [
        ("moment", |s| s.as_of_ms += 1),
        ("lot", |s| s.instruments[0].lot = Decimal::new(2, 3)),
        ("size", |s| {
            s.instruments[0].contract_size = Decimal::from_int(2)
        }),
        ("expiry", |s| {
            s.instruments[0].kind = market::Kind::Future {
                expiry_ms: s.as_of_ms + 86_400_000,
            };
        }),
        ("order", |s| s.instruments.swap(0, 1)),
        ("decimals", |s| s.assets[0].decimals -= 1),
    ];
    let size = prepared.context().opening.accounts;
    let (roots, _) = prepared.book().segments(size);
    let [root] = roots[..] else {
        panic!("one part")
    };
    for (what, change) in changes {
        let mut claim = prepared.claim().clone();
        change(&mut claim.snapshot);
        let refused = Exposure::context(&claim).expect_err(what);
        assert!(
            refused.contains("not that of its lists"),
            "{what}: {refused}"
        );
        if what == "moment" {
            // Leaves bind the lists alone, so that they can stay; the commitment binds the moment.
            continue;
        }
        // A commitment over the same tree and the other lists.
        let (listing, changed) = (listing(&claim.snapshot), lists(&claim.snapshot));
        claim.book = BookRef::new(&listing, &root, claim.book.accounts, claim.book.slots);
        let relabelled = |leaf: &Leaf| Leaf {
            lists: changed,
            ..leaf.clone()
        };
        let members: Vec<Member> = prepared
            .book()
            .members
            .iter()
            .map(|m| Member {
                account: m.account.clone(),
                leaf: relabelled(&m.leaf),
            })
            .collect();
        let found = wrong_under(&prepared, &claim, 0, |rows, tables| {
            rows.members = &members;
            follow(rows, tables);
        });
        assert_eq!(found, ["SPONGE-5"], "{what}");
    }
}

/// Instruments that are no linear perpetuals or futures, or of another size of lot, cannot be named.
#[test]
fn only_what_is_proportional_to_lots_counts() {
    let good = prepared(5).claim().clone();
    let named = |symbols: &[&str]| {
        let mut claim = good.clone();
        claim.instruments = symbols.iter().map(|s| (*s).into()).collect();
        Exposure::context(&claim).map(|_| ())
    };
    named(&["BTC-PERP", "BTC-30JAN26"]).expect("of one size");
    for (symbols, why) in [
        (&["BTC-PERP-COIN"][..], "not a linear perpetual"),
        (
            &["BTC-PERP", "BTC-30JAN26-60000-C"],
            "not a linear perpetual",
        ),
        (&["BTC-PERP", "ETH-PERP"], "on another underlying"),
        (&["BTC-PERP", "BTC-PERP"], "named twice"),
        (&["BTC-PERP", "btc-perp"], "no instrument `btc-perp`"),
        (&[], "at least one"),
    ] {
        let refused = named(symbols).expect_err(why);
        assert!(refused.contains(why), "{symbols:?}: {refused}");
    }
    let mut claim = good.clone();
    claim.snapshot.instruments[2].lot = fixed::Decimal::ONE;
    claim.instruments = vec!["BTC-PERP".into(), "BTC-30JAN26".into()];
    let refused = market::exposure::Exposed::new(&claim.snapshot, &claim.instruments);
    let refused = refused.expect_err("of two sizes").to_string();
    assert!(
        refused.contains("not as much of the underlying"),
        "{refused}"
    );
    // Nor can a linear one be called so that is settled in coin: the book's lists say how.
    let mut claim = good.clone();
    claim.snapshot.instruments[1].settlement = Settlement::Linear;
    assert!(Exposure::context(&claim).is_err());
}

/// Positions in all named instruments count, long and short, and no others.
#[test]
fn named_instruments_are_added_up() {
    let book = book(40);
    let future = book.snapshot.instrument("BTC-30JAN26").expect("a sample's");
    let mut accounts: Vec<market::Account> =
        book.members.iter().map(|m| m.account.clone()).collect();
    accounts.iter_mut().for_each(|a| {
        a.positions.retain(|p| p.instrument != future);
    });
    accounts[7].positions.push(Position {
        instrument: future,
        side: Side::Short,
        lots: Lots(123_456_789),
        entry: 1,
    });
    accounts[7].positions.sort_by_key(|p| p.instrument);
    let slots = least_slots(&accounts);
    let sealed = SealedBook::new(&book.snapshot, &accounts, slots, &secret()).expect("it fits");
    let net = |instruments: &[&str]| {
        let wide = Terms {
            instruments: instruments.iter().map(|s| (*s).into()).collect(),
            ..terms(-1_000_000, 1_000_000)
        };
        check(&sealed.snapshot, &accounts, &wide).expect("it lies there")
    };
    let (one, both) = (net(&["BTC-PERP"]), net(&["BTC-PERP", "BTC-30JAN26"]));
    let future = Decimal::parse("-123456.789").expect("a number");
    assert_eq!(both, one.checked_add(&future).expect("it fits"));
    let exact = Terms {
        instruments: vec!["BTC-30JAN26".into(), "BTC-PERP".into()],
        low: both,
        high: both,
    };
    let prepared = Prepared::new(&sealed, &exact).expect("it is true");
    assert_eq!(wrong(&prepared, 0, |_, _| ()), [""; 0]);
    // Without one of them it is false.
    let mut claim = prepared.claim().clone();
    claim.instruments.pop();
    assert_eq!(wrong_under(&prepared, &claim, 0, follow), ["TOTALS-6"]);
}

/// What lies between parts tells neither whether a part adds anything nor whether two claims count the same. Another interval
/// shows the same states: it tells no more than the interval.
#[test]
fn states_tell_nothing() {
    let sold = book(2_100);
    let future = sold.snapshot.instrument("BTC-27MAR26");
    let future = future.expect("a sample's");
    let accounts = sold.members.iter().map(|m| {
        let mut account = m.account.clone();
        account.positions.retain(|p| p.instrument != future);
        account
    });
    // Nobody holds the future.
    let accounts: Vec<market::Account> = accounts.collect();
    let book = SealedBook::new(&sold.snapshot, &accounts, 4, &secret()).expect("it fits");
    let states = |instruments: &[&str], most: i128| {
        let terms = Terms {
            instruments: instruments.iter().map(|s| (*s).into()).collect(),
            ..terms(-most, most)
        };
        let prepared = Prepared::new(&book, &terms).expect("it is true");
        prepared.claim().states.clone()
    };
    let one = states(&["BTC-PERP"], 1_000_000);
    let same = states(&["BTC-PERP", "BTC-27MAR26"], 1_000_000);
    let none = states(&["BTC-27MAR26"], 1_000_000);
    let mut all: Vec<String> = [&one, &same, &none]
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6, "no two states are the same");
    assert_eq!(states(&["BTC-PERP"], 2_000_000), one);
}
