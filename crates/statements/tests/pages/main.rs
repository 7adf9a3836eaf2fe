//! The pages against the code: every numbered constraint stands on a page, with a test that breaks it.
//!
//! A page is a `STATEMENT.md` of a statement, `SHARED.md` or `TABLES.md` of what several statements use, or `GADGETS.md`. Its tables of
//! constraints have a row for each number: the number, what it demands, and the tests that break it. Its table of buses
//! names the buses. This test reads pages and sources as text.
//!
//! A test that only asks [`stark::broken_alone`] for many constraints at once does not count: it shows that a constraint is
//! not idle, but not that all else would still fit. A forged witness shows that, made by hand or found by
//! [`stark::needless`].

mod page;
mod sample;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stark::ProofFile;
use statements::registry::{Kind, STATEMENTS};

use page::{Content, read_page};
use source::{Item, Sources};

/// A page: where it stands, and which sources' constraints and buses it must hold.
struct Page {
    file: String,
    sources: Vec<String>,
    /// Where its tests stand, the nearest first.
    tests: Vec<String>,
}

const SOURCES: &str = "crates/statements/src/";
const TESTS: &str = "crates/statements/tests/";
const GADGETS: &str = "crates/gadgets/src/";
const GADGETS_TESTS: &str = "crates/gadgets/tests/";

/// The page of a statement, which stands in a folder of its name.
fn page_of(id: &str) -> Page {
    let folder = format!("{SOURCES}{id}/");
    Page {
        file: format!("{folder}STATEMENT.md"),
        sources: vec![folder.clone()],
        tests: vec![
            folder,
            format!("{TESTS}{id}.rs"),
            SOURCES.into(),
            TESTS.into(),
            GADGETS_TESTS.into(),
        ],
    }
}

/// All pages, those of the statements first.
fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = STATEMENTS.iter().map(|kind| page_of(kind.id())).collect();
    // What several statements share: the files beside the statements' folders, and all other folders.
    let tests = [SOURCES, TESTS, GADGETS_TESTS].map(String::from);
    let mut shared = vec![format!("{SOURCES}*.rs")];
    for entry in std::fs::read_dir(root().join(SOURCES)).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        let folder = format!("{SOURCES}{name}/");
        if !path.is_dir() || STATEMENTS.iter().any(|kind| kind.id() == name) {
            continue;
        }
        if path.join("TABLES.md").exists() {
            pages.push(Page {
                file: format!("{folder}TABLES.md"),
                sources: vec![folder],
                tests: tests.to_vec(),
            });
        } else {
            shared.push(folder);
        }
    }
    pages.push(Page {
        file: "crates/statements/SHARED.md".into(),
        tests: [shared.clone(), tests.to_vec()].concat(),
        sources: shared,
    });
    pages.push(Page {
        file: "crates/gadgets/GADGETS.md".into(),
        sources: vec![GADGETS.into()],
        tests: [GADGETS_TESTS, GADGETS, SOURCES, TESTS]
            .map(String::from)
            .into(),
    });
    pages
}

/// A test that asks for many constraints at once, each broken by some change or other.
fn is_omnibus(test: &Item) -> bool {
    test.words.contains("broken_alone")
}

