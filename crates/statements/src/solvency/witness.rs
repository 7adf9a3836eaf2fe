//! From a book to a claim and its proof.

use std::sync::Arc;

use fixed::Decimal;
use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, limb_of, limbs_of};
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable};
use market::solvency::{SolvencyResult, amount, evaluate};
use market::{Account, Balance, Snapshot};
use rayon::prelude::*;
use stark::{F, PrimeCharacteristicRing, Statement, Tally, Trace, fill, signed_felt};

use super::claim::{
    Accounts, AssetTotals, Context, Parts, Solvency, SolvencyClaim, Tables, registers, segments,
};
use super::fill::{filled, slot_rows};
use super::list::List;
use super::slots::SlotRow;
use super::split::{SlotSizes, Split};
use super::tables::{AccountRow, AssetRates, ShortfallRow, register};
use crate::account::{HOLDINGS, Leaf, SHORT_LIST};
use crate::book::{Member, SealedBook};
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::margin::snapshot_digest;
use crate::nonce::Nonce;
use crate::ordered::OrderedRow;

/// What to claim.
#[derive(Clone, Debug)]
pub struct Options {
    /// Publish totals; otherwise only that reserves cover liabilities.
    pub publish_totals: bool,
    /// Refuse a book with accounts whose debts are not covered.
    pub require_covered: bool,
    /// Reserves per asset, in asset units.
    pub reserves: Option<Vec<u128>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            publish_totals: true,
            require_covered: false,
            reserves: None,
        }
    }
}

/// What the tables are filled from.
pub struct Witness {
    pub(super) book: Arc<SealedBook>,
    /// Per part, its nodes in heap order.
    pub(super) trees: Vec<Vec<Digest>>,
    pub(super) states: States,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Solvency>;

/// What the accounts of a book add up to, if it is solvent as asked.
///
/// # Errors
/// If it is not, or the inputs do not fit.
pub fn check<'a>(
    snapshot: &Snapshot,
    accounts: impl IntoIterator<Item = &'a Account>,
    options: &Options,
) -> Result<SolvencyResult, Refusal> {
    if !options.publish_totals && options.reserves.is_none() {
        let problem = "hiding the totals needs reserves to compare them with";
        return Err(Refusal::malformed(problem));
    }
    let rates: Vec<_> = snapshot
        .assets
        .iter()
        .map(market::haircut::AssetRates::new)
        .collect::<Result<_, _>>()
        .map_err(Refusal::malformed)?;
    let result = evaluate(&rates, accounts);
    result
        .check(
            &snapshot.assets,
            options.reserves.as_deref(),
            options.require_covered,
        )
        .map_err(Refusal::untrue)?;
    Ok(result)
}

impl Prepared {
    /// Checks a book and makes its claim.
    ///
    /// # Errors
    /// As [`check`].
    pub fn new(book: &Arc<SealedBook>, options: &Options) -> Result<Self, Refusal> {
        Self::in_parts(book, options, Split::sizes)
    }

    /// The same, with the sizes of parts over a long list from the slots of each account.
    pub(super) fn in_parts(
        book: &Arc<SealedBook>,
        options: &Options,
        sizes: impl Fn(&[usize]) -> SlotSizes,
    ) -> Result<Self, Refusal> {
        let (snapshot, assets) = (&book.snapshot, &book.snapshot.assets);
        let rates = super::claim::rates(assets).map_err(Refusal::malformed)?;
        let result = check(snapshot, book.members.iter().map(|m| &m.account), options)?;

        let (slots, split) = split(book, &rates, sizes).map_err(Refusal::malformed)?;
        let (trees, roots) = trees(book, &split);
        let reference = book.reference(&split.root(&roots));
        let allow_uncovered = !result.uncovered.is_empty();
        // The market, too: the same book at other prices has other uncovered accounts.
        let about = (&reference.commitment, snapshot_digest(snapshot));
        let chain = Chain::new::<Solvency>(&book.secret, &about);
        let states = states(chain, book, &rates, &split, allow_uncovered);

        let totals = result.totals.iter().zip(assets).map(|(t, a)| AssetTotals {
            equity: amount(a, t.equity),
            debt: amount(a, t.debt),
            liabilities: amount(a, t.liabilities),
        });
        let claim = SolvencyClaim {
            snapshot: snapshot.clone(),
            book: reference,
            slots,
            segments: roots.iter().map(|r| (*r).into()).collect(),
            states: states.links(),
            uncovered: result.uncovered.len() as u64,
            negative_equity: Decimal::new(
                result.negative_equity_ticks as i128,
                records::units::TICK_DECIMALS,
            ),
            totals: options.publish_totals.then(|| totals.collect()),
            reserves: options
                .reserves
                .as_ref()
                .map(|r| r.iter().zip(assets).map(|(r, a)| amount(a, *r)).collect()),
            nonce: None,
        };
        let context = Solvency::context(&claim).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness: Witness {
                book: book.clone(),
                trees,
                states,
            },
        })
    }
}

