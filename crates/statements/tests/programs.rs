//! Numbers of a claim are no constants of a constraint: a claim with any field changed has the same programs, unless its shape is
//! another, and other public values, fixed columns or, where no table looks at the field, another digest of the claim only.
//!
//! A program is a part's tables without the values of their public values and fixed columns: heights, constraints and messages
//! with their constants ([`stark::program_digest`]). For every recorded claim, each field of its JSON is changed, whatever follows from it (commitments,
//! digests) is made to fit again, and the tables are compared.

use std::collections::BTreeMap;
use std::path::Path;

use gadgets::hash::Digest;
use rayon::prelude::*;
use serde_json::{Value, json};
use stark::{Inner, Part, ProgramDigest, Statement, TableAir, claim_digest, program_digest};
use statements::account::{PublicDigest, listing};
use statements::book::BookRef;
use statements::pools::loan::{pool_digest, pool_listing, segments};
use statements::trees::{Segments, book_root, log_slots};
use statements::{
    inventory, issuance, margin, pool, premia, solvency, stress, systemic, venues, waterfall,
};

/// What a change of a field does to the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Public values or fixed columns differ.
    Values,
    /// No table looks at the field: only the claim's digest differs, which is in the transcript.
    ClaimOnly,
    /// The programs differ, and with them sizes: heights, widths, numbers of public values or fixed columns.
    Size,
    /// The programs differ, sizes do not.
    Program,
}

/// What is expected of the fields of a statement's claims. Of a field that is in no list, the values of public values or fixed
/// columns change, and the programs do not. The lengths of lists are shape. A pattern is a place in the JSON with `*` for a name
/// or a number, and `**` for all that follows.
struct Rules<'a> {
    /// SHAPE: the layout of what is committed to. The programs may differ.
    shape: &'static [&'static str],
    /// SHAPE: which tests share a bound, how many limbs the largest of some numbers has. The programs may differ, but only with
    /// sizes: so a number does not stand in a constraint.
    sizes: &'static [&'static str],
    /// What no table looks at: the claim's digest alone differs, which is in the transcript.
    claim_only: &'a [&'static str],
    /// What cannot be changed alone, since the verifier computes it from other fields, or other fields from it.
    untried: &'static [&'static str],
}

/// How a claim is looked at.
type LookAt = fn(&Value) -> Option<Look>;

/// What is compared of a claim.
#[derive(PartialEq, Eq)]
struct Look {
    claim: [u8; 32],
    programs: Vec<ProgramDigest>,
    sizes: Vec<Vec<Vec<usize>>>,
    values: Vec<Vec<[u8; 32]>>,
}

fn look<S: Statement>(json: &Value, fit: fn(&mut S::Claim)) -> Option<Look> {
    let mut claim: S::Claim = serde_json::from_value(json.clone()).ok()?;
    fit(&mut claim);
    let context = S::context(&claim).ok()?;
    let parts: Vec<Part> = (0..S::parts(&claim, &context))
        .map(|i| S::part(&claim, &context, i))
        .collect();
    fn each<T>(parts: &[Part], of: impl Fn(&TableAir) -> T) -> Vec<Vec<T>> {
        let parts = parts.iter();
        parts.map(|p| p.tables.iter().map(&of).collect()).collect()
    }
    let sizes = |t: &TableAir| {
        vec![
            t.log_height(),
            t.width(),
            t.public().len(),
            t.interactions().0,
        ]
    };
    Some(Look {
        claim: claim_digest::<S>(&claim),
        programs: parts.iter().map(program_digest::<Inner>).collect(),
        sizes: each(&parts, sizes),
        values: each(&parts, TableAir::digest),
    })
}

impl Look {
    fn change(&self, changed: &Self) -> Change {
        if self.programs == changed.programs {
            match self.values == changed.values {
                true => Change::ClaimOnly,
                false => Change::Values,
            }
        } else if self.sizes != changed.sizes {
            Change::Size
        } else {
            Change::Program
        }
    }
}

