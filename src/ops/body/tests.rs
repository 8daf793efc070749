//! Bodies of every shape: one job, lines, and what is neither.
//! Not here: HTTP (`web`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

use super::*;
use crate::ops::tests::{job, jobs};
use proptest::prelude::*;

const ALL: [Declared; 3] = [Declared::Lines, Declared::Json, Declared::Nothing];

fn read(text: impl Into<Vec<u8>>, declared: Declared) -> Result<Vec<NewJob>, BodyFault> {
    read_jobs(&Bytes::from(text.into()), declared)
}

fn faults(text: impl Into<Vec<u8>>, declared: Declared) -> Faults {
    match read(text, declared) {
        Err(BodyFault::Lines(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

/// The job over several lines, as people write it.
fn spread() -> String {
    job("acme", "1").replace(',', ",\n  ")
}

#[test]
fn one_job_may_spread_over_lines_unless_lines_are_declared() {
    let trimmed = spread();
    for declared in [Declared::Json, Declared::Nothing] {
        let jobs = read(format!("\n {trimmed}\n"), declared).unwrap();
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0].value, trimmed.as_bytes());
        assert_eq!(jobs[0].key(), "acme");
    }
    assert_eq!(faults(trimmed.clone(), Declared::Lines).total, trimmed.lines().count() as u64);
}

#[test]
fn lines_are_jobs_in_their_order_whatever_is_declared() {
    for declared in ALL {
        let found = read(format!("\u{feff}{}\r\n\n  {}", job("a", "1"), job("b", "2")), declared).unwrap();
        let tenants: Vec<_> = found.iter().map(|it| it.tenant.to_string()).collect();
        assert_eq!(tenants, ["a", "b"], "{declared:?}");
        assert_eq!(found[1].value, job("b", "2").as_bytes());
    }
}

#[test]
fn every_line_that_is_no_job_is_named_with_what_to_do() {
    let body = format!("{{\n\n{}\n[]\n{{}}\n\"\"\n", job("a", "1"));
    let faults = faults(body, Declared::Lines);
    let lines: Vec<u64> = faults.faults.iter().map(|it| it.line).collect();
    assert_eq!((faults.total, lines.as_slice()), (4, &[1, 4, 5, 6][..]));
    assert!(faults.faults[0].hint.contains("one JSON object"));
    assert!(faults.faults[2].what.contains("tenant_id") && faults.faults[2].hint.contains("idempotency_key"));
    assert!(faults.faults.iter().all(|it| !it.what.is_empty() && !it.hint.is_empty()));
}

#[test]
fn nothing_at_all_is_a_fault_and_so_is_an_array_of_jobs() {
    for declared in ALL {
        for empty in ["", "\n", " \r\n\t\n", "\u{feff}"] {
            assert_eq!(faults(empty, declared).total, 1, "{declared:?} {empty:?}");
        }
        assert_eq!(faults(format!("[{}]", job("a", "1")), declared).total, 1);
    }
}

#[test]
fn a_job_over_a_mebibyte_is_a_fault_of_its_line_alone() {
    let long = job("a", "1").replace("won", &"x".repeat(1 << 20));
    let faults = faults(format!("{}\n{long}\n{}", job("a", "2"), job("a", "3")), Declared::Nothing);
    assert_eq!((faults.total, faults.faults[0].line), (1, 2));
    assert!(faults.faults[0].hint.contains("1 MiB"));
}

#[test]
fn faults_beyond_a_thousand_are_counted_only() {
    let faults = faults("x\n".repeat(FAULTS_MAX + 5), Declared::Lines);
    assert_eq!((faults.total, faults.faults.len()), (FAULTS_MAX as u64 + 5, FAULTS_MAX));
}

#[test]
fn ten_thousand_jobs_are_taken_and_one_more_is_not() {
    assert_eq!(read(jobs(JOBS_MAX), Declared::Lines).unwrap().len(), JOBS_MAX);
    assert_eq!(read(jobs(JOBS_MAX + 1), Declared::Lines), Err(BodyFault::TooMany));
}

#[test]
fn no_value_of_a_payload_is_in_a_fault() {
    let secret = "hunter2";
    let bad = job("a", "1").replace("\"properties\"", "\"property\"").replace("won", secret);
    let told = format!("{:?} {:?}", faults(bad, Declared::Json), faults(format!("{secret}: {{"), Declared::Json));
    assert!(!told.contains(secret), "{told}");
}

proptest! {
    #[test]
    fn any_bytes_are_jobs_or_faults_and_each_line_is_one_of_them(
        lines in proptest::collection::vec(
            prop_oneof![Just(job("a", "1").into_bytes()), Just(Vec::new()), proptest::collection::vec(any::<u8>(), 0..40)],
            0..20,
        ),
        which in 0..ALL.len(),
    ) {
        let body = lines.join(&b'\n');
        let filled = body.split(|it| *it == b'\n').filter(|it| !it.trim_ascii().is_empty()).count() as u64;
        match read(body, ALL[which]) {
            Ok(jobs) => prop_assert!(jobs.len() as u64 <= filled.max(1)),
            Err(BodyFault::Lines(faults)) => prop_assert!((1..=filled.max(1)).contains(&faults.total)),
            Err(BodyFault::TooMany) => prop_assert!(false),
        }
    }
}
