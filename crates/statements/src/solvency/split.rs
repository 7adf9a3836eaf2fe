//! How a book over a long list of assets is split: parts of as many accounts, a table row for each slot of eight holdings.
//!
//! A part is made of *granules*, subtrees of the book's tree of up to 2^9 leaves, and so are all parts but the last, of which
//! the last granule may be partly used. So a part can have nearly as many accounts as its rows hold, whatever they hold.

use gadgets::hash::{DIGEST, Digest, node};
use serde::{Deserialize, Serialize};
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing};

use crate::trees::{book_root, log_slots};

/// log2 of the rows of a part but the last.
pub(crate) const LOG_ROWS: usize = 13;
/// A class is `m * 2^e` accounts with `m` from 9 to 16 and `e` in this range: from 72 accounts to as many as there are rows. An
/// honest prover's has 128 at least, which fit if each has 64 slots.
const GRANULES: std::ops::RangeInclusive<usize> = 3..=LOG_ROWS - 4;

/// What a claim says about slots: the only thing about them that is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotSizes {
    /// Accounts of a part but the last: 9 to 16 times a power of two, and so many that their slots fit 2^13 rows.
    pub accounts: u32,
    /// log2 of the rows of the last part.
    pub last: u32,
}

/// The parts of a book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    /// Accounts of the book.
    leaves: u64,
    per_part: u64,
    /// log2 of the leaves of a granule.
    log_granule: usize,
    /// log2 of the rows of all parts but the last.
    pub(super) log_full: usize,
    log_last: usize,
}

impl Split {
    /// The split of a book of so many accounts.
    ///
    /// # Errors
    /// Says which size is none of those that there are.
    pub fn new(leaves: u64, sizes: &SlotSizes) -> Result<Self, String> {
        let (per_part, log_last) = (u64::from(sizes.accounts), sizes.last as usize);
        let is_class = classes().any(|class| class == per_part);
        if !is_class || !(MIN_LOG_HEIGHT..=LOG_ROWS).contains(&log_last) {
            return Err(format!(
                "parts of {per_part} accounts, the last of 2^{log_last} rows, are none of the sizes that there are"
            ));
        }
        let log = (per_part - 1).ilog2() as usize - 3;
        let split = Self {
            leaves,
            per_part,
            log_granule: log.min(log_slots(leaves)),
            log_full: LOG_ROWS,
            log_last,
        };
        let last = split.count() - 1;
        if split.granules(last).len() << split.log_granule > 1 << log_last {
            return Err("the last part has fewer rows than places in the tree".into());
        }
        Ok(split)
    }

    /// The sizes of a book whose accounts have so many slots each: the largest class whose parts fit.
    pub fn sizes(slots: &[usize]) -> SlotSizes {
        let most = |class: &u64| {
            let parts = slots.chunks(*class as usize);
            parts.map(|part| part.iter().sum::<usize>()).max()
        };
        let fits = |class: &u64| most(class).is_some_and(|most| most <= 1 << LOG_ROWS);
        let accounts = classes().rfind(fits);
        let accounts = accounts.expect("the first class fits accounts of 64 slots");
        let parts = slots.chunks(accounts as usize);
        let last: usize = parts.last().map_or(0, |part| part.iter().sum());
        let sizes = |last: usize| SlotSizes {
            accounts: accounts as u32,
            last: last as u32,
        };
        let least = last.next_power_of_two().ilog2() as usize;
        let fits = |log: &usize| Self::new(slots.len() as u64, &sizes(*log)).is_ok();
        let last = (least.max(MIN_LOG_HEIGHT)..=LOG_ROWS).find(fits);
        sizes(last.expect("a part's places fit its rows"))
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.leaves.div_ceil(self.per_part) as usize
    }

    /// How many granules there are.
    pub fn roots(&self) -> usize {
        self.leaves.div_ceil(1 << self.log_granule) as usize
    }

    /// The accounts of a part.
    pub fn accounts(&self, part: usize) -> std::ops::Range<usize> {
        let from = part as u64 * self.per_part;
        from as usize..(from + self.per_part).min(self.leaves) as usize
    }

    /// The granules of a part.
    pub fn granules(&self, part: usize) -> std::ops::Range<usize> {
        let accounts = self.accounts(part);
        accounts.start >> self.log_granule..accounts.end.div_ceil(1 << self.log_granule)
    }

    /// log2 of the rows of a part.
    pub fn log_rows(&self, part: usize) -> usize {
        if part + 1 == self.count() {
            self.log_last
        } else {
            self.log_full
        }
    }

    /// The places of a part's tree.
    pub fn forest(&self, part: usize) -> Forest {
        Forest {
            log_rows: self.log_rows(part),
            log_granule: self.log_granule,
            granules: self.granules(part).len(),
            used: self.accounts(part).len(),
        }
    }

    /// The root of the book's tree over these granules.
    pub fn root(&self, granules: &[Digest]) -> Digest {
        book_root(granules, self.log_granule, log_slots(self.leaves))
    }
}

fn classes() -> impl DoubleEndedIterator<Item = u64> {
    GRANULES.flat_map(|log| (9..=16).map(move |m| m << log))
}

/// The granules of a part as places in a heap: node `i` has the children `2 i` and `2 i + 1`, the leaves stand from `2^log_rows`
/// on, and the granules' roots side by side above them. Nodes above the roots are not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forest {
    pub log_rows: usize,
    pub log_granule: usize,
    pub granules: usize,
    /// Leaves that are used; they come first.
    pub used: usize,
}

impl Forest {
    /// The place of the first root.
    fn first_root(&self) -> usize {
        1 << (self.log_rows - self.log_granule)
    }

    /// The granule whose root stands there.
    pub fn root(&self, place: usize) -> Option<usize> {
        let granule = place.checked_sub(self.first_root())?;
        (granule < self.granules).then_some(granule)
    }

    /// Whether an inner node of a granule stands there.
    pub fn is_node(&self, place: usize) -> bool {
        let (mut at, first) = (place, self.first_root());
        while at >= 2 * first {
            at /= 2;
        }
        place < 1 << self.log_rows && self.root(at).is_some()
    }

    /// Whether an inner node or a used leaf stands there.
    pub fn is_there(&self, place: usize) -> bool {
        match place.checked_sub(1 << self.log_rows) {
            Some(leaf) => leaf < self.used,
            None => self.is_node(place),
        }
    }

    /// The digests of all places over used leaves; zeros where nothing stands.
    pub fn nodes(&self, leaves: &[Digest]) -> Vec<Digest> {
        let rows = 1 << self.log_rows;
        let mut nodes = vec![[F::ZERO; DIGEST]; 2 * rows];
        nodes[rows..rows + leaves.len()].copy_from_slice(leaves);
        for place in (1..rows).rev().filter(|place| self.is_node(*place)) {
            nodes[place] = node(&nodes[2 * place], &nodes[2 * place + 1]);
        }
        nodes
    }

    /// The granules' roots in these nodes.
    pub fn roots<'a>(&self, nodes: &'a [Digest]) -> &'a [Digest] {
        &nodes[self.first_root()..self.first_root() + self.granules]
    }
}
