//! Goes through a message piece by piece: quoted values, key=value, words; each is kept or gives way to a mark.
//! Not here: numbers (`phones`), white space.

/// What ends a word without belonging to it.
const DELIMITERS: &[char] = &[' ', '=', ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '|'];
/// What ends a value after `value=`.
const VALUE_ENDS: &[char] = &[',', ';', ')', '}', '|'];
const VALUE_KEYS: &[&str] = &["value", "token", "access_token", "password", "secret", "authorization"];
const TOKEN_MIN: usize = 20;
const TOKEN_DIGITS_MIN: usize = 3;
const LETTERS_AND_DIGITS_MAX: usize = 32;
const NAME_MAX: usize = 64;

/// The clean text, cut between two pieces so that it has at most `bytes_max` bytes.
pub(super) fn replace(text: &str, bytes_max: usize) -> String {
    let mut reader = Reader { rest: text, word: "", before: ' ', key: false };
    let mut clean = String::with_capacity(text.len().min(bytes_max));
    while let Some(piece) = reader.next() {
        if bytes_max < clean.len() + piece.len() {
            break;
        }
        piece.write(&mut clean);
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// The text with every word that looks like a secret replaced by a mark; before any part of it may give way.
pub(super) fn replace_tokens(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for part in text.split_inclusive(ends_word) {
        let end = part.char_indices().next_back().filter(|(_, char)| ends_word(*char)).map_or(part.len(), |(at, _)| at);
        let (word, rest) = part.split_at(end);
        clean.push_str(if is_token(word) && !is_address(word) { "[token]" } else { word });
        clean.push_str(rest);
    }
    clean
}

fn ends_word(char: char) -> bool {
    DELIMITERS.contains(&char) || quotes(char).is_some()
}

/// A part of the clean text, kept or cut as a whole.
struct Piece<'a> {
    open: &'a str,
    text: &'a str,
    close: &'a str,
}

impl<'a> Piece<'a> {
    fn bare(text: &'a str) -> Self {
        Self { open: "", text, close: "" }
    }

    fn len(&self) -> usize {
        self.open.len() + self.text.len() + self.close.len()
    }

    fn write(&self, clean: &mut String) {
        for part in [self.open, self.text, self.close] {
            clean.push_str(part);
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// The word before, if only spaces lie between.
    word: &'a str,
    before: char,
    /// Whether a key and its `=` were just read, whose value is nobody's business.
    key: bool,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Piece<'a>> {
        let first = self.rest.chars().next()?;
        if std::mem::take(&mut self.key) && !VALUE_ENDS.contains(&first) {
            self.take(self.rest.find(VALUE_ENDS).unwrap_or(self.rest.len()));
            self.word = "";
            return Some(Piece::bare("[value]"));
        }
        if let Some((open, close)) = quotes(first) {
            return Some(self.quoted(open, close));
        }
        if first == '\''
            && !self.before.is_alphanumeric()
            && let Some(length) = closing_apostrophe(self.rest)
        {
            self.take(length);
            self.word = "";
            return Some(Piece { open: "'", text: "[value]", close: "'" });
        }
        if DELIMITERS.contains(&first) {
            return Some(self.delimiter(first));
        }
        Some(self.plain_word())
    }

    fn delimiter(&mut self, first: char) -> Piece<'a> {
        self.key = first == '=' && VALUE_KEYS.iter().any(|key| self.word.eq_ignore_ascii_case(key));
        if first != ' ' {
            self.word = "";
        }
        Piece::bare(self.take(first.len_utf8()))
    }

    fn quoted(&mut self, open: &'a str, close: &'a str) -> Piece<'a> {
        self.take(open.len());
        let length = self.rest.find(close).unwrap_or(self.rest.len());
        let content = self.take(length);
        self.take(close.len().min(self.rest.len()));
        self.before = close.chars().next_back().unwrap_or(' ');
        let named = std::mem::take(&mut self.word).eq_ignore_ascii_case("property") && is_name(content);
        Piece { open, text: if named { content } else { "[value]" }, close }
    }

    fn plain_word(&mut self) -> Piece<'a> {
        let word = self.take(self.rest.find(ends_word).unwrap_or(self.rest.len()));
        let previous = std::mem::replace(&mut self.word, word);
        if is_address(word) {
            Piece::bare("[email]")
        } else if is_token(word) || previous.eq_ignore_ascii_case("bearer") {
            self.word = "";
            Piece::bare("[token]")
        } else {
            Piece::bare(word)
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.before = taken.chars().next_back().unwrap_or(self.before);
        taken
    }
}

fn quotes(char: char) -> Option<(&'static str, &'static str)> {
    match char {
        '"' => Some(("\"", "\"")),
        '`' => Some(("`", "`")),
        '\u{201c}' | '\u{201d}' | '\u{201e}' => Some(("\u{201c}", "\u{201d}")),
        '\u{ab}' => Some(("\u{ab}", "\u{bb}")),
        _ => None,
    }
}

/// The length of a text in single quotes at the start of `text`; none if it is a mere apostrophe.
fn closing_apostrophe(text: &str) -> Option<usize> {
    let ends = |at: &usize| text.get(at + 1..).is_some_and(|it| !it.starts_with(char::is_alphanumeric));
    text.match_indices('\'').map(|(at, _)| at).skip(1).find(ends).map(|at| at + 1)
}

/// The name of a property, as a CRM's API spells it.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && text.len() <= NAME_MAX
        && !is_token(text)
}

fn is_address(word: &str) -> bool {
    word.contains(['@', '\u{ff20}', '\u{fe6b}']) || word.contains("%40")
}

/// Keys, hashes, identifiers drawn by lot: long, with digits among letters; or long without a break.
fn is_token(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let unbroken = word.split(|char: char| !char.is_alphanumeric()).map(str::len).max().unwrap_or(0);
    (TOKEN_MIN <= word.len() && TOKEN_DIGITS_MIN <= digits && letters) || LETTERS_AND_DIGITS_MAX <= unbroken
}
