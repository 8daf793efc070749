//! The exchange for one record: what our external ID's field is called, where the record is, then the write.
//! Not here: how requests and answers are spelled.
//!
//! A call looks up the field's key, if it is not known, and does no more: it is made again at once, so that no call comes
//! to more than its price. A search is not taken at its word: what it found is read, at most two records.

use super::fault::Words;
use super::fields::{self, Candidate, Fields, Page};
use super::found::{self, Record};
use super::schema::{KeyField, Kind, is_field_key, kind};
use super::{reply, request, usage};
use crate::crm::{Access, Exchange, Next, Request, Response};
use crate::model::{Answer, Call, CallInput, Cost, Fault, Finding, Operation, Reason, Reply, Usage};
use std::sync::Arc;

/// Most records that a search may find and that are read; of more, none may be chosen anyway.
const READ_MAX: usize = 2;
/// Most pages of 500 fields.
const PAGES_MAX: usize = 10;
const LIST_PRICE: u32 = 10;
const SEARCH_PRICE: u32 = 20;

pub(super) struct Single {
    call: Call,
    access: Arc<Access>,
    fields: &'static Fields,
    /// The key of our external ID's field, once known.
    field: Option<Arc<str>>,
    step: Step,
    spent: Cost,
}

/// What the latest request asked for.
enum Step {
    Nothing,
    /// A page of fields; those found on earlier ones.
    Fields {
        pages: usize,
        found: Vec<Candidate>,
    },
    Search,
    /// The first of `left`; `kept` have our external ID.
    Read {
        left: Vec<String>,
        kept: Vec<String>,
    },
    Create,
    Update,
    Delete,
}

impl Single {
    pub(super) fn new(call: Call, access: Arc<Access>, fields: &'static Fields) -> Self {
        Self { call, access, fields, field: None, step: Step::Nothing, spent: Cost::default() }
    }

    /// `Err`: how it ends without a request.
    fn start(&mut self) -> Result<Next, Answer> {
        let (input, kind) = self.parts()?;
        request::check(kind, &input.external_id).map_err(reply::alone)?;
        let (finding, archive) = (input.finding.clone(), self.is_archive());
        let needs_field = match &finding {
            Finding::ById(_) => !archive,
            Finding::New if archive => return Err(nothing_to_archive()),
            Finding::New | Finding::Search | Finding::ByKey => true,
        };
        match &kind.key {
            Some(key) if needs_field => match self.known(key) {
                Some(field) => self.field = Some(field),
                None => return self.look_up(key, (0, Vec::new()), None),
            },
            Some(_) | None => {}
        }
        match (finding, self.call.operation) {
            (Finding::ById(id), Operation::Upsert) => self.update(&id),
            (Finding::ById(id), Operation::Archive) => self.delete(&id),
            (Finding::New, _) => self.create(),
            (Finding::Search | Finding::ByKey, _) => self.search(),
        }
    }

    fn parts(&self) -> Result<(&CallInput, &'static Kind), Answer> {
        let kind = kind(&self.call.object);
        match (self.call.inputs.as_slice(), kind) {
            ([], _) => Err(Answer::Each(Vec::new())),
            ([input], Ok(kind)) => Ok((input, kind)),
            ([_], Err(why)) => Err(reply::alone(request::wrong(why))),
            // Smaller calls follow.
            ([_, _, ..], _) => Err(Answer::Refused(fault(Reason::BadRequest, "Pipedrive takes one record per call"))),
        }
    }

    fn known(&self, key: &KeyField) -> Option<Arc<str>> {
        let property = &*self.access.external_id_property;
        if is_field_key(property) {
            return Some(Arc::from(property));
        }
        self.fields.find(&self.call.connection.id, key.list, &self.access)
    }

    fn look_up(
        &mut self,
        key: &KeyField,
        (pages, found): (usize, Vec<Candidate>),
        cursor: Option<&str>,
    ) -> Result<Next, Answer> {
        let request = request::fields(&self.access, key, cursor).map_err(reply::alone)?;
        Ok(self.send(request, Step::Fields { pages: pages + 1, found }, Cost { credits: LIST_PRICE, ..ONE }))
    }

