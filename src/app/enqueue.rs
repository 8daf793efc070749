//! `sluicegate enqueue`: jobs from a file or stdin go into the log.
//! Not here: what a sound job is (`ops`).

use crate::app::jobs::KafkaJobs;
use crate::app::run::{settings, told};
use crate::app::world;
use crate::cli::Exit;
use crate::cli::args::{Enqueue, Global};
use crate::cli::output::{Output, Shown, Table, complain, ended};
use crate::cli::progress::Progress;
use crate::config::{LogKind, Settings};
use crate::ops::{EnqueueOptions, Enqueued, JobLog, News, Verdict, enqueue as enqueue_lines};
use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::Path;
use std::time::Instant;

pub(super) fn enqueue(global: &Global, args: &Enqueue, output: &mut Output) -> Exit {
    let done = settings(global).and_then(|settings| enqueue_with(&settings, args));
    match done {
        Ok(sum) => {
            if let Some(stopped) = &sum.stopped {
                complain(&stopped.what);
            }
            let exit = exit_of(&sum);
            ended(output.show(&sum), exit)
        }
        Err(exit) => exit,
    }
}

fn enqueue_with(settings: &Settings, args: &Enqueue) -> Result<Enqueued, Exit> {
    let reader = open(&args.file).map_err(|error| {
        told(
            Exit::Failure,
            format!("{} cannot be read: {error}; name a file of jobs, one JSON per line, or -", args.file.display()),
        )
    })?;
    let log = if args.dry_run { None } else { Some(log(settings)?) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| told(Exit::Failure, error))?;
    let mut progress = Progress::start("jobs", None, Instant::now());
    let tell = |news: News<'_>| match news {
        News::Fault(fault) => complain(format!("line {}: {}; {}", fault.line, fault.what, fault.hint)),
        News::Done(count) => progress.set(count, Instant::now()),
    };
    let log = log.as_ref().map(|it| it as &dyn JobLog);
    let sum = runtime.block_on(enqueue_lines(reader, log, EnqueueOptions::default(), tell));
    progress.finish();
    sum.map_err(|error| told(Exit::Failure, error))
}

fn log(settings: &Settings) -> Result<KafkaJobs, Exit> {
    match settings.log.kind {
        LogKind::Kafka => {
            let kafka = world::kafka_settings(settings);
            let kafka = kafka.map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
            kafka.check().map_err(|fault| told(Exit::BadConfiguration, fault))?;
            Ok(KafkaJobs::new(kafka))
        }
        LogKind::Embedded => Err(told(
            Exit::Refused,
            format!(
                "refused: the embedded log belongs to the instance that runs on it; hand jobs to that one: \
                 curl --data-binary @jobs.ndjson -H 'content-type: application/x-ndjson' http://{}/v1/jobs",
                settings.http.listen
            ),
        )),
    }
}

fn open(file: &Path) -> std::io::Result<Box<dyn BufRead + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(stdin())));
    }
    Ok(Box::new(BufReader::new(File::open(file)?)))
}

fn exit_of(sum: &Enqueued) -> Exit {
    match sum.verdict() {
        Verdict::Complete => Exit::Ok,
        Verdict::Partial => Exit::Partial,
        Verdict::Failed => Exit::Failure,
        Verdict::LogFailed => Exit::Kafka,
    }
}

impl Shown for Enqueued {
    fn tables(&self) -> Vec<Table> {
        let mut table = Table::new(["lines", "sound", "in the log", "unsure", "malformed"]);
        table.row([self.lines, self.sound, self.appended, self.unsure, self.malformed].map(|it| it.to_string()));
        vec![table]
    }
}