/// What is wrong with a page.
fn check(page: &Page, text: &str, sources: &Sources) -> Vec<String> {
    let file = &page.file;
    let content = read_page(file, text);
    let mut wrong = content.wrong;
    let [ids, buses] = sources.declared(&page.sources);
    let everywhere: [BTreeMap<String, String>; 2] = {
        let all = pages();
        let all = all.iter().map(|page| sources.declared(&page.sources));
        all.fold(Default::default(), |mut all, one| {
            let [ids, buses] = one;
            all[0].extend(ids);
            all[1].extend(buses);
            all
        })
    };
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &content.rows {
        let at = format!("{file}:{}: {}", row.line, row.id);
        if let Some(line) = rows.insert(&row.id, row.line) {
            wrong.push(format!("{at} stands in line {line}, too"));
        }
        if row.tests.is_empty() {
            wrong.push(format!("{at} names no test"));
        }
        let mut own = false;
        for name in &row.tests {
            let tests = sources.tests(&page.tests, name);
            if tests.is_empty() {
                wrong.push(format!("{at}: there is no test `{name}`"));
                continue;
            }
            let mut mention = tests.iter().filter(|test| test.texts.contains(&row.id));
            match mention.next() {
                None => wrong.push(format!("{at} is not named in test `{name}`")),
                Some(test) => own |= !is_omnibus(test),
            }
        }
        if !own {
            wrong.push(format!("{at} has no test of its own"));
        }
    }
    for (id, source) in ids.iter().filter(|(id, _)| !rows.contains_key(id.as_str())) {
        wrong.push(format!("{file}: {id} of {source} has no row"));
    }
    for (id, line) in &content.named {
        if !everywhere[0].contains_key(id) {
            wrong.push(format!("{file}:{line}: {id} does not stand in code"));
        }
    }
    for (bus, source) in buses
        .iter()
        .filter(|(bus, _)| !content.buses.contains(*bus))
    {
        wrong.push(format!("{file}: bus `{bus}` of {source} is not named"));
    }
    // Every table has the bus of blinding, which stands with the proof system.
    let known = |bus: &String| everywhere[1].contains_key(bus) || bus == "blind";
    for bus in content.buses.iter().filter(|bus| !known(bus)) {
        wrong.push(format!("{file}: bus `{bus}` does not stand in code"));
    }
    wrong
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

#[test]
fn pages_and_code_agree() {
    let root = root();
    let sources = Sources::read(&root);
    let mut wrong = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(root.join(&page.file)).unwrap_or_default();
        wrong.extend(check(&page, &text, &sources));
    }
    assert!(
        wrong.is_empty(),
        "{} problems:\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
}

/// The constraints and buses of all tables of a statement's recorded claims.
fn of_tables(kind: &dyn Kind) -> [BTreeSet<&'static str>; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/claims");
    let mut names: [BTreeSet<&str>; 2] = Default::default();
    for entry in std::fs::read_dir(folder).expect("recorded claims") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|n| n.to_str()).expect("a name");
        if name.split('-').next() != Some(kind.id()) {
            continue;
        }
        let claim = std::fs::read(&path).expect("a claim");
        let file = ProofFile::raw(kind.id(), kind.version(), claim, Vec::new());
        let claim = kind.claim(&file).expect("a claim");
        for table in claim.parts().expect("a claim").flat_map(|part| part.tables) {
            names[0].extend(table.constraints());
            names[1].extend(table.buses());
        }
    }
    names
}

/// What a page does not say of the tables of its statement, and buses that it names in vain: of no table, nor its own. Some
/// tables stand in claims only that are not recorded.
fn differences(kind: &dyn Kind, page: &Page, content: &Content, sources: &Sources) -> Vec<String> {
    let [ids, buses] = of_tables(kind);
    let mut wrong = Vec::new();
    // Blinding is the proof system's.
    for id in ids.iter().filter(|id| !id.starts_with("BLIND-")) {
        if !content.named.contains_key(*id) {
            wrong.push(format!("{}: {id} of its tables is not named", page.file));
        }
    }
    for bus in buses.iter().filter(|bus| !content.buses.contains(**bus)) {
        wrong.push(format!(
            "{}: bus `{bus}` of its tables is not named",
            page.file
        ));
    }
    let [_, own] = sources.declared(&page.sources);
    let known = |bus: &String| buses.contains(bus.as_str()) || own.contains_key(bus);
    for bus in content.buses.iter().filter(|bus| !known(bus)) {
        wrong.push(format!("{}: no table has bus `{bus}`", page.file));
    }
    wrong
}

/// Each page names all constraints and exactly the buses of the tables that claims of its statement have: its own, those of
/// other statements, those of gadgets.
#[test]
fn pages_name_what_tables_have() {
    let (root, mut wrong) = (root(), Vec::new());
    let sources = Sources::read(&root);
    for kind in STATEMENTS {
        let page = page_of(kind.id());
        let text = std::fs::read_to_string(root.join(&page.file)).expect("a page");
        wrong.extend(differences(
            *kind,
            &page,
            &read_page(&page.file, &text),
            &sources,
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
