//! From private accounts to proofs. What is false is refused here, in the user's words.

use std::path::Path;

use gadgets::hash::Digest;
use gadgets::limbs::limb_of;
use gadgets::totals::{COUNT_LIMBS, SALTS};
use rayon::prelude::*;
use risk::margin::{MarginTables, Undermargined, evaluate, explain};
use risk::{Account, Book, Level, MAX_AMOUNT, MAX_LOTS, PHI_PER_TICK, Snapshot, SnapshotError};
use stark::{
    F, PartProof, PrimeCharacteristicRing, ProveError, Statement, TableAir, Tally, Trace, fill,
    prove_part,
};

use super::claim::{MarginClaim, Subject, parameters_digest, snapshot_digest};
use super::plan::{LOT_LIMBS, Plan};
use super::statement::{Context, Margin, PartTables, proven, segment, segments};
use super::tables::RATES;
use super::tables::accounts::AccountRow;
use super::tables::joined::JoinedTable;
use super::tables::lines::{LineRow, Slot};
use super::tables::outcomes::OutcomeRow;
use super::tables::rates::RateRow;
use crate::account::{
    Identity, Leaf, Secret, book_root, log_slots, position_key, position_quad, positions_digest,
    tree,
};
use crate::parts::{PartsError, prove_parts};

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum MarginError {
    /// The snapshot contradicts itself.
    #[error("snapshot: {0}")]
    Snapshot(#[from] SnapshotError),
    /// The account does not meet the level.
    #[error(transparent)]
    Undermargined(Box<Undermargined>),
    /// An account has more positions than slots.
    #[error(
        "account `{account}` has {positions} positions, more than {slots} slots; use more slots"
    )]
    TooManyPositions {
        /// The account.
        account: String,
        /// Its positions.
        positions: usize,
        /// The slots.
        slots: usize,
    },
    /// An account does not fit the snapshot or exceeds a bound.
    #[error("account `{account}`: {problem}")]
    Account {
        /// The account.
        account: String,
        /// What is wrong.
        problem: String,
    },
    /// The sizes do not fit the tables.
    #[error("{0}")]
    Size(String),
    /// Finished parts could not be kept.
    #[error("cannot keep finished parts in the resume folder: {0}")]
    Resume(std::io::Error),
    /// The proof system failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

impl From<PartsError> for MarginError {
    fn from(error: PartsError) -> Self {
        match error {
            PartsError::Resume(error) => Self::Resume(error),
            PartsError::Prove(error) => Self::Prove(error),
        }
    }
}

/// The least number of position slots that every account fits in.
pub fn least_slots<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> usize {
    let most = accounts
        .into_iter()
        .map(|a| a.positions.len())
        .max()
        .unwrap_or(0);
    most.next_power_of_two().max(4)
}

/// The accounts of a book that do not meet a level, each with the reason. No proof is made.
///
/// # Errors
/// If the snapshot or an account is malformed.
pub fn check_book(
    snapshot: &Snapshot,
    book: &Book,
    level: Level,
) -> Result<Vec<Undermargined>, MarginError> {
    let tables = MarginTables::new(snapshot, level)?;
    let mut below = Vec::new();
    for account in book.accounts() {
        check(snapshot, account, account.positions.len())?;
        let result = evaluate(snapshot, &tables, account);
        if !result.is_met() {
            below.push(explain(snapshot, &tables, account, &result));
        }
    }
    Ok(below)
}

/// Proves that one account meets a level. The commitment hides it under the book's secret.
///
/// # Errors
/// If it does not, with its worst scenario, equity, requirement and shortfall; or if something is
/// malformed or too large.
pub fn prove_account(
    snapshot: &Snapshot,
    account: &Account,
    level: Level,
    slots: usize,
    secret: &Secret,
) -> Result<(MarginClaim, Vec<PartProof>), MarginError> {
    let prepared = Prepared::account(snapshot, account, level, slots, secret)?;
    let proof = prepared.prove(0)?;
    Ok((prepared.claim, vec![proof]))
}

