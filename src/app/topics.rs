//! `sluicegate topics`: what the cluster needs, shown and made.
//! Not here: what it needs (`kafka`).

use crate::app::run::{settings, told};
use crate::app::world;
use crate::cli::Exit;
use crate::cli::args::{Global, Topics};
use crate::cli::confirm::confirm;
use crate::cli::output::{Output, Shown, Table, complain, ended};
use crate::kafka::{Change, KafkaFault, KafkaSettings, Plan, apply, plan};
use serde::Serialize;

pub(super) fn topics(global: &Global, command: &Topics, output: &mut Output) -> Exit {
    let done = settings(global).and_then(|settings| {
        let kafka = world::kafka_settings(&settings);
        let kafka = kafka.map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
        let found = plan(&kafka).map_err(|fault| told(exit_of(&fault), &fault))?;
        let shown = ended(output.show(&view(&found)), Exit::Ok);
        match command {
            Topics::Plan => Ok(shown),
            Topics::Apply(changes) if changes.dry_run || found.changes.is_empty() => Ok(shown),
            Topics::Apply(changes) => {
                confirm(&format!("Make these {} changes?", found.changes.len()), *changes)?;
                make(&kafka, &found)
            }
        }
    });
    done.unwrap_or_else(|exit| exit)
}

fn make(kafka: &KafkaSettings, found: &Plan) -> Result<Exit, Exit> {
    apply(kafka, found).map_err(|fault| told(exit_of(&fault), &fault))?;
    complain(format!("made {} changes", found.changes.len()));
    Ok(if found.wrong.is_empty() { Exit::Ok } else { Exit::Partial })
}

fn exit_of(fault: &KafkaFault) -> Exit {
    match fault {
        KafkaFault::Settings(_) => Exit::BadConfiguration,
        KafkaFault::Unreachable(_) | KafkaFault::Unauthorized(_) => Exit::Kafka,
        KafkaFault::Topics(_) | KafkaFault::Saturated | KafkaFault::Refused(_) => Exit::Failure,
    }
}

/// A plan as it is printed.
#[derive(Debug, Serialize)]
struct View {
    changes: Vec<ChangeView>,
    wrong: Vec<WrongView>,
    acls: Vec<AclView>,
    bill: String,
}

#[derive(Debug, Serialize)]
struct ChangeView {
    topic: String,
    change: &'static str,
    what: String,
}

#[derive(Debug, Serialize)]
struct WrongView {
    topic: String,
    what: String,
}

#[derive(Debug, Serialize)]
struct AclView {
    resource: &'static str,
    name: String,
    pattern: &'static str,
    operations: Vec<&'static str>,
}

fn view(found: &Plan) -> View {
    let acl = |it: &crate::kafka::Acl| AclView {
        resource: it.resource,
        name: it.name.clone(),
        pattern: if it.prefixed { "prefixed" } else { "literal" },
        operations: it.operations.to_vec(),
    };
    View {
        changes: found.changes.iter().map(change).collect(),
        wrong: found.wrong.iter().map(|it| WrongView { topic: it.topic.clone(), what: it.what.clone() }).collect(),
        acls: found.acls.iter().map(acl).collect(),
        bill: found.bill.to_string(),
    }
}

fn change(change: &Change) -> ChangeView {
    match change {
        Change::Create { topic, partitions, replication_factor, settings } => {
            let settings: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let what = format!("{partitions} partitions, {replication_factor} replicas, {}", settings.join(" "));
            ChangeView { topic: topic.clone(), change: "create", what }
        }
        Change::Set { topic, name, from, to } => {
            let what = format!("{name}: {} -> {to}", from.as_deref().unwrap_or("(default)"));
            ChangeView { topic: topic.clone(), change: "set", what }
        }
    }
}

impl Shown for View {
    fn tables(&self) -> Vec<Table> {
        let mut changes = Table::new(["topic", "change", "what"]);
        for it in &self.changes {
            changes.row([it.topic.clone(), it.change.to_owned(), it.what.clone()]);
        }
        if self.changes.is_empty() {
            changes.row(["all topics".to_owned(), "none".to_owned(), "nothing is missing".to_owned()]);
        }
        let mut wrong = Table::new(["topic", "wrong, and for a person to mend"]);
        for it in &self.wrong {
            wrong.row([it.topic.clone(), it.what.clone()]);
        }
        let mut acls = Table::new(["acl on", "name", "pattern", "operations"]);
        for it in &self.acls {
            acls.row([it.resource.to_owned(), it.name.clone(), it.pattern.to_owned(), it.operations.join(", ")]);
        }
        let mut bill = Table::new(["bill", "for readers of .dlq and .outcomes"]);
        bill.row([self.bill.clone(), "set isolation.level=read_committed".to_owned()]);
        let wrong = (!self.wrong.is_empty()).then_some(wrong);
        [changes].into_iter().chain(wrong).chain([acls, bill]).collect()
    }
}
