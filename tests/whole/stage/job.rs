//! Jobs whose right order can be told from what the CRM was left with.
//! Not here: what went wrong (`judge`).

use super::Letter;
use serde_json::json;
use std::collections::BTreeMap;

/// The `seq`th change of one record, counted from 1.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) tenant: String,
    pub(crate) record: String,
    pub(crate) seq: u64,
}

/// `count` jobs over all tenants and `records` records of each, in an order that mixes them.
pub(crate) fn jobs(tenants: &[String], records: usize, count: usize) -> Vec<Job> {
    let mut seqs: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let all = (0..count).map(|it| {
        let tenant = it % tenants.len();
        // A prime step visits the records in no order, some often within a short time.
        let record = (it / tenants.len()).pow(2) % records;
        let seq = seqs.entry((tenant, record)).or_default();
        *seq += 1;
        Job { tenant: tenants[tenant].clone(), record: format!("r-{record}"), seq: *seq }
    });
    all.collect()
}

impl Job {
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.record, self.seq)
    }

    pub(crate) fn value(&self) -> String {
        json!({
            "tenant_id": self.tenant, "event_type": "contact.changed", "idempotency_key": self.key(),
            "payload": { "object": "contact", "external_id": self.record, "properties": self.properties() }
        })
        .to_string()
    }

    pub(crate) fn letter(&self) -> Letter {
        Letter {
            key: Some(self.tenant.clone().into_bytes()),
            value: Some(self.value().into_bytes()),
            ..Letter::default()
        }
    }

    /// The marker, and one of three properties in turn: the final state tells the order of the last three jobs.
    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        let turn = self.seq % 3;
        BTreeMap::from([
            ("event_number".to_owned(), self.seq.to_string()),
            (format!("turn_{turn}"), format!("{}-{}", self.record, self.seq)),
        ])
    }
}