fn elements(roots: &[PublicDigest]) -> Vec<Digest> {
    roots.iter().map(PublicDigest::elements).collect()
}

fn root_of(roots: &[PublicDigest], accounts: u64, most: usize) -> Digest {
    let log_slots = log_slots(accounts);
    book_root(&elements(roots), log_slots.min(most), log_slots)
}

fn fit_margin(claim: &mut margin::MarginClaim) {
    claim.snapshot_digest = margin::snapshot_digest(&claim.snapshot);
    claim.parameters_digest = margin::parameters_digest(&claim.snapshot);
    if let margin::Subject::Book { book, segments, .. } = &mut claim.subject {
        let root = root_of(segments, book.accounts, 10);
        *book = BookRef::new(&listing(&claim.snapshot), &root, book.accounts, book.slots);
    }
}

fn fit_solvency(claim: &mut solvency::SolvencyClaim) {
    let Ok(root) = claim.root() else {
        return;
    };
    let book = &mut claim.book;
    *book = BookRef::new(&listing(&claim.snapshot), &root, book.accounts, book.slots);
}

fn fit_inventory(claim: &mut inventory::InventoryClaim) {
    let book = &mut claim.book;
    let root = root_of(&claim.segments, book.accounts, 10);
    *book = BookRef::new(&listing(&claim.snapshot), &root, book.accounts, book.slots);
    claim.state_as_of_ms = claim.snapshot.as_of_ms;
}

/// The commitment to a pool of a claim.
macro_rules! fit_pool {
    ($claim:expr, $split:expr) => {{
        let listing = pool_listing(&$claim.template, &$claim.cut_off);
        let root = $split.root(&elements(&$claim.segments));
        $claim.pool = pool_digest(&listing, &root, $claim.loans).into();
    }};
}

fn fit_waterfall(claim: &mut waterfall::WaterfallClaim) {
    for pool in &mut claim.pools {
        let listing = pool_listing(&claim.template, &pool.cut_off);
        let root = segments(claim.loans).root(&elements(&pool.segments));
        pool.pool = pool_digest(&listing, &root, claim.loans).into();
    }
}

/// A place in JSON.
type Place = Vec<String>;

/// The places of all values, by patterns.
fn places(value: &Value, at: &Place, found: &mut BTreeMap<Place, Vec<Place>>) {
    let mut inside = |name: String, value| places(value, &[at.clone(), vec![name]].concat(), found);
    match value {
        Value::Object(members) => members.iter().for_each(|(name, v)| inside(name.clone(), v)),
        Value::Array(list) => {
            let elements = list.iter().enumerate();
            elements.for_each(|(i, v)| inside(i.to_string(), v));
        }
        _ => {
            let is_number = |name: &String| name.bytes().all(|b| b.is_ascii_digit());
            let pattern = at.iter();
            let pattern = pattern.map(|n| if is_number(n) { "*".into() } else { n.clone() });
            found.entry(pattern.collect()).or_default().push(at.clone());
        }
    }
}

fn get<'a>(value: &'a mut Value, place: &[String]) -> &'a mut Value {
    place.iter().fold(value, |value, name| match value {
        Value::Array(list) => &mut list[name.parse::<usize>().expect("a number")],
        value => &mut value[name],
    })
}

/// Texts that stand for a choice among a few.
const CHOICES: [&[&str]; 3] = [
    &["maintenance", "initial", "maintenance-plus-buffer"],
    &["call", "put"],
    &["linear", "inverse"],
];

