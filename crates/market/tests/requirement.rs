//! What a requirement must do, whatever the account: not be negative, not charge more for two accounts as one, grow with the
//! account, not fall with a pure loss; and no balance may do harm.

use std::sync::OnceLock;

use fixed::Decimal;
use market::margin::{MarginResult, MarginTables, evaluate, losses};
use market::{
    Account, Balance, Balances, Instrument, Level, OffsetGroup, Position, Side, Snapshot, sample,
};
use proptest::prelude::*;
use records::units::{Lots, SUBTICKS_PER_TICK, Subticks};

/// A market and its tables at two levels.
struct Market {
    snapshot: Snapshot,
    tables: [MarginTables; 2],
    /// Per instrument: the entry of one lot, near the mark.
    entries: Vec<u64>,
}

impl Market {
    fn new(snapshot: Snapshot) -> Self {
        let tables = [Level::Maintenance, Level::Initial];
        let tables = tables.map(|level| MarginTables::new(&snapshot, level).unwrap());
        let entries = tables[0].arrays.lots.iter().map(|lot| {
            // What a lot is worth over what a unit of entry costs, rounded up.
            let worth = i128::from(lot.value[0] + lot.contingency[0]) * SUBTICKS_PER_TICK;
            worth.unsigned_abs() as u64 / lot.entry[0].unsigned_abs() + 1
        });
        Self {
            entries: entries.collect(),
            tables,
            snapshot,
        }
    }

    fn evaluate(&self, level: usize, account: &Account) -> MarginResult {
        evaluate(&self.tables[level], account).unwrap()
    }
}

/// The sample market; with balances that do not move; with scenarios of its own for one coin, in which it only falls; with
/// offsets between both coins.
fn markets() -> &'static [Market; 4] {
    static MARKETS: OnceLock<[Market; 4]> = OnceLock::new();
    MARKETS.get_or_init(|| {
        let mut still = sample::snapshot();
        still.parameters.balances_move = false;
        let mut falls = sample::snapshot();
        // A second perpetual on the coin that falls, which no account holds yet.
        let perpetual = falls.instruments[falls.instrument("ETH-PERP").unwrap()].clone();
        falls.instruments.push(Instrument {
            symbol: "ETH-PERP-2".into(),
            ..perpetual
        });
        let mut own = falls.grid.clone();
        own.price_moves.retain(|m| *m <= Decimal::ZERO);
        own.extremes.retain(|e| e.price_move.is_negative());
        falls.grids.insert("ETH".into(), own);
        let mut grouped = sample::snapshot();
        grouped.parameters.offset_groups = vec![OffsetGroup {
            underlyings: vec!["BTC".into(), "ETH".into()],
            offset: Decimal::new(7, 1),
        }];
        [sample::snapshot(), still, falls, grouped].map(Market::new)
    })
}

/// An account of signed lots and of balances in thousandths of a coin, owned above zero and owed below.
type Drawn = (Vec<(usize, i32)>, [i32; 3]);

fn drawn() -> impl Strategy<Value = Drawn> {
    let positions = prop::collection::vec((0usize..64, -300i32..300), 0..12);
    // Below half of the first tier of each coin, so that two accounts are still in it.
    let balances = [-90_000_000..90_000_000i32, -7_000..7_000, -65_000..65_000];
    (positions, balances)
}

fn account(market: &Market, (positions, balances): &Drawn) -> Account {
    let mut lots = vec![0i64; market.snapshot.instruments.len()];
    for (instrument, count) in positions {
        lots[*instrument] += i64::from(*count);
    }
    let mut account = Account {
        id: "a".into(),
        balances: Balances::none(market.snapshot.assets.len()),
        positions: Vec::new(),
    };
    for ((asset, thousandths), balance) in
        (market.snapshot.assets.iter().zip(balances)).zip(account.balances.iter_mut())
    {
        let units =
            u64::from(thousandths.unsigned_abs()) * 10u64.pow(u32::from(asset.decimals)) / 1000;
        if *thousandths < 0 {
            balance.debt = units;
        } else {
            balance.equity = units;
        }
    }
    account.positions = held(market, &lots);
    account.validate(&market.snapshot).unwrap();
    account
}