/// Proves how many accounts of a book do not meet a level. `progress` is told the parts done and
/// their number. Finished parts are kept in the folder `resume`, if given, and not made again.
///
/// # Errors
/// If something is malformed or too large, or the folder cannot be written.
pub fn prove_book(
    snapshot: &Snapshot,
    book: &Book,
    level: Level,
    slots: usize,
    secret: &Secret,
    progress: &mut dyn FnMut(usize, usize),
    resume: Option<&Path>,
) -> Result<(MarginClaim, Vec<PartProof>), MarginError> {
    let prepared = Prepared::book(snapshot, book, level, slots, secret)?;
    let prove = |part| prepared.prove(part);
    let proofs = prove_parts::<Margin>(&prepared.claim, prepared.parts(), resume, progress, prove)?;
    Ok((prepared.claim, proofs))
}

/// An account with all that its rows need.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub account: Account,
    pub leaf: Leaf,
}

/// A claim with its witness, ready for proving part by part.
#[derive(Debug)]
pub struct Prepared {
    claim: MarginClaim,
    pub(crate) context: Context,
    /// In the order of the tree.
    pub(crate) members: Vec<Member>,
    /// The whole running state between the parts, from the zeros before the first on.
    pub(crate) states: Vec<[u128; SALTS + 1]>,
}

fn check(snapshot: &Snapshot, account: &Account, slots: usize) -> Result<(), MarginError> {
    let fail = |problem: String| {
        Err(MarginError::Account {
            account: account.id.clone(),
            problem,
        })
    };
    if account.positions.len() > slots {
        return Err(MarginError::TooManyPositions {
            account: account.id.clone(),
            positions: account.positions.len(),
            slots,
        });
    }
    if account.balances.len() != snapshot.assets.len() {
        return fail("needs one balance per asset of the snapshot".into());
    }
    for (balance, asset) in account.balances.iter().zip(&snapshot.assets) {
        let b = balance;
        if [b.equity, b.debt, b.loan, b.margin, b.portfolio]
            .iter()
            .any(|&x| x >= MAX_AMOUNT)
        {
            return fail(format!(
                "an amount of {} is 2^60 units or more",
                asset.symbol
            ));
        }
    }
    for position in &account.positions {
        let Some(instrument) = snapshot.instruments.get(position.instrument) else {
            return fail("a position's instrument is not in the snapshot".into());
        };
        if position.lots == 0 || position.lots >= MAX_LOTS || position.entry >= MAX_AMOUNT {
            return fail(format!(
                "the position in {} is empty or too large",
                instrument.symbol
            ));
        }
    }
    Ok(())
}

fn claim(snapshot: &Snapshot, level: Level, slots: usize, subject: Subject) -> MarginClaim {
    MarginClaim {
        snapshot: snapshot.clone(),
        snapshot_digest: snapshot_digest(snapshot),
        parameters_digest: parameters_digest(snapshot),
        level,
        slots: slots as u32,
        subject,
    }
}

impl Prepared {
    /// Prepares the claim that one account meets a level.
    ///
    /// # Errors
    /// See [`prove_account`].
    pub fn account(
        snapshot: &Snapshot,
        account: &Account,
        level: Level,
        slots: usize,
        secret: &Secret,
    ) -> Result<Self, MarginError> {
        let tables = MarginTables::new(snapshot, level)?;
        check(snapshot, account, slots)?;
        let result = evaluate(snapshot, &tables, account);
        if !result.is_met() {
            let why = explain(snapshot, &tables, account, &result);
            return Err(MarginError::Undermargined(Box::new(why)));
        }
        let leaf = Leaf::new(account, slots, secret, &positions_digest(&[], slots));
        let subject = Subject::Account {
            commitment: leaf.digest().into(),
        };
        let claim = claim(snapshot, level, slots, subject);
        let context = Context::new(&claim, tables).map_err(MarginError::Size)?;
        let members = vec![Member {
            account: account.clone(),
            leaf,
        }];
        Ok(Self {
            claim,
            context,
            members,
            states: Vec::new(),
        })
    }

    /// Prepares the claim about all accounts of a book.
    ///
    /// # Errors
    /// See [`prove_book`].
    pub fn book(
        snapshot: &Snapshot,
        book: &Book,
        level: Level,
        slots: usize,
        secret: &Secret,
    ) -> Result<Self, MarginError> {
        let tables = MarginTables::new(snapshot, level)?;
        if book.accounts().is_empty() {
            return Err(MarginError::Size("the book has no accounts".into()));
        }
        book.accounts()
            .iter()
            .try_for_each(|a| check(snapshot, a, slots))?;
        let none = positions_digest(&[], slots);
        let mut members: Vec<Member> = book
            .accounts()
            .par_iter()
            .map(|a| Member {
                account: a.clone(),
                leaf: Leaf::new(a, slots, secret, &none),
            })
            .collect();
        members.sort_by_key(|m| m.leaf.identity.key());
        Self::of_members(snapshot, tables, members, level, slots, secret)
    }

