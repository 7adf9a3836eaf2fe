//! What each statement's tables demand is recorded, so that no change of it goes out under an old version.
//!
//! `goldens/claims` holds some claims of every statement, `goldens/tables.txt` a digest of each of their tables: constraints
//! and messages with their names, constants and order, fixed columns, public values, heights. When a digest changes, the
//! statement's `VERSION` must be raised; then
//!
//! ```sh
//! SEALBOOK_GOLDENS=write cargo test --release -p statements --test goldens
//! ```
//!
//! writes the new ones, new proofs where the old ones of `goldens/proofs` do not verify, and new claims where the old ones are not claims any more. It refuses to change a digest of a
//! version; `SEALBOOK_GOLDENS=overwrite` does also that, for versions that nobody has yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use credit::pool::tape::Tape;
use credit::sample_pool;
use fixed::Decimal;
use market::{Account, Level, OffsetGroup, Snapshot, sample};
use rayon::prelude::*;
use records::units::Ticks;
use stark::{Part, ProofFile, Statement, TARGET_BITS, TableAir, security_report, unproven};
use statements::account::Secret;
use statements::book::SealedBook;
use statements::kit::{AnyPrepared, Size};
use statements::premia::Shows;
use statements::registry::{Kind, STATEMENTS, verify};
use statements::{
    inventory, issuance, margin, pool, premia, solvency, stress, systemic, waterfall,
};
use venue::evar::Confidence;
use venue::fact::Fact;
use venue::scenarios::ScenarioSet;
use venue::state::{Change, Transfer};

/// What finds the parts of a claim.
type Parts = dyn Fn(&[u8]) -> Result<Vec<Part>, String>;

/// A claim of a statement, and the digests of its tables.
struct Case {
    statement: &'static str,
    version: u32,
    name: &'static str,
    /// The canonical JSON of a claim like this, if that in the file is none any more.
    make: Box<dyn Fn() -> Vec<u8>>,
    /// The parts of a claim, or why the JSON is no claim.
    parts: Box<Parts>,
}

