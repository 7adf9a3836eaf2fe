//! What needs a book that cannot be sealed, or rows that no book has.

mod forged;
mod lists;
mod needed;
mod parts;

use std::sync::Arc;

use fixed::Decimal;
use market::{Balances, sample};
use stark::{F, PrimeCharacteristicRing, Statement, violated};

use super::tables::AccountRow;
use super::*;
use crate::account::{Identity, Layout, Secret};
use crate::book::SealedBook;
use crate::kit;
