//! Amounts, sums and their signs, totals.

use gadgets::limbs::{Amount, LIMB_MAX};
use gadgets::range::RangeTable;
use gadgets::sponge::{QUAD, QUADS, SpongeTable, Stream, Target};
use gadgets::sum::Sum;
use gadgets::totals::{
    COUNT_LIMBS, End, Held, Register, SALTS, Show, TooLarge, TotalsTable, commit,
};
use proptest::prelude::*;
use stark::{
    F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace, When, broken_alone,
    cell_test, fill, violated, violations,
};

/// Rows of two amounts: the sign of `a * b - 7 b + 3`, and `a * a`.
#[derive(Clone)]
struct Arithmetic;

const LAST: u64 = (1 << 60) - 1;

impl Table for Arithmetic {
    type Row = (u64, u64);
    fn name(&self) -> &'static str {
        "arithmetic"
    }
    fn log_height(&self) -> usize {
        8
    }
    fn row<B: RowBuilder<Self::Row>>(&self, b: &mut B) {
        let x = Amount::read(b, |w: &Self::Row| w.0);
        let y = Amount::read(b, |w: &Self::Row| w.1);
        let sum = Sum::product(&x.to_sum(), &y.to_sum())
            .minus(&Sum::product(&y.to_sum(), &Sum::constant(7)))
            .plus(&Sum::constant(3));
        sum.sign(b, "SIGN");
        let square = Sum::product(&x.to_sum(), &x.to_sum());
        square.assert_non_negative(b, "SQUARE");
    }
}

fn filled(rows: &[(u64, u64)]) -> (Vec<TableAir>, Vec<Trace>) {
    let range = RangeTable::limbs(8);
    let airs = vec![TableAir::new(Arithmetic), TableAir::new(range)];
    let tally = Tally::new(&[range.tallied()]);
    let trace = fill(&Arithmetic, &airs[0], &tally, |i| rows[i % rows.len()]);
    let answers = range.trace(&airs[1], &tally);
    (airs, vec![trace, answers])
}

// POSITIVE

#[test]
fn boundary_values_hold_and_every_cell_is_pinned() {
    let rows = [
        (0, 0),
        (0, 1),
        (1, 0),
        (LAST, LAST),
        (LAST, 0),
        (0, LAST),
        (1 << 30, (1 << 30) - 1),
        ((1 << 20) - 1, 1 << 20),
        (6, 8),
    ];
    let (airs, traces) = filled(&rows);
    assert_eq!(violations(&airs, &traces), Vec::new());
    // The amounts, in the first columns, are given: with a factor of zero the other one may be anything.
    let mut found = cell_test(&airs, &traces, &[("arithmetic", 3), ("arithmetic", 6)]);
    let amounts = 2 * gadgets::limbs::AMOUNT_LIMBS;
    found.retain(|u| u.column >= amounts && u.with.iter().all(|w| w.2 >= amounts));
    assert_eq!(found, Vec::new());
    assert_eq!(stark::unproven(&airs), Vec::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn random_values_hold(rows in prop::collection::vec((0..=LAST, 0..=LAST), 1..100)) {
        let (airs, traces) = filled(&rows);
        prop_assert_eq!(violations(&airs, &traces), Vec::new());
    }
}

// NEGATIVE

#[test]
fn each_constraint_breaks_alone() {
    let (airs, traces) = filled(&[(5, 9), (LAST, 3)]);
    let alone = broken_alone(&airs[0], &traces[0], &[0, 1]);
    for id in ["SIGN", "SQUARE"] {
        assert!(alone.contains(id), "{id} never breaks alone: {alone:?}");
    }
}

/// A limb of 2^10 or of p - 1 is in no range table, even if everything else is made to fit.
#[test]
fn a_limb_out_of_range_unbalances_the_bus() {
    for forged in [F::from_u32(1 << 10), F::NEG_ONE] {
        let (airs, mut traces) = filled(&[(1, 2)]);
        traces[0].values[0] = forged;
        assert!(violated(&airs, &traces).contains(&"bus limb".into()));
    }
}

/// 128 products of bounds of almost 2^29 are almost 2^65: a bound that wrapped could be small.
#[test]
#[should_panic(expected = "the product has too many or too large terms")]
fn products_of_bounds_do_not_wrap() {
    let large = Sum::shape(128, (1 << 29) - (1 << 20));
    let _ = Sum::product(&large, &large);
}

#[test]
#[should_panic(expected = "too many or too large terms")]
fn sums_that_could_leave_their_range_are_refused() {
    let mut sum = Sum::<F>::zero();
    for _ in 0..100 {
        let amount = Sum::shape(6, LIMB_MAX);
        sum = sum.plus(&Sum::product(&amount, &amount));
    }
}

/// A sum without terms is zero: its sign is not left open.
#[test]
fn an_empty_sum_is_not_negative() {
    #[derive(Clone)]
    struct Empty;
    impl Table for Empty {
        type Row = ();
        fn name(&self) -> &'static str {
            "empty"
        }
        fn log_height(&self) -> usize {
            8
        }
        fn row<B: RowBuilder<()>>(&self, b: &mut B) {
            Sum::zero().sign(b, "SIGN");
        }
    }
    let range = RangeTable::limbs(8);
    let airs = vec![TableAir::new(Empty), TableAir::new(range)];
    let tally = Tally::new(&[range.tallied()]);
    let trace = fill(&Empty, &airs[0], &tally, |_| ());
    let mut traces = vec![trace, range.trace(&airs[1], &tally)];
    assert_eq!(violations(&airs, &traces), Vec::new());
    traces[0].values[0] = F::ONE;
    assert_eq!(violated(&airs, &traces), ["SIGN"]);
}

