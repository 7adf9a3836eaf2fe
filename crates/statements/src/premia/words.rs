//! What a premia claim says.

use fixed::Decimal;
use records::date::moment;
use records::units::Lots;
use venue::fact::Fact;
use venue::premia::rate_step;
use venue::scenarios::ScenarioSet;

use super::claim::PublicChange;
use super::{PremiaClaim, Shown};
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce::{self, Nonce};
use crate::venues::words::{over, scenario_lines};
use crate::words::quoted;

impl PublicChange {
    /// The change in words.
    pub(super) fn words(&self, set: &ScenarioSet) -> String {
        let quote = quoted(&set.quote);
        match self {
            Self::Trade {
                market,
                price,
                lots,
            } => {
                let known = set.markets.get(*market as usize);
                let market = known.map_or("no market".into(), |m| quoted(&m.symbol));
                let at = format!("{market} at {price} {quote} a lot");
                match lots {
                    Some(Lots(lots)) if *lots < 0 => {
                        format!("a sale of {} lot(s) of {at}", lots.unsigned_abs())
                    }
                    Some(lots) => format!("a purchase of {lots} lot(s) of {at}"),
                    None => format!("a trade of unstated size in {at}"),
                }
            }
            Self::Transfer { .. } => {
                let moved = self
                    .moved()
                    .into_iter()
                    .filter(|(_, amount)| !amount.is_zero());
                let moved: Vec<String> = moved
                    .map(|(kind, amount)| {
                        let way = if amount.is_negative() {
                            "out of"
                        } else {
                            "into"
                        };
                        format!("{} {quote} {way} {kind}", amount.abs())
                    })
                    .collect();
                match moved.as_slice() {
                    [] => "a transfer of nothing".into(),
                    moved => format!("a transfer of {}", moved.join(" and ")),
                }
            }
            Self::Roll { at_ms } => format!(
                "a roll: all that was collected until {} moves into capital",
                moment(*at_ms)
            ),
        }
    }

    /// The amounts of a transfer by kind.
    fn moved(&self) -> Vec<(&'static str, Decimal)> {
        match self {
            Self::Trade { .. } | Self::Roll { .. } => Vec::new(),
            Self::Transfer {
                capital,
                providers,
                collected,
            } => vec![
                ("capital", *capital),
                ("providers' capital", *providers),
                ("the collected sum", *collected),
            ],
        }
    }
}

/// What moved besides premia, by kind: in all, in and out.
fn transfers<'a>(
    changes: impl Iterator<Item = &'a PublicChange> + Clone,
    set: &ScenarioSet,
) -> String {
    let mut kinds = Vec::new();
    for kind in ["capital", "providers' capital", "the collected sum"] {
        let amounts = changes.clone().flat_map(PublicChange::moved);
        let amounts: Vec<Decimal> = amounts
            .filter(|(k, _)| *k == kind)
            .map(|(_, x)| x)
            .collect();
        let sum = |negative: bool| {
            let own = amounts.iter().filter(|x| x.is_negative() == negative);
            let sum = own
                .map(Decimal::abs)
                .try_fold(Decimal::ZERO, |sum, x| sum.checked_add(&x));
            sum.map_or("too much to add up".into(), |x| x.to_string())
        };
        if amounts.iter().any(|x| !x.is_zero()) {
            kinds.push(format!(
                "{} into and {} out of {kind}",
                sum(false),
                sum(true)
            ));
        }
    }
    if kinds.is_empty() {
        "no money moved but for premia".into()
    } else {
        format!(
            "transfers in all: {} ({})",
            kinds.join("; "),
            quoted(&set.quote)
        )
    }
}

