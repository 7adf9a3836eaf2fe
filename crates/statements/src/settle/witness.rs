//! From a book and a cleared batch to the book after, a claim and its proof.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gadgets::hash::Digest;
use market::auction::{Fees, Fill, UNBOUNDED};
use market::margin::{MarginResult, MarginTables, evaluate};
use market::settlement::{Closing, Required, Sent, Settlement};
use market::{Account, Level, Snapshot};
use records::units::{Lots, Ticks};
use stark::{Statement, Trace};

use super::arrange::{Arrangement, Entry};
use super::claim::SettleClaim;
use super::fill::{Rows, closing};
use super::plan::{ORDERS_REGISTER, Plan, REGISTERS, ROOM_REGISTER, When};
use super::refusal::NotSettled;
use super::statement::{Context, PartTables, Settle, plan, without_offsets};
use super::tables::changes::{ChangeRow, change_rows};
use super::traded::{Traded, traded};
use crate::account::{Identity, Secret, lists};
use crate::book::{Member, SealedBook};
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::margin::witness::underlyings;
use crate::margin::{parameters_digest, snapshot_digest};
use crate::nonce::Nonce;
use crate::orders::{Batch, LOG_SLOTS, Opening, Status};
use crate::owner::{LOG_SECRETS, OneTimePath, Owner, one_time};
use crate::trees::tree;

/// The ways from the secrets for a batch to the roots of accounts' secrets, by the accounts' keys.
pub type Secrets = BTreeMap<u64, OneTimePath>;

/// What a batch makes of a book's accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The accounts that sent orders, as they are afterwards, by their keys.
    pub accounts: BTreeMap<u64, Account>,
    /// Orders that traded.
    pub fills: usize,
    /// What the only orders of accounts close, by the accounts' keys.
    closings: BTreeMap<u64, Closing>,
}

/// What the tables are filled from.
#[derive(Debug)]
pub struct Witness {
    pub(super) before: Arc<SealedBook>,
    pub(super) after: Arc<SealedBook>,
    pub(super) entries: Vec<Entry>,
    pub(super) secrets: Secrets,
    /// Of the accounts that a part touches, by part and the numbers of their leaves.
    pub(super) margins: BTreeMap<(usize, usize), Margin>,
    pub(super) arrangement: Arrangement,
    /// The parts' trees of receipts.
    pub(super) receipts: Vec<Vec<Digest>>,
    /// Per part, the nodes that change.
    pub(super) changes: Vec<Vec<ChangeRow>>,
    /// The last key up to each part.
    pub(super) states: States,
}

impl Witness {
    /// An account before a part or after it.
    pub(super) fn member(&self, part: usize, index: usize, when: When) -> &Member {
        let book = match self.arrangement.is_settled(part, index, when) {
            true => &self.after,
            false => &self.before,
        };
        &book.members[index]
    }
}