    fn listed(&mut self, response: &Response, (pages, mut found): (usize, Vec<Candidate>)) -> Result<Next, Answer> {
        let key = self.key()?;
        let page = if reply::is_well(response) { Page::read(&response.body) } else { None };
        let Some(page) = page else { return Err(reply::refused(response)) };
        found.extend(page.named(&self.access.external_id_property));
        if let Some(cursor) = page.next.filter(|_| pages < PAGES_MAX) {
            return self.look_up(key, (pages, found), Some(&cursor));
        }
        match fields::only(&found, &self.access.external_id_property, key.list) {
            Ok(field) => {
                self.fields.learn(&self.call.connection.id, key.list, (&self.access, field));
                Err(Answer::Unsent)
            }
            Err(why) => Err(reply::alone(Reply::Account(fault(Reason::NotFound, &why)))),
        }
    }

    fn search(&mut self) -> Result<Next, Answer> {
        let (input, _) = self.parts()?;
        let Some(field) = &self.field else {
            return if self.is_archive() { Err(nothing_to_archive()) } else { self.create() };
        };
        let (key, sought) = (self.key()?, (&**field, &*input.external_id));
        let request = request::search(&self.access, key, sought, READ_MAX + 1).map_err(reply::alone)?;
        Ok(self.send(request, Step::Search, Cost { calls: 0, searches: 1, credits: SEARCH_PRICE }))
    }

    fn searched(&mut self, response: &Response) -> Result<Next, Answer> {
        let ids = if reply::is_well(response) { found::ids(&response.body) } else { None };
        let Some(ids) = ids else { return Err(self.blame_field(response, true)) };
        if READ_MAX < ids.len() {
            return Err(ambiguous());
        }
        self.read_next(ids, Vec::new())
    }

    fn read_next(&mut self, left: Vec<String>, kept: Vec<String>) -> Result<Next, Answer> {
        let (_, kind) = self.parts()?;
        let (Some(record_id), Some(field)) = (left.first(), &self.field) else { return self.resolve(&kept) };
        let request = request::read(&self.access, kind, (record_id, field)).map_err(reply::alone)?;
        let cost = Cost { credits: kind.price.read, ..ONE };
        Ok(self.send(request, Step::Read { left, kept }, cost))
    }

    fn read(&mut self, response: &Response, (mut left, mut kept): (Vec<String>, Vec<String>)) -> Result<Next, Answer> {
        let (input, _) = self.parts()?;
        let record_id = if left.is_empty() { String::new() } else { left.remove(0) };
        if reply::is_well(response) {
            let sought = (self.field.as_deref().unwrap_or_default(), &*input.external_id);
            if !found::is_another(&response.body, sought) {
                kept.push(record_id);
            }
        } else if !reply::is_missing(response) {
            return Err(reply::refused(response));
        }
        self.read_next(left, kept)
    }

    /// What a search came to.
    fn resolve(&mut self, kept: &[String]) -> Result<Next, Answer> {
        match (kept, self.is_archive()) {
            ([], true) => Err(nothing_to_archive()),
            ([], false) => self.create(),
            ([one], true) => self.delete(one),
            ([one], false) => self.update(one),
            ([_, _, ..], _) => Err(ambiguous()),
        }
    }

    fn create(&mut self) -> Result<Next, Answer> {
        let (input, kind) = self.parts()?;
        let request = request::create(&self.access, kind, (input, self.field.as_deref())).map_err(reply::alone)?;
        Ok(self.send(request, Step::Create, Cost { credits: kind.price.write, ..ONE }))
    }

    fn update(&mut self, record_id: &str) -> Result<Next, Answer> {
        let (input, kind) = self.parts()?;
        let fields = (input, self.field.as_deref());
        let request = request::update(&self.access, kind, record_id, fields).map_err(reply::alone)?;
        Ok(self.send(request, Step::Update, Cost { credits: kind.price.write, ..ONE }))
    }

    fn delete(&mut self, record_id: &str) -> Result<Next, Answer> {
        let (_, kind) = self.parts()?;
        let request = request::delete(&self.access, kind, record_id).map_err(reply::alone)?;
        Ok(self.send(request, Step::Delete, Cost { credits: kind.price.delete, ..ONE }))
    }

