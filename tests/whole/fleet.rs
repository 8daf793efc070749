//! Three instances of which one is killed, one joins and one is frozen: as if one had run all the time.
//! Not here: what a single one does after a kill (`crashes`).

use crate::stage::{Stage, Tap, jobs, judge, now_us};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const JOBS: usize = 4_000;
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a session: others have taken over when the sleeper wakes.
const FROZEN: Duration = Duration::from_secs(40);
/// Longer than a call takes: what was sent before has landed.
const LANDING: Duration = Duration::from_secs(1);

#[test]
fn a_fleet_that_loses_gains_and_freezes_instances_leaves_the_crm_as_one_process_would() {
    let stage = Stage::new("fleet", 12);
    let taps = ["one", "two", "three"].map(|_| Tap::before(&stage.hubspot.url));
    let all = jobs(&stage.tenants, 60, JOBS);
    let mut outcomes = stage.outcomes();
    // When something was lost that may have called without committing; a shard that is handed over repeats nothing.
    let mut lives = Vec::new();
    let over = AtomicBool::new(false);
    // Jobs come all the time; the last of them when everything has happened.
    let feed = || {
        for some in all.chunks(20) {
            stage.send(some);
            if !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(450));
            }
        }
    };
    std::thread::scope(|scope| {
        let mut one = stage.run_over("one", None, &taps[0].url);
        let mut two = stage.run_over("two", None, &taps[1].url);
        scope.spawn(feed);
        for (process, tap) in [(&mut one, &taps[0]), (&mut two, &taps[1])] {
            process.await_alive("its first calls", PATIENCE, |_| 3 < tap.requests().len());
        }
        two.kill();
        let killed = Instant::now();
        std::thread::sleep(LANDING);
        lives.push(now_us());
        let mut three = stage.run_over("three", None, &taps[2].url);
        three.await_alive("the calls of who joined", PATIENCE, |_| 3 < taps[2].requests().len());
        eprintln!("one killed, one joined: its first calls {:?} after the kill", killed.elapsed());

        // Slow answers, so that the sleeper falls asleep with calls out and jobs in hand.
        stage.hubspot.change(&json!({ "latency": { "min_ms": 400, "max_ms": 600 } }));
        std::thread::sleep(Duration::from_secs(2));
        one.signal("STOP");
        std::thread::sleep(LANDING);
        lives.push(now_us());
        std::thread::sleep(FROZEN - LANDING);
        let (asleep, waking) = (taps[0].requests().len(), one.log().len());
        one.signal("CONT");
        let woken = Instant::now();
        over.store(true, Ordering::Relaxed);
        one.await_alive("its calls after waking", PATIENCE, |_| asleep < taps[0].requests().len());
        eprintln!("{:?} after waking", woken.elapsed());
        let first_call = taps[0].requests()[asleep].at_us;
        let log = one.log()[waking..].to_owned();
        let owner_again = log.lines().find(|it| it.contains("shard restored: reading jobs"));
        let owner_again = owner_again.unwrap_or_else(|| panic!("it called for shards that it had lost:\n{log}"));
        let at: jiff::Timestamp = owner_again.split(' ').next().unwrap().parse().unwrap();
        assert!(u64::try_from(at.as_microsecond()).unwrap() < first_call, "it called before it owned a shard:\n{log}");
        outcomes.await_exactly(JOBS, PATIENCE);
        one.stop();
        three.stop();
    });
    let effects = judge(&stage, &all, &outcomes.read, &lives);
    assert!(effects.repeated < 400, "{effects:?}");
    assert_eq!(stage.dead_letters().look(Duration::from_secs(1)), 0);
    eprintln!("one killed, one joined, one frozen for {FROZEN:?}: {effects:?}");
}
