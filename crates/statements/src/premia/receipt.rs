//! What a trader gets who pays a premium that stays private.

use fixed::Decimal;
use gadgets::hash::{Domain, hash};
use records::units::{Lots, Ticks};
use serde::{Deserialize, Serialize};
use venue::premia::whole_ticks;
use venue::state::{Change, quantity_fits, ticks};

use super::claim::{PremiaClaim, PublicChange, Shown, public};
use super::tables::premia::{receipt_digest, receipt_quads};
use crate::account::{PublicDigest, Secret};
use crate::words::quoted;

/// Opens the commitment to what one change of a claim paid. Whoever has it knows the size and the premium; it is for the
/// change's own trader alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The number of the change in its claim, from 1.
    pub number: usize,
    /// The change, with its lots.
    pub change: PublicChange,
    /// What it paid, in the quote currency.
    pub premium: Decimal,
    /// What hides it from others.
    pub salt: PublicDigest,
}

/// Why a receipt does not open what a claim commits to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The claim has no receipts.
    #[error("the claim commits to no receipts: it shows all premia, or none are paid")]
    None,
    /// There is no such change.
    #[error("the claim has no change number {0}")]
    Number(usize),
    /// The claim says another trade or transfer.
    #[error("change {0} of the claim is another trade or transfer")]
    Change(usize),
    /// A number does not fit.
    #[error("it is malformed: {0}")]
    Malformed(String),
    /// It is not what the claim commits to.
    #[error(
        "it is not what the claim commits to for change {0}: the lots, the premium or the salt are others"
    )]
    Other(usize),
}

impl Receipt {
    /// The receipt of a change of the claim that starts from a state. Its salt depends on all that it says.
    pub(super) fn new(
        before: &PublicDigest,
        secret: &Secret,
        number: usize,
        change: &Change,
        premium: Ticks<u64>,
    ) -> Self {
        let (trade, lots) = match change {
            Change::Trade(trade) => (Some((trade.market, trade.price.0)), trade.lots),
            Change::Transfer(_) | Change::Roll { .. } => (None, Lots(0)),
        };
        let unsalted = receipt_quads(&Default::default(), number, trade, lots.0, premium.0);
        let mut about = before.elements().to_vec();
        about.extend(unsalted.as_flattened());
        Self {
            number,
            change: public(change, true),
            premium: premium.to_quote(),
            salt: secret.salt_for(&hash(Domain::Receipt, &about)).into(),
        }
    }

    /// The commitment that it opens.
    ///
    /// # Errors
    /// If a number does not fit.
    pub fn commitment(&self) -> Result<PublicDigest, String> {
        let (trade, lots) = match &self.change {
            PublicChange::Trade {
                market,
                price,
                lots,
            } => {
                let lots = lots.ok_or("a trade's receipt tells its lots")?;
                if !quantity_fits(lots) {
                    return Err("the lots are too many".into());
                }
                let price = whole_ticks("a price", price)?;
                if price.0 >= venue::scenarios::MAX_VALUE {
                    return Err("a price is 2^40 ticks or more".into());
                }
                (Some((*market as usize, price.0)), lots)
            }
            PublicChange::Transfer { .. } => (None, Lots(0)),
            PublicChange::Roll { .. } => {
                return Err("a roll pays nothing and has no receipt".into());
            }
        };
        let premium = whole_ticks("a premium", &self.premium)?;
        let salt = self.salt.elements();
        let quads = receipt_quads(&salt, self.number, trade, lots.0, premium.0);
        Ok(receipt_digest(&quads).into())
    }

    /// Checks that it opens what a claim, whose proof was verified, commits to, and says what was paid.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check(&self, claim: &PremiaClaim) -> Result<String, ReceiptError> {
        let Shown::Totals {
            changes,
            receipts,
            tolerance,
            ..
        } = &claim.shown
        else {
            return Err(ReceiptError::None);
        };
        let number = self.number;
        let at = number.checked_sub(1).filter(|&i| i < changes.len());
        let at = at.ok_or(ReceiptError::Number(number))?;
        let mut told = self.change.clone();
        if let PublicChange::Trade { lots, .. } = &mut told {
            *lots = None;
        }
        if told != changes[at] {
            return Err(ReceiptError::Change(number));
        }
        let own = self.commitment().map_err(ReceiptError::Malformed)?;
        if receipts.get(at) != Some(&own) {
            return Err(ReceiptError::Other(number));
        }
        let quote = quoted(&claim.scenarios.quote);
        // What EVaR is drawn above the true one by, before or after the change, is between nothing and the tolerance.
        let least = self.premium.checked_sub(tolerance);
        let least = least.ok().filter(|x| !x.is_negative()).unwrap_or(ticks(0));
        let most = self.premium.checked_add(tolerance);
        let most = most.map_or("more than can be said".into(), |x| x.to_string());
        Ok(format!(
            "change {number} of {}, {}, paid a premium of {} {quote}; from the true EVaR it would be between {least} and {most} \
             {quote}, since the venue may put EVaR up to {tolerance} {quote} too high, before the change and after it",
            changes.len(),
            self.change.words(&claim.scenarios),
            self.premium
        ))
    }
}
