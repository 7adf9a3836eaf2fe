//! What shows that an account is in a proven book: to its user, with all that it holds; to anyone else, with nothing but its
//! commitment.

use gadgets::hash::Digest;
use market::{Account, Balance, MAX_LOTS, Position, Settlement, Side, Snapshot};
use records::units::{Lots, MAX_AMOUNT};
use serde::{Deserialize, Serialize};

use crate::account::{AMOUNTS, Identity, Layout, Leaf, PublicDigest, listing};
use crate::book::{BookRef, Member};
use crate::trees::{log_slots, root_of};
use crate::words::quoted;

/// The way from a leaf to the root of a book's tree. It holds no balances, no positions and no id; but accounts stand in the
/// order of a hash of their ids, so the leaf's number tells about `log2(accounts)` bits of that hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookPath {
    /// The leaf's number.
    pub index: u64,
    /// The siblings on the way to the root, leaf level first.
    pub siblings: Vec<PublicDigest>,
}

/// Why a file does not show what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIncluded {
    /// It leads to another commitment.
    #[error(
        "the file does not lead to the proven book: this account, with these balances and positions, is not in it"
    )]
    Content,
    /// A leaf leads to another commitment.
    #[error(
        "the path does not lead to the proven book: the account's commitment is not in it, or is of other lists or another \
         moment"
    )]
    Leaf,
    /// The path has the wrong length or the leaf lies beyond the accounts.
    #[error("the file's place in the tree does not fit the claim: {0}")]
    Place(&'static str),
    /// The id is none.
    #[error("the file's account {NO_ID}", NO_ID = records::names::NO_ID)]
    Id,
    /// An amount out of range.
    #[error("an amount in the file is out of range")]
    Amount,
    /// A position in no instrument of the claim, out of range, or one too many.
    #[error(
        "a position in the file is in no instrument of the claim, is out of range, or has no slot"
    )]
    Position,
}

impl BookPath {
    /// The path of leaf `index` with these siblings.
    pub fn new(index: usize, siblings: &[Digest]) -> Self {
        Self {
            index: index as u64,
            siblings: siblings.iter().map(|d| (*d).into()).collect(),
        }
    }

    /// Checks that a leaf stands there in a book over the lists, and at the moment, of a snapshot.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn check(
        &self,
        leaf: &PublicDigest,
        snapshot: &Snapshot,
        book: &BookRef,
    ) -> Result<(), NotIncluded> {
        if self.siblings.len() != log_slots(book.accounts) {
            return Err(NotIncluded::Place(
                "the path's length is not the tree's height",
            ));
        }
        if self.index >= book.accounts {
            return Err(NotIncluded::Place("the leaf lies beyond the last account"));
        }
        let siblings: Vec<Digest> = self.siblings.iter().map(PublicDigest::elements).collect();
        let root = root_of(leaf.elements(), self.index as usize, &siblings);
        book.check(&listing(snapshot), &root)
            .map_err(|_| NotIncluded::Leaf)
    }
}

/// A position as an inclusion file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The instrument's symbol.
    pub instrument: String,
    /// `long` or `short`.
    pub side: Side,
    /// Quantity in lots.
    pub lots: Lots,
    /// What the whole position was entered at: in 10^-6 of the quote currency, or in 10^-8 of the settlement coin.
    pub entry: u64,
}

/// One account's place in a book, and all that its leaf commits to. Private to its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The account's id.
    pub account: String,
    /// Its amounts per asset, in asset units: equity, debt, loan, margin, portfolio.
    pub balances: Vec<[u64; AMOUNTS]>,
    /// Its positions.
    pub positions: Vec<Held>,
    /// The leaf's salt.
    pub salt: PublicDigest,
    /// Where the leaf stands.
    pub place: BookPath,
}

impl Inclusion {
    /// The file of an account.
    pub(crate) fn new(member: &Member, snapshot: &Snapshot, place: BookPath) -> Self {
        let held = |p: &Position| Held {
            instrument: snapshot.instruments[p.instrument].symbol.clone(),
            side: p.side,
            lots: p.lots,
            entry: p.entry,
        };
        Self {
            account: member.account.id.clone(),
            balances: member.leaf.balances.iter().map(Balance::amounts).collect(),
            positions: member.account.positions.iter().map(held).collect(),
            salt: member.leaf.salt.into(),
            place,
        }
    }

