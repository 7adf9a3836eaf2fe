//! What an account has in one coin, and what it loses by itself.
//!
//! A coin's balance is the haircut value of what the account holds in it, less its debt, plus its entries in the coin. Where
//! the account has positions on the coin's underlying, it moves in their scenarios; otherwise its largest loss is the largest
//! move against it. A coin in a group moves in scenarios anyway, since those are joint.

use gadgets::limbs::Limbs;
use gadgets::public::{Publics, limb_values};
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, RowBuilder};

use super::accounts::AccountRow;
use super::{BALANCE, COIN};
use crate::collateral::rate_limbs;
use crate::margin::digits::{digits_of, sign};
use crate::margin::plan::{BALANCE_LIMBS, Plan, SUBTICK_LIMBS, TOP_LIMB};

/// The public numbers of a coin.
#[derive(Clone, Debug)]
pub(crate) struct Coin {
    /// The number of its underlying, from 1 on.
    pub underlying: usize,
    /// It is in a group with an offset, whose joint loss needs its losses in each column.
    pub grouped: bool,
    /// The largest loss of a unit for a balance above zero, and below, in 2^-40.
    pub losses: [u64; 2],
}

impl Coin {
    /// The numbers as public values, in the order in which [`coin`] reads them.
    pub fn public(&self) -> Vec<F> {
        let mut values = vec![F::from_usize(self.underlying)];
        for loss in self.losses {
            values.extend(limb_values(loss.into(), rate_limbs(loss)));
        }
        values
    }
}

/// The private data of one coin of an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoinRow {
    /// The coefficients of the sum of entries in the coin, if the account has lines on the underlying.
    pub entry: Vec<F>,
    /// Whether it has.
    pub lines: bool,
    /// How many of the account's places it moves at: one, or none.
    pub joined: usize,
}

/// Where a coin stands.
pub(crate) struct Place<'a, E> {
    pub plan: &'a Plan,
    pub row: &'a E,

    /// The coin's number among the account's coins.
    pub number: usize,
}

/// What the account loses on the coin by itself, in 2^-40 of a tick.
///
/// - COINS-1: its entries in the coin come from its lines, if there are any.
/// - COINS-2: the limbs and the sign of the balance; it is below 2^60 ticks in magnitude. Cutting the lowest limbs rounds down
///   to a tick.
/// - COINS-3: whether it moves at a place among the account's underlyings: a bit. A coin in a group does unless there is nothing.
/// - COINS-4: if not, the sign decides which loss of a unit counts.
pub(crate) fn coin<B: RowBuilder<AccountRow>>(
    b: &mut B,
    place: &Place<'_, B::E>,
    numbers: &Coin,
    own: &Sum<B::E>,
    publics: &mut Publics,
) -> Sum<B::E> {
    let underlying = publics.element(b);
    let rates: Vec<Limbs<B::E>> = numbers
        .losses
        .iter()
        .map(|loss| publics.limbs(b, "COINS-4", rate_limbs(*loss)))
        .collect();
    let entries = entries(b, place, &underlying);
    let balance = match place.plan.balances_move {
        true => own.plus(&entries),
        false => entries,
    };
    let (limbs, negative) = balance_limbs(b, &balance);

    let number = place.number;
    let joined = b.cell(|w| F::from_usize(w.coins.get(number).map_or(0, |c| c.joined)));
    b.boolean("COINS-3", &joined);
    if numbers.grouped {
        let apart = b.one() - joined.clone();
        for cell in limbs.iter().chain([&negative]) {
            b.zero("COINS-3", apart.clone() * cell.clone());
        }
    }
    let mut message = vec![place.row.clone(), underlying];
    message.extend(limbs.iter().cloned());
    message.push(negative.clone());
    // Once for each row of its place among the account's underlyings.
    let rows = F::from_usize(place.plan.loss_rows());
    b.provide(BALANCE, joined.clone() * rows, &message);

    // A balance below zero has the limbs of it plus the power above them.
    let alone = b.one() - joined;
    let above = b.derive([&alone, &negative], |[alone, negative]| {
        alone * (F::ONE - negative)
    });
    let below = b.derive([&alone, &negative], |[alone, negative]| alone * negative);
    let one = b.one();
    b.zero(
        "COINS-4",
        above.clone() - alone.clone() * (one - negative.clone()),
    );
    b.zero("COINS-4", below.clone() - alone * negative);
    let top = Sum::bit(b, "COINS-4", below.clone()).shifted(BALANCE_LIMBS);
    let short = top.minus(&limbs.sum().times_bit(&below));
    let long = limbs.sum().times_bit(&above);
    Sum::product(&long, &rates[0].sum()).plus(&Sum::product(&short, &rates[1].sum()))
}

/// The account's entries in the coin, in subticks.
fn entries<B: RowBuilder<AccountRow>>(
    b: &mut B,
    place: &Place<'_, B::E>,
    underlying: &B::E,
) -> Sum<B::E> {
    let number = place.number;
    let lines = b.cell(|w| F::from_bool(w.coins.get(number).is_some_and(|c| c.lines)));
    b.boolean("COINS-1", &lines);
    let mut message = vec![place.row.clone(), underlying.clone()];
    let cells: Vec<B::E> = (0..place.plan.entry_len())
        .map(|i| {
            let entry = |w: &AccountRow| w.coins.get(number).and_then(|c| c.entry.get(i).copied());
            let cell = b.cell(|w| entry(w).unwrap_or(F::ZERO));
            let none = b.one() - lines.clone();
            b.zero("COINS-1", none * cell.clone());
            cell
        })
        .collect();
    message.extend(cells.iter().cloned());
    b.receive(COIN, lines, &message);
    Sum::declared(b, "COINS-2", cells, place.plan.entry_bound())
}

/// The limbs of a balance in whole ticks and whether it is below zero.
fn balance_limbs<B: RowBuilder<AccountRow>>(b: &mut B, balance: &Sum<B::E>) -> (Limbs<B::E>, B::E) {
    let digits = digits_of(balance, SUBTICK_LIMBS + BALANCE_LIMBS);
    let (limbs, negative) = sign(b, "COINS-2", &digits, true);
    let negative = negative.expect("a sign was asked for");
    let kept = SUBTICK_LIMBS..SUBTICK_LIMBS + BALANCE_LIMBS;
    for limb in &limbs[kept.end..] {
        let filled = negative.clone() * F::from_u64(TOP_LIMB as u64);
        b.zero("COINS-2", limb.clone() - filled);
    }
    let limbs = limbs[kept].to_vec();
    (Limbs::declared(b, "COINS-2", limbs), negative)
}
