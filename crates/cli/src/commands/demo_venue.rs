//! The venue of `sealbook demo`: its book, a day of its trades, and it and another one together.

use std::time::Instant;

use fixed::Decimal;
use records::units::{Lots, Ticks};
use statements::account::{PublicDigest, Secret};
use statements::book::{SealedBook, least_slots};
use statements::inventory;
use statements::premia::{Prepared, PublicChange, Shows, Terms};
use statements::systemic::{self, Venue};
use venue::evar::{Confidence, EvarError};
use venue::fact::Fact;
use venue::scenarios::ScenarioSet;
use venue::state::{Change, Trade, Transfer, VenueState};

use super::demo::{Row, internal, show};
use crate::Failure;
use crate::output::say;

const SCENARIOS: usize = 1_000;
const TRADES: usize = 20;
const TRADERS: usize = 200;
/// Of a trade that the venue cannot bear, whatever premia were drawn.
const TOO_MANY: i64 = 200;

/// Three facts about a venue that is its traders' counterparty.
pub fn run() -> Result<[Row; 3], Failure> {
    let set = venue::sample::scenarios(2026, 4, SCENARIOS);
    let state = venue::sample::state(&set);
    let confidence = Decimal::new(95, 2).try_into();
    let confidence = confidence.map_err(|e: EvarError| Failure::Internal(e.to_string()))?;
    let secret = Secret::random();
    let (book, commitment) = book(&set, &state, &secret)?;
    let (day, after) = day(&set, &state, confidence, &secret, commitment)?;
    let together = together(&set, after, confidence, secret)?;
    Ok([book, day, together])
}

/// The state is what the traders' accounts add up to.
fn book(
    set: &ScenarioSet,
    state: &VenueState,
    secret: &Secret,
) -> Result<(Row, PublicDigest), Failure> {
    say!(
        "4. Another venue, in {} perpetuals, is the counterparty of {TRADERS} traders. It proves that its state holds what\n   \
         their accounts add up to.",
        set.markets.len()
    );
    let snapshot = venue::sample::snapshot(set);
    let book = venue::sample::book(2026, set, state, TRADERS);
    let started = Instant::now();
    let slots = least_slots(book.accounts());
    let sealed = SealedBook::new(&snapshot, book.accounts(), slots, secret);
    let sealed = sealed.map_err(|e| internal(&e))?;
    let prepared = inventory::Prepared::new(&sealed, set, state, secret)?;
    let claim = prepared.claim();
    let proven = format!("the state is the sum of {TRADERS} accounts");
    let private = "accounts, net positions";
    let (row, _) = show(&prepared, started, "inventory", proven, private)?;
    Ok((row, claim.state))
}

/// A day of trades, and a provider's withdrawal after them.
fn changes(set: &ScenarioSet) -> Vec<Change> {
    let trades = venue::sample::trades(2026, set, TRADES);
    let mut changes: Vec<Change> = trades.into_iter().map(Change::from).collect();
    changes.push(Change::Transfer(Transfer {
        providers: Ticks(-10_000_000_000),
        ..Transfer::default()
    }));
    changes
}

/// A trade of the first market that is too large.
fn too_large(set: &ScenarioSet) -> Change {
    Change::Trade(Trade {
        market: 0,
        lots: Lots(TOO_MANY),
        price: Ticks(set.markets[0].value),
    })
}

/// Trades and a withdrawal are priced, and one trade is refused.
fn day(
    set: &ScenarioSet,
    state: &VenueState,
    confidence: Confidence,
    secret: &Secret,
    commitment: PublicDigest,
) -> Result<(Row, VenueState), Failure> {
    let changes = changes(set);
    let terms = Terms {
        confidence,
        shows: Shows::Totals {
            grid: None,
            tolerance: None,
        },
        funding: true,
        until_ms: None,
    };
    say!(
        "5. From that state on, it proves the premium of each of {TRADES} trades and of a liquidity provider's withdrawal, and\n   \
         the funding rates after them, by entropic value at risk over {SCENARIOS} scenarios. What is published is on a grid, so\n   \
         that sizes stay private; each trader gets a receipt."
    );
    let started = Instant::now();
    let prepared = Prepared::new(set, state, &changes, &terms, secret)?;
    let claim = prepared.claim();
    if claim.before != commitment {
        return Err(Failure::Internal(
            "the day starts from another state".into(),
        ));
    }
    let proven = format!("{} premia, 4 funding rates, EVaR", TRADES + 1);
    let private = "inventory, capital, trade sizes";
    let (row, _) = show(&prepared, started, "premia", proven, private)?;
    receipts(set, &prepared)?;
    refuse(set, prepared.after(), &terms, secret)?;
    Ok((row, prepared.after().clone()))
}