/// The initial margin of an account, without offsets.
#[derive(Clone, Debug)]
pub(super) struct Margin {
    /// Of what is left after the close, if there is one.
    pub left: MarginResult,
    /// What the account's only order closes.
    pub closing: Option<Closing>,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Settle>;

/// What the receipts of a batch make of the accounts of a book, whose leaves have so many slots.
///
/// # Errors
/// If receipts contradict themselves, the book or the batch, or an account can't bear its fills.
pub fn check<'a>(
    snapshot: &Snapshot,
    accounts: impl IntoIterator<Item = &'a Account>,
    slots: usize,
    batch: &Batch,
    entries: &[Entry],
    secrets: &Secrets,
) -> Result<Settled, Refusal> {
    let instruments = traded(snapshot, batch).map_err(Refusal::malformed)?;
    if entries.len() as u64 != batch.orders {
        return Err(Refusal::malformed(NotSettled::Count(
            entries.len(),
            batch.orders,
        )));
    }
    let market = without_offsets(snapshot);
    let settlement = Settlement::new(&market, slots).map_err(Refusal::malformed)?;
    let accounts = accounts.into_iter();
    let accounts: BTreeMap<u64, &Account> =
        accounts.map(|a| (Identity::of(&a.id).key(), a)).collect();
    let session = batch.session();
    let mut settled = Settled::default();
    let mut sent: BTreeMap<u64, Vec<&Entry>> = BTreeMap::new();
    let mut no_room = BTreeSet::new();
    let (mut places, mut traded) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        let Entry {
            opening, outcome, ..
        } = entry;
        let place = outcome.place;
        let levels = opening.ladder.0.len();
        if opening.session != session || levels > batch.levels as usize {
            return Err(Refusal::untrue(NotSettled::Batch(place)));
        }
        if !places.insert(place) {
            return Err(Refusal::untrue(NotSettled::Twice(place)));
        }
        let Some(account) = account_of(&accounts, entry)? else {
            continue;
        };
        let path = secrets.get(&opening.account);
        let path = path.ok_or_else(|| Refusal::malformed(NotSettled::Path(place)))?;
        if (one_time(&opening.secret) == path.digest) == (outcome.status == Status::Secret) {
            return Err(Refusal::untrue(NotSettled::Secret(place)));
        }
        match outcome.status {
            Status::TookPart | Status::Margin => {
                sent.entry(opening.account).or_default().push(entry);
            }
            Status::Room => {
                no_room.insert(opening.account);
            }
            _ => {}
        }
        let most = match outcome.status {
            Status::TookPart => most(account, opening),
            _ => UNBOUNDED,
        };
        if outcome.most != most {
            return Err(Refusal::untrue(NotSettled::Most(place)));
        }
        let changed = settled.accounts.entry(opening.account);
        let changed = changed.or_insert_with(|| account.clone());
        if outcome.fill.bought + outcome.fill.sold == Lots(0) || outcome.status != Status::TookPart
        {
            continue_without_fill(place, &outcome.fill)?;
            continue;
        }
        if !traded.insert((opening.account, opening.instrument)) {
            return Err(Refusal::untrue(NotSettled::TwoFills(place)));
        }
        let terms = instruments.get(opening.instrument);
        let price = terms.and_then(|terms| check_fill(terms, &outcome.fill, opening.quote));
        let price = price.ok_or_else(|| Refusal::untrue(NotSettled::Amounts(place)))?;
        let booked = settlement.book(changed, opening.instrument, &outcome.fill, price);
        booked.map_err(|reason| {
            Refusal::untrue(NotSettled::Refused {
                account: account.id.clone(),
                reason,
            })
        })?;
        settled.fills += 1;
    }
    for (key, sent) in &sent {
        if no_room.contains(key) {
            let reason = NotSettled::Room(accounts[key].id.clone());
            return Err(Refusal::untrue(reason));
        }
        let closing = check_admitted(&settlement, accounts[key], slots, &instruments, sent)?;
        settled
            .closings
            .extend(closing.map(|closing| (*key, closing)));
    }
    Ok(settled)
}

/// The account of an order; none if nobody has its key, and its receipt says so.
fn account_of<'a>(
    accounts: &BTreeMap<u64, &'a Account>,
    Entry {
        opening, outcome, ..
    }: &Entry,
) -> Result<Option<&'a Account>, Refusal> {
    let place = outcome.place;
    let unknown = outcome.status == Status::NoAccount;
    match (accounts.get(&opening.account), unknown) {
        (None, true) => continue_without_fill(place, &outcome.fill).map(|()| None),
        (None, false) => Err(Refusal::untrue(NotSettled::NoAccount(place))),
        (Some(account), true) => Err(Refusal::untrue(NotSettled::Account {
            place,
            account: account.id.clone(),
        })),
        (Some(account), false) => Ok(Some(*account)),
    }
}

