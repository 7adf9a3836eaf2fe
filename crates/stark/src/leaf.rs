//! What a proof is of, in two digests, for the circuits that check it: which program it ran, and what that says.

use std::collections::HashMap;

use p3_air::Air;
use p3_air::symbolic::{AirLayout, BaseEntry, BaseLeaf, SymbolicExpr, SymbolicExpression};
use p3_lookup::{InteractionSymbolicBuilder, Kind, Lookups};

use crate::digest::Items;
use crate::field::{EF, F, PrimeCharacteristicRing, PrimeField32, felt};
use crate::layout::{Layout, fixed_root};
use crate::poseidon2::sponge;
use crate::profile::Profile;
use crate::statement::{Part, Place, Statement, claim_digest};
use crate::suite::{DIGEST, Setup, Suite, SuiteParameters};
use crate::table::TableAir;

/// What is hashed.
const STATEMENT: u32 = 101;
const PROGRAM: u32 = 102;

/// What a part's proof is checked by, whatever it says: the suite and its parameters, and of each table, in order, its height,
/// its numbers of cells, fixed columns, public values and quotient chunks, whether it looks at the next row, its constraints
/// with all their constants, and its messages as they are packed into columns. Not bound are names of tables and
/// constraints, and the values of fixed columns and public values: they stand in the [`StatementDigest`].
///
/// Parts with one program digest are checked by one circuit, so it is the key of whatever is kept for a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProgramDigest(pub [F; DIGEST]);

/// What a part's proof says: the statement and its version, the digest of the whole claim, the part's number and how many there
/// are, the public values of every table, and the commitment to the fixed columns of all tables.
///
/// Its hash is Poseidon2 as a sponge, whose capacity starts from the length: a circuit can compute it from these values. Of
/// one program all lengths are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatementDigest(pub [F; DIGEST]);

/// The digest of what part number `part` of a claim says, as a proof made with suite `P`.
///
/// # Panics
/// If the part's tables cannot be laid out, which no claim accepted by its statement allows.
pub fn statement_digest<S: Statement, P: Suite + Setup<Digest = [F; DIGEST]>>(
    claim: &S::Claim,
    context: &S::Context,
    part: usize,
) -> StatementDigest {
    let tables = S::part(claim, context, part);
    let parts = S::parts(claim, context);
    let place = Place::new::<S>(claim_digest::<S>(claim), part, parts, &tables);
    let root = fixed_root::<P>(&tables).expect("the statement's tables have a layout");
    StatementDigest::new(&place, root.as_ref())
}

/// The digest of what checks a part's proof made with suite `P`.
///
/// # Panics
/// If the part's tables cannot be laid out, which no claim accepted by its statement allows.
pub fn program_digest<P: Suite>(tables: &Part) -> ProgramDigest {
    let layout = Layout::new(tables, &P::PARAMETERS).expect("the statement's tables have a layout");
    ProgramDigest::new(&P::PARAMETERS, tables.profile, &layout)
}

/// Bytes as elements, three to one, behind their number.
fn bytes(elements: &mut Vec<F>, bytes: &[u8]) {
    elements.push(F::from_usize(bytes.len()));
    for three in bytes.chunks(3) {
        let number = three.iter().rev().fold(0, |n, &b| n << 8 | u32::from(b));
        elements.push(F::new(number));
    }
}

impl StatementDigest {
    pub(crate) fn new(place: &Place<'_>, fixed: Option<&[F; DIGEST]>) -> Self {
        let mut elements = Vec::new();
        bytes(&mut elements, place.statement.as_bytes());
        bytes(&mut elements, &place.version.to_le_bytes());
        bytes(&mut elements, &place.claim);
        elements.extend([felt(place.part as u64), felt(place.parts as u64)]);
        elements.push(F::from_usize(place.tables.tables.len()));
        for table in &place.tables.tables {
            elements.push(F::from_usize(table.public().len()));
            elements.extend(table.public());
        }
        elements.push(F::from_bool(fixed.is_some()));
        elements.extend(fixed.unwrap_or(&[F::ZERO; DIGEST]));
        Self(sponge(STATEMENT, &elements))
    }
}

