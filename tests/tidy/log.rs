//! Every warning and error that the program logs has its row in the runbook.
//! Not here: whether the row helps; people read that at night.

use crate::assert_tidy;
use crate::tree::{Page, read, sources};

#[test]
fn every_warning_and_error_has_its_row_in_the_runbook() {
    let runbook = read("docs/operations.md");
    let sources = sources();
    let lines: Vec<(&str, String)> =
        sources.iter().flat_map(|page| messages(page).into_iter().map(|it| (page.path.as_str(), it))).collect();
    assert!(40 < lines.len(), "only {} lines were found: the search is broken", lines.len());
    let rows: Vec<&str> = runbook.lines().filter(|it| it.starts_with("| `")).collect();
    let missing = lines.iter().filter(|(_, it)| !rows.iter().any(|row| row.contains(it.as_str())));
    assert_tidy(
        &missing.map(|(path, it)| format!("docs/operations.md: no row for `{it}` of {path}")).collect::<Vec<_>>(),
    );
}

#[test]
fn messages_are_found_whatever_stands_before_them() {
    let text = "warn!(shard = shard.0, why, \"the copy, set aside\");\n// error!(\"no\");\ntracing::error!(\n    %error,\n    \
                \"{NAME} broke: act\"\n);\nlet forewarn = 1;";
    let page = Page { path: "src/a.rs".to_owned(), text: text.to_owned() };
    assert_eq!(messages(&page), ["the copy", "broke"]);
}

/// What is logged at WARN and ERROR: of each message the words before its first comma, colon or semicolon.
fn messages(page: &Page) -> Vec<String> {
    let code: String = page.production().flat_map(|(_, line)| [line, "\n"]).collect();
    let starts = ["warn!(", "error!("].into_iter().flat_map(|word| code.match_indices(word));
    let mut places: Vec<usize> = starts.map(|(at, word)| at + word.len()).collect();
    places.sort_unstable();
    places.into_iter().filter_map(|at| message(call(&code[at..]))).collect()
}

fn call(rest: &str) -> &str {
    rest.split(");").next().unwrap_or_default().split("),\n").next().unwrap_or_default()
}

/// The last text of a call, without what is filled in before it.
fn message(call: &str) -> Option<String> {
    let text = call.rsplit('"').nth(1)?;
    let head = text.split([',', ':', ';']).next().unwrap_or_default();
    Some(head.rsplit('}').next().unwrap_or_default().trim().to_owned())
}
