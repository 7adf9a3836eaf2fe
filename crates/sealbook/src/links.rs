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
            Err(why @ NotLinked::Pledges(_)) => return Err(why),
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

/// From where on the start of a claim about a deal is proven.
fn start(found: &[(String, &dyn Fact)]) -> Option<String> {
    let periods = |fact: &dyn Fact| -> Vec<u32> {
        let anchors = fact.anchors();
        let periods = anchors.iter().filter_map(|a| match a {
            Anchor::Deal {
                at: At::Start | At::Whole,
                period,
                ..
            } => Some(*period),
            _ => None,
        });
        periods.collect()
    };
    periods(found[0].1).first()?;
    let earliest = found.iter().flat_map(|(_, fact)| periods(*fact)).min()?;
    Some(match earliest {
        0 => "its start follows from the deal's closing".to_string(),
        n => format!(
            "its start follows from payment date {n} on; how the deal stood after that one is the prover's word"
        ),
    })
}
