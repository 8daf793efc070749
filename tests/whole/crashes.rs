//! Twenty kills in the middle of work, at named seams and at random: nothing lost, nothing out of order, nothing
//! repeated but what was called and not committed.
//! Not here: a second instance that takes over (`fleet`).

use crate::stage::{Running, Stage, jobs, judge, now_us};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sluicegate::simulated::hubspot::{Fault, FaultRule};
use std::time::{Duration, Instant};

const JOBS: usize = 5_000;
const KILLS: usize = 20;
/// Longer than a call takes: what a dead process sent has arrived before the next one starts.
const LANDING: Duration = Duration::from_millis(60);

/// Where the process ends; none: at random, by `kill -9`.
const ENDS: [Option<&str>; KILLS] = [
    None,
    Some("before_call:3"),
    None,
    Some("after_call:2"),
    None,
    Some("after_produce:2"),
    None,
    Some("after_commit:2"),
    None,
    Some("during_restore:1"),
    None,
    Some("before_call:9"),
    None,
    Some("after_call:7"),
    None,
    Some("after_produce:4"),
    None,
    Some("after_commit:4"),
    None,
    Some("during_restore:6"),
];

#[test]
fn after_twenty_kills_the_crm_is_as_after_a_sequential_run() {
    let stage = Stage::new("crashes", 8);
    let all = jobs(&stage.tenants, 60, JOBS);
    // Some calls fail, so that deliveries wait and retry across the kills; nothing is applied by these.
    let failing = FaultRule::always(Fault::Status { status: 503, retry_after_s: None }).share(0.03, 7);
    stage.hubspot.faults(&[failing]);
    let mut dice = StdRng::seed_from_u64(20);
    let mut outcomes = stage.outcomes();
    let (mut lives, mut first_calls, mut restores) = (Vec::new(), Vec::new(), Vec::new());
    let per_life = JOBS / KILLS;
    stage.enqueue(&all[..per_life / 2]);
    for (life, end) in ENDS.into_iter().enumerate() {
        if end.is_some_and(|it| it.starts_with("during_restore")) {
            stage.forget_state("one");
        }
        let from = life * per_life + per_life / 2;
        let later = &all[from..(from + per_life).min(JOBS)];
        let calls = stage.hubspot.calls();
        let born = Instant::now();
        lives.push(now_us());
        let mut process = stage.run("one", end);
        let feed = || {
            later.chunks(25).for_each(|some| {
                stage.send(some);
                std::thread::sleep(Duration::from_millis(40));
            })
        };
        match end {
            None => {
                process.await_alive("its first call", Duration::from_secs(60), |_| calls < stage.hubspot.calls());
                first_calls.push(born.elapsed());
                restores.extend(process.restore_time());
                std::thread::scope(|scope| {
                    scope.spawn(feed);
                    std::thread::sleep(Duration::from_millis(dice.random_range(0..600)));
                    process.kill();
                });
            }
            Some(point) => {
                feed();
                await_its_end(process, point);
            }
        }
        std::thread::sleep(LANDING);
    }
    lives.push(now_us());
    let process = stage.run("one", None);
    outcomes.await_exactly(JOBS, Duration::from_secs(60));
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0);
    let effects = judge(&stage, &all, &outcomes.read, &lives);
    assert!(0 < effects.repeated, "no kill lost a commit: {effects:?}");
    process.stop();
    eprintln!(
        "{KILLS} kills: {effects:?}; start to first call: {}; restore: {}",
        spread(first_calls),
        spread(restores)
    );
}

fn await_its_end(mut process: Running, point: &str) {
    let ended = process.await_end(Duration::from_secs(30));
    let ended = ended.unwrap_or_else(|| panic!("{point} was never reached:\n{}", process.tail()));
    assert_eq!(ended.code(), None, "{point}: it ended by itself ({ended}):\n{}", process.tail());
}

fn spread(mut spans: Vec<Duration>) -> String {
    spans.sort();
    format!("median {:?}, most {:?}", spans[spans.len() / 2], spans[spans.len() - 1])
}
