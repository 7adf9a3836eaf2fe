//! A long list of assets as tables: what accounts look up about an asset that they hold, and what they hold of it together.

use std::sync::Arc;

use gadgets::limbs::{AMOUNT_LIMBS, CHUNKS, chunks_of, limb_of, limbs_of};
use gadgets::totals::{COUNT_LIMBS, COUNTS, SALTS};
use records::units::MAX_AMOUNT;
use stark::{
    Bus, F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace,
    fill,
};

use super::slots::SlotRow;
use super::tables::{AssetRates, register};

/// `[code, rate of debt, rate of equity]`: an asset's rates in limbs.
pub const ASSET: Bus = Bus::new("asset");
/// `[row, 3 * code + schedule, first amount, last amount, rate, value at zero]`: a piece of a haircut schedule.
pub const PIECE: Bus = Bus::new("piece");
/// `[code, limb, owes]`, as often as the holdings of an asset have of this limb: a histogram. Limbs are those of equity, then
/// those of debt; `owes` is 1 where equity is below debt.
pub const HELD: Bus = Bus::new("held");

/// Haircut schedules of an asset.
pub const SCHEDULES: usize = 3;
/// Limbs that are counted for a holding.
pub const HELD_LIMBS: usize = 2 * AMOUNT_LIMBS;
/// Most pieces of all schedules of a list.
const MAX_PIECES: usize = 1 << 15;
/// Rates of a long list are below this, so that what 511 holdings of less than 2^60 units are worth in three schedules stays below
/// 2^126 subticks.
const MAX_RATE: u64 = 1 << 55;

/// A piece of a schedule of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedPiece {
    /// `3 * code + schedule`.
    pub key: usize,
    /// The first amount it holds for.
    pub start: u64,
    /// The last.
    pub end: u64,
    /// subticks per unit.
    pub rate: u64,
    /// subticks at amount zero, on the piece's line.
    pub intercept: u128,
}

/// The public numbers of a long list. An asset's *code* is its number from 1; code 0 is an empty holding, worth nothing.
#[derive(Clone, Debug)]
pub struct List {
    rates: Vec<AssetRates>,
    pieces: Vec<ListedPiece>,
    /// Per piece, what is said of it on [`PIECE`].
    messages: Vec<Vec<F>>,
    /// Per key, its first piece.
    first: Vec<usize>,
    /// Limbs of the largest rate of debt.
    pub debt_limbs: usize,
    /// Limbs of the largest rate of equity.
    pub equity_limbs: usize,
    /// Limbs of the largest rate of a piece.
    pub rate_limbs: usize,
    /// Limbs of the largest value at zero.
    pub intercept_limbs: usize,
}

impl List {
    /// The list of these assets.
    ///
    /// # Errors
    /// If their schedules have too many pieces, or a unit is worth too much.
    pub fn new(rates: Vec<AssetRates>) -> Result<Self, String> {
        if let Some(asset) = rates.iter().position(|r| r.debt >= MAX_RATE) {
            return Err(format!(
                "a unit of asset {} is worth too much for a list of so many; give it more decimals",
                asset + 1
            ));
        }
        let worthless = |key: usize, end: u64| ListedPiece {
            key,
            start: 0,
            end,
            rate: 0,
            intercept: 0,
        };
        let mut pieces: Vec<ListedPiece> = (0..SCHEDULES).map(|s| worthless(s, 0)).collect();
        let mut first: Vec<usize> = (0..SCHEDULES).collect();
        for (asset, rates) in rates.iter().enumerate() {
            for (schedule, listed) in rates.schedules.iter().enumerate() {
                let key = SCHEDULES * (asset + 1) + schedule;
                first.push(pieces.len());
                if listed.is_empty() {
                    pieces.push(worthless(key, MAX_AMOUNT - 1));
                }
                let ends = listed.iter().skip(1).map(|next| next.start);
                let ends = ends.chain([MAX_AMOUNT]);
                pieces.extend(listed.iter().zip(ends).map(|(piece, end)| ListedPiece {
                    key,
                    start: piece.start,
                    end: end - 1,
                    rate: piece.rate,
                    intercept: piece.intercept,
                }));
            }
        }
        if pieces.len() > MAX_PIECES {
            return Err(format!(
                "{} tiers in all; a proof takes {MAX_PIECES}",
                pieces.len()
            ));
        }
        let limbs = |most: Option<u128>| limbs_of(most.unwrap_or(0)).len();
        let rate_limbs = limbs(pieces.iter().map(|p| p.rate.into()).max());
        let intercept_limbs = limbs(pieces.iter().map(|p| p.intercept).max());
        let rows = pieces.iter().enumerate();
        let messages = rows.map(|(row, piece)| message(row, piece, [rate_limbs, intercept_limbs]));
        Ok(Self {
            debt_limbs: limbs(rates.iter().map(|r| r.debt.into()).max()),
            equity_limbs: limbs(rates.iter().map(|r| r.equity.into()).max()),
            messages: messages.collect(),
            rate_limbs,
            intercept_limbs,
            rates,
            pieces,
            first,
        })
    }