    /// The claim about accounts in the order they are given.
    pub(crate) fn of_members(
        snapshot: &Snapshot,
        tables: MarginTables,
        members: Vec<Member>,
        level: Level,
        slots: usize,
        secret: &Secret,
    ) -> Result<Self, MarginError> {
        let accounts = members.len() as u64;
        let size = segment(accounts);
        let leaves: Vec<Digest> = members.par_iter().map(|m| m.leaf.digest()).collect();
        let below: Vec<bool> = members
            .par_iter()
            .map(|m| !evaluate(snapshot, &tables, &m.account).is_met())
            .collect();
        let mut states = vec![[0; SALTS + 1]];
        let mut roots = Vec::new();
        let market = snapshot_digest(snapshot);
        let about = format!(
            "margin {market} {level} {slots} {}",
            hex(&tree_root(&leaves, 1 << log_slots(accounts)))
        );
        let about = Identity::of(&about).0;
        for (part, leaves) in leaves.chunks(size).enumerate() {
            roots.push(tree_root(leaves, size));
            let counted = below[part * size..]
                .iter()
                .take(size)
                .filter(|b| **b)
                .count();
            let [.., count] = states[part];
            // The salts are the same whenever the same claim is proven, so that proving can resume;
            // without the secret they are unknown.
            let [low, high] = secret.state_salts(&about, part);
            // The last state is not committed to, so it needs no salt.
            let salts = if (part + 1) * size < members.len() {
                [low, high]
            } else {
                [0; SALTS]
            };
            states.push([salts[0], salts[1], count + counted as u128]);
        }
        let parts = roots.len();
        let subject = Subject::Book {
            root: book_root(&roots, size.ilog2() as usize, log_slots(accounts)).into(),
            accounts,
            below: below.iter().filter(|b| **b).count() as u64,
            segments: roots.into_iter().map(Into::into).collect(),
            states: states[1..parts]
                .iter()
                .map(|s| gadgets::totals::commit(s).into())
                .collect(),
        };
        debug_assert_eq!(parts, segments(accounts));
        let claim = claim(snapshot, level, slots, subject);
        let context = Context::new(&claim, tables).map_err(MarginError::Size)?;
        Ok(Self {
            claim,
            context,
            members,
            states,
        })
    }

    /// The claim.
    pub fn claim(&self) -> &MarginClaim {
        &self.claim
    }

    /// The public numbers of the claim.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// How many parts the proof has.
    pub fn parts(&self) -> usize {
        Margin::parts(&self.claim, &self.context)
    }

    /// The tables of a part.
    pub fn tables(&self, part: usize) -> Vec<TableAir> {
        proven(PartTables::new(&self.claim, &self.context, part))
    }

    /// Proves a part.
    ///
    /// # Errors
    /// If the proof system fails.
    pub fn prove(&self, part: usize) -> Result<PartProof, ProveError> {
        prove_part::<Margin>(&self.claim, &self.context, part, self.traces(part))
    }

    /// The filled tables of a part, in their order.
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        let tables = PartTables::new(&self.claim, &self.context, part);
        let traces = self.separate(&tables, part);
        let airs = tables.airs();
        JoinedTable::traces(&airs, &TableAir::new(JoinedTable::new(tables)), traces)
    }

    /// The filled tables of a part, not joined.
    pub(crate) fn separate(&self, tables: &PartTables, part: usize) -> Vec<Trace> {
        let plan = &self.context.plan;
        let size = plan.accounts;
        let members = &self.members[part * size..self.members.len().min((part + 1) * size)];
        fill_part(
            tables,
            plan,
            &self.claim.snapshot,
            &self.context.tables,
            members,
            |counted| {
                let zero = [0; SALTS + 1];
                let before = self.states.get(part).copied().unwrap_or(zero);
                let after = self.states.get(part + 1).copied().unwrap_or(zero);
                let mut counts = [[0; COUNT_LIMBS]; SALTS + 1];
                counts[SALTS][0] = counted;
                (before, after, counts)
            },
        )
    }
}

