//! Tests of the auction statement: what is true is accepted, what is false is not.

mod forged;
mod needed;
mod positive;

use market::auction::{Admission, Ladder};
use stark::{F, PrimeCharacteristicRing, Statement};

use super::example::sample;
use super::fill::Rows;
use super::tables::orders::OrderRow;
use super::witness::check_with;
use super::*;
use crate::orders::{Randomness, Status};
