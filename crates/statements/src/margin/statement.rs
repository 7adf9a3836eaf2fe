//! From a claim to its tables.

use gadgets::hash::Digest;
use gadgets::range::RangeTable;
use gadgets::sponge::SpongeTable;
use gadgets::totals::{Register, Show, TotalsTable};
use market::margin::MarginTables;
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};

use super::claim::{MarginClaim, Subject, parameters_digest, snapshot_digest};
use super::digits::Carries;
use super::plan::{Plan, SEGMENT, Sizes};
use super::tables::accounts::AccountsTable;
use super::tables::joined::JoinedTable;
use super::tables::joint::JointTable;
use super::tables::lines::LinesTable;
use super::tables::losses::LossesTable;
use super::tables::moves::MovesTable;
use super::tables::rates::RatesTable;
use crate::account::{listing_at, lists};
use crate::kit::totals;
use crate::trees::{book_root, log_slots};

/// The margin statement.
#[derive(Clone, Copy, Debug)]
pub struct Margin;

/// The public numbers of a claim, derived once.
#[derive(Debug)]
pub struct Context {
    pub(crate) plan: Plan,
    /// The digest of the snapshot's lists.
    pub(crate) lists: Digest,
}

/// Most accounts of a book: positions in a tree and sums of limbs stay far below the modulus.
const MAX_ACCOUNTS: u64 = 1 << 24;

/// Account slots per part of a book of so many accounts.
pub(crate) fn segment(accounts: u64) -> usize {
    SEGMENT.min(1 << log_slots(accounts))
}

/// Parts of a book of so many accounts.
pub(crate) fn segments(accounts: u64) -> usize {
    accounts.div_ceil(segment(accounts) as u64) as usize
}

impl Context {
    /// The context of a claim whose snapshot has these tables.
    pub(crate) fn new(claim: &MarginClaim, tables: &MarginTables) -> Result<Self, String> {
        let lists = lists(&claim.snapshot);
        let sizes = |single, accounts| Sizes {
            single,
            accounts,
            slots: claim.slots() as usize,
            underlyings: claim.underlyings as usize,
        };
        let plan = match &claim.subject {
            Subject::Account { .. } => Plan::new(tables, &sizes(true, 1))?,
            Subject::Book {
                book,
                below,
                segments: roots,
                states,
            } => {
                book.check_sizes()?;
                let accounts = &book.accounts;
                if *accounts > MAX_ACCOUNTS {
                    return Err(format!("a book of {accounts} accounts; {MAX_ACCOUNTS} fit"));
                }
                let parts = segments(*accounts);
                if roots.len() != parts || states.len() + 1 != parts {
                    return Err(format!("{accounts} accounts need {parts} segments"));
                }
                if below > accounts {
                    return Err("more accounts are below the level than there are".into());
                }
                let roots: Vec<Digest> = roots.iter().map(|r| r.elements()).collect();
                let log_segment = segment(*accounts).ilog2() as usize;
                let root = book_root(&roots, log_segment, log_slots(*accounts));
                let listing = listing_at(&lists, claim.snapshot.as_of_ms);
                book.check(&listing, &root)?;
                Plan::new(tables, &sizes(false, segment(*accounts)))?
            }
        };
        Ok(Self { plan, lists })
    }
}

/// The height of the table of carries: low, since every row of a table costs, and wide enough to leave a proof small.
pub(crate) const CARRIES_LOG_HEIGHT: usize = 10;

/// The tables of one part.
pub(crate) struct PartTables {
    pub lines: LinesTable,
    pub accounts: AccountsTable,
    pub losses: LossesTable,
    /// With offset groups only.
    pub joint: Option<JointTable>,
    pub rates: RatesTable,
    pub moves: MovesTable,
    pub sponge: SpongeTable,
    pub limbs: RangeTable,
    /// Of a book only.
    pub totals: Option<TotalsTable>,
    /// Where carries of losses are looked up whole.
    pub carries: Option<RangeTable>,
}

