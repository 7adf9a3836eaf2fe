//! From a book to a claim and its proof.

use std::sync::Arc;

use fixed::Decimal;
use gadgets::hash::{DIGEST, Digest, Domain};
use gadgets::limbs::{AMOUNT_LIMBS, limb_of, limbs_of};
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable, commit};
use market::Snapshot;
use market::solvency::{Insolvent, Uncovered, amount, check_reserves, evaluate};
use stark::{
    F, PartProof, PrimeCharacteristicRing, ProveError, Statement, Tally, Trace, fill, prove_part,
    signed_felt,
};

use super::claim::{AssetTotals, Context, Solvency, SolvencyClaim, Tables, registers, segments};
use super::tables::{AccountRow, AssetRates, ShortfallRow, register};
use crate::account::{Leaf, PublicDigest, text_digest};
use crate::book::{Member, SealedBook};
use crate::margin::snapshot_digest;
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

/// Why a book cannot be proven solvent.
#[derive(Debug, thiserror::Error)]
pub enum SolvencyError {
    /// Reserves fall short.
    #[error("{0}")]
    Insolvent(Box<Insolvent>),
    /// Debts are not covered.
    #[error("{0} account(s) have debts that are not covered; the first: {1}")]
    Uncovered(usize, Box<Uncovered>),
    /// The inputs do not fit the statement.
    #[error("{0}")]
    Input(String),
    /// Proving failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

impl SolvencyError {
    /// Whether the inputs are fine but the claim is false.
    pub fn is_false_claim(&self) -> bool {
        matches!(self, Self::Insolvent(_) | Self::Uncovered(..))
    }
}

/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: SolvencyClaim,
    context: Context,
    book: Arc<SealedBook>,
    /// Per part, its subtree in heap order.
    trees: Vec<Vec<Digest>>,
    /// The state after each part, that before the first one first.
    states: Vec<Vec<u128>>,
}

