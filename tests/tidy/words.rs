//! Finding words in text, where a word ends at a character that no identifier has.
//! Not here: which words.

/// Whether `word` stands in `text` by itself, not as a part of a longer identifier.
pub(crate) fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().filter(|_| word.starts_with(is_letter));
        let after = text[at + word.len()..].chars().next().filter(|_| word.ends_with(is_letter));
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

/// The text between each pair of back-ticks in the first cell of each row of a markdown table.
pub(crate) fn first_cells(markdown: &str) -> Vec<&str> {
    let rows = markdown.lines().filter_map(|it| it.strip_prefix("| `"));
    rows.filter_map(|it| it.split_once('`')).map(|(cell, _)| cell).collect()
}

fn is_letter(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

#[test]
fn a_part_of_an_identifier_is_no_word() {
    assert!(contains_word("use tokio::time", "tokio"));
    assert!(contains_word("call().await;", ".await"));
    assert!(!contains_word("tokio_like", "tokio"));
    assert!(!contains_word("call().awaits", ".await"));
}

#[test]
fn only_the_first_cell_of_a_row_counts() {
    assert_eq!(first_cells("| name | |\n| --- | --- |\n| `a` | `b` |\ntext `c`"), ["a"]);
}