impl PartTables {
    pub fn new(claim: &MarginClaim, context: &Context, part: usize) -> Self {
        let plan = &context.plan;
        let (used, root, totals) = match &claim.subject {
            Subject::Account { commitment, .. } => (1, commitment.elements(), None),
            Subject::Book {
                book,
                below,
                segments,
                states,
            } => {
                let before = part as u64 * plan.accounts as u64;
                let used = (book.accounts - before).min(plan.accounts as u64) as usize;
                let shown = || vec![Show::Value((*below).into())];
                let address = plan.opening().end();
                let totals = totals(&[Register::Counted], states, part, shown, address);
                (used, segments[part].elements(), Some(totals))
            }
        };
        let mut streams = plan.opening().streams(used, root);
        streams.extend(totals.iter().flat_map(TotalsTable::streams));
        Self {
            lines: LinesTable {
                plan: plan.clone(),
                used,
                tells: false,
            },
            accounts: AccountsTable {
                plan: plan.clone(),
                lists: context.lists,
                used,
            },
            losses: LossesTable { plan: plan.clone() },
            joint: (!plan.offsets.is_empty()).then(|| JointTable { plan: plan.clone() }),
            rates: RatesTable { plan: plan.clone() },
            moves: MovesTable { plan: plan.clone() },
            sponge: SpongeTable::new(streams),
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
            totals,
            carries: (plan.carries() == Carries::Whole)
                .then(|| RangeTable::carries(CARRIES_LOG_HEIGHT)),
        }
    }

    /// The tables as the proof system sees them, one by one: so they are filled.
    pub fn airs(&self) -> PerTable<TableAir> {
        PerTable {
            lines: TableAir::new(self.lines.clone()),
            accounts: TableAir::new(self.accounts.clone()),
            losses: TableAir::new(self.losses.clone()),
            joint: self.joint.clone().map(TableAir::new),
            rates: TableAir::new(self.rates.clone()),
            moves: TableAir::new(self.moves.clone()),
            sponge: TableAir::new(self.sponge.clone()),
            limbs: TableAir::new(self.limbs),
            totals: self.totals.clone().map(TableAir::new),
            carries: self.carries.map(TableAir::new),
        }
    }
}

/// One of each table of a part.
pub(crate) struct PerTable<T> {
    pub lines: T,
    pub accounts: T,
    pub losses: T,
    /// With offset groups only.
    pub joint: Option<T>,
    pub rates: T,
    pub moves: T,
    pub sponge: T,
    pub limbs: T,
    /// Of a book only.
    pub totals: Option<T>,
    /// Of most books.
    pub carries: Option<T>,
}

impl<T> PerTable<T> {
    /// In the order of the part.
    pub fn into_vec(self) -> Vec<T> {
        let mut all = vec![
            self.lines,
            self.accounts,
            self.losses,
            self.rates,
            self.moves,
            self.sponge,
            self.limbs,
        ];
        all.extend(self.joint);
        all.extend(self.totals);
        all.extend(self.carries);
        all
    }
}

/// The tables of a part as they are proven: the small ones joined, then the others.
pub(crate) fn proven(tables: PartTables) -> Vec<TableAir> {
    let airs = tables.airs().into_vec();
    let joined = TableAir::new(JoinedTable::new(tables));
    let tall = airs
        .into_iter()
        .filter(|air| air.height() != joined.height());
    std::iter::once(joined.clone()).chain(tall).collect()
}

impl Statement for Margin {
    const ID: &'static str = "margin";
    const VERSION: u32 = 6;
    type Claim = MarginClaim;
    type Context = Context;

    fn context(claim: &MarginClaim) -> Result<Context, String> {
        if snapshot_digest(&claim.snapshot) != claim.snapshot_digest {
            return Err("the snapshot does not have the claimed digest".into());
        }
        if parameters_digest(&claim.snapshot) != claim.parameters_digest {
            return Err("the margin parameters do not have the claimed digest".into());
        }
        let tables = MarginTables::new(&claim.snapshot, claim.level).map_err(|e| e.to_string())?;
        Context::new(claim, &tables)
    }

    fn parts(claim: &MarginClaim, _: &Context) -> usize {
        match &claim.subject {
            Subject::Account { .. } => 1,
            Subject::Book { book, .. } => segments(book.accounts),
        }
    }

    fn part(claim: &MarginClaim, context: &Context, part: usize) -> Part {
        let profile = if context.plan.single {
            Profile::Compact
        } else {
            Profile::Fast
        };
        Part {
            profile,
            tables: proven(PartTables::new(claim, context, part)),
            hashed: Vec::new(),
        }
    }
}