impl ProgramDigest {
    pub(crate) fn new(suite: &SuiteParameters, profile: Profile, layout: &Layout) -> Self {
        let mut items = Items::default();
        items.text(suite.protocol);
        let p = profile.parameters();
        for number in [
            p.log_blowup,
            p.queries,
            p.query_grinding,
            p.batch_grinding,
            p.log_arity,
            p.log_final,
            layout.tables.len(),
        ] {
            items.number(number);
        }
        let tables = layout.tables.iter().zip(&layout.lookups);
        for ((table, lookups), &chunks) in tables.zip(&layout.chunks) {
            items.number(chunks);
            self::table(&mut items, table, lookups);
        }
        let mut elements = Vec::new();
        bytes(&mut elements, &items.finish());
        Self(sponge(PROGRAM, &elements))
    }
}

fn table(items: &mut Items, table: &TableAir, lookups: &Lookups<F>) {
    for number in [
        table.log_height(),
        table.width(),
        table.fixed().len(),
        table.public().len(),
        usize::from(table.uses_next()),
    ] {
        items.number(number);
    }
    let mut b = InteractionSymbolicBuilder::<F, EF>::new(AirLayout::from_air(table));
    table.eval(&mut b);
    // The expressions live as long as their addresses are looked up.
    let constraints = b.base_constraints();
    let mut nodes = Nodes {
        items,
        numbers: HashMap::new(),
        seen: HashMap::new(),
    };
    nodes.items.number(constraints.len());
    constraints.iter().for_each(|c| nodes.root(c));
    nodes.items.number(lookups.len());
    for lookup in lookups.iter() {
        match &lookup.kind {
            Kind::Local => nodes.items.text("local"),
            Kind::Global(bus) => nodes.items.text(&format!("bus {bus}")),
        }
        nodes.items.number(lookup.count_weight as usize);
        nodes.items.number(lookup.elements.len());
        for (elements, count) in lookup.elements.iter().zip(&lookup.multiplicities) {
            nodes.items.number(elements.len());
            elements.iter().chain([count]).for_each(|e| nodes.root(e));
        }
        let flags = lookup.flags.as_deref().unwrap_or_default();
        nodes.items.number(flags.len());
        flags.iter().for_each(|e| nodes.root(e));
    }
}

/// Writes expressions as lists of operations on what stands before them, each operation once.
struct Nodes<'a> {
    items: &'a mut Items,
    numbers: HashMap<[usize; 3], usize>,
    /// By address, so that what is shared is walked once.
    seen: HashMap<*const SymbolicExpression<F>, usize>,
}