/// Positions of signed lots, entered at one price each, so that lots bought and sold again leave nothing.
fn held(market: &Market, lots: &[i64]) -> Vec<Position> {
    let open = lots.iter().enumerate().filter(|(_, count)| **count != 0);
    open.map(|(instrument, count)| Position {
        instrument,
        side: if *count < 0 { Side::Short } else { Side::Long },
        lots: Lots(count.unsigned_abs()),
        entry: count.unsigned_abs() * market.entries[instrument],
    })
    .collect()
}

fn signed(account: &Account, instruments: usize) -> Vec<i64> {
    let mut lots = vec![0i64; instruments];
    for p in &account.positions {
        lots[p.instrument] = p.lots.0 as i64 * if p.side == Side::Long { 1 } else { -1 };
    }
    lots
}

/// Two accounts as one: positions net within an instrument.
fn together(market: &Market, a: &Account, b: &Account) -> Account {
    let count = market.snapshot.instruments.len();
    let lots = signed(a, count).into_iter().zip(signed(b, count));
    let lots: Vec<i64> = lots.map(|(a, b)| a + b).collect();
    let balances = a
        .balances
        .iter()
        .zip(b.balances.iter())
        .map(|(a, b)| Balance {
            equity: a.equity + b.equity,
            debt: a.debt + b.debt,
            ..Balance::default()
        });
    Account {
        id: "ab".into(),
        balances: balances.collect(),
        positions: held(market, &lots),
    }
}

fn times(market: &Market, a: &Account, n: u64) -> Account {
    let mut all = a.clone();
    for b in all.balances.iter_mut() {
        (b.equity, b.debt) = (b.equity * n, b.debt * n);
    }
    for p in &mut all.positions {
        (p.lots, p.entry) = (p.lots * n, p.entry * n);
    }
    all.validate(&market.snapshot).unwrap();
    all
}

