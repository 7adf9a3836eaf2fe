//! From a book to a claim and its proof.

use std::sync::Arc;

use fixed::Decimal;
use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, limb_of, limbs_of};
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable};
use market::solvency::{SolvencyResult, amount, evaluate};
use market::{Account, Snapshot};
use stark::{F, PrimeCharacteristicRing, Statement, Tally, Trace, fill, signed_felt};

use super::claim::{AssetTotals, Context, Solvency, SolvencyClaim, Tables, registers, segments};
use super::tables::{AccountRow, AssetRates, ShortfallRow, register};
use crate::account::Leaf;
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
    book: Arc<SealedBook>,
    /// Per part, its subtree in heap order.
    trees: Vec<Vec<Digest>>,
    states: States,
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
        let (snapshot, assets) = (&book.snapshot, &book.snapshot.assets);
        let rates = super::claim::rates(assets).map_err(Refusal::malformed)?;
        let result = check(snapshot, book.members.iter().map(|m| &m.account), options)?;

        let segments = segments(book.accounts());
        let trees = segments.trees(&book.leaves());
        let roots: Vec<Digest> = trees.iter().map(|t| t[1]).collect();
        let reference = book.reference(&segments.root(&roots));
        let allow_uncovered = !result.uncovered.is_empty();
        // The market, too: the same book at other prices has other uncovered accounts.
        let about = (&reference.commitment, snapshot_digest(snapshot));
        let chain = Chain::new::<Solvency>(&book.secret, &about);
        let states = states(chain, book, &rates, segments.slots(), allow_uncovered);

        let totals = result.totals.iter().zip(assets).map(|(t, a)| AssetTotals {
            equity: amount(a, t.equity),
            debt: amount(a, t.debt),
            liabilities: amount(a, t.liabilities),
        });
        let claim = SolvencyClaim {
            snapshot: snapshot.clone(),
            book: reference,
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

/// What an account adds to its assets' registers, as the limbs of the accounts table.
fn limb_contributions(
    leaf: &Leaf,
) -> impl Iterator<Item = [[i64; AMOUNT_LIMBS]; register::PER_ASSET]> + '_ {
    leaf.balances.iter().map(|b| {
        let (equity, debt) = (limbs(b[0]), limbs(b[1]));
        let owed = b[0] >= b[1];
        let liability = std::array::from_fn(|i| if owed { equity[i] - debt[i] } else { 0 });
        [equity, debt, liability]
    })
}

/// What an account adds to its assets' registers.
fn contributions(leaf: &Leaf) -> impl Iterator<Item = [u64; register::PER_ASSET]> + '_ {
    leaf.balances
        .iter()
        .map(|b| [b[0], b[1], b[0].saturating_sub(b[1])])
}

/// Collateral, debts and equity, in subticks.
fn cover(rates: &[AssetRates], leaf: &Leaf) -> (u128, u128, u128) {
    let (mut collateral, mut debts, mut equity) = (0, 0, 0);
    for (rates, b) in rates.iter().zip(&leaf.balances) {
        for (pieces, &pledge) in rates.schedules.iter().zip(&b[2..]) {
            if let Some(p) = pieces.iter().rev().find(|p| p.start <= pledge) {
                collateral += p.intercept + u128::from(p.rate) * u128::from(pledge);
            }
        }
        debts += u128::from(b[1]) * u128::from(rates.debt);
        equity += u128::from(b[0]) * u128::from(rates.equity);
    }
    (collateral, debts, equity)
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
    slots: usize,
    allow_uncovered: bool,
) -> States {
    let n = registers(rates.len(), allow_uncovered).len();
    let parts = book.members.len().div_ceil(slots);
    chain.run(n, parts, |part, state| {
        for Member { leaf, .. } in book.members.chunks(slots).nth(part).into_iter().flatten() {
            state[register::KEY] = leaf.identity.key().into();
            for (asset, parts) in contributions(leaf).enumerate() {
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
    for (rates, b) in rates.iter().zip(&leaf.balances) {
        for (amount, rate, sign) in [(b[0], rates.equity, 1), (b[1], rates.debt, -1)] {
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
        witness.traces_after(claim, context, part, &|_, _| ())
    }

    fn nonce_mut(claim: &mut SolvencyClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The filled tables after a change of accounts' rows, by their number.
    pub(super) fn traces_after(
        &self,
        claim: &SolvencyClaim,
        context: &Context,
        part: usize,
        change: &(dyn Fn(usize, &mut AccountRow) + Sync),
    ) -> Vec<Trace> {
        let tables = Tables::new(claim, context, part);
        let airs = tables.airs();
        let slots = context.segments.slots();
        let members = &self.book.members;
        let segment = &members[part * slots..((part + 1) * slots).min(members.len())];
        let assets = context.rates.len();
        let before = self.states.before(part);
        let start_key = before[SALTS + register::KEY] as u64;

        let rows = account_rows(context, segment, start_key);
        let tally = Tally::new(&[tables.limbs.tallied()]);
        let mut airs = airs.iter();
        let mut air = || airs.next().expect("one air per table");
        let nodes = &self.trees[part];
        let mut traces = vec![fill(&tables.accounts, air(), &tally, |i| {
            let mut row = rows.row(segment, nodes, i);
            change(i, &mut row);
            row
        })];
        let mut counts = vec![[0i64; COUNT_LIMBS]; before.len()];
        for (asset, parts) in rows.totals.iter().enumerate() {
            let first = SALTS + register::FIRST_ASSET + register::PER_ASSET * asset;
            counts[first..first + register::PER_ASSET].copy_from_slice(parts);
        }
        if let Some(shortfall) = &tables.shortfall {
            counts[SALTS + register::uncovered(assets)][0] = rows.uncovered as i64;
            let (shortfalls, sums) =
                shortfall_rows(&context.rates, segment, shortfall.coefficients.0);
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

fn shortfall_rows(
    rates: &[AssetRates],
    segment: &[Member],
    len: usize,
) -> (Vec<ShortfallRow>, [u64; COUNT_LIMBS]) {
    let mut sums = [0u64; COUNT_LIMBS];
    let mut rows = Vec::new();
    for (i, Member { leaf, .. }) in segment.iter().enumerate() {
        let (collateral, debts, equity) = cover(rates, leaf);
        if collateral >= debts {
            continue;
        }
        let coefficients = equity_coefficients(rates, leaf, len);
        rows.push(ShortfallRow {
            account: Some((i, coefficients)),
            sums,
            last: false,
        });
        if debts > equity {
            // As the table adds it up: the limbs from a tick on, and one if anything is below.
            let missing = debts - equity;
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
