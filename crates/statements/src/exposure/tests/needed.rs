//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use super::*;

#[test]
fn each_constraint_of_exposure_is_needed() {
    let rows = [0, 1, 255].map(|row| ("exposure", row));
    let ids = ["EXPOSURE-1", "EXPOSURE-2"];
    assert_eq!(idle(&prepared(40), &rows, &ids), [""; 0]);
}
