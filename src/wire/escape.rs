//! Ids as readable text, such as `tenant/connection`, each part percent-encoded where it must be.
//! Not here: keys of the local store, which keep an order (`index`).

use crate::model::{ConnectionId, TenantId};
use std::fmt::Write as _;

/// `acme/hubspot`; `/`, `%`, and control characters become `%2F` and so on. All else stays readable.
pub(super) fn connection(id: &ConnectionId) -> String {
    let mut text = String::with_capacity(id.tenant.0.len() + id.name.len() + 1);
    push(&mut text, &id.tenant.0);
    text.push('/');
    push(&mut text, &id.name);
    text
}

/// The id whose text this is. Refused is what `connection` would not have written, so that no id has two texts.
pub(super) fn read_connection(text: &str) -> Option<ConnectionId> {
    let (tenant, name) = text.split_once('/')?;
    let id = ConnectionId { tenant: TenantId(decoded(tenant)?.into()), name: decoded(name)?.into() };
    (connection(&id) == text).then_some(id)
}

/// One id alone, such as a tenant's, encoded in the same way.
pub(super) fn part(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    push(&mut text, id);
    text
}

/// The id whose text this is; as strict as `read_connection`.
pub(super) fn read_part(text: &str) -> Option<String> {
    let id = decoded(text)?;
    (part(&id) == text).then_some(id)
}

fn push(text: &mut String, part: &str) {
    for letter in part.chars() {
        if letter == '/' || letter == '%' || letter.is_control() {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                // Writing to a `String` cannot fail.
                let _written = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(letter);
        }
    }
}

fn decoded(part: &str) -> Option<String> {
    let mut pieces = part.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{connection, read_connection};
    use crate::model::{ConnectionId, TenantId};
    use proptest::prelude::*;

    fn id(tenant: &str, name: &str) -> ConnectionId {
        ConnectionId { tenant: TenantId::from(tenant), name: name.into() }
    }

    #[test]
    fn plain_ids_stay_readable_and_slashes_do_not_confuse() {
        assert_eq!(connection(&id("acme", "hubspot")), "acme/hubspot");
        assert_eq!(connection(&id("a/b%", "c\n\u{85}é")), "a%2Fb%25/c%0A%C2%85é");
    }

    #[test]
    fn a_text_that_would_not_be_written_is_refused() {
        for text in ["", "acme", "a/b/c", "%41/b", "a%2f/b", "a%/b", "a%2/b", "a%+1/b", "a%FF/b", "a\n/b"] {
            assert_eq!(read_connection(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_id_reads_back(tenant: String, name: String) {
            let id = id(&tenant, &name);
            prop_assert_eq!(read_connection(&connection(&id)), Some(id));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _read = read_connection(&text);
        }
    }
}
