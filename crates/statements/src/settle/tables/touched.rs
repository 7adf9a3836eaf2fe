//! Touched accounts: their leaves before and after, and the cash that their trades bring.

use gadgets::compare::{Chunks, assert_at_most_less, is_not_zero};
use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, Amount, CHUNKS, Limbs, chunks_of};
use gadgets::public::Publics;
use gadgets::sponge::{QUAD, QUADS};
use gadgets::sum::Sum;
use gadgets::totals::pass;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When as Rows};

use super::reserve::RESERVE_LIMBS;
use super::trades::FLOW_BOUND;
use super::{ACCOUNTS, CHANGES, FLOWS, GAPS, RESERVES, SECRETS, first};
use crate::account::{ELEMENTS_PER_ASSET, Leaf};
use crate::margin::digits::{digits_of, sign};
use crate::margin::plan::{MOVE_LIMBS, SUBTICK_LIMBS};
use crate::margin::tables::accounts::{AccountRow, AccountsTable};
use crate::margin::tables::view::View;
use crate::margin::tables::{coins, numbers, ones};
use crate::ordered::KEY_REGISTER;
use crate::owner::Owner;
use crate::settle::plan::{Plan, TIMES, When};

/// One account a row, in the order of keys; unused rows are the last ones.
///
/// - TOUCHED-1: the row's number, the first and the last row.
/// - TOUCHED-2: used rows come first; an unused row holds zeros.
/// - TOUCHED-3: the previous key is that of the last row above of which orders count, in this part or an earlier one, and the keys of
///   these rise.
/// - TOUCHED-4: the sign of the cash.
/// - TOUCHED-5: equity and debt move by as much as the cash says, in the directions that its sign says.
/// - TOUCHED-6: what comes in pays back debt first; what goes out is borrowed only when all that is not pledged is spent.
/// - TOUCHED-7: equity covers what is pledged.
/// - TOUCHED-11: the cash before that moves is that of the leaf.
/// - TOUCHED-8: only a used row shows the digest of the account's secret for the batch.
/// - TOUCHED-10: the sign of what is free less what its orders need, in 2^-40 of a tick.
/// - TOUCHED-12: the account's only order closes if it is counted once, and only then brings cash.
/// - TOUCHED-13: all orders of an account that count have room, or none.
/// - ACCOUNTS-3, ACCOUNTS-5 and COINS-1 to COINS-4: what is free, as in statement `margin`.
/// - TOUCHED-9: a gap is told only above an account whose next row is its neighbour in the book, above the book's last account, and
///   below its first one.
#[derive(Clone, Debug)]
pub(crate) struct TouchedTable {
    pub plan: Plan,
    /// The place of the quote currency among the assets.
    pub cash: usize,
    /// What is free in an account, over the books' lists.
    pub margin: AccountsTable,
    /// Accounts of the book.
    pub accounts: u64,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct TouchedRow {
    pub row: usize,
    /// log2 of the rows.
    pub log_height: usize,
    /// The key of the account above.
    pub previous_key: u64,
    /// The coefficients of the cash that trades bring.
    pub flow: Vec<F>,
    /// The digests of the leaves before and after, and the salt, as the sponge sends them.
    pub digests: [Digest; 3],
    /// How often orders of the account ask for it.
    pub multiplicity: u32,
    /// How often unknown keys stand between this account and its neighbour above, above the last account, and below the first.
    pub gaps: [u32; 3],
    /// The key of the next row's account.
    pub next_key: u64,
    /// What says how much is free.
    pub margin: AccountRow,
    /// What its orders need: each limb as often as it was counted.
    pub needed: [u64; RESERVE_LIMBS],
    /// Once for an order that may close as the only one, twice for any other.
    pub sent: u64,
    /// Orders that have no room.
    pub no_room: u64,
    /// Whether the only order closes and brings cash by that.
    pub brings: bool,
    /// `None` on an unused row.
    pub account: Option<TouchedAccount>,
}

/// What a row says of its account.
#[derive(Clone, Debug)]
pub(crate) struct TouchedAccount {
    /// The number of the account's leaf.
    pub index: usize,
    /// The leaf before and after.
    pub leaves: [Leaf; 2],
    pub owner: Owner,
    /// The digest of its secret for the batch, if it is shown.
    pub secret: Option<Digest>,
}

impl TouchedAccount {
    /// The account's key.
    pub fn key(&self) -> u64 {
        self.leaves[0].identity.key()
    }
}

impl TouchedRow {
    fn amount(&self, when: When, asset: usize, which: usize) -> u64 {
        let leaf = self.account.as_ref().map(|a| &a.leaves[when as usize]);
        leaf.map_or(0, |leaf| leaf.amount(asset, which))
    }