/// How a book is split into parts, and what a claim says of slots.
fn split(
    book: &SealedBook,
    rates: &[AssetRates],
    sizes: impl Fn(&[usize]) -> SlotSizes,
) -> Result<(Option<SlotSizes>, Parts), String> {
    if rates.len() <= SHORT_LIST {
        return Ok((None, Parts::Rows(segments(book.accounts()))));
    }
    let of = |m: &Member| m.leaf.balances.held().count().div_ceil(HOLDINGS).max(1);
    let slots: Vec<usize> = book.members.iter().map(of).collect();
    let sizes = sizes(&slots);
    let split = Split::new(book.accounts(), &sizes)?;
    let list = List::new(rates.to_vec())?;
    Ok((Some(sizes), Parts::Slots(split, Arc::new(list))))
}

/// Per part, its nodes in heap order; and the roots that the claim has.
fn trees(book: &SealedBook, split: &Parts) -> (Vec<Vec<Digest>>, Vec<Digest>) {
    let leaves = book.leaves();
    match split {
        Parts::Rows(segments) => {
            let trees = segments.trees(&leaves);
            let roots = trees.iter().map(|t| t[1]).collect();
            (trees, roots)
        }
        Parts::Slots(split, _) => {
            let tree = |part: usize| {
                let forest = split.forest(part);
                let nodes = forest.nodes(&leaves[split.accounts(part)]);
                let roots = forest.roots(&nodes).to_vec();
                (nodes, roots)
            };
            let parts: Vec<_> = (0..split.count()).into_par_iter().map(tree).collect();
            let (trees, roots): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            (trees, roots.concat())
        }
    }
}

/// What an account adds to its assets' registers, as the limbs of the accounts table.
fn limb_contributions(
    leaf: &Leaf,
) -> impl Iterator<Item = [[i64; AMOUNT_LIMBS]; register::PER_ASSET]> + '_ {
    leaf.balances.iter().map(|b| {
        let (equity, debt) = (limbs(b.equity), limbs(b.debt));
        let owed = b.equity >= b.debt;
        let liability = std::array::from_fn(|i| if owed { equity[i] - debt[i] } else { 0 });
        [equity, debt, liability]
    })
}

/// What an account adds to the registers of the assets that it holds.
fn contributions(leaf: &Leaf) -> impl Iterator<Item = (usize, [u64; register::PER_ASSET])> + '_ {
    let held = leaf.balances.held();
    held.map(|(i, b)| (i, [b.equity, b.debt, b.equity.saturating_sub(b.debt)]))
}

/// Collateral, debts and equity, in subticks.
pub(super) fn cover(rates: &[AssetRates], leaf: &Leaf) -> (u128, u128, u128) {
    let (mut collateral, mut debts, mut equity) = (0, 0, 0);
    for (asset, balance) in leaf.balances.held() {
        let added = cover_of(&rates[asset], balance);
        collateral += added.0;
        debts += added.1;
        equity += added.2;
    }
    (collateral, debts, equity)
}

/// The same of one holding.
pub(super) fn cover_of(rates: &AssetRates, balance: &Balance) -> (u128, u128, u128) {
    let mut collateral = 0;
    for (pieces, pledge) in rates.schedules.iter().zip(balance.pledges()) {
        if let Some(p) = pieces.iter().rev().find(|p| p.start <= pledge) {
            collateral += p.intercept + u128::from(p.rate) * u128::from(pledge);
        }
    }
    let debts = u128::from(balance.debt) * u128::from(rates.debt);
    (
        collateral,
        debts,
        u128::from(balance.equity) * u128::from(rates.equity),
    )
}

/// Ticks of negative equity, rounded up.
fn negative_ticks(debts: u128, equity: u128) -> u128 {
    debts
        .saturating_sub(equity)
        .div_ceil(records::units::SUBTICKS_PER_TICK as u128)
}

/// The states that the book's accounts lead to.
fn states(
    chain: Chain,
    book: &SealedBook,
    rates: &[AssetRates],
    split: &Parts,
    allow_uncovered: bool,
) -> States {
    let n = registers(rates.len(), allow_uncovered).len();
    chain.run(n, split.count(), |part, state| {
        for Member { leaf, .. } in &book.members[split.accounts(part)] {
            state[register::KEY] = leaf.identity.key().into();
            for (asset, parts) in contributions(leaf) {
                let first = register::FIRST_ASSET + register::PER_ASSET * asset;
                for (register, part) in state[first..].iter_mut().zip(parts) {
                    *register += u128::from(part);
                }
            }
            if allow_uncovered {
                let (collateral, debts, equity) = cover(rates, leaf);
                if collateral < debts {
                    state[register::uncovered(rates.len())] += 1;
                    state[register::negative_equity(rates.len())] += negative_ticks(debts, equity);
                }
            }
        }
    })
}

