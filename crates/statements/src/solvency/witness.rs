//! From a book to a claim and its proof.

use fixed::Decimal;
use gadgets::hash::{DIGEST, Digest, Domain};
use gadgets::limbs::{AMOUNT_LIMBS, limb_of, limbs_of};
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable, commit};
use rayon::prelude::*;
use risk::solvency::{Insolvent, Uncovered, amount, check_reserves, evaluate};
use risk::{Account, Asset, Instrument};
use stark::{
    F, PartProof, PrimeCharacteristicRing, ProveError, Statement, Tally, Trace, fill, prove_part,
    signed_felt,
};

use super::claim::{AssetTotals, Context, Solvency, SolvencyClaim, Tables, registers, segments};
use super::tables::{AccountRow, AssetRates, ShortfallRow, register};
use crate::account::{Layout, Leaf, PublicDigest, Secret, text_digest};
use crate::inclusion::Inclusion;
use crate::ordered::OrderedRow;
use crate::trees::{empty_root, path, tree};

/// What to claim.
#[derive(Clone, Debug)]
pub struct Options {
    /// Publish totals; otherwise only that reserves cover liabilities.
    pub publish_totals: bool,
    /// Refuse a book with accounts whose debts are not covered.
    pub require_covered: bool,
    /// Reserves per asset, in asset units.
    pub reserves: Option<Vec<u128>>,
    /// Position slots of an account leaf; the same for all statements about a book.
    pub slots: usize,
    /// The instruments that positions are in; the same for all statements about a book.
    pub instruments: Vec<Instrument>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            publish_totals: true,
            require_covered: false,
            reserves: None,
            slots: 16,
            instruments: Vec::new(),
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
    /// Two ids share their sort key.
    #[error("accounts `{0}` and `{1}` have the same sort key; rename one of them")]
    SameKey(String, String),
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
    leaves: Vec<Leaf>,
    ids: Vec<String>,
    /// Per part, its subtree in heap order.
    trees: Vec<Vec<Digest>>,
    /// The state after each part, that before the first one first.
    states: Vec<Vec<u128>>,
}

/// Checks a book and makes its claim. Accounts are sorted by their keys; their order says nothing.
///
/// # Errors
/// If the claim would be false, with the reason in the user's words, or the inputs do not fit.
pub fn prepare(
    quote: &str,
    assets: &[Asset],
    accounts: &[Account],
    secret: &Secret,
    options: &Options,
) -> Result<Prepared, SolvencyError> {
    let rates = super::claim::rates(assets).map_err(SolvencyError::Input)?;
    check_inputs(assets, accounts, options)?;
    let plain: Vec<_> = assets
        .iter()
        .map(risk::haircut::AssetRates::new)
        .collect::<Result<_, _>>()
        .map_err(|e| SolvencyError::Input(e.to_string()))?;
    let result = evaluate(&plain, accounts);
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

    let layout = Layout::new(options.slots, quote, assets, &options.instruments);
    let (leaves, ids) = sorted_leaves(accounts, secret, &layout)?;
    let count = accounts.len() as u64;
    let segments = segments(count);
    let digests: Vec<Digest> = leaves.par_iter().map(Leaf::digest).collect();
    let trees = segments.trees(&digests);
    let roots: Vec<Digest> = trees.iter().map(|t| t[1]).collect();
    let root = segments.root(&roots);
    let allow_uncovered = !result.uncovered.is_empty();
    let about = about(quote, assets, &root);
    let states = states(
        &leaves,
        &rates,
        secret,
        &about,
        segments.slots(),
        allow_uncovered,
    );

    let totals = result.totals.iter().zip(assets).map(|(t, a)| AssetTotals {
        equity: amount(a, t.equity),
        debt: amount(a, t.debt),
        liabilities: amount(a, t.liabilities),
    });
    let claim = SolvencyClaim {
        quote: quote.to_string(),
        assets: assets.to_vec(),
        accounts: count,
        root: root.into(),
        segments: roots.iter().map(|r| (*r).into()).collect(),
        states: states[1..states.len() - 1]
            .iter()
            .map(|s| commit(s).into())
            .collect(),
        uncovered: result.uncovered.len() as u64,
        negative_equity: Decimal::new(result.negative_equity_ticks as i128, risk::TICK_DECIMALS),
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
        leaves,
        ids,
        trees,
        states,
    })
}

fn check_inputs(
    assets: &[Asset],
    accounts: &[Account],
    options: &Options,
) -> Result<(), SolvencyError> {
    let input = |text: &str| Err(SolvencyError::Input(text.to_string()));
    if accounts.is_empty() {
        return input("the book has no account");
    }
    if !options.publish_totals && options.reserves.is_none() {
        return input("hiding the totals needs reserves to compare them with");
    }
    let fits = |a: &Account| {
        a.balances.len() == assets.len()
            && a.positions.len() <= options.slots
            && a.balances.iter().all(|b| {
                let pledged: u128 = b.pledges().iter().map(|&p| u128::from(p)).sum();
                b.equity.max(b.debt) < risk::MAX_AMOUNT && pledged <= u128::from(b.equity)
            })
    };
    match accounts.iter().find(|a| !fits(a)) {
        Some(a) => Err(SolvencyError::Input(format!(
            "account `{}` does not fit: its balances, pledges or positions exceed what a leaf holds",
            a.id
        ))),
        None => Ok(()),
    }
}

