//! Who may name whom, and what a pure module may not name at all.
//! Not here: what clippy can ban by path (`clippy.toml`).

use crate::assert_tidy;
use crate::tree::{Page, sources};
use crate::words::contains_word;

/// The house from the ground up. A module names only modules of lower floors.
const FLOORS: &[&[&str]] = &[
    &["model", "fail_points"],
    &["machine", "alerts", "wire", "config", "telemetry"],
    &["ports"],
    &["engine", "kafka", "embedded", "store", "crm", "credentials", "tenants", "simulated"],
    &["ops"],
    &["cli", "web"],
    &["app"],
];

/// Lower floors that a module nevertheless does not see.
const BLIND: &[(&[&str], &[&str])] = &[
    // An adapter translates; what follows from it is the machine's.
    (&["kafka", "embedded", "store", "crm", "credentials", "tenants", "simulated"], &["machine"]),
    // What can be typed and what is served is an operator's act (`ops`), whatever the adapters are.
    (&["cli", "web"], &["machine", "alerts", "engine", "kafka", "embedded", "store", "crm", "tenants", "simulated"]),
];

const PURE: [&str; 5] = ["model", "machine", "alerts", "wire", "config"];

/// Words that would let the world into a pure module.
const IMPURE_WORDS: [&str; 27] = [
    "tokio",
    "rdkafka",
    "rocksdb",
    "reqwest",
    "axum",
    "prometheus",
    "tracing",
    "std::fs",
    "std::io",
    "std::thread",
    "env::var",
    "env::vars",
    "env::args",
    "TcpStream",
    "TcpListener",
    "ToSocketAddrs",
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "rand::rng",
    "SysRng",
    "HashMap",
    "HashSet",
    ".await",
    "async fn",
    "static mut",
];

#[test]
fn a_module_names_only_lower_floors() {
    assert_tidy(&sources().iter().flat_map(names_above).collect::<Vec<_>>());
}

#[test]
fn every_module_stands_on_a_floor() {
    let known = |module: &str| floor(module).is_some() || ["lib", "main"].contains(&module);
    let strays = sources().into_iter().filter(|it| !it.module().is_some_and(known));
    assert_tidy(
        &strays.map(|it| format!("{}: its module is on no floor of tests/tidy/floors.rs", it.path)).collect::<Vec<_>>(),
    );
}

#[test]
fn a_pure_module_names_nothing_of_the_world() {
    assert_tidy(&sources().iter().flat_map(impure).collect::<Vec<_>>());
}

#[test]
fn a_name_in_braces_or_after_super_is_seen() {
    assert_eq!(named("use crate::{model::{Job, Shard}, kafka::Consumer};"), ["model", "kafka"]);
    assert_eq!(named("fn run(log: &crate::kafka::Log, it: crate::wire::Key) {}"), ["kafka", "wire"]);
    assert_eq!(named("use crate::{\n    engine,\n    store::{Open, Close},\n};"), ["engine", "store"]);
    let page = |text: &str| Page { path: "src/machine/step.rs".to_owned(), text: text.to_owned() };
    assert_eq!(names_above(&page("use super::super::kafka;")).len(), 1);
    assert_eq!(names_above(&page("use crate::wire::Key;")).len(), 1, "siblings are blind to one another");
    assert_eq!(names_above(&page("use crate::model::Shard;\n#[cfg(test)]\nuse crate::engine::Loop;")).len(), 0);
    assert_eq!(impure(&page("let now = std::time::Instant::now();")).len(), 1);
    assert_eq!(impure(&page("/// An Instant is not known here.\nlet instantly = InstantOf;")).len(), 0);
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|it| it.contains(&module))
}

fn may_name(own: &str, other: &str) -> bool {
    let hidden = BLIND.iter().any(|(who, whom)| who.contains(&own) && whom.contains(&other));
    own == other || (floor(other) < floor(own) && !hidden)
}

fn names_above(page: &Page) -> Vec<String> {
    let Some(own) = page.module().filter(|it| floor(it).is_some()) else { return Vec::new() };
    let code = page.production().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    let known = named(&code).into_iter().filter(|it| floor(it).is_some());
    let mut found: Vec<_> =
        known.filter(|it| !may_name(own, it)).map(|it| format!("{}: `{own}` may not name `{it}`", page.path)).collect();
    if code.contains("super::super::") {
        found.push(format!("{}: `super::super::` hides who is named: write `crate::`", page.path));
    }
    found
}

/// The first name of every path that starts at the crate, also in `crate::{a::B, c}`.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for tail in code.split("crate::").skip(1) {
        match tail.strip_prefix('{') {
            Some(group) => names.extend(members(group)),
            None => names.push(identifier(tail)),
        }
    }
    names
}

/// The first name of each member of a brace group whose opening brace was just read.
fn members(group: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut names = vec![identifier(group)];
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(identifier(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|it| !it.is_empty());
    names
}

fn identifier(text: &str) -> String {
    text.trim_start().chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect()
}

fn impure(page: &Page) -> Vec<String> {
    if !page.module().is_some_and(|it| PURE.contains(&it)) {
        return Vec::new();
    }
    let pairs = page.production().flat_map(|line| IMPURE_WORDS.iter().map(move |word| (line, word)));
    pairs
        .filter(|((_, line), word)| contains_word(line, word))
        .map(|((number, _), word)| format!("{}:{number}: `{word}` in a pure module", page.path))
        .collect()
}
