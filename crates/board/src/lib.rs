//! The public board: where orders stand before an auction, so that nobody adds, omits, withholds or reads one early.
//!
//! A venue clears an auction from a list of orders. What it proves of the clearing is worth as much as the list: if it may choose the
//! list after it saw the orders, the proof shows a fair clearing of orders that it liked. So the list stands on a board that someone
//! else keeps, it is complete before anyone can read it, and everything that happens to an entry afterwards is evidence.
//!
//! # One batch
//!
//! 1. **Before.** The venue signs the [terms](terms::Terms) of a batch: opening time, close, what is
//!    auctioned by which bands and fees, keys, the beacon's round. Accounts have
//!    fetched [tickets](ticket).
//! 2. **Posting.** A trader makes an order with a secret in it, commits to it, [seals](seal) the opening, spends a ticket on both, and
//!    posts. The board answers with a [receipt](file::Receipt).
//! 3. **Close.** The board publishes its [file](mod@file) with a head of a time after the close, and before the round. Everyone computes
//!    [the list](close).
//! 4. **Round.** The beacon publishes the signature that removes all time locks. The venue opens the envelopes below, and clears.
//! 5. **After.** An order is cleared, or the venue publishes why it was not ([`close::Skip`]), or the trader shows that it should have
//!    been ([`seal::Sealing::dispute`]). An order of the list of which the venue says nothing is a wrong skip, too.
//!
//! # Why openings are posted with orders
//!
//! Where orders are committed to first and opened later, whoever opens last knows the others' orders and may keep silent: an order that
//! can be withheld is an option, and one lot withheld moves a price. Here the opening is on the board before the close, so it is too
//! late to withhold anything; and it is under a time lock, so it is too early to read anything.
//!
//! # Who can do what
//!
//! | who | can | cannot |
//! |---|---|---|
//! | the venue | see that an account fetched tickets; open all orders, but only after the round; be silent, which all see | read an order early; add or leave out an order; call a well-formed order malformed, or show one order by showing another; tell from a ticket which account posted |
//! | the board's keeper | refuse an entry, which its trader notices for lack of a receipt; choose the order of entries, and times within what receipts allow; see network addresses | change, remove or move an entry after a receipt, or show two readers two boards, without having signed the evidence ([`file::Board::denies`], [`file::Board::fork`]); read an order; post without tickets |
//! | a trader | post as many entries as it has tickets; post rubbish, which costs a ticket and is skipped | withdraw or change an order after posting it (a later order may replace it); see others' orders early; have an order accepted in another form than its one form |
//! | whoever copies an entry, or a part of it | post the same bytes: the order counts once | push the order out, use its ticket, post the opening in their own name, or make the venue show it |
//! | the beacon's operators | all together with the venue read orders early; stop, and then nobody opens the batch | alone read an order: the envelope is the venue's |
//! | everyone | check terms, chain and signatures, compute the list, remove time locks after the round, judge evidence and disputes | read a well-formed order that nobody shows |
//!
//! # What it rests on
//!
//! - **Keeper and venue do not collude.** Together they could add an order after the round, with a false time, before they show the
//!   board to anyone. So whoever relies on a list must have seen its head, or know someone who saw it, before the round: `delay_ms` of
//!   the time lock is the time for that. A head signed later than that is refused, but a false time can be signed.
//! - **The beacon keeps its secret.** Of a threshold network, fewer operators than the threshold collude.
//! - **Without a beacon** (`lock` is `null`, and so is every entry's `round`) the venue reads each order when it is posted. The file
//!   says so, and whoever speaks of the list must say so.
//! - **The terms are the venue's.** Their signature is checked; that the key in them is the venue's, the reader must know.
//! - **Openings hold a secret** of at least 128 bits, used once, since the randomness of sealing follows from them.
//! - Discrete logarithms in ristretto255 and BLS12-381, co-Diffie-Hellman with one more signature than answers (tickets), bilinear
//!   Diffie-Hellman (time lock), SHA-2 and SHA-3 as random oracles. None of this but the hashes stands against a quantum computer:
//!   what is posted today could be read by one that somebody has one day.
//!
//! What a board shows in any case: how many orders there are, when they came, and the network addresses from which they came to the
//! keeper. In a thin market the number alone says much.
//!
//! # Modules
//!
//! - [`beacon`]: the public randomness beacon, drand's parameters, one for tests. [`timelock`]: locking a key to a round.
//! - [`seal`]: sealing, opening, judging, disputing. [`disclosure`]: showing what one envelope holds.
//! - [`ticket`]: blind tickets against spam. [`keys`]: signing keys.
//! - [`terms`], [`file`](mod@file): the board's file. [`close`]: the list.
pub mod beacon;
mod bytes;
pub mod close;
mod curve;
pub mod disclosure;
pub mod file;
pub mod keys;
mod knowledge;
pub mod seal;
pub mod terms;
pub mod ticket;
pub mod timelock;

pub use bytes::{Digest, Hex};
