//! Markets and account books: instruments, prices, margin, solvency. Plain finance on fixed numbers: the executable
//! specification of what Sealbook proves of a book.
//!
//! - [`snapshot`]: public market data: assets with tiered haircuts, instruments, scenarios.
//! - [`book`], [`balances`]: what is private: accounts, balances, positions.
//! - [`pricing`]: Black-76 and Black-Scholes prices and Greeks with a proven error bound.
//! - [`quotes`]: what no market can show: expired options, impossible marks, moments in other units.
//! - [`haircut`], [`array`]: the public numbers of the circuits, from a snapshot.
//! - [`auction`]: orders, the price that clears them, and who gets what.
//! - [`margin`], [`solvency`]: is an account margined, is a book solvent.
//! - [`settlement`]: what fills change in an account, and which orders it may send.
//! - [`funding`]: averages of index prints, and what holding a lot costs.
//! - [`import`], [`sample`]: reading markets and books, making realistic ones.
//!
//! Every rounding goes against the account.

pub mod array;
pub mod auction;
pub mod balances;
pub mod book;
pub mod exposure;
pub mod funding;
pub mod haircut;
pub mod import;
pub mod margin;
pub mod pricing;
pub mod quotes;
pub mod sample;
pub mod settlement;
pub mod snapshot;
pub mod solvency;

pub use balances::Balances;
pub use book::{Account, AccountError, Balance, Book, MAX_LOTS, Position, Side};
pub use snapshot::{
    Asset, Extreme, Haircuts, Instrument, Kind, Level, MarginParameters, OffsetGroup, OptionType,
    ScenarioGrid, Settlement, Snapshot, SnapshotError, Tier,
};
