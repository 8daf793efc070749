//! What every Rust file must have, and what none may have.
//! Not here: who names whom (`floors`).

use crate::assert_tidy;
use crate::tree::{Page, rust, sources};
use crate::words::contains_word;
use std::collections::BTreeSet;

const LINES_MAX: usize = 400;

/// Tables of facts that may be longer, each with the reason. Code may not.
const LONG_TABLES: &[(&str, &str)] = &[];

/// Names that say where a thing was left, not what it is.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "shared"];

/// What is left over from work that is not finished. Written in halves, so that this file does not hold them.
const LEFTOVERS: [&str; 6] = [
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
    concat!("dbg", "!("),
    concat!("to", "do!("),
    concat!("unimplemented", "!("),
];

#[test]
fn every_file_says_what_it_is_for_and_what_is_not_in_it() {
    assert_tidy(&rust().iter().filter_map(header).collect::<Vec<_>>());
}

#[test]
fn no_file_is_long() {
    assert_tidy(&sources().iter().filter_map(length).collect::<Vec<_>>());
}

#[test]
fn every_file_is_compiled() {
    assert_tidy(&dead(&rust()));
}

#[test]
fn nothing_is_left_unfinished() {
    assert_tidy(&rust().iter().flat_map(leftovers).collect::<Vec<_>>());
}

#[test]
fn no_test_is_switched_off() {
    let off = concat!("#[ig", "nore");
    let found = rust().into_iter().filter(|it| it.text.contains(off));
    assert_tidy(&found.map(|it| format!("{}: a test that never runs proves nothing", it.path)).collect::<Vec<_>>());
}

#[test]
fn no_file_is_named_after_nothing() {
    assert_tidy(&rust().iter().filter_map(empty_name).collect::<Vec<_>>());
}

#[test]
fn a_file_that_breaks_a_rule_is_found() {
    let page = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
    assert!(header(&page("src/a.rs", "//! A.\nuse b;\n//! Not here: c.")).is_some());
    assert!(header(&page("src/a.rs", "//! A.\n//! Not here: c.")).is_none());
    assert!(length(&page("src/a.rs", &"let a = 1;\n".repeat(LINES_MAX + 1))).is_some());
    assert!(length(&page("src/a.rs", &format!("#[cfg(test)]\n{}", "let a = 1;\n".repeat(LINES_MAX)))).is_none());
    assert!(empty_name(&page("src/a/utils.rs", "")).is_some());
    let tree = [
        page("src/lib.rs", "pub mod a;\n"),
        page("src/a/mod.rs", "mod b;"),
        page("src/a/b.rs", "#[cfg(test)]\nmod tests;"),
    ];
    assert_eq!(dead(&tree).len(), 0);
    let loose = [page("src/lib.rs", "// mod a;\n"), page("src/a.rs", ""), page("src/a/b/tests.rs", "")];
    assert_eq!(dead(&loose).len(), 2);
}

fn header(page: &Page) -> Option<String> {
    let header: Vec<&str> = page.text.lines().take_while(|it| it.starts_with("//!")).collect();
    let purpose = header.first().is_some_and(|it| it.len() > "//! ".len() && !it.contains("Not here"));
    let absence = header.iter().any(|it| it.contains("Not here: ") || it.contains("not here: "));
    let fault = match (purpose, absence) {
        (true, true) => return None,
        (false, _) => "no `//!` line that says what it is for",
        (true, false) => "no `//! Not here: ...` in the header",
    };
    Some(format!("{}: {fault}", page.path))
}

fn length(page: &Page) -> Option<String> {
    let excepted = LONG_TABLES.iter().any(|(path, _)| *path == page.path);
    let lines = page.production().count();
    let long = lines > LINES_MAX && !excepted;
    long.then(|| format!("{}: {lines} lines of code, at most {LINES_MAX}: split it by idea", page.path))
}

fn leftovers(page: &Page) -> Vec<String> {
    let found = LEFTOVERS.iter().filter(|it| contains_word(&page.text, it));
    found.map(|it| format!("{}: `{it}`: finish it, or write an issue", page.path)).collect()
}

fn empty_name(page: &Page) -> Option<String> {
    let named = |part: &str| EMPTY_NAMES.contains(&part.trim_end_matches(".rs"));
    page.path.split('/').any(named).then(|| format!("{}: a name that says nothing", page.path))
}

/// Files that no chain of `mod` lines from a root of a build leads to: the compiler never sees them.
fn dead(pages: &[Page]) -> Vec<String> {
    let mut alive = BTreeSet::new();
    let mut next: Vec<&Page> = pages.iter().filter(|it| is_root(&it.path)).collect();
    while let Some(page) = next.pop() {
        if alive.insert(page.path.as_str()) {
            let children = children(page);
            next.extend(pages.iter().filter(|it| children.contains(&it.path)));
        }
    }
    let lost = pages.iter().filter(|it| !alive.contains(it.path.as_str()));
    lost.map(|it| format!("{}: no `mod` line leads here, so nothing compiles it", it.path)).collect()
}

/// Where a build starts: the library, the programs, each test, each benchmark.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(
        parts.as_slice(),
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
    )
}

/// Paths at which the modules that a file declares may lie.
fn children(page: &Page) -> BTreeSet<String> {
    let (folder, file) = page.path.rsplit_once('/').unwrap_or(("", page.path.as_str()));
    let owns_folder = is_root(&page.path) || file == "mod.rs";
    let below = if owns_folder { folder.to_owned() } else { format!("{folder}/{}", file.trim_end_matches(".rs")) };
    let mut paths = BTreeSet::new();
    for line in page.text.lines().map(str::trim) {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|it| it.split_once('"')) {
            paths.insert(format!("{folder}/{}", path.0));
        }
        if let Some(name) = declared(line) {
            paths.insert(format!("{below}/{name}.rs"));
            paths.insert(format!("{below}/{name}/mod.rs"));
        }
    }
    paths
}

/// `step` for `pub(crate) mod step;`.
fn declared(line: &str) -> Option<&str> {
    let (before, name) = line.strip_suffix(';')?.rsplit_once("mod ")?;
    let visible = before.is_empty() || before.ends_with(' ') && (before.starts_with("pub") || before.starts_with("#["));
    visible.then_some(name)
}