    /// Checks that the account, with just these balances and positions, is in a book over the lists, and at the moment, of a
    /// snapshot; the account.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn check(&self, snapshot: &Snapshot, book: &BookRef) -> Result<Account, NotIncluded> {
        let account = self.read(snapshot)?;
        if account.positions.len() > book.slots as usize {
            return Err(NotIncluded::Position);
        }
        let layout = Layout::new(book.slots as usize, snapshot);
        let identity = Identity::of(&account.id);
        let leaf: Leaf = layout.leaf_with(identity, &account, self.salt.elements());
        let leaf = leaf.digest().into();
        match self.place.check(&leaf, snapshot, book) {
            Err(NotIncluded::Leaf) => Err(NotIncluded::Content),
            result => result.map(|()| account),
        }
    }

    /// The account that the file describes.
    fn read(&self, snapshot: &Snapshot) -> Result<Account, NotIncluded> {
        if !records::names::is_id(&self.account) {
            return Err(NotIncluded::Id);
        }
        if self.balances.len() != snapshot.assets.len() {
            return Err(NotIncluded::Place(
                "the number of balances is not that of the claim's assets",
            ));
        }
        if self.balances.iter().flatten().any(|&a| a >= MAX_AMOUNT) {
            return Err(NotIncluded::Amount);
        }
        let position = |held: &Held| {
            let fits = (Lots(1)..MAX_LOTS).contains(&held.lots) && held.entry < MAX_AMOUNT;
            let instrument = snapshot.instrument(&held.instrument).filter(|_| fits);
            Ok(Position {
                instrument: instrument.ok_or(NotIncluded::Position)?,
                side: held.side,
                lots: held.lots,
                entry: held.entry,
            })
        };
        let balance = |b: &[u64; AMOUNTS]| Balance {
            equity: b[0],
            debt: b[1],
            loan: b[2],
            margin: b[3],
            portfolio: b[4],
        };
        Ok(Account {
            id: self.account.clone(),
            balances: self.balances.iter().map(balance).collect(),
            positions: self
                .positions
                .iter()
                .map(position)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// What an account holds, in the units of the snapshot's assets and instruments, for its user to compare with what they know.
pub fn holdings(account: &Account, snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for (asset, balance) in account.balances.held() {
        let asset = &snapshot.assets[asset];
        let amount = |units: u64| market::solvency::amount(asset, units.into());
        let [loan, margin, portfolio] = balance.pledges().map(amount);
        lines.push(format!(
            "{}: owns {}, owes {}; of what it owns it pledged {loan} for loans, {margin} for margin, {portfolio} for \
             portfolio margin",
            quoted(&asset.symbol),
            amount(balance.equity),
            amount(balance.debt)
        ));
    }
    if lines.is_empty() {
        lines.push("no balances".into());
    }
    if account.positions.is_empty() {
        lines.push("no positions".into());
    }
    for position in &account.positions {
        let instrument = &snapshot.instruments[position.instrument];
        let side = match position.side {
            Side::Long => "long",
            Side::Short => "short",
        };
        let lots = fixed::Decimal::from_int(position.lots.0.into());
        let quantity = lots.checked_mul(&instrument.lot).map_or_else(
            |_| format!("{lots} lots of {}", instrument.lot),
            |quantity| quantity.normalized().to_string(),
        );
        let (entry, currency) = match &instrument.settlement {
            Settlement::Linear => (
                fixed::Decimal::new(position.entry.into(), records::units::TICK_DECIMALS),
                &snapshot.quote,
            ),
            Settlement::Inverse(coin) => (fixed::Decimal::new(position.entry.into(), 8), coin),
        };
        lines.push(format!(
            "position: {side} {quantity} contract(s) of {}, entered at {entry} {} in all",
            quoted(&instrument.symbol),
            quoted(currency)
        ));
    }
    lines
}