    /// How many assets it has.
    pub fn assets(&self) -> usize {
        self.rates.len()
    }

    /// The rates of an asset by its code; `None` for an empty holding.
    pub fn rates(&self, code: usize) -> Option<&AssetRates> {
        self.rates.get(code.checked_sub(1)?)
    }

    /// An element of the message about the piece in a row.
    pub fn element(&self, row: usize, index: usize) -> F {
        self.messages[row][index]
    }

    /// The row of the piece that holds an amount.
    pub fn piece(&self, code: usize, schedule: usize, amount: u64) -> usize {
        let key = SCHEDULES * code + schedule;
        let first = self.first[key];
        let of_key = self.pieces[first..].iter().take_while(|p| p.key == key);
        first + of_key.take_while(|p| p.start <= amount).count().max(1) - 1
    }

    /// Coefficients of what a row adds to an account's collateral, debts and equity.
    pub fn coefficients(&self) -> usize {
        let product = |rate: usize| {
            if rate == 0 {
                0
            } else {
                AMOUNT_LIMBS + rate - 1
            }
        };
        let rates = [self.debt_limbs, self.equity_limbs, self.rate_limbs];
        let products = rates.into_iter().map(product).max().unwrap_or(0);
        products.max(self.intercept_limbs).max(1)
    }

    /// Limbs of an account's collateral less its debts, and of its equity less its debts. A row's coefficients are below
    /// 2^28, and an account has at most 64 rows.
    pub fn sum_limbs(&self) -> usize {
        self.coefficients() + 3
    }
}

fn limb(value: u128, index: usize) -> F {
    F::from_u64(limb_of(value, index))
}

fn column(height: usize, of: impl Fn(usize) -> F) -> Vec<F> {
    (0..height).map(of).collect()
}

