//! Sizes, and where the quads stand that are hashed.

use gadgets::hash::{DIGEST, Digest, Domain};
use gadgets::limbs::LIMB_MAX;
use gadgets::sponge::{QUAD, Stream, Target};
use gadgets::totals::{Register, SALTS, TotalsTable};
use stark::F;

use crate::account::{Leaf, SEAL_LEN, leaf_len};
use crate::owner::Owner;
use crate::trees::log_slots;

/// log2 of the most accounts that a part touches.
const LOG_TOUCHED: usize = 10;
/// log2 of the most receipts of a part.
const LOG_RECEIPTS: usize = 12;
/// Quads of a digest.
const DIGEST_QUADS: usize = DIGEST / QUAD;
/// Quads of what is hashed into a seal.
const SEAL_QUADS: usize = SEAL_LEN / QUAD;
/// Quads of what is hashed into a salt.
const OWNER_QUADS: usize = 2 * DIGEST / QUAD;
/// Quads of the states before and after a part.
const STATE_QUADS: usize = 2 * (SALTS + REGISTERS.len());

/// What runs through the parts: the last key, how many orders were opened, and how many of these have no room.
pub(crate) const REGISTERS: [Register; 3] =
    [Register::Passed, Register::Counted, Register::Counted];
/// The register of orders.
pub(crate) const ORDERS_REGISTER: usize = 1;
/// The register of orders that were refused because they do not fit their account.
pub(crate) const ROOM_REGISTER: usize = 2;

/// The sizes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// log2 of the book's leaf slots.
    pub log_slots: usize,
    /// log2 of the accounts that a part can touch.
    pub log_touched: usize,
    /// log2 of a part's receipt slots.
    pub log_receipts: usize,
    /// Position slots per account.
    pub slots: usize,
    /// Assets.
    pub assets: usize,
    /// Levels of an order.
    pub levels: usize,
}

/// The book before a part, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before = 0,
    After = 1,
}

/// Both, in the order of time.
pub(crate) const TIMES: [When; 2] = [When::Before, When::After];

impl Plan {
    /// The sizes for a book of so many accounts and a batch of so many orders.
    pub fn new(accounts: u64, orders: u64, slots: usize, assets: usize, levels: usize) -> Self {
        let log_slots_of_book = log_slots(accounts);
        Self {
            log_slots: log_slots_of_book,
            log_touched: log_slots_of_book.min(LOG_TOUCHED),
            log_receipts: log_slots(orders).min(LOG_RECEIPTS),
            slots,
            assets,
            levels,
        }
    }

    /// Accounts that a part can touch.
    pub fn touched(&self) -> usize {
        1 << self.log_touched
    }

    /// Receipt slots of a part.
    pub fn receipts(&self) -> usize {
        1 << self.log_receipts
    }

    /// Rows that hold all ancestors of so many leaves.
    pub fn change_rows(&self) -> usize {
        let touched = self.touched();
        touched - 1 + touched * (self.log_slots - self.log_touched)
    }

    /// The bound on how often limbs of reserves are counted.
    pub fn needed_bound(&self) -> u64 {
        self.receipts() as u64 * LIMB_MAX
    }

    fn leaf_quads(&self) -> usize {
        leaf_len(self.assets) / QUAD
    }

    /// The address of the first quad of an account's positions.
    pub fn positions_address(&self, when: When, account: usize) -> usize {
        (when as usize * self.touched() + account) * self.slots
    }

    /// Quads of an account besides its positions: per book the seal, the leaf behind its head, the digest; then the salt's
    /// elements and the salt.
    pub fn account_quads(&self) -> usize {
        2 * self.leaf_block() + OWNER_QUADS + DIGEST_QUADS
    }

    fn leaf_block(&self) -> usize {
        SEAL_QUADS + 1 + self.leaf_quads() + DIGEST_QUADS
    }

    /// The address of the first quad of what is hashed into the seal of an account.
    pub fn seal_address(&self, when: When, account: usize) -> usize {
        let positions = 2 * self.touched() * self.slots;
        positions + account * self.account_quads() + when as usize * self.leaf_block()
    }

    /// The address of the first quad of a leaf behind its head.
    pub fn leaf_address(&self, when: When, account: usize) -> usize {
        self.seal_address(when, account) + SEAL_QUADS + 1
    }

    /// The address of a leaf's digest.
    pub fn digest_address(&self, when: When, account: usize) -> usize {
        self.leaf_address(when, account) + self.leaf_quads()
    }

    /// The address of the first quad of what is hashed into an account's salt.
    pub fn owner_address(&self, account: usize) -> usize {
        self.digest_address(When::After, account) + DIGEST_QUADS
    }

    /// The address of an account's salt.
    pub fn salt_address(&self, account: usize) -> usize {
        self.owner_address(account) + OWNER_QUADS
    }

    /// The address of the first quad of the states.
    pub fn state_address(&self) -> usize {
        self.seal_address(When::Before, self.touched())
    }

    /// All hashes of a part.
    pub fn streams(&self, totals: &TotalsTable) -> Vec<Stream> {
        let mut streams = Vec::new();
        let mut add = |domain, address, quads, headed, target| {
            streams.push(Stream {
                domain,
                address,
                quads,
                headed,
                target: Target::Quads(target),
            });
        };
        for account in 0..self.touched() {
            for when in TIMES {
                let (positions, seal) = (
                    self.positions_address(when, account),
                    self.seal_address(when, account),
                );
                let leaf = self.leaf_address(when, account);
                add(Domain::Positions, positions, self.slots, false, seal);
                add(Domain::Seal, seal, SEAL_QUADS, false, leaf);
                let digest = self.digest_address(when, account);
                add(Domain::Account, leaf, self.leaf_quads(), true, digest);
            }
            let salt = self.salt_address(account);
            add(
                Domain::Owner,
                self.owner_address(account),
                OWNER_QUADS,
                false,
                salt,
            );
        }
        streams.extend(totals.streams());
        streams
    }

    /// Room for all quads, in which stand those of unused accounts over these lists.
    pub fn quads(&self, lists: &Digest) -> Vec<[F; QUAD]> {
        let mut quads = vec![[F::default(); QUAD]; self.state_address() + STATE_QUADS];
        for account in 0..self.touched() {
            for when in TIMES {
                let seal = self.seal_address(when, account) + DIGEST_QUADS;
                write(&mut quads, seal, lists);
            }
        }
        quads
    }

    /// Writes an account's quads, but for its positions.
    pub fn write_leaf(&self, quads: &mut [[F; QUAD]], when: When, account: usize, leaf: &Leaf) {
        write(
            quads,
            self.seal_address(when, account),
            &leaf.seal_elements(),
        );
        write(quads, self.leaf_address(when, account) - 1, &leaf.head());
        write(quads, self.leaf_address(when, account), &leaf.elements());
    }

    /// Writes what is hashed into an account's salt.
    pub fn write_owner(&self, quads: &mut [[F; QUAD]], account: usize, owner: &Owner) {
        write(quads, self.owner_address(account), &owner.elements());
    }
}

/// Writes elements from an address on.
pub(crate) fn write(quads: &mut [[F; QUAD]], address: usize, elements: &[F]) {
    for (i, chunk) in elements.chunks(QUAD).enumerate() {
        quads[address + i][..chunk.len()].copy_from_slice(chunk);
    }
}
