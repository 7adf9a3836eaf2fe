//! What of a batch settlement looks at, by the market's list of instruments.

use market::Snapshot;
use market::auction::Band;
use records::units::Ticks;

use crate::orders::Batch;
use crate::words::quoted;

/// The terms of an instrument's auction, and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traded {
    /// The candidate prices; none if there was no auction.
    pub band: Option<Band>,
    /// What a trade costs, in 10^-6 of its cash.
    pub fee: u32,
    /// What a quote earns, in 10^-6 of its cash.
    pub rebate: u32,
    /// The clearing price; none if nothing traded, or there was no auction.
    pub price: Option<Ticks<u64>>,
}

/// What traded of each instrument of a market.
///
/// # Errors
/// If the batch contradicts itself, or is over other instruments or another currency.
pub(crate) fn traded(snapshot: &Snapshot, batch: &Batch) -> Result<Vec<Traded>, String> {
    batch.check()?;
    if batch.quote != snapshot.quote {
        return Err(format!(
            "the batch is in {}, the market in {}",
            quoted(&batch.quote),
            quoted(&snapshot.quote)
        ));
    }
    let none = Traded {
        band: None,
        fee: 0,
        rebate: 0,
        price: None,
    };
    let mut all = vec![none; snapshot.instruments.len()];
    for auction in &batch.auctions {
        let number = auction.number as usize;
        let symbol = snapshot.instruments.get(number).map(|i| &i.symbol);
        if symbol != Some(&auction.symbol) {
            return Err(format!(
                "instrument {number} of the market is not {}, which the batch auctions under this number",
                quoted(&auction.symbol)
            ));
        }
        all[number] = Traded {
            band: Some(auction.band()?),
            fee: auction.fee,
            rebate: auction.rebate,
            price: auction.price,
        };
    }
    Ok(all)
}