/// Other values for what stands at a place.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(b) => vec![json!(!b)],
        Value::Number(n) => {
            let near = |n: i64| vec![json!(n + 1), json!(n - 1), json!(2 * n)];
            n.as_i64().map_or(vec![], near)
        }
        Value::String(text) => {
            let choices = CHOICES.iter().filter(|c| c.contains(&text.as_str()));
            let mut others: Vec<Value> = choices.flat_map(|c| c.iter().map(|c| json!(c))).collect();
            // A digit or a letter more, wherever that leaves a value of its kind; digits first.
            let (digits, letters): (Vec<_>, Vec<_>) = (0..text.len())
                .rev()
                .partition(|&i| text.as_bytes()[i].is_ascii_digit());
            for at in digits.into_iter().chain(letters) {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = match bytes[at] {
                    b'9' => b'0',
                    b'f' | b'z' => b'a',
                    c if c.is_ascii_alphanumeric() => c + 1,
                    _ => continue,
                };
                others.extend(String::from_utf8(bytes).map(|text| json!(text)));
            }
            others.push(json!(format!("{text}5")));
            others
        }
        _ => Vec::new(),
    }
}

fn matches(pattern: &str, place: &[String]) -> bool {
    let mut place = place.iter();
    for name in pattern.split('.') {
        match (name, place.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (name, Some(own)) if name == own => {}
            _ => return false,
        }
    }
    place.next().is_none()
}

fn is_in(patterns: &[&str], place: &[String]) -> bool {
    patterns.iter().any(|pattern| matches(pattern, place))
}

/// Changes of a field that are made, and how many of those that leave a claim are looked at.
const MADE: usize = 12;
const LOOKED_AT: usize = 8;

/// What changes of a field do.
fn changes<'a>(
    look: LookAt,
    json: &'a Value,
    honest: &'a Look,
    place: &'a Place,
) -> impl Iterator<Item = Change> + 'a {
    let others = others(get(&mut json.clone(), place)).into_iter();
    others.take(MADE).filter_map(move |other| {
        let mut changed = json.clone();
        if *get(&mut changed, place) == other {
            return None;
        }
        *get(&mut changed, place) = other;
        let looked = std::panic::catch_unwind(|| look(&changed)).ok()??;
        (looked.claim != honest.claim).then(|| honest.change(&looked))
    })
}