impl Nodes<'_> {
    fn root(&mut self, expression: &SymbolicExpression<F>) {
        let number = self.number(expression);
        // No operation has this kind.
        self.items.number(0);
        self.items.number(number);
    }

    fn number(&mut self, expression: &SymbolicExpression<F>) -> usize {
        if let Some(&number) = self.seen.get(&std::ptr::from_ref(expression)) {
            return number;
        }
        let node = match expression {
            SymbolicExpr::Leaf(BaseLeaf::Constant(c)) => [1, c.as_canonical_u32() as usize, 0],
            SymbolicExpr::Leaf(BaseLeaf::IsFirstRow) => [2, 0, 0],
            SymbolicExpr::Leaf(BaseLeaf::IsLastRow) => [3, 0, 0],
            SymbolicExpr::Leaf(BaseLeaf::IsTransition) => [4, 0, 0],
            SymbolicExpr::Leaf(BaseLeaf::Variable(v)) => match v.entry {
                BaseEntry::Main { offset } => [5, offset, v.index],
                // One kind of column, in two ways: which of them the suite says.
                BaseEntry::Preprocessed { .. } | BaseEntry::Periodic => [6, 0, v.index],
                BaseEntry::Public => [7, 0, v.index],
            },
            SymbolicExpr::Add { x, y, .. } => [8, self.number(x), self.number(y)],
            SymbolicExpr::Sub { x, y, .. } => [9, self.number(x), self.number(y)],
            SymbolicExpr::Mul { x, y, .. } => [10, self.number(x), self.number(y)],
            SymbolicExpr::Neg { x, .. } => [11, self.number(x), 0],
        };
        let next = self.numbers.len();
        let number = *self.numbers.entry(node).or_insert(next);
        if number == next {
            node.iter().for_each(|&n| self.items.number(n));
        }
        self.seen.insert(std::ptr::from_ref(expression), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::RowBuilder;
    use crate::table::Table;

    /// A table of given public values.
    struct Says(&'static str, Vec<u32>);
    impl Table for Says {
        type Row = ();
        fn name(&self) -> &'static str {
            self.0
        }
        fn log_height(&self) -> usize {
            crate::profile::MIN_LOG_HEIGHT
        }
        fn public(&self) -> Vec<F> {
            self.1.iter().map(|&v| F::new(v)).collect()
        }
        fn row<B: RowBuilder<()>>(&self, b: &mut B) {
            if self.0 == "bit" {
                b.bit("SAYS", |()| false);
            }
        }
    }

    fn part(profile: Profile, tables: Vec<Says>) -> Part {
        Part {
            profile,
            tables: tables.into_iter().map(TableAir::new).collect(),
            hashed: Vec::new(),
        }
    }

    /// Each thing that a statement digest binds changes it, and what the program digest binds does not.
    #[test]
    fn a_statement_digest_binds_what_it_says() {
        let says = |values: &[&[u32]]| {
            let says = values.iter().map(|v| Says("says", v.to_vec()));
            part(Profile::Fast, says.collect())
        };
        let tables = says(&[&[1, 2], &[3]]);
        let place = || Place {
            statement: "some",
            version: 1,
            claim: [7; 32],
            part: 0,
            parts: 2,
            tables: &tables,
        };
        let fixed = [F::ONE; DIGEST];
        let digest = |place: &Place<'_>| StatementDigest::new(place, Some(&fixed));
        let plain = digest(&place());
        let mut different = vec![plain, StatementDigest::new(&place(), None)];
        for i in 0..DIGEST {
            let mut other = fixed;
            other[i] = F::TWO;
            different.push(StatementDigest::new(&place(), Some(&other)));
        }
        different.push(StatementDigest::new(&place(), Some(&[F::ZERO; DIGEST])));
        let mut change = |change: &dyn Fn(&mut Place<'_>)| {
            let mut other = place();
            change(&mut other);
            different.push(digest(&other));
        };
        change(&|p| p.statement = "somf");
        change(&|p| p.statement = "some\0");
        change(&|p| p.version = 2);
        change(&|p| p.version = 1 << 31);
        change(&|p| p.part = 1);
        change(&|p| p.parts = 3);
        for i in 0..32 {
            change(&|p| p.claim[i] = 8);
        }
        let others: [&[&[u32]]; 6] = [
            &[&[1, 9], &[3]],
            &[&[1, 2], &[4]],
            &[&[1], &[2, 3]],
            &[&[1, 2, 3]],
            &[&[1, 2], &[3], &[]],
            &[&[3], &[1, 2]],
        ];
        for values in others {
            let other = says(values);
            let place = Place {
                tables: &other,
                ..place()
            };
            different.push(digest(&place));
        }
        let count = different.len();
        let distinct: std::collections::HashSet<_> = different.into_iter().collect();
        assert_eq!(distinct.len(), count);

        // Another program, of which the same is said.
        let other = part(
            Profile::Compact,
            vec![Says("bit", vec![1, 2]), Says("said", vec![3])],
        );
        let place = Place {
            tables: &other,
            ..place()
        };
        assert_eq!(digest(&place), plain);
    }
}
