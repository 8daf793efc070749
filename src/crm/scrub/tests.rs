//! What is taken from messages, what is left, and that nothing survives.
//! Not here: whole CRM answers (the connectors' tests).
#![allow(clippy::unwrap_used, reason = "a test panics on purpose")]

use super::*;
use proptest::prelude::*;

#[test]
fn messages_lose_what_names_people_and_keep_what_names_faults() {
    let table = [
        ("The contact e:jane.doe+x@example.co.uk does not exist.", "The contact [email] does not exist."),
        ("value \"Jane Doe\" is not allowed", "value \"[value]\" is not allowed"),
        ("Property \"shoe_size\" does not exist", "Property \"shoe_size\" does not exist"),
        ("Property \"Jane Doe\" does not exist", "Property \"[value]\" does not exist"),
        ("call +49 (170) 123-4567 now", "call [phone] now"),
        ("id 552239500007 is taken", "id [phone] is taken"),
        ("took 12 s of 300000 ms", "took 12 s of 300000 ms"),
        ("Authorization: Bearer abc", "Authorization: Bearer [token]"),
        ("key pat-na1-aaaabbbb-1234-5678-9abc-def012345678.", "key [token]"),
        ("{propertyName=email, value=Jane Doe} on", "{propertyName=email, value=[value]} on"),
        ("it hasn't worked, users' fault", "it hasn't worked, users' fault"),
        ("option 'Jane Doe' isn't one", "option '[value]' isn't one"),
        ("unclosed \"Jane Doe", "unclosed \"[value]\""),
        ("line\r\n\tbreak\u{0}s\u{202e}x ", "line break s x"),
        ("jane%40example.com", "[email]"),
        ("you have reached your ten_secondly_rolling limit.", "you have reached your ten_secondly_rolling limit."),
    ];
    for (message, clean) in table {
        assert_eq!(scrub(message), clean, "{message:?}");
    }
}

#[test]
fn a_long_message_is_cut_between_words() {
    let clean = scrub(&"größer ".repeat(1000));
    assert!(clean.len() <= MESSAGE_BYTES_MAX && MESSAGE_BYTES_MAX - 10 < clean.len());
    assert!(clean.ends_with("größer"));
}

#[test]
fn a_very_long_word_is_not_shown() {
    assert_eq!(scrub(&"x".repeat(100_000)), "[token]");
}

proptest! {
    #[test]
    fn any_text_is_scrubbed_once_and_for_all(message in any::<String>()) {
        holds(&message)?;
    }

    #[test]
    fn text_made_of_awkward_pieces_is_scrubbed_once_and_for_all(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..200)
    ) {
        holds(&pieces.concat())?;
    }

    #[test]
    fn no_address_survives(name in "[a-z0-9.+_-]{1,20}", host in "[a-z0-9-]{1,20}\\.[a-z]{2,6}", rest in any::<String>()) {
        let clean = scrub(&format!("{rest} {name}@{host} {rest}"));
        let address = format!("{name}@{host}");
        prop_assert!(!clean.contains(&address));
        prop_assert!(!clean.contains('@'));
    }

    #[test]
    fn no_long_number_survives(number in "[1-9][0-9]{9,14}") {
        let clean = scrub(&format!("phone {number}, please"));
        prop_assert!(!clean.contains(&number));
    }
}

const PIECES: [&str; 36] = [
    " ",
    "\"",
    "'",
    "`",
    "@",
    "=",
    "value",
    "value=",
    "Bearer ",
    "property ",
    "abc",
    "a1",
    "1",
    "23",
    "4567890",
    "+",
    "-",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\u{201c}",
    "\u{201d}",
    "\u{ab}",
    "\u{bb}",
    "ß",
    "٣٤٥",
    "%40",
    "[value]",
    "deadbeef0123456789deadbeef",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "\u{0}",
];

fn holds(message: &str) -> Result<(), TestCaseError> {
    let clean = scrub(message);
    prop_assert!(clean.len() <= MESSAGE_BYTES_MAX);
    prop_assert!(!clean.contains('@'));
    prop_assert!(!clean.chars().any(char::is_control));
    prop_assert_eq!(scrub(&clean), clean);
    Ok(())
}