fn rates(claim: &PremiaClaim) -> Vec<String> {
    let set = &claim.scenarios;
    let Some(rates) = claim.shown.funding() else {
        return vec!["no funding rate is stated".into()];
    };
    let rates = set.markets.iter().zip(rates).enumerate().map(|(i, (m, rate))| {
        let step = match claim.shown {
            Shown::Totals { .. } => {
                let step = Decimal::new(rate_step(set, i) as i128, 12);
                format!("rounded down to a multiple of {}", step.normalized())
            }
            _ => "rounded down".into(),
        };
        format!(
            "funding after the last change: a lot of {} pays {rate} {} a day ({step}), by what its worth grows with the horizon \
             under the tilt of that state, held fixed; longs pay, shorts receive",
            quoted(&m.symbol),
            quoted(&set.quote)
        )
    });
    rates.collect()
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &PremiaClaim) -> Vec<String> {
    let set = &claim.scenarios;
    let over = format!(
        "at confidence {} {}",
        Decimal::from(claim.confidence),
        over(set)
    );
    let from = format!(
        "committed as {}, as of {}, with what it collected since {}",
        claim.before,
        moment(claim.as_of_ms),
        moment(claim.collected_since_ms)
    );
    let to = format!(
        "committed as {}, as of {}, with what it collected since {}",
        claim.after,
        moment(claim.until_ms),
        moment(claim.until_since_ms())
    );
    let mut lines = match &claim.shown {
        Shown::Prices { .. } => prices(claim, &from, &to, &over),
        Shown::Totals { .. } => totals(claim, &from, &to, &over),
        Shown::Fact { fact, changes } => held(set, *fact, changes, &from, &to, &over),
    };
    lines.extend(scenario_lines(set));
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// Where only a fact is stated.
fn held(
    set: &ScenarioSet,
    fact: Fact,
    changes: &[PublicChange],
    from: &str,
    to: &str,
    over: &str,
) -> Vec<String> {
    let bears = match fact {
        Fact::Funded => "what it collected",
        Fact::Adequate => "its capital, its providers' capital and what it collected together",
        Fact::AdequateWithoutProviders => "its own capital and what it collected together",
    };
    let mut lines = vec![
        format!(
            "the venue {from}, is {fact}: EVaR of {} is at most {bears}, {over}; and so it is after each of {} trade(s), \
             transfer(s) and roll(s), to the state {to}",
            fact.losses(),
            changes.len()
        ),
        "what it collected is cash that is not in its capital yet, so no amount counts twice"
            .into(),
    ];
    if fact == Fact::Funded {
        lines.push(
            "so it is adequate, too: EVaR of what it may owe its traders is at most its capital, its providers' capital and \
             what it collected together"
                .into(),
        );
    }
    lines.push(transfers(changes.iter(), set));
    let each = changes.iter().enumerate();
    lines.extend(each.map(|(i, c)| format!("change {}: {}", i + 1, c.words(set))));
    lines.push(
        "no premia are collected; EVaR, sizes of trades, inventory, capital and what was collected are not shown".into(),
    );
    lines
}

/// Where every EVaR and every premium is public.
fn prices(claim: &PremiaClaim, from: &str, to: &str, over: &str) -> Vec<String> {
    let Shown::Prices {
        evar,
        tolerance,
        changes,
        funding: _,
    } = &claim.shown
    else {
        return Vec::new();
    };
    let set = &claim.scenarios;
    let quote = quoted(&set.quote);
    let last = changes.last().map_or(evar, |t| &t.evar);
    let premia = changes
        .iter()
        .try_fold(Decimal::ZERO, |sum, t| sum.checked_add(&t.premium));
    let premia = premia.map_or("too much to add up".into(), |p| p.to_string());
    let mut lines = vec![
        format!(
            "what the venue {from}, owes beyond its means has an EVaR of {evar} {quote} {over}; {} trade(s) and transfer(s) paid \
             {premia} {quote} in premia and led to the state {to}, with an EVaR of {last} {quote}; each EVaR is at most \
             {tolerance} {quote} too high and not too low",
            changes.len(),
        ),
        transfers(changes.iter().map(|c| &c.change), set),
    ];
    lines.extend(changes.iter().enumerate().map(|(i, c)| {
        format!(
            "change {}: {}, paid {} {quote}; EVaR after it {} {quote}",
            i + 1,
            c.change.words(set),
            c.premium,
            c.evar
        )
    }));
    lines.extend(rates(claim));
    lines.push(
        "sizes of trades and the inventory are not private here: they can be computed from EVaR after every change and from \
         funding rates"
            .into(),
    );
    lines
}

/// Where only totals are public, on a grid.
fn totals(claim: &PremiaClaim, from: &str, to: &str, over: &str) -> Vec<String> {
    let Shown::Totals {
        evar_before,
        evar_after,
        premia,
        grid,
        tolerance,
        changes,
        receipts,
        funding: _,
    } = &claim.shown
    else {
        return Vec::new();
    };
    let set = &claim.scenarios;
    let quote = quoted(&set.quote);
    let mut lines = vec![
        format!(
            "what the venue {from}, owes beyond its means has an EVaR of at most {evar_before} {quote} {over}; {} trade(s) and \
             transfer(s) paid at least {premia} {quote} in premia and led to the state {to}, with an EVaR of at most \
             {evar_after} {quote}; EVaR is rounded up and premia are rounded down, each by less than {grid} {quote}, and EVaR \
             before rounding is at most {tolerance} {quote} too high and not too low",
            changes.len(),
        ),
        transfers(changes.iter(), set),
    ];
    lines.extend(
        changes
            .iter()
            .zip(receipts)
            .enumerate()
            .map(|(i, (c, receipt))| {
                format!("change {}: {}, with receipt {receipt}", i + 1, c.words(set))
            }),
    );
    lines.extend(rates(claim));
    lines.extend([
        format!(
            "premia are what EVaR rises by before rounding: the venue may put that up to {tolerance} {quote} above the true EVaR, \
             anew after each change, so each premium is off by at most {tolerance} {quote}, up or down, and a change that does not \
             raise EVaR may pay up to that"
        ),
        format!(
            "sizes of trades, each premium, EVaR in between, inventory and capital are not shown; a receipt tells its holder what \
             its own change added to EVaR, to within {tolerance} {quote}, and many receipts together tell more of the inventory, \
             the more they are and the smaller that is"
        ),
        "who traded is not shown: a trade's size may be zero, and both sides of two trades one person's".into(),
    ]);
    lines
}

impl Spoken for super::Premia {
    fn words(claim: &PremiaClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &PremiaClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &PremiaClaim) -> Vec<Anchor<'_>> {
        let ends = [(At::Start, claim.before), (At::End, claim.after)];
        ends.map(|(at, state)| Anchor::VenueState(at, state)).into()
    }

    fn given(claim: &PremiaClaim) -> Vec<Given> {
        vec![Given::scenarios(&claim.scenarios, &claim.scenarios_digest)]
    }
}