    fn key(&self) -> u64 {
        self.account.as_ref().map_or(0, TouchedAccount::key)
    }
}

/// The row's place among accounts.
struct Place<E> {
    row: E,
    used: E,
    unused: E,
    key: [E; 2],
    /// The number of the account's leaf.
    index: E,
    /// Once for an order that may close as the only one, twice for any other.
    sent: E,
}

// Fixed columns: the row's number; the second one is that of the margin tables' accounts which have a place: all.
const ROW: usize = 0;

/// Both leaves' amounts, as they are hashed, and those that cash moves.
struct Amounts<E> {
    /// Equity as margin counts it, in subticks, and what coins lose by themselves, in 2^-40 of a tick.
    worth: [Sum<E>; 2],
    leaves: [Vec<E>; 2],
    equity: [Amount<E>; 2],
    debt: [Amount<E>; 2],
    pledged: Vec<Amount<E>>,
}

impl Table for TouchedTable {
    type Row = TouchedRow;

    fn name(&self) -> &'static str {
        "touched"
    }

    fn log_height(&self) -> usize {
        self.plan.log_touched
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let rows = self.plan.touched();
        vec![numbers(rows, |row| row), ones()]
    }

    fn public(&self) -> Vec<F> {
        // The numbers of margin, the lists, the book's last leaf.
        let last = F::from_u64(self.accounts - 1);
        self.margin.public().into_iter().chain([last]).collect()
    }

    fn row<B: RowBuilder<TouchedRow>>(&self, b: &mut B) {
        let mut publics = Publics::from(0);
        let place = self.place(b);
        let amounts = self.amounts(b, &place, &mut publics);
        let flow = self.flow(b, &place);
        self.pay(b, &flow, &amounts);
        let verdict = self.admit(b, &place, &amounts.worth);
        let lists = publics.elements(b, DIGEST);
        self.open(b, &place, amounts.leaves, &lists, &verdict);
    }
}

/// The part of the row that says how much is free.
fn view<B: RowBuilder<TouchedRow>>(b: &mut B) -> View<'_, B, TouchedRow, AccountRow> {
    View {
        b,
        of: |w| &w.margin,
    }
}