/// Checks a book and makes its claim.
///
/// # Errors
/// If the claim would be false, with the reason in the user's words, or the inputs do not fit.
pub fn prepare(book: &Arc<SealedBook>, options: &Options) -> Result<Prepared, SolvencyError> {
    let (snapshot, members) = (&book.snapshot, &book.members);
    let assets = &snapshot.assets;
    let rates = super::claim::rates(assets).map_err(SolvencyError::Input)?;
    if !options.publish_totals && options.reserves.is_none() {
        let problem = "hiding the totals needs reserves to compare them with";
        return Err(SolvencyError::Input(problem.into()));
    }
    let plain: Vec<_> = assets
        .iter()
        .map(market::haircut::AssetRates::new)
        .collect::<Result<_, _>>()
        .map_err(|e| SolvencyError::Input(e.to_string()))?;
    let result = evaluate(&plain, members.iter().map(|m| &m.account));
    if options.require_covered
        && let Some(first) = result.uncovered.first()
    {
        return Err(SolvencyError::Uncovered(
            result.uncovered.len(),
            Box::new(first.clone()),
        ));
    }
    if let Some(reserves) = &options.reserves {
        check_reserves(assets, &result.totals, reserves).map_err(SolvencyError::Insolvent)?;
    }

    let segments = segments(book.accounts());
    let trees = segments.trees(&book.leaves());
    let roots: Vec<Digest> = trees.iter().map(|t| t[1]).collect();
    let reference = book.reference(&segments.root(&roots));
    let allow_uncovered = !result.uncovered.is_empty();
    let about = about(snapshot, &reference.commitment);
    let states = states(book, &rates, &about, segments.slots(), allow_uncovered);

    let totals = result.totals.iter().zip(assets).map(|(t, a)| AssetTotals {
        equity: amount(a, t.equity),
        debt: amount(a, t.debt),
        liabilities: amount(a, t.liabilities),
    });
    let claim = SolvencyClaim {
        snapshot: snapshot.clone(),
        book: reference,
        segments: roots.iter().map(|r| (*r).into()).collect(),
        states: states[1..states.len() - 1]
            .iter()
            .map(|s| commit(s).into())
            .collect(),
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
    let context = Solvency::context(&claim).map_err(SolvencyError::Input)?;
    Ok(Prepared {
        claim,
        context,
        book: book.clone(),
        trees,
        states,
    })
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

/// Collateral, debts and equity, in PHI.
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
        .div_ceil(records::units::PHI_PER_TICK as u128)
}

/// What the salts of the states depend on besides the secret. The same claim has the same salts, so that
/// proving can resume. The same book at other prices has others: with equal ones, two claims would show
/// up to which part their uncovered accounts agree.
fn about(snapshot: &Snapshot, book: &PublicDigest) -> Digest {
    let market = snapshot_digest(snapshot);
    text_digest(Domain::Salt, &format!("solvency {book} {market}"))
}

fn states(
    book: &SealedBook,
    rates: &[AssetRates],
    about: &Digest,
    slots: usize,
    allow_uncovered: bool,
) -> Vec<Vec<u128>> {
    let n = SALTS + registers(rates.len(), allow_uncovered).len();
    let mut states = vec![vec![0; n]];
    for (part, segment) in book.members.chunks(slots).enumerate() {
        let mut state = states[part].clone();
        if (part + 1) * slots < book.members.len() {
            state[..SALTS].copy_from_slice(&book.secret.state_salts(about, part));
        } else {
            state[..SALTS].fill(0);
        }
        for Member { leaf, .. } in segment {
            state[SALTS + register::KEY] = leaf.identity.key().into();
            for (asset, parts) in contributions(leaf).enumerate() {
                let first = SALTS + register::FIRST_ASSET + register::PER_ASSET * asset;
                for (register, part) in state[first..].iter_mut().zip(parts) {
                    *register += u128::from(part);
                }
            }
            if allow_uncovered {
                let (collateral, debts, equity) = cover(rates, leaf);
                if collateral < debts {
                    state[SALTS + register::uncovered(rates.len())] += 1;
                    state[SALTS + register::negative_equity(rates.len())] +=
                        negative_ticks(debts, equity);
                }
            }
        }
        states.push(state);
    }
    states
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
    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &SolvencyClaim {
        &self.claim
    }

    /// How many proofs it takes.
    pub fn parts(&self) -> usize {
        self.claim.segments.len()
    }

    /// Proves one part.
    ///
    /// # Errors
    /// If the proof system fails.
    pub fn prove(&self, part: usize) -> Result<PartProof, ProveError> {
        prove_part::<Solvency>(&self.claim, &self.context, part, self.traces(part))
    }

    /// The filled tables of a part, in the order of [`Statement::part`].
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        self.traces_after(part, &|_, _| ())
    }

    /// The same after a change of accounts' rows, by their number.
    pub(super) fn traces_after(
        &self,
        part: usize,
        change: &(dyn Fn(usize, &mut AccountRow) + Sync),
    ) -> Vec<Trace> {
        let tables = Tables::new(&self.claim, &self.context, part);
        let airs = tables.airs();
        let slots = self.context.segments.slots();
        let members = &self.book.members;
        let segment = &members[part * slots..((part + 1) * slots).min(members.len())];
        let assets = self.claim.snapshot.assets.len();
        let before = &self.states[part];
        let start_key = before[SALTS + register::KEY] as u64;

        let rows = self.account_rows(segment, start_key);
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
            let (shortfalls, sums) = self.shortfall_rows(segment, shortfall.coefficients.0);
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
        let after = &self.states[part + 1];
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

    fn account_rows(&self, segment: &[Member], start_key: u64) -> AccountRows {
        let assets = self.claim.snapshot.assets.len();
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
            if self.claim.uncovered > 0 {
                let (collateral, debts, _) = cover(&self.context.rates, leaf);
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
        &self,
        segment: &[Member],
        len: usize,
    ) -> (Vec<ShortfallRow>, [u64; COUNT_LIMBS]) {
        let mut sums = [0u64; COUNT_LIMBS];
        let mut rows = Vec::new();
        for (i, Member { leaf, .. }) in segment.iter().enumerate() {
            let (collateral, debts, equity) = cover(&self.context.rates, leaf);
            if collateral >= debts {
                continue;
            }
            let coefficients = equity_coefficients(&self.context.rates, leaf, len);
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
                sums[0] += u64::from(missing % (records::units::PHI_PER_TICK as u128) != 0);
            }
        }
        (rows, sums)
    }
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
