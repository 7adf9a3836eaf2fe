//! Tests of the auction statement: what is true is accepted, what is false is not.

mod positive;

use super::example::sample;
use super::*;