/// Most lots that an order may buy and sell.
fn most(account: &Account, opening: &Opening) -> [Lots; 2] {
    let mut positions = account.positions.iter();
    let position = positions.find(|p| p.instrument == opening.instrument);
    match opening.reduce_only {
        true => closing(position).map(Lots),
        false => UNBOUNDED,
    }
}

/// Checks the orders of an account that take part, or would if enough were free. Says what they close, if it is looked at as after
/// the close.
fn check_admitted(
    settlement: &Settlement,
    account: &Account,
    slots: usize,
    instruments: &[Traded],
    sent: &[&Entry],
) -> Result<Option<Closing>, Refusal> {
    let held = account.positions.iter().map(|p| p.instrument);
    let traded = sent.iter().map(|entry| entry.opening.instrument);
    let needs: BTreeSet<usize> = held.chain(traded).collect();
    let id = || account.id.clone();
    if needs.len() > slots {
        let reason = NotSettled::Slots {
            account: id(),
            slots,
        };
        return Err(Refusal::untrue(reason));
    }
    let mut ladders = Vec::with_capacity(sent.len());
    for Entry {
        opening, outcome, ..
    } in sent
    {
        let place = outcome.place;
        let terms = instruments.get(opening.instrument);
        let terms = terms.ok_or_else(|| Refusal::untrue(NotSettled::Amounts(place)))?;
        let fees = Fees::new(terms.fee, terms.rebate).map_err(Refusal::malformed)?;
        let band = terms
            .band
            .ok_or_else(|| Refusal::untrue(NotSettled::Amounts(place)))?;
        opening
            .ladder
            .check(&band)
            .map_err(|_| Refusal::untrue(NotSettled::Fill(place)))?;
        ladders.push(Sent {
            instrument: opening.instrument,
            ladder: opening.ladder.clone(),
            reduce_only: opening.reduce_only,
            band,
            fees,
        });
    }
    let required = settlement.required(account, &ladders);
    let Required {
        free,
        needed,
        closing,
    } = required.map_err(Refusal::malformed)?;
    for Entry { outcome, .. } in sent {
        if (outcome.status == Status::TookPart) != (free >= needed) {
            return Err(Refusal::untrue(NotSettled::Margin {
                place: outcome.place,
                account: id(),
                free,
                needed,
            }));
        }
    }
    Ok(closing)
}

/// A receipt without a fill has no amounts.
fn continue_without_fill(place: usize, fill: &Fill) -> Result<(), Refusal> {
    let Fill {
        bought,
        sold,
        cash,
        fee,
        rebate,
        reached: _,
    } = fill;
    match (*bought, *sold) == (Lots(0), Lots(0)) && *cash + *fee + *rebate == Ticks(0) {
        true => Ok(()),
        false => Err(Refusal::untrue(NotSettled::Fill(place))),
    }
}

/// The price of a fill, if its amounts follow from it.
fn check_fill(terms: &Traded, fill: &Fill, quote: bool) -> Option<Ticks<u64>> {
    let price = terms.price?;
    let one_side = fill.bought == Lots(0) || fill.sold == Lots(0);
    let cash = (fill.bought + fill.sold).0.checked_mul(price.0)?;
    let fees = Fees::new(terms.fee, terms.rebate).ok()?;
    let charges = fees.of(Ticks(cash), quote);
    (one_side && fill.cash == Ticks(cash) && charges == (fill.fee, fill.rebate)).then_some(price)
}