/// So many ticks.
fn ticks(n: i128) -> Subticks {
    Subticks(n * SUBTICKS_PER_TICK)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// The requirement is the contingency and the largest losses, each the first largest of its columns; none is negative.
    #[test]
    fn it_is_the_sum_of_the_largest_losses(drawn in drawn(), market in 0usize..4, level in 0usize..2) {
        let market = &markets()[market];
        let account = account(market, &drawn);
        let result = market.evaluate(level, &account);
        let all = losses(&market.tables[level], &account).unwrap();
        let mut sum = 0;
        for loss in &result.losses {
            let columns = &all[loss.underlying];
            prop_assert!(loss.amount >= 0);
            prop_assert_eq!(Some(&loss.amount), columns.iter().max());
            prop_assert_eq!(Some(loss.column), columns.iter().position(|l| *l == loss.amount));
            sum += loss.amount;
        }
        // An underlying that is not named has nothing that could lose.
        for (u, columns) in all.iter().enumerate() {
            let named = result.losses.iter().any(|l| l.underlying == u);
            prop_assert!(named || columns.iter().all(|l| *l == 0));
        }
        // Of the group, if there is one, the largest sum over columns counts for its offset, 0.7.
        for joint in &result.joint {
            let group = &market.tables[level].groups[joint.group];
            let sums: Vec<i128> = (0..market.tables[level].arrays.columns)
                .map(|c| group.underlyings.iter().map(|&u| all[u][c]).sum())
                .collect();
            prop_assert_eq!(Some(&joint.amount), sums.iter().max());
            prop_assert!(0 <= joint.amount && joint.amount <= joint.apart);
            prop_assert_eq!(joint.apart, sum);
            prop_assert_eq!(result.credit, (7 * (joint.apart - joint.amount)).div_euclid(10));
        }
        prop_assert_eq!(result.joint.len(), market.tables[level].groups.len().min(result.losses.len()));
        let sum = sum - result.credit;
        let required = result.requirement() - result.contingency;
        // 2^20 of the units of losses are a subtick; rounded up.
        prop_assert!(required.0 << 20 >= sum && (required.0 - 1) << 20 < sum);
        prop_assert!(result.contingency >= ticks(0));
        prop_assert_eq!(result.is_met(), result.equity >= result.requirement());
    }

    /// Two accounts as one need no more than both: within the first tier of haircuts, where what a holding counts is its sum.
    #[test]
    fn two_accounts_as_one_need_no_more(a in drawn(), b in drawn(), market in 0usize..4, level in 0usize..2) {
        let market = &markets()[market];
        let [a, b] = [a, b].map(|drawn| account(market, &drawn));
        let both = together(market, &a, &b);
        let [a, b, both] = [a, b, both].map(|x| market.evaluate(level, &x).requirement());
        // Amounts in coin are cut to ticks, once for each coin: three at most.
        prop_assert!(both <= a + b + ticks(3), "{both} of {a} and {b}");
    }

    /// n times an account needs n times as much, but for what is in coin, which is cut to a tick once instead of n times.
    #[test]
    fn it_scales(a in drawn(), n in 2u64..6, market in 0usize..4, level in 0usize..2) {
        let market = &markets()[market];
        // One balance: a multiple of several would leave the first tier.
        let mut a = account(market, &a);
        for b in a.balances.iter_mut() {
            *b = Balance { equity: b.equity / 4, debt: b.debt, ..Balance::default() };
        }
        let many = market.evaluate(level, &times(market, &a, n)).requirement();
        let one = market.evaluate(level, &a).requirement();
        let n = i128::from(n);
        let off = Subticks(many.0 - one.0 * n);
        prop_assert!(off <= ticks(3 * n) && off >= ticks(-3 * n), "{n} times {one} is not {many}");
    }

    /// What loses in every scenario, and never wins, lowers no requirement, and no gain elsewhere pays for it.
    #[test]
    fn a_pure_loss_lowers_no_requirement(a in drawn(), lots in 1u64..5_000, level in 0usize..2) {
        let market = &markets()[2];
        let before = account(market, &a);
        // The coin only falls here, so that who is long only loses.
        let instrument = market.snapshot.instrument("ETH-PERP-2").unwrap();
        let position = Position { instrument, side: Side::Long, lots: Lots(lots), entry: lots * market.entries[instrument] };
        let alone = Account { positions: vec![position], balances: Balances::none(4), id: "l".into() };
        let all = losses(&market.tables[level], &alone).unwrap();
        prop_assert!(all.iter().flatten().all(|l| *l >= 0) && all.iter().flatten().any(|l| *l > 0));
        let mut after = before.clone();
        after.positions.push(position);
        let [before, after] = [before, after].map(|x| market.evaluate(level, &x).requirement());
        prop_assert!(after >= before, "{after} after {before}");
    }

    /// More of any asset, in whatever tier, never lowers the excess, and more debt never raises it: by more than a tick, to
    /// which what is in coin is cut.
    #[test]
    fn more_never_does_harm(
        a in drawn(),
        asset in 0usize..4,
        more in prop_oneof![1u64..1_000, 1u64..1 << 44],
        market in 0usize..4,
        level in 0usize..2,
    ) {
        let market = &markets()[market];
        let before = account(market, &a);
        let (mut richer, mut poorer) = (before.clone(), before.clone());
        richer.balances[asset].equity += more;
        poorer.balances[asset].debt += more;
        let [before, richer, poorer] = [before, richer, poorer].map(|x| market.evaluate(level, &x).excess);
        prop_assert!(richer >= before - ticks(1), "{richer} after {before}");
        prop_assert!(poorer <= before + ticks(1), "{poorer} after {before}");
    }

    /// Initial margin needs no less than maintenance margin, in scenarios as fine as the sample's. In few and wide ones it can:
    /// the loss of an option stops at its value while the gain of its hedge still grows with the factor.
    #[test]
    fn a_higher_level_needs_no_less(a in drawn(), market in 0usize..4) {
        let market = &markets()[market];
        let a = account(market, &a);
        let [maintenance, initial] = [0, 1].map(|level| market.evaluate(level, &a).requirement());
        prop_assert!(initial >= maintenance - ticks(3), "{initial}, {maintenance}");
    }

    /// The quote currency alone, owned or owed, needs nothing.
    #[test]
    fn the_quote_currency_needs_nothing(equity in 0u64..1 << 59, debt in 0u64..1 << 59) {
        let market = &markets()[0];
        let mut account = account(market, &(Vec::new(), [0; 3]));
        account.balances[0] = Balance { equity, debt, ..Balance::default() };
        let result = market.evaluate(1, &account);
        prop_assert_eq!(result.requirement(), ticks(0));
        prop_assert_eq!(result.losses, Vec::new());
    }
}

