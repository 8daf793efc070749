//! `sluicegate pause` and `resume`: a command goes to Kafka itself, or to the instance that the embedded log belongs to.
//! Not here: what a wish means (`ops`), what is typed (`cli`).

use crate::app::jobs::KafkaJobs;
use crate::app::run::{loaded, settings, told};
use crate::app::status::with_instance;
use crate::app::world;
use crate::cli::Exit;
use crate::cli::args::{Changes, Global, Pause, Resume, Target};
use crate::cli::confirm::confirm;
use crate::cli::load::Loaded;
use crate::cli::output::{Output, complain, ended};
use crate::cli::pause::{wish_of_pause, wish_of_resume};
use crate::config::{LogKind, Settings};
use crate::model::{Command, Millis, Scope};
use crate::ops::{Act, AppendFault, Given, Wish, command, give, give_to_instance, planned};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn pause(global: &Global, args: &Pause, output: &mut Output) -> Exit {
    done(global, wish_of_pause(args), (&args.target, args.changes), output)
}

pub(super) fn resume(global: &Global, args: &Resume, output: &mut Output) -> Exit {
    done(global, wish_of_resume(args), (&args.target, args.changes), output)
}

fn done(
    global: &Global,
    asked: Result<(Act, Wish), String>,
    (target, changes): (&Target, Changes),
    output: &mut Output,
) -> Exit {
    let given = asked.map_err(|what| told(Exit::Usage, what)).and_then(|(act, wish)| {
        let command = command(act, &wish, now()).map_err(|fault| told(Exit::Usage, fault))?;
        let settings = settings(global)?;
        if act == Act::Pause {
            knows(global, command.scope())?;
        }
        if changes.dry_run {
            return Ok(planned(&command));
        }
        confirm(&format!("{} {}?", planned(&command).action, command.scope()), changes)?;
        match (settings.log.kind, &target.url) {
            (LogKind::Kafka, None) => give_to_kafka(&settings, &command),
            (LogKind::Embedded, None) | (_, Some(_)) => {
                let url = target.url.as_deref();
                with_instance(&settings, url, async |url, token| give_to_instance(url, (act, &wish), token).await)
            }
        }
    });
    given.map_or_else(|exit| exit, |it| ended(output.show(&it), Exit::Ok))
}

/// A pause of somebody who does not exist would be a false comfort; one that fails while a file of tenants is being
/// mended would be none at all.
fn knows(global: &Global, scope: &Scope) -> Result<(), Exit> {
    let all = match scope {
        Scope::All | Scope::Crm(_) => return Ok(()),
        Scope::Tenant(_) | Scope::Connection(_) => loaded(global),
    };
    let Ok((Loaded { settings: Settings { tenants, .. }, .. }, _)) = all else {
        complain(format!("so whether the configuration has {scope} is not known; it is taken as it was typed"));
        return Ok(());
    };
    let known = match scope {
        Scope::All | Scope::Crm(_) => true,
        Scope::Tenant(tenant) => tenants.contains_key(tenant),
        Scope::Connection(id) => {
            tenants.get(&id.tenant).is_some_and(|all| all.iter().any(|it| it.connection.id == *id))
        }
    };
    if known {
        return Ok(());
    }
    let what = format!("refused: the configuration has no {scope}; see the spelling, or name its file with --config");
    Err(told(Exit::Refused, what))
}

fn give_to_kafka(settings: &Settings, command: &Command) -> Result<Given, Exit> {
    let kafka = world::kafka_settings(settings);
    let kafka = kafka.map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
    let jobs = KafkaJobs::started(kafka).map_err(|fault| told(Exit::BadConfiguration, fault))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| told(Exit::Failure, error))?;
    let given = runtime.block_on(give(&jobs, command, settings.kafka.partitions));
    given.map_err(|fault| {
        let hint =
            "some shards may have been told: give it again, or see docs/operations.md, pausing without this program";
        told(exit_of(&fault), format!("{fault}; {hint}"))
    })
}

fn exit_of(fault: &AppendFault) -> Exit {
    match fault {
        AppendFault::Saturated | AppendFault::Unavailable { .. } => Exit::Kafka,
        AppendFault::Refused { .. } => Exit::Failure,
    }
}

fn now() -> Millis {
    Millis(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
