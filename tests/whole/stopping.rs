//! The end of a process that is asked to stop.
//! Not here: ends that nobody asked for (`crashes`).

use crate::stage::{Stage, jobs, judge};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn a_process_asked_to_stop_ends_well_and_the_next_one_repeats_nothing() {
    let stage = Stage::new("stopping", 4);
    let all = jobs(&stage.tenants, 40, 1_200);
    stage.hubspot.change(&json!({ "latency": { "min_ms": 30, "max_ms": 120 } }));
    stage.enqueue(&all[..600]);
    for part in all[600..].chunks(200) {
        let calls = stage.hubspot.calls();
        let mut process = stage.run("one", None);
        process.await_alive("a few calls", Duration::from_secs(60), |_| calls + 10 < stage.hubspot.calls());
        stage.send(part);
        process.stop();
    }
    let process = stage.run("one", None);
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(all.len(), Duration::from_secs(60));
    assert_eq!(judge(&stage, &all, &outcomes.read, &[]).repeated, 0);
    process.stop();
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let stage = Stage::new("at-once", 1);
    stage.hubspot.change(&json!({ "latency": { "min_ms": 8_000, "max_ms": 8_000 } }));
    stage.send(&jobs(&stage.tenants, 1, 1));
    let mut process = stage.run("one", None);
    process.await_alive("its first call", Duration::from_secs(60), |_| 0 < stage.hubspot.calls());
    process.signal("TERM");
    assert_eq!(process.await_end(Duration::from_secs(1)), None, "it waits for the call that is out");
    let asked = Instant::now();
    process.signal("TERM");
    let ended = process.await_end(Duration::from_secs(5)).expect("an end at once");
    assert_eq!(ended.code(), Some(1), "{}", process.tail());
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}
