//! What is missing or wrong with the topics, and how to mend it without ever deleting anything.
//! Not here: how topics have to be (`shape`), printing (`cli`), asking whether to go on.

use crate::kafka::admin::{Admin, admin, block_on};
use crate::kafka::context::Quiet;
use crate::kafka::ends;
use crate::kafka::errors::{KafkaFault, forbids};
use crate::kafka::settings::{KafkaSettings, QUESTION};
use crate::kafka::shape::{DEFAULT_MESSAGE_MAX, MESSAGE_MAX, Rule, rules};
use crate::kafka::topics::partitions;
use crate::model::Topic;
use rdkafka::admin::{AdminOptions, AlterConfig, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Creating topics takes the cluster a while.
const ORDER: Duration = Duration::from_secs(30);

/// What `topics plan` shows and `topics apply` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What `apply` would do; empty when all is well.
    pub changes: Vec<Change>,
    /// What `apply` cannot mend.
    pub wrong: Vec<Wrong>,
    /// What the process needs to be allowed, for whoever keeps the ACLs.
    pub acls: Vec<Acl>,
    pub bill: Bill,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Create { topic: String, partitions: u32, replication_factor: u16, settings: BTreeMap<String, String> },
    Set { topic: String, name: String, from: Option<String>, to: String },
}

/// A fact that a person has to deal with, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub topic: String,
    pub what: String,
}

/// One line of access control; `prefixed` tells a prefix from a literal name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    pub resource: &'static str,
    pub name: String,
    pub prefixed: bool,
    pub operations: &'static [&'static str],
}

/// What the topics cost: shown as `10 topics x 24 = 240 partitions, 720 replicas`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    pub topics: usize,
    pub partitions_each: u32,
    pub replication_factor: u16,
}

impl fmt::Display for Bill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partitions = u64::from(self.partitions_each).saturating_mul(u64::try_from(self.topics).unwrap_or(u64::MAX));
        let replicas = partitions.saturating_mul(self.replication_factor.into());
        write!(
            formatter,
            "{} topics x {} = {partitions} partitions, {replicas} replicas",
            self.topics, self.partitions_each
        )
    }
}

type Values = BTreeMap<String, String>;

/// What a topic is set to.
#[derive(Default)]
pub(super) struct Current {
    pub(super) all: Values,
    /// Set for this topic itself; has to be repeated whenever one of them is changed.
    own: Values,
}

/// Looks at the cluster; changes nothing. Blocks.
///
/// # Errors
/// When Kafka does not answer, or does not let us look.
pub fn plan(settings: &KafkaSettings) -> Result<Plan, KafkaFault> {
    settings.check()?;
    let client = ends::client(settings)?;
    let admin = admin(settings)?;
    let mut plan = Plan { changes: Vec::new(), wrong: Vec::new(), acls: acls(settings), bill: bill(settings) };
    let counts = counts(&client, settings)?;
    let existing: Vec<String> =
        counts.iter().filter(|(_, count)| count.is_some()).map(|(topic, _)| settings.topic(*topic)).collect();
    let current = current(&admin, &existing)?;
    let job_max = job_max(&current, settings);
    for (topic, count) in counts {
        let name = settings.topic(topic);
        let rules = rules(topic, settings, job_max);
        let Some(count) = count else {
            let settings_of = rules.iter().map(|(name, rule)| ((*name).to_owned(), rule.to_string())).collect();
            plan.changes.push(Change::Create {
                topic: name,
                partitions: settings.partitions,
                replication_factor: settings.replication_factor,
                settings: settings_of,
            });
            continue;
        };
        if count != settings.partitions {
            let what = format!(
                "has {count} partitions, kafka.partitions says {}; set it to the count of all topics, or use \
                 another topic_prefix",
                settings.partitions
            );
            plan.wrong.push(Wrong { topic: name.clone(), what });
        }
        plan.changes.extend(corrections(&name, rules, current.get(&name)));
    }
    Ok(plan)
}

/// The largest message that `.jobs` accepts.
pub(super) fn job_max(current: &BTreeMap<String, Current>, settings: &KafkaSettings) -> u64 {
    let jobs = current.get(&settings.topic(Topic::Jobs));
    jobs.and_then(|it| it.all.get(MESSAGE_MAX)?.parse().ok()).unwrap_or(DEFAULT_MESSAGE_MAX)
}

fn corrections(topic: &str, rules: Vec<(&'static str, Rule)>, current: Option<&Current>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, rule) in rules {
        let from = current.and_then(|it| it.all.get(name)).cloned();
        if !from.as_deref().is_some_and(|it| rule.allows(it)) {
            changes.push(Change::Set { topic: topic.to_owned(), name: name.to_owned(), from, to: rule.to_string() });
        }
    }
    changes
}