/// The small example of a statement.
fn example(kind: &'static dyn Kind, name: &'static str) -> Box<dyn AnyPrepared> {
    let inputs = kind
        .example(name, &Size::small())
        .expect("it is one of its names");
    let prepared = (inputs.prepare)(&secret());
    prepared.unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn example_case(kind: &'static dyn Kind, name: &'static str) -> Case {
    Case {
        statement: kind.id(),
        version: kind.version(),
        name,
        make: Box::new(move || example(kind, name).file(Vec::new()).claim),
        parts: Box::new(move |json| {
            let file = ProofFile::raw(kind.id(), kind.version(), json.to_vec(), Vec::new());
            let claim = kind.claim(&file).map_err(|e| e.to_string())?;
            let parts = claim.parts().map_err(|e| e.to_string())?;
            Ok(parts.collect())
        }),
    }
}

fn case<S: Statement>(name: &'static str, make: impl Fn() -> S::Claim + 'static) -> Case {
    Case {
        statement: S::ID,
        version: S::VERSION,
        name,
        make: Box::new(move || stark::claim_bytes::<S>(&make())),
        parts: Box::new(|json| {
            let claim: S::Claim = serde_json::from_slice(json).map_err(|e| e.to_string())?;
            if stark::claim_bytes::<S>(&claim) != json {
                return Err("it is not in canonical form".into());
            }
            let context = S::context(&claim)?;
            let parts = 0..S::parts(&claim, &context);
            Ok(parts.map(|i| S::part(&claim, &context, i)).collect())
        }),
    }
}

impl Case {
    /// Where the claim is kept.
    fn path(&self) -> PathBuf {
        folder().join(format!("claims/{}-{}.json", self.statement, self.name))
    }
}

/// A line for each table.
fn lines(parts: &[Part]) -> Vec<String> {
    let parts = parts.iter().enumerate();
    parts.flat_map(|(i, part)| tables(i, part)).collect()
}

fn tables(number: usize, part: &Part) -> Vec<String> {
    let parameters = serde_json::to_string(&part.profile).expect("plain data");
    part.tables
        .iter()
        .map(|table| {
            let digest: String = table.digest()[..16]
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            let (name, height, width) = (table.name(), table.log_height(), table.width());
            format!("part {number} {parameters} {name} 2^{height} x {width} {digest}")
        })
        .collect()
}

/// The claims: those below, and the examples of the statements that have none there.
fn cases() -> Vec<Case> {
    let mut cases = special_cases();
    for kind in STATEMENTS {
        if cases.iter().all(|case| case.statement != kind.id()) {
            let examples = kind.examples().into_iter();
            cases.extend(examples.map(|name| example_case(*kind, name)));
        }
    }
    cases
}

/// Claims that show more tables than small examples do: one line each.
fn special_cases() -> Vec<Case> {
    vec![
        case::<margin::Margin>("account", account_margin),
        case::<margin::Margin>("book", || book_margin(40)),
        // So many that no table is joined with others.
        case::<margin::Margin>("tall-book", || book_margin(600)),
        case::<margin::Margin>("offsets", margin_with_offsets),
        case::<solvency::Solvency>("totals", || solvent(true, 150)),
        case::<solvency::Solvency>("full-part", || solvent(true, 16_500)),
        case::<solvency::Solvency>("hidden-totals", || solvent(false, 150)),
        case::<solvency::Solvency>("uncovered", uncovered),
        case::<solvency::Solvency>("listed", listed),
        case::<solvency::Solvency>("listed-parts", listed_parts),
        case::<inventory::Inventory>("book", || inventory_of_book(&even())),
        case::<inventory::Inventory>("weighted", || inventory_of_book(&weighted())),
        case::<premia::Premia>("prices", || {
            risk_of_day(&even(), Shows::Prices { lots: true })
        }),
        case::<premia::Premia>("weighted", || {
            risk_of_day(&weighted(), Shows::Prices { lots: true })
        }),
        case::<premia::Premia>("totals", || {
            risk_of_day(
                &even(),
                Shows::Totals {
                    grid: None,
                    tolerance: None,
                },
            )
        }),
        case::<premia::Premia>("funded", || risk_of_day(&even(), Shows::Fact(Fact::Funded))),
        case::<premia::Premia>("adequate", || {
            risk_of_day(&even(), Shows::Fact(Fact::AdequateWithoutProviders))
        }),
        case::<systemic::Systemic>("venue", || systemic_of_venue(&even())),
        case::<systemic::Systemic>("weighted", || systemic_of_venue(&weighted())),
        case::<pool::Pool>("rules-and-figures", || pool_of(500)),
        case::<pool::Pool>("parts", || pool_of(8200)),
        case::<stress::Stressed>("deal", stress_of_deal),
        case::<issuance::Issuance>("deal", issuance_of_deal),
        case::<waterfall::Waterfall>("month", waterfall_of_month),
    ]
}

fn secret() -> Secret {
    Secret::from_hex(&"5a".repeat(32)).expect("a secret")
}

fn confidence() -> Confidence {
    let confidence: Decimal = "0.95".parse().expect("a number");
    confidence.try_into().expect("a confidence")
}

fn sealed(snapshot: &Snapshot, accounts: &[Account]) -> Arc<SealedBook> {
    SealedBook::new(snapshot, accounts, 4, &secret()).expect("a book")
}

fn sample_book(accounts: usize, below: usize) -> Arc<SealedBook> {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 3, accounts, 3, below);
    sealed(&snapshot, book.accounts())
}

fn account_margin() -> margin::MarginClaim {
    let book = sample_book(1, 0);
    let id = sample::book(book.snapshot(), 3, 1, 3, 0).accounts()[0]
        .id
        .clone();
    let prepared = margin::Prepared::new(&book, Some(&id), Level::Initial);
    prepared.expect("a claim").claim().clone()
}

fn book_margin(accounts: usize) -> margin::MarginClaim {
    let prepared = margin::Prepared::new(&sample_book(accounts, 1), None, Level::Maintenance);
    prepared.expect("a claim").claim().clone()
}

/// Both coins in one group, in a book so large that no table is joined with others.
fn margin_with_offsets() -> margin::MarginClaim {
    let mut snapshot = sample::snapshot();
    snapshot.parameters.offset_groups = vec![OffsetGroup {
        underlyings: vec!["BTC".into(), "ETH".into()],
        offset: Decimal::new(6, 1),
    }];
    let book = sample::book(&snapshot, 3, 600, 3, 1);
    let sealed = sealed(&snapshot, book.accounts());
    let prepared = margin::Prepared::new(&sealed, None, Level::Maintenance);
    prepared.expect("a claim").claim().clone()
}