fn hex(digest: &Digest) -> String {
    crate::account::PublicDigest::from(*digest).to_string()
}

fn tree_root(leaves: &[Digest], size: usize) -> Digest {
    let mut leaves = leaves.to_vec();
    leaves.resize(size, [F::ZERO; 8]);
    tree(leaves)[1]
}

/// What the rows of one account are filled from.
struct Filled {
    /// Keys, lots and entries by slot.
    positions: Vec<(usize, u64, u64)>,
    /// Running sums: for each line of the account, those of its columns and of its entry.
    sums: Vec<F>,
    /// Equity in ticks, without the value of positions.
    ticks: i128,
    /// Which columns are negative.
    negative: Vec<bool>,
}

impl Filled {
    fn new(
        plan: &Plan,
        snapshot: &Snapshot,
        tables: &MarginTables,
        member: Option<&Member>,
    ) -> Self {
        let rates = &plan.rates;
        let mut positions = vec![(0, 0, 0); plan.slots];
        for (slot, p) in member.iter().flat_map(|m| &m.account.positions).enumerate() {
            positions[slot] = (position_key(p), p.lots, p.entry);
        }
        let (pnl_len, columns) = (plan.pnl_len(), plan.block_columns());
        let per_line = columns * pnl_len + plan.entry_len();
        let mut sums = Vec::with_capacity(plan.blocks * plan.block_lines() * per_line);
        for block in 0..plan.blocks {
            let mut line = vec![0i64; per_line];
            for slots in positions.chunks(plan.per_line) {
                for &(key, lots, entry) in slots {
                    let entry = if block == 0 { entry } else { 0 };
                    for column in 0..columns {
                        let value = rates.value(key, block * columns + column);
                        add_product(&mut line[column * pnl_len..], lots, LOT_LIMBS, value);
                    }
                    let sum = &mut line[columns * pnl_len..];
                    add_product(sum, entry, 2 * LOT_LIMBS, rates.entry(key));
                }
                sums.extend(line.iter().map(|&v| F::from_i64(v)));
            }
        }
        let Some(member) = member else {
            let negative = vec![false; rates.columns];
            return Self {
                positions,
                sums,
                ticks: 0,
                negative,
            };
        };
        let result = evaluate(snapshot, tables, &member.account);
        let entries: i128 = member
            .account
            .positions
            .iter()
            .map(|p| {
                let side = usize::from(p.side == risk::Side::Short);
                i128::from(p.entry) * i128::from(tables.arrays.entry_rates[p.instrument][side])
            })
            .sum();
        let last = tables.arrays.columns - 1;
        Self {
            positions,
            sums,
            ticks: (result.collateral + entries).div_euclid(PHI_PER_TICK),
            negative: (0..rates.columns)
                .map(|s| result.margins[s.min(last)] < 0)
                .collect(),
        }
    }
}

fn add_product(sums: &mut [i64], number: u64, limbs: usize, digits: &[i64]) {
    for i in 0..limbs {
        let limb = limb_of(u128::from(number), i) as i64;
        if limb != 0 {
            for (j, d) in digits.iter().enumerate() {
                sums[i + j] += limb * d;
            }
        }
    }
}

/// Equity as it travels: limbs, pairs of limbs, sign.
fn equity_message(plan: &Plan, ticks: i128) -> Vec<F> {
    let mut at = 0;
    let mut message: Vec<F> = plan
        .equity_widths()
        .into_iter()
        .map(|width| {
            let limb = (ticks >> (10 * at).min(127)) & ((1 << (10 * width)) - 1);
            at += width;
            F::from_u64(limb as u64)
        })
        .collect();
    message.push(F::from_bool(ticks < 0));
    message
}

/// The running state before and after a part, and what the part adds.
pub(crate) type Totals = (
    [u128; SALTS + 1],
    [u128; SALTS + 1],
    [[u64; COUNT_LIMBS]; SALTS + 1],
);