/// Checks all fields of a recorded claim.
fn check(name: &str, rules: &Rules<'_>, look: LookAt) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join(format!("tests/goldens/claims/{name}.json"));
    let json = std::fs::read(path).expect("it is recorded");
    let json: Value = serde_json::from_slice(&json).expect("it is JSON");
    let honest = look(&json).expect("it is a claim");
    let mut found = BTreeMap::new();
    places(&json, &Vec::new(), &mut found);
    let wrong = found.into_par_iter().filter_map(|(pattern, places)| {
        let is = |list| is_in(list, &pattern);
        if is(rules.untried) || is(rules.shape) {
            return None;
        }
        let places = places.iter();
        let mut tried = places.flat_map(|place| changes(look, &json, &honest, place));
        let changes: Vec<Change> = if is(rules.sizes) {
            tried.take(LOOKED_AT).collect()
        } else if is(rules.claim_only) {
            tried.take(1).collect()
        } else {
            // A price may change so little that rates, which are rounded, do not.
            let mut last = tried.next();
            for _ in 1..LOOKED_AT {
                if last == Some(Change::ClaimOnly) {
                    last = tried.next().or(last);
                }
            }
            last.into_iter().collect()
        };
        let fits = !changes.is_empty()
            && changes.iter().all(|change| match change {
                Change::Values => !is(rules.claim_only),
                Change::ClaimOnly => is(rules.claim_only) || is(rules.sizes),
                Change::Size => is(rules.sizes),
                Change::Program => false,
            });
        (!fits).then(|| format!("{} {changes:?}", pattern.join(".")))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

#[test]
fn margin_claims() {
    let rules = Rules {
        shape: &["snapshot.parameters.balances_move"],
        // Limbs of a rate in units of other decimals; which assets are coins that move.
        sizes: &[
            "snapshot.assets.*.decimals",
            "snapshot.assets.*.symbol",
            "snapshot.quote",
            "subject.book.slots",
            "underlyings",
        ],
        // Other pledges, and the parameters of other levels.
        claim_only: &[
            "snapshot.source",
            "snapshot.assets.*.haircuts.loan.**",
            "snapshot.assets.*.haircuts.portfolio.**",
            "snapshot.parameters.buffer",
            "snapshot.parameters.initial_factor",
        ],
        untried: &[
            "parameters_digest",
            "snapshot_digest",
            "subject.book.commitment",
            "subject.kind",
            // Another kind has other fields.
            "snapshot.instruments.*.kind",
            "snapshot.instruments.*.kind.option.option_type",
            "snapshot.instruments.*.settlement",
            "snapshot.instruments.*.settlement.inverse",
            "snapshot.instruments.*.forward",
        ],
    };
    check("margin-book", &rules, |v| {
        look::<margin::Margin>(v, fit_margin)
    });
}

#[test]
fn solvency_claims() {
    let rules = Rules {
        shape: &[],
        sizes: &["book.slots", "snapshot.assets.*.decimals"],
        // What the lists stand for is in the book's commitment; the seals that hold it are opened by other statements.
        claim_only: &[
            "book.slots",
            "snapshot.as_of_ms",
            "snapshot.quote",
            "snapshot.source",
            "snapshot.assets.*.symbol",
            "snapshot.grid.**",
            "snapshot.parameters.*",
        ],
        untried: &["book.commitment", "reserves"],
    };
    check("solvency-uncovered", &rules, |v| {
        look::<solvency::Solvency>(v, fit_solvency)
    });
    // Over a long list, sizes of slots are sizes; what one number of few assets has is seldom the largest.
    let rules = Rules {
        sizes: &[
            "book.slots",
            "slots.last",
            "snapshot.assets.*.decimals",
            "snapshot.assets.*.price",
        ],
        untried: &["book.commitment", "reserves", "slots.accounts"],
        ..rules
    };
    check("solvency-listed", &rules, |v| {
        look::<solvency::Solvency>(v, fit_solvency)
    });
}

#[test]
fn inventory_claims() {
    let rules = Rules {
        shape: &[],
        sizes: &["book.slots"],
        // Prices and margin parameters play no part.
        claim_only: &[
            "markets.*.value",
            "snapshot.source",
            "snapshot.assets.*.price",
            "snapshot.instruments.*.mark",
            "snapshot.grid.**",
            "snapshot.parameters.*",
        ],
        untried: &[
            "book.commitment",
            "state_as_of_ms",
            // A market is the instrument of its name and size.
            "markets.*.lot",
            "markets.*.symbol",
            "snapshot.assets.*.price",
            "snapshot.instruments.*.contract_size",
            "snapshot.instruments.*.forward",
            "snapshot.instruments.*.kind",
            "snapshot.instruments.*.lot",
            "snapshot.instruments.*.settlement",
            "snapshot.instruments.*.symbol",
        ],
    };
    check("inventory-book", &rules, |v| {
        look::<inventory::Inventory>(v, fit_inventory)
    });
}

/// What fields loans have: their limbs and codes. What they stand for is in the pool's commitment.
const TEMPLATE: &str = "template.fields.**";

#[test]
fn pool_claims() {
    let rules = Rules {
        shape: &[TEMPLATE],
        // Tests of one bound share a comparison.
        sizes: &["eligibility.*", "figures.*.measure.share.where"],
        claim_only: &[],
        untried: &[
            "pool",
            // Names of fields.
            "template.weight",
            "figures.*.measure.average.of",
            "figures.*.measure.average.where",
            "figures.*.measure.largest.by",
            "figures.*.measure.sum.of",
            "figures.*.over",
        ],
    };
    check("pool-rules-and-figures", &rules, |v| {
        look::<pool::Pool>(v, |c| fit_pool!(c, segments(c.loans)))
    });
}

#[test]
fn stress_claims() {
    let rules = Rules {
        shape: &[TEMPLATE],
        sizes: &[],
        claim_only: &["template.about", "template.name"],
        untried: &[
            "pool",
            "cut_off",
            "template.weight",
            // The tables know nothing of the deal; the verifier runs it on the schedule, which enters as fixed columns.
            "deal.**",
            "deal_state.**",
            "indices.**",
            "scenarios.**",
            "models.**",
            "schedule.**",
        ],
    };
    check("stress-deal", &rules, |v| {
        look::<stress::Stressed>(v, |c| fit_pool!(c, Segments::new(c.loans, 8)))
    });
}

#[test]
fn issuance_claims() {
    let rules = Rules {
        shape: &[TEMPLATE],
        sizes: &[],
        claim_only: &[],
        untried: &[
            "pool",
            "template.weight",
            // As many nullifiers as loans, which are open or defaulted.
            "loans",
            "defaulted",
            // The tables know nothing of the deal, which the balance must fit; it enters as fixed columns.
            "balance",
            "deal.**",
            "tranches.**",
        ],
    };
    check("issuance-deal", &rules, |v| {
        look::<issuance::Issuance>(v, |c| fit_pool!(c, segments(c.loans)))
    });
}

#[test]
fn waterfall_claims() {
    let rules = Rules {
        shape: &[TEMPLATE],
        sizes: &[],
        claim_only: &["template.about", "template.name"],
        untried: &[
            "pools.*.pool",
            "pools.*.cut_off",
            "template.weight",
            // The tables know nothing of the deal; the verifier runs it on the collections, which enter as fixed columns.
            "deal.**",
            "deal_before.**",
            "deal_after.**",
            "indices.**",
            "months.*.collections.**",
            "reports.**",
        ],
    };
    check("waterfall-month", &rules, |v| {
        look::<waterfall::Waterfall>(v, fit_waterfall)
    });
}

#[test]
fn premia_claims() {
    let rules = |claim_only| Rules {
        // Losses that are cut at zero or not, and capital that counts or not.
        shape: &["shown.fact"],
        sizes: &[],
        claim_only,
        untried: &[
            "scenarios_digest",
            "scenarios.source.kind",
            "shown.kind",
            "shown.changes.*.kind",
            "shown.changes.*.change.kind",
            // Premia are what EVaR rises by; both enter as fixed columns.
            "shown.changes.*.evar",
            "shown.changes.*.premium",
            // What is stated on the grid is a multiple of it, and a rate of its market's step.
            "shown.grid",
            "shown.funding.*",
        ],
    };
    let look: LookAt = |v| {
        look::<premia::Premia>(v, |c| {
            c.scenarios_digest = venues::scenarios_digest(&c.scenarios)
        })
    };
    // The states have dates of their own.
    let no_table = ["scenarios.as_of_ms", "scenarios.source.note"];
    check("premia-prices", &rules(&no_table), look);
    check("premia-totals", &rules(&no_table), look);
    // Without funding rates, values now and the horizon play no part.
    let [a, b] = no_table;
    let no_table = [a, b, "scenarios.horizon_days", "scenarios.markets.*.value"];
    check("premia-funded", &rules(&no_table), look);
    check("premia-adequate", &rules(&no_table), look);
}

#[test]
fn systemic_claims() {
    let rules = Rules {
        shape: &[],
        sizes: &[],
        // No funding rates, which depend on the value now and the horizon.
        claim_only: &[
            "scenarios.as_of_ms",
            "scenarios.horizon_days",
            "scenarios.markets.*.value",
            "scenarios.source.note",
        ],
        untried: &["scenarios_digest", "scenarios.source.kind"],
    };
    check("systemic-venue", &rules, |v| {
        look::<systemic::Systemic>(v, |c| {
            c.scenarios_digest = venues::scenarios_digest(&c.scenarios);
        })
    });
}