fn solvent(publish_totals: bool, accounts: u64) -> solvency::SolvencyClaim {
    let accounts: Vec<_> = (0..accounts)
        .map(|i| sample::exchange_account(9, i))
        .collect();
    let snapshot = sample::exchange_snapshot();
    let options = solvency::Options {
        publish_totals,
        reserves: (!publish_totals).then(|| vec![1 << 80; snapshot.assets.len()]),
        ..solvency::Options::default()
    };
    let prepared = solvency::Prepared::new(&sealed(&snapshot, &accounts), &options);
    prepared.expect("a claim").claim().clone()
}

/// An account owes more than its collateral is worth.
fn uncovered() -> solvency::SolvencyClaim {
    let mut accounts: Vec<_> = (0..20).map(|i| sample::exchange_account(9, i)).collect();
    for balance in accounts[3].balances.iter_mut() {
        balance.debt = 1 << 40;
    }
    let sealed = sealed(&sample::exchange_snapshot(), &accounts);
    let prepared = solvency::Prepared::new(&sealed, &solvency::Options::default());
    prepared.expect("a claim").claim().clone()
}

/// Over a long list, with accounts of several slots, of which one owes more than its collateral is worth.
fn listed() -> solvency::SolvencyClaim {
    let snapshot = sample::listed_snapshot(24);
    let mut accounts: Vec<_> = (0..40)
        .map(|i| sample::listed_account(9, i, 24, i as usize % 20))
        .collect();
    for balance in accounts[17].balances.iter_mut() {
        balance.debt = 1 << 40;
    }
    let prepared = solvency::Prepared::new(&sealed(&snapshot, &accounts), &Default::default());
    prepared.expect("a claim").claim().clone()
}

/// Over a long list, in two parts: 2,560 accounts of three slots each are a part, since 2,816 have more than 2^13 slots.
fn listed_parts() -> solvency::SolvencyClaim {
    let snapshot = sample::listed_snapshot(24);
    let accounts: Vec<_> = (0..2_740)
        .map(|i| sample::listed_account(9, i, 24, 24))
        .collect();
    let prepared = solvency::Prepared::new(&sealed(&snapshot, &accounts), &Default::default());
    let claim = prepared.expect("a claim").claim().clone();
    assert_eq!(claim.states.len(), 1, "there are two parts");
    claim
}

/// Scenarios that are all as probable.
fn even() -> ScenarioSet {
    venue::sample::scenarios(1, 2, 50)
}

/// The same scenarios, every third of them a quarter as probable as the others.
fn weighted() -> ScenarioSet {
    let mut set = even();
    let parts = (0..set.values.len()).map(|s| if s % 3 == 0 { 1 << 20 } else { 1 << 22 });
    set.probabilities = parts.collect();
    set
}

fn inventory_of_book(set: &ScenarioSet) -> inventory::InventoryClaim {
    let state = venue::sample::state(set);
    let snapshot = venue::sample::snapshot(set);
    let book = venue::sample::book(1, set, &state, 5);
    let sealed = sealed(&snapshot, book.accounts());
    let prepared = inventory::Prepared::new(&sealed, set, &state, &secret());
    prepared.expect("a claim").claim().clone()
}

/// Trades and a provider's withdrawal.
fn risk_of_day(set: &ScenarioSet, shows: Shows) -> premia::PremiaClaim {
    let state = venue::sample::state(set);
    let trades = venue::sample::trades(1, set, 3);
    let mut changes: Vec<Change> = trades.into_iter().map(Change::from).collect();
    changes.push(Change::Transfer(Transfer {
        providers: Ticks(-10_000_000),
        ..Transfer::default()
    }));
    let day_later = set.as_of_ms + 86_400_000;
    if shows == Shows::Fact(Fact::AdequateWithoutProviders) {
        changes.push(Change::Roll {
            at_ms: day_later - 1_000,
        });
    }
    let terms = premia::Terms {
        confidence: confidence(),
        shows,
        funding: !matches!(shows, Shows::Fact(_)),
        until_ms: matches!(shows, Shows::Fact(_)).then_some(day_later),
    };
    let prepared = premia::Prepared::new(set, &state, &changes, &terms, &secret());
    prepared.expect("a claim").claim().clone()
}

