//! A first look over JSON text, without parsing it: depth, and escapes that stand for no character.
//! Not here: syntax; the parser finds the rest. What passes both can be read in full by anyone later.

/// What is wrong with `text`, in words; looks at each byte once and keeps nothing.
pub(super) fn first_fault(text: &str, depth_max: usize) -> Option<String> {
    let mut depth = 0_usize;
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => match after_string(after) {
                Ok(after) => rest = after,
                Err(Broken) => return Some("the value has half of a UTF-16 surrogate pair in a string".to_owned()),
            },
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                if depth_max < depth {
                    return Some(format!("the value is nested deeper than {depth_max} levels"));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

struct Broken;

/// What follows the string whose opening quote was just passed; nothing if it does not end.
fn after_string(mut rest: &[u8]) -> Result<&[u8], Broken> {
    while let Some(at) = rest.iter().position(|it| matches!(it, b'"' | b'\\')) {
        let tail = rest.get(at..).unwrap_or_default();
        match tail {
            [b'\\', b'u', escape @ ..] => rest = after_unicode(escape)?,
            [b'\\', _, after @ ..] | [b'"', after @ ..] => {
                if tail.first() == Some(&b'"') {
                    return Ok(after);
                }
                rest = after;
            }
            _ => return Ok(&[]),
        }
    }
    Ok(&[])
}

/// `D83DDE00`-like pairs are whole; half of one alone is no text. Bad digits are left to the parser.
fn after_unicode(escape: &[u8]) -> Result<&[u8], Broken> {
    let Some((unit, after)) = unit(escape) else { return Ok(escape) };
    match unit {
        0xD800..=0xDBFF => match after {
            [b'\\', b'u', low @ ..] => match self::unit(low) {
                Some((0xDC00..=0xDFFF, after)) => Ok(after),
                Some(_) | None => Err(Broken),
            },
            _ => Err(Broken),
        },
        0xDC00..=0xDFFF => Err(Broken),
        _ => Ok(after),
    }
}

fn unit(digits: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, after) = digits.split_first_chunk::<4>()?;
    let mut unit = 0_u16;
    for digit in digits {
        let digit = char::from(*digit).to_digit(16)?;
        unit = (unit << 4) | u16::try_from(digit).ok()?;
    }
    Some((unit, after))
}