fn limbs(value: u64) -> [i64; AMOUNT_LIMBS] {
    std::array::from_fn(|i| limb_of(value.into(), i) as i64)
}

/// The coefficients of an account's equity, as the accounts table computes them.
fn equity_coefficients(rates: &[AssetRates], leaf: &Leaf, len: usize) -> Vec<F> {
    let mut coefficients = vec![0i64; len];
    for (rates, b) in rates.iter().zip(leaf.balances.iter()) {
        for (amount, rate, sign) in [(b.equity, rates.equity, 1), (b.debt, rates.debt, -1)] {
            for (j, r) in limbs_of(rate.into()).into_iter().enumerate() {
                for (i, a) in limbs(amount).into_iter().enumerate() {
                    coefficients[i + j] += sign * a * r as i64;
                }
            }
        }
    }
    coefficients.into_iter().map(signed_felt).collect()
}

impl Prepared {
    /// The sealed book.
    pub fn book(&self) -> &Arc<SealedBook> {
        &self.witness.book
    }
}

impl Provable for Solvency {
    type Witness = Witness;

    fn traces(
        claim: &SolvencyClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        witness.traces_after(claim, context, part, &Change::NONE)
    }

    fn nonce_mut(claim: &mut SolvencyClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The filled tables after a change of the rows of accounts.
    pub(super) fn traces_after(
        &self,
        claim: &SolvencyClaim,
        context: &Context,
        part: usize,
        change: &Change,
    ) -> Vec<Trace> {
        let tables = Tables::new(claim, context, part);
        let airs = tables.airs();
        let segment = &self.book.members[context.split.accounts(part)];
        let before = self.states.before(part);
        let start_key = before[SALTS + register::KEY] as u64;
        let mut buses = vec![tables.limbs.tallied()];
        if let Accounts::Slots(_, assets, pieces) = &tables.accounts {
            buses.extend([assets.tallied(), pieces.tallied()]);
        }
        let tally = Tally::new(&buses);
        let mut airs = airs.iter();
        let mut air = || airs.next().expect("one air per table");
        let nodes = &self.trees[part];
        let (mut traces, filled) = match &tables.accounts {
            Accounts::Rows(accounts) => {
                let rows = account_rows(context, segment, start_key);
                let trace = fill(accounts, air(), &tally, |i| {
                    let mut row = rows.row(segment, nodes, i);
                    (change.account)(i, &mut row);
                    row
                });
                let len = tables.shortfall.as_ref().map_or(0, |s| s.coefficients.0);
                let filled = Filled {
                    uncovered: uncovered(&context.rates, segment, len),
                    totals: rows.totals,
                };
                (vec![trace], filled)
            }
            Accounts::Slots(slots, assets, pieces) => {
                let mut rows = slot_rows(slots, segment, start_key, nodes);
                (change.slots)(&mut rows);
                let traces = vec![
                    fill(slots, air(), &tally, |i| rows[i].clone()),
                    assets.trace(air(), &tally, &rows),
                    pieces.trace(air(), &tally),
                ];
                (traces, filled(slots, &rows))
            }
        };
        let mut counts = vec![[0i64; COUNT_LIMBS]; before.len()];
        for (asset, parts) in filled.totals.iter().enumerate() {
            let first = SALTS + register::FIRST_ASSET + register::PER_ASSET * asset;
            counts[first..first + register::PER_ASSET].copy_from_slice(parts);
        }
        if let Some(shortfall) = &tables.shortfall {
            let assets = context.rates.len();
            counts[SALTS + register::uncovered(assets)][0] = filled.uncovered.len() as i64;
            let (shortfalls, sums) = shortfall_rows(&filled.uncovered);
            counts[SALTS + register::negative_equity(assets)] = sums.map(|s| s as i64);
            let height = 1 << shortfall.log_height;
            traces.push(fill(shortfall, air(), &tally, |i| {
                let mut row = shortfalls.get(i).cloned().unwrap_or_else(|| ShortfallRow {
                    sums,
                    ..ShortfallRow::default()
                });
                row.last = i + 1 == height;
                row
            }));
        }
        let mut quads = vec![[F::ZERO; QUAD]; TotalsTable::quads(before.len() - SALTS)];
        let after = self.states.after(part);
        traces.push(
            tables
                .totals
                .trace(air(), &tally, before, after, &counts, &mut quads),
        );
        if let Some(sponge) = &tables.sponge {
            traces.push(sponge.trace(air(), &mut quads));
        }
        traces.push(tables.limbs.trace(air(), &tally));
        traces
    }
}

/// A change of the rows of accounts before they are filled: what a forger would put there.
pub(super) struct Change<'a> {
    /// Of a row over a short list, by its number.
    pub account: &'a (dyn Fn(usize, &mut AccountRow) + Sync),
    /// Of all rows over a long one.
    pub slots: &'a dyn Fn(&mut [SlotRow]),
}

