//! Searching, which shows the account as it was a while ago.
//! Not here: the limit of searches (`limits`).

use serde_json::{Value, json};

use super::{
    State,
    read::shown,
    request::{Filter, Search},
    store::Properties,
};
use crate::simulated::{
    account::Moment,
    answer::{Answer, Refusal},
};

/// HubSpot's bounds of a search.
const GROUPS_MAX: usize = 5;
const FILTERS_PER_GROUP_MAX: usize = 6;
const FILTERS_MAX: usize = 18;
const LIMIT_MAX: usize = 200;
const REACH_MAX: usize = 10_000;
const QUERY_MAX: usize = 3_000;

/// `POST /crm/v3/objects/{object}/search`
pub(super) fn search(state: &State, object: &str, search: &Search, moment: &Moment<'_>) -> Answer {
    let after = match check(search) {
        Ok(after) => after,
        Err(refusal) => return refusal.answer(moment.correlation),
    };
    let wanted: Vec<&str> = search.properties.iter().map(String::as_str).collect();
    let limit = search.limit.unwrap_or(10);
    let (mut total, mut results) = (0_usize, Vec::new());
    let records = state.store.shelf(object).into_iter().flat_map(|shelf| &shelf.records);
    for (id, record) in records {
        let Some(properties) = record.shown(moment.now_us) else { continue };
        if !fits(*id, properties, search) {
            continue;
        }
        if total >= after && results.len() < limit {
            results.push(shown(*id, record, properties, &wanted));
        }
        total += 1;
    }
    let reached = after + results.len();
    let mut body = json!({ "total": total, "results": results });
    if let (true, Some(members)) = (reached < total, body.as_object_mut()) {
        members.insert("paging".to_owned(), json!({ "next": { "after": reached.to_string() } }));
    }
    Answer::json(200, &body)
}

/// Where the page starts, if the search is within HubSpot's bounds.
fn check(search: &Search) -> Result<usize, Refusal> {
    let filters: usize = search.filter_groups.iter().map(|group| group.filters.len()).sum();
    let widest = search.filter_groups.iter().map(|group| group.filters.len()).max().unwrap_or(0);
    if search.filter_groups.len() > GROUPS_MAX || widest > FILTERS_PER_GROUP_MAX || filters > FILTERS_MAX {
        return Err(Refusal::validation("There were too many filter groups or filters in the request."));
    }
    if search.limit.is_some_and(|limit| limit > LIMIT_MAX) {
        return Err(Refusal::validation(format!("The limit of a search is {LIMIT_MAX}.")));
    }
    if search.query.as_ref().is_some_and(|query| query.len() > QUERY_MAX) {
        return Err(Refusal::validation("The query is too long."));
    }
    let after = match &search.after {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) if text.is_empty() => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
    };
    after
        .filter(|after| after.saturating_add(search.limit.unwrap_or(10)) <= REACH_MAX)
        .ok_or_else(|| Refusal::validation(format!("A search reaches only the first {REACH_MAX} results.")))
}

fn fits(id: u64, properties: &Properties, search: &Search) -> bool {
    let by_filters = search.filter_groups.is_empty()
        || search.filter_groups.iter().any(|group| group.filters.iter().all(|filter| filter.fits(id, properties)));
    let by_query = search.query.as_ref().is_none_or(|query| {
        let query = query.to_lowercase();
        properties.values().any(|value| value.to_lowercase().contains(&query))
    });
    by_filters && by_query
}

impl Filter {
    fn fits(&self, id: u64, properties: &Properties) -> bool {
        let own = (self.property_name == "hs_object_id").then(|| id.to_string());
        let value = own.as_deref().or_else(|| properties.get(&self.property_name).map(String::as_str));
        let value = value.filter(|value| !value.is_empty());
        let wanted = self.value.as_deref().unwrap_or_default();
        let same = |wanted: &str| value.is_some_and(|value| value.eq_ignore_ascii_case(wanted));
        let order = |wanted: &str| value.map(|value| compare(value, wanted));
        match self.operator.as_str() {
            "EQ" => same(wanted),
            "NEQ" => !same(wanted),
            "IN" => self.values.iter().any(|wanted| same(wanted)),
            "NOT_IN" => !self.values.iter().any(|wanted| same(wanted)),
            "HAS_PROPERTY" => value.is_some(),
            "NOT_HAS_PROPERTY" => value.is_none(),
            "LT" => order(wanted).is_some_and(std::cmp::Ordering::is_lt),
            "LTE" => order(wanted).is_some_and(std::cmp::Ordering::is_le),
            "GT" => order(wanted).is_some_and(std::cmp::Ordering::is_gt),
            "GTE" => order(wanted).is_some_and(std::cmp::Ordering::is_ge),
            "BETWEEN" => {
                let high = self.high_value.as_deref().unwrap_or_default();
                order(wanted).is_some_and(std::cmp::Ordering::is_ge)
                    && order(high).is_some_and(std::cmp::Ordering::is_le)
            }
            "CONTAINS_TOKEN" => {
                let token = wanted.trim_matches('*').to_lowercase();
                value.is_some_and(|value| value.to_lowercase().contains(&token))
            }
            _ => false,
        }
    }
}

/// Numbers by size, the rest as text.
fn compare(one: &str, two: &str) -> std::cmp::Ordering {
    match (one.parse::<f64>(), two.parse::<f64>()) {
        (Ok(one), Ok(two)) => one.total_cmp(&two),
        _ => one.cmp(two),
    }
}