impl Prepared {
    /// Claims that a book goes to the one after by what the orders of a batch traded. `snapshot` is over the book's lists, at the
    /// moment of the book after; `entries` are all orders of the batch's list. `secret` hides what passes from part to part.
    ///
    /// # Errors
    /// As [`check`], or if something is too large for the tables.
    ///
    /// # Panics
    /// If the book's lists are others, or it is no book that goes from state to state.
    pub fn new(
        before: &Arc<SealedBook>,
        snapshot: &Snapshot,
        batch: &Batch,
        entries: Vec<Entry>,
        secrets: Secrets,
        secret: &Secret,
    ) -> Result<Self, Refusal> {
        if lists(snapshot) != lists(&before.snapshot) {
            let reason = "the book is over other lists of assets and instruments than the market";
            return Err(Refusal::malformed(reason));
        }
        if before.owners.is_empty() {
            let reason = "the book does not go from state to state; seal it with owners";
            return Err(Refusal::malformed(reason));
        }
        let accounts = before.members.iter().map(|m| &m.account);
        let slots = before.slots as usize;
        let settled = check(snapshot, accounts, slots, batch, &entries, &secrets)?;
        let keys = keys(before);
        let arrangement = arrangement((&keys, before.slots), snapshot, batch, &entries)?;
        let plan = arrangement.plan;
        let index = |key: u64| keys.binary_search(&key).ok();
        for entry in &entries {
            if let Some(index) = index(entry.opening.account) {
                check_path(&before.owners[index], batch.number, entry, &secrets)?;
            }
        }
        arrangement.check(&entries).map_err(Refusal::malformed)?;
        let changed = settled.accounts.iter();
        let changed = changed.filter_map(|(key, account)| Some((index(*key)?, account.clone())));
        let after = Arc::new(before.moved(snapshot, &changed.collect()));
        let receipts = arrangement.trees(&entries);
        let segments: Vec<Digest> = receipts.iter().map(|tree| tree[1]).collect();
        if batch.receipts != tree(segments.clone())[1].into() {
            return Err(Refusal::untrue(NotSettled::Receipts));
        }
        let (roots, changes) = walk(&plan, [before, &after], &arrangement);
        let tables = MarginTables::new(&without_offsets(snapshot), Level::Initial);
        let tables = tables.map_err(Refusal::malformed)?;
        let margins = margins(&tables, [before, &after], &arrangement, &settled.closings)?;
        let last = after.reference(&roots[roots.len() - 1]);
        let first = before.reference(&roots[0]);
        let about = (first.commitment, last.commitment, batch);
        let chain = Chain::new::<Settle>(secret, &about);
        let states = chain.run(REGISTERS.len(), arrangement.parts.len(), |part, state| {
            let of = &arrangement.parts[part].entries;
            let mut counted = of.iter().map(|i| &entries[*i]).filter(|e| e.counts());
            let key = counted.next_back().map(|e| e.opening.account);
            state[0] = key.map_or(state[0], u128::from);
            state[ORDERS_REGISTER] += of.len() as u128;
            state[ROOM_REGISTER] += without_room(&entries, of) as u128;
        });
        let claim = SettleClaim {
            snapshot: snapshot.clone(),
            snapshot_digest: snapshot_digest(snapshot),
            parameters_digest: parameters_digest(snapshot),
            underlyings: underlyings(before, &tables) as u32,
            before_as_of_ms: before.snapshot.as_of_ms,
            before: first,
            after: last,
            batch: batch.clone(),
            without_room: without_room(&entries, &Vec::from_iter(0..entries.len())) as u64,
            roots: roots.into_iter().map(Into::into).collect(),
            segments: segments.into_iter().map(Into::into).collect(),
            states: states.links(),
            nonce: None,
        };
        let context = Settle::context(&claim).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness: Witness {
                before: before.clone(),
                after,
                entries,
                secrets,
                margins,
                arrangement,
                receipts,
                changes,
                states,
            },
        })
    }

    /// The book after.
    pub fn after(&self) -> &Arc<SealedBook> {
        &self.witness.after
    }
}

/// How many of these entries were refused because they do not fit their account.
fn without_room(entries: &[Entry], of: &[usize]) -> usize {
    let statuses = of.iter().map(|i| entries[*i].outcome.status);
    statuses.filter(|status| *status == Status::Room).count()
}

/// The keys of a book's accounts, rising.
fn keys(book: &SealedBook) -> Vec<u64> {
    let members = book.members.iter();
    members.map(|m| m.leaf.identity.key()).collect()
}