fn systemic_of_venue(set: &ScenarioSet) -> systemic::SystemicClaim {
    let state = venue::sample::state(set);
    let venues = vec![systemic::Venue {
        state,
        secret: secret(),
    }];
    let prepared = systemic::Prepared::new(set, venues, confidence(), None);
    prepared.expect("a claim").claim().clone()
}

fn tape(loans: usize) -> Tape {
    let template = credit::import::tape::read_template("mortgage").expect("a template");
    sample_pool::tape(1, loans, &template)
}

fn pool_of(loans: usize) -> pool::PoolClaim {
    let terms: pool::Terms = serde_json::from_str(sample_pool::TERMS).expect("terms");
    let terms = pool::Terms {
        // The bounds of the sample are meant for some hundreds of loans.
        figures: if loans < 500 {
            terms.figures.into_iter().take(3).collect()
        } else {
            terms.figures
        },
        ..terms
    };
    let prepared = pool::Prepared::new(&tape(loans), &terms, &secret());
    prepared.expect("a claim").claim().clone()
}

fn stress_of_deal() -> stress::StressClaim {
    let tape = tape(20);
    let terms = stress::Terms {
        doubtful_days: 90,
        detail: stress::Detail::default(),
        deal: credit::sample_deal::sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: credit::sample_deal::sample_indices(),
        stresses: serde_json::from_str(sample_pool::STRESSES).expect("stresses"),
        breakeven: vec!["A".into()],
    };
    let prepared = stress::Prepared::new(&tape, &terms, &secret());
    prepared.expect("a claim").claim().clone()
}

fn issuance_of_deal() -> issuance::IssuanceClaim {
    let tape = tape(20);
    let deal = credit::sample_deal::sample_deal_for(sample_pool::owed(&tape));
    let key = issuance::RegistryKey::random();
    let prepared = issuance::Prepared::new(&tape, &deal, &key, &secret());
    prepared.expect("a claim").claim().clone()
}

