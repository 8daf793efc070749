//! Joins the items of a HubSpot batch result to the inputs they answer.
//! Not here: refusals of a whole call (`reply`). HubSpot does not promise the order of the inputs, so each item
//! must name its input: by trace id, else by the external ID; an item that names none answers none.

use super::fault::Words;
use super::reply::{Batch, Item, unanswered};
use super::request::Trace;
use crate::crm::members::Members;
use crate::crm::replies::Replies;
use crate::model::{Call, Reply};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What was asked.
pub(super) struct Inputs<'a> {
    pub(super) call: &'a Call,
    pub(super) id_property: &'a str,
}

/// The record that an input means.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) input: usize,
    pub(super) record_id: String,
}

/// Gives every input that an upsert's result names its reply. Returns the reply for the rest.
/// An error goes before a result of the same input.
pub(super) fn upserted(inputs: &Inputs<'_>, batch: &Batch<'_>, status: u16, replies: &mut Replies) -> Reply {
    let errors = errors(batch);
    let results = batch.results.as_deref().unwrap_or_default();
    let complete = results.len() + errors.len() == replies.open().len();
    let rest = give_errors(inputs, errors, status, replies);
    for item in results {
        let alone = complete && results.len() == 1;
        if let (Some(input), Some(record_id)) = (input_of(inputs, item, replies, alone), record_id(item)) {
            let created = item.new.is_some_and(|it| it.get() == "true");
            replies.give(input, Reply::Applied { record_id, created });
        }
    }
    uncertain(rest, complete && replies.open().len() == 1)
}

/// The records that a read found, and the reply for inputs it says nothing of. What it says it does not know is gone.
pub(super) fn read(inputs: &Inputs<'_>, batch: &Batch<'_>, status: u16, replies: &mut Replies) -> (Vec<Found>, Reply) {
    let mut found: Vec<Found> = Vec::new();
    let errors = errors(batch);
    let results = batch.results.as_deref().unwrap_or_default();
    let complete = results.len() + errors.len() == replies.open().len();
    for item in results {
        let named = input_of(inputs, item, replies, complete && results.len() == 1);
        if let (Some(input), Some(record_id)) = (named, record_id(item))
            && !found.iter().any(|it| it.input == input)
        {
            found.push(Found { input, record_id });
        }
    }
    let mut rest = unanswered(Some(status));
    for words in errors {
        let unknown = words.category_is("OBJECT_NOT_FOUND");
        let named: Vec<String> = words.named("ids").into_iter().chain(words.named("id")).map(str::to_owned).collect();
        let reply = if unknown { gone() } else { words.reply(status, inputs.id_property) };
        for input in replies.open() {
            let external_id = inputs.call.inputs.get(input).map(|it| &*it.external_id);
            let is_found = found.iter().any(|it| it.input == input);
            if !is_found && external_id.is_some_and(|id| named.iter().any(|it| it == id)) {
                replies.give(input, reply.clone());
            }
        }
        if named.is_empty() {
            rest = reply;
        }
    }
    let alone = complete && replies.open().len() == found.len() + 1;
    (found, uncertain(rest, alone))
}

/// Gives every record that the result of an archive call names its reply; being unknown is being archived.
/// Returns the reply for the rest: only a 204 says that all went well.
pub(super) fn archived(found: &[Found], batch: &Batch<'_>, status: u16, replies: &mut Replies) -> Reply {
    for words in errors(batch) {
        let named: Vec<String> = words.named("ids").into_iter().chain(words.named("id")).map(str::to_owned).collect();
        let unknown = words.category_is("OBJECT_NOT_FOUND");
        let reply = if unknown { gone() } else { words.reply(status, "") };
        for it in found {
            if named.contains(&it.record_id) {
                replies.give(it.input, reply.clone());
            }
        }
    }
    unanswered(Some(status))
}

/// The reply to an archive of what the CRM does not have.
pub(super) fn gone() -> Reply {
    Reply::Applied { record_id: String::new(), created: false }
}

fn give_errors(inputs: &Inputs<'_>, errors: Vec<Words>, status: u16, replies: &mut Replies) -> Reply {
    let mut rest = unanswered(Some(status));
    for words in errors {
        let named = named_inputs(inputs, &words, replies);
        let reply = words.reply(status, inputs.id_property);
        if named.is_empty() {
            rest = reply;
            continue;
        }
        for input in named {
            replies.give(input, reply.clone());
        }
    }
    rest
}

fn named_inputs(inputs: &Inputs<'_>, words: &Words, replies: &Replies) -> Vec<usize> {
    let traces = words.named("objectWriteTraceId");
    let mut named: Vec<usize> = traces.iter().filter_map(|it| Trace::input_of(inputs.call.id, it)).collect();
    named.retain(|input| replies.is_open(*input));
    if named.is_empty() {
        let ids: Vec<&str> = words.named("ids").into_iter().chain(words.named("id")).collect();
        let input_named = |id: &&str| inputs.call.inputs.iter().position(|it| &*it.external_id == *id);
        named = ids.iter().filter_map(input_named).collect();
    }
    named
}

/// An error that names no input: if it is `alone` with one that nothing else answers, that one is meant; else any of them may be, and is tried again.
fn uncertain(reply: Reply, alone: bool) -> Reply {
    match reply {
        Reply::Permanent(fault) if !alone => Reply::Transient(fault),
        Reply::Permanent(_) | Reply::Transient(_) | Reply::Gone(_) | Reply::Account(_) | Reply::Applied { .. } => reply,
    }
}

/// Errors that are no list, or no JSON that can be read, name nobody.
fn errors(batch: &Batch<'_>) -> Vec<Words> {
    let list: Option<Vec<Value>> = batch.errors.and_then(|it| serde_json::from_str(it.get()).ok());
    list.unwrap_or_default().into_iter().map(Words::of).collect()
}

/// The input that an item answers. `alone`: it is the only result of an answer with as many items as inputs, and so
/// answers the only input that no error named.
fn input_of(inputs: &Inputs<'_>, item: &Item<'_>, replies: &Replies, alone: bool) -> Option<usize> {
    let trace = item.trace.and_then(text);
    if let Some(input) = trace.and_then(|it| Trace::input_of(inputs.call.id, &it)) {
        return replies.is_open(input).then_some(input);
    }
    let open = replies.open();
    by_external_id(inputs, item, &open).or(match open.as_slice() {
        [only] if alone => Some(*only),
        _ => None,
    })
}

/// HubSpot compares values of a unique property without case, and stores some in lower case.
fn by_external_id(inputs: &Inputs<'_>, item: &Item<'_>, open: &[usize]) -> Option<usize> {
    let Members(members) = serde_json::from_str(item.properties?.get()).ok()?;
    let value = members.get(inputs.id_property).copied().and_then(text)?;
    let is_same = |input: &&usize, same: fn(&str, &str) -> bool| {
        inputs.call.inputs.get(**input).is_some_and(|it| same(&it.external_id, &value))
    };
    let exact = open.iter().find(|input| is_same(input, |left, right| left == right));
    exact.or_else(|| open.iter().find(|input| is_same(input, |left, right| left.eq_ignore_ascii_case(right)))).copied()
}

fn record_id(item: &Item<'_>) -> Option<String> {
    text(item.id?).map(Cow::into_owned).filter(|it| !it.is_empty())
}

/// A JSON string's text, or a number's.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
        b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}
