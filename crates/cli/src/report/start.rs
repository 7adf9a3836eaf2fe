//! Where a claim starts, on a page: what the verifier says of it, and on whose word.

use statements::pools::start::Start;

use super::html::list;

/// What is not proven, with the start where it is the prover's word.
pub fn not_proven<'a>(others: &[&'a str], start: &Start<'_>) -> Vec<&'a str> {
    let mut all = others.to_vec();
    if start.state.period > 0 {
        all.push(
            "that the deal stood as below at the start: its prover says so; only the proofs of the months before show it",
        );
    }
    all
}

/// The start as `verify` says it.
pub fn section(start: &Start<'_>) -> String {
    let lines = start.words();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    format!(
        "<h2>The start</h2>\n<p>All that is paid and lost on this page follows from this state of the deal.</p>\n{}",
        list(&lines)
    )
}
