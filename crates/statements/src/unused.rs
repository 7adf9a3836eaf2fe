//! What a forger would put on unused rows: a table of leaves and nothing else, so that a forged row breaks only what forbids it.

use std::sync::Arc;

use credit::import::tape::read_template;
use credit::pool::Loan;
use credit::sample_pool;
use gadgets::hash::Domain;
use gadgets::range::RangeTable;
use stark::{
    F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, fill, violated,
};

use crate::account::Secret;
use crate::ordered::{Ordered, OrderedRow};
use crate::pools::loan::{LeafLayout, LoanWitness, Sealed};

/// Leaves of loans, of which some fields are read.
#[derive(Clone, Debug)]
struct Leaves {
    leaves: Ordered,
    layout: LeafLayout,
    read: Vec<bool>,
}

/// A row of it.
struct Row {
    place: OrderedRow,
    leaf: LoanWitness,
}

impl Table for Leaves {
    type Row = Row;

    fn name(&self) -> &'static str {
        "leaves"
    }

    fn log_height(&self) -> usize {
        self.leaves.log_height
    }

    fn public(&self) -> Vec<F> {
        self.leaves.public()
    }

    fn row<B: RowBuilder<Row>>(&self, b: &mut B) {
        let place = self.leaves.place(b, |w| &w.place);
        let unused = b.one() - place.active.clone();
        let leaf = self.layout.read(b, &self.read, &unused, |w| &w.leaf);
        self.leaves.tree(b, |w| &w.place, &place, &leaf.elements);
    }
}

/// What is wrong with the table after a change of an unused row, if it reads fields of these names.
fn broken(read: &[&str], forge: impl Fn(&LeafLayout, &mut Row) + Sync) -> Vec<String> {
    let template = read_template("mortgage").expect("it comes with the crate");
    let tape = sample_pool::tape(3, 100, &template);
    let secret = Secret::from_hex(&"0000000d".repeat(8)).expect("a constant");
    let sealed = Sealed::new(&tape, &secret).expect("ids differ");
    let nodes = &sealed.trees[0];
    let layout = LeafLayout::new(&template);
    let fields = template.fields.iter();
    let table = Leaves {
        leaves: Ordered {
            log_height: (nodes.len() / 2).ilog2() as usize,
            used: sealed.leaves.len(),
            root: nodes[1],
            domain: Domain::Loan,
        },
        read: fields.map(|f| read.contains(&f.name.as_str())).collect(),
        layout: layout.clone(),
    };
    let limbs = RangeTable::limbs(MIN_LOG_HEIGHT);
    let airs = [TableAir::new(table.clone()), TableAir::new(limbs)];
    let tally = Tally::new(&[limbs.tallied()]);
    let keys: Vec<u64> = sealed.leaves.iter().map(|l| l.identity.key()).collect();
    let leaves = fill(&table, &airs[0], &tally, |i| {
        let mut row = Row {
            place: OrderedRow::new(i, &keys, 0, nodes),
            leaf: LoanWitness::new(&layout, sealed.loans.get(i), sealed.leaves.get(i)),
        };
        if i == 200 {
            forge(&layout, &mut row);
        }
        row
    });
    let limbs = limbs.trace(&airs[1], &tally);
    let mut found = violated(&airs, &[leaves, limbs]);
    // Keys come from and go to totals, which are not here.
    found.retain(|name| name != "bus pass");
    found
}

/// Fields of which one is optional, and fields without any.
const READ: [&[&str]; 2] = [&["balance", "fico"], &["balance"]];

/// LOAN-3, for everything that a leaf is hashed from: the hash is right, and nothing but this constraint minds.
#[test]
fn unused_rows_have_no_leaf() {
    let template = read_template("mortgage").expect("it comes with the crate");
    let field = |name: &str| template.field(name).expect("the template has it");
    for read in READ {
        assert_eq!(broken(read, |_, _| ()), Vec::<String>::new());
        let seal = broken(read, |_, row| row.leaf.seal[3] = F::ONE);
        assert_eq!(seal, ["LOAN-3"]);
        // There, with a value of zero: a bit, or what is hashed in the place of all bits.
        let present = broken(read, |layout, row| {
            let mut values = vec![None; layout.fields.len()];
            values[field("fico")] = Some(0);
            let id = String::new();
            row.leaf.loan = Some(Arc::new(Loan { id, values }));
        });
        assert_eq!(present, ["LOAN-3"]);
        let limb = broken(read, |layout, row| {
            row.leaf.limbs[layout.fields[field("balance")].0] = 5;
        });
        assert_eq!(limb, ["LOAN-3"]);
        let hashed = broken(read, |_, row| {
            *row.leaf.limbs.last_mut().expect("there are fields") = 5;
        });
        assert_eq!(hashed, ["LOAN-3"]);
    }
}

/// ORDER-3, for the key that heads a leaf's hash, of one chunk and of several.
#[test]
fn unused_rows_have_no_key() {
    for key in [1, 1 << 30, (1 << 60) - 1] {
        let found = broken(READ[0], |_, row| row.place.key = key);
        assert_eq!(found, ["ORDER-3"], "{key}");
    }
}
