//! What investors compare tranches by, under one stress.

use std::fmt::Write;

use credit::deal::Deal;
use credit::measures::Holding;
use credit::waterfall::{DealState, Report};
use fixed::{Decimal, DomainError};
use records::date;
use records::units::Cents;

use super::html::{Cell, money, table};

/// Average life, yield, price, durations and write-downs of each tranche.
///
/// # Errors
/// If the deal is wrong, or a number does not fit.
pub fn section(deal: &Deal, state: &DealState, reports: &[Report]) -> Result<String, String> {
    let plan = deal.plan().map_err(|e| e.to_string())?;
    let tranches = 0..plan.tranches.len();
    let holdings: Vec<Holding> = tranches
        .map(|i| Holding::of(&plan, state, reports, i))
        .collect();
    let rows = deal.tranches.iter().zip(&holdings);
    let rows = rows.map(|(tranche, holding)| row(&tranche.name, holding));
    let rows: Result<Vec<Vec<Cell>>, DomainError> = rows.collect();
    let settlement = holdings
        .first()
        .map_or(String::new(), |h| date::written(h.settlement));
    let mut html = table(
        &[
            "tranche",
            "average life",
            "yield at 100",
            "Macaulay duration",
            "modified",
            "price at its coupon",
            "not repaid",
            "the same, discounted",
        ],
        &rows.map_err(|e| e.to_string())?,
    );
    let _ = writeln!(
        html,
        "<p class=\"sub\">Settlement on {settlement}, when nothing has accrued, so that clean and dirty prices are the same. Times are in \
         years of 30/360 US. Average life: of principal paid, write-downs left out. Yields are bond-equivalent, 2 ((1 + i)^6 - 1) of the \
         monthly rate i; durations are at the yield at 100, the modified one divided by 1 + y / 2. The price, in percent of what is owed, \
         is at the bond-equivalent yield of the coupon at settlement. What is not repaid is written down, or owed after the last payment \
         date; it is discounted at that coupon. Interest that is not paid is not discounted. None of this is proven: it is computed from \
         what the claim says (SIFMA, Standard Formulas).</p>"
    );
    Ok(html)
}

fn row(name: &str, holding: &Holding) -> Result<Vec<Cell>, DomainError> {
    let or_none = |value: Option<String>| Cell::Number(value.unwrap_or("none".into()));
    let par = holding.yield_at(&Decimal::from_int(100))?;
    let durations = match &par {
        Some(par) => holding.durations(par)?,
        None => None,
    };
    let price = holding.price(&holding.coupon_yield()?)?;
    Ok(vec![
        name.into(),
        or_none(holding.average_life().map(|life| life.to_string())),
        or_none(par.map(|par| format!("{par}%"))),
        or_none(durations.map(|d| d.macaulay.to_string())),
        or_none(durations.map(|d| d.modified.to_string())),
        or_none(price.map(|(_, clean)| clean.to_string())),
        lost(holding.written_down()),
        lost(holding.written_down_discounted()?),
    ])
}

/// An amount that should be none; more written up than down since settlement is a gain.
fn lost(amount: Cents<i64>) -> Cell {
    let cents = Cents(amount.0.unsigned_abs());
    match amount.0 {
        0 => Cell::Number(money(cents)),
        1.. => Cell::Bad(money(cents)),
        _ => Cell::Number(format!("-{}", money(cents))),
    }
}