// TOTALS

fn totals(after: u128, shown: Show) -> Vec<String> {
    let salts = [7, 9];
    let start: Vec<u128> = salts.into_iter().chain([40, 1000]).collect();
    let end = vec![0, 0, 41, after];
    let table = TotalsTable::new(
        &[Register::Passed, Register::Counted],
        Some(commit(&start)),
        End::Shown(vec![Show::Hidden, shown]),
        0,
    );
    let sponge = SpongeTable::new(table.streams());
    let range = RangeTable::limbs(8);
    let airs = vec![
        TableAir::new(table.clone()),
        TableAir::new(sponge.clone()),
        TableAir::new(range),
    ];
    let tally = Tally::new(&[range.tallied()]);
    let mut quads = vec![[F::ZERO; QUAD]; TotalsTable::quads(2)];
    let mut counts = vec![[0; COUNT_LIMBS]; SALTS + 2];
    counts[SALTS + 1][0] = 1 << 20;
    let trace = table.trace(&airs[0], &tally, &start, &end, &counts, &mut quads);
    let hashes = sponge.trace(&airs[1], &mut quads);
    let answers = range.trace(&airs[2], &tally);
    violated(&airs, &[trace, hashes, answers])
}

/// The other tables' messages are missing here, so the buses `count` and `pass` are left over.
#[test]
fn totals_add_up() {
    let sum = 1000 + (1 << 20);
    let held = |value: u128| Held::try_from(value).expect("below 2^90");
    let value = |value| Show::Value(held(value));
    let at_most = |value| Show::AtMost(held(value));
    assert_eq!(totals(sum, value(sum)), ["bus count", "bus pass"]);
    assert_eq!(totals(sum, at_most(sum)), ["bus count", "bus pass"]);
    assert_eq!(
        totals(sum, at_most((1 << 90) - 1)),
        ["bus count", "bus pass"]
    );
    assert!(totals(sum + 1, value(sum + 1)).contains(&"TOTALS-2".into()));
    assert!(totals(sum, value(sum + 1)).contains(&"TOTALS-5".into()));
    assert!(totals(sum, at_most(sum - 1)).contains(&"TOTALS-6".into()));
}

/// Nine limbs of ten bits hold no more; what is larger used to lose its upper bits.
#[test]
fn what_a_register_cannot_hold_cannot_be_shown() {
    for too_large in [1 << 90, (1 << 90) + 5, u128::MAX] {
        assert_eq!(Held::try_from(too_large), Err(TooLarge(too_large)));
    }
    assert!(Held::try_from((1u128 << 90) - 1).is_ok());
    assert_eq!(
        Held::from(u64::MAX),
        Held::try_from(u128::from(u64::MAX)).unwrap()
    );
}

