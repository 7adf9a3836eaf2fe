//! Loans in the order of their groups: how much the largest groups weigh.

use gadgets::compare::{Chunks, assert_at_most_less, less_than};
use gadgets::limbs::{Limbs, chunks_of, join, limb_of, signed};
use gadgets::product::{Challenge, DEGREE, Product};
use gadgets::public::Publics;
use gadgets::range::LIMB_BITS;
use gadgets::sponge::{QUAD, QUADS};
use gadgets::totals::{COUNT_LIMBS, pass};
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When};

use crate::ordered::accumulate;
use crate::pool::plan::group;

/// Limbs of a group's number and of its weight.
const AMOUNT_LIMBS: usize = 6;
/// Chunks of them.
const CHUNKS: usize = AMOUNT_LIMBS / 2;
/// Elements that hide the commitment to a list: 248 bits.
const SALT: usize = 2 * QUAD;

/// One loan a row, in the order of the groups of one concentration.
///
/// - GROUPS-1: the row's number, whether it is used, first or last.
/// - GROUPS-2: an unused row weighs nothing and starts no group.
/// - GROUPS-3: groups rise strictly where one starts and stay the same elsewhere; the very first row starts one.
/// - GROUPS-4: what is before a row is what the row above ended with.
/// - GROUPS-5: the group's weight so far: `(1 - starts) before + weight + carry = after + 2^10 carry'`.
/// - GROUPS-6: whether it is one of the largest: the same on all rows of a group, and 0 or 1.
/// - GROUPS-7: the threshold is the same on all rows.
/// - GROUPS-8: what the weight exceeds the threshold by, in chunks with borrows.
/// - GROUPS-9: the running product over the rows.
/// - GROUPS-10: the list's salt stands on the first row only.
/// - COMPARE-1 to COMPARE-5: groups rise; whether the weight exceeds the threshold.
/// - ORDER-4: sums over the chosen groups, of all excesses (as they grow from row to row), of chosen groups.
///
/// The list is hashed by the sponge, and its digest is public: the challenge of the product depends on it.
#[derive(Clone, Debug)]
pub struct GroupsTable {
    /// log2 of the rows.
    pub log_height: usize,
    /// Used rows.
    pub used: usize,
    /// Whether this is the first part.
    pub is_first: bool,
    /// Limbs of a group's number and of a weight.
    pub limbs: [usize; 2],
    /// The first register of the concentration, salts aside.
    pub register: usize,
    /// The address of the list's first quad.
    pub address: usize,
    /// What the product is made of.
    pub challenge: Challenge,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub struct GroupRow {
    /// The row's number.
    pub row: usize,
    /// The loan's group, or that of the last loan above an unused row.
    pub group: u64,
    /// Whether a group starts.
    pub starts: bool,
    /// The loan's weight.
    pub weight: u64,
    /// Group, weight so far, excess of the row above, and whether its group was chosen.
    pub before: GroupState,
    /// Whether the row's group is one of the largest.
    pub chosen: bool,
    /// The threshold.
    pub threshold: u64,
    /// The product over the rows above.
    pub product: [F; DEGREE],
    /// The limbs of the chosen groups' weight and of the excesses above, and the chosen groups above.
    pub sums: [[i64; COUNT_LIMBS]; 3],
    /// Of the first row: what hides the list.
    pub salt: [F; SALT],
}

/// What is known after a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupState {
    /// The group.
    pub group: u64,
    /// Its weight so far.
    pub total: u64,
    /// What of it exceeds the threshold.
    pub excess: u64,
    /// Whether it was chosen.
    pub chosen: bool,
}

impl GroupRow {
    /// What is known after the row.
    pub fn after(&self) -> GroupState {
        let before = if self.starts { 0 } else { self.before.total };
        let total = before + self.weight;
        GroupState {
            group: self.group,
            total,
            excess: total.saturating_sub(self.threshold),
            chosen: self.chosen,
        }
    }
}

