//! `enqueue` with inputs and logs of every kind.
//! Not here: the reading of lines (`lines`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

use super::*;
use crate::ops::tests::{Mood, PaperLog, job, jobs};
use std::io::{BufReader, Cursor, Read};
use std::sync::mpsc;

async fn run(text: impl Into<Vec<u8>>, log: Option<&PaperLog>, strict: bool) -> (Enqueued, Vec<String>) {
    let mut told = Vec::new();
    let tell = |news: News<'_>| {
        told.push(match news {
            News::Fault(fault) => format!("line {}", fault.line),
            News::Done(count) => format!("done {count}"),
        });
    };
    let log = log.map(|it| -> &dyn JobLog { it });
    let ended = enqueue(Cursor::new(text.into()), log, EnqueueOptions { strict, ..EnqueueOptions::default() }, tell)
        .await
        .unwrap();
    (ended, told)
}

#[tokio::test]
async fn jobs_go_in_batches_of_five_hundred_in_their_order() {
    let log = PaperLog::new(Mood::Good);
    let (ended, told) = run(jobs(1_201), Some(&log), false).await;
    assert_eq!(log.batches(), [500, 500, 201]);
    assert_eq!(told, ["done 500", "done 1000", "done 1201"]);
    assert_eq!((ended.lines, ended.sound, ended.appended, ended.unsure, ended.malformed), (1_201, 1_201, 1_201, 0, 0));
    assert_eq!(ended.verdict(), Verdict::Complete);
}

#[tokio::test]
async fn a_batch_is_bounded_in_bytes_too() {
    let log = PaperLog::new(Mood::Good);
    let long = job("a", "1").replace("won", &"x".repeat(900_000)) + "\n";
    let (ended, _) = run(long.repeat(7), Some(&log), false).await;
    assert_eq!((log.batches(), ended.appended), (vec![5, 2], 7));
}

#[tokio::test]
async fn a_bad_line_is_told_and_the_others_are_sent() {
    let log = PaperLog::new(Mood::Good);
    let (ended, told) = run(format!("{}\n\nnonsense\n{}\n{{}}", job("a", "1"), job("a", "2")), Some(&log), false).await;
    assert_eq!(told, ["line 3", "line 5", "done 2"]);
    assert_eq!((ended.lines, ended.appended, ended.malformed, log.count()), (4, 2, 2, 2));
    assert_eq!((ended.faults[1].line, ended.verdict()), (5, Verdict::Partial));
}

#[tokio::test]
async fn a_strict_run_ends_at_the_first_bad_line_without_the_batch_it_stands_in() {
    let log = PaperLog::new(Mood::Good);
    let (ended, _) = run(format!("{}nonsense\n{}", jobs(502), jobs(900)), Some(&log), true).await;
    assert_eq!((log.count(), ended.appended, ended.lines), (500, 500, 503));
    assert_eq!((ended.stopped.as_ref().unwrap().cause, ended.verdict()), (StopCause::Strict, Verdict::Partial));
    let log = PaperLog::new(Mood::Good);
    let (ended, _) = run(format!("{}nonsense\n", jobs(3)), Some(&log), true).await;
    assert_eq!((log.count(), ended.verdict()), (0, Verdict::Failed));
}

#[tokio::test]
async fn without_a_log_jobs_are_only_checked() {
    let (ended, told) = run(format!("{}x\n", jobs(501)), None, false).await;
    assert_eq!((ended.sound, ended.appended, ended.malformed), (501, 0, 1));
    assert_eq!((told.last().unwrap().as_str(), ended.verdict()), ("done 501", Verdict::Partial));
    assert_eq!(run("x", None, false).await.0.verdict(), Verdict::Failed);
    assert_eq!(run("\n\n", None, false).await.0.verdict(), Verdict::Complete);
}

#[tokio::test]
async fn a_log_that_fails_ends_it_with_what_is_known_and_what_is_not() {
    let fault = AppendFault::Unavailable { what: "no broker answers".to_owned() };
    let log = PaperLog::new(Mood::Fails(fault));
    let (ended, _) = run(jobs(1_700), Some(&log), false).await;
    assert_eq!((ended.appended, ended.unsure, ended.verdict()), (0, 500, Verdict::LogFailed));
    let stopped = ended.stopped.unwrap();
    assert_eq!(stopped.cause, StopCause::Log);
    assert!(stopped.what.starts_with("no broker answers; "));
    let log = PaperLog::new(Mood::Fails(AppendFault::Saturated));
    assert_eq!(run(jobs(3), Some(&log), false).await.0.unsure, 0, "nothing was appended, and that is known");
}

#[tokio::test]
async fn a_log_that_never_answers_is_waited_for_until_the_deadline() {
    let log = PaperLog::new(Mood::Held);
    let options = EnqueueOptions { log_deadline: Duration::from_millis(20), ..EnqueueOptions::default() };
    let ended = enqueue(Cursor::new(jobs(600)), Some(&log), options, |_| {}).await.unwrap();
    assert_eq!((ended.unsure, ended.verdict()), (500, Verdict::LogFailed));
    assert!(ended.stopped.unwrap().what.contains("20ms"));
}

/// A pipe whose other end writes when the test says so.
struct Pipe(mpsc::Receiver<Vec<u8>>);

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Ok(bytes) = self.0.recv() else { return Ok(0) };
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

#[tokio::test]
async fn a_slow_pipe_is_not_held_back_until_a_batch_is_full() {
    let (writer, pipe) = mpsc::channel();
    let log = PaperLog::new(Mood::Good);
    let feed = async {
        writer.send(format!("{}\n", job("a", "1")).into_bytes()).unwrap();
        // Goes on only because the first line is in the log while the pipe is open.
        log.arrivals(1).await;
        writer.send(format!("{}\n", job("a", "2")).into_bytes()).unwrap();
        drop(writer);
    };
    let options = EnqueueOptions::default();
    let (ended, ()) = tokio::join!(enqueue(BufReader::new(Pipe(pipe)), Some(&log), options, |_| {}), feed);
    assert_eq!((ended.unwrap().appended, log.batches()), (2, vec![1, 1]));
}

#[tokio::test]
async fn an_input_that_breaks_off_has_its_jobs_sent_first() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk gone"))
        }
    }
    let log = PaperLog::new(Mood::Good);
    let reader = BufReader::new(Cursor::new(jobs(3)).chain(Broken));
    let ended = enqueue(reader, Some(&log), EnqueueOptions::default(), |_| {}).await.unwrap();
    assert_eq!((ended.appended, ended.verdict()), (3, Verdict::Partial));
    assert_eq!(ended.stopped.unwrap().cause, StopCause::Input);
}