/// Creates what is missing and raises settings as planned. Never deletes; safe to repeat. Blocks.
///
/// # Errors
/// When Kafka does not answer or refuses; what was done before stays done.
pub fn apply(settings: &KafkaSettings, plan: &Plan) -> Result<(), KafkaFault> {
    let admin = admin(settings)?;
    let options = AdminOptions::new().request_timeout(Some(ORDER)).operation_timeout(Some(ORDER));
    let mut altered: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for change in &plan.changes {
        match change {
            Change::Create { topic, partitions, replication_factor, settings } => {
                let count = i32::try_from(*partitions).unwrap_or(i32::MAX);
                let replication = TopicReplication::Fixed(i32::from(*replication_factor));
                let new = settings
                    .iter()
                    .fold(NewTopic::new(topic, count, replication), |new, (name, value)| new.set(name, value));
                let created =
                    block_on(admin.create_topics([&new], &options)).map_err(|error| KafkaFault::of(&error))?;
                done(created.into_iter().map(Result::err))?;
            }
            Change::Set { topic, name, to, .. } => altered.entry(topic).or_default().push((name, to)),
        }
    }
    for (topic, changes) in altered {
        alter(&admin, topic, &changes, &options)?;
    }
    await_created(settings, plan)
}

/// A created topic is known to the controller first; whoever starts right after `apply` must find it.
fn await_created(settings: &KafkaSettings, plan: &Plan) -> Result<(), KafkaFault> {
    let client = ends::client(settings)?;
    let until = Instant::now() + ORDER;
    for change in &plan.changes {
        let Change::Create { topic, .. } = change else { continue };
        while partitions(&client, topic)?.is_none() {
            if Instant::now() >= until {
                return Err(KafkaFault::Topics(format!("{topic} was created but does not show up; look again later")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// Kafka's AlterConfigs replaces everything that was set for the topic, so what stays is said again.
fn alter(admin: &Admin, topic: &str, changes: &[(&str, &str)], options: &AdminOptions) -> Result<(), KafkaFault> {
    let current = current(admin, &[topic.to_owned()])?;
    let own = current.get(topic).map(|it| it.own.clone()).unwrap_or_default();
    let kept =
        own.iter().fold(AlterConfig::new(ResourceSpecifier::Topic(topic)), |all, (name, value)| all.set(name, value));
    let wished = changes.iter().fold(kept, |all, (name, value)| all.set(name, value));
    let results = block_on(admin.alter_configs([&wished], options)).map_err(|error| KafkaFault::of(&error))?;
    done(results.into_iter().map(|it| it.err().map(|(_, code)| (topic.to_owned(), code))))
}

fn done(faults: impl Iterator<Item = Option<(String, RDKafkaErrorCode)>>) -> Result<(), KafkaFault> {
    for (topic, code) in faults.flatten() {
        if code == RDKafkaErrorCode::TopicAlreadyExists {
            continue;
        }
        return Err(if forbids(code) {
            KafkaFault::Unauthorized(format!("{topic}: {code}"))
        } else {
            KafkaFault::Topics(format!("{topic} was not set up: {code}"))
        });
    }
    Ok(())
}

fn counts(client: &BaseConsumer<Quiet>, settings: &KafkaSettings) -> Result<BTreeMap<Topic, Option<u32>>, KafkaFault> {
    settings.topics().into_iter().map(|topic| Ok((topic, partitions(client, &settings.topic(topic))?))).collect()
}

/// How topics that exist are set up.
pub(super) fn current(admin: &Admin, topics: &[String]) -> Result<BTreeMap<String, Current>, KafkaFault> {
    let mut current = BTreeMap::new();
    if topics.is_empty() {
        return Ok(current);
    }
    let specifiers: Vec<ResourceSpecifier<'_>> = topics.iter().map(|it| ResourceSpecifier::Topic(it)).collect();
    let options = AdminOptions::new().request_timeout(Some(QUESTION));
    let answers = block_on(admin.describe_configs(&specifiers, &options)).map_err(|error| KafkaFault::of(&error))?;
    for (topic, answer) in topics.iter().zip(answers) {
        let resource = answer.map_err(|code| KafkaFault::Unauthorized(format!("{topic} shows no settings: {code}")))?;
        let mut values = Current::default();
        for entry in resource.entries {
            let Some(value) = entry.value else { continue };
            if entry.source == ConfigSource::DynamicTopic {
                values.own.insert(entry.name.clone(), value.clone());
            }
            values.all.insert(entry.name, value);
        }
        current.insert(topic.clone(), values);
    }
    Ok(current)
}

fn bill(settings: &KafkaSettings) -> Bill {
    Bill {
        topics: settings.topics().len(),
        partitions_each: settings.partitions,
        replication_factor: settings.replication_factor,
    }
}

/// One line per kind of resource, as everything is under one prefix; the group's line is literal if it is not.
fn acls(settings: &KafkaSettings) -> Vec<Acl> {
    let prefix = &settings.topic_prefix;
    let group_prefixed = settings.group_id.starts_with(prefix.as_str());
    vec![
        Acl {
            resource: "topic",
            name: format!("{prefix}."),
            prefixed: true,
            operations: &["Read", "Write", "Describe", "DescribeConfigs", "Delete"],
        },
        Acl {
            resource: "group",
            name: if group_prefixed { prefix.clone() } else { settings.group_id.clone() },
            prefixed: group_prefixed,
            operations: &["Read"],
        },
        Acl {
            resource: "transactional-id",
            name: format!("{prefix}-"),
            prefixed: true,
            operations: &["Write", "Describe"],
        },
    ]
}