    fn send(&mut self, request: Request, step: Step, cost: Cost) -> Next {
        self.step = step;
        self.spent = Cost {
            calls: self.spent.calls.saturating_add(cost.calls),
            searches: self.spent.searches.saturating_add(cost.searches),
            credits: self.spent.credits.saturating_add(cost.credits),
        };
        Next::Send(request)
    }

    /// The answer to a write.
    fn written(&self, response: &Response, step: &Step) -> Answer {
        let is_missing = reply::is_missing(response);
        let record = if reply::is_well(response) { Record::read(&response.body) } else { None };
        match (step, record) {
            (Step::Update, Some(record)) if record.is_deleted => reply::gone(response),
            (Step::Create, Some(record)) => applied(record.id, true),
            (Step::Update | Step::Delete, Some(record)) => applied(record.id, false),
            (Step::Update, None) if is_missing => reply::gone(response),
            (Step::Delete, None) if is_missing => nothing_to_archive(),
            (_, _) => {
                let words = Words::of_body(&response.body);
                self.blame_field(response, self.field.as_deref().is_some_and(|it| words.mentions(it)))
            }
        }
    }

    /// It was refused. If the key of our field may be to blame and was looked up, another try looks it up anew.
    fn blame_field(&self, response: &Response, suspect: bool) -> Answer {
        let answer = reply::refused(response);
        let Ok(key) = self.key() else { return answer };
        match answer {
            Answer::Each(replies) if suspect && !is_field_key(&self.access.external_id_property) => {
                let again = replies.into_iter().map(|reply| self.again(key, reply));
                Answer::Each(again.collect())
            }
            Answer::Each(_) | Answer::Refused(_) | Answer::Failed(_) | Answer::Unsent => answer,
        }
    }

    fn again(&self, key: &KeyField, reply: Reply) -> Reply {
        match reply {
            Reply::Permanent(fault) if fault.reason == Reason::BadRequest => {
                self.fields.forget(&self.call.connection.id, key.list);
                Reply::Transient(fault)
            }
            Reply::Applied { .. } | Reply::Transient(_) | Reply::Gone(_) | Reply::Permanent(_) | Reply::Account(_) => {
                reply
            }
        }
    }

    fn key(&self) -> Result<&'static KeyField, Answer> {
        let (_, kind) = self.parts()?;
        kind.key.as_ref().ok_or_else(|| reply::alone(request::wrong("the object has no field for an external id")))
    }

    fn is_archive(&self) -> bool {
        self.call.operation == Operation::Archive
    }
}

impl Exchange for Single {
    fn begin(&mut self) -> Next {
        self.start().unwrap_or_else(Next::Ended)
    }

    fn answered(&mut self, response: &Response) -> Next {
        let step = std::mem::replace(&mut self.step, Step::Nothing);
        let next = match step {
            Step::Fields { pages, found } => self.listed(response, (pages, found)),
            Step::Search => self.searched(response),
            Step::Read { left, kept } => self.read(response, (left, kept)),
            step @ (Step::Create | Step::Update | Step::Delete) => Err(self.written(response, &step)),
            Step::Nothing => Err(Answer::Failed(reply::senseless(response.status))),
        };
        next.unwrap_or_else(Next::Ended)
    }

    fn usage(&self, response: &Response) -> Option<Usage> {
        Some(usage::usage(response, matches!(self.step, Step::Search)))
    }

    fn spent(&self) -> Option<Cost> {
        Some(self.spent)
    }
}

const ONE: Cost = Cost { calls: 1, searches: 0, credits: 0 };

fn applied(record_id: String, created: bool) -> Answer {
    reply::alone(Reply::Applied { record_id, created })
}

/// What is not there is archived already.
fn nothing_to_archive() -> Answer {
    applied(String::new(), false)
}

fn ambiguous() -> Answer {
    let why = "several records have this external id; merge them, or clear the field of all but one";
    reply::alone(Reply::Permanent(fault(Reason::AmbiguousRecord, why)))
}

fn fault(reason: Reason, message: &str) -> Fault {
    Fault { reason, status: None, code: None, message: message.to_owned(), retry_after: None }
}