/// The quads of a list: salt, then group and weight of each loan.
pub fn list_quads(
    salt: &[F; SALT],
    entries: impl Iterator<Item = (u64, u64)>,
    limbs: [usize; 2],
) -> Vec<[F; QUAD]> {
    let mut quads = salt.as_chunks().0.to_vec();
    quads.extend(entries.map(|(group, weight)| {
        let elements = message_elements(group, weight, limbs);
        std::array::from_fn(|i| elements.get(i).copied().unwrap_or(F::ZERO))
    }));
    quads
}

/// The elements of a loan's message.
pub fn message_elements(group: u64, weight: u64, limbs: [usize; 2]) -> Vec<F> {
    let of =
        |value: u64, count: usize| (0..count).map(move |i| F::from_u64(limb_of(value.into(), i)));
    let limbs: Vec<F> = of(group, limbs[0]).chain(of(weight, limbs[1])).collect();
    limbs.chunks(3).map(join).collect()
}

// Fixed columns.
const NUMBER: usize = 0;
const USED: usize = 1;
const FIRST: usize = 2;
const LAST: usize = 3;

impl GroupsTable {
    /// Addresses that the list takes.
    pub fn quads(&self) -> usize {
        SALT / QUAD + self.used
    }
}

impl Table for GroupsTable {
    type Row = GroupRow;

    fn name(&self) -> &'static str {
        "groups"
    }

    fn log_height(&self) -> usize {
        self.log_height
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let height = 1 << self.log_height;
        let column =
            |of: &dyn Fn(usize) -> usize| (0..height).map(|r| F::from_usize(of(r))).collect();
        vec![
            column(&|r| r),
            column(&|r| usize::from(r < self.used)),
            column(&|r| usize::from(r == 0)),
            column(&|r| usize::from(r + 1 == height)),
        ]
    }

    /// What the product is made of, then the address of the list, which depends on the numbers of loans of other lists.
    fn public(&self) -> Vec<F> {
        let mut public = self.challenge.public();
        public.push(F::from_usize(self.address));
        public
    }

    fn row<B: RowBuilder<GroupRow>>(&self, b: &mut B) {
        let [number, used, first, last] =
            [NUMBER, USED, FIRST, LAST].map(|column| b.pinned("GROUPS-1", column));
        let ends = [&first, &last];
        let unused = b.one() - used.clone();
        let group = Limbs::read(b, self.limbs[0], |w: &GroupRow| w.group.into());
        let weight = Limbs::read(b, self.limbs[1], |w: &GroupRow| w.weight.into());
        let starts = b.bit("GROUPS-3", |w| w.starts);
        for cell in weight.iter().chain([&starts]) {
            b.zero("GROUPS-2", unused.clone() * cell.clone());
        }

        let mut publics = Publics::from(0);
        // Its message, in the product and in the list.
        let message: Vec<B::E> = group.iter().chain(&weight).cloned().collect();
        Product {
            id: "GROUPS-9",
            register: self.register + group::LISTED,
            challenge: &self.challenge.read(b, &mut publics),
        }
        .multiply(b, ends, &used, &message, |w: &GroupRow| w.product);
        let address = publics.element(b);
        self.list(b, &number, [&used, &first], &address, &message);

        self.in_order(b, ends, &starts, group);
        let continues = b.one() - starts.clone();
        let total = self.total(b, ends, &continues, &weight);
        let chosen = self.chosen(b, ends, &continues);
        let threshold = self.threshold(b, ends);
        let (excess_before, next) = limbs_before(b, |s| s.excess);
        let threshold = Chunks::declared(b, "GROUPS-7", threshold);
        let excess = self.excess(b, &total, &threshold);
        let grown = excess.iter().zip(&excess_before);
        let sums: [(usize, Vec<B::E>); 3] = [
            (
                group::CHOSEN_TOTAL,
                weight.iter().map(|l| chosen.clone() * l.clone()).collect(),
            ),
            (
                group::EXCESS_TOTAL,
                grown
                    .map(|(after, before)| after.clone() - continues.clone() * before.clone())
                    .collect(),
            ),
            (group::CHOSEN_COUNT, vec![chosen * starts]),
        ];
        self.carry_limbs(b, group::EXCESS, ends, excess_before, next, &excess);
        for (which, (register, limbs)) in sums.iter().enumerate() {
            accumulate(
                b,
                &last,
                self.register + register,
                limbs,
                |w: &GroupRow, i| w.sums[which][i],
            );
        }
    }
}

