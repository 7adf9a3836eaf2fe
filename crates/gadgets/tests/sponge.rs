//! The table that hashes: without any of its constraints, somebody could forge a digest or what is hashed.

use gadgets::hash::{Domain, hash};
use gadgets::sponge::{QUAD, QUADS, SpongeTable, Stream, Target};
use stark::{
    F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace, When, cell_test, fill,
    needless, violated,
};

/// Quads that are sent, then quads of digests that are taken, one a row; what they hold is nowhere pinned.
#[derive(Clone, Copy)]
struct Owner {
    sends: usize,
    takes: usize,
}

impl Table for Owner {
    type Row = (usize, [F; QUAD]);
    fn name(&self) -> &'static str {
        "owner"
    }
    fn log_height(&self) -> usize {
        8
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let (sent, all) = (self.sends, self.sends + self.takes);
        let column = |range: std::ops::Range<usize>| {
            (0..256)
                .map(|row| F::from_bool(range.contains(&row)))
                .collect()
        };
        vec![column(0..sent), column(sent..all)]
    }
    fn row<B: RowBuilder<Self::Row>>(&self, b: &mut B) {
        let [sends, takes] = [0, 1].map(|column| b.pinned("OWNER-1", column));
        let (row, next) = b.state(|w| F::from_usize(w.0));
        b.assert_zero("OWNER-1", When::First, row.clone());
        b.assert_zero("OWNER-1", When::Transition, next - row.clone() - b.one());
        let mut message = vec![row];
        message.extend((0..QUAD).map(|i| b.cell(|w| w.1[i])));
        b.send(QUADS, sends, &message);
        b.receive(QUADS, takes, &message);
    }
}

/// Six streams: three of one row whose digests are taken, one of two rows, one of an unused slot, and one whose digest is public.
fn hashed() -> (Vec<TableAir>, Vec<Trace>) {
    let (sends, takes) = (4 + 4 + 2 + 6 + 4 + 6, 10);
    let mut quads: Vec<[F; QUAD]> = (0..sends)
        .map(|quad| std::array::from_fn(|i| F::from_usize(1 + QUAD * quad + i)))
        .collect();
    let digest = hash(Domain::State, quads[20..26].as_flattened());
    quads.resize(sends + takes, [F::ZERO; QUAD]);
    let stream = |domain, address, quads, target| Stream {
        domain,
        address,
        quads,
        headed: false,
        target,
    };
    let to = |n: usize| Target::Quads(sends + 2 * n);
    let table = SpongeTable::new(vec![
        stream(Domain::Account, 0, 4, to(0)),
        stream(Domain::Account, 4, 4, to(1)),
        stream(Domain::Account, 8, 2, to(2)),
        stream(Domain::Account, 10, 6, to(3)),
        stream(Domain::Account, 16, 4, Target::Empty(sends + 8)),
        stream(Domain::State, 20, 6, Target::Public(digest)),
    ]);
    let owner = Owner { sends, takes };
    let airs = vec![TableAir::new(table.clone()), TableAir::new(owner)];
    let trace = table.trace(&airs[0], &mut quads);
    let owned = fill(&owner, &airs[1], &Tally::default(), |row| {
        (row, quads.get(row).copied().unwrap_or_default())
    });
    (airs, vec![trace, owned])
}

fn rows() -> Vec<(&'static str, usize)> {
    (0..9).map(|row| ("sponge", row)).collect()
}

#[test]
fn honest_digests_are_right() {
    let (airs, traces) = hashed();
    assert_eq!(violated(&airs, &traces), [""; 0]);
    // What is hashed is the owner's to choose, so digests may change with it, up to the public one.
    let found = cell_test(&airs[..1], &traces[..1], &[]);
    assert_eq!(found, Vec::new());
}

/// Each constraint is broken, and nothing else, by some forgery.
#[test]
fn every_constraint_of_a_sponge_is_needed() {
    let (airs, traces) = hashed();
    let ids = [
        "SPONGE-1", "SPONGE-2", "SPONGE-3", "SPONGE-4", "SPONGE-5", "SPONGE-6",
    ];
    assert_eq!(needless(&airs, &traces, &rows(), &ids), [""; 0]);
}