/// Fills the tables of a part over `members`, whose number the tables agree with.
pub(crate) fn fill_part(
    tables: &PartTables,
    plan: &Plan,
    snapshot: &Snapshot,
    public: &MarginTables,
    members: &[Member],
    totals: impl FnOnce(u64) -> Totals,
) -> Vec<Trace> {
    let airs = tables.airs();
    let filled: Vec<Filled> = (0..plan.accounts)
        .into_par_iter()
        .map(|a| Filled::new(plan, snapshot, public, members.get(a)))
        .collect();
    let rate_rows = plan.rates.keys * plan.blocks;
    let tally = Tally::new(&[(RATES, rate_rows), tables.limbs.tallied()]);

    let (per_block, per_line) = (
        plan.block_lines(),
        plan.block_columns() * plan.pnl_len() + plan.entry_len(),
    );
    let per_account = plan.blocks * per_block;
    let lines = fill(&tables.lines, &airs[0], &tally, |row| {
        let (account, line) = (&filled[row / per_account], row % per_account);
        let slot = line % per_block * plan.per_line;
        let slots = account.positions[slot..slot + plan.per_line]
            .iter()
            .map(|&(key, lots, entry)| Slot {
                key,
                lots,
                entry: if line < per_block { entry } else { 0 },
            })
            .collect();
        let sums = account.sums[line * per_line..(line + 1) * per_line].to_vec();
        LineRow { row, slots, sums }
    });
    let entry_at = plan.block_columns() * plan.pnl_len();
    let accounts = fill(&tables.accounts, &airs[1], &tally, |row| AccountRow {
        row,
        leaf: members.get(row).map(|m| m.leaf.clone()),
        entry: members.get(row).map_or(Vec::new(), |_| {
            let line = per_block - 1;
            filled[row].sums[line * per_line + entry_at..(line + 1) * per_line].to_vec()
        }),
    });
    let (outcomes, counted) = fill_outcomes(tables, &airs[2], &tally, plan, &filled);

    let mut quads = vec![[F::ZERO; 4]; plan.totals_address() + 2 * (SALTS + 1)];
    for (account, member) in members.iter().enumerate() {
        for slot in 0..plan.slots {
            quads[account * plan.slots + slot] = position_quad(member.account.positions.get(slot));
        }
        let leaf = member.leaf.elements();
        for (i, quad) in leaf.chunks(4).enumerate() {
            quads[plan.leaf_address(account) + i].copy_from_slice(quad);
        }
    }
    let totals = tables.totals.as_ref().map(|table| {
        let (before, after, counts) = totals(counted);
        table.trace(&airs[6], &tally, &before, &after, &counts, &mut quads)
    });
    let sponge = tables.sponge.trace(&airs[4], &mut quads);
    let rates = fill(&tables.rates, &airs[3], &Tally::default(), |row| RateRow {
        multiplicities: (0..plan.blocks)
            .map(|block| {
                let known = row < plan.rates.keys;
                if known {
                    tally.count(RATES, row * plan.blocks + block)
                } else {
                    0
                }
            })
            .collect(),
    });
    let limbs = tables.limbs.trace(&airs[5], &tally);
    let mut traces = vec![lines, accounts, outcomes, rates, sponge, limbs];
    traces.extend(totals);
    traces
}

fn fill_outcomes(
    tables: &PartTables,
    air: &TableAir,
    tally: &Tally,
    plan: &Plan,
    filled: &[Filled],
) -> (Trace, u64) {
    let per_account = plan.outcomes();
    let per_line = plan.block_columns() * plan.pnl_len() + plan.entry_len();
    let mut counts = vec![0u64];
    for account in filled {
        let below = account.negative.iter().any(|n| *n);
        counts.push(counts[counts.len() - 1] + u64::from(below));
    }
    let trace = fill(&tables.outcomes, air, tally, |row| {
        let (account, outcome) = (row / per_account, row % per_account);
        let Some(f) = filled.get(account) else {
            return OutcomeRow {
                row,
                count: counts[counts.len() - 1],
                ..OutcomeRow::default()
            };
        };
        let (block, group) = (outcome / plan.groups, outcome % plan.groups);
        let line = block * plan.block_lines() + plan.block_lines() - 1;
        let start = line * per_line + group * plan.width * plan.pnl_len();
        OutcomeRow {
            row,
            equity: equity_message(plan, f.ticks),
            pnl: f.sums[start..start + plan.width * plan.pnl_len()].to_vec(),
            above: f.negative[..outcome * plan.width]
                .iter()
                .filter(|n| **n)
                .count() as u64,
            count: counts[account],
        }
    });
    (trace, counts[counts.len() - 1])
}
