//! Why receipts do not settle a book.

use market::settlement::Refusal as NoFit;
use records::units::Ticks;

/// Why receipts do not settle a book.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSettled {
    /// Too many accounts for one batch.
    #[error(
        "the batch's orders name so many accounts that its receipts need {0} times the slots of one auction; hold auctions more often"
    )]
    Parts(usize),
    /// Other receipts than those of the batch.
    #[error(
        "these receipts are not those below the batch's root: an outcome or a slot is another one"
    )]
    Receipts,
    /// More or fewer orders than the batch has.
    #[error("{0} orders are given, and the batch has {1}")]
    Count(usize, u64),
    /// The order is for another batch or venue, or has too many levels.
    #[error("order {0} of the list is for another batch or another venue, or has too many levels")]
    Batch(usize),
    /// Two receipts of one place.
    #[error("place {0} of the list has two receipts")]
    Twice(usize),
    /// Nobody has the key.
    #[error(
        "order {0} of the list names an account that the book does not have, and its receipt does not say so"
    )]
    NoAccount(usize),
    /// Somebody has it.
    #[error("the receipt of order {place} says that no account has its key; `{account}` has it")]
    Account {
        /// The order's place.
        place: usize,
        /// The account.
        account: String,
    },
    /// Refused for its secret without cause, or not refused.
    #[error(
        "order {0} of the list: its secret is not the account's for the batch and its receipt does not say so, or the other way round"
    )]
    Secret(usize),
    /// No way to the account's secret.
    #[error(
        "no way from the secret for the batch to the root of the account's secrets is given for order {0}, or it leads to another root"
    )]
    Path(usize),
    /// Let in or refused against what is free.
    #[error(
        "order {place} of the list: `{account}` has {} free, its orders need {}, and the receipt says otherwise",
        free.to_quote(),
        needed.to_quote()
    )]
    Margin {
        /// The order's place.
        place: usize,
        /// The account.
        account: String,
        /// What is free in it.
        free: Ticks<i128>,
        /// What its orders need in reserve.
        needed: Ticks<i128>,
    },
    /// A bound that an order does not have.
    #[error(
        "the receipt of order {0}: what the order may trade at most is not what closes the position, or it only reduces"
    )]
    Most(usize),
    /// Some orders of an account have no room, others do.
    #[error(
        "`{0}`: some receipts say that what its orders could trade does not fit the account, others that it does"
    )]
    Room(String),
    /// No slots for what orders could open.
    #[error(
        "`{account}` could have more than {slots} positions by its orders, and receipts do not say so"
    )]
    Slots {
        /// The account.
        account: String,
        /// Slots of an account.
        slots: usize,
    },
    /// A fill without a reason.
    #[error(
        "the receipt of order {0} has a fill, and says that the order took no part; or it has one on both sides"
    )]
    Fill(usize),
    /// An amount that does not follow from the fill.
    #[error(
        "the receipt of order {0}: cash or charge are not those of its lots at the clearing price"
    )]
    Amounts(usize),
    /// Two fills of an account in an instrument.
    #[error("the receipt of order {0}: another order of the account in the instrument traded, too")]
    TwoFills(usize),
    /// A fill that the account can't bear.
    #[error("`{account}`: {reason}")]
    Refused {
        /// The account.
        account: String,
        /// Why not.
        reason: NoFit,
    },
}
