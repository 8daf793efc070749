//! A CRM that is away altogether, for longer than all retries of a job together.
//! Not here: one account that fails (`neighbours`), refused credentials (`held`); three minutes of it
//! (`benches/whole`).

use crate::stage::{Stage, jobs, judge};
use sluicegate::simulated::hubspot::{Fault, FaultRule};
use std::time::{Duration, Instant};

const TENANTS: usize = 20;
/// A job of each tenant, this often: 200 jobs a second.
const EVERY: Duration = Duration::from_millis(100);
/// How many of these before the outage, during it, and after it. 40 s are more than the five delays of a job that begin
/// with a second: 37 s at their longest.
const ROUNDS: [usize; 3] = [30, 400, 30];

#[test]
fn a_crm_that_is_away_for_longer_than_all_retries_of_a_job_kills_none_of_a_steady_stream() {
    let mut stage = Stage::new("outage", TENANTS);
    stage.retry_base = "1s";
    let all = jobs(&stage.tenants, 200, TENANTS * ROUNDS.iter().sum::<usize>());
    let mut outcomes = stage.outcomes();
    let process = stage.run("one", None);
    let mut rounds = all.chunks(TENANTS);
    let mut stream = |count| {
        let mut next = Instant::now();
        for round in rounds.by_ref().take(count) {
            stage.send(round);
            next += EVERY;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    };
    let [before, during, after] = ROUNDS;
    stream(before);
    let calls = stage.hubspot.calls();
    stage.hubspot.faults(&[FaultRule::always(Fault::Status { status: 503, retry_after_s: None })]);
    stream(during / 2);
    stage.hubspot.faults(&[FaultRule::always(Fault::Drop)]);
    stream(during - during / 2);
    let held = process.status()["holds"].as_array().unwrap().len();
    let calls = stage.hubspot.calls() - calls;
    stage.hubspot.faults(&[]);
    let back = Instant::now();
    stream(after);
    outcomes.await_exactly(all.len(), Duration::from_secs(120));
    eprintln!("{held} held, {calls} calls in vain; all applied {:?} after the CRM came back", back.elapsed());
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0);
    assert_eq!(judge(&stage, &all, &outcomes.read, &[]).repeated, 0);
    assert_eq!(held, TENANTS);
    process.stop();
}
