//! A table that hashes: one permutation a row.
//!
//! What is hashed is cut into *quads* of four elements, each at a public *address*. Whoever owns the
//! data sends its quads on [`QUADS`]; the table receives them in the order of its public schedule of
//! [`Stream`]s, and sends each digest on as two quads to the address where it is absorbed next, or
//! compares it with a public digest. So a tree, a list and a leaf are all just schedules.

use stark::{
    Bus, F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace, When, fill,
};

use crate::hash::{DIGEST, Digest, Domain, HEAD, RATE, initial_capacity, permutation};

/// Messages `[address, e0, e1, e2, e3]`.
pub const QUADS: Bus = Bus::new("quad");
/// Elements in a quad.
pub const QUAD: usize = 4;
const QUADS_PER_ROW: usize = RATE / QUAD;

/// Where a digest goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To the quads at this address and the next.
    Quads(usize),
    /// To the quads at this address and the next, as zeros: the leaf of an unused slot.
    Empty(usize),
    /// It must equal this public digest.
    Public(Digest),
}

/// One hash: the quads `address .. address + quads`, as [`hash`](crate::hash::hash) over four times
/// as many elements; behind the quad `address - 1`, as [`hash_with_head`](crate::hash::hash_with_head),
/// if `headed`.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// What is hashed.
    pub domain: Domain,
    /// The address of the first quad.
    pub address: usize,
    /// How many quads.
    pub quads: usize,
    /// Whether the quad before the first is the head.
    pub headed: bool,
    /// Where the digest goes.
    pub target: Target,
}

impl Stream {
    fn rows(&self) -> usize {
        self.quads.div_ceil(QUADS_PER_ROW).max(1)
    }
}

/// The table. Constraints SPONGE-1 to SPONGE-6, and POSEIDON2: `GADGETS.md`.
#[derive(Clone, Debug)]
pub struct SpongeTable {
    streams: Vec<Stream>,
    log_height: usize,
}

// Fixed columns.
const FIRST: usize = 0;
const INNER: usize = 1;
const DOMAIN: usize = 2;
const LENGTH: usize = 3;
const ADDRESS: usize = 4;
const HEADED: usize = 5;
const PRESENT: usize = 6;
const SENDS: usize = PRESENT + QUADS_PER_ROW;
const KEEPS: usize = SENDS + 1;
const TARGET: usize = KEEPS + 1;
const IS_PUBLIC: usize = TARGET + 1;
const PUBLIC: usize = IS_PUBLIC + 1;
const FIXED: usize = PUBLIC + DIGEST;

impl SpongeTable {
    /// A table for a schedule.
    pub fn new(streams: Vec<Stream>) -> Self {
        let rows: usize = streams.iter().map(Stream::rows).sum();
        let log_height = rows.next_power_of_two().ilog2() as usize;
        Self {
            streams,
            log_height: log_height.max(stark::MIN_LOG_HEIGHT),
        }
    }

    fn rows(&self) -> impl Iterator<Item = (&Stream, usize)> {
        self.streams
            .iter()
            .flat_map(|s| (0..s.rows()).map(move |row| (s, row)))
    }

    /// Fills the table. `quads` holds the elements of every address; digests are written back to
    /// the addresses they go to.
    pub fn trace(&self, air: &TableAir, quads: &mut [[F; QUAD]]) -> Trace {
        let mut witness: Vec<SpongeRow> = Vec::with_capacity(air.height());
        let mut capacity = [F::ZERO; DIGEST];
        for (stream, row) in self.rows() {
            if row == 0 {
                capacity = initial_capacity(stream.domain, QUAD * stream.quads);
                if stream.headed {
                    capacity[DIGEST - HEAD..].copy_from_slice(&quads[stream.address - 1]);
                }
            }
            let mut state = [F::ZERO; stark::WIDTH];
            for q in (row * QUADS_PER_ROW..stream.quads).take(QUADS_PER_ROW) {
                let at = QUAD * (q % QUADS_PER_ROW);
                state[at..at + QUAD].copy_from_slice(&quads[stream.address + q]);
            }
            state[RATE..].copy_from_slice(&capacity);
            witness.push(SpongeRow { state });
            stark::permute(&mut state);
            capacity.copy_from_slice(&state[RATE..]);
            if row + 1 == stream.rows()
                && let Target::Quads(to) = stream.target
            {
                for half in 0..2 {
                    quads[to + half].copy_from_slice(&state[half * QUAD..(half + 1) * QUAD]);
                }
            }
        }
        // Rows below the schedule permute nothing, of domain and length zero.
        let mut state = [F::ZERO; stark::WIDTH];
        state[RATE..].copy_from_slice(&initial_capacity(Domain::Node, 0));
        state[RATE] = F::ZERO;
        witness.resize(air.height(), SpongeRow { state });
        fill(self, air, &Tally::default(), |row| witness[row].clone())
    }
}

