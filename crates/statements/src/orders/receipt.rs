//! What became of an order.

use gadgets::hash::{DIGEST, Digest, Domain, HEAD, hash_with_head};
use gadgets::limbs::halves_of;
use market::auction::{Fill, Order, Refusal, UNBOUNDED, Void};
use records::units::Lots;
use serde::{Deserialize, Serialize};
use stark::{F, PrimeCharacteristicRing, felt};

/// What became of an order, as receipts say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Status {
    /// It took part; it may have traded nothing.
    TookPart = 0,
    /// [`Refusal::NoAccount`].
    NoAccount = 1,
    /// [`Refusal::Secret`].
    Secret = 2,
    /// [`Void::Replaced`].
    Replaced = 3,
    /// [`Void::Cancels`].
    Cancels = 4,
    /// [`Void::OutsideBand`].
    OutsideBand = 5,
    /// [`Void::Crossed`].
    Crossed = 6,
    /// [`Void::TooLarge`].
    TooLarge = 7,
    /// [`Refusal::Margin`].
    Margin = 8,
    /// [`Refusal::Room`].
    Room = 9,
}

impl Status {
    /// All of them, by number.
    pub const ALL: [Self; 10] = [
        Self::TookPart,
        Self::NoAccount,
        Self::Secret,
        Self::Replaced,
        Self::Cancels,
        Self::OutsideBand,
        Self::Crossed,
        Self::TooLarge,
        Self::Margin,
        Self::Room,
    ];

    /// The account book's verdict, if it is one.
    pub fn refusal(self) -> Option<Refusal> {
        match self {
            Self::NoAccount => Some(Refusal::NoAccount),
            Self::Secret => Some(Refusal::Secret),
            Self::Margin => Some(Refusal::Margin),
            Self::Room => Some(Refusal::Room),
            _ => None,
        }
    }

    /// That of an auction's result.
    pub fn of(result: &Result<Fill, Void>) -> Self {
        match result {
            Ok(_) => Self::TookPart,
            Err(Void::Refused(Refusal::NoAccount)) => Self::NoAccount,
            Err(Void::Refused(Refusal::Secret)) => Self::Secret,
            Err(Void::Replaced) => Self::Replaced,
            Err(Void::Cancels) => Self::Cancels,
            Err(Void::OutsideBand { .. }) => Self::OutsideBand,
            Err(Void::Crossed { .. }) => Self::Crossed,
            Err(Void::TooLarge(_)) => Self::TooLarge,
            Err(Void::Refused(Refusal::Margin)) => Self::Margin,
            Err(Void::Refused(Refusal::Room)) => Self::Room,
        }
    }
}

/// What a receipt says besides whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the order.
    pub status: Status,
    /// Its place in the list of the batch, from zero.
    pub place: usize,
    /// What it traded: nothing if it took no part.
    pub fill: Fill,
    /// Most lots that it could buy and sell: those of [`market::auction::Admission`]. Without a bound if it took no part.
    pub most: [Lots; 2],
}

impl Outcome {
    /// The outcome of an order at a place of the list.
    pub fn new(place: usize, order: &Order, result: &Result<Fill, Void>) -> Self {
        Self {
            status: Status::of(result),
            place,
            fill: result.unwrap_or_default(),
            most: result.map_or(UNBOUNDED, |_| order.admission.most),
        }
    }

    /// The head of its hash.
    pub fn head(&self) -> [F; HEAD] {
        [
            F::from_u8(self.status as u8),
            F::from_usize(self.place),
            F::ZERO,
            F::ZERO,
        ]
    }

    /// What is hashed behind the tag.
    pub fn elements(&self) -> [F; DIGEST] {
        let Fill {
            bought,
            sold,
            cash,
            fee,
            rebate,
            reached: _,
        } = self.fill;
        let [cash_low, cash_high] = halves_of(cash.0);
        // An order pays a fee or earns a rebate; its flag says which.
        let [charge_low, charge_high] = halves_of((fee + rebate).0);
        let [buy, sell] = self.most.map(|lots| felt(lots.0));
        let [bought, sold] = [bought, sold].map(|lots| felt(lots.0));
        [
            bought,
            sold,
            cash_low,
            cash_high,
            charge_low,
            charge_high,
            buy,
            sell,
        ]
    }

    /// The receipt of an order with this tag: a leaf of the batch's tree.
    pub fn receipt(&self, tag: &Digest) -> Digest {
        let elements: Vec<F> = tag.iter().copied().chain(self.elements()).collect();
        hash_with_head(Domain::Outcome, &self.head(), &elements)
    }
}