/// Gains in one coin pay for no losses in another: what two coins need is the sum.
#[test]
fn underlyings_add_up() {
    let market = &markets()[0];
    let of = |coin: &str, count: i64| {
        let mut lots = vec![0; market.snapshot.instruments.len()];
        for (i, instrument) in market.snapshot.instruments.iter().enumerate() {
            if instrument.underlying == coin {
                lots[i] = count * (1 + i as i64 % 7) * if i % 3 == 0 { -1 } else { 1 };
            }
        }
        Account {
            id: coin.into(),
            balances: Balances::none(4),
            positions: held(market, &lots),
        }
    };
    for level in [0, 1] {
        let (btc, eth) = (of("BTC", 3), of("ETH", -5));
        let both = together(market, &btc, &eth);
        let [btc, eth, both] = [btc, eth, both].map(|a| market.evaluate(level, &a));
        assert_eq!((btc.losses.len(), eth.losses.len()), (1, 1));
        assert_eq!(
            both.losses,
            [btc.losses.clone(), eth.losses.clone()].concat()
        );
        assert_eq!(both.contingency, btc.contingency + eth.contingency);
    }
}

/// Moves are rounded against the account, whatever its sign: exactly, by whole numbers.
#[test]
fn what_is_in_coin_moves_against_the_account() {
    let market = &markets()[0];
    let btc = market
        .snapshot
        .underlyings()
        .iter()
        .position(|u| *u == "BTC");
    for thousandths in [6_789, -6_789] {
        let account = account(market, &(Vec::new(), [0, thousandths, 0]));
        // Nothing else: equity is what there is in coin.
        let coin = market
            .evaluate(0, &account)
            .equity
            .0
            .div_euclid(SUBTICKS_PER_TICK);
        let all = losses(&market.tables[0], &account).unwrap();
        let scenarios = market.snapshot.grid.scenarios();
        for (s, loss) in scenarios.iter().zip(&all[btc.unwrap()]) {
            // In 10^-4, exactly.
            let counted = s.price_move.checked_mul(&s.fraction).unwrap();
            let counted = counted.rescale_exact(4).unwrap();
            let exact = -(coin * counted) << 40;
            let got = loss * 10_000;
            assert!(
                got >= exact && got - exact <= coin.abs() * 10_000,
                "{got}, not {exact}"
            );
        }
    }
}

/// A balance too large to multiply with a move is refused by name, not computed wrongly.
#[test]
fn too_much_of_a_coin_is_refused() {
    let market = &markets()[0];
    let mut account = account(market, &(Vec::new(), [0; 3]));
    account.balances[1].debt = (1 << 60) - 1;
    let told = evaluate(&market.tables[0], &account)
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("account `a` has a balance, debt or entries in one coin worth more than"),
        "{told}"
    );
    assert!(told.ends_with("split the account"), "{told}");
    // Where balances do not move it does not matter.
    assert!(evaluate(&markets()[1].tables[0], &account).is_ok());
    let told = market::margin::Margins::new(&market.snapshot, &[&account], Level::Maintenance);
    assert_eq!(told.unwrap_err().field, "accounts");
}
