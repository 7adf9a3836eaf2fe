//! Leaves in the order of their keys, one a row, with the tree above them in the same rows, and sums over them.
//!
//! Constraints ORDER-1 to ORDER-4: `SHARED.md`. Leaf and node hashes: POSEIDON2. Nodes meet on the bus `tree`, sums leave on
//! `count`, keys on `pass`.

use gadgets::compare::{Chunks, assert_at_most_less};
use gadgets::hash::{DIGEST, Digest, Domain, HEAD, hash_row_with_head, node_row};
use gadgets::limbs::{Amount, CHUNKS, Limbs, chunks_of, join};
use gadgets::totals::{COUNTS, SALTS, pass};
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, When, felt};

/// `[heap index, digest]`: tree nodes, from leaf to root.
pub const TREE: Bus = Bus::new("tree");
/// Public values of a table of leaves: how many there are, the root.
pub const PUBLIC: usize = 1 + DIGEST;
/// The register of the last key.
pub const KEY_REGISTER: usize = 0;

/// The public side of a table of leaves.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// log2 of the leaf slots.
    pub log_height: usize,
    /// Leaves in this part.
    pub used: usize,
    /// The part's subtree root.
    pub root: Digest,
    /// The domain of a leaf's hash.
    pub domain: Domain,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub struct OrderedRow {
    /// The row's number.
    pub index: usize,
    /// Whether there is a leaf.
    pub used: bool,
    /// The leaf's key; zero for an unused slot.
    pub key: u64,
    /// The number of leaves above.
    pub above: usize,
    /// The key of the leaf above, from the previous part on the first row.
    pub previous_key: u64,
    /// The digests of nodes `2 index` and `2 index + 1`.
    pub children: [Digest; 2],
}

impl OrderedRow {
    /// Row `index` over a part's leaves with these keys and tree.
    pub fn new(index: usize, keys: &[u64], start_key: u64, nodes: &[Digest]) -> Self {
        let above = index.min(keys.len());
        Self {
            index,
            used: index < keys.len(),
            key: keys.get(index).copied().unwrap_or(0),
            above,
            previous_key: above.checked_sub(1).map_or(start_key, |i| keys[i]),
            children: if index == 0 {
                // Node 0 does not exist; its row hashes zeros.
                [[F::ZERO; DIGEST]; 2]
            } else {
                [nodes[2 * index], nodes[2 * index + 1]]
            },
        }
    }
}

/// Where a row stands, and whether it is used.
pub struct Place<E> {
    /// The row's number.
    pub index: E,
    /// 1 on the first row.
    pub first: E,
    /// 1 on the last row.
    pub last: E,
    /// 1 on a row with a leaf.
    pub active: E,
    /// The leaf's key, low 30 bits first.
    pub key: [E; 2],
}

impl Ordered {
    /// The public values that come first in the table.
    pub fn public(&self) -> Vec<F> {
        let mut public = vec![felt(self.used as u64)];
        public.extend(self.root);
        public
    }

    /// The row's place, and its key in the order.
    pub fn place<W, B: RowBuilder<W>>(&self, b: &mut B, of: fn(&W) -> &OrderedRow) -> Place<B::E> {
        let [index, first, last] = count_rows(b, self.log_height, |w| of(w).index);
        let id = "ORDER-2";
        let (active, next_active) = b.state(|w| F::from_bool(of(w).used));
        b.boolean(id, &active);
        let (above, next_above) = b.state(|w| F::from_usize(of(w).above));
        b.assert_zero(id, When::First, above.clone());
        b.assert_zero(
            id,
            When::Transition,
            next_above - above.clone() - active.clone(),
        );
        b.assert_zero(
            id,
            When::Transition,
            next_active * (b.one() - active.clone()),
        );
        b.assert_zero(id, When::Last, above + active.clone() - b.public(0));

        let id = "ORDER-3";
        let key = Amount::read(b, |w| of(w).key);
        let (previous, next_previous): (Vec<B::E>, Vec<B::E>) = (0..CHUNKS)
            .map(|c| b.state(|w| felt(chunks_of(of(w).previous_key)[c])))
            .unzip();
        let chunks = key.chunks();
        for chunk in &chunks {
            b.zero(id, (b.one() - active.clone()) * chunk.clone());
        }
        // An unused row compares zero with zero.
        let this = chunks.times_bit(&active);
        let before = Chunks::declared(b, id, previous.clone()).times_bit(&active);
        assert_at_most_less(b, &before, &this, &active);
        let kept: Vec<B::E> = (0..CHUNKS)
            .map(|c| {
                previous[c].clone() + active.clone() * (chunks[c].clone() - previous[c].clone())
            })
            .collect();
        for (next, kept) in next_previous.into_iter().zip(&kept) {
            b.assert_zero(id, When::Transition, next - kept.clone());
        }

        pass(b, KEY_REGISTER, &first, &last, &previous, &kept);
        Place {
            index,
            first,
            last,
            active,
            key: key.halves(),
        }
    }

