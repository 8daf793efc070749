//! Reads what a search found, and whether a record is the one looked for: a search shows what was a while ago.
//! Not here: asking for either.

use super::schema::is_record_id;
use serde_json::Value;

/// The record ids in the answer to a search, each once. None: it is no such answer.
/// The specification has them in an `item` beside a score, version 1 and its examples had them bare.
pub(super) fn ids(body: &[u8]) -> Option<Vec<String>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let data = body.get("data")?;
    let list = data.as_array().or_else(|| data.get("items")?.as_array())?;
    let mut ids = Vec::new();
    for it in list {
        let id = record_id(it.get("item").unwrap_or(it))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Some(ids)
}

/// A record as it is now, of an answer that reads, creates or changes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) id: String,
    /// Deleted records can be read, and even changed, for 30 days.
    pub(super) is_deleted: bool,
}

impl Record {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let data = body.get("data")?;
        Some(Self { id: record_id(data)?, is_deleted: is_deleted(data) })
    }
}

/// Whether a record that was found has another external ID by now, or is deleted. What its answer does not tell is as the
/// search said: better an update of a record that was just changed by hand than a second one.
pub(super) fn is_another(body: &[u8], (field, external_id): (&str, &str)) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    let data = body.get("data").unwrap_or(&Value::Null);
    let value = data.pointer("/custom_fields").and_then(|it| it.get(field)).or_else(|| data.get(field));
    let differs = match value {
        Some(Value::String(text)) => text != external_id,
        Some(Value::Null) => true,
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
    };
    differs || is_deleted(data)
}

fn is_deleted(data: &Value) -> bool {
    data.get("is_deleted").and_then(Value::as_bool) == Some(true)
}

/// A number, or of a lead a text.
fn record_id(record: &Value) -> Option<String> {
    let id = match record.get("id")? {
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    is_record_id(&id).then_some(id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;

    const KEY: &str = "cfeeec2bba7701f08f4bf816fb1b660f47f0b337";

    #[test]
    fn ids_are_found_in_every_shape_that_was_seen() {
        let shapes = [
            r#"{"data":[{"result_score":1.2,"item":{"id":7}},{"item":{"id":8}}]}"#,
            r#"{"data":[{"id":7,"name":"a"},{"id":8},{"id":7}]}"#,
            r#"{"data":{"items":[{"item":{"id":7}},{"item":{"id":8}}]}}"#,
        ];
        for shape in shapes {
            assert_eq!(ids(shape.as_bytes()).unwrap(), ["7", "8"], "{shape}");
        }
        assert_eq!(ids(br#"{"data":[{"id":"adf21080-0e10-11eb-879b-05d71fb426ec"}]}"#).unwrap().len(), 1);
        assert_eq!(ids(br#"{"success":true,"data":[]}"#).unwrap(), [""; 0]);
        for shape in ["", "{}", r#"{"data":null}"#, r#"{"data":[{}]}"#, r#"{"data":[{"id":-1}]}"#, r#"{"data":[7]}"#] {
            assert_eq!(ids(shape.as_bytes()), None, "{shape}");
        }
    }

    #[test]
    fn a_record_that_was_found_is_another_only_where_its_answer_says_so() {
        let of = |data: &str| is_another(format!(r#"{{"data":{data}}}"#).as_bytes(), (KEY, "c1"));
        assert!(!of(&format!(r#"{{"id":1,"custom_fields":{{"{KEY}":"c1"}}}}"#)));
        assert!(!of(&format!(r#"{{"id":1,"{KEY}":"c1"}}"#)));
        assert!(!of(r#"{"id":1,"custom_fields":{}}"#) && !of(r#"{"id":1}"#) && !of("null"));
        assert!(of(&format!(r#"{{"id":1,"custom_fields":{{"{KEY}":"C1"}}}}"#)));
        assert!(of(&format!(r#"{{"id":1,"custom_fields":{{"{KEY}":null}}}}"#)));
        assert!(of(&format!(r#"{{"id":1,"is_deleted":true,"custom_fields":{{"{KEY}":"c1"}}}}"#)));
    }

    #[test]
    fn a_deleted_record_says_so() {
        let read = |body: &str| Record::read(body.as_bytes());
        let record = |id: &str, is_deleted| Some(Record { id: id.to_owned(), is_deleted });
        assert_eq!(read(r#"{"success":true,"data":{"id":73,"is_deleted":false}}"#), record("73", false));
        assert_eq!(read(r#"{"data":{"id":73,"is_deleted":true}}"#), record("73", true));
        assert_eq!(read(r#"{"data":{"id":[1,2]}}"#), None);
        assert_eq!(read("<html>"), None);
    }
}