fn sorted_leaves(
    accounts: &[Account],
    secret: &Secret,
    layout: &Layout,
) -> Result<(Vec<Leaf>, Vec<String>), SolvencyError> {
    let mut leaves: Vec<(u64, usize, Leaf)> = accounts
        .par_iter()
        .enumerate()
        .map(|(i, account)| {
            let leaf = layout.leaf(account, secret);
            (leaf.identity.key(), i, leaf)
        })
        .collect();
    leaves.par_sort_unstable_by_key(|(key, ..)| *key);
    if let Some(w) = leaves.windows(2).find(|w| w[0].0 == w[1].0) {
        let id = |i: usize| accounts[i].id.clone();
        return Err(SolvencyError::SameKey(id(w[0].1), id(w[1].1)));
    }
    let ids = leaves
        .iter()
        .map(|(_, i, _)| accounts[*i].id.clone())
        .collect();
    Ok((leaves.into_iter().map(|(.., leaf)| leaf).collect(), ids))
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
        .div_ceil(risk::PHI_PER_TICK as u128)
}

/// What the salts of the states depend on besides the secret. The same claim has the same salts, so that
/// proving can resume. The same book at other prices has others: with equal ones, two claims would show
/// up to which part their uncovered accounts agree.
fn about(quote: &str, assets: &[Asset], root: &Digest) -> Digest {
    let assets = serde_json::to_string(assets).expect("assets are plain data");
    let root = PublicDigest::from(*root);
    text_digest(Domain::Salt, &format!("solvency {root} {quote} {assets}"))
}

fn states(
    leaves: &[Leaf],
    rates: &[AssetRates],
    secret: &Secret,
    about: &Digest,
    slots: usize,
    allow_uncovered: bool,
) -> Vec<Vec<u128>> {
    let n = SALTS + registers(rates.len(), allow_uncovered).len();
    let mut states = vec![vec![0; n]];
    for (part, segment) in leaves.chunks(slots).enumerate() {
        let mut state = states[part].clone();
        if (part + 1) * slots < leaves.len() {
            state[..SALTS].copy_from_slice(&secret.state_salts(about, part));
        } else {
            state[..SALTS].fill(0);
        }
        for leaf in segment {
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

    /// The inclusion file of an account.
    pub fn inclusion(&self, id: &str) -> Option<Inclusion> {
        self.ids
            .iter()
            .position(|i| i == id)
            .map(|i| self.inclusion_at(i))
    }

    /// The inclusion files of all accounts.
    pub fn inclusions(&self) -> impl Iterator<Item = Inclusion> + '_ {
        (0..self.leaves.len()).map(|i| self.inclusion_at(i))
    }

    fn inclusion_at(&self, index: usize) -> Inclusion {
        let segments = self.context.segments;
        let slots = segments.slots();
        let (part, within) = (index / slots, index % slots);
        let mut siblings = path(&self.trees[part], within);
        // Above a small last part stand unused leaves.
        let log_segment = slots.ilog2() as usize;
        siblings.extend((siblings.len()..log_segment).map(empty_root));
        let mut roots: Vec<Digest> = self
            .trees
            .iter()
            .enumerate()
            .map(|(part, t)| segments.lifted(part, &t[1]))
            .collect();
        let above = self.context.log_slots - log_segment;
        roots.resize(1 << above, empty_root(log_segment));
        siblings.extend(path(&tree(roots), part));
        Inclusion::new(&self.ids[index], &self.leaves[index], index, &siblings)
    }

    /// The filled tables of a part, in the order of [`Statement::part`].
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        let tables = Tables::new(&self.claim, &self.context, part);
        let airs = tables.airs();
        let slots = self.context.segments.slots();
        let segment = &self.leaves[part * slots..((part + 1) * slots).min(self.leaves.len())];
        let assets = self.claim.assets.len();
        let before = &self.states[part];
        let start_key = before[SALTS + register::KEY] as u64;

        let rows = self.account_rows(segment, start_key);
        let tally = Tally::new(&[tables.limbs.tallied()]);
        let mut airs = airs.iter();
        let mut air = || airs.next().expect("one air per table");
        let nodes = &self.trees[part];
        let mut traces = vec![fill(&tables.accounts, air(), &tally, |i| {
            rows.row(segment, nodes, i)
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

    fn account_rows(&self, segment: &[Leaf], start_key: u64) -> AccountRows {
        let assets = self.claim.assets.len();
        let mut sums = vec![[[0i64; AMOUNT_LIMBS]; register::PER_ASSET]; assets];
        let (mut before, mut uncovered_before) = (Vec::new(), Vec::new());
        let mut uncovered = 0;
        for leaf in segment {
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
            keys: segment.iter().map(|l| l.identity.key()).collect(),
            before,
            uncovered_before,
            totals: sums,
            uncovered,
            start_key,
        }
    }

    fn shortfall_rows(
        &self,
        segment: &[Leaf],
        len: usize,
    ) -> (Vec<ShortfallRow>, [u64; COUNT_LIMBS]) {
        let mut sums = [0u64; COUNT_LIMBS];
        let mut rows = Vec::new();
        for (i, leaf) in segment.iter().enumerate() {
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
                sums[0] += u64::from(missing % (risk::PHI_PER_TICK as u128) != 0);
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
    fn row(&self, segment: &[Leaf], nodes: &[Digest], index: usize) -> AccountRow {
        let uncovered = self.uncovered_before.get(index);
        AccountRow {
            place: OrderedRow::new(index, &self.keys, self.start_key, nodes),
            leaf: segment.get(index).cloned(),
            seal: segment.get(index).map_or([F::ZERO; DIGEST], Leaf::seal),
            sums: self.before.get(index).unwrap_or(&self.totals).clone(),
            uncovered: uncovered.copied().unwrap_or(self.uncovered) as u64,
        }
    }
}
