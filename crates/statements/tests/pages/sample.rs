//! The check itself: a page that is right, and what is said of it after each change.

use crate::source::{Sources, read_source};
use crate::{check, page_of};

const POOL: &str = "crates/statements/src/pool/";

/// Sources with three constraints, a bus and some tests.
fn sample_sources() -> Sources {
    let tables = r#"
        /// "COMMENT-1" is none.
        pub const HEAPS: Bus = Bus::new("heap");
        fn row<B: RowBuilder<Row>>(&self, b: &mut B) {
            b.zero("HEAP-1", zero);
            let id = "HEAP-2";
            b.zero(id, other);
            self.place(b, "HEAP-3");
        }
        #[cfg(test)]
        mod tests { const OTHER: &str = "INLINE-1"; }
    "#;
    let module = "#[cfg(test)]\nmod attack;\n#[cfg(test)]\nmod tests;\nmod tables;";
    let tests = r#"
        const FORGERIES: [&str; 1] = ["HEAP-2"];
        fn each(forgeries: &[&str]) {}
        #[test]
        fn the_first_is_broken() { assert_eq!(wrong(), ["HEAP-1"]); }
        #[test]
        fn a_table_of_cases() { each(&FORGERIES); }
        #[test]
        fn the_third_is_broken() { assert_eq!(wrong(), ["HEAP-3"]); }
        #[test]
        fn many_break() { for id in ["HEAP-1", "HEAP-3"] { assert!(broken_alone().contains(id)); } }
        fn no_test() { let id = "HEAP-3"; }
    "#;
    let files = [
        ("mod.rs", module),
        ("tables.rs", tables),
        ("attack.rs", "fn attack() { let id = \"ATTACK-1\"; }"),
        ("tests/forged.rs", tests),
    ];
    let read = |(file, text): (&str, &str)| (format!("{POOL}{file}"), read_source(text));
    Sources(files.map(read).into())
}

const GOOD_PAGE: &str = "\
| number | constraint | broken by |
|---|---|---|
| HEAP-1 | one | `the_first_is_broken` |
| HEAP-2 | two | `a_table_of_cases` |
| HEAP-3 | three | `the_third_is_broken` |

HEAP-1 to HEAP-3 are all; see `a_table_of_cases`.

| bus | message |
|---|---|
| `heap`, `blind` | anything |
";

/// What is wrong with the page after a change.
fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD_PAGE.contains(from), "{from}");
    let page = page_of("pool");
    let text = GOOD_PAGE.replace(from, to);
    let found = check(&page, &text, &sample_sources());
    let own = |problem: String| {
        let place = problem.strip_prefix(&page.file);
        place.expect("the page is named").to_string()
    };
    found.into_iter().map(own).collect()
}

#[test]
fn differences_are_reported_with_file_and_number() {
    assert_eq!(changed("one", "one"), Vec::<String>::new());
    let missing = format!(": HEAP-2 of {POOL}tables.rs has no row");
    for (from, to, expected) in [
        ("| HEAP-2 | two | `a_table_of_cases` |\n", "", &missing[..]),
        (
            "`a_table_of_cases`",
            "`a_tale_of_cases`",
            ":4: HEAP-2: there is no test `a_tale_of_cases`",
        ),
        (
            "`the_third_is_broken`",
            "`no_test`",
            ":5: HEAP-3: there is no test `no_test`",
        ),
        (
            "`the_third_is_broken`",
            "the same",
            ":5: HEAP-3 names no test",
        ),
        (
            "`a_table_of_cases`",
            "`the_first_is_broken`",
            ":4: HEAP-2 is not named in test `the_first_is_broken`",
        ),
        (
            "`the_first_is_broken`",
            "`many_break`",
            ":3: HEAP-1 has no test of its own",
        ),
        (
            "all;",
            "all; not HEAP-4;",
            ":7: HEAP-4 does not stand in code",
        ),
        (
            "HEAP-1 to HEAP-3",
            "HEAP-3 to HEAP-5",
            ":7: HEAP-4 does not stand in code",
        ),
        (
            "all;",
            "all; not ATTACK-1;",
            ":7: ATTACK-1 does not stand in code",
        ),
        (
            "all;",
            "all; not INLINE-1;",
            ":7: INLINE-1 does not stand in code",
        ),
        (
            "all;",
            "all; not COMMENT-1;",
            ":7: COMMENT-1 does not stand in code",
        ),
        (
            "| HEAP-1 |",
            "| HEAP-1 to HEAP-2 |",
            ":3: HEAP-1 to HEAP-2: a row stands for one number, written alone",
        ),
        (
            "| HEAP-1 |",
            "| HEAP-2 |",
            ":4: HEAP-2 stands in line 3, too",
        ),
        ("`heap`", "`pile`", ": bus `pile` does not stand in code"),
        ("`heap`", "`pile`", "heap"),
    ] {
        let found = changed(from, to);
        let reported = found.iter().any(|problem| problem.contains(expected));
        assert!(reported, "{expected}: {found:?}");
    }
}
