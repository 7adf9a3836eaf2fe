//! An order as it stands in private files: JSON.

use market::auction::rule::MAX_PRICE;
use market::auction::{Ladder, Level, Quantity};
use market::book::MAX_LOTS;
use records::units::{Lots, MAX_AMOUNT, Ticks};
use serde::{Deserialize, Serialize};
use stark::{PrimeField32, felt};

use super::opening::Opening;
use crate::account::PublicDigest;

/// An order as it stands in private files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpeningFile {
    account: u64,
    instrument: usize,
    nonce: u64,
    #[serde(default)]
    quote: bool,
    #[serde(default)]
    reduce_only: bool,
    levels: Vec<LevelFile>,
    session: [u32; 2],
    secret: PublicDigest,
}

/// A level: what is left out has no lots.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bid: Option<QuantityFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask: Option<QuantityFile>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuantityFile {
    lots: Lots,
    /// In ticks a lot.
    limit: Ticks<u64>,
}

impl From<Opening> for OpeningFile {
    fn from(opening: Opening) -> Self {
        let part = |q: Quantity| {
            let file = QuantityFile {
                lots: q.lots,
                limit: q.limit,
            };
            (q != Quantity::default()).then_some(file)
        };
        let levels = opening.ladder.0.iter().map(|level| LevelFile {
            bid: part(level.bid),
            ask: part(level.ask),
        });
        Self {
            account: opening.account,
            instrument: opening.instrument,
            nonce: opening.nonce,
            quote: opening.quote,
            reduce_only: opening.reduce_only,
            levels: levels.collect(),
            session: opening.session.map(|x| x.as_canonical_u32()),
            secret: opening.secret.into(),
        }
    }
}

impl TryFrom<OpeningFile> for Opening {
    type Error = &'static str;
    fn try_from(file: OpeningFile) -> Result<Self, Self::Error> {
        let part = |q: Option<QuantityFile>| {
            q.map_or_else(Quantity::default, |q| Quantity {
                lots: q.lots,
                limit: q.limit,
            })
        };
        let levels = file.levels.iter().map(|level| Level {
            bid: part(level.bid),
            ask: part(level.ask),
        });
        let ladder: Vec<Level> = levels.collect();
        let sides = ladder.iter().flat_map(|level| [level.bid, level.ask]);
        let mut fits = sides.map(|q| q.lots < MAX_LOTS && q.limit.0 < MAX_PRICE);
        if !fits.all(|fits| fits) || ladder.len() > 4 {
            return Err(
                "an order has at most 4 levels, of fewer than 2^30 lots at limits below 2^40 ticks",
            );
        }
        if file.account >= MAX_AMOUNT || file.instrument >= 1 << 10 || file.nonce >= 1 << 30 {
            return Err(
                "an order's account is below 2^60, its instrument below 2^10, its nonce below 2^30",
            );
        }
        if file.session.iter().any(|x| *x >= stark::P) {
            return Err("what stands for venue and batch is below 2^31 - 2^24 + 1");
        }
        Ok(Self {
            account: file.account,
            instrument: file.instrument,
            nonce: file.nonce,
            quote: file.quote,
            reduce_only: file.reduce_only,
            ladder: Ladder(ladder),
            session: file.session.map(|x| felt(x.into())),
            secret: file.secret.elements(),
        })
    }
}