impl TouchedTable {
    fn place<B: RowBuilder<TouchedRow>>(&self, b: &mut B) -> Place<B::E> {
        let id = "TOUCHED-1";
        let row = b.pinned(id, ROW);
        let first = first(b, id, |w: &TouchedRow| w.row);
        let last = b.cell(|w| F::from_bool(w.row + 1 == 1 << w.log_height));
        let one = b.one();
        b.assert_zero(id, Rows::Last, last.clone() - one.clone());
        b.assert_zero(id, Rows::Transition, last.clone());

        let id = "TOUCHED-2";
        let (used, next_used) = b.state(|w| F::from_bool(w.account.is_some()));
        b.boolean(id, &used);
        let unused = one - used.clone();
        b.assert_zero(id, Rows::Transition, next_used * unused.clone());

        let key = Amount::read(b, TouchedRow::key);
        let (previous, next_previous): (Vec<B::E>, Vec<B::E>) = (0..CHUNKS)
            .map(|c| b.state(|w| F::from_u64(chunks_of(w.previous_key)[c])))
            .unzip();
        let chunks = key.chunks();
        for chunk in &chunks {
            b.zero(id, unused.clone() * chunk.clone());
        }
        let id = "TOUCHED-13";
        let [sent, no_room] = [0, 1].map(|i| {
            let count = b.cell(|w| F::from_u64([w.sent, w.no_room][i]));
            let which = b.constant(F::from_usize(RESERVE_LIMBS + i));
            b.provide(RESERVES, count.clone(), &[row.clone(), which]);
            count
        });
        b.zero(id, sent.clone() * no_room.clone());
        let counts = is_not_zero(b, &(sent.clone() + no_room));

        let id = "TOUCHED-3";
        // A row of which no order counts compares zero with zero.
        let before = Chunks::declared(b, id, previous.clone()).times_bit(&counts);
        assert_at_most_less(b, &before, &chunks.times_bit(&counts), &counts);
        let kept: Vec<B::E> = (0..CHUNKS)
            .map(|c| {
                let step = chunks[c].clone() - previous[c].clone();
                previous[c].clone() + counts.clone() * step
            })
            .collect();
        for (next, kept) in next_previous.into_iter().zip(&kept) {
            b.assert_zero(id, Rows::Transition, next - kept.clone());
        }
        pass(b, KEY_REGISTER, &first, &last, &previous, &kept);

        let (index, next_index) =
            b.state(|w| F::from_usize(w.account.as_ref().map_or(0, |a| a.index)));
        b.zero("TOUCHED-2", unused.clone() * index.clone());
        let place = Place {
            row,
            used,
            unused,
            key: key.halves(),
            index,
            sent,
        };
        self.gaps(b, &place, next_index, &chunks);
        place
    }

