//! What several proofs show together.

use statements::kit::{Anchor, At, Link, NotLinked, link};

use crate::Fact;

/// A fact that is not linked to the others, by its place among them, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place.
    pub place: usize,
    /// Why: what it lacks to be linked to the claim itself, or which loan is pledged twice.
    pub why: NotLinked,
}

/// How each of `others` is linked to `fact`, or to one of them that is. Each comes with the name of its file; a line for each,
/// and, of a claim about a deal, one that says from where on its start is proven.
///
/// # Errors
/// Names the first fact that is not linked, or that pledges a loan of another one.
pub fn linked(fact: &dyn Fact, others: &[(String, &dyn Fact)]) -> Result<Vec<String>, Rejected> {
    let mut found: Vec<(String, &dyn Fact)> = vec![("it".into(), fact)];
    let mut open: Vec<usize> = (0..others.len()).collect();
    let mut lines = Vec::new();
    while !open.is_empty() {
        let mut first = None;
        let hit = open
            .iter()
            .copied()
            .find_map(|place| match joined(&found, others[place].1) {
                Ok((host, link)) => Some((place, host, link)),
                Err(why) => {
                    first.get_or_insert(Rejected { place, why });
                    None
                }
            });
        let Some((place, host, link)) = hit else {
            return first.map_or(Ok(lines), Err);
        };
        open.retain(|other| *other != place);
        let (name, other) = &others[place];
        lines.push(words(name, *other, &found[host].0, &link));
        found.push((name.clone(), *other));
    }
    if !others.is_empty() {
        lines.extend(start(&found));
    }
    Ok(lines)
}

/// The first of the facts found that another one is linked to. A loan that two of them pledge is told, whatever else links.
fn joined(found: &[(String, &dyn Fact)], other: &dyn Fact) -> Result<(usize, Link), NotLinked> {
    let theirs = other.anchors();
    let mut linked = None;
    let mut not = None;
    for (host, (_, fact)) in found.iter().enumerate() {
        match link(&fact.anchors(), &theirs) {
            Ok(link) => {
                linked.get_or_insert((host, link));
            }
            // Whatever else links.
            Err(
                why @ (NotLinked::Pledges(_) | NotLinked::SettledAgain { .. } | NotLinked::Fork),
            ) => return Err(why),
            Err(why) => {
                not.get_or_insert(why);
            }
        }
    }
    linked.ok_or_else(|| not.expect("there is at least the fact itself"))
}

fn words(name: &str, other: &dyn Fact, host: &str, link: &Link) -> String {
    let of = |at: At| match at {
        At::Whole => "is about",
        At::Start => "starts with",
        At::End => "ends with",
    };
    let how = match link {
        Link::Shared {
            what,
            at: [own, theirs],
        } => format!(
            "{} the {} that {host} {}",
            of(*theirs),
            what.join(" and the "),
            of(*own)
        ),
        Link::Disjoint => format!("pledges none of the loans that {host} pledges"),
    };
    format!("{name} {how}: {}", other.words().join("\n  "))
}

/// From where on the start of a claim about a deal is proven: months are followed back, each ending with the deal, its state
/// and all else that the later ones start with. What is linked otherwise, such as by the pool alone, says nothing of it.
fn start(found: &[(String, &dyn Fact)]) -> Option<String> {
    let mut earliest = found[0].1;
    let mut period = period_of_start(earliest)?;
    let mut months: Vec<&dyn Fact> = found[1..].iter().map(|(_, fact)| *fact).collect();
    while let Some(before) = months.iter().position(|fact| goes_on(earliest, *fact)) {
        earliest = months.swap_remove(before);
        period = period_of_start(earliest)?;
    }
    Some(match period {
        0 => "its start follows from the deal's closing".to_string(),
        n => format!(
            "its start follows from payment date {n} on; how the deal stood after that one is the prover's word"
        ),
    })
}

/// Payment dates behind the state of the deal that a fact starts from.
fn period_of_start(fact: &dyn Fact) -> Option<u32> {
    fact.anchors().iter().find_map(|anchor| match anchor {
        Anchor::Deal {
            at: At::Start | At::Whole,
            period,
            ..
        } => Some(*period),
        _ => None,
    })
}

/// Whether a fact starts with the deal's state, and all else, that an earlier one ends with.
fn goes_on(fact: &dyn Fact, before: &dyn Fact) -> bool {
    let ends_with_a_deal = |anchor: &Anchor| matches!(anchor, Anchor::Deal { at: At::End, .. });
    match link(&fact.anchors(), &before.anchors()) {
        Ok(Link::Shared { at, .. }) => {
            at[0] != At::End && at[1] == At::End && before.anchors().iter().any(ends_with_a_deal)
        }
        _ => false,
    }
}