/// A stream whose owner sends other elements, or whose digest is not the public one.
#[test]
fn a_sponge_hashes_what_was_sent() {
    use gadgets::hash::{Domain, hash};
    let elements: Vec<F> = (0..24).map(F::from_u32).collect();
    let stream = |digest| Stream {
        domain: Domain::State,
        address: 0,
        quads: 6,
        headed: false,
        target: Target::Public(digest),
    };
    let run = |digest, elements: &[F]| {
        let table = SpongeTable::new(vec![stream(digest)]);
        let air = TableAir::new(table.clone());
        let mut quads: Vec<[F; QUAD]> = elements.chunks(4).map(|q| q.try_into().unwrap()).collect();
        let trace = table.trace(&air, &mut quads);
        (vec![air], vec![trace])
    };
    let digest = hash(Domain::State, &elements);
    let (airs, traces) = run(digest, &elements);
    assert_eq!(violated(&airs, &traces), ["bus quad"]);
    assert_eq!(cell_test(&airs, &traces, &[]), Vec::new());
    assert_eq!(stark::unproven(&airs), Vec::new());
    let mut other = elements.clone();
    other[23] += F::ONE;
    let (airs, traces) = run(digest, &other);
    assert!(violated(&airs, &traces).contains(&"SPONGE-5".into()));
    let alone = broken_alone(&airs[0], &traces[0], &[0, 1, 2]);
    for id in ["SPONGE-4", "SPONGE-5", "SPONGE-6", "POSEIDON2"] {
        assert!(alone.contains(id), "{id} never breaks alone: {alone:?}");
    }
    // A head that a stream without one starts from: the capacity is not the constant.
    for i in 0..4 {
        let capacity = 16 + 4 + i;
        let mut forged = traces.clone();
        forged[0].values[capacity] += F::ONE;
        assert!(violated(&airs, &forged).contains(&"SPONGE-1".into()), "{i}");
    }
    // A trace of another schedule: the permutations are right, their inputs are not.
    let with = |streams: Vec<Stream>, elements: &[F]| {
        let table = SpongeTable::new(streams);
        let mut quads: Vec<[F; QUAD]> = elements.chunks(4).map(|q| q.try_into().unwrap()).collect();
        vec![table.trace(&airs[0], &mut quads)]
    };
    let one = stream(digest);
    let other_domain = Stream {
        domain: Domain::Account,
        ..one
    };
    assert!(violated(&airs, &with(vec![other_domain], &elements)).contains(&"SPONGE-1".into()));
    let longer: Vec<F> = (0..32).map(F::from_u32).collect();
    let padded = violated(&airs, &with(vec![Stream { quads: 8, ..one }], &longer));
    assert!(padded.contains(&"SPONGE-3".into()), "{padded:?}");
    let halves = vec![
        Stream { quads: 4, ..one },
        Stream {
            quads: 2,
            address: 4,
            ..one
        },
    ];
    assert!(violated(&airs, &with(halves, &elements)).contains(&"SPONGE-2".into()));
}

/// The head of a stream is what was sent to the address before its first quad.
#[test]
fn a_sponge_starts_from_the_head_that_was_sent() {
    use gadgets::hash::{Domain, hash_with_head};
    let elements: Vec<F> = (0..28).map(|i| F::from_u32(i + 1)).collect();
    let (head, rest) = elements.split_first_chunk::<4>().unwrap();
    let digest = hash_with_head(Domain::State, head, rest);
    let table = SpongeTable::new(vec![Stream {
        domain: Domain::State,
        address: 1,
        quads: 6,
        headed: true,
        target: Target::Public(digest),
    }]);
    let mut airs = vec![TableAir::new(table.clone())];
    let mut quads: Vec<[F; QUAD]> = elements.chunks(4).map(|q| q.try_into().unwrap()).collect();
    let mut traces = vec![table.trace(&airs[0], &mut quads)];
    assert_eq!(violated(&airs, &traces), ["bus quad"]);
    assert_eq!(cell_test(&airs, &traces, &[]), Vec::new());
    assert_eq!(stark::unproven(&airs), Vec::new());
    // With the owner of the quads: nothing is left over.
    let owner = Owner(7);
    airs.push(TableAir::new(owner));
    let sent = |quads: Vec<[F; QUAD]>| {
        let air = TableAir::new(owner);
        fill(&owner, &air, &Tally::default(), |row| {
            (row, quads.get(row).copied().unwrap_or_default())
        })
    };
    traces.push(sent(quads.clone()));
    assert_eq!(violated(&airs, &traces), [""; 0]);
    for i in 0..4 {
        let mut other = quads.clone();
        other[0][i] += F::ONE;
        traces[1] = sent(other);
        assert_eq!(violated(&airs, &traces), ["bus quad"]);
    }
}

/// Sends so many quads, one a row, from address 0 on.
#[derive(Clone, Copy)]
struct Owner(usize);

impl Table for Owner {
    type Row = (usize, [F; QUAD]);
    fn name(&self) -> &'static str {
        "owner"
    }
    fn log_height(&self) -> usize {
        8
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        vec![(0..256).map(|row| F::from_bool(row < self.0)).collect()]
    }
    fn row<B: RowBuilder<Self::Row>>(&self, b: &mut B) {
        let sends = b.pinned("OWNER-1", 0);
        let (row, next) = b.state(|w| F::from_usize(w.0));
        b.assert_zero("OWNER-1", When::First, row.clone());
        b.assert_zero("OWNER-1", When::Transition, next - row.clone() - b.one());
        let mut message = vec![row];
        message.extend((0..QUAD).map(|i| b.cell(|w| w.1[i])));
        b.send(QUADS, sends, &message);
    }
}