    /// Tells between which keys there is no account, as often as orders ask where a gap may be told, and else not at all.
    fn gaps<B: RowBuilder<TouchedRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        next_index: B::E,
        key: &[B::E],
    ) {
        let id = "TOUCHED-9";
        let (chunks, next_chunks): (Vec<B::E>, Vec<B::E>) = (0..CHUNKS)
            .map(|c| b.state(|w| F::from_u64(chunks_of(w.key())[c])))
            .unzip();
        let next: Vec<B::E> = (0..CHUNKS)
            .map(|c| b.cell(|w| F::from_u64(chunks_of(w.next_key)[c])))
            .collect();
        for c in 0..CHUNKS {
            b.zero(id, chunks[c].clone() - key[c].clone());
            let step = next[c].clone() - next_chunks[c].clone();
            b.assert_zero(id, Rows::Transition, step);
            b.assert_zero(id, Rows::Last, next[c].clone());
        }
        let [neighbour, above, below] = [0, 1, 2].map(|which| b.cell(|w| F::new(w.gaps[which])));
        let step = next_index - place.index.clone() - b.one();
        b.assert_zero(id, Rows::Transition, neighbour.clone() * step);
        b.assert_zero(id, Rows::Last, neighbour.clone());
        let from_last = place.index.clone() - b.public(self.margin.public().len());
        b.zero(id, above.clone() * from_last);
        b.zero(id, above.clone() * place.unused.clone());
        b.zero(id, below.clone() * place.index.clone());
        b.zero(id, below.clone() * place.unused.clone());
        let [zero, one] = [F::ZERO, F::ONE].map(|v| b.constant(v));
        let no_key = vec![zero.clone(); CHUNKS];
        let largest = vec![b.constant(F::from_u64((1 << 20) - 1)); CHUNKS];
        let rows = self.plan.touched();
        for (which, count, [low, low_key], [high, high_key]) in [
            (
                0,
                neighbour,
                [&chunks, &vec![one.clone()]],
                [&next, &vec![one.clone()]],
            ),
            (
                1,
                above,
                [&chunks, &vec![one.clone()]],
                [&largest, &vec![zero.clone()]],
            ),
            (2, below, [&no_key, &vec![zero]], [&chunks, &vec![one]]),
        ] {
            let mut message = vec![place.row.clone() + F::from_usize(which * rows)];
            for part in [low, low_key, high, high_key] {
                message.extend(part.iter().cloned());
            }
            b.provide(GAPS, count, &message);
        }
    }

    /// Shows the digest of the account's secret to its orders, and the way from it to the root of its secrets.
    fn secret<B: RowBuilder<TouchedRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        root: &[B::E],
        verdict: &[B::E; 3],
    ) {
        let id = "TOUCHED-8";
        let secret = |w: &TouchedRow| w.account.as_ref().and_then(|a| a.secret);
        let shown = b.bit(id, |w| secret(w).is_some());
        b.zero(id, place.unused.clone() * shown.clone());
        let digest: Vec<B::E> = (0..DIGEST)
            .map(|i| {
                let cell = b.cell(|w| secret(w).map_or(F::ZERO, |digest| digest[i]));
                b.zero(id, (b.one() - shown.clone()) * cell.clone());
                cell
            })
            .collect();
        for (side, node) in [&digest[..], root].into_iter().enumerate() {
            let mut message = vec![place.row.clone(), b.constant(F::from_usize(side))];
            message.extend_from_slice(node);
            b.send(SECRETS, shown.clone(), &message);
        }
        let multiplicity = b.multiplicity(|w| F::new(w.multiplicity));
        let mut message = vec![place.row.clone(), shown];
        message.extend(place.key.iter().chain(verdict).chain(&digest).cloned());
        b.provide(ACCOUNTS, multiplicity, &message);
    }

    /// All amounts. Only the quote currency's equity and debt change.
    fn amounts<B: RowBuilder<TouchedRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        publics: &mut Publics,
    ) -> Amounts<B::E> {
        let [mut before, mut after] = [Vec::new(), Vec::new()];
        let one = b.one();
        let mut view = view(b);
        let mut equity = self.margin.positions(&mut view, &place.row, &one);
        let (mut lost, mut coins) = (Sum::zero(), 0);
        for (asset, numbers) in self.margin.plan.assets.iter().enumerate() {
            let own = self.margin.asset(&mut view, asset, publics, &mut before);
            if let Some(numbers) = &numbers.coin {
                let place = coins::Place {
                    plan: &self.margin.plan,
                    row: &place.row,
                    number: coins,
                };
                lost = lost.plus(&coins::coin(&mut view, &place, numbers, &own, publics));
                coins += 1;
            }
            equity = equity.plus(&own);
        }
        for cell in &before {
            b.zero("TOUCHED-2", place.unused.clone() * cell.clone());
        }
        let mut cash = None;
        for asset in 0..self.plan.assets {
            let own = ELEMENTS_PER_ASSET * asset..ELEMENTS_PER_ASSET * (asset + 1);
            if asset != self.cash {
                after.extend_from_slice(&before[own]);
                continue;
            }
            let mut read = |when: When, which: usize| {
                Amount::read(b, |w: &TouchedRow| w.amount(when, asset, which))
            };
            let equity = TIMES.map(|when| read(when, 0));
            let debt = TIMES.map(|when| read(when, 1));
            let pledged: Vec<Amount<B::E>> = (2..5).map(|i| read(When::Before, i)).collect();
            let halves = |when: When| {
                let moved = [&equity[when as usize], &debt[when as usize]];
                let amounts = moved.into_iter().chain(&pledged);
                amounts.flat_map(Amount::halves).collect::<Vec<B::E>>()
            };
            for (half, own) in halves(When::Before).into_iter().zip(&before[own]) {
                b.zero("TOUCHED-11", half - own.clone());
            }
            for half in halves(When::After) {
                b.zero("TOUCHED-2", place.unused.clone() * half.clone());
                after.push(half);
            }
            cash = Some((equity, debt, pledged));
        }
        let (cash, debt, pledged) = cash.expect("there is cash among the assets");
        Amounts {
            worth: [equity, lost],
            leaves: [before, after],
            equity: cash,
            debt,
            pledged,
        }
    }

    /// The cash that the account's trades bring.
    fn flow<B: RowBuilder<TouchedRow>>(&self, b: &mut B, place: &Place<B::E>) -> Sum<B::E> {
        let flow: Vec<B::E> = (0..AMOUNT_LIMBS)
            .map(|i| b.cell(|w| w.flow.get(i).copied().unwrap_or(F::ZERO)))
            .collect();
        let mut message = vec![place.row.clone(), place.used.clone()];
        message.extend(flow.iter().cloned());
        let one = b.one();
        b.receive(FLOWS, one, &message);
        Sum::declared(b, "TOUCHED-4", flow, FLOW_BOUND * self.plan.slots as u64)
    }

    /// Whether less is free than the account's orders need, whether its only order closes, and brings cash by that.
    fn admit<B: RowBuilder<TouchedRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        [equity, lost]: &[Sum<B::E>; 2],
    ) -> [B::E; 3] {
        let id = "TOUCHED-10";
        let lost = self.margin.losses(&mut view(b), &place.row, lost.clone());
        let counts: Vec<B::E> = (0..RESERVE_LIMBS)
            .map(|i| {
                let count = b.cell(|w| F::from_u64(w.needed[i]));
                let which = b.constant(F::from_usize(i));
                b.provide(RESERVES, count.clone(), &[place.row.clone(), which]);
                count
            })
            .collect();
        let [only, brings] = self.only_closes(b, place.sent.clone());
        let needed = Sum::declared(b, id, counts, self.plan.needed_bound());
        let pays = b.one() - brings.clone() - brings.clone();
        let needed = needed.shifted(MOVE_LIMBS).times_bit(&pays);
        let left = equity.shifted(MOVE_LIMBS - SUBTICK_LIMBS).minus(&lost);
        let (_, short) = sign(b, id, &digits_of(&left.minus(&needed), 0), true);
        [short.expect("a sign was asked for"), only, brings]
    }

    /// Whether the account's only order closes, and brings cash by that.
    fn only_closes<B: RowBuilder<TouchedRow>>(&self, b: &mut B, sent: B::E) -> [B::E; 2] {
        let id = "TOUCHED-12";
        let others = is_not_zero(b, &(sent - b.one()));
        let only = b.one() - others.clone();
        // Whether it brings cash is what the order says.
        let brings = b.bit(id, |w| w.brings);
        b.zero(id, others * brings.clone());
        [only, brings]
    }

    /// Books the cash.
    fn pay<B: RowBuilder<TouchedRow>>(&self, b: &mut B, flow: &Sum<B::E>, amounts: &Amounts<B::E>) {
        let (_, out) = flow.sign(b, "TOUCHED-4");
        // 1 if cash comes in, -1 if it goes out.
        let direction = b.one() - out.clone() - out.clone();
        let id = "TOUCHED-5";
        let mut moved = |amounts: &[Amount<B::E>; 2], which: usize| {
            let by = Amount::read(b, |w: &TouchedRow| {
                let cash = |when| w.amount(when, self.cash, which);
                cash(When::Before).abs_diff(cash(When::After))
            });
            let step = by.to_sum().times_bit(&direction);
            let [before, after] = amounts.each_ref().map(Amount::to_sum);
            let change = match which {
                0 => after.minus(&before),
                _ => before.minus(&after),
            };
            change.minus(&step).assert_zero_narrow(b, id);
            by
        };
        let equity = moved(&amounts.equity, 0);
        let debt = moved(&amounts.debt, 1);
        let all = equity.to_sum().plus(&debt.to_sum());
        flow.minus(&all.times_bit(&direction)).assert_zero(b, id);

        let id = "TOUCHED-7";
        let free = Limbs::read(b, AMOUNT_LIMBS, |w: &TouchedRow| {
            let cash = |which| w.amount(When::After, self.cash, which);
            let pledged: u64 = (2..5).map(cash).fold(0, u64::wrapping_add);
            cash(0).wrapping_sub(pledged).into()
        });
        let pledged = amounts.pledged.iter();
        let pledged = pledged.fold(free.sum(), |sum, p| sum.plus(&p.to_sum()));
        let covered = amounts.equity[1].to_sum().minus(&pledged);
        covered.assert_zero_narrow(b, id);

        let id = "TOUCHED-6";
        // Sums of limbs are zero only if all limbs are.
        let some = |limbs: &[B::E]| limbs.iter().cloned().fold(B::E::ZERO, |sum, l| sum + l);
        let [equity, debt] = [equity.limbs(), debt.limbs()].map(|l| some(l));
        let owed = some(amounts.debt[1].limbs());
        let coming = b.one() - out.clone();
        b.zero(id, coming * equity * owed);
        b.zero(id, out * debt * some(&free));
    }

    /// Opens both leaves and sends them to the tree.
    fn open<B: RowBuilder<TouchedRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        leaves: [Vec<B::E>; 2],
        lists: &[B::E],
        verdict: &[B::E; 3],
    ) {
        let plan = &self.plan;
        let mut cells = |count: usize, of: &dyn Fn(&TouchedAccount, usize) -> F| -> Vec<B::E> {
            let read = |i: usize| {
                let cell = b.cell(|w| w.account.as_ref().map_or(F::ZERO, |a| of(a, i)));
                b.zero("TOUCHED-2", place.unused.clone() * cell.clone());
                cell
            };
            (0..count).map(read).collect()
        };
        let rest = cells(DIGEST - 2, &|a, i| a.leaves[0].identity.0[2 + i]);
        let owner = cells(2 * DIGEST, &|a, i| a.owner.elements()[i]);
        let [before, after, salt] = std::array::from_fn(|which| {
            let digest: [B::E; DIGEST] = std::array::from_fn(|i| b.cell(|w| w.digests[which][i]));
            digest
        });
        let zero = b.constant(F::ZERO);
        let start = place.row.clone() * F::from_usize(plan.account_quads());
        let at = |address: usize| start.clone() + F::from_usize(address);
        let quads = |elements: &[B::E], address: usize| -> Vec<Vec<B::E>> {
            let chunks = elements.chunks(QUAD).enumerate();
            let quad = |(i, chunk): (usize, &[B::E])| {
                let mut message = vec![at(address + i)];
                message.extend_from_slice(chunk);
                message.resize(1 + QUAD, zero.clone());
                message
            };
            chunks.map(quad).collect()
        };
        // Behind its first digest a seal has the lists, the rest of the identity and the salt.
        let seal = [lists, &rest, &[zero.clone(), zero.clone()], &salt].concat();
        let mut sent = quads(&owner, plan.owner_address(0));
        for (when, leaf) in TIMES.into_iter().zip(&leaves) {
            sent.extend(quads(&seal, plan.seal_address(when, 0) + DIGEST / QUAD));
            sent.extend(quads(&place.key, plan.leaf_address(when, 0) - 1));
            sent.extend(quads(leaf, plan.leaf_address(when, 0) + DIGEST / QUAD));
        }
        let one = b.one();
        for message in sent {
            b.send(QUADS, one.clone(), &message);
        }
        let digests = [
            (&before, plan.digest_address(When::Before, 0)),
            (&after, plan.digest_address(When::After, 0)),
            (&salt, plan.salt_address(0)),
        ];
        for (digest, address) in digests {
            for message in quads(digest, address) {
                b.receive(QUADS, one.clone(), &message);
            }
        }
        let level = b.constant(F::from_usize(plan.log_slots));
        let mut message = vec![level, place.index.clone()];
        message.extend(before.into_iter().chain(after));
        b.send(CHANGES, place.used.clone(), &message);
        self.secret(b, place, &owner[..DIGEST], verdict);
    }
}