/// A number of the state before a row and on the next row, in limbs.
fn limbs_before<B: RowBuilder<GroupRow>>(
    b: &mut B,
    of: fn(&GroupState) -> u64,
) -> (Vec<B::E>, Vec<B::E>) {
    (0..AMOUNT_LIMBS)
        .map(|i| b.state(|w| F::from_u64(limb_of(of(&w.before).into(), i))))
        .unzip()
}

/// A number of a row and of the next row, in chunks.
fn chunks_state<B: RowBuilder<GroupRow>>(
    b: &mut B,
    of: fn(&GroupRow) -> u64,
) -> (Vec<B::E>, Vec<B::E>) {
    (0..CHUNKS)
        .map(|c| b.state(|w| F::from_u64(chunks_of(of(w))[c])))
        .unzip()
}

impl GroupsTable {
    /// Groups rise where one starts and stay the same elsewhere.
    fn in_order<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        ends: [&B::E; 2],
        starts: &B::E,
        group: Limbs<B::E>,
    ) {
        let continues = b.one() - starts.clone();
        let (before, next) = chunks_state(b, |w| w.before.group);
        let group = group.padded(AMOUNT_LIMBS).chunks();
        // On the very first row a group starts, whatever its number.
        let strict = if self.is_first {
            b.assert_zero("GROUPS-3", When::First, continues.clone());
            starts.clone() * (b.one() - ends[0].clone())
        } else {
            starts.clone()
        };
        let strict_cell = b.derive([&strict], |[v]| v);
        b.equal("GROUPS-3", strict_cell.clone(), strict);
        let above = Chunks::declared(b, "GROUPS-4", before.clone());
        assert_at_most_less(b, &above, &group, &strict_cell);
        for (this, before) in group.iter().zip(&before) {
            let changed = this.clone() - before.clone();
            b.zero("GROUPS-3", continues.clone() * changed);
        }
        self.carry(b, group::GROUP, ends, before, next, &group);
    }

    /// The group's weight so far.
    fn total<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        ends: [&B::E; 2],
        continues: &B::E,
        weight: &Limbs<B::E>,
    ) -> Limbs<B::E> {
        let (before, next) = limbs_before(b, |s| s.total);
        let total = Limbs::read(b, AMOUNT_LIMBS, |w: &GroupRow| w.after().total.into());
        let mut carry = b.constant(F::ZERO);
        for (i, weight) in weight.clone().padded(AMOUNT_LIMBS).into_iter().enumerate() {
            let value = continues.clone() * before[i].clone() + weight + carry;
            carry = b.constant(F::ZERO);
            if i + 1 < AMOUNT_LIMBS {
                let bit = b.derive([&value], |[v]| F::from_bool(signed(v) >= 1 << LIMB_BITS));
                b.boolean("GROUPS-5", &bit);
                carry = bit;
            }
            b.integer(
                "GROUPS-5",
                value - total[i].clone() - carry.clone() * F::from_u64(1 << LIMB_BITS),
            );
        }
        self.carry_limbs(b, group::TOTAL, ends, before, next, &total);
        total
    }

    /// Whether the group is one of the largest.
    fn chosen<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        ends: [&B::E; 2],
        continues: &B::E,
    ) -> B::E {
        let chosen = b.bit("GROUPS-6", |w| w.chosen);
        let (before, next) = b.state(|w| F::from_bool(w.before.chosen));
        let changed = chosen.clone() - before.clone();
        b.zero("GROUPS-6", continues.clone() * changed);
        let one = std::slice::from_ref(&chosen);
        self.carry(b, group::CHOSEN, ends, vec![before], vec![next], one);
        chosen
    }

    /// The threshold, in chunks.
    fn threshold<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        [first, last]: [&B::E; 2],
    ) -> Vec<B::E> {
        let (threshold, next) = chunks_state(b, |w| w.threshold);
        for (threshold, next) in threshold.iter().zip(next) {
            b.assert_zero("GROUPS-7", When::Transition, next - threshold.clone());
        }
        // The first part chooses it: before, there is none.
        let start = if self.is_first {
            vec![b.constant(F::ZERO); CHUNKS]
        } else {
            threshold.clone()
        };
        let register = self.register + group::THRESHOLD;
        pass(b, register, first, last, &start, &threshold);
        threshold
    }

    /// Sends the row's quad, and the salt's from the first row.
    fn list<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        number: &B::E,
        [used, first]: [&B::E; 2],
        address: &B::E,
        message: &[B::E],
    ) {
        let send = |b: &mut B, count: &B::E, address: B::E, quad: &[B::E]| {
            let mut tuple = vec![address];
            tuple.extend_from_slice(quad);
            tuple.resize(1 + QUAD, b.constant(F::ZERO));
            b.send(QUADS, count.clone(), &tuple);
        };
        let elements: Vec<B::E> = message.chunks(3).map(join).collect();
        let own = number.clone() + address.clone() + F::from_usize(SALT / QUAD);
        send(b, used, own, &elements);
        let salt: Vec<B::E> = (0..SALT)
            .map(|i| {
                let cell = b.cell(|w| w.salt[i]);
                b.zero("GROUPS-10", (b.one() - first.clone()) * cell.clone());
                cell
            })
            .collect();
        for (q, quad) in salt.chunks(QUAD).enumerate() {
            send(b, first, address.clone() + F::from_usize(q), quad);
        }
    }

    /// What is before a row is what the row above ended with; and so from part to part.
    fn carry<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        register: usize,
        [first, last]: [&B::E; 2],
        before: Vec<B::E>,
        next: Vec<B::E>,
        after: &[B::E],
    ) {
        for (next, after) in next.into_iter().zip(after) {
            b.assert_zero("GROUPS-4", When::Transition, next - after.clone());
        }
        pass(b, self.register + register, first, last, &before, after);
    }

    /// The same for a number in limbs.
    fn carry_limbs<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        register: usize,
        [first, last]: [&B::E; 2],
        before: Vec<B::E>,
        next: Vec<B::E>,
        after: &Limbs<B::E>,
    ) {
        for (next, after) in next.into_iter().zip(after) {
            b.assert_zero("GROUPS-4", When::Transition, next - after.clone());
        }
        let register = self.register + register;
        // What was passed is a number in limbs, so its chunks are those of the row above, or of the part before: on the
        // first row the limbs are looked up there.
        for cell in &before {
            b.lookup(
                gadgets::range::LIMBS,
                cell,
                first.clone(),
                std::slice::from_ref(cell),
            );
        }
        let before = Limbs::declared(b, "GROUPS-4", before).chunks();
        pass(b, register, first, last, &before, &after.chunks());
    }

    /// `max(total - threshold, 0)`.
    fn excess<B: RowBuilder<GroupRow>>(
        &self,
        b: &mut B,
        total: &Limbs<B::E>,
        threshold: &Chunks<B::E>,
    ) -> Limbs<B::E> {
        let total = total.chunks();
        let above = less_than(b, threshold, &total);
        let mut borrow = b.constant(F::ZERO);
        let mut limbs = Vec::new();
        for (c, (total, threshold)) in total.iter().zip(threshold).enumerate() {
            let difference = above.clone() * (total.clone() - threshold.clone()) - borrow;
            let own = Limbs::derive(b, std::slice::from_ref(&difference), 2, |v| {
                signed(v[0]).rem_euclid(1 << 20) as u128
            });
            borrow = b.constant(F::ZERO);
            if c + 1 < CHUNKS {
                let bit = b.derive([&difference], |[v]| F::from_bool(signed(v) < 0));
                b.boolean("GROUPS-8", &bit);
                borrow = bit;
            }
            b.integer(
                "GROUPS-8",
                difference + borrow.clone() * F::from_u64(1 << 20) - join(&own),
            );
            limbs.push(own);
        }
        Limbs::concat(limbs)
    }
}