/// What the traders' receipts say that they paid, each of which opens what the claim commits to, and the funding rates.
fn receipts(set: &ScenarioSet, prepared: &Prepared) -> Result<(), Failure> {
    let quote = &set.quote;
    let receipts = prepared.receipts();
    for receipt in &receipts {
        let checked = receipt.check(prepared.claim());
        checked.map_err(|e| Failure::Internal(e.to_string()))?;
    }
    let premia = receipts.iter().take(5).map(|r| r.premium.to_string());
    let premia = premia.collect::<Vec<_>>().join(", ");
    say!("  the first traders' receipts, in {quote}: {premia}");
    for receipt in &receipts {
        if let PublicChange::Transfer { providers, .. } = &receipt.change {
            say!(
                "  the withdrawal of {} {quote} pays {}",
                providers.neg(),
                receipt.premium
            );
        }
    }
    let rates = prepared.claim().shown.funding().unwrap_or_default();
    let rates = set.markets.iter().zip(rates).map(|(m, r)| {
        let cents = r.rescale(2, fixed::Rounding::HalfEven).unwrap_or(0);
        format!("{} {}", m.symbol, Decimal::new(cents, 2))
    });
    let rates = rates.collect::<Vec<_>>().join(", ");
    say!("  funding a lot and day, in {quote}, rounded: {rates}");
    Ok(())
}

/// A trade whose risk neither capital nor the window's cash bears has no proof.
fn refuse(
    set: &ScenarioSet,
    state: &VenueState,
    terms: &Terms,
    secret: &Secret,
) -> Result<(), Failure> {
    let adequate = Terms {
        shows: Shows::Fact(Fact::Adequate),
        funding: false,
        ..terms.clone()
    };
    match Prepared::new(set, state, &[too_large(set)], &adequate, secret) {
        Err(refusal) if refusal.is_false() => {
            let symbol = &set.markets[0].symbol;
            say!("  a trade of {TOO_MANY} more lots of {symbol} is refused: {refusal}\n");
            Ok(())
        }
        Err(e) => Err(e.into()),
        Ok(_) => Err(internal(&"a trade that is too large was taken")),
    }
}

/// The venue after its day and another one, which is short where the first is long.
fn together(
    set: &ScenarioSet,
    after: VenueState,
    confidence: Confidence,
    secret: Secret,
) -> Result<Row, Failure> {
    say!(
        "6. A regulator asks what this venue and another one may owe together, beyond their means."
    );
    let mut other = venue::sample::state(set);
    other.quantities.iter_mut().for_each(|q| q.0 = -q.0 / 2);
    other.entry.0 = -other.entry.0 / 2;
    let venues = vec![
        Venue {
            state: after,
            secret,
        },
        Venue {
            state: other,
            secret: Secret::random(),
        },
    ];
    let started = Instant::now();
    let bound = Some(Decimal::from_int(150_000));
    let prepared = systemic::Prepared::new(set, venues, confidence, bound)?;
    let proven = "two venues' EVaR is at most 150,000 USD".into();
    let private = "both venues' states";
    let (row, _) = show(&prepared, started, "systemic", proven, private)?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Premia are drawn, each up to the tolerance above what the change moves EVaR by. The trade is too large even after a day on
    /// which all of them are drawn as high as they can be.
    #[test]
    fn the_trade_is_too_large_whatever_is_drawn() {
        let set = venue::sample::scenarios(2026, 4, SCENARIOS);
        let state = venue::sample::state(&set);
        let confidence = Decimal::new(95, 2).try_into().expect("a confidence");
        let mut terms = Terms {
            confidence,
            shows: Shows::Totals {
                grid: None,
                tolerance: None,
            },
            funding: false,
            until_ms: None,
        };
        let day = statements::premia::check(&set, &state, &changes(&set), &terms).expect("a day");
        let tolerance = day.rounding.expect("of totals").tolerance;
        let mut after = day.last().state.clone();
        after.collected += Ticks(tolerance * changes(&set).len() as u64);
        terms.shows = Shows::Fact(Fact::Adequate);
        let refused = |trades: &[Change]| {
            statements::premia::check(&set, &after, trades, &terms).is_err_and(|r| r.is_false())
        };
        assert!(refused(&[too_large(&set)]));
        // Without it the venue is adequate: it is the trade that is refused.
        assert!(!refused(&[]));
    }
}