impl Change<'_> {
    /// No change.
    pub const NONE: Self = Self {
        account: &|_, _| (),
        slots: &|_| (),
    };
}

/// What the accounts of a part lead to in other tables.
pub(super) struct Filled {
    /// What they add to the assets' registers.
    pub totals: Vec<[[i64; AMOUNT_LIMBS]; register::PER_ASSET]>,
    /// Those whose debts are not covered.
    pub uncovered: Vec<Lacking>,
}

/// An account whose debts are not covered.
pub(super) struct Lacking {
    /// Its row.
    pub row: usize,
    /// The coefficients of its equity.
    pub coefficients: Vec<F>,
    /// What its debts exceed its equity by, in subticks.
    pub missing: u128,
}

fn uncovered(rates: &[AssetRates], segment: &[Member], len: usize) -> Vec<Lacking> {
    let rows = segment.iter().enumerate();
    let lacking = rows.filter_map(|(row, Member { leaf, .. })| {
        let (collateral, debts, equity) = cover(rates, leaf);
        (collateral < debts).then(|| Lacking {
            row,
            coefficients: equity_coefficients(rates, leaf, len),
            missing: debts.saturating_sub(equity),
        })
    });
    lacking.collect()
}

fn account_rows(context: &Context, segment: &[Member], start_key: u64) -> AccountRows {
    let assets = context.rates.len();
    let mut sums = vec![[[0i64; AMOUNT_LIMBS]; register::PER_ASSET]; assets];
    let (mut before, mut uncovered_before) = (Vec::new(), Vec::new());
    let mut uncovered = 0;
    for Member { leaf, .. } in segment {
        before.push(sums.clone());
        uncovered_before.push(uncovered);
        for (sums, parts) in sums.iter_mut().zip(limb_contributions(leaf)) {
            for (sum, part) in sums.as_flattened_mut().iter_mut().zip(parts.as_flattened()) {
                *sum += part;
            }
        }
        if context.allow_uncovered {
            let (collateral, debts, _) = cover(&context.rates, leaf);
            uncovered += usize::from(collateral < debts);
        }
    }
    AccountRows {
        keys: segment.iter().map(|m| m.leaf.identity.key()).collect(),
        before,
        uncovered_before,
        totals: sums,
        uncovered,
        start_key,
    }
}

fn shortfall_rows(uncovered: &[Lacking]) -> (Vec<ShortfallRow>, [u64; COUNT_LIMBS]) {
    let mut sums = [0u64; COUNT_LIMBS];
    let mut rows = Vec::new();
    for lacking in uncovered {
        rows.push(ShortfallRow {
            account: Some((lacking.row, lacking.coefficients.clone())),
            sums,
            last: false,
        });
        if lacking.missing > 0 {
            // As the table adds it up: the limbs from a tick on, and one if anything is below.
            let missing = lacking.missing;
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum += limb_of(missing, i + 2);
            }
            sums[0] += u64::from(missing % (records::units::SUBTICKS_PER_TICK as u128) != 0);
        }
    }
    (rows, sums)
}

/// What the rows of a part need from the rows above them.
struct AccountRows {
    keys: Vec<u64>,
    before: Vec<Vec<[[i64; AMOUNT_LIMBS]; register::PER_ASSET]>>,
    uncovered_before: Vec<usize>,
    totals: Vec<[[i64; AMOUNT_LIMBS]; register::PER_ASSET]>,
    uncovered: usize,
    start_key: u64,
}

impl AccountRows {
    fn row(&self, segment: &[Member], nodes: &[Digest], index: usize) -> AccountRow {
        let uncovered = self.uncovered_before.get(index);
        AccountRow {
            place: OrderedRow::new(index, &self.keys, self.start_key, nodes),
            leaf: segment.get(index).map(|m| m.leaf.clone()),
            seal: segment
                .get(index)
                .map_or([F::ZERO; DIGEST], |m| m.leaf.seal()),
            sums: self.before.get(index).unwrap_or(&self.totals).clone(),
            uncovered: uncovered.copied().unwrap_or(self.uncovered) as u64,
        }
    }
}