fn waterfall_of_month() -> waterfall::WaterfallClaim {
    let tape = tape(20);
    let terms = waterfall::Terms {
        months: vec![sample_pool::remittances(1, &tape)],
        deal: credit::sample_deal::sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: credit::sample_deal::sample_indices(),
    };
    let prepared = waterfall::Prepared::new(&tape, &terms, &secret());
    prepared.expect("a claim").claim().clone()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// What a golden line is about, and the digests in it.
type Goldens = BTreeMap<String, Vec<String>>;

/// `statement version N, case`: then its lines, indented.
fn read(text: &str) -> Goldens {
    let mut goldens = Goldens::new();
    let mut about = String::new();
    for line in text.lines() {
        match line.strip_prefix("  ") {
            Some(line) => goldens.entry(about.clone()).or_default().push(line.into()),
            None => about = line.into(),
        }
    }
    goldens
}

fn write(goldens: &Goldens) -> String {
    let line = |line: &String| format!("  {line}\n");
    goldens
        .iter()
        .map(|(about, lines)| format!("{about}\n{}", lines.iter().map(line).collect::<String>()))
        .collect()
}

#[test]
fn tables_are_those_of_their_version() {
    const HOW: &str = "raise the statement's VERSION, then \
        `SEALBOOK_GOLDENS=write cargo test --release -p statements --test goldens`";
    let mode = std::env::var("SEALBOOK_GOLDENS").unwrap_or_default();
    let (writes, overwrites) = (!mode.is_empty(), mode == "overwrite");
    let place = folder().join("tables.txt");
    let old = read(&std::fs::read_to_string(&place).unwrap_or_default());
    let (mut new, mut wrong) = (Goldens::new(), Vec::new());
    for case in cases() {
        let path = case.path();
        let json = std::fs::read(&path).unwrap_or_default();
        let lines = match (case.parts)(&json).map(|parts| lines(&parts)) {
            Err(_) if writes => {
                let json = (case.make)();
                std::fs::write(&path, &json).expect("a claim is written");
                lines(&(case.parts)(&json).expect("a claim"))
            }
            Err(e) => {
                wrong.push(format!("{} is no claim: {e}", path.display()));
                continue;
            }
            Ok(lines) => lines,
        };
        let about = format!("{} version {}, {}", case.statement, case.version, case.name);
        match old.get(&about) {
            Some(old) if *old != lines => {
                let changed = lines.iter().filter(|l| !old.contains(l)).cloned();
                wrong.push(format!("{about}: {:?}", changed.collect::<Vec<_>>()));
            }
            None if !writes => wrong.push(format!("{about} is not recorded")),
            _ => {}
        }
        new.insert(about, lines);
    }
    if writes && (overwrites || wrong.is_empty()) {
        std::fs::write(&place, write(&new)).expect("goldens are written");
        return;
    }
    assert!(
        wrong.is_empty(),
        "tables changed; {HOW}\n{}",
        wrong.join("\n")
    );
    assert_eq!(old, new, "the record has more than the cases; {HOW}");
}

/// One proof a statement, which was made when its tables were recorded: of its first example, small.
#[test]
fn recorded_proofs_verify() {
    for kind in STATEMENTS {
        let path = folder().join(format!("proofs/{}.proof", kind.id()));
        let accepted = |bytes: &[u8]| verify(bytes).map(|fact| fact.id());
        let mut bytes = std::fs::read(&path).unwrap_or_default();
        let writes = std::env::var("SEALBOOK_GOLDENS").is_ok();
        if writes && accepted(&bytes).is_err() {
            let prepared = example(*kind, kind.examples()[0]);
            let parts = prepared.prove(&mut |_, _| {}, None).expect("it is proven");
            bytes = prepared.file(parts).to_bytes();
            std::fs::write(&path, &bytes).expect("a proof is written");
        }
        let id = accepted(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(id, kind.id());
    }
}

/// The recorded claims, small and tall, reach the target under both theorems, also with all errors added up.
#[test]
fn recorded_claims_are_sound() {
    for case in cases() {
        let json = std::fs::read(case.path()).unwrap_or_default();
        // What is no claim fails in the other test.
        for part in (case.parts)(&json).unwrap_or_default() {
            let report = security_report(&part);
            let (statement, name) = (case.statement, case.name);
            for theorem in &report.theorems {
                assert!(
                    theorem.proven_bits >= TARGET_BITS && theorem.total_bits >= TARGET_BITS,
                    "{statement}, {name}: {theorem:?}"
                );
            }
            let compared = theorem_terms(&report, "compared over all parts");
            assert_eq!(compared > 0, !part.hashed.is_empty(), "{statement}, {name}");
        }
    }
}

/// No trace is read: the intervals hold for every witness of a recorded claim.
#[test]
fn declared_intervals_follow() {
    let mut seen = BTreeSet::new();
    let mut parts: Vec<(String, Part)> = Vec::new();
    for case in cases() {
        let json = std::fs::read(case.path()).unwrap_or_default();
        // When claims are written, what they are is not known yet: the next run reads them.
        let of_case = match (case.parts)(&json) {
            Err(e) if std::env::var_os("SEALBOOK_GOLDENS").is_none() => {
                panic!("{}: {e}", case.name)
            }
            parts => parts.unwrap_or_default(),
        };
        for (number, part) in of_case.into_iter().enumerate() {
            // Parts of the same tables say the same.
            let tables: Vec<_> = part.tables.iter().map(TableAir::digest).collect();
            if seen.insert(tables) {
                let place = format!("{}, {}, part {number}", case.statement, case.name);
                parts.push((place, part));
            }
        }
    }
    let unproven = parts.par_iter().flat_map_iter(|(place, part)| {
        let found = unproven(&part.tables).into_iter();
        found.map(move |unproven| format!("{place}: {unproven:?}\n"))
    });
    let unproven: Vec<String> = unproven.collect();
    assert!(unproven.is_empty(), "{}", unproven.concat());
}

fn theorem_terms(report: &stark::SecurityReport, word: &str) -> usize {
    let terms = report.theorems.iter().flat_map(|t| &t.terms);
    terms.filter(|t| t.0.contains(word)).count()
}