/// Which part opens what of a batch, over a book whose accounts have these keys, rising, and so many position slots; of the batch only its number and its levels count, and not the entries' slots. An auction that
/// is to be settled puts its receipts where [`Arrangement::slots`] says.
///
/// # Errors
/// If it is too large, or more orders are of one account than a part can open.
pub fn arrangement(
    (keys, slots): (&[u64], u32),
    snapshot: &Snapshot,
    batch: &Batch,
    entries: &[Entry],
) -> Result<Arrangement, Refusal> {
    let numbers = [batch.number, batch.levels.into(), entries.len() as u64];
    let plan = plan(snapshot, keys.len() as u64, slots, numbers);
    let plan = plan.map_err(Refusal::malformed)?;
    let arrangement = Arrangement::new(plan, entries, keys).map_err(Refusal::malformed)?;
    let most = (LOG_SLOTS - batch.levels.ilog2()) as usize;
    if arrangement.log_slots() > most {
        return Err(Refusal::malformed(NotSettled::Parts(
            1 << (arrangement.log_slots() - most),
        )));
    }
    Ok(arrangement)
}

/// Checks that an order's account has the secret for the batch that it is given a way from.
fn check_path(
    owner: &Owner,
    batch: u64,
    Entry {
        opening, outcome, ..
    }: &Entry,
    secrets: &Secrets,
) -> Result<(), Refusal> {
    let path = secrets.get(&opening.account);
    let path = path.filter(|path| path.siblings.len() == LOG_SECRETS);
    match path.is_some_and(|path| path.root(batch) == owner.secrets) {
        true => Ok(()),
        false => Err(Refusal::malformed(NotSettled::Path(outcome.place))),
    }
}

/// The roots before the first part and after each, and the nodes that each part changes.
fn walk(
    plan: &Plan,
    [before, after]: [&SealedBook; 2],
    arrangement: &Arrangement,
) -> (Vec<Digest>, Vec<Vec<ChangeRow>>) {
    let mut nodes = before.tree();
    let mut roots = vec![nodes[1]];
    let mut changes = Vec::new();
    for (number, part) in arrangement.parts.iter().enumerate() {
        let leaf = |index: &usize| {
            let book = match arrangement.is_settled(number, *index, When::After) {
                true => after,
                false => before,
            };
            book.members[*index].leaf.digest()
        };
        let leaves: Vec<Digest> = part.touched.iter().map(leaf).collect();
        changes.push(change_rows(plan, &part.touched, &leaves, &mut nodes));
        roots.push(nodes[1]);
    }
    (roots, changes)
}

/// The margins of all touched accounts before each part, or after what their only orders close in it.
fn margins(
    tables: &MarginTables,
    [before, after]: [&SealedBook; 2],
    arrangement: &Arrangement,
    closings: &BTreeMap<u64, Closing>,
) -> Result<BTreeMap<(usize, usize), Margin>, Refusal> {
    let parts = arrangement.parts.iter().enumerate();
    let touched = parts.flat_map(|(part, of)| of.touched.iter().map(move |index| (part, *index)));
    let margin = |(part, index): (usize, usize)| {
        let book = match arrangement.is_settled(part, index, When::Before) {
            true => after,
            false => before,
        };
        let member = &book.members[index];
        let closing = closings.get(&member.leaf.identity.key()).copied();
        let closing = closing.filter(|_| arrangement.counts_in(part, index));
        let left = closing.map(|closing| closing.left(&member.account));
        let left = evaluate(tables, left.as_ref().unwrap_or(&member.account));
        let left = left.map_err(Refusal::malformed)?;
        Ok(((part, index), Margin { left, closing }))
    };
    touched.map(margin).collect()
}

impl Provable for Settle {
    type Witness = Witness;

    fn traces(
        claim: &SettleClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let tables = PartTables::new(claim, context, part);
        Rows::new(claim, context, witness, part).fill(&tables)
    }

    fn nonce_mut(claim: &mut SettleClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}
