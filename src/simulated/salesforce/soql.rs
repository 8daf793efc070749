//! Reads the one kind of query that the pretend Salesforce answers: records by the values of one field.
//! Not here: answering it (`read`).

/// `SELECT Id,F FROM O WHERE F IN ('a','b')`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lookup {
    pub(super) selected: Vec<String>,
    pub(super) object: String,
    pub(super) field: String,
    pub(super) values: Vec<String>,
}

impl Lookup {
    /// None: it is no such query.
    pub(super) fn read(soql: &str) -> Option<Self> {
        let (selected, rest) = soql.strip_prefix("SELECT ")?.split_once(" FROM ")?;
        let (object, rest) = rest.split_once(" WHERE ")?;
        let (field, rest) = rest.split_once(" IN (")?;
        let names = [selected, object, field];
        let is_name = |text: &str| text.chars().all(|char| char.is_ascii_alphanumeric() || "_, ".contains(char));
        if !names.iter().all(|text| is_name(text)) {
            return None;
        }
        let selected = selected.split(',').map(|name| name.trim().to_owned()).collect();
        let values = values(rest)?;
        Some(Self { selected, object: object.trim().to_owned(), field: field.trim().to_owned(), values })
    }
}

/// `'a','b')` and no more.
fn values(text: &str) -> Option<Vec<String>> {
    let mut chars = text.chars();
    let mut values = Vec::new();
    loop {
        if chars.next()? != '\'' {
            return None;
        }
        values.push(quoted(&mut chars)?);
        match chars.next()? {
            ',' => {}
            ')' => return chars.as_str().trim().is_empty().then_some(values),
            _ => return None,
        }
    }
}

/// The text up to its closing quote, its escapes undone.
fn quoted(chars: &mut std::str::Chars<'_>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '\'' => return Some(text),
            '\\' => text.push(match chars.next()? {
                'n' | 'N' => '\n',
                'r' | 'R' => '\r',
                't' | 'T' => '\t',
                char @ ('\\' | '\'' | '"') => char,
                _ => return None,
            }),
            // A line may not end within a text.
            '\n' | '\r' => return None,
            char => text.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_for_keys_is_read_and_nothing_else_is() {
        let read = Lookup::read(r"SELECT Id, Ext__c FROM Contact WHERE Ext__c IN ('a\'b\\','c d')").unwrap();
        assert_eq!(read.selected, ["Id", "Ext__c"]);
        assert_eq!((read.object.as_str(), read.field.as_str()), ("Contact", "Ext__c"));
        assert_eq!(read.values, [r"a'b\", "c d"]);
        for soql in [
            "",
            "SELECT Id FROM Contact",
            "SELECT Id FROM Contact WHERE F IN ()",
            "SELECT Id FROM Contact WHERE F IN ('a'",
            "SELECT Id FROM Contact WHERE F IN ('a') OR Id != ''",
            "SELECT Id FROM Contact WHERE F IN ('a\\x')",
            "SELECT Id FROM Contact WHERE F IN ('a\n')",
            "SELECT Id FROM Con'tact WHERE F IN ('a')",
        ] {
            assert_eq!(Lookup::read(soql), None, "{soql:?}");
        }
    }
}
