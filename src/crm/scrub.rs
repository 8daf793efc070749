//! Takes secrets and personal data out of a CRM's message, so that it may be stored and shown.
//! Not here: which messages there are. It errs on the side of taking too much.
//!
//! Four passes, none undoing another: `plain` (controls and white space), tokens, phones, words (quotes, addresses).
//! Whatever is taken leaves a mark, so a second scrub changes nothing.

mod phones;
mod words;

/// Longest message in bytes.
pub const MESSAGE_BYTES_MAX: usize = 500;

/// How much of a message is looked at; what lies beyond could not be shown anyway.
const LOOKED_AT_MAX: usize = 16 * 1024;

/// The message without e-mail addresses, phone numbers, tokens, quoted values and control characters.
/// No `@` survives. At most `MESSAGE_BYTES_MAX` bytes. Never panics.
pub fn scrub(message: &str) -> String {
    let message = message.get(..message.floor_char_boundary(LOOKED_AT_MAX)).unwrap_or_default();
    words::replace(&phones::replace(&words::replace_tokens(&plain(message))), MESSAGE_BYTES_MAX)
}

/// One space for every run of white space and of characters that cannot be seen.
fn plain(message: &str) -> String {
    let mut plain = String::with_capacity(message.len());
    for char in message.chars() {
        if !char.is_whitespace() && !is_hidden(char) {
            plain.push(char);
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain
}

/// Controls, and marks that change how text around them reads.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