    /// Every row is a leaf, behind its key, and, but for row 0, an inner node of the tree in heap order.
    pub fn tree<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        of: fn(&W) -> &OrderedRow,
        place: &Place<B::E>,
        leaf: &[B::E],
    ) {
        self.tree_on(b, TREE, 1, |w| of(w).children, place, leaf);
    }

    /// The same on another bus, with the root in the public values from `root` on: a second tree over leaves in the same
    /// places.
    pub fn tree_on<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        bus: Bus,
        root: usize,
        of: impl Fn(&W) -> [Digest; 2],
        place: &Place<B::E>,
        leaf: &[B::E],
    ) {
        let height = F::from_usize(1 << self.log_height);
        let zero = b.constant(F::ZERO);
        let [low, high] = place.key.clone();
        let head: [B::E; HEAD] = [low, high, zero.clone(), zero];
        let digest = hash_row_with_head(b, self.domain, &head, leaf);
        let mut message = vec![place.index.clone() + height];
        message.extend(digest.into_iter().map(|d| d * place.active.clone()));
        let one = b.one();
        b.send(bus, one, &message);
        nodes(b, bus, root, of, [&place.index, &place.first]);
    }
}

/// The row's number from zero, whether it is the first, and whether it is the last.
pub fn count_rows<W, B: RowBuilder<W>>(
    b: &mut B,
    log_height: usize,
    number: impl Fn(&W) -> usize,
) -> [B::E; 3] {
    let id = "ORDER-1";
    let height = 1usize << log_height;
    let (index, next_index) = b.state(|w| F::from_usize(number(w)));
    let (first, next_first) = b.state(|w| F::from_bool(number(w) == 0));
    let last = b.cell(|w| F::from_bool(number(w) + 1 == height));
    let one = b.one();
    b.assert_zero(id, When::First, index.clone());
    b.assert_zero(
        id,
        When::Transition,
        next_index - index.clone() - one.clone(),
    );
    b.assert_zero(id, When::First, first.clone() - one.clone());
    b.assert_zero(id, When::Transition, next_first);
    b.assert_zero(id, When::Last, last.clone() - one);
    b.assert_zero(id, When::Transition, last.clone());
    [index, first, last]
}

/// The slot of a row's leaf, where rows choose: a used row any, the others those that are left, rising. No two rows have one, since
/// every node is received once. `of` gives the slot and how many slots of other rows follow before that of the next row, if both have no
/// leaf, else zero.
pub fn slot<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    [used, next_used]: [&B::E; 2],
    of: impl Fn(&W) -> [usize; 2],
) -> B::E {
    let (slot, next) = b.state(|w| F::from_usize(of(w)[0]));
    let gap = Limbs::read(b, 2, |w| of(w)[1] as u128);
    let [unused, next_unused] = [used, next_used].map(|used| b.one() - used.clone());
    let step = next - slot.clone() - b.one() - join(&gap);
    b.assert_zero(id, When::Transition, unused.clone() * next_unused * step);
    for limb in &gap {
        b.zero(id, used.clone() * limb.clone());
        b.assert_zero(id, When::Transition, next_used.clone() * limb.clone());
        b.assert_zero(id, When::Last, limb.clone());
    }
    slot
}

/// For each slot of unused rows, in their order, how many others follow before the next.
pub fn gaps(slots: &[usize]) -> Vec<usize> {
    let gap = |w: &[usize]| w[1] - w[0] - 1;
    let mut gaps: Vec<usize> = slots.windows(2).map(gap).collect();
    gaps.push(0);
    gaps
}

/// Every row but the first is the inner node of this number of a tree in heap order, whose root is in the public values from
/// `root` on. `of` gives the digests of a row's children.
pub fn nodes<W, B: RowBuilder<W>>(
    b: &mut B,
    bus: Bus,
    root: usize,
    of: impl Fn(&W) -> [Digest; 2],
    [index, first]: [&B::E; 2],
) {
    let is_node = b.one() - first.clone();
    let children: [[B::E; DIGEST]; 2] =
        std::array::from_fn(|c| std::array::from_fn(|i| b.cell(|w| of(w)[c][i])));
    let twice = index.clone() + index.clone();
    for (c, child) in children.iter().enumerate() {
        let mut message = vec![twice.clone() + F::from_usize(c)];
        message.extend(child.iter().cloned());
        b.receive(bus, is_node.clone(), &message);
        // Row 0 is no node; its cells hash zeros.
        for cell in child {
            b.zero("ORDER-1", first.clone() * cell.clone());
        }
    }
    let parent = node_row(b, &children[0], &children[1]);
    let mut message = vec![index.clone()];
    message.extend(parent);
    b.send(bus, is_node, &message);
    let mut message = vec![b.one()];
    message.extend((0..DIGEST).map(|i| b.public(root + i)));
    b.receive(bus, first.clone(), &message);
}

/// Carries sums of limbs over the rows and sends them from the last one as a count for a register. Sums must stay below 2^24
/// in magnitude: limbs below 2^10 over 2^14 rows, or below 2^11 over 2^13. `before` gives the sum over the rows above.
pub fn accumulate<W, B: RowBuilder<W>>(
    b: &mut B,
    last: &B::E,
    register: usize,
    limbs: &[B::E],
    before: impl Fn(&W, usize) -> i64,
) {
    let id = "ORDER-4";
    let mut message = vec![b.constant(F::from_usize(SALTS + register))];
    for (i, limb) in limbs.iter().enumerate() {
        let (sum, next) = b.state(|w| F::from_i64(before(w, i)));
        b.assert_zero(id, When::First, sum.clone());
        let total = sum + limb.clone();
        b.assert_zero(id, When::Transition, next - total.clone());
        message.push(total);
    }
    message.resize(1 + gadgets::totals::COUNT_LIMBS, b.constant(F::ZERO));
    b.send(COUNTS, last.clone(), &message);
}