fn log_height(rows: usize) -> usize {
    (rows.next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
}

/// An asset a row, behind the empty holding: its public rates, and how much is held of it in a part.
///
/// - ASSETS-1: the cells are the public numbers.
/// - ASSETS-2: nothing is counted for what is no asset.
#[derive(Clone, Debug)]
pub struct AssetsTable {
    /// The list.
    pub list: Arc<List>,
    /// Whether the value of equity is looked up.
    pub with_equity: bool,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub struct AssetRow {
    /// How often each limb was counted, where equity reaches debt and where it does not.
    pub counts: [[u64; HELD_LIMBS]; 2],
    /// How often its rates were looked up.
    pub multiplicity: u32,
}

const CODE: usize = 0;
const LISTED: usize = 1;
const REGISTER: usize = 2;
const RATES: usize = 3;

impl AssetsTable {
    fn rates(&self) -> usize {
        let equity = if self.with_equity {
            self.list.equity_limbs
        } else {
            0
        };
        self.list.debt_limbs + equity
    }

    /// What a [`Tally`] must count for it.
    pub fn tallied(&self) -> (Bus, usize) {
        (ASSET, 1 << self.log_height())
    }

    /// The filled table of the rows of slots.
    pub(crate) fn trace(&self, air: &TableAir, tally: &Tally, rows: &[SlotRow]) -> Trace {
        let mut counts = vec![[[0; HELD_LIMBS]; 2]; 1 << self.log_height()];
        for holding in rows.iter().flat_map(|row| &row.holdings) {
            let [equity, debt, ..] = holding.amounts;
            let counts = &mut counts[holding.code][usize::from(equity < debt)];
            for (i, count) in counts.iter_mut().enumerate() {
                *count += limb_of([equity, debt][i / AMOUNT_LIMBS].into(), i % AMOUNT_LIMBS);
            }
        }
        fill(self, air, tally, |row| AssetRow {
            counts: counts[row],
            multiplicity: tally.count(ASSET, row),
        })
    }
}

impl Table for AssetsTable {
    type Row = AssetRow;

    fn name(&self) -> &'static str {
        "assets"
    }

    fn log_height(&self) -> usize {
        log_height(self.list.rates.len() + 1)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (list, height) = (&self.list, 1 << self.log_height());
        let listed = |row: usize| list.rates(row).is_some();
        let code = |row: usize| if listed(row) { row } else { 0 };
        let rate = |row: usize, of: fn(&AssetRates) -> u64| list.rates(row).map_or(0, of);
        let mut columns = vec![
            column(height, |row| F::from_usize(code(row))),
            column(height, |row| F::from_bool(listed(row))),
            column(height, |row| {
                let asset = code(row).saturating_sub(1);
                let first = SALTS + register::FIRST_ASSET + register::PER_ASSET * asset;
                F::from_usize(if listed(row) { first } else { 0 })
            }),
        ];
        let debts = 0..list.debt_limbs;
        columns.extend(debts.map(|i| column(height, |row| limb(rate(row, |r| r.debt).into(), i))));
        let equities = 0..self.rates() - list.debt_limbs;
        columns.extend(
            equities.map(|i| column(height, |row| limb(rate(row, |r| r.equity).into(), i))),
        );
        columns
    }

    fn row<B: RowBuilder<AssetRow>>(&self, b: &mut B) {
        let [code, listed, first] =
            [CODE, LISTED, REGISTER].map(|column| b.pinned("ASSETS-1", column));
        let mut message = vec![code.clone()];
        message.extend((0..self.rates()).map(|i| b.pinned("ASSETS-1", RATES + i)));
        let multiplicity = b.multiplicity(|w| F::new(w.multiplicity));
        b.provide(ASSET, multiplicity, &message);

        let unlisted = b.one() - listed.clone();
        let counts: [Vec<B::E>; 2] = std::array::from_fn(|owes| {
            let count = |i: usize| {
                let count = b.cell(|w| F::from_u64(w.counts[owes][i]));
                b.zero("ASSETS-2", unlisted.clone() * count.clone());
                let which = [i, owes].map(|which| b.constant(F::from_usize(which)));
                let mut message = vec![code.clone()];
                message.extend(which);
                b.provide(HELD, count.clone(), &message);
                count
            };
            (0..HELD_LIMBS).map(count).collect()
        });
        let [reached, owing] = &counts;
        let (equity, debt) = (0..AMOUNT_LIMBS, AMOUNT_LIMBS..HELD_LIMBS);
        let both = |i: usize| reached[i].clone() + owing[i].clone();
        let liability = |i: usize| reached[i].clone() - reached[AMOUNT_LIMBS + i].clone();
        let totals: [Vec<B::E>; register::PER_ASSET] = [
            equity.clone().map(both).collect(),
            debt.map(both).collect(),
            equity.map(liability).collect(),
        ];
        for (which, mut total) in totals.into_iter().enumerate() {
            let mut message = vec![first.clone() + F::from_usize(which)];
            total.resize(COUNT_LIMBS, b.constant(F::ZERO));
            message.extend(total);
            b.send(COUNTS, listed.clone(), &message);
        }
    }
}

/// A piece of a schedule a row, behind those of the empty holding: all of it public, recomputed by the verifier.
///
/// - PIECES-1: the cells are the public numbers.
#[derive(Clone, Debug)]
pub struct PiecesTable {
    /// The list.
    pub list: Arc<List>,
}

impl PiecesTable {
    /// Elements of a message.
    fn len(&self) -> usize {
        2 + 2 * CHUNKS + self.list.rate_limbs + self.list.intercept_limbs
    }

    /// What a [`Tally`] must count for it.
    pub fn tallied(&self) -> (Bus, usize) {
        (PIECE, 1 << self.log_height())
    }

    /// The filled table.
    pub fn trace(&self, air: &TableAir, tally: &Tally) -> Trace {
        fill(self, air, tally, |row| tally.count(PIECE, row))
    }
}

impl Table for PiecesTable {
    type Row = u32;

    fn name(&self) -> &'static str {
        "pieces"
    }

    fn log_height(&self) -> usize {
        log_height(self.list.pieces.len())
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let height = 1 << self.log_height();
        // Below the last piece stands nothing: the empty holding in a row of that number.
        let cell = |row: usize, i: usize| match self.list.messages.get(row) {
            Some(message) => message[i],
            None if i == 0 => F::from_usize(row),
            None => F::ZERO,
        };
        let columns = 0..self.len();
        columns
            .map(|i| column(height, |row| cell(row, i)))
            .collect()
    }

    fn row<B: RowBuilder<u32>>(&self, b: &mut B) {
        let message: Vec<B::E> = (0..self.len()).map(|i| b.pinned("PIECES-1", i)).collect();
        let multiplicity = b.multiplicity(|w| F::new(*w));
        b.provide(PIECE, multiplicity, &message);
    }
}

/// The message of a piece, with so many limbs of its rate and of its value at zero.
fn message(row: usize, piece: &ListedPiece, [rate, intercept]: [usize; 2]) -> Vec<F> {
    let mut message = vec![F::from_usize(row), F::from_usize(piece.key)];
    message.extend(chunks_of(piece.start).map(F::from_u64));
    message.extend(chunks_of(piece.end).map(F::from_u64));
    message.extend((0..rate).map(|i| limb(piece.rate.into(), i)));
    message.extend((0..intercept).map(|i| limb(piece.intercept, i)));
    message
}