/// One row: the state before the permutation.
#[derive(Clone)]
pub struct SpongeRow {
    state: [F; stark::WIDTH],
}

impl Table for SpongeTable {
    type Row = SpongeRow;

    fn name(&self) -> &'static str {
        "sponge"
    }

    fn log_height(&self) -> usize {
        self.log_height
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let mut columns = vec![vec![F::ZERO; 1 << self.log_height]; FIXED];
        // Rows below the schedule start, too, so that no cell of theirs is open.
        columns[FIRST].fill(F::ONE);
        for (row, (stream, i)) in self.rows().enumerate() {
            let mut set = |column: usize, value: usize| columns[column][row] = F::from_usize(value);
            let last = i + 1 == stream.rows();
            set(FIRST, usize::from(i == 0));
            set(INNER, usize::from(!last));
            set(DOMAIN, stream.domain as usize);
            set(LENGTH, QUAD * stream.quads);
            set(ADDRESS, stream.address + i * QUADS_PER_ROW);
            set(HEADED, usize::from(i == 0 && stream.headed));
            for q in 0..QUADS_PER_ROW {
                set(
                    PRESENT + q,
                    usize::from(i * QUADS_PER_ROW + q < stream.quads),
                );
            }
            match stream.target {
                _ if !last => {}
                Target::Quads(to) => {
                    set(SENDS, 1);
                    set(KEEPS, 1);
                    set(TARGET, to);
                }
                Target::Empty(to) => {
                    set(SENDS, 1);
                    set(TARGET, to);
                }
                Target::Public(digest) => {
                    set(IS_PUBLIC, 1);
                    for (c, d) in digest.iter().enumerate() {
                        columns[PUBLIC + c][row] = *d;
                    }
                }
            }
        }
        columns
    }

    fn row<B: RowBuilder<SpongeRow>>(&self, b: &mut B) {
        let message: [B::E; RATE] = std::array::from_fn(|i| b.cell(|w| w.state[i]));
        let (capacity, next): (Vec<_>, Vec<_>) =
            (0..DIGEST).map(|i| b.state(|w| w.state[RATE + i])).unzip();

        let constants = [
            b.fixed(DOMAIN),
            b.fixed(LENGTH),
            b.constant(initial_capacity(Domain::Node, 0)[2]),
        ];
        for (i, c) in capacity.iter().enumerate() {
            let start = constants.get(i).cloned().unwrap_or(b.constant(F::ZERO));
            let starts = if i < DIGEST - HEAD {
                b.fixed(FIRST)
            } else {
                b.fixed(FIRST) - b.fixed(HEADED)
            };
            b.zero("SPONGE-1", starts * (c.clone() - start));
        }

        let address = b.pinned("SPONGE-6", ADDRESS);
        let headed = b.pinned("SPONGE-6", HEADED);
        let mut head = vec![address.clone() - b.one()];
        head.extend_from_slice(&capacity[DIGEST - HEAD..]);
        b.receive(QUADS, headed, &head);
        for q in 0..QUADS_PER_ROW {
            let present = b.pinned("SPONGE-6", PRESENT + q);
            let quad = &message[q * QUAD..(q + 1) * QUAD];
            for e in quad {
                b.zero("SPONGE-3", (b.one() - present.clone()) * e.clone());
            }
            let mut tuple = vec![address.clone() + F::from_usize(q)];
            tuple.extend_from_slice(quad);
            b.receive(QUADS, present, &tuple);
        }

        let input = std::array::from_fn(|i| {
            if i < RATE {
                message[i].clone()
            } else {
                capacity[i - RATE].clone()
            }
        });
        let output: [B::E; stark::WIDTH] = permutation(b, input);
        for (i, next) in next.into_iter().enumerate() {
            let step = b.fixed(INNER) * (next - output[RATE + i].clone());
            b.assert_zero("SPONGE-2", When::Transition, step);
        }

        let sends = b.pinned("SPONGE-6", SENDS);
        let target = b.pinned("SPONGE-6", TARGET);
        let keeps = b.fixed(KEEPS);
        let sent: Vec<B::E> = (0..DIGEST)
            .map(|i| {
                let digest = keeps.clone() * output[i].clone();
                let cell = b.derive([&digest], |[d]| d);
                b.equal("SPONGE-4", cell.clone(), digest);
                cell
            })
            .collect();
        for half in 0..2 {
            let mut tuple = vec![target.clone() + F::from_usize(half)];
            tuple.extend_from_slice(&sent[half * QUAD..(half + 1) * QUAD]);
            b.send(QUADS, sends.clone(), &tuple);
        }
        for (i, out) in output.iter().take(DIGEST).enumerate() {
            b.zero(
                "SPONGE-5",
                b.fixed(IS_PUBLIC) * (out.clone() - b.fixed(PUBLIC + i)),
            );
        }
    }
}
