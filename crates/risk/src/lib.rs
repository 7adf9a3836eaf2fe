//! Plain finance on fixed numbers: the executable specification of what Sealbook proves.
//!
//! A witness is built by calling this crate, and it alone decides whether a claim is true, and says
//! why not in the user's words.
//!
//! - [`snapshot`]: public market data: assets with tiered haircuts, instruments, scenarios.
//! - [`book`]: what is private: accounts, balances, positions.
//! - [`pricing`]: Black-76 and Black-Scholes prices and Greeks with a proven error bound.
//! - [`quotes`]: what no market can show: expired options, impossible marks, moments in other units.
//! - [`haircut`], [`riskarray`]: the public numbers of the circuits, from a snapshot.
//! - [`margin`], [`solvency`]: is an account margined, is a book solvent.
//! - [`evar`], [`certificate`]: entropic value at risk, and the integers that prove it.
//! - [`history`], [`scenarios`]: price histories, and scenario sets made from them.
//! - [`venue`]: what a venue that is its traders' counterparty owes, and what it charges.
//! - [`inventory`]: a venue's net positions from its account book.
//! - [`pool`]: loan tapes, eligibility rules, and the figures of a pool.
//! - [`amortization`], [`collections`]: how loans pay, month by month, and what they bring in.
//! - [`stress`], [`projection`], [`copula`]: what a pool brings in when loans default and prepay, and what tranches lose when
//!   they default together.
//! - [`deal`], [`waterfall`], [`protection`]: securitization deals, who is paid what on a payment date, and what tranches lose
//!   under a stress.
//! - [`coarse`]: the same with months summed into steps, which tells less of single loans.
//! - [`factor`]: what tranches are expected to lose when the pool's loans default together by a factor.
//! - [`issuance`]: what a pool pledges for a deal's tranches.
//! - [`import`], [`sample`], [`sample_venue`], [`sample_pool`], [`sample_deal`]: reading books, markets, venues, tapes and
//!   deals, making realistic ones.
//!
//! Units: a *tick* is 10^-6 of the quote currency; *PHI* is 2^-20 of a tick, the unit in which money
//! is added up inside proofs. Every rounding goes against the account.

pub mod amortization;
pub mod book;
pub mod certificate;
pub mod coarse;
pub mod collections;
pub mod copula;
pub mod date;
pub mod deal;
pub mod evar;
pub mod factor;
pub mod haircut;
pub mod history;
pub mod import;
pub mod inventory;
pub mod issuance;
pub mod margin;
pub mod pool;
pub mod pricing;
pub mod projection;
pub mod protection;
pub mod quotes;
pub mod riskarray;
pub mod sample;
pub mod sample_deal;
pub mod sample_pool;
pub mod sample_venue;
pub mod scenarios;
pub mod snapshot;
pub mod solvency;
pub mod stress;
pub mod venue;
pub mod waterfall;

pub use book::{Account, AccountError, Balance, Book, MAX_AMOUNT, MAX_LOTS, Position, Side};
pub use snapshot::{
    Asset, Extreme, Haircuts, Instrument, Kind, Level, MarginParameters, OptionType, ScenarioGrid,
    Settlement, Snapshot, SnapshotError, Tier,
};

/// Decimals of a tick: 10^-6 of the quote currency.
pub const TICK_DECIMALS: u8 = 6;
/// PHI in a tick.
pub const PHI_PER_TICK: i128 = 1 << 20;

/// Whether a text may stand as a name in claims, which are printed: 1 to 64 ASCII letters, digits and `-_./+&#%*`. Without
/// spaces no name is a sentence.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+&#%*".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// What to say of a text that is no name.
pub const NO_NAME: &str =
    "is no name; write 1 to 64 letters, digits or any of -_./+&#%*, without spaces";

/// Whether a text may be the id of an account or a loan: 1 to 128 ASCII letters, digits and `-_./+&#%*@:=`, as in numbers,
/// hexadecimal digests, UUIDs and addresses.
pub fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+&#%*@:=".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(plain)
}

/// What to say of a text that is no id.
pub const NO_ID: &str =
    "is no id; write 1 to 128 letters, digits or any of -_./+&#%*@:=, without spaces";

/// An amount of PHI in the quote currency, rounded towards minus infinity at a tick.
pub fn phi_to_quote(phi: i128) -> fixed::Decimal {
    fixed::Decimal::new(phi.div_euclid(PHI_PER_TICK), TICK_DECIMALS)
}
