//! Finds runs of digits that may be a phone number or another number that names somebody.
//! Not here: any country's rules: seven digits and more are enough to be taken.

const DIGITS_MIN: usize = 7;
/// Between two digits of one number, at most this many separators.
const SEPARATORS_MAX: usize = 3;

/// The text with every such number replaced by a mark.
pub(super) fn replace(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(char) = rest.chars().next() {
        let skipped = match number(rest) {
            Some(length) if !before.is_alphanumeric() => {
                clean.push_str("[phone]");
                length
            }
            Some(_) | None => {
                clean.push(char);
                char.len_utf8()
            }
        };
        let (taken, after) = rest.split_at(skipped);
        before = taken.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    clean
}

/// The length in bytes of the longest number at the start of `text`; it does not end inside a word.
fn number(text: &str) -> Option<usize> {
    let mut digits = 0;
    let mut separators = 0;
    let mut longest = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if char.is_numeric() {
            digits += 1;
            separators = 0;
            let ends = chars.peek().is_none_or(|(_, next)| !next.is_alphanumeric());
            if ends && DIGITS_MIN <= digits {
                longest = Some(at + char.len_utf8());
            }
        } else if is_separator(char, at) && separators < SEPARATORS_MAX {
            separators += 1;
        } else {
            break;
        }
        if at == 0 && !char.is_numeric() && char != '+' && char != '(' {
            break;
        }
    }
    longest
}

fn is_separator(char: char, at: usize) -> bool {
    matches!(char, ' ' | '.' | '(' | ')' | '/' | '-' | '\u{2010}'..='\u{2015}') || (char == '+' && at == 0)
}
